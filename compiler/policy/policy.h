/* SPDX-License-Identifier: GPL-2.0-or-later */
/* policy.h - A policy: one ordered rule list per direction, nothing implied. */
#ifndef MSB_POLICY_H
#define MSB_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "config.h"
#include "diag.h"
#include "pool.h"

/** enum policy_direction - The two walks */
enum policy_direction {
	POLICY_EGRESS,
	POLICY_INGRESS,
	POLICY_DIRECTIONS,
};

/**
 * enum policy_dns - How the guest's DNS is served
 * @POLICY_DNS_NONE:	no query is allowed; nothing serves it
 * @POLICY_DNS_NAT:	the gateway's port 53 is translated to name servers
 * @POLICY_DNS_HELPER:	names must be seen: msb-dnsd
 */
enum policy_dns {
	POLICY_DNS_NONE,
	POLICY_DNS_NAT,
	POLICY_DNS_HELPER,
};

/**
 * struct policy_rule - One rule of a walk
 * @allow:	whether a flow that matches is allowed
 * @dest:	destination (egress) or peer (ingress)
 * @protos:	set of enum config_proto; 0 is any IP protocol, ports or not
 * @ports:	ascending, disjoint port ranges
 * @n_ports:	number of ranges; 0 is any port. If there are any, @protos is
 *		TCP, UDP or both
 * @pointer:	where the rule comes from: "/Rules/3", "/DenyDomains/0",
 *		"/Policy"
 */
struct policy_rule {
	bool allow;
	struct config_dest dest;
	unsigned int protos;
	const struct config_ports *ports;
	size_t n_ports;
	const char *pointer;
};

/**
 * struct policy_walk - The rules of one direction
 * @rules:		in order; the first that matches decides
 * @n:			number of rules
 * @default_allow:	verdict if none matches
 * @default_pointer:	"/DefaultEgress" or "/DefaultIngress"
 */
struct policy_walk {
	const struct policy_rule *rules;
	size_t n;
	bool default_allow;
	const char *default_pointer;
};

/**
 * struct policy - Everything that decides a flow
 * @walk:	by enum policy_direction
 * @slot:	the sandbox's addresses; its gateways are group host
 * @config:	the document, for what is not a rule (bindings, TLS, DNS)
 * @dns:	how DNS is served
 * @dns_reason:	why, as one clause ("rebind protection is on")
 */
struct policy {
	struct policy_walk walk[POLICY_DIRECTIONS];
	struct slot slot;
	const struct config *config;
	enum policy_dns dns;
	const char *dns_reason;
};

/**
 * policy_lower() - Turn a document into rule lists
 * @a:		arena for the result
 * @d:		receives the errors and warnings
 * @config:	checked document; must live as long as the policy
 * @slot:	slot number
 * @ret:	policy; set on success
 *
 * Presets are expanded, DenyDomains and DenyDomainSuffixes become the first
 * rules, rules that no packet can match are left out with a warning.
 *
 * Return: true; false if the slot is outside the pools
 */
bool policy_lower(struct arena *a, struct diags *d, const struct config *config,
		  uint32_t slot, struct policy *ret)
	__attribute__((warn_unused_result));

/**
 * policy_rebind_protection() - Whether answers with local addresses are denied
 *
 * DNS.RebindProtection if set, else DNSRebindProtection, else true.
 */
bool policy_rebind_protection(const struct config *config);

/** policy_is_name() - Whether a destination is a name or a suffix */
bool policy_is_name(const struct config_dest *dest);

/** policy_rule_serves() - Whether a rule matches a protocol at a port */
bool policy_rule_serves(const struct policy_rule *r, enum config_proto proto,
			uint16_t port);

/** policy_published() - Whether a guest port is published for a protocol */
bool policy_published(const struct policy *p, enum config_proto proto,
		      uint16_t guest_port);

/**
 * policy_nameserver() - Where NAT sends the guest's queries
 *
 * Return: the first name server of @family that is given by address, or NULL
 */
const struct config_nameserver *policy_nameserver(const struct policy *p,
						  enum ip_family family);

/**
 * policy_name_text() - An exact name as a Destination spells it
 * @name:	name
 * @buf:	receives the text
 *
 * A name of one label ends in a dot: without it "public" is a group and "any"
 * a mistake.
 *
 * Return: @buf
 */
const char *policy_name_text(struct dname name, char buf[DNAME_TEXT_MAX]);

/**
 * policy_rule_words() - A rule as a sentence: "allow egress public tcp 443"
 * @a:		arena for the text
 * @r:		rule
 * @dir:	the walk it is in
 */
const char *policy_rule_words(struct arena *a, const struct policy_rule *r,
			      enum policy_direction dir);

#endif
