/* SPDX-License-Identifier: GPL-2.0-or-later */
/* walk_names.c - Rules about names as nft rules. */
#include <string.h>

#include "tables.h"

/*
 * Theory of operation
 *
 * What the kernel knows of names are pins: msb-dnsd puts the addresses that the
 * guest was told for a name into the sets of the rules that are about it. For
 * every flow but one kind that is all there is to know, and a rule about names
 * is a lookup in its sets.
 *
 * A TCP flow that the guest opens may name its server itself (SNI), any server,
 * or none; and this is known when it is too late to drop a packet of it. So
 * each rule about names has three answers for it, not two:
 *
 *		SNI of the rule	another SNI	no SNI		in sum
 *	allow, pinned	matches		no		matches		maybe
 *	allow, unpinned	no		no		no		no
 *	deny, pinned	matches		no		matches		maybe
 *	deny, unpinned	matches		no		no		maybe
 *
 * After a "maybe" the walk goes on, with what has been seen on the way:
 *
 *	seen	next is		rule that	rule that	maybe	 maybe
 *			allows		denies		allowed	 denied
 *	nothing		allow		deny		-> allowed  -> denied
 *	maybe allowed	allow		depends		(same)	 depends
 *	maybe denied	depends		deny		depends	 (same)
 *
 * "Depends" is where the flow goes to chain named, and so to msb-tlsd, which
 * reads the ClientHello. Everything else is decided here, whatever the SNI. So
 * for flows that have seen something two verdicts are left of the three, and
 * they are printed like any other rules, with other ends: what has perhaps been
 * allowed is named where a rule denies, what has perhaps been denied is named
 * where a rule allows.
 *
 * Names are not compared with each other, so "depends" is said where it is not
 * so if rules are about the same names: if an allowed name is pinned, and a
 * rule behind denies only names that the first one is about, that rule never
 * matches; nor does one that allows what was denied. msb-tlsd finds out. There
 * is no other such case, tests/flow asks.
 *
 * The rules that follow are printed once for each state that reaches them: for
 * "nothing" in the walk's own chain; for the others in chains of TCP alone, as
 * rules about addresses with other verdicts, one for each part between two
 * groups, and lists of the parts that follow a group.
 */

/** enum seen - What a TCP flow has met on its way */
enum seen {
	SEEN_ALLOW,
	SEEN_DENY,
};

static const char *const seen_words[] = {
	[SEEN_ALLOW] = "maybe_allowed",
	[SEEN_DENY] = "maybe_denied",
};

static const struct walk_ends seen_ends[] = {
	[SEEN_ALLOW] = {.allow = TABLE_ALLOW, .deny = TABLE_NAMED},
	[SEEN_DENY] = {.allow = TABLE_NAMED},
};

/**
 * struct tails - A walk whose tails are being printed
 * @a:		arena
 * @b:		where to
 * @p:		policy
 * @walk:	walk
 * @groups:	its groups
 * @n:		how many of them a TCP flow can come to
 */
struct tails {
	struct arena *a;
	struct walk_build *b;
	const struct policy *p;
	const struct policy_walk *walk;
	struct name_group *groups;
	size_t n;
};

static bool has_tcp(const struct policy_rule *r)
{
	return !r->protos || r->protos & CONFIG_TCP;
}

/* The state of a TCP flow to which a group has said "maybe". */
static enum seen group_seen(const struct tails *t, size_t g)
{
	return t->walk->rules[t->groups[g].first].allow ? SEEN_ALLOW
							: SEEN_DENY;
}

/* "/Rules/3", or "/Rules/3 to /Rules/12". */
static const char *group_pointer(struct arena *a, const struct policy_walk *w,
				 const struct name_group *group)
{
	const char *first = w->rules[group->first].pointer;

	if (group->end - group->first == 1)
		return first;
	return arena_printf(a, "%s to %s", first,
			    w->rules[group->end - 1].pointer);
}

