/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tables.c - The generation: one number that stands for a table. */
#include "tables.h"

#include <string.h>

/* FNV-1a, 64 bits. Not against an adversary: whoever writes policies decides
 * what is allowed anyway. */
#define HASH_BASIS 0xcbf29ce484222325u
#define HASH_PRIME 0x100000001b3u

static uint64_t hash_bytes(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	while (len--)
		h = (h ^ *p++) * HASH_PRIME;
	return h;
}

static uint64_t hash_text(uint64_t h, const char *text)
{
	return text ? hash_bytes(h, text, strlen(text) + 1)
		    : hash_bytes(h, "\377", 1);
}

static uint64_t hash_number(uint64_t h, ip_num n)
{
	uint8_t bytes[16];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(n >> (8 * i));
	return hash_bytes(h, bytes, sizeof(bytes));
}

static uint64_t hash_elems(uint64_t h, const struct nft_elem *v, size_t n)
{
	size_t i;

	h = hash_number(h, n);
	for (i = 0; i < n; i++) {
		h = hash_text(h, v[i].name);
		h = hash_number(h, v[i].lo);
		h = hash_number(h, v[i].hi);
	}
	return h;
}

static uint64_t hash_rule(uint64_t h, const struct nft_rule *r)
{
	size_t i;

	h = hash_number(h, r->n);
	for (i = 0; i < r->n; i++) {
		h = hash_number(h, r->match[i].key);
		h = hash_number(h, r->match[i].negate);
		h = hash_text(h,
			      r->match[i].set ? r->match[i].set->name : NULL);
		h = hash_elems(h, r->match[i].v, r->match[i].n);
	}
	h = hash_number(h, r->limit);
	h = hash_number(h, r->counter);
	h = hash_number(h, r->verb);
	h = hash_text(h, r->target);
	h = hash_number(h, r->mark);
	h = hash_number(h, r->to.num);
	h = hash_number(h, r->to_port);
	if (r->vmap) {
		h = hash_number(h, r->key);
		h = hash_text(h, r->vmap->name);
	}
	return hash_text(h, r->comment);
}

static uint64_t hash_vmap(uint64_t h, const struct nft_vmap *m)
{
	size_t i;

	h = hash_text(h, m->name);
	h = hash_number(h, m->type);
	h = hash_number(h, m->counter);
	h = hash_number(h, m->n);
	for (i = 0; i < m->n; i++) {
		h = hash_elems(h, &m->v[i].on, 1);
		h = hash_number(h, m->v[i].verb);
		h = hash_text(h, m->v[i].target);
		h = hash_text(h, m->v[i].comment);
	}
	return h;
}

uint32_t table_generation(const struct nft_table *t)
{
	uint64_t h = hash_text(HASH_BASIS, t->name);
	uint32_t generation;
	size_t i, j;

	for (i = 0; i < t->n_sets; i++) {
		h = hash_text(h, t->sets[i].name);
		h = hash_number(h, t->sets[i].type);
		h = hash_elems(h, t->sets[i].v, t->sets[i].n);
	}
	for (i = 0; i < t->n_objects; i++) {
		const struct nft_object *o = &t->objects[i];

		h = hash_text(h, o->name);
		h = hash_number(h, o->rate);
		h = hash_number(h, o->unit);
		h = hash_number(h, o->burst);
	}
	for (i = 0; i < t->n_vmaps; i++)
		h = hash_vmap(h, t->vmaps[i]);
	for (i = 0; i < t->n_chains; i++) {
		h = hash_text(h, t->chains[i].name);
		for (j = 0; j < t->chains[i].n; j++)
			h = hash_rule(h, &t->chains[i].rules[j]);
	}
	generation = (uint32_t)(h >> 32 ^ h) & ~TABLE_OWNER_MASK;
	/* Zero is the mark of a flow that nobody has judged. */
	return generation ? generation : 0x10;
}

void table_stamp(struct nft_table *t, uint32_t generation)
{
	const uint32_t owner = TABLE_OWNER_MASK;
	size_t i, j, k;

	for (i = 0; i < t->n_chains; i++) {
		for (j = 0; j < t->chains[i].n; j++) {
			struct nft_rule *r = &t->chains[i].rules[j];

			if (r->verb == NFT_MARK_ACCEPT)
				r->mark = generation | (r->mark & owner);
			for (k = 0; k < r->n; k++) {
				struct nft_elem *v =
					(struct nft_elem *)r->match[k].v;

				if (r->match[k].key == NFT_CT_MARK)
					v->lo = v->hi = generation |
							(v->lo & owner);
			}
		}
	}
}
