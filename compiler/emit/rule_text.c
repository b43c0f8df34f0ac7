/* SPDX-License-Identifier: GPL-2.0-or-later */
/* rule_text.c - Rules in the language of the document, for helpers. */
#include "rule_text.h"

#include <string.h>

const char *rule_text_action(bool allow)
{
	return allow ? "allow" : "deny";
}

static void put_protos(struct str *s, unsigned int protos)
{
	static const struct {
		enum config_proto proto;
		const char *name;
	} words[] = {
		{CONFIG_TCP, "tcp"},
		{CONFIG_UDP, "udp"},
		{CONFIG_ICMPV4, "icmpv4"},
		{CONFIG_ICMPV6, "icmpv6"},
	};
	const char *before = ", \"Protocols\": [";
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!(protos & words[i].proto))
			continue;
		str_printf(s, "%s\"%s\"", before, words[i].name);
		before = ", ";
	}
	if (protos)
		str_putc(s, ']');
}

void rule_text(struct rule_text *l, bool allow, const char *dest,
	       unsigned int protos, const struct config_ports *ports,
	       size_t n_ports)
{
	struct str *s = l->s;
	size_t i;

	str_printf(s, "%s%s{\"Action\": \"%s\", \"Direction\": \"%s\"",
		   l->n++ ? "," : "", l->before, rule_text_action(allow),
		   l->dir == POLICY_EGRESS ? "egress" : "ingress");
	if (dest) {
		str_puts(s, ", \"Destination\": ");
		str_json(s, dest, strlen(dest));
	}
	put_protos(s, protos);
	for (i = 0; i < n_ports; i++) {
		str_puts(s, i ? ", " : ", \"Ports\": [");
		if (ports[i].lo == ports[i].hi)
			str_printf(s, "\"%u\"", ports[i].lo);
		else
			str_printf(s, "\"%u-%u\"", ports[i].lo, ports[i].hi);
	}
	str_puts(s, n_ports ? "]}" : "}");
}
