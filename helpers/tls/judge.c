/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judge.c - What becomes of a flow that msb-tlsd carries. */
#include "judge.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "eval.h"

/*
 *			no name would	without a	with the name
 *			be allowed	name allowed	allowed
 *	TLSD_EARLY	deny		splice; else	(not known)
 *					wait
 *	TLSD_PLAIN	deny		splice; else	(there is none)
 *					deny
 *	TLSD_HELLO	deny		the same as	splice, intercept if
 *			(no SNI)	the next	the port is; else deny
 *
 * Where there are secrets nothing goes on unread but what Bypass says: what is
 * allowed on port 80 is not spliced but read, and what is not TLS on a port
 * where TLS is intercepted is denied, so that nobody is dialled before it is
 * seen to be TLS.
 *
 * A pair of sets belongs to neighbouring rules that are the same but for their
 * names. Whose an address is among these, the kernel tells where one name alone
 * has it; where several share it, it counts for each rule of the pair.
 */

/* A name that no rule is about. */
static const uint8_t root[] = {0};

/* What TCP reaches through no uplink: the kernel would not forward it either.
 * The link itself ends at the host, which must not be met this way. */
static const char unreachable[] = "always:unreachable";

/* A placeholder in it would not be found. */
static const char unreadable[] = "always:unreadable";

static const char unknown_pins[] = "always:pins";

/**
 * struct asking - One flow while it is judged
 * @j:		who judges
 * @ip:		its address
 * @set:	pair of sets that was asked for last, by its index
 * @pinned:	whether the address is in it
 * @pin:	who has it there
 * @failed:	nobody knew
 */
struct asking {
	const struct judge *j;
	struct ip ip;
	uint16_t set;
	bool pinned;
	struct judge_pin pin;
	bool failed;
};

/* Neighbouring rules share sets, so the last answer serves many. */
static bool look_up(struct asking *a, uint16_t set)
{
	int rc;

	if (a->set == set)
		return a->pinned;
	a->pin = (struct judge_pin){0};
	rc = a->j->get(a->j->context, &a->j->conf->walk.pin_sets[set], a->ip,
		       &a->pin);
	a->failed |= rc < 0;
	a->set = set;
	a->pinned = rc > 0;
	return a->pinned;
}

/* Asked by eval_decide(). */
static bool is_pinned(void *context, const struct policy_rule *r)
{
	struct asking *a = context;
	const struct tls_conf *c = a->j->conf;
	const struct policy_rule *first =
		c->walk.policy.walk[POLICY_EGRESS].rules;
	const uint16_t set = c->rule_set[r - first];

	if (set == TLS_NO_SET || !look_up(a, set))
		return false;
	return !a->pin.name.len || a->pin.others ||
	       eval_selects(r, a->pin.name);
}

static bool is_wire(const uint8_t *wire, size_t len)
{
	size_t at = 0, i;

	while (at < len && wire[at]) {
		if (wire[at] > 63 || at + 1 + wire[at] >= len)
			return false;
		for (i = 1; i <= wire[at]; i++)
			if (wire[at + i] >= 'A' && wire[at + i] <= 'Z')
				return false;
		at += 1u + wire[at];
	}
	return at + 1 == len;
}

static bool is_zero(const uint8_t *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (v[i])
			return false;
	return true;
}

bool judge_is_sane(const struct tlsd_ask *ask)
{
	if (ask->next > 1 || ask->dial > 1 || ask->attempt > 1 ||
	    (ask->next && ask->dial) || ask->stage > TLSD_HELLO || !ask->port)
		return false;
	if (ask->family != IP_V6 &&
	    (ask->family != IP_V4 || !is_zero(ask->address + 4, 12)))
		return false;
	if (!ask->name_len)
		return true;
	return ask->stage == TLSD_HELLO && ask->name_len > 1 &&
	       is_wire(ask->name, ask->name_len);
}

struct ip judge_address(const struct tlsd_ask *ask)
{
	return ip_from_bytes(ask->family == IP_V4 ? IP_V4 : IP_V6,
			     ask->address);
}

static bool is_reachable(const struct tls_conf *c, struct ip ip)
{
	switch (group_of(ip, c->walk.gw4, c->walk.gw6)) {
	case GROUP_HOST:
	case GROUP_METADATA:
	case GROUP_PRIVATE:
	case GROUP_PUBLIC:
		return true;
	case GROUP_LINK_LOCAL:
		return ip.family == IP_V4;
	case GROUP_NONE:
	case GROUP_LOOPBACK:
	case GROUP_MULTICAST:
	case GROUP_COUNT:
		break;
	}
	return false;
}

static void deny(struct tlsd_answer *ret, const char *pointer)
{
	ret->verdict = TLSD_DENY;
	snprintf(ret->pointer, sizeof(ret->pointer), "%s", pointer);
}

static bool denied_by_name(const struct tls_conf *c, struct dname name,
			   struct tlsd_answer *ret)
{
	struct walk_denied denied;

	if (!walk_conf_denies(&c->walk, name, &denied))
		return false;
	ret->verdict = TLSD_DENY;
	snprintf(ret->pointer, sizeof(ret->pointer), "%s/%" PRIu32,
		 denied.pointer, denied.index);
	return true;
}

