/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_table.c - The field tables of the input language: a row a field, so it
 * is as long as the language. */
#include "config_table.h"

#include "config_pattern.h"
#include "config_value.h"

#define COUNT(v)	 (sizeof(v) / sizeof(*(v)))
#define TEXT_SIZE	 sizeof(const char *)
#define AT(type, member) offsetof(struct type, member)

/* The decoder stores words and booleans as unsigned int. */
_Static_assert(sizeof(enum config_bool) == sizeof(unsigned int), "enum size");
_Static_assert((int)CONFIG_FALSE == 1 && (int)CONFIG_TRUE == 2, "booleans");

static const struct field_word preset_words[] = {
	{"none", CONFIG_PRESET_NONE, "nothing passes"},
	{"public-only", CONFIG_PRESET_PUBLIC_ONLY,
	 "egress to DNS and to public addresses"},
	{"allow-all", CONFIG_PRESET_ALLOW_ALL, "everything passes"},
	{"non-local", CONFIG_PRESET_NON_LOCAL,
	 "as public-only, and private addresses"},
	{0},
};

static const struct field_word action_words[] = {
	{"allow", CONFIG_ALLOW, NULL},
	{"deny", CONFIG_DENY, NULL},
	{0},
};

static const struct field_word direction_words[] = {
	{"egress", CONFIG_EGRESS, NULL},
	{"ingress", CONFIG_INGRESS, NULL},
	{"any", CONFIG_ANY_DIRECTION, NULL},
	{0},
};

static const struct field_word proto_words[] = {
	{"tcp", CONFIG_TCP, NULL},
	{"udp", CONFIG_UDP, NULL},
	{"icmpv4", CONFIG_ICMPV4, NULL},
	{"icmpv6", CONFIG_ICMPV6, NULL},
	{0},
};

static const struct field_word transport_words[] = {
	{"tcp", CONFIG_TCP, NULL},
	{"udp", CONFIG_UDP, NULL},
	{0},
};

const struct field_word config_violation_words[] = {
	{"block", CONFIG_BLOCK, "the flow is cut"},
	{"block-and-log", CONFIG_BLOCK_AND_LOG, "and an event is written"},
	{"block-and-terminate", CONFIG_BLOCK_AND_TERMINATE,
	 "and the sandbox is ended"},
	{0},
};

const struct field_word config_inject_words[] = {
	{"headers", CONFIG_IN_HEADERS, "a request's headers"},
	{"basic", CONFIG_IN_BASIC, "inside Basic credentials"},
	{"query", CONFIG_IN_QUERY, "a request's query, percent-encoded"},
	{"body", CONFIG_IN_BODY,
	 "a request's body; over HTTP/1.1 only, so HTTP/2 is not offered to "
	 "these hosts"},
	{0},
};

/* clang-format off: it would indent a row by whether it has a number. */

