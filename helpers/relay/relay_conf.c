/* SPDX-License-Identifier: GPL-2.0-or-later */
/* relay_conf.c - relay.json, decoded: what is relayed, and for whom. */
#include "relay_conf.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "config_table.h"
#include "config_value.h"
#include "eval.h"

#define COUNT(v)	 (sizeof(v) / sizeof(*(v)))
#define AT(type, member) offsetof(struct type, member)
#define FIELDS(v)	 (v), COUNT(v)

static const struct field_word action_words[] = {
	{"allow", CONFIG_ALLOW, NULL},
	{"deny", CONFIG_DENY, NULL},
	{0},
};

static const struct field_word proto_words[] = {
	{"tcp", CONFIG_TCP, NULL},
	{"udp", CONFIG_UDP, NULL},
	{0},
};

static const struct field_word serve_words[] = {
	{"relay", RELAY_SERVE, NULL},
	{"reserve", RELAY_RESERVE, NULL},
	{0},
};

static const struct field listener_fields[] = {
	{
		.name = "Bind",
		.kind = FIELD_TEXT,
		.flags = FIELD_REQUIRED,
		.offset = AT(relay_listener, binding.bind),
		.read = config_read_bind,
		.type = "an IP address as a string",
	},
	{
		.name = "Protocol",
		.kind = FIELD_WORD,
		.flags = FIELD_REQUIRED,
		.offset = AT(relay_listener, binding.proto),
		.words = proto_words,
	},
	{
		.name = "HostPort",
		.kind = FIELD_UINT,
		.flags = FIELD_REQUIRED,
		.offset = AT(relay_listener, binding.host_port),
		.size = sizeof(uint16_t),
		.min = 1,
		.max = UINT16_MAX,
	},
	{
		.name = "GuestPort",
		.kind = FIELD_UINT,
		.flags = FIELD_REQUIRED,
		.offset = AT(relay_listener, binding.guest_port),
		.size = sizeof(uint16_t),
		.min = 1,
		.max = UINT16_MAX,
	},
	{
		.name = "Serve",
		.kind = FIELD_WORD,
		.flags = FIELD_REQUIRED,
		.offset = AT(relay_listener, serve),
		.words = serve_words,
	},
	{
		.name = "Pointer",
		.kind = FIELD_TEXT,
		.offset = AT(relay_listener, binding.pointer),
		.read = field_copy,
		.type = "a JSON pointer as a string",
	},
};

static const struct field_object listener_object = {
	"Listener", FIELDS(listener_fields), NULL, "One listening socket."};

static const struct field ingress_fields[] = {
	{
		.name = "Rules",
		.kind = FIELD_OBJECT,
		.flags = FIELD_LIST,
		.offset = AT(relay_rules, v),
		.count = AT(relay_rules, n),
		.size = sizeof(struct config_rule),
		.object = &config_objects[CONFIG_RULE],
	},
	{
		.name = "Default",
		.kind = FIELD_WORD,
		.flags = FIELD_REQUIRED,
		.offset = AT(relay_rules, otherwise),
		.words = action_words,
	},
};

static const struct field_object ingress_object = {
	"Ingress", FIELDS(ingress_fields), NULL, "Rules about peers."};

/* These lie in struct relay_conf itself: the offsets count from its start. */
static const struct field host_fields[] = {
	{
		.name = "Port",
		.kind = FIELD_UINT,
		.flags = FIELD_REQUIRED,
		.offset = AT(relay_conf, host_port),
		.size = sizeof(uint16_t),
		.min = 1,
		.max = UINT16_MAX,
	},
	{
		.name = "Rules",
		.kind = FIELD_OBJECT,
		.flags = FIELD_LIST,
		.offset = AT(relay_conf, host.v),
		.count = AT(relay_conf, host.n),
		.size = sizeof(struct config_rule),
		.object = &config_objects[CONFIG_RULE],
	},
	{
		.name = "Default",
		.kind = FIELD_WORD,
		.flags = FIELD_REQUIRED,
		.offset = AT(relay_conf, host.otherwise),
		.words = action_words,
	},
};

