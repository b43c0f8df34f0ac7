/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pin_table.c - Pins: limits, order, and what the sets are told. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "dnsd_pins.h"
#include "str.h"

static struct dname name(struct arena *a, const char *text)
{
	struct dname n = {0};

	cr_assert_null(dname_from_presentation(a, text, &n));
	return n;
}

static void told(void *to, const char *what, const struct pin_element *e,
		 const struct pin_names *names, uint32_t life)
{
	char ip[IP_TEXT_MAX], text[PIN_COMMENT_MAX] = "";

	if (names)
		pin_comment_others(names->others, text,
				   pin_comment_name(names->name, text));
	str_printf(to, "%s %u %s%s%s", what, e->set, ip_format(e->ip, ip),
		   names ? " " : "", text);
	if (names)
		str_printf(to, " %u", life);
	str_puts(to, ";");
}

static void told_add(void *to, const struct pin_element *e,
		     const struct pin_names *names, uint32_t life)
{
	told(to, "add", e, names, life);
}

static void told_renew(void *to, const struct pin_element *e,
		       const struct pin_names *names, uint32_t life,
		       bool unsure)
{
	told(to, unsure ? "renew?" : "renew", e, names, life);
}

static void told_remove(void *to, const struct pin_element *e)
{
	told(to, "remove", e, NULL, 0);
}

static const struct pin_change change = {told_add, told_renew, told_remove};

static struct pin_element element(uint16_t set, unsigned int n)
{
	return (struct pin_element){set, {IP_V4, (ip_num)0xc6336400 + n}};
}

static void expect(struct str *s, const char *text)
{
	cr_expect_str_eq(str_text(s), text);
	str_free(s);
}

Test(pin_table, says_what_is_to_be_done)
{
	struct pin_table *t = pin_table_new();
	struct pin_element one = element(0, 1), other = element(1, 1);
	ARENA(a);
	STR(s);

	pin_table_add(t, &one, name(&a, "a"), 120, 1000, &change, &s);
	expect(&s, "add 0 198.51.100.1 a 120;");
	/* Not longer than it has: nothing. */
	pin_table_add(t, &one, name(&a, "a"), 100, 1010, &change, &s);
	expect(&s, "");
	/* Another name: it is told, for the time that the element has. */
	pin_table_add(t, &one, name(&a, "b"), 100, 1010, &change, &s);
	expect(&s, "renew 0 198.51.100.1 a +1 110;");
	pin_table_add(t, &one, name(&a, "b"), 110, 1010, &change, &s);
	expect(&s, "");
	pin_table_add(t, &one, name(&a, "b"), 120, 1010, &change, &s);
	expect(&s, "renew 0 198.51.100.1 b +1 120;");
	/* Another set is another element. */
	pin_table_add(t, &other, name(&a, "a"), 120, 1010, &change, &s);
	expect(&s, "add 1 198.51.100.1 a 120;");
	/* Near its end, and behind it, it may be gone. The other name's time is
	 * over when the element is written next. */
	pin_table_add(t, &one, name(&a, "a"), 120, 1128, &change, &s);
	expect(&s, "renew? 0 198.51.100.1 a +1 120;");
	pin_table_add(t, &one, name(&a, "a"), 120, 1130, &change, &s);
	expect(&s, "renew 0 198.51.100.1 a 120;");
	pin_table_add(t, &one, name(&a, "c"), 10, 1130, &change, &s);
	expect(&s, "renew 0 198.51.100.1 a +1 120;");
	/* So it is for one that comes again behind its end. */
	pin_table_add(t, &one, name(&a, "c"), 10, 1200, &change, &s);
	expect(&s, "renew 0 198.51.100.1 a +1 50;");
	pin_table_add(t, &other, name(&a, "a"), 120, 1131, &change, &s);
	expect(&s, "add 1 198.51.100.1 a 120;");
	cr_expect_eq(pin_table_epoch(t), 0);
	pin_table_free(t);
}

/* What has ended may still be in its set for a moment. */
Test(pin_table, what_has_just_ended_is_unsure)
{
	struct pin_table *t = pin_table_new();
	struct pin_element e = element(0, 1), other = element(0, 2);
	ARENA(a);
	STR(s);

	pin_table_add(t, &e, name(&a, "a"), 120, 1000, NULL, NULL);
	pin_table_add(t, &other, name(&a, "b"), 120, 1120, NULL, NULL);
	pin_table_add(t, &e, name(&a, "a"), 120, 1121, &change, &s);
	expect(&s, "renew? 0 198.51.100.1 a 120;");
	pin_table_free(t);
}

