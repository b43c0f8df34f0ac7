/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_sign.c - What the signer signs, and what it refuses. */
#include <criterion/criterion.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sign_case.h"
#include "tls_fd.h"

static struct tls_conf *conf(struct arena *a, const char *rules,
			     const char *otherwise, const char *intercept)
{
	char reason[CONF_REASON_MAX] = "";
	const int fd = sign_case_conf_fd(rules, otherwise, intercept);
	struct tls_conf *c = tls_conf_read(a, fd, reason);

	cr_assert(c, "%s", reason);
	close(fd);
	return c;
}

static bool permits_name(const struct tls_conf *c, const char *text)
{
	struct leaf_subject s = {0};
	ARENA(a);

	cr_assert_null(dname_from_presentation(&a, text, &s.name));
	return sign_permits(c, &s);
}

static bool permits_ip(const struct tls_conf *c, const char *text)
{
	struct leaf_subject s = {0};
	struct ip ip;

	cr_assert(ip_parse(text, &ip));
	s.address_len = ip_to_bytes(ip, s.address);
	return sign_permits(c, &s);
}

Test(sign, first_rule_about_a_name)
{
	ARENA(a);
	const struct tls_conf *c = conf(
		&a,
		"{\"Action\":\"deny\",\"Destination\":\"bad.example.com\"},"
		"{\"Action\":\"allow\",\"Destination\":\".example.com\"},"
		"{\"Action\":\"deny\",\"Destination\":\".example.org\"},"
		"{\"Action\":\"allow\",\"Destination\":\"www.example.org\"}",
		"deny", PORT443);

	cr_assert(!permits_name(c, "bad.example.com"));
	cr_assert(permits_name(c, "good.example.com"));
	cr_assert(permits_name(c, "very.bad.example.com"));
	cr_assert(!permits_name(c, "example.com"));
	cr_assert(!permits_name(c, "www.example.org"));
	cr_assert(!permits_name(c, "example.net"));
	/* An address may be pinned to a name that is allowed. */
	cr_assert(permits_ip(c, "198.51.100.7"));
}

Test(sign, rules_about_addresses)
{
	ARENA(a);
	const struct tls_conf *c = conf(
		&a,
		"{\"Action\":\"deny\",\"Destination\":\"198.51.100.0/24\"},"
		"{\"Action\":\"deny\",\"Destination\":\"bad.example.com\"},"
		"{\"Action\":\"allow\",\"Destination\":\"public\"}",
		"deny", PORT443);

	cr_assert(!permits_ip(c, "198.51.100.7"));
	cr_assert(permits_ip(c, "203.0.113.7"));
	cr_assert(!permits_ip(c, "10.0.0.1"));
	cr_assert(permits_ip(c, "2001:db8::1"));
	cr_assert(!permits_ip(c, "169.254.62.1"), "the uplink's");
	cr_assert(permits_name(c, "example.com"));
	cr_assert(!permits_name(c, "bad.example.com"));
}

Test(sign, rules_of_other_services_do_not_count)
{
	ARENA(a);
	const struct tls_conf *c =
		conf(&a,
		     "{\"Action\":\"deny\",\"Destination\":\"a.example\","
		     "\"Ports\":[\"8443\"]},"
		     "{\"Action\":\"deny\",\"Destination\":\"b.example\","
		     "\"Protocols\":[\"udp\"]},"
		     "{\"Action\":\"allow\",\"Destination\":\"c.example\","
		     "\"Ports\":[\"80\"]},"
		     "{\"Action\":\"deny\",\"Destination\":\"c.example\"},"
		     "{\"Action\":\"allow\",\"Ports\":[\"443\",\"8443\"]}",
		     "deny", "\"Ports\":[443,8443]");

	cr_assert(permits_name(c, "a.example"), "at 443");
	cr_assert(permits_name(c, "b.example"));
	cr_assert(!permits_name(c, "c.example"));
	cr_assert(permits_name(c, "d.example"));
}

Test(sign, nothing_without_interception)
{
	ARENA(a);

	cr_assert(!permits_name(conf(&a, "", "allow", NULL), "example.com"));
	cr_assert(!permits_ip(conf(&a, "", "allow", NULL), "203.0.113.7"));
	cr_assert(!permits_name(conf(&a, "", "allow", "\"Ports\":[]"),
				"example.com"));
	cr_assert(!permits_name(conf(&a, "", "deny", PORT443), "example.com"));
	cr_assert(permits_name(conf(&a, "", "allow", PORT443), "example.com"));
}

