/* SPDX-License-Identifier: GPL-2.0-or-later */
/* relay_sockets.c - The sockets that belong to one configuration. */
#include "relay_sockets.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const gateway_names[] = {
	[RELAY_STEER_TCP4] = "steering TCP IPv4",
	[RELAY_STEER_TCP6] = "steering TCP IPv6",
	[RELAY_STEER_UDP4] = "steering UDP IPv4",
	[RELAY_STEER_UDP6] = "steering UDP IPv6",
	[RELAY_ICMP4] = "ICMPv4",
	[RELAY_ICMP6] = "ICMPv6",
};

_Static_assert(sizeof(gateway_names) / sizeof(gateway_names[0]) ==
		       RELAY_GATEWAY_COUNT,
	       "every socket of the gateway has a name");

/* Whether the place @i is used; @reserved: or kept. */
static bool is_needed(const struct relay_sockets *s, size_t i, bool reserved)
{
	if (i >= s->conf->n_listeners)
		return s->conf->has_host;
	return reserved || s->conf->listeners[i].serve == RELAY_SERVE;
}

struct relay_sockets relay_sockets_begin(struct arena *a,
					 const struct relay_conf *conf,
					 const struct relay_sockets *old,
					 bool all)
{
	struct relay_sockets s = {
		.conf = conf,
		.n = conf->n_listeners + RELAY_GATEWAY_COUNT,
	};
	size_t i;

	s.fd = arena_array(a, s.n, int);
	for (i = 0; i < s.n; i++)
		s.fd[i] = -1;
	if (!old->conf)
		return s;
	for (i = 0; i < conf->n_listeners; i++) {
		const size_t same =
			relay_conf_find(old->conf, &conf->listeners[i]);

		if (same < old->conf->n_listeners)
			s.fd[i] = old->fd[same];
	}
	for (i = 0; i < RELAY_GATEWAY_COUNT && (all || old->conf->has_host);
	     i++)
		s.fd[conf->n_listeners + i] =
			old->fd[old->conf->n_listeners + i];
	return s;
}

const char *relay_sockets_put(struct relay_sockets *s,
			      const struct channel_msg *m, int fds[CHANNEL_MAX])
{
	const char *refused = NULL;

	if (!s->conf)
		refused = "sockets came before a configuration";
	for (uint32_t i = 0; i < m->count && !refused; i++) {
		if (m->index[i] >= s->n) {
			refused = "a socket's number is too large";
		} else if (s->fd[m->index[i]] >= 0) {
			refused = "a socket came that is there already";
		} else {
			s->fd[m->index[i]] = fds[i];
			fds[i] = -1;
		}
	}
	channel_close_fds(m, fds);
	return refused;
}

bool relay_sockets_check(const struct relay_sockets *s, bool reserved,
			 char ret_reason[CONF_REASON_MAX])
{
	for (size_t i = 0; i < s->n; i++) {
		const size_t listeners = s->conf->n_listeners;

		if (s->fd[i] >= 0 || !is_needed(s, i, reserved))
			continue;
		if (i < listeners)
			snprintf(ret_reason, CONF_REASON_MAX,
				 "the socket of /Listeners/%zu is missing", i);
		else
			snprintf(ret_reason, CONF_REASON_MAX,
				 "the %s socket of the gateway is missing",
				 gateway_names[i - listeners]);
		return false;
	}
	return true;
}

static bool has_fd(const struct relay_sockets *s, int fd)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (s->fd[i] == fd)
			return true;
	return false;
}

void relay_sockets_close(struct relay_sockets *s,
			 const struct relay_sockets *kept)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->fd[i] >= 0 && !has_fd(kept, s->fd[i]))
			close(s->fd[i]);
	*s = (struct relay_sockets){0};
}

/* Whether a worker that was sent @s has it. */
static bool was_sent(const struct relay_sockets *s, int fd)
{
	for (size_t i = 0; s && i < s->n; i++)
		if (s->fd[i] == fd)
			return is_needed(s, i, false);
	return false;
}

int relay_sockets_send(int channel, int file, const struct relay_sockets *s,
		       const struct relay_sockets *held)
{
	struct channel_msg m = {.type = CHANNEL_PREPARE, .count = 1};
	int fds[CHANNEL_MAX] = {file};

	if (channel_send(channel, &m, fds) < 0)
		return -1;
	m = (struct channel_msg){.type = CHANNEL_SOCKETS};
	for (size_t i = 0; i < s->n; i++) {
		if (s->fd[i] < 0 || !is_needed(s, i, false) ||
		    was_sent(held, s->fd[i]))
			continue;
		m.index[m.count] = (uint32_t)i;
		fds[m.count++] = s->fd[i];
		if (m.count < CHANNEL_MAX)
			continue;
		if (channel_send(channel, &m, fds) < 0)
			return -1;
		m.count = 0;
	}
	if (m.count && channel_send(channel, &m, fds) < 0)
		return -1;
	return channel_send_text(channel, CHANNEL_READY, "%s", "");
}
