/* SPDX-License-Identifier: GPL-2.0-or-later */
/* eval.h - What a policy means: the reference verdict of one flow. */
#ifndef MSB_EVAL_H
#define MSB_EVAL_H

#include <stdbool.h>

#include "arena.h"
#include "flow.h"
#include "policy.h"

/**
 * struct verdict - The answer
 * @allow:	whether the flow is allowed
 * @pointer:	what decided: a rule's pointer, a default's pointer, or
 *		"always:..." for what holds whatever the rules say
 * @words:	that rule in words
 * @note:	what the reader should know besides, or NULL
 */
struct verdict {
	bool allow;
	const char *pointer;
	const char *words;
	const char *note;
};

/**
 * struct decision - The same answer, before it is put into words
 * @allow:	whether the flow is allowed
 * @pointer:	what decided
 * @rule:	the rule that decided; NULL: a default, or what always holds
 * @dir:	the walk that decided
 * @words:	what always holds, in words; NULL: a rule or a default
 * @note:	what the reader should know besides, or NULL
 */
struct decision {
	bool allow;
	const char *pointer;
	const struct policy_rule *rule;
	enum policy_direction dir;
	const char *words;
	const char *note;
};

/**
 * eval_decide() - Judge one flow, for those who judge many
 * @p:	policy
 * @f:	flow
 *
 * What eval() says, with nothing allocated.
 */
struct decision eval_decide(const struct policy *p, const struct flow *f);

/** eval_selects() - Whether a rule is about a name: a domain rule that it
 * matches
 */
bool eval_selects(const struct policy_rule *r, struct dname name);

/** eval_gateway_name() - host.microsandbox.internal: the gateway, as guests
 * know it
 */
struct dname eval_gateway_name(void);

/**
 * eval_gateway_by_name() - Whether a rule about names may allow UDP to the
 * gateway
 * @r:	egress rule
 *
 * It does where the gateway's address is pinned to a name of the rule. The
 * ruleset knows whether it is, and has judged each flow by that before
 * msb-relayd sees its first packet, and again after each replacement. So all
 * that is asked here is whether it can be: the name of the gateway itself leads
 * there, as msb-dnsd answers it. That another name does is somebody else's
 * doing, which rebind protection is against; msb-relayd carries no flow for
 * such a name, whatever the ruleset lets through.
 *
 * A rule that denies by name leaves to the ruleset what it denies. Of TCP,
 * nothing is allowed by a name but what the server's name has a say in, and
 * such a flow is not msb-relayd's; what a later rule allows in any case, that
 * rule allows here too.
 */
bool eval_gateway_by_name(const struct policy_rule *r);

/**
 * eval_name_denied() - Whether the first egress rule about a name denies it
 * @p:			policy
 * @name:		name that an answer's CNAME chain leads to
 * @ret_pointer:	the rule; set if there is one
 *
 * Address rules and the default have no say: nobody asked for this name.
 */
bool eval_name_denied(const struct policy *p, struct dname name,
		      const char **ret_pointer);

/**
 * eval() - Judge one flow
 * @a:		arena for the text of the answer
 * @p:		policy
 * @f:		flow
 *
 * Pure: no clock, no state, unless the flow brings a function of its own to ask
 * about pins. It is what the emitted ruleset and the helpers are held against.
 */
struct verdict eval(struct arena *a, const struct policy *p,
		    const struct flow *f);

/** EVAL_HTTP - Where HTTP is in clear (RFC 9110 section 4.2.1) */
#define EVAL_HTTP 80

/** EVAL_DNS_TRANSPORTS - Ports of other ways to resolve names than plain DNS */
#define EVAL_DNS_TRANSPORTS 4

/**
 * eval_dns_transports - Those UDP ports; the first one is refused over TCP too
 *
 * Refused while names must be seen ("always:dns-transport").
 */
extern const uint16_t eval_dns_transports[EVAL_DNS_TRANSPORTS];

/** eval_intercepts() - Whether the TLS of TCP flows to @port is intercepted, if
 * they are allowed and their name is not in Bypass
 */
bool eval_intercepts(const struct policy *p, uint16_t port);

/** eval_reads() - Whether TCP flows to @port are plain text that is looked
 * through for placeholders, if they are allowed: port 80 where there are
 * secrets, unless its TLS is intercepted
 */
bool eval_reads(const struct policy *p, uint16_t port);

/** eval_takes() - Whether TCP flows to @port are msb-tlsd's, if they are
 * allowed: those that are intercepted, and those that are read
 */
bool eval_takes(const struct policy *p, uint16_t port);

/** eval_bypasses() - Whether a name is in Bypass */
bool eval_bypasses(const struct policy *p, struct dname name);

/** eval_blocks_quic() - Whether UDP to @port is refused ("always:quic") */
bool eval_blocks_quic(const struct policy *p, uint16_t port);

/** eval_uplink_net() - What no guest reaches ("always:uplink"): the /30 of the
 * link between the gateway namespace and the host, the same in every sandbox
 */
struct ip_range eval_uplink_net(void);

#endif
