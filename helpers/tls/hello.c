/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hello.c - The ClientHello at the beginning of a connection, read. */
#include "hello.h"

#include <string.h>

#define RECORD_HEADER	 5
#define RECORD_MAX	 16384
#define RECORD_HANDSHAKE 22

/* Other types of records: up to heartbeat (RFC 6520). */
#define RECORD_CHANGE_CIPHER_SPEC 20
#define RECORD_ALERT		  21
#define RECORD_FIRST		  RECORD_CHANGE_CIPHER_SPEC
#define RECORD_LAST		  24

#define MESSAGE_HEADER	4
#define CLIENT_HELLO	1
#define RANDOM_LEN	32
#define SESSION_ID_MAX	32
#define TLS_1_0		0x0301
#define TLS_1_3		0x0304
#define NAME_MAX_OCTETS 253
#define LABEL_MAX	63
#define HOST_NAME	0

/** enum alert - How a hello is refused (RFC 8446 section 6, RFC 6066) */
enum alert {
	ALERT_UNEXPECTED_MESSAGE = 10,
	ALERT_RECORD_OVERFLOW = 22,
	ALERT_ILLEGAL_PARAMETER = 47,
	ALERT_DECODE_ERROR = 50,
	ALERT_PROTOCOL_VERSION = 70,
};

/** enum extension - The extensions that are looked into */
enum extension {
	EXT_SERVER_NAME = 0,
	EXT_ALPN = 16,
	EXT_PRE_SHARED_KEY = 41,
	EXT_SUPPORTED_VERSIONS = 43,
	EXT_ENCRYPTED_HELLO = 0xfe0d,
};

/**
 * struct span - Octets that are still to be read
 * @at:		the next
 * @left:	how many
 */
struct span {
	const uint8_t *at;
	size_t left;
};

static bool refuse(struct hello *h, enum alert alert, const char *why)
{
	h->state = HELLO_BAD;
	h->alert = (uint8_t)alert;
	h->why = why;
	return false;
}

/* A big-endian number of one or two octets. */
static bool take(struct span *s, size_t octets, unsigned int *ret)
{
	if (s->left < octets)
		return false;
	*ret = 0;
	for (size_t i = 0; i < octets; i++)
		*ret = *ret << 8 | s->at[i];
	s->at += octets;
	s->left -= octets;
	return true;
}

static bool take_span(struct span *s, size_t len, struct span *ret)
{
	if (s->left < len)
		return false;
	*ret = (struct span){s->at, len};
	s->at += len;
	s->left -= len;
	return true;
}

/* What is preceded by its length, of one or two octets. */
static bool take_vector(struct span *s, size_t octets, struct span *ret)
{
	unsigned int len;

	return take(s, octets, &len) && take_span(s, len, ret);
}

