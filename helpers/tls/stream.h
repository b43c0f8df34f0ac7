/* SPDX-License-Identifier: GPL-2.0-or-later */
/* stream.h - What is said on an open TLS connection, out of its records and
 * into them.
 *
 * Theory of Operation
 *
 * What a socket has is read at once, up to STREAM_READ octets: all records that
 * are complete are opened, one behind the other; the rest of the last one waits
 * for what is missing. What is to be said is sealed in records as large as they
 * may be, whatever it came in, and all of them are sent by one call. So a
 * megabyte is some sixteen calls each way, and as many packets to the kernel,
 * instead of sixty-four and more; between two processes most of what TLS costs
 * is that, and not the ciphers.
 *
 * There is one room for all connections: nothing stays in it from one call of
 * the pump to the next. What has to is kept with its end: less than a record
 * that is incomplete, and what the socket did not take.
 *
 * TLS's own messages are answered here. The keys of TLS 1.3 are changed when
 * the other end does, or asks for it (RFC 8446 section 4.6.3), or when they
 * have been used enough. Renegotiation is refused (RFC 5246 section 7.2.2). A
 * server's tickets are left to wolfSSL, which is shown the records in which
 * they come, as long as nothing else was received.
 */
#ifndef MSB_STREAM_H
#define MSB_STREAM_H

#include "side.h"

/** STREAM_READ - Octets that are read at once, at most */
#define STREAM_READ ((size_t)64 << 10)

/** enum stream_due - What is to be sent before all else */
enum stream_due {
	STREAM_DUE_UPDATE = 1,
	STREAM_DUE_NO_RENEGOTIATION = 2,
};

/**
 * struct stream - Room for what is under way
 * @aead:	what computes
 * @out:	sealed octets, owned
 * @out_len:	how many
 * @out_room:	octets that fit
 * @in:		what was read, behind what waited
 * @text:	what was in it
 * @text_len:	octets of that to be wiped
 */
struct stream {
	struct aead *aead;
	uint8_t *out;
	size_t out_len;
	size_t out_room;
	uint8_t in[STREAM_READ + RECORD_MAX];
	uint8_t text[STREAM_READ + RECORD_MAX];
	size_t text_len;
};

/** struct stream_read - How many octets were read, and said in them */
struct stream_read {
	size_t raw;
	size_t text;
};

/** stream_begin() - Take the connection over from wolfSSL; false: it cannot be
 */
bool stream_begin(struct side *s) __attribute__((warn_unused_result));

/**
 * stream_read() - Read what there is
 * @st:		room: @text holds what was said
 * @s:		end; it is readable
 * @max:	octets that are read at most
 *
 * How it ended, or broke, is in the end: what was said before that comes first.
 */
struct stream_read stream_read(struct stream *st, struct side *s, size_t max);

/** stream_is_over() - Whether nothing more can be read */
bool stream_is_over(const struct side *s);

/**
 * stream_say() - Seal what is to be said
 * @st:		room; stream_flush() of the same end comes before another end's
 * @s:		end, where nothing waits
 * @text:	what is said
 * @len:	octets of it, as many as there are
 *
 * Return: false if there is no memory
 */
bool stream_say(struct stream *st, struct side *s, const void *text, size_t len)
	__attribute__((warn_unused_result));

/** stream_answer() - Seal what is due by itself; like stream_say() */
bool stream_answer(struct stream *st, struct side *s)
	__attribute__((warn_unused_result));

/** stream_close() - Seal close_notify; like stream_say() */
bool stream_close(struct stream *st, struct side *s)
	__attribute__((warn_unused_result));

/**
 * stream_flush() - Send what waits, or what was sealed just now
 * @st:		room
 * @s:		end
 *
 * What its socket does not take waits there.
 *
 * Return: false if there is no memory for it
 */
bool stream_flush(struct stream *st, struct side *s)
	__attribute__((warn_unused_result));

/**
 * stream_alert() - Send a fatal alert, all or nothing
 * @st:		room, without anything in it
 * @s:		end, where nothing waits
 * @code:	description
 */
void stream_alert(struct stream *st, struct side *s, uint8_t code);

/** stream_release() - Release the room's memory */
void stream_release(struct stream *st);

#endif
