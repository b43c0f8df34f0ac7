/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_relay.c - Any bytes as relay.json: refused with a reason, or sound. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay_sockets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static bool is_published(const struct relay_conf *c, int proto, uint16_t port)
{
	for (size_t i = 0; i < c->n_listeners; i++) {
		const struct config_binding *b = &c->listeners[i].binding;

		if (b->guest_port == port &&
		    (b->proto == CONFIG_TCP) == (proto == IPPROTO_TCP))
			return true;
	}
	return false;
}

static void check_listener(const struct relay_conf *c,
			   const struct relay_listener *l)
{
	MUST(l->binding.bind.family && l->binding.host_port &&
	     l->binding.guest_port);
	MUST(l->binding.proto == CONFIG_TCP || l->binding.proto == CONFIG_UDP);
	MUST(l->serve == RELAY_SERVE || l->serve == RELAY_RESERVE);
	MUST(relay_conf_find(c, l) < c->n_listeners);
}

/* What is not published is not reached, and without rules about the host none
 * of its ports is. */
static void check_verdicts(const struct relay_conf *c)
{
	static const uint16_t ports[] = {1, 53, 80, 8080, 65535};
	static const int protos[] = {IPPROTO_TCP, IPPROTO_UDP};
	const struct ip peers[] = {ip4(127, 0, 0, 1), {IP_V6, 1}};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		for (size_t j = 0; j < 2; j++) {
			for (size_t k = 0; k < 2; k++)
				MUST(!relay_conf_ingress(c, protos[j], peers[k],
							 ports[i]) ||
				     is_published(c, protos[j], ports[i]));
			MUST(!relay_conf_host(c, protos[j], IP_V4, ports[i]) ||
			     c->has_host);
			MUST(!relay_conf_host(c, protos[j], IP_V6, ports[i]) ||
			     c->has_host);
		}
	}
}

static void check_conf(struct arena *a, const struct relay_conf *c)
{
	const struct relay_sockets none = {0};
	struct relay_sockets s = relay_sockets_begin(a, c, &none, true);
	char reason[CONF_REASON_MAX] = "";

	MUST(c->version == 1 && c->name);
	MUST(c->gw4.family == IP_V4 && c->guest4.family == IP_V4);
	MUST(c->gw6.family == IP_V6 && c->guest6.family == IP_V6);
	MUST(c->connections && c->connections <= RELAY_CONNECTIONS_MAX);
	MUST(c->flows && c->flows <= RELAY_FLOWS_MAX);
	MUST(c->connect_ms && c->idle_ms && c->idle_both_ms);
	MUST(c->n_listeners <= RELAY_LISTENERS_MAX);
	for (size_t i = 0; i < c->n_listeners; i++)
		check_listener(c, &c->listeners[i]);
	check_verdicts(c);
	MUST(relay_sockets_check(&s, true, reason) ==
	     (!c->n_listeners && !c->has_host));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ARENA(a);
	/* An exact copy: a read past the end is then seen. */
	char *text = malloc(size ? size : 1);
	char reason[CONF_REASON_MAX] = "";
	const struct relay_conf *c;

	MUST(text);
	if (size)
		memcpy(text, data, size);
	c = relay_conf_decode(&a, text, size, reason);
	MUST(!c == (*reason != 0));
	if (c)
		check_conf(&a, c);
	free(text);
	return 0;
}
