/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack.c - Flows that are open. */
#include "conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "binding.h"
#include "netns.h"

#define DUMP_MAX 32768

/** struct count - Flows, as they come in */
struct count {
	const struct slot *slot;
	uint32_t n;
};

/* Attributes by type, of one level; those beyond are of no interest. */
struct nest {
	const struct nlattr *v[32];
};

static int nest_keep(const struct nlattr *attr, void *data)
{
	struct nest *nest = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < sizeof(nest->v) / sizeof(nest->v[0]))
		nest->v[type] = attr;
	return MNL_CB_OK;
}

static struct nest nest_of(const struct nlattr *attr)
{
	struct nest nest = {{NULL}};

	if (attr)
		mnl_attr_parse_nested(attr, nest_keep, &nest);
	return nest;
}

static struct ip ip_of(const struct nlattr *v4, const struct nlattr *v6)
{
	if (v4 && mnl_attr_get_payload_len(v4) == 4)
		return ip_from_bytes(IP_V4, mnl_attr_get_payload(v4));
	if (v6 && mnl_attr_get_payload_len(v6) == 16)
		return ip_from_bytes(IP_V6, mnl_attr_get_payload(v6));
	return (struct ip){0};
}

/* As the kernel's own count sees it (nf_conncount.c, already_closed). */
static bool is_over(const struct nest *ct)
{
	const struct nest info = nest_of(ct->v[CTA_PROTOINFO]);
	const struct nest tcp = nest_of(info.v[CTA_PROTOINFO_TCP]);
	const struct nlattr *attr = tcp.v[CTA_PROTOINFO_TCP_STATE];
	const unsigned int state = attr ? mnl_attr_get_u8(attr) : 0;

	return state == TCP_CONNTRACK_TIME_WAIT || state == TCP_CONNTRACK_CLOSE;
}

static bool counts(const struct slot *slot, const struct nest *ct)
{
	const struct nest tuple = nest_of(ct->v[CTA_TUPLE_ORIG]);
	const struct nest ip = nest_of(tuple.v[CTA_TUPLE_IP]);
	const struct nest l4 = nest_of(tuple.v[CTA_TUPLE_PROTO]);
	const struct nlattr *number = l4.v[CTA_PROTO_NUM];
	const struct nlattr *port = l4.v[CTA_PROTO_DST_PORT];
	const unsigned int proto = number ? mnl_attr_get_u8(number) : 0;
	struct ip from, to;

	if (!ct->v[CTA_MARK] || !mnl_attr_get_u32(ct->v[CTA_MARK]) ||
	    (proto != IPPROTO_TCP && proto != IPPROTO_UDP) || !port)
		return false;
	from = ip_of(ip.v[CTA_IP_V4_SRC], ip.v[CTA_IP_V6_SRC]);
	to = ip_of(ip.v[CTA_IP_V4_DST], ip.v[CTA_IP_V6_DST]);
	if (!ip_equal(from, slot->guest4) && !ip_equal(from, slot->guest6))
		return false;
	if (ntohs(mnl_attr_get_u16(port)) == 53 &&
	    (ip_equal(to, slot->gw4) || ip_equal(to, slot->gw6)))
		return false;
	return proto == IPPROTO_UDP || !is_over(ct);
}

static int on_flow(const struct nlmsghdr *nlh, void *data)
{
	struct count *count = data;
	struct nest ct = {{NULL}};

	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), nest_keep, &ct);
	count->n += counts(count->slot, &ct);
	return MNL_CB_OK;
}

static int dump(struct mnl_socket *nl, mnl_cb_t on, void *data)
{
	char buf[DUMP_MAX];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;
	int more = 1;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -1;
	while (more > 0) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		more = mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl),
				  on, data);
	}
	return more;
}

static struct mnl_socket *open_socket(void)
{
	struct mnl_socket *nl =
		mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int code;

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0)
		return nl;
	code = errno;
	mnl_socket_close(nl);
	errno = code;
	return NULL;
}

