/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_nft_update.c - What an update deletes, flushes and leaves alone. */
#include <criterion/criterion.h>
#include <string.h>

#include "arena.h"
#include "nft_text.h"
#include "nft_update.h"

static const struct nft_base hook_drop = {"filter", "input", "filter", true};
static const struct nft_base hook_nat = {"nat", "prerouting", "dstnat", false};
static struct nft_rule drop[1] = {{.verb = NFT_DROP, .counter = true}};
static struct nft_rule accept[1] = {{.verb = NFT_ACCEPT}};

static const struct nft_chain chain_input = {
	.name = "input", .base = &hook_drop, .rules = drop, .n = 1};
static const struct nft_chain chain_cap = {
	.name = "cap", .keep = true, .rules = drop, .n = 1};
static const struct nft_chain chain_other_cap = {
	.name = "cap", .keep = true, .rules = accept, .n = 1};
static const struct nft_chain chain_nat = {
	.name = "nat", .base = &hook_nat, .rules = accept, .n = 1};
static const struct nft_chain chain_walk = {
	.name = "walk", .rules = accept, .n = 1};

/* The transaction from chains @x to chains @y, each ended by one without a
 * name. */
static const char *update(struct str *s, const struct nft_chain *x,
			  const struct nft_chain *y)
{
	struct nft_table from = {.name = "t"}, to = {.name = "t"};
	STR(listing);

	from.chains = (struct nft_chain *)x;
	while (x[from.n_chains].name)
		from.n_chains++;
	to.chains = (struct nft_chain *)y;
	while (y[to.n_chains].name)
		to.n_chains++;
	nft_text_table(&listing, &from);
	nft_update(s, &to, NULL, str_text(&listing));
	return str_text(s);
}

Test(nft_update, from_nothing_is_the_table)
{
	struct nft_chain chains[] = {chain_input, chain_walk};
	struct nft_table t = {.name = "t", .chains = chains, .n_chains = 2};
	STR(want);
	STR(got);

	nft_text_table(&want, &t);
	nft_update(&got, &t, NULL, "");
	cr_expect_str_eq(str_text(&got), str_text(&want));
	cr_expect(!nft_update_keeps(
		&(struct nft_table){.name = "t",
				    .chains = (struct nft_chain *)&chain_cap,
				    .n_chains = 1},
		""));
}

Test(nft_update, what_is_the_same_is_flushed_and_filled)
{
	const struct nft_chain chains[] = {chain_input, chain_walk, {0}};
	STR(s);
	const char *text = update(&s, chains, chains);

	cr_expect(strstr(text, "flush chain inet t input\n"));
	cr_expect(strstr(text, "flush chain inet t walk\n"));
	cr_expect(!strstr(text, "delete"));
	cr_expect(strstr(text, "policy drop;\n\t\tcounter drop\n"));
}

Test(nft_update, what_counts_stays)
{
	const struct nft_chain x[] = {chain_input, chain_cap, {0}};
	const struct nft_chain y[] = {chain_input, chain_cap, chain_nat, {0}};
	STR(s);
	const char *text = update(&s, x, y);

	cr_expect(!strstr(text, "inet t cap"));
	cr_expect(!strstr(text, "chain cap {"));
	cr_expect(strstr(text, "chain nat {"));
}

Test(nft_update, another_count_is_another_rule)
{
	const struct nft_chain x[] = {chain_input, chain_cap, {0}};
	const struct nft_chain y[] = {chain_input, chain_other_cap, {0}};
	STR(s);
	const char *text = update(&s, x, y);

	cr_expect(strstr(text, "flush chain inet t cap\n"));
	cr_expect(strstr(text, "chain cap {\n\t\taccept\n"));
}

Test(nft_update, what_drops_never_leaves_its_hook)
{
	const struct nft_chain x[] = {chain_walk, chain_input, {0}};
	const struct nft_chain y[] = {chain_nat, chain_input, chain_walk, {0}};
	STR(s);
	const char *text = update(&s, x, y);

	cr_expect(!strstr(text, "delete chain inet t input\n"));
	cr_expect(strstr(text, "flush chain inet t input\n"));
	/* Made anew, because it is listed behind what is new. */
	cr_expect(strstr(text, "delete chain inet t walk\n"));
}