Test(pin_table, a_name_has_64)
{
	struct pin_table *t = pin_table_new();
	struct pin_element e;
	ARENA(a);
	STR(s);

	for (unsigned int i = 0; i < PIN_NAME_MAX; i++) {
		e = element(0, i);
		pin_table_add(t, &e, name(&a, "a"), 120, 1000, &change, &s);
	}
	str_free(&s);
	/* The first one is renewed, so the second is the oldest; but somebody
	 * else has it too, and for less long. */
	e = element(0, 0);
	pin_table_add(t, &e, name(&a, "a"), 121, 1000, NULL, NULL);
	e = element(0, 1);
	pin_table_add(t, &e, name(&a, "b"), 110, 1000, NULL, NULL);
	e = element(0, 100);
	pin_table_add(t, &e, name(&a, "a"), 120, 1000, &change, &s);
	expect(&s, "renew 0 198.51.100.1 b 110;add 0 198.51.100.100 a 120;");
	cr_expect_eq(pin_table_epoch(t), 1);
	e = element(0, 101);
	pin_table_add(t, &e, name(&a, "a"), 120, 1000, &change, &s);
	expect(&s, "remove 0 198.51.100.2;add 0 198.51.100.101 a 120;");
	cr_expect_eq(pin_table_epoch(t), 2);
	/* The limit is each name's own. */
	pin_table_add(t, &e, name(&a, "c"), 120, 1000, &change, &s);
	expect(&s, "renew 0 198.51.100.101 c +1 120;");
	cr_expect_eq(pin_table_count(t), PIN_NAME_MAX + 2);
	/* Of the next one, somebody else's name is told, which may stay. */
	e = element(0, 3);
	pin_table_add(t, &e, name(&a, "b"), 130, 1000, NULL, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		e = element(0, 102 + i);
		pin_table_add(t, &e, name(&a, "a"), 120, 1000, &change, &s);
	}
	expect(&s, "add 0 198.51.100.102 a 120;remove 0 198.51.100.4;"
		   "add 0 198.51.100.103 a 120;");
	pin_table_free(t);
}

/* The pin that has to go may be of the element that is added. */
Test(pin_table, makes_room_before_it_adds)
{
	struct pin_table *t = pin_table_new();
	struct pin_element e = element(0, 0), first = e;
	char text[32];
	ARENA(a);
	STR(want);
	STR(s);

	for (unsigned int i = 0; i < PIN_TABLE_MAX; i++) {
		snprintf(text, sizeof(text), "n%u", i / 2);
		e = element(0, i);
		pin_table_add(t, &e, name(&a, text), 3600, 1000, NULL, NULL);
	}
	pin_table_add(t, &first, name(&a, "x"), 120, 1000, &change, &s);
	for (unsigned int i = 0; i < PIN_TABLE_ROOM; i++)
		str_printf(&want, "remove 0 198.51.100.%u;", i);
	str_puts(&want, "add 0 198.51.100.0 x 120;");
	expect(&s, str_text(&want));
	str_free(&want);
	cr_expect_eq(pin_table_count(t), PIN_TABLE_MAX - PIN_TABLE_ROOM + 1);
	for (unsigned int i = 1; i < PIN_TABLE_ROOM; i++) {
		e = element(1, i);
		pin_table_add(t, &e, name(&a, "y"), 3600, 1000, NULL, NULL);
	}
	cr_expect_eq(pin_table_count(t), PIN_TABLE_MAX);
	cr_expect_eq(pin_table_epoch(t), PIN_TABLE_ROOM);
	/* The next is near its end, and may be there or not. */
	e = element(0, PIN_TABLE_ROOM);
	pin_table_add(t, &e, name(&a, "x"), 3600, 4599, &change, &s);
	expect(&s, "renew? 0 198.51.100.16 x 3600;");
	pin_table_free(t);
}

