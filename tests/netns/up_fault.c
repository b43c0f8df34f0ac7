/* SPDX-License-Identifier: GPL-2.0-or-later */
/* up_fault.c - "msb-netc up" of which a chosen operation fails. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "document.h"
#include "sandbox.h"

/*
 * A program of its own, so that the command line has no way to do it. It says
 * nothing of its own when the sandbox was made: the operation asked for was
 * then behind the last one.
 */

int main(int argc, char **argv)
{
	struct sandbox_request req = {.guest_fd = -1};
	uint64_t fail_at = 0;
	struct live_error e;
	struct state state;
	struct sandbox sb;
	struct diags d;
	int rc;
	ARENA(a);

	if (argc != 6 || !document_number(argv[5], UINT32_MAX, &fail_at)) {
		fputs("usage: up_fault STATE NAME DOCUMENT NETNS|tap N\n",
		      stderr);
		return 2;
	}
	d = (struct diags){.arena = &a, .file = argv[3]};
	d.text = document_read(&a, argv[3], &d.len);
	if (!d.text)
		return 2;
	req.name = argv[2];
	req.doc = &d;
	req.guest = strcmp(argv[4], "tap") == 0 ? NULL : argv[4];
	req.fail_at = (unsigned int)fail_at;
	rc = state_open(&state, argv[1], true, &e);
	if (rc == 0) {
		rc = sandbox_up(&a, &state, &req, &sb, &e);
		state_close(&state);
	}
	if (rc < 0) {
		fprintf(stderr, "%s\n", e.text);
		return 1;
	}
	close(sb.owner);
	return 0;
}
