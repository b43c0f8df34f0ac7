/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_state.h - A configuration with what comes beside it, in both processes.
 *
 * It comes as given.h has it, with dns.json and the descriptors of dns_fd.h.
 * SOCKETS with nothing but DNS_RESOLV may come to the monitor at any other
 * time: resolv.conf has changed. So may SOCKETS without any descriptor to the
 * worker: the name servers have changed, and the message has them (dnsd.h).
 */
#ifndef MSB_DNS_STATE_H
#define MSB_DNS_STATE_H

#include "dns_conf.h"
#include "dns_fd.h"
#include "given.h"

/**
 * struct dns_state - A configuration
 * @given:	its memory and descriptors, by enum dns_fd
 * @conf:	configuration; NULL: there is none
 * @servers:	name servers
 */
struct dns_state {
	struct given given;
	struct dns_conf *conf;
	struct dns_servers servers;
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
 * dns_state_ready() - That was all
 * @s:		state that is prepared
 * @old:	state in force, from which it takes what was not sent
 * @needed:	bits of enum dns_fd: without these it is refused
 *
 * Return: whether it is complete; else @given.refused says why
 */
bool dns_state_ready(struct dns_state *s, const struct dns_state *old,
		     unsigned int needed) __attribute__((warn_unused_result));

/** dns_state_text() - Read resolv.conf; "" if there is none */
void dns_state_text(const struct dns_state *s, char ret[DNS_RESOLV_MAX + 1]);

/**
 * dns_state_resolv() - Take another resolv.conf; @servers stay as they are
 * @s:	state in force
 * @fd:	descriptor, which belongs to the state from here on
 */
void dns_state_resolv(struct dns_state *s, int fd);

/** dns_state_drop() - Release it, but for descriptors that @kept has too */
void dns_state_drop(struct dns_state *s, const struct dns_state *kept);

#endif
