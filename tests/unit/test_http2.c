/* SPDX-License-Identifier: GPL-2.0-or-later */
/* nghttp2's client and server speak through the gate; frames that it would not
 * write are written here.
 */
#include <criterion/criterion.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

#include "gate_case.h"

#define API "api.example.com"
#define Q   "x.q.example.com"

#define STREAMS	 260
#define TEXT_MAX 8192

/**
 * struct heard - What the server heard of a stream
 * @head:	"name: value\n" of each field, trailers too
 * @never:	"name\n" of each that is never put into a table
 * @body:	octets of its body
 * @n_body:	how many
 * @ended:	it is complete
 */
struct heard {
	char head[TEXT_MAX];
	char never[TEXT_MAX];
	size_t n_body;
	char body[256];
	bool ended;
};

/**
 * struct body - What the client says
 * @text:	octets, or NULL: @left octets of "x"
 * @left:	how many are left
 */
struct body {
	const char *text;
	size_t left;
};

static struct heard heard[2 * STREAMS];
static size_t n_answers;
static struct gate_env *env;
static struct gate *gate;
static nghttp2_session *client, *server;
static enum gate_state state;
static struct gate_violation violation;
static size_t step;

static int on_header(nghttp2_session *s, const nghttp2_frame *f,
		     const uint8_t *name, size_t name_len, const uint8_t *value,
		     size_t value_len, uint8_t flags, void *arg)
{
	struct heard *h = &heard[f->hd.stream_id];
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
	struct heard *h = &heard[id];

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
	heard[f->hd.stream_id].ended = true;
	return nghttp2_submit_response(s, f->hd.stream_id, &ok, 1, NULL);
}

static int on_answer(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
	(void)s;
	(void)arg;
	n_answers += f->hd.type == NGHTTP2_HEADERS;
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

static void begin(void)
{
	nghttp2_session_callbacks *c;

	memset(heard, 0, sizeof(heard));
	n_answers = 0;
	state = GATE_OK;
	step = SIZE_MAX;
	env = gate_env_new(&case_all);
	nghttp2_session_callbacks_new(&c);
	nghttp2_session_callbacks_set_on_header_callback(c, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c, on_data);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_frame);
	nghttp2_session_server_new(&server, c, NULL);
	nghttp2_session_callbacks_del(c);
	nghttp2_session_callbacks_new(&c);
	nghttp2_session_callbacks_set_on_frame_recv_callback(c, on_answer);
	nghttp2_session_client_new(&client, c, NULL);
	nghttp2_session_callbacks_del(c);
}

static void begin_flow(const char *sni)
{
	gate = gate_begin(env, sni, true);
	cr_assert(gate);
	nghttp2_submit_settings(client, 0, NULL, 0);
	nghttp2_submit_settings(server, 0, NULL, 0);
}

static void end(void)
{
	nghttp2_session_del(client);
	nghttp2_session_del(server);
	gate_end(gate);
	gate = NULL;
	gate_env_free(env);
}

TestSuite(http2, .init = begin, .fini = end);

static bool deliver(void *arg, enum gate_side from, const uint8_t *data,
		    size_t len)
{
	nghttp2_session *to = from == GATE_GUEST ? server : client;
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

	for (size_t at = 0; n > 0 && at < (size_t)n && state == GATE_OK;) {
		size_t part = (size_t)n - at;

		part = part < step ? part : step;
		state = gate_feed(gate, side, data + at, part, deliver, NULL,
				  &violation);
		at += part;
	}
	return n > 0;
}

/* Until nobody has anything to say. */
static void talk(void)
{
	for (int i = 0; i < 100000 && state == GATE_OK; i++) {
		const bool one = carry(client, GATE_GUEST);

		if (!carry(server, GATE_SERVER) && !one)
			return;
	}
}

#define NV(NAME, VALUE) \
	{ \
		(uint8_t *)(NAME), (uint8_t *)(VALUE), strlen(NAME), \
			strlen(VALUE), NGHTTP2_NV_FLAG_NONE \
	}

