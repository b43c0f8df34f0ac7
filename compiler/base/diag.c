/* SPDX-License-Identifier: GPL-2.0-or-later */
/* diag.c - Diagnostics: collected, placed in the document, and printed. */
#include "diag.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "locate.h"
#include "scan.h"

/* Of a longer source line, this many characters around the place are shown. */
#define LINE_SHOWN  96
#define LINE_BEFORE 48

static const char *const level_names[] = {
	[DIAG_ERROR] = "error",
	[DIAG_WARNING] = "warning",
	[DIAG_NOTE] = "note",
};

static const struct {
	const char *name;
	const char *meaning;
} codes[] = {
#define DIAG_ROW(id, code, what) [DIAG_##id] = {code, what},
	DIAG_CODES(DIAG_ROW) LINT_CODES(DIAG_ROW)
#undef DIAG_ROW
};

_Static_assert(sizeof(codes) / sizeof(*codes) == DIAG_CODE_COUNT,
	       "one row per code");

const char *diag_code_name(enum diag_code code)
{
	return codes[code].name;
}

const char *diag_code_meaning(enum diag_code code)
{
	return codes[code].meaning;
}

/* Whether there is still room for one of @level. */
static bool has_room(const struct diags *d, enum diag_level level)
{
	size_t errors = 0;

	for (size_t i = 0; i < d->n; i++)
		errors += d->v[i].level == DIAG_ERROR;
	return level == DIAG_ERROR ? errors < DIAG_MAX_ERRORS
				   : d->n - errors < DIAG_MAX_NOTES;
}

bool diag_is_surplus(struct diags *d, enum diag_level level)
{
	if (has_room(d, level))
		return false;
	d->count[level]++;
	return true;
}

/* Whether what there is to say was said: the same thing of the same place, or
 * that what is there cannot be read at all. */
static bool is_repeated(const struct diags *d, const struct diag *new)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct diag *old = &d->v[i];
		const bool same = old->code == new->code &&
				  old->offset == new->offset;
		const bool unread =
			new->code != old->code &&
			(old->code == DIAG_UTF8 || old->code == DIAG_DEPTH);

		if ((same || unread) && old->level == new->level &&
		    !strcmp(old->pointer, new->pointer))
			return true;
	}
	return false;
}

static void place(struct diag *diag, const struct diags *d, size_t offset,
		  size_t len)
{
	const char *end;

	if (!d->text)
		return;
	if (offset > d->len)
		offset = d->len;
	if (len > d->len - offset)
		len = d->len - offset;
	diag->offset = offset;
	locate_line(d->text, offset, &diag->line, &diag->column);
	end = memchr(d->text + offset, '\n', len);
	if (end)
		len = (size_t)(end - (d->text + offset));
	diag->width = (unsigned int)locate_width(d->text + offset, len);
	if (!diag->width)
		diag->width = 1;
}

__attribute__((format(printf, 4, 0))) static void
add(struct diags *d, struct diag *diag, const char *hint, const char *fmt,
    va_list ap)
{
	if (diag->pointer[0] && is_repeated(d, diag))
		return;
	d->count[diag->level]++;
	diag->hint = hint ? arena_strdup(d->arena, hint) : NULL;
	diag->message = arena_vprintf(d->arena, fmt, ap);
	d->v = arena_grow(d->arena, d->v, d->n, &d->cap, sizeof(*d->v));
	d->v[d->n++] = *diag;
}

void diag_add(struct diags *d, enum diag_level level, enum diag_code code,
	      unsigned int flags, const char *pointer, const char *hint,
	      const char *fmt, ...)
{
	struct diag diag = {.level = level, .code = code, .pointer = pointer};
	va_list ap;

	if (diag_is_surplus(d, level))
		return;
	if (d->text) {
		struct locate_place p = locate_pointer(d->arena, d->text,
						       d->len, pointer,
						       flags & DIAG_AT_KEY);

		diag.pointer = p.pointer;
		place(&diag, d, p.offset, p.len);
	} else {
		diag.pointer = arena_strdup(d->arena, pointer);
	}
	va_start(ap, fmt);
	add(d, &diag, hint, fmt, ap);
	va_end(ap);
}

void diag_add_at(struct diags *d, enum diag_level level, enum diag_code code,
		 size_t offset, const char *hint, const char *fmt, ...)
{
	struct diag diag = {.level = level, .code = code, .pointer = ""};
	va_list ap;

	if (diag_is_surplus(d, level))
		return;
	place(&diag, d, offset, 1);
	va_start(ap, fmt);
	add(d, &diag, hint, fmt, ap);
	va_end(ap);
}

void diag_add_place(struct diags *d, enum diag_level level, enum diag_code code,
		    size_t offset, size_t len, const char *pointer,
		    const char *hint, const char *fmt, ...)
{
	struct diag diag = {.level = level, .code = code};
	va_list ap;

	if (diag_is_surplus(d, level))
		return;
	diag.pointer = arena_strdup(d->arena, pointer);
	place(&diag, d, offset, len);
	va_start(ap, fmt);
	add(d, &diag, hint, fmt, ap);
	va_end(ap);
}

bool diags_failed(const struct diags *d)
{
	return d->count[DIAG_ERROR] > 0;
}

static bool is_before(const struct diag *a, const struct diag *b)
{
	if (a->offset != b->offset)
		return a->offset < b->offset;
	return a->level < b->level;
}

void diags_sort(struct diags *d)
{
	/* Few, nearly sorted, and equal ones keep their order. */
	for (size_t i = 1; i < d->n; i++) {
		struct diag diag = d->v[i];
		size_t j = i;

		for (; j && is_before(&diag, &d->v[j - 1]); j--)
			d->v[j] = d->v[j - 1];
		d->v[j] = diag;
	}
}

