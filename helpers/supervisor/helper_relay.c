/* SPDX-License-Identifier: GPL-2.0-or-later */
/* helper_relay.c - msb-relayd, as its supervisor sees it. */
#include <linux/capability.h>
#include <sched.h>

#include "confine.h"
#include "helper.h"

static bool take(const struct helper *h, struct supervised *next, int fd,
		 const struct supervised *now, char ret_reason[CONF_REASON_MAX])
{
	const struct relay_conf *conf =
		relay_conf_read(&next->arena, fd, ret_reason);

	(void)h;
	if (conf)
		next->sockets = relay_sockets_begin(&next->arena, conf,
						    &now->sockets, true);
	return conf != NULL;
}

static const char *put(const struct helper *h, struct supervised *next,
		       const struct channel_msg *m, int fds[CHANNEL_MAX])
{
	(void)h;
	return relay_sockets_put(&next->sockets, m, fds);
}

static bool check(const struct helper *h, const struct supervised *next,
		  char ret_reason[CONF_REASON_MAX])
{
	(void)h;
	return relay_sockets_check(&next->sockets, true, ret_reason);
}

static int pass_on(const struct helper *h, int channel,
		   const struct supervised *s, const struct supervised *held)
{
	(void)h;
	return relay_sockets_send(channel, s->file, &s->sockets,
				  held ? &held->sockets : NULL);
}

static void let_go(const struct helper *h, struct supervised *s,
		   const struct supervised *kept)
{
	(void)h;
	if (s->sockets.conf)
		relay_sockets_close(&s->sockets, kept ? &kept->sockets : NULL);
}

static bool may_connect(const struct supervised *s, int proto,
			enum ip_family family, uint16_t port)
{
	return s->sockets.conf &&
	       relay_conf_host(s->sockets.conf, proto, family, port);
}

/* To the gateway's namespace, then without any power. */
static const char *become(const struct supervisor *s)
{
	if (setns(s->netns, CLONE_NEWNET) < 0)
		return "enter the gateway's network namespace";
	return confine_child(s->uid);
}

/* To enter the gateway's namespace, to make a child another user without any
 * capability, and to end that child; and to give a TCP socket a filter, which
 * newer kernels let nobody do without NET_ADMIN. */
const struct helper helper_relay = {
	.name = "msb-relayd",
	.uid = MSB_RELAYD_UID,
	.caps = HELPER_CAP(SYS_ADMIN) | HELPER_CAP(SETPCAP) |
		HELPER_CAP(SETGID) | HELPER_CAP(SETUID) | HELPER_CAP(KILL) |
		HELPER_CAP(NET_ADMIN),
	.may_connect = may_connect,
	.read = take,
	.put = put,
	.check = check,
	.send = pass_on,
	.close = let_go,
	.become = become,
};
