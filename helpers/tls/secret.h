/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secret.h - Secrets: what stands for them in a guest, and who may have them.
 */
#ifndef MSB_SECRET_H
#define MSB_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secret_limit.h"

/**
 * enum secret_action - What a violation comes to, the milder first
 * @SECRET_BLOCK:		the flow ends
 * @SECRET_BLOCK_AND_LOG:	and an event is written
 * @SECRET_BLOCK_AND_TERMINATE:	and the sandbox ends
 */
enum secret_action {
	SECRET_BLOCK,
	SECRET_BLOCK_AND_LOG,
	SECRET_BLOCK_AND_TERMINATE,
};

/** enum secret_inject - Where a value is put in place of its placeholder */
enum secret_inject {
	SECRET_IN_HEADERS = 1 << 0,
	SECRET_IN_BASIC = 1 << 1,
	SECRET_IN_QUERY = 1 << 2,
	SECRET_IN_BODY = 1 << 3,
};

/**
 * struct secret_host - One of AllowedHosts
 * @name:	the name, lower case, without "*." and without trailing dot
 * @below:	it was "*.NAME": every name below it, not the name itself
 */
struct secret_host {
	const char *name;
	bool below;
};

/**
 * struct secret - One secret
 * @name:		its name, for events
 * @placeholder:	what the guest has
 * @placeholder_len:	octets
 * @value:		what the server gets; the owner locks this memory
 * @value_len:		octets
 * @hosts:		who may have it
 * @n_hosts:		how many
 * @inject:		bits of enum secret_inject
 * @action:		what a violation comes to
 */
struct secret {
	const char *name;
	const uint8_t *placeholder;
	size_t placeholder_len;
	const uint8_t *value;
	size_t value_len;
	const struct secret_host *hosts;
	size_t n_hosts;
	unsigned int inject;
	enum secret_action action;
};

/**
 * struct secrets - All secrets of a sandbox
 * @all:	the secrets
 * @n:		how many
 */
struct secrets {
	const struct secret *all;
	size_t n;
};

/**
 * struct secret_bits - A subset of them
 * @words:	a bit for each
 */
struct secret_bits {
	uint64_t words[SECRET_MAX / 64];
};

/** secret_bit() - Whether secret @i is in a subset */
static inline bool secret_bit(const struct secret_bits *b, size_t i)
{
	return b->words[i / 64] >> (i % 64) & 1;
}

/** secret_bit_set() - Put secret @i into it */
static inline void secret_bit_set(struct secret_bits *b, size_t i)
{
	b->words[i / 64] |= (uint64_t)1 << (i % 64);
}

/**
 * secret_placeholder_flaw() - What is wrong with a placeholder
 * @text:	its octets
 * @len:	how many
 *
 * It is of printable ASCII without blanks, and without "%" and "\", which begin
 * the escapes that it is looked for in: with them it could be read in two ways.
 *
 * Return: a sentence, or NULL if nothing is
 */
const char *secret_placeholder_flaw(const uint8_t *text, size_t len);

/**
 * secret_value_flaw() - What is wrong with a value
 * @text:	its octets
 * @len:	how many
 *
 * It can stand in a header (RFC 9110 section 5.5): no control characters but
 * tab, and no blank at either end, which a server would not see.
 *
 * Return: a sentence, or NULL if nothing is
 */
const char *secret_value_flaw(const uint8_t *text, size_t len);

/**
 * secret_allows() - Whether a host may have a secret
 * @s:		secret
 * @host:	a name, of any case, without trailing dot
 * @len:	octets of it
 */
bool secret_allows(const struct secret *s, const char *host, size_t len);

#endif
