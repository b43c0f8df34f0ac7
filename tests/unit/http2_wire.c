/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http2_wire.c - Frames of HTTP/2 that are written by hand. */
#include "http2_wire.h"

#include <criterion/criterion.h>

struct h2_wire h2_wire;

static struct case_out out;

void h2_put_frame(uint8_t type, uint8_t flags, uint32_t stream,
		  const void *payload, size_t len)
{
	const uint8_t header[] = {
		(uint8_t)(len >> 16),
		(uint8_t)(len >> 8),
		(uint8_t)len,
		type,
		flags,
		(uint8_t)(stream >> 24),
		(uint8_t)(stream >> 16),
		(uint8_t)(stream >> 8),
		(uint8_t)stream,
	};

	memcpy(h2_wire.text + h2_wire.n, header, sizeof(header));
	h2_wire.n += sizeof(header);
	memcpy(h2_wire.text + h2_wire.n, payload, len);
	h2_wire.n += len;
}

void h2_put_preface(void)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	memcpy(h2_wire.text, preface, sizeof(preface) - 1);
	h2_wire.n = sizeof(preface) - 1;
	h2_put_frame(4, 0, 0, "", 0);
}

size_t h2_put_field(uint8_t *to, const char *name, const char *value)
{
	size_t n = 0;

	to[n++] = 0;
	to[n++] = (uint8_t)strlen(name);
	memcpy(to + n, name, strlen(name));
	n += strlen(name);
	to[n++] = (uint8_t)strlen(value);
	memcpy(to + n, value, strlen(value));
	return n + strlen(value);
}

size_t h2_put_request(uint8_t *to, const char *name, const char *value)
{
	size_t n = h2_put_field(to, ":method", "POST");

	n += h2_put_field(to + n, ":scheme", "https");
	n += h2_put_field(to + n, ":path", "/");
	n += h2_put_field(to + n, ":authority", API);
	return name ? n + h2_put_field(to + n, name, value) : n;
}

enum gate_state h2_write_all(const char *sni, size_t piece)
{
	struct gate *g = gate_begin(h2.env, sni, true);
	enum gate_state s = GATE_OK;

	memset(out.len, 0, sizeof(out.len));
	h2.violation.why = NULL;
	for (size_t at = 0; at < h2_wire.n && s == GATE_OK; at += piece)
		s = gate_feed(g, GATE_GUEST, h2_wire.text + at,
			      h2_wire.n - at < piece ? h2_wire.n - at : piece,
			      case_sink, &out, &h2.violation);
	gate_end(g);
	return s;
}

void h2_read_all(void)
{
	cr_assert_eq(
		nghttp2_session_mem_recv(h2.server, out.text[0], out.len[0]),
		(ssize_t)out.len[0]);
}
