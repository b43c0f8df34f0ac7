/* SPDX-License-Identifier: GPL-2.0-or-later */
/* down.c - Removing sandboxes. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "change.h"
#include "gateway_links.h"
#include "lease.h"
#include "link.h"
#include "netns.h"
#include "sandbox.h"
#include "supervisor.h"

/*
 * Removing needs no memory of what was made: both links have an end in the
 * gateway's namespace and die with it, and elements are withdrawn from the
 * host's table by adding and deleting them in one transaction, which works
 * whether they were there or not.
 */

/* Links before the namespace: somebody may keep that alive. */
static int down_gateway(const struct state_record *r, int host,
			struct live_error *e)
{
	struct live_error ignored;
	struct link_sock *sock;
	int fd, ret = 0;
	size_t i;

	if (!netns_exists(r->netns))
		return 0;
	fd = netns_open(r->netns, &ignored);
	if (fd >= 0 && netns_enter(fd, e) == 0) {
		sock = link_open(e);
		netns_return(host);
		if (!sock)
			ret = -1;
		for (i = 0; sock && i < STATE_LINKS; i++)
			if (r->links[i][0] &&
			    link_delete(sock, r->links[i], e) < 0)
				ret = -1;
		link_close(sock);
	}
	if (fd >= 0)
		close(fd);
	if (netns_delete(r->netns, e) < 0)
		ret = -1;
	return ret;
}

/* An uplink can outlive the name of its gateway namespace. That it is ours is
 * seen by its MAC address. */
static int down_uplink(const struct state_record *r, struct live_error *e)
{
	struct link_sock *sock = link_open(e);
	uint8_t mac[6];
	bool is_up;
	int ret = 0;

	if (!sock)
		return -1;
	if (r->uplink[0] && link_get(sock, r->uplink, mac, &is_up) &&
	    memcmp(mac, r->uplink_mac, sizeof(mac)) == 0)
		ret = link_delete(sock, r->uplink, e);
	link_close(sock);
	return ret;
}

static int down_host_table(struct state *s, const char *name,
			   struct live_error *e)
{
	struct ruleset *host = ruleset_open(e);
	int ret;

	if (!host)
		return -1;
	ret = change_leave_host(s, name, host, e);
	ruleset_close(host);
	return ret;
}

/* Without a record that can be read, what has no other name is removed. */
static void down_guess(const char *name, struct state_record *r)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s", name);
	snprintf(r->netns, sizeof(r->netns), "msb-%s", name);
	snprintf(r->links[0], sizeof(r->links[0]), GATEWAY_GUEST_LINK);
	snprintf(r->links[1], sizeof(r->links[1]), GATEWAY_UPLINK_LINK);
}

int change_remove(struct state *s, const char *name, struct live_error *e)
{
	struct live_error errors[3 + SUPERVISOR_KINDS], ignored;
	struct lease_names leases = {0};
	struct state_record r;
	const char *text;
	enum supervisor_kind kind;
	size_t n = 0, len;
	int host;
	ARENA(a);

	if (state_get(s, name, &r, &ignored) < 0)
		down_guess(name, &r);
	text = state_read(s, &a, name, STATE_LEASES, &len, &ignored);
	if (text)
		leases = lease_parse(&a, text);
	host = netns_open_self(e);
	if (host < 0)
		return -1;
	for (kind = 0; kind < SUPERVISOR_KINDS; kind++)
		if (supervisor_stop(s, name, kind, &errors[n]) < 0)
			n++;
	/* The links first: while there is an uplink, the host's table must
	 * know it. */
	if (down_gateway(&r, host, &errors[n]) < 0)
		n++;
	if (down_uplink(&r, &errors[n]) < 0)
		n++;
	if (!n && down_host_table(s, name, &errors[n]) < 0)
		n++;
	close(host);
	if (n) {
		*e = errors[0];
		return -1;
	}
	if (state_remove(s, name, e) < 0)
		return -1;
	if (text)
		lease_release(s, name, &leases, NULL);
	else
		lease_release_all(s, name);
	state_unshare(s);
	return 0;
}

int sandbox_down(struct state *s, const char *name, bool owned,
		 struct live_error *e)
{
	int ret = -1;

	if (sandbox_privileged(e) < 0 || state_lock(s, e) < 0)
		return -1;
	change_put_away(s);
	if (!state_has(s, name))
		live_refuse(e, "there is no sandbox %s (state %s)", name,
			    s->path);
	else if (!owned && state_owned(s, name))
		live_refuse(e,
			    "sandbox %s belongs to a \"run\" whose command "
			    "is still running",
			    name);
	else
		ret = change_remove(s, name, e);
	state_unlock(s);
	return ret;
}
