/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_rebind.c - Every kind of address, in every place of an answer. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "answer.h"
#include "rebind.h"

static const uint8_t question[] = {1, 'q', 0, 0, 1, 0, 1};

/** struct place - Where an answer can have an address */
struct place {
	const char *name;
	enum ip_family family;
	enum packet_section section;
	bool alias;
	bool hint;
};

static const struct place places[] = {
	{"A", IP_V4, SECTION_ANSWER, false, false},
	{"A, authority", IP_V4, SECTION_AUTHORITY, false, false},
	{"A, additional", IP_V4, SECTION_ADDITIONAL, false, false},
	{"A, CNAME target", IP_V4, SECTION_ANSWER, true, false},
	{"ipv4hint", IP_V4, SECTION_ANSWER, false, true},
	{"ipv4hint, additional", IP_V4, SECTION_ADDITIONAL, false, true},
	{"AAAA", IP_V6, SECTION_ANSWER, false, false},
	{"AAAA, authority", IP_V6, SECTION_AUTHORITY, false, false},
	{"AAAA, additional", IP_V6, SECTION_ADDITIONAL, false, false},
	{"AAAA, CNAME target", IP_V6, SECTION_ANSWER, true, false},
	{"ipv6hint", IP_V6, SECTION_ANSWER, false, true},
	{"ipv6hint, additional", IP_V6, SECTION_ADDITIONAL, false, true},
};

/** enum form - How an IPv6 address holds an IPv4 address */
enum form {
	FORM_MAPPED,
	FORM_COMPAT,
	FORM_NAT64,
	FORM_6TO4,
	FORM_TEREDO_CLIENT,
	FORM_TEREDO_SERVER,
	FORM_COUNT,
};

static const char *const form_names[FORM_COUNT] = {
	"mapped", "compat",	     "NAT64",
	"6to4",	  "Teredo's client", "Teredo's server",
};

static void write_form(enum form f, const uint8_t b[4], char text[64])
{
	switch (f) {
	case FORM_MAPPED:
	case FORM_COMPAT:
	case FORM_NAT64:
		snprintf(text, 64, "%s%u.%u.%u.%u",
			 f == FORM_MAPPED   ? "::ffff:"
			 : f == FORM_COMPAT ? "::"
					    : "64:ff9b::",
			 b[0], b[1], b[2], b[3]);
		return;
	case FORM_6TO4:
		snprintf(text, 64, "2002:%02x%02x:%02x%02x:1::1", b[0], b[1],
			 b[2], b[3]);
		return;
	case FORM_TEREDO_CLIENT:
		snprintf(text, 64, "2001:0:c633:6401:0:ffff:%02x%02x:%02x%02x",
			 b[0] ^ 255u, b[1] ^ 255u, b[2] ^ 255u, b[3] ^ 255u);
		return;
	case FORM_TEREDO_SERVER:
		snprintf(text, 64, "2001:0:%02x%02x:%02x%02x:0:ffff:39cc:9bfe",
			 b[0], b[1], b[2], b[3]);
		return;
	case FORM_COUNT:
		return;
	}
}

/** struct special - A range, by one address of it or two */
struct special {
	const char *address;
	const char *group;
	bool denied;
};

/* The IANA special-purpose address registries, and what is beside them. What
 * no group but public has is let through. */
