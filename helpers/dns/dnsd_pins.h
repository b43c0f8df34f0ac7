/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dnsd_pins.h - The monitor's part in pinning: checked, counted, committed. */
#ifndef MSB_DNSD_PINS_H
#define MSB_DNSD_PINS_H

#include "dns_conf.h"
#include "pin.h"
#include "pin_set.h"
#include "pin_table.h"

/**
 * struct dnsd_pins - What is pinned
 * @conf:	configuration in force
 * @table:	pins
 * @set:	writer of the ruleset's sets
 * @commits:	transactions
 * @failed:	of these, failed
 */
struct dnsd_pins {
	const struct dns_conf *conf;
	struct pin_table *table;
	struct pin_set set;
	uint64_t commits;
	uint64_t failed;
};

/** dnsd_pins_open() - Get ready; false if there is no memory */
bool dnsd_pins_open(struct dnsd_pins *p) __attribute__((warn_unused_result));

/** dnsd_pins_close() - Release */
void dnsd_pins_close(struct dnsd_pins *p);

/**
 * dnsd_pins_configure() - Put a configuration in force
 * @p:		pins
 * @conf:	configuration
 * @fd:		netlink socket
 * @now:	s
 *
 * The first time, what the sets hold is taken over. Later, pins go to the sets
 * that their names belong in now; a pin whose name is not known stays where the
 * set has the same names as before.
 *
 * Return: false if the kernel does not take it; then the sets are as they were
 */
bool dnsd_pins_configure(struct dnsd_pins *p, const struct dns_conf *conf,
			 int fd, uint64_t now)
	__attribute__((warn_unused_result));

/**
 * dnsd_pins_check() - Whether a message from the worker is one
 * @b:		message
 * @len:	octets of it
 *
 * Its head is at the start of @b, its names and addresses behind that, without
 * a gap: they are moved to their places.
 */
bool dnsd_pins_check(struct pin_batch *b, size_t len)
	__attribute__((warn_unused_result));

/**
 * dnsd_pins_permit() - Whether a message is of addresses that a name may have
 * @c:		configuration in force
 * @b:		message, checked
 *
 * The worker does not ask for others (rebind.h), but for the gateway's own
 * name, unless it has been taken over, or another configuration came between.
 */
bool dnsd_pins_permit(const struct dns_conf *c, const struct pin_batch *b);

/**
 * dnsd_pins_commit() - Pin what a message says
 * @p:		pins
 * @b:		message, checked
 * @now:	s
 *
 * Return: what the worker is told
 */
struct pin_reply dnsd_pins_commit(struct dnsd_pins *p,
				  const struct pin_batch *b, uint64_t now);

/**
 * dnsd_pins_write() - Write all pins to a file, as JSON, one a line
 * @p:		pins
 * @fd:		file
 * @now:	s
 */
void dnsd_pins_write(const struct dnsd_pins *p, int fd, uint64_t now);

#endif