/* A rule for a TCP flow that has seen something; there are no others. */
static struct policy_rule tcp_rule(const struct policy_rule *r)
{
	struct policy_rule ret = *r;

	ret.protos = r->n_ports ? CONFIG_TCP : 0;
	return ret;
}

/* The same for a group, for addresses that are looked at elsewhere. */
static struct policy_rule tcp_group(const struct tails *t,
				    const struct name_group *group)
{
	struct policy_rule ret = tcp_rule(&t->walk->rules[group->first]);

	ret.dest = (struct config_dest){.kind = CONFIG_DEST_ANY};
	ret.pointer = group_pointer(t->a, t->walk, group);
	return ret;
}

static struct tail tail_of(enum seen seen, bool allow, const char *pointer)
{
	const struct nft_branch end =
		walk_end(&seen_ends[seen], allow, pointer);

	return (struct tail){.target = end.target, .comment = end.comment};
}

/* Parts that are put together: about the root of the most that there can be. */
#define PARTS_CHAPTER 32u

/**
 * struct parts - What follows the groups of a walk, for one state
 * @seen:	state
 * @rest:	what follows the last part
 * @names:	chains, the last part first
 * @n:		how many
 * @cap:	room for how many
 * @chapters:	chains that lead through PARTS_CHAPTER of them each, the last
 *		ones first
 * @n_chapters:	how many
 * @cap_chapters: room for how many
 * @listed:	how many parts there were when @tail was made
 * @tail:	the newest tail
 */
struct parts {
	enum seen seen;
	struct tail rest;
	const char **names;
	size_t n;
	size_t cap;
	const char **chapters;
	size_t n_chapters;
	size_t cap_chapters;
	size_t listed;
	struct tail tail;
};

/* Whether a rule says what the tail behind it says anyway. */
static bool is_said(const struct policy_rule *r, const struct parts *p)
{
	const struct tail said = tail_of(p->seen, r->allow, r->pointer);

	return said.target == p->rest.target &&
	       strcmp(said.comment, p->rest.comment) == 0;
}

static bool is_last(const struct policy_rule *r)
{
	return r->dest.kind == CONFIG_DEST_ANY && !r->n_ports;
}

static void tail_rule(struct arena *a, struct nft_chain *c,
		      const struct nft_match *match, size_t n,
		      const struct tail *tail)
{
	const struct nft_rule r = {
		.match = match,
		.n = n,
		.counter = tail->comment,
		.verb = tail->target ? NFT_GOTO : NFT_DROP,
		.target = tail->target,
		.comment = tail->comment,
	};

	nft_chain_add(a, c, &r);
}

/* The rules about addresses that are between two groups, for one state; those
 * of a group behind that need no pins to be in doubt are among them. */
static size_t part_static(const struct tails *t, size_t g, enum seen seen,
			  struct policy_rule *v)
{
	const struct name_group *group = &t->groups[g];
	const struct policy_rule *rules = t->walk->rules;
	size_t n = 0, i;

	for (i = group->end; i < group->behind; i++)
		if (has_tcp(&rules[i]))
			v[n++] = tcp_rule(&rules[i]);
	if (seen == SEEN_ALLOW && g + 1 < t->n && !rules[group->behind].allow &&
	    has_tcp(&rules[group->behind]))
		v[n++] = tcp_group(t, group + 1);
	return n;
}

static bool keep_chain(const struct tails *t, struct nft_chain *chain)
{
	struct walk_maps *m = &t->b->maps;

	m->chains = arena_grow(t->a, m->chains, m->n_chains, &m->cap_chains,
			       sizeof(*m->chains));
	m->chains[m->n_chains++] = *chain;
	m->n_rules += chain->n;
	return m->n_rules <= TABLES_MAX_RULES;
}

/* Parts @from, @from - 1, ... @to of a list, in a chain. */
static void put_parts(const struct tails *t, const char *const *names,
		      size_t from, size_t to, bool last,
		      struct nft_chain *chain)
{
	size_t i;