static const struct special specials[] = {
	{"0.0.0.0", "none", true},
	{"0.0.0.1", "public", false},
	{"10.0.0.0", "private", true},
	{"10.255.255.255", "private", true},
	{"9.255.255.255", "public", false},
	{"11.0.0.0", "public", false},
	{"100.64.0.0", "private", true},
	{"100.127.255.255", "private", true},
	{"100.63.255.255", "public", false},
	{"127.0.0.1", "loopback", true},
	{"127.255.255.255", "loopback", true},
	{"169.254.0.1", "link-local", true},
	{"169.254.169.254", "metadata", true},
	{"169.255.0.0", "public", false},
	{"172.16.0.0", "private", true},
	{"172.16.0.1", "host", true},
	{"172.31.255.255", "private", true},
	{"172.32.0.0", "public", false},
	{"192.0.0.1", "public", false},
	{"192.0.2.1", "public", false},
	{"192.88.99.1", "public", false},
	{"192.168.0.1", "private", true},
	{"192.168.255.255", "private", true},
	{"198.18.0.1", "public", false},
	{"198.51.100.1", "public", false},
	{"203.0.113.1", "public", false},
	{"224.0.0.1", "multicast", true},
	{"239.255.255.255", "multicast", true},
	{"240.0.0.1", "public", false},
	{"255.255.255.255", "public", false},
	{"8.8.8.8", "public", false},
	{"::", "none", true},
	{"::1", "loopback", true},
	{"100::1", "public", false},
	{"2001:db8::1", "public", false},
	{"2001:20::1", "public", false},
	{"2001:4860:4860::8888", "public", false},
	{"fc00::1", "private", true},
	{"fdff:ffff::1", "private", true},
	{"fd42:6d73:62::1", "host", true},
	{"fe80::1", "link-local", true},
	{"febf:ffff::1", "link-local", true},
	{"fec0::1", "public", false},
	{"ff02::1", "multicast", true},
	{"64:ff9b:1::1", "public", false},
};

static struct dns_conf *decode(struct arena *a, const char *more)
{
	char text[1024], reason[CONF_REASON_MAX];
	struct dns_conf *c;

	snprintf(text, sizeof(text),
		 "{\"Version\":1,\"Name\":\"t\",\"Gateway4\":\"172.16.0.1\","
		 "\"Gateway6\":\"fd42:6d73:62::1\",\"Guest4\":\"172.16.0.2\","
		 "\"Guest6\":\"fd42:6d73:62::2\",%s}",
		 more);
	c = dns_conf_decode(a, text, strlen(text), reason);
	cr_assert_not_null(c, "%s", reason);
	return c;
}

static void put(struct packet *p, const void *bytes, size_t n)
{
	memcpy(p->data + p->len, bytes, n);
	p->len += n;
}

/* An answer with one address, somewhere. */
static void make(struct packet *p, const struct place *place, struct ip ip)
{
	static const uint8_t cname[] = {0xc0, 12, 0, 5, 0, 1,	0, 0,
					0,    9,  0, 3, 1, 't', 0};
	uint8_t head[] = {
		0xc0, place->alias ? 31 : 12, 0, 0, 0, 1, 0, 0, 0, 9, 0, 0};
	uint8_t bytes[16];
	size_t n = ip_to_bytes(ip, bytes);

	memset(p->data, 0, PACKET_HEADER);
	packet_set16(p->data + 2, PACKET_QR);
	packet_set16(p->data + 4, 1);
	p->data[5 + 2 * place->section] = 1;
	p->len = PACKET_HEADER;
	put(p, question, sizeof(question));
	if (place->alias) {
		p->data[7]++;
		put(p, cname, sizeof(cname));
	}
	head[3] = place->hint
			  ? TYPE_HTTPS
			  : (uint8_t)(ip.family == IP_V4 ? TYPE_A : TYPE_AAAA);
	head[11] = (uint8_t)(n + (place->hint ? 7 : 0));
	put(p, head, sizeof(head));
	if (place->hint) {
		const uint8_t param[] = {
			0, 1, 0, 0, ip.family == IP_V4 ? 4 : 6, 0, (uint8_t)n};

		put(p, param, sizeof(param));
	}
	put(p, bytes, n);
}

static enum answer_fate screen(const struct dns_conf *c,
			       const struct place *place, struct ip ip)
{
	uint8_t data[512];
	struct packet p = {data, 0, sizeof(data)};
	struct packet_question q;
	struct answer a;

	make(&p, place, ip);
	cr_assert_eq(packet_question_read(data, p.len, true, &q), PACKET_GOOD,
		     "%s", place->name);
	answer_screen(c, &p, &q, false, &a);
	return a.fate;
}

static void check(const struct dns_conf *c, struct ip ip, bool denied,
		  const char *text, const char *form)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (places[i].family != ip.family)
			continue;
		cr_expect_eq(screen(c, &places[i], ip),
			     denied ? ANSWER_REBIND : ANSWER_PASS,
			     "%s as %s in %s", text, form, places[i].name);
	}
}

