/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link_socket.c - Requests to rtnetlink, and its answers. */
#include "link_socket.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

/* Room for one part of a dump: the kernel fills up to 32 KiB at a time. */
#define DUMP_MAX 32768

/**
 * struct link_sock - An rtnetlink socket of one namespace
 * @nl:		socket
 * @seq:	sequence number of the last request
 */
struct link_sock {
	struct mnl_socket *nl;
	unsigned int seq;
};

struct link_sock *link_open(struct live_error *e)
{
	struct link_sock *s = calloc(1, sizeof(*s));
	int on = 1;

	if (s)
		s->nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!s || !s->nl || mnl_socket_bind(s->nl, 0, MNL_SOCKET_AUTOPID) < 0) {
		live_errno(e, errno, "open rtnetlink socket");
		link_close(s);
		return NULL;
	}
	/* Words for what the kernel refuses, where it has some; both options
	 * are as old as Linux 4.12, and nothing depends on them. */
	mnl_socket_setsockopt(s->nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(s->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	return s;
}

void link_close(struct link_sock *s)
{
	if (s && s->nl)
		mnl_socket_close(s->nl);
	free(s);
}

struct nlmsghdr *link_request(struct link_sock *s, void *buf, unsigned int type,
			      unsigned int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++s->seq;
	return nlh;
}

static int attr_keep(const struct nlattr *attr, void *data)
{
	struct link_attrs *attrs = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < sizeof(attrs->v) / sizeof(attrs->v[0]))
		attrs->v[type] = attr;
	return MNL_CB_OK;
}

struct link_attrs link_attrs_of(const struct nlmsghdr *nlh, size_t offset)
{
	struct link_attrs attrs = {{NULL}};

	mnl_attr_parse(nlh, (unsigned int)offset, attr_keep, &attrs);
	return attrs;
}

/* The kernel's own words in an error message, "" if it has none. */
static const char *link_words(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*err);
	struct link_attrs attrs;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += ((err->msg.nlmsg_len + 3u) & ~3u) -
			  sizeof(struct nlmsghdr);
	attrs = link_attrs_of(nlh, offset);
	if (!attrs.v[NLMSGERR_ATTR_MSG] ||
	    mnl_attr_validate(attrs.v[NLMSGERR_ATTR_MSG], MNL_TYPE_NUL_STRING) <
		    0)
		return "";
	return mnl_attr_get_str(attrs.v[NLMSGERR_ATTR_MSG]);
}

int link_talk(struct link_sock *s, struct nlmsghdr *nlh, mnl_cb_t cb,
	      void *data, char words[256])
{
	unsigned int port = mnl_socket_get_portid(s->nl);
	char *buf = malloc(DUMP_MAX);
	int code = 0;

	words[0] = '\0';
	if (!buf)
		return ENOMEM;
	if (mnl_socket_sendto(s->nl, nlh, nlh->nlmsg_len) < 0) {
		code = errno;
		goto out;
	}
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(s->nl, buf, DUMP_MAX);
		const struct nlmsghdr *answer = (const struct nlmsghdr *)buf;
		int more;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			code = errno;
			break;
		}
		if (mnl_nlmsg_ok(answer, (int)n) &&
		    answer->nlmsg_type == NLMSG_ERROR) {
			const char *text = link_words(answer);
			size_t len = strnlen(text, 255);

			memcpy(words, text, len);
			words[len] = '\0';
		}
		more = mnl_cb_run(buf, (size_t)n, s->seq, port, cb, data);
		if (more < 0)
			code = errno;
		if (more <= 0)
			break;
	}
out:
	free(buf);
	return code;
}

int link_do(struct link_sock *s, struct nlmsghdr *nlh, struct live_error *e,
	    const char *what, const char *which)
{
	char words[256];
	int code;

	nlh->nlmsg_flags |= NLM_F_ACK;
	code = link_talk(s, nlh, NULL, NULL, words);
	if (!code)
		return 0;
	if (words[0])
		return live_errno(e, code, "%s %s: %s", what, which, words);
	return live_errno(e, code, "%s %s", what, which);
}
