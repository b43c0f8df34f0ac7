/* SPDX-License-Identifier: GPL-2.0-or-later */
/* set_message.c - Messages to and from nf_tables about elements of sets. */
#include "set_message.h"

#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/*
 * What nft keeps beside an element is a list of its own: type and length, an
 * octet each, and the value. The kernel does not look at it. A comment has type
 * 0 (libnftnl, NFTNL_UDATA_SET_ELEM_COMMENT) and ends in NUL.
 */
#define USERDATA_COMMENT 0
#define USERDATA_HEAD	 2

_Static_assert(PIN_COMMENT_MAX <= UINT8_MAX, "the length is an octet");
_Static_assert(USERDATA_HEAD + PIN_COMMENT_MAX <= NFT_USERDATA_MAXLEN,
	       "what the kernel takes");

struct nlmsghdr *set_message_head(void *at, unsigned int type, uint16_t flags,
				  uint32_t seq, uint8_t family,
				  uint16_t resource)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(at);
	struct nfgenmsg *g;

	h->nlmsg_type = (uint16_t)type;
	h->nlmsg_flags = flags;
	h->nlmsg_seq = seq;
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	g->res_id = htobe16(resource);
	return h;
}

struct nlmsghdr *set_message_begin(void *at, unsigned int type, uint16_t flags,
				   uint32_t seq, const char *table,
				   const char *set)
{
	struct nlmsghdr *h =
		set_message_head(at, NFNL_SUBSYS_NFTABLES << 8 | type,
				 NLM_F_REQUEST | flags, seq, NFPROTO_INET, 0);

	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_TABLE, table);
	mnl_attr_put_strz(h, NFTA_SET_ELEM_LIST_SET, set);
	return h;
}

struct nlattr *set_message_list(struct nlmsghdr *h)
{
	return mnl_attr_nest_start(h, NFTA_SET_ELEM_LIST_ELEMENTS);
}

void set_message_list_end(struct nlmsghdr *h, struct nlattr *list)
{
	mnl_attr_nest_end(h, list);
}

/* Messages are made of some hundreds of elements, each of half a dozen
 * attributes: these are written here, one behind the other. Return: the end. */
static char *put_attr(char *to, uint16_t type, const void *data, size_t len)
{
	const struct nlattr head = {(uint16_t)(sizeof(head) + len), type};
	const size_t whole = (sizeof(head) + len + 3) & ~(size_t)3;

	/* What fills it up is 0. */
	if (len % 4)
		memset(to + whole - 4, 0, 4);
	memcpy(to, &head, sizeof(head));
	if (len)
		memcpy(to + sizeof(head), data, len);
	return to + whole;
}

/* Begin an attribute that holds others, which end_nest() ends. */
static char *begin_nest(char *to, uint16_t type)
{
	return put_attr(to, type | NLA_F_NESTED, NULL, 0);
}

static void end_nest(char *nest, const char *end)
{
	const uint16_t len = (uint16_t)(end - nest);

	memcpy(nest + offsetof(struct nlattr, nla_len), &len, sizeof(len));
}

void set_message_put(struct nlmsghdr *h, struct ip ip, uint32_t life,
		     const char *comment, size_t len)
{
	char *element = mnl_nlmsg_get_payload_tail(h), *key, *at;
	uint8_t bytes[16], data[USERDATA_HEAD + PIN_COMMENT_MAX];
	const uint64_t ms = htobe64((uint64_t)life * 1000);
	const size_t n = ip_to_bytes(ip, bytes);

	key = begin_nest(element, NFTA_LIST_ELEM);
	at = begin_nest(key, NFTA_SET_ELEM_KEY);
	at = put_attr(at, NFTA_DATA_VALUE, bytes, n);
	end_nest(key, at);
	if (life)
		at = put_attr(at, NFTA_SET_ELEM_TIMEOUT, &ms, sizeof(ms));
	if (comment) {
		data[0] = USERDATA_COMMENT;
		data[1] = (uint8_t)(len + 1);
		memcpy(data + USERDATA_HEAD, comment, len);
		data[USERDATA_HEAD + len] = '\0';
		at = put_attr(at, NFTA_SET_ELEM_USERDATA, data,
			      USERDATA_HEAD + len + 1);
	}
	end_nest(element, at);
	h->nlmsg_len += (uint32_t)(at - element);
}

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

static void read_comment(const struct nlattr *a, char ret[PIN_COMMENT_MAX])
{
	const uint8_t *p = mnl_attr_get_payload(a);
	size_t n = mnl_attr_get_payload_len(a);

	while (n >= USERDATA_HEAD && p[1] <= n - USERDATA_HEAD) {
		const size_t len = p[1], whole = USERDATA_HEAD + len;

		if (p[0] == USERDATA_COMMENT && len && len <= PIN_COMMENT_MAX &&
		    !p[whole - 1]) {
			memcpy(ret, p + USERDATA_HEAD, len);
			return;
		}
		p += whole;
		n -= whole;
	}
}

/**
 * struct each - A message while it is read
 * @family:	as for set_message_each()
 * @fn:		likewise
 * @to:		likewise
 */
struct each {
	enum ip_family family;
	void (*fn)(void *to, const struct set_element *e);
	void *to;
};

static int each_element(const struct nlattr *element, void *to)
{
	const struct each *each = to;
	const unsigned int n = ip_bits(each->family) / 8;
	struct attrs attrs = {0}, key = {0};
	const struct nlattr *value, *left;
	struct set_element e;
	uint64_t ms;

	mnl_attr_parse_nested(element, keep_attr, &attrs);
	if (!attrs.v[NFTA_SET_ELEM_KEY])
		return MNL_CB_OK;
	mnl_attr_parse_nested(attrs.v[NFTA_SET_ELEM_KEY], keep_attr, &key);
	value = key.v[NFTA_DATA_VALUE];
	if (!value || mnl_attr_get_payload_len(value) != n)
		return MNL_CB_OK;
	e.ip = ip_from_bytes(each->family, mnl_attr_get_payload(value));
	left = attrs.v[NFTA_SET_ELEM_EXPIRATION];
	e.timed = left && mnl_attr_get_payload_len(left) == sizeof(ms);
	e.left_ms = 0;
	if (e.timed) {
		memcpy(&ms, mnl_attr_get_payload(left), sizeof(ms));
		e.left_ms = be64toh(ms);
	}
	e.comment[0] = '\0';
	if (attrs.v[NFTA_SET_ELEM_USERDATA])
		read_comment(attrs.v[NFTA_SET_ELEM_USERDATA], e.comment);
	each->fn(each->to, &e);
	return MNL_CB_OK;
}

void set_message_each(const struct nlmsghdr *h, enum ip_family family,
		      void (*fn)(void *to, const struct set_element *e),
		      void *to)
{
	struct each each = {family, fn, to};
	struct attrs attrs = {0};

	mnl_attr_parse(h, sizeof(struct nfgenmsg), keep_attr, &attrs);
	if (attrs.v[NFTA_SET_ELEM_LIST_ELEMENTS])
		mnl_attr_parse_nested(attrs.v[NFTA_SET_ELEM_LIST_ELEMENTS],
				      each_element, &each);
}
