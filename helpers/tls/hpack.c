/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hpack.c - Header blocks of requests, decoded, judged and coded anew. */
#include "hpack.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>
#include <string.h>

#include "http2.h"

/**
 * struct hpack - Two tables
 * @from:	the guest's
 * @to:		the server's
 */
struct hpack {
	nghttp2_hd_inflater *from;
	nghttp2_hd_deflater *to;
};

/**
 * struct block - A header block, decoded
 * @w:		flow
 * @n:		fields
 * @fields:	them: names and values are offsets until they are complete
 * @text:	their octets
 * @len:	how many
 * @room:	for so many
 * @value:	offset of the value that is being written
 * @authorities: :authority and Host fields
 * @lengths:	Content-Length fields
 * @regular:	a field that is no pseudo-header field was there
 */
struct block {
	struct watch *w;
	size_t n;
	nghttp2_nv fields[HTTP2_FIELDS];
	size_t names[HTTP2_FIELDS];
	size_t values[HTTP2_FIELDS];
	uint8_t *text;
	size_t len;
	size_t room;
	unsigned int authorities;
	unsigned int lengths;
	bool regular;
};

struct hpack *hpack_new(void)
{
	struct hpack *p = calloc(1, sizeof(*p));

	if (p && !nghttp2_hd_inflate_new(&p->from) &&
	    !nghttp2_hd_deflate_new(&p->to, HPACK_TABLE))
		return p;
	hpack_free(p);
	return NULL;
}

void hpack_free(struct hpack *p)
{
	if (!p)
		return;
	if (p->from)
		nghttp2_hd_inflate_del(p->from);
	if (p->to)
		nghttp2_hd_deflate_del(p->to);
	free(p);
}

bool hpack_resize(struct hpack *p, uint32_t size)
{
	return !nghttp2_hd_deflate_change_table_size(
		p->to, size < HPACK_TABLE ? size : HPACK_TABLE);
}

/* An output of inject.h: the text of a block. */
static bool add(void *arg, const uint8_t *data, size_t len)
{
	struct block *b = arg;

	if (!b->text || b->len + len > b->room) {
		size_t room = b->room ? b->room : 2048;
		uint8_t *text;

		while (room < b->len + len)
			room *= 2;
		/* Not realloc: what has a value in it is wiped. */
		text = malloc(room);
		if (!text)
			return false;
		if (b->len) {
			memcpy(text, b->text, b->len);
			explicit_bzero(b->text, b->len);
		}
		free(b->text);
		b->text = text;
		b->room = room;
	}
	if (len)
		memcpy(b->text + b->len, data, len);
	b->len += len;
	return true;
}

static void release(struct block *b)
{
	if (b->text)
		explicit_bzero(b->text, b->len);
	free(b->text);
}

static enum gate_state refuse(const struct block *b, const char *why)
{
	if (b->w->any)
		return watch_refuse(b->w, GATE_FRAMING, why);
	return watch_broken(b->w, why);
}

static enum gate_state scan_field(const struct block *b,
				  const struct watch_field *f, bool trailers)
{
	const enum gate_where where = trailers ? GATE_TRAILER
				      : watch_is_named(f, ":path")
					      ? GATE_REQUEST_LINE
					      : GATE_HEADER;
	const enum gate_state state =
		watch_scan_all(b->w, where, f->name, f->name_len);

	if (state != GATE_OK)
		return state;
	return watch_scan_all(b->w, where, f->value, f->value_len);
}

/* RFC 9113 section 8.2: what would be read differently in HTTP/1.1. */
static enum gate_state check_form(struct block *b, const struct watch_field *f)
{
	static const char *const hop[] = {
		"connection",	     "keep-alive", "proxy-connection",
		"transfer-encoding", "upgrade",
	};

	if (f->name_len && f->name[0] == ':') {
		if (b->regular)
			return refuse(b, "a pseudo-header field is behind "
					 "others");
	} else {
		b->regular = true;
		if (!nghttp2_check_header_name(f->name, f->name_len))
			return refuse(b, "a field's name is none");
	}
	if (!nghttp2_check_header_value(f->value, f->value_len))
		return refuse(b, "a control character is in a field");
	for (size_t i = 0; i < sizeof(hop) / sizeof(*hop); i++)
		if (watch_is_named(f, hop[i]))
			return refuse(b, "a field of HTTP/1.1's connections");
	if (watch_is_named(f, "te") && !watch_has_value(f, "trailers"))
		return refuse(b, "a field of HTTP/1.1's connections");
	if (watch_is_named(f, "content-length") && b->lengths++)
		return refuse(b, "there are two lengths");
	return GATE_OK;
}

static enum gate_state check_authority(struct block *b,
				       const struct watch_field *f)
{
	if (!watch_is_named(f, ":authority") && !watch_is_named(f, "host"))
		return GATE_OK;
	b->authorities++;
	if (watch_is_authority(b->w, f->value, f->value_len))
		return GATE_OK;
	return watch_refuse(b->w, GATE_AUTHORITY,
			    "the authority is not the server's name");
}

