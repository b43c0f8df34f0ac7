/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ca_tool.c - Opens a sandbox' CA and roots as up and apply do.
 *
 *	ca_tool STATE HELPERS ca [CERT KEY]
 *	ca_tool STATE HELPERS roots verify|any [FILE...]
 *
 * What was opened is written to standard output: sizes first, one a line, then
 * the octets. An error is told as "refused: ..." or "system: ...".
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca.h"

static int show(const int *fds, size_t n)
{
	char buf[4096];
	struct stat st;
	ssize_t got;

	for (size_t i = 0; i < n; i++) {
		if (fstat(fds[i], &st) < 0)
			return 2;
		/* What was checked can be changed by nobody. */
		if (write(fds[i], "x", 1) >= 0 || ftruncate(fds[i], 0) == 0 ||
		    !(fcntl(fds[i], F_GETFD) & FD_CLOEXEC)) {
			puts("can be changed");
			return 2;
		}
		printf("%lld\n", (long long)st.st_size);
	}
	for (size_t i = 0; i < n; i++)
		for (off_t at = 0;
		     (got = pread(fds[i], buf, sizeof(buf), at)) > 0; at += got)
			fwrite(buf, 1, (size_t)got, stdout);
	return 0;
}

static int fail(const struct live_error *e)
{
	printf("%s: %s\n", e->kind == LIVE_REFUSED ? "refused" : "system",
	       e->text);
	return 1;
}

int main(int argc, char **argv)
{
	struct config_tls tls = {.present = true};
	int fds[CA_PARTS] = {-1, -1};
	struct live_error e = {0};
	struct state s;

	if (argc < 4)
		return 2;
	if (state_open(&s, argv[1], true, &e) < 0)
		return fail(&e);
	if (strcmp(argv[3], "ca") == 0) {
		tls.ca_cert = argc > 5 ? argv[4] : NULL;
		tls.ca_key = argc > 5 ? argv[5] : NULL;
		return ca_open(&s, &tls, argv[2], fds, &e) < 0
			       ? fail(&e)
			       : show(fds, CA_PARTS);
	}
	if (argc < 5)
		return 2;
	tls.verify_upstream = strcmp(argv[4], "any") == 0 ? CONFIG_FALSE
							  : CONFIG_TRUE;
	tls.upstream_ca_certs = (const char *const *)argv + 5;
	tls.n_upstream_ca_certs = (size_t)argc - 5;
	fds[0] = ca_roots(&tls, argv[2], &e);
	return fds[0] < 0 ? fail(&e) : show(fds, 1);
}