static const struct field rule_fields[] = {
	[RULE_ACTION] =
		{
			.name = "Action",
			.kind = FIELD_WORD,
			.flags = FIELD_REQUIRED,
			.offset = AT(config_rule, action),
			.words = action_words,
			.about =
				"What happens to a flow that matches. Denied flows "
				"are dropped without an answer.",
		},
	[RULE_DIRECTION] =
		{
			.name = "Direction",
			.kind = FIELD_WORD,
			.offset = AT(config_rule, direction),
			.words = direction_words,
			.initial = "egress",
			.about =
				"Who opens the flow: egress is the guest, ingress the "
				"peer.",
		},
	[RULE_DESTINATION] =
		{
			.name = "Destination",
			.kind = FIELD_TEXT,
			.offset = AT(config_rule, dest),
			.read = config_read_dest,
			.type = "a destination as a string",
			.pattern = DEST_PATTERN,
			.example = "\"public\"",
			.initial = "any destination",
			.about =
				"For ingress, the peer. \"*\" is any; then a "
				"destination group; \".example.com\" every subdomain "
				"of example.com, not itself; an address or a prefix; "
				"else an exact domain name.",
		},
	[RULE_PROTOCOL] =
		{
			.name = "Protocol",
			.kind = FIELD_WORD,
			.flags = FIELD_BITS,
			.offset = AT(config_rule, protos),
			.words = proto_words,
			.initial = "any protocol",
			.about = "One protocol; united with Protocols.",
		},
	[RULE_PROTOCOLS] =
		{
			.name = "Protocols",
			.kind = FIELD_WORD,
			.flags = FIELD_LIST | FIELD_BITS,
			.offset = AT(config_rule, protos),
			.words = proto_words,
			.example = "\"tcp\"",
			.initial = "any protocol",
			.about =
				"Protocols. The ICMP protocols are for egress only.",
		},
	{
		.name = "Port",
		.kind = FIELD_TEXT,
		.flags = FIELD_APPEND | FIELD_NUMBER,
		.offset = AT(config_rule, ports),
		.count = AT(config_rule, n_ports),
		.size = sizeof(struct config_ports),
		.min = 1,
		.max = UINT16_MAX,
		.read = config_read_ports,
		.type = "a port such as \"443\" or a range such as "
			"\"8000-9000\"",
		.pattern = PORTS_PATTERN,
		.example = "\"443\"",
		.initial = "any port",
		.about = "One port or range of ports; united with Ports.",
	},
	{
		.name = "Ports",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST | FIELD_NUMBER,
		.offset = AT(config_rule, ports),
		.count = AT(config_rule, n_ports),
		.size = sizeof(struct config_ports),
		.min = 1,
		.max = UINT16_MAX,
		.read = config_read_ports,
		.type = "a port such as \"443\" or a range such as "
			"\"8000-9000\"",
		.pattern = PORTS_PATTERN,
		.example = "\"443\", \"8000-9000\"",
		.initial = "any port",
		.about = "Ports that the guest sees: the destination's for "
			 "egress, the guest's own for ingress. A rule with "
			 "ports and no protocol is for TCP and UDP; a rule "
			 "with ports never matches ICMP.",
	},
};

static const struct field dns_fields[] = {
	{
		.name = "RebindProtection",
		.kind = FIELD_BOOL,
		.offset = AT(config_dns, rebind_protection),
		.initial = "true",
		.about = "Answers with addresses that are not public are "
			 "denied, unless an address rule allows them.",
	},
	{
		.name = "Nameservers",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(config_dns, nameservers),
		.count = AT(config_dns, n_nameservers),
		.size = sizeof(struct config_nameserver),
		.read = config_read_nameserver,
		.type = "a name server as a string",
		.example = "\"192.0.2.53\", \"[2001:db8::53]:5353\"",
		.initial = "the host's resolv.conf",
		.about = "Name servers, asked in order: ADDRESS, ADDRESS:PORT, "
			 "[IPV6]:PORT, NAME or NAME:PORT.",
	},
	{
		.name = "QueryTimeoutMs",
		.kind = FIELD_UINT,
		.offset = AT(config_dns, query_timeout_ms),
		.size = sizeof(uint32_t),
		.min = 1,
		.max = UINT32_MAX,
		.initial = "5000",
		.about = "How long a name server may take, in milliseconds.",
	},
};

