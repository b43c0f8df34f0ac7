/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper_tls.c - msb-tlsd, as its supervisor sees it.
 *
 * Its configuration is read here for one thing: a flow of the guest to the
 * gateway leads to the host's loopback, and the sockets for that are made here,
 * where the host's namespace is. msb-tlsd is in the gateway's, all of it, so
 * that what it sends to servers is judged by the host's table as what the guest
 * sends. Its monitor is given what the supervisor has of power: it makes its
 * own children, asks for pins, and marks sockets.
 */
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>

#include "helper.h"
#include "tls_conf.h"
#include "tls_fd.h"

static const char *const names[] = {
	[TLS_TCP4] = "TCP IPv4 socket",
	[TLS_TCP6] = "TCP IPv6 socket",
	[TLS_NETLINK] = "netlink socket",
	[TLS_NAMES] = "table of denied names",
	[TLS_ROOTS] = "file of trusted roots",
	[TLS_CA_CERT] = "CA's certificate",
	[TLS_CA_KEY] = "CA's key",
	[TLS_SECRETS] = "file of secrets' values",
};

_Static_assert(sizeof(names) / sizeof(names[0]) == TLS_FD_COUNT &&
		       TLS_FD_COUNT <= SUPERVISED_FDS,
	       "each has a name and a place");

/* What comes with interception. */
#define INTERCEPTS (1u << TLS_ROOTS | 1u << TLS_CA_CERT | 1u << TLS_CA_KEY)

static bool take(const struct helper *h, struct supervised *next, int fd,
		 const struct supervised *now, char ret_reason[CONF_REASON_MAX])
{
	next->tls = tls_conf_read(&next->arena, fd, ret_reason);
	if (next->tls)
		descriptors_take(h, next, now);
	return next->tls;
}

static bool check(const struct helper *h, const struct supervised *next,
		  char ret_reason[CONF_REASON_MAX])
{
	struct helper all = *h;

	if (next->tls->intercept)
		all.optional &= ~INTERCEPTS;
	if (next->tls->secrets.n)
		all.optional &= ~(1u << TLS_SECRETS);
	return descriptors_check(&all, next, ret_reason);
}

/* The values of secrets stay in memory from here on. */
static const char *put(const struct helper *h, struct supervised *next,
		       const struct channel_msg *m, int fds[CHANNEL_MAX])
{
	const char *refused = descriptors_put(h, next, m, fds);

	if (refused || next->fd[TLS_SECRETS] < 0 || next->pin.pages)
		return refused;
	return values_pin(next->fd[TLS_SECRETS], &next->pin) < 0
		       ? "the values of secrets cannot be locked in memory"
		       : NULL;
}

/* Whoever needs them has read them. */
static void let_go(const struct helper *h, struct supervised *s,
		   const struct supervised *kept)
{
	if (s->fd[TLS_SECRETS] >= 0)
		values_wipe(s->fd[TLS_SECRETS]);
	values_unpin(&s->pin);
	descriptors_close(h, s, kept);
}

static bool may_connect(const struct supervised *s, int proto,
			enum ip_family family, uint16_t port)
{
	return s->tls && proto == IPPROTO_TCP &&
	       tls_conf_host(s->tls, family, port);
}

static const char *become(const struct supervisor *s)
{
	if (setns(s->netns, CLONE_NEWNET) < 0)
		return "enter the gateway's network namespace";
	return NULL;
}

/* To enter the gateway's namespace; for its monitor to look at pins and to mark
 * sockets; to make a child another user without any capability, and to end
 * what it has started; and to give a TCP socket a filter, which newer kernels
 * let nobody do without NET_ADMIN. Where root has that, to read the files of
 * secrets again, which may be another user's. */
const struct helper helper_tls = {
	.name = "msb-tlsd",
	.uid = MSB_TLSD_UID,
	.caps = HELPER_CAP(SYS_ADMIN) | HELPER_CAP(NET_ADMIN) |
		HELPER_CAP(SETPCAP) | HELPER_CAP(SETGID) | HELPER_CAP(SETUID) |
		HELPER_CAP(KILL),
	.may_caps = HELPER_CAP(DAC_READ_SEARCH),
	.descriptors = names,
	.n_descriptors = TLS_FD_COUNT,
	/* The gateway's sockets. */
	.n_kept = TLS_NETLINK + 1,
	.optional = 1u << TLS_NAMES | INTERCEPTS | 1u << TLS_SECRETS,
	.terminates = true,
	/* Values in force, values to be, and what reads them again. */
	.lock = 8 * VALUES_LOCK_MAX,
	.may_connect = may_connect,
	.read = take,
	.put = put,
	.check = check,
	.send = descriptors_send,
	.close = let_go,
	.become = become,
};
