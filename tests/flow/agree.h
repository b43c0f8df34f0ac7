/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree.h - One flow judged by eval and by the emitted ruleset. */
#ifndef MSB_AGREE_H
#define MSB_AGREE_H

#include "compile.h"
#include "eval.h"

/** AGREE_NEEDS_TLSD - What decides of flows that are msb-tlsd's, if it is away
 */
#define AGREE_NEEDS_TLSD "needs msb-tlsd"

/** AGREE_NEEDS_DNSD - What decides of plain DNS that nobody serves */
#define AGREE_NEEDS_DNSD "needs msb-dnsd"

/** enum agree_fate - What the ruleset is to do with a flow */
enum agree_fate {
	AGREE_DENIED,
	AGREE_ALLOWED,
	AGREE_HANDED,
};

/**
 * struct agree_want - What the ruleset is to do with the first packet of a flow
 * @fate:	deny it, allow it, or hand it to msb-tlsd
 * @pointer:	comment of the rule that says so
 * @by_name:	AGREE_HANDED: the name in its ClientHello decides; else it is
 *		allowed whatever the name is, and intercepted
 * @in_vain:	@by_name: but eval says the same for each name, as can be seen
 *		once names are compared with each other
 */
struct agree_want {
	enum agree_fate fate;
	const char *pointer;
	bool by_name;
	bool in_vain;
};

/** agree_fate_name() - "deny", "allow", "hand" */
const char *agree_fate_name(enum agree_fate fate);

/**
 * agree_want() - What the ruleset is to do with the first packet of a flow
 * @a:		arena for the text
 * @c:		compiled document
 * @f:		flow that packets can express. What it says of an SNI is not
 *		known when it is opened, so that does not count
 * @v:		eval's verdict on it
 * @ret:	what is wanted; of a TCP flow that meets rules about names, its
 *		pointer is one of those that eval names
 *
 * eval is asked for each name that makes a difference, for a foreign one and
 * for none.
 *
 * Return: NULL, or a sentence that says how eval disagrees with the table of
 * walk_names.c
 */
const char *agree_want(struct arena *a, const struct compiled *c,
		       const struct flow *f, const struct verdict *v,
		       struct agree_want *ret);

/**
 * agree_check() - Hold the emitted ruleset against eval
 * @a:		arena for the text
 * @c:		compiled document
 * @f:		flow that packets can express
 * @v:		eval's verdict on it
 *
 * The flow's first packet, and packets of it while its stamp counts and after
 * it no longer does, from either side.
 *
 * Return: NULL, or a sentence that says how the two disagree
 */
const char *agree_check(struct arena *a, const struct compiled *c,
			const struct flow *f, const struct verdict *v);

/** agree_expressible() - Whether packets, and pins that can come to be, say all
 * that a flow says but its SNI
 */
bool agree_expressible(const struct policy *p, const struct flow *f);

/** agree_is_dns() - Whether a flow is plain DNS that is msb-dnsd's */
bool agree_is_dns(const struct policy *p, const struct flow *f);

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