/* Whether a terminal may do something with a character but show it: C0 and C1
 * controls, DEL, and the marks that reorder or hide text. */
static bool is_control(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;

	if (n == 1)
		return u[0] < 0x20 || u[0] == 0x7f;
	if (n == 2)
		return u[0] == 0xc2 && u[1] < 0xa0;
	if (n != 3)
		return false;
	if (u[0] == 0xe2 && u[1] == 0x80)
		return (u[2] >= 0x8b && u[2] <= 0x8f) ||
		       (u[2] >= 0xa8 && u[2] <= 0xae);
	return (u[0] == 0xe2 && u[1] == 0x81 && u[2] >= 0xa0 && u[2] <= 0xaf) ||
	       (u[0] == 0xef && u[1] == 0xbb && u[2] == 0xbf);
}

/* Append one character of the document, as one character that is safe to show.
 * Returns how many bytes it had. */
static size_t put_safe(struct str *out, const char *s, size_t len)
{
	size_t n = scan_utf8(s, len);

	if (!n || is_control(s, n))
		str_puts(out, "\xef\xbf\xbd");
	else
		str_append(out, s, n);
	return n ? n : 1;
}

static void put_text(struct str *out, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len;)
		i += put_safe(out, text + i, len - i);
}

/** struct window - The part of a source line that is shown */
struct window {
	size_t first;
	size_t last;
};

/* Print the characters of a window; as blanks, tabs kept, for the line that
 * holds the caret. */
static void put_line(struct str *out, const char *line, size_t len,
		     struct window w, bool blank)
{
	size_t column = 0;

	for (size_t i = 0; i < len && column < w.last; column++) {
		size_t n = scan_utf8(line + i, len - i);

		if (column >= w.first) {
			if (line[i] == '\t')
				str_putc(out, '\t');
			else if (blank)
				str_putc(out, ' ');
			else
				put_safe(out, line + i, len - i);
		}
		i += n ? n : 1;
	}
}

static void print_source(const struct diags *d, const struct diag *diag,
			 struct str *out)
{
	unsigned int line, column;
	size_t start = locate_line(d->text, diag->offset, &line, &column);
	const char *text = d->text + start;
	const char *nl = memchr(text, '\n', d->len - start);
	size_t len = nl ? (size_t)(nl - text) : d->len - start;
	size_t at = diag->column - 1, width = diag->width, all;
	struct window w = {0};
	const char *before = "", *after = "";

	if (len && text[len - 1] == '\r')
		len--;
	all = locate_width(text, len);
	if (at > LINE_BEFORE && all > LINE_SHOWN) {
		w.first = at - LINE_BEFORE;
		before = "...";
	}
	w.last = all;
	if (all - w.first > LINE_SHOWN) {
		w.last = w.first + LINE_SHOWN;
		after = "...";
	}
	if (at + width > w.last)
		width = w.last > at ? w.last - at : 1;
	str_printf(out, "%5u | %s", line, before);
	put_line(out, text, len, w, false);
	str_printf(out, "%s\n      | %*s", after, (int)strlen(before), "");
	put_line(out, text, len, (struct window){w.first, at}, true);
	str_putc(out, '^');
	str_pad(out, '~', width - 1);
	str_putc(out, '\n');
}

static void print_one(const struct diags *d, const struct diag *diag,
		      struct str *out)
{
	put_text(out, d->file);
	if (diag->line)
		str_printf(out, ":%u:%u", diag->line, diag->column);
	str_printf(out, ": %s: ", level_names[diag->level]);
	if (diag->pointer[0]) {
		put_text(out, diag->pointer);
		str_puts(out, ": ");
	}
	put_text(out, diag->message);
	str_printf(out, " [%s]\n", diag_code_name(diag->code));
	if (diag->line)
		print_source(d, diag, out);
	if (diag->hint) {
		str_puts(out, "      = hint: ");
		put_text(out, diag->hint);
		str_putc(out, '\n');
	}
}

static void print_rest(const struct diags *d, struct str *out)
{
	size_t rest[3] = {d->count[0], d->count[1], d->count[2]};

	for (size_t i = 0; i < d->n; i++)
		rest[d->v[i].level]--;
	for (size_t i = 0; i < 3; i++)
		if (rest[i])
			str_printf(out, "and %zu more %s%s\n", rest[i],
				   level_names[i], rest[i] > 1 ? "s" : "");
}

void diags_print(const struct diags *d, struct str *out)
{
	for (size_t i = 0; i < d->n; i++)
		print_one(d, &d->v[i], out);
	print_rest(d, out);
}

static void json_member(struct str *out, const char *name, const char *text)
{
	str_printf(out, ", \"%s\": ", name);
	str_json(out, text, strlen(text));
}

void diags_json(const struct diags *d, struct str *out)
{
	str_putc(out, '[');
	for (size_t i = 0; i < d->n; i++) {
		const struct diag *diag = &d->v[i];

		str_puts(out, i ? ",\n {\"file\": " : "{\"file\": ");
		str_json(out, d->file, strlen(d->file));
		str_printf(out, ", \"line\": %u, \"column\": %u", diag->line,
			   diag->column);
		json_member(out, "level", level_names[diag->level]);
		json_member(out, "pointer", diag->pointer);
		json_member(out, "code", diag_code_name(diag->code));
		json_member(out, "message", diag->message);
		if (diag->hint)
			json_member(out, "hint", diag->hint);
		else
			str_puts(out, ", \"hint\": null");
		str_putc(out, '}');
	}
	str_putc(out, ']');
}
