/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_dns_conf.c - Any bytes as dns.json, as a table of names, as pins. */
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dns_conf.h"
#include "dnsd_pins.h"
#include "rebind.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

static const uint8_t asked[] = "\1a\7example\3com";

static void conf(const char *text, size_t size)
{
	const struct dname name = {asked, sizeof(asked)};
	char reason[CONF_REASON_MAX] = "";
	uint16_t sets[DNS_SETS_OF_NAME];
	struct dns_servers servers;
	struct dns_verdict v;
	struct dns_conf *c;
	ARENA(a);

	c = dns_conf_decode(&a, text, size, reason);
	MUST(!c == !!*reason);
	if (!c)
		return;
	v = dns_conf_query(c, name, IPPROTO_UDP, c->walk.gw4);
	MUST(v.pointer);
	v = dns_conf_alias(c, name);
	MUST(v.pointer || v.allow);
	for (size_t i = 0;
	     i < dns_conf_sets(c, name, sets) && i < DNS_SETS_OF_NAME; i++)
		MUST(sets[i] < c->walk.n_pin_sets);
	MUST(c->rebind == CONFIG_FALSE ||
	     !rebind_denied(c->local, ip4(8, 8, 8, 8)));
	/* The text serves as resolv.conf too: it ends in NUL there. */
	dns_conf_servers(c, text, &servers);
	MUST(servers.n <= DNS_SERVERS_MAX);
	for (size_t i = 0; i < servers.n; i++)
		MUST(servers.v[i].ip.family && servers.v[i].port);
}

static void names(const char *text, size_t size)
{
	const struct dname name = {asked, sizeof(asked)};
	struct names_match m;
	struct names t;

	if (names_open(text, size, &t))
		return;
	names_find(&t, name, &m);
}

static void pins(const char *text, size_t size)
{
	static struct pin_batch b;

	if (size > sizeof(b))
		return;
	memcpy(&b, text, size);
	if (!dnsd_pins_check(&b, size))
		return;
	for (uint32_t i = 0; i < b.head.addresses; i++)
		MUST(b.address[i].name < b.head.names &&
		     b.address[i].life <= PIN_LIFE_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy, with a NUL where resolv.conf has one. */
	char *text = calloc(1, size + 1);

	MUST(text);
	if (size)
		memcpy(text, data, size);
	conf(text, size);
	names(text, size);
	pins(text, size);
	free(text);
	return 0;
}
