/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_pin_set.c - Batches of changes, done one by one as the kernel would. */
#include <criterion/criterion.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "pin_set.h"

/* Elements of a set that the kernel has, by their place. */
#define PLACES 4096

/* Address of the first place, where it is IPv4. */
#define FIRST 0xc6336400

/* Sets: pairs, and families. */
#define SETS  2
#define KINDS (2 * SETS)

/** struct kernel - What the kernel has of the sets, and how often it refused
 * @life:	time of an element, ms; 0: it is not there
 * @comment:	its comment
 * @elements:	elements that messages were about
 * @messages:	messages about elements
 * @removed:	elements removed
 * @wrong:	what it would have refused
 * @acks:	messages that ask for an acknowledgement
 * @seq:	of the last message
 */
struct kernel {
	uint64_t life[KINDS][PLACES];
	char comment[KINDS][PLACES][PIN_COMMENT_MAX];
	size_t elements;
	size_t messages;
	size_t removed;
	size_t wrong;
	size_t acks;
	uint32_t seq;
};

static struct walk_pin_set pairs[SETS] = {
	{.set4 = "a4", .set6 = "a6"},
	{.set4 = "b4", .set6 = "b6"},
};

static struct ip address(enum ip_family family, unsigned int place)
{
	if (family == IP_V4)
		return (struct ip){family, (ip_num)FIRST + place};
	return (struct ip){family, (ip_num)0x20010db8 << 96 | place};
}

/** struct attrs - Attributes by type, and how many there are */
struct attrs {
	const struct nlattr *v[NFTA_SET_ELEM_MAX + 1];
	size_t n;
};

static int keep(const struct nlattr *a, void *to)
{
	struct attrs *attrs = to;

	cr_assert_leq(mnl_attr_get_type(a), NFTA_SET_ELEM_MAX);
	attrs->v[mnl_attr_get_type(a)] = a;
	attrs->n++;
	return MNL_CB_OK;
}

static struct attrs inside(const struct nlattr *nest)
{
	struct attrs ret = {0};

	cr_assert_not_null(nest);
	cr_assert(nest->nla_type & NLA_F_NESTED);
	cr_assert_eq(mnl_attr_parse_nested(nest, keep, &ret), MNL_CB_OK);
	return ret;
}

/** struct list - A message's list while it is read */
struct list {
	struct kernel *k;
	unsigned int kind;
	bool adds;
};

static int element(const struct nlattr *e, void *to)
{
	const struct list *l = to;
	const struct attrs is = inside(e);
	const struct attrs key = inside(is.v[NFTA_SET_ELEM_KEY]);
	const struct nlattr *value = key.v[NFTA_DATA_VALUE];
	const bool v6 = l->kind % 2;
	struct kernel *k = l->k;
	unsigned int place;
	uint64_t *life;

	cr_assert_not_null(value);
	cr_assert_eq(mnl_attr_get_payload_len(value), v6 ? 16 : 4);
	place = (unsigned int)ip_from_bytes(v6 ? IP_V6 : IP_V4,
					    mnl_attr_get_payload(value))
			.num -
		(v6 ? 0 : FIRST);
	cr_assert_lt(place, PLACES);
	life = &k->life[l->kind][place];
	k->elements++;
	if (!l->adds) {
		cr_assert_eq(is.n, 1);
		/* Taking away one that is not there fails. */
		k->wrong += !*life;
		k->removed++;
		*life = 0;
		return MNL_CB_OK;
	}
	cr_assert_eq(is.n, 3);
	cr_assert_not_null(is.v[NFTA_SET_ELEM_TIMEOUT]);
	cr_assert_not_null(is.v[NFTA_SET_ELEM_USERDATA]);
	/* One that is there stays as it is. */
	if (*life)
		return MNL_CB_OK;
	*life = be64toh(mnl_attr_get_u64(is.v[NFTA_SET_ELEM_TIMEOUT]));
	snprintf(k->comment[l->kind][place], PIN_COMMENT_MAX, "%s",
		 (const char *)mnl_attr_get_payload(
			 is.v[NFTA_SET_ELEM_USERDATA]) +
			 2);
	return MNL_CB_OK;
}

