/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lease.c - Which sandbox has which slot, networks and ports. */
#include "lease.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "str.h"

/*
 * A lease is a symbolic link to the name of its sandbox: it is made with its
 * contents, in one call that fails if there is one. A sandbox has its slot (the
 * MAC addresses), its /30, its /64, and the ports that it publishes. The
 * networks are leased by address and not by slot, because the pools of two
 * documents may overlap with different bases.
 *
 * Leases are looked up by name and never listed, but to say who is in the way.
 * So that the lowest free slot is found without asking for all those below, the
 * link FLOOR holds a number below which every slot is leased.
 */

#define FLOOR	    ".floor"
#define FLOOR_ASIDE ".floor.new"

static void name_slot(uint32_t number, char ret[LEASE_MAX])
{
	snprintf(ret, LEASE_MAX, "slot-%u", number);
}

static void name_net(struct ip_range net, char ret[LEASE_MAX])
{
	const struct ip first = {net.family, net.lo};
	char text[IP_TEXT_MAX];

	snprintf(ret, LEASE_MAX, "net%u-%.45s", (unsigned int)net.family,
		 ip_format(first, text));
}

static void name_port(const struct config_binding *b, char ret[LEASE_MAX])
{
	char text[IP_TEXT_MAX];

	snprintf(ret, LEASE_MAX, "%s-%u-%.45s",
		 b->proto == CONFIG_UDP ? "udp" : "tcp", b->host_port,
		 ip_format(b->bind, text));
}

struct lease_names lease_names(struct arena *a, const struct slot *slot,
			       const struct config *config)
{
	struct lease_names l = {.n = 3 + config->n_bindings};
	size_t i;

	l.v = arena_alloc(a, l.n, sizeof(*l.v));
	name_slot(slot->number, l.v[0]);
	name_net(slot->net4, l.v[1]);
	name_net(slot->net6, l.v[2]);
	for (i = 0; i < config->n_bindings; i++)
		name_port(&config->bindings[i], l.v[3 + i]);
	return l;
}

struct lease_names lease_parse(struct arena *a, const char *text)
{
	struct lease_names l = {0};
	const char *p;
	size_t n = 0;

	for (p = text; *p; p++)
		n += *p == '\n';
	l.v = arena_alloc(a, n, sizeof(*l.v));
	for (; n-- && *text; text += strcspn(text, "\n") + 1)
		snprintf(l.v[l.n++], LEASE_MAX, "%.*s",
			 (int)strcspn(text, "\n"), text);
	return l;
}

bool lease_has(const struct lease_names *l, const char *name)
{
	size_t i;

	for (i = 0; i < l->n; i++)
		if (strcmp(l->v[i], name) == 0)
			return true;
	return false;
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

/* Whose lease it is; "" if it is nobody's. */
static void lease_owner(const struct state *s, const char *lease,
			char ret[PLAN_NAME_MAX + 1])
{
	ssize_t n = s->leases < 0
			    ? -1
			    : readlinkat(s->leases, lease, ret, PLAN_NAME_MAX);

	ret[n < 0 ? 0 : n] = '\0';
}

static bool leased(const struct state *s, const char *lease)
{
	char owner[PLAN_NAME_MAX + 1];

	lease_owner(s, lease, owner);
	return owner[0];
}

static uint32_t floor_read(const struct state *s)
{
	char text[PLAN_NAME_MAX + 1];

	lease_owner(s, FLOOR, text);
	return (uint32_t)strtoul(text, NULL, 10);
}

/* Where it cannot be written an old one must go: too high is too much. */
static void floor_write(const struct state *s, uint32_t slot)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", slot);
	unlinkat(s->leases, FLOOR_ASIDE, 0);
	if (symlinkat(text, s->leases, FLOOR_ASIDE) < 0 ||
	    renameat(s->leases, FLOOR_ASIDE, s->leases, FLOOR) < 0)
		unlinkat(s->leases, FLOOR, 0);
}

static void floor_raise(const struct state *s)
{
	const uint32_t was = floor_read(s);
	uint32_t slot = was;
	char name[LEASE_MAX];

	for (;; slot++) {
		name_slot(slot, name);
		if (slot > POOL_MAX_SLOT || !leased(s, name))
			break;
	}
	if (slot != was)
		floor_write(s, slot);
}