static const struct field tls_fields[] = {
	[TLS_FIELD_CA_CERT] =
		{
			.name = "CACert",
			.kind = FIELD_TEXT,
			.offset = AT(config_tls, ca_cert),
			.read = field_copy,
			.type = "a file's path as a string",
			.initial = "a generated CA",
			.about =
				"File with the CA certificate that signs leaves, as PEM; "
				"needs CAKey. The key is P-256, P-384 or RSA of 2048 to "
				"4096 bits.",
		},
	[TLS_FIELD_CA_KEY] =
		{
			.name = "CAKey",
			.kind = FIELD_TEXT,
			.offset = AT(config_tls, ca_key),
			.read = field_copy,
			.type = "a file's path as a string",
			.initial = "a generated CA",
			.about =
				"File with that CA's private key, as PEM and without "
				"a passphrase; needs CACert.",
		},
	{
		.name = "Bypass",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(config_tls, bypass),
		.count = AT(config_tls, n_bypass),
		.size = sizeof(struct config_pattern),
		.read = config_read_pattern,
		.type = "a name or \"*.NAME\" as a string",
		.pattern = HOST_PATTERN,
		.example = "\"bank.example\", \"*.example.com\"",
		.initial = "none",
		.about = "Names whose flows are not intercepted: exact, or "
			 "\"*.example.com\" for every subdomain, not "
			 "example.com itself.",
	},
	{
		.name = "VerifyUpstream",
		.kind = FIELD_BOOL,
		.offset = AT(config_tls, verify_upstream),
		.initial = "true",
		.about = "Whether the server's certificate must be valid.",
	},
	{
		.name = "InterceptedPorts",
		.kind = FIELD_UINT,
		.flags = FIELD_LIST | FIELD_PRESENT,
		.offset = AT(config_tls, ports),
		.count = AT(config_tls, n_ports),
		.present = AT(config_tls, has_ports),
		.size = sizeof(uint16_t),
		.min = 1,
		.max = UINT16_MAX,
		.example = "443",
		.initial = "[443]",
		.about = "TCP ports whose flows are intercepted; an empty list "
			 "intercepts nothing.",
	},
	{
		.name = "BlockQUIC",
		.kind = FIELD_BOOL,
		.offset = AT(config_tls, block_quic),
		.initial = "true",
		.about = "Whether UDP to an intercepted port is refused.",
	},
	{
		.name = "UpstreamCACerts",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(config_tls, upstream_ca_certs),
		.count = AT(config_tls, n_upstream_ca_certs),
		.size = TEXT_SIZE,
		.read = field_copy,
		.type = "a file's path as a string",
		.example = "\"/etc/ssl/corp.pem\"",
		.initial = "none",
		.about = "Files with CA certificates, as PEM, that servers "
			 "may be signed by, beside those that the host "
			 "trusts; and with revocation lists (X509 CRL), by "
			 "which servers are refused.",
	},
};

static const struct field binding_fields[] = {
	{
		.name = "Bind",
		.kind = FIELD_TEXT,
		.offset = AT(config_binding, bind),
		.read = config_read_bind,
		.type = "an IP address as a string",
		.pattern = BIND_PATTERN,
		.example = "\"127.0.0.1\"",
		.initial = "127.0.0.1",
		.about = "Address on the host to listen on; 0.0.0.0 is every "
			 "IPv4 address, :: every address of both families.",
	},
	{
		.name = "HostPort",
		.kind = FIELD_UINT,
		.flags = FIELD_REQUIRED,
		.offset = AT(config_binding, host_port),
		.size = sizeof(uint16_t),
		.min = 1,
		.max = UINT16_MAX,
		.about = "Port on the host.",
	},
	{
		.name = "GuestPort",
		.kind = FIELD_UINT,
		.flags = FIELD_REQUIRED,
		.offset = AT(config_binding, guest_port),
		.size = sizeof(uint16_t),
		.min = 1,
		.max = UINT16_MAX,
		.about = "Port in the guest.",
	},
	{
		.name = "Protocol",
		.kind = FIELD_WORD,
		.offset = AT(config_binding, proto),
		.words = transport_words,
		.initial = "tcp",
		.about = "Transport protocol.",
	},
};

static const struct field bucket_fields[] = {
	{
		.name = "Size",
		.kind = FIELD_UINT,
		.flags = FIELD_REQUIRED,
		.offset = AT(config_bucket, size),
		.size = sizeof(uint64_t),
		.min = 1,
		.max = INT64_MAX,
		.about = "Tokens in the full bucket, which it starts with: "
			 "bytes or packets.",
	},
	{
		.name = "RefillTime",
		.kind = FIELD_UINT,
		.flags = FIELD_REQUIRED,
		.offset = AT(config_bucket, refill_ns),
		.size = sizeof(uint64_t),
		.min = 1000000,
		.max = INT64_MAX,
		.about = "Time in which Size tokens are refilled, in "
			 "nanoseconds; at least a millisecond.",
	},
	{
		.name = "OneTimeBurst",
		.kind = FIELD_UINT,
		.offset = AT(config_bucket, one_time_burst),
		.size = sizeof(uint64_t),
		.min = 0,
		.max = INT64_MAX,
		.initial = "0",
		.about = "Tokens on top, once; they are used up first.",
	},
};

