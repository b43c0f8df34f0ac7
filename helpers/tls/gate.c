/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gate.c - What a guest says on one flow, given to what reads it. */
#include "gate.h"

#include <stdlib.h>
#include <string.h>

#include "http1.h"
#include "http2.h"

/**
 * struct gate_env - What a configuration's flows share
 * @secrets:	its secrets
 * @finder:	finds them
 * @firsts:	what they begin with, for each form
 */
struct gate_env {
	const struct secrets *secrets;
	struct finder *finder;
	struct inject_firsts firsts[INJECT_FORMS];
};

/**
 * struct gate - A flow
 * @watch:	what its reader is told
 * @mask:	what comes back of that
 * @sni:	the server's name
 * @first:	the octets that it began with, as long as they can be HTTP/2's
 * @n_first:	how many
 * @answered:	the server spoke before that was known
 * @http1:	reads it, or
 * @http2:	reads it
 */
struct gate {
	struct watch watch;
	struct mask mask;
	char *sni;
	uint8_t first[HTTP2_PREFACE_LEN];
	size_t n_first;
	bool answered;
	struct http1 *http1;
	struct http2 *http2;
};

const char *gate_where_name(enum gate_where where)
{
	static const char *const names[] = {
		[GATE_REQUEST_LINE] = "request-line",
		[GATE_HEADER] = "header",
		[GATE_BODY] = "body",
		[GATE_TRAILER] = "trailer",
		[GATE_STREAM] = "stream",
		[GATE_AUTHORITY] = "authority",
		[GATE_FRAMING] = "framing",
	};

	return names[where];
}

struct gate_env *gate_env_new(const struct secrets *s)
{
	struct gate_env *env = calloc(1, sizeof(*env));

	if (!env)
		return NULL;
	env->secrets = s;
	env->finder = finder_new(s);
	for (unsigned int form = 0; form < INJECT_FORMS; form++)
		inject_firsts(s, (enum inject_form)form, &env->firsts[form]);
	if (env->finder)
		return env;
	free(env);
	return NULL;
}

void gate_env_free(struct gate_env *env)
{
	if (!env)
		return;
	finder_free(env->finder);
	free(env);
}

/* What a flow to a name may have. */
static void allow(const struct gate_env *env, const char *sni, struct watch *w)
{
	for (size_t i = 0; sni && i < env->secrets->n; i++) {
		const struct secret *s = &env->secrets->all[i];

		if (!secret_allows(s, sni, strlen(sni)))
			continue;
		secret_bit_set(&w->allowed, i);
		w->any = true;
		w->body |= (s->inject & SECRET_IN_BODY) != 0;
		if (s->action > w->strictest)
			w->strictest = s->action;
	}
}

bool gate_may_h2(const struct gate_env *env, const char *sni)
{
	struct watch w = {.any = false};

	allow(env, sni, &w);
	return !w.body;
}

struct gate *gate_begin(const struct gate_env *env, const char *sni, bool h2)
{
	struct gate *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->watch.finder = env->finder;
	g->watch.secrets = env->secrets;
	g->watch.firsts = env->firsts;
	g->watch.mask = &g->mask;
	if (sni) {
		g->sni = strdup(sni);
		if (!g->sni)
			goto fail;
	}
	g->watch.sni = g->sni;
	allow(env, sni, &g->watch);
	if (!h2)
		return g;
	g->http2 = http2_begin();
	if (g->http2)
		return g;
fail:
	gate_end(g);
	return NULL;
}

void gate_end(struct gate *g)
{
	if (!g)
		return;
	http1_end(g->http1);
	http2_end(g->http2);
	mask_forget(&g->mask.kept);
	free(g->sni);
	free(g);
}

/* It is known what it is: what waited for that is read. */
static enum gate_state begin(struct gate *g, bool h2)
{
	if (h2)
		g->http2 = http2_begin();
	else
		g->http1 = http1_begin();
	if (g->http2)
		return http2_guest(g->http2, &g->watch, g->first, g->n_first);
	if (g->http1)
		return http1_guest(g->http1, &g->watch, g->first, g->n_first);
	return watch_broken(&g->watch, "there is no memory");
}

/* What the server has said before is no HTTP/2, so what comes is none. */
static enum gate_state take_first(struct gate *g, const uint8_t *data,
				  size_t len, size_t *ret_used)
{
	size_t n = 0;

	*ret_used = 0;
	while (n < len && g->n_first < HTTP2_PREFACE_LEN && !g->answered) {
		if (data[n] != (uint8_t)HTTP2_PREFACE[g->n_first])
			return begin(g, false);
		g->first[g->n_first++] = data[n++];
		*ret_used = n;
	}
	if (g->n_first == HTTP2_PREFACE_LEN)
		return begin(g, !g->watch.body);
	return g->answered ? begin(g, false) : GATE_OK;
}

static enum gate_state feed_guest(struct gate *g, const uint8_t *data,
				  size_t len)
{
	if (!g->http1 && !g->http2 && len) {
		size_t used;
		const enum gate_state state = take_first(g, data, len, &used);

		if (state != GATE_OK)
			return state;
		data += used;
		len -= used;
	}
	if (!len)
		return GATE_OK;
	if (g->http2)
		return http2_guest(g->http2, &g->watch, data, len);
	return http1_guest(g->http1, &g->watch, data, len);
}

static enum gate_state feed_server(struct gate *g, const uint8_t *data,
				   size_t len)
{
	if (g->http2)
		return http2_server(g->http2, &g->watch, data, len);
	if (g->http1)
		return http1_server(g->http1, &g->watch, data, len);
	/* Nothing was put in yet. */
	g->answered |= len != 0;
	return watch_answer(&g->watch, data, len);
}

static void listen_to(struct gate *g, gate_sink *sink, void *arg,
		      struct gate_violation *ret)
{
	g->watch.sink = sink;
	g->watch.arg = arg;
	g->watch.ret = ret;
}

enum gate_state gate_feed(struct gate *g, enum gate_side from,
			  const uint8_t *data, size_t len, gate_sink *sink,
			  void *arg, struct gate_violation *ret)
{
	listen_to(g, sink, arg, ret);
	return from == GATE_GUEST ? feed_guest(g, data, len)
				  : feed_server(g, data, len);
}

/* Nothing comes behind what waits. */
static enum gate_state finish_server(struct gate *g)
{
	const enum gate_state state = watch_mask_end(&g->watch);

	mask_forget(&g->mask.kept);
	return state;
}

enum gate_state gate_finish(struct gate *g, enum gate_side from,
			    gate_sink *sink, void *arg,
			    struct gate_violation *ret)
{
	enum gate_state state = GATE_OK;

	listen_to(g, sink, arg, ret);
	if (from == GATE_SERVER)
		return finish_server(g);
	if (!g->http1 && !g->http2)
		state = begin(g, false);
	if (state != GATE_OK)
		return state;
	return g->http2 ? http2_finish(g->http2, &g->watch)
			: http1_finish(g->http1, &g->watch);
}
