/* SPDX-License-Identifier: GPL-2.0-or-later */
/* test_finder_forms.c - Placeholders are found in every form. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "finder_case.h"

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t base64(const uint8_t *in, size_t n, const char *digits, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i += 3) {
		const uint32_t v = (uint32_t)in[i] << 16 |
				   (i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0) |
				   (i + 2 < n ? in[i + 2] : 0u);

		for (size_t k = 0; k < 4; k++)
			out[len++] = i + k > n ? '='
					       : digits[v >> (18 - 6 * k) & 63];
	}
	return len;
}

/* How a placeholder can be written; @n chooses among the ways of one kind. */
enum kind {
	KIND_RAW,
	KIND_PERCENT,
	KIND_PERCENT_LOWER,
	KIND_JSON,
	KIND_JSON_LOWER,
	KIND_MIXED,
	KIND_BASE64,
	KIND_BASE64_URL,
	KIND_BASE64_LINES,
	KIND_BASE64_JSON,
	KIND_BASE64_PERCENT,
};

static size_t form_put(char *out, const char *format, unsigned int c)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	return (size_t)sprintf(out, format, c);
#pragma GCC diagnostic pop
}

static size_t form_escaped(const char *p, enum kind kind, unsigned int n,
			   char *out)
{
	size_t len = 0;

	for (size_t i = 0; p[i]; i++) {
		const unsigned int c = (uint8_t)p[i];

		/* Every subset of the first eight octets. */
		if (!(n >> (i % 8) & 1))
			len += form_put(out + len, "%c", c);
		else if (kind == KIND_PERCENT)
			len += form_put(out + len, "%%%02X", c);
		else if (kind == KIND_PERCENT_LOWER)
			len += form_put(out + len, "%%%02x", c);
		else if (kind == KIND_MIXED && i % 2)
			len += form_put(out + len, "%%%02x", c);
		else
			len += form_put(
				out + len,
				kind == KIND_JSON ? "\\u%04X" : "\\u%04x", c);
	}
	return len;
}

static size_t form_coded(const char *p, enum kind kind, unsigned int n,
			 char *out)
{
	uint8_t plain[512];
	char text[1024];
	const size_t before = n % 3, behind = n / 3 % 4;
	const char *digits = kind == KIND_BASE64_URL ? url_alphabet : alphabet;
	size_t len, at = 0;

	memset(plain, 'a' + (int)n % 23, sizeof(plain));
	memcpy(plain + before, p, strlen(p));
	len = base64(plain, before + strlen(p) + behind, digits, text);
	if (kind == KIND_BASE64 || kind == KIND_BASE64_URL) {
		memcpy(out, text, len);
		return len;
	}
	for (size_t i = 0; i < len; i++) {
		if (kind == KIND_BASE64_LINES && i % 5 == n % 5)
			at += (size_t)sprintf(out + at, "\r\n");
		if (kind == KIND_BASE64_JSON && i % 7 == n % 7)
			at += (size_t)sprintf(out + at, "\\n");
		if (kind == KIND_BASE64_PERCENT && i % 4 == n % 4)
			at += (size_t)sprintf(out + at, "%%%02X", text[i]);
		else
			out[at++] = text[i];
	}
	return at;
}

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* The shortest decides how far apart the samples are. */
static void check_each(enum kind kind, const char *const *placeholders,
		       size_t n_placeholders)
{
	struct finder *f = finder_of(placeholders, n_placeholders);
	static const char *const around[] = {"",   "x",	    "key=%", "\"a\\\"",
					     "%2", "\\u00", "\r\n",  "$MSB_"};

	cr_assert(f);
	for (size_t p = 0; p < n_placeholders; p++)
		for (unsigned int n = 0; n < 256; n++) {
			const bool encoded = kind >= KIND_BASE64;
			uint8_t text[2048];
			char form[1024];
			const char *before = around[n % COUNT(around)];
			/* What is in front may not be read as part of it. */
			const bool joins = encoded || before[0] == '%' ||
					   strchr(before, '%') ||
					   strchr(before, '\\');
			const size_t filler = n % 97;
			size_t len = 0, from;

			if (!n && kind > KIND_RAW && kind < KIND_BASE64)
				continue;
			memset(text, '.', filler);
			len += filler;
			if (!joins) {
				memcpy(text + len, before, strlen(before));
				len += strlen(before);
			}
			from = len;
			len += kind < KIND_BASE64
				       ? form_escaped(placeholders[p], kind,
						      kind == KIND_RAW ? 0 : n,
						      form)
				       : form_coded(placeholders[p], kind, n,
						    form);
			memcpy(text + from, form, len - from);
			memset(text + len, '.', n % 5);
			len += n % 5;
			for (size_t cut = 0; cut <= len; cut++) {
				struct finder_found found;

				cr_assert(finder_find_in(f, text, len, cut,
							 1 + n % 9, &found),
					  "\"%.*s\" cut at %zu", (int)len, text,
					  cut);
				/* The longest of what came in one piece. */
				cr_assert(found.secret == p ||
					  (cut < len &&
					   begins(placeholders[p],
						  placeholders[found.secret])));
				cr_assert_eq(found.form == FINDER_BASE64,
					     encoded);
			}
		}
	finder_free(f);
}

