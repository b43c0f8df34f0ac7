/* SPDX-License-Identifier: GPL-2.0-or-later */
/* proof.h - What a prover found, for people. */
#ifndef MSB_PROOF_H
#define MSB_PROOF_H

#include "prove.h"
#include "str.h"

/**
 * cli_proof() - Report a result
 * @what:	name of what was proved
 * @text:	name of the text that was read back
 * @r:		result
 * @json:	receives it as a JSON object; NULL: it is printed for people
 *
 * Return: CLI_YES if it is proved, CLI_NO if there is a counterexample or the
 * text is none of ours, CLI_SYSTEM if the policy is too large
 */
int cli_proof(const char *what, const char *text, const struct prove_result *r,
	      struct str *json);

#endif
