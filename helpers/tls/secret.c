/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secret.c - What secrets, their placeholders and their hosts have to be. */
#include "secret.h"

#include <string.h>

#include "values.h"

static uint8_t fold(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 'a' - 'A') : c;
}

const char *secret_placeholder_flaw(const uint8_t *text, size_t len)
{
	if (len < SECRET_PLACEHOLDER_MIN)
		return "a placeholder has at least 6 characters";
	if (len > SECRET_PLACEHOLDER_MAX)
		return "a placeholder has at most 128 characters";
	for (size_t i = 0; i < len; i++) {
		if (text[i] <= ' ' || text[i] > '~')
			return "a placeholder is made of printable ASCII "
			       "characters without blanks";
		if (text[i] == '%' || text[i] == '\\')
			return "a placeholder has neither \"%\" nor \"\\\", "
			       "which begin escapes";
	}
	return NULL;
}

const char *secret_value_flaw(const uint8_t *text, size_t len)
{
	return value_flaw(text, len);
}

static bool is_equal(const char *lower, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)lower[i] != fold((uint8_t)text[i]))
			return false;
	return true;
}

bool secret_allows(const struct secret *s, const char *host, size_t len)
{
	for (size_t i = 0; i < s->n_hosts; i++) {
		const struct secret_host *h = &s->hosts[i];
		const size_t n = strlen(h->name);

		if (!h->below && n == len && is_equal(h->name, host, len))
			return true;
		if (h->below && len > n + 1 && host[len - n - 1] == '.' &&
		    is_equal(h->name, host + len - n, n))
			return true;
	}
	return false;
}
