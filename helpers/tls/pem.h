/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pem.h - PEM (RFC 7468), read. */
#ifndef MSB_PEM_H
#define MSB_PEM_H

#include <stddef.h>
#include <stdint.h>

#include "der.h"

/** PEM_LABEL_MAX - Room for a label, with NUL */
#define PEM_LABEL_MAX 40

/** PEM_CERTIFICATE - Label of a certificate */
#define PEM_CERTIFICATE "CERTIFICATE"

/**
 * enum pem_found - What was found
 * @PEM_BLOCK:	a block
 * @PEM_END:	there is no other
 * @PEM_BAD:	one that cannot be read
 */
enum pem_found {
	PEM_BLOCK,
	PEM_END,
	PEM_BAD,
};

/**
 * struct pem - A text that is being read
 * @text:	text
 * @len:	octets of it
 * @room:	room for what is decoded
 * @size:	octets of it
 * @at:		where to go on: 0 at first
 * @label:	of the last block: "CERTIFICATE"
 * @der:	its contents, in @room
 * @why:	PEM_BAD: what is wrong, as the end of a sentence
 */
struct pem {
	const char *text;
	size_t len;
	uint8_t *room;
	size_t size;
	size_t at;
	char label[PEM_LABEL_MAX];
	struct der_view der;
	const char *why;
};

/**
 * pem_next() - Read the next block
 * @p:		text; its label and contents are set, and last until the next
 *		call
 *
 * What stands between blocks is passed over. One that cannot be read ends where
 * another begins; reading may go on behind it.
 */
enum pem_found pem_next(struct pem *p) __attribute__((warn_unused_result));

/** PEM_ROOM() - Octets of PEM text for @n octets of any label, with NUL */
#define PEM_ROOM(n) \
	(((size_t)(n) + 47) / 48 * 65 + (size_t)2 * (PEM_LABEL_MAX + 18))

/**
 * pem_write() - Write a block
 * @out:	room for PEM_ROOM(len) octets; receives NUL-terminated text
 * @label:	label
 * @der:	contents
 * @len:	octets of it
 *
 * Return: octets of the text
 */
size_t pem_write(char *out, const char *label, const uint8_t *der, size_t len);

#endif
