/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsd_pins.c - The monitor's part in pinning: checked, counted, committed. */
#include "dnsd_pins.h"

#include <string.h>
#include <unistd.h>

#include "eval.h"
#include "rebind.h"
#include "str.h"

/* Octets of the list of pins that are written at once. All of it would be
 * megabytes, which the heap keeps. */
#define WRITTEN_AT_ONCE 16384

bool dnsd_pins_open(struct dnsd_pins *p)
{
	*p = (struct dnsd_pins){.table = pin_table_new()};
	return p->table && pin_set_open(&p->set);
}

void dnsd_pins_close(struct dnsd_pins *p)
{
	pin_set_close(&p->set);
	pin_table_free(p->table);
	p->table = NULL;
}

/**
 * struct taking - A set of the kernel while it is read
 * @conf:	configuration in force
 * @table:	table that takes it over
 * @now:	s
 */
struct taking {
	const struct dns_conf *conf;
	struct pin_table *table;
	uint64_t now;
};

/* A name that the set is not about has not been written by us, or for another
 * configuration: nobody has it whom we know. */
static void take(void *to, const struct pin_element *e,
		 const struct pin_names *names, uint32_t life)
{
	const struct taking *t = to;
	const bool known = names->name.len &&
			   dns_conf_in_set(t->conf, e->set, names->name);
	const uint32_t unknown = names->others + !known;

	if (known)
		pin_table_add(t->table, e, names->name, life, t->now, NULL,
			      NULL);
	if (unknown)
		pin_table_hold(t->table, e, unknown, life, t->now);
}

/* Whatever the table says, the kernel's sets are right. */
static bool take_over(struct dnsd_pins *p, uint64_t now)
{
	struct taking t = {p->conf, p->table, now};
	bool all = true;

	pin_table_clear(p->table);
	for (size_t i = 0; i < p->conf->walk.n_pin_sets; i++)
		all &= pin_set_list(&p->set, (uint16_t)i, take, &t);
	return all;
}

static bool same_selectors(const struct walk_pin_set *a,
			   const struct walk_pin_set *b)
{
	if (strcmp(a->set4, b->set4) || strcmp(a->set6, b->set6) ||
	    a->names != b->names || a->n_dests != b->n_dests)
		return false;
	for (size_t i = 0; i < a->n_dests; i++)
		if (a->dests[i].kind != b->dests[i].kind ||
		    !dname_equal(a->dests[i].name, b->dests[i].name))
			return false;
	return true;
}

/**
 * struct moving - Pins while they go from one configuration to the next
 * @from:	configuration in force
 * @to:		the new one
 * @table:	table that is filled
 * @now:	s
 */
struct moving {
	const struct dns_conf *from;
	const struct dns_conf *to;
	struct pin_table *table;
	uint64_t now;
};

/* Names that are not known stay where a set has the same names as before. */
static void move_unknown(const struct moving *m, const struct pin_element *e,
			 uint32_t count, uint32_t life)
{
	const struct walk_pin_set *was = &m->from->walk.pin_sets[e->set];

	for (size_t i = 0; i < m->to->walk.n_pin_sets; i++) {
		if (!same_selectors(&m->to->walk.pin_sets[i], was))
			continue;
		pin_table_hold(m->table,
			       &(struct pin_element){(uint16_t)i, e->ip}, count,
			       life, m->now);
		return;
	}
}

static void move(void *to, const struct pin_element *e,
		 const struct pin_names *names, uint32_t life)
{
	const struct moving *m = to;
	uint16_t sets[DNS_SETS_OF_NAME];
	size_t n;

	if (!names->name.len) {
		move_unknown(m, e, names->others + 1, life);
		return;
	}
	n = dns_conf_sets(m->to, names->name, sets);
	for (size_t i = 0; i < n && i < DNS_SETS_OF_NAME; i++)
		pin_table_add(m->table, &(struct pin_element){sets[i], e->ip},
			      names->name, life, m->now, NULL, NULL);
}

bool dnsd_pins_configure(struct dnsd_pins *p, const struct dns_conf *conf,
			 int fd, uint64_t now)
{
	const struct dns_conf *old = p->conf;
	struct moving m = {old, conf, NULL, now};

	p->conf = conf;
	pin_set_use(&p->set, conf, fd);
	if (!old)
		return take_over(p, now);
	m.table = pin_table_new();
	if (!m.table)
		return false;
	pin_table_each(p->table, now, move, &m);
	pin_set_begin(&p->set);
	for (size_t i = 0; i < conf->walk.n_pin_sets; i++)
		pin_set_flush(&p->set, (uint16_t)i);
	pin_table_write(m.table, now, &pin_set_change, &p->set);
	if (pin_set_commit(&p->set)) {
		pin_table_free(p->table);
		p->table = m.table;
		return true;
	}
	pin_table_free(m.table);
	return take_over(p, now);
}

static bool name_good(const struct pin_name *n)
{
	size_t at = 0;

	while (at < n->len && n->wire[at]) {
		if (n->wire[at] > 63)
			return false;
		at += n->wire[at] + 1u;
	}
	return at + 1 == n->len;
}

