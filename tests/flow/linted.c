/* SPDX-License-Identifier: GPL-2.0-or-later */
/* linted.c - Random documents linted, and each finding held against eval. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differ.h"
#include "document.h"
#include "eval.h"
#include "generate.h"
#include "lint.h"

/*
 * A rule that never matches decides no random flow, and without it the policy
 * means the same; so it does without a rule that has no effect. And a rule
 * that decides no flow of many may still match: of those nothing is known.
 *
 * Where there are secrets, a flow that is allowed and not read is to a port
 * that is told of, and to each range of those some flow is allowed.
 */

#define DOCUMENTS 150u
#define FLOWS	  200u

/** struct tally - What was counted so far */
struct tally {
	size_t never;
	size_t vain;
	size_t unread;
	size_t failed;
};

static void fail(struct tally *t, uint64_t seed, const char *what,
		 const char *pointer)
{
	printf("seed %llu: %s: %s\n", (unsigned long long)seed, pointer, what);
	t->failed++;
}

/* The policy without the rules of a pointer. */
static struct policy without(struct arena *a, const struct policy *p,
			     const char *pointer)
{
	struct policy q = *p;
	enum policy_direction dir;
	size_t i;

	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		const struct policy_walk *w = &p->walk[dir];
		struct policy_rule *v =
			arena_array(a, w->n, struct policy_rule);

		q.walk[dir].rules = v;
		q.walk[dir].n = 0;
		for (i = 0; i < w->n; i++)
			if (strcmp(w->rules[i].pointer, pointer) != 0)
				v[q.walk[dir].n++] = w->rules[i];
	}
	return q;
}

/* Rules about names that are hidden are seen by differ() still, which says so
 * of documents that mean the same; but it finds no flow or query. */
static bool means_the_same(struct arena *a, const struct policy *p,
			   const struct policy *q)
{
	struct differ_side x, y;
	struct differ d;

	differ_side_of(a, p, &x);
	differ_side_of(a, q, &y);
	return differ(a, &x, &y, &d) && !d.n_flows && !d.n_queries &&
	       (d.same || d.n_names);
}

static void check(struct tally *t, struct generator *g, uint64_t seed,
		  const struct policy *p, const struct diag *d)
{
	ARENA(a);
	const bool never = d->code == DIAG_LINT_SHADOWED ||
			   d->code == DIAG_LINT_REDUNDANT ||
			   d->code == DIAG_LINT_UNPUBLISHED;
	struct policy q;
	size_t i;

	if (!never && d->code != DIAG_LINT_NO_EFFECT)
		return;
	q = without(&a, p, d->pointer);
	if (!means_the_same(&a, p, &q))
		fail(t, seed, "without it the policy means something else",
		     d->pointer);
	for (i = 0; never && i < FLOWS; i++) {
		const struct flow f = generate_flow(&a, g, p);
		const struct verdict v = eval(&a, p, &f);

		if (strcmp(v.pointer, d->pointer) == 0)
			fail(t, seed, flow_format(&a, &f), d->pointer);
	}
	t->never += never;
	t->vain += !never;
}

/* --- what is not read --- */

/* Whether the list of a message, "80, 443, 8000-9000 and 3 more, allowed by",
 * has this port, or was cut short. */
static bool tells_of(const char *message, uint16_t port)
{
	const char *p = strpbrk(message, "0123456789");
	unsigned long lo, hi;
	char *end;

	for (;; p = end + strlen(", ")) {
		lo = strtoul(p, &end, 10);
		if (end == p)
			return false;
		hi = *end == '-' ? strtoul(end + 1, &end, 10) : lo;
		if (port >= lo && port <= hi)
			return true;
		if (*end == ' ')
			return true;
	}
}

static bool unread(const struct policy *p, const struct flow *f)
{
	return f->kind == FLOW_EGRESS && f->has_port && f->port &&
	       (f->proto == IPPROTO_TCP || f->proto == IPPROTO_UDP) &&
	       !(f->proto == IPPROTO_TCP && eval_takes(p, f->port)) &&
	       !(f->port == 53 && p->dns == POLICY_DNS_HELPER);
}

static const struct diag *finding(const struct diags *d, enum diag_code code)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->v[i].code == code)
			return &d->v[i];
	return NULL;
}

static bool allowed_at(struct arena *a, const struct policy *p, struct ip ip,
		       uint8_t proto, uint16_t port)
{
	const struct flow f = {
		.kind = FLOW_EGRESS,
		.ip = ip,
		.proto = proto,
		.has_port = true,
		.port = port,
		.sni_kind = FLOW_SNI_NONE,
	};

	return eval(a, p, &f).allow;
}

