/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link_socket.h - Requests to rtnetlink, and its answers. */
#ifndef MSB_LINK_SOCKET_H
#define MSB_LINK_SOCKET_H

#include <libmnl/libmnl.h>

#include "link.h"

/** LINK_MSG_MAX - Room for a request */
#define LINK_MSG_MAX 4096

/**
 * struct link_attrs - Attributes of a message
 * @v:	by type; those beyond are of no interest
 */
struct link_attrs {
	const struct nlattr *v[64];
};

/**
 * link_request() - Begin a request
 * @s:		socket
 * @buf:	room of LINK_MSG_MAX bytes for it
 * @type:	RTM_ and so on
 * @flags:	besides NLM_F_REQUEST
 */
struct nlmsghdr *link_request(struct link_sock *s, void *buf, unsigned int type,
			      unsigned int flags);

/** link_attrs_of() - Attributes of a message behind a header of @offset bytes
 */
struct link_attrs link_attrs_of(const struct nlmsghdr *nlh, size_t offset);

/**
 * link_talk() - Send a request, and run the answer through @cb
 * @s:		socket
 * @nlh:	request
 * @cb:		called for each message of the answer, or NULL
 * @data:	for @cb
 * @words:	set to the kernel's own words, "" if it has none
 *
 * Return: 0, or an errno
 */
int link_talk(struct link_sock *s, struct nlmsghdr *nlh, mnl_cb_t cb,
	      void *data, char words[256]);

/**
 * link_do() - Send a request that has no answer but that it is done
 * @s:		socket
 * @nlh:	request
 * @e:		error: "WHAT WHICH", and why
 * @what:	what is done
 * @which:	to what
 *
 * Return: 0, -1 on failure
 */
int link_do(struct link_sock *s, struct nlmsghdr *nlh, struct live_error *e,
	    const char *what, const char *which);

#endif
