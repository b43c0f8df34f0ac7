/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pem.c - PEM (RFC 7468), read and written. */
#include "pem.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define BEGIN	      "-----BEGIN "
#define END	      "-----END "
#define DASHES	      "-----"
#define LITERAL(text) (text), (sizeof(text) - 1)

/* One line without its end; false at the end of the text. */
static bool next_line(struct pem *p, struct der_view *ret)
{
	const char *from = p->text + p->at;
	const size_t left = p->len - p->at;
	const char *end;
	size_t len;

	if (!left)
		return false;
	end = memchr(from, '\n', left);
	len = end ? (size_t)(end - from) : left;
	p->at += end ? len + 1 : len;
	while (len && (from[len - 1] == '\r' || from[len - 1] == ' ' ||
		       from[len - 1] == '\t'))
		len--;
	*ret = (struct der_view){(const uint8_t *)from, len};
	return true;
}

static bool begins(struct der_view v, const char *text, size_t len)
{
	return v.len >= len && memcmp(v.p, text, len) == 0;
}

/* The label of a line BEGIN ...----- or END ...-----. */
static bool read_label(struct der_view line, const char *word, size_t len,
		       char ret[PEM_LABEL_MAX])
{
	const size_t dashes = sizeof(DASHES) - 1;
	size_t n;

	if (!begins(line, word, len) || line.len < len + dashes ||
	    memcmp(line.p + line.len - dashes, DASHES, dashes) != 0)
		return false;
	n = line.len - len - dashes;
	if (n >= PEM_LABEL_MAX)
		return false;
	memcpy(ret, line.p + len, n);
	ret[n] = '\0';
	return true;
}

static int value_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/** struct base64 - What is decoded so far */
struct base64 {
	uint32_t bits;
	unsigned int n_bits;
	unsigned int digits;
	unsigned int padding;
	size_t len;
};

static bool decode_line(struct pem *p, struct base64 *b, struct der_view line)
{
	for (size_t i = 0; i < line.len; i++) {
		const int v = value_of(line.p[i]);

		if (line.p[i] == '=' && b->padding < 2) {
			b->padding++;
			continue;
		}
		if (v < 0 || b->padding)
			return false;
		b->digits++;
		b->bits = b->bits << 6 | (uint32_t)v;
		b->n_bits += 6;
		if (b->n_bits < 8)
			continue;
		b->n_bits -= 8;
		if (b->len == p->size)
			return false;
		p->room[b->len++] = (uint8_t)(b->bits >> b->n_bits);
	}
	return true;
}

static enum pem_found bad(struct pem *p, const char *why)
{
	p->why = why;
	return PEM_BAD;
}

static enum pem_found read_block(struct pem *p)
{
	struct base64 b = {0};
	struct der_view line;
	char label[PEM_LABEL_MAX];

	while (next_line(p, &line)) {
		if (read_label(line, LITERAL(END), label)) {
			if (strcmp(label, p->label) != 0)
				return bad(p, "ends with another label than "
					      "it begins with");
			/* Three octets are four digits. */
			if (!b.len || (b.digits + b.padding) % 4 ||
			    (b.bits & ((1u << b.n_bits) - 1)))
				return bad(p, "has a base64 text that is cut "
					      "short");
			p->der = (struct der_view){p->room, b.len};
			return PEM_BLOCK;
		}
		if (begins(line, LITERAL(BEGIN))) {
			/* What begins here may be whole. */
			p->at = (size_t)((const char *)line.p - p->text);
			return bad(p, "does not end");
		}
		if (begins(line, LITERAL("Proc-Type:")))
			return bad(p, "is encrypted");
		if (!decode_line(p, &b, line))
			return bad(p, "is no base64 text, or is too long");
	}
	return bad(p, "does not end");
}

enum pem_found pem_next(struct pem *p)
{
	struct der_view line;

	while (next_line(p, &line))
		if (read_label(line, LITERAL(BEGIN), p->label))
			return read_block(p);
	return PEM_END;
}

size_t pem_write(char *out, const char *label, const uint8_t *der, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
				     "pqrstuvwxyz0123456789+/";
	const size_t dashes = sizeof(BEGIN) + sizeof(DASHES) + PEM_LABEL_MAX;
	char *to = out;

	to += snprintf(to, dashes, BEGIN "%s" DASHES "\n", label);
	for (size_t i = 0; i < len; i += 3) {
		const size_t n = len - i < 3 ? len - i : 3;
		const uint32_t v = (uint32_t)der[i] << 16 |
				   (uint32_t)(n > 1 ? der[i + 1] : 0) << 8 |
				   (n > 2 ? der[i + 2] : 0);

		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		*to++ = n > 1 ? digits[v >> 6 & 63] : '=';
		*to++ = n > 2 ? digits[v & 63] : '=';
		if (i % 48 == 45 || i + 3 >= len)
			*to++ = '\n';
	}
	to += snprintf(to, dashes, END "%s" DASHES "\n", label);
	return (size_t)(to - out);
}
