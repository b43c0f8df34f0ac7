/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link.c - Interfaces, addresses, routes and routing rules, over rtnetlink. */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MSG_MAX 4096

/* Room for one part of a dump: the kernel fills up to 32 KiB at a time. */
#define DUMP_MAX 32768

#define NAME_MAX_LEN (IFNAMSIZ - 1)

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

static struct nlmsghdr *link_request(struct link_sock *s, void *buf,
				     unsigned int type, unsigned int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = (uint16_t)type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++s->seq;
	return nlh;
}

/* Attributes of a message, by type; those beyond are of no interest. */
struct attrs {
	const struct nlattr *v[64];
};

static int attr_keep(const struct nlattr *attr, void *data)
{
	struct attrs *attrs = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < sizeof(attrs->v) / sizeof(attrs->v[0]))
		attrs->v[type] = attr;
	return MNL_CB_OK;
}

/* The attributes behind a header of @offset bytes. */
static struct attrs link_attrs(const struct nlmsghdr *nlh, size_t offset)
{
	struct attrs attrs = {{NULL}};

	mnl_attr_parse(nlh, (unsigned int)offset, attr_keep, &attrs);
	return attrs;
}

/* The kernel's own words in an error message, "" if it has none. */
static const char *link_words(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*err);
	struct attrs attrs;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return "";
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += ((err->msg.nlmsg_len + 3u) & ~3u) -
			  sizeof(struct nlmsghdr);
	attrs = link_attrs(nlh, offset);
	if (!attrs.v[NLMSGERR_ATTR_MSG] ||
	    mnl_attr_validate(attrs.v[NLMSGERR_ATTR_MSG], MNL_TYPE_NUL_STRING) <
		    0)
		return "";
	return mnl_attr_get_str(attrs.v[NLMSGERR_ATTR_MSG]);
}

/* Sends a request and runs the answer through @cb. Returns 0 or an errno; the
 * kernel's words go to @words. */
