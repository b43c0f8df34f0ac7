/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_set.c - The ruleset's sets of addresses, written in one transaction. */
#include "pin_set.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/mman.h>

#include "set_message.h"

/* What one message may be long: its list is an attribute, whose length has 16
 * bits. */
#define MESSAGE_MAX 32768

/* Room for what the kernel says. */
#define ANSWER_MAX 32768

bool pin_set_open(struct pin_set *s)
{
	void *v = mmap(NULL, PIN_SET_BYTES, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*s = (struct pin_set){.fd = -1};
	if (v == MAP_FAILED)
		return false;
	s->buf = v;
	return true;
}

void pin_set_close(struct pin_set *s)
{
	if (s->buf)
		munmap(s->buf, PIN_SET_BYTES);
	s->buf = NULL;
}

void pin_set_use(struct pin_set *s, const struct dns_conf *conf, int fd)
{
	const int room = 2 * PIN_SET_BYTES;

	s->conf = conf;
	s->fd = fd;
	/* Where that fails, large batches do. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
}

static size_t aligned(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static struct nlmsghdr *at(struct pin_set *s, size_t offset)
{
	return (struct nlmsghdr *)(void *)(s->buf + offset);
}

void pin_set_begin(struct pin_set *s)
{
	const struct nlmsghdr *h;

	s->len = 0;
	s->open = 0;
	s->overflow = false;
	h = set_message_head(s->buf, NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST,
			     ++s->seq, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	s->len += h->nlmsg_len;
}

static void close_message(struct pin_set *s)
{
	struct nlmsghdr *h = at(s, s->open);

	if (!s->open)
		return;
	set_message_list_end(h, (void *)(s->buf + s->list));
	s->len += aligned(h->nlmsg_len);
	s->open = 0;
}

static const char *set_name(const struct pin_set *s, uint16_t set,
			    enum ip_family family)
{
	const struct walk_pin_set *p = &s->conf->walk.pin_sets[set];

	return family == IP_V4 ? p->set4 : p->set6;
}

/* A message about a set, without elements. */
static struct nlmsghdr *put_set(struct pin_set *s, unsigned int type,
				uint16_t flags, uint16_t set,
				enum ip_family family)
{
	return set_message_begin(s->buf + s->len, type, flags, ++s->seq,
				 s->conf->walk.table, set_name(s, set, family));
}

static bool has_room(struct pin_set *s, size_t n)
{
	if (PIN_SET_BYTES - s->len < MESSAGE_MAX + SET_HEAD_MAX + n)
		s->overflow = true;
	return !s->overflow;
}

void pin_set_flush(struct pin_set *s, uint16_t set)
{
	static const enum ip_family families[] = {IP_V4, IP_V6};

	close_message(s);
	for (size_t i = 0; i < 2 && has_room(s, (size_t)2 * SET_HEAD_MAX); i++)
		s->len += aligned(
			put_set(s, NFT_MSG_DELSETELEM, 0, set, families[i])
				->nlmsg_len);
}

/* A name's part of a comment is written once for all of its addresses. Return:
 * characters of the comment. */
static size_t put_comment(struct pin_set *s, const struct pin_names *names)
{
	const struct dname name = names->name;

	if (!s->name_len || s->wire_len != name.len ||
	    memcmp(s->wire, name.wire, name.len) != 0) {
		s->wire_len = name.len;
		if (name.len)
			memcpy(s->wire, name.wire, name.len);
		s->name_len = pin_comment_name(name, s->comment);
	}
	return pin_comment_others(names->others, s->comment, s->name_len);
}

/* Begin a message, unless the one that is open has room. */
static bool open_message(struct pin_set *s, unsigned int type,
			 const struct pin_element *e)
{
	if (s->open &&
	    (s->type != type || s->set != e->set || s->family != e->ip.family ||
	     at(s, s->open)->nlmsg_len > MESSAGE_MAX))
		close_message(s);
	if (!has_room(s, SET_ELEMENT_MAX))
		return false;
	if (s->open)
		return true;
	s->open = s->len;
	s->type = (uint16_t)type;
	s->set = e->set;
	s->family = e->ip.family;
	s->list =
		(size_t)((char *)set_message_list(put_set(
				 s, type,
				 type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0,
				 e->set, e->ip.family)) -
			 s->buf);
	return true;
}

static void put_new(struct pin_set *s, const struct pin_element *e,
		    const struct pin_names *names, uint32_t life)
{
	if (open_message(s, NFT_MSG_NEWSETELEM, e))
		set_message_put(at(s, s->open), e->ip, life, s->comment,
				put_comment(s, names));
}

static void put_gone(struct pin_set *s, const struct pin_element *e)
{
	if (open_message(s, NFT_MSG_DELSETELEM, e))
		set_message_put(at(s, s->open), e->ip, 0, NULL, 0);
}

static void change_add(void *to, const struct pin_element *e,
		       const struct pin_names *names, uint32_t life)
{
	put_new(to, e, names, life);
}

/* Adding an element that is there leaves its time as it is, before Linux 6.12
 * (commit 4201f3938914), and its comment in any; taking away one that is not
 * there fails. */
static void change_renew(void *to, const struct pin_element *e,
			 const struct pin_names *names, uint32_t life,
			 bool unsure)
{
	if (unsure)
		put_new(to, e, names, life);
	put_gone(to, e);
	put_new(to, e, names, life);
}

static void change_remove(void *to, const struct pin_element *e)
{
	put_gone(to, e);
}

const struct pin_change pin_set_change = {
	.add = change_add,
	.renew = change_renew,
	.remove = change_remove,
};

/* Read what the kernel has to say. Return: whether it says that message @last
 * is done, and that no other one failed. */
static bool read_answers(struct pin_set *s, uint32_t last)
{
	char buf[ANSWER_MAX];
	bool done = false, failed = false;

	for (;;) {
		ssize_t n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
		const struct nlmsghdr *h = (const void *)buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN && done && !failed;
		for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left)) {
			const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);

			if (h->nlmsg_type != NLMSG_ERROR ||
			    mnl_nlmsg_get_payload_len(h) < sizeof(*e))
				continue;
			failed |= e->error != 0;
			done |= !e->error && h->nlmsg_seq == last;
		}
	}
}

