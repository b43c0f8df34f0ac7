/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loop.c - One epoll loop: descriptors to watch, and timers. */
#include "loop.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

uint64_t loop_clock(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int loop_open(struct loop *l, void *context)
{
	*l = (struct loop){.context = context, .now = loop_clock()};
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	return l->epoll < 0 ? -1 : 0;
}

void loop_close(struct loop *l)
{
	if (l->epoll >= 0)
		close(l->epoll);
	l->epoll = -1;
}

int loop_add(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w};

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->fd, &e);
}

int loop_change(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.ptr = w};

	return epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &e);
}

void loop_forget(struct loop *l, const struct loop_watch *w)
{
	for (int i = l->at; i < l->n; i++)
		if (l->batch[i].data.ptr == w)
			l->batch[i].data.ptr = NULL;
}

void loop_remove(struct loop *l, struct loop_watch *w)
{
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	loop_forget(l, w);
}

void loop_add_queue(struct loop *l, struct loop_queue *q)
{
	*q = (struct loop_queue){.next = l->queues};
	l->queues = q;
}

void loop_unset(struct loop_queue *q, struct loop_timer *t)
{
	if (!t->at)
		return;
	if (t->prev)
		t->prev->next = t->next;
	else
		q->first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		q->last = t->prev;
	t->prev = NULL;
	t->next = NULL;
	t->at = 0;
}

void loop_set(const struct loop *l, struct loop_queue *q, struct loop_timer *t,
	      uint64_t ms)
{
	struct loop_timer *before;

	loop_unset(q, t);
	/* The clock is never 0: it counts from the boot of the machine. */
	t->at = l->now + ms;
	for (before = q->last; before && before->at > t->at;)
		before = before->prev;
	t->prev = before;
	t->next = before ? before->next : q->first;
	if (t->next)
		t->next->prev = t;
	else
		q->last = t;
	if (before)
		before->next = t;
	else
		q->first = t;
}

/* Milliseconds until the first timer; -1 if there is none. */
static int loop_wait(const struct loop *l)
{
	uint64_t at = UINT64_MAX;

	for (const struct loop_queue *q = l->queues; q; q = q->next)
		if (q->first && q->first->at < at)
			at = q->first->at;
	if (at == UINT64_MAX)
		return -1;
	if (at <= l->now)
		return 0;
	return at - l->now < INT_MAX ? (int)(at - l->now) : INT_MAX;
}

static void loop_fire(struct loop *l)
{
	for (struct loop_queue *q = l->queues; q; q = q->next) {
		while (q->first && q->first->at <= l->now) {
			struct loop_timer *t = q->first;

			loop_unset(q, t);
			t->fire(l, t);
		}
	}
}

int loop_run(struct loop *l)
{
	bool more = false;

	while (!l->stop) {
		const int wait = more ? 0 : loop_wait(l);

		l->at = 0;
		l->n = epoll_wait(l->epoll, l->batch, LOOP_BATCH, wait);
		if (l->n < 0 && errno != EINTR)
			return -1;
		l->now = loop_clock();
		while (l->at < l->n) {
			/* It is behind us before it is called: what it removes
			 * is never looked at again. */
			const struct epoll_event e = l->batch[l->at++];
			struct loop_watch *w = e.data.ptr;

			if (w)
				w->ready(l, w, e.events);
		}
		l->n = 0;
		loop_fire(l);
		more = l->idle && l->idle(l);
	}
	return 0;
}