Test(pin_table, a_sandbox_has_16384)
{
	struct pin_table *t = pin_table_new();
	struct pin_element e;
	char text[32];
	ARENA(a);
	STR(s);

	for (unsigned int i = 0; i < 3 * PIN_TABLE_MAX; i++) {
		snprintf(text, sizeof(text), "n%u", i / 2);
		e = element(0, i);
		pin_table_add(t, &e, name(&a, text), 3600, 1000 + i / 1000,
			      &change, &s);
		cr_assert_leq(pin_table_count(t), PIN_TABLE_MAX);
		if (i == PIN_TABLE_MAX)
			cr_expect_not_null(
				strstr(str_text(&s), "remove 0 198.51.100.0"));
		str_free(&s);
	}
	cr_expect_eq(pin_table_count(t), PIN_TABLE_MAX);
	cr_expect_eq(pin_table_epoch(t), 2 * PIN_TABLE_MAX);
	pin_table_clear(t);
	cr_expect_eq(pin_table_count(t), 0);
	pin_table_free(t);
}

static void list(void *to, const struct pin_element *e,
		 const struct pin_names *names, uint32_t life)
{
	told(to, "pin", e, names, life);
}

Test(pin_table, lists_what_has_time_left)
{
	struct pin_table *t = pin_table_new();
	struct pin_element e = element(0, 1);
	ARENA(a);
	STR(s);

	pin_table_add(t, &e, name(&a, "a"), 120, 1000, NULL, NULL);
	e = element(2, 2);
	pin_table_hold(t, &e, 1, 300, 1000);
	e = element(2, 3);
	pin_table_hold(t, &e, 2, 300, 1000);
	pin_table_each(t, 1100, list, &s);
	expect(&s, "pin 0 198.51.100.1 a 20;pin 2 198.51.100.2 ... 200;"
		   "pin 2 198.51.100.3 ... +1 200;");
	pin_table_each(t, 1200, list, &s);
	expect(&s, "pin 2 198.51.100.2 ... 100;"
		   "pin 2 198.51.100.3 ... +1 100;");
	pin_table_free(t);
}

/* An element that was there before: its names that are not known count. */
Test(pin_table, counts_names_that_are_not_known)
{
	struct pin_table *t = pin_table_new();
	struct pin_element e = element(0, 1);
	ARENA(a);
	STR(s);

	pin_table_add(t, &e, name(&a, "a"), 100, 1000, NULL, NULL);
	pin_table_hold(t, &e, 2, 100, 1000);
	cr_expect_eq(pin_table_count(t), 2);
	/* Of those that end last, a name that is known is told. */
	pin_table_write(t, 1000, &change, &s);
	expect(&s, "add 0 198.51.100.1 a +2 100;");
	pin_table_add(t, &e, name(&a, "b"), 90, 1000, &change, &s);
	expect(&s, "renew 0 198.51.100.1 a +3 100;");
	pin_table_add(t, &e, name(&a, "b"), 120, 1000, &change, &s);
	expect(&s, "renew 0 198.51.100.1 b +3 120;");
	/* Nobody is given the time of another. */
	pin_table_add(t, &e, name(&a, "b"), 130, 1100, &change, &s);
	expect(&s, "renew 0 198.51.100.1 b 130;");
	pin_table_hold(t, &e, 2, 200, 1100);
	pin_table_write(t, 1100, &change, &s);
	expect(&s, "add 0 198.51.100.1 ... +2 200;");
	pin_table_free(t);
}

Test(pin_table, writes_each_element_once)
{
	struct pin_table *t = pin_table_new();
	struct pin_element e;
	ARENA(a);
	STR(s);

	for (unsigned int i = 0; i < 3; i++) {
		e = element(0, i);
		pin_table_add(t, &e, name(&a, "a"), 120, 1000 + i, NULL, NULL);
		pin_table_add(t, &e, name(&a, "b"), 120 + (i == 1), 1000 + i,
			      NULL, NULL);
	}
	pin_table_write(t, 1120, &change, &s);
	expect(&s, "add 0 198.51.100.1 b +1 2;add 0 198.51.100.2 b +1 2;");
	pin_table_free(t);
}

Test(pin_table, expired_ones_make_room)
{
	struct pin_table *t = pin_table_new();
	struct pin_element e;
	ARENA(a);

	for (unsigned int i = 0; i < 100; i++) {
		e = element(0, i);
		pin_table_add(t, &e, name(&a, "a"), 120, 1000, NULL, NULL);
		pin_table_add(t, &e, name(&a, "b"), 120, 1000 + i, NULL, NULL);
	}
	for (unsigned int i = 0; i < 100; i++) {
		e = element(0, 1000 + i);
		pin_table_add(t, &e, name(&a, "c"), 120, 5000, NULL, NULL);
	}
	cr_expect_eq(pin_table_count(t), PIN_NAME_MAX);
	pin_table_free(t);
}

