/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper_dns.c - msb-dnsd, as its supervisor sees it.
 *
 * Its configuration is not read here: the supervisor has nothing to decide by
 * it, and msb-dnsd's monitor refuses what it cannot use. That one is given what
 * the supervisor has of power, because it makes its own worker, and writes the
 * pins.
 */
#include <linux/capability.h>

#include "dns_fd.h"
#include "helper.h"

static const char *const names[] = {
	[DNS_UDP4] = "UDP IPv4 socket",	  [DNS_UDP6] = "UDP IPv6 socket",
	[DNS_TCP4] = "TCP IPv4 socket",	  [DNS_TCP6] = "TCP IPv6 socket",
	[DNS_NETLINK] = "netlink socket", [DNS_NAMES] = "table of denied names",
	[DNS_RESOLV] = "resolv.conf",
};

_Static_assert(sizeof(names) / sizeof(names[0]) == DNS_FD_COUNT &&
		       DNS_FD_COUNT <= SUPERVISED_FDS,
	       "each has a name and a place");

static bool take(const struct helper *h, struct supervised *next, int fd,
		 const struct supervised *now, char ret_reason[CONF_REASON_MAX])
{
	(void)fd;
	(void)ret_reason;
	descriptors_take(h, next, now);
	return true;
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
	.descriptors = names,
	.n_descriptors = DNS_FD_COUNT,
	/* The gateway's sockets. */
	.n_kept = DNS_NETLINK + 1,
	.optional = 1u << DNS_NAMES,
	.read = take,
	.put = descriptors_put,
	.check = descriptors_check,
	.send = descriptors_send,
	.close = descriptors_close,
	.become = become,
};
