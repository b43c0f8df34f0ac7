/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_comment.c - The names of a pinned address, as its element's comment. */
#include "pin_comment.h"

#include <stdio.h>
#include <string.h>

/* What a name that is not told in full begins with. */
#define CUT	"..."
#define CUT_LEN (sizeof(CUT) - 1)

/* The longest " +N". */
#define OTHERS_LEN (sizeof(" +99999") - 1)

/* What a name may have, so that any number fits behind it. */
#define NAME_LEN (PIN_COMMENT_MAX - 1 - OTHERS_LEN)

_Static_assert(PIN_OTHERS_MAX == 99999, "the longest number");

size_t pin_comment_name(struct dname name, char buf[PIN_COMMENT_MAX])
{
	char text[DNAME_TEXT_MAX];
	const char *from = text;
	size_t len;

	if (!name.len)
		return (size_t)snprintf(buf, PIN_COMMENT_MAX, CUT);
	len = strlen(dname_format(name, text));
	if (len <= NAME_LEN) {
		memcpy(buf, text, len + 1);
		return len;
	}
	/* Whole labels: a dot inside of one is \046. */
	while (len - (size_t)(from - text) > NAME_LEN - CUT_LEN) {
		from = strchr(from, '.');
		from = from ? from + 1 : text + len;
	}
	return (size_t)snprintf(buf, PIN_COMMENT_MAX, CUT "%s", from);
}

size_t pin_comment_others(uint32_t others, char buf[PIN_COMMENT_MAX],
			  size_t len)
{
	size_t digits = 1;

	if (!others)
		return len;
	for (uint32_t n = others; n > 9; n /= 10)
		digits++;
	buf[len++] = ' ';
	buf[len++] = '+';
	len += digits;
	buf[len] = '\0';
	for (size_t at = len; digits--; others /= 10)
		buf[--at] = (char)('0' + others % 10);
	return len;
}

/* Read " +N", from one to PIN_OTHERS_MAX, without zeros in front. */
static bool parse_others(const char *text, uint32_t *ret)
{
	uint32_t n = 0;

	if (text[1] != '+' || text[2] == '0' || !text[2])
		return false;
	for (const char *p = text + 2; *p; p++) {
		if (*p < '0' || *p > '9' || p - text > (ptrdiff_t)OTHERS_LEN)
			return false;
		n = n * 10 + (uint32_t)(*p - '0');
	}
	*ret = n;
	return n <= PIN_OTHERS_MAX;
}

/* Read an octet of a label, and step over it. */
static bool parse_octet(const char **text, const char *end, uint8_t *ret)
{
	const char *p = *text;
	unsigned int n = 0;

	*ret = (uint8_t)*p;
	*text = p + 1;
	if (*p != '\\')
		return true;
	if (end - p < 4)
		return false;
	for (int i = 1; i < 4; i++) {
		if (p[i] < '0' || p[i] > '9')
			return false;
		n = n * 10 + (unsigned int)(p[i] - '0');
	}
	*ret = (uint8_t)n;
	*text = p + 4;
	return n <= 255;
}

/* Read a name. Return: its octets; 0: it is none. */
static uint8_t parse_name(const char *text, const char *end,
			  uint8_t wire[DNAME_WIRE_MAX])
{
	size_t label = 0, n = 1;

	while (text <= end) {
		if (text < end && *text != '.') {
			/* One octet is kept for the root. */
			if (n - label > 63 || n >= DNAME_WIRE_MAX - 1 ||
			    !parse_octet(&text, end, &wire[n++]))
				return 0;
			continue;
		}
		if (n - label == 1)
			return 0;
		wire[label] = (uint8_t)(n - label - 1);
		label = n++;
		text++;
	}
	wire[label] = 0;
	return (uint8_t)n;
}

/* Whether a name is spelled as we spell it, and not in another way. */
static bool is_spelling(struct dname name, const char *text, size_t len)
{
	char ours[PIN_COMMENT_MAX];

	return pin_comment_name(name, ours) == len &&
	       memcmp(ours, text, len) == 0;
}

bool pin_comment_parse(const char *text, uint8_t wire[DNAME_WIRE_MAX],
		       struct pin_names *ret)
{
	const size_t len = strcspn(text, " ");
	struct pin_names r = {{wire, 0}, 0};

	*ret = r;
	if (len > NAME_LEN ||
	    (text[len] && !parse_others(text + len, &r.others)))
		return false;
	if (len >= CUT_LEN && memcmp(text, CUT, CUT_LEN) == 0) {
		*ret = r;
		return true;
	}
	r.name.len = parse_name(text, text + len, wire);
	if (!r.name.len || !is_spelling(r.name, text, len))
		return false;
	*ret = r;
	return true;
}
