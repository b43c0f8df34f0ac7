/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prove.h - A ruleset's text against the policy that it is to enforce. */
#ifndef MSB_PROVE_H
#define MSB_PROVE_H

#include "flow.h"
#include "lex.h"
#include "policy.h"

/**
 * enum prove_outcome - What was found
 * @PROVE_SAME:		the text means what the policy means
 * @PROVE_DIFFERS:	there is a flow that they judge differently
 * @PROVE_UNKNOWN:	the text has something that the reader does not know, or
 *			that is not as it must be
 * @PROVE_BOUND:	the policy is too large to be compared
 */
enum prove_outcome {
	PROVE_SAME,
	PROVE_DIFFERS,
	PROVE_UNKNOWN,
	PROVE_BOUND,
};

/**
 * struct prove_result - The answer
 * @outcome:	what was found
 * @error:	PROVE_UNKNOWN: what, and where in the text
 * @cells:	PROVE_SAME: address ranges of each walk
 * @paths:	PROVE_SAME: rules that each walk was read back into
 * @helpers:	PROVE_SAME: whether helpers decide a part of each walk
 * @flow:	PROVE_DIFFERS: a flow that shows it
 * @allow:	PROVE_DIFFERS: the policy's verdict on it; the text's is the
 *		other
 * @pointer:	PROVE_DIFFERS: what decides it in the document
 * @comment:	PROVE_DIFFERS: the comment of what decides it in the text
 */
struct prove_result {
	enum prove_outcome outcome;
	struct lex_error error;
	size_t cells[POLICY_DIRECTIONS];
	size_t paths[POLICY_DIRECTIONS];
	bool helpers[POLICY_DIRECTIONS];
	struct flow flow;
	bool allow;
	const char *pointer;
	const char *comment;
};

/**
 * prove_said() - What a ruleset's text does with packets, as walks
 * @a:		arena for the walks
 * @text:	sandbox.nft, or the listing of table inet msb
 * @ret:	walks, by direction, of flows without names; what a helper
 *decides is denied. Set on success
 * @e:		error
 *
 * Return: false if the text is none of ours
 */
bool prove_said(struct arena *a, const char *text,
		struct policy_walk ret[POLICY_DIRECTIONS], struct lex_error *e)
	__attribute__((warn_unused_result));

/**
 * prove() - Hold a text against a policy
 * @a:		arena for the result
 * @p:		policy
 * @text:	sandbox.nft, or the listing of table inet msb
 * @ret:	result
 */
void prove(struct arena *a, const struct policy *p, const char *text,
	   struct prove_result *ret);

#endif
