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

void mask_forget(struct mask *m)
{
	wipe(m->text, m->n);
	wipe(m->out, m->n);
	m->text = m->out = NULL;
	m->n = m->sent = m->room = 0;
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
	memset(l->out + at, '*', len);
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

static bool make_room(struct mask *m, size_t len)
{
	size_t room = m->room ? m->room : 2 * STEP;
	uint8_t *text, *out;

	while (room < len)
		room *= 2;
	if (room == m->room)
		return true;
	/* Not realloc(): what it leaves behind is not wiped. */
	text = malloc(room);
	out = malloc(room);
	if (!text || !out) {
		free(text);
		free(out);
		return false;
	}
	if (m->n) {
		memcpy(text, m->text, m->n);
		memcpy(out, m->out, m->n);
	}
	wipe(m->text, m->n);
	wipe(m->out, m->n);
	m->text = text;
	m->out = out;
	m->room = room;
	return true;
}

static bool add(struct mask *m, const uint8_t *text, const uint8_t *out,
		size_t len)
{
	if (!len)
		return true;
	if (!make_room(m, m->n + len))
		return false;
	memcpy(m->text + m->n, text, len);
	memcpy(m->out + m->n, out, len);
	m->n += len;
	return true;
}

/* The first octets of it are decided. */
static void drop(struct mask *m, size_t len)
{
	if (len == m->n) {
		mask_forget(m);
		return;
	}
	if (!len)
		return;
	memmove(m->text, m->text + len, m->n - len);
	memmove(m->out, m->out + len, m->n - len);
	explicit_bzero(m->text + m->n - len, len);
	explicit_bzero(m->out + m->n - len, len);
	m->n -= len;
	m->sent -= len;
}

/* What is kept goes on as far as it is decided. */
static bool go_on(struct mask *m, const struct secrets *s, mask_put *put,
		  void *arg)
{
	struct look l = {m->text, m->out, m->n, 0, 0};

	if (!look(m, s, &l))
		return false;
	if (l.waits > m->sent) {
		if (!put(arg, m->out + m->sent, l.waits - m->sent))
			return false;
		m->sent = l.waits;
	}
	drop(m, l.begins < m->sent ? l.begins : m->sent);
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
	     add(m, data + l.begins, out + l.begins, len - l.begins);
	m->sent = m->n ? l.waits - l.begins : 0;
	wipe(l.out, len);
	return ok;
}

bool mask_feed(struct mask *m, const struct secrets *s, const uint8_t *data,
	       size_t len, mask_put *put, void *arg)
{
	if (is_idle(m))
		return !len || put(arg, data, len);
	while (m->n && len) {
		const size_t step = m->n < STEP ? STEP : m->n;
		const size_t n = step < len ? step : len;

		if (!add(m, data, data, n) || !go_on(m, s, put, arg))
			return false;
		data += n;
		len -= n;
	}
	return !len || pass(m, s, data, len, put, arg);
}

bool mask_flush(struct mask *m, mask_put *put, void *arg)
{
	const size_t from = m->sent;

	m->sent = m->n;
	return from == m->n || put(arg, m->out + from, m->n - from);
}
