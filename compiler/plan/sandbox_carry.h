/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sandbox_carry.h - Who carries a flow that is allowed, and how many. */
#ifndef MSB_SANDBOX_CARRY_H
#define MSB_SANDBOX_CARRY_H

#include "nft.h"
#include "policy.h"

/* Chains that these rules lead to. */
#define SANDBOX_OPENED "opened"
#define SANDBOX_CAP    "cap"
#define SANDBOX_FULL   "full"
#define SANDBOX_QUERY  "query"
#define SANDBOX_HELLO  "hello"

/**
 * struct sandbox_needs - What a table has besides what every table has
 * @cap:	MaxConnections
 * @steer:	flows to the gateway go on to the host
 * @dns:	DNS goes to msb-dnsd
 * @tls:	msb-tlsd carries flows whose server has to be known by name
 * @intercepted: TCP ports that it intercepts, or reads for the sake of secrets
 * @relayed:	the relay opens flows to published ports
 * @tcp:	those ports of TCP
 * @udp:	those ports of UDP
 */
struct sandbox_needs {
	bool cap;
	bool steer;
	bool dns;
	bool tls;
	bool relayed;
	const struct nft_set *intercepted;
	const struct nft_set *tcp;
	const struct nft_set *udp;
};

/**
 * sandbox_relayed() - Stamp the flows that msb-relayd opens to the guest
 * @a:		arena
 * @p:		policy
 * @needs:	needs
 * @link:	the key that holds the guest's link: at output NFT_OIFNAME
 * @direction:	of the packets: at output original
 * @c:		chain to append to
 *
 * At output its own packets are stamped, at ingress what answers them: the one
 * that comes first after a change does it for both.
 */
void sandbox_relayed(struct arena *a, const struct policy *p,
		     const struct sandbox_needs *needs, enum nft_key link,
		     enum nft_ct_direction direction, struct nft_chain *c);

/** sandbox_has_opened() - Whether there is more to say of what the guest opens
 */
bool sandbox_has_opened(const struct sandbox_needs *needs);

/** sandbox_allow() - Who carries a flow that is allowed */
void sandbox_allow(struct arena *a, const struct policy *p,
		   const struct sandbox_needs *needs, struct nft_chain *c);

/** sandbox_opened() - The same for what the guest opens, if there is room */
void sandbox_opened(struct arena *a, const struct policy *p,
		    const struct sandbox_needs *needs, struct nft_chain *c);

/** sandbox_named() - Hand a flow to msb-tlsd, if there is room */
void sandbox_named(struct arena *a, const struct sandbox_needs *needs,
		   struct nft_chain *c);

/**
 * sandbox_tls_late() - What msb-tlsd sends on flows from before a change
 * @a:	arena
 * @c:	chain at output to append to
 *
 * It waits for the policy in force, but for the reset that ends a flow.
 */
void sandbox_tls_late(struct arena *a, struct nft_chain *c);

/**
 * sandbox_tls_dial() - What msb-tlsd sends to servers
 * @a:	arena
 * @c:	chain at output to append to
 *
 * Who cannot mark a socket cannot send like this.
 */
void sandbox_tls_dial(struct arena *a, struct nft_chain *c);

/**
 * sandbox_tls_dialled() - The other packets of these flows
 * @a:		arena
 * @link:	NFT_IIFNAME: what comes from the uplink; NFT_OIFNAME: what goes
 *		there, and is no socket's any more
 * @c:		chain to append to
 */
void sandbox_tls_dialled(struct arena *a, enum nft_key link,
			 struct nft_chain *c);

/** sandbox_cap() - Count flows; more than @max go to SANDBOX_FULL */
void sandbox_cap(struct arena *a, uint32_t max, struct nft_chain *c);

/** sandbox_full() - What is said to flows over the cap */
void sandbox_full(struct arena *a, struct nft_chain *c);

/** sandbox_steer() - Hand what helpers carry to their sockets */
void sandbox_steer(struct arena *a, const struct sandbox_needs *needs,
		   struct nft_chain *c);

/** sandbox_query() - The same for DNS; without a socket it is dropped */
void sandbox_query(struct arena *a, struct nft_chain *c);

/** sandbox_hello() - The same for msb-tlsd; without a socket it is reset */
void sandbox_hello(struct arena *a, struct nft_chain *c);

#endif