/* Each special address in each place, and each IPv4 one in each form. */
static void matrix(const struct dns_conf *c,
		   bool (*denied)(const struct special *s))
{
	for (size_t i = 0; i < sizeof(specials) / sizeof(specials[0]); i++) {
		const struct special *s = &specials[i];
		struct ip ip = {0};
		uint8_t b[16];

		cr_assert(ip_parse(s->address, &ip));
		check(c, ip, denied(s), s->address, "itself");
		if (ip.family != IP_V4)
			continue;
		ip_to_bytes(ip, b);
		for (enum form f = 0; f < FORM_COUNT; f++) {
			char text[64];
			struct ip v6 = {0};

			/* ::0.0.0.0 and ::0.0.0.1 are addresses of their own.
			 */
			if (f == FORM_COMPAT && ip.num <= 1)
				continue;
			write_form(f, b, text);
			cr_assert(ip_parse(text, &v6), "%s", text);
			check(c, v6, denied(s), s->address, form_names[f]);
		}
	}
}

static bool as_listed(const struct special *s)
{
	return s->denied;
}

static bool never(const struct special *s)
{
	(void)s;
	return false;
}

static bool but_private_and_loopback(const struct special *s)
{
	return s->denied && strcmp(s->group, "private") != 0 &&
	       strcmp(s->group, "loopback") != 0;
}

Test(rebind, every_range_in_every_place)
{
	ARENA(a);

	matrix(decode(&a, "\"DefaultEgress\":\"deny\""), as_listed);
}

Test(rebind, what_no_address_rule_allows_stays_denied)
{
	ARENA(a);

	matrix(decode(&a, "\"DefaultEgress\":\"allow\",\"Rules\":["
			  "{\"Action\":\"allow\",\"Destination\":\"*\"},"
			  "{\"Action\":\"allow\",\"Destination\":\"public\"},"
			  "{\"Action\":\"allow\",\"Destination\":\"private\"},"
			  "{\"Action\":\"allow\",\"Destination\":\".q\"}]"),
	       as_listed);
}

Test(rebind, what_an_address_rule_allows_passes)
{
	ARENA(a);

	matrix(decode(&a, "\"DefaultEgress\":\"deny\",\"Rules\":["
			  "{\"Action\":\"deny\",\"Destination\":\"private\","
			  "\"Port\":\"22\"},"
			  "{\"Action\":\"allow\",\"Destination\":\"private\","
			  "\"Port\":\"443\"},"
			  "{\"Action\":\"allow\",\"Destination\":\"loopback\","
			  "\"Protocol\":\"icmpv4\"}]"),
	       but_private_and_loopback);
}

Test(rebind, a_rule_before_it_takes_it_back)
{
	ARENA(a);

	matrix(decode(&a, "\"DefaultEgress\":\"deny\",\"Rules\":["
			  "{\"Action\":\"deny\",\"Destination\":\"private\","
			  "\"Ports\":[\"1-500\"]},"
			  "{\"Action\":\"deny\",\"Destination\":\"*\","
			  "\"Protocol\":\"udp\"},"
			  "{\"Action\":\"allow\",\"Destination\":\"private\","
			  "\"Ports\":[\"22\",\"443\"]},"
			  "{\"Action\":\"allow\",\"Destination\":\"loopback\","
			  "\"Protocol\":\"udp\"}]"),
	       as_listed);
}

Test(rebind, protection_can_be_off)
{
	ARENA(a);

	matrix(decode(&a, "\"DefaultEgress\":\"deny\","
			  "\"RebindProtection\":false"),
	       never);
}

Test(rebind, one_prefix_alone)
{
	ARENA(a);
	struct dns_conf *c = decode(&a, "\"DefaultEgress\":\"deny\",\"Rules\":["
					"{\"Action\":\"allow\",\"Destination\":"
					"\"10.1.0.0/16\",\"Port\":\"443\"}]");

	cr_expect_not(rebind_denied(c->local, ip4(10, 1, 2, 3)));
	cr_expect(rebind_denied(c->local, ip4(10, 2, 2, 3)));
	cr_expect(rebind_denied(c->local, ip4(172, 16, 0, 1)));
}
