/* SPDX-License-Identifier: GPL-2.0-or-later */
/* replay_message.h - Messages to and from the words of a replay script. */
#ifndef MSB_REPLAY_MESSAGE_H
#define MSB_REPLAY_MESSAGE_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** WORDS_MAX - Words of a statement */
#define WORDS_MAX 1024

/** struct words - A statement */
struct words {
	char *v[WORDS_MAX];
	size_t n;
};

/** die() - Say what is wrong, and where; never returns */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/** words_has() - Whether there is a word */
bool words_has(const struct words *w, const char *word);

/** words_get() - What follows "KEY=", or NULL */
const char *words_get(const struct words *w, const char *key);

/** message_rcode() - The number of "NOERROR" and so on */
ldns_pkt_rcode message_rcode(const char *word);

/** message_query() - Make the message of an "ask" */
size_t message_query(const struct words *w, uint8_t *to, size_t room);

/**
 * message_reply() - Make the message of a "reply" to a query
 * @query:	query as it was sent
 */
size_t message_reply(const struct words *w, const uint8_t *query, size_t len,
		     uint8_t *to, size_t room);

/** message_check() - Hold a message against an "answer"; dies if it differs */
void message_check(const struct words *w, const uint8_t *data, size_t len);

#endif
