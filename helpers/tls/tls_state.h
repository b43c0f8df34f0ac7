/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_state.h - A configuration with what comes beside it, in each process. */
#ifndef MSB_TLS_STATE_H
#define MSB_TLS_STATE_H

#include "given.h"
#include "tls_conf.h"
#include "tls_fd.h"

/**
 * struct tls_state - A configuration
 * @given:	its memory and descriptors, by enum tls_fd
 * @conf:	configuration; NULL: there is none
 */
struct tls_state {
	struct given given;
	struct tls_conf *conf;
};

/** tls_state_init() - Begin with nothing */
void tls_state_init(struct tls_state *s);

/**
 * tls_state_prepare() - Read a configuration
 * @s:	state that is prepared; what was in it is dropped
 * @fd:	tls.json, which stays open here
 */
void tls_state_prepare(struct tls_state *s, int fd);

/**
 * tls_state_ready() - That was all
 * @s:		state that is prepared
 * @old:	state in force, from which it takes the sockets
 * @needed:	bits of enum tls_fd: without these it is refused
 *
 * Return: whether it is complete; else @given.refused says why
 */
bool tls_state_ready(struct tls_state *s, const struct tls_state *old,
		     unsigned int needed) __attribute__((warn_unused_result));

/** tls_state_drop() - Release it, but for descriptors that @kept has too */
void tls_state_drop(struct tls_state *s, const struct tls_state *kept);

#endif
