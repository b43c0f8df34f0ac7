/* SPDX-License-Identifier: GPL-2.0-or-later */
/* readback.c - The walks of a listing as rules of a policy. */
#include "readback.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "region.h"

/** READBACK_DEPTH - Chains that may be gone to, one from the other */
#define READBACK_DEPTH 8

/*
 * A path through the chains is a conjunction: of addresses, of protocols, of
 * ports. Such a conjunction is a region, a product of three sets, and stays one
 * whatever else it is held against. So the paths, taken in the order of the
 * text, are an ordered list of rules that means what the chains mean:
 *
 *	jump	the chain's paths; what is left goes on behind the jump
 *	goto	the chain's paths; what is left goes on behind the last jump,
 *and where there was none, the base chain's policy drops it. Behind a jump this
 *is understood only where nothing follows the goto that it would have to be
 *kept from vmap	each element's path; its elements are disjoint, so their
 *order is nothing
 *
 * "return" would take a region out of what follows, and is understood only
 * where nothing follows.
 */

/**
 * struct reading - A walk being read back
 * @a:		arena for the rules
 * @t:		table
 * @dir:	direction
 * @v:		paths so far
 * @n:		how many
 * @cap:	room for how many
 * @helpers:	whether one of them is a helper's
 * @fell:	whether some of what was gone to goes on behind the last jump
 * @e:		error
 */
struct reading {
	struct arena *a;
	const struct listing_table *t;
	enum policy_direction dir;
	struct region_rule *v;
	size_t n;
	size_t cap;
	bool helpers;
	bool fell;
	struct lex_error *e;
};

/**
 * struct place - Where on a path we are
 * @rule:	rule, or NULL
 * @last:	whether nothing follows it in its chain
 * @depth:	chains on the path
 * @jumped:	whether there was a jump, behind which it may go on
 * @helper:	whether the flow was stamped as a helper's
 * @comment:	the last comment, or NULL
 */
struct place {
	const struct listing_rule *rule;
	bool last;
	unsigned int depth;
	bool jumped;
	bool helper;
	const char *comment;
};

static bool read_chain(struct reading *r, const struct listing_chain *c,
		       const struct region *in, const struct place *from);

static bool refuse(struct reading *r, const struct place *at, const char *fmt,
		   ...) __attribute__((format(printf, 3, 4)));

static bool refuse(struct reading *r, const struct place *at, const char *fmt,
		   ...)
{
	va_list ap;

	*r->e = (struct lex_error){.line = at->rule ? at->rule->line : 1,
				   .column = 1};
	va_start(ap, fmt);
	vsnprintf(r->e->text, sizeof(r->e->text), fmt, ap);
	va_end(ap);
	return false;
}

/* A rule of the walk: what is in @in is decided, unless it was before. */
static bool decide(struct reading *r, const struct region *in, bool allow,
		   const struct place *at)
{
	const char *pointer;

	if (region_empty(in))
		return true;
	if (!region_whole(in))
		return refuse(r, at,
			      "a path tells protocols apart that no rule of a "
			      "document can");
	if (r->n == READBACK_MAX)
		return refuse(r, at, "a walk has more than %u paths",
			      READBACK_MAX);
	pointer = at->comment;
	if (!pointer && at->rule)
		pointer = arena_printf(r->a, "line %u", at->rule->line);
	r->v = arena_grow(r->a, r->v, r->n, &r->cap, sizeof(*r->v));
	r->helpers = r->helpers || at->helper;
	r->v[r->n++] = (struct region_rule){
		.region = *in,
		.allow = allow,
		.helper = at->helper,
		.pointer = pointer ? pointer : "policy drop",
	};
	return true;
}

/* @part: whether other flows than those of @in may follow in this chain.
 * @ret_ends: whether none of those of @in do. */
static bool follow(struct reading *r, struct listing_verdict v,
		   const struct region *in, const struct place *at, bool part,
		   bool *ret_ends)
{
	const struct listing_chain *c;
	const bool fell = r->fell;
	struct place next = *at;

	*ret_ends = v.word != LISTING_JUMP;
	switch (v.word) {
	case LISTING_ACCEPT:
		if (!at->helper)
			return refuse(r, at,
				      "a flow is accepted without a stamp");
		return decide(r, in, true, at);
	case LISTING_DROP:
		return decide(r, in, false, at);
	case LISTING_RETURN:
		return refuse(r, at, "\"return\" is no part of a walk");
	case LISTING_GOTO:
		break;
	case LISTING_JUMP:
		next.jumped = true;
		break;
	}
	if (strcmp(v.chain, READBACK_ALLOW) == 0) {
		*ret_ends = true;
		return decide(r, in, true, at);
	}
	if (strcmp(v.chain, READBACK_RESOLVER) == 0 ||
	    strcmp(v.chain, READBACK_NAMED) == 0) {
		*ret_ends = true;
		next.helper = true;
		return decide(r, in, true, &next);
	}
	c = listing_chain_named(r->t, v.chain);
	if (!c || c->base)
		return refuse(r, at, "chain %s cannot be gone to", v.chain);
	r->fell = false;
	if (!read_chain(r, c, in, &next))
		return false;
	if (v.word == LISTING_JUMP) {
		r->fell = fell;
		return true;
	}
	if (r->fell && part && !at->last)
		return refuse(r, at,
			      "what falls off chain %s would have to be kept "
			      "from the rules behind this one",
			      c->name);
	r->fell = r->fell || fell;
	return true;
}

