/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_conf.c - The egress walk of a sandbox, and its sets of addresses, as
 * helpers are told of them. */
#include "walk_conf.h"

#include <stdio.h>
#include <string.h>

#include "config_value.h"

#define AT(type, member) offsetof(struct type, member)

/* Ends in no name that a document could spell: nft's own limit. */
bool walk_conf_read_set(struct field_ctx *c, const char *text, void *to)
{
	if (strlen(text) >= WALK_SET_NAME_MAX)
		return field_error(c, DIAG_NUMBER_RANGE, NULL,
				   "a set's name has at most %u characters",
				   WALK_SET_NAME_MAX - 1);
	return field_copy(c, text, to);
}

static bool read_selector(struct field_ctx *c, const char *text, void *to)
{
	struct config_dest *dest = to;
	ARENA(s);

	if (!config_read_dest(c, text, to))
		return false;
	if (dest->kind == CONFIG_DEST_NAME || dest->kind == CONFIG_DEST_SUFFIX)
		return true;
	return field_error(c, DIAG_DOMAIN_NAME, NULL,
			   "%s is no name and no suffix",
			   field_quote(&s, text));
}

const struct field_word walk_conf_actions[] = {
	{"allow", CONFIG_ALLOW, NULL},
	{"deny", CONFIG_DENY, NULL},
	{0},
};

static const struct field pin_set_fields[] = {
	{
		.name = "Set4",
		.kind = FIELD_TEXT,
		.flags = FIELD_REQUIRED,
		.offset = AT(walk_pin_set, set4),
		.read = walk_conf_read_set,
		.type = "a set's name as a string",
	},
	{
		.name = "Set6",
		.kind = FIELD_TEXT,
		.flags = FIELD_REQUIRED,
		.offset = AT(walk_pin_set, set6),
		.read = walk_conf_read_set,
		.type = "a set's name as a string",
	},
	{
		.name = "Destinations",
		.kind = FIELD_TEXT,
		.flags = FIELD_LIST,
		.offset = AT(walk_pin_set, dests),
		.count = AT(walk_pin_set, n_dests),
		.size = sizeof(struct config_dest),
		.read = read_selector,
		.type = "a name, or a suffix with a leading dot",
	},
	{
		.name = "Names",
		.kind = FIELD_BOOL,
		.offset = AT(walk_pin_set, names),
	},
};

const struct field_object walk_conf_pin_set = {
	"PinSet", pin_set_fields,
	sizeof(pin_set_fields) / sizeof(pin_set_fields[0]), NULL,
	"A pair of sets of addresses."};

void walk_conf_check(struct field_ctx *c, struct walk_conf *w)
{
	if (w->n_pin_sets > WALK_PIN_SETS_MAX)
		field_report(c, DIAG_ERROR, DIAG_NUMBER_RANGE, NULL,
			     "%zu pin sets are above %u", w->n_pin_sets,
			     WALK_PIN_SETS_MAX);
	if (w->n_pointers && w->n_pointers != w->n_rules)
		field_report(c, DIAG_ERROR, DIAG_NUMBER_RANGE, NULL,
			     "%zu pointers for %zu rules", w->n_pointers,
			     w->n_rules);
	if (!w->table)
		w->table = "msb";
}

bool walk_conf_lower(struct arena *a, struct walk_conf *w,
		     char ret_reason[CONF_REASON_MAX])
{
	struct diags d = {.arena = a, .file = "", .text = ""};
	struct config_rule *rules =
		arena_array(a, w->n_rules, struct config_rule);

	for (size_t i = 0; i < w->n_rules; i++) {
		rules[i] = w->rules[i];
		rules[i].direction = CONFIG_EGRESS;
		if (w->n_pointers)
			rules[i].pointer = w->pointers[i];
	}
	w->config.has_rules = true;
	w->config.rules = rules;
	w->config.n_rules = w->n_rules;
	w->config.default_egress = w->otherwise;
	w->config.pool4 = ip_prefix(w->gw4, 30);
	w->config.pool6 = ip_prefix(w->gw6, 64);
	if (!policy_lower(a, &d, &w->config, 0, &w->policy)) {
		snprintf(ret_reason, CONF_REASON_MAX,
			 "the rules make no policy");
		return false;
	}
	w->policy.slot.gw4 = w->gw4;
	w->policy.slot.gw6 = w->gw6;
	return true;
}

bool walk_conf_is_gateway(const struct walk_conf *w, struct ip ip)
{
	return ip_equal(ip, w->gw4) || ip_equal(ip, w->gw6);
}

bool walk_conf_denies(const struct walk_conf *w, struct dname name,
		      struct walk_denied *ret)
{
	struct names_match m;

	if (!names_find(&w->names, name, &m))
		return false;
	ret->pointer = m.suffix ? "/DenyDomainSuffixes" : "/DenyDomains";
	ret->index = m.index;
	return true;
}