static void message(struct kernel *k, const struct nlmsghdr *h)
{
	struct list l = {.k = k,
			 .adds = (h->nlmsg_type & 0xff) == NFT_MSG_NEWSETELEM};
	struct attrs is = {0};
	const char *set;

	cr_assert_eq(h->nlmsg_type >> 8, NFNL_SUBSYS_NFTABLES);
	cr_assert(l.adds || (h->nlmsg_type & 0xff) == NFT_MSG_DELSETELEM);
	k->messages++;
	k->acks += (h->nlmsg_flags & NLM_F_ACK) != 0;
	cr_assert_eq(mnl_attr_parse(h, sizeof(struct nfgenmsg), keep, &is),
		     MNL_CB_OK);
	set = mnl_attr_get_str(is.v[NFTA_SET_ELEM_LIST_SET]);
	l.kind = (unsigned int)(set[0] - 'a') * 2 + (set[1] == '6');
	cr_assert_lt(l.kind, KINDS);
	if (is.v[NFTA_SET_ELEM_LIST_ELEMENTS]) {
		mnl_attr_parse_nested(is.v[NFTA_SET_ELEM_LIST_ELEMENTS],
				      element, &l);
		return;
	}
	/* Without a list it is about all of them. */
	cr_assert_not(l.adds);
	memset(k->life[l.kind], 0, sizeof(k->life[l.kind]));
}

/* Do what a batch says. Without a socket it is made, and not sent. */
static void commit(struct kernel *k, struct pin_set *s)
{
	const struct nlmsghdr *h = (const void *)s->buf, *last = NULL;
	int left;

	cr_assert_not(pin_set_commit(s) && s->last);
	cr_assert_not(s->overflow);
	if (!s->last)
		return;
	k->acks = 0;
	left = (int)s->len;
	for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
		cr_assert_eq(h->nlmsg_seq, k->seq + 1);
		k->seq = h->nlmsg_seq;
		if (h->nlmsg_type == NFNL_MSG_BATCH_END)
			break;
		if (h->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
			continue;
		message(k, h);
		last = h;
	}
	cr_assert_eq(h->nlmsg_type, NFNL_MSG_BATCH_END);
	cr_assert_eq(left, (int)mnl_nlmsg_size(sizeof(struct nfgenmsg)));
	/* The last one alone is acknowledged, for all. */
	cr_assert_not_null(last);
	cr_assert(last->nlmsg_flags & NLM_F_ACK);
	cr_assert_eq(k->acks, 1);
}

static struct pin_set open_set(const struct dns_conf *conf, struct kernel *k)
{
	struct pin_set s;

	cr_assert(pin_set_open(&s));
	pin_set_use(&s, conf, -1);
	*k = (struct kernel){0};
	return s;
}

/* Two renewals, an addition and a removal. */
static void mixed(struct pin_set *s, unsigned int from)
{
	const struct pin_names nobody = {.others = from};

	for (unsigned int i = 0; i < 2; i++)
		pin_set_change.renew(
			s, &(struct pin_element){0, address(IP_V4, from + i)},
			&nobody, 100, false);
	pin_set_change.add(s,
			   &(struct pin_element){0, address(IP_V4, from + 2)},
			   &nobody, 100);
	pin_set_change.remove(
		s, &(struct pin_element){0, address(IP_V4, from + 3)});
}

Test(pin_set, two_messages_for_many_changes)
{
	static struct kernel k;
	struct dns_conf conf = {.walk = {.table = "msb",
					 .pin_sets = pairs,
					 .n_pin_sets = SETS}};
	struct pin_set s = open_set(&conf, &k);

	for (unsigned int i = 0; i < 400; i++)
		k.life[0][i] = i % 4 == 2 ? 0 : 1;
	pin_set_begin(&s);
	for (unsigned int i = 0; i < 100; i++)
		mixed(&s, 4 * i);
	commit(&k, &s);
	cr_expect_eq(k.wrong, 0);
	cr_expect_eq(k.elements, 600);
	cr_expect_eq(k.removed, 300);
	/* Without a mark that two share it would be 2. */
	cr_expect_leq(k.messages, 20, "%zu messages", k.messages);
	for (unsigned int i = 0; i < 400; i++)
		cr_expect_eq(k.life[0][i], i % 4 == 3 ? 0 : 100000);
	cr_expect_str_eq(k.comment[0][4], "... +4");
	pin_set_close(&s);
}

