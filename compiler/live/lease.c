/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease.c - Which sandbox has which slot and networks. */
#include "lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * A lease is a symbolic link to the name of its sandbox: it is made with its
 * contents, in one call that fails if there is one. A sandbox has three: its
 * slot (the MAC addresses), its /30 and its /64. The networks are leased by
 * address and not by slot, because the pools of two documents may overlap with
 * different bases.
 */

enum lease_kind {
	LEASE_SLOT,
	LEASE_NET4,
	LEASE_NET6,
	LEASE_KINDS,
};

#define LEASE_MAX 64

/** struct leases - Everything leased, ascending */
struct leases {
	const char **v;
	size_t n;
	size_t cap;
};

static const char *lease_name(enum lease_kind kind, const struct slot *slot,
			      char buf[LEASE_MAX])
{
	const struct ip net4 = {IP_V4, slot->net4.lo};
	const struct ip net6 = {IP_V6, slot->net6.lo};
	char text[IP_TEXT_MAX];

	switch (kind) {
	case LEASE_SLOT:
		snprintf(buf, LEASE_MAX, "slot-%u", slot->number);
		break;
	case LEASE_NET4:
		snprintf(buf, LEASE_MAX, "net4-%.20s", ip_format(net4, text));
		break;
	case LEASE_NET6:
		snprintf(buf, LEASE_MAX, "net6-%.45s", ip_format(net6, text));
		break;
	case LEASE_KINDS:
		break;
	}
	return buf;
}