/* A request with one field more, or without one. */
static int32_t ask(const char *authority, const char *path, const char *name,
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

	return nghttp2_submit_request(client, NULL, nv, COUNT(nv),
				      body ? &p : NULL, NULL);
}

static bool is_heard(int32_t id, const char *line)
{
	return strstr(heard[id].head, line);
}

Test(http2, header)
{
	int32_t id;

	begin_flow(API);
	id = ask(API, "/", "authorization", "Bearer $MSB_KEY", NULL);
	talk();
	cr_assert_eq(state, GATE_OK, "%s", violation.why);
	cr_assert(is_heard(id, "authorization: Bearer sk-12345\n"));
	cr_assert(is_heard(id, ":authority: " API "\n"));
	cr_assert(heard[id].ended);
	cr_assert_eq(n_answers, 1);
}

Test(http2, value_is_never_in_a_table)
{
	int32_t id;

	begin_flow(API);
	for (int i = 0; i < 3; i++) {
		id = ask(API, "/?$MSB_QUERY", "x-key", "$MSB_KEY", NULL);
		talk();
		cr_assert(is_heard(id, "x-key: sk-12345\n"));
		cr_assert(is_heard(id, ":path: /?a%26b%20c%2F1\n"));
		cr_assert(strstr(heard[id].never, "x-key\n"));
		cr_assert(strstr(heard[id].never, ":path\n"));
		cr_assert(!strstr(heard[id].never, ":authority\n"));
	}
}

Test(http2, basic)
{
	int32_t id;

	begin_flow(API);
	id = ask(API, "/", "authorization", "Basic dXNlcjokTVNCX0tFWQ==", NULL);
	talk();
	cr_assert(is_heard(id, "authorization: Basic dXNlcjpzay0xMjM0NQ==\n"));
}

Test(http2, reflected_headers)
{
	static const char *const names[] = {"user-agent", "referer", "origin",
					    "x-request-id", "traceparent"};

	begin_flow(API);
	for (size_t i = 0; i < COUNT(names); i++) {
		const int32_t id = ask(API, "/", names[i], "$MSB_KEY", NULL);
		char line[64];

		talk();
		snprintf(line, sizeof(line), "%s: $MSB_KEY\n", names[i]);
		cr_assert(is_heard(id, line));
	}
}

static void expect(enum gate_where where, enum case_secret secret)
{
	talk();
	cr_assert_eq(state, GATE_VIOLATION);
	cr_assert_eq(violation.where, where, "%s",
		     gate_where_name(violation.where));
	cr_assert_eq(violation.found.secret, secret);
	cr_assert_eq(violation.action, case_secrets[secret].action);
}

Test(http2, violation_in_a_header)
{
	int32_t id;

	begin_flow(API);
	id = ask(API, "/", "x", "%24MSB_OTHER", NULL);
	expect(GATE_HEADER, SECRET_OTHER);
	cr_assert_eq(violation.found.form, FINDER_PERCENT);
	cr_assert_str_empty(heard[id].head);
}

Test(http2, violation_in_the_path)
{
	begin_flow(API);
	ask(API, "/$MSB_OTHER", NULL, NULL, NULL);
	expect(GATE_REQUEST_LINE, SECRET_OTHER);
}

Test(http2, violation_in_a_body)
{
	struct body b = {"some $MSB_OTHER text", 20};

	begin_flow(API);
	ask(API, "/", NULL, NULL, &b);
	expect(GATE_BODY, SECRET_OTHER);
}

Test(http2, violation_in_the_second_request)
{
	begin_flow(API);
	ask(API, "/", "x", "$MSB_KEY", NULL);
	talk();
	cr_assert_eq(state, GATE_OK);
	ask(API, "/", "x", "$MSB_OTHER", NULL);
	expect(GATE_HEADER, SECRET_OTHER);
}

Test(http2, violation_by_another_server)
{
	begin_flow("unknown.example.org");
	ask("anything", "/", "x", "$MSB_KEY", NULL);
	expect(GATE_HEADER, SECRET_KEY);
}

Test(http2, authority_does_not_matter_elsewhere)
{
	begin_flow("unknown.example.org");
	ask("anything", "/", "x", "y", NULL);
	talk();
	cr_assert_eq(state, GATE_OK);
}

