/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_state.c - A configuration with what comes beside it. */
#include "dns_state.h"

#include <string.h>
#include <unistd.h>

void dns_state_init(struct dns_state *s)
{
	*s = (struct dns_state){0};
	given_init(&s->given, DNS_FD_COUNT);
}

void dns_state_prepare(struct dns_state *s, int fd)
{
	char reason[CONF_REASON_MAX] = "";
	const char *text;
	ARENA(scratch);
	size_t len;

	dns_state_drop(s, NULL);
	text = conf_read_fd(&scratch, fd, &len);
	if (!text) {
		given_refuse(&s->given, "dns.json cannot be read");
		return;
	}
	s->conf = dns_conf_decode(&s->given.arena, text, len, reason);
	if (!s->conf)
		given_refuse(&s->given, reason);
}

void dns_state_text(const struct dns_state *s, char ret[DNS_RESOLV_MAX + 1])
{
	ssize_t n = 0;

	if (s->given.fd[DNS_RESOLV] >= 0)
		n = pread(s->given.fd[DNS_RESOLV], ret, DNS_RESOLV_MAX, 0);
	ret[n > 0 ? n : 0] = '\0';
}

static void read_servers(struct dns_state *s)
{
	char text[DNS_RESOLV_MAX + 1];

	dns_state_text(s, text);
	dns_conf_servers(s->conf, text, &s->servers);
}

/* Whether both have a table of names, and the same. */
static bool same_names(const struct dns_conf *a, const struct dns_conf *b)
{
	return a && b && a->walk.names_file && b->walk.names_file &&
	       strcmp(a->walk.names_file, b->walk.names_file) == 0;
}

bool dns_state_ready(struct dns_state *s, const struct dns_state *old,
		     unsigned int needed)
{
	unsigned int kept = (1u << DNS_FD_COUNT) - 1;

	if (!s->conf)
		given_refuse(&s->given, "nothing was prepared");
	if (*s->given.refused)
		return false;
	if (!same_names(s->conf, old->conf))
		kept &= ~(1u << DNS_NAMES);
	given_inherit(&s->given, &old->given, kept, needed);
	if (s->conf->walk.names_file)
		given_map_names(&s->given, DNS_NAMES, &s->conf->walk.names);
	if (*s->given.refused)
		return false;
	read_servers(s);
	return true;
}

void dns_state_resolv(struct dns_state *s, int fd)
{
	if (s->given.fd[DNS_RESOLV] >= 0)
		close(s->given.fd[DNS_RESOLV]);
	s->given.fd[DNS_RESOLV] = fd;
}

void dns_state_drop(struct dns_state *s, const struct dns_state *kept)
{
	given_drop(&s->given, kept ? &kept->given : NULL);
	s->conf = NULL;
	s->servers.n = 0;
}