/* A message as the worker sends it: without gaps. */
static size_t message(struct pin_batch *b, uint32_t names, uint32_t addresses)
{
	char *at = (char *)b->name;

	memset(b, 0, sizeof(*b));
	b->head = (struct pin_head){names, addresses};
	for (uint32_t i = 0; i < names; i++) {
		const struct pin_name n = {3, {1, 'a', 0}};

		memcpy(at, &n, sizeof(n));
		at += sizeof(n);
	}
	for (uint32_t i = 0; i < addresses; i++) {
		const struct pin_address a = {.life = 120, .family = 4};

		memcpy(at, &a, sizeof(a));
		at += sizeof(a);
	}
	return (size_t)(at - (char *)b);
}

Test(dnsd_pins, takes_whole_messages_alone)
{
	static struct pin_batch b;
	size_t len;

	len = message(&b, 2, 3);
	cr_expect(dnsd_pins_check(&b, len));
	cr_expect_eq(b.address[2].life, 120);
	for (size_t cut = 0; cut < len; cut++) {
		message(&b, 2, 3);
		cr_expect_not(dnsd_pins_check(&b, cut));
	}
	len = message(&b, 1, 1);
	b.head.names = 0;
	cr_expect_not(dnsd_pins_check(&b, len));
	len = message(&b, 1, 1);
	b.head.names = UINT32_MAX;
	cr_expect_not(dnsd_pins_check(&b, len));
	len = message(&b, 1, 1);
	b.head.addresses = UINT32_MAX;
	cr_expect_not(dnsd_pins_check(&b, len));
}

Test(dnsd_pins, takes_good_names_and_addresses_alone)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{0, 2},	    {0, 4},	 {1, 64},  {1, 0},   {3, 1},
		{256, 119}, {257, 0xff}, {260, 1}, {262, 5}, {263, 1},
	};
	static struct pin_batch b;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const size_t len = message(&b, 1, 1);

		((uint8_t *)b.name)[bad[i].at] = bad[i].value;
		cr_expect_not(dnsd_pins_check(&b, len), "case %zu", i);
	}
}

/* One name with one address. */
static bool permits(const struct dns_conf *c, const char *wire, size_t len,
		    struct ip ip)
{
	static struct pin_batch b;

	message(&b, 1, 1);
	b.name[0].len = (uint8_t)len;
	memcpy(b.name[0].wire, wire, len);
	b.address[0] =
		(struct pin_address){.life = 120, .family = (uint8_t)ip.family};
	ip_to_bytes(ip, b.address[0].bytes);
	return dnsd_pins_permit(c, &b);
}

/* Whoever has taken the worker over pins nothing that no answer may have. */
Test(dnsd_pins, permits_what_answers_may_have)
{
	static const char name[] = "\3api\4test",
			  gateway[] = "\4host\14microsandbox\10internal";
	const struct ip gw = ip4(172, 16, 0, 1), ten = ip4(10, 0, 0, 5);
	const struct ip nat = {IP_V6, ((ip_num)0x64ff9b << 96) | ten.num};
	ARENA(a);
	const struct ip_range local[] = {
		{IP_V4, ip4(10, 0, 0, 0).num, ip4(10, 255, 255, 255).num},
		{IP_V4, ip4(172, 16, 0, 0).num, ip4(172, 31, 255, 255).num},
	};
	struct dns_conf c = {.local = ip_set_from(&a, local, 2)};

	c.walk.gw4 = gw;
	cr_expect(permits(&c, name, sizeof(name), ip4(198, 51, 100, 1)));
	cr_expect_not(permits(&c, name, sizeof(name), ten));
	cr_expect_not(permits(&c, name, sizeof(name), nat));
	cr_expect_not(permits(&c, name, sizeof(name), gw));
	cr_expect(permits(&c, gateway, sizeof(gateway), gw));
	cr_expect_not(permits(&c, gateway, sizeof(gateway), ten));
	c.local = (struct ip_set){0};
	cr_expect(permits(&c, name, sizeof(name), ten));
}