Test(http2, authority)
{
	begin_flow(API);
	ask("evil.example.org", "/", "x", "$MSB_KEY", NULL);
	talk();
	cr_assert_eq(state, GATE_VIOLATION);
	cr_assert_eq(violation.where, GATE_AUTHORITY);
	cr_assert_eq(violation.action, SECRET_BLOCK_AND_LOG);
}

Test(http2, authority_and_host)
{
	begin_flow(API);
	ask(API, "/", "host", "evil.example.org", NULL);
	talk();
	cr_assert_eq(state, GATE_VIOLATION);
	cr_assert_eq(violation.where, GATE_AUTHORITY);
}

Test(http2, in_octets)
{
	struct body b = {"body", 4};
	int32_t id;

	begin_flow(API);
	step = 1;
	id = ask(API, "/", "x", "$MSB_KEY", &b);
	talk();
	cr_assert_eq(state, GATE_OK);
	cr_assert(is_heard(id, "x: sk-12345\n"));
	cr_assert_eq(heard[id].n_body, 4);
	cr_assert(!memcmp(heard[id].body, "body", 4));
}

/* 100 requests with bodies of more than a window, taken in turn. */
Test(http2, hundred_streams)
{
	static struct body bodies[100];
	int32_t ids[100];

	begin_flow(API);
	step = 1000;
	for (size_t i = 0; i < 100; i++) {
		char path[32];

		bodies[i] = (struct body){NULL, 70000 + i};
		snprintf(path, sizeof(path), "/%zu", i);
		ids[i] = ask(API, path, "x", i % 2 ? "$MSB_KEY" : "y",
			     &bodies[i]);
	}
	talk();
	cr_assert_eq(state, GATE_OK, "%s", violation.why);
	for (size_t i = 0; i < 100; i++) {
		char path[32];

		snprintf(path, sizeof(path), ":path: /%zu\n", i);
		cr_assert(is_heard(ids[i], path));
		cr_assert(is_heard(ids[i], i % 2 ? "x: sk-12345\n" : "x: y\n"));
		cr_assert_eq(heard[ids[i]].n_body, 70000 + i);
		cr_assert(heard[ids[i]].ended);
	}
	cr_assert_eq(n_answers, 100);
}

/* The same, and in one of them, far behind, is a placeholder. */
Test(http2, violation_in_one_of_hundred_streams)
{
	static struct body bodies[100];
	static char text[70000];

	memset(text, 'x', sizeof(text));
	memcpy(text + 60000, "$MSB_OTHER", 10);
	begin_flow(API);
	for (size_t i = 0; i < 100; i++) {
		bodies[i] = (struct body){i == 57 ? text : NULL, 70000};
		ask(API, "/", NULL, NULL, &bodies[i]);
	}
	expect(GATE_BODY, SECRET_OTHER);
}

/* The server's table is smaller than the guest's, or gone. */
Test(http2, tables_of_any_size)
{
	static const uint32_t sizes[] = {0, 100, 4096, 65536};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		const nghttp2_settings_entry e = {
			NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, sizes[i]};

		if (i) {
			end();
			begin();
		}
		begin_flow(API);
		nghttp2_submit_settings(server, 0, &e, 1);
		for (int k = 0; k < 20; k++) {
			char value[32];
			const int32_t id =
				(snprintf(value, sizeof(value), "v%d", k / 3),
				 ask(API, "/some/path", "x-some", value, NULL));

			talk();
			cr_assert_eq(state, GATE_OK, "%s", violation.why);
			cr_assert(heard[id].ended);
			snprintf(value, sizeof(value), "x-some: v%d\n", k / 3);
			cr_assert(is_heard(id, value));
		}
		cr_assert_eq(
			nghttp2_session_get_remote_settings(
				client, NGHTTP2_SETTINGS_HEADER_TABLE_SIZE),
			4096);
	}
}

