/* SPDX-License-Identifier: GPL-2.0-or-later */
/* gate_case.h - A gate with secrets in it, for tests. */
#ifndef MSB_GATE_CASE_H
#define MSB_GATE_CASE_H

#include <string.h>

#include "gate.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

/** enum case_secret - The secrets of these tests */
enum case_secret {
	SECRET_KEY,   /* headers and Basic, for api.example.com */
	SECRET_OTHER, /* for other.example.net */
	SECRET_QUERY, /* everywhere but in bodies, for api and *.q.example.com
		       */
	SECRET_BODY,  /* everywhere, for body.example.com */
};

static const struct secret_host case_api = {"api.example.com", false};
static const struct secret_host case_other = {"other.example.net", false};
static const struct secret_host case_query[] = {{"q.example.com", true},
						{"api.example.com", false}};
static const struct secret_host case_body = {"body.example.com", false};

#define CASE_SECRET(NAME, VALUE, HOSTS, N, INJECT, ACTION) \
	{ \
		.name = (NAME), .placeholder = (const uint8_t *)"$MSB_" NAME, \
		.placeholder_len = sizeof("$MSB_" NAME) - 1, \
		.value = (const uint8_t *)(VALUE), \
		.value_len = sizeof(VALUE) - 1, .hosts = (HOSTS), \
		.n_hosts = (N), .inject = (INJECT), .action = (ACTION) \
	}

static const struct secret case_secrets[] = {
	[SECRET_KEY] = CASE_SECRET("KEY", "sk-12345", &case_api, 1,
				   SECRET_IN_HEADERS | SECRET_IN_BASIC,
				   SECRET_BLOCK),
	[SECRET_OTHER] = CASE_SECRET("OTHER", "other-value", &case_other, 1,
				     SECRET_IN_HEADERS,
				     SECRET_BLOCK_AND_TERMINATE),
	[SECRET_QUERY] = CASE_SECRET("QUERY", "a&b c/1", case_query, 2,
				     SECRET_IN_HEADERS | SECRET_IN_QUERY,
				     SECRET_BLOCK_AND_LOG),
	[SECRET_BODY] = CASE_SECRET("BODY", "va\"l ue", &case_body, 1,
				    SECRET_IN_HEADERS | SECRET_IN_BASIC |
					    SECRET_IN_QUERY | SECRET_IN_BODY,
				    SECRET_BLOCK_AND_LOG),
};

static const struct secrets case_all = {case_secrets, COUNT(case_secrets)};

/**
 * struct case_out - What came out of a gate
 * @text:	for the server, and for the guest
 * @len:	octets of it
 */
struct case_out {
	uint8_t text[2][1 << 18];
	size_t len[2];
};

static inline bool case_sink(void *arg, enum gate_side from,
			     const uint8_t *data, size_t len)
{
	struct case_out *o = arg;

	if (o->len[from] + len > sizeof(o->text[from]))
		return false;
	if (len)
		memcpy(o->text[from] + o->len[from], data, len);
	o->len[from] += len;
	return true;
}

#endif
