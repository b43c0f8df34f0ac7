/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_loop.c - Timers in order, and watches that go away while called. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "loop.h"

/** struct seen - What was called */
struct seen {
	struct loop_watch watch[2];
	struct loop_timer timer[4];
	struct loop_queue queue;
	char order[8];
	size_t n;
};

static void fire(struct loop *l, struct loop_timer *t)
{
	struct seen *s = l->context;

	s->order[s->n++] = (char)('a' + (t - s->timer));
	l->stop = s->n == 3;
}

Test(loop, timers_fire_in_the_order_of_their_times)
{
	struct seen s = {0};
	struct loop l;

	cr_assert_eq(loop_open(&l, &s), 0);
	loop_add_queue(&l, &s.queue);
	for (size_t i = 0; i < 4; i++)
		s.timer[i].fire = fire;
	loop_set(&l, &s.queue, &s.timer[0], 30);
	loop_set(&l, &s.queue, &s.timer[1], 10);
	loop_set(&l, &s.queue, &s.timer[2], 20);
	loop_set(&l, &s.queue, &s.timer[3], 15);
	loop_unset(&s.queue, &s.timer[3]);
	loop_unset(&s.queue, &s.timer[3]);
	/* Set anew: it moves. */
	loop_set(&l, &s.queue, &s.timer[1], 40);
	cr_expect_eq(loop_run(&l), 0);
	cr_expect_str_eq(s.order, "cab");
	cr_expect_null(s.queue.first);
	cr_expect_null(s.queue.last);
	cr_expect_geq(loop_clock(), l.now);
	loop_close(&l);
}

/* Whichever is called first closes the other, which must not be called then. */
static void ready(struct loop *l, struct loop_watch *w, uint32_t events)
{
	struct seen *s = l->context;
	struct loop_watch *other = &s->watch[w == s->watch];

	cr_expect(events & EPOLLIN);
	s->n++;
	loop_remove(l, other);
	close(other->fd);
	l->stop = true;
}

Test(loop, what_is_removed_is_not_called_any_more)
{
	struct seen s = {0};
	struct loop l;

	cr_assert_eq(loop_open(&l, &s), 0);
	for (int i = 0; i < 2; i++) {
		s.watch[i] = (struct loop_watch){
			eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), ready};
		cr_assert_eq(loop_add(&l, &s.watch[i], EPOLLIN), 0);
	}
	cr_expect_eq(loop_run(&l), 0);
	cr_expect_eq(s.n, 1);
	for (int i = 0; i < 2; i++)
		if (fcntl(s.watch[i].fd, F_GETFD) >= 0)
			close(s.watch[i].fd);
	loop_close(&l);
}
