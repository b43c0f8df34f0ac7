/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ports.c - ports.json: published ports, and how each is served. */
#include "ports.h"

#include <string.h>

#include "binding.h"

static void put_port(struct str *s, const struct config_binding *b,
		     const struct slot *slot)
{
	const bool loopback = binding_is_loopback(b);
	const bool wildcard = binding_is_wildcard(b);
	const bool v6 = b->bind.family == IP_V6;
	char text[IP_TEXT_MAX];

	str_puts(s, "{\"pointer\": ");
	str_json(s, b->pointer, strlen(b->pointer));
	str_printf(s,
		   ", \"protocol\": \"%s\", \"bind\": \"%s\", "
		   "\"host_port\": %u, ",
		   b->proto == CONFIG_UDP ? "udp" : "tcp",
		   ip_format(b->bind, text), b->host_port);
	/* A socket bound to :: serves both families. */
	if (!v6 || wildcard)
		str_printf(s, "\"guest4\": \"%s\", ",
			   ip_format(slot->guest4, text));
	if (v6)
		str_printf(s, "\"guest6\": \"%s\", ",
			   ip_format(slot->guest6, text));
	str_printf(s, "\"guest_port\": %u, \"served\": [%s%s%s]}",
		   b->guest_port, loopback ? "" : "\"dnat\"",
		   wildcard ? ", " : "",
		   loopback || wildcard ? "\"relay\"" : "");
}

void ports_json(struct str *s, const struct plan *p)
{
	const struct config *config = p->policy->config;
	size_t i;

	str_putc(s, '[');
	for (i = 0; i < config->n_bindings; i++) {
		str_puts(s, i ? ",\n\t" : "\n\t");
		put_port(s, &config->bindings[i], &p->policy->slot);
	}
	str_puts(s, "\n]\n");
}
