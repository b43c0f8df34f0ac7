/* SPDX-License-Identifier: GPL-2.0-or-later */
/* constraints.h - What a CA may issue, as its own certificate says.
 *
 * wolfSSL 5.5.4 holds nameConstraints (RFC 5280 section 4.2.1.10) against what
 * a CA has issued itself, and not against what those have that it has made CAs;
 * it knows none about addresses, looks at no CA's extKeyUsage, and not at how
 * long a way a root permits. So each CA on the way is asked here about the one
 * name or address that the server was spoken to for.
 */
#ifndef MSB_CONSTRAINTS_H
#define MSB_CONSTRAINTS_H

#include <stdbool.h>
#include <stdint.h>

#include "der.h"
#include "dname.h"
#include "ip.h"

/** CONSTRAINTS_NO_LENGTH - There may be as many CAs as there are */
#define CONSTRAINTS_NO_LENGTH UINT8_MAX

/**
 * struct constraints - Limits
 * @names:	nameConstraints, with its header; length 0: there are none
 * @issues:	it may issue at all: basicConstraints says that it is a CA's,
 *and keyUsage, if there is one, has keyCertSign; or there is that alone; or it
 *is of version 1
 * @servers:	it may issue for servers: there is no extKeyUsage, or one with
 *		serverAuth or any
 * @length:	CAs that there may be between it and the server
 */
struct constraints {
	struct der_view names;
	bool issues;
	bool servers;
	uint8_t length;
};

/** constraints_begin() - None */
void constraints_begin(struct constraints *l);

/** constraints_take_names() - Read a nameConstraints; false: it is malformed */
bool constraints_take_names(struct constraints *l, struct der_view value)
	__attribute__((warn_unused_result));

/** constraints_take_purposes() - Read an extKeyUsage, likewise */
bool constraints_take_purposes(struct constraints *l, struct der_view value)
	__attribute__((warn_unused_result));

/**
 * constraints_take_basic() - Read a basicConstraints, likewise
 * @ret_ca:	it is a CA's
 */
bool constraints_take_basic(struct constraints *l, struct der_view value,
			    bool *ret_ca) __attribute__((warn_unused_result));

/**
 * constraints_permit() - Whether nameConstraints permit a name, or an address
 * @l:		limits
 * @name:	name; length 0: @ip is asked about
 * @ip:		address
 *
 * Subtrees of other kinds say nothing about either. What cannot be understood
 * permits nothing.
 */
bool constraints_permit(const struct constraints *l, struct dname name,
			struct ip ip);

#endif
