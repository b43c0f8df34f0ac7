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
#include "walk_conf.h"

/** DNS_SERVERS_MAX - Name servers that are used; more are left out */
#define DNS_SERVERS_MAX 8

/** DNS_SETS_OF_NAME - Pairs that one name is pinned in; more: SERVFAIL */
#define DNS_SETS_OF_NAME 32

/** DNS_TIMEOUT_MS - QueryTimeoutMs, unless set */
#define DNS_TIMEOUT_MS 5000

/**
 * struct dns_conf - dns.json
 * @walk:	names, rules and pin sets
 * @ipv4:	whether the sandbox has IPv4; unset: yes
 * @ipv6:	likewise
 * @rebind:	RebindProtection
 * @nameservers: name servers; none: those of resolv.conf
 * @n_nameservers: how many
 * @timeout_ms:	QueryTimeoutMs
 * @strip_ech:	ECH configurations are taken out of answers
 * @strip_h3:	HTTP/3 is taken out of answers
 * @local:	addresses that an answer must not have, see rebind.h
 */
struct dns_conf {
	struct walk_conf walk;
	enum config_bool ipv4;
	enum config_bool ipv6;
	enum config_bool rebind;
	const struct config_nameserver *nameservers;
	size_t n_nameservers;
	uint32_t timeout_ms;
	enum config_bool strip_ech;
	enum config_bool strip_h3;
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

/** dns_servers_add() - Add one, unless it is there, or there is no room */
void dns_servers_add(struct dns_servers *s, struct ip ip, uint16_t port);

/**
 * dns_conf_servers() - The name servers of a configuration
 * @c:		configuration
 * @text:	the host's resolv.conf, or "". It may have lines of ours, see
 *		dns_fd.h
 * @ret:	the name servers
 */
void dns_conf_servers(const struct dns_conf *c, const char *text,
		      struct dns_servers *ret);

/** dns_conf_resolvers() - The servers of resolv.conf */
void dns_conf_resolvers(const char *text, struct dns_servers *ret);

/** dns_conf_found() - The addresses of the host name in Nameservers/@host,
 * without ports
 */
void dns_conf_found(const char *text, size_t host, struct dns_servers *ret);

/** dns_conf_fixed() - Whether they are from hosts(5) */
bool dns_conf_fixed(const char *text, size_t host);

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

/** dns_conf_in_set() - Whether set number @set is one of them */
bool dns_conf_in_set(const struct dns_conf *c, uint16_t set, struct dname name);

#endif