static const struct field_object host_object = {
	"HostEgress", FIELDS(host_fields), NULL,
	"Rules about flows to the gateway."};

static const struct field limit_fields[] = {
	{
		.name = "Connections",
		.kind = FIELD_UINT,
		.offset = AT(relay_conf, connections),
		.size = sizeof(uint32_t),
		.min = 1,
		.max = RELAY_CONNECTIONS_MAX,
	},
	{
		.name = "Flows",
		.kind = FIELD_UINT,
		.offset = AT(relay_conf, flows),
		.size = sizeof(uint32_t),
		.min = 1,
		.max = RELAY_FLOWS_MAX,
	},
	{
		.name = "ConnectMs",
		.kind = FIELD_UINT,
		.offset = AT(relay_conf, connect_ms),
		.size = sizeof(uint32_t),
		.min = 1,
		.max = RELAY_TIME_MAX_MS,
	},
	{
		.name = "IdleMs",
		.kind = FIELD_UINT,
		.offset = AT(relay_conf, idle_ms),
		.size = sizeof(uint32_t),
		.min = 1,
		.max = RELAY_TIME_MAX_MS,
	},
	{
		.name = "IdleBothMs",
		.kind = FIELD_UINT,
		.offset = AT(relay_conf, idle_both_ms),
		.size = sizeof(uint32_t),
		.min = 1,
		.max = RELAY_TIME_MAX_MS,
	},
};

static const struct field_object limit_object = {"Limits", FIELDS(limit_fields),
						 NULL, "Sizes of the tables."};

static const struct field relay_fields[] = {
	CONF_HEAD(struct relay_conf),
	{
		.name = "Listeners",
		.kind = FIELD_OBJECT,
		.flags = FIELD_LIST,
		.offset = AT(relay_conf, listeners),
		.count = AT(relay_conf, n_listeners),
		.size = sizeof(struct relay_listener),
		.object = &listener_object,
	},
	{
		.name = "Ingress",
		.kind = FIELD_OBJECT,
		.flags = FIELD_REQUIRED,
		.offset = AT(relay_conf, ingress),
		.object = &ingress_object,
	},
	{
		.name = "HostEgress",
		.kind = FIELD_OBJECT,
		.flags = FIELD_PRESENT,
		.offset = 0,
		.present = AT(relay_conf, has_host),
		.object = &host_object,
	},
	{
		.name = "Limits",
		.kind = FIELD_OBJECT,
		.offset = 0,
		.object = &limit_object,
	},
};

static void set_default(uint32_t *value, uint32_t initial)
{
	if (!*value)
		*value = initial;
}

static void check_relay(struct field_ctx *c, uint32_t set, void *to)
{
	struct relay_conf *r = to;

	(void)set;
	if (r->n_listeners > RELAY_LISTENERS_MAX)
		field_report(c, DIAG_ERROR, DIAG_NUMBER_RANGE, NULL,
			     "%zu listeners are above %u; 0 to %u are allowed",
			     r->n_listeners, RELAY_LISTENERS_MAX,
			     RELAY_LISTENERS_MAX);
	set_default(&r->connections, RELAY_CONNECTIONS);
	set_default(&r->flows, RELAY_FLOWS);
	set_default(&r->connect_ms, RELAY_CONNECT_MS);
	set_default(&r->idle_ms, RELAY_IDLE_MS);
	set_default(&r->idle_both_ms, RELAY_IDLE_BOTH_MS);
}

static const struct field_object relay_object = {
	"relay.json", FIELDS(relay_fields), check_relay,
	"The configuration of msb-relayd."};

/* Copies the rules, each for one direction alone, behind those at @to. */
static size_t copy_rules(struct config_rule *to, const struct relay_rules *from,
			 enum config_direction direction)
{
	for (size_t i = 0; i < from->n; i++) {
		to[i] = from->v[i];
		to[i].direction = direction;
	}
	return from->n;
}

