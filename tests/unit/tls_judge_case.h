/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_judge_case.h - Documents as msb-tlsd's judge has them, and flows. */
#ifndef MSB_TLS_JUDGE_CASE_H
#define MSB_TLS_JUDGE_CASE_H

#include "compile.h"
#include "flow.h"
#include "judge.h"

/* Verdicts, in short. */
#define READ	  TLSD_READ
#define DENY	  TLSD_DENY
#define WAIT	  TLSD_WAIT
#define SPLICE	  TLSD_SPLICE
#define INTERCEPT TLSD_INTERCEPT

/** doc_names - A document with rules about names, and denied ones */
extern const char doc_names[];

/** doc_intercepting - One that intercepts at two ports, but for a bank */
extern const char doc_intercepting[];

/** doc_everything - One that allows all but one name, and intercepts nothing */
extern const char doc_everything[];

/**
 * struct world - A document, and what msb-tlsd makes of it
 * @doc:	document
 * @compiled:	what it compiles to
 * @conf:	its tls.json, decoded
 */
struct world {
	struct diags doc;
	struct compiled compiled;
	struct tls_conf *conf;
};

/**
 * struct world_sets - What msb-dnsd would have pinned, and how it tells of it
 * @flow:	flow whose address is looked up
 * @fails:	the kernel does not answer
 * @asked:	how often it was asked
 */
struct world_sets {
	const struct flow *flow;
	bool fails;
	unsigned int asked;
};

/**
 * world_make() - Bring a document the whole way
 * @a:		where it lives
 * @text:	document, which has to be a good one
 * @w:		set to what becomes of it
 */
void world_make(struct arena *a, const char *text, struct world *w);

/** world_flow() - A flow that "egress tcp TEXT" describes */
struct flow world_flow(struct arena *a, const char *text);

/**
 * world_get() - Answer for the kernel, from struct world_sets
 *
 * As the comments of elements tell: the first name, and how many there are.
 */
int world_get(void *context, const struct walk_pin_set *set, struct ip ip,
	      struct judge_pin *ret);

/** world_ask_for() - What a worker asks of a flow */
struct tlsd_ask world_ask_for(const struct flow *f, enum tlsd_stage stage);

/** world_judge() - What it is answered */
struct tlsd_answer world_judge(const struct world *w, const struct flow *f,
			       enum tlsd_stage stage);

#endif
