/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link_route.c - Addresses, neighbours, routes and routing rules. */
#include "link.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>

#include "link_socket.h"

static uint8_t link_af(enum ip_family family)
{
	return family == IP_V4 ? AF_INET : AF_INET6;
}

static void link_put_ip(struct nlmsghdr *nlh, unsigned int type, struct ip ip)
{
	uint8_t bytes[16];
	size_t len = ip_to_bytes(ip, bytes);

	mnl_attr_put(nlh, (uint16_t)type, len, bytes);
}

static bool link_local_scope(struct ip ip)
{
	const struct ip net4 = ip4(169, 254, 0, 0);
	const struct ip net6 = {IP_V6, (ip_num)0xfe80 << 112};

	return ip_range_has(ip_prefix(net4, 16), ip) ||
	       ip_range_has(ip_prefix(net6, 10), ip);
}

/* The index of an interface that must be there. */
static unsigned int link_need(struct link_sock *s, const char *name,
			      struct live_error *e)
{
	unsigned int index = link_index(s, name);

	if (!index)
		live_system(e, "there is no interface %s", name);
	return index;
}

int link_add_addr(struct link_sock *s, const struct plan_addr *addr,
		  struct live_error *e)
{
	const bool whole = addr->len == ip_bits(addr->ip.family);
	const bool near = link_local_scope(addr->ip) ||
			  (whole && addr->ip.family == IP_V4);
	unsigned int index = link_need(s, addr->link, e);
	uint32_t flags = whole ? IFA_F_NOPREFIXROUTE : 0;
	char buf[LINK_MSG_MAX], text[IP_TEXT_MAX], what[IP_TEXT_MAX + 32];
	struct ifaddrmsg *ifa;
	struct nlmsghdr *nlh;

	if (!index)
		return -1;
	if (addr->ip.family == IP_V6)
		flags |= IFA_F_NODAD;
	nlh = link_request(s, buf, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = link_af(addr->ip.family);
	ifa->ifa_prefixlen = (uint8_t)addr->len;
	ifa->ifa_scope = near ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	ifa->ifa_index = index;
	link_put_ip(nlh, IFA_LOCAL, addr->ip);
	link_put_ip(nlh, IFA_ADDRESS, addr->ip);
	mnl_attr_put_u32(nlh, IFA_FLAGS, flags);
	snprintf(what, sizeof(what), "%s to %s", ip_format(addr->ip, text),
		 addr->link);
	return link_do(s, nlh, e, "add address", what);
}

int link_add_neighbour(struct link_sock *s, const struct plan_neighbour *n,
		       struct live_error *e)
{
	unsigned int index = link_need(s, n->link, e);
	char buf[LINK_MSG_MAX], text[IP_TEXT_MAX], what[IP_TEXT_MAX + 32];
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;

	if (!index)
		return -1;
	nlh = link_request(s, buf, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = link_af(n->ip.family);
	ndm->ndm_ifindex = (int)index;
	ndm->ndm_state = NUD_PERMANENT;
	link_put_ip(nlh, NDA_DST, n->ip);
	mnl_attr_put(nlh, NDA_LLADDR, sizeof(n->mac), n->mac);
	snprintf(what, sizeof(what), "%s by %s", ip_format(n->ip, text),
		 n->link);
	return link_do(s, nlh, e, "add neighbour", what);
}

int link_add_route(struct link_sock *s, const struct plan_route *route,
		   struct live_error *e)
{
	const struct ip first = {route->dst.family, route->dst.lo};
	unsigned int index = link_need(s, route->link, e);
	char buf[LINK_MSG_MAX], text[IP_TEXT_MAX], what[IP_TEXT_MAX + 32];
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;

