/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loop.h - One epoll loop: descriptors to watch, and timers.
 *
 * There are no threads, and nothing is allocated: what is watched and what is
 * timed embeds a struct of this header, and lives where its owner keeps it.
 */
#ifndef MSB_LOOP_H
#define MSB_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/** LOOP_BATCH - Events that are fetched at once */
#define LOOP_BATCH 64

struct loop;

/**
 * struct loop_watch - A descriptor that is watched
 * @fd:		descriptor
 * @ready:	called with the EPOLL* bits that came up
 *
 * An owner embeds it and finds itself again with loop_owner().
 */
struct loop_watch {
	int fd;
	void (*ready)(struct loop *l, struct loop_watch *w, uint32_t events);
};

/** loop_owner() - The struct that embeds @member */
#define loop_owner(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/**
 * struct loop_timer - Something that is to happen once
 * @at:		when: milliseconds of the loop's clock; 0: not set
 * @fire:	called at that time, or a little later; the timer is not set
 *		any more then
 * @next:	private
 * @prev:	private
 */
struct loop_timer {
	uint64_t at;
	void (*fire)(struct loop *l, struct loop_timer *t);
	struct loop_timer *next;
	struct loop_timer *prev;
};

/**
 * struct loop_queue - Timers of about one duration
 * @first:	due first
 * @last:	due last
 * @next:	private
 *
 * Setting a timer walks from the end of its queue to its place: that is no
 * walk if all timers of a queue run for the same time.
 */
struct loop_queue {
	struct loop_timer *first;
	struct loop_timer *last;
	struct loop_queue *next;
};

/**
 * struct loop - The loop
 * @epoll:	epoll's descriptor
 * @now:	the clock (CLOCK_MONOTONIC) at the last wake-up, milliseconds
 * @stop:	set to true by whoever wants it to end
 * @idle:	called after each batch of events, before the loop waits; true:
 *		there is more to do, so do not wait. May be NULL
 * @context:	the owner's
 * @queues:	timer queues
 * @batch:	private
 * @n:		private
 * @at:		private
 */
struct loop {
	int epoll;
	uint64_t now;
	bool stop;
	bool (*idle)(struct loop *l);
	void *context;
	struct loop_queue *queues;
	struct epoll_event batch[LOOP_BATCH];
	int n;
	int at;
};

/** loop_open() - Make a loop; -1 and errno on failure */
int loop_open(struct loop *l, void *context)
	__attribute__((warn_unused_result));

/** loop_close() - Release it; what was watched stays open */
void loop_close(struct loop *l);

/**
 * loop_add() - Watch a descriptor
 * @l:		loop
 * @w:		watch, filled in; must stay where it is
 * @events:	EPOLLIN and so on
 *
 * Return: 0; -1 and errno on failure
 */
int loop_add(struct loop *l, struct loop_watch *w, uint32_t events)
	__attribute__((warn_unused_result));

/** loop_change() - Watch for other events; -1 and errno on failure */
int loop_change(struct loop *l, struct loop_watch *w, uint32_t events);

/**
 * loop_remove() - Watch no more
 *
 * To be called before the descriptor is closed: another process may hold it
 * too, and then closing it does not take it out of epoll. Events of it that
 * were fetched already are forgotten.
 */
void loop_remove(struct loop *l, struct loop_watch *w);

/**
 * loop_forget() - The same, for a descriptor that only this process holds
 *
 * It is to be closed next, which takes it out of epoll.
 */
void loop_forget(struct loop *l, const struct loop_watch *w);

/** loop_add_queue() - Add a queue of timers, empty */
void loop_add_queue(struct loop *l, struct loop_queue *q);

/**
 * loop_set() - Set a timer, or set it anew
 * @l:	loop
 * @q:	its queue, the same every time
 * @t:	timer
 * @ms:	from now on, milliseconds
 */
void loop_set(const struct loop *l, struct loop_queue *q, struct loop_timer *t,
	      uint64_t ms);

/** loop_unset() - Take a timer back; it may not be set */
void loop_unset(struct loop_queue *q, struct loop_timer *t);

/** loop_run() - Run until @stop; -1 and errno if epoll fails */
int loop_run(struct loop *l) __attribute__((warn_unused_result));

/** loop_clock() - The loop's clock, now, in milliseconds */
uint64_t loop_clock(void);

#endif
