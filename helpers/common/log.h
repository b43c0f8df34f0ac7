/* SPDX-License-Identifier: GPL-2.0-or-later */
/* log.h - The event log of a sandbox: one JSON object a line.
 *
 * Several processes append to one file. Each line is one write() to a
 * descriptor with O_APPEND, so that lines never mix. No guest can fill the
 * disk: the file stops growing at a fixed size, and each process writes a
 * bounded number of lines in a time; what was left out is counted, and the
 * count is written with the next line.
 */
#ifndef MSB_LOG_H
#define MSB_LOG_H

#include <stdint.h>

/** LOG_FILE_MAX - Bytes at which the event log stops growing: 16 MiB */
#define LOG_FILE_MAX (UINT32_C(16) << 20)

/** LOG_LINE_MAX - Bytes of the longest line; longer ones are left out */
#define LOG_LINE_MAX 1024

/** LOG_BURST - Lines that a process may write at once */
#define LOG_BURST 20

/** LOG_REFILL_MS - Time after which it may write one more, milliseconds */
#define LOG_REFILL_MS 1000

/**
 * struct log - Where events go
 * @fd:		descriptor of the file, or of anything else; -1: nowhere
 * @program:	"msb-relayd"
 * @sandbox:	the sandbox's name
 * @tokens:	lines that may be written now
 * @refilled:	when @tokens was last raised, milliseconds
 * @dropped:	lines that were left out since the last one written
 */
struct log {
	int fd;
	const char *program;
	const char *sandbox;
	unsigned int tokens;
	uint64_t refilled;
	uint64_t dropped;
};

/**
 * struct log_field - One member of an event
 * @key:	its key; NULL ends a list
 * @text:	a string, or NULL
 * @number:	the number, if @text is NULL
 */
struct log_field {
	const char *key;
	const char *text;
	uint64_t number;
};

/** log_open() - Begin to write events to @fd */
void log_open(struct log *log, int fd, const char *program,
	      const char *sandbox);

/**
 * log_event() - Write one event
 * @log:	log
 * @event:	what happened: "started"
 * @fields:	what else there is to say; NULL: nothing
 *
 * A line has "time" (seconds since the epoch, UTC, with milliseconds),
 * "program", "sandbox", "event", then the fields, and "dropped" if lines were
 * left out before it.
 */
void log_event(struct log *log, const char *event,
	       const struct log_field *fields);

/** log_failure() - Write that @what failed, and errno's words for why */
void log_failure(struct log *log, const char *what);

#endif