/*
 * The policy that eval() is asked about: both rule lists in one document, whose
 * bindings are the listeners and whose gateway is ours. Nothing of it is about
 * names: what concerns DNS was decided before a flow comes here.
 */
static bool make_policy(struct arena *a, struct relay_conf *c)
{
	struct diags d = {.arena = a, .file = "relay.json", .text = ""};
	struct config_rule *rules =
		arena_array(a, c->ingress.n + c->host.n, struct config_rule);
	struct config_binding *bindings =
		arena_array(a, c->n_listeners, struct config_binding);
	size_t n = copy_rules(rules, &c->ingress, CONFIG_INGRESS);

	n += copy_rules(rules + n, &c->host, CONFIG_EGRESS);
	for (size_t i = 0; i < c->n_listeners; i++)
		bindings[i] = c->listeners[i].binding;
	c->config = (struct config){
		.has_rules = true,
		.rules = rules,
		.n_rules = n,
		.default_ingress = c->ingress.otherwise,
		.default_egress = c->has_host ? c->host.otherwise : CONFIG_DENY,
		.bindings = bindings,
		.n_bindings = c->n_listeners,
		.pool4 = ip_prefix(c->gw4, 30),
		.pool6 = ip_prefix(c->gw6, 64),
	};
	if (!policy_lower(a, &d, &c->config, 0, &c->policy))
		return false;
	c->policy.slot.gw4 = c->gw4;
	c->policy.slot.gw6 = c->gw6;
	c->policy.dns = POLICY_DNS_NONE;
	return true;
}

const struct relay_conf *relay_conf_decode(struct arena *a, const char *text,
					   size_t len,
					   char ret_reason[CONF_REASON_MAX])
{
	struct relay_conf *c = arena_new(a, struct relay_conf);

	if (!conf_decode(a, &relay_object, text, len, c, ret_reason))
		return NULL;
	if (make_policy(a, c))
		return c;
	snprintf(ret_reason, CONF_REASON_MAX, "the rules make no policy");
	return NULL;
}

const struct relay_conf *relay_conf_read(struct arena *a, int fd,
					 char ret_reason[CONF_REASON_MAX])
{
	ARENA(scratch);
	size_t len;
	const char *text = conf_read_fd(&scratch, fd, &len);

	if (text)
		return relay_conf_decode(a, text, len, ret_reason);
	snprintf(ret_reason, CONF_REASON_MAX, "cannot read relay.json: %s",
		 strerror(errno));
	return NULL;
}

static bool judge(const struct relay_conf *c, const struct flow *f)
{
	ARENA(a);

	return eval(&a, &c->policy, f).allow;
}

bool relay_conf_ingress(const struct relay_conf *c, int proto, struct ip peer,
			uint16_t guest_port)
{
	const struct flow f = {
		.kind = FLOW_INGRESS,
		.proto = (uint8_t)proto,
		.ip = peer,
		.has_port = true,
		.port = guest_port,
	};

	return judge(c, &f);
}

bool relay_conf_host(const struct relay_conf *c, int proto,
		     enum ip_family family, uint16_t port)
{
	const struct flow f = {
		.kind = FLOW_EGRESS,
		.proto = (uint8_t)proto,
		.ip = family == IP_V4 ? c->gw4 : c->gw6,
		.has_port = true,
		.port = port,
	};

	return c->has_host && judge(c, &f);
}

size_t relay_conf_find(const struct relay_conf *c,
		       const struct relay_listener *l)
{
	size_t i;

	for (i = 0; i < c->n_listeners; i++) {
		const struct relay_listener *other = &c->listeners[i];

		if (other->serve == l->serve &&
		    other->binding.proto == l->binding.proto &&
		    other->binding.host_port == l->binding.host_port &&
		    ip_equal(other->binding.bind, l->binding.bind))
			break;
	}
	return i;
}