	if (!index)
		return -1;
	nlh = link_request(s, buf, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = link_af(route->dst.family);
	rtm->rtm_dst_len = (uint8_t)ip_range_prefix_len(route->dst);
	rtm->rtm_table = RT_TABLE_UNSPEC;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_type = route->local ? RTN_LOCAL : RTN_UNICAST;
	rtm->rtm_scope = route->local	     ? RT_SCOPE_HOST
			 : route->via.family ? RT_SCOPE_UNIVERSE
					     : RT_SCOPE_LINK;
	if (route->via.family)
		rtm->rtm_flags = RTNH_F_ONLINK;
	if (rtm->rtm_dst_len)
		link_put_ip(nlh, RTA_DST, first);
	if (route->via.family)
		link_put_ip(nlh, RTA_GATEWAY, route->via);
	mnl_attr_put_u32(nlh, RTA_OIF, index);
	mnl_attr_put_u32(nlh, RTA_TABLE, route->table);
	snprintf(what, sizeof(what), "%s by %s",
		 ip_range_format(route->dst, text), route->link);
	return link_do(s, nlh, e, "add route", what);
}

int link_add_rule(struct link_sock *s, const struct plan_rule *rule,
		  struct live_error *e)
{
	struct nlmsghdr *nlh;
	struct fib_rule_hdr *frh;
	char buf[LINK_MSG_MAX], what[64];

	nlh = link_request(s, buf, RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
	frh = mnl_nlmsg_put_extra_header(nlh, sizeof(*frh));
	frh->family = link_af(rule->family);
	frh->action = FR_ACT_TO_TBL;
	frh->table = RT_TABLE_UNSPEC;
	mnl_attr_put_u32(nlh, FRA_PRIORITY, rule->priority);
	mnl_attr_put_u32(nlh, FRA_FWMARK, rule->fwmark);
	mnl_attr_put_u32(nlh, FRA_TABLE, rule->table);
	snprintf(what, sizeof(what), "for mark %u (IPv%u)", rule->fwmark,
		 (unsigned int)rule->family);
	return link_do(s, nlh, e, "add routing rule", what);
}

/** struct link_search - What link_route_to() looks for */
struct link_search {
	struct ip ip;
	bool found;
	struct ip_range dst;
	unsigned int index;
};

/* Keeps the longest prefix that has the address. */
static int link_on_route(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct link_search *search = data;
	struct link_attrs attrs = link_attrs_of(nlh, sizeof(*rtm));
	const struct nlattr *to = attrs.v[RTA_DST];
	struct ip dst = {search->ip.family, 0};
	struct ip_range r;

	if (rtm->rtm_family != link_af(search->ip.family) ||
	    rtm->rtm_type == RTN_MULTICAST || rtm->rtm_type == RTN_BROADCAST ||
	    rtm->rtm_type == RTN_ANYCAST || rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	if (to && mnl_attr_get_payload_len(to) == ip_bits(dst.family) / 8)
		dst = ip_from_bytes(dst.family, mnl_attr_get_payload(to));
	r = ip_prefix(dst, rtm->rtm_dst_len);
	if (!ip_range_has(r, search->ip) ||
	    (search->found &&
	     ip_range_prefix_len(r) < ip_range_prefix_len(search->dst)))
		return MNL_CB_OK;
	search->found = true;
	search->dst = r;
	search->index = attrs.v[RTA_OIF] ? mnl_attr_get_u32(attrs.v[RTA_OIF])
					 : 0;
	return MNL_CB_OK;
}

/* Asks for the route that a packet would take, and for the entry that it was
 * found by (RTM_F_FIB_MATCH, Linux 4.13). Routes that refuse have an error for
 * an answer, and no entry: then all routes are looked at. */
int link_route_to(struct link_sock *s, struct ip ip, struct link_route *ret,
		  struct live_error *e)
{
	struct link_search search = {.ip = ip};
	char buf[LINK_MSG_MAX], words[256];
	struct nlmsghdr *nlh = link_request(s, buf, RTM_GETROUTE, NLM_F_ACK);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	int code;

	rtm->rtm_family = link_af(ip.family);
	rtm->rtm_dst_len = (uint8_t)ip_bits(ip.family);
	rtm->rtm_flags = RTM_F_FIB_MATCH;
	link_put_ip(nlh, RTA_DST, ip);
	code = link_talk(s, nlh, link_on_route, &search, words);
	if (code == ENETUNREACH)
		return 0;
	if (code) {
		nlh = link_request(s, buf, RTM_GETROUTE, NLM_F_DUMP);
		rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
		rtm->rtm_family = link_af(ip.family);
		code = link_talk(s, nlh, link_on_route, &search, words);
	}
	if (code)
		return live_errno(e, code, "look for a route");
	if (!search.found)
		return 0;
	ret->dst = search.dst;
	link_name(s, search.index, ret->link);
	return 1;
}
