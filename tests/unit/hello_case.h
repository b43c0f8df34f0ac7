/* SPDX-License-Identifier: GPL-2.0-or-later */
/* hello_case.h - ClientHellos that are made, and read in any segments. */
#ifndef MSB_HELLO_CASE_H
#define MSB_HELLO_CASE_H

#include "hello.h"

/** WIRE_MAX - Octets that a hello may have on the wire */
#define WIRE_MAX (HELLO_RAW_MAX + 64)

/**
 * struct made - A ClientHello that is being made
 * @data:	octets
 * @len:	how many
 * @extensions:	where the length of its extensions is
 */
struct made {
	uint8_t data[HELLO_MAX + 512];
	size_t len;
	size_t extensions;
};

/** made_alpn - An ALPN extension: h2 and http/1.1 */
extern const uint8_t made_alpn[14];

/** made_versions - One of versions: TLS 1.3 and 1.2 */
extern const uint8_t made_versions[7];

/** made_begin() - Begin a ClientHello, up to its extensions */
void made_begin(struct made *m);

/** made_end() - Write the lengths of the extensions and of it all */
void made_end(struct made *m);

/** made_put_number() - Add a number of so many octets */
void made_put_number(struct made *m, size_t octets, size_t n);

/**
 * made_open_vector() - Begin what is to have a length of so many octets
 *
 * Return: where that is
 */
size_t made_open_vector(struct made *m, size_t octets);

/** made_close_vector() - Write the length of what stands behind it at @at */
void made_close_vector(struct made *m, size_t at, size_t octets);

/** made_put_extension() - Add an extension */
void made_put_extension(struct made *m, unsigned int type, const void *data,
			size_t len);

/** made_put_sni() - Add a server_name */
void made_put_sni(struct made *m, const char *name);

/**
 * made_hello() - Make a hello such as clients send
 * @name:	server that it is for, or NULL
 * @share:	octets of its key share
 */
void made_hello(struct made *m, const char *name, size_t share);

/**
 * made_records() - Write it in records
 * @size:	most octets of one
 * @to:		room for WIRE_MAX octets
 *
 * Return: octets of them
 */
size_t made_records(const struct made *m, size_t size, uint8_t *to);

/**
 * struct reading - A hello as it was read
 * @h:		what it says
 * @message:	its octets
 * @used:	octets of the flow that were looked at
 */
struct reading {
	struct hello h;
	uint8_t message[HELLO_MAX];
	size_t used;
};

/**
 * hello_read_in() - Read a hello in segments
 * @first:	most octets of the first
 * @size:	most octets of each other
 *
 * Each is in memory of its own, so that a look beyond it is seen.
 */
void hello_read_in(struct reading *r, const uint8_t *data, size_t len,
		   size_t first, size_t size);

/** hello_expect_same() - What was read is the same twice */
void hello_expect_same(const struct reading *a, const struct reading *b);

/** hello_expect_name() - It is good, and for this server; NULL: for none */
void hello_expect_name(const struct hello *h, const char *want);

#endif
