/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree_parts.h - What agree.c asks about one flow, part by part. */
#ifndef MSB_AGREE_PARTS_H
#define MSB_AGREE_PARTS_H

#include "agree.h"
#include "interpret.h"
#include "tables.h"

/** struct sides - The packets that a flow can have, and the dynamic sets that
 * its peer is in
 */
struct sides {
	struct interpret_packet opener;
	struct interpret_packet other;
	const char *sets[PINS_MAX];
};

/** agree_sides() - The first packet of a flow, and the first that answers it */
void agree_sides(const struct compiled *c, const struct flow *f,
		 struct sides *ret);

/** agree_to_gateway() - Whether a flow of the guest is to its gateway */
bool agree_to_gateway(const struct policy *p, const struct flow *f);

/** agree_steered() - Whether msb-relayd carries it, if it is allowed */
bool agree_steered(const struct compiled *c, const struct flow *f);

/** agree_counted() - Whether it counts against MaxConnections */
bool agree_counted(const struct compiled *c, const struct flow *f);

/** agree_stamp() - Its mark once it is allowed, or handed over */
uint32_t agree_stamp(const struct compiled *c, const struct flow *f,
		     const struct agree_want *want);

/*
 * Each of these returns NULL, or a sentence that says how the ruleset
 * disagrees.
 */

/** agree_judged() - One packet whose flow has no stamp that counts. If a socket
 * listens, what helpers carry comes to it
 */
const char *agree_judged(struct arena *a, const struct compiled *c,
			 const struct flow *f, const char *what,
			 const struct agree_want *want,
			 const struct interpret_packet *packet);

/** agree_passes() - One packet that must pass, or must not, without being
 * judged again
 */
const char *agree_passes(struct arena *a, const struct compiled *c,
			 const char *what, bool want,
			 const struct interpret_packet *packet);

/** agree_capped() - A flow that counts, at the cap and over it */
const char *agree_capped(struct arena *a, const struct compiled *c,
			 const struct flow *f, const struct agree_want *want,
			 const struct sides *s);

/** agree_carried() - What msb-relayd gets, and sends back */
const char *agree_carried(struct arena *a, const struct compiled *c,
			  const struct flow *f, const struct agree_want *want,
			  const struct sides *s);

/** agree_handed() - What msb-tlsd gets, and sends back */
const char *agree_handed(struct arena *a, const struct compiled *c,
			 const struct flow *f, const struct agree_want *want,
			 const struct sides *s);

/** agree_kept() - A TCP flow that msb-tlsd carried under another policy */
const char *agree_kept(struct arena *a, const struct compiled *c,
		       const struct flow *f, const struct agree_want *want,
		       const struct sides *s);

/** agree_resolved() - DNS, from and to msb-dnsd, whatever the walk says of its
 * packets
 */
const char *agree_resolved(struct arena *a, const struct compiled *c,
			   const struct flow *f, const struct sides *s);

/** agree_opened_by_relay() - A flow to the port of an ingress flow, for a
 * client on the host's loopback. The relay judges it
 */
const char *agree_opened_by_relay(struct arena *a, const struct compiled *c,
				  const struct flow *f, const struct sides *s);

/** agree_limited() - Nothing passes once its bucket is empty, stamped or not */
const char *agree_limited(struct arena *a, const struct compiled *c,
			  const struct flow *f, const struct sides *s);

#endif