/* What of @in is an element of the key's set: a union of regions in general,
 * but a region where the key has one part. */
static bool narrow_match(struct reading *r, const struct listing_stmt *s,
			 struct region *in, const struct place *at)
{
	if (s->n_keys != 1)
		return refuse(r, at,
			      "a concatenation is understood in maps only");
	if (s->set->dynamic && s->negate)
		return refuse(r, at, "set %s is filled at run time",
			      s->set->name);
	/* Whatever the set holds, the flow has no name that put it there. */
	if (!region_narrow(r->a, in, r->dir, s->key[0], s->set->v,
			   s->set->dynamic ? 0 : s->set->n, 0, s->negate))
		return refuse(r, at,
			      "a walk looks at something that is no "
			      "part of a flow");
	return true;
}

static bool read_vmap(struct reading *r, const struct listing_stmt *s,
		      const struct region *in, const struct place *at)
{
	size_t i, j;

	if (s->set->dynamic)
		return refuse(r, at, "map %s is filled at run time",
			      s->set->name);
	for (i = 0; i < s->set->n; i++) {
		const struct listing_elem *e = &s->set->v[i];
		struct place next = *at;
		struct region part = *in;
		bool ends;

		for (j = 0; j < s->n_keys; j++)
			if (!region_narrow(r->a, &part, r->dir, s->key[j], e, 1,
					   j, false))
				return refuse(r, at,
					      "a map looks at something that "
					      "is no part of a flow");
		if (e->comment)
			next.comment = e->comment;
		if (!region_empty(&part) &&
		    !follow(r, e->verdict, &part, &next, true, &ends))
			return false;
	}
	return true;
}

/* @ret_ends: whether nothing of @in goes on behind the rule. */
static bool read_rule(struct reading *r, const struct listing_rule *rule,
		      const struct region *in, const struct place *from,
		      bool *ret_ends)
{
	struct place at = *from;
	struct region part = *in;
	bool narrowed = false;
	size_t i;

	at.rule = rule;
	if (rule->comment)
		at.comment = rule->comment;
	*ret_ends = false;
	for (i = 0; i < rule->n; i++) {
		const struct listing_stmt *s = &rule->v[i];

		switch (s->kind) {
		case LISTING_MATCH:
			if (!narrow_match(r, s, &part, &at))
				return false;
			narrowed = true;
			continue;
		case LISTING_COUNTER:
			continue;
		case LISTING_SET_MARK:
			if (s->key[0] != LISTING_KEY_CT_MARK ||
			    !(s->number & READBACK_HELPERS))
				return refuse(r, &at,
					      "a walk sets a mark that is no "
					      "helper's");
			at.helper = true;
			continue;
		case LISTING_VERDICT_IS:
			if (!follow(r, s->verdict, &part, &at, narrowed,
				    ret_ends))
				return false;
			break;
		case LISTING_REJECT:
		case LISTING_RESET:
			if (!decide(r, &part, false, &at))
				return false;
			*ret_ends = true;
			break;
		case LISTING_VMAP:
			if (!read_vmap(r, s, &part, &at))
				return false;
			break;
		case LISTING_NAT:
		case LISTING_OTHER:
			return refuse(r, &at, "\"%s\" is no part of a walk",
				      s->text);
		}
		if (i + 1 != rule->n)
			return refuse(r, &at, "something follows a verdict");
		break;
	}
	*ret_ends = *ret_ends && !narrowed;
	return true;
}

static bool read_chain(struct reading *r, const struct listing_chain *c,
		       const struct region *in, const struct place *from)
{
	struct place at = *from;
	bool ends = false;
	size_t i = 0;

	if (++at.depth > READBACK_DEPTH)
		return refuse(r, from, "chains lead on more than %d deep",
			      READBACK_DEPTH);
	if (!from->rule)
		i = readback_first(c);
	for (; i < c->n && !ends; i++) {
		at.last = i + 1 == c->n;
		if (!read_rule(r, &c->v[i], in, &at, &ends))
			return false;
	}
	if (ends)
		return true;
	if (at.jumped) {
		r->fell = true;
		return true;
	}
	at.comment = NULL;
	at.rule = NULL;
	return decide(r, in, false, &at);
}

size_t readback_first(const struct listing_chain *c)
{
	size_t i = 0;

	while (i < c->n && c->v[i].n && c->v[i].v[0].kind == LISTING_MATCH &&
	       c->v[i].v[0].key[0] == LISTING_KEY_IIFNAME)
		i++;
	return i;
}

bool readback_walk(struct arena *a, const struct listing_table *t,
		   enum policy_direction dir, struct readback *ret,
		   struct lex_error *e)
{
	static const char *const names[POLICY_DIRECTIONS] = {
		[POLICY_EGRESS] = "egress",
		[POLICY_INGRESS] = "ingress",
	};
	struct reading r = {
		.a = a,
		.t = t,
		.dir = dir,
		.e = e,
	};
	const struct listing_chain *c = listing_chain_named(t, names[dir]);
	const struct place start = {0};
	struct region all;

	if (!c || c->base)
		return refuse(&r, &start,
			      "there is no chain %s that can be "
			      "gone to",
			      names[dir]);
	region_all(a, &all);
	if (!read_chain(&r, c, &all, &start))
		return false;
	region_rules_lower(a, r.v, r.n, false, &ret->denied);
	region_rules_lower(a, r.v, r.n, true, &ret->allowed);
	ret->helpers = r.helpers;
	return true;
}
