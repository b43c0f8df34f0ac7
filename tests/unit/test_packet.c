/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_packet.c - DNS messages: names, records, and changes in place. */
#include <criterion/criterion.h>
#include <string.h>

#include "packet.h"

/* A message as octets, with its length. */
#define MESSAGE(...) \
	uint8_t data[1500] = {__VA_ARGS__}; \
	const size_t len = sizeof((uint8_t[]){__VA_ARGS__})

#define QUERY_HEADER	 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0
#define REPLY_HEADER(an) 0x12, 0x34, 0x81, 0x80, 0, 1, 0, an, 0, 0, 0, 0
#define A_B		 1, 'a', 1, 'B', 0
#define QUESTION_A	 A_B, 0, 1, 0, 1

static const char *text(const struct packet_name *n, char buf[DNAME_TEXT_MAX])
{
	return dname_format(packet_dname(n), buf);
}

Test(packet, reads_a_question)
{
	MESSAGE(QUERY_HEADER, QUESTION_A);
	struct packet_question q;
	char buf[DNAME_TEXT_MAX];

	cr_assert_eq(packet_question_read(data, len, false, &q), PACKET_GOOD);
	cr_expect_eq(q.id, 0x1234);
	cr_expect_str_eq(text(&q.name, buf), "a.b");
	cr_expect_eq(q.type, TYPE_A);
	cr_expect_eq(q.class, CLASS_IN);
	cr_expect_eq(q.end, len);
	cr_expect_not(q.edns);
	cr_expect_eq(q.size, 512);
	for (size_t cut = 0; cut < len; cut++)
		cr_expect_eq(packet_question_read(data, cut, false, &q),
			     PACKET_GARBAGE);
	cr_expect_eq(packet_question_read(data, len + 1, false, &q),
		     PACKET_GARBAGE);
	cr_expect_eq(packet_question_read(data, len, true, &q), PACKET_GARBAGE);
}

Test(packet, tells_faults_apart)
{
	static const struct {
		unsigned int at, value;
		enum packet_fault fault;
	} cases[] = {
		{2, 0x81, PACKET_GARBAGE},  {2, 0x09, PACKET_NO_QUERY},
		{2, 0x29, PACKET_NO_QUERY}, {5, 0, PACKET_QUESTIONS},
		{5, 2, PACKET_QUESTIONS},   {7, 1, PACKET_GARBAGE},
		{11, 1, PACKET_GARBAGE},    {12, 64, PACKET_GARBAGE},
		{12, 0xc0, PACKET_GARBAGE}, {16, 1, PACKET_GARBAGE},
		{18, 41, PACKET_QUESTIONS},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		MESSAGE(QUERY_HEADER, QUESTION_A);
		struct packet_question q;

		data[cases[i].at] = (uint8_t)cases[i].value;
		cr_expect_eq(packet_question_read(data, len, false, &q),
			     cases[i].fault, "case %zu", i);
	}
}

Test(packet, reads_edns)
{
	MESSAGE(0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1, QUESTION_A, 0, 0, 41, 4,
		0xd0, 0, 0, 0x80, 0, 0, 6, 0, 10, 0, 2, 7, 7);
	struct packet_question q;

	cr_assert_eq(packet_question_read(data, len, false, &q), PACKET_GOOD);
	cr_expect(q.edns && q.dnssec_ok);
	cr_expect_eq(q.size, 1232);
	cr_expect_eq(q.opt, q.end);
	cr_expect_eq(q.opt_end, len);
	data[q.opt + 6] = 1;
	cr_expect_eq(packet_question_read(data, len, false, &q),
		     PACKET_VERSION);
	data[q.opt + 6] = 0;
	data[len - 3] = 9;
	cr_expect_eq(packet_question_read(data, len, false, &q),
		     PACKET_QUESTIONS);
}

Test(packet, names_end_whatever_they_point_at)
{
	/* At 12 a pointer to itself, at 14 one forward, at 16 "x" and one to
	 * 12, at 20 one to 16, at 22 one into the header. */
	MESSAGE(QUERY_HEADER, 0xc0, 12, 0xc0, 16, 1, 'x', 0xc0, 12, 0xc0, 16,
		0xc0, 4, 1, 'y', 0, 1, 'z', 0xc0, 24);
	struct packet_name n;
	char buf[DNAME_TEXT_MAX];

	cr_expect_eq(packet_name_read(data, len, 12, &n), 0);
	cr_expect_eq(packet_name_read(data, len, 14, &n), 0);
	cr_expect_eq(packet_name_read(data, len, 16, &n), 0);
	cr_expect_eq(packet_name_read(data, len, 20, &n), 0);
	cr_expect_eq(packet_name_read(data, len, 22, &n), 0);
	cr_expect_eq(packet_name_read(data, len, 27, &n), 31);
	cr_expect_str_eq(text(&n, buf), "z.y");
	cr_expect_eq(packet_name_read(data, len - 1, 27, &n), 0);
}

