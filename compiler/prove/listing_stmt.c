/* SPDX-License-Identifier: GPL-2.0-or-later */
/* listing_stmt.c - Reading rules, statement by statement. */
#include <string.h>

#include "listing_parse.h"
#include "str.h"

/** RULE_MAX - Most statements of one rule */
#define RULE_MAX 16

static const struct {
	const char *words;
	enum listing_type type;
} keys[] = {
#define LISTING_ROW(id, words, type) {words, LISTING_##type},
	LISTING_KEYS(LISTING_ROW)
#undef LISTING_ROW
};

enum listing_type listing_key_type(enum listing_key key)
{
	return keys[key].type;
}

/* Whether a key's words go on behind @words. */
static bool key_goes_on(const char *words)
{
	const size_t len = strlen(words);
	size_t i;

	for (i = 0; i < LISTING_KEY_COUNT; i++)
		if (strncmp(keys[i].words, words, len) == 0 &&
		    keys[i].words[len] == ' ')
			return true;
	return false;
}

static bool key_is(const char *words, enum listing_key *ret)
{
	size_t i;

	for (i = 0; i < LISTING_KEY_COUNT; i++) {
		if (strcmp(keys[i].words, words) == 0) {
			*ret = (enum listing_key)i;
			return true;
		}
	}
	return false;
}

/* Take one word as the first of a statement or key. */
static void words_begin(struct parse *p)
{
	if (p->l.token.kind != LEX_WORD)
		lex_fail(&p->l, "a statement is missing");
	p->words.len = 0;
	str_puts(&p->words, p->l.token.text);
	lex_next(&p->l);
}

static bool words_are(const struct parse *p, const char *words)
{
	return strcmp(str_text(&p->words), words) == 0;
}

static const char *words_keep(const struct parse *p)
{
	return arena_strdup(p->l.a, str_text(&p->words));
}

/* Take @n more words. */
static void words_go_on(struct parse *p, size_t n)
{
	for (; n; n--) {
		if (p->l.token.kind == LEX_STRING)
			str_printf(&p->words, " \"%s\"", p->l.token.text);
		else if (p->l.token.kind == LEX_WORD)
			str_printf(&p->words, " %s", p->l.token.text);
		else
			lex_fail(&p->l, "the statement \"%s\" ends too early",
				 str_text(&p->words));
		lex_next(&p->l);
	}
}

/* Take the rest of a key whose first word was taken. */
static enum listing_key parse_key(struct parse *p)
{
	enum listing_key key;

	while (key_goes_on(str_text(&p->words)) && p->l.token.kind == LEX_WORD)
		words_go_on(p, 1);
	if (!key_is(str_text(&p->words), &key))
		lex_fail(&p->l, "\"%s\" is nothing that is known in a rule",
			 str_text(&p->words));
	return key;
}

static void stmt_reject(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_REJECT;
	if (!lex_take(&p->l, "with"))
		return;
	if (lex_take(&p->l, "tcp")) {
		lex_need(&p->l, "reset");
		s->kind = LISTING_RESET;
		return;
	}
	lex_need(&p->l, "icmpx");
	(void)lex_take(&p->l, "type");
	lex_need(&p->l, "port-unreachable");
}

static void stmt_counter(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_COUNTER;
	if (!lex_take(&p->l, "packets"))
		return;
	(void)lex_number(&p->l, UINT64_MAX);
	lex_need(&p->l, "bytes");
	(void)lex_number(&p->l, UINT64_MAX);
}

/* "dnat ip to 10.0.0.1:53", "dnat ip to KEY . KEY map @NAME", "masquerade". */
static void stmt_nat(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_NAT;
	while (p->l.token.kind == LEX_WORD && !lex_is(&p->l, "comment")) {
		if (p->l.token.text[0] == '@')
			s->set = parse_set_ref(p);
		else
			words_go_on(p, 1);
		if (s->set)
			break;
	}
	if (s->set)
		str_printf(&p->words, " @%s", s->set->name);
	s->text = words_keep(p);
}

