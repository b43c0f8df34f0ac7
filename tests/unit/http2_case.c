/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http2_case.c - nghttp2's client and server, which speak through the gate. */
#include "http2_case.h"

#include <criterion/criterion.h>
#include <stdio.h>

struct h2_case h2;

static int on_header(nghttp2_session *s, const nghttp2_frame *f,
		     const uint8_t *name, size_t name_len, const uint8_t *value,
		     size_t value_len, uint8_t flags, void *arg)
{
	struct heard *h = &h2.heard[f->hd.stream_id];
	char *to = h->head + strlen(h->head);

	(void)s;
	(void)arg;
	snprintf(to, TEXT_MAX - strlen(h->head), "%.*s: %.*s\n", (int)name_len,
		 (const char *)name, (int)value_len, (const char *)value);
	if (flags & NGHTTP2_NV_FLAG_NO_INDEX)
		snprintf(h->never + strlen(h->never),
			 TEXT_MAX - strlen(h->never), "%.*s\n", (int)name_len,
			 (const char *)name);
	return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t id,
		   const uint8_t *data, size_t len, void *arg)
{
	struct heard *h = &h2.heard[id];

	(void)s;
	(void)flags;
	(void)arg;
	if (h->n_body + len <= sizeof(h->body))
		memcpy(h->body + h->n_body, data, len);
	h->n_body += len;
	return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
	nghttp2_nv ok = {(uint8_t *)":status", (uint8_t *)"200", 7, 3, 0};

	(void)arg;
	if (!(f->hd.flags & NGHTTP2_FLAG_END_STREAM) ||
	    (f->hd.type != NGHTTP2_HEADERS && f->hd.type != NGHTTP2_DATA))
		return 0;
	h2.heard[f->hd.stream_id].ended = true;
	return nghttp2_submit_response(s, f->hd.stream_id, &ok, 1, NULL);
}

static int on_answer(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
	(void)s;
	(void)arg;
	h2.n_answers += f->hd.type == NGHTTP2_HEADERS;
	return 0;
}

static ssize_t on_read(nghttp2_session *s, int32_t id, uint8_t *to, size_t room,
		       uint32_t *flags, nghttp2_data_source *source, void *arg)
{
	struct body *b = source->ptr;
	const size_t n = b->left < room ? b->left : room;

	(void)s;
	(void)id;
	(void)arg;
	if (b->text)
		memcpy(to, b->text, n);
	else
		memset(to, 'x', n);
	b->text = b->text ? b->text + n : NULL;
	b->left -= n;
	if (!b->left)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

void h2_begin(void)
{
	nghttp2_session_callbacks *c;

	memset(h2.heard, 0, sizeof(h2.heard));
	h2.n_answers = 0;
	h2.state = GATE_OK;
	h2.step = SIZE_MAX;
	h2.env = gate_env_new(&case_all);
	nghttp2_session_callbacks_new(&c);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_server_new(&h2.server, c, NULL);
	nghttp2_session_callbacks_del(c);
	nghttp2_session_callbacks_new(&c);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_answer);
	nghttp2_session_client_new(&h2.client, c, NULL);
	nghttp2_session_callbacks_del(c);
}

void h2_begin_flow(const char *sni)
{
	h2.gate = gate_begin(h2.env, sni, true);
	cr_assert(h2.gate);
	nghttp2_submit_settings(h2.client, 0, NULL, 0);
	nghttp2_submit_settings(h2.server, 0, NULL, 0);
}

void h2_end(void)
{
	nghttp2_session_del(h2.client);
	nghttp2_session_del(h2.server);
	gate_end(h2.gate);
	h2.gate = NULL;
	gate_env_free(h2.env);
}

TestSuite(http2, .init = h2_begin, .fini = h2_end);

static bool deliver(void *arg, enum gate_side from, const uint8_t *data,
		    size_t len)
{
	nghttp2_session *to = from == GATE_GUEST ? h2.server : h2.client;
	const ssize_t n = nghttp2_session_mem_recv(to, data, len);

	(void)arg;
	cr_assert_eq(n, (ssize_t)len, "%s",
		     n < 0 ? nghttp2_strerror((int)n) : "");
	return true;
}

static bool carry(nghttp2_session *from, enum gate_side side)
{
	const uint8_t *data;
	const ssize_t n = nghttp2_session_mem_send(from, &data);

	for (size_t at = 0; n > 0 && at < (size_t)n && h2.state == GATE_OK;) {
		size_t part = (size_t)n - at;

		part = part < h2.step ? part : h2.step;
		h2.state = gate_feed(h2.gate, side, data + at, part, deliver,
				     NULL, &h2.violation);
		at += part;
	}
	return n > 0;
}

void h2_talk(void)
{
	for (int i = 0; i < 100000 && h2.state == GATE_OK; i++) {
		const bool one = carry(h2.client, GATE_GUEST);

		if (!carry(h2.server, GATE_SERVER) && !one)
			return;
	}
}

#define NV(NAME, VALUE) \
	{ \
		(uint8_t *)(NAME), (uint8_t *)(VALUE), strlen(NAME), \
			strlen(VALUE), NGHTTP2_NV_FLAG_NONE \
	}

int32_t h2_ask(const char *authority, const char *path, const char *name,
	       const char *value, struct body *body)
{
	nghttp2_data_provider p = {.source.ptr = body,
				   .read_callback = on_read};
	nghttp2_nv nv[] = {
		NV(":method", body ? "POST" : "GET"),
		NV(":scheme", "https"),
		NV(":authority", authority),
		NV(":path", path),
		NV(name ? name : "accept", value ? value : "*/*"),
	};

	return nghttp2_submit_request(h2.client, NULL, nv, COUNT(nv),
				      body ? &p : NULL, NULL);
}

bool h2_is_heard(int32_t id, const char *line)
{
	return strstr(h2.heard[id].head, line);
}