static void floor_lower(const struct state *s, const char *lease)
{
	unsigned long slot;
	char *end;

	if (strncmp(lease, "slot-", 5) != 0)
		return;
	slot = strtoul(lease + 5, &end, 10);
	if (!*end && slot < floor_read(s))
		floor_write(s, (uint32_t)slot);
}

/** struct lease_way - What is in the way of a network */
struct lease_way {
	struct ip_range dst;
	char words[IP_TEXT_MAX + 32];
};

/* A default route, and the two halves that VPNs set in its place, cover
 * everything and mean nothing here. Returns 1 if a route is in the way. */
static int lease_overlap(const struct lease_request *req, struct ip_range net,
			 struct lease_way *ret, struct live_error *e)
{
	/* The addresses that the sandbox and its guest know of: the network,
	 * the gateway, the guest, and the broadcast address of a /30. */
	const ip_num last = net.lo + 3;
	struct ip ip = {net.family, net.lo};
	struct link_route r;

	for (; ip.num <= last; ip.num++) {
		char text[IP_TEXT_MAX];
		int found = link_route_to(req->host, ip, &r, e);

		if (found < 0)
			return -1;
		if (!found || ip_range_prefix_len(r.dst) <= 1)
			continue;
		ret->dst = r.dst;
		snprintf(ret->words, sizeof(ret->words), "%s%s%s",
			 ip_range_format(r.dst, text), r.link[0] ? " dev " : "",
			 r.link);
		return 1;
	}
	return 0;
}

static int lease_fixed(struct state *s, const struct lease_request *req,
		       struct live_error *e)
{
	struct slot slot = pool_slot(req->pool4, req->pool6, req->slot);
	const struct ip_range nets[2] = {slot.net4, slot.net6};
	char owner[PLAN_NAME_MAX + 1], text[IP_TEXT_MAX], name[LEASE_MAX];
	struct lease_way way;
	size_t i;

	name_slot(req->slot, name);
	lease_owner(s, name, owner);
	if (owner[0])
		return live_refuse(e, "slot %u is leased to sandbox %s",
				   req->slot, owner);
	for (i = 0; i < 2; i++) {
		name_net(nets[i], name);
		lease_owner(s, name, owner);
		if (owner[0])
			return live_refuse(
				e, "%s of slot %u is leased to sandbox %s",
				ip_range_format(nets[i], text), req->slot,
				owner);
	}
	for (i = 0; i < 2; i++) {
		int found = lease_overlap(req, nets[i], &way, e);

		if (found < 0)
			return -1;
		if (found)
			return live_refuse(e, "%s of slot %u overlaps route %s",
					   ip_range_format(nets[i], text),
					   req->slot, way.words);
	}
	return 0;
}

static int lease_none(const struct lease_request *req, uint32_t n_leased,
		      const struct lease_way *way, struct live_error *e)
{
	const uint32_t n = pool_slots(req->pool4, req->pool6);
	const bool four = way && way->dst.family == IP_V4;
	char text[IP_TEXT_MAX];

	if (!way)
		return live_refuse(e, "all %u slots of the pools are leased",
				   n);
	return live_refuse(
		e,
		"every slot of %s %s that is not leased (%u are) overlaps a "
		"route of this host, for instance %s: choose another %s",
		four ? "IPv4Pool" : "IPv6Pool",
		ip_range_format(four ? req->pool4 : req->pool6, text), n_leased,
		way->words, four ? "IPv4Pool" : "IPv6Pool");
}

static bool slot_leased(const struct state *s, const struct slot *slot)
{
	char name[LEASE_MAX];

	name_slot(slot->number, name);
	if (leased(s, name))
		return true;
	name_net(slot->net4, name);
	if (leased(s, name))
		return true;
	name_net(slot->net6, name);
	return leased(s, name);
}

