/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proved.c - Random policies proved, and one flow less found every time. */
#include <stdio.h>
#include <string.h>

#include "agree.h"
#include "document.h"
#include "generate.h"
#include "nft_text.h"
#include "prove.h"

/*
 * Each random document is compiled, and its ruleset read back and proved. Then
 * one flow, with nothing else, is decided the other way by a rule in front of
 * its walk, and what that compiles to is held against the document as it was:
 * the prover must find it, and the flow that it shows must be one that the two
 * policies judge differently, as eval says.
 */

/* How many, unless the command line says. */
#define DOCUMENTS 100u
#define FLIPS	  4u

/** struct tally - What was counted so far */
struct tally {
	size_t proved;
	size_t found;
	size_t failed;
};

static const char *print(struct arena *a, const struct policy *p)
{
	struct diags d = {.arena = a, .file = "flipped"};
	struct plan plan;
	STR(text);

	if (!plan_make(a, &d, p, "test", &plan))
		return NULL;
	nft_text_replace(&text, &plan.sandbox);
	return arena_strdup(a, str_text(&text));
}

static void failure(struct tally *t, uint64_t seed, const char *what,
		    const struct prove_result *r)
{
	ARENA(a);

	printf("seed %llu: %s: outcome %d, %u:%u: %s, %s\n",
	       (unsigned long long)seed, what, (int)r->outcome, r->error.line,
	       r->error.column, r->error.text,
	       r->outcome == PROVE_DIFFERS ? flow_format(&a, &r->flow) : "");
	t->failed++;
}

/* A rule about one flow alone; false if no rule of a document can be. */
static bool rule_of(const struct flow *f, bool allow, struct policy_rule *ret,
		    struct config_ports *ports)
{
	static const struct {
		uint8_t proto;
		enum config_proto bit;
	} bits[] = {
		{6, CONFIG_TCP},
		{17, CONFIG_UDP},
		{1, CONFIG_ICMPV4},
		{58, CONFIG_ICMPV6},
	};
	size_t i;

	*ports = (struct config_ports){f->port, f->port};
	*ret = (struct policy_rule){
		.allow = allow,
		.dest = {.kind = CONFIG_DEST_RANGE, .range = ip_single(f->ip)},
		.ports = ports,
		.n_ports = f->has_port,
		.pointer = "/Flipped",
	};
	for (i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (bits[i].proto == f->proto)
			ret->protos = bits[i].bit;
	return ret->protos && (f->kind == FLOW_EGRESS || f->has_port);
}

static void flip(struct tally *t, struct generator *g, uint64_t seed,
		 const struct policy *p)
{
	ARENA(a);
	const struct flow named = generate_flow(&a, g, p);
	/* What is proved is about addresses. */
	const struct flow f = {
		.kind = named.kind,
		.proto = named.proto,
		.ip = named.ip,
		.has_port = named.has_port,
		.port = named.port,
	};
	const enum policy_direction dir =
		f.kind == FLOW_EGRESS ? POLICY_EGRESS : POLICY_INGRESS;
	const struct verdict v = eval(&a, p, &f);
	struct policy flipped = *p;
	struct config_ports ports;
	struct policy_rule *rules;
	struct prove_result r;
	const char *text;

	if (strncmp(v.pointer, "always:", 7) == 0 || agree_is_dns(p, &f))
		return;
	rules = arena_array(&a, p->walk[dir].n + 1, struct policy_rule);
	if (!rule_of(&f, !v.allow, &rules[0], &ports))
		return;
	if (p->walk[dir].n)
		memcpy(rules + 1, p->walk[dir].rules,
		       p->walk[dir].n * sizeof(*rules));
	flipped.walk[dir].rules = rules;
	flipped.walk[dir].n++;
	text = print(&a, &flipped);
	if (!text) {
		printf("seed %llu: not compiled\n", (unsigned long long)seed);
		t->failed++;
		return;
	}
	prove(&a, p, text, &r);
	if (r.outcome != PROVE_DIFFERS ||
	    eval(&a, p, &r.flow).allow != r.allow ||
	    eval(&a, &flipped, &r.flow).allow == r.allow)
		failure(t, seed, flow_format(&a, &f), &r);
	else
		t->found++;
	prove(&a, &flipped, text, &r);
	if (r.outcome != PROVE_SAME)
		failure(t, seed, "with the rule", &r);
}

int main(int argc, char **argv)
{
	uint64_t documents = DOCUMENTS, seed;
	struct tally t = {0};

	if (argc > 2 ||
	    (argc == 2 && !document_number(argv[1], 1000000, &documents))) {
		fputs("usage: flow_proved [DOCUMENTS]\n", stderr);
		return 2;
	}
	for (seed = 1; seed <= documents; seed++) {
		ARENA(a);
		struct generator g = {.state = seed};
		const char *document = generate_document(&a, &g);
		const uint32_t slot = generate_below(&g, 64);
		struct prove_result r;
		struct compiled c;
		unsigned int i;

		if (!document_compile(&a, "random", document, strlen(document),
				      slot, "test", &c)) {
			t.failed++;
			continue;
		}
		prove(&a, &c.policy, compile_artefact(&c, "sandbox.nft")->text,
		      &r);
		if (r.outcome != PROVE_SAME)
			failure(&t, seed, document, &r);
		else
			t.proved++;
		for (i = 0; i < FLIPS; i++)
			flip(&t, &g, seed, &c.policy);
	}
	printf("%zu proved, %zu flipped flows found, %zu failed\n", t.proved,
	       t.found, t.failed);
	return t.failed || t.found < documents ? 1 : 0;
}