static void check_everywhere(enum kind kind)
{
	static const char *const placeholders[] = {
		"$MSB_X",
		"$MSB_API",
		"$MSB_API_KEY",
		"ab\"/cd?>~ef",
		"token-placeholder-0123456789abcdef",
	};

	check_each(kind, placeholders, COUNT(placeholders));
	check_each(kind, placeholders + 1, COUNT(placeholders) - 1);
	check_each(kind, placeholders + 2, COUNT(placeholders) - 2);
}

Test(finder, raw)
{
	check_everywhere(KIND_RAW);
}
Test(finder, percent)
{
	check_everywhere(KIND_PERCENT);
}
Test(finder, percent_lower)
{
	check_everywhere(KIND_PERCENT_LOWER);
}
Test(finder, json)
{
	check_everywhere(KIND_JSON);
}
Test(finder, json_lower)
{
	check_everywhere(KIND_JSON_LOWER);
}
Test(finder, mixed)
{
	check_everywhere(KIND_MIXED);
}
Test(finder, base64)
{
	check_everywhere(KIND_BASE64);
}
Test(finder, base64_url)
{
	check_everywhere(KIND_BASE64_URL);
}
Test(finder, base64_in_lines)
{
	check_everywhere(KIND_BASE64_LINES);
}
Test(finder, base64_in_json)
{
	check_everywhere(KIND_BASE64_JSON);
}
Test(finder, base64_in_percent)
{
	check_everywhere(KIND_BASE64_PERCENT);
}

/* Escapes that stand for themselves, and almost a placeholder. */
Test(finder, what_is_none)
{
	static const char *const placeholders[] = {"$MSB_KEY"};
	static const char *const texts[] = {
		"",
		"$MSB_KE",
		"$MSB_KE%5",
		"$MSB_K\\u0045\\u005",
		"MSB_KEY",
		"$MSB_\r\nKEY",
		"$MSB_\\nKEY",
		"%2424MSB_KEY",
		"\\u2424MSB_KEY",
		"\\u0024\\u004d\\u0053\\u0042\\u005f\\u004b\\u0145Y",
		"$msb_key",
		"JE1TQl9LRV",
		"JE1TQl9LR\x80Vk=",
	};
	struct finder *f = finder_of(placeholders, 1);
	struct finder_found found;

	for (size_t i = 0; i < COUNT(texts); i++)
		cr_assert(!finder_finds(f, texts[i], &found), "\"%s\"",
			  texts[i]);
	finder_free(f);
}

