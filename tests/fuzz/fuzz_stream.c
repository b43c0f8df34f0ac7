/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fuzz_stream.c - Any content in records, or any octets for them: safe, and the
 * same in any segments, whoever computes the ciphers.
 *
 * The first octet says which version, cipher and side. Then come pieces: type,
 * two octets of length, content. A piece whose type has its highest bit set is
 * sent as it is; every other one in a record, by a peer that has the keys.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

/* Octets of input, and what they may become on the way. */
#define INPUT_MAX 16384
#define WIRE_MAX  (8 * INPUT_MAX)

/** struct wire - What the peer sends */
struct wire {
	uint8_t data[WIRE_MAX];
	size_t len;
};

/** struct heard - What was read of it */
struct heard {
	struct side side;
	uint8_t text[WIRE_MAX];
	size_t len;
};

static struct aead aead;
static struct stream stream = {.aead = &aead};

static struct records keys_of(uint8_t how)
{
	struct records r = {
		.cipher = (how >> 2) % AEAD_CIPHERS,
		.tls13 = how & 1,
		.text_max = RECORD_TEXT,
	};

	r.secret_len = r.tls13 ? how & 64 ? 48 : 32 : 0;
	if (r.tls13)
		MUST(record_derive(&r, &r.in));
	r.out = r.in;
	return r;
}

static void send_piece(struct wire *w, struct records *r, uint8_t type,
		       const uint8_t *text, size_t len)
{
	static const uint8_t update[] = {24, 0, 0, 1};

	if (w->len + len + RECORD_MORE > sizeof(w->data))
		return;
	if (type & 0x80) {
		memcpy(w->data + w->len, text, len);
		w->len += len;
		return;
	}
	w->len += record_seal(r, &aead, type, text, len, w->data + w->len);
	if (r->tls13 && type == RECORD_HANDSHAKE && len == 5 &&
	    !memcmp(text, update, sizeof(update)))
		MUST(record_update(r, &r->out));
}

static void hear(struct heard *h, const struct wire *w, uint8_t how,
		 size_t step)
{
	int fd[2];

	MUST(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd));
	side_init(&h->side, fd[0]);
	h->side.sealed = true;
	h->side.server = how & 2;
	h->side.records = keys_of(how);
	h->len = 0;
	for (size_t at = 0; at < w->len && !stream_is_over(&h->side);
	     at += step) {
		const size_t n = w->len - at < step ? w->len - at : step;

		MUST(send(fd[1], w->data + at, n, 0) == (ssize_t)n);
		h->side.readable = true;
		while (h->side.readable && !stream_is_over(&h->side)) {
			const struct stream_read r = stream_read(
				&stream, &h->side,
				step % 2 ? RECORD_MAX : STREAM_READ);

			MUST(r.text <= r.raw && r.raw <= STREAM_READ);
			MUST(h->len + r.text <= sizeof(h->text));
			memcpy(h->text + h->len, stream.text, r.text);
			h->len += r.text;
		}
	}
	/* Whoever is told something is told something. */
	MUST(!h->side.stream.fault || h->side.stream.broken);
	MUST(stream_answer(&stream, &h->side));
	MUST(stream_flush(&stream, &h->side));
	side_release(&h->side);
	close(fd[0]);
	close(fd[1]);
}

/* What the input says is sent, and read whole and in parts. */
static void run(const uint8_t *data, size_t size, struct wire *w,
		struct heard *whole)
{
	static struct heard parts;
	struct records r = keys_of(data[0]);

	w->len = 0;
	for (size_t at = 1; at + 3 <= size;) {
		const size_t said = (size_t)data[at + 1] << 8 | data[at + 2];
		const size_t left = size - at - 3;
		const size_t len = said < left ? said : left;

		send_piece(w, &r, data[at], data + at + 3, len);
		at += 3 + len;
	}
	hear(whole, w, data[0], 65536);
	hear(&parts, w, data[0], 31);
	MUST(whole->len == parts.len);
	MUST(!memcmp(whole->text, parts.text, whole->len));
	MUST(whole->side.stream.notified == parts.side.stream.notified);
	MUST(whole->side.stream.broken == parts.side.stream.broken);
	MUST(whole->side.stream.fault == parts.side.stream.fault);
	MUST(whole->side.records.in.sequence == parts.side.records.in.sequence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct wire wire[2];
	static struct heard heard[2];
	enum aead_cipher cipher;

	if (!size || size > INPUT_MAX)
		return 0;
	if (!stream.in)
		MUST(aead_load() && aead_begin(&aead) && stream_ready(&stream));
	cipher = keys_of(data[0]).cipher;
	MUST(aead_use(&aead, cipher, AEAD_BY_LIBGCRYPT));
	run(data, size, &wire[0], &heard[0]);
	for (enum aead_by by = AEAD_BY_LIBGCRYPT + 1; by < AEAD_BY; by++) {
		if (!aead_use(&aead, cipher, by))
			continue;
		run(data, size, &wire[1], &heard[1]);
		MUST(wire[0].len == wire[1].len);
		MUST(!memcmp(wire[0].data, wire[1].data, wire[0].len));
		MUST(heard[0].len == heard[1].len);
		MUST(!memcmp(heard[0].text, heard[1].text, heard[0].len));
		MUST(heard[0].side.stream.fault == heard[1].side.stream.fault);
	}
	return 0;
}
