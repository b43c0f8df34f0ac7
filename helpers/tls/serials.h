/* SPDX-License-Identifier: GPL-2.0-or-later */
/* serials.h - Serial numbers of a revocation list, to be looked up. */
#ifndef MSB_SERIALS_H
#define MSB_SERIALS_H

#include <stdbool.h>

#include "crl.h"

struct serials;

/**
 * serials_new() - Take those of a list
 *
 * They are copied: 5 octets each, and the number itself. The time that it takes
 * is that of sorting, whatever their order.
 *
 * Return: NULL if there is no memory for it
 */
struct serials *serials_new(const struct crl *c)
	__attribute__((warn_unused_result));

/** serials_has() - Whether one of them is @serial, an INTEGER's contents */
bool serials_has(const struct serials *s, struct der_view serial);

/** serials_free() - Release */
void serials_free(struct serials *s);

#endif
