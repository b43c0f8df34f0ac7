# SPDX-License-Identifier: GPL-2.0-or-later
"""flows.py - Files of flows, and the kernel's verdict on each."""
import ipaddress
import re
import time

from lab import Wire
import wire

PROTOCOLS = {"tcp": 6, "udp": 17, "icmpv4": 1, "icmpv6": 58, "igmp": 2,
             "gre": 47, "esp": 50, "ah": 51, "ospf": 89, "sctp": 132,
             "dccp": 33, "udplite": 136}
UPLINK = ipaddress.ip_network("169.254.62.0/30")
# Those whose connections have ports or numbers of their own.
NUMBERED = (1, 6, 17, 58, 132)
FIRST_PORT = 10000
# What the kernel itself may stop behind the judge: no router forwards it, or it
# would be a neighbour on the link to the world, where nobody answers for it.
NOT_FORWARDED = [ipaddress.ip_network(n) for n in (
    "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32",
    "169.254.62.0/30", "192.0.2.0/30", "2001:db8:ffff:ffff::/64", "::/128", "::1/128", "fe80::/10",
    "ff00::/8")]


class Flow:
    """A line that packets can express; allow and pointer are expected."""

    def __init__(self, line):
        text, _, comment = line.partition("#")
        words = text.split()
        self.text = " ".join(words[:-1])
        self.kind, proto, address = words[:3]
        self.proto = PROTOCOLS.get(proto) or int(proto)
        ip = ipaddress.ip_address(address)
        self.ip = getattr(ip, "ipv4_mapped", None) or ip
        self.port = int(words[3]) if self.proto in (6, 17) else 0
        self.allow = words[-1] == "allow"
        self.pointer = comment.split()[0] if comment.split() else ""

    def is_dns(self):
        return self.kind == "egress" and self.port == 53


def not_answers(flows):
    """Flows without what answers an earlier one, as its connection has no ports."""
    asked, kept = set(), []
    for flow in flows:
        if flow.kind == "ingress" and (flow.proto, flow.ip) in asked:
            continue
        if flow.kind == "egress" and flow.allow and flow.proto not in NUMBERED:
            asked.add((flow.proto, flow.ip))
        kept.append(flow)
    return kept


def read_flows(path):
    """The slot of a file of flows, and those that packets can express."""
    flows, slot = [], 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            said = re.match(r"# slot (\d+)$", line)
            if said:
                slot = int(said.group(1))
            words = line.partition("#")[0].split()
            if not words or words[0] == "dns" or any(
                    w.startswith(("pin=", "sni=")) for w in words):
                continue
            flow = Flow(line)
            # The other family's ICMP is no protocol that conntrack knows:
            # invalid, whatever the policy.
            if (flow.proto, flow.ip.version) not in ((1, 6), (58, 4)):
                flows.append(flow)
    return slot, not_answers(flows)


def forwarded(sandbox, ip):
    """Whether every router carries packets with this address."""
    return not any(ip in n for n in NOT_FORWARDED if n.version == ip.version
                   ) and ip not in sandbox.net[ip.version]


def refused_early(flow):
    """Whether the kernel drops the packet before any hook (ip6_rcv_core)."""
    if flow.ip.version == 4:
        return False
    if flow.ip.is_loopback:
        return True
    return flow.ip.is_multicast and (flow.kind == "ingress" or
                                     flow.ip.packed[1] & 15 <= 1)


def send(sandbox, flow, tag, guest, uplink):
    """Send the first packet of a flow; what the probe will know it by."""
    own = sandbox.guest_ip[flow.ip.version]
    src, dst = (own, flow.ip) if flow.kind == "egress" else (flow.ip, own)
    load = wire.transport(src, dst, flow.proto, FIRST_PORT + tag, flow.port,
                          tag)
    packet = wire.ip(src, dst, flow.proto, load)
    if flow.kind == "egress":
        guest.send(sandbox.from_guest(packet))
    else:
        uplink.send(sandbox.from_host(packet))
    return (dst, flow.proto, int.from_bytes(load[:2], "big"),
            int.from_bytes(load[2:4], "big"))


def judge(lab, sandbox, flows):
    """Send all flows; one line for each that the kernel judged otherwise."""
    guest, uplink = sandbox.wire("guest"), sandbox.wire("uplink")
    world = Wire(lab.world, "eth0")
    keys, failures, mode = [], [], sandbox.plan["dns"]["mode"]
    for tag, flow in enumerate(flows):
        keys.append(send(sandbox, flow, tag, guest, uplink))
        if tag % 32 == 31:
            time.sleep(0.003)
    time.sleep(0.05)
    passed = sandbox.probed()
    at_world = {p.tag() for p in world.read(0.02)}
    at_guest = {p.tag() for p in guest.read()}
    world.close()
    for tag, flow in enumerate(flows):
        want = flow.allow and not refused_early(flow)
        # Until msb-dnsd is there to answer it, plain DNS is dropped.
        if flow.is_dns() and mode == "helper":
            want = False
        wrong = []
        if (keys[tag] in passed) != want:
            wrong.append("judge")
        arrived = tag in (at_world if flow.kind == "egress" else at_guest)
        if arrived and not want:
            wrong.append("leak")
        elif want and not arrived and forwarded(sandbox, flow.ip):
            wrong.append("arrival")
        if wrong:
            failures.append("%s: expected %s by %s, the kernel does not (%s)"
                            % (flow.text, "allow" if want else "deny",
                               flow.pointer, ", ".join(wrong)))
    return failures
