/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_lookup.c - Name servers that have names, under a clock of our own. */
#include <criterion/criterion.h>
#include <string.h>

#include "lookup.h"
#include "packet.h"
#include "str.h"

/**
 * struct world - What a lookup meets
 * @l:		clock
 * @all:	lookups
 * @conf:	configuration
 * @said:	what was asked of the world since it was last looked at
 * @dead:	sockets to this address cannot be had
 */
struct world {
	struct loop l;
	struct lookups all;
	struct dns_conf conf;
	struct str said;
	struct ip dead;
};

static const char *const families[] = {"A", "AAAA"};

static bool world_ask(struct lookups *all, const struct lookup *l,
		      const struct address *to)
{
	struct world *w = all->context;
	char ip[IP_TEXT_MAX];

	if (ip_equal(to->ip, w->dead))
		return false;
	str_printf(&w->said, "%s/%zu %s;", families[l->family == IP_V6],
		   l->host, ip_format(to->ip, ip));
	return true;
}

static void world_drop(struct lookups *all, const struct lookup *l)
{
	(void)all;
	(void)l;
}

static uint16_t world_random(struct lookups *all)
{
	(void)all;
	return 0x1234;
}

static void world_changed(struct lookups *all)
{
	struct world *w = all->context;

	str_puts(&w->said, "changed;");
}

static const struct lookup_io io = {world_ask, world_drop, world_random,
				    world_changed};

static void begin(struct world *w, const struct config_nameserver *ns, size_t n,
		  const char *text)
{
	*w = (struct world){.l.now = 1000};
	w->conf.nameservers = ns;
	w->conf.n_nameservers = n;
	lookups_open(&w->all, &io, &w->l, w);
	lookups_configure(&w->all, &w->conf, text);
}

static void pass_time(struct world *w, uint64_t ms)
{
	const uint64_t end = w->l.now + ms;
	struct loop_queue *q = w->l.queues;

	while (q->first && q->first->at <= end) {
		struct loop_timer *t = q->first;

		w->l.now = t->at;
		loop_unset(q, t);
		t->fire(&w->l, t);
	}
	w->l.now = end;
}

static void expect(struct world *w, const char *text)
{
	cr_expect_str_eq(str_text(&w->said), text);
	str_free(&w->said);
}

static void expect_servers(const struct world *w, const char *text)
{
	struct dns_servers s;
	char ip[IP_TEXT_MAX];
	STR(got);

	lookups_servers(&w->all, &s);
	for (size_t i = 0; i < s.n; i++)
		str_printf(&got, "%s#%u ", ip_format(s.v[i].ip, ip),
			   s.v[i].port);
	cr_expect_str_eq(str_text(&got), text);
	str_free(&got);
}

/* A reply to what lookup @which asked: records are "TTL ADDRESS", or
 * "TTL cname". */
static size_t reply(const struct world *w, size_t which, unsigned int flags,
		    const char *const *records, uint8_t *buf)
{
	const struct lookup *l = &w->all.v[which];
	size_t at = l->len;

	memcpy(buf, l->query, at);
	packet_set16(buf + 2, PACKET_QR | PACKET_RD | PACKET_RA | flags);
	for (; *records; records++) {
		uint8_t bytes[16] = {1, 'x', 0xc0, 12};
		unsigned int ttl = 0, type = TYPE_CNAME;
		const char *text = *records;
		size_t n = 4;
		struct ip ip;

		while (*text >= '0' && *text <= '9')
			ttl = ttl * 10 + (unsigned int)(*text++ - '0');
		if (ip_parse(++text, &ip)) {
			n = ip_to_bytes(ip, bytes);
			type = n == 4 ? TYPE_A : TYPE_AAAA;
		}
		packet_set16(buf + at, 0xc000 + PACKET_HEADER);
		packet_set16(buf + at + 2, type);
		packet_set16(buf + at + 4, CLASS_IN);
		packet_set32(buf + at + 6, ttl);
		packet_set16(buf + at + 10, (unsigned int)n);
		memcpy(buf + at + 12, bytes, n);
		at += 12 + n;
		packet_set16(buf + 6, packet_get16(buf + 6) + 1u);
	}
	return at;
}

static void answer(struct world *w, size_t which, unsigned int flags,
		   const char *const *records)
{
	uint8_t buf[LOOKUP_REPLY_MAX];
	const size_t len = reply(w, which, flags, records, buf);

	lookups_answered(&w->all, which, buf, len);
}

#define ANSWER(w, which, ...) \
	answer(w, which, 0, (const char *const[]){__VA_ARGS__, NULL})
#define FAILS(w, which, rcode) \
	answer(w, which, rcode, (const char *const[]){NULL})

static const struct config_nameserver one[] = {{.host = "ns.test", .port = 53}};

static const char text[] = "nameserver 192.0.2.1\n"
			   "nameserver 192.0.2.2\n"
			   "msb-name 0 ns.test\n"
			   "msb-nameserver 0 198.51.100.1\n";

