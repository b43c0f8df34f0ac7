/* SPDX-License-Identifier: GPL-2.0-or-later */
/* request1.c - The head of a request in HTTP/1.1, judged and passed on. */
#include "request1.h"

#include <string.h>

/* A target with a scheme has an authority (RFC 9112 section 3.2.2). */
static const uint8_t *target_authority(const struct head *h, size_t *ret_len)
{
	const uint8_t *at = memmem(h->target, h->target_len, "://", 3);
	const uint8_t *slash = memchr(h->target, '/', h->target_len);
	const uint8_t *end = h->target + h->target_len;
	size_t n = 0;

	if (h->connect) {
		*ret_len = h->target_len;
		return h->target;
	}
	/* "://" behind the path's beginning belongs to the path. */
	if (!at || !slash || slash < at)
		return NULL;
	at += 3;
	while (at + n < end && at[n] != '/' && at[n] != '?' && at[n] != '#')
		n++;
	*ret_len = n;
	return at;
}

static enum gate_state check_authority(const struct watch *w,
				       const struct head *h)
{
	size_t len;
	const uint8_t *authority = target_authority(h, &len);

	if (!h->hosts)
		return watch_refuse(w, GATE_AUTHORITY, "there is no host");
	if (!watch_is_authority(w, h->host.value, h->host.value_len))
		return watch_refuse(w, GATE_AUTHORITY,
				    "the host is not the server's name");
	if (authority && !watch_is_authority(w, authority, len))
		return watch_refuse(w, GATE_AUTHORITY,
				    "the target is not at the server's name");
	/* What is neither would be anybody's guess. */
	if (!authority && *h->target != '/' &&
	    (h->target_len != 1 || *h->target != '*'))
		return watch_refuse(w, GATE_FRAMING,
				    "the request's target is none");
	return GATE_OK;
}

static enum gate_state scan_head(const struct watch *w, const struct head *h)
{
	const size_t line = (size_t)(h->target + h->target_len - h->text);
	const enum gate_state state =
		watch_scan_all(w, GATE_REQUEST_LINE, h->text, line);

	if (state != GATE_OK)
		return state;
	return watch_scan_all(w, GATE_HEADER, h->text + line, h->len - line);
}

enum gate_state request1_judge(const struct watch *w, const struct head *h)
{
	const enum gate_state state = scan_head(w, h);

	return state == GATE_OK && w->any ? check_authority(w, h) : state;
}

static bool has_text(const struct watch_field *f, const char *text)
{
	return f->value_len &&
	       memmem(f->value, f->value_len, text, strlen(text));
}

enum inject_form request1_form(const struct head *h)
{
	if (has_text(&h->type, "json"))
		return INJECT_JSON;
	if (has_text(&h->type, "x-www-form-urlencoded"))
		return INJECT_PERCENT;
	return INJECT_RAW;
}

bool request1_is_changed(const struct watch *w, const struct head *h)
{
	return w->body && h->minor && !h->coded && h->body != HEAD_NO_BODY &&
	       (h->body == HEAD_CHUNKED || h->length);
}

/* One field of a head, up to its line's end. */
static bool put_field(struct watch *w, const struct head *h, size_t from,
		      const struct watch_field *f, bool changed)
{
	const uint8_t *line = h->text + from;

	if (head_is_dropped(f) ||
	    (changed && watch_is_named(f, "content-length")))
		return true;
	if (!w->any || !watch_field_has(w, f))
		return watch_put_ok(w, line, h->at - from);
	return watch_put_ok(w, line, (size_t)(f->value - line)) &&
	       watch_field_put(w, f, watch_put_ok, w) &&
	       watch_put_ok(w, (const uint8_t *)"\r\n", 2);
}

bool request1_put(struct watch *w, struct head *h, bool changed)
{
	static const char chunked[] = "Transfer-Encoding: chunked\r\n";
	const uint8_t *behind = h->target + h->target_len;
	struct watch_field f;

	if (!watch_put_ok(w, h->text, (size_t)(h->target - h->text)) ||
	    !watch_target_put(w, h->target, h->target_len, watch_put_ok, w) ||
	    !watch_put_ok(w, behind, sizeof(" HTTP/1.1\r\n") - 1))
		return false;
	h->at = (size_t)(behind - h->text) + sizeof(" HTTP/1.1\r\n") - 1;
	for (;;) {
		const size_t from = h->at;

		if (head_next_field(h, &f) || !f.name)
			break;
		if (!put_field(w, h, from, &f, changed))
			return false;
	}
	if (changed && h->body == HEAD_LENGTH &&
	    !watch_put_ok(w, (const uint8_t *)chunked, sizeof(chunked) - 1))
		return false;
	return watch_put_ok(w, (const uint8_t *)"\r\n", 2);
}