static DIR *lease_dir(const struct state *s)
{
	int fd = s->leases < 0 ? -1
			       : openat(s->leases, ".",
					O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

/* Whose lease it is; "" if nobody can tell. */
static void lease_owner(const struct state *s, const char *lease,
			char ret[PLAN_NAME_MAX + 1])
{
	ssize_t n = readlinkat(s->leases, lease, ret, PLAN_NAME_MAX);

	ret[n < 0 ? 0 : n] = '\0';
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool leased(const struct leases *l, const char *name)
{
	return l->n && bsearch(&name, l->v, l->n, sizeof(*l->v), by_text);
}

/* Lists the leases, and takes back those of sandboxes that are no more. */
static int lease_list(struct state *s, struct arena *a, struct leases *ret,
		      struct live_error *e)
{
	char owner[PLAN_NAME_MAX + 1];
	DIR *dir = lease_dir(s);
	struct dirent *entry;

	if (!dir)
		return live_errno(e, errno, "list %s/leases", s->path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		lease_owner(s, entry->d_name, owner);
		if (!state_has(s, owner)) {
			unlinkat(s->leases, entry->d_name, 0);
			continue;
		}
		ret->v = arena_grow(a, ret->v, ret->n, &ret->cap,
				    sizeof(*ret->v));
		ret->v[ret->n++] = arena_strdup(a, entry->d_name);
	}
	closedir(dir);
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_text);
	return 0;
}

/* A default route, and the two halves that VPNs set in its place, overlap
 * everything and mean nothing here. */
static const struct link_route *lease_overlap(const struct lease_request *req,
					      struct ip_range net)
{
	size_t i;

	for (i = 0; i < req->n_routes; i++) {
		const struct link_route *r = &req->routes[i];

		if (r->dst.family == net.family &&
		    ip_range_overlap(r->dst, net) &&
		    ip_range_prefix_len(r->dst) > 1)
			return r;
	}
	return NULL;
}

static const char *route_words(const struct link_route *r, char *buf,
			       size_t size)
{
	char text[IP_TEXT_MAX];

	snprintf(buf, size, "%s%s%s", ip_range_format(r->dst, text),
		 r->link[0] ? " dev " : "", r->link);
	return buf;
}

static int lease_fixed(struct state *s, const struct lease_request *req,
		       const struct leases *l, struct live_error *e)
{
	struct slot slot = pool_slot(req->pool4, req->pool6, req->slot);
	const struct ip_range nets[2] = {slot.net4, slot.net6};
	char owner[PLAN_NAME_MAX + 1], text[IP_TEXT_MAX], buf[IP_TEXT_MAX + 32];
	char name[LEASE_MAX];
	enum lease_kind kind;
	size_t i;

	for (kind = LEASE_SLOT; kind < LEASE_KINDS; kind++) {
		if (!leased(l, lease_name(kind, &slot, name)))
			continue;
		lease_owner(s, name, owner);
		if (kind == LEASE_SLOT)
			return live_refuse(e, "slot %u is leased to sandbox %s",
					   req->slot, owner);
		return live_refuse(
			e, "%s of slot %u is leased to sandbox %s",
			ip_range_format(nets[kind - LEASE_NET4], text),
			req->slot, owner);
	}
	for (i = 0; i < 2; i++) {
		const struct link_route *r = lease_overlap(req, nets[i]);

		if (r)
			return live_refuse(e, "%s of slot %u overlaps route %s",
					   ip_range_format(nets[i], text),
					   req->slot,
					   route_words(r, buf, sizeof(buf)));
	}
	return 0;
}

static int lease_none(const struct lease_request *req, uint32_t n_leased,
		      const struct link_route *route, struct live_error *e)
{
	const uint32_t n = pool_slots(req->pool4, req->pool6);
	const bool four = route && route->dst.family == IP_V4;
	char text[IP_TEXT_MAX], buf[IP_TEXT_MAX + 32];

	if (!route)
		return live_refuse(e, "all %u slots of the pools are leased",
				   n);
	return live_refuse(
		e,
		"every slot of %s %s that is not leased (%u are) overlaps a "
		"route of this host, for instance %s: choose another %s",
		four ? "IPv4Pool" : "IPv6Pool",
		ip_range_format(four ? req->pool4 : req->pool6, text), n_leased,
		route_words(route, buf, sizeof(buf)),
		four ? "IPv4Pool" : "IPv6Pool");
}

static int lease_search(const struct lease_request *req, const struct leases *l,
			uint32_t *ret_slot, struct live_error *e)
{
	const uint32_t n = pool_slots(req->pool4, req->pool6);
	const struct link_route *last = NULL;
	uint32_t i, n_leased = 0;
	char name[LEASE_MAX];

	for (i = 0; i < n; i++) {
		struct slot slot = pool_slot(req->pool4, req->pool6, i);
		const struct link_route *r;

		if (leased(l, lease_name(LEASE_SLOT, &slot, name)) ||
		    leased(l, lease_name(LEASE_NET4, &slot, name)) ||
		    leased(l, lease_name(LEASE_NET6, &slot, name))) {
			n_leased++;
			continue;
		}
		/* A wide route that covered the slot before covers this one
		 * too, mostly: the list need not be searched again. */
		if (last && (ip_range_overlap(last->dst, slot.net4) ||
			     ip_range_overlap(last->dst, slot.net6)))
			continue;
		r = lease_overlap(req, slot.net4);
		if (!r)
			r = lease_overlap(req, slot.net6);
		if (!r) {
			*ret_slot = i;
			return 0;
		}
		last = r;
	}
	return lease_none(req, n_leased, last, e);
}

int lease_find(struct state *s, const struct lease_request *req,
	       uint32_t *ret_slot, struct live_error *e)
{
	struct leases l = {0};
	ARENA(a);

	if (lease_list(s, &a, &l, e) < 0)
		return -1;
	if (!req->fixed)
		return lease_search(req, &l, ret_slot, e);
	if (lease_fixed(s, req, &l, e) < 0)
		return -1;
	*ret_slot = req->slot;
	return 0;
}

int lease_take(struct state *s, const char *name, const struct slot *slot,
	       struct live_error *e)
{
	struct live_error ignored;
	enum lease_kind kind;
	char lease[LEASE_MAX];

	for (kind = LEASE_SLOT; kind < LEASE_KINDS; kind++) {
		if (symlinkat(name, s->leases, lease_name(kind, slot, lease)) ==
		    0)
			continue;
		live_errno(e, errno, "write %s/leases/%s", s->path, lease);
		lease_release(s, name, &ignored);
		return -1;
	}
	return 0;
}

int lease_release(struct state *s, const char *name, struct live_error *e)
{
	char owner[PLAN_NAME_MAX + 1];
	DIR *dir = lease_dir(s);
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return live_errno(e, errno, "list %s/leases", s->path);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		lease_owner(s, entry->d_name, owner);
		if (strcmp(owner, name) == 0 &&
		    unlinkat(s->leases, entry->d_name, 0) < 0)
			ret = live_errno(e, errno, "remove %s/leases/%s",
					 s->path, entry->d_name);
	}
	closedir(dir);
	return ret;
}

uint32_t lease_count(const struct state *s)
{
	DIR *dir = lease_dir(s);
	struct dirent *entry;
	uint32_t n = 0;

	while (dir && (entry = readdir(dir)))
		n += strncmp(entry->d_name, "slot-", 5) == 0;
	if (dir)
		closedir(dir);
	return n;
}
