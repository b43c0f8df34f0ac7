/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_config.c - Any bytes as a document: what must hold whatever they are. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/* What --json prints is UTF-8, whatever the document is. */
static void check_text(const char *text)
{
	while (*text) {
		const size_t n = scan_utf8(text, strlen(text));

		MUST(n);
		text += n;
	}
}

/* Every diagnostic lies in the text, in order, and prints no control bytes. */
static void check_diags(struct diags *d)
{
	size_t offset = 0;
	STR(out);

	diags_sort(d);
	for (size_t i = 0; i < d->n; i++) {
		MUST(d->v[i].offset <= d->len && d->v[i].offset >= offset);
		MUST(d->v[i].line && d->v[i].column && d->v[i].width);
		check_text(d->v[i].pointer);
		check_text(d->v[i].message);
		offset = d->v[i].offset;
	}
	diags_print(d, &out);
	for (size_t i = 0; i < out.len; i++)
		MUST((unsigned char)out.data[i] >= 0x20 ||
		     out.data[i] == '\n' || out.data[i] == '\t');
}

static void check_rule(const struct config_rule *r)
{
	MUST(r->action == CONFIG_ALLOW || r->action == CONFIG_DENY);
	MUST(r->direction != CONFIG_DIRECTION_UNSET);
	MUST(r->direction == CONFIG_EGRESS ||
	     !(r->protos & (CONFIG_ICMPV4 | CONFIG_ICMPV6)));
	for (size_t i = 0; i < r->n_ports; i++) {
		MUST(r->ports[i].lo && r->ports[i].lo <= r->ports[i].hi);
		MUST(!i || r->ports[i].lo > r->ports[i - 1].hi + 1);
	}
	if (r->dest.kind == CONFIG_DEST_RANGE)
		MUST(ip_range_prefix_len(r->dest.range) >= 0);
	if (r->dest.kind == CONFIG_DEST_NAME ||
	    r->dest.kind == CONFIG_DEST_SUFFIX)
		MUST(r->dest.name.len > 1);
}

static void check_config(const struct config *c)
{
	MUST(!c->policy ||
	     (!c->has_rules && !c->default_egress && !c->default_ingress));
	MUST(ip_range_prefix_len(c->pool4) <= 30);
	MUST(ip_range_prefix_len(c->pool6) <= 64);
	MUST(!c->tls.ca_cert == !c->tls.ca_key);
	for (size_t i = 0; i < c->n_rules; i++)
		check_rule(&c->rules[i]);
	for (size_t i = 0; i < c->n_bindings; i++)
		MUST(c->bindings[i].host_port && c->bindings[i].guest_port &&
		     c->bindings[i].bind.family);
	for (size_t i = 0; i < c->n_secrets; i++)
		MUST(!c->secrets[i].value_file != !c->secrets[i].value_env);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ARENA(a);
	/* An exact copy: a read past the end is then seen. */
	char *text = malloc(size ? size : 1);
	struct diags d = {.arena = &a, .file = "fuzz", .len = size};
	struct config config;

	MUST(text);
	if (size)
		memcpy(text, data, size);
	d.text = text;
	MUST(config_read(&a, &d, &config) == !diags_failed(&d));
	if (!diags_failed(&d))
		check_config(&config);
	check_diags(&d);
	free(text);
	return 0;
}
