/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diff_print.c - Differences for people, and for programs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "diff.h"

static const char *const directions[POLICY_DIRECTIONS] = {
	[POLICY_EGRESS] = "egress",
	[POLICY_INGRESS] = "ingress",
};

static const char *verdict(bool allow)
{
	return allow ? "allow" : "deny";
}

/* Names of the protocols of a change, with commas between. */
static const char *protocols(struct arena *a, const struct differ_flows *f)
{
	static const char *const names[SPACE_CLASSES] = {
		[SPACE_TCP] = "tcp",
		[SPACE_UDP] = "udp",
		[SPACE_OTHER] = "other",
	};
	const char *before = "";
	unsigned int class;
	STR(s);

	if (f->classes == (1u << SPACE_CLASSES) - 1)
		return "any";
	for (class = 0; class < SPACE_CLASSES; class ++) {
		if (!(f->classes & 1u << class))
			continue;
		str_printf(&s, "%s%s", before,
			   class != SPACE_ICMP	      ? names[class]
			   : f->addrs.family == IP_V4 ? "icmpv4"
						      : "icmpv6");
		before = ",";
	}
	return arena_strdup(a, str_text(&s));
}

static bool has_ports(const struct differ_flows *f)
{
	return f->lo != 0 || f->hi != 65535;
}

static void text_decisions(const struct differ_decision *x,
			   const struct differ_decision *y)
{
	printf("\t- %s %s: %s\n\t+ %s %s: %s\n", verdict(x->allow), x->pointer,
	       x->words, verdict(y->allow), y->pointer, y->words);
}

static void text_flows(struct arena *a, const struct differ_flows *f)
{
	char range[IP_TEXT_MAX];

	printf("%s %s %s", directions[f->direction],
	       ip_range_format(f->addrs, range), protocols(a, f));
	if (has_ports(f)) {
		printf(" %u", f->lo);
		if (f->hi != f->lo)
			printf("-%u", f->hi);
	}
	printf(": %s -> %s\n\tfor example %s\n", verdict(f->before.allow),
	       verdict(f->after.allow), flow_format(a, &f->flow));
	text_decisions(&f->before, &f->after);
}

static void text_differ(const struct differ *d)
{
	ARENA(a);
	size_t i;

	for (i = 0; i < d->n_flows; i++)
		text_flows(&a, &d->flows[i]);
	if (!d->complete)
		printf("and more: %u changes of a direction are shown\n",
		       DIFFER_MAX);
	for (i = 0; i < d->n_names; i++)
		printf("%s name: %c %s: %s\n",
		       directions[d->names[i].direction],
		       d->names[i].after ? '+' : '-', d->names[i].pointer,
		       d->names[i].words);
	for (i = 0; i < d->n_queries; i++) {
		const struct differ_query *q = &d->queries[i];

		printf("%s: %s -> %s\n", flow_format(&a, &q->flow),
		       verdict(q->before.allow), verdict(q->after.allow));
		text_decisions(&q->before, &q->after);
	}
	for (i = 0; i < d->n_settings; i++)
		printf("%s: %s -> %s\n", d->settings[i].pointer,
		       d->settings[i].before, d->settings[i].after);
}

static void json_text(struct str *s, const char *key, const char *value)
{
	str_printf(s, "\"%s\": ", key);
	str_json(s, value, strlen(value));
}

static void json_decision(struct str *s, const char *key,
			  const struct differ_decision *v)
{
	str_printf(s, ", \"%s\": {\"verdict\": \"%s\", ", key,
		   verdict(v->allow));
	json_text(s, "pointer", v->pointer);
	str_puts(s, ", ");
	json_text(s, "rule", v->words);
	str_putc(s, '}');
}

static void json_item(struct str *s, size_t i)
{
	str_puts(s, i ? ",\n\t{" : "\n\t{");
}

static void json_flows(struct arena *a, struct str *s, const struct differ *d)
{
	char range[IP_TEXT_MAX];
	size_t i;

	str_puts(s, ",\n\"flows\": [");
	for (i = 0; i < d->n_flows; i++) {
		const struct differ_flows *f = &d->flows[i];

		json_item(s, i);
		json_text(s, "direction", directions[f->direction]);
		str_puts(s, ", ");
		json_text(s, "addresses", ip_range_format(f->addrs, range));
		str_puts(s, ", ");
		json_text(s, "protocols", protocols(a, f));
		if (has_ports(f))
			str_printf(s, ", \"ports\": [%u, %u]", f->lo, f->hi);
		str_puts(s, ", ");
		json_text(s, "flow", flow_format(a, &f->flow));
		json_decision(s, "before", &f->before);
		json_decision(s, "after", &f->after);
		str_putc(s, '}');
	}
	str_printf(s, "%s],\n\"complete\": %s", d->n_flows ? "\n" : "",
		   d->complete ? "true" : "false");
}

static void json_names(struct arena *a, struct str *s, const struct differ *d)
{
	size_t i;

	str_puts(s, ",\n\"names\": [");
	for (i = 0; i < d->n_names; i++) {
		const struct differ_name *n = &d->names[i];

		json_item(s, i);
		json_text(s, "direction", directions[n->direction]);
		str_puts(s, ", ");
		json_text(s, "side", n->after ? "after" : "before");
		str_puts(s, ", ");
		json_text(s, "pointer", n->pointer);
		str_puts(s, ", ");
		json_text(s, "rule", n->words);
		str_putc(s, '}');
	}
	str_printf(s, "%s],\n\"named_flows\": [", d->n_names ? "\n" : "");
	for (i = 0; i < d->n_queries; i++) {
		const struct differ_query *q = &d->queries[i];

		json_item(s, i);
		json_text(s, "flow", flow_format(a, &q->flow));
		json_decision(s, "before", &q->before);
		json_decision(s, "after", &q->after);
		str_putc(s, '}');
	}
	str_printf(s, "%s]", d->n_queries ? "\n" : "");
}

static void json_settings(struct str *s, const struct differ *d)
{
	size_t i;

	str_puts(s, ",\n\"settings\": [");
	for (i = 0; i < d->n_settings; i++) {
		json_item(s, i);
		json_text(s, "pointer", d->settings[i].pointer);
		str_puts(s, ", ");
		json_text(s, "before", d->settings[i].before);
		str_puts(s, ", ");
		json_text(s, "after", d->settings[i].after);
		str_putc(s, '}');
	}
	str_printf(s, "%s]", d->n_settings ? "\n" : "");
}

void diff_print(const struct diff_report *r, const struct differ *d, bool equal)
{
	ARENA(a);
	STR(s);

	if (!r->json) {
		fputs(str_text(&r->text), stdout);
		if (d)
			text_differ(d);
		if (equal)
			puts("equal");
		return;
	}
	str_printf(&s, "{\"equal\": %s,\n\"texts\": [%s%s]",
		   equal ? "true" : "false", str_text(&r->text),
		   r->n_texts ? "\n" : "");
	if (d) {
		json_flows(&a, &s, d);
		json_names(&a, &s, d);
		json_settings(&s, d);
	}
	str_puts(&s, "}\n");
	fputs(str_text(&s), stdout);
}
