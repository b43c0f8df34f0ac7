/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dial.h - Sockets to servers, of the gateway's namespace. */
#ifndef MSB_DIAL_H
#define MSB_DIAL_H

#include "address.h"
#include "tls_conf.h"

/** DIAL_LINK - The interface that they leave by, and no other */
#define DIAL_LINK "uplink0"

/** DIAL_MARK - Mark of what they send (TABLE_DIAL_MARK): by that the ruleset
 * knows them
 */
#define DIAL_MARK 2

/**
 * dial() - Connect to a server
 * @c:		configuration, which has the gateway's addresses: these they are
 *		bound to
 * @to:		server
 * @speaks:	there is something to send to it: it goes with the packet that
 *		ends the handshake, which is that much later, at most the time
 *		of a delayed acknowledgement
 *
 * Needs CAP_NET_ADMIN, for the mark. Who is handed such a socket, and has not
 * that capability, can change neither mark nor peer as long as it cannot call
 * connect(2).
 *
 * Return: a non-blocking socket that is connected, or about to be; -1 and errno
 */
int dial(const struct tls_conf *c, const struct address *to, bool speaks);

#endif