	for (i = from + 1; i-- > to;) {
		const struct nft_rule r = {
			.verb = last && !i ? NFT_GOTO : NFT_JUMP,
			.target = names[i],
		};

		nft_chain_add(t->a, chain, &r);
	}
}

/* Once there are enough parts they are put together: a list of lists. */
static bool parts_chapter(const struct tails *t, struct parts *p)
{
	struct nft_chain chain = {0};

	if (p->n - PARTS_CHAPTER * p->n_chapters < PARTS_CHAPTER)
		return true;
	chain.name = arena_printf(t->a, "%s_%s_part%zu",
				  TABLE_WALK(POLICY_EGRESS),
				  seen_words[p->seen], t->b->maps.n_chains);
	put_parts(t, p->names, p->n - 1, p->n - PARTS_CHAPTER, true, &chain);
	p->chapters = arena_grow(t->a, p->chapters, p->n_chapters,
				 &p->cap_chapters, sizeof(const char *));
	p->chapters[p->n_chapters++] = chain.name;
	return keep_chain(t, &chain);
}

/* Print rules about addresses that are no part of the document's own walk. */
static bool part_run(const struct tails *t, enum seen seen,
		     const struct policy_rule *v, size_t n,
		     struct nft_chain *chain)
{
	ARENA(scratch);
	const struct policy_walk walk = {.rules = v, .n = n};
	struct plan_choice choice = {.dir = POLICY_EGRESS};
	struct space s;
	bool good;

	space_build(&scratch, &walk, &t->p->slot, SPACE_CUT, &s);
	t->b->maps.label = chain->name;
	t->b->ends = &seen_ends[seen];
	good = walk_run(t->a, t->b, &s, 0, &choice, chain);
	t->b->ends = &walk_plain;
	t->b->maps.label = NULL;
	return good;
}

/* What lies between group @g and what follows the next one, that one's own
 * answer included. */
static bool part_make(const struct tails *t, size_t g, struct parts *p)
{
	const struct name_group *group = &t->groups[g], *after = group + 1;
	struct policy_rule *v = arena_array(
		t->a, group->behind - group->end + 1, struct policy_rule);
	struct nft_chain chain = {
		.name = arena_printf(t->a, "%s_%s%zu",
				     TABLE_WALK(POLICY_EGRESS),
				     seen_words[p->seen], group->end),
	};
	size_t n = part_static(t, g, p->seen, v), i;
	struct policy_rule doubt = {0};

	if (p->seen == SEEN_DENY && g + 1 < t->n && after->pins) {
		const struct policy_rule *r = &t->walk->rules[after->first];

		if (r->allow && has_tcp(r))
			doubt = tcp_group(t, after);
	}
	/* Nothing comes to what follows a rule that matches all. */
	for (i = 0; i < n; i++) {
		if (!is_last(&v[i]))
			continue;
		p->rest = tail_of(p->seen, v[i].allow, v[i].pointer);
		p->n = p->n_chapters = p->listed = 0;
		doubt.pointer = NULL;
		n = i;
	}
	if (!p->n) {
		if (doubt.pointer && is_said(&doubt, p))
			doubt.pointer = NULL;
		while (n && !doubt.pointer && is_said(&v[n - 1], p))
			n--;
	}
	if (!n && !doubt.pointer)
		return true;
	if (n && !part_run(t, p->seen, v, n, &chain))
		return false;
	if (doubt.pointer)
		walk_pinned(t->a, &seen_ends[p->seen], &doubt, after->pins,
			    POLICY_EGRESS, &chain);
	if (!p->n)
		tail_rule(t->a, &chain, NULL, 0, &p->rest);
	p->names =
		arena_grow(t->a, p->names, p->n, &p->cap, sizeof(const char *));
	p->names[p->n++] = chain.name;
	return keep_chain(t, &chain) && parts_chapter(t, p);
}

/* One chain that leads through all parts there are. The kernel follows 16
 * chains and no more, so the parts cannot lead to each other. */
