/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config.h - One NetworkConfig document, decoded and checked. */
#ifndef MSB_CONFIG_H
#define MSB_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "diag.h"
#include "dname.h"
#include "group.h"
#include "ip.h"
#include "scan.h"

/** CONFIG_MAX_BYTES - Size of the largest document that is read */
#define CONFIG_MAX_BYTES SCAN_MAX_BYTES

/** CONFIG_MAX_DEPTH - Nesting of the deepest document that is read */
#define CONFIG_MAX_DEPTH SCAN_MAX_DEPTH

/* In every enum below zero means "not set", which is what null and "" mean in
 * the document. */

/** enum config_preset - Field Policy */
enum config_preset {
	CONFIG_PRESET_UNSET,
	CONFIG_PRESET_NONE,
	CONFIG_PRESET_PUBLIC_ONLY,
	CONFIG_PRESET_ALLOW_ALL,
	CONFIG_PRESET_NON_LOCAL,
};

/** enum config_action - A rule's action, or a direction's default */
enum config_action {
	CONFIG_ACTION_UNSET,
	CONFIG_ALLOW,
	CONFIG_DENY,
};

/** enum config_direction - The walk or walks that a rule takes part in */
enum config_direction {
	CONFIG_DIRECTION_UNSET,
	CONFIG_EGRESS,
	CONFIG_INGRESS,
	CONFIG_ANY_DIRECTION,
};

/** enum config_bool - A boolean that may be absent */
enum config_bool {
	CONFIG_BOOL_UNSET,
	CONFIG_FALSE,
	CONFIG_TRUE,
};

/** enum config_violation - Fields OnSecretViolation and OnViolation */
enum config_violation {
	CONFIG_VIOLATION_UNSET,
	CONFIG_BLOCK,
	CONFIG_BLOCK_AND_LOG,
	CONFIG_BLOCK_AND_TERMINATE,
};

/** enum config_inject - Field Inject, as bits of a set */
enum config_inject {
	CONFIG_IN_HEADERS = 1,
	CONFIG_IN_BASIC = 2,
	CONFIG_IN_QUERY = 4,
	CONFIG_IN_BODY = 8,
};

/** enum config_proto - Protocols of a rule or binding, as bits of a set */
enum config_proto {
	CONFIG_TCP = 1,
	CONFIG_UDP = 2,
	CONFIG_ICMPV4 = 4,
	CONFIG_ICMPV6 = 8,
};

/** enum config_dest_kind - What a rule's Destination names */
enum config_dest_kind {
	CONFIG_DEST_ANY,
	CONFIG_DEST_GROUP,
	CONFIG_DEST_RANGE,
	CONFIG_DEST_NAME,
	CONFIG_DEST_SUFFIX,
};

/**
 * struct config_dest - A rule's Destination
 * @kind:	which of the members below counts
 * @group:	CONFIG_DEST_GROUP: the group
 * @range:	CONFIG_DEST_RANGE: a prefix or one address, IPv4-mapped ones
 *		already unwrapped
 * @name:	CONFIG_DEST_NAME: the name; CONFIG_DEST_SUFFIX: the apex of the
 *		suffix
 * @apex:	CONFIG_DEST_SUFFIX: whether the apex itself matches too
 */
struct config_dest {
	enum config_dest_kind kind;
	enum group group;
	struct ip_range range;
	struct dname name;
	bool apex;
};

/** struct config_ports - Ports from @lo to @hi, both included, 1 to 65535 */
struct config_ports {
	uint16_t lo;
	uint16_t hi;
};

/**
 * struct config_rule - One PolicyRule
 * @action:	allow or deny, always set
 * @direction:	egress, ingress or any, always set
 * @dest:	destination (ingress: the peer)
 * @protos:	set of enum config_proto; 0 is any protocol
 * @ports:	Port and Ports united, ascending, disjoint, not adjacent
 * @n_ports:	number of ranges; 0 is any port
 * @pointer:	"/Rules/3"
 */
struct config_rule {
	enum config_action action;
	enum config_direction direction;
	struct config_dest dest;
	unsigned int protos;
	const struct config_ports *ports;
	size_t n_ports;
	const char *pointer;
};

/**
 * struct config_names - DenyDomains or DenyDomainSuffixes
 * @v:	canonical names in input order; suffixes without the leading dot
 * @n:	number of names
 */
struct config_names {
	const struct dname *v;
	size_t n;
};

/**
 * struct config_nameserver - One entry of DNS.Nameservers
 * @ip:		address, if @host is NULL
 * @host:	host name in canonical text, or NULL
 * @port:	port, 53 unless given
 */
struct config_nameserver {
	struct ip ip;
	const char *host;
	uint16_t port;
};

/**
 * struct config_dns - Field DNS
 * @rebind_protection:	RebindProtection
 * @nameservers:	Nameservers, in input order
 * @n_nameservers:	how many; 0 is "the host's resolv.conf"
 * @query_timeout_ms:	QueryTimeoutMs, 1 to UINT32_MAX; 0 is not set
 */
struct config_dns {
	enum config_bool rebind_protection;
	const struct config_nameserver *nameservers;
	size_t n_nameservers;
	uint32_t query_timeout_ms;
};

/**
 * struct config_pattern - One TLS.Bypass pattern or AllowedHosts entry
 * @name:	name
 * @wildcard:	"*.NAME": every subdomain, not @name itself
 */
struct config_pattern {
	struct dname name;
	bool wildcard;
};

