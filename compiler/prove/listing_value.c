/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listing_value.c - Reading values as nft lists them. */
#include <string.h>

#include "listing_parse.h"

/** struct value_word - A name that nft has for a number */
struct value_word {
	const char *name;
	unsigned int value;
};

static const struct value_word proto_words[] = {
	{"icmp", 1},   {"igmp", 2},	 {"tcp", 6}, {"udp", 17},
	{"gre", 47},   {"esp", 50},	 {"ah", 51}, {"ipv6-icmp", 58},
	{"sctp", 132}, {"udplite", 136}, {NULL, 0},
};

static const struct value_word state_words[] = {
	{"invalid", 1}, {"established", 2}, {"related", 4},
	{"new", 8},	{"untracked", 64},  {NULL, 0},
};

static const struct value_word direction_words[] = {
	{"original", 0},
	{"reply", 1},
	{NULL, 0},
};

static const struct value_word icmpv6_words[] = {
	{"destination-unreachable", 1},
	{"packet-too-big", 2},
	{"time-exceeded", 3},
	{"parameter-problem", 4},
	{"echo-request", 128},
	{"echo-reply", 129},
	{"nd-router-solicit", 133},
	{"nd-router-advert", 134},
	{"nd-neighbor-solicit", 135},
	{"nd-neighbor-advert", 136},
	{NULL, 0},
};

/**
 * struct type_row - How values of a type are written
 * @name:	name of the type in the declaration of a set
 * @words:	names of values, or NULL
 * @max:	highest value
 */
struct type_row {
	const char *name;
	const struct value_word *words;
	uint64_t max;
};

static const struct type_row types[LISTING_TYPE_COUNT] = {
	[LISTING_IFNAME] = {"ifname", NULL, 0},
	[LISTING_IPV4] = {"ipv4_addr", NULL, 0},
	[LISTING_IPV6] = {"ipv6_addr", NULL, 0},
	[LISTING_PROTO] = {"inet_proto", proto_words, 255},
	[LISTING_SERVICE] = {"inet_service", NULL, 65535},
	[LISTING_MARK] = {"mark", NULL, UINT32_MAX},
	[LISTING_CT_STATE] = {"ct_state", state_words, 127},
	[LISTING_CT_DIR] = {"ct_dir", direction_words, 1},
	[LISTING_ICMPV6_TYPE] = {"icmpv6_type", icmpv6_words, 255},
	[LISTING_NUMBER] = {"integer", NULL, 255},
	[LISTING_VERDICT] = {"verdict", NULL, 0},
};

enum listing_type parse_type(struct parse *p)
{
	enum listing_type i;

	for (i = 0; i < LISTING_TYPE_COUNT; i++)
		if (lex_take(&p->l, types[i].name))
			return i;
	lex_fail(&p->l, "\"%s\" is no type of a set that is known",
		 p->l.token.text);
}

static bool one_number(const struct type_row *t, const char *text,
		       uint64_t *ret)
{
	const struct value_word *w;

	for (w = t->words; w && w->name; w++) {
		if (strcmp(w->name, text) == 0) {
			*ret = w->value;
			return true;
		}
	}
	return lex_text_number(text, t->max, ret);
}

static bool number_value(struct arena *a, const struct type_row *t,
			 const char *text, struct listing_value *ret)
{
	uint64_t lo, hi;
	const char *dash;

	if (one_number(t, text, &lo)) {
		*ret = (struct listing_value){.lo = lo, .hi = lo};
		return true;
	}
	dash = strchr(text, '-');
	if (!dash ||
	    !one_number(t, arena_strndup(a, text, (size_t)(dash - text)),
			&lo) ||
	    !one_number(t, dash + 1, &hi) || lo > hi)
		return false;
	*ret = (struct listing_value){.lo = lo, .hi = hi};
	return true;
}

static bool address_value(struct arena *a, enum ip_family family,
			  const char *text, struct listing_value *ret)
{
	const char *dash = strchr(text, '-');
	struct ip_range r;
	struct ip lo, hi;
	bool masked;

	if (strchr(text, '/')) {
		if (!ip_parse_prefix(text, &r, &masked) || masked ||
		    r.family != family)
			return false;
		*ret = (struct listing_value){.lo = r.lo, .hi = r.hi};
		return true;
	}
	if (!ip_parse(dash ? arena_strndup(a, text, (size_t)(dash - text))
			   : text,
		      &lo))
		return false;
	hi = lo;
	if ((dash && !ip_parse(dash + 1, &hi)) || lo.family != family ||
	    hi.family != family || hi.num < lo.num)
		return false;
	*ret = (struct listing_value){.lo = lo.num, .hi = hi.num};
	return true;
}

/* "established,related": a value that is several bits. */
static struct listing_value state_value(struct parse *p)
{
	struct listing_value v = {0};
	uint64_t bit;

	do {
		if (p->l.token.kind != LEX_WORD ||
		    !one_number(&types[LISTING_CT_STATE], p->l.token.text,
				&bit))
			lex_fail(&p->l, "\"%s\" is no ct state",
				 p->l.token.text);
		lex_next(&p->l);
		v.lo |= bit;
	} while (lex_take(&p->l, ","));
	v.hi = v.lo;
	return v;
}

struct listing_value parse_value(struct parse *p, enum listing_type type)
{
	struct listing_value v = {0};
	bool good = false;

	if (type == LISTING_IFNAME) {
		v.name = lex_string(&p->l);
		return v;
	}
	if (type == LISTING_CT_STATE)
		return state_value(p);
	if (p->l.token.kind == LEX_WORD) {
		ARENA(scratch);
		const char *text = p->l.token.text;

		if (type == LISTING_IPV4 || type == LISTING_IPV6)
			good = address_value(
				&scratch, type == LISTING_IPV4 ? IP_V4 : IP_V6,
				text, &v);
		else if (type != LISTING_VERDICT)
			good = number_value(&scratch, &types[type], text, &v);
	}
	if (!good)
		lex_fail(&p->l, "\"%s\" is no value of type %s",
			 p->l.token.text, types[type].name);
	lex_next(&p->l);
	return v;
}