static bool parts_tail(const struct tails *t, size_t g, struct parts *p,
		       struct tail *ret)
{
	const size_t open = PARTS_CHAPTER * p->n_chapters;
	struct nft_chain chain = {0};
	bool good = true;

	if (!p->n) {
		p->tail = p->rest;
	} else if (p->n == 1) {
		p->tail = (struct tail){.target = p->names[0]};
	} else if (p->listed != p->n) {
		chain.name = arena_printf(
			t->a, "%s_%s%zu_on", TABLE_WALK(POLICY_EGRESS),
			seen_words[p->seen], t->groups[g].end);
		if (p->n > open)
			put_parts(t, p->names, p->n - 1, open, !open, &chain);
		if (p->n_chapters)
			put_parts(t, p->chapters, p->n_chapters - 1, 0, true,
				  &chain);
		p->tail = (struct tail){.target = chain.name};
		good = keep_chain(t, &chain);
	}
	p->listed = p->n;
	*ret = p->tail;
	return good;
}

/* What the rest of the walk may still do with a TCP flow. */
static void tails_may(const struct tails *t)
{
	const struct policy_rule *rules = t->walk->rules;
	bool allow = t->walk->default_allow, deny = !allow;
	size_t g, i;

	for (g = t->n; g-- > 0;) {
		struct name_group *group = &t->groups[g];
		const struct policy_rule *r = &rules[group->first];

		for (i = group->behind; i-- > group->end;) {
			if (!has_tcp(&rules[i]))
				continue;
			if (is_last(&rules[i]))
				allow = deny = false;
			allow |= rules[i].allow;
			deny |= !rules[i].allow;
		}
		group->depends = has_tcp(r) &&
				 (r->allow ? deny && group->pins : allow);
		allow |= r->allow && has_tcp(r) && group->pins;
		deny |= !r->allow && has_tcp(r);
	}
}

static bool same_ports(const struct policy_rule *x, const struct policy_rule *y)
{
	return x->n_ports == y->n_ports &&
	       (!x->n_ports || memcmp(x->ports, y->ports,
				      x->n_ports * sizeof(*x->ports)) == 0);
}

/* Flows that a group has taken away already depend on no group behind. */
static void tails_taken(const struct tails *t)
{
	const struct policy_rule *taken = NULL;
	size_t g;

	for (g = 0; g < t->n; g++) {
		struct name_group *group = &t->groups[g];
		const struct policy_rule *r = &t->walk->rules[group->first];

		if (!group->depends)
			continue;
		group->taken = taken &&
			       (!taken->n_ports || same_ports(taken, r));
		if (!r->allow && !group->taken)
			taken = r;
	}
}

static bool tails_make(const struct tails *t)
{
	const struct policy_walk *w = t->walk;
	struct parts parts[2] = {0};
	size_t first[] = {[SEEN_ALLOW] = t->n, [SEEN_DENY] = t->n};
	enum seen seen;
	size_t g;

	for (seen = SEEN_ALLOW; seen <= SEEN_DENY; seen++)
		parts[seen] = (struct parts){
			.seen = seen,
			.rest = tail_of(seen, w->default_allow,
					w->default_pointer),
		};

	tails_may(t);
	tails_taken(t);
	for (g = t->n; g-- > 0;)
		if (t->groups[g].depends && !t->groups[g].taken)
			first[group_seen(t, g)] = g;
	for (g = t->n; g-- > 0;) {
		for (seen = SEEN_ALLOW; seen <= SEEN_DENY; seen++)
			if (g >= first[seen] && !part_make(t, g, &parts[seen]))
				return false;
		if (t->groups[g].depends && !t->groups[g].taken &&
		    !parts_tail(t, g, &parts[group_seen(t, g)],
				&t->groups[g].tail))
			return false;
	}
	return true;
}

/* Nothing of TCP comes to the groups behind a rule that matches all of it. */
static size_t groups_met(const struct tails *t)
{
	size_t g, i;

	for (g = 0; g < t->n; g++) {
		i = g ? t->groups[g - 1].end : 0;
		for (; i < t->groups[g].first; i++)
			if (has_tcp(&t->walk->rules[i]) &&
			    is_last(&t->walk->rules[i]))
				return g;
	}
	return g;
}