/* A broken escape is what it is, and what follows counts. */
Test(finder, broken_escapes)
{
	static const char *const placeholders[] = {"abcdef", "\"abcde",
						   "uvwxyz"};
	static const struct {
		const char *text;
		size_t secret;
	} cases[] = {
		{"%%61bcdef", 0},	{"%a%61bcdef", 0},
		{"%zabcde%66", 0},	{"%aabcd%65f", 0},
		{"\\uabcde\\u0066", 0}, {"\\u00abcde\\u0066", 0},
		{"\\\\u0061bcdef", 0},	{"\\x61abcde%66", 0},
		{"%\\\"abcde", 1},	{"\\u\\\"abcde", 1},
		{"\\u00\\\"abcde", 1},	{"%2\\\"abcde", 1},
		{"\\\\\\\"abcde", 1},	{"\\t\\\"abcde", 1},
		{"\\uvwxy%7a", 2},	{"\\\\uvwxy%7a", 2},
	};
	struct finder *f = finder_of(placeholders, 3);

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct finder_found found = {.secret = 9};
		const bool is = finder_finds(f, cases[i].text, &found);

		/* %aa is an octet, and so are \uabcd and \u00ab. */
		if (i == 3 || i == 4 || i == 5) {
			cr_assert(!is, "\"%s\"", cases[i].text);
			continue;
		}
		cr_assert(is, "\"%s\"", cases[i].text);
		cr_assert_eq(found.secret, cases[i].secret);
	}
	finder_free(f);
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 12;
}

/* A text of escapes, whole, broken and half, and of parts of placeholders. */
static void make_text(const char *const *placeholders, size_t n, uint32_t *seed,
		      char *text)
{
	static const char octets[] = "abcdefABCDEF0123%%%%\\\\uu/\"\n\rx~ ";
	static const char *const formats[] = {"%c",	"%c",	  "%c",
					      "%%%02x", "%%%02X", "\\u%04X"};
	const size_t len = 20 + next_random(seed) % 100;
	const char *p = placeholders[next_random(seed) % n];
	size_t at = 0;

	while (at < len / 2)
		text[at++] = octets[next_random(seed) % (sizeof(octets) - 1)];
	for (; *p; p++)
		at += form_put(text + at,
			       formats[next_random(seed) % COUNT(formats)],
			       (uint8_t)*p);
	while (at < len)
		text[at++] = octets[next_random(seed) % (sizeof(octets) - 1)];
	text[at] = '\0';
}

/* However it is cut, what is an escape, and what is not, is the same. */
Test(finder, cut_escapes)
{
	static const char *const placeholders[] = {
		"ffeeddcc", "uuu0024x", "A/BCDEFG", "ab\"/cd?>~ef", "$MSB_X"};
	struct finder *f = finder_of(placeholders, COUNT(placeholders));
	struct finder_found found;
	size_t n_found = 0;
	uint32_t seed = 3;
	char text[256];

	cr_assert(!finder_finds(f, "%9f%66eeddcc", &found));
	for (unsigned int round = 0; round < 3000; round++) {
		make_text(placeholders, COUNT(placeholders), &seed, text);
		n_found += finder_finds(f, text, &found);
	}
	cr_assert(n_found > 500 && n_found < 2900, "%zu", n_found);
	finder_free(f);
}

/* The longest counts, in every form. */
Test(finder, longest)
{
	static const char *const placeholders[] = {"$MSB_KEY", "$MSB_KEY2",
						   "$MSB_KEY2_LONG"};
	struct finder *f = finder_of(placeholders, 3);

	for (size_t p = 0; p < 3; p++)
		for (unsigned int kind = 0; kind <= KIND_BASE64_URL; kind++)
			for (unsigned int n = 1; n < 64; n++) {
				char text[512] = "";
				const size_t len =
					kind < KIND_BASE64
						? form_escaped(placeholders[p],
							       kind, n, text)
						: form_coded(placeholders[p],
							     kind, n, text);
				struct finder_found found;

				text[len] = 0;
				if (!finder_finds(f, text, &found))
					cr_assert_fail("\"%s\"", text);
				cr_assert_leq(found.secret, p);
				if (kind == KIND_RAW || kind >= KIND_BASE64)
					cr_assert_eq(found.secret, p,
						     "\"%s\": %zu", text,
						     found.secret);
			}
	finder_free(f);
}