/* "limit rate over 10/second burst 5 packets", "limit name "x"". */
static void stmt_limit(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_OTHER;
	if (lex_is(&p->l, "name")) {
		words_go_on(p, 2);
		s->text = words_keep(p);
		return;
	}
	words_go_on(p, 1);
	if (lex_is(&p->l, "over"))
		words_go_on(p, 1);
	words_go_on(p, 1);
	/* "1 mbytes/second" is two words. */
	if (strchr(str_text(&p->words), '/') == NULL)
		words_go_on(p, 1);
	if (lex_is(&p->l, "burst"))
		words_go_on(p, 3);
	s->text = words_keep(p);
}

static void stmt_quota(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_OTHER;
	if (lex_is(&p->l, "name")) {
		words_go_on(p, 2);
		s->text = words_keep(p);
		return;
	}
	if (lex_is(&p->l, "over") || lex_is(&p->l, "until"))
		words_go_on(p, 1);
	words_go_on(p, 2);
	s->text = words_keep(p);
	if (lex_take(&p->l, "used")) {
		(void)lex_word(&p->l);
		(void)lex_word(&p->l);
	}
}

/* "ct count over 100". */
static void stmt_count(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_OTHER;
	words_go_on(p, 1);
	if (lex_is(&p->l, "over"))
		words_go_on(p, 1);
	words_go_on(p, 1);
	s->text = words_keep(p);
}

/* "tproxy ip to 127.0.0.1:1", "tproxy to :1". */
static void stmt_tproxy(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_OTHER;
	if (!lex_is(&p->l, "to"))
		words_go_on(p, 1);
	words_go_on(p, 2);
	s->text = words_keep(p);
}

/* "tcp flags & rst == rst". */
static void stmt_flags(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_OTHER;
	words_go_on(p, 3);
	lex_need(&p->l, "==");
	str_puts(&p->words, " ==");
	words_go_on(p, 1);
	s->text = words_keep(p);
}

/* "add @NAME { VALUE }": the value is made of keys, not of constants. */
static void stmt_update(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_OTHER;
	s->set = parse_set_ref(p);
	str_printf(&p->words, " @%s {", s->set->name);
	lex_need(&p->l, "{");
	while (!lex_is(&p->l, "}"))
		words_go_on(p, 1);
	lex_need(&p->l, "}");
	str_puts(&p->words, " }");
	s->text = words_keep(p);
}

/* One value, an anonymous set or map of several, or a named one. */
static const struct listing_set *
parse_operand(struct parse *p, const struct listing_stmt *s, bool map)
{
	struct listing_set *set;
	struct listing_elem *e;
	size_t i;

	if (p->l.token.text[0] == '@' && p->l.token.kind == LEX_WORD) {
		const struct listing_set *named = parse_set_ref(p);
		bool fits = named->n_types == s->n_keys && named->map == map;

		for (i = 0; fits && i < s->n_keys; i++)
			fits = named->type[i] == keys[s->key[i]].type;
		if (!fits)
			lex_fail(&p->l,
				 "set %s is of another type than what "
				 "is held against it",
				 named->name);
		return named;
	}
	set = arena_new(p->l.a, struct listing_set);
	set->map = map;
	set->line = p->l.token.line;
	set->n_types = s->n_keys;
	for (i = 0; i < s->n_keys; i++)
		set->type[i] = keys[s->key[i]].type;
	if (map) {
		set->data[0] = LISTING_VERDICT;
		set->n_data = 1;
	}
	if (map || lex_is(&p->l, "{")) {
		parse_elements(p, set);
		return set;
	}
	e = arena_new(p->l.a, struct listing_elem);
	for (i = 0; i < s->n_keys; i++) {
		if (i)
			lex_need(&p->l, ".");
		e->part[i] = parse_value(p, set->type[i]);
	}
	set->v = e;
	set->n = 1;
	return set;
}