Test(pin_set, what_was_added_before_is_removed_after)
{
	static struct kernel k;
	struct dns_conf conf = {.walk = {.table = "msb",
					 .pin_sets = pairs,
					 .n_pin_sets = SETS}};
	struct pin_set s = open_set(&conf, &k);
	const struct pin_element e = {1, address(IP_V6, 7)};
	const struct pin_names one = {.others = 1}, two = {.others = 2};

	pin_set_begin(&s);
	pin_set_change.add(&s, &e, &one, 100);
	pin_set_change.remove(&s, &e);
	commit(&k, &s);
	cr_expect_eq(k.wrong, 0);
	cr_expect_eq(k.life[3][7], 0);

	/* It may be there or not: both times it is what was said last. */
	for (int there = 0; there < 2; there++) {
		k.life[3][7] = (uint64_t)there;
		pin_set_begin(&s);
		pin_set_change.renew(&s, &e, &one, 100, true);
		pin_set_change.renew(&s, &e, &two, 200, false);
		commit(&k, &s);
		cr_expect_eq(k.wrong, 0);
		cr_expect_eq(k.life[3][7], 200000);
		cr_expect_str_eq(k.comment[3][7], "... +2");
	}
	pin_set_begin(&s);
	pin_set_flush(&s, 1);
	pin_set_change.add(&s, &e, &one, 300);
	commit(&k, &s);
	cr_expect_eq(k.life[3][7], 300000);
	cr_expect_str_eq(k.comment[3][7], "... +1");
	pin_set_close(&s);
}

/** struct check - A table of pins beside the kernel's sets
 * @k:		the kernel's
 * @want:	time that each element has, ms
 */
struct check {
	const struct kernel *k;
	uint64_t want[KINDS][PLACES];
};

static void want(void *to, const struct pin_element *e,
		 const struct pin_names *names, uint32_t life)
{
	struct check *c = to;
	const unsigned int v6 = e->ip.family == IP_V6;
	uint64_t *at = &c->want[2 * e->set + v6]
			       [(unsigned int)e->ip.num - (v6 ? 0 : FIRST)];

	if (*at < (uint64_t)life * 1000)
		*at = (uint64_t)life * 1000;
	(void)names;
}

static uint32_t chance(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* Names come and go by chance, as many as the table has room for, and few
 * addresses for them: whatever is changed twice in one batch, the kernel has in
 * the end what the table has. The clock stands still: times can be compared. */
Test(pin_set, the_kernel_has_what_the_table_has)
{
	static struct kernel k;
	static struct check c;
	struct dns_conf conf = {.walk = {.table = "msb",
					 .pin_sets = pairs,
					 .n_pin_sets = SETS}};
	struct pin_set s = open_set(&conf, &k);
	struct pin_table *t = pin_table_new();
	uint32_t state = 1;
	size_t there = 0;

	for (int batch = 0; batch < 200; batch++) {
		pin_set_begin(&s);
		for (int i = 0; i < 1000; i++) {
			const uint32_t r = chance(&state);
			const enum ip_family family = r & 1 ? IP_V4 : IP_V6;
			const struct pin_element e = {
				(uint16_t)(r >> 1 & 1),
				address(family, chance(&state) % PLACES)};
			/* "x" and "y", x of 0 to 63 and y of 0 to 7. */
			const uint8_t wire[] = {1, (uint8_t)(r >> 2 & 63), 1,
						(uint8_t)(r >> 8 & 7), 0};

			pin_table_add(t, &e, (struct dname){wire, sizeof(wire)},
				      120 + chance(&state) % 600, 1000,
				      &pin_set_change, &s);
		}
		commit(&k, &s);
		cr_assert_eq(k.wrong, 0);
	}
	cr_expect_geq(pin_table_count(t), PIN_TABLE_MAX - PIN_TABLE_ROOM);
	cr_expect_gt(pin_table_epoch(t), PIN_TABLE_MAX);
	pin_table_each(t, 1000, want, &c);
	for (unsigned int kind = 0; kind < KINDS; kind++)
		for (unsigned int i = 0; i < PLACES; i++) {
			cr_assert_eq(k.life[kind][i], c.want[kind][i],
				     "%u %u: %lu %lu", kind, i,
				     (unsigned long)k.life[kind][i],
				     (unsigned long)c.want[kind][i]);
			there += k.life[kind][i] != 0;
		}
	cr_expect_gt(there, PLACES);
	pin_table_free(t);
	pin_set_close(&s);
}
