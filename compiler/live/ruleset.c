/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ruleset.c - nftables of a namespace. */
#include "ruleset.h"

#include <errno.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "json.h"

/**
 * struct ruleset - nftables of one namespace
 * @ctx:	context, whose socket is that namespace's
 *
 * It is kept, because releasing one waits until the kernel has freed what was
 * deleted with it, which takes longer than everything else.
 */
struct ruleset {
	struct nft_ctx *ctx;
};

/* libnftables ends the process where it gets no socket, so that is tried
 * before. */
static struct nft_ctx *ruleset_ctx(struct live_error *e)
{
	int probe =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	struct nft_ctx *ctx;

	if (probe < 0) {
		live_errno(e, errno,
			   "open nfnetlink socket (does the kernel have "
			   "nf_tables?)");
		return NULL;
	}
	close(probe);
	ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!ctx || nft_ctx_buffer_output(ctx) || nft_ctx_buffer_error(ctx)) {
		nft_ctx_free(ctx);
		live_errno(e, errno ? errno : ENOMEM, "open nftables");
		return NULL;
	}
	return ctx;
}

struct ruleset *ruleset_open(struct live_error *e)
{
	struct ruleset *r = calloc(1, sizeof(*r));

	if (!r) {
		live_errno(e, ENOMEM, "open nftables");
		return NULL;
	}
	r->ctx = ruleset_ctx(e);
	if (r->ctx)
		return r;
	free(r);
	return NULL;
}

void ruleset_close(struct ruleset *r)
{
	if (r)
		nft_ctx_free(r->ctx);
	free(r);
}

/* nft says the same thing once for each command it belongs to; the first lines
 * are enough. */
static void ruleset_words(struct nft_ctx *ctx, struct live_error *e)
{
	const char *words = nft_ctx_get_error_buffer(ctx);
	const int code = errno;
	size_t len = words ? strnlen(words, 1000) : 0;

	while (len && words[len - 1] == '\n')
		len--;
	if (!len)
		live_errno(e, code ? code : EIO, "nft");
	else
		live_system(e, "nft: %.*s", (int)len, words);
}

/* Runs @text; what nft prints goes to @a if @ret_out is given. */
static int ruleset_run(struct ruleset *r, const char *text, unsigned int flags,
		       struct arena *a, const char **ret_out,
		       struct live_error *e)
{
	nft_ctx_output_set_flags(r->ctx, flags);
	errno = 0;
	if (nft_run_cmd_from_buffer(r->ctx, text) != 0) {
		ruleset_words(r->ctx, e);
		return -1;
	}
	if (ret_out)
		*ret_out = arena_strdup(a, nft_ctx_get_output_buffer(r->ctx));
	return 0;
}

int ruleset_load(struct ruleset *r, const char *text, struct live_error *e)
{
	return ruleset_run(r, text, 0, NULL, NULL, e);
}

/* libnftables 1.0.6 aborts at the second dry run of a context: it has one of
 * its own. */
int ruleset_check(const char *text, struct live_error *e)
{
	struct nft_ctx *ctx = ruleset_ctx(e);
	int ret = 0;

	if (!ctx)
		return -1;
	nft_ctx_set_dry_run(ctx, true);
	errno = 0;
	if (nft_run_cmd_from_buffer(ctx, text) != 0) {
		ruleset_words(ctx, e);
		ret = -1;
	}
	nft_ctx_free(ctx);
	return ret;
}

int ruleset_has_table(struct ruleset *r, const char *name, bool *ret,
		      struct live_error *e)
{
	const char *out, *line;
	ARENA(a);

	if (ruleset_run(r, "list tables inet\n", 0, &a, &out, e) < 0)
		return -1;
	line = arena_printf(&a, "table inet %s\n", name);
	*ret = strncmp(out, line, strlen(line)) == 0 ||
	       strstr(out, arena_printf(&a, "\n%s", line));
	return 0;
}

int ruleset_text(struct ruleset *r, struct arena *a, const char *table,
		 const char **ret, struct live_error *e)
{
	bool has;

	*ret = "";
	if (!table)
		return ruleset_run(r, "list ruleset\n",
				   NFT_CTX_OUTPUT_STATELESS, a, ret, e);
	if (ruleset_has_table(r, table, &has, e) < 0)
		return -1;
	if (!has)
		return 0;
	return ruleset_run(r, arena_printf(a, "list table inet %s\n", table),
			   NFT_CTX_OUTPUT_STATELESS, a, ret, e);
}

int ruleset_look(const char *load, struct arena *a, const char *table,
		 const char **ret, struct live_error *e)
{
	struct ruleset *r = ruleset_open(e);
	int rc = -1;

	if (r && (!load || ruleset_load(r, load, e) == 0))
		rc = ruleset_text(r, a, table, ret, e);
	ruleset_close(r);
	return rc;
}

static const struct jval *member(const struct jval *v, const char *key)
{
	struct jval_member m = {0};

	if (!v || jval_type(v) != JVAL_OBJECT)
		return NULL;
	while (jval_next(v, &m))
		if (strcmp(m.key, key) == 0)
			return m.value;
	return NULL;
}

static const char *member_text(const struct jval *v, const char *key)
{
	const struct jval *text = member(v, key);
	size_t len;

	if (!text || jval_type(text) != JVAL_TEXT)
		return NULL;
	return jval_text(text, &len);
}

