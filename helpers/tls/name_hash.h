/* SPDX-License-Identifier: GPL-2.0-or-later */
/* name_hash.h - The hash of a name by which OpenSSL finds a CA's file. */
#ifndef MSB_NAME_HASH_H
#define MSB_NAME_HASH_H

#include <stdbool.h>

#include "der.h"

/** NAME_HASH_TEXT - Room for a hash as text, with NUL */
#define NAME_HASH_TEXT 9

/**
 * name_hash() - Hash a Name as X509_NAME_hash() of OpenSSL 1.0.0 and later does
 * @name:	Name, with its header
 * @ret:	eight hexadecimal digits; set on success
 *
 * In a directory of certificates, that of a CA is HASH.0, or HASH.1 if another
 * one has that name, and so on.
 *
 * Return: false if the name has values that are not told here: several in one
 * relative name, or in 16-bit and 32-bit characters
 */
bool name_hash(struct der_view name, char ret[NAME_HASH_TEXT])
	__attribute__((warn_unused_result));

#endif
