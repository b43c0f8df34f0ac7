/* SPDX-License-Identifier: GPL-2.0-or-later */
/* mask.c - What a server says, without the values that it was told. */
#include "mask.h"

#include <stdlib.h>
#include <string.h>

#include "mask_form.h"

/* Octets that are compared with what is kept, at least. */
#define STEP ((size_t)64)

/**
 * struct look - A text that is looked through
 * @text:	it
 * @out:	what goes on for it; NULL: the same
 * @len:	octets
 * @begins:	place where the first value begins that is not complete
 * @waits:	the same of those that have to wait
 */
struct look {
	const uint8_t *text;
	uint8_t *out;
	size_t len;
	size_t begins;
	size_t waits;
};

static void wipe(uint8_t *text, size_t len)
{
	if (text)
		explicit_bzero(text, len);
	free(text);
}

void mask_forget(struct mask_kept *k)
{
	wipe(k->text, k->n);
	wipe(k->out, k->n);
	*k = (struct mask_kept){0};
}

/* --- looking through --- */

static bool cover(struct look *l, size_t at, size_t len)
{
	if (!l->out) {
		l->out = malloc(l->len);
		if (!l->out)
			return false;
		memcpy(l->out, l->text, l->len);
	}
	mask_form_cover(l->out + at, 0, len);
	return true;
}

static bool look_for(struct look *l, const struct mask_form *f)
{
	size_t at = 0;

	while ((at = mask_form_next(f, l->text, at, l->len)) < l->len) {
		const struct mask_place p =
			mask_form_at(f, l->text + at, l->len - at);

		if (p.whole && !cover(l, at, p.whole))
			return false;
		if (p.begins && at < l->begins)
			l->begins = at;
		if (p.held && at < l->waits)
			l->waits = at;
		at += p.whole ? p.whole : 1;
	}
	return true;
}

/* Each value alone, in all of the text: so one may be within another. */
static bool look(const struct mask *m, const struct secrets *s, struct look *l)
{
	l->begins = l->waits = l->len;
	for (size_t i = 0; i < s->n; i++) {
		const struct secret *one = &s->all[i];
		const bool basic = secret_bit(&m->basic, i);
		struct mask_form f;

		if (!basic && !secret_bit(&m->put, i))
			continue;
		if (one->value_len < MASK_VALUE_MIN)
			continue;
		f = mask_form(one->value, one->value_len);
		if (!look_for(l, &f))
			return false;
		for (unsigned int before = 0; basic && before < 3; before++) {
			f = mask_form_base64(one->value, one->value_len,
					     before);
			if (!look_for(l, &f))
				return false;
		}
	}
	return true;
}

static bool is_idle(const struct mask *m)
{
	uint64_t any = 0;

	for (size_t i = 0; i < sizeof(m->put.words) / sizeof(*m->put.words);
	     i++)
		any |= m->put.words[i] | m->basic.words[i];
	return !any;
}

/* --- what is kept --- */

static bool make_room(struct mask_kept *k, size_t len)
{
	size_t room = k->room ? k->room : 2 * STEP;
	uint8_t *text, *out;

	while (room < len)
		room *= 2;
	if (room == k->room)
		return true;
	/* Not realloc(): what it leaves behind is not wiped. */
	text = malloc(room);
	out = malloc(room);
	if (!text || !out) {
		free(text);
		free(out);
		return false;
	}
	if (k->n) {
		memcpy(text, k->text, k->n);
		memcpy(out, k->out, k->n);
	}
	wipe(k->text, k->n);
	wipe(k->out, k->n);
	k->text = text;
	k->out = out;
	k->room = room;
	return true;
}

static bool add(struct mask_kept *k, const uint8_t *text, const uint8_t *out,
		size_t len)
{
	if (!len)
		return true;
	if (!make_room(k, k->n + len))
		return false;
	memcpy(k->text + k->n, text, len);
	memcpy(k->out + k->n, out, len);
	k->n += len;
	return true;
}

/* The first octets of it are decided. */
static void drop(struct mask_kept *k, size_t len)
{
	if (len == k->n) {
		mask_forget(k);
		return;
	}
	if (!len)
		return;
	memmove(k->text, k->text + len, k->n - len);
	memmove(k->out, k->out + len, k->n - len);
	explicit_bzero(k->text + k->n - len, len);
	explicit_bzero(k->out + k->n - len, len);
	k->n -= len;
	k->sent -= len;
}

/* What is kept goes on as far as it is decided. */
static bool go_on(struct mask *m, const struct secrets *s, mask_put *put,
		  void *arg)
{
	struct mask_kept *const k = &m->kept;
	struct look l = {k->text, k->out, k->n, 0, 0};

	if (!look(m, s, &l))
		return false;
	if (l.waits > k->sent) {
		if (!put(arg, k->out + k->sent, l.waits - k->sent))
			return false;
		k->sent = l.waits;
	}
	drop(k, l.begins < k->sent ? l.begins : k->sent);
	return true;
}

/* Nothing is kept: what may begin a value is, from now on. */
static bool pass(struct mask *m, const struct secrets *s, const uint8_t *data,
		 size_t len, mask_put *put, void *arg)
{
	struct look l = {data, NULL, len, 0, 0};
	bool ok = look(m, s, &l);
	const uint8_t *out = l.out ? l.out : data;

	ok = ok && (!l.waits || put(arg, out, l.waits)) &&
	     add(&m->kept, data + l.begins, out + l.begins, len - l.begins);
	m->kept.sent = m->kept.n ? l.waits - l.begins : 0;
	wipe(l.out, len);
	return ok;
}

bool mask_feed(struct mask *m, const struct secrets *s, const uint8_t *data,
	       size_t len, mask_put *put, void *arg)
{
	struct mask_kept *const k = &m->kept;

	if (is_idle(m))
		return !len || put(arg, data, len);
	while (k->n && len) {
		const size_t step = k->n < STEP ? STEP : k->n;
		const size_t n = step < len ? step : len;

		if (!add(k, data, data, n) || !go_on(m, s, put, arg))
			return false;
		data += n;
		len -= n;
	}
	return !len || pass(m, s, data, len, put, arg);
}

bool mask_flush(struct mask *m, mask_put *put, void *arg)
{
	struct mask_kept *const k = &m->kept;
	const size_t from = k->sent;

	if (from == k->n)
		return true;
	k->sent = k->n;
	mask_form_cover(k->out, from, k->n);
	return put(arg, k->out + from, k->n - from);
}