static void stmt_mark(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_SET_MARK;
	if (!lex_is(&p->l, "ct") && !lex_is(&p->l, "meta")) {
		s->number = (uint32_t)lex_number(&p->l, UINT32_MAX);
		return;
	}
	/* From the other mark, as a whole or in part. */
	s->kind = LISTING_OTHER;
	str_puts(&p->words, " set");
	words_go_on(p, 2);
	while (lex_is(&p->l, "and") || lex_is(&p->l, "or") ||
	       lex_is(&p->l, "&") || lex_is(&p->l, "|"))
		words_go_on(p, 2);
	s->text = words_keep(p);
}

/* "ct mark & 0x0000000f == 0x00000003", from the "&" on. */
static void stmt_bits(struct parse *p, struct listing_stmt *s)
{
	s->kind = LISTING_OTHER;
	words_go_on(p, 2);
	lex_need(&p->l, "==");
	str_puts(&p->words, " ==");
	words_go_on(p, 1);
	s->text = words_keep(p);
}

static void stmt_key(struct parse *p, struct listing_stmt *s)
{
	s->key[s->n_keys++] = parse_key(p);
	while (lex_take(&p->l, ".")) {
		if (s->n_keys == LISTING_PARTS)
			lex_fail(&p->l, "more than %d parts", LISTING_PARTS);
		words_begin(p);
		s->key[s->n_keys++] = parse_key(p);
	}
	if (lex_take(&p->l, "vmap")) {
		s->kind = LISTING_VMAP;
		s->set = parse_operand(p, s, true);
		if (s->set->data[0] != LISTING_VERDICT)
			lex_fail(&p->l, "map %s has no verdicts", s->set->name);
	} else if (s->n_keys == 1 && keys[s->key[0]].type == LISTING_MARK &&
		   lex_take(&p->l, "set")) {
		stmt_mark(p, s);
	} else if (s->n_keys == 1 && keys[s->key[0]].type == LISTING_MARK &&
		   lex_is(&p->l, "&")) {
		stmt_bits(p, s);
	} else {
		s->kind = LISTING_MATCH;
		s->negate = lex_take(&p->l, "!=");
		s->set = parse_operand(p, s, false);
	}
}

static const struct {
	const char *word;
	void (*read)(struct parse *p, struct listing_stmt *s);
} statements[] = {
	{"add", stmt_update},	  {"counter", stmt_counter},
	{"dnat", stmt_nat},	  {"limit", stmt_limit},
	{"masquerade", stmt_nat}, {"quota", stmt_quota},
	{"redirect", stmt_nat},	  {"reject", stmt_reject},
	{"snat", stmt_nat},	  {"tproxy", stmt_tproxy},
	{"update", stmt_update},
};

static void parse_stmt(struct parse *p, struct listing_stmt *s)
{
	size_t i;

	if (parse_verdict(p, &s->verdict)) {
		s->kind = LISTING_VERDICT_IS;
		return;
	}
	words_begin(p);
	for (i = 0; i < sizeof(statements) / sizeof(statements[0]); i++) {
		if (words_are(p, statements[i].word)) {
			statements[i].read(p, s);
			return;
		}
	}
	if (words_are(p, "ct") && lex_is(&p->l, "count"))
		stmt_count(p, s);
	else if (words_are(p, "tcp") && lex_is(&p->l, "flags"))
		stmt_flags(p, s);
	else
		stmt_key(p, s);
}

struct listing_rule parse_rule(struct parse *p)
{
	struct listing_rule r = {.line = p->l.token.line};
	struct listing_stmt v[RULE_MAX] = {{0}}, *copy;

	while (p->l.token.kind != LEX_NEWLINE && !lex_is(&p->l, "comment")) {
		if (r.n == RULE_MAX)
			lex_fail(&p->l, "a rule has more than %d statements",
				 RULE_MAX);
		parse_stmt(p, &v[r.n++]);
	}
	if (lex_take(&p->l, "comment"))
		r.comment = lex_string(&p->l);
	lex_end_line(&p->l);
	copy = arena_array(p->l.a, r.n, struct listing_stmt);
	memcpy(copy, v, r.n * sizeof(*v));
	r.v = copy;
	return r;
}
