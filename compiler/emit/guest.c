/* SPDX-License-Identifier: GPL-2.0-or-later */
/* guest.c - The files that a guest is to find. */
#include "guest.h"

#include "guest_trust.h"

/* Whether the gateway's address of a family answers queries. */
static bool guest_dns(const struct plan *p, enum ip_family family)
{
	switch (p->policy->dns) {
	case POLICY_DNS_NONE:
		return false;
	case POLICY_DNS_NAT:
		return policy_nameserver(p->policy, family) != NULL;
	case POLICY_DNS_HELPER:
		return true;
	}
	return false;
}

void guest_resolv_conf(struct str *s, const struct plan *p)
{
	const struct slot *slot = &p->policy->slot;
	char text[IP_TEXT_MAX];

	str_puts(s, "# Written by msb-netc.\n");
	if (p->policy->dns == POLICY_DNS_NONE)
		str_puts(s, "# The policy allows no DNS.\n");
	if (guest_dns(p, IP_V4))
		str_printf(s, "nameserver %s\n", ip_format(slot->gw4, text));
	if (guest_dns(p, IP_V6))
		str_printf(s, "nameserver %s\n", ip_format(slot->gw6, text));
}

void guest_hosts(struct str *s, const struct plan *p)
{
	const struct slot *slot = &p->policy->slot;
	char text[IP_TEXT_MAX];

	str_puts(s, "# Written by msb-netc.\n"
		    "127.0.0.1\tlocalhost\n"
		    "::1\tlocalhost ip6-localhost ip6-loopback\n");
	str_printf(s, "%s\t%s\n", ip_format(slot->gw4, text), GUEST_HOST_ALIAS);
	str_printf(s, "%s\t%s\n", ip_format(slot->gw6, text), GUEST_HOST_ALIAS);
}

void guest_network(struct str *s, const struct plan *p)
{
	const struct slot *slot = &p->policy->slot;
	const uint8_t *mac = slot->guest_mac;
	char text[IP_TEXT_MAX];

	str_puts(s, "# Written by msb-netc.\n");
	str_puts(s, "INTERFACE='eth0'\n");
	str_printf(s, "MAC='%02x:%02x:%02x:%02x:%02x:%02x'\n", mac[0], mac[1],
		   mac[2], mac[3], mac[4], mac[5]);
	str_printf(s, "MTU='%u'\n", PLAN_MTU);
	str_printf(s, "IPV4_ADDRESS='%s/%d'\n", ip_format(slot->guest4, text),
		   ip_range_prefix_len(slot->net4));
	str_printf(s, "IPV4_GATEWAY='%s'\n", ip_format(slot->gw4, text));
	str_printf(s, "IPV6_ADDRESS='%s/%d'\n", ip_format(slot->guest6, text),
		   ip_range_prefix_len(slot->net6));
	str_printf(s, "IPV6_GATEWAY='%s'\n", ip_format(slot->gw6, text));
	str_printf(s, "IPV4_ROUTE='default via %s'\n",
		   ip_format(slot->gw4, text));
	str_printf(s, "IPV6_ROUTE='default via %s'\n",
		   ip_format(slot->gw6, text));
}

void guest_secrets(struct str *s, const struct config *c)
{
	size_t i;

	for (i = 0; i < c->n_secrets; i++) {
		const char *text = c->secrets[i].placeholder;

		str_printf(s, "%s='", c->secrets[i].name);
		for (; *text; text++)
			if (*text == '\'')
				str_puts(s, "'\\''");
			else
				str_putc(s, *text);
		str_puts(s, "'\n");
	}
}

void guest_env(struct str *s, const struct plan *p)
{
	const struct guest_variable *v;

	str_puts(s, "# Written by msb-netc.\n");
	for (v = guest_variables; guest_trusts(p) && v->name; v++)
		str_printf(s, "%s=" GUEST_TRUST "\n", v->name);
	guest_secrets(s, p->policy->config);
}

void guest_install(struct str *s, const struct plan *p)
{
	(void)p;
	str_puts(s, guest_install_script);
}
