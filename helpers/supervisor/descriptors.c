/* SPDX-License-Identifier: GPL-2.0-or-later */
/* descriptors.c - What a helper is given that comes as numbered descriptors. */
#include <stdio.h>
#include <unistd.h>

#include "helper.h"

void descriptors_take(const struct helper *h, struct supervised *next,
		      const struct supervised *now)
{
	for (unsigned int i = 0; i < h->n_kept; i++)
		next->fd[i] = now->fd[i];
}

const char *descriptors_put(const struct helper *h, struct supervised *next,
			    const struct channel_msg *m, int fds[CHANNEL_MAX])
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->index[i] >= h->n_descriptors)
			return "a descriptor's number is too large";
		if (next->fd[m->index[i]] >= 0)
			return "a descriptor came that is there already";
		next->fd[m->index[i]] = fds[i];
		fds[i] = -1;
	}
	return NULL;
}

bool descriptors_check(const struct helper *h, const struct supervised *next,
		       char ret_reason[CONF_REASON_MAX])
{
	for (unsigned int i = 0; i < h->n_descriptors; i++) {
		if (next->fd[i] >= 0 || h->optional & 1u << i)
			continue;
		snprintf(ret_reason, CONF_REASON_MAX, "the %s is missing",
			 h->descriptors[i]);
		return false;
	}
	return true;
}

static bool holds(const struct supervised *s, int fd)
{
	for (unsigned int i = 0; s && i < SUPERVISED_FDS; i++)
		if (s->fd[i] == fd)
			return true;
	return false;
}

int descriptors_send(const struct helper *h, int channel,
		     const struct supervised *s, const struct supervised *held)
{
	struct channel_msg m = {.type = CHANNEL_PREPARE, .count = 1};
	int fds[CHANNEL_MAX] = {s->file};

	if (channel_send(channel, &m, fds) < 0)
		return -1;
	m = (struct channel_msg){.type = CHANNEL_SOCKETS};
	for (unsigned int i = 0; i < h->n_descriptors; i++) {
		if (s->fd[i] < 0 || holds(held, s->fd[i]))
			continue;
		m.index[m.count] = i;
		fds[m.count++] = s->fd[i];
	}
	if (m.count && channel_send(channel, &m, fds) < 0)
		return -1;
	return channel_send_text(channel, CHANNEL_READY, "%s", "");
}

void descriptors_close(const struct helper *h, struct supervised *s,
		       const struct supervised *kept)
{
	for (unsigned int i = 0; i < h->n_descriptors; i++) {
		if (s->fd[i] >= 0 && !holds(kept, s->fd[i]))
			close(s->fd[i]);
		s->fd[i] = -1;
	}
}
