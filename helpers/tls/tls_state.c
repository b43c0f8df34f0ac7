/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_state.c - A configuration with what comes beside it. */
#include "tls_state.h"

#define SOCKETS (1u << TLS_TCP4 | 1u << TLS_TCP6 | 1u << TLS_NETLINK)

void tls_state_init(struct tls_state *s)
{
	*s = (struct tls_state){0};
	given_init(&s->given, TLS_FD_COUNT);
}

void tls_state_prepare(struct tls_state *s, int fd)
{
	char reason[CONF_REASON_MAX] = "";

	tls_state_drop(s, NULL);
	s->conf = tls_conf_read(&s->given.arena, fd, reason);
	if (!s->conf)
		given_refuse(&s->given, reason);
}

bool tls_state_ready(struct tls_state *s, const struct tls_state *old,
		     unsigned int needed)
{
	if (!s->conf)
		given_refuse(&s->given, "nothing was prepared");
	if (!*s->given.refused)
		given_inherit(&s->given, &old->given, SOCKETS, needed);
	return !*s->given.refused;
}

void tls_state_drop(struct tls_state *s, const struct tls_state *kept)
{
	given_drop(&s->given, kept ? &kept->given : NULL);
	tls_state_init(s);
}