static int link_talk(struct link_sock *s, struct nlmsghdr *nlh, mnl_cb_t cb,
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

static int link_do(struct link_sock *s, struct nlmsghdr *nlh,
		   struct live_error *e, const char *what, const char *which)
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

/** struct link_found - What link_find() looks for */
struct link_found {
	unsigned int index;
	unsigned int flags;
	uint8_t mac[6];
	char name[IFNAMSIZ];
};

static int link_on_found(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct link_found *found = data;
	const struct attrs attrs = link_attrs(nlh, sizeof(*ifi));
	const struct nlattr *mac = attrs.v[IFLA_ADDRESS];
	const struct nlattr *name = attrs.v[IFLA_IFNAME];

	found->index = (unsigned int)ifi->ifi_index;
	found->flags = ifi->ifi_flags;
	if (name)
		memcpy(found->name, mnl_attr_get_str(name),
		       strnlen(mnl_attr_get_str(name), NAME_MAX_LEN));
	if (mac && mnl_attr_get_payload_len(mac) == sizeof(found->mac))
		memcpy(found->mac, mnl_attr_get_payload(mac),
		       sizeof(found->mac));
	return MNL_CB_OK;
}

static struct link_found link_find(struct link_sock *s, const char *name)
{
	struct nlmsghdr *nlh;
	struct link_found found = {0};
	struct ifinfomsg *ifi;
	char buf[MSG_MAX], words[256];

	if (strlen(name) > NAME_MAX_LEN)
		return found;
	nlh = link_request(s, buf, RTM_GETLINK, NLM_F_ACK);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	if (link_talk(s, nlh, link_on_found, &found, words))
		found.index = 0;
	return found;
}

unsigned int link_index(struct link_sock *s, const char *name)
{
	return link_find(s, name).index;
}

bool link_get(struct link_sock *s, const char *name, uint8_t ret_mac[6],
	      bool *ret_up)
{
	struct link_found found = link_find(s, name);

	if (!found.index)
		return false;
	memcpy(ret_mac, found.mac, 6);
	*ret_up = found.flags & IFF_UP;
	return true;
}

int link_wait_running(struct link_sock *s, const char *name,
		      struct live_error *e)
{
	const struct timespec pause = {.tv_nsec = 500000};
	unsigned int i;

	for (i = 0; i < 20000; i++) {
		if (link_find(s, name).flags & IFF_RUNNING)
			return 0;
		nanosleep(&pause, NULL);
	}
	return live_system(e, "%s is up and carries nothing", name);
}

static void link_put_end(struct nlmsghdr *nlh, const struct plan_end *end,
			 uint32_t mtu)
{
	mnl_attr_put_strz(nlh, IFLA_IFNAME, end->name);
	mnl_attr_put(nlh, IFLA_ADDRESS, sizeof(end->mac), end->mac);
	mnl_attr_put_u32(nlh, IFLA_MTU, mtu);
}

int link_add_veth(struct link_sock *s, const struct plan_end *near,
		  const struct plan_end *far, int far_ns, uint32_t mtu,
		  struct live_error *e)
{
	char buf[MSG_MAX], what[64];
	struct nlattr *info, *data, *peer;
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;

	nlh = link_request(s, buf, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	link_put_end(nlh, near, mtu);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_str(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	link_put_end(nlh, far, mtu);
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, (uint32_t)far_ns);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	snprintf(what, sizeof(what), "%s and %s", near->name, far->name);
	return link_do(s, nlh, e, "create veth pair", what);
}

int link_add_tap(struct link_sock *s, const struct plan_end *end, uint32_t mtu,
		 struct live_error *e)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
	const unsigned int flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR |
				   IFF_TUN_EXCL;
	struct ifreq req = {.ifr_flags = (short)flags};
	char buf[MSG_MAX];
	int fd, ret = 0;

	memcpy(req.ifr_name, end->name, strnlen(end->name, NAME_MAX_LEN));
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return live_errno(e, errno, "open /dev/net/tun");
	if (ioctl(fd, TUNSETIFF, &req) < 0)
		ret = live_errno(e, errno, "create tap %s", end->name);
	else if (ioctl(fd, TUNSETPERSIST, 1) < 0)
		ret = live_errno(e, errno, "make tap %s stay", end->name);
	close(fd);
	if (ret < 0)
		return -1;
	nlh = link_request(s, buf, RTM_NEWLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	link_put_end(nlh, end, mtu);
	return link_do(s, nlh, e, "set up tap", end->name);
}

int link_delete(struct link_sock *s, const char *name, struct live_error *e)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
	char buf[MSG_MAX];

	nlh = link_request(s, buf, RTM_DELLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	if (link_do(s, nlh, e, "delete interface", name) == 0 ||
	    e->code == ENODEV)
		return 0;
	return -1;
}

int link_set_up(struct link_sock *s, const char *name, bool up,
		struct live_error *e)
{
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;
	char buf[MSG_MAX];

	nlh = link_request(s, buf, RTM_NEWLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return link_do(s, nlh, e, up ? "set up" : "set down", name);
}

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
	char buf[MSG_MAX], text[IP_TEXT_MAX], what[IP_TEXT_MAX + 32];
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
	char buf[MSG_MAX], text[IP_TEXT_MAX], what[IP_TEXT_MAX + 32];
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
	char buf[MSG_MAX], text[IP_TEXT_MAX], what[IP_TEXT_MAX + 32];
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
	char buf[MSG_MAX], what[64];

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

/* Name of an interface by its index; "" if it has gone. */
static void link_name(struct link_sock *s, unsigned int index,
		      char ret[IFNAMSIZ])
{
	char buf[MSG_MAX], words[256];
	struct link_found found = {0};
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifi;

	nlh = link_request(s, buf, RTM_GETLINK, NLM_F_ACK);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_index = (int)index;
	if (index)
		link_talk(s, nlh, link_on_found, &found, words);
	memcpy(ret, found.name, IFNAMSIZ);
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
	struct attrs attrs = link_attrs(nlh, sizeof(*rtm));
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
	char buf[MSG_MAX], words[256];
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