/* Whether some flow to a port is allowed: at an end of a rule's addresses, or
 * beside it, if anywhere. A rule about names may allow it at any. */
static bool allowed_somewhere(struct arena *a, const struct policy *p,
			      uint8_t proto, uint16_t port)
{
	const struct policy_walk *w = &p->walk[POLICY_EGRESS];
	enum ip_family family;
	enum group group;
	size_t i;

	for (i = 0; i < w->n; i++) {
		const struct config_dest *dest = &w->rules[i].dest;

		if (policy_is_name(dest) && w->rules[i].allow &&
		    policy_rule_serves(&w->rules[i],
				       proto == IPPROTO_TCP ? CONFIG_TCP
							    : CONFIG_UDP,
				       port))
			return true;
		if (dest->kind != CONFIG_DEST_RANGE)
			continue;
		family = dest->range.family;
		if (allowed_at(a, p, (struct ip){family, dest->range.lo}, proto,
			       port) ||
		    allowed_at(a, p, (struct ip){family, dest->range.hi}, proto,
			       port) ||
		    allowed_at(a, p,
			       (struct ip){family, (dest->range.hi + 1) &
							   ip_max(family)},
			       proto, port))
			return true;
	}
	for (group = 0; group < GROUP_COUNT; group++) {
		const struct ip_set set =
			group_set(a, group, p->slot.gw4, p->slot.gw6);

		for (i = 0; i < set.n; i++)
			if (allowed_at(
				    a, p,
				    (struct ip){set.v[i].family, set.v[i].lo},
				    proto, port))
				return true;
	}
	return false;
}

static void check_unread(struct tally *t, struct generator *g, uint64_t seed,
			 const struct policy *p, const struct diags *d)
{
	const struct diag *told[2] = {finding(d, DIAG_LINT_UNREAD_TCP),
				      finding(d, DIAG_LINT_UNREAD_UDP)};
	size_t i, n;

	if (!p->config->n_secrets) {
		if (told[0] || told[1])
			fail(t, seed, "there are no secrets", "/Secrets");
		return;
	}
	for (i = 0; i < (size_t)4 * FLOWS; i++) {
		ARENA(a);
		const struct flow f = generate_flow(&a, g, p);
		const struct diag *about = told[f.proto == IPPROTO_UDP];

		if (!unread(p, &f) || !eval(&a, p, &f).allow)
			continue;
		t->unread++;
		if (!about || !tells_of(about->message, f.port))
			fail(t, seed, flow_format(&a, &f),
			     about ? about->message : "not told of");
	}
	for (n = 0; n < 2; n++) {
		const uint8_t proto = n ? IPPROTO_UDP : IPPROTO_TCP;
		ARENA(a);

		for (i = 1; told[n] && i < 65536; i++) {
			if (!tells_of(told[n]->message, (uint16_t)i) ||
			    strstr(told[n]->message, " more, allowed by "))
				continue;
			/* Of a range its first. */
			if (i > 1 &&
			    tells_of(told[n]->message, (uint16_t)(i - 1)))
				continue;
			if (!allowed_somewhere(&a, p, proto, (uint16_t)i))
				fail(t, seed, "nothing is allowed there",
				     told[n]->message);
		}
	}
}

int main(void)
{
	struct tally t = {0};
	uint64_t seed;

	for (seed = 1; seed <= DOCUMENTS; seed++) {
		ARENA(a);
		struct generator g = {.state = seed};
		const char *text = generate_document(&a, &g);
		struct diags d = {.arena = &a, .file = "random", .text = text};
		const uint32_t slot = generate_below(&g, 64);
		struct lint_counts counts;
		struct compiled c;
		size_t i;

		d.len = strlen(text);
		if (!document_compile(&a, "random", text, d.len, slot, "test",
				      &c)) {
			fail(&t, seed, "not compiled", text);
			continue;
		}
		lint(&d, &c.policy, &counts);
		for (i = 0; i < d.n; i++)
			check(&t, &g, seed, &c.policy, &d.v[i]);
		check_unread(&t, &g, seed, &c.policy, &d);
	}
	printf("%zu rules never match, %zu have no effect, %zu flows are not "
	       "read, %zu failed\n",
	       t.never, t.vain, t.unread, t.failed);
	return t.failed || t.never < 100 || t.vain < 100 || t.unread < 100 ? 1
									   : 0;
}
