/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_table.c - Which addresses are pinned, for whom, and until when. */
#include "pin_table.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "keyed_hash.h"

/* So many that most have one pin at most: what stands in a pin's way costs as
 * much as itself. */
#define BUCKETS 65536

/* The same for owners, of which there are fewer: names have several addresses.
 */
#define OWNER_BUCKETS 16384

/* Within this many seconds of its end an element may be gone already. */
#define MARGIN 2

/* Expired pins that are forgotten at each addition. */
#define PURGE 4

/* Pins and owners are told by their places, from 1 on; 0 is none. Most of what
 * an addition costs is waiting for memory, so there is to be little of it. */
_Static_assert(PIN_TABLE_MAX < UINT16_MAX, "a place has 16 bits");
_Static_assert(BUCKETS - 1 <= UINT16_MAX, "a bucket's number has 16 bits");

/**
 * struct pin - A pin
 * @num:	address
 * @until:	when it ends, s
 * @count:	names that it stands for: 1 unless it is not known who has it
 * @set:	set
 * @family:	the address's family
 * @bucket:	its bucket
 * @owner:	who has it
 * @next:	next of the same bucket, by element, or next free one
 * @older:	the one that was renewed before it, of all
 * @newer:	the one that was renewed after it
 * @own_older:	likewise, of the same owner
 * @own_newer:	likewise
 */
struct pin {
	ip_num num;
	uint32_t until;
	uint32_t count;
	uint16_t set;
	uint8_t family;
	uint16_t bucket;
	uint16_t owner;
	uint16_t next;
	uint16_t older;
	uint16_t newer;
	uint16_t own_older;
	uint16_t own_newer;
};

/**
 * struct owner - A name in a set
 * @set:	set
 * @n:		its pins
 * @oldest:	its oldest pin
 * @newest:	its newest
 * @next:	next of the same bucket, or next free one
 * @len:	octets of the name
 * @wire:	name
 */
struct owner {
	uint16_t set;
	uint16_t n;
	uint16_t oldest;
	uint16_t newest;
	uint16_t next;
	uint8_t len;
	uint8_t wire[DNAME_WIRE_MAX];
};

/* struct pin_table - Memory that costs nothing until it is used */
struct pin_table {
	struct keyed_hash hash;
	uint64_t epoch;
	size_t n;
	uint16_t used;
	uint16_t used_owners;
	uint16_t oldest;
	uint16_t newest;
	uint16_t free;
	uint16_t free_owner;
	uint16_t bucket[BUCKETS];
	uint16_t owner_bucket[OWNER_BUCKETS];
	struct pin pin[1 + PIN_TABLE_MAX];
	struct owner owner[1 + PIN_TABLE_MAX];
};

struct pin_table *pin_table_new(void)
{
	struct keyed_hash hash;
	struct pin_table *t;

	/* A guest that asks for names of its own choice decides what is in it:
	 * it shall not decide where. */
	if (getrandom(&hash, sizeof(hash), 0) != sizeof(hash))
		return NULL;
	t = mmap(NULL, sizeof(struct pin_table), PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (t == MAP_FAILED)
		return NULL;
	t->hash = hash;
	return t;
}

void pin_table_free(struct pin_table *t)
{
	if (t)
		munmap(t, sizeof(*t));
}

void pin_table_clear(struct pin_table *t)
{
	const struct keyed_hash hash = t->hash;
	const uint64_t epoch = t->epoch + 1;

	/* Zero again, and no memory used. */
	if (madvise(t, sizeof(*t), MADV_DONTNEED) < 0)
		memset(t, 0, sizeof(*t));
	t->hash = hash;
	t->epoch = epoch;
}

static uint16_t place_of(const struct pin_table *t, const struct pin *p)
{
	return (uint16_t)(p - t->pin);
}

static struct pin_element element_of(const struct pin *p)
{
	return (struct pin_element){p->set,
				    {(enum ip_family)p->family, p->num}};
}

static uint16_t *bucket_of(struct pin_table *t, const struct pin_element *e)
{
	const uint64_t hash =
		keyed_hash(&t->hash, e->set, &e->ip.num, sizeof(e->ip.num));

	return &t->bucket[hash % BUCKETS];
}

static uint16_t *owner_bucket(struct pin_table *t, uint16_t set,
			      struct dname name)
{
	const uint64_t hash = keyed_hash(&t->hash, set, name.wire, name.len);

	return &t->owner_bucket[hash % OWNER_BUCKETS];
}

/* The place of a name in a set; 0 if it has no pin there. */
static uint16_t find_owner(const struct pin_table *t, const uint16_t *bucket,
			   uint16_t set, struct dname name)
{
	uint16_t at = *bucket;

	for (; at; at = t->owner[at].next) {
		const struct owner *o = &t->owner[at];

		/* A name that is not known has no octets, and no address. */
		if (o->set == set && o->len == name.len &&
		    (!name.len || memcmp(o->wire, name.wire, name.len) == 0))
			break;
	}
	return at;
}

/* There are as many owners as pins: one is free whenever a pin is. */
static uint16_t new_owner(struct pin_table *t, uint16_t *bucket, uint16_t set,
			  struct dname name)
{
	uint16_t at = t->free_owner;
	struct owner *o;

