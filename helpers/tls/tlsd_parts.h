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

/**
 * tlsd_worker() - Be the worker, until the monitor is gone
 * @log:	event log
 * @ends:	the worker's ends
 * @confine:	called when everything is set up: gives up what is not needed;
 *		NULL, or what could not be done
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
