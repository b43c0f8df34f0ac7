/* SPDX-License-Identifier: GPL-2.0-or-later */
/* http2_wire.h - Frames of HTTP/2 that are written by hand. */
#ifndef MSB_HTTP2_WIRE_H
#define MSB_HTTP2_WIRE_H

#include "http2_case.h"

/**
 * struct h2_wire - What is to be sent
 * @text:	octets
 * @n:		how many
 */
struct h2_wire {
	uint8_t text[1 << 17];
	size_t n;
};

/** h2_wire - What the guest of the test that runs is to send */
extern struct h2_wire h2_wire;

/** h2_put_frame() - Add a frame: RFC 9113 section 4.1 */
void h2_put_frame(uint8_t type, uint8_t flags, uint32_t stream,
		  const void *payload, size_t len);

/** h2_put_preface() - Begin anew, with the preface and settings */
void h2_put_preface(void);

/**
 * h2_put_field() - Write a field without indices: RFC 7541 section 6.2.2
 * @to:		room for it
 *
 * Return: octets of it
 */
size_t h2_put_field(uint8_t *to, const char *name, const char *value);

/**
 * h2_put_request() - Write the fields of a POST to API
 * @to:		room for them
 * @name:	field that it has more than others, or NULL
 * @value:	value of that
 *
 * Return: octets of them
 */
size_t h2_put_request(uint8_t *to, const char *name, const char *value);

/**
 * h2_write_all() - Send all there is to a gate of its own
 * @sni:	server that it is for
 * @piece:	octets that the gate is given at a time
 *
 * A violation is h2.violation.
 *
 * Return: what the gate comes to
 */
enum gate_state h2_write_all(const char *sni, size_t piece);

/** h2_read_all() - Have nghttp2's server hear what came out of that gate */
void h2_read_all(void);

#endif