	if (at)
		t->free_owner = t->owner[at].next;
	else
		at = ++t->used_owners;
	o = &t->owner[at];
	o->set = set;
	o->n = 0;
	o->oldest = 0;
	o->newest = 0;
	o->next = *bucket;
	o->len = name.len;
	if (name.len)
		memcpy(o->wire, name.wire, name.len);
	*bucket = at;
	return at;
}

static void end_owner(struct pin_table *t, uint16_t place)
{
	struct owner *o = &t->owner[place];
	uint16_t *at = owner_bucket(
		t, o->set, (struct dname){.wire = o->wire, .len = o->len});

	while (*at != place)
		at = &t->owner[*at].next;
	*at = o->next;
	o->next = t->free_owner;
	t->free_owner = place;
}

static bool is_of(const struct pin *p, const struct pin_element *e)
{
	return p->num == e->ip.num && p->set == e->set &&
	       p->family == e->ip.family;
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

static struct element look_at(const struct pin_table *t, const uint16_t *bucket,
			      const struct pin_element *e, uint64_t now)
{
	struct element ret = {0};

	for (uint16_t at = *bucket; at; at = t->pin[at].next) {
		const struct pin *p = &t->pin[at];

		if (!is_of(p, e))
			continue;
		if (!ret.last || p->until > ret.until ||
		    (p->until == ret.until && !t->owner[ret.last->owner].len))
			ret.last = p;
		ret.until = ret.last->until;
		if (p->until > now)
			ret.count += p->count;
	}
	return ret;
}

/* Who has an element that has time left. */
static struct pin_names names_of(const struct pin_table *t,
				 const struct element *e)
{
	const struct owner *o = &t->owner[e->last->owner];
	const uint32_t others = e->count - 1;

	return (struct pin_names){
		{.wire = o->wire, .len = o->len},
		others < PIN_OTHERS_MAX ? others : PIN_OTHERS_MAX,
	};
}

static void unlink_order(struct pin_table *t, const struct pin *p)
{
	struct owner *o = &t->owner[p->owner];
	struct pin *v = t->pin;

	*(p->older ? &v[p->older].newer : &t->oldest) = p->newer;
	*(p->newer ? &v[p->newer].older : &t->newest) = p->older;
	*(p->own_older ? &v[p->own_older].own_newer : &o->oldest) =
		p->own_newer;
	*(p->own_newer ? &v[p->own_newer].own_older : &o->newest) =
		p->own_older;
}

static void link_newest(struct pin_table *t, struct pin *p)
{
	struct owner *o = &t->owner[p->owner];
	const uint16_t place = place_of(t, p);
	struct pin *v = t->pin;

	p->older = t->newest;
	p->newer = 0;
	*(t->newest ? &v[t->newest].newer : &t->oldest) = place;
	t->newest = place;
	p->own_older = o->newest;
	p->own_newer = 0;
	*(o->newest ? &v[o->newest].own_newer : &o->oldest) = place;
	o->newest = place;
}

static void forget(struct pin_table *t, struct pin *p)
{
	const uint16_t place = place_of(t, p);
	uint16_t *at = &t->bucket[p->bucket];

	while (*at != place)
		at = &t->pin[*at].next;
	*at = p->next;
	unlink_order(t, p);
	if (!--t->owner[p->owner].n)
		end_owner(t, p->owner);
	p->next = t->free;
	t->free = place;
	t->n--;
}

/* A pin goes before its time. If others have its element too, that is told when
 * the time was this one's own, and so the name that stood there; else it is
 * counted until the element is written again. */
static void evict(struct pin_table *t, struct pin *p, uint64_t now,
		  const struct pin_change *change, void *to)
{
	const struct pin_element e = element_of(p);
	const uint16_t *bucket = &t->bucket[p->bucket];
	const uint64_t until = p->until;
	struct pin_names names;
	struct element left;

	forget(t, p);
	t->epoch++;
	if (!change || until <= now + MARGIN)
		return;
	left = look_at(t, bucket, &e, now);
	if (left.until >= until)
		return;
	if (left.until <= now) {
		change->remove(to, &e);
		return;
	}
	names = names_of(t, &left);
	change->renew(to, &e, &names, (uint32_t)(left.until - now), false);
}

/* What has ended may be in its set for a moment, which its next addition has to
 * know. */
static void purge(struct pin_table *t, uint64_t now)
{
	for (int i = 0; i < PURGE && t->oldest; i++) {
		struct pin *p = &t->pin[t->oldest];

		if ((uint64_t)p->until + MARGIN > now)
			break;
		forget(t, p);
	}
}

static struct pin *new_pin(struct pin_table *t)
{
	const uint16_t place = t->free ? t->free : ++t->used;
	struct pin *p = &t->pin[place];

	if (t->free)
		t->free = p->next;
	t->n++;
	return p;
}

static struct pin *find_pin(struct pin_table *t, const uint16_t *bucket,
			    uint16_t owner, const struct pin_element *e)
{
	uint16_t at = owner ? *bucket : 0;

	while (at && (t->pin[at].owner != owner || !is_of(&t->pin[at], e)))
		at = t->pin[at].next;
	return at ? &t->pin[at] : NULL;
}

static struct pin *put_pin(struct pin_table *t, uint16_t *bucket,
			   uint16_t owner, const struct pin_element *e,
			   uint64_t until, uint32_t count)
{
	struct pin *p = new_pin(t);

	*p = (struct pin){.num = e->ip.num,
			  .until = (uint32_t)until,
			  .count = count,
			  .set = e->set,
			  .family = (uint8_t)e->ip.family,
			  .bucket = (uint16_t)(bucket - t->bucket),
			  .owner = owner,
			  .next = *bucket};
	*bucket = place_of(t, p);
	t->owner[owner].n++;
	link_newest(t, p);
	return p;
}

static void renew_pin(struct pin_table *t, struct pin *p, uint64_t until)
{
	unlink_order(t, p);
	if (until > p->until)
		p->until = (uint32_t)until;
	link_newest(t, p);
}

/* Make room for one more pin of an owner. Return: whether any had to go, and so
 * perhaps the owner; @ret_lost: whether @e has lost one. */
static bool make_room(struct pin_table *t, const struct pin_element *e,
		      uint16_t owner, uint64_t now,
		      const struct pin_change *change, void *to, bool *ret_lost)
{
	const struct owner *o = &t->owner[owner];
	const bool full = t->n >= PIN_TABLE_MAX;
	const bool much = owner && o->len && o->n >= PIN_NAME_MAX;

	*ret_lost = false;
	/* A name has no element twice: what goes here is another one. */
	if (much)
		evict(t, &t->pin[o->oldest], now, change, to);
	for (int i = 0; full && i < PIN_TABLE_ROOM; i++) {
		struct pin *p = &t->pin[t->oldest];

		*ret_lost |= is_of(p, e);
		evict(t, p, now, change, to);
	}
	return much || full;
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

/* When a pin ends, s. What somebody else has put into a set may have any time.
 */
static uint64_t end_of(uint64_t now, uint32_t life)
{
	return now + life < UINT32_MAX ? now + life : UINT32_MAX;
}

void pin_table_add(struct pin_table *t, const struct pin_element *e,
		   struct dname name, uint32_t life, uint64_t now,
		   const struct pin_change *change, void *to)
{
	uint16_t *bucket = bucket_of(t, e), *names_bucket, owner;
	const uint64_t until = end_of(now, life);
	struct element first, before, after;
	bool counted, lost = false;
	struct pin_names names;
	struct pin *p;

	purge(t, now);
	names_bucket = owner_bucket(t, e->set, name);
	owner = find_owner(t, names_bucket, e->set, name);
	p = find_pin(t, bucket, owner, e);
	counted = p && p->until > now;
	first = before = look_at(t, bucket, e, now);
	if (p) {
		renew_pin(t, p, until);
	} else {
		if (make_room(t, e, owner, now, change, to, &lost))
			owner = find_owner(t, names_bucket, e->set, name);
		if (lost)
			before = look_at(t, bucket, e, now);
		if (!owner)
			owner = new_owner(t, names_bucket, e->set, name);
		p = put_pin(t, bucket, owner, e, until, 1);
	}
	after = with_pin(&before, p, counted);
	if (!change || (counted && after.until <= before.until))
		return;
	names = names_of(t, &after);
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
	const uint64_t until = end_of(now, life);
	uint16_t *bucket = bucket_of(t, e), *names_bucket, owner;
	const struct dname nobody = {0};
	struct pin *p;
	bool lost;

	names_bucket = owner_bucket(t, e->set, nobody);
	owner = find_owner(t, names_bucket, e->set, nobody);
	p = find_pin(t, bucket, owner, e);
	if (p) {
		renew_pin(t, p, until);
		p->count = count;
		return;
	}
	if (make_room(t, e, owner, now, NULL, NULL, &lost))
		owner = find_owner(t, names_bucket, e->set, nobody);
	if (!owner)
		owner = new_owner(t, names_bucket, e->set, nobody);
	put_pin(t, bucket, owner, e, until, count);
}

void pin_table_write(struct pin_table *t, uint64_t now,
		     const struct pin_change *change, void *to)
{
	for (uint16_t at = t->oldest; at; at = t->pin[at].newer) {
		const struct pin *p = &t->pin[at];
		const struct pin_element e = element_of(p);
		const struct element is =
			look_at(t, &t->bucket[p->bucket], &e, now);
		struct pin_names names;

		if (is.last != p || p->until <= now)
			continue;
		names = names_of(t, &is);
		change->add(to, &e, &names, (uint32_t)(p->until - now));
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
	for (uint16_t at = t->oldest; at; at = t->pin[at].newer) {
		const struct pin *p = &t->pin[at];
		const struct owner *o = &t->owner[p->owner];
		const struct pin_names names = {
			{.wire = o->wire, .len = o->len}, p->count - 1};
		const struct pin_element e = element_of(p);

		if (p->until > now)
			fn(to, &e, &names, (uint32_t)(p->until - now));
	}
}
