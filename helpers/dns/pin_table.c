/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_table.c - Which addresses are pinned, for whom, and until when. */
#include "pin_table.h"

#include <string.h>
#include <sys/mman.h>

#define BUCKETS 16384

/* Within this many seconds of its end an element may be gone already. */
#define MARGIN 2

/* Expired pins that are forgotten at each addition. */
#define PURGE 4

/**
 * struct pin - A pin
 * @e:		element
 * @until:	when it ends, s
 * @owner:	who has it
 * @next:	next of the same bucket, by element
 * @older:	the one that was renewed before it, of all
 * @newer:	the one that was renewed after it
 * @own_older:	likewise, of the same owner
 * @own_newer:	likewise
 */
struct pin {
	struct pin_element e;
	uint64_t until;
	struct owner *owner;
	struct pin *next;
	struct pin *older;
	struct pin *newer;
	struct pin *own_older;
	struct pin *own_newer;
};

/**
 * struct owner - A name in a set
 * @set:	set
 * @len:	octets of the name
 * @wire:	name
 * @n:		its pins
 * @oldest:	its oldest pin
 * @newest:	its newest
 * @next:	next of the same bucket, or next free one
 */
struct owner {
	uint16_t set;
	uint8_t len;
	uint8_t wire[DNAME_WIRE_MAX];
	uint32_t n;
	struct pin *oldest;
	struct pin *newest;
	struct owner *next;
};

/* struct pin_table - Memory that costs nothing until it is used */
struct pin_table {
	struct pin *bucket[BUCKETS];
	struct owner *owner_bucket[BUCKETS];
	struct pin *oldest;
	struct pin *newest;
	struct pin *free;
	struct owner *free_owner;
	size_t n;
	size_t used;
	size_t used_owners;
	uint64_t epoch;
	struct pin pin[PIN_TABLE_MAX];
	struct owner owner[PIN_TABLE_MAX];
};

struct pin_table *pin_table_new(void)
{
	void *t = mmap(NULL, sizeof(struct pin_table), PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return t == MAP_FAILED ? NULL : t;
}

void pin_table_free(struct pin_table *t)
{
	if (t)
		munmap(t, sizeof(*t));
}

void pin_table_clear(struct pin_table *t)
{
	const uint64_t epoch = t->epoch + 1;

	/* Zero again, and no memory used. */
	if (madvise(t, sizeof(*t), MADV_DONTNEED) < 0)
		memset(t, 0, sizeof(*t));
	t->epoch = epoch;
}

static uint32_t mix(uint32_t hash, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	while (n--)
		hash = (hash ^ *p++) * UINT32_C(16777619);
	return hash;
}

static struct pin **bucket_of(struct pin_table *t, const struct pin_element *e)
{
	uint32_t hash = mix(UINT32_C(2166136261), &e->set, sizeof(e->set));

	return &t->bucket[mix(hash, &e->ip.num, sizeof(e->ip.num)) % BUCKETS];
}

static struct owner **owner_bucket(struct pin_table *t, uint16_t set,
				   struct dname name)
{
	uint32_t hash = mix(UINT32_C(2166136261), &set, sizeof(set));

	return &t->owner_bucket[mix(hash, name.wire, name.len) % BUCKETS];
}

static struct owner *find_owner(struct pin_table *t, uint16_t set,
				struct dname name)
{
	struct owner *o = *owner_bucket(t, set, name);

	/* A name that is not known has no octets, and no address either. */
	while (o && (o->set != set || o->len != name.len ||
		     (name.len && memcmp(o->wire, name.wire, name.len) != 0)))
		o = o->next;
	return o;
}

/* There are as many owners as pins: one is free whenever a pin is. */
static struct owner *new_owner(struct pin_table *t, uint16_t set,
			       struct dname name)
{
	struct owner **b = owner_bucket(t, set, name), *o = t->free_owner;

