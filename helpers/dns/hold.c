/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hold.c - Answers that wait for their pins. */
#include "hold.h"

#include <string.h>
#include <sys/mman.h>

bool hold_open(struct hold *h)
{
	const size_t n = sizeof(struct hold_batch);
	void *v = mmap(NULL, 2 * n, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (v == MAP_FAILED)
		return false;
	*h = (struct hold){.v = {v, (struct hold_batch *)v + 1}};
	return true;
}

void hold_close(struct hold *h)
{
	if (h->v[0])
		munmap(h->v[0], 2 * sizeof(struct hold_batch));
	*h = (struct hold){0};
}

bool hold_fits(const struct hold *h, size_t len, size_t addresses)
{
	const struct hold_batch *b = h->v[h->filling];

	return b->n < HOLD_ANSWERS && HOLD_BYTES - b->used >= len &&
	       b->pins.head.names < PIN_NAMES &&
	       PIN_ADDRESSES - b->pins.head.addresses >= addresses;
}

struct held *hold_add(struct hold *h, const struct client *client,
		      const uint8_t *data, size_t len, struct dname name,
		      const struct answer *a)
{
	struct hold_batch *b = h->v[h->filling];
	struct pin_head *head = &b->pins.head;
	struct held *held = &b->v[b->n++];

	*held = (struct held){.client = *client, .at = b->used, .len = len};
	memcpy(b->data + b->used, data, len);
	b->used += len;
	b->pins.name[head->names].len = name.len;
	memcpy(b->pins.name[head->names].wire, name.wire, name.len);
	for (size_t i = 0; i < a->n; i++) {
		struct pin_address *to = &b->pins.address[head->addresses++];

		*to = (struct pin_address){
			.life = a->ttl + ANSWER_GRACE + 1,
			.name = (uint16_t)head->names,
			.family = (uint8_t)a->v[i].family,
		};
		ip_to_bytes(a->v[i], to->bytes);
	}
	head->names++;
	return held;
}

struct hold_batch *hold_next(struct hold *h)
{
	struct hold_batch *b = h->v[h->filling];

	if (h->committing || !b->n)
		return NULL;
	h->committing = true;
	h->filling ^= 1;
	h->v[h->filling]->n = 0;
	h->v[h->filling]->used = 0;
	h->v[h->filling]->pins.head = (struct pin_head){0};
	return b;
}

struct hold_batch *hold_done(struct hold *h)
{
	h->committing = false;
	return h->v[h->filling ^ 1];
}
