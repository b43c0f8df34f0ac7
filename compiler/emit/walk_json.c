/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_json.c - The egress walk and its sets of addresses, for helpers. */
#include "walk_json.h"

#include <string.h>

#include "eval.h"
#include "rule_text.h"

/*
 * A helper is told the whole egress walk, but not DenyDomains and
 * DenyDomainSuffixes, which come first and are in a file of their own that
 * sandboxes share.
 */

static const char *dest_text(const struct config_dest *dest,
			     char text[DNAME_TEXT_MAX + 1])
{
	switch (dest->kind) {
	case CONFIG_DEST_ANY:
		return NULL;
	case CONFIG_DEST_GROUP:
		return group_name(dest->group);
	case CONFIG_DEST_RANGE:
		return ip_range_format(dest->range, text);
	case CONFIG_DEST_NAME:
		return policy_name_text(dest->name, text);
	case CONFIG_DEST_SUFFIX:
		text[0] = '.';
		dname_format(dest->name, text + 1);
		break;
	}
	return text;
}

/* Index of the first egress rule that is not in the file of denied names. */
static size_t first_rule(const struct plan *p)
{
	const struct config *c = p->policy->config;

	return c->deny_domains.n + c->deny_suffixes.n;
}

static void put_rules(struct str *s, const struct plan *p)
{
	const struct policy_walk *w = &p->policy->walk[POLICY_EGRESS];
	struct rule_text l = {.s = s, .dir = POLICY_EGRESS, .before = "\n\t\t"};
	const size_t first = first_rule(p);
	char text[DNAME_TEXT_MAX + 1];
	size_t i;

	str_puts(s, "\t\"Rules\": [");
	for (i = first; i < w->n; i++)
		rule_text(&l, w->rules[i].allow,
			  dest_text(&w->rules[i].dest, text),
			  w->rules[i].protos, w->rules[i].ports,
			  w->rules[i].n_ports);
	str_puts(s, l.n ? "\n\t],\n" : "],\n");
	str_puts(s, "\t\"Pointers\": [");
	for (i = first; i < w->n; i++) {
		str_puts(s, i > first ? ", " : "");
		str_json(s, w->rules[i].pointer, strlen(w->rules[i].pointer));
	}
	str_printf(s, "],\n\t\"DefaultEgress\": \"%s\",\n",
		   rule_text_action(w->default_allow));
}

static void put_pin_sets(struct str *s, const struct plan *p)
{
	char text[DNAME_TEXT_MAX + 1];
	size_t i, j;

	str_printf(s, "\t\"Table\": \"%s\",\n\t\"PinSets\": [",
		   p->sandbox.name);
	for (i = 0; i < p->n_pins; i++) {
		const struct pin_pair *pair = p->pins[i];

		str_printf(s,
			   "%s\n\t\t{\"Set4\": \"%s\", \"Set6\": \"%s\", "
			   "\"Destinations\": [",
			   i ? "," : "", pair->set4.name, pair->set6.name);
		for (j = 0; j < pair->n_dests; j++) {
			const char *dest = dest_text(&pair->dests[j], text);

			str_puts(s, j ? ", " : "");
			str_json(s, dest, strlen(dest));
		}
		str_puts(s, "]}");
	}
	str_puts(s, p->n_pins ? "\n\t]\n}\n" : "]\n}\n");
}

void walk_json_bool(struct str *s, const char *key, bool value)
{
	str_printf(s, "\t\"%s\": %s,\n", key, value ? "true" : "false");
}

static void put_address(struct str *s, const char *key, struct ip ip)
{
	char text[IP_TEXT_MAX];

	str_printf(s, "\t\"%s\": \"%s\",\n", key, ip_format(ip, text));
}

void walk_json_begin(struct str *s, const struct plan *p, unsigned int version)
{
	const struct slot *slot = &p->policy->slot;

	str_printf(s,
		   "{\n\t\"Version\": %u,\n\t\"Name\": \"%s\",\n"
		   "\t\"Generation\": \"0x%08x\",\n",
		   version, p->name, p->generation);
	put_address(s, "Gateway4", slot->gw4);
	put_address(s, "Gateway6", slot->gw6);
	put_address(s, "Guest4", slot->guest4);
	put_address(s, "Guest6", slot->guest6);
	put_rules(s, p);
	if (p->names)
		str_printf(s, "\t\"Names\": \"%s\",\n", p->names_file);
}

void walk_json_end(struct str *s, const struct plan *p)
{
	put_pin_sets(s, p);
}
