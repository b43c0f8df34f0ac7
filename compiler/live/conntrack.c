/* SPDX-License-Identifier: GPL-2.0-or-later */
/* conntrack.c - Flows that are open. */
#include "conntrack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

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

static int dump(struct mnl_socket *nl, struct count *count)
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
				  on_flow, count);
	}
	return more;
}

int conntrack_open(const struct slot *slot, uint32_t *ret, struct live_error *e)
{
	struct mnl_socket *nl =
		mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	struct count count = {.slot = slot};
	int rc = -1;

	if (nl && mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == 0)
		rc = dump(nl, &count);
	if (rc < 0)
		live_errno(e, errno, "count the flows that are open");
	if (nl)
		mnl_socket_close(nl);
	if (rc < 0)
		return -1;
	*ret = count.n;
	return 0;
}