bool walk_groups(struct arena *a, struct walk_build *b, const struct policy *p,
		 enum policy_direction dir, struct name_group **ret,
		 size_t *ret_n)
{
	const struct policy_walk *w = &p->walk[dir];
	struct tails t = {.a = a, .b = b, .p = p, .walk = w};
	size_t cap = 0, i;

	for (i = 0; i < w->n; i++) {
		struct name_group group = {.first = i};

		if (!policy_is_name(&w->rules[i].dest))
			continue;
		group.end = pins_group(&b->pins, p, dir, i);
		group.pins = pins_get(&b->pins, p, dir, i, group.end);
		if (b->pins.full)
			return false;
		for (i = group.end; i < w->n; i++)
			if (policy_is_name(&w->rules[i].dest))
				break;
		group.behind = i--;
		t.groups =
			arena_grow(a, t.groups, t.n, &cap, sizeof(*t.groups));
		t.groups[t.n++] = group;
	}
	*ret = t.groups;
	*ret_n = t.n;
	t.n = groups_met(&t);
	return dir != POLICY_EGRESS || tails_make(&t);
}

/* TCP flows of the group's services go on in another state. @set NULL: all of
 * them. */
static void divert(struct arena *a, const struct policy_rule *r,
		   const struct nft_set *set, enum nft_key key,
		   const struct tail *tail, struct nft_chain *chain)
{
	const struct nft_elem tcp = {.lo = 6, .hi = 6};
	struct nft_elem port = {0};
	const struct nft_match all[3] = {
		{.key = key, .set = set},
		{.key = NFT_L4PROTO, .v = &tcp, .n = 1},
		{.key = NFT_CT_DPORT, .v = &port, .n = 1},
	};
	const struct nft_match *match = set ? all : all + 1;
	const size_t n = set ? 2 : 1;
	size_t i;

	if (!r->n_ports)
		tail_rule(a, chain, match, n, tail);
	for (i = 0; i < r->n_ports; i++) {
		port.lo = r->ports[i].lo;
		port.hi = r->ports[i].hi;
		tail_rule(a, chain, match, n + 1, tail);
	}
}

/* TCP flows whose outcome depends on the SNI leave the chain. What goes to
 * msb-tlsd at once, goes there by this rule: it is counted as its own. */
static void walk_tcp(struct arena *a, struct walk_build *b,
		     const struct policy_walk *w,
		     const struct name_group *group, struct nft_chain *chain)
{
	const struct policy_rule *r = &w->rules[group->first];
	struct tail tail = group->tail;

	if (group->taken)
		return;
	b->sni = b->sni ? b->sni : r;
	if (tail.comment && tail.target &&
	    strcmp(tail.target, TABLE_NAMED) == 0)
		tail.comment = group_pointer(a, w, group);
	if (!r->allow) {
		divert(a, r, NULL, 0, &tail, chain);
		return;
	}
	divert(a, r, &group->pins->set4, NFT_CT_DADDR4, &tail, chain);
	divert(a, r, &group->pins->set6, NFT_CT_DADDR6, &tail, chain);
}

void walk_group(struct arena *a, struct walk_build *b, const struct policy *p,
		enum policy_direction dir, const struct name_group *group,
		struct nft_chain *chain)
{
	const struct policy_walk *w = &p->walk[dir];
	struct policy_rule rest = w->rules[group->first];

	if (dir == POLICY_EGRESS && group->depends) {
		walk_tcp(a, b, w, group, chain);
		if (rest.protos == CONFIG_TCP)
			return;
		rest.protos &= ~(unsigned int)CONFIG_TCP;
	}
	rest.pointer = group_pointer(a, w, group);
	if (group->pins)
		walk_pinned(a, &walk_plain, &rest, group->pins, dir, chain);
}