static uint64_t member_count(const struct jval *v, const char *key)
{
	const struct jval *n = member(v, key);

	if (!n || jval_type(n) != JVAL_INT || jval_int(n) < 0)
		return 0;
	return (uint64_t)jval_int(n);
}

/* A listing as a tree: {"nftables": [{"rule": {...}}, ...]}. */
static struct jval *ruleset_list(struct ruleset *r, struct arena *a,
				 const char *table,
				 const struct jval **ret_objects,
				 struct live_error *e)
{
	const char *text = arena_printf(a, "list table inet %s\n", table);
	struct diags d = {.arena = a, .file = "nft"};
	struct jval *v;

	if (ruleset_run(r, text, NFT_CTX_OUTPUT_JSON, a, &d.text, e) < 0)
		return NULL;
	d.len = strlen(d.text);
	v = jval_read(&d);
	*ret_objects = member(v, "nftables");
	if (!*ret_objects || jval_type(*ret_objects) != JVAL_LIST) {
		jval_free(v);
		live_system(e, "the listing of table %s cannot be read", table);
		return NULL;
	}
	return v;
}

static const struct jval *rule_counter(const struct jval *rule)
{
	const struct jval *exprs = member(rule, "expr");
	const struct jval *counter;
	size_t i;

	if (!exprs || jval_type(exprs) != JVAL_LIST)
		return NULL;
	for (i = 0; i < jval_count(exprs); i++) {
		counter = member(jval_element(exprs, i), "counter");
		if (counter)
			return counter;
	}
	return NULL;
}

/** struct counting - Counts while they are read */
struct counting {
	struct arena *a;
	struct ruleset_count *v;
	size_t n;
	size_t cap;
};

static void count_add(struct counting *c, const char *chain,
		      const char *comment, const struct jval *counter)
{
	struct ruleset_count *to = c->n ? &c->v[c->n - 1] : NULL;

	if (!counter || !comment || !chain)
		return;
	if (!to || strcmp(to->comment, comment) != 0 ||
	    strcmp(to->chain, chain) != 0) {
		c->v = arena_grow(c->a, c->v, c->n, &c->cap, sizeof(*c->v));
		to = &c->v[c->n++];
		to->chain = arena_strdup(c->a, chain);
		to->comment = arena_strdup(c->a, comment);
	}
	to->packets += member_count(counter, "packets");
	to->bytes += member_count(counter, "bytes");
}

/* The elements of a map: [[{"elem": {"val": ..., "comment": ..., "counter":
 * ...}}, VERDICT], ...]. */
static void count_map(struct counting *c, const struct jval *map)
{
	const struct jval *elems = member(map, "elem");
	size_t i;

	if (!elems || jval_type(elems) != JVAL_LIST)
		return;
	for (i = 0; i < jval_count(elems); i++) {
		const struct jval *pair = jval_element(elems, i), *elem;

		if (jval_type(pair) != JVAL_LIST || !jval_count(pair))
			continue;
		elem = member(jval_element(pair, 0), "elem");
		count_add(c, member_text(map, "name"),
			  member_text(elem, "comment"),
			  member(elem, "counter"));
	}
}

int ruleset_counts(struct ruleset *r, struct arena *a, const char *table,
		   struct ruleset_count **ret, size_t *ret_n,
		   struct live_error *e)
{
	const struct jval *objects;
	struct counting c = {.a = a};
	size_t i;
	struct jval *tree = ruleset_list(r, a, table, &objects, e);

	if (!tree)
		return -1;
	for (i = 0; i < jval_count(objects); i++) {
		const struct jval *object = jval_element(objects, i);
		const struct jval *rule = member(object, "rule");

		if (rule)
			count_add(&c, member_text(rule, "chain"),
				  member_text(rule, "comment"),
				  rule_counter(rule));
		else
			count_map(&c, member(object, "map"));
	}
	jval_free(tree);
	*ret = c.v;
	*ret_n = c.n;
	return 0;
}

int ruleset_elements(struct ruleset *r, const char *table, size_t *ret,
		     struct live_error *e)
{
	const struct jval *objects;
	struct jval *tree;
	size_t i, n = 0;
	ARENA(a);

	tree = ruleset_list(r, &a, table, &objects, e);
	if (!tree)
		return -1;
	for (i = 0; i < jval_count(objects); i++) {
		const struct jval *set =
			member(jval_element(objects, i), "set");
		const struct jval *map =
			member(jval_element(objects, i), "map");
		const struct jval *elem = member(set ? set : map, "elem");

		if (elem && jval_type(elem) == JVAL_LIST)
			n += jval_count(elem);
	}
	jval_free(tree);
	*ret = n;
	return 0;
}

int ruleset_set_has(struct ruleset *r, const char *table, const char *set,
		    const char *name, bool *ret, struct live_error *e)
{
	struct live_error absent;
	const char *text, *out;
	bool has;
	ARENA(a);

	if (ruleset_has_table(r, table, &has, e) < 0)
		return -1;
	/* To ask for one element costs what it does with a thousand others;
	 * what is not there is an error. */
	text = arena_printf(&a, "get element inet %s %s { \"%s\" }\n", table,
			    set, name);
	*ret = has && ruleset_run(r, text, 0, &a, &out, &absent) == 0;
	return 0;
}
