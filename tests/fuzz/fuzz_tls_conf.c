/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_tls_conf.c - Any bytes as tls.json, and as a request of a worker. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static const uint8_t pinned_name[] = "\1a\7example\3com";

/* What is pinned is anything, as long as it is the same each time. */
static int get(void *context, const struct walk_pin_set *set, struct ip ip,
	       struct judge_pin *ret)
{
	const unsigned int what = (unsigned int)(ip.num ^ set->n_dests) % 4;

	(void)context;
	memcpy(ret->wire, pinned_name, sizeof(pinned_name));
	if (what > 1)
		ret->name = (struct dname){ret->wire, sizeof(pinned_name)};
	ret->others = what == 2;
	return what > 0;
}

static void judge(const struct tls_conf *c, const struct tlsd_ask *ask)
{
	const struct judge j = {.conf = c, .get = get};
	struct tlsd_answer answer;

	if (!judge_is_sane(ask))
		return;
	judge_flow(&j, ask, &answer);
	MUST(answer.verdict <= TLSD_READ);
	MUST(answer.verdict != TLSD_READ ||
	     (c->secrets.n && ask->port == 80 && ask->stage != TLSD_EARLY));
	MUST(answer.verdict != TLSD_SPLICE || !c->secrets.n ||
	     ask->stage == TLSD_EARLY || answer.bypass || ask->port != 80);
	MUST(answer.verdict != TLSD_INTERCEPT || c->intercept);
	MUST(answer.verdict != TLSD_WAIT || ask->stage == TLSD_EARLY);
	MUST(!answer.leaf_len || answer.verdict == TLSD_INTERCEPT);
	MUST(memchr(answer.pointer, 0, sizeof(answer.pointer)));
}

static void check_secrets(const struct tls_conf *c)
{
	size_t octets = 0;

	MUST(c->secrets.n <= SECRET_MAX);
	for (size_t i = 0; i < c->secrets.n; i++) {
		const struct secret *s = &c->secrets.all[i];
		const struct tls_value_source *from = &c->sources[i];

		MUST(s->name && *s->name && !s->value && !s->value_len);
		MUST(!secret_placeholder_flaw(s->placeholder,
					      s->placeholder_len));
		MUST(s->action <= SECRET_BLOCK_AND_TERMINATE);
		MUST(!(s->inject & ~15u));
		MUST(!from->file != !from->env);
		MUST(!from->file || *from->file == '/');
		for (size_t k = 0; k < s->n_hosts; k++)
			MUST(*s->hosts[k].name);
		octets += s->placeholder_len;
	}
	MUST(octets <= SECRET_PLACEHOLDERS_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char reason[CONF_REASON_MAX] = "";
	struct tlsd_ask ask = {
		.dial = 1,
		.family = IP_V4,
		.port = 443,
		.address = {198, 51, 100, 7},
	};
	struct tls_conf *c;
	ARENA(a);

	c = tls_conf_decode(&a, (const char *)data, size, reason);
	MUST(!c == !!*reason);
	if (!c)
		return 0;
	MUST(c->limits.connections && c->limits.hello_bytes && c->port);
	MUST(!c->intercept == !c->has_intercept);
	for (size_t i = 0; i < c->walk.policy.walk[POLICY_EGRESS].n; i++)
		MUST(c->rule_set[i] == TLS_NO_SET ||
		     c->rule_set[i] < c->walk.n_pin_sets);
	check_secrets(c);
	for (unsigned int stage = 0; stage <= TLSD_HELLO; stage++) {
		ask.stage = (uint8_t)stage;
		ask.port = 80;
		judge(c, &ask);
		ask.port = 443;
		judge(c, &ask);
	}
	ask.name_len = sizeof(pinned_name);
	memcpy(ask.name, pinned_name, sizeof(pinned_name));
	judge(c, &ask);
	/* The end of the text as a request. */
	if (size >= sizeof(ask)) {
		memcpy(&ask, data + size - sizeof(ask), sizeof(ask));
		judge(c, &ask);
	}
	return 0;
}
