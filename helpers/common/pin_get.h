/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_get.h - Whether an address is pinned now, and for which name. */
#ifndef MSB_PIN_GET_H
#define MSB_PIN_GET_H

#include "ip.h"
#include "pin_comment.h"

/**
 * pin_get() - Ask the kernel for one element of a set
 * @fd:		NETLINK_NETFILTER socket of the sandbox's namespace, which
 *nobody reads from otherwise. The caller needs CAP_NET_ADMIN there
 * @table:	table (inet)
 * @set:	set of addresses of the family of @ip
 * @ip:		address
 * @ret_comment: the element's comment, for pin_comment_parse(); "" if it has
 *		none; set where there is one
 *
 * One message each way (NFT_MSG_GETSETELEM; Linux commit ba0e4d9917b4), which
 * the kernel answers while it is being sent: it is never waited for. Nothing is
 * allocated. An element whose time is over is not there.
 *
 * Return: 1: it is there; 0: it is not, or there is no such set; -1: errno says
 * why it is not known
 */
int pin_get(int fd, const char *table, const char *set, struct ip ip,
	    char ret_comment[PIN_COMMENT_MAX])
	__attribute__((warn_unused_result));

#endif