	if (o)
		t->free_owner = o->next;
	else
		o = &t->owner[t->used_owners++];
	*o = (struct owner){.set = set, .len = name.len, .next = *b};
	if (name.len)
		memcpy(o->wire, name.wire, name.len);
	*b = o;
	return o;
}

static void end_owner(struct pin_table *t, struct owner *o)
{
	struct owner **at = owner_bucket(
		t, o->set, (struct dname){.wire = o->wire, .len = o->len});

	while (*at != o)
		at = &(*at)->next;
	*at = o->next;
	o->next = t->free_owner;
	t->free_owner = o;
}

static bool same_element(const struct pin_element *a,
			 const struct pin_element *b)
{
	return a->set == b->set && ip_equal(a->ip, b->ip);
}

/* When the last pin of an element ends; 0: it has none. */
static uint64_t element_until(struct pin_table *t, const struct pin_element *e)
{
	uint64_t until = 0;

	for (const struct pin *p = *bucket_of(t, e); p; p = p->next)
		if (same_element(&p->e, e) && p->until > until)
			until = p->until;
	return until;
}

static void unlink_order(struct pin_table *t, struct pin *p)
{
	struct owner *o = p->owner;

	*(p->older ? &p->older->newer : &t->oldest) = p->newer;
	*(p->newer ? &p->newer->older : &t->newest) = p->older;
	*(p->own_older ? &p->own_older->own_newer : &o->oldest) = p->own_newer;
	*(p->own_newer ? &p->own_newer->own_older : &o->newest) = p->own_older;
}

static void link_newest(struct pin_table *t, struct pin *p)
{
	struct owner *o = p->owner;

	p->older = t->newest;
	p->newer = NULL;
	*(t->newest ? &t->newest->newer : &t->oldest) = p;
	t->newest = p;
	p->own_older = o->newest;
	p->own_newer = NULL;
	*(o->newest ? &o->newest->own_newer : &o->oldest) = p;
	o->newest = p;
}

static void forget(struct pin_table *t, struct pin *p)
{
	struct pin **at = bucket_of(t, &p->e);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	unlink_order(t, p);
	if (!--p->owner->n)
		end_owner(t, p->owner);
	p->next = t->free;
	t->free = p;
	t->n--;
}

/* A pin goes before its time. */
static void evict(struct pin_table *t, struct pin *p, uint64_t now,
		  const struct pin_change *change, void *to)
{
	const struct pin_element e = p->e;
	const uint64_t until = p->until;

	forget(t, p);
	t->epoch++;
	if (change && !element_until(t, &e) && until > now + MARGIN)
		change->remove(to, &e);
}

static void purge(struct pin_table *t, uint64_t now)
{
	for (int i = 0; i < PURGE && t->oldest && t->oldest->until <= now; i++)
		forget(t, t->oldest);
}

static struct pin *new_pin(struct pin_table *t)
{
	struct pin *p = t->free;

	if (p)
		t->free = p->next;
	else
		p = &t->pin[t->used++];
	t->n++;
	return p;
}

void pin_table_add(struct pin_table *t, const struct pin_element *e,
		   struct dname name, uint32_t life, uint64_t now,
		   const struct pin_change *change, void *to)
{
	const uint64_t until = now + life, last = element_until(t, e);
	struct pin **bucket = bucket_of(t, e), *p;
	struct owner *o;

	purge(t, now);
	if (change && last <= now)
		last ? change->renew(to, e, life, true)
		     : change->add(to, e, life);
	else if (change && until > last)
		change->renew(to, e, life, last <= now + MARGIN);
	o = find_owner(t, e->set, name);
	for (p = o ? *bucket : NULL;
	     p && (p->owner != o || !same_element(&p->e, e));)
		p = p->next;
	if (p) {
		unlink_order(t, p);
		if (until > p->until)
			p->until = until;
		link_newest(t, p);
		return;
	}
	if (o && name.len && o->n >= PIN_NAME_MAX)
		evict(t, o->oldest, now, change, to);
	if (t->n >= PIN_TABLE_MAX)
		evict(t, t->oldest, now, change, to);
	/* The last pin of the owner may have gone just now. */
	o = find_owner(t, e->set, name);
	if (!o)
		o = new_owner(t, e->set, name);
	p = new_pin(t);
	*p = (struct pin){.e = *e, .until = until, .owner = o, .next = *bucket};
	*bucket = p;
	o->n++;
	link_newest(t, p);
}

uint64_t pin_table_epoch(const struct pin_table *t)
{
	return t->epoch;
}

size_t pin_table_count(const struct pin_table *t)
{
	return t->n;
}

void pin_table_each(const struct pin_table *t, uint64_t now,
		    void (*fn)(void *to, const struct pin_element *e,
			       struct dname name, uint32_t life),
		    void *to)
{
	for (const struct pin *p = t->oldest; p; p = p->newer)
		if (p->until > now)
			fn(to, &p->e,
			   (struct dname){.wire = p->owner->wire,
					  .len = p->owner->len},
			   (uint32_t)(p->until - now));
}
