/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dns_conf.h - dns.json, decoded: which names, which resolvers, which pins. */
#ifndef MSB_DNS_CONF_H
#define MSB_DNS_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "address.h"
#include "conf.h"
#include "config.h"
#include "eval.h"
#include "names.h"
#include "policy.h"

/** DNS_SERVERS_MAX - Name servers that are used; more are left out */
#define DNS_SERVERS_MAX 8

/** DNS_PIN_SETS_MAX - Pairs of pin sets that a configuration may have */
#define DNS_PIN_SETS_MAX 1024

/** DNS_SETS_OF_NAME - Pairs that one name is pinned in; more: SERVFAIL */
#define DNS_SETS_OF_NAME 32

/** DNS_SET_NAME_MAX - Room for a set's name, with NUL (NFT_SET_MAXNAMELEN) */
#define DNS_SET_NAME_MAX 64

/** DNS_TIMEOUT_MS - QueryTimeoutMs, unless set */
#define DNS_TIMEOUT_MS 5000

/**
 * struct dns_pin_set - A pair of sets in the ruleset
 * @set4:	set of IPv4 addresses
 * @set6:	set of IPv6 addresses
 * @dests:	names and suffixes: whoever resolves such a name has its
 *		addresses put there
 * @n_dests:	how many
 * @names:	the table of denied names counts as well
 */
struct dns_pin_set {
	const char *set4;
	const char *set6;
	const struct config_dest *dests;
	size_t n_dests;
	enum config_bool names;
};

/**
 * struct dns_conf - dns.json
 * @version:	1
 * @name:	the sandbox's name
 * @generation:	of the ruleset that it belongs to, for people
 * @gw4:	gateway's address on the guest's link
 * @gw6:	likewise
 * @guest4:	guest's address; whoever else asks is not heard
 * @guest6:	likewise
 * @ipv4:	whether the sandbox has IPv4; unset: yes
 * @ipv6:	likewise
 * @rules:	the egress walk, without what @has_names holds
 * @n_rules:	how many
 * @pointers:	where each of them comes from
 * @n_pointers:	as many as there are rules, or none
 * @otherwise:	what happens to a query that none matches
 * @names_file:	name of the table of denied names; NULL: there is none
 * @names:	the table; empty until it is there
 * @rebind:	RebindProtection
 * @nameservers: name servers; none: those of resolv.conf
 * @n_nameservers: how many
 * @timeout_ms:	QueryTimeoutMs
 * @strip_ech:	ECH configurations are taken out of answers
 * @strip_h3:	HTTP/3 is taken out of answers
 * @table:	table (inet) of the pin sets
 * @pin_sets:	the sets
 * @n_pin_sets:	how many
 * @config:	for @policy
 * @policy:	what eval_decide() is asked about
 * @local:	addresses that an answer must not have, see rebind.h
 */
struct dns_conf {
	uint32_t version;
	const char *name;
	const char *generation;
	struct ip gw4;
	struct ip gw6;
	struct ip guest4;
	struct ip guest6;
	enum config_bool ipv4;
	enum config_bool ipv6;
	const struct config_rule *rules;
	size_t n_rules;
	const char *const *pointers;
	size_t n_pointers;
	enum config_action otherwise;
	const char *names_file;
	struct names names;
	enum config_bool rebind;
	const struct config_nameserver *nameservers;
	size_t n_nameservers;
	uint32_t timeout_ms;
	enum config_bool strip_ech;
	enum config_bool strip_h3;
	const char *table;
	const struct dns_pin_set *pin_sets;
	size_t n_pin_sets;
	struct config config;
	struct policy policy;
	struct ip_set local;
};

/**
 * struct dns_servers - Name servers, in the order in which they are asked
 * @v:	addresses and ports
 * @n:	how many
 */
struct dns_servers {
	struct address v[DNS_SERVERS_MAX];
	size_t n;
};

/**
 * dns_conf_decode() - Decode and check a configuration
 * @a:		arena that holds the result
 * @text:	JSON
 * @len:	bytes
 * @ret_reason:	on failure, why
 *
 * Return: the configuration, NULL if it is refused
 */
struct dns_conf *dns_conf_decode(struct arena *a, const char *text, size_t len,
				 char ret_reason[CONF_REASON_MAX])
	__attribute__((warn_unused_result));

/**
 * dns_conf_servers() - The name servers of a configuration
 * @c:		configuration
 * @text:	NULL, or the host's resolv.conf. It may have lines of ours:
 *		"msb-nameserver N ADDRESS", an address that the host name in
 *		Nameservers/N has now
 * @ret:	the name servers
 */
void dns_conf_servers(const struct dns_conf *c, const char *text,
		      struct dns_servers *ret);

/**
 * struct dns_verdict - What becomes of a query
 * @allow:	it is asked
 * @pointer:	what decided: "/Rules/3", "/DenyDomains"
 * @has_index:	whether @index says which one of @pointer
 * @index:	its index
 */
struct dns_verdict {
	bool allow;
	const char *pointer;
	bool has_index;
	uint32_t index;
};

/**
 * dns_conf_query() - Judge a query
 * @c:		configuration
 * @name:	name asked
 * @proto:	IPPROTO_UDP or IPPROTO_TCP
 * @resolver:	address that it was sent to
 *
 * Nothing is allocated.
 */
struct dns_verdict dns_conf_query(const struct dns_conf *c, struct dname name,
				  uint8_t proto, struct ip resolver);

/** dns_conf_alias() - Judge a name that an answer's CNAME chain leads to */
struct dns_verdict dns_conf_alias(const struct dns_conf *c, struct dname name);

/** dns_conf_is_gateway() - Whether @ip is one of the gateway's addresses */
bool dns_conf_is_gateway(const struct dns_conf *c, struct ip ip);

/**
 * dns_conf_sets() - The pin sets that a name's addresses belong in
 * @c:		configuration
 * @name:	name that was resolved
 * @ret:	indices in @pin_sets
 *
 * Return: how many; DNS_SETS_OF_NAME + 1 if there are more than fit
 */
size_t dns_conf_sets(const struct dns_conf *c, struct dname name,
		     uint16_t ret[DNS_SETS_OF_NAME]);

#endif
