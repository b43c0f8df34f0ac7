/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin.h - What the worker asks its monitor to pin.
 *
 * One message holds the pins of all answers of a wake-up. It is a head, then
 * names, then addresses, each of fixed size; the head says how many. The
 * monitor takes nothing in it for granted.
 */
#ifndef MSB_PIN_H
#define MSB_PIN_H

#include <stdint.h>

#include "dname.h"

/** PIN_NAMES - Names that one message may have */
#define PIN_NAMES 256

/** PIN_ADDRESSES - Addresses that one message may have */
#define PIN_ADDRESSES 1024

/** PIN_LIFE_MIN - Shortest life of a pin, s */
#define PIN_LIFE_MIN 120

/** PIN_LIFE_MAX - Longest, s: an hour and the grace, and one that is lost in
 * rounding
 */
#define PIN_LIFE_MAX 3661

/** struct pin_head - How much follows
 * @names:	names
 * @addresses:	addresses
 */
struct pin_head {
	uint32_t names;
	uint32_t addresses;
};

/**
 * struct pin_name - A name that was resolved
 * @len:	octets
 * @wire:	as in struct dname
 */
struct pin_name {
	uint8_t len;
	uint8_t wire[DNAME_WIRE_MAX];
};

/**
 * struct pin_address - An address that it has
 * @life:	how long it is to be pinned, s
 * @name:	which of the names
 * @family:	4 or 6
 * @zero:	0
 * @bytes:	4 or 16 octets
 */
struct pin_address {
	uint32_t life;
	uint16_t name;
	uint8_t family;
	uint8_t zero;
	uint8_t bytes[16];
};

/**
 * struct pin_batch - A message, in three parts
 * @head:	head
 * @name:	names
 * @address:	addresses
 */
struct pin_batch {
	struct pin_head head;
	struct pin_name name[PIN_NAMES];
	struct pin_address address[PIN_ADDRESSES];
};

/**
 * struct pin_reply - What the monitor says to one message
 * @done:	1: all of it is in the kernel; 0: nothing of it can be relied on
 * @epoch:	how often pins were taken away before their time
 */
struct pin_reply {
	uint64_t done;
	uint64_t epoch;
};

#endif
