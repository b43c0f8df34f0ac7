/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_get.c - Whether an address is pinned now, and for which name. */
#include "pin_get.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdalign.h>
#include <string.h>
#include <sys/socket.h>

#include "set_message.h"

/* Room for an answer: our request's names, and one element with all that nft
 * may keep beside it. */
#define ANSWER_MAX 2048

/* One message each way, so nothing has to be told from another. */
#define SEQ 1

/**
 * struct lookup - An element that is looked for
 * @ip:		address
 * @comment:	its comment
 * @rc:		as of pin_get()
 * @error:	likewise errno
 * @heard:	the answer was read
 */
struct lookup {
	struct ip ip;
	char *comment;
	int rc;
	int error;
	bool heard;
};

static void look(void *to, const struct set_element *e)
{
	struct lookup *l = to;

	if (!ip_equal(e->ip, l->ip))
		return;
	memcpy(l->comment, e->comment, PIN_COMMENT_MAX);
	l->rc = 1;
}

static void read_message(const struct nlmsghdr *h, size_t n, struct lookup *l)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);

	if (!NLMSG_OK(h, n))
		return;
	if (h->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM)) {
		set_message_each(h, l->ip.family, look, l);
		l->heard = true;
	} else if (h->nlmsg_type == NLMSG_ERROR &&
		   h->nlmsg_len >= NLMSG_LENGTH(sizeof(*e))) {
		l->rc = e->error == -ENOENT ? 0 : -1;
		l->error = -e->error;
		l->heard = true;
	}
}

/* The kernel has answered before sendto() is done. Where that is not what is
 * read, all that there is is read, so that nothing is left for the next one. */
static void read_answers(int fd, struct lookup *l)
{
	alignas(struct nlmsghdr) char buf[ANSWER_MAX];
	ssize_t n;

	do {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);
		if (n > 0 && (size_t)n <= sizeof(buf))
			read_message((const void *)buf, (size_t)n, l);
	} while (!l->heard && (n >= 0 || errno == EINTR));
	if (!l->heard && errno != EAGAIN)
		l->error = errno;
}

int pin_get(int fd, const char *table, const char *set, struct ip ip,
	    char ret_comment[PIN_COMMENT_MAX])
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	alignas(struct nlmsghdr) char buf[SET_HEAD_MAX + SET_ELEMENT_MAX];
	char comment[PIN_COMMENT_MAX];
	struct lookup l = {ip, comment, -1, EPROTO, false};
	struct nlattr *list;
	struct nlmsghdr *h;

	if (strlen(table) >= NFT_NAME_MAXLEN ||
	    strlen(set) >= NFT_NAME_MAXLEN) {
		errno = ENAMETOOLONG;
		return -1;
	}
	h = set_message_begin(buf, NFT_MSG_GETSETELEM, 0, SEQ, table, set);
	list = set_message_list(h);
	set_message_put(h, ip, 0, NULL, 0);
	set_message_list_end(h, list);
	if (sendto(fd, h, h->nlmsg_len, 0, (const void *)&kernel,
		   sizeof(kernel)) < 0)
		return -1;
	read_answers(fd, &l);
	if (l.rc == 1)
		memcpy(ret_comment, comment, PIN_COMMENT_MAX);
	errno = l.error;
	return l.rc;
}
