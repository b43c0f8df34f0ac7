/* SPDX-License-Identifier: GPL-2.0-or-later */
/* watch.c - One flow of a gate: what its readers of protocols share. */
#include "watch.h"

#include <string.h>

enum gate_state watch_put(const struct watch *w, const uint8_t *data,
			  size_t len)
{
	if (!len || w->sink(w->arg, GATE_GUEST, data, len))
		return GATE_OK;
	return watch_broken(w, "it could not be passed on");
}

enum gate_state watch_answer(const struct watch *w, const uint8_t *data,
			     size_t len)
{
	if (!len || w->sink(w->arg, GATE_SERVER, data, len))
		return GATE_OK;
	return watch_broken(w, "it could not be passed on");
}

static bool answer_ok(void *arg, const uint8_t *data, size_t len)
{
	const struct watch *w = arg;

	return w->sink(w->arg, GATE_SERVER, data, len);
}

enum gate_state watch_mask(const struct watch *w, const uint8_t *data,
			   size_t len)
{
	struct watch to = *w;

	if (mask_feed(w->mask, w->secrets, data, len, answer_ok, &to))
		return GATE_OK;
	return watch_broken(w, "it could not be passed on");
}

enum gate_state watch_mask_end(const struct watch *w)
{
	struct watch to = *w;

	if (mask_flush(w->mask, answer_ok, &to))
		return GATE_OK;
	return watch_broken(w, "it could not be passed on");
}

bool watch_put_ok(void *arg, const uint8_t *data, size_t len)
{
	return watch_put(arg, data, len) == GATE_OK;
}

enum gate_state watch_broken(const struct watch *w, const char *why)
{
	*w->ret = (struct gate_violation){.why = why};
	return GATE_BROKEN;
}

enum gate_state watch_refuse(const struct watch *w, enum gate_where where,
			     const char *why)
{
	*w->ret = (struct gate_violation){
		.where = where,
		.action = w->strictest,
		.why = why,
	};
	return GATE_VIOLATION;
}

static enum gate_state found(const struct watch *w, enum gate_where where,
			     const struct finder_found *f)
{
	*w->ret = (struct gate_violation){
		.where = where,
		.found = *f,
		.action = w->secrets->all[f->secret].action,
	};
	return GATE_VIOLATION;
}

enum gate_state watch_scan(const struct watch *w, struct finder_state *s,
			   enum gate_where where, const uint8_t *data,
			   size_t len)
{
	struct finder_found f;

	if (finder_feed(w->finder, s, &w->allowed, data, len, &f))
		return found(w, where, &f);
	return GATE_OK;
}

enum gate_state watch_scan_end(const struct watch *w, struct finder_state *s,
			       enum gate_where where)
{
	struct finder_found f;

	if (finder_end(w->finder, s, &w->allowed, &f))
		return found(w, where, &f);
	return GATE_OK;
}

enum gate_state watch_scan_all(const struct watch *w, enum gate_where where,
			       const uint8_t *data, size_t len)
{
	struct finder_state s;
	enum gate_state state;

	finder_begin(&s);
	state = watch_scan(w, &s, where, data, len);
	return state != GATE_OK ? state : watch_scan_end(w, &s, where);
}

struct inject watch_inject(const struct watch *w, enum secret_inject where,
			   enum inject_form form)
{
	return (struct inject){
		.secrets = w->secrets,
		.allowed = &w->allowed,
		.where = where,
		.form = form,
		.firsts = &w->firsts[form],
		.put = where == SECRET_IN_BASIC ? &w->mask->basic
						: &w->mask->put,
	};
}

static uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool is_text(const uint8_t *text, size_t len, const char *lower)
{
	for (size_t i = 0; i < len; i++)
		if (!lower[i] || fold(text[i]) != fold((uint8_t)lower[i]))
			return false;
	return !lower[len];
}

bool watch_is_authority(const struct watch *w, const uint8_t *text, size_t len)
{
	size_t end = len;

	while (end && text[end - 1] >= '0' && text[end - 1] <= '9')
		end--;
	/* A port: digits behind a colon. */
	if (end && end < len && text[end - 1] == ':')
		len = end - 1;
	if (len && text[len - 1] == '.')
		len--;
	return w->sni && len && is_text(text, len, w->sni);
}

bool watch_is_named(const struct watch_field *f, const char *lower)
{
	return is_text(f->name, f->name_len, lower);
}

bool watch_has_value(const struct watch_field *f, const char *lower)
{
	return is_text(f->value, f->value_len, lower);
}

/** struct word - A text in lower case */
struct word {
	const char *text;
	size_t len;
};

#define WORD(text) \
	{ \
		(text), sizeof(text) - 1 \
	}