/* The same, where nothing follows, and something has to be there. */
static bool take_whole(struct span *s, size_t octets, struct span *ret)
{
	return take_vector(s, octets, ret) && !s->left && ret->left;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool is_in_name(uint8_t c)
{
	return is_digit(c) || (fold(c) >= 'a' && fold(c) <= 'z') || c == '-' ||
	       c == '_';
}

/* An IPv4 address, or what somebody might take for one. */
static bool is_numbers(struct span name)
{
	for (size_t i = 0; i < name.left; i++)
		if (!is_digit(name.at[i]) && name.at[i] != '.')
			return false;
	return true;
}

/* As labels, each behind its length. */
static bool put_name(struct hello *h, struct span name)
{
	uint8_t *label = h->sni_wire;
	uint8_t n = 1;

	if (name.left && name.at[name.left - 1] == '.')
		name.left--;
	if (name.left > NAME_MAX_OCTETS || is_numbers(name))
		return false;
	*label = 0;
	for (size_t i = 0; i < name.left; i++) {
		const uint8_t c = name.at[i];

		if (c == '.' && *label) {
			label = &h->sni_wire[n++];
			*label = 0;
		} else if (is_in_name(c) && *label < LABEL_MAX) {
			++*label;
			h->sni_wire[n++] = fold(c);
		} else {
			return false;
		}
	}
	if (!*label)
		return false;
	h->sni_wire[n++] = 0;
	h->sni = (struct dname){h->sni_wire, n};
	return true;
}

/* RFC 6066 section 3: a list, in which each type has one name, and there is
 * one type. */
static bool read_server_name(struct hello *h, const uint8_t *message,
			     struct span body)
{
	struct span list, name;
	unsigned int type;

	(void)message;
	if (!take_whole(&body, 2, &list) || !take(&list, 1, &type) ||
	    type != HOST_NAME || !take_whole(&list, 2, &name))
		return refuse(h, ALERT_DECODE_ERROR,
			      "server_name is not one host name");
	if (!put_name(h, name))
		return refuse(h, ALERT_ILLEGAL_PARAMETER,
			      "server_name is no domain name");
	return true;
}

/* RFC 7301 section 3.1 */
static bool read_alpn(struct hello *h, const uint8_t *message, struct span body)
{
	struct span list, name;

	if (!take_whole(&body, 2, &list))
		return refuse(h, ALERT_DECODE_ERROR,
			      "the list of protocols is malformed");
	h->has_alpn = true;
	while (list.left) {
		const uint8_t *at = list.at;

		if (!take_vector(&list, 1, &name) || !name.left)
			return refuse(h, ALERT_DECODE_ERROR,
				      "a protocol's name is malformed");
		if (h->n_alpn < HELLO_ALPN_MAX)
			h->alpn[h->n_alpn++] = (uint16_t)(at - message);
	}
	return true;
}

/* RFC 8446 section 4.2.1 */
static bool read_versions(struct hello *h, const uint8_t *message,
			  struct span body)
{
	struct span list;
	unsigned int version;

	(void)message;
	if (!take_whole(&body, 1, &list) || list.left % 2)
		return refuse(h, ALERT_DECODE_ERROR,
			      "the list of versions is malformed");
	while (take(&list, 2, &version))
		h->tls13 = h->tls13 || version == TLS_1_3;
	return true;
}

static bool read_encrypted(struct hello *h, const uint8_t *message,
			   struct span body)
{
	(void)message;
	(void)body;
	h->ech = true;
	return true;
}

static const struct {
	enum extension type;
	bool (*read)(struct hello *h, const uint8_t *message, struct span body);
} readers[] = {
	{EXT_SERVER_NAME, read_server_name},
	{EXT_ALPN, read_alpn},
	{EXT_SUPPORTED_VERSIONS, read_versions},
	{EXT_ENCRYPTED_HELLO, read_encrypted},
};

static bool read_extension(struct hello *h, const uint8_t *message,
			   unsigned int type, struct span body)
{
	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (readers[i].type == type)
			return readers[i].read(h, message, body);
	return true;
}

/* RFC 8446 section 4.2: each type once; 4.2.11: the pre-shared keys last. */
static bool read_extensions(struct hello *h, const uint8_t *message,
			    struct span list)
{
	uint64_t seen[65536 / 64] = {0};
	struct span body;
	unsigned int type;

	while (list.left) {
		if (!take(&list, 2, &type) || !take_vector(&list, 2, &body))
			return refuse(h, ALERT_DECODE_ERROR,
				      "an extension is cut short");
		if (seen[type / 64] >> type % 64 & 1)
			return refuse(h, ALERT_ILLEGAL_PARAMETER,
				      "an extension is there twice");
		seen[type / 64] |= UINT64_C(1) << type % 64;
		if (type == EXT_PRE_SHARED_KEY && list.left)
			return refuse(h, ALERT_ILLEGAL_PARAMETER,
				      "pre_shared_key is not the last");
		if (!read_extension(h, message, type, body))
			return false;
	}
	return true;
}

/* RFC 8446 section 4.1.2; RFC 5246 section 7.4.1.2 */
static bool read_message(struct hello *h, const uint8_t *message)
{
	struct span all = {message + MESSAGE_HEADER,
			   h->message_len - MESSAGE_HEADER};
	struct span random, session, suites, compression;
	struct span extensions = {0};
	unsigned int version;

	if (!take(&all, 2, &version))
		return refuse(h, ALERT_DECODE_ERROR, "it is cut short");
	if (version < TLS_1_0 || version >> 8 != TLS_1_0 >> 8)
		return refuse(h, ALERT_PROTOCOL_VERSION,
			      "its version is not TLS 1.0 or later");
	if (!take_span(&all, RANDOM_LEN, &random) ||
	    !take_vector(&all, 1, &session) || session.left > SESSION_ID_MAX ||
	    !take_vector(&all, 2, &suites) || !suites.left || suites.left % 2 ||
	    !take_vector(&all, 1, &compression) || !compression.left)
		return refuse(h, ALERT_DECODE_ERROR, "it is malformed");
	if (!memchr(compression.at, 0, compression.left))
		return refuse(h, ALERT_ILLEGAL_PARAMETER,
			      "it insists on compression");
	if (all.left && (!take_vector(&all, 2, &extensions) || all.left))
		return refuse(h, ALERT_DECODE_ERROR,
			      "its extensions do not fill it");
	if (!read_extensions(h, message, extensions))
		return false;
	/* Nothing else, not even beside it (RFC 8446 section 4.1.2). */
	if (h->tls13 && compression.left != 1)
		return refuse(h, ALERT_ILLEGAL_PARAMETER,
			      "it offers compression");
	return true;
}

/* Octets of the message, as far as they are known. */
static size_t message_size(const struct hello *h, const uint8_t *message)
{
	if (h->message_len < MESSAGE_HEADER)
		return MESSAGE_HEADER;
	return MESSAGE_HEADER + ((size_t)message[1] << 16 |
				 (size_t)message[2] << 8 | message[3]);
}

/*
 * A first record of TLS that is not of a handshake. Servers step over some, and
 * take the ClientHello behind it, which would be judged by nobody: OpenSSL over
 * a change_cipher_spec without octets, GnuTLS over one that is as it should be,
 * Go over alerts that warn. So what is one of these, or empty, is refused,
 * whatever the version is below its first octet; what only begins like a type
 * and a version is what it is.
 */
static void feed_other(struct hello *h, uint8_t octet)
{
	const uint8_t type = h->header[0];
	size_t len;

	if (h->header_len == 1 ? type < RECORD_FIRST || type > RECORD_LAST
			       : h->header_len == 2 && octet != TLS_1_0 >> 8)
		h->state = HELLO_PLAIN;
	if (h->header_len < RECORD_HEADER)
		return;
	len = (size_t)h->header[3] << 8 | octet;
	if (!len || (type == RECORD_CHANGE_CIPHER_SPEC && len == 1) ||
	    (type == RECORD_ALERT && len == 2))
		refuse(h, ALERT_UNEXPECTED_MESSAGE,
		       "another record comes before it");
	else
		h->state = HELLO_PLAIN;
}

/* One octet of a record's header. */
static void feed_header(struct hello *h, uint8_t octet)
{
	const bool first = !h->message_len;
	size_t len;

	h->header[h->header_len++] = octet;
	if (first && h->header[0] != RECORD_HANDSHAKE) {
		feed_other(h, octet);
		return;
	}
	if (h->header_len == 1 && octet != RECORD_HANDSHAKE) {
		refuse(h, ALERT_UNEXPECTED_MESSAGE,
		       "another record comes between its parts");
	} else if (h->header_len == 2 && octet != TLS_1_0 >> 8) {
		if (first)
			h->state = HELLO_PLAIN;
		else
			refuse(h, ALERT_PROTOCOL_VERSION,
			       "a record is of another protocol");
	}
	if (h->header_len < RECORD_HEADER)
		return;
	h->header_len = 0;
	len = (size_t)h->header[3] << 8 | h->header[4];
	if (!len)
		refuse(h, ALERT_UNEXPECTED_MESSAGE, "a record is empty");
	else if (len > RECORD_MAX)
		refuse(h, ALERT_RECORD_OVERFLOW, "a record is too long");
	h->record_left = len;
}

/* The message has got as far as it was asked for. */
static void check_message(struct hello *h, const uint8_t *message)
{
	const size_t size = message_size(h, message);

	if (message[0] != CLIENT_HELLO)
		refuse(h, ALERT_UNEXPECTED_MESSAGE,
		       "the first message is no ClientHello");
	else if (size > HELLO_MAX)
		refuse(h, ALERT_ILLEGAL_PARAMETER, "it is too long");
	else if (h->message_len == size && h->record_left)
		refuse(h, ALERT_UNEXPECTED_MESSAGE,
		       "something follows in its record");
	else if (h->message_len == size && read_message(h, message))
		h->state = HELLO_DONE;
}

/* Octets of a record, up to where something can be said about them. */
static size_t feed_message(struct hello *h, uint8_t *message,
			   const uint8_t *data, size_t len)
{
	/* The type alone is enough to refuse it. */
	size_t n = h->message_len ? message_size(h, message) - h->message_len
				  : 1;

	if (n > h->record_left)
		n = h->record_left;
	if (n > len)
		n = len;
	memcpy(message + h->message_len, data, n);
	h->message_len += n;
	h->record_left -= n;
	if (h->message_len == 1 || h->message_len == MESSAGE_HEADER ||
	    h->message_len == message_size(h, message))
		check_message(h, message);
	return n;
}

void hello_begin(struct hello *h)
{
	*h = (struct hello){.state = HELLO_MORE};
}

size_t hello_feed(struct hello *h, uint8_t *message, const uint8_t *data,
		  size_t len)
{
	size_t at = 0;

	while (at < len && h->state == HELLO_MORE) {
		if (h->record_left)
			at += feed_message(h, message, data + at, len - at);
		else
			feed_header(h, data[at++]);
	}
	return at;
}