Test(http2, streams_are_limited)
{
	begin_flow(API);
	talk();
	cr_assert_eq(nghttp2_session_get_remote_settings(
			     client, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
		     256);
}

Test(http2, fewer_streams_stay_fewer)
{
	const nghttp2_settings_entry e = {
		NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 7};

	begin_flow(API);
	nghttp2_submit_settings(server, 0, &e, 1);
	nghttp2_submit_settings(server, 0, NULL, 0);
	talk();
	cr_assert_eq(nghttp2_session_get_remote_settings(
			     client, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
		     7);
}

Test(http2, large_head)
{
	static char value[30000];
	int32_t id;

	memset(value, '~', sizeof(value) - 1);
	begin_flow(API);
	id = ask(API, "/", "x-large", value, NULL);
	talk();
	cr_assert_eq(state, GATE_OK, "%s", violation.why);
	cr_assert(heard[id].ended);
}

/* Frames that are written by hand. */
static struct case_out out;
static uint8_t text[1 << 17];
static size_t n_text;

static void put_frame(uint8_t type, uint8_t flags, uint32_t stream,
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

	memcpy(text + n_text, header, sizeof(header));
	n_text += sizeof(header);
	memcpy(text + n_text, payload, len);
	n_text += len;
}

static void put_preface(void)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

	memcpy(text, preface, sizeof(preface) - 1);
	n_text = sizeof(preface) - 1;
	put_frame(4, 0, 0, "", 0);
}

/* A header block without indices: RFC 7541 section 6.2.2. */
static size_t put_field(uint8_t *to, const char *name, const char *value)
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

static size_t put_request(uint8_t *to, const char *name, const char *value)
{
	size_t n = put_field(to, ":method", "POST");

	n += put_field(to + n, ":scheme", "https");
	n += put_field(to + n, ":path", "/");
	n += put_field(to + n, ":authority", API);
	return name ? n + put_field(to + n, name, value) : n;
}

static enum gate_state write_all(const char *sni, size_t piece)
{
	struct gate *g = gate_begin(env, sni, true);
	enum gate_state s = GATE_OK;

	memset(out.len, 0, sizeof(out.len));
	violation.why = NULL;
	for (size_t at = 0; at < n_text && s == GATE_OK; at += piece)
		s = gate_feed(g, GATE_GUEST, text + at,
			      n_text - at < piece ? n_text - at : piece,
			      case_sink, &out, &violation);
	gate_end(g);
	return s;
}

/* To nghttp2's server. */
static void read_all(void)
{
	cr_assert_eq(nghttp2_session_mem_recv(server, out.text[0], out.len[0]),
		     (ssize_t)out.len[0]);
}

/* A head in any two frames, with padding and a priority. */
Test(http2, continuation_at_every_place)
{
	uint8_t block[512], first[1024];
	const size_t n = put_request(block, "x", "$MSB_KEY");

	for (size_t cut = 0; cut <= n; cut++) {
		const uint8_t padding = (uint8_t)(cut % 3 * 100);
		const uint8_t before[] = {padding, 0, 0, 0, 0, 33};

		end();
		begin();
		put_preface();
		memcpy(first, before, 6);
		memcpy(first + 6, block, cut);
		memset(first + 6 + cut, 0, padding);
		put_frame(1, 0x8 | 0x20, 1, first, 6 + cut + padding);
		put_frame(9, 0, 1, "", 0);
		put_frame(9, 4, 1, block + cut, n - cut);
		put_frame(0, 1, 1, "done", 4);
		cr_assert_eq(write_all(API, cut + 1), GATE_OK, "%s",
			     violation.why);
		read_all();
		cr_assert(is_heard(1, "x: sk-12345\n"));
		cr_assert(heard[1].ended);
		cr_assert_eq(heard[1].n_body, 4);
	}
}

/* A placeholder in two frames, padding between, other frames, too. */
Test(http2, violation_split_over_frames)
{
	static const char p[] = "$MSB_OTHER";
	uint8_t block[512];
	const size_t n = put_request(block, NULL, NULL);

	for (size_t cut = 1; cut < 10; cut++)
		for (size_t piece = 1; piece < 30; piece++) {
			uint8_t data[64] = {20};

			put_preface();
			put_frame(1, 4, 1, block, n);
			put_frame(1, 4, 3, block, n);
			memcpy(data + 1, p, cut);
			put_frame(0, 8, 1, data, 1 + cut + 20);
			put_frame(6, 0, 0, "12345678", 8);
			put_frame(0, 0, 3, "another", 7);
			put_frame(0, 0, 1, p + cut, 10 - cut);
			put_frame(0, 1, 1, "", 0);
			cr_assert_eq(write_all(API, piece), GATE_VIOLATION,
				     "cut at %zu, pieces of %zu", cut, piece);
			cr_assert_eq(violation.where, GATE_BODY);
		}
}

/* Parts of two streams are none. */
Test(http2, parts_in_two_streams)
{
	uint8_t block[512];
	const size_t n = put_request(block, NULL, NULL);

	put_preface();
	put_frame(1, 4, 1, block, n);
	put_frame(1, 4, 3, block, n);
	put_frame(0, 0, 1, "$MSB_", 5);
	put_frame(0, 1, 3, "OTHER", 5);
	put_frame(0, 1, 1, "x", 1);
	cr_assert_eq(write_all(API, 7), GATE_OK);
}

Test(http2, violation_in_padding_and_in_other_frames)
{
	uint8_t block[512];
	const size_t n = put_request(block, NULL, NULL);

	put_preface();
	put_frame(1, 4, 1, block, n);
	put_frame(0, 8, 1, "\x0a$MSB_OTHER", 11);
	cr_assert_eq(write_all(API, 1000), GATE_VIOLATION);
	put_preface();
	put_frame(7, 0, 0, "\0\0\0\0\0\0\0\0$MSB_OTHER", 18);
	cr_assert_eq(write_all(API, 1000), GATE_VIOLATION);
	cr_assert_eq(violation.where, GATE_STREAM);
	put_preface();
	put_frame(99, 0, 0, "$MSB_OTHER", 10);
	cr_assert_eq(write_all(API, 1000), GATE_VIOLATION);
}

Test(http2, trailers_are_left_alone_and_looked_through)
{
	uint8_t block[512], trailers[64];
	const size_t n = put_request(block, NULL, NULL);
	size_t m = put_field(trailers, "x-sum", "$MSB_KEY");

	put_preface();
	put_frame(1, 4, 1, block, n);
	put_frame(0, 0, 1, "body", 4);
	put_frame(1, 4 | 1, 1, trailers, m);
	cr_assert_eq(write_all(API, 11), GATE_OK, "%s", violation.why);
	read_all();
	cr_assert(is_heard(1, "x-sum: $MSB_KEY\n"));
	cr_assert(heard[1].ended);
	m = put_field(trailers, "x-sum", "$MSB_OTHER");
	put_preface();
	put_frame(1, 4, 1, block, n);
	put_frame(1, 4 | 1, 1, trailers, m);
	cr_assert_eq(write_all(API, 11), GATE_VIOLATION);
	cr_assert_eq(violation.where, GATE_TRAILER);
}

Test(http2, odd_fields)
{
	static const struct {
		const char *name, *value;
		enum gate_where where;
	} cases[] = {
		{"transfer-encoding", "chunked", GATE_FRAMING},
		{"connection", "close", GATE_FRAMING},
		{"upgrade", "h2c", GATE_FRAMING},
		{"te", "gzip", GATE_FRAMING},
		{"X-Upper", "a", GATE_FRAMING},
		{"x y", "a", GATE_FRAMING},
		{"x:y", "a", GATE_FRAMING},
		{"x\r\ny", "a", GATE_FRAMING},
		{"", "a", GATE_FRAMING},
		{"x", "a\r\nhost: b", GATE_FRAMING},
		{"x", "a\nb", GATE_FRAMING},
		{":authority", "evil.org", GATE_AUTHORITY},
		{"host", "evil.org", GATE_AUTHORITY},
		{"host", "", GATE_AUTHORITY},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t block[512];
		const size_t n =
			put_request(block, cases[i].name, cases[i].value);

		put_preface();
		put_frame(1, 5, 1, block, n);
		cr_assert_eq(write_all(API, 1000), GATE_VIOLATION, "%zu", i);
		cr_assert_eq(violation.where, cases[i].where, "%zu: %s", i,
			     violation.why);
		cr_assert(violation.why);
	}
}

Test(http2, two_lengths_and_fields_out_of_order)
{
	uint8_t block[512];
	size_t n = put_request(block, "content-length", "1");

	n += put_field(block + n, "content-length", "1");
	put_preface();
	put_frame(1, 5, 1, block, n);
	cr_assert_eq(write_all(API, 1000), GATE_VIOLATION);
	n = put_request(block, "x", "y");
	n += put_field(block + n, ":path", "/other");
	put_preface();
	put_frame(1, 5, 1, block, n);
	cr_assert_eq(write_all(API, 1000), GATE_VIOLATION);
	n = put_field(block, ":method", "GET");
	put_preface();
	put_frame(1, 5, 1, block, n);
	cr_assert_eq(write_all(API, 1000), GATE_VIOLATION);
	cr_assert_eq(violation.where, GATE_AUTHORITY);
}

/* What no client may do. */
Test(http2, broken)
{
	uint8_t block[512];
	const size_t n = put_request(block, NULL, NULL);
	static const uint8_t bomb[] = {0x80};

	for (int i = 0; i < 12; i++) {
		put_preface();
		switch (i) {
		case 0: /* not within a head */
			put_frame(1, 0, 1, block, n);
			put_frame(0, 0, 1, "a", 1);
			break;
		case 1: /* another's */
			put_frame(1, 0, 1, block, n);
			put_frame(9, 4, 3, block, n);
			break;
		case 2: /* of no head */
			put_frame(9, 4, 1, block, n);
			break;
		case 3: /* a server's */
			put_frame(5, 4, 1, block, n);
			break;
		case 4:
			put_frame(1, 4, 0, block, n);
			break;
		case 5:
			put_frame(1, 4, 2, block, n);
			break;
		case 6: /* padding longer than it all */
			put_frame(1, 4 | 8, 1, "\xff", 1);
			break;
		case 7:
			put_frame(1, 4, 1, block, n);
			put_frame(0, 8, 1, "\xff", 1);
			break;
		case 8:
			put_frame(1, 4 | 8, 1, "", 0);
			break;
		case 9:
			put_frame(1, 4, 1, block, n);
			put_frame(0, 8, 1, "", 0);
			break;
		case 10:
			put_frame(1, 4 | 0x20, 1, "\0\0\0\0", 4);
			break;
		case 11: /* index 0 */
			put_frame(1, 4, 1, bomb, 1);
			break;
		}
		for (size_t piece = 1; piece < 40; piece += 13) {
			cr_assert_eq(write_all(API, piece), GATE_BROKEN,
				     "case %d", i);
			cr_assert(violation.why);
		}
	}
	memcpy(text, "PRI * HTTP/1.1\r\n\r\n", 18);
	n_text = 18;
	cr_assert_eq(write_all(API, 5), GATE_BROKEN);
}

Test(http2, floods)
{
	uint8_t block[512];
	const size_t n = put_request(block, NULL, NULL);
	static uint8_t large[16384];

	put_preface();
	put_frame(1, 0, 1, block, n);
	for (int i = 0; i < 100; i++)
		put_frame(9, 0, 1, "", 0);
	cr_assert_eq(write_all(API, 1000), GATE_BROKEN);
	put_preface();
	put_frame(1, 0, 1, block, n);
	for (int i = 0; i < 5; i++)
		put_frame(9, 0, 1, large, sizeof(large));
	cr_assert_eq(write_all(API, 1000), GATE_BROKEN);
}

/* One field of 4 KB in the table, named again and again. */
Test(http2, list_that_is_too_long)
{
	static uint8_t block[8192];
	size_t n = put_request(block, NULL, NULL);

	block[n++] = 0x40;
	block[n++] = 1;
	block[n++] = 'x';
	block[n++] = 0x7f;
	/* 3800 - 127, RFC 7541 section 5.1 */
	block[n++] = 0x80 | (3673 & 0x7f);
	block[n++] = 3673 >> 7;
	memset(block + n, 'y', 3800);
	n += 3800;
	memset(block + n, 0xbe, 100);
	n += 100;
	put_preface();
	put_frame(1, 5, 1, block, n);
	cr_assert_eq(write_all(API, 1000), GATE_BROKEN);
	cr_assert_str_eq(violation.why, "a head is too long");
}

Test(http2, too_many_streams)
{
	uint8_t block[512];
	const size_t n = put_request(block, NULL, NULL);

	put_preface();
	for (uint32_t i = 0; i < 256; i++)
		put_frame(1, 4, 2 * i + 1, block, n);
	cr_assert_eq(write_all(API, 1000), GATE_OK);
	put_frame(1, 4, 513, block, n);
	cr_assert_eq(write_all(API, 1000), GATE_BROKEN);
	/* Those that are complete do not count. */
	put_preface();
	for (uint32_t i = 0; i < 300; i++) {
		put_frame(1, 4, 2 * i + 1, block, n);
		if (i % 2)
			put_frame(0, 1, 2 * i + 1, "x", 1);
		else
			put_frame(3, 0, 2 * i + 1, "\0\0\0\x08", 4);
	}
	cr_assert_eq(write_all(API, 1000), GATE_OK);
}

/* Data of a stream that the server has ended: it was on its way. */
Test(http2, data_of_a_closed_stream)
{
	uint8_t block[512];
	const size_t n = put_request(block, NULL, NULL);

	put_preface();
	put_frame(1, 4, 1, block, n);
	put_frame(3, 0, 1, "\0\0\0\x08", 4);
	put_frame(0, 0, 1, "x", 1);
	cr_assert_eq(write_all(API, 1000), GATE_OK);
	put_frame(0, 0, 1, "$MSB_OTHER", 10);
	cr_assert_eq(write_all(API, 1000), GATE_VIOLATION);
}

/* Without ALPN, by what it begins with, in any pieces. */
Test(http2, prior_knowledge)
{
	uint8_t block[512];
	const size_t n = put_request(block, "x", "$MSB_KEY");

	put_preface();
	put_frame(1, 5, 1, block, n);
	for (size_t piece = 1; piece < n_text; piece++) {
		struct gate *g = gate_begin(env, NULL, false);
		enum gate_state s = GATE_OK;

		out.len[0] = 0;
		for (size_t at = 0; at < n_text && s == GATE_OK; at += piece)
			s = gate_feed(g, GATE_GUEST, text + at,
				      n_text - at < piece ? n_text - at : piece,
				      case_sink, &out, &violation);
		gate_end(g);
		cr_assert_eq(s, GATE_VIOLATION);
		cr_assert_eq(violation.found.secret, SECRET_KEY);
	}
}

Test(http2, not_offered_where_bodies_are_changed)
{
	cr_assert(gate_may_h2(env, API));
	cr_assert(gate_may_h2(env, Q));
	cr_assert(gate_may_h2(env, NULL));
	cr_assert(!gate_may_h2(env, "body.example.com"));
}

/* Settings that cannot be read. */
Test(http2, settings_of_a_server)
{
	static const uint8_t cut[] = {0, 0, 5, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0};
	static const uint8_t many[] = {0, 2, 0, 4, 0, 0, 0, 0, 0};
	static const uint8_t table[] = {0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 1, 0, 1,
					0, 0,
					/* and an ACK */
					0, 0, 0, 4, 1, 0, 0, 0, 0};
	static const uint8_t told[] = {0, 0, 12, 4,  0, 0, 0, 0, 0, 0,
				       1, 0, 0,	 16, 0, 0, 3, 0, 0, 1,
				       0, 0, 0,	 0,  4, 1, 0, 0, 0, 0};

	for (size_t piece = 1; piece < 30; piece++) {
		struct gate *g = gate_begin(env, API, true);
		enum gate_state s = GATE_OK;

		out.len[1] = 0;
		for (size_t at = 0; at < sizeof(table); at += piece)
			s = gate_feed(g, GATE_SERVER, table + at,
				      sizeof(table) - at < piece
					      ? sizeof(table) - at
					      : piece,
				      case_sink, &out, &violation);
		cr_assert_eq(s, GATE_OK);
		cr_assert_eq(out.len[1], sizeof(told));
		cr_assert(!memcmp(out.text[1], told, sizeof(told)));
		gate_end(g);
	}
	gate = gate_begin(env, API, true);
	cr_assert_eq(gate_feed(gate, GATE_SERVER, cut, sizeof(cut), case_sink,
			       &out, &violation),
		     GATE_BROKEN);
	gate_end(gate);
	gate = gate_begin(env, API, true);
	cr_assert_eq(gate_feed(gate, GATE_SERVER, many, sizeof(many), case_sink,
			       &out, &violation),
		     GATE_BROKEN);
}

/** struct guest - What a guest heard, as octets */
struct guest {
	uint8_t text[4096];
	size_t len;
};

static bool hear(void *arg, enum gate_side from, const uint8_t *data,
		 size_t len)
{
	struct guest *g = arg;

	cr_assert_eq(from, GATE_SERVER);
	cr_assert(g->len + len <= sizeof(g->text));
	if (len)
		memcpy(g->text + g->len, data, len);
	g->len += len;
	return true;
}

#define FRAME(LEN, FLAGS, STREAM) "\0\0" LEN "\0" FLAGS "\0\0\0" STREAM

/* In one frame, with padding, in two, around another stream's. */
static const char answers[] =
	FRAME("\14", "\0", "\1") "a sk-12345 b" FRAME("\17", "\10", "\1") "\3sk-12345...sk-" FRAME("\6", "\0", "\1") "x sk-1" FRAME(
		"\6", "\0",
		"\1") "2345 y" FRAME("\3", "\0",
				     "\1") "sk-" FRAME("\2", "\0",
						       "\3") "12" FRAME("\6",
									"\0",
									"\1") "12345 " FRAME("\10",
											     "\1",
											     "\1") "sk-12345" FRAME("\5",
														    "\0",
														    "\1") "sk-12";
static const char masked[] =
	FRAME("\14", "\0", "\1") "a ******** b" FRAME("\17", "\10", "\1") "\3********...sk-" FRAME("\6", "\0", "\1") "x ****" FRAME(
		"\6", "\0",
		"\1") "**** y" FRAME("\3", "\0",
				     "\1") "sk-" FRAME("\2", "\0",
						       "\3") "12" FRAME("\6",
									"\0",
									"\1") "***** " FRAME("\10",
											     "\1",
											     "\1") "********" FRAME("\5",
														    "\0",
														    "\1") "*****";

/* In any two pieces: no more than half of a short value is seen. */
Test(http2, values_in_answers)
{
	static const char none[] = FRAME("\12", "\0", "\1") "sk-12345--";
	const uint8_t *const said = (const uint8_t *)answers;
	const size_t len = sizeof(answers) - 1;
	struct guest g = {.len = 0};

	begin_flow(API);
	ask(API, "/", NULL, NULL, NULL);
	talk();
	cr_assert_eq(gate_feed(gate, GATE_SERVER, (const uint8_t *)none,
			       sizeof(none) - 1, hear, &g, &violation),
		     GATE_OK);
	cr_assert_eq(g.len, sizeof(none) - 1);
	cr_assert(!memcmp(g.text, none, g.len));
	ask(API, "/", "x-key", "$MSB_KEY", NULL);
	talk();
	for (size_t cut = 0; cut < len; cut++) {
		size_t seen = 0;

		g.len = 0;
		cr_assert_eq(gate_feed(gate, GATE_SERVER, said, cut, hear, &g,
				       &violation),
			     GATE_OK);
		cr_assert_eq(gate_feed(gate, GATE_SERVER, said + cut, len - cut,
				       hear, &g, &violation),
			     GATE_OK);
		cr_assert_eq(g.len, len);
		for (size_t i = 0; i < len; i++) {
			const bool same = g.text[i] == (uint8_t)masked[i];

			cr_assert(same || g.text[i] == said[i], "%zu", cut);
			seen += !same;
		}
		cr_assert(seen < 4 && (cut || !seen), "%zu: %zu", cut, seen);
	}
}
