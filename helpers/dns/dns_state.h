/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_state.h - A configuration with what comes beside it, in both processes.
 *
 * The supervisor sends a configuration as DESIGN of channel.h has it: PREPARE
 * with dns.json, SOCKETS with the descriptors of dns_fd.h, READY, COMMIT.
 * SOCKETS with nothing but DNS_RESOLV may come at any other time: resolv.conf
 * has changed.
 */
#ifndef MSB_DNS_STATE_H
#define MSB_DNS_STATE_H

#include "arena.h"
#include "channel.h"
#include "dns_conf.h"
#include "dns_fd.h"

/**
 * struct dns_state - A configuration
 * @arena:	its memory
 * @conf:	configuration; NULL: there is none
 * @fd:		descriptors; -1: not there
 * @names:	mapping of the table of names, or NULL
 * @names_len:	octets
 * @servers:	name servers
 * @refused:	why it is refused, or ""
 */
struct dns_state {
	struct arena arena;
	struct dns_conf *conf;
	int fd[DNS_FD_COUNT];
	const void *names;
	size_t names_len;
	struct dns_servers servers;
	char refused[CONF_REASON_MAX];
};

/** dns_state_init() - Begin with nothing */
void dns_state_init(struct dns_state *s);

/**
 * dns_state_prepare() - Read a configuration
 * @s:	state that is prepared; what was in it is dropped
 * @fd:	dns.json, which stays open here
 */
void dns_state_prepare(struct dns_state *s, int fd);

/**
 * dns_state_put() - Put descriptors in their places
 * @s:		state that is prepared
 * @m:		SOCKETS message
 * @fds:	its descriptors: they belong to the state, or are closed
 */
void dns_state_put(struct dns_state *s, const struct channel_msg *m,
		   int fds[CHANNEL_MAX]);

/**
 * dns_state_ready() - That was all
 * @s:		state that is prepared
 * @old:	state in force, from which it takes what was not sent
 * @needed:	bits of enum dns_fd: without these it is refused
 *
 * Return: whether it is complete; else @refused says why
 */
bool dns_state_ready(struct dns_state *s, const struct dns_state *old,
		     unsigned int needed) __attribute__((warn_unused_result));

/**
 * dns_state_resolv() - Take another resolv.conf
 * @s:	state in force
 * @fd:	descriptor, which belongs to the state from here on
 */
void dns_state_resolv(struct dns_state *s, int fd);

/** dns_state_drop() - Release it, but for descriptors that @kept has too */
void dns_state_drop(struct dns_state *s, const struct dns_state *kept);

#endif
