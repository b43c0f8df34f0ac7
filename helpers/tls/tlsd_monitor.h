/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tlsd_monitor.h - The monitor's state; private to its parts. */
#ifndef MSB_TLSD_MONITOR_H
#define MSB_TLSD_MONITOR_H

#include <sys/resource.h>

#include "channel.h"
#include "log.h"
#include "loop.h"
#include "tls_state.h"

/** BIT() - A set of one number */
#define BIT(number) (1u << (number))

/** enum child - The processes that are told what the supervisor says */
enum child {
	CHILD_WORKER,
	CHILD_SIGNER,
	CHILDREN,
};

/** CHILDREN_ALL - All of them */
#define CHILDREN_ALL (BIT(CHILD_WORKER) | BIT(CHILD_SIGNER))

/**
 * struct child_watch - A child
 * @watch:	channel to it
 * @asked:	it has to answer
 * @said:	what it has answered
 */
struct child_watch {
	struct loop_watch watch;
	bool asked;
	struct channel_msg said;
};

/**
 * struct monitor_ctx - The monitor
 * @log:	event log
 * @l:		loop
 * @supervisor:	channel to the supervisor
 * @child:	worker and signer
 * @judge:	the worker asks about flows
 * @broker:	channel to the supervisor for sockets
 * @now:	configuration in force
 * @next:	configuration that is prepared
 * @ready:	@next is complete: flows are judged by it as well
 * @refused:	why @next was refused, while it is being dropped
 * @done:	called when all children have answered; NULL: nobody has to
 * @patience:	for @timer
 * @timer:	they took too long
 * @files:	descriptors that the worker may have
 * @dialled:	sockets made
 * @undialled:	sockets that could not be made
 * @terminated:	the supervisor was told to end the sandbox
 * @failed:	it ends because something went wrong
 */
struct monitor_ctx {
	struct log *log;
	struct loop l;
	struct loop_watch supervisor;
	struct child_watch child[CHILDREN];
	struct loop_watch judge;
	int broker;
	struct tls_state now;
	struct tls_state next;
	bool ready;
	char refused[CHANNEL_TEXT_MAX];
	void (*done)(struct monitor_ctx *m);
	struct loop_queue patience;
	struct loop_timer timer;
	rlim_t files;
	uint64_t dialled;
	uint64_t undialled;
	bool terminated;
	bool failed;
};

/** tlsd_monitor_fail() - End, because something went wrong */
void tlsd_monitor_fail(struct monitor_ctx *m, const char *what);

/** tlsd_monitor_child_ended() - End, because the worker or the signer has */
void tlsd_monitor_child_ended(struct monitor_ctx *m);

/**
 * tlsd_monitor_ask() - Have children answer, one message each
 * @m:		monitor
 * @type:	what they are asked
 * @which:	which of them
 * @done:	called once all have answered; until then the supervisor is not
 *		heard
 */
void tlsd_monitor_ask(struct monitor_ctx *m, enum channel_type type,
		      unsigned int which, void (*done)(struct monitor_ctx *m));

/** tlsd_monitor_refusal() - Why a child has refused, or NULL */
const char *tlsd_monitor_refusal(const struct monitor_ctx *m);

/** tlsd_monitor_handle() - Do what the supervisor says; closes the descriptors
 */
void tlsd_monitor_handle(struct monitor_ctx *m, struct channel_msg *msg,
			 int fds[CHANNEL_MAX]);

/** tlsd_monitor_judge_ready() - Answer a question of the worker: a loop_watch's
 */
void tlsd_monitor_judge_ready(struct loop *l, struct loop_watch *w,
			      uint32_t events);

#endif
