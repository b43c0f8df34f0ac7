# SPDX-License-Identifier: GPL-2.0-or-later
"""rtnl.py - Links, addresses, routes and rules of a namespace, by netlink.

What "ip" lists, without a process for each list: all that the kernel says of an
item is compared, but for what changes by itself.
"""
import socket
import struct

NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_DUMP, NLM_F_DUMP_INTR = 1, 0x300, 0x10
NETLINK_ROUTE, NETLINK_NETFILTER = 0, 12
GETLINK, GETADDR, GETROUTE, GETRULE, GETTABLE = 18, 22, 26, 34, 0xA01
# Sizes of ifinfomsg, ifaddrmsg, rtmsg, fib_rule_hdr and nfgenmsg.
HEADER = {GETLINK: 16, GETADDR: 8, GETROUTE: 12, GETRULE: 12, GETTABLE: 4}
IFF_UP = 1
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU = 1, 3, 4
IFA_ADDRESS, IFA_LOCAL = 1, 2
RTA_DST, RTA_SRC, RTA_IIF, RTA_OIF, RTA_GATEWAY, RTA_PREFSRC, RTA_CACHEINFO = \
    1, 2, 3, 4, 5, 7, 12
RTM_F_CLONED = 0x200
NLA_TYPE = 0x3FFF


def attributes(data):
    """By type, in the order of types."""
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from("=HH", data)
        found[kind & NLA_TYPE] = data[4:size]
        data = data[(size + 3) & ~3:]
    return dict(sorted(found.items()))


def dump(kind, family=socket.AF_UNSPEC, protocol=NETLINK_ROUTE):
    """The header and the attributes of each item; again, if it was changed while
    it was listed."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as asked:
        for _ in range(100):
            asked.send(struct.pack("=IHHIIB", 16 + HEADER[kind], kind,
                                   NLM_F_REQUEST | NLM_F_DUMP, 1, 0, family) +
                       b"\0" * (HEADER[kind] - 1))
            found, whole = [], True
            for flags, header, rest in _items(asked, kind):
                whole = whole and not flags & NLM_F_DUMP_INTR
                found.append((header, attributes(rest)))
            if whole:
                return found
    raise RuntimeError("what netlink lists never stays the same")


def _items(asked, kind):
    while True:
        data = asked.recv(1 << 18)
        while data:
            size, what, flags = struct.unpack_from("=IHH", data)
            if what == NLMSG_DONE:
                return
            if what == NLMSG_ERROR:
                raise OSError(-struct.unpack_from("=i", data, 16)[0],
                              "netlink")
            yield flags, data[16:16 + HEADER[kind]], data[16 + HEADER[kind]:size]
            data = data[(size + 3) & ~3:]


def _text(data):
    return data.rstrip(b"\0").decode()


def _address(data):
    return socket.inet_ntop(socket.AF_INET if len(data) == 4
                            else socket.AF_INET6, data)


def listing():
    """Links, addresses, routes and rules of the namespace that this is in."""
    names, links, addresses, routes, rules = {}, [], [], [], []
    for header, found in dump(GETLINK):
        index, flags = struct.unpack_from("=4xiI", header)
        names[index] = _text(found[IFLA_IFNAME])
        links.append((names[index], found.get(IFLA_ADDRESS, b"").hex(":"),
                      struct.unpack("=I", found[IFLA_MTU])[0],
                      "up" if flags & IFF_UP else "down"))
    for header, found in dump(GETADDR):
        length, index = struct.unpack_from("=xBxxI", header)
        addresses.append((names.get(index, index), _address(
            found.get(IFA_LOCAL, found.get(IFA_ADDRESS))), length))
    for header, found in dump(GETROUTE):
        if struct.unpack_from("=8xI", header)[0] & RTM_F_CLONED:
            continue
        found.pop(RTA_CACHEINFO, None)
        item = [header.hex()]
        for kind, value in found.items():
            if kind in (RTA_IIF, RTA_OIF):
                index = struct.unpack("=I", value)[0]
                item.append("dev %s" % names.get(index, index))
            elif kind in (RTA_DST, RTA_SRC, RTA_GATEWAY, RTA_PREFSRC):
                item.append("%d: %s" % (kind, _address(value)))
            else:
                item.append("%d: %s" % (kind, value.hex()))
        routes.append(" ".join(item))
    for header, found in dump(GETRULE):
        rules.append(" ".join([header.hex()] + ["%d: %s" % (k, v.hex())
                                                for k, v in found.items()]))
    return {"links": sorted(links), "addresses": sorted(addresses, key=str),
            "routes": sorted(routes), "rules": rules}


def has_tables():
    """Whether there is a table of nftables' here, which nft would list."""
    return bool(dump(GETTABLE, protocol=NETLINK_NETFILTER))


def tentative():
    """Whether an address here is not yet known to be nobody else's."""
    # ifa_flags has the low 8 bits of the flags; IFA_F_TENTATIVE is 0x40.
    return any(header[2] & 0x40 for header, _ in dump(GETADDR, socket.AF_INET6))
