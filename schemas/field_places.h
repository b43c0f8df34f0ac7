/* SPDX-License-Identifier: GPL-2.0-or-later */
/* field_places.h - Where each field of the input language is enforced. */
#ifndef MSB_FIELD_PLACES_H
#define MSB_FIELD_PLACES_H

#include <stdbool.h>

#include "str.h"

/**
 * field_places_complete() - Whether each field has one row, and each row a
 * field
 *
 * What is wrong is said on stderr.
 */
bool field_places_complete(void);

/** field_places_manual() - Append the table as mdoc source, for the manual */
void field_places_manual(struct str *out);

/**
 * field_places_list() - Append a line for each field, for the test that looks
 * whether what is named is there: field, files, tests, with tabs between
 */
void field_places_list(struct str *out);

#endif
