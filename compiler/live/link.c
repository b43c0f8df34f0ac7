/* SPDX-License-Identifier: GPL-2.0-or-later */
/* link.c - Interfaces, over rtnetlink. */
#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "link_socket.h"

#define NAME_MAX_LEN (IFNAMSIZ - 1)

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
	const struct link_attrs attrs = link_attrs_of(nlh, sizeof(*ifi));
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
	char buf[LINK_MSG_MAX], words[256];

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

void link_name(struct link_sock *s, unsigned int index, char ret[IFNAMSIZ])
{
	char buf[LINK_MSG_MAX], words[256];
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
	char buf[LINK_MSG_MAX], what[64];
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
	char buf[LINK_MSG_MAX];
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
	char buf[LINK_MSG_MAX];

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
	char buf[LINK_MSG_MAX];

	nlh = link_request(s, buf, RTM_NEWLINK, 0);
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_family = AF_UNSPEC;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return link_do(s, nlh, e, up ? "set up" : "set down", name);
}
