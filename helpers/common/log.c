/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log.c - The event log of a sandbox: one JSON object a line. */
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "str.h"

static uint64_t clock_ms(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

void log_open(struct log *log, int fd, const char *program, const char *sandbox)
{
	*log = (struct log){
		.fd = fd,
		.program = program,
		.sandbox = sandbox,
		.tokens = LOG_BURST,
		.refilled = clock_ms(CLOCK_MONOTONIC),
	};
}

/* Whether this process may write another line now. */
static bool take_token(struct log *log)
{
	const uint64_t now = clock_ms(CLOCK_MONOTONIC);
	const uint64_t more = (now - log->refilled) / LOG_REFILL_MS;

	if (more >= LOG_BURST - log->tokens)
		log->tokens = LOG_BURST;
	else
		log->tokens += (unsigned int)more;
	log->refilled += more * LOG_REFILL_MS;
	if (!log->tokens)
		return false;
	log->tokens--;
	return true;
}

/* Whether the file has room; what is no file always has. A worker must not ask
 * for anything else about it; where the offset is does not matter (O_APPEND).
 */
static bool has_room(int fd, size_t len)
{
	const off_t size = lseek(fd, 0, SEEK_END);

	return size < 0 || (uint64_t)size + len <= LOG_FILE_MAX;
}

static void put_text(struct str *s, const char *key, const char *text)
{
	str_printf(s, ",\"%s\":", key);
	str_json(s, text, strlen(text));
}

void log_event(struct log *log, const char *event,
	       const struct log_field *fields)
{
	const uint64_t now = clock_ms(CLOCK_REALTIME);
	STR(s);

	if (log->fd < 0)
		return;
	if (!take_token(log)) {
		log->dropped++;
		return;
	}
	str_printf(&s, "{\"time\":%" PRIu64 ".%03u", now / 1000,
		   (unsigned int)(now % 1000));
	put_text(&s, "program", log->program);
	put_text(&s, "sandbox", log->sandbox);
	put_text(&s, "event", event);
	for (; fields && fields->key; fields++) {
		if (fields->text)
			put_text(&s, fields->key, fields->text);
		else
			str_printf(&s, ",\"%s\":%" PRIu64, fields->key,
				   fields->number);
	}
	if (log->dropped)
		str_printf(&s, ",\"dropped\":%" PRIu64, log->dropped);
	str_puts(&s, "}\n");
	if (s.len <= LOG_LINE_MAX && has_room(log->fd, s.len) &&
	    write(log->fd, str_text(&s), s.len) == (ssize_t)s.len)
		log->dropped = 0;
	else
		log->dropped++;
}

void log_failure(struct log *log, const char *what)
{
	const struct log_field fields[] = {
		{"what", what, 0},
		{"error", strerror(errno), 0},
		{0},
	};

	log_event(log, "failed", fields);
}
