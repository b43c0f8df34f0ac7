/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helpers.h - What each helper of a sandbox is given. */
#ifndef MSB_HELPERS_H
#define MSB_HELPERS_H

#include "listen.h"
#include "supervisor.h"
#include "values.h"

/** HELPER_FDS - Descriptors that a helper may be given by number */
#define HELPER_FDS 8

/**
 * struct helper_sockets - Sockets and files for a sandbox's helpers
 * @relay:	for msb-relayd
 * @fd:		for the others, by enum dns_fd, enum tls_fd; -1: not there
 * @pin:	keeps TLS_SECRETS from being paged out
 * @given:	a supervisor has it, which will zero it
 */
struct helper_sockets {
	struct listen_sockets relay;
	int fd[SUPERVISOR_KINDS][HELPER_FDS];
	struct values_pin pin;
	bool given;
};

/** helpers_init() - No socket yet, room for @n bindings */
void helpers_init(struct arena *a, struct helper_sockets *s, size_t n);

/**
 * helpers_open_files() - Open the files that a document names for helpers, and
 * read the values of its secrets
 * @s:		receives what was opened
 * @c:		what is compiled
 * @state:	state, locked
 * @helpers:	directory of the helpers, NULL for the one they are installed in
 * @dry:	make nothing: a CA that is not there yet is left out
 * @e:		error; refused if a file is not what it should be
 *
 * What can be wrong with them is known before anything is changed.
 *
 * Return: 0, -1 on failure
 */
int helpers_open_files(struct helper_sockets *s, const struct compiled *c,
		       struct state *state, const char *helpers, bool dry,
		       struct live_error *e);

/**
 * helpers_open_gateway() - Open a helper's sockets of the gateway's namespace
 * @s:		receives them
 * @kind:	helper
 * @e:		error
 *
 * The network namespace is the one that the process is in.
 *
 * Return: 0, -1 on failure
 */
int helpers_open_gateway(struct helper_sockets *s, enum supervisor_kind kind,
			 struct live_error *e);

/**
 * helpers_prepare() - Hand over a configuration, and what it needs
 * @channel:	to the supervisor
 * @kind:	helper
 * @c:		what is compiled
 * @s:		sockets that it does not have yet
 * @names:	the table of denied names, or -1
 * @e:		error
 *
 * The network namespace is the host's: names of name servers are looked up
 * there.
 *
 * Return: 0, -1 on failure
 */
int helpers_prepare(int channel, enum supervisor_kind kind,
		    const struct compiled *c, struct helper_sockets *s,
		    int names, struct live_error *e);

/** helpers_close() - Close what is open; values that nobody has are zeroed */
void helpers_close(struct helper_sockets *s);

#endif
