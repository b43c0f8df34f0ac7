/* SPDX-License-Identifier: GPL-2.0-or-later */
/* space_store.h - Port lists and profiles, each kept once, within a bound. */
#ifndef MSB_SPACE_STORE_H
#define MSB_SPACE_STORE_H

#include "space.h"

/** struct space_slot - A place of a hash table; empty if @item is NULL */
struct space_slot {
	uint64_t hash;
	const void *item;
};

/**
 * struct space_table - Open addressing, at most half full
 * @v:		places; their number is a power of two
 * @n:		places in use
 * @cap:	places there are
 */
struct space_table {
	struct space_slot *v;
	size_t n;
	size_t cap;
};

/**
 * struct space_store - What the profiles of one space are made of
 * @a:		arena of what is kept
 * @ports:	port lists, by contents
 * @profiles:	profiles, by contents
 * @list:	profiles, by number
 * @n_list:	how many
 * @cap_list:	private
 * @buf:	list that is being written, before it is looked up
 * @n:		spans in it
 * @cap:	private
 * @falls:	the list in which nothing is decided
 * @steps:	steps so far
 * @max_steps:	bound
 * @kept:	spans that are kept
 * @max_kept:	bound
 * @over:	a bound was exceeded: whatever is made from then on is wrong,
 *		quick, and of no use
 */
struct space_store {
	struct arena *a;
	struct space_table ports;
	struct space_table profiles;
	const struct space_profile **list;
	size_t n_list;
	size_t cap_list;
	struct space_span *buf;
	size_t n;
	size_t cap;
	const struct space_ports *falls;
	size_t steps;
	size_t max_steps;
	size_t kept;
	size_t max_kept;
	bool over;
};

/** space_same_fn - Whether two items of a table have the same contents */
typedef bool space_same_fn(const void *x, const void *y);

/**
 * space_table_find() - The place of an item, or the one where it is to go
 * @s:		store, which counts the steps
 * @t:		table; it has room for one more item afterwards
 * @hash:	hash of the item's contents
 * @item:	item with those contents
 * @same:	compares contents
 *
 * Return: place; if it is empty, whoever fills it counts it in @t->n
 */
struct space_slot *space_table_find(struct space_store *s,
				    struct space_table *t, uint64_t hash,
				    const void *item, space_same_fn *same);

/** space_store_count() - Count steps */
void space_store_count(struct space_store *s, size_t n);

/** space_store_init() - An empty store with the bounds of a space */
void space_store_init(struct space_store *s, struct arena *a);

/** space_store_begin() - Start to write a list */
void space_store_begin(struct space_store *s);

/**
 * space_store_put() - Write the next span
 * @s:		store
 * @hi:		its last port; it starts where the last one ended
 * @rule:	its rule, or any other value; equal neighbours become one
 */
void space_store_put(struct space_store *s, uint16_t hi, uint32_t rule);

/** space_store_end() - The list that was written, which ends at 65535 */
const struct space_ports *space_store_end(struct space_store *s);

/** space_store_whole() - The list with one value at every port */
const struct space_ports *space_store_whole(struct space_store *s,
					    uint32_t rule);

/** space_store_min() - The list with the lower value of two at each port: the
 * earlier rule decides
 */
const struct space_ports *space_store_min(struct space_store *s,
					  const struct space_ports *x,
					  const struct space_ports *y);

/** struct space_lists - One list for each protocol class */
struct space_lists {
	const struct space_ports *by[SPACE_CLASSES];
};

/** space_lists_min() - Likewise, of each class */
struct space_lists space_lists_min(struct space_store *s,
				   const struct space_lists *x,
				   const struct space_lists *y);

/**
 * space_store_above() - What of a list comes before another one
 * @s:		store
 * @own:	list
 * @base:	other list
 *
 * Takes time for the spans of @own, and for those of @base where @own decides.
 *
 * Return: @own where its rule is the lower one, SPACE_FALLS elsewhere
 */
const struct space_ports *space_store_above(struct space_store *s,
					    const struct space_ports *own,
					    const struct space_ports *base);

/** space_store_profile() - The profile with the contents of @p, and a number */
const struct space_profile *space_store_profile(struct space_store *s,
						const struct space_profile *p);

/**
 * space_area_add() - Append a cell to an area, or extend its last one
 * @a:		arena
 * @area:	area; its array grows
 * @cap:	room in the array
 * @cell:	cell that follows the last one
 */
void space_area_add(struct arena *a, struct space_area *area, size_t *cap,
		    const struct space_cell *cell);

/** space_area_at() - The cell that holds an address */
const struct space_cell *space_area_at(const struct space_area *area,
				       struct ip ip);

/** space_ports_find() - Index of the span that holds a port */
size_t space_ports_find(const struct space_ports *p, uint16_t port);

/** space_ports_at() - The value at a port */
uint32_t space_ports_at(const struct space_ports *p, uint16_t port);

/** struct space_cursor - The way through a profile's spans of one class */
struct space_cursor {
	const struct space_ports *own;
	const struct space_ports *base;
	size_t i;
	size_t j;
};

/** space_cursor() - Start at the span that holds a port */
struct space_cursor space_cursor(const struct space_profile *p,
				 enum space_class class, uint16_t port);

/**
 * space_next() - The next span, with the rule that decides there
 * @c:		cursor; the first span may start before the port asked for
 * @ret:	span; neighbours may have the same rule
 *
 * Return: false behind port 65535
 */
bool space_next(struct space_cursor *c, struct space_span *ret);

#endif
