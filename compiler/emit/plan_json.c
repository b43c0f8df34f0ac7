/* SPDX-License-Identifier: GPL-2.0-or-later */
/* plan_json.c - The plan for whoever makes sandboxes without "up". */
#include "plan_json.h"

#include <string.h>

static const char *const ns_names[] = {
	[PLAN_HOST] = "host",
	[PLAN_GATEWAY] = "gateway",
	[PLAN_GUEST] = "guest",
};

static const char *const dns_names[] = {
	[POLICY_DNS_NONE] = "none",
	[POLICY_DNS_NAT] = "nat",
	[POLICY_DNS_HELPER] = "helper",
};

const char *plan_dns_name(enum policy_dns dns)
{
	return dns_names[dns];
}

static void json_string(struct str *s, const char *text)
{
	str_json(s, text, strlen(text));
}

/* Start of the next item of a list that is printed one item a line. */
static void json_item(struct str *s, size_t i)
{
	str_puts(s, i ? ",\n\t\t" : "\n\t\t");
}

static void json_mac(struct str *s, const uint8_t mac[6])
{
	str_printf(s, "\"%02x:%02x:%02x:%02x:%02x:%02x\"", mac[0], mac[1],
		   mac[2], mac[3], mac[4], mac[5]);
}

static void json_links(struct str *s, const struct plan *p)
{
	size_t i, j;

	str_puts(s, "\t\"links\": [");
	for (i = 0; i < p->n_links; i++) {
		const struct plan_link *l = &p->links[i];

		json_item(s, i);
		str_printf(s,
			   "{\"kind\": \"veth\", \"guest\": %s, \"mtu\": %u, "
			   "\"ends\": [",
			   l->guest ? "true" : "false", l->mtu);
		for (j = 0; j < 2; j++) {
			str_printf(s,
				   "%s{\"ns\": \"%s\", \"name\": \"%s\", "
				   "\"mac\": ",
				   j ? ", " : "", ns_names[l->end[j].ns],
				   l->end[j].name);
			json_mac(s, l->end[j].mac);
			str_putc(s, '}');
		}
		str_puts(s, "]}");
	}
	str_puts(s, "\n\t],\n");
}

static void json_addrs(struct str *s, const struct plan *p)
{
	char text[IP_TEXT_MAX];
	size_t i;

	str_puts(s, "\t\"addresses\": [");
	for (i = 0; i < p->n_addrs; i++) {
		const struct plan_addr *a = &p->addrs[i];

		json_item(s, i);
		str_printf(s,
			   "{\"ns\": \"%s\", \"link\": \"%s\", "
			   "\"address\": \"%s/%u\"}",
			   ns_names[a->ns], a->link, ip_format(a->ip, text),
			   a->len);
	}
	str_puts(s, "\n\t],\n");
}

static void json_neighbours(struct str *s, const struct plan *p)
{
	char text[IP_TEXT_MAX];
	size_t i;

	str_puts(s, "\t\"neighbours\": [");
	for (i = 0; i < p->n_neighbours; i++) {
		const struct plan_neighbour *n = &p->neighbours[i];

		json_item(s, i);
		str_printf(s,
			   "{\"ns\": \"%s\", \"link\": \"%s\", "
			   "\"address\": \"%s\", \"mac\": ",
			   ns_names[n->ns], n->link, ip_format(n->ip, text));
		json_mac(s, n->mac);
		str_putc(s, '}');
	}
	str_puts(s, "\n\t],\n");
}

static void json_routes(struct str *s, const struct plan *p)
{
	char text[IP_TEXT_MAX];
	size_t i;

	str_puts(s, "\t\"routes\": [");
	for (i = 0; i < p->n_routes; i++) {
		const struct plan_route *r = &p->routes[i];
		const struct ip dst = {r->dst.family, r->dst.lo};

		json_item(s, i);
		str_printf(s,
			   "{\"ns\": \"%s\", \"type\": \"%s\", "
			   "\"destination\": \"%s/%d\", ",
			   ns_names[r->ns], r->local ? "local" : "unicast",
			   ip_format(dst, text), ip_range_prefix_len(r->dst));
		if (r->via.family)
			str_printf(s, "\"via\": \"%s\", \"onlink\": true, ",
				   ip_format(r->via, text));
		str_printf(s, "\"link\": \"%s\", \"table\": %u}", r->link,
			   r->table);
	}
	str_puts(s, "\n\t],\n");
}

