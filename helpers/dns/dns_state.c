/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_state.c - A configuration with what comes beside it. */
#include "dns_state.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void dns_state_init(struct dns_state *s)
{
	*s = (struct dns_state){0};
	for (size_t i = 0; i < DNS_FD_COUNT; i++)
		s->fd[i] = -1;
}

static void refuse(struct dns_state *s, const char *why)
{
	if (!*s->refused)
		snprintf(s->refused, sizeof(s->refused), "%s", why);
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
		refuse(s, "dns.json cannot be read");
		return;
	}
	s->conf = dns_conf_decode(&s->arena, text, len, reason);
	if (!s->conf)
		refuse(s, reason);
}

void dns_state_put(struct dns_state *s, const struct channel_msg *m,
		   int fds[CHANNEL_MAX])
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->index[i] >= DNS_FD_COUNT || s->fd[m->index[i]] >= 0) {
			refuse(s, "a descriptor has no place, or one that is "
				  "taken");
			close(fds[i]);
			continue;
		}
		s->fd[m->index[i]] = fds[i];
	}
}

static void read_servers(struct dns_state *s)
{
	char text[DNS_RESOLV_MAX + 1];
	ssize_t n = 0;

	if (s->fd[DNS_RESOLV] >= 0)
		n = pread(s->fd[DNS_RESOLV], text, DNS_RESOLV_MAX, 0);
	text[n > 0 ? n : 0] = '\0';
	dns_conf_servers(s->conf, text, &s->servers);
}

static bool map_names(struct dns_state *s)
{
	const off_t len = lseek(s->fd[DNS_NAMES], 0, SEEK_END);
	const char *why;
	void *data;

	if (len <= 0)
		return false;
	data = mmap(NULL, (size_t)len, PROT_READ, MAP_SHARED, s->fd[DNS_NAMES],
		    0);
	if (data == MAP_FAILED)
		return false;
	s->names = data;
	s->names_len = (size_t)len;
	why = names_open(data, (size_t)len, &s->conf->names);
	if (why) {
		snprintf(s->refused, sizeof(s->refused),
			 "the table of denied names %s", why);
		return false;
	}
	return true;
}

bool dns_state_ready(struct dns_state *s, const struct dns_state *old,
		     unsigned int needed)
{
	if (!s->conf)
		refuse(s, "nothing was prepared");
	if (*s->refused)
		return false;
	for (unsigned int i = 0; i < DNS_FD_COUNT; i++) {
		const bool same_names =
			s->conf->names_file && old->conf &&
			old->conf->names_file &&
			strcmp(s->conf->names_file, old->conf->names_file) == 0;

		if (s->fd[i] < 0 && (i != DNS_NAMES || same_names))
			s->fd[i] = old->fd[i];
		if (s->fd[i] < 0 && needed & 1u << i)
			refuse(s, "a descriptor is missing");
	}
	if (s->conf->names_file && s->fd[DNS_NAMES] < 0)
		refuse(s, "the table of denied names is missing");
	else if (s->conf->names_file && !map_names(s))
		refuse(s, "the table of denied names cannot be read");
	if (*s->refused)
		return false;
	read_servers(s);
	return true;
}

void dns_state_resolv(struct dns_state *s, int fd)
{
	if (s->fd[DNS_RESOLV] >= 0)
		close(s->fd[DNS_RESOLV]);
	s->fd[DNS_RESOLV] = fd;
	if (s->conf)
		read_servers(s);
}

void dns_state_drop(struct dns_state *s, const struct dns_state *kept)
{
	for (size_t i = 0; i < DNS_FD_COUNT; i++)
		if (s->fd[i] >= 0 && (!kept || kept->fd[i] != s->fd[i]))
			close(s->fd[i]);
	if (s->names)
		munmap((void *)(uintptr_t)s->names, s->names_len);
	arena_free(&s->arena);
	dns_state_init(s);
}
