# SPDX-License-Identifier: GPL-2.0-or-later
"""flows.py - Files of flows, and the kernel's verdict on each."""
import ipaddress
import re
import socket

import wire

PROTOCOLS = {"tcp": 6, "udp": 17, "icmpv4": 1, "icmpv6": 58, "igmp": 2,
             "gre": 47, "esp": 50, "ah": 51, "ospf": 89, "sctp": 132,
             "dccp": 33, "udplite": 136}
UPLINK = ipaddress.ip_network("169.254.62.0/30")
# Those whose connections have ports or numbers of their own.
NUMBERED = (1, 6, 17, 58, 132)
FIRST_PORT = 10000
# Of msb-tlsd's transparent sockets.
TLS_PORT = 61441
# What the kernel itself may stop behind the judge: no router forwards it, or it
# would be a neighbour on the link to the world, where nobody answers for it.
NOT_FORWARDED = [ipaddress.ip_network(n) for n in (
    "0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32",
    "169.254.62.0/30", "192.0.2.0/30", "2001:db8:ffff:ffff::/64", "::/128", "::1/128", "fe80::/10",
    "ff00::/8")]


class Flow:
    """A line that packets can express; allow, handed and pointer are expected.
    What is handed to msb-tlsd passes the judge, and goes no further."""

    def __init__(self, line):
        text, _, comment = line.partition("#")
        words = text.split()
        self.text = " ".join(words[:-1])
        self.kind, proto, address = words[:3]
        self.proto = PROTOCOLS.get(proto) or int(proto)
        ip = ipaddress.ip_address(address)
        self.ip = getattr(ip, "ipv4_mapped", None) or ip
        self.port = int(words[3]) if self.proto in (6, 17) else 0
        self.pins = sorted(n for w in words if w.startswith("pin=")
                           for n in w[4:].split(","))
        self.allow = words[-1] == "allow"
        self.handed = words[-1] == "hand"
        self.pointer = comment.strip()


def answers(flow, asked):
    """Whether a flow answers one that was sent, as its connection has no ports;
    asked holds those that were."""
    if flow.kind == "ingress":
        return (flow.proto, flow.ip) in asked
    if flow.allow and flow.proto not in NUMBERED:
        asked.add((flow.proto, flow.ip))
    return False


def read_flows(path):
    """The slot of a file of flows, and those that packets can express."""
    flows, slot = [], 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            said = re.match(r"# slot (\d+)$", line)
            if said:
                slot = int(said.group(1))
            words = line.partition("#")[0].split()
            if not words:
                continue
            flow = Flow(line)
            # The other family's ICMP is no protocol that conntrack knows:
            # invalid, whatever the policy.
            if (flow.proto, flow.ip.version) not in ((1, 6), (58, 4)):
                flows.append(flow)
    return slot, flows


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


def is_about(destination, name):
    """Whether a Destination of dns.json is about a name."""
    if destination.startswith("."):
        return name.endswith(destination)
    return name == destination


def pin(sandbox, flows):
    """Put addresses into the sets that msb-dnsd would have put them into."""
    elements = set()
    for flow in flows:
        for pair in sandbox.pin_sets if flow.pins else ():
            if any(is_about(d, n) for d in pair["Destinations"]
                   for n in flow.pins):
                elements.add((pair["Set%d" % flow.ip.version], str(flow.ip)))
    sandbox.gateway.run("nft", "-f", "-", text="".join(
        ["flush set inet msb %s\n" % pair[key] for pair in sandbox.pin_sets
         for key in ("Set4", "Set6")] +
        ["add element inet msb %s { %s timeout 1h }\n" % e
         for e in sorted(elements)]))


def batches(flows):
    """Flows with their tags, so that in each batch an address has the same
    pins throughout. What has no ports is one flow to conntrack: it is sent with
    one set of pins only."""
    made, sent = [], {}
    for tag, flow in enumerate(flows):
        if flow.proto not in (1, 6, 17, 58) and sent.setdefault(
                (flow.kind, flow.proto, flow.ip), flow.pins) != flow.pins:
            continue
        for pins, batch in made:
            if pins.setdefault(flow.ip, flow.pins) == flow.pins:
                batch.append((tag, flow))
                break
        else:
            made.append(({flow.ip: flow.pins}, [(tag, flow)]))
    return [batch for _, batch in made]


def listeners(sandbox):
    """Sockets in msb-tlsd's place. Whoever gets an answer to his first packet
    from the address that he sent it to has come to them: nobody else has a
    socket there."""
    made = []
    for family, level, option in ((socket.AF_INET, socket.SOL_IP, 19),
                                  (socket.AF_INET6, socket.IPPROTO_IPV6, 75)):
        made.append(sandbox.gateway.socket(family, socket.SOCK_STREAM))
        made[-1].setsockopt(level, option, 1)
        if family == socket.AF_INET6:
            made[-1].setsockopt(level, socket.IPV6_V6ONLY, 1)
        made[-1].bind(("", TLS_PORT))
        made[-1].listen(4096)
    return made


def answered(packets):
    """Source, its port and the tag of what a socket has answered."""
    return {(p.src, p.sport, p.dport - FIRST_PORT) for p in packets
            if p.proto == wire.TCP and
            p.flags() & (wire.SYN | wire.ACK) == wire.SYN | wire.ACK}


def judge(lab, sandbox, flows):
    """Send all flows; one line for each that the kernel judged otherwise."""
    sockets, taken = listeners(sandbox), set()
    guest, uplink = sandbox.wire("guest"), sandbox.wire("uplink")
    world = lab.wire
    world.read()
    keys, failures, at_world, at_guest, asked = {}, [], set(), set(), set()
    for batch in batches(flows):
        if sandbox.pin_sets:
            pin(sandbox, [flow for _, flow in batch])
        for n, (tag, flow) in enumerate(batch):
            if answers(flow, asked):
                continue
            keys[tag] = send(sandbox, flow, tag, guest, uplink)
            # A processor's queue holds a thousand.
            if n % 32 == 31:
                sandbox.settle()
        sandbox.settle()
        at_world |= {p.tag() for p in world.read()}
        read = guest.read()
        at_guest |= {p.tag() for p in read}
        taken |= answered(read)
    for made in sockets:
        made.close()
    passed = sandbox.probed()
    for tag, key in keys.items():
        flow = flows[tag]
        want = (flow.allow or flow.handed) and not refused_early(flow)
        wrong = []
        # Plain DNS is handed over behind the judge, and dropped if nobody
        # takes it.
        if flow.pointer != "needs msb-dnsd" and (key in passed) != want:
            wrong.append("judge")
        arrived = tag in (at_world if flow.kind == "egress" else at_guest)
        got = (flow.ip, flow.port, tag) in taken
        if arrived and not (want and flow.allow):
            wrong.append("leak")
        elif want and flow.allow and not arrived and forwarded(
                sandbox, flow.ip):
            wrong.append("arrival")
        if got and not flow.handed:
            wrong.append("taken over")
        elif want and flow.handed and not got and (
                forwarded(sandbox, flow.ip) or
                flow.ip == sandbox.gateway_ip[flow.ip.version]):
            wrong.append("hand-over")
        if wrong:
            failures.append("%s: expected %s by %s, the kernel does not (%s)"
                            % (flow.text, "hand-over" if flow.handed else
                               "allow" if want else "deny",
                               flow.pointer, ", ".join(wrong)))
    return failures