Test(nft_update, what_is_gone_is_deleted_after_the_rules)
{
	const struct nft_chain x[] = {chain_input, chain_nat, chain_walk, {0}};
	const struct nft_chain y[] = {chain_input, {0}};
	STR(s);
	const char *text = update(&s, x, y);
	const char *last_flush = strstr(text, "flush chain inet t walk\n");
	const char *first = strstr(text, "delete chain inet t nat\n");

	cr_assert(last_flush && first);
	cr_expect(last_flush < first);
	cr_expect(strstr(text, "delete chain inet t walk\n"));
}

Test(nft_update, limits_keep_what_is_used_up)
{
	const struct nft_object same = {
		.name = "a", .kind = NFT_LIMIT_PACKETS, .rate = 5, .burst = 5};
	const struct nft_object other = {
		.name = "a", .kind = NFT_LIMIT_PACKETS, .rate = 6, .burst = 5};
	struct nft_table from = {.name = "t", .objects = &same, .n_objects = 1};
	struct nft_table to = {.name = "t", .objects = &other, .n_objects = 1};
	STR(listing);
	STR(s);

	nft_text_table(&listing, &from);
	nft_update(&s, &from, NULL, str_text(&listing));
	cr_expect(!strstr(str_text(&s), "limit"));
	str_free(&s);
	nft_update(&s, &to, NULL, str_text(&listing));
	cr_expect(strstr(str_text(&s), "delete limit inet t a\n"));
	cr_expect(strstr(str_text(&s), "rate over 6/second"));
}

/* What a helper has put into a set stays, wherever the set is in the list. */
Test(nft_update, timed_elements_stay)
{
	static const char before[] = "table inet t {\n"
				     "\tset pins4_1 {\n"
				     "\t\ttype ipv4_addr\n"
				     "\t\tflags timeout\n"
				     "\t\telements = { 192.0.2.1 timeout 6m "
				     "comment \"a.example +1\",\n"
				     "\t\t\t     192.0.2.2 timeout 6m "
				     "comment \"a\\032b.example\" }\n"
				     "\t}\n\n"
				     "\tset pins4_2 {\n"
				     "\t\ttype ipv4_addr\n"
				     "\t\tsize 16\n"
				     "\t\tflags timeout\n"
				     "\t\telements = { 192.0.2.3 timeout 6m }\n"
				     "\t}\n"
				     "}\n";
	struct nft_set sets[] = {
		{.name = "pins4_3",
		 .type = NFT_TYPE_IPV4_ADDR,
		 .dynamic = true},
		{.name = "pins4_1",
		 .type = NFT_TYPE_IPV4_ADDR,
		 .dynamic = true},
		{.name = "pins4_2",
		 .type = NFT_TYPE_IPV4_ADDR,
		 .dynamic = true},
	};
	struct nft_table t = {.name = "t", .sets = sets, .n_sets = 3};
	STR(got);

	nft_update(&got, &t, NULL, before);
	cr_expect(!strstr(str_text(&got), "set pins4_1 {"));
	cr_expect(!strstr(str_text(&got), "delete set inet t pins4_1"));
	cr_expect(strstr(str_text(&got), "delete set inet t pins4_2"));
	cr_expect(strstr(str_text(&got), "set pins4_2 {"));
	cr_expect(strstr(str_text(&got), "set pins4_3 {"));
	cr_expect(!strstr(str_text(&got), "192.0.2."));
}

static const struct nft_base hook_forward = {"filter", "forward", "filter",
					     true};
static const struct nft_elem stamps[2] = {{.lo = 0x10, .hi = 0x10},
					  {.lo = 0x20, .hi = 0x20}};
static const struct nft_match asks[2] = {
	{.key = NFT_CT_MARK, .v = &stamps[0], .n = 1},
	{.key = NFT_CT_MARK, .v = &stamps[1], .n = 1},
};
static struct nft_rule stamped[2] = {
	{.match = &asks[0], .n = 1, .verb = NFT_ACCEPT},
	{.match = &asks[1], .n = 1, .verb = NFT_ACCEPT},
};

