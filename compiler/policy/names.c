/* SPDX-License-Identifier: GPL-2.0-or-later */
/* names.c - A table of denied names that many processes share. */
#include "names.h"

#include <string.h>

#define MAGIC "MSBNAME1"

/* struct names_head - The file's first octets */
struct names_head {
	char magic[8];
	uint32_t slots;
	uint32_t n;
	uint32_t pool_len;
	uint32_t zero;
};

_Static_assert(sizeof(struct names_head) == 24, "as documented");

/* Octets of an entry before its name. */
#define ENTRY_EXACT  0
#define ENTRY_SUFFIX 4
#define ENTRY_LEN    8
#define ENTRY_NAME   9

#define LABELS_MAX 128
#define HASH_START UINT32_C(2166136261)

static uint32_t hash_octet(uint32_t hash, uint8_t octet)
{
	return (hash ^ octet) * UINT32_C(16777619);
}

static uint32_t hash_name(struct dname name)
{
	uint32_t hash = HASH_START;

	for (size_t i = name.len; i-- > 0;)
		hash = hash_octet(hash, name.wire[i]);
	return hash;
}

static uint32_t entry_index(const uint8_t *entry, unsigned int which)
{
	uint32_t v;

	memcpy(&v, entry + which, sizeof(v));
	return v;
}

/* The entry of a name, or NULL. */
static const uint8_t *find(const struct names *t, struct dname name,
			   uint32_t hash)
{
	for (uint32_t i = hash & t->mask; t->slots[i]; i = (i + 1) & t->mask) {
		const uint8_t *entry = t->pool + t->slots[i] - 1;

		if (entry[ENTRY_LEN] == name.len &&
		    memcmp(entry + ENTRY_NAME, name.wire, name.len) == 0)
			return entry;
	}
	return NULL;
}

/**
 * struct names_builder - A table while it is made
 * @slots:	slots
 * @mask:	their number, less one
 * @pool:	entries
 * @len:	octets in use
 * @n:		names
 */
struct names_builder {
	uint32_t *slots;
	uint32_t mask;
	uint8_t *pool;
	uint32_t len;
	uint32_t n;
};

static void add(struct names_builder *b, const struct config_names *names,
		unsigned int which)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct dname name = names->v[i];
		const uint32_t index = (uint32_t)i + 1;
		const struct names t = {
			.slots = b->slots, .mask = b->mask, .pool = b->pool};
		uint32_t slot = hash_name(name) & b->mask;
		const uint8_t *old = find(&t, name, hash_name(name));
		uint8_t *entry;

		if (old && entry_index(old, which))
			continue;
		if (old) {
			memcpy(b->pool + (old - b->pool) + which, &index,
			       sizeof(index));
			continue;
		}
		while (b->slots[slot])
			slot = (slot + 1) & b->mask;
		entry = b->pool + b->len;
		memcpy(entry + which, &index, sizeof(index));
		entry[ENTRY_LEN] = name.len;
		memcpy(entry + ENTRY_NAME, name.wire, name.len);
		b->slots[slot] = b->len + 1;
		b->len += ENTRY_NAME + (uint32_t)name.len;
		b->n++;
	}
}

static size_t pool_needed(const struct config_names *names)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++)
		n += ENTRY_NAME + (size_t)names->v[i].len;
	return n;
}

const void *names_build(struct arena *a, const struct config_names *exact,
			const struct config_names *suffixes, size_t *ret_len)
{
	struct names_head head = {.magic = MAGIC, .slots = 2};
	struct names_builder b = {0};
	uint8_t *data;

	while (head.slots < 2 * (exact->n + suffixes->n))
		head.slots *= 2;
	data = arena_alloc(a,
			   sizeof(head) + 4 * (size_t)head.slots +
				   pool_needed(exact) + pool_needed(suffixes),
			   1);
	b.slots = (uint32_t *)(void *)(data + sizeof(head));
	b.mask = head.slots - 1;
	b.pool = data + sizeof(head) + 4 * (size_t)head.slots;
	add(&b, exact, ENTRY_EXACT);
	add(&b, suffixes, ENTRY_SUFFIX);
	head.n = b.n;
	head.pool_len = b.len;
	memcpy(data, &head, sizeof(head));
	*ret_len = sizeof(head) + 4 * (size_t)head.slots + b.len;
	return data;
}

