/* SPDX-License-Identifier: GPL-2.0-or-later */
/* given.h - The descriptors that come with a configuration, and why it is
 * refused.
 *
 * A supervisor sends a configuration as channel.h has it: PREPARE with its
 * file, SOCKETS with descriptors, each of which has a number, READY, COMMIT.
 * Whoever receives these keeps one struct given for what is in force, and
 * another for what is prepared. What is wrong before READY is told when READY
 * comes, which is when an answer is expected.
 */
#ifndef MSB_GIVEN_H
#define MSB_GIVEN_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "channel.h"
#include "conf.h"
#include "names.h"

/** GIVEN_MAX - Descriptors that a configuration may come with */
#define GIVEN_MAX 16

/**
 * struct given - What comes with a configuration
 * @arena:	for the configuration
 * @fd:		descriptors by their number; -1: not there
 * @n:		how many numbers there are
 * @names:	mapping of the table of names, or NULL
 * @names_len:	octets
 * @refused:	why it is refused, or ""
 */
struct given {
	struct arena arena;
	int fd[GIVEN_MAX];
	unsigned int n;
	const void *names;
	size_t names_len;
	char refused[CONF_REASON_MAX];
};

/** given_init() - Begin with nothing, and room for @n descriptors */
void given_init(struct given *h, unsigned int n);

/** given_refuse() - Note why it is refused; the first reason counts */
void given_refuse(struct given *h, const char *why);

/**
 * given_put() - Put descriptors in their places
 * @h:		what is prepared
 * @m:		SOCKETS message
 * @fds:	its descriptors: they belong to @h, or are closed
 */
void given_put(struct given *h, const struct channel_msg *m,
	       int fds[CHANNEL_MAX]);

/**
 * given_inherit() - Take what was not sent from what is in force
 * @h:		what is prepared
 * @old:	what is in force
 * @which:	bits: those that may be taken
 * @needed:	bits: without these it is refused
 */
void given_inherit(struct given *h, const struct given *old, unsigned int which,
		   unsigned int needed);

/**
 * given_map_names() - Map the table of denied names
 * @h:		what is prepared; it is refused if that fails
 * @number:	the descriptor's
 * @ret:	the table
 */
void given_map_names(struct given *h, unsigned int number, struct names *ret);

/** given_drop() - Release it, but for descriptors that @kept has too; NULL:
 * none
 */
void given_drop(struct given *h, const struct given *kept);

#endif
