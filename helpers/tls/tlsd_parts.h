/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tlsd_parts.h - The processes of msb-tlsd, as functions. */
#ifndef MSB_TLSD_PARTS_H
#define MSB_TLSD_PARTS_H

#include "log.h"

/** TLSD_JUDGE_MS - How long the monitor may take to judge a flow */
#define TLSD_JUDGE_MS 5000

/**
 * struct tlsd_ends - One process's ends of what connects them; -1: none
 * @channel:	messages of channel.h, from the monitor, and answers
 * @judge:	struct tlsd_ask, and struct tlsd_answer
 * @signer:	struct tlsd_sign, and struct tlsd_signed
 */
struct tlsd_ends {
	int channel;
	int judge;
	int signer;
};

/** TLSD_CHILD_MS - How long worker and signer may take to answer the monitor;
 * each flow that the worker has judged meanwhile gives it as much again
 */
#define TLSD_CHILD_MS 5000

/**
 * struct tlsd_children - The monitor's ends of what connects it with the others
 * @worker:	messages of channel.h to the worker, and answers
 * @signer:	likewise, to the signer
 * @judge:	struct tlsd_ask, and struct tlsd_answer
 * @broker:	CHANNEL_CONNECT to the supervisor, and answers
 */
struct tlsd_children {
	int worker;
	int signer;
	int judge;
	int broker;
};

/**
 * tlsd_monitor() - Be the monitor, until the supervisor says STOP
 * @log:	event log
 * @supervisor:	channel to the supervisor
 * @ends:	the monitor's ends
 * @confine:	called when everything is set up: gives up what is not needed;
 *		NULL, or what could not be done
 *
 * Return: exit status
 */
int tlsd_monitor(struct log *log, int supervisor,
		 const struct tlsd_children *ends,
		 const char *(*confine)(void));

/**
 * tlsd_worker() - Be the worker, until the monitor is gone
 * @log:	event log
 * @ends:	the worker's ends
 * @confine:	likewise
 *
 * Return: exit status
 */
int tlsd_worker(struct log *log, const struct tlsd_ends *ends,
		const char *(*confine)(void));

/**
 * tlsd_signer() - Be the signer, until the monitor is gone
 * @log:	event log
 * @ends:	the signer's ends; it has none of @judge
 * @confine:	likewise: signer_confine()
 *
 * Return: exit status
 */
int tlsd_signer(struct log *log, const struct tlsd_ends *ends,
		const char *(*confine)(void));

#endif