bool pin_set_commit(struct pin_set *s)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const struct nlmsghdr *end;
	size_t last = s->open, at_end;
	uint32_t seq;

	close_message(s);
	if (s->overflow)
		return false;
	/* The last message before the end asks to be acknowledged; that the end
	 * itself can, older kernels do not know (commit bf2ac490d28c). */
	for (size_t i = 0; i < s->len; i += aligned(at(s, i)->nlmsg_len))
		last = i;
	if (!last)
		return true;
	at(s, last)->nlmsg_flags |= NLM_F_ACK;
	seq = at(s, last)->nlmsg_seq;
	at_end = s->len;
	end = set_message_head(s->buf + s->len, NFNL_MSG_BATCH_END,
			       NLM_F_REQUEST, ++s->seq, AF_UNSPEC,
			       NFNL_SUBSYS_NFTABLES);
	s->len = at_end + end->nlmsg_len;
	if (s->fd < 0 || sendto(s->fd, s->buf, s->len, 0, (const void *)&kernel,
				sizeof(kernel)) != (ssize_t)s->len)
		return false;
	return read_answers(s, seq);
}

/**
 * struct listing - A set while it is read
 * @e:		element, all but its address
 * @fn:		called for each
 * @to:		for @fn
 */
struct listing {
	struct pin_element e;
	pin_set_listed *fn;
	void *to;
};

static void list_element(void *to, const struct set_element *e)
{
	struct listing *l = to;
	uint8_t wire[DNAME_WIRE_MAX];
	struct pin_names names;

	if (!e->timed)
		return;
	l->e.ip = e->ip;
	/* Somebody else's comment is nobody's name. */
	if (!pin_comment_parse(e->comment, wire, &names))
		names = (struct pin_names){0};
	l->fn(l->to, &l->e, &names, (uint32_t)(e->left_ms / 1000));
}

static int list_message(const struct nlmsghdr *h, void *to)
{
	const struct listing *l = to;

	set_message_each(h, l->e.ip.family, list_element, to);
	return MNL_CB_OK;
}

static bool list_one(struct pin_set *s, struct listing *l)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const struct nlmsghdr *h;
	char buf[ANSWER_MAX];
	ssize_t n;
	int rc = MNL_CB_OK;

	s->len = 0;
	h = put_set(s, NFT_MSG_GETSETELEM, NLM_F_DUMP, l->e.set,
		    l->e.ip.family);
	if (sendto(s->fd, h, h->nlmsg_len, 0, (const void *)&kernel,
		   sizeof(kernel)) < 0)
		return false;
	while (rc > 0) {
		n = recv(s->fd, buf, sizeof(buf), 0);
		if (n < 0)
			return false;
		rc = mnl_cb_run(buf, (size_t)n, s->seq, 0, list_message, l);
	}
	return rc == MNL_CB_STOP;
}

bool pin_set_list(struct pin_set *s, uint16_t set, pin_set_listed *fn, void *to)
{
	struct listing l = {.e.set = set, .fn = fn, .to = to};

	l.e.ip.family = IP_V4;
	if (!list_one(s, &l))
		return false;
	l.e.ip.family = IP_V6;
	return list_one(s, &l);
}