static const struct field rate_fields[] = {
	{
		.name = "Bandwidth",
		.kind = FIELD_OBJECT,
		.flags = FIELD_PRESENT,
		.offset = AT(config_rate, bandwidth),
		.present = AT(config_rate, bandwidth.present),
		.object = &config_objects[CONFIG_TOKEN_BUCKET],
		.initial = "no limit",
		.about = "Bytes.",
	},
	{
		.name = "Ops",
		.kind = FIELD_OBJECT,
		.flags = FIELD_PRESENT,
		.offset = AT(config_rate, ops),
		.present = AT(config_rate, ops.present),
		.object = &config_objects[CONFIG_TOKEN_BUCKET],
		.initial = "no limit",
		.about = "Packets.",
	},
};

/* Both members lie in struct config itself, which has no struct for the two
 * of them: the offsets count from its start. */
static const struct field limiter_fields[] = {
	{
		.name = "Egress",
		.kind = FIELD_OBJECT,
		.offset = AT(config, rate_egress),
		.object = &config_objects[CONFIG_RATE_LIMIT],
		.initial = "no limit",
		.about = "What the guest sends.",
	},
	{
		.name = "Ingress",
		.kind = FIELD_OBJECT,
		.offset = AT(config, rate_ingress),
		.object = &config_objects[CONFIG_RATE_LIMIT],
		.initial = "no limit",
		.about = "What the guest receives.",
	},
};

static const struct field secret_fields[] = {
	[SECRET_NAME] =
		{
			.name = "Name",
			.kind = FIELD_TEXT,
			.flags = FIELD_REQUIRED,
			.offset = AT(config_secret, name),
			.read = config_read_env,
			.type = "an environment variable's name as a string",
			.pattern = "^[A-Za-z_][A-Za-z0-9_]*$",
			.about =
				"Environment variable of the guest that holds the "
				"placeholder.",
		},
	[SECRET_VALUE_FILE] =
		{
			.name = "ValueFile",
			.kind = FIELD_TEXT,
			.offset = AT(config_secret, value_file),
			.read = config_read_path,
			.type = "a file's absolute path as a string",
			.pattern = "^/",
			.about =
				"File on the host that holds the value, by its absolute "
				"path. One of ValueFile and ValueEnv is needed.",
		},
	[SECRET_VALUE_ENV] =
		{
			.name = "ValueEnv",
			.kind = FIELD_TEXT,
			.offset = AT(config_secret, value_env),
			.read = config_read_env,
			.type = "an environment variable's name as a string",
			.pattern = "^[A-Za-z_][A-Za-z0-9_]*$",
			.about =
				"Environment variable on the host that holds the "
				"value.",
		},
	[SECRET_INJECT] =
		{
			.name = "Inject",
			.kind = FIELD_WORD,
			.flags = FIELD_LIST | FIELD_BITS,
			.offset = AT(config_secret, inject),
			.words = config_inject_words,
			.example = "\"headers\"",
			.initial = "headers and basic",
			.about = "Where the value is put in place of the "
				 "placeholder.",
		},
	{
		.name = "Placeholder",
		.kind = FIELD_TEXT,
		.offset = AT(config_secret, placeholder),
		.read = config_read_placeholder,
		.type = "a string of 6 to 128 printable ASCII characters",
		.pattern = "^[!-$&-\\[\\]-~]{6,128}$",
		.initial = "$MSB_ and the Name",
		.about = "What the guest sees in place of the value, without "
			 "percent signs and backslashes.",
	},
	{
		.name = "AllowedHosts",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(config_secret, allowed_hosts),
		.count = AT(config_secret, n_allowed_hosts),
		.size = sizeof(struct config_pattern),
		.read = config_read_pattern,
		.type = "a name or \"*.NAME\" as a string",
		.pattern = HOST_PATTERN,
		.example = "\"api.example.com\"",
		.initial = "none, so the placeholder never becomes the value",
		.about = "Hosts that may be sent the value: exact, or "
			 "\"*.example.com\" for every subdomain.",
	},
	{
		.name = "OnViolation",
		.kind = FIELD_WORD,
		.offset = AT(config_secret, on_violation),
		.words = config_violation_words,
		.initial = "OnSecretViolation",
		.about = "What happens when the placeholder goes elsewhere.",
	},
};

