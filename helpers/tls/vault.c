/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vault.c - The secrets of a sandbox and their values, as the worker has them.
 */
#include "vault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "values.h"
#include "worker.h"

/**
 * struct vault - Secrets
 * @arena:	what @all points to, values excepted
 * @all:	the secrets; their values are in @values
 * @secrets:	the same, for @env
 * @values:	values in force
 * @next:	values that are prepared for them
 * @env:	what gates are begun with
 */
struct vault {
	struct arena arena;
	struct secret *all;
	struct secrets secrets;
	struct values values;
	struct values next;
	struct gate_env *env;
};

static void vault_free(struct vault *v)
{
	if (!v)
		return;
	gate_env_free(v->env);
	values_drop(&v->values);
	values_drop(&v->next);
	arena_free(&v->arena);
	free(v);
}

/* --- what they are --- */

static bool same_hosts(const struct secret *a, const struct secret *b)
{
	if (a->n_hosts != b->n_hosts)
		return false;
	for (size_t i = 0; i < a->n_hosts; i++)
		if (a->hosts[i].below != b->hosts[i].below ||
		    strcmp(a->hosts[i].name, b->hosts[i].name) != 0)
			return false;
	return true;
}

static bool is_same(const struct secrets *a, const struct secrets *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct secret *x = &a->all[i], *y = &b->all[i];

		if (strcmp(x->name, y->name) != 0 ||
		    x->placeholder_len != y->placeholder_len ||
		    memcmp(x->placeholder, y->placeholder,
			   x->placeholder_len) != 0 ||
		    x->inject != y->inject || x->action != y->action ||
		    !same_hosts(x, y))
			return false;
	}
	return true;
}

/* The configuration's own copy goes with the configuration. */
static void copy_secret(struct arena *a, const struct secret *from,
			struct secret *to)
{
	struct secret_host *hosts =
		arena_array(a, from->n_hosts, struct secret_host);

	*to = *from;
	to->name = arena_strdup(a, from->name);
	to->placeholder = (const uint8_t *)arena_strndup(
		a, (const char *)from->placeholder, from->placeholder_len);
	for (size_t i = 0; i < from->n_hosts; i++)
		hosts[i] = (struct secret_host){
			arena_strdup(a, from->hosts[i].name),
			from->hosts[i].below,
		};
	to->hosts = hosts;
}

/* --- their values --- */

static void put_values(struct vault *v)
{
	for (size_t i = 0; i < v->secrets.n; i++) {
		v->all[i].value = v->values.v[i].text;
		v->all[i].value_len = v->values.v[i].len;
	}
}

static struct vault *vault_new(const struct secrets *s,
			       const struct values *values)
{
	struct vault *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	v->all = arena_array(&v->arena, s->n, struct secret);
	for (size_t i = 0; i < s->n; i++)
		copy_secret(&v->arena, &s->all[i], &v->all[i]);
	v->secrets = (struct secrets){v->all, s->n};
	v->env = gate_env_new(&v->secrets);
	if (!v->env) {
		vault_free(v);
		return NULL;
	}
	v->values = *values;
	put_values(v);
	return v;
}

static bool read_values(struct worker *w, const struct secrets *s,
			struct values *ret)
{
	int *fd = &w->next.given.fd[TLS_SECRETS];
	char reason[CONF_REASON_MAX];
	const char *why;

	if (*fd < 0) {
		given_refuse(&w->next.given,
			     "the values of secrets are missing");
		return false;
	}
	why = values_read(*fd, s->n, ret);
	/* They are here, and nobody is to find them there. */
	close(*fd);
	*fd = -1;
	if (why) {
		given_refuse(&w->next.given, why);
		return false;
	}
	for (size_t i = 0; i < s->n; i++) {
		why = secret_value_flaw(ret->v[i].text, ret->v[i].len);
		if (!why)
			continue;
		snprintf(reason, sizeof(reason), "the secret %s: %s",
			 s->all[i].name, why);
		given_refuse(&w->next.given, reason);
		values_drop(ret);
		return false;
	}
	return true;
}

/* --- one configuration, and the next --- */

bool vault_prepare(struct worker *w)
{
	const struct secrets *s = &w->next.conf->secrets;
	struct values values;

	vault_drop_next(w);
	if (!s->n)
		return true;
	if (!read_values(w, s, &values))
		return false;
	if (w->vault && is_same(&w->vault->secrets, s)) {
		w->vault->next = values;
		w->next_vault = w->vault;
		return true;
	}
	w->next_vault = vault_new(s, &values);
	if (w->next_vault)
		return true;
	values_drop(&values);
	given_refuse(&w->next.given,
		     "there is no memory for secrets, or their placeholders "
		     "are too long in all");
	return false;
}

void vault_drop_next(struct worker *w)
{
	if (w->next_vault && w->next_vault == w->vault)
		values_drop(&w->vault->next);
	else
		vault_free(w->next_vault);
	w->next_vault = NULL;
}

void vault_commit(struct worker *w)
{
	struct vault *v = w->next_vault;

	if (v != w->vault) {
		vault_free(w->vault);
	} else if (v) {
		values_drop(&v->values);
		v->values = v->next;
		v->next = (struct values){0};
		put_values(v);
	}
	w->vault = v;
	w->next_vault = NULL;
}

const struct gate_env *vault_env(const struct vault *v)
{
	return v ? v->env : NULL;
}

struct secrets vault_secrets(const struct vault *v)
{
	return v ? v->secrets : (struct secrets){NULL, 0};
}
