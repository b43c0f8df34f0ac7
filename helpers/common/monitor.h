/* SPDX-License-Identifier: GPL-2.0-or-later */
/* monitor.h - A child process that is started again whenever it ends. */
#ifndef MSB_MONITOR_H
#define MSB_MONITOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop.h"

/** MONITOR_DELAY_MS - First pause before a restart, after the one at once */
#define MONITOR_DELAY_MS 100

/** MONITOR_DELAY_MAX_MS - Longest pause before a restart */
#define MONITOR_DELAY_MAX_MS 5000

/** MONITOR_STEADY_MS - A child that lived so long is started again at once */
#define MONITOR_STEADY_MS 10000

/**
 * struct monitor - A child and its restarts
 * @prepare:	called before each start
 * @child:	called in the child; it executes a program and does not return
 * @started:	called after each start
 * @ended:	called after each end; @status is that of waitpid(2)
 * @pid:	the child; 0 while there is none
 * @restarts:	how often it was started again
 * @loop:	private
 * @watch:	private
 * @queue:	private
 * @timer:	private
 * @since:	private
 * @delay:	private
 * @stopped:	private
 *
 * Restarts are made at once, then after 100, 200, 400 ms and so on, up to 5 s.
 */
struct monitor {
	void (*prepare)(struct monitor *m);
	void (*child)(struct monitor *m);
	void (*started)(struct monitor *m);
	void (*ended)(struct monitor *m, int status);
	pid_t pid;
	uint64_t restarts;
	struct loop *loop;
	struct loop_watch watch;
	struct loop_queue queue;
	struct loop_timer timer;
	uint64_t since;
	uint64_t delay;
	bool stopped;
};

/** monitor_init() - Prepare; the four functions are set already */
void monitor_init(struct monitor *m, struct loop *l);

/** monitor_start() - Start the child, now; -1 and errno on failure */
int monitor_start(struct monitor *m) __attribute__((warn_unused_result));

/** monitor_kill() - End the child by SIGKILL; it will be started again */
void monitor_kill(struct monitor *m);

/** monitor_stop() - Start it no more; whoever calls sees to it that it ends */
void monitor_stop(struct monitor *m);

#endif
