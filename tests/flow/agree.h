/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree.h - One flow judged by eval and by the emitted ruleset. */
#ifndef MSB_AGREE_H
#define MSB_AGREE_H

#include "compile.h"
#include "eval.h"

/**
 * agree_check() - Hold the emitted ruleset against eval
 * @a:		arena for the text
 * @c:		compiled document
 * @f:		flow; one that packets can express: no query, no pins
 * @v:		eval's verdict on it
 *
 * The flow's first packet, and packets of it while its stamp counts and after
 * it no longer does, from either side.
 *
 * Return: NULL, or a sentence that says how the two disagree
 */
const char *agree_check(struct arena *a, const struct compiled *c,
			const struct flow *f, const struct verdict *v);

/** agree_expressible() - Whether packets alone say all that a flow says */
bool agree_expressible(const struct flow *f);

/** agree_needs_dnsd() - Whether a flow is plain DNS that awaits msb-dnsd: the
 * ruleset drops it until then, whatever the walk says
 */
bool agree_needs_dnsd(const struct policy *p, const struct flow *f);

/**
 * agree_bindings() - Whether the host's table serves what the document
 * publishes
 * @a:	arena for text
 * @c:	compiled document
 *
 * Every binding, by an address that it has and from the host itself; never from
 * a sandbox, by loopback, or straight to the guest.
 *
 * Return: NULL, or what is wrong
 */
const char *agree_bindings(struct arena *a, const struct compiled *c);

#endif
