/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ca_store.h - The directory that a generated CA is kept in.
 *
 * DIR/ca/ca.pem	certificate
 * DIR/ca/ca.key	key, PKCS #8
 * DIR/ca.old/		the CA before it, once there was one
 *
 * A CA is written aside, to ca.new, and renamed as a whole when it is on the
 * disk: so there is always a certificate with its key, or nothing. Whoever
 * changes something here holds a lock on DIR. What is aside while nobody holds
 * it was left by a process that was killed, or by a disk that was full.
 */
#ifndef MSB_CA_STORE_H
#define MSB_CA_STORE_H

#include <stdint.h>

/**
 * ca_store_ensure() - Make a CA if there is none
 * @dir:	descriptor of DIR
 * @now:	seconds since the epoch
 *
 * Return: NULL; else what could not be done, and errno, or 0 if it does not say
 * why
 */
const char *ca_store_ensure(int dir, int64_t now)
	__attribute__((warn_unused_result));

/**
 * ca_store_rotate() - Make another CA, and keep the one before it as ca.old
 *
 * As ca_store_ensure().
 */
const char *ca_store_rotate(int dir, int64_t now)
	__attribute__((warn_unused_result));

#endif
