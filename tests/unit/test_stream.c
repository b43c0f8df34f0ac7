/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_stream.c - What peers say in records, however it comes, and what is
 * answered.
 */
#include "stream.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aead_case.h"
#include "alert.h"

/** struct ends - Our end, and the other end of its socket with the same keys */
struct ends {
	struct stream st;
	struct aead aead;
	struct side side;
	struct records peer;
	int fd;
};

static struct ends *ends;

static void begin(bool tls13, bool server)
{
	struct records *const r = &ends->side.records;
	int fd[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd),
		     0);
	ends->fd = fd[1];
	side_init(&ends->side, fd[0]);
	ends->side.sealed = true;
	ends->side.server = server;
	*r = (struct records){.cipher = AEAD_AES_128_GCM,
			      .tls13 = tls13,
			      .secret_len = tls13 ? 32 : 0,
			      .text_max = RECORD_TEXT};
	memset(r->in.secret, 1, 32);
	memset(r->out.secret, 2, 32);
	if (tls13)
		cr_assert(record_derive(r, &r->in) &&
			  record_derive(r, &r->out));
	ends->peer = *r;
	ends->peer.in = r->out;
	ends->peer.out = r->in;
}

static void setup(void)
{
	ends = calloc(1, sizeof(*ends));
	cr_assert(ends);
	aead_case(&ends->aead);
	ends->st.aead = &ends->aead;
	cr_assert(stream_ready(&ends->st));
	begin(true, false);
}

static void finish(void)
{
	side_release(&ends->side);
	close(ends->side.fd);
	close(ends->fd);
}

static void again(bool tls13, bool server)
{
	finish();
	begin(tls13, server);
}

static void teardown(void)
{
	finish();
	stream_release(&ends->st);
	aead_end(&ends->aead);
	free(ends);
}

TestSuite(stream, .init = setup, .fini = teardown);

/* What the peer sends. */
static void send_record(enum record_type type, const void *text, size_t len)
{
	static uint8_t room[RECORD_MAX];
	const size_t n =
		record_seal(&ends->peer, &ends->aead, type, text, len, room);

	cr_assert(n);
	cr_assert_eq(send(ends->fd, room, n, 0), (ssize_t)n);
}

#define SEND(type, ...) \
	send_record(type, (const uint8_t[]){__VA_ARGS__}, \
		    sizeof((const uint8_t[]){__VA_ARGS__}))

static size_t read_some(void)
{
	return stream_read(&ends->st, &ends->side, STREAM_READ).text;
}

static void expect_text(const char *text)
{
	const size_t n = read_some();

	cr_assert_eq(n, strlen(text), "%zu octets", n);
	cr_assert_arr_eq(ends->st.text, text, n);
}

/* What the peer gets: a record. */
static struct record_opened receive(uint8_t *to)
{
	static uint8_t room[RECORD_MAX];
	struct record_opened o;
	uint8_t alert;
	size_t len;

	cr_assert_eq(recv(ends->fd, room, RECORD_HEAD, 0), RECORD_HEAD);
	len = record_len(&ends->peer, room, &alert);
	cr_assert(len);
	cr_assert_eq(recv(ends->fd, room + RECORD_HEAD, len - RECORD_HEAD, 0),
		     (ssize_t)(len - RECORD_HEAD));
	cr_assert_eq(record_open(&ends->peer, &ends->aead, room, len, to, &o),
		     0);
	return o;
}

static void say(const char *text)
{
	cr_assert(stream_say(&ends->st, &ends->side, text, strlen(text)));
	cr_assert(stream_flush(&ends->st, &ends->side));
}

static void expect_nothing(void)
{
	uint8_t octet;

	cr_assert_lt(recv(ends->fd, &octet, 1, 0), 0);
}

Test(stream, one_batch)
{
	send_record(RECORD_DATA, "one ", 4);
	send_record(RECORD_DATA, "", 0);
	send_record(RECORD_DATA, "two", 3);
	expect_text("one two");
	cr_assert_not(stream_is_over(&ends->side));
	cr_assert_not(ends->side.ahead);
	expect_text("");
	cr_assert_not(ends->side.readable);
}