static bool address_good(const struct pin_address *a, uint32_t names)
{
	return a->name < names && !a->zero &&
	       (a->family == IP_V4 || a->family == IP_V6) &&
	       a->life >= PIN_LIFE_MIN && a->life <= PIN_LIFE_MAX;
}

bool dnsd_pins_check(struct pin_batch *b, size_t len)
{
	const struct pin_head *h = &b->head;
	size_t names, addresses;

	if (len < sizeof(*h) || !h->names || h->names > PIN_NAMES ||
	    h->addresses > PIN_ADDRESSES)
		return false;
	names = h->names * sizeof(b->name[0]);
	addresses = h->addresses * sizeof(b->address[0]);
	if (len != sizeof(*h) + names + addresses)
		return false;
	memmove(b->address, (const char *)b->name + names, addresses);
	for (uint32_t i = 0; i < h->names; i++)
		if (!name_good(&b->name[i]))
			return false;
	for (uint32_t i = 0; i < h->addresses; i++)
		if (!address_good(&b->address[i], h->names))
			return false;
	return true;
}

bool dnsd_pins_permit(const struct dns_conf *c, const struct pin_batch *b)
{
	for (uint32_t i = 0; i < b->head.addresses; i++) {
		const struct pin_address *a = &b->address[i];
		const struct pin_name *n = &b->name[a->name];
		const struct ip ip =
			ip_from_bytes((enum ip_family)a->family, a->bytes);

		if (rebind_denied(c->local, ip) &&
		    !(walk_conf_is_gateway(&c->walk, ip) &&
		      dname_equal((struct dname){n->wire, n->len},
				  eval_gateway_name())))
			return false;
	}
	return true;
}

/* Put a message into the table, and what it changes into a batch. */
static bool add_all(struct dnsd_pins *p, const struct pin_batch *b,
		    uint64_t now)
{
	uint16_t sets[DNS_SETS_OF_NAME];
	uint32_t last = UINT32_MAX;
	struct dname name = {0};
	size_t n = 0;

	for (uint32_t i = 0; i < b->head.addresses; i++) {
		const struct pin_address *a = &b->address[i];
		struct pin_element e = {
			.ip = ip_from_bytes((enum ip_family)a->family,
					    a->bytes),
		};

		if (a->name != last) {
			last = a->name;
			name = (struct dname){b->name[last].wire,
					      b->name[last].len};
			n = dns_conf_sets(p->conf, name, sets);
			/* No rule is about it: the worker knows better. */
			if (!n || n > DNS_SETS_OF_NAME)
				return false;
		}
		for (size_t s = 0; s < n; s++) {
			e.set = sets[s];
			pin_table_add(p->table, &e, name, a->life, now,
				      &pin_set_change, &p->set);
		}
	}
	return true;
}

struct pin_reply dnsd_pins_commit(struct dnsd_pins *p,
				  const struct pin_batch *b, uint64_t now)
{
	const bool permitted = dnsd_pins_permit(p->conf, b);
	bool good = false;

	p->commits++;
	/* Somebody else may have changed the sets: then the table is read anew,
	 * and it is tried once more. */
	for (int i = 0; i < 2 && permitted && !good; i++) {
		pin_set_begin(&p->set);
		good = add_all(p, b, now) && pin_set_commit(&p->set);
		if (!good && !take_over(p, now))
			break;
	}
	p->failed += !good;
	return (struct pin_reply){good, pin_table_epoch(p->table)};
}

/**
 * struct writing - The list of pins while it is written
 * @p:		pins
 * @fd:		file
 * @s:		text that is not in the file yet
 * @failed:	the file takes no more
 */
struct writing {
	const struct dnsd_pins *p;
	int fd;
	struct str s;
	bool failed;
};

static void write_text(struct writing *w)
{
	size_t at = 0;

	while (at < w->s.len && !w->failed) {
		const ssize_t n = write(w->fd, w->s.data + at, w->s.len - at);

		if (n <= 0)
			w->failed = true;
		else
			at += (size_t)n;
	}
	w->s.len = 0;
}

static void write_pin(void *to, const struct pin_element *e,
		      const struct pin_names *names, uint32_t life)
{
	struct writing *w = to;
	const struct walk_pin_set *set = &w->p->conf->walk.pin_sets[e->set];
	char text[DNAME_TEXT_MAX], ip[IP_TEXT_MAX];

	str_puts(&w->s, "{\"name\":");
	if (names->name.len) {
		dname_format(names->name, text);
		str_json(&w->s, text, strlen(text));
	} else {
		str_puts(&w->s, "null");
	}
	str_printf(&w->s, ",\"address\":\"%s\",\"set\":", ip_format(e->ip, ip));
	str_json(&w->s, e->ip.family == IP_V4 ? set->set4 : set->set6,
		 strlen(e->ip.family == IP_V4 ? set->set4 : set->set6));
	str_printf(&w->s, ",\"seconds\":%u}\n", life);
	if (w->s.len >= WRITTEN_AT_ONCE)
		write_text(w);
}

void dnsd_pins_write(const struct dnsd_pins *p, int fd, uint64_t now)
{
	struct writing w = {.p = p, .fd = fd};

	if (p->conf)
		pin_table_each(p->table, now, write_pin, &w);
	write_text(&w);
	str_free(&w.s);
}
