/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pin_set.c - The ruleset's sets of addresses, written in one transaction. */
#include "pin_set.h"

#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>
#include <sys/mman.h>

/* What one message may be long: its list is an attribute, whose length has 16
 * bits. */
#define MESSAGE_MAX 32768

/* Room for one element, and for a message's head. */
#define ELEMENT_MAX 64
#define HEAD_MAX    256

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

static struct nlmsghdr *put_head(struct pin_set *s, uint16_t type,
				 uint16_t flags, uint8_t family,
				 uint16_t resource)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(s->buf + s->len);
	struct nfgenmsg *g;

	h->nlmsg_type = type;
	h->nlmsg_flags = flags;
	h->nlmsg_seq = ++s->seq;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htobe16(resource);
	return h;
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
	h = put_head(s, NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, AF_UNSPEC,
		     NFNL_SUBSYS_NFTABLES);
	s->len += h->nlmsg_len;
}

static void close_message(struct pin_set *s)
{
	struct nlmsghdr *h = at(s, s->open);

	if (!s->open)
		return;
	mnl_attr_nest_end(h, (struct nlattr *)(void *)(s->buf + s->list));
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
	struct nlmsghdr *h =
		put_head(s, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type),
			 NLM_F_REQUEST | flags, NFPROTO_INET, 0);

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, s->conf->walk.table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, set_name(s, set, family));
	return h;
}

static bool has_room(struct pin_set *s, size_t n)
{
	if (PIN_SET_BYTES - s->len < MESSAGE_MAX + HEAD_MAX + n)
		s->overflow = true;
	return !s->overflow;
}

void pin_set_flush(struct pin_set *s, uint16_t set)
{
	static const enum ip_family families[] = {IP_V4, IP_V6};

	close_message(s);
	for (size_t i = 0; i < 2 && has_room(s, (size_t)2 * HEAD_MAX); i++)
		s->len += aligned(
			put_set(s, NFT_MSG_DELSETELEM, 0, set, families[i])
				->nlmsg_len);
}

static void put_element(struct pin_set *s, unsigned int type,
			const struct pin_element *e, uint32_t life)
{
	struct nlattr *element, *key;
	struct nlmsghdr *h;
	uint8_t bytes[16];
	size_t n;

	if (s->open &&
	    (s->type != type || s->set != e->set || s->family != e->ip.family ||
	     at(s, s->open)->nlmsg_len > MESSAGE_MAX))
		close_message(s);
	if (!has_room(s, ELEMENT_MAX))
		return;
	if (!s->open) {
		h = put_set(s, type,
			    type == NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0,
			    e->set, e->ip.family);
		s->open = s->len;
		s->type = (uint16_t)type;
		s->set = e->set;
		s->family = e->ip.family;
		s->list = (size_t)((char *)mnl_attr_nest_start(
					   h, NFTA_SET_ELEM_LIST_ELEMENTS) -
				   s->buf);
	}
	h = at(s, s->open);
	element = mnl_attr_nest_start(h, NFTA_LIST_ELEM);
	key = mnl_attr_nest_start(h, NFTA_SET_ELEM_KEY);
	n = ip_to_bytes(e->ip, bytes);
	mnl_attr_put(h, NFTA_DATA_VALUE, n, bytes);
	mnl_attr_nest_end(h, key);
	if (life)
		mnl_attr_put_u64(h, NFTA_SET_ELEM_TIMEOUT,
				 htobe64((uint64_t)life * 1000));
	mnl_attr_nest_end(h, element);
}

static void change_add(void *to, const struct pin_element *e, uint32_t life)
{
	put_element(to, NFT_MSG_NEWSETELEM, e, life);
}

/* Adding an element that is there leaves its time as it is, before Linux 6.12
 * (commit 4201f3938914); taking away one that is not there fails. */
static void change_renew(void *to, const struct pin_element *e, uint32_t life,
			 bool unsure)
{
	if (unsure)
		put_element(to, NFT_MSG_NEWSETELEM, e, life);
	put_element(to, NFT_MSG_DELSETELEM, e, 0);
	put_element(to, NFT_MSG_NEWSETELEM, e, life);
}

static void change_remove(void *to, const struct pin_element *e)
{
	put_element(to, NFT_MSG_DELSETELEM, e, 0);
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
	end = put_head(s, NFNL_MSG_BATCH_END, NLM_F_REQUEST, AF_UNSPEC,
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
	void (*fn)(void *to, const struct pin_element *e, uint32_t life);
	void *to;
};

/* Attributes of a list or a message, by type; others are of no interest. */
struct attrs {
	const struct nlattr *v[NFTA_SET_ELEM_MAX + 1];
};

static int keep_attr(const struct nlattr *a, void *to)
{
	struct attrs *attrs = to;

	if (mnl_attr_get_type(a) <= NFTA_SET_ELEM_MAX)
		attrs->v[mnl_attr_get_type(a)] = a;
	return MNL_CB_OK;
}

static const struct nlattr *nested(const struct nlattr *in, unsigned int type)
{
	struct attrs attrs = {0};

	return mnl_attr_parse_nested(in, keep_attr, &attrs) == MNL_CB_OK
		       ? attrs.v[type]
		       : NULL;
}

static int list_element(const struct nlattr *element, void *to)
{
	struct listing *l = to;
	const struct nlattr *key = nested(element, NFTA_SET_ELEM_KEY);
	const struct nlattr *left = nested(element, NFTA_SET_ELEM_EXPIRATION);
	const struct nlattr *value = key ? nested(key, NFTA_DATA_VALUE) : NULL;
	const unsigned int n = ip_bits(l->e.ip.family) / 8;
	uint64_t ms;

	if (!value || mnl_attr_get_payload_len(value) != n || !left ||
	    mnl_attr_get_payload_len(left) != sizeof(ms))
		return MNL_CB_OK;
	memcpy(&ms, mnl_attr_get_payload(left), sizeof(ms));
	l->e.ip = ip_from_bytes(l->e.ip.family, mnl_attr_get_payload(value));
	l->fn(l->to, &l->e, (uint32_t)(be64toh(ms) / 1000));
	return MNL_CB_OK;
}

static int list_message(const struct nlmsghdr *h, void *to)
{
	struct attrs attrs = {0};
	const struct nlattr *list;

	mnl_attr_parse(h, sizeof(struct nfgenmsg), keep_attr, &attrs);
	list = attrs.v[NFTA_SET_ELEM_LIST_ELEMENTS];
	if (list)
		mnl_attr_parse_nested(list, list_element, to);
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

bool pin_set_list(struct pin_set *s, uint16_t set,
		  void (*fn)(void *to, const struct pin_element *e,
			     uint32_t life),
		  void *to)
{
	struct listing l = {.e.set = set, .fn = fn, .to = to};

	l.e.ip.family = IP_V4;
	if (!list_one(s, &l))
		return false;
	l.e.ip.family = IP_V6;
	return list_one(s, &l);
}