Test(nft_update, a_packet_on_its_way_has_the_old_stamp)
{
	/* One chain judges, the other only asks; both ask for the stamp. */
	struct nft_chain before[] = {
		{.name = "judge", .base = &hook_drop, .rules = stamped, .n = 1},
		{.name = "forward",
		 .base = &hook_forward,
		 .judged = true,
		 .rules = stamped,
		 .n = 1},
	};
	struct nft_chain after[] = {before[0], before[1]};
	struct nft_table from = {.name = "t", .chains = before, .n_chains = 2};
	struct nft_table to = {.name = "t", .chains = after, .n_chains = 2};
	const char *forward, *text;
	STR(listing);
	STR(between);
	STR(then);

	after[0].rules = after[1].rules = &stamped[1];
	nft_text_table(&listing, &from);
	nft_update_bridge(&between, &then, &to, str_text(&listing));
	text = str_text(&between);
	forward = strstr(text, "chain forward");
	cr_assert(forward);
	cr_expect(strstr(forward, "ct mark 0x00000020 accept\n"
				  "\t\tct mark 0x00000010 accept\n"));
	cr_expect(strstr(text, "0x00000010") > forward);
	text = str_text(&then);
	cr_expect(strstr(text, "flush chain inet t forward\n"));
	cr_expect(!strstr(text, "0x00000010"));
	cr_expect(!strstr(text, "judge"));
}

/* A rule that asks for an old stamp, and leads to a chain that is no more. */
Test(nft_update, nothing_leads_to_what_is_gone)
{
	static const char before[] =
		"table inet t {\n"
		"\tchain forward {\n"
		"\t\ttype filter hook forward priority filter; "
		"policy drop;\n"
		"\t\tct mark 0x00000012 goto query\n"
		"\t\tct mark 0x00000010 accept\n"
		"\t}\n\n"
		"\tchain query {\n"
		"\t\taccept\n"
		"\t}\n"
		"}\n";
	struct nft_chain chains[] = {
		{.name = "forward",
		 .base = &hook_forward,
		 .judged = true,
		 .rules = &stamped[1],
		 .n = 1},
		{.name = "query", .rules = &stamped[1], .n = 1}};
	struct nft_table t = {.name = "t", .chains = chains, .n_chains = 1};
	STR(between);
	STR(then);

	nft_update_bridge(&between, &then, &t, before);
	cr_expect(strstr(str_text(&between), "0x00000010 accept"));
	cr_expect(!strstr(str_text(&between), "goto query"));
	str_free(&between);
	str_free(&then);
	t.n_chains = 2;
	nft_update_bridge(&between, &then, &t, before);
	cr_expect(strstr(str_text(&between), "0x00000012 goto query"));
}

Test(nft_update, without_another_stamp_there_is_no_bridge)
{
	struct nft_chain chains[] = {{.name = "forward",
				      .base = &hook_forward,
				      .judged = true,
				      .rules = stamped,
				      .n = 1}};
	struct nft_table t = {.name = "t", .chains = chains, .n_chains = 1};
	STR(listing);
	STR(between);
	STR(then);

	nft_text_table(&listing, &t);
	nft_update_bridge(&between, &then, &t, str_text(&listing));
	cr_expect_str_eq(str_text(&between), str_text(&listing));
	cr_expect_eq(then.len, 0);
	str_free(&between);
	nft_update_bridge(&between, &then, &t, "");
	cr_expect_str_eq(str_text(&between), str_text(&listing));
	cr_expect_eq(then.len, 0);
}

/* A walk that is a map has a chain for each profile. If each were looked for
 * among all, this would take minutes. */
Test(nft_update, many_chains, .timeout = 30)
{
	const size_t n = 50000;
	ARENA(a);
	struct nft_chain *chains = arena_array(&a, n + 1, struct nft_chain);
	struct nft_table t = {.name = "t", .chains = chains, .n_chains = n + 1};
	STR(listing);
	STR(between);
	STR(then);
	STR(got);
	size_t i;

	for (i = 0; i < n; i++) {
		chains[i] = chain_walk;
		chains[i].name = arena_printf(&a, "p%zu", i);
	}
	chains[n] = chain_cap;
	nft_text_table(&listing, &t);
	chains[0].rules = drop;
	cr_expect(nft_update_keeps(&t, str_text(&listing)));
	nft_update_bridge(&between, &then, &t, str_text(&listing));
	nft_update(&got, &t, str_text(&between), str_text(&listing));
	cr_expect(strstr(str_text(&got), "flush chain inet t p49999\n"));
	cr_expect(!strstr(str_text(&got), "delete"));
	cr_expect(!strstr(str_text(&got), "chain inet t cap"));
}