/* The same where there is no name, by the sets that denied names have. */
static bool denied_by_pin(struct asking *a, struct tlsd_answer *ret)
{
	const struct tls_conf *c = a->j->conf;
	size_t i;

	for (i = 0; i < c->walk.n_pin_sets; i++) {
		if (c->walk.pin_sets[i].names != CONFIG_TRUE ||
		    !look_up(a, (uint16_t)i))
			continue;
		if (a->pin.name.len && denied_by_name(c, a->pin.name, ret))
			return true;
		if (a->pin.name.len && !a->pin.others)
			continue;
		deny(ret, "/DenyDomains");
		return true;
	}
	return false;
}

/* Whether there can be a name with which the flow is allowed. */
static bool may_wait(struct asking *a, struct flow *f)
{
	const struct policy_walk *w =
		&a->j->conf->walk.policy.walk[POLICY_EGRESS];
	size_t i;

	f->sni_kind = FLOW_SNI_NAME;
	f->sni = (struct dname){root, sizeof(root)};
	if (eval_decide(&a->j->conf->walk.policy, f).allow)
		return true;
	for (i = 0; i < w->n; i++)
		if (w->rules[i].allow && policy_is_name(&w->rules[i].dest) &&
		    is_pinned(a, &w->rules[i]))
			return true;
	return false;
}

/* The one name that the address is pinned to, in whatever set. */
static void find_leaf(struct asking *a, struct tlsd_answer *ret)
{
	struct judge_pin only = {0};
	size_t i;

	for (i = 0; i < a->j->conf->walk.n_pin_sets; i++) {
		if (!look_up(a, (uint16_t)i))
			continue;
		if (!a->pin.name.len || a->pin.others)
			return;
		if (only.name.len && !dname_equal(only.name, a->pin.name))
			return;
		memcpy(only.wire, a->pin.name.wire, a->pin.name.len);
		only.name = (struct dname){only.wire, a->pin.name.len};
	}
	ret->leaf_len = only.name.len;
	memcpy(ret->leaf, only.wire, only.name.len);
}

static void judge_allowed(struct asking *a, const struct tlsd_ask *ask,
			  struct dname name, struct tlsd_answer *ret)
{
	const struct policy *p = &a->j->conf->walk.policy;
	const bool secrets = p->config->n_secrets > 0;

	ret->verdict = TLSD_SPLICE;
	if (!eval_intercepts(p, ask->port)) {
		if (ask->stage != TLSD_EARLY && eval_reads(p, ask->port))
			ret->verdict = TLSD_READ;
		return;
	}
	if (ask->stage == TLSD_EARLY) {
		if (secrets)
			ret->verdict = TLSD_WAIT;
		return;
	}
	if (ask->stage == TLSD_PLAIN) {
		if (secrets)
			deny(ret, unreadable);
		return;
	}
	ret->verdict = TLSD_INTERCEPT;
	if (!name.len) {
		find_leaf(a, ret);
		name = (struct dname){ret->leaf, ret->leaf_len};
	}
	if (!name.len || !eval_bypasses(p, name))
		return;
	/* Also where nothing but the pin says whose the address is: what is
	 * not to be opened is not. */
	ret->verdict = TLSD_SPLICE;
	ret->bypass = 1;
	ret->leaf_len = 0;
}

static void judge_rules(struct asking *a, const struct tlsd_ask *ask,
			struct dname name, struct tlsd_answer *ret)
{
	struct flow f = {
		.kind = FLOW_EGRESS,
		.proto = IPPROTO_TCP,
		.ip = a->ip,
		.has_port = true,
		.port = ask->port,
		.sni_kind = name.len ? FLOW_SNI_NAME : FLOW_SNI_NONE,
		.sni = name,
		.pinned = is_pinned,
		.pinned_ctx = a,
	};
	const struct decision d = eval_decide(&a->j->conf->walk.policy, &f);

	snprintf(ret->pointer, sizeof(ret->pointer), "%s", d.pointer);
	if (d.allow)
		judge_allowed(a, ask, name, ret);
	else if (ask->stage == TLSD_EARLY && may_wait(a, &f))
		ret->verdict = TLSD_WAIT;
}

void judge_flow(const struct judge *j, const struct tlsd_ask *ask,
		struct tlsd_answer *ret)
{
	struct asking a = {
		.j = j,
		.ip = judge_address(ask),
		.set = TLS_NO_SET,
	};
	const struct dname name = {ask->name, ask->name_len};

	*ret = (struct tlsd_answer){.verdict = TLSD_DENY};
	if (!is_reachable(j->conf, a.ip)) {
		deny(ret, unreachable);
		return;
	}
	if (name.len && denied_by_name(j->conf, name, ret))
		return;
	if (name.len || !denied_by_pin(&a, ret))
		judge_rules(&a, ask, name, ret);
	else if (ask->stage == TLSD_EARLY)
		ret->verdict = TLSD_WAIT;
	if (a.failed) {
		*ret = (struct tlsd_answer){.verdict = TLSD_DENY};
		deny(ret, unknown_pins);
	}
}

void judge_stricter(struct tlsd_answer *a, const struct tlsd_answer *b)
{
	if (a->verdict == b->verdict || a->verdict == TLSD_DENY)
		return;
	if (a->verdict == TLSD_WAIT && b->verdict != TLSD_DENY)
		return;
	if (b->verdict == TLSD_WAIT) {
		*a = *b;
		return;
	}
	*a = (struct tlsd_answer){.verdict = TLSD_DENY};
	memcpy(a->pointer, b->pointer, sizeof(a->pointer));
}
