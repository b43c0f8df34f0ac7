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
 * megabyte is twenty calls each way, and as many packets in the kernel, instead
 * of sixty-four and more: most of what TLS costs between two processes is that,
 * and not the ciphers.
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

/** STREAM_READ - Octets that are read at once, and wait from before, at most:
 * three of the largest records. Sealed anew they are one packet of the
 * kernel's, which holds less than 64 KB; a fourth would be a packet of its own,
 * and cost a third more.
 */
#define STREAM_READ ((size_t)3 * (RECORD_TEXT + RECORD_MORE))

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
 * @to:		end that they are for
 * @in:		what was read, behind what waited: STREAM_READ octets, owned
 * @text:	what was in it, likewise; both there with the first connection
 * @text_len:	octets of that to be wiped
 */
struct stream {
	struct aead *aead;
	uint8_t *out;
	size_t out_len;
	size_t out_room;
	struct side *to;
	uint8_t *in;
	uint8_t *text;
	size_t text_len;
};

/** struct stream_read - How many octets were read, and said in them */
struct stream_read {
	size_t raw;
	size_t text;
};

/** stream_ready() - Have memory for a first connection; false: there is none */
bool stream_ready(struct stream *st) __attribute__((warn_unused_result));

/** stream_begin() - Take the connection over from wolfSSL; false: it cannot be
 */
bool stream_begin(struct side *s) __attribute__((warn_unused_result));

/**
 * stream_read() - Read what there is
 * @st:		room: @text holds what was said
 * @s:		end; it is readable
 * @max:	octets that are read at most, with those that wait: RECORD_MAX
 *to STREAM_READ
 *
 * How it ended, or broke, is in the end: what was said before that comes first.
 */
struct stream_read stream_read(struct stream *st, struct side *s, size_t max);

/** stream_is_over() - Whether nothing more can be read */
bool stream_is_over(const struct side *s);

/**
 * stream_say() - Seal what is to be said
 * @st:		room
 * @s:		end
 * @text:	what is said
 * @len:	octets of it, as many as there are
 *
 * It is sent by stream_flush(), or by what is said to another end.
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
 * @st:		room
 * @s:		end; it is told nothing if something waits there, as that may be
 *		part of a record
 * @code:	description
 *
 * What was said before is sent before.
 */
void stream_alert(struct stream *st, struct side *s, uint8_t code);

/** stream_forget() - Drop what was said and not sent: its end is not there for
 * ever
 */
void stream_forget(struct stream *st);

/** stream_release() - Release the room's memory */
void stream_release(struct stream *st);

#endif
