/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper_dns.c - msb-dnsd, as its supervisor sees it.
 *
 * Its configuration is not read here: the supervisor has nothing to decide by
 * it, and msb-dnsd's monitor refuses what it cannot use. That one is given what
 * the supervisor has of power, because it makes its own worker, and writes the
 * pins.
 */
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "helper.h"

/* What is taken over from one configuration to the next: the gateway's. */
#define GATEWAYS (DNS_NETLINK + 1)

static const char *const names[DNS_FD_COUNT] = {
	[DNS_UDP4] = "UDP IPv4 socket",	  [DNS_UDP6] = "UDP IPv6 socket",
	[DNS_TCP4] = "TCP IPv4 socket",	  [DNS_TCP6] = "TCP IPv6 socket",
	[DNS_NETLINK] = "netlink socket", [DNS_NAMES] = "table of denied names",
	[DNS_RESOLV] = "resolv.conf",
};

static bool take(struct supervised *next, int fd, const struct supervised *now,
		 char ret_reason[CONF_REASON_MAX])
{
	(void)fd;
	(void)ret_reason;
	for (unsigned int i = 0; i < GATEWAYS; i++)
		next->dns[i] = now->dns[i];
	return true;
}

static const char *put(struct supervised *next, const struct channel_msg *m,
		       int fds[CHANNEL_MAX])
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->index[i] >= DNS_FD_COUNT)
			return "a descriptor's number is too large";
		if (next->dns[m->index[i]] >= 0)
			return "a descriptor came that is there already";
		next->dns[m->index[i]] = fds[i];
		fds[i] = -1;
	}
	return NULL;
}

static bool check(const struct supervised *next,
		  char ret_reason[CONF_REASON_MAX])
{
	for (unsigned int i = 0; i < DNS_FD_COUNT; i++) {
		if (next->dns[i] >= 0 || i == DNS_NAMES)
			continue;
		snprintf(ret_reason, CONF_REASON_MAX, "the %s is missing",
			 names[i]);
		return false;
	}
	return true;
}

static bool holds(const struct supervised *s, int fd)
{
	for (unsigned int i = 0; s && i < DNS_FD_COUNT; i++)
		if (s->dns[i] == fd)
			return true;
	return false;
}

static int pass_on(int channel, const struct supervised *s,
		   const struct supervised *held)
{
	struct channel_msg m = {.type = CHANNEL_PREPARE, .count = 1};
	int fds[CHANNEL_MAX] = {s->file};

	if (channel_send(channel, &m, fds) < 0)
		return -1;
	m = (struct channel_msg){.type = CHANNEL_SOCKETS};
	for (unsigned int i = 0; i < DNS_FD_COUNT; i++) {
		if (s->dns[i] < 0 || holds(held, s->dns[i]))
			continue;
		m.index[m.count] = i;
		fds[m.count++] = s->dns[i];
	}
	if (m.count && channel_send(channel, &m, fds) < 0)
		return -1;
	return channel_send_text(channel, CHANNEL_READY, "%s", "");
}

static void let_go(struct supervised *s, const struct supervised *kept)
{
	for (unsigned int i = 0; i < DNS_FD_COUNT; i++) {
		if (s->dns[i] >= 0 && !holds(kept, s->dns[i]))
			close(s->dns[i]);
		s->dns[i] = -1;
	}
}

/* It stays in the host's namespace, where name servers are. */
static const char *become(const struct supervisor *s)
{
	(void)s;
	return NULL;
}

/* For the pins; to make a child another user without any capability; to end
 * what it has started. */
const struct helper helper_dns = {
	.name = "msb-dnsd",
	.uid = MSB_DNSD_UID,
	.caps = HELPER_CAP(NET_ADMIN) | HELPER_CAP(SETPCAP) |
		HELPER_CAP(SETGID) | HELPER_CAP(SETUID) | HELPER_CAP(KILL),
	.lists = true,
	.resolv = true,
	.read = take,
	.put = put,
	.check = check,
	.send = pass_on,
	.close = let_go,
	.become = become,
};

const struct helper *helper_find(const char *name)
{
	const struct helper *const all[] = {&helper_dns, &helper_relay};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strcmp(all[i]->name, name) == 0)
			return all[i];
	return NULL;
}
