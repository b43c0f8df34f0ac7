/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_table.h - Which addresses are pinned, for whom, and until when.
 *
 * The kernel's sets decide; this table knows what is in them, so that the
 * limits hold, a pin that need not be renewed costs nothing, and a set's
 * element is taken away only when no name has it any more.
 *
 * A pin is an address that a name has in a set. One element may stand for
 * several pins, of several names. It says so itself (pin_comment.h): it is
 * written whenever a name comes, and when its time is set anew. The name that
 * it tells is always the one that has it longest: what is read from the sets
 * later gives no name more time than it had.
 */
#ifndef MSB_PIN_TABLE_H
#define MSB_PIN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dname.h"
#include "ip.h"
#include "pin_comment.h"

/** PIN_TABLE_MAX - Pins of a sandbox; at one more, the oldest go */
#define PIN_TABLE_MAX 16384

/** PIN_TABLE_ROOM - How many of them: a message of the kernel's takes away many
 * elements at nearly the price of one
 */
#define PIN_TABLE_ROOM 16

/** PIN_NAME_MAX - Pins of a name in a set; at one more, the oldest goes */
#define PIN_NAME_MAX 64

/**
 * struct pin_element - An element of a set
 * @set:	index of the pair of sets
 * @ip:		address
 */
struct pin_element {
	uint16_t set;
	struct ip ip;
};

/**
 * struct pin_change - What has to be done to the kernel's sets
 * @add:	add an element
 * @renew:	set an element's time and names anew
 * @remove:	take an element away
 *
 * @life is what it has to live, s. An element to be renewed or removed may be
 * gone by itself if @unsure.
 */
struct pin_change {
	void (*add)(void *to, const struct pin_element *e,
		    const struct pin_names *names, uint32_t life);
	void (*renew)(void *to, const struct pin_element *e,
		      const struct pin_names *names, uint32_t life,
		      bool unsure);
	void (*remove)(void *to, const struct pin_element *e);
};

struct pin_table;

/** pin_table_new() - An empty table; NULL if there is no memory */
struct pin_table *pin_table_new(void);

/** pin_table_free() - Release it */
void pin_table_free(struct pin_table *t);

/** pin_table_clear() - Forget everything */
void pin_table_clear(struct pin_table *t);

/**
 * pin_table_add() - Pin an address
 * @t:		table
 * @e:		element
 * @name:	name
 * @life:	how long from now on, s
 * @now:	s
 * @change:	what is to be done to the sets; NULL: nothing
 * @to:		for @change
 */
void pin_table_add(struct pin_table *t, const struct pin_element *e,
		   struct dname name, uint32_t life, uint64_t now,
		   const struct pin_change *change, void *to);

/**
 * pin_table_hold() - Know of names that have an address, but not which
 * @t:		table
 * @e:		element
 * @count:	how many, at least 1
 * @life:	how long from now on, s
 * @now:	s
 */
void pin_table_hold(struct pin_table *t, const struct pin_element *e,
		    uint32_t count, uint32_t life, uint64_t now);

/**
 * pin_table_write() - Add every element that has time left, once
 * @t:		table
 * @now:	s
 * @change:	its add is called
 * @to:		for @change
 */
void pin_table_write(struct pin_table *t, uint64_t now,
		     const struct pin_change *change, void *to);

/** pin_table_epoch() - How often a pin had to go before its time */
uint64_t pin_table_epoch(const struct pin_table *t);

/** pin_table_count() - Pins */
size_t pin_table_count(const struct pin_table *t);

/**
 * pin_table_each() - Call for every pin that has time left, the oldest first
 * @t:		table
 * @now:	s
 * @fn:		called with the element, the name, and the time left, s. What
 *		pin_table_hold() said is one pin: a name of length 0, and how
 *		many others it is besides
 * @to:		for @fn
 */
void pin_table_each(const struct pin_table *t, uint64_t now,
		    void (*fn)(void *to, const struct pin_element *e,
			       const struct pin_names *names, uint32_t life),
		    void *to);

#endif