int conntrack_open(const struct slot *slot, uint32_t *ret, struct live_error *e)
{
	struct mnl_socket *nl = open_socket();
	struct count count = {.slot = slot};
	int rc = nl ? dump(nl, on_flow, &count) : -1;

	if (rc < 0)
		live_errno(e, errno, "count the flows that are open");
	if (nl)
		mnl_socket_close(nl);
	if (rc < 0)
		return -1;
	*ret = count.n;
	return 0;
}

/** struct ends - Where the packets of one direction come from, and go to */
struct ends {
	struct ip from;
	struct ip to;
	uint16_t from_port;
	uint16_t to_port;
	unsigned int proto;
};

/**
 * struct stale - Flows that a change of ports leaves behind
 * @c:		what they are looked for by
 * @own:	addresses of the host
 * @a:		for what is found
 * @v:		for each, the tuples of both directions, as the kernel has them
 * @n:		number of them
 * @cap:	room for them
 */
struct stale {
	const struct conntrack_change *c;
	const struct ifaddrs *own;
	struct arena *a;
	struct {
		const struct nlattr *orig;
		const struct nlattr *reply;
		const struct nlattr *id;
	} * v;
	size_t n;
	size_t cap;
};

static struct ends ends_of(const struct nlattr *attr)
{
	const struct nest tuple = nest_of(attr);
	const struct nest ip = nest_of(tuple.v[CTA_TUPLE_IP]);
	const struct nest l4 = nest_of(tuple.v[CTA_TUPLE_PROTO]);
	const struct nlattr *from = l4.v[CTA_PROTO_SRC_PORT];
	const struct nlattr *to = l4.v[CTA_PROTO_DST_PORT];
	const struct nlattr *proto = l4.v[CTA_PROTO_NUM];

	return (struct ends){
		.from = ip_of(ip.v[CTA_IP_V4_SRC], ip.v[CTA_IP_V6_SRC]),
		.to = ip_of(ip.v[CTA_IP_V4_DST], ip.v[CTA_IP_V6_DST]),
		.from_port = from ? ntohs(mnl_attr_get_u16(from)) : 0,
		.to_port = to ? ntohs(mnl_attr_get_u16(to)) : 0,
		.proto = proto ? mnl_attr_get_u8(proto) : 0,
	};
}

static bool is_own(const struct ifaddrs *own, struct ip ip)
{
	uint8_t bytes[16];

	ip_to_bytes(ip, bytes);
	for (; own; own = own->ifa_next) {
		const struct sockaddr *a = own->ifa_addr;

		if (!a || (own->ifa_flags & IFF_LOOPBACK))
			continue;
		if (a->sa_family == AF_INET && ip.family == IP_V4 &&
		    !memcmp(&((const struct sockaddr_in *)(const void *)a)
				     ->sin_addr,
			    bytes, 4))
			return true;
		if (a->sa_family == AF_INET6 && ip.family == IP_V6 &&
		    !memcmp(&((const struct sockaddr_in6 *)(const void *)a)
				     ->sin6_addr,
			    bytes, 16))
			return true;
	}
	return false;
}

static bool asks(const struct config_binding *b, const struct ends *o)
{
	const bool any = binding_is_wildcard(b);

	if (o->to_port != b->host_port ||
	    o->proto != (b->proto == CONFIG_UDP ? IPPROTO_UDP : IPPROTO_TCP) ||
	    binding_is_loopback(b))
		return false;
	return any ? b->bind.family == IP_V6 || o->to.family == IP_V4
		   : ip_equal(b->bind, o->to);
}

/*
 * Translated to the guest by a binding that is not there any more, or is
 * another one; or not translated, because it began before there was one. That
 * of TCP is a connection of somebody else, and none is opened without a SYN.
 */
static bool is_stale(const struct stale *s, const struct ends *o,
		     const struct ends *r)
{
	const struct slot *slot = s->c->slot;
	const bool ours = ip_equal(r->from, slot->guest4) ||
			  ip_equal(r->from, slot->guest6);
	const bool plain = ip_equal(r->from, o->to) && ip_equal(r->to, o->from);
	size_t i;

	if (ours && s->c->all)
		return true;
	for (i = 0; i < s->c->n; i++)
		if (asks(s->c->v[i], o) &&
		    (ours || (plain && o->proto == IPPROTO_UDP &&
			      is_own(s->own, o->to))))
			return true;
	return false;
}

