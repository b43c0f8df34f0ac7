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
 * @count:	names that it stands for: 1 unless it is not known who has it
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
	uint32_t count;
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

/**
 * struct element - What the pins of an element make of it
 * @until:	when the last of them ends; 0: it has none
 * @last:	that one; of several, one whose name is known
 * @count:	names that have it now
 */
struct element {
	uint64_t until;
	const struct pin *last;
	uint32_t count;
};

static struct element look_at(struct pin_table *t, const struct pin_element *e,
			      uint64_t now)
{
	struct element ret = {0};

	for (const struct pin *p = *bucket_of(t, e); p; p = p->next) {
		if (!same_element(&p->e, e))
			continue;
		if (!ret.last || p->until > ret.until ||
		    (p->until == ret.until && !ret.last->owner->len))
			ret.last = p;
		ret.until = ret.last->until;
		if (p->until > now)
			ret.count += p->count;
	}
	return ret;
}

/* Who has an element that has time left. */
static struct pin_names names_of(const struct element *e)
{
	const struct owner *o = e->last->owner;
	const uint32_t others = e->count - 1;

	return (struct pin_names){
		{.wire = o->wire, .len = o->len},
		others < PIN_OTHERS_MAX ? others : PIN_OTHERS_MAX,
	};
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

/* A pin goes before its time. If others have its element too, that is told when
 * the time was this one's own, and so the name that stood there; else it is
 * counted until the element is written again. */
static void evict(struct pin_table *t, struct pin *p, uint64_t now,
		  const struct pin_change *change, void *to)
{
	const struct pin_element e = p->e;
	const uint64_t until = p->until;
	struct pin_names names;
	struct element left;

	forget(t, p);
	t->epoch++;
	if (!change || until <= now + MARGIN)
		return;
	left = look_at(t, &e, now);
	if (left.until >= until)
		return;
	if (left.until <= now) {
		change->remove(to, &e);
		return;
	}
	names = names_of(&left);
	change->renew(to, &e, &names, (uint32_t)(left.until - now), false);
}

/* What has ended may be in its set for a moment, which its next addition has to
 * know. */
static void purge(struct pin_table *t, uint64_t now)
{
	for (int i = 0;
	     i < PURGE && t->oldest && t->oldest->until + MARGIN <= now; i++)
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

static struct pin *find_pin(struct pin_table *t, const struct owner *o,
			    const struct pin_element *e)
{
	struct pin *p = o ? *bucket_of(t, e) : NULL;

	while (p && (p->owner != o || !same_element(&p->e, e)))
		p = p->next;
	return p;
}

static struct pin *put_pin(struct pin_table *t, const struct pin_element *e,
			   struct dname name, uint64_t until, uint32_t count)
{
	struct pin **bucket = bucket_of(t, e), *p = new_pin(t);
	struct owner *o = find_owner(t, e->set, name);

	if (!o)
		o = new_owner(t, e->set, name);
	*p = (struct pin){.e = *e,
			  .until = until,
			  .count = count,
			  .owner = o,
			  .next = *bucket};
	*bucket = p;
	o->n++;
	link_newest(t, p);
	return p;
}

static void renew_pin(struct pin_table *t, struct pin *p, uint64_t until)
{
	unlink_order(t, p);
	if (until > p->until)
		p->until = until;
	link_newest(t, p);
}

/* Make room for one more pin of a name. Return: whether @e has lost one. */
static bool make_room(struct pin_table *t, const struct pin_element *e,
		      const struct owner *o, uint64_t now,
		      const struct pin_change *change, void *to)
{
	const bool full = t->n >= PIN_TABLE_MAX;
	bool lost = false;

	/* A name has no element twice: what goes here is another one. */
	if (o && o->len && o->n >= PIN_NAME_MAX)
		evict(t, o->oldest, now, change, to);
	for (int i = 0; full && i < PIN_TABLE_ROOM; i++) {
		lost |= same_element(&t->oldest->e, e);
		evict(t, t->oldest, now, change, to);
	}
	return lost;
}

/* What an element is with a pin that is new, or was renewed; @counted: it is in
 * @before. */
static struct element with_pin(const struct element *before,
			       const struct pin *p, bool counted)
{
	struct element ret = *before;

	if (!counted)
		ret.count += p->count;
	if (p->until >= ret.until) {
		ret.until = p->until;
		ret.last = p;
	}
	return ret;
}

void pin_table_add(struct pin_table *t, const struct pin_element *e,
		   struct dname name, uint32_t life, uint64_t now,
		   const struct pin_change *change, void *to)
{
	const uint64_t until = now + life;
	struct element first, before, after;
	struct pin_names names;
	struct owner *o;
	struct pin *p;
	bool counted;

	purge(t, now);
	o = find_owner(t, e->set, name);
	p = find_pin(t, o, e);
	counted = p && p->until > now;
	first = before = look_at(t, e, now);
	if (p) {
		renew_pin(t, p, until);
	} else {
		if (make_room(t, e, o, now, change, to))
			before = look_at(t, e, now);
		p = put_pin(t, e, name, until, 1);
	}
	after = with_pin(&before, p, counted);
	if (!change || (counted && after.until <= before.until))
		return;
	names = names_of(&after);
	/* One that is not there: it never was, or was taken away just now. Near
	 * its end, and behind it, it may be there or not. */
	if (!before.until && (!first.until || first.until > now + MARGIN))
		change->add(to, e, &names, (uint32_t)(after.until - now));
	else
		change->renew(to, e, &names, (uint32_t)(after.until - now),
			      before.until <= now + MARGIN);
}

void pin_table_hold(struct pin_table *t, const struct pin_element *e,
		    uint32_t count, uint32_t life, uint64_t now)
{
	const struct dname nobody = {0};
	struct owner *o = find_owner(t, e->set, nobody);
	struct pin *p = find_pin(t, o, e);

	if (p) {
		renew_pin(t, p, now + life);
		p->count = count;
		return;
	}
	make_room(t, e, o, now, NULL, NULL);
	put_pin(t, e, nobody, now + life, count);
}

void pin_table_write(struct pin_table *t, uint64_t now,
		     const struct pin_change *change, void *to)
{
	for (const struct pin *p = t->oldest; p; p = p->newer) {
		const struct element e = look_at(t, &p->e, now);
		struct pin_names names;

		if (e.last != p || p->until <= now)
			continue;
		names = names_of(&e);
		change->add(to, &p->e, &names, (uint32_t)(p->until - now));
	}
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
			       const struct pin_names *names, uint32_t life),
		    void *to)
{
	for (const struct pin *p = t->oldest; p; p = p->newer) {
		const struct pin_names names = {
			{.wire = p->owner->wire, .len = p->owner->len},
			p->count - 1,
		};

		if (p->until > now)
			fn(to, &p->e, &names, (uint32_t)(p->until - now));
	}
}
