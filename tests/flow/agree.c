/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree.c - One flow judged by eval and by the emitted ruleset. */
#include "agree.h"

#include <netinet/in.h>
#include <string.h>

#include "agree_parts.h"
#include "relay_conf.h"

/* What no stamp and no rule lets through. */
static const char *never_passes(struct arena *a, const struct compiled *c,
				const struct sides *s)
{
	static const struct {
		enum nft_ct_state state;
		const char *what;
	} rows[] = {
		{NFT_CT_RELATED, "stale ICMP error"},
		{NFT_CT_INVALID, "invalid"},
		{NFT_CT_UNTRACKED, "untracked"},
	};
	struct interpret_packet p = s->other;
	const char *why = NULL;
	size_t i;

	p.ct_mark = c->plan.generation ^ 0x10;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]) && !why; i++) {
		p.ct_state = rows[i].state;
		why = agree_passes(a, c, rows[i].what, false, &p);
	}
	return why;
}

/* Whether a flow could be allowed, by what the relay does not know of it: the
 * server's name, and whether the guest has asked for the gateway's. */
static bool is_possible(struct arena *a, const struct policy *p, struct flow f)
{
	const struct dname name = eval_gateway_name();
	bool allow;

	f.pins = &name;
	f.n_pins = 0;
	f.sni_kind = FLOW_SNI_NONE;
	allow = eval(a, p, &f).allow;
	f.n_pins = f.proto == IPPROTO_UDP;
	return allow || eval(a, p, &f).allow;
}

/* What the relay says to a flow that is steered to it. */
static const char *relay_says(struct arena *a, const struct compiled *c,
			      const struct flow *f,
			      const struct agree_want *want)
{
	const struct artefact *conf = compile_artefact(c, "relay.json");
	char reason[CONF_REASON_MAX] = "";
	const struct relay_conf *relay;
	bool allow = false;

	if (conf) {
		relay = relay_conf_decode(a, conf->text, strlen(conf->text),
					  reason);
		if (!relay)
			return arena_printf(a, "relay.json: %s", reason);
		allow = relay_conf_host(relay, f->proto, f->ip.family, f->port);
	}
	if (want->fate == AGREE_ALLOWED && !allow)
		return "the relay refuses it";
	if (allow && !is_possible(a, &c->policy, *f))
		return "the relay would carry what nothing allows";
	return NULL;
}

const char *agree_check(struct arena *a, const struct compiled *c,
			const struct flow *f, const struct verdict *v)
{
	const bool opens = f->kind == FLOW_EGRESS;
	const uint32_t stale = c->plan.generation ^ 0x10;
	struct interpret_packet p;
	struct agree_want want;
	const char *why;
	bool relay;
	struct sides s;

	agree_sides(c, f, &s);
	why = agree_want(a, c, f, v, &want);
	if (why)
		return why;
	if (agree_is_dns(&c->policy, f))
		return agree_resolved(a, c, f, &s);
	s.opener.listening = want.fate == AGREE_HANDED;
	relay = agree_steered(c, f) && want.fate != AGREE_HANDED;
	if (want.fate != AGREE_DENIED && agree_counted(c, f)) {
		why = agree_capped(a, c, f, &want, &s);
		if (why)
			return why;
		/* With no connection allowed, none is new. */
		if (!c->config.max_connections)
			return NULL;
	}
	if (want.fate == AGREE_ALLOWED && relay && !c->plan.host_egress)
		return "the plan steers nothing to the relay";
	why = agree_judged(a, c, f, "first packet", &want, &s.opener);
	if (why)
		return why;
	why = agree_limited(a, c, f, &s);
	if (why)
		return why;
	why = agree_kept(a, c, f, &want, &s);
	if (why)
		return why;
	why = never_passes(a, c, &s);
	if (why)
		return why;
	if (want.fate == AGREE_HANDED)
		return agree_handed(a, c, f, &want, &s);
	p = s.opener;
	p.listening = true;
	if (interpret(&c->plan.sandbox, &p).steered &&
	    !(want.fate == AGREE_ALLOWED && relay))
		return "steered to a helper, which it is not for";
	if (relay) {
		why = relay_says(a, c, f, &want);
		if (!why)
			why = agree_carried(a, c, f, &want, &s);
		if (why)
			return why;
	}
	if (!opens) {
		why = agree_opened_by_relay(a, c, f, &s);
		if (why)
			return why;
	}

	/* A policy was replaced: the next packet is judged in the direction in
	 * which the flow was opened, whoever sends it. */
	p = s.opener;
	p.ct_state = NFT_CT_ESTABLISHED;
	p.ct_mark = stale;
	why = agree_judged(a, c, f, "stale, from the opener", &want, &p);
	if (why)
		return why;
	p = s.other;
	p.ct_mark = stale;
	/* What answers from the gateway itself never comes in by the uplink,
	 * and who answers the gateway itself answers the relay. */
	if (!(opens && s.opener.route != INTERPRET_FORWARD) &&
	    !(!opens && s.other.route == INTERPRET_INPUT)) {
		why = agree_judged(a, c, f, "stale, from the other side", &want,
				   &p);
		if (why)
			return why;
	}
	p = s.opener;
	p.ct_mark = agree_stamp(c, f, &want);
	/* A stamp of the relay's counts where there is one. */
	if (relay && !c->plan.host_egress)
		p.ct_mark = c->plan.generation;
	why = agree_passes(a, c, "stamped, and not answered yet", true, &p);
	if (why)
		return why;
	p.ct_state = NFT_CT_ESTABLISHED;
	why = agree_passes(a, c, "stamped, from the opener", true, &p);
	if (why)
		return why;
	p = s.other;
	p.ct_mark = c->plan.generation;
	why = agree_passes(a, c, "stamped, from the other side", true, &p);
	if (why)
		return why;
	p.ct_state = NFT_CT_RELATED;
	return agree_passes(a, c, "ICMP error about a stamped flow", true, &p);
}