/* Whether there is a whole name of @len octets at @wire, in lower case. */
static bool name_good(const uint8_t *wire, size_t len)
{
	size_t at = 0;

	while (at < len && wire[at]) {
		if (wire[at] > 63 || len - at <= wire[at])
			return false;
		for (size_t i = 1; i <= wire[at]; i++)
			if (wire[at + i] >= 'A' && wire[at + i] <= 'Z')
				return false;
		at += wire[at] + 1u;
	}
	return at + 1 == len;
}

static bool entry_good(const struct names *t, uint32_t offset)
{
	const uint8_t *entry = t->pool + offset;

	if (t->pool_len <= ENTRY_NAME || offset >= t->pool_len - ENTRY_NAME ||
	    t->pool_len - offset - ENTRY_NAME < entry[ENTRY_LEN])
		return false;
	return (entry_index(entry, ENTRY_EXACT) ||
		entry_index(entry, ENTRY_SUFFIX)) &&
	       name_good(entry + ENTRY_NAME, entry[ENTRY_LEN]);
}

const char *names_open(const void *data, size_t len, struct names *ret)
{
	struct names_head head;
	struct names t;
	uint32_t used = 0;

	if (len < sizeof(head))
		return "is too short";
	memcpy(&head, data, sizeof(head));
	if (memcmp(head.magic, MAGIC, sizeof(head.magic)) != 0 || head.zero)
		return "is no table of names";
	if (head.slots < 2 || head.slots & (head.slots - 1) ||
	    head.n > NAMES_MAX || head.n > head.slots / 2)
		return "has a wrong number of slots";
	if (len - sizeof(head) < 4 * (uint64_t)head.slots ||
	    len - sizeof(head) - 4 * (uint64_t)head.slots != head.pool_len)
		return "has a wrong length";
	t = (struct names){
		.slots = (const uint32_t *)(const void *)((const char *)data +
							  sizeof(head)),
		.mask = head.slots - 1,
		.n = head.n,
		.pool = (const uint8_t *)data + sizeof(head) +
			4 * (size_t)head.slots,
		.pool_len = head.pool_len,
	};
	for (uint32_t i = 0; i < head.slots; i++) {
		if (!t.slots[i])
			continue;
		used++;
		if (!entry_good(&t, t.slots[i] - 1))
			return "has a broken entry";
	}
	if (used != head.n)
		return "has a wrong number of names";
	*ret = t;
	return NULL;
}

bool names_find(const struct names *t, struct dname name,
		struct names_match *ret)
{
	uint8_t starts[LABELS_MAX];
	uint32_t hash = HASH_START, suffix = 0;
	size_t n = 0, at, end = name.len;

	if (!t->n)
		return false;
	for (at = 0; name.wire[at]; at += name.wire[at] + 1u)
		starts[n++] = (uint8_t)at;
	starts[n++] = (uint8_t)at;
	/* From the root down: each name above, then the name itself. */
	while (n-- > 0) {
		const struct dname above = {name.wire + starts[n],
					    (uint8_t)(name.len - starts[n])};
		const uint8_t *entry;
		uint32_t index;

		while (end > starts[n])
			hash = hash_octet(hash, name.wire[--end]);
		entry = find(t, above, hash);
		if (!entry)
			continue;
		index = entry_index(entry, ENTRY_SUFFIX);
		if (index && (!suffix || index < suffix))
			suffix = index;
		index = n ? 0 : entry_index(entry, ENTRY_EXACT);
		if (index) {
			*ret = (struct names_match){false, index - 1};
			return true;
		}
	}
	if (suffix)
		*ret = (struct names_match){true, suffix - 1};
	return suffix != 0;
}
