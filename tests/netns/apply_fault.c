/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply_fault.c - "msb-netc apply" of which a chosen operation fails. */
#include <stdio.h>

#include "document.h"
#include "sandbox.h"

/*
 * A program of its own, so that the command line has no way to do it. It says
 * nothing of its own when the policy was replaced: the operation asked for was
 * then behind the last one.
 */

int main(int argc, char **argv)
{
	struct apply_request req = {0};
	uint64_t fail_at = 0;
	struct applied applied;
	struct live_error e;
	struct state state;
	struct diags d;
	int rc;
	ARENA(a);

	if (argc != 5 || !document_number(argv[4], UINT32_MAX, &fail_at)) {
		fputs("usage: apply_fault STATE NAME DOCUMENT N\n", stderr);
		return 2;
	}
	d = (struct diags){.arena = &a, .file = argv[3]};
	d.text = document_read(&a, argv[3], &d.len);
	if (!d.text)
		return 2;
	req.name = argv[2];
	req.doc = &d;
	req.fail_at = (unsigned int)fail_at;
	rc = state_open(&state, argv[1], true, &e);
	if (rc == 0) {
		rc = sandbox_apply(&a, &state, &req, &applied, &e);
		state_close(&state);
	}
	if (rc < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	return 0;
}