static void json_rules(struct str *s, const struct plan *p)
{
	size_t i;

	str_puts(s, "\t\"policy_routing\": [");
	for (i = 0; i < p->n_rules; i++) {
		const struct plan_rule *r = &p->rules[i];

		json_item(s, i);
		str_printf(s,
			   "{\"ns\": \"%s\", \"family\": \"ipv%d\", "
			   "\"priority\": %u, \"fwmark\": %u, \"table\": %u}",
			   ns_names[r->ns], (int)r->family, r->priority,
			   r->fwmark, r->table);
	}
	str_puts(s, "\n\t],\n");
}

static void json_sysctls(struct str *s, const struct plan *p)
{
	size_t i;

	str_puts(s, "\t\"sysctls\": [");
	for (i = 0; i < p->n_sysctls; i++) {
		const struct plan_sysctl *c = &p->sysctls[i];

		json_item(s, i);
		str_printf(s, "{\"ns\": \"%s\", ", ns_names[c->ns]);
		if (c->link)
			str_printf(s, "\"link\": \"%s\", ", c->link);
		str_printf(s, "\"key\": \"%s\", \"value\": \"%s\"%s}", c->key,
			   c->value, c->keep ? ", \"keep\": true" : "");
	}
	str_puts(s, "\n\t],\n");
}

static void json_helpers(struct str *s, const struct plan *p)
{
	size_t i;

	str_puts(s, "\t\"helpers\": [");
	for (i = 0; i < p->n_helpers; i++) {
		const struct plan_helper *h = &p->helpers[i];

		json_item(s, i);
		str_printf(s,
			   "{\"name\": \"%s\", \"config\": \"%s\", "
			   "\"reason\": ",
			   h->name, h->config);
		json_string(s, h->reason);
		str_putc(s, '}');
	}
	str_puts(s, p->n_helpers ? "\n\t],\n" : "],\n");
}

void plan_json(struct str *s, const struct plan *p, const char *const *files,
	       size_t n_files)
{
	const struct policy *policy = p->policy;
	size_t i;

	str_printf(s, "{\n\t\"version\": %u,\n\t\"name\": \"%s\",\n",
		   PLAN_JSON_VERSION, p->name);
	str_printf(s, "\t\"slot\": %u,\n\t\"generation\": \"0x%08x\",\n",
		   policy->slot.number, p->generation);
	str_printf(s, "\t\"dns\": {\"mode\": \"%s\", \"reason\": ",
		   plan_dns_name(policy->dns));
	json_string(s, policy->dns_reason);
	str_puts(s, "},\n\t\"namespaces\": [\n");
	str_puts(s, "\t\t{\"ns\": \"host\"},\n");
	str_printf(s,
		   "\t\t{\"ns\": \"gateway\", \"name\": \"%s\", "
		   "\"path\": \"/run/netns/%s\"},\n",
		   p->netns, p->netns);
	str_puts(s, "\t\t{\"ns\": \"guest\"}\n\t],\n");
	str_puts(s, "\t\"rulesets\": [\n"
		    "\t\t{\"ns\": \"gateway\", \"file\": \"sandbox.nft\"},\n"
		    "\t\t{\"ns\": \"host\", \"file\": \"host.nft\"}\n\t],\n");
	json_links(s, p);
	json_addrs(s, p);
	json_neighbours(s, p);
	json_routes(s, p);
	json_rules(s, p);
	json_sysctls(s, p);
	json_helpers(s, p);
	str_puts(s, "\t\"files\": [");
	for (i = 0; i < n_files; i++)
		str_printf(s, "%s\"%s\"", i ? ", " : "", files[i]);
	str_puts(s, "]\n}\n");
}
