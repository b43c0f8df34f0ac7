/* SPDX-License-Identifier: GPL-2.0-or-later */
/* config_secret.c - What a document's secrets have to be. */
#include <stdlib.h>
#include <string.h>

#include "config_table.h"
#include "secret_limit.h"

static bool is_set(uint32_t set, unsigned int field)
{
	return set >> field & 1;
}

void config_check_secret(struct field_ctx *c, uint32_t set, void *to)
{
	struct config_secret *s = to;
	bool file = is_set(set, SECRET_VALUE_FILE);
	bool env = is_set(set, SECRET_VALUE_ENV);

	if (file && env)
		config_member_error(
			c, "ValueEnv", DIAG_EXCLUSIVE, "keep one of them",
			"ValueFile is set too; a value has one place");
	else if (!file && !env)
		field_report(c, DIAG_ERROR, DIAG_MISSING,
			     "the value itself never goes into the document",
			     "SecretEntry needs ValueFile or ValueEnv: where "
			     "the host keeps the value");
	if (!is_set(set, SECRET_INJECT))
		s->inject = CONFIG_IN_HEADERS | CONFIG_IN_BASIC;
	if (s->placeholder || !s->name)
		return;
	s->placeholder = arena_printf(c->a, "$MSB_%s", s->name);
	if (strlen(s->placeholder) > SECRET_PLACEHOLDER_MAX)
		config_member_error(
			c, "Name", DIAG_TEXT, "set Placeholder",
			"the placeholder of this name would have more "
			"than %d characters",
			SECRET_PLACEHOLDER_MAX);
}

/** struct secret_text - A text that must be one secret's own */
struct secret_text {
	const char *text;
	size_t index;
};

static int compare_texts(const void *x, const void *y)
{
	const struct secret_text *a = x, *b = y;
	int order = strcmp(a->text, b->text);

	return order ? order : a->index < b->index ? -1 : 1;
}

/* Report texts that several secrets have: @offset is that of a string in
 * struct config_secret. */
static void check_texts(struct field_ctx *c, const struct config_secret *all,
			size_t n_all, const char *field, size_t offset)
{
	ARENA(s);
	struct secret_text *v = arena_array(&s, n_all, struct secret_text);
	size_t n = 0;

	for (size_t i = 0; i < n_all; i++) {
		const void *at = (const char *)&all[i] + offset;
		const char *text = *(const char *const *)at;

		if (text)
			v[n++] = (struct secret_text){text, i};
	}
	if (n > 1)
		qsort(v, n, sizeof(*v), compare_texts);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(v[i - 1].text, v[i].text))
			diag_add(c->d, DIAG_ERROR, DIAG_DUPLICATE, 0,
				 arena_printf(&s, "/Secrets/%zu/%s", v[i].index,
					      field),
				 "each secret needs its own",
				 "%s %s is that of /Secrets/%zu already", field,
				 field_quote(&s, v[i].text), v[i - 1].index);
}

void config_check_secrets(struct field_ctx *c, const struct config_secret *v,
			  size_t n)
{
	size_t octets = 0;

	check_texts(c, v, n, "Name", offsetof(struct config_secret, name));
	check_texts(c, v, n, "Placeholder",
		    offsetof(struct config_secret, placeholder));
	for (size_t i = 0; i < n; i++)
		octets += v[i].placeholder ? strlen(v[i].placeholder) : 0;
	if (n > SECRET_MAX)
		config_member_error(c, "Secrets", DIAG_NUMBER_RANGE, NULL,
				    "%zu secrets are more than %d", n,
				    SECRET_MAX);
	else if (octets > SECRET_PLACEHOLDERS_MAX)
		config_member_error(
			c, "Secrets", DIAG_NUMBER_RANGE,
			"shorter placeholders do as well",
			"the placeholders have %zu characters in all, and "
			"no more than %d can be looked for",
			octets, SECRET_PLACEHOLDERS_MAX);
}

/* Whether each name of one pattern is one of the other's. */
static bool covers(const struct config_pattern *x,
		   const struct config_pattern *y)
{
	if (x->wildcard)
		return dname_below(y->name, x->name) ||
		       (y->wildcard && dname_equal(y->name, x->name));
	return !y->wildcard && dname_equal(y->name, x->name);
}

static bool is_bypassed(const struct config_tls *tls,
			const struct config_pattern *host)
{
	for (size_t i = 0; i < tls->n_bypass; i++)
		if (covers(&tls->bypass[i], host))
			return true;
	return false;
}

__attribute__((format(printf, 4, 5))) static void unused(struct field_ctx *c,
							 const char *pointer,
							 const char *hint,
							 const char *fmt, ...)
{
	ARENA(s);
	va_list ap;

	va_start(ap, fmt);
	diag_add(c->d, DIAG_WARNING, DIAG_SECRET_UNUSED, 0, pointer, hint,
		 "%s; the placeholder is only looked for",
		 arena_vprintf(&s, fmt, ap));
	va_end(ap);
}

/* Why no secret is put in anywhere; NULL: they may be. */
static const char *no_use(const struct config_tls *tls)
{
	if (!tls->present)
		return "there is no TLS";
	if (tls->has_ports && !tls->n_ports)
		return "InterceptedPorts is empty";
	if (tls->verify_upstream == CONFIG_FALSE)
		return "with VerifyUpstream false no server has proved its "
		       "name";
	return NULL;
}

static void check_one_use(struct field_ctx *c, const struct config *config,
			  size_t i)
{
	const struct config_secret *secret = &config->secrets[i];
	ARENA(s);
	size_t n = 0;

	if (!secret->n_allowed_hosts)
		unused(c, arena_printf(&s, "/Secrets/%zu", i),
		       "for example \"AllowedHosts\": [\"api.example.com\"]",
		       "without AllowedHosts nobody may have the value");
	else if (!secret->inject)
		unused(c, arena_printf(&s, "/Secrets/%zu/Inject", i),
		       "leave Inject out for headers and basic",
		       "with an empty Inject the value is put in nowhere");
	for (; n < secret->n_allowed_hosts; n++)
		if (is_bypassed(&config->tls, &secret->allowed_hosts[n]))
			diag_add(c->d, DIAG_WARNING, DIAG_SECRET_UNUSED, 0,
				 arena_printf(&s,
					      "/Secrets/%zu/AllowedHosts/%zu",
					      i, n),
				 "take the name out of one of them",
				 "TLS.Bypass has this host, too: its flows are "
				 "not opened, so the value is not put in, and "
				 "placeholders are not looked for");
}

void config_check_use(struct field_ctx *c, const struct config *config)
{
	const char *why = no_use(&config->tls);

	/* What could not be read may be what would be missed. */
	if (!config->n_secrets || diags_failed(c->d))
		return;
	if (why) {
		diag_add(c->d, DIAG_WARNING, DIAG_SECRET_UNUSED, DIAG_AT_KEY,
			 "/Secrets",
			 "a value is put in where TLS is intercepted, and the "
			 "server has proved its name",
			 "no secret is ever put in: %s", why);
		return;
	}
	for (size_t i = 0; i < config->n_secrets; i++)
		check_one_use(c, config, i);
}