/* Octet by octet it is the same, and less than a record waits. */
Test(stream, piecemeal)
{
	static const char text[] = "what comes in pieces is whole again";
	uint8_t room[3][128];
	size_t len[3];
	size_t got = 0;

	for (int k = 0; k < 3; k++)
		len[k] = record_seal(&ends->peer, &ends->aead, RECORD_DATA,
				     text + 10 * k, 10, room[k]);
	for (int k = 0; k < 3; k++) {
		for (size_t at = 0; at < len[k]; at++) {
			size_t n;

			cr_assert_eq(send(ends->fd, room[k] + at, 1, 0), 1);
			n = read_some();
			cr_assert_eq(n, at + 1 == len[k] ? 10 : 0);
			cr_assert_arr_eq(ends->st.text, text + got, n);
			got += n;
		}
		cr_assert_not(ends->side.ahead);
	}
}

/* A batch is no more than was asked for, and ends between records. */
Test(stream, batches)
{
	static uint8_t text[RECORD_TEXT];
	size_t got = 0;
	struct stream_read r;

	for (int k = 0; k < 5; k++)
		send_record(RECORD_DATA, text, sizeof(text));
	do {
		r = stream_read(&ends->st, &ends->side, STREAM_READ);
		cr_assert_leq(r.raw, STREAM_READ);
		cr_assert(!r.raw || r.text == 3 * sizeof(text) ||
			  r.text == 2 * sizeof(text));
		got += r.text;
	} while (r.raw);
	cr_assert_eq(got, 5 * sizeof(text));
	for (int k = 0; k < 5; k++)
		send_record(RECORD_DATA, text, sizeof(text));
	for (int k = 0; k < 5; k++)
		cr_assert_eq(
			stream_read(&ends->st, &ends->side, RECORD_MAX).text,
			sizeof(text));
}

Test(stream, ends)
{
	send_record(RECORD_DATA, "last", 4);
	SEND(RECORD_ALERT, 1, ALERT_CLOSE_NOTIFY);
	send_record(RECORD_DATA, "not heard", 9);
	expect_text("last");
	cr_assert(stream_is_over(&ends->side));
	cr_assert(ends->side.stream.notified);
	cr_assert_not(ends->side.stream.broken);

	again(true, false);
	send_record(RECORD_DATA, "last", 4);
	cr_assert_eq(send(ends->fd, "\x17\x03\x03\x00\x40", 5, 0), 5);
	shutdown(ends->fd, SHUT_WR);
	expect_text("last");
	expect_text("");
	cr_assert(stream_is_over(&ends->side));
	cr_assert_not(ends->side.stream.notified);
	cr_assert_not(ends->side.stream.broken);
}

Test(stream, alerts)
{
	uint8_t code;

	SEND(RECORD_ALERT, 1, ALERT_USER_CANCELED);
	expect_text("");
	cr_assert_not(stream_is_over(&ends->side));
	/* A warning is none in TLS 1.3. */
	SEND(RECORD_ALERT, 1, ALERT_HANDSHAKE_FAILURE);
	expect_text("");
	cr_assert(ends->side.stream.broken);
	cr_assert_not(ends->side.stream.fault);
	cr_assert(alert_received(&ends->side, &code));
	cr_assert_eq(code, ALERT_HANDSHAKE_FAILURE);

	again(false, false);
	SEND(RECORD_ALERT, 1, ALERT_HANDSHAKE_FAILURE);
	expect_text("");
	cr_assert_not(stream_is_over(&ends->side));
	SEND(RECORD_ALERT, 2, ALERT_HANDSHAKE_FAILURE);
	expect_text("");
	cr_assert(ends->side.stream.broken);
	cr_assert(alert_received(&ends->side, &code));
}

static void expect_fault(uint8_t alert)
{
	uint8_t code;

	(void)read_some();
	cr_assert(stream_is_over(&ends->side));
	cr_assert(ends->side.stream.broken);
	cr_assert_eq(ends->side.stream.fault, alert, "%u, not %u",
		     ends->side.stream.fault, alert);
	cr_assert_not(alert_received(&ends->side, &code));
}

