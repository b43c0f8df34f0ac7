/* SPDX-License-Identifier: GPL-2.0-or-later */
/* head.c - The head of a request of HTTP/1.1, read. */
#include "head.h"

#include <string.h>

#define LENGTH_DIGITS 18

/* RFC 9110 section 5.6.2. */
bool head_can_begin(uint8_t c)
{
	static const bool is_token[256] = {
		['0' ... '9'] = true, ['A' ... 'Z'] = true,
		['^' ... 'z'] = true, ['#' ... '\''] = true,
		['!'] = true,	      ['*'] = true,
		['+'] = true,	      ['-'] = true,
		['.'] = true,	      ['|'] = true,
		['~'] = true,
	};

	return is_token[c];
}

static size_t token(const uint8_t *text, size_t len)
{
	size_t n = 0;

	while (n < len && head_can_begin(text[n]))
		n++;
	return n;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* " HTTP/1.1", or of another minor version. */
static bool is_version(const uint8_t *text)
{
	return !memcmp(text, " HTTP/1.", 8) && text[8] >= '0' && text[8] <= '9';
}

bool head_is_request(const uint8_t *text, size_t len)
{
	const size_t method = token(text, len);

	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	return method && method < len && text[method] == ' ' && len > 9 &&
	       is_version(text + len - 9);
}

/* A line that ends with CR LF; @h->at is moved behind it. */
static const char *next_line(struct head *h, struct head_line *ret)
{
	const uint8_t *from = h->text + h->at;
	const uint8_t *end = memchr(from, '\n', h->len - h->at);
	bool control = false;
	size_t len;

	if (!end)
		return "a line has no end";
	len = (size_t)(end - from);
	if (!len || from[len - 1] != '\r')
		return "a line ends without CR";
	*ret = (struct head_line){h->at, len - 1};
	h->at += len + 1;
	for (size_t i = 0; i < ret->len; i++)
		control |= ((from[i] < ' ') & (from[i] != '\t')) |
			   (from[i] == 0x7f);
	return control ? "a control character is in a line" : NULL;
}

static const char *read_request_line(struct head *h)
{
	struct head_line line = {0, 0};
	const char *why = next_line(h, &line);
	const uint8_t *text = h->text + line.at;
	size_t method;

	if (why)
		return why;
	method = token(text, line.len);
	if (!method || line.len < method + 11 || text[method] != ' ' ||
	    !is_version(text + line.len - 9))
		return "the request line is none";
	h->target = text + method + 1;
	h->target_len = line.len - 9 - method - 1;
	for (size_t i = 0; i < h->target_len; i++)
		if (is_blank(h->target[i]))
			return "a blank is in the request's target";
	h->connect = method == 7 && !memcmp(text, "CONNECT", 7);
	h->minor = text[line.len - 1] - (unsigned int)'0';
	return NULL;
}

const char *head_next_field(struct head *h, struct watch_field *ret)
{
	struct head_line line = {0, 0};
	const char *why = next_line(h, &line);
	const uint8_t *text = h->text + line.at;
	size_t at;

	*ret = (struct watch_field){.name = NULL};
	if (why || !line.len)
		return why;
	at = token(text, line.len);
	if (is_blank(text[0]))
		return "a line is folded";
	if (!at || at == line.len || text[at] != ':')
		return "a field's name is none";
	ret->name = text;
	ret->name_len = at++;
	while (at < line.len && is_blank(text[at]))
		at++;
	while (line.len > at && is_blank(text[line.len - 1]))
		line.len--;
	ret->value = text + at;
	ret->value_len = line.len - at;
	return NULL;
}

static const char *read_length(struct head *h, const struct watch_field *f)
{
	if (h->lengths++)
		return "there are two lengths";
	if (!f->value_len || f->value_len > LENGTH_DIGITS)
		return "the length is none";
	for (size_t i = 0; i < f->value_len; i++) {
		if (f->value[i] < '0' || f->value[i] > '9')
			return "the length is none";
		h->length = h->length * 10 + (f->value[i] - (unsigned int)'0');
	}
	return NULL;
}

static const char *read_coding(struct head *h, const struct watch_field *f)
{
	if (h->body == HEAD_CHUNKED)
		return "there are two transfer codings";
	if (!watch_has_value(f, "chunked"))
		return "the transfer coding is not \"chunked\"";
	if (!h->minor)
		return "there is a transfer coding in HTTP/1.0";
	h->body = HEAD_CHUNKED;
	return NULL;
}

bool head_is_dropped(const struct watch_field *f)
{
	return watch_is_named(f, "http2-settings") ||
	       (watch_is_named(f, "upgrade") && watch_has_value(f, "h2c"));
}

static const char *take_field(struct head *h, const struct watch_field *f)
{
	if (watch_is_named(f, "content-length"))
		return read_length(h, f);
	if (watch_is_named(f, "transfer-encoding"))
		return read_coding(h, f);
	if (watch_is_named(f, "host")) {
		h->hosts++;
		h->host = *f;
	} else if (watch_is_named(f, "upgrade")) {
		h->upgrade |= !head_is_dropped(f);
		h->websocket |= watch_has_value(f, "websocket");
	} else if (watch_is_named(f, "content-type")) {
		h->type = *f;
	} else if (watch_is_named(f, "content-encoding")) {
		h->coded = true;
	}
	return NULL;
}

const char *head_read(struct head *h, const uint8_t *text, size_t len)
{
	const char *why;

	*h = (struct head){.text = text, .len = len};
	why = read_request_line(h);
	while (!why) {
		struct watch_field f;

		why = head_next_field(h, &f);
		if (why || !f.name)
			break;
		why = take_field(h, &f);
	}
	if (why)
		return why;
	if (h->lengths && h->body == HEAD_CHUNKED)
		return "there is a length beside a transfer coding";
	if (h->hosts > 1)
		return "there are two hosts";
	if (h->lengths)
		h->body = HEAD_LENGTH;
	return NULL;
}
