/* SPDX-License-Identifier: GPL-2.0-or-later */
/* live_error.c - Why something could not be made or removed. */
#include "live_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int live_refuse(struct live_error *e, const char *fmt, ...)
{
	va_list ap;

	e->kind = LIVE_REFUSED;
	e->code = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

int live_errno(struct live_error *e, int code, const char *fmt, ...)
{
	va_list ap;
	size_t len;

	e->kind = LIVE_SYSTEM;
	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", strerror(code));
	return -1;
}

int live_system(struct live_error *e, const char *fmt, ...)
{
	va_list ap;

	e->kind = LIVE_SYSTEM;
	e->code = 0;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -1;
}

int live_while(struct live_error *e, const char *what)
{
	size_t room = sizeof(e->text) - 1;
	size_t before = strnlen(what, room - 2) + 2;
	size_t len = strlen(e->text);

	if (len > room - before)
		len = room - before;
	memmove(e->text + before, e->text, len);
	memcpy(e->text, what, before - 2);
	memcpy(e->text + before - 2, ": ", 2);
	e->text[before + len] = '\0';
	return -1;
}
