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

_Static_assert(MESSAGE_MAX + SET_HEAD_MAX + SET_ELEMENT_MAX <= PIN_SET_MESSAGE,
	       "one that is not full has room for one more element");

/* What is mapped: the batch, and the two messages. */
#define MAPPED (PIN_SET_BYTES + 2 * PIN_SET_MESSAGE)

/* Room for what the kernel says. */
#define ANSWER_MAX 32768

bool pin_set_open(struct pin_set *s)
{
	char *v = mmap(NULL, MAPPED, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*s = (struct pin_set){.fd = -1};
	if (v == MAP_FAILED)
		return false;
	s->buf = v;
	s->gone.buf = v + PIN_SET_BYTES;
	s->added.buf = s->gone.buf + PIN_SET_MESSAGE;
	return true;
}

void pin_set_close(struct pin_set *s)
{
	if (s->buf)
		munmap(s->buf, MAPPED);
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
	s->last = 0;
	s->gone.list = NULL;
	s->added.list = NULL;
	memset(s->marks, 0, sizeof(s->marks));
	s->overflow = false;
	h = set_message_head(s->buf, NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST,
			     ++s->seq, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
	s->len += h->nlmsg_len;
}

/* Put a whole message into the batch; one more has room behind it, its end. */
static void put_message(struct pin_set *s, struct nlmsghdr *h)
{
	const size_t n = aligned(h->nlmsg_len);

	if (PIN_SET_BYTES - s->len < n + SET_HEAD_MAX)
		s->overflow = true;
	if (s->overflow)
		return;
	h->nlmsg_seq = ++s->seq;
	s->last = s->len;
	memcpy(s->buf + s->len, h, n);
	s->len += n;
}

static void close_message(struct pin_set *s, struct pin_set_message *m)
{
	struct nlmsghdr *h = (void *)m->buf;

	if (!m->list)
		return;
	set_message_list_end(h, m->list);
	m->list = NULL;
	put_message(s, h);
}

static void close_messages(struct pin_set *s)
{
	close_message(s, &s->gone);
	close_message(s, &s->added);
	memset(s->marks, 0, sizeof(s->marks));
}

static const char *set_name(const struct pin_set *s, uint16_t set,
			    enum ip_family family)
{
	const struct walk_pin_set *p = &s->conf->walk.pin_sets[set];

	return family == IP_V4 ? p->set4 : p->set6;
}

/* A message about a set, without elements, at @to. */
static struct nlmsghdr *begin(const struct pin_set *s, void *to,
			      unsigned int type, uint16_t flags, uint16_t set,
			      enum ip_family family)
{
	return set_message_begin(to, type, flags, s->seq, s->conf->walk.table,
				 set_name(s, set, family));
}

void pin_set_flush(struct pin_set *s, uint16_t set)
{
	char room[SET_HEAD_MAX] __attribute__((aligned(NLMSG_ALIGNTO)));

	close_messages(s);
	put_message(s, begin(s, room, NFT_MSG_DELSETELEM, 0, set, IP_V4));
	put_message(s, begin(s, room, NFT_MSG_DELSETELEM, 0, set, IP_V6));
}

/* A name's part of a comment is written once for all of its addresses. Return:
 * characters of the comment. */
static size_t put_comment(struct pin_set *s, const struct pin_names *names)
{
	const struct dname name = names->name;

	if (!s->name_len || s->wire_len != name.len ||
	    (name.len && memcmp(s->wire, name.wire, name.len) != 0)) {
		s->wire_len = name.len;
		if (name.len)
			memcpy(s->wire, name.wire, name.len);
		s->name_len = pin_comment_name(name, s->comment);
	}
	return pin_comment_others(names->others, s->comment, s->name_len);
}

/* The mark of an element, and its bit. Two elements may share it. */
static uint64_t *mark_of(struct pin_set *s, const struct pin_element *e,
			 uint64_t *ret_bit)
{
	const uint64_t folded = (uint64_t)(e->ip.num >> 64) ^
				(uint64_t)e->ip.num;
	const size_t n = (size_t)(folded * UINT64_C(0x9e3779b97f4a7c15) >> 32) %
			 PIN_SET_MARKS;

	*ret_bit = UINT64_C(1) << n % 64;
	return &s->marks[n / 64];
}

/* Where an element goes that is to be removed, or added. */
static struct nlmsghdr *open_message(struct pin_set *s,
				     struct pin_set_message *m,
				     const struct pin_element *e)
{
	struct nlmsghdr *h = (void *)m->buf;

	if (s->set != e->set || s->family != e->ip.family ||
	    (m->list && h->nlmsg_len > MESSAGE_MAX)) {
		close_messages(s);
		s->set = e->set;
		s->family = e->ip.family;
	}
	if (m->list)
		return h;
	if (m == &s->added)
		begin(s, h, NFT_MSG_NEWSETELEM, NLM_F_CREATE, e->set,
		      e->ip.family);
	else
		begin(s, h, NFT_MSG_DELSETELEM, 0, e->set, e->ip.family);
	m->list = set_message_list(h);
	return h;
}

static void put_new(struct pin_set *s, const struct pin_element *e,
		    const struct pin_names *names, uint32_t life)
{
	struct nlmsghdr *h = open_message(s, &s->added, e);
	uint64_t bit, *mark = mark_of(s, e, &bit);

	*mark |= bit;
	set_message_put(h, e->ip, life, s->comment, put_comment(s, names));
}

static void put_gone(struct pin_set *s, const struct pin_element *e)
{
	uint64_t bit;
	const uint64_t *mark = mark_of(s, e, &bit);

	/* What is removed first must not be what was added before. */
	if (*mark & bit)
		close_messages(s);
	set_message_put(open_message(s, &s->gone, e), e->ip, 0, NULL, 0);
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
	uint32_t seq;

	close_messages(s);
	if (s->overflow)
		return false;
	if (!s->last)
		return true;
	/* The last message before the end asks to be acknowledged; that the end
	 * itself can, older kernels do not know (commit bf2ac490d28c). */
	at(s, s->last)->nlmsg_flags |= NLM_F_ACK;
	seq = at(s, s->last)->nlmsg_seq;
	end = set_message_head(s->buf + s->len, NFNL_MSG_BATCH_END,
			       NLM_F_REQUEST, ++s->seq, AF_UNSPEC,
			       NFNL_SUBSYS_NFTABLES);
	s->len += end->nlmsg_len;
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

	s->seq++;
	h = begin(s, s->buf, NFT_MSG_GETSETELEM, NLM_F_DUMP, l->e.set,
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
