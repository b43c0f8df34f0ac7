/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dname.c - Domain names in wire format, compared label by label. */
#include "dname.h"

#include <idn2.h>
#include <stdio.h>
#include <string.h>

#define DNAME_LABEL_MAX 63

static uint8_t dname_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

static bool dname_config_char(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	       c == '_';
}

/**
 * struct dname_builder - A name while it is read
 * @wire:	octets so far
 * @len:	how many
 * @label:	where the current label's length octet is
 */
struct dname_builder {
	uint8_t wire[DNAME_WIRE_MAX];
	size_t len;
	size_t label;
};

static const char *dname_put(struct dname_builder *b, uint8_t octet)
{
	if (b->len - b->label > DNAME_LABEL_MAX)
		return "has a label of more than 63 octets";
	/* One octet is kept for the root. */
	if (b->len >= DNAME_WIRE_MAX - 1)
		return "is longer than 253 characters";
	b->wire[b->len++] = dname_lower(octet);
	return NULL;
}

static const char *dname_end_label(struct dname_builder *b)
{
	if (b->len - b->label == 1)
		return "has an empty label";
	b->wire[b->label] = (uint8_t)(b->len - b->label - 1);
	if (b->len >= DNAME_WIRE_MAX - 1)
		return "is longer than 253 characters";
	b->label = b->len++;
	return NULL;
}

static void dname_finish(struct arena *a, struct dname_builder *b,
			 struct dname *ret)
{
	uint8_t *wire;

	b->wire[b->label] = 0;
	wire = arena_alloc(a, b->len, 1);
	memcpy(wire, b->wire, b->len);
	*ret = (struct dname){.wire = wire, .len = (uint8_t)b->len};
}

static const char *dname_from_ascii(struct arena *a, const char *text,
				    struct dname *ret)
{
	struct dname_builder b = {.len = 1};
	const char *why = NULL, *p;

	if (!*text)
		return "is empty";
	for (p = text; *p && !why; p++) {
		uint8_t c = (uint8_t)*p;

		if (c == '.') {
			/* A trailing dot says only that the name is absolute.
			 */
			if (!p[1] && p > text && b.len - b.label > 1)
				break;
			why = dname_end_label(&b);
		} else if (!dname_config_char(dname_lower(c))) {
			why = "has characters other than letters, digits, "
			      "\"-\", \"_\" and \".\"";
		} else {
			why = dname_put(&b, c);
		}
	}
	if (!why) {
		if (b.len - b.label == 1)
			return "has an empty label";
		b.wire[b.label] = (uint8_t)(b.len - b.label - 1);
		b.label = b.len++;
		dname_finish(a, &b, ret);
	}
	return why;
}

const char *dname_from_config(struct arena *a, const char *text,
			      struct dname *ret)
{
	const char *why, *p;
	char *ascii = NULL;
	int rc;

	for (p = text; *p && !((uint8_t)*p & 0x80); p++)
		;
	if (!*p)
		return dname_from_ascii(a, text, ret);
	rc = idn2_to_ascii_8z(text, &ascii,
			      IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
	if (rc != IDN2_OK)
		return arena_printf(a, "is no internationalised name: %s",
				    idn2_strerror(rc));
	why = dname_from_ascii(a, ascii, ret);
	idn2_free(ascii);
	return why;
}

/* Read one octet of presentation format at *@p and step over it. */
static const char *dname_escape(const char **p, uint8_t *ret)
{
	const char *s = *p;

	if (*s != '\\') {
		*ret = (uint8_t)*s;
		*p = s + 1;
	} else if (s[1] >= '0' && s[1] <= '9') {
		unsigned int n = 0;
		int i;

		for (i = 1; i <= 3; i++) {
			if (s[i] < '0' || s[i] > '9')
				return "has a \\DDD escape without three digits";
			n = n * 10 + (unsigned int)(s[i] - '0');
		}
		if (n > 255)
			return "has a \\DDD escape above 255";
		*ret = (uint8_t)n;
		*p = s + 4;
	} else if (s[1]) {
		*ret = (uint8_t)s[1];
		*p = s + 2;
	} else {
		return "ends in a backslash";
	}
	return NULL;
}

const char *dname_from_presentation(struct arena *a, const char *text,
				    struct dname *ret)
{
	struct dname_builder b = {.len = 1};
	const char *why = NULL, *p = text;

	if (!*text)
		return "is empty";
	if (strcmp(text, ".") == 0)
		p++;
	while (*p && !why) {
		uint8_t octet;

		if (*p == '.') {
			p++;
			if (!*p && b.len - b.label > 1)
				break;
			why = dname_end_label(&b);
			continue;
		}
		why = dname_escape(&p, &octet);
		if (!why)
			why = dname_put(&b, octet);
	}
	if (why)
		return why;
	if (b.len - b.label > 1) {
		b.wire[b.label] = (uint8_t)(b.len - b.label - 1);
		b.label = b.len++;
	} else if (b.label) {
		return "has an empty label";
	}
	dname_finish(a, &b, ret);
	return NULL;
}

const char *dname_format(struct dname name, char buf[DNAME_TEXT_MAX])
{
	size_t at = 0, i, out = 0;

	while (name.wire[at]) {
		uint8_t len = name.wire[at++];

		if (out)
			buf[out++] = '.';
		for (i = 0; i < len; i++) {
			uint8_t c = name.wire[at++];

			if (dname_config_char(c) || c == '*')
				buf[out++] = (char)c;
			else
				out += (size_t)snprintf(buf + out, 5, "\\%03u",
							c);
		}
	}
	if (!out)
		buf[out++] = '.';
	buf[out] = '\0';
	return buf;
}

bool dname_equal(struct dname a, struct dname b)
{
	return a.len == b.len && memcmp(a.wire, b.wire, a.len) == 0;
}

bool dname_below(struct dname name, struct dname suffix)
{
	size_t at = 0;

	/* Only whole labels count: step over labels until the rest is as long
	 * as the suffix. */
	while (name.len - at > suffix.len)
		at += 1u + name.wire[at];
	return at > 0 && name.len - at == suffix.len &&
	       memcmp(name.wire + at, suffix.wire, suffix.len) == 0;
}
