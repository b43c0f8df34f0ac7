/* SPDX-License-Identifier: GPL-2.0-or-later */
/* secret_values.h - The values of a document's secrets, as they are now. */
#ifndef MSB_SECRET_VALUES_H
#define MSB_SECRET_VALUES_H

#include "config.h"
#include "live_error.h"

/**
 * secret_values_open() - Read all values, of files and of the environment
 * @c:		document
 * @e:		error: refused, with the pointer and why, if a value cannot be
 *		had or cannot be one; never the value
 *
 * Return: a file of values (values.h); -1 on failure
 */
int secret_values_open(const struct config *c, struct live_error *e);

#endif
