/* SPDX-License-Identifier: GPL-2.0-or-later */
/* agree_bindings.c - Published ports, beside what the host's table does. */
#include "agree.h"

#include <netinet/in.h>
#include <string.h>

#include "binding.h"
#include "interpret.h"
#include "tables.h"

/* --- the host's table --- */

static const char *published_at(struct arena *a, const struct compiled *c,
				const struct config_binding *b, struct ip at,
				bool own)
{
	const bool v4 = at.family == IP_V4;
	const struct slot *slot = &c->policy.slot;
	const struct ip guest = v4 ? slot->guest4 : slot->guest6;
	struct interpret_packet p = {
		.iif = own ? "" : "world0",
		.family = at.family,
		.saddr = v4 ? ip4(192, 0, 2, 77) : (struct ip){IP_V6, 0x77},
		.daddr = at,
		.proto = b->proto == CONFIG_UDP ? IPPROTO_UDP : IPPROTO_TCP,
		.has_ports = true,
		.dport = b->host_port,
		.ct_state = NFT_CT_NEW,
		.route = own ? INTERPRET_OUTPUT : INTERPRET_INPUT,
		.oif = c->plan.uplink,
		.to_local = true,
		.ct_status = NFT_STATUS_DNAT,
	};
	struct interpret_result r = interpret(&c->plan.host, &p);

	if (r.fate != INTERPRET_ACCEPTED || !r.translated ||
	    !ip_equal(r.to, guest) || r.to_port != b->guest_port)
		return interpret_said(a, b->pointer, &r);
	if (own)
		return NULL;
	/* From a sandbox to a sandbox: not even to its own port. */
	p.iif = c->plan.uplink;
	p.saddr = guest;
	r = interpret(&c->plan.host, &p);
	if (r.fate != INTERPRET_DROPPED || !r.comment ||
	    strcmp(r.comment, "always:isolation") != 0)
		return interpret_said(a, "published to a sandbox", &r);
	/* Straight to the guest's address, which nothing translates. */
	p.iif = "world0";
	p.saddr = v4 ? ip4(192, 0, 2, 77) : (struct ip){IP_V6, 0x77};
	p.daddr = guest;
	p.dport = b->guest_port;
	p.to_local = false;
	p.ct_status = 0;
	p.route = INTERPRET_FORWARD;
	r = interpret(&c->plan.host, &p);
	if (r.fate != INTERPRET_DROPPED || !r.comment ||
	    strcmp(r.comment, "always:unpublished") != 0)
		return interpret_said(a, "straight to the guest", &r);
	return NULL;
}

/* From the host itself, to an address of its own that the binding has not. */
static const char *not_published(struct arena *a, const struct compiled *c,
				 const struct config_binding *b, struct ip at)
{
	const struct interpret_packet p = {
		.iif = "",
		.family = at.family,
		.saddr = at,
		.daddr = at,
		.proto = b->proto == CONFIG_UDP ? IPPROTO_UDP : IPPROTO_TCP,
		.has_ports = true,
		.dport = b->host_port,
		.ct_state = NFT_CT_NEW,
		.route = INTERPRET_OUTPUT,
		.oif = "lo",
		.to_local = true,
	};
	const struct interpret_result r = interpret(&c->plan.host, &p);

	return r.translated
		       ? interpret_said(a, "translated, and should not be", &r)
		       : NULL;
}

/* Whether another binding has the port on that address. */
static bool elsewhere(const struct compiled *c, const struct config_binding *b,
		      struct ip at)
{
	size_t i;

	for (i = 0; i < c->config.n_bindings; i++) {
		const struct config_binding *o = &c->config.bindings[i];

		if (o != b && o->proto == b->proto &&
		    o->host_port == b->host_port &&
		    (ip_equal(o->bind, at) || binding_is_wildcard(o)))
			return true;
	}
	return false;
}

const char *agree_bindings(struct arena *a, const struct compiled *c)
{
	const struct ip some[2] = {ip4(203, 0, 113, 250),
				   {IP_V6, (ip_num)0x20010db8 << 96 | 0x99}};
	const struct ip loopback[2] = {ip4(127, 0, 0, 1), {IP_V6, 1}};
	const char *why = NULL;
	size_t i, j;

	for (i = 0; i < c->config.n_bindings && !why; i++) {
		const struct config_binding *b = &c->config.bindings[i];
		const bool wildcard = binding_is_wildcard(b);

		for (j = 0; j < 2 && !why; j++)
			why = not_published(a, c, b, loopback[j]);
		for (j = 0; j < 2 && !why; j++) {
			const bool has = wildcard &&
					 some[j].family <= b->bind.family;

			if (!has && !elsewhere(c, b, some[j]))
				why = not_published(a, c, b, some[j]);
			if (has && !why)
				why = published_at(a, c, b, some[j], false);
			if (has && !why)
				why = published_at(a, c, b, some[j], true);
		}
		if (why || wildcard || binding_is_loopback(b))
			continue;
		why = published_at(a, c, b, b->bind, false);
		if (!why)
			why = published_at(a, c, b, b->bind, true);
	}
	return why;
}