static int lease_search(struct state *s, const struct lease_request *req,
			uint32_t *ret_slot, struct live_error *e)
{
	const uint32_t n = pool_slots(req->pool4, req->pool6);
	struct lease_way way;
	uint32_t i = floor_read(s), n_leased = i < n ? i : n;
	bool blocked = false;

	for (; i < n; i++) {
		struct slot slot = pool_slot(req->pool4, req->pool6, i);
		int found;

		if (slot_leased(s, &slot)) {
			n_leased++;
			continue;
		}
		/* A wide route that covered the slot before covers this one
		 * too, mostly: the kernel need not be asked again. */
		if (blocked && (ip_range_overlap(way.dst, slot.net4) ||
				ip_range_overlap(way.dst, slot.net6)))
			continue;
		found = lease_overlap(req, slot.net4, &way, e);
		if (found == 0)
			found = lease_overlap(req, slot.net6, &way, e);
		if (found < 0)
			return -1;
		if (found == 0) {
			*ret_slot = i;
			return 0;
		}
		blocked = true;
	}
	return lease_none(req, n_leased, blocked ? &way : NULL, e);
}

int lease_find(struct state *s, const struct lease_request *req,
	       uint32_t *ret_slot, struct live_error *e)
{
	if (!req->fixed)
		return lease_search(s, req, ret_slot, e);
	if (lease_fixed(s, req, e) < 0)
		return -1;
	*ret_slot = req->slot;
	return 0;
}

int lease_take(struct state *s, const char *name, const struct lease_names *l,
	       struct live_error *e)
{
	char owner[PLAN_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (symlinkat(name, s->leases, l->v[i]) == 0)
			continue;
		if (errno != EEXIST)
			return live_errno(e, errno, "write %s/leases/%s",
					  s->path, l->v[i]);
		lease_owner(s, l->v[i], owner);
		if (strcmp(owner, name) != 0)
			return live_refuse(e, "%s is leased to sandbox %s",
					   l->v[i], owner);
	}
	floor_raise(s);
	return 0;
}

void lease_release(struct state *s, const char *name,
		   const struct lease_names *l, const struct lease_names *but)
{
	char owner[PLAN_NAME_MAX + 1];
	size_t i;

	for (i = 0; i < l->n; i++) {
		lease_owner(s, l->v[i], owner);
		if (strcmp(owner, name) != 0 ||
		    (but && lease_has(but, l->v[i])))
			continue;
		unlinkat(s->leases, l->v[i], 0);
		floor_lower(s, l->v[i]);
	}
}

void lease_release_all(struct state *s, const char *name)
{
	char owner[PLAN_NAME_MAX + 1];
	DIR *dir = lease_dir(s);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		lease_owner(s, entry->d_name, owner);
		if (strcmp(owner, name) != 0 || entry->d_name[0] == '.')
			continue;
		unlinkat(s->leases, entry->d_name, 0);
		floor_lower(s, entry->d_name);
	}
	if (dir)
		closedir(dir);
}

void lease_owner_of_slot(const struct state *s, uint32_t slot,
			 char ret[PLAN_NAME_MAX + 1])
{
	char name[LEASE_MAX];

	name_slot(slot, name);
	lease_owner(s, name, ret);
}

void lease_owner_of_binding(const struct state *s,
			    const struct config_binding *b,
			    char ret[PLAN_NAME_MAX + 1])
{
	char name[LEASE_MAX];

	name_port(b, name);
	lease_owner(s, name, ret);
}

/* Whether two addresses cannot both have one port: "::" takes IPv4 too. */
static bool ports_meet(struct ip a, struct ip b)
{
	const bool any_a = a.num == 0, any_b = b.num == 0;

	return ip_equal(a, b) || (any_a && a.family == IP_V6) ||
	       (any_b && b.family == IP_V6) ||
	       (a.family == b.family && (any_a || any_b));
}

void lease_owner_of_port(const struct state *s, const char *name,
			 const struct config_binding *b,
			 char ret[PLAN_NAME_MAX + 1])
{
	char own[LEASE_MAX], owner[PLAN_NAME_MAX + 1];
	DIR *dir = lease_dir(s);
	struct dirent *entry;
	size_t before;
	struct ip ip;

	name_port(b, own);
	/* Up to the address, which is behind the second dash. */
	before = (size_t)(strchr(strchr(own, '-') + 1, '-') + 1 - own);
	ret[0] = '\0';
	while (dir && !ret[0] && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, own, before) != 0 ||
		    !ip_parse(entry->d_name + before, &ip) ||
		    !ports_meet(ip, b->bind))
			continue;
		lease_owner(s, entry->d_name, owner);
		if (strcmp(owner, name) != 0)
			memcpy(ret, owner, sizeof(owner));
	}
	if (dir)
		closedir(dir);
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