Test(packet, a_name_has_255_octets_at_most)
{
	uint8_t data[PACKET_HEADER + 400] = {0};
	struct packet_name n;
	size_t at = PACKET_HEADER;

	for (int i = 0; i < 127; i++, at += 2)
		data[at] = 1, data[at + 1] = 'a';
	cr_expect_eq(packet_name_read(data, sizeof(data), 12, &n), at + 1);
	cr_expect_eq(n.len, 255);
	/* One more label, before a pointer to these. */
	data[at + 1] = 1;
	data[at + 2] = 'b';
	data[at + 3] = 0xc0;
	data[at + 4] = 12;
	cr_expect_eq(packet_name_read(data, sizeof(data), at + 1, &n), 0);
	data[at + 4] = 14;
	cr_expect_eq(packet_name_read(data, sizeof(data), at + 1, &n), at + 5);
}

Test(packet, a_cut_moves_what_points_behind_it)
{
	/* b. TXT with 5 octets, then "c" + pointer as CNAME's owner, whose
	 * target is a new name, then a record owned by that target. */
	MESSAGE(REPLY_HEADER(3), QUESTION_A, 0xc0, 14, 0, 16, 0, 1, 0, 0, 0, 9,
		0, 5, 4, 'k', 'i', 'l', 'l', 0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9,
		0, 5, 3, 'n', 'e', 'w', 0, 0xc0, 50, 0, 1, 0, 1, 0, 0, 0, 9, 0,
		4, 1, 2, 3, 4);
	struct packet p = {data, len, sizeof(data)};
	struct packet_question q;
	struct packet_record r;
	struct packet_name n;
	struct packet_walk w;
	char buf[DNAME_TEXT_MAX];

	cr_assert_eq(packet_question_read(data, len, true, &q), PACKET_GOOD);
	w = packet_walk_begin(data, &q);
	cr_assert_eq(packet_walk_next(data, len, &w, &r), 1);
	data[r.rdata] = 2;
	cr_assert(packet_cut(&p, &q, &r, r.rdata + 3, 2));
	cr_assert_eq(p.len, len - 2);
	cr_assert_eq(packet_question_read(data, p.len, true, &q), PACKET_GOOD);
	w = packet_walk_begin(data, &q);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(packet_walk_next(data, p.len, &w, &r), 1);
	cr_expect_eq(packet_walk_next(data, p.len, &w, &r), 0);
	cr_expect_eq(packet_name_read(data, p.len, r.owner, &n), r.owner + 2);
	cr_expect_str_eq(text(&n, buf), "new");
}

Test(packet, a_cut_takes_no_name_away)
{
	/* A TXT whose octets are the name that the next record points to. */
	MESSAGE(REPLY_HEADER(2), QUESTION_A, 0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 9,
		0, 3, 1, 'n', 0, 0xc0, 33, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 1, 2,
		3, 4);
	struct packet p = {data, len, sizeof(data)};
	struct packet_question q;
	struct packet_record r;
	struct packet_walk w;

	cr_assert_eq(packet_question_read(data, len, true, &q), PACKET_GOOD);
	w = packet_walk_begin(data, &q);
	cr_assert_eq(packet_walk_next(data, len, &w, &r), 1);
	cr_expect_not(packet_cut(&p, &q, &r, r.rdata, 3));
}

Test(packet, makes_replies)
{
	MESSAGE(0, 9, 1, 0x10, 0, 1, 0, 0, 0, 0, 0, 1, QUESTION_A, 0, 0, 41, 4,
		0xd0, 0, 0, 0x80, 0, 0, 0);
	uint8_t out[PACKET_UDP_MIN];
	struct packet p = {out, 0, sizeof(out)};
	struct packet_question q, r;
	static const uint8_t address[] = {192, 0, 2, 1};

	cr_assert_eq(packet_question_read(data, len, false, &q), PACKET_GOOD);
	packet_reply_begin(&p, data, &q, PACKET_AA, RCODE_NXDOMAIN);
	packet_put_address(&p, TYPE_A, address, 60);
	packet_put_soa(&p, 10);
	packet_put_opt(&p, &q, RCODE_NXDOMAIN, EDE_BLOCKED, "why");
	cr_assert_eq(packet_question_read(out, p.len, true, &r), PACKET_GOOD);
	cr_expect_eq(r.id, 9);
	cr_expect_eq(r.flags, PACKET_QR | PACKET_AA | PACKET_RD | PACKET_RA |
				      PACKET_CD | RCODE_NXDOMAIN);
	cr_expect(r.edns && r.dnssec_ok);
	cr_expect_eq(memcmp(out + 12, data + 12, 9), 0);
	cr_expect_eq(packet_get16(out + r.opt + 11), 15);
	cr_expect_eq(packet_get16(out + r.opt + 15), EDE_BLOCKED);

	packet_age(&p, &r, 25, 3600);
	cr_expect_eq(packet_get32(out + r.end + 6), 35);
	packet_age(&p, &r, 25, 5);
	cr_expect_eq(packet_get32(out + r.end + 6), 5);
	packet_truncate(&p, &r);
	cr_assert_eq(packet_question_read(out, p.len, true, &r), PACKET_GOOD);
	cr_expect(r.flags & PACKET_TC);
	cr_expect(r.edns);
	cr_expect_eq(packet_get16(out + 6), 0);
	cr_expect_eq(packet_get16(out + 10), 1);
}