static const struct nlattr *copy(struct arena *a, const struct nlattr *attr)
{
	struct nlattr *to;

	if (!attr)
		return NULL;
	to = arena_alloc(a, 1, attr->nla_len);
	memcpy(to, attr, attr->nla_len);
	return to;
}

static int keep_stale(const struct nlmsghdr *nlh, void *data)
{
	struct nest ct = {{NULL}};
	struct stale *s = data;
	struct ends o, r;

	mnl_attr_parse(nlh, sizeof(struct nfgenmsg), nest_keep, &ct);
	o = ends_of(ct.v[CTA_TUPLE_ORIG]);
	r = ends_of(ct.v[CTA_TUPLE_REPLY]);
	if (!is_stale(s, &o, &r))
		return MNL_CB_OK;
	s->v = arena_grow(s->a, s->v, s->n, &s->cap, sizeof(*s->v));
	s->v[s->n].orig = copy(s->a, ct.v[CTA_TUPLE_ORIG]);
	s->v[s->n].reply = copy(s->a, ct.v[CTA_TUPLE_REPLY]);
	s->v[s->n++].id = copy(s->a, ct.v[CTA_ID]);
	return MNL_CB_OK;
}

static void put(struct nlmsghdr *nlh, const struct nlattr *attr)
{
	if (attr)
		mnl_attr_put(nlh, attr->nla_type,
			     mnl_attr_get_payload_len(attr),
			     mnl_attr_get_payload(attr));
}

/* One that is over in the meantime is what was wanted. */
static int forget(struct mnl_socket *nl, const struct nlattr *tuple,
		  const struct nlattr *id)
{
	char buf[1024];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;
	ssize_t n;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = ends_of(tuple).to.family == IP_V4 ? AF_INET
							      : AF_INET6;
	nfg->version = NFNETLINK_V0;
	put(nlh, tuple);
	put(nlh, id);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
		return -1;
	do
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	n = mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl), NULL,
		       NULL);
	return n < 0 && errno != ENOENT ? -1 : 0;
}

/* The gateway sees such a flow as the host's answers have it. */
static int forget_in_gateway(const struct stale *s, struct mnl_socket *nl)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (forget(nl, s->v[i].reply, NULL) < 0)
			return -1;
	return 0;
}

static int forget_all(const struct stale *s, struct mnl_socket *host,
		      struct mnl_socket *gateway)
{
	size_t i;

	if (forget_in_gateway(s, gateway) < 0)
		return -1;
	for (i = 0; i < s->n; i++)
		if (forget(host, s->v[i].orig, s->v[i].id) < 0)
			return -1;
	/* A packet between the two has made it known there again. */
	return forget_in_gateway(s, gateway);
}

/* Whether it is about the kernel's ports at all. */
static bool translates(const struct conntrack_change *c)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (!binding_is_loopback(c->v[i]))
			return true;
	return false;
}

int conntrack_forget(const struct conntrack_change *c, int home, int gateway,
		     struct live_error *e)
{
	struct mnl_socket *in_host, *in_gateway = NULL;
	struct ifaddrs *own = NULL;
	struct stale s = {.c = c};
	int rc = -1;
	ARENA(a);

	if (!translates(c))
		return 0;
	if (netns_enter(gateway, e) < 0)
		return -1;
	in_gateway = open_socket();
	netns_return(home);
	in_host = open_socket();
	s.a = &a;
	if (in_host && in_gateway && getifaddrs(&own) == 0) {
		s.own = own;
		rc = dump(in_host, keep_stale, &s);
		if (rc >= 0)
			rc = forget_all(&s, in_host, in_gateway);
	}
	if (rc < 0)
		live_errno(e, errno, "end the flows of ports that change");
	if (own)
		freeifaddrs(own);
	if (in_host)
		mnl_socket_close(in_host);
	if (in_gateway)
		mnl_socket_close(in_gateway);
	return rc < 0 ? -1 : 0;
}
