/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table.c - The places of flows, and the list of those with more to do. */
#include <stdlib.h>

#include "worker.h"

struct tls_flow *table_take(struct worker *w)
{
	struct tls_flow *f = w->free;

	if (w->open >= w->now.conf->limits.connections || w->open >= w->room)
		return NULL;
	if (f)
		w->free = f->next;
	else
		f = &w->flow[w->top++];
	w->open++;
	*f = (struct tls_flow){.watch = {{.fd = -1}, {.fd = -1}}};
	return f;
}

static void unqueue(struct worker *w, struct tls_flow *f)
{
	if (!f->queued)
		return;
	*f->prev = f->next;
	if (f->next)
		f->next->prev = f->prev;
	else
		w->ready_last = f->prev;
	f->queued = false;
}

void table_give(struct worker *w, struct tls_flow *f)
{
	unqueue(w, f);
	free(f->name);
	f->name = NULL;
	f->state = FLOW_FREE;
	f->next = w->free;
	w->free = f;
	w->open--;
}

void table_queue(struct worker *w, struct tls_flow *f)
{
	if (f->queued)
		return;
	f->queued = true;
	f->next = NULL;
	f->prev = w->ready_last;
	*w->ready_last = f;
	w->ready_last = &f->next;
}

bool table_run(struct loop *l)
{
	struct worker *w = l->context;
	struct tls_flow *const last =
		w->ready ? loop_owner(w->ready_last, struct tls_flow, next)
			 : NULL;

	/* Whoever has more to do again waits for the next time. */
	for (bool more = last; more && w->ready;) {
		struct tls_flow *f = w->ready;

		more = f != last;
		unqueue(w, f);
		carry_run(w, f);
	}
	if (w->pool.n)
		loop_set(l, &w->pool_queue, &w->pool_timer, WORKER_POOL_MS);
	return w->ready != NULL;
}

void flow_time(struct worker *w, struct tls_flow *f, struct loop_queue *queue,
	       uint64_t ms)
{
	if (f->queue)
		loop_unset(f->queue, &f->timer);
	f->queue = queue;
	if (queue)
		loop_set(&w->l, queue, &f->timer, ms);
}