/**
 * struct config_tls - Field TLS
 * @present:		whether the document has it, even as {}
 * @bypass:		Bypass
 * @n_bypass:		number of patterns
 * @verify_upstream:	VerifyUpstream
 * @has_ports:		whether InterceptedPorts is set, even as []
 * @ports:		InterceptedPorts
 * @n_ports:		number of ports
 * @block_quic:		BlockQUIC
 * @ca_cert:		CACert, a path, or NULL
 * @ca_key:		CAKey, a path, or NULL
 * @upstream_ca_certs:	UpstreamCACerts, paths
 * @n_upstream_ca_certs: number of paths
 */
struct config_tls {
	bool present;
	const struct config_pattern *bypass;
	size_t n_bypass;
	enum config_bool verify_upstream;
	bool has_ports;
	const uint16_t *ports;
	size_t n_ports;
	enum config_bool block_quic;
	const char *ca_cert;
	const char *ca_key;
	const char *const *upstream_ca_certs;
	size_t n_upstream_ca_certs;
};

/**
 * struct config_binding - One published port, from Ports or PortBindings
 * @bind:	address on the host that it is bound to
 * @host_port:	port on the host
 * @guest_port:	port in the guest
 * @proto:	CONFIG_TCP or CONFIG_UDP
 * @pointer:	"/Ports/8080" or "/PortBindings/0"
 */
struct config_binding {
	struct ip bind;
	uint16_t host_port;
	uint16_t guest_port;
	enum config_proto proto;
	const char *pointer;
};

/**
 * struct config_bucket - A token bucket
 * @present:		whether the document has it
 * @size:		tokens (bytes or packets), at least 1
 * @refill_ns:		time to refill @size tokens, ns, at least 1 ms
 * @one_time_burst:	tokens on top, once
 */
struct config_bucket {
	bool present;
	uint64_t size;
	uint64_t refill_ns;
	uint64_t one_time_burst;
};

/**
 * struct config_rate - Limits of one direction
 * @bandwidth:	bucket of bytes
 * @ops:	bucket of packets
 */
struct config_rate {
	struct config_bucket bandwidth;
	struct config_bucket ops;
};

/**
 * struct config_secret - One SecretEntry
 * @name:		Name, an environment variable
 * @value_file:		ValueFile, an absolute path, or NULL
 * @value_env:		ValueEnv, an environment variable, or NULL
 * @placeholder:	Placeholder, defaulted
 * @allowed_hosts:	AllowedHosts
 * @n_allowed_hosts:	number of patterns
 * @on_violation:	OnViolation
 * @inject:		Inject, bits of enum config_inject, defaulted
 */
struct config_secret {
	const char *name;
	const char *value_file;
	const char *value_env;
	const char *placeholder;
	const struct config_pattern *allowed_hosts;
	size_t n_allowed_hosts;
	enum config_violation on_violation;
	unsigned int inject;
};

/**
 * struct config - One NetworkConfig
 * @policy:		Policy
 * @has_rules:		whether Rules is set, even as []
 * @rules:		Rules, in input order
 * @n_rules:		number of rules
 * @default_egress:	DefaultEgress
 * @default_ingress:	DefaultIngress
 * @deny_domains:	DenyDomains
 * @deny_suffixes:	DenyDomainSuffixes
 * @dns:		DNS
 * @rebind_protection:	DNSRebindProtection, the legacy field
 * @tls:		TLS
 * @bindings:		Ports, then PortBindings, in input order
 * @n_bindings:		number of bindings
 * @pool4:		IPv4Pool, defaulted
 * @pool6:		IPv6Pool, defaulted
 * @has_max_connections: whether MaxConnections is set
 * @max_connections:	MaxConnections
 * @on_secret_violation: OnSecretViolation
 * @trust_host_cas:	TrustHostCAs
 * @secrets:		Secrets
 * @n_secrets:		number of secrets
 * @rate_egress:	RateLimiter.Egress
 * @rate_ingress:	RateLimiter.Ingress
 *
 * Unset stays visible: defaults that depend on other fields are settled when
 * the policy is lowered.
 */
struct config {
	enum config_preset policy;
	bool has_rules;
	const struct config_rule *rules;
	size_t n_rules;
	enum config_action default_egress;
	enum config_action default_ingress;
	struct config_names deny_domains;
	struct config_names deny_suffixes;
	struct config_dns dns;
	enum config_bool rebind_protection;
	struct config_tls tls;
	const struct config_binding *bindings;
	size_t n_bindings;
	struct ip_range pool4;
	struct ip_range pool6;
	bool has_max_connections;
	uint32_t max_connections;
	enum config_violation on_secret_violation;
	enum config_bool trust_host_cas;
	const struct config_secret *secrets;
	size_t n_secrets;
	struct config_rate rate_egress;
	struct config_rate rate_ingress;
};

/**
 * config_on_violation() - What a violation comes to, everything defaulted
 * @c:	configuration
 * @s:	the secret that it is about; NULL: what holds unless a secret says
 *	otherwise
 */
enum config_violation config_on_violation(const struct config *c,
					  const struct config_secret *s);

/** config_violation_word() - "block", ..., as in the document */
const char *config_violation_word(enum config_violation v);

/**
 * config_read() - Decode and check one document
 * @a:		arena for everything that @ret points to
 * @d:		receives all errors and warnings; its @text and @len are the
 *		document
 * @ret:	the configuration; set on success
 *
 * Return: true if there was no error
 */
bool config_read(struct arena *a, struct diags *d, struct config *ret)
	__attribute__((warn_unused_result));

#endif
