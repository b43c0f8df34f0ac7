/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cost_text.c - What a policy costs a packet, for people and for programs. */
#include "cost_text.h"

#include <assert.h>
#include <string.h>

static const struct {
	const char *word;
	const char *why;
} reasons[] = {
	[PLAN_FEW] = {"few", "in order: that costs little"},
	[PLAN_DEARER] = {"dearer", "in order: maps would cost as much"},
	[PLAN_NO_MAP] = {"no-map", "in order: their boxes are too many"},
	[PLAN_TOO_MANY] = {"too-many", "in order: the maps would be too large"},
	[PLAN_MAP] = {"map", "maps on the address: they cost less"},
};

static_assert(sizeof(reasons) / sizeof(reasons[0]) == PLAN_MAP + 1,
	      "a reason without a row");

static const char *const directions[POLICY_DIRECTIONS] = {
	[POLICY_EGRESS] = "egress",
	[POLICY_INGRESS] = "ingress",
};

static void text_cost(struct str *s, struct cost c)
{
	str_printf(s, "%llu ns", (unsigned long long)c.ns);
	if (c.lookups)
		str_printf(s, ", %u lookup%s", c.lookups,
			   c.lookups == 1 ? "" : "s");
}

static void text_choice(struct str *s, const struct plan *p,
			const struct plan_choice *c)
{
	const struct policy_rule *rules = p->policy->walk[c->dir].rules;
	const char *first = rules[c->first].pointer;
	const char *last = rules[c->end - 1].pointer;

	str_printf(s, "  %s", first);
	if (strcmp(first, last) != 0)
		str_printf(s, " to %s", last);
	str_printf(s, ": %s\n    in order at most ", reasons[c->reason].why);
	text_cost(s, c->in_order);
	if (c->mapped.ns) {
		str_puts(s, "; as maps at most ");
		text_cost(s, c->mapped);
	}
	str_putc(s, '\n');
	if (c->reason == PLAN_MAP)
		str_printf(s, "    %zu map%s with %zu elements, %zu chain%s\n",
			   c->maps, c->maps == 1 ? "" : "s", c->elements,
			   c->chains, c->chains == 1 ? "" : "s");
}

void cost_text(struct str *s, const struct plan *p)
{
	enum policy_direction dir;
	size_t i;

	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		const struct plan_cost c = plan_cost(p, dir);

		str_printf(s, "%s: a new flow at most ", directions[dir]);
		text_cost(s, c.fresh);
		str_puts(s, "; an established one at most ");
		text_cost(s, c.established);
		str_putc(s, '\n');
		for (i = 0; i < p->n_choices; i++)
			if (p->choices[i].dir == dir)
				text_choice(s, p, &p->choices[i]);
	}
}

static void json_cost(struct str *s, const char *key, struct cost c)
{
	str_printf(s, "\"%s\": {\"ns\": %llu, \"lookups\": %u}", key,
		   (unsigned long long)c.ns, c.lookups);
}

static void json_choice(struct str *s, const struct plan *p,
			const struct plan_choice *c)
{
	const struct policy_rule *rules = p->policy->walk[c->dir].rules;
	const char *first = rules[c->first].pointer;
	const char *last = rules[c->end - 1].pointer;

	str_puts(s, "{\"first\": ");
	str_json(s, first, strlen(first));
	str_puts(s, ", \"last\": ");
	str_json(s, last, strlen(last));
	str_printf(s, ", \"rules\": %zu, \"construct\": \"%s\", ",
		   c->end - c->first,
		   c->reason == PLAN_MAP ? "map" : "in-order");
	str_printf(s, "\"reason\": \"%s\", ", reasons[c->reason].word);
	json_cost(s, "in_order", c->in_order);
	if (c->mapped.ns) {
		str_puts(s, ", ");
		json_cost(s, "mapped", c->mapped);
	}
	if (c->reason == PLAN_MAP)
		str_printf(s,
			   ", \"maps\": %zu, \"elements\": %zu, "
			   "\"chains\": %zu",
			   c->maps, c->elements, c->chains);
	str_putc(s, '}');
}

void cost_json(struct str *s, const struct plan *p)
{
	enum policy_direction dir;
	size_t i, n;

	str_putc(s, '{');
	for (dir = POLICY_EGRESS; dir < POLICY_DIRECTIONS; dir++) {
		const struct plan_cost c = plan_cost(p, dir);

		str_printf(s, "%s\"%s\": {", dir ? ", " : "", directions[dir]);
		json_cost(s, "new", c.fresh);
		str_puts(s, ", ");
		json_cost(s, "established", c.established);
		str_puts(s, ", \"runs\": [");
		for (i = n = 0; i < p->n_choices; i++) {
			if (p->choices[i].dir != dir)
				continue;
			str_puts(s, n++ ? ", " : "");
			json_choice(s, p, &p->choices[i]);
		}
		str_puts(s, "]}");
	}
	str_puts(s, "}\n");
}