Test(sign, nothing_that_is_in_bypass)
{
	ARENA(a);
	const struct tls_conf *c = conf(
		&a, "", "allow",
		PORT443 ",\"Bypass\":[\"bank.example\",\"*.example.com\"]");

	cr_assert(!permits_name(c, "bank.example"));
	cr_assert(permits_name(c, "www.bank.example"));
	cr_assert(!permits_name(c, "a.b.example.com"));
	cr_assert(permits_name(c, "example.com"));
}

Test(sign, nothing_that_is_in_the_table_of_names)
{
	ARENA(a);
	struct tls_conf *c = conf(&a, "", "allow", PORT443);
	struct config_names exact = {0}, suffixes = {0};
	struct dname name;
	const void *table;
	size_t len;

	cr_assert_null(dname_from_config(&a, "ads.example", &name));
	exact.v = &name;
	exact.n = 1;
	table = names_build(&a, &exact, &suffixes, &len);
	cr_assert_null(names_open(table, len, &c->walk.names));
	cr_assert(!permits_name(c, "ads.example"));
	cr_assert(permits_name(c, "www.ads.example"));
}

static void prepare(struct sign *s, const struct sign_case *f,
		    const char *rules, const char *intercept)
{
	char reason[CONF_REASON_MAX] = "";
	const int fd = sign_case_conf_fd(rules, "deny", intercept);

	s->next.conf = tls_conf_read(&s->next.given.arena, fd, reason);
	cr_assert(s->next.conf, "%s", reason);
	close(fd);
	if (!f)
		return;
	s->next.given.fd[TLS_CA_CERT] = dup(f->cert);
	s->next.given.fd[TLS_CA_KEY] = dup(f->key);
}

/* The length of the answer; what is not signed is told nothing of. */
static uint32_t answer(struct sign *s, const struct tlsd_sign *ask)
{
	static const struct tlsd_signed nothing;
	struct tlsd_signed got;

	sign_answer(s, ask, time(NULL), 1000, &got);
	if (!got.len)
		cr_assert(memcmp(&got, &nothing, sizeof(got)) == 0);
	return got.len;
}

Test(sign, requests)
{
	const struct sign_case f = sign_case_ca(), other = sign_case_ca();
	struct tlsd_sign ask = sign_case_ask_for(&f, "a.example"), odd;
	struct sign s;

	cr_assert(sign_init(&s));
	cr_assert(!answer(&s, &ask), "there is nothing yet");
	prepare(&s, &f, ALLOW_A, PORT443);
	cr_assert(!answer(&s, &ask), "nothing is ready");
	cr_assert(sign_ready(&s, time(NULL)), "%s", s.next.given.refused);
	sign_commit(&s);
	/* Whoever is refused does not fix the key. */
	odd = sign_case_ask_for(&f, "b.example");
	odd.key[1] = 9;
	cr_assert(!answer(&s, &odd));
	cr_assert(answer(&s, &ask));
	odd = ask;
	odd.key[64] = 1;
	cr_assert(!answer(&s, &odd), "another key");
	odd = sign_case_ask_for(&other, "a.example");
	cr_assert(!answer(&s, &odd), "another CA");
	odd = ask;
	odd.family = 5;
	cr_assert(!answer(&s, &odd));
	odd.family = IP_V4;
	cr_assert(!answer(&s, &odd), "a name and an address");
	odd.name_len = 0;
	cr_assert(answer(&s, &odd), "an address that may be pinned");
	odd.family = IP_V6;
	cr_assert(answer(&s, &odd));
	odd.address[10] = odd.address[11] = 0xff;
	cr_assert(!answer(&s, &odd), "IPv4-mapped");
	for (int i = 0; i < 256; i++) {
		odd = ask;
		odd.name_len = (uint8_t)i;
		cr_assert(!answer(&s, &odd) || i == ask.name_len, "%d", i);
		odd = ask;
		odd.name[1] = (uint8_t)i;
		cr_assert(!answer(&s, &odd) || i == 'a', "%d", i);
		odd = ask;
		odd.name[0] = (uint8_t)i;
		cr_assert(!answer(&s, &odd) || i == 1, "%d", i);
	}
	sign_free(&s);
}

