/* SPDX-License-Identifier: GPL-2.0-or-later */
/* answer.h - What an upstream answer may tell the guest.
 *
 * One walk over the answer settles it:
 *
 *	every section	an A or AAAA record, or an address hint of an SVCB or
 *			HTTPS record, that rebind.h denies: the answer is denied
 *	answer section	a CNAME or DNAME record that leads to a name that a
 *			deny-domain rule decides about: the answer is denied
 *	answer section	addresses of the name asked, at the end of its CNAME
 *			chain: these are pinned
 *	every section	ECH configurations and HTTP/3 are taken out of SVCB and
 *			HTTPS records (RFC 9460), where the policy wants it
 *	every section	no time to live is beyond the pins' own
 */
#ifndef MSB_ANSWER_H
#define MSB_ANSWER_H

#include "dns_conf.h"
#include "packet.h"

/** ANSWER_ADDRESSES - Addresses that one answer may pin; more: SERVFAIL */
#define ANSWER_ADDRESSES 64

/** ANSWER_CHAIN - CNAME records that are followed; more: SERVFAIL */
#define ANSWER_CHAIN 16

/** ANSWER_TTL_MIN - A pin lives as if no time to live were below this, s */
#define ANSWER_TTL_MIN 60

/** ANSWER_TTL_MAX - nor above this, s */
#define ANSWER_TTL_MAX 3600

/** ANSWER_GRACE - What a pin lives longer than that, s */
#define ANSWER_GRACE 60

/** ANSWER_NEGATIVE_MAX - How long a denial from upstream is kept, s */
#define ANSWER_NEGATIVE_MAX 900

/**
 * enum answer_fate - What becomes of it
 * @ANSWER_PASS:	it goes to the guest
 * @ANSWER_REBIND:	denied: it has an address that it must not have
 * @ANSWER_ALIAS:	denied: it leads to a name that is denied
 * @ANSWER_BROKEN:	it cannot be understood: SERVFAIL
 */
enum answer_fate {
	ANSWER_PASS,
	ANSWER_REBIND,
	ANSWER_ALIAS,
	ANSWER_BROKEN,
};

/**
 * struct answer - What was found
 * @fate:	what becomes of it
 * @denied:	ANSWER_ALIAS: what decided
 * @address:	ANSWER_REBIND: the address
 * @keep:	how long it may be cached, s; 0: not at all
 * @ttl:	lowest time to live of what is pinned, within ANSWER_TTL_MIN and
 *		ANSWER_TTL_MAX
 * @n:		addresses to pin
 * @v:		the addresses
 */
struct answer {
	enum answer_fate fate;
	struct dns_verdict denied;
	struct ip address;
	uint32_t keep;
	uint32_t ttl;
	size_t n;
	struct ip v[ANSWER_ADDRESSES];
};

/**
 * answer_screen() - Look at an answer, and change what must be changed
 * @c:		configuration
 * @p:		answer, good, changed in place
 * @q:		its question; adjusted where the answer is changed
 * @pinned:	whether the name asked is pinned
 * @ret:	what was found
 */
void answer_screen(const struct dns_conf *c, struct packet *p,
		   struct packet_question *q, bool pinned, struct answer *ret);

#endif
