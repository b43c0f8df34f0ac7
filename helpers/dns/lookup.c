/* SPDX-License-Identifier: GPL-2.0-or-later */
/* lookup.c - Name servers that have names, asked for in time. */
#include "lookup.h"

#include <stddef.h>
#include <string.h>

static void fire(struct loop *l, struct loop_timer *t);

void lookups_open(struct lookups *all, const struct lookup_io *io,
		  struct loop *loop, void *context)
{
	*all = (struct lookups){.io = io, .loop = loop, .context = context};
	loop_add_queue(loop, &all->timers);
}

static void drop(struct lookup *l)
{
	if (l->asking)
		l->all->io->drop(l->all, l);
	l->asking = false;
	loop_unset(&l->all->timers, &l->timer);
}

static void wait_for(struct lookup *l, uint64_t ms)
{
	drop(l);
	loop_set(l->all->loop, &l->all->timers, &l->timer, ms);
}

/* Nobody knows: what is known stays. */
static void give_up(struct lookup *l)
{
	l->pause = l->pause ? 2 * l->pause : LOOKUP_PAUSE_MS;
	if (l->pause > LOOKUP_PAUSE_MAX_MS)
		l->pause = LOOKUP_PAUSE_MAX_MS;
	wait_for(l, l->pause);
}

/* Ask the resolver whose turn it is, or the first behind it that can be asked.
 */
static void ask(struct lookup *l)
{
	struct lookups *all = l->all;

	drop(l);
	for (; l->round < LOOKUP_ROUNDS; l->round++, l->server = 0) {
		for (; l->server < all->resolvers.n; l->server++) {
			const uint16_t id = all->io->random(all);

			l->query[0] = (uint8_t)(id >> 8);
			l->query[1] = (uint8_t)id;
			l->wrong = 0;
			if (!all->io->ask(all, l, &all->resolvers.v[l->server]))
				continue;
			l->asking = true;
			loop_set(all->loop, &all->timers, &l->timer,
				 LOOKUP_TRY_MS);
			return;
		}
	}
	give_up(l);
}

static void begin(struct lookup *l)
{
	l->round = 0;
	l->server = 0;
	ask(l);
}

static void ask_next(struct lookup *l)
{
	l->server++;
	ask(l);
}

static void fire(struct loop *loop, struct loop_timer *t)
{
	struct lookup *l = loop_owner(t, struct lookup, timer);

	(void)loop;
	if (l->asking)
		ask_next(l);
	else
		begin(l);
}

/* The lookup of the same name and the other family. */
static const struct lookup *other(const struct lookup *l)
{
	return l->family == IP_V4 ? l + 1 : l - 1;
}

static void use(struct lookup *l, const struct ip *v, size_t n)
{
	bool same = l->n == n;

	for (size_t i = 0; same && i < n; i++)
		same = ip_equal(l->v[i], v[i]);
	l->pause = 0;
	if (same)
		return;
	if (n)
		memcpy(l->v, v, n * sizeof(*v));
	l->n = n;
	l->all->io->changed(l->all);
}

void lookups_answered(struct lookups *all, size_t which, const uint8_t *data,
		      size_t len)
{
	struct lookup *l = &all->v[which];
	struct lookup_reply r;
	uint32_t ttl;

	if (!l->asking)
		return;
	lookup_read(l->query, l->len, data, len, &r);
	switch (r.fate) {
	case LOOKUP_OTHER:
		if (++l->wrong > LOOKUP_WRONG)
			ask_next(l);
		return;
	case LOOKUP_FOUND:
		ttl = r.ttl < LOOKUP_TTL_MIN ? LOOKUP_TTL_MIN : r.ttl;
		if (ttl > LOOKUP_TTL_MAX)
			ttl = LOOKUP_TTL_MAX;
		wait_for(l, (uint64_t)ttl * 1000);
		use(l, r.v, r.n);
		return;
	case LOOKUP_EMPTY:
		/* A name that has no address at all is as one that is not
		 * there. */
		if (!other(l)->n) {
			give_up(l);
			return;
		}
		wait_for(l, LOOKUP_EMPTY_MS);
		use(l, NULL, 0);
		return;
	case LOOKUP_MISSING:
		give_up(l);
		return;
	case LOOKUP_FAILED:
		ask_next(l);
		return;
	}
}

void lookups_failed(struct lookups *all, size_t which)
{
	if (all->v[which].asking)
		ask_next(&all->v[which]);
}

/* What is known of a name from the text. */
static void seed(struct lookup *l, const struct dns_servers *found)
{
	l->n = 0;
	for (size_t i = 0; i < found->n; i++)
		if (found->v[i].ip.family == l->family)
			l->v[l->n++] = found->v[i].ip;
}

static void add(struct lookups *all, size_t host, const char *text, bool known)
{
	const bool fixed = dns_conf_fixed(text, host);
	struct dns_servers found;
	struct dname name;
	ARENA(a);

	if (dname_from_config(&a, all->conf->nameservers[host].host, &name))
		return;
	dns_conf_found(text, host, &found);
	for (size_t i = 0; i < 2; i++) {
		struct lookup *l = &all->v[all->n++];

		l->all = all;
		l->host = host;
		l->family = i ? IP_V6 : IP_V4;
		l->fixed = fixed;
		l->pause = 0;
		l->timer.fire = fire;
		l->len = lookup_query(l->query, 0, name, l->family);
		if (!known || fixed)
			seed(l, &found);
	}
}

void lookups_configure(struct lookups *all, const struct dns_conf *conf,
		       const char *text)
{
	const bool known = conf && conf == all->conf;

	for (size_t i = 0; i < all->n; i++)
		drop(&all->v[i]);
	all->conf = conf;
	all->n = 0;
	dns_conf_resolvers(text, &all->resolvers);
	for (size_t i = 0; conf && i < conf->n_nameservers; i++)
		if (conf->nameservers[i].host && all->n < LOOKUPS)
			add(all, i, text, known);
	for (size_t i = 0; i < all->n; i++)
		if (!all->v[i].fixed)
			begin(&all->v[i]);
}

void lookups_servers(const struct lookups *all, struct dns_servers *ret)
{
	const struct dns_conf *c = all->conf;
	const struct lookup *l = all->v, *end = all->v + all->n;

	*ret = (struct dns_servers){0};
	if (!c)
		return;
	if (!c->n_nameservers)
		*ret = all->resolvers;
	for (size_t i = 0; i < c->n_nameservers; i++) {
		const struct config_nameserver *ns = &c->nameservers[i];

		if (!ns->host)
			dns_servers_add(ret, ns->ip, ns->port);
		for (; l < end && l->host == i; l++)
			for (size_t k = 0; k < l->n; k++)
				dns_servers_add(ret, l->v[k], ns->port);
	}
}