/* Whether @text begins with it, whatever the case. */
static bool is_word(const uint8_t *text, const struct word *w)
{
	for (size_t i = 0; i < w->len; i++)
		if (fold(text[i]) != (uint8_t)w->text[i])
			return false;
	return true;
}

static bool is_reflected(const struct watch_field *f)
{
	static const struct word names[] = {
		WORD("accept"),
		WORD("accept-charset"),
		WORD("accept-encoding"),
		WORD("accept-language"),
		WORD("baggage"),
		WORD("connection"),
		WORD("content-length"),
		WORD("content-type"),
		WORD("correlation-id"),
		WORD("date"),
		WORD("expect"),
		WORD("forwarded"),
		WORD("from"),
		WORD("host"),
		WORD("http2-settings"),
		WORD("idempotency-key"),
		WORD("max-forwards"),
		WORD("origin"),
		WORD("range"),
		WORD("referer"),
		WORD("request-id"),
		WORD("te"),
		WORD("trace-id"),
		WORD("traceparent"),
		WORD("tracestate"),
		WORD("trailer"),
		WORD("transfer-encoding"),
		WORD("upgrade"),
		WORD("user-agent"),
		WORD("via"),
		WORD("x-amzn-trace-id"),
		WORD("x-client-request-id"),
		WORD("x-correlation-id"),
		WORD("x-real-ip"),
		WORD("x-request-id"),
		WORD("x-requested-with"),
		WORD("x-trace-id"),
	};
	static const struct word prefixes[] = {
		WORD(":"),
		WORD("access-control-"),
		WORD("content-"),
		WORD("if-"),
		WORD("sec-"),
		WORD("x-b3-"),
		WORD("x-forwarded-"),
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (f->name_len == names[i].len && is_word(f->name, &names[i]))
			return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (f->name_len > prefixes[i].len &&
		    is_word(f->name, &prefixes[i]))
			return true;
	return false;
}

/* Octets of "Basic " before the credentials, or 0: RFC 9110 section 11.4. */
static size_t basic_scheme(const struct watch_field *f)
{
	size_t at = 5;

	if (!watch_is_named(f, "authorization") &&
	    !watch_is_named(f, "proxy-authorization"))
		return 0;
	if (f->value_len < 7 || !is_text(f->value, 5, "basic") ||
	    f->value[5] != ' ')
		return 0;
	while (at < f->value_len && f->value[at] == ' ')
		at++;
	return at;
}

static bool put_nowhere(void *arg, const uint8_t *data, size_t len)
{
	struct watch_field *f = arg;

	/* What is passed on unchanged is in one piece. */
	if (data != f->value || len != f->value_len)
		f->name_len = 0;
	return true;
}

bool watch_field_has(const struct watch *w, const struct watch_field *f)
{
	struct watch_field changed = *f;
	const struct inject in = watch_inject(w, SECRET_IN_HEADERS, INJECT_RAW);
	const struct inject basic =
		watch_inject(w, SECRET_IN_BASIC, INJECT_RAW);
	const size_t scheme = basic_scheme(f);

	if (!w->any || is_reflected(f))
		return false;
	if (inject_has(&in, f->value, f->value_len))
		return true;
	if (!scheme)
		return false;
	changed.value += scheme;
	changed.value_len -= scheme;
	(void)inject_basic(&basic, changed.value, changed.value_len,
			   put_nowhere, &changed);
	return !changed.name_len;
}

bool watch_field_put(const struct watch *w, const struct watch_field *f,
		     inject_put *put, void *arg)
{
	const struct inject in = watch_inject(w, SECRET_IN_HEADERS, INJECT_RAW);
	const struct inject basic =
		watch_inject(w, SECRET_IN_BASIC, INJECT_RAW);
	const size_t scheme = basic_scheme(f);

	if (!w->any || is_reflected(f))
		return put(arg, f->value, f->value_len);
	if (!scheme || inject_has(&in, f->value, f->value_len))
		return inject_text(&in, f->value, f->value_len, put, arg);
	return put(arg, f->value, scheme) &&
	       inject_basic(&basic, f->value + scheme, f->value_len - scheme,
			    put, arg);
}

bool watch_target_put(const struct watch *w, const uint8_t *target, size_t len,
		      inject_put *put, void *arg)
{
	const struct inject in =
		watch_inject(w, SECRET_IN_QUERY, INJECT_PERCENT);
	const uint8_t *query = memchr(target, '?', len);
	size_t before;

	if (!query || !w->any)
		return put(arg, target, len);
	before = (size_t)(query - target);
	return put(arg, target, before) &&
	       inject_text(&in, query, len - before, put, arg);
}