static const struct field network_fields[] = {
	[NETWORK_POLICY] =
		{
			.name = "Policy",
			.kind = FIELD_WORD,
			.offset = AT(config, policy),
			.words = preset_words,
			.initial = "public-only, if Rules, DefaultEgress and "
				   "DefaultIngress are not set either",
			.about =
				"A preset. It excludes Rules, DefaultEgress and "
				"DefaultIngress.",
		},
	[NETWORK_RULES] =
		{
			.name = "Rules",
			.kind = FIELD_OBJECT,
			.flags = FIELD_LIST | FIELD_PRESENT,
			.offset = AT(config, rules),
			.count = AT(config, n_rules),
			.present = AT(config, has_rules),
			.size = sizeof(struct config_rule),
			.object = &config_objects[CONFIG_RULE],
			.example = "{\"Action\": \"allow\"}",
			.initial = "those of the preset",
			.about =
				"Rules in order; in each direction the first that "
				"matches decides. An empty list is set: the defaults "
				"decide.",
		},
	[NETWORK_DEFAULT_EGRESS] =
		{
			.name = "DefaultEgress",
			.kind = FIELD_WORD,
			.offset = AT(config, default_egress),
			.words = action_words,
			.initial = "deny",
			.about =
				"What happens to flows that the guest opens and no "
				"rule matches.",
		},
	[NETWORK_DEFAULT_INGRESS] =
		{
			.name = "DefaultIngress",
			.kind = FIELD_WORD,
			.offset = AT(config, default_ingress),
			.words = action_words,
			.initial = "allow",
			.about =
				"What happens to flows to published ports that no "
				"rule matches.",
		},
	{
		.name = "DenyDomains",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(config, deny_domains.v),
		.count = AT(config, deny_domains.n),
		.size = sizeof(struct dname),
		.read = config_read_domain,
		.type = "a domain name as a string",
		.pattern = NAME_PATTERN,
		.example = "\"ads.example.com\"",
		.initial = "none",
		.about = "Exact names that are denied before any rule.",
	},
	{
		.name = "DenyDomainSuffixes",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(config, deny_suffixes.v),
		.count = AT(config, deny_suffixes.n),
		.size = sizeof(struct dname),
		.read = config_read_suffix,
		.type = "a domain name as a string",
		.pattern = SUFFIX_PATTERN,
		.example = "\".ads.example\"",
		.initial = "none",
		.about = "Names that are denied with all their subdomains, "
			 "after DenyDomains; with or without a leading dot.",
	},
	{
		.name = "DNS",
		.kind = FIELD_OBJECT,
		.offset = AT(config, dns),
		.object = &config_objects[CONFIG_DNS],
		.initial = "{}",
		.about = "How names are resolved.",
	},
	{
		.name = "DNSRebindProtection",
		.kind = FIELD_BOOL,
		.offset = AT(config, rebind_protection),
		.initial = "true",
		.about = "Older spelling of RebindProtection in DNS, which "
			 "wins where it is set.",
	},
	{
		.name = "TLS",
		.kind = FIELD_OBJECT,
		.flags = FIELD_PRESENT,
		.offset = AT(config, tls),
		.present = AT(config, tls.present),
		.object = &config_objects[CONFIG_TLS],
		.initial = "no interception",
		.about = "TLS interception; an empty object turns it on.",
	},
	{
		.name = "Ports",
		.kind = FIELD_MAP,
		.offset = AT(config, bindings),
		.count = AT(config, n_bindings),
		.size = sizeof(struct config_binding),
		.value = AT(config_binding, guest_port),
		.min = 1,
		.max = UINT16_MAX,
		.read = config_read_port_key,
		.type = "an object such as {\"8080\": 80}",
		.pattern = "^" PORT "$",
		.initial = "none",
		.about = "Published TCP ports, host's to guest's: bound to "
			 "127.0.0.1.",
	},
	{
		.name = "PortBindings",
		.kind = FIELD_OBJECT,
		.flags = FIELD_LIST,
		.offset = AT(config, bindings),
		.count = AT(config, n_bindings),
		.size = sizeof(struct config_binding),
		.object = &config_objects[CONFIG_PORT_BINDING],
		.example = "{\"HostPort\": 8080, \"GuestPort\": 80}",
		.initial = "none",
		.about = "Published ports, in full.",
	},
	{
		.name = "IPv4Pool",
		.kind = FIELD_TEXT,
		.offset = AT(config, pool4),
		.read = config_read_pool4,
		.type = "an IPv4 prefix as a string",
		.pattern = POOL4_PATTERN,
		.example = "\"172.16.0.0/12\"",
		.initial = "172.16.0.0/12",
		.about = "Prefix that the sandboxes' addresses come from, a "
			 "/30 each.",
	},
	{
		.name = "IPv6Pool",
		.kind = FIELD_TEXT,
		.offset = AT(config, pool6),
		.read = config_read_pool6,
		.type = "an IPv6 prefix as a string",
		.pattern = POOL6_PATTERN,
		.example = "\"fd42:6d73:62::/48\"",
		.initial = "fd42:6d73:62::/48",
		.about = "Prefix that the sandboxes' addresses come from, a "
			 "/64 each.",
	},
	{
		.name = "MaxConnections",
		.kind = FIELD_UINT,
		.flags = FIELD_PRESENT,
		.offset = AT(config, max_connections),
		.present = AT(config, has_max_connections),
		.size = sizeof(uint32_t),
		.min = 0,
		.max = UINT32_MAX,
		.initial = "no limit",
		.about = "TCP and UDP flows that the guest may have open at "
			 "the same time, but for DNS to the gateway; 0 allows "
			 "none.",
	},
	{
		.name = "OnSecretViolation",
		.kind = FIELD_WORD,
		.offset = AT(config, on_secret_violation),
		.words = config_violation_words,
		.initial = "block-and-log",
		.about = "What happens when a secret's placeholder goes where "
			 "it may not.",
	},
	{
		.name = "TrustHostCAs",
		.kind = FIELD_BOOL,
		.offset = AT(config, trust_host_cas),
		.initial = "false",
		.about = "Whether the guest gets the root certificates that "
			 "the host trusts.",
	},
	{
		.name = "Secrets",
		.kind = FIELD_OBJECT,
		.flags = FIELD_LIST,
		.offset = AT(config, secrets),
		.count = AT(config, n_secrets),
		.size = sizeof(struct config_secret),
		.object = &config_objects[CONFIG_SECRET],
		.example = "{\"Name\": \"API_KEY\", \"ValueEnv\": \"API_KEY\"}",
		.initial = "none",
		.about = "Secrets that the guest uses without seeing them.",
	},
	{
		.name = "RateLimiter",
		.kind = FIELD_OBJECT,
		.offset = 0,
		.object = &config_objects[CONFIG_RATE_LIMITER],
		.initial = "no limits",
		.about = "Limits on what the guest sends and receives.",
	},
};

