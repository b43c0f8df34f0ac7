/* SPDX-License-Identifier: GPL-2.0-or-later */
/* takeover.h - A connection's keys, taken from wolfSSL.
 *
 * Keys, IVs and numbers of records it tells. The secrets of TLS 1.3, which the
 * next keys are made of, it does not: they pass through the hook by which it
 * can be spared computing them.
 */
#ifndef MSB_TAKEOVER_H
#define MSB_TAKEOVER_H

#include <stdbool.h>

#include "side.h"
#include "wolf.h"

/** takeover_use() - Have a context's connections tell their secrets */
void takeover_use(WOLFSSL_CTX *ctx);

/**
 * takeover_shake() - Go on with a handshake, and take its secrets
 * @s:		end
 * @shake:	wolfSSL_connect() or wolfSSL_accept()
 *
 * Return: what @shake returned
 */
int takeover_shake(struct side *s, int (*shake)(WOLFSSL *ssl));

/**
 * takeover_finish() - Take the keys of a handshake that is over
 * @s:		end: its records are set
 *
 * Return: false if wolfSSL has not told everything, or has read what it did not
 *	   give
 */
bool takeover_finish(struct side *s) __attribute__((warn_unused_result));

#endif