Test(lookup, asks_when_the_time_is_over)
{
	struct world w;

	begin(&w, one, 1, text);
	expect(&w, "A/0 192.0.2.1;AAAA/0 192.0.2.1;");
	expect_servers(&w, "198.51.100.1#53 ");
	/* The same address: nothing has changed. The chain's time counts. */
	ANSWER(&w, 0, "40 cname", "300 198.51.100.1");
	FAILS(&w, 1, RCODE_NOERROR);
	expect(&w, "");
	pass_time(&w, 39999);
	expect(&w, "");
	pass_time(&w, 1);
	expect(&w, "A/0 192.0.2.1;");
	/* It stays in use until there is another. */
	expect_servers(&w, "198.51.100.1#53 ");
	ANSWER(&w, 0, "0 198.51.100.9", "0 198.51.100.7");
	expect(&w, "changed;");
	expect_servers(&w, "198.51.100.7#53 198.51.100.9#53 ");
	/* Not before 30 seconds; and the order of records is nothing. */
	pass_time(&w, 29999);
	expect(&w, "");
	pass_time(&w, 1);
	expect(&w, "A/0 192.0.2.1;");
	ANSWER(&w, 0, "99999 198.51.100.7", "99999 198.51.100.9");
	expect(&w, "");
	/* The other family is looked for again after five minutes. */
	pass_time(&w, 300000 - 70000);
	expect(&w, "AAAA/0 192.0.2.1;");
	ANSWER(&w, 1, "7200 2001:db8::9");
	expect(&w, "changed;");
	expect_servers(&w, "198.51.100.7#53 198.51.100.9#53 2001:db8::9#53 ");
	/* An hour is the longest. */
	pass_time(&w, 3600000 - 230001);
	expect(&w, "");
	pass_time(&w, 1);
	expect(&w, "A/0 192.0.2.1;");
}

Test(lookup, what_is_known_outlives_a_dead_resolver)
{
	struct world w;

	begin(&w, one, 1, text);
	str_free(&w.said);
	FAILS(&w, 1, RCODE_NXDOMAIN);
	/* One that is silent is left after two seconds; one that does not
	 * know, or fails, at once. Each is asked twice. */
	pass_time(&w, 1999);
	expect(&w, "");
	pass_time(&w, 1);
	expect(&w, "A/0 192.0.2.2;");
	FAILS(&w, 0, RCODE_SERVFAIL);
	expect(&w, "A/0 192.0.2.1;");
	lookups_failed(&w.all, 0);
	expect(&w, "A/0 192.0.2.2;");
	FAILS(&w, 0, 5);
	expect(&w, "");
	expect_servers(&w, "198.51.100.1#53 ");
	/* The pauses get longer: 5, 10, ... 300 seconds. The name's other
	 * family began its own two seconds before. */
	w.dead = (struct ip){IP_V4, 0xc0000202};
	pass_time(&w, 3000);
	expect(&w, "AAAA/0 192.0.2.1;");
	FAILS(&w, 1, RCODE_NXDOMAIN);
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t ms = UINT64_C(5000) << i;

		if (ms > 300000)
			ms = 300000;
		pass_time(&w, i ? ms : 2000);
		cr_expect(strstr(str_text(&w.said), "A/0 192.0.2.1;"), "%u", i);
		while (w.all.v[0].asking)
			FAILS(&w, 0, RCODE_SERVFAIL);
		str_free(&w.said);
		expect_servers(&w, "198.51.100.1#53 ");
	}
	/* It is back: so is the pace. */
	pass_time(&w, 300000);
	str_free(&w.said);
	ANSWER(&w, 0, "60 198.51.100.2");
	expect(&w, "changed;");
	expect_servers(&w, "198.51.100.2#53 ");
	pass_time(&w, 60000);
	cr_expect(strstr(str_text(&w.said), "A/0"));
	str_free(&w.said);
	while (w.all.v[0].asking)
		FAILS(&w, 0, RCODE_SERVFAIL);
	str_free(&w.said);
	pass_time(&w, 5000);
	cr_expect(strstr(str_text(&w.said), "A/0"));
	str_free(&w.said);
}

Test(lookup, no_address_is_no_answer)
{
	struct world w;

	begin(&w, one, 1, text);
	str_free(&w.said);
	/* Nothing is known of the other family: these stay. */
	FAILS(&w, 0, RCODE_NOERROR);
	expect_servers(&w, "198.51.100.1#53 ");
	ANSWER(&w, 1, "60 2001:db8::1");
	expect_servers(&w, "198.51.100.1#53 2001:db8::1#53 ");
	str_free(&w.said);
	/* Now the name is known to have the other alone. */
	pass_time(&w, 5000);
	expect(&w, "A/0 192.0.2.1;");
	FAILS(&w, 0, RCODE_NOERROR);
	expect(&w, "changed;");
	expect_servers(&w, "2001:db8::1#53 ");
}