/* What was said before is said; then it is over. */
Test(stream, faults)
{
	send_record(RECORD_DATA, "good", 4);
	cr_assert_eq(
		send(ends->fd, "\x17\x03\x03\x00\x11-----------------", 22, 0),
		22);
	expect_text("good");
	expect_fault(ALERT_BAD_RECORD_MAC);

	again(true, false);
	cr_assert_eq(send(ends->fd, "HTTP/1.1 400", 12, 0), 12);
	expect_fault(ALERT_UNEXPECTED_MESSAGE);

	again(true, false);
	SEND(RECORD_ALERT, 1);
	expect_fault(ALERT_DECODE_ERROR);

	again(true, false);
	SEND(RECORD_CHANGE_CIPHER_SPEC, 1);
	expect_fault(ALERT_UNEXPECTED_MESSAGE);

	again(true, false);
	send_record(RECORD_HANDSHAKE, "", 0);
	expect_fault(ALERT_UNEXPECTED_MESSAGE);

	/* CertificateRequest, which nobody has allowed. */
	again(true, false);
	SEND(RECORD_HANDSHAKE, 13, 0, 0, 3, 0, 0, 0);
	expect_fault(ALERT_UNEXPECTED_MESSAGE);

	/* A client has no tickets. */
	again(true, true);
	SEND(RECORD_HANDSHAKE, 4, 0, 0, 1, 0);
	expect_fault(ALERT_UNEXPECTED_MESSAGE);

	/* Data in the middle of a message. */
	again(true, false);
	SEND(RECORD_HANDSHAKE, 4, 0, 0, 9, 0);
	send_record(RECORD_DATA, "x", 1);
	expect_fault(ALERT_UNEXPECTED_MESSAGE);
}

/* Tickets in parts, in any number of records, with each other. */
Test(stream, tickets)
{
	SEND(RECORD_HANDSHAKE, 4, 0);
	SEND(RECORD_HANDSHAKE, 0, 3, 7, 7);
	SEND(RECORD_HANDSHAKE, 7, 4, 0, 0, 1, 7, 4, 0, 0, 0);
	send_record(RECORD_DATA, "after", 5);
	expect_text("after");
	cr_assert_not(stream_is_over(&ends->side));
}

/* Its keys change; ours, when it asks, before we say anything else. */
Test(stream, key_update)
{
	uint8_t text[RECORD_MAX];
	struct record_opened o;

	SEND(RECORD_HANDSHAKE, 24, 0, 0, 1, 0);
	cr_assert(record_update(&ends->peer, &ends->peer.out));
	send_record(RECORD_DATA, "new", 3);
	expect_text("new");
	say("old");
	o = receive(text);
	cr_assert_eq(o.type, RECORD_DATA);

	SEND(RECORD_HANDSHAKE, 24, 0, 0);
	SEND(RECORD_HANDSHAKE, 1);
	SEND(RECORD_HANDSHAKE, 1);
	cr_assert(record_update(&ends->peer, &ends->peer.out));
	send_record(RECORD_DATA, "newer", 5);
	expect_text("newer");
	expect_nothing();
	say("new");
	o = receive(text);
	cr_assert_eq(o.type, RECORD_HANDSHAKE);
	cr_assert_eq(o.len, 5);
	cr_assert_arr_eq(text, "\x18\0\0\1\0", 5);
	cr_assert(record_update(&ends->peer, &ends->peer.in));
	o = receive(text);
	cr_assert_eq(o.type, RECORD_DATA);
	cr_assert_arr_eq(text, "new", 3);
	expect_nothing();
}

Test(stream, bad_key_updates)
{
	/* Something of the old keys behind it. */
	SEND(RECORD_HANDSHAKE, 24, 0, 0, 1, 0, 24);
	expect_fault(ALERT_UNEXPECTED_MESSAGE);

	again(true, false);
	SEND(RECORD_HANDSHAKE, 24, 0, 0, 1, 2);
	expect_fault(ALERT_ILLEGAL_PARAMETER);

	again(true, false);
	SEND(RECORD_HANDSHAKE, 24, 0, 0, 2, 0, 0);
	expect_fault(ALERT_UNEXPECTED_MESSAGE);

	/* Nothing but: somebody wants us to compute. */
	again(true, false);
	for (int k = 0; k < 33; k++) {
		SEND(RECORD_HANDSHAKE, 24, 0, 0, 1, 0);
		cr_assert(record_update(&ends->peer, &ends->peer.out));
	}
	expect_fault(ALERT_UNEXPECTED_MESSAGE);
}

