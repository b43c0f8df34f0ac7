/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tls_judge_case.c - Documents as msb-tlsd's judge has them, and flows. */
#include "tls_judge_case.h"

#include <criterion/criterion.h>
#include <string.h>

#include "eval.h"
#include "tls_json.h"

const char doc_names[] =
	"{\"DenyDomains\":[\"bad.example.com\",\"worse.example.com\"],"
	"\"DenyDomainSuffixes\":[\".ads\"],\"Rules\":["
	"{\"Action\":\"deny\",\"Destination\":\"no.example.com\"},"
	"{\"Action\":\"allow\",\"Destination\":\".example.com\","
	"\"Protocol\":\"tcp\",\"Port\":443},"
	"{\"Action\":\"allow\",\"Destination\":\"one.example.net\"},"
	"{\"Action\":\"allow\",\"Destination\":\"two.example.net\"},"
	"{\"Action\":\"deny\",\"Destination\":\".example.org\"},"
	"{\"Action\":\"allow\",\"Destination\":\"198.51.100.0/24\"},"
	"{\"Action\":\"allow\",\"Destination\":\"2001:db8::/32\"},"
	"{\"Action\":\"allow\",\"Destination\":\"link-local\"},"
	"{\"Action\":\"allow\",\"Destination\":\"host\",\"Port\":8080},"
	"{\"Action\":\"allow\",\"Destination\":\"172.16.0.1\",\"Port\":53}]}";

const char doc_intercepting[] =
	"{\"TLS\":{\"Bypass\":[\"bank.example\",\"*.bank.example\"],"
	"\"InterceptedPorts\":[443,8443]},\"Rules\":["
	"{\"Action\":\"deny\",\"Destination\":\"no.example.com\"},"
	"{\"Action\":\"allow\",\"Destination\":\".example.com\"},"
	"{\"Action\":\"allow\",\"Destination\":\"bank.example\"},"
	"{\"Action\":\"allow\",\"Destination\":\"198.51.100.0/24\"},"
	"{\"Action\":\"allow\",\"Destination\":\"host\"}]}";

const char doc_everything[] =
	"{\"DefaultEgress\":\"allow\",\"DenyDomains\":[\"bad.example.com\"],"
	"\"TLS\":{\"InterceptedPorts\":[]}}";

void world_make(struct arena *a, const char *text, struct world *w)
{
	const struct compile_request req = {"test", 0};
	char reason[CONF_REASON_MAX] = "";
	const char *why;
	STR(json);

	*w = (struct world){
		.doc = {.arena = a,
			.file = "test",
			.text = text,
			.len = strlen(text)},
	};
	cr_assert(compile(a, &w->doc, &req, &w->compiled), "%s", text);
	tls_json(&json, &w->compiled.plan);
	w->conf = tls_conf_decode(a, str_text(&json), json.len, reason);
	cr_assert(w->conf, "%s: %s", str_text(&json), reason);
	if (!w->compiled.plan.names)
		return;
	cr_assert_not_null(w->conf->walk.names_file);
	why = names_open(w->compiled.plan.names, w->compiled.plan.names_len,
			 &w->conf->walk.names);
	cr_assert_null(why, "%s", why);
}

struct flow world_flow(struct arena *a, const char *text)
{
	struct flow f;
	const char *why =
		flow_parse(a, arena_printf(a, "egress tcp %s", text), &f, NULL);

	cr_assert_null(why, "%s: %s", text, why);
	return f;
}

int world_get(void *context, const struct walk_pin_set *set, struct ip ip,
	      struct judge_pin *ret)
{
	struct world_sets *s = context;
	size_t i, j, n = 0;

	s->asked++;
	if (s->fails)
		return -1;
	cr_expect(ip_equal(ip, s->flow->ip));
	for (i = 0; i < s->flow->n_pins; i++) {
		const struct dname name = s->flow->pins[i];

		for (j = 0; j < set->n_dests; j++) {
			const struct policy_rule rule = {.dest = set->dests[j]};

			if (eval_selects(&rule, name))
				break;
		}
		if (j == set->n_dests)
			continue;
		if (!n++) {
			memcpy(ret->wire, name.wire, name.len);
			ret->name = (struct dname){ret->wire, name.len};
		}
	}
	ret->others = n ? (uint32_t)n - 1 : 0;
	return n > 0;
}

struct tlsd_ask world_ask_for(const struct flow *f, enum tlsd_stage stage)
{
	struct tlsd_ask ask = {
		.dial = 1,
		.stage = (uint8_t)stage,
		.family = (uint8_t)f->ip.family,
		.port = f->port,
	};

	ip_to_bytes(f->ip, ask.address);
	if (stage == TLSD_HELLO && f->sni_kind == FLOW_SNI_NAME) {
		ask.name_len = f->sni.len;
		memcpy(ask.name, f->sni.wire, f->sni.len);
	}
	return ask;
}

struct tlsd_answer world_judge(const struct world *w, const struct flow *f,
			       enum tlsd_stage stage)
{
	struct world_sets sets = {.flow = f};
	const struct judge j = {w->conf, world_get, &sets};
	const struct tlsd_ask ask = world_ask_for(f, stage);
	struct tlsd_answer answer;

	cr_assert(judge_is_sane(&ask));
	judge_flow(&j, &ask, &answer);
	return answer;
}
