/* SPDX-License-Identifier: GPL-2.0-or-later */
/* random.c - Random documents and flows through eval and the interpreter. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agree.h"
#include "document.h"
#include "generate.h"
#include "space.h"

/**
 * struct request - What the command line asks for
 * @seed:	seed of the first document; the others follow
 * @docs:	how many documents
 * @flows:	how many flows each
 * @dump:	directory for DOCUMENT.json and DOCUMENT.flows, or NULL
 */
struct request {
	uint64_t seed;
	uint64_t docs;
	uint64_t flows;
	const char *dump;
};

/**
 * struct counts - What the flows were
 * @allowed:	allowed
 * @denied:	denied
 * @handed:	handed to msb-tlsd
 * @by_name:	of those: as the name in the ClientHello decides
 * @in_vain:	of those: though no name makes a difference
 * @pinned:	to addresses that are pinned
 * @skipped:	with pins that cannot come to be
 * @failed:	judged differently
 */
struct counts {
	size_t allowed;
	size_t denied;
	size_t handed;
	size_t by_name;
	size_t in_vain;
	size_t pinned;
	size_t skipped;
	size_t failed;
};

static void disagreement(struct arena *a, uint64_t seed, const char *document,
			 const struct flow *f, const struct verdict *v,
			 const char *why)
{
	printf("disagreement, seed %llu\n  document: %s\n  flow: %s\n"
	       "  eval: %s by %s (%s)\n  %s\n",
	       (unsigned long long)seed, document, flow_format(a, f),
	       v->allow ? "allow" : "deny", v->pointer, v->words, why);
}

/** struct spaces - Both walks, decomposed */
struct spaces {
	struct space nameless[POLICY_DIRECTIONS];
	struct space cut[POLICY_DIRECTIONS];
};

static bool spaces_build(struct arena *a, const struct policy *p,
			 struct spaces *ret)
{
	enum policy_direction dir;
	bool flat = true;

	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++)
		flat = space_build(a, &p->walk[dir], &p->slot, SPACE_NAMELESS,
				   &ret->nameless[dir]) &&
		       space_build(a, &p->walk[dir], &p->slot, SPACE_CUT,
				   &ret->cut[dir]) &&
		       flat;
	return flat;
}

/* The fourth judge; what holds always is not in the walks. */
static const char *space_agrees(struct arena *a, const struct spaces *s,
				const struct flow *f, const struct verdict *v)
{
	const enum policy_direction dir =
		f->kind == FLOW_EGRESS ? POLICY_EGRESS : POLICY_INGRESS;
	const uint32_t rule =
		space_lookup(&s->nameless[dir], f->ip, f->proto, f->port);
	const char *pointer = space_pointer(&s->nameless[dir], rule);

	if (space_lookup(&s->cut[dir], f->ip, f->proto, f->port) != rule)
		return "the runs of the walk disagree with it as a whole";
	if (strncmp(v->pointer, "always:", 7) == 0)
		return NULL;
	if (space_allows(&s->nameless[dir], rule) != v->allow ||
	    strcmp(pointer, v->pointer) != 0)
		return arena_printf(a, "the space says %s by %s",
				    space_allows(&s->nameless[dir], rule)
					    ? "allow"
					    : "deny",
				    pointer);
	return NULL;
}

/* One document and its flows. */
static bool run(const struct request *req, uint64_t seed, struct counts *n)
{
	ARENA(a);
	struct generator g = {.state = seed};
	const char *text = generate_document(&a, &g);
	const uint32_t slot = generate_below(&g, 64);
	struct spaces spaces;
	struct compiled c;
	const char *why;
	uint64_t i;
	STR(lines);

	if (!document_compile(&a, "random", text, strlen(text), slot, "test",
			      &c)) {
		printf("refused, seed %llu\n  document: %s\n",
		       (unsigned long long)seed, text);
		return false;
	}
	why = agree_bindings(&a, &c);
	if (why) {
		printf("disagreement, seed %llu\n  document: %s\n  %s\n",
		       (unsigned long long)seed, text, why);
		n->failed++;
	}
	if (!spaces_build(&a, &c.policy, &spaces)) {
		printf("not flat, seed %llu\n  document: %s\n",
		       (unsigned long long)seed, text);
		return false;
	}
	str_printf(&lines, "# slot %u\n# seed %llu\n", slot,
		   (unsigned long long)seed);
	for (i = 0; i < req->flows; i++) {
		ARENA(b);
		const struct flow f = generate_flow(&b, &g, &c.policy);
		const struct verdict v = eval(&b, &c.policy, &f);
		struct agree_want want = {0};

		if (!agree_expressible(&c.policy, &f)) {
			n->skipped++;
			continue;
		}
		why = agree_want(&b, &c, &f, &v, &want);
		if (!why)
			why = agree_check(&b, &c, &f, &v);
		if (!why && !f.n_pins)
			why = space_agrees(&b, &spaces, &f, &v);
		n->allowed += want.fate == AGREE_ALLOWED;
		n->denied += want.fate == AGREE_DENIED;
		n->handed += want.fate == AGREE_HANDED;
		n->by_name += want.by_name;
		n->in_vain += want.in_vain;
		n->pinned += f.n_pins > 0;
		if (why) {
			disagreement(&b, seed, text, &f, &v, why);
			n->failed++;
		}
		str_printf(&lines, "%s %s # %s\n", flow_format(&b, &f),
			   agree_fate_name(want.fate), want.pointer);
	}
	if (!req->dump)
		return true;
	return document_write(arena_printf(&a, "%s/random-%llu.json", req->dump,
					   (unsigned long long)seed),
			      text, strlen(text)) &&
	       document_write(arena_printf(&a, "%s/random-%llu.flows",
					   req->dump, (unsigned long long)seed),
			      str_text(&lines), lines.len);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"docs", required_argument, NULL, 'd'},
		{"flows", required_argument, NULL, 'f'},
		{"dump", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0},
	};
	struct request req = {.seed = 1, .docs = 200, .flows = 200};
	struct counts n = {0};
	bool good = true;
	uint64_t i;
	int c;

	while (good && (c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			good = document_number(optarg, UINT64_MAX, &req.seed);
		else if (c == 'd')
			good = document_number(optarg, 1000000, &req.docs);
		else if (c == 'f')
			good = document_number(optarg, 1000000, &req.flows);
		else if (c == 'o')
			req.dump = optarg;
		else
			good = false;
	}
	if (!good || optind != argc) {
		fputs("usage: random [--seed N] [--docs N] [--flows N] "
		      "[--dump DIR]\n",
		      stderr);
		return 2;
	}
	for (i = 0; i < req.docs; i++)
		if (!run(&req, req.seed + i, &n))
			n.failed++;
	printf("%zu passed, %zu failed (%zu allowed, %zu denied, %zu handed to "
	       "msb-tlsd, %zu of them by name, %zu of those in vain; %zu "
	       "pinned, %zu skipped; seeds %llu to %llu)\n",
	       n.allowed + n.denied + n.handed - n.failed, n.failed, n.allowed,
	       n.denied, n.handed, n.by_name, n.in_vain, n.pinned, n.skipped,
	       (unsigned long long)req.seed,
	       (unsigned long long)(req.seed + req.docs - 1));
	return n.failed ? 1 : 0;
}