static enum gate_state check(struct block *b, const struct watch_field *f,
			     bool trailers)
{
	enum gate_state state = scan_field(b, f, trailers);

	if (state == GATE_OK && b->w->any)
		state = check_form(b, f);
	if (state == GATE_OK && b->w->any)
		state = check_authority(b, f);
	return state;
}

/* Writes a field's value; sets *@ret_flag if there is a value in it. */
static bool add_value(struct block *b, const struct watch_field *f,
		      bool trailers, uint8_t *ret_flag)
{
	const size_t from = b->len;
	bool ok;

	if (trailers || !b->w->any)
		return add(b, f->value, f->value_len);
	if (watch_is_named(f, ":path")) {
		ok = watch_target_put(b->w, f->value, f->value_len, add, b);
		if (ok && (b->len - from != f->value_len ||
			   memcmp(b->text + from, f->value, f->value_len) != 0))
			*ret_flag = NGHTTP2_NV_FLAG_NO_INDEX;
		return ok;
	}
	if (!watch_field_has(b->w, f))
		return add(b, f->value, f->value_len);
	*ret_flag = NGHTTP2_NV_FLAG_NO_INDEX;
	return watch_field_put(b->w, f, add, b);
}

static enum gate_state take_field(struct block *b, const nghttp2_nv *nv,
				  bool trailers)
{
	const struct watch_field f = {nv->name, nv->namelen, nv->value,
				      nv->valuelen};
	enum gate_state state;
	uint8_t flag = nv->flags & NGHTTP2_NV_FLAG_NO_INDEX;

	if (b->n == HTTP2_FIELDS ||
	    b->len + nv->namelen + nv->valuelen > WATCH_HEAD_MAX)
		return watch_broken(b->w, "a head is too long");
	state = check(b, &f, trailers);
	if (state != GATE_OK)
		return state;
	b->names[b->n] = b->len;
	if (!add(b, f.name, f.name_len))
		return watch_broken(b->w, "there is no memory");
	b->values[b->n] = b->len;
	if (!add_value(b, &f, trailers, &flag))
		return watch_broken(b->w, "there is no memory");
	b->fields[b->n] = (nghttp2_nv){
		.namelen = f.name_len,
		.valuelen = b->len - b->values[b->n],
		.flags = flag,
	};
	b->n++;
	return GATE_OK;
}

static enum gate_state decode(struct hpack *p, struct block *b,
			      const uint8_t *block, size_t len, bool trailers)
{
	int flags = 0;

	while (!(flags & NGHTTP2_HD_INFLATE_FINAL)) {
		nghttp2_nv nv;
		enum gate_state state;
		ssize_t n = nghttp2_hd_inflate_hd2(p->from, &nv, &flags, block,
						   len, 1);

		if (n < 0)
			return watch_broken(b->w, "HPACK cannot be decoded");
		block += n;
		len -= (size_t)n;
		if (!(flags & NGHTTP2_HD_INFLATE_EMIT))
			continue;
		state = take_field(b, &nv, trailers);
		if (state != GATE_OK)
			return state;
	}
	(void)nghttp2_hd_inflate_end_headers(p->from);
	if (!trailers && b->w->any && !b->authorities)
		return watch_refuse(b->w, GATE_AUTHORITY,
				    "there is no authority");
	return GATE_OK;
}

static enum gate_state encode(struct hpack *p, struct block *b, uint8_t **ret,
			      size_t *ret_len)
{
	size_t room;
	uint8_t *out;
	ssize_t n;

	for (size_t i = 0; i < b->n; i++) {
		b->fields[i].name = b->text + b->names[i];
		b->fields[i].value = b->text + b->values[i];
	}
	room = nghttp2_hd_deflate_bound(p->to, b->fields, b->n);
	out = malloc(room);
	if (!out)
		return watch_broken(b->w, "there is no memory");
	n = nghttp2_hd_deflate_hd(p->to, out, room, b->fields, b->n);
	if (n < 0) {
		free(out);
		return watch_broken(b->w, "HPACK cannot be encoded");
	}
	*ret = out;
	*ret_len = (size_t)n;
	return GATE_OK;
}

enum gate_state hpack_recode(struct hpack *p, struct watch *w,
			     const uint8_t *block, size_t len, bool trailers,
			     uint8_t **ret, size_t *ret_len)
{
	struct block *b = calloc(1, sizeof(*b));
	enum gate_state state;

	if (!b)
		return watch_broken(w, "there is no memory");
	b->w = w;
	state = decode(p, b, block, len, trailers);
	if (state == GATE_OK)
		state = encode(p, b, ret, ret_len);
	release(b);
	free(b);
	return state;
}
