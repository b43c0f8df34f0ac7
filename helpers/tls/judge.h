/* SPDX-License-Identifier: GPL-2.0-or-later */
/* judge.h - What becomes of a flow that msb-tlsd carries.
 *
 * Pure: what is pinned is asked of a function.
 */
#ifndef MSB_JUDGE_H
#define MSB_JUDGE_H

#include "tls_conf.h"
#include "tlsd.h"

/**
 * struct judge_pin - Who has an address, as far as one set tells
 * @wire:	room for @name
 * @name:	one of the names; of length 0: none is known
 * @others:	how many names there are besides
 */
struct judge_pin {
	uint8_t wire[DNAME_WIRE_MAX];
	struct dname name;
	uint32_t others;
};

/**
 * struct judge - Who judges
 * @conf:	configuration
 * @get:	whether an address is in a pair of sets now: 1, and @ret is set;
 *		0: it is not; -1: nobody knows
 * @context:	for @get
 */
struct judge {
	const struct tls_conf *conf;
	int (*get)(void *context, const struct walk_pin_set *set, struct ip ip,
		   struct judge_pin *ret);
	void *context;
};

/**
 * judge_is_sane() - Whether a request is one that a worker of ours would make
 * @ask:	request
 */
bool judge_is_sane(const struct tlsd_ask *ask);

/** judge_address() - The address that a request is about */
struct ip judge_address(const struct tlsd_ask *ask);

/**
 * judge_flow() - Judge
 * @j:		who judges
 * @ask:	request, a sane one
 * @ret:	answer: all but what dialling comes to
 *
 * Without a name the rules are asked as for a flow that has none. Before
 * anything was read (TLSD_EARLY) they are, too: what they allow may be dialled,
 * and what they deny waits for a name if there is one that could be allowed.
 * Where there are secrets, what must turn out to be TLS waits for that.
 *
 * If the kernel does not say what is pinned, the answer is no.
 */
void judge_flow(const struct judge *j, const struct tlsd_ask *ask,
		struct tlsd_answer *ret);

/**
 * judge_stricter() - The stricter of two answers about one flow
 * @a:		answer by the policy in force; receives the result
 * @b:		answer by the one that is being prepared
 *
 * A flow that both would carry, but not in the same way, is denied: what it is
 * begun as it stays.
 */
void judge_stricter(struct tlsd_answer *a, const struct tlsd_answer *b);

#endif