/* Keys that have sealed much are changed by us. */
Test(stream, spent)
{
	uint8_t text[RECORD_MAX];

	ends->side.records.out.sequence = 1u << 24;
	ends->peer.in.sequence = 1u << 24;
	say("x");
	cr_assert_eq(receive(text).type, RECORD_HANDSHAKE);
	cr_assert(record_update(&ends->peer, &ends->peer.in));
	cr_assert_eq(receive(text).type, RECORD_DATA);
	say("y");
	cr_assert_eq(receive(text).type, RECORD_DATA);
	cr_assert_eq(text[0], 'y');
}

/* Neither side is renegotiated with, and either is told so. */
Test(stream, renegotiation)
{
	uint8_t text[RECORD_MAX];
	struct record_opened o;

	for (int server = 0; server < 2; server++) {
		again(false, server);
		if (server)
			SEND(RECORD_HANDSHAKE, 1, 0, 0, 2, 3, 3);
		else
			SEND(RECORD_HANDSHAKE, 0, 0, 0, 0);
		expect_text("");
		cr_assert_not(stream_is_over(&ends->side));
		cr_assert(stream_answer(&ends->st, &ends->side));
		cr_assert(stream_flush(&ends->st, &ends->side));
		o = receive(text);
		cr_assert_eq(o.type, RECORD_ALERT);
		cr_assert_arr_eq(text, "\x01\x64", 2);
	}
	SEND(RECORD_HANDSHAKE, 0, 0, 0, 0);
	expect_fault(ALERT_UNEXPECTED_MESSAGE);
}

/* As large as they may be; and what the socket does not take waits. */
Test(stream, full)
{
	const size_t len = 1000000;
	uint8_t *const text = malloc(len);
	uint8_t got[RECORD_MAX];
	size_t at = 0;

	cr_assert(text);
	for (size_t k = 0; k < len; k++)
		text[k] = (uint8_t)(k * 31 >> 3);
	ends->side.records.text_max = 4096;
	cr_assert(stream_say(&ends->st, &ends->side, text, len));
	cr_assert(stream_flush(&ends->st, &ends->side));
	cr_assert(ends->side.stream.wait);
	cr_assert_not(ends->side.writable);
	/* What is said meanwhile comes behind it. */
	say("end");
	for (int k = 0; at < len; k++) {
		uint8_t octet;

		cr_assert_lt(k, 10000);
		while (recv(ends->fd, &octet, 1, MSG_PEEK) == 1 && at < len) {
			const struct record_opened o = receive(got);

			cr_assert_eq(o.len, len - at < 4096 ? len - at : 4096);
			cr_assert_arr_eq(got, text + at, o.len);
			at += o.len;
			if (ends->side.stream.wait)
				cr_assert(stream_flush(&ends->st, &ends->side));
		}
	}
	cr_assert_eq(receive(got).len, 3);
	cr_assert_not(ends->side.stream.wait);
	free(text);
}

/* Who is gone has nothing waiting. */
Test(stream, dead)
{
	static uint8_t text[1 << 20];

	cr_assert(stream_say(&ends->st, &ends->side, text, sizeof(text)));
	cr_assert(stream_flush(&ends->st, &ends->side));
	cr_assert(ends->side.stream.wait);
	close(ends->fd);
	cr_assert(stream_flush(&ends->st, &ends->side));
	cr_assert(ends->side.dead);
	cr_assert_not(ends->side.stream.wait);
	say("to nobody");
	cr_assert_not(ends->side.stream.wait);
	ends->fd = -1;
}

Test(stream, last_words)
{
	uint8_t text[RECORD_MAX];

	cr_assert(stream_say(&ends->st, &ends->side, "x", 1));
	stream_alert(&ends->st, &ends->side, ALERT_INTERNAL_ERROR);
	cr_assert_eq(receive(text).type, RECORD_DATA);
	cr_assert_eq(receive(text).type, RECORD_ALERT);
	cr_assert_arr_eq(text, "\x02\x50", 2);
	cr_assert(stream_close(&ends->st, &ends->side));
	cr_assert(stream_flush(&ends->st, &ends->side));
	cr_assert_eq(receive(text).type, RECORD_ALERT);
	cr_assert_arr_eq(text, "\x01\x00", 2);
}