/* What is prepared is signed for, too, each with its own CA; afterwards only
 * what is in force. */
Test(sign, two_configurations)
{
	const struct sign_case f = sign_case_ca(), g = sign_case_ca();
	struct tlsd_sign a = sign_case_ask_for(&f, "a.example");
	struct tlsd_sign b = sign_case_ask_for(&f, "b.example");
	struct tlsd_sign ga = sign_case_ask_for(&g, "a.example");
	struct tlsd_sign gb = sign_case_ask_for(&g, "b.example");
	struct sign s;

	cr_assert(sign_init(&s));
	prepare(&s, &f, ALLOW_A, PORT443);
	cr_assert(sign_ready(&s, time(NULL)));
	sign_commit(&s);
	prepare(&s, &g, ALLOW_B, PORT443);
	cr_assert(!answer(&s, &gb), "not ready");
	cr_assert(sign_ready(&s, time(NULL)));
	cr_assert(answer(&s, &a) && answer(&s, &gb));
	cr_assert(!answer(&s, &b) && !answer(&s, &ga));
	sign_abort(&s);
	cr_assert(answer(&s, &a) && !answer(&s, &gb));
	prepare(&s, &g, ALLOW_B, PORT443);
	cr_assert(sign_ready(&s, time(NULL)));
	sign_commit(&s);
	cr_assert(!answer(&s, &a) && answer(&s, &gb));
	/* The CA stays if none comes. */
	prepare(&s, NULL, ALLOW_A, PORT443);
	cr_assert(sign_ready(&s, time(NULL)), "%s", s.next.given.refused);
	sign_commit(&s);
	cr_assert(answer(&s, &ga) && !answer(&s, &gb));
	/* Without interception there is no need for one. */
	prepare(&s, NULL, ALLOW_A, NULL);
	cr_assert(sign_ready(&s, time(NULL)));
	sign_commit(&s);
	cr_assert(!answer(&s, &ga));
	cr_assert(s.now.ca->key.kind == KEY_NONE, "the key is gone");
	sign_free(&s);
}

Test(sign, a_ca_that_is_refused)
{
	const struct sign_case f = sign_case_ca(), g = sign_case_ca();
	struct sign s;

	cr_assert(sign_init(&s));
	prepare(&s, NULL, ALLOW_A, PORT443);
	cr_assert(!sign_ready(&s, time(NULL)));
	cr_assert_str_eq(s.next.given.refused, "a descriptor is missing");
	sign_abort(&s);
	prepare(&s, &f, ALLOW_A, PORT443);
	close(s.next.given.fd[TLS_CA_KEY]);
	s.next.given.fd[TLS_CA_KEY] = dup(g.key);
	cr_assert(!sign_ready(&s, time(NULL)));
	cr_assert_str_eq(s.next.given.refused,
			 "the CA's key is not that of the certificate");
	sign_abort(&s);
	prepare(&s, &f, ALLOW_A, PORT443);
	cr_assert(!sign_ready(&s, time(NULL) + 2 * AUTHORITY_AHEAD));
	cr_assert(strstr(s.next.given.refused, "has expired on"));
	sign_free(&s);
}

Test(sign, rate)
{
	const struct sign_case f = sign_case_ca();
	const struct tlsd_sign ask = sign_case_ask_for(&f, "a.example");
	struct tlsd_signed got;
	struct sign s;
	int n = 0;

	cr_assert(sign_init(&s));
	prepare(&s, &f, ALLOW_A, PORT443);
	cr_assert(sign_ready(&s, time(NULL)));
	sign_commit(&s);
	s.tokens = 3;
	s.refilled = 5000;
	for (int i = 0; i<10; i++, n += got.len> 0)
		sign_answer(&s, &ask, time(NULL), 5000, &got);
	cr_assert_eq(n, 3);
	sign_answer(&s, &ask, time(NULL), 5003, &got);
	cr_assert(!got.len, "not a whole one yet");
	sign_answer(&s, &ask, time(NULL), 5004, &got);
	cr_assert(got.len);
	sign_answer(&s, &ask, time(NULL), 5004, &got);
	cr_assert(!got.len);
	sign_answer(&s, &ask, time(NULL), 5004 + 3600000, &got);
	cr_assert(got.len && s.tokens == SIGN_BURST - 1);
	sign_free(&s);
}