#define FIELDS(table) table, COUNT(table)

const struct field_object config_objects[CONFIG_OBJECT_COUNT] = {
	[CONFIG_NETWORK] = {"NetworkConfig", FIELDS(network_fields),
			    config_check_network,
			    "The network of one sandbox."},
	[CONFIG_RULE] = {"PolicyRule", FIELDS(rule_fields), config_check_rule,
			 "One rule."},
	[CONFIG_DNS] = {"DNS", FIELDS(dns_fields), NULL,
			"How names are resolved."},
	[CONFIG_TLS] = {"TLS", FIELDS(tls_fields), config_check_tls,
			"How TLS is intercepted."},
	[CONFIG_PORT_BINDING] = {"PortBinding", FIELDS(binding_fields),
				 config_check_binding, "One published port."},
	[CONFIG_RATE_LIMITER] = {"RateLimiter", FIELDS(limiter_fields), NULL,
				 "Limits in both directions."},
	[CONFIG_RATE_LIMIT] = {"RateLimit", FIELDS(rate_fields), NULL,
			       "Limits in one direction."},
	[CONFIG_TOKEN_BUCKET] = {"TokenBucket", FIELDS(bucket_fields), NULL,
				 "A bucket that starts full and refills "
				 "steadily."},
	[CONFIG_SECRET] = {"SecretEntry", FIELDS(secret_fields),
			   config_check_secret, "One secret."},
};

/* clang-format on */

_Static_assert(COUNT(network_fields) <= FIELD_MAX, "too many fields");