Test(lookup, hosts_and_resolv_conf_change)
{
	static const struct config_nameserver three[] = {
		{.ip = {IP_V4, 0xc6336435}, .port = 5353},
		{.host = "a.test", .port = 53},
		{.host = "b.test", .port = 54},
	};
	struct world w;

	begin(&w, three, 3,
	      "nameserver 192.0.2.1\nmsb-fixed 1\nmsb-nameserver 1 10.0.0.1\n"
	      "msb-nameserver 1 ::1\nmsb-nameserver 2 198.51.100.1\n");
	expect(&w, "A/2 192.0.2.1;AAAA/2 192.0.2.1;");
	expect_servers(&w, "198.51.100.53#5353 10.0.0.1#53 ::1#53 "
			   "198.51.100.1#54 ");
	ANSWER(&w, 2, "60 198.51.100.2");
	expect(&w, "changed;");
	/* Another resolver is asked at once; what is known stays, and what was
	 * fixed is asked for. */
	lookups_configure(&w.all, &w.conf,
			  "nameserver 192.0.2.9\nmsb-nameserver 1 10.0.0.1\n"
			  "msb-nameserver 2 198.51.100.1\n");
	expect(&w, "A/1 192.0.2.9;AAAA/1 192.0.2.9;A/2 192.0.2.9;"
		   "AAAA/2 192.0.2.9;");
	expect_servers(&w, "198.51.100.53#5353 10.0.0.1#53 ::1#53 "
			   "198.51.100.2#54 ");
	/* One that is put into hosts(5) is what stands there. */
	lookups_configure(&w.all, &w.conf,
			  "nameserver 192.0.2.9\nmsb-nameserver 1 10.0.0.1\n"
			  "msb-fixed 2\nmsb-nameserver 2 10.0.0.2\n");
	expect(&w, "A/1 192.0.2.9;AAAA/1 192.0.2.9;");
	expect_servers(&w, "198.51.100.53#5353 10.0.0.1#53 ::1#53 "
			   "10.0.0.2#54 ");
	/* Without a resolver nobody is asked, and nothing is lost. */
	lookups_configure(&w.all, &w.conf, "");
	expect(&w, "");
	pass_time(&w, 1000000);
	expect(&w, "");
	lookups_configure(&w.all, NULL, "");
	expect_servers(&w, "");
	pass_time(&w, 1000000);
	expect(&w, "");
}

Test(lookup, a_guess_is_no_answer)
{
	static const char *const records[] = {"60 198.51.100.66", NULL};
	static const size_t places[] = {0, 1, 2, 5, 13, 15, 17, 20, 22};
	uint8_t buf[LOOKUP_REPLY_MAX];
	struct world w;
	size_t len;

	begin(&w, one, 1, text);
	str_free(&w.said);
	for (size_t i = 0; i < 8; i++) {
		len = reply(&w, 0, 0, records, buf);
		buf[places[i]] ^= places[i] == 2 ? 0x80 : 1;
		lookups_answered(&w.all, 0, buf, len);
	}
	expect(&w, "");
	expect_servers(&w, "198.51.100.1#53 ");
	/* Letters may come back in another case. */
	len = reply(&w, 0, 0, records, buf);
	buf[13] ^= 0x20;
	lookups_answered(&w.all, 0, buf, len);
	expect(&w, "changed;");
	/* After nine guesses the next one is asked, from another socket. */
	pass_time(&w, 60000);
	str_free(&w.said);
	for (size_t i = 0; i < 9; i++) {
		expect(&w, "");
		len = reply(&w, 0, 0, records, buf);
		buf[0] ^= 1;
		lookups_answered(&w.all, 0, buf, len);
	}
	expect(&w, "A/0 192.0.2.2;");
}

/* Whatever is cut off or wrong, nothing is read that is not there. */
Test(lookup, malformed_replies_fail)
{
	static const char *const records[] = {"60 cname", "60 198.51.100.6",
					      "60 198.51.100.7", NULL};
	uint8_t buf[LOOKUP_REPLY_MAX], bad[LOOKUP_REPLY_MAX];
	struct lookup_reply r;
	const struct lookup *l;
	struct world w;
	size_t len;

	begin(&w, one, 1, text);
	l = &w.all.v[0];
	len = reply(&w, 0, 0, records, buf);
	lookup_read(l->query, l->len, buf, len, &r);
	cr_expect_eq(r.fate, LOOKUP_FOUND);
	cr_expect_eq(r.n, 2);
	for (size_t cut = 0; cut < len; cut++) {
		/* So that a sanitizer sees what is behind it. */
		uint8_t *copy = malloc(cut ? cut : 1);

		memcpy(copy, buf, cut);
		lookup_read(l->query, l->len, copy, cut, &r);
		cr_expect_eq(r.fate,
			     cut < l->len ? LOOKUP_OTHER : LOOKUP_FAILED);
		if (cut >= l->len) {
			copy[2] |= PACKET_TC >> 8;
			lookup_read(l->query, l->len, copy, cut, &r);
			cr_expect_eq(r.fate,
				     r.n ? LOOKUP_FOUND : LOOKUP_FAILED);
		}
		free(copy);
	}
	for (size_t i = l->len; i < len; i++) {
		for (unsigned int v = 0; v < 256; v++) {
			memcpy(bad, buf, len);
			bad[i] = (uint8_t)v;
			lookup_read(l->query, l->len, bad, len, &r);
			cr_expect_leq(r.n, 3);
		}
	}
	str_free(&w.said);
}
