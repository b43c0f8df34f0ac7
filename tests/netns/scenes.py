# SPDX-License-Identifier: GPL-2.0-or-later
"""scenes.py - What packets do that no line of the flow language says."""
import ipaddress
import json
import os
import socket
import struct
import time

from lab import Sandbox, WORLD4, WORLD6, compile_document
import wire

WEB = {4: ipaddress.ip_address("198.51.100.7"),
       6: ipaddress.ip_address("2001:db8::7")}
OTHER = {4: ipaddress.ip_address("203.0.113.9"),
         6: ipaddress.ip_address("2001:db8::9")}
ROUTER = {4: ipaddress.ip_address("203.0.113.254"),
          6: ipaddress.ip_address("2001:db8:fe::1")}
HOST = {4: ipaddress.ip_address(WORLD4[0]), 6: ipaddress.ip_address(WORLD6[0])}
FAMILIES = (4, 6)
# As long as what is to come is waited for.
WAIT = 20


class Stage:
    """What a scene needs: sandboxes, wires, a place to write."""

    def __init__(self, lab, program, scratch, name, report):
        self.lab, self.program, self.scratch = lab, program, scratch
        self.name, self.report = name, report
        self.sandboxes, self.silent = [], []
        self.world = lab.wire
        self.n = 0

    def compile(self, document, slot=0, name="test"):
        self.n += 1
        base = os.path.join(self.scratch, "%s-%d" % (self.name, self.n))
        with open(base + ".json", "w", encoding="utf-8") as file:
            json.dump(document, file)
        return compile_document(self.program, base + ".json", base, slot, name)

    def sandbox(self, document, slot=0, name="test"):
        made = Sandbox(self.lab, self.compile(document, slot, name),
                       "guest-" + name)
        made.probe()
        made.at_guest, made.at_host = made.wire("guest"), made.wire("uplink")
        self.sandboxes.append(made)
        return made

    def silence(self, namespace):
        self.lab.silence(namespace)
        self.silent.append(namespace)

    def check(self, what, good, detail=""):
        self.report.check("%s: %s" % (self.name, what), good, detail)

    def close(self):
        for namespace in self.silent:
            self.lab.unsilence(namespace)
        for sandbox in self.sandboxes:
            sandbox.close()

    # Sends a packet, and looks for it where it should or should not be.

    def sees(self, at, test, want=True):
        """Whether a packet that passes the test comes in at a wire."""
        if want:
            found = [p for p in at.read(WAIT, test) if test(p)]
        else:
            found = [p for p in self.after(at) if test(p)]
        return found[-1] if found else None

    def after(self, at):
        """What has come in at a wire, once nothing is on its way any more."""
        self.sandboxes[-1].settle()
        return at.read()

    def crosses(self, what, sandbox, packet, tag, want=True):
        """From the guest to the world."""
        self.world.read()
        sandbox.at_guest.send(sandbox.from_guest(packet))
        seen = self.sees(self.world, lambda p: p.tag() == tag, want)
        self.check(what, bool(seen) == want, "seen in the world: %s" %
                   bool(seen))
        return seen

    def enters(self, what, sandbox, frame_out, at, test, want=True):
        """From the world's wire or the host's end to the guest."""
        sandbox.at_guest.read()
        at.send(frame_out)
        seen = self.sees(sandbox.at_guest, test, want)
        self.check(what, bool(seen) == want, "seen at the guest: %s" %
                   bool(seen))
        return seen

    def from_world(self, packet):
        """The frame that carries a packet from the world to the host."""
        return wire.frame(self.lab.mac(self.lab.host, "world0"),
                          self.lab.mac(self.lab.world, "eth0"), packet)


def first(sandbox, v, to, port, tag, proto=wire.UDP, sport=None):
    """The first packet of a flow from the guest."""
    own = sandbox.guest_ip[v]
    return wire.ip(own, to, proto, wire.transport(
        own, to, proto, sport or 20000 + tag, port, tag))


def answer_to(seen, tag):
    """The datagram that answers one that was seen."""
    return wire.ip(seen.dst, seen.src, wire.UDP, wire.udp(
        seen.dst, seen.src, seen.dport, seen.sport,
        struct.pack("!I", wire.MAGIC | tag)))


def error_about(source, seen, kind, code):
    """An ICMP error of a router, about a packet that was seen there."""
    original = wire.ip(seen.src, seen.dst, seen.proto, seen.load)
    rest = struct.pack("!I", 1280) if (kind, code) in ((3, 4), (2, 0)) else \
        b"\0\0\0\0"
    proto = wire.ICMP if seen.version == 4 else wire.ICMPV6
    return wire.ip(source, seen.src, proto, wire.icmp(
        source, seen.src, kind, code, rest, original))


ERRORS = {4: {"port unreachable": (3, 3), "time exceeded": (11, 0),
              "fragmentation needed": (3, 4)},
          6: {"port unreachable": (1, 4), "time exceeded": (3, 0),
              "packet too big": (2, 0)}}


def is_error(kind, code):
    return lambda p: (p.proto in (wire.ICMP, wire.ICMPV6) and p.kind == kind
                      and p.code == code)


def spoofed_sources(stage):
    s = stage.sandbox({"Policy": "allow-all"})
    stage.silence(stage.lab.world)
    tag = 0
    sources = ["10.9.9.9", "198.51.100.66", "172.16.0.1", "172.16.0.6",
               "172.16.0.3", "127.0.0.1", "169.254.62.1", "169.254.62.2",
               "0.0.0.0", "192.0.2.1", "224.0.0.1", "2001:db8::66",
               "fd42:6d73:62::1", "fd42:6d73:62::3", "fd42:6d73:62:1::2",
               "fe80::6d:73ff:fe00:2", "fe80::1", "fe80::2", "::",
               "::ffff:172.16.0.2", "::ffff:198.51.100.66"]
    for text in sources:
        src = ipaddress.ip_address(text)
        for proto in (wire.UDP, wire.TCP, 1 if src.version == 4 else 58, 132):
            tag += 1
            to = WEB[src.version]
            packet = wire.ip(src, to, proto, wire.transport(
                src, to, proto, 20000 + tag, 443, tag))
            s.at_guest.send(s.from_guest(packet))
    leaks = [p for p in stage.after(stage.world) if p.tag()]
    stage.check("none leaves", not leaks, str([str(p.src) for p in leaks]))
    stage.check("none passes", not s.probed(), str(s.probed()))
    for text in ("::ffff:198.51.100.7", "::ffff:172.16.0.1"):
        to = ipaddress.ip_address(text)
        s.at_guest.send(s.from_guest(first(s, 6, to, 443, 900)))
    stage.check("a mapped destination never passes", not s.probed())
    for v in FAMILIES:
        tag += 1
        stage.crosses("the own IPv%d source passes" % v, s,
                      first(s, v, WEB[v], 443, tag), tag)


def neighbour_discovery(stage):
    s = stage.sandbox({"Policy": "allow-all"})
    own, gateway = s.guest_ip[6], s.gateway_ip[6]
    local = ipaddress.ip_address("fe80::6d:73ff:fe00:2")
    option = b"\x01\x01" + s.macs["eth0"]

    def solicit(src, dst, target, kind=135, limit=255):
        rest = b"\0\0\0\0" if kind == 135 else b"\x60\0\0\0"
        return wire.ip(src, dst, wire.ICMPV6, wire.icmp(
            src, dst, kind, 0, rest, target.packed + option), limit)

    far = [WEB[6], ipaddress.ip_address("fd00::5"),
           ipaddress.ip_address("ff02::1:ff00:7"),
           ipaddress.ip_address("ff05::1"), ipaddress.ip_address("ff0e::1")]
    for kind in (133, 134, 135, 136, 137):
        for dst in far:
            s.at_guest.send(s.from_guest(solicit(own, dst, WEB[6], kind)))
            s.at_guest.send(s.from_guest(solicit(local, dst, WEB[6], kind)))
    seen = [p for p in stage.after(stage.world) + s.at_host.read()
            if p.kind in (133, 134, 135, 136, 137) and
            p.src in (own, local)]
    stage.check("none goes further than the link", not seen,
                str([(str(p.src), str(p.dst), p.kind) for p in seen]))
    group = ipaddress.ip_address("ff02::1:ff00:1")
    for src in (own, local):
        for dst in (group, gateway):
            s.at_guest.read()
            # So many link-local senders at once were more than the gateway
            # hears; it does so again when some time has passed.
            for _ in range(100):
                s.at_guest.send(s.from_guest(solicit(src, dst, gateway)))
                seen = [p for p in stage.after(s.at_guest) if p.kind == 136]
                if seen or src == own:
                    break
                time.sleep(0.2)
            stage.check("the gateway answers %s to %s" % (src, dst), seen)
    s.at_guest.read()
    s.at_guest.send(s.from_guest(solicit(own, gateway, gateway, 135, 64)))
    stage.check("not with another hop limit", not stage.sees(
        s.at_guest, lambda p: p.kind == 136, False))


def crowded_link(stage):
    """A guest with a thousand addresses does not fill the host's tables."""
    s = stage.sandbox({"Policy": "allow-all"})
    gateway, option = s.gateway_ip[6], b"\x01\x01" + s.macs["eth0"]
    for i in range(200):
        src = ipaddress.ip_address("fe80::1:%x" % (i + 1))
        s.at_guest.send(s.from_guest(wire.ip(src, gateway, 58, wire.icmp(
            src, gateway, 135, 0, b"\0\0\0\0", gateway.packed + option), 255)))
        # Who asks by ARP for the gateway with an address of elsewhere.
        src = ipaddress.ip_address("10.0.0.%d" % (i + 1))
        s.at_guest.send(
            b"\xff" * 6 + s.macs["eth0"] + b"\x08\x06\0\1\x08\0\6\4\0\1" +
            s.macs["eth0"] + src.packed + b"\0" * 6 + s.gateway_ip[4].packed)
        # Neighbours that are not there.
        s.at_guest.send(s.from_guest(first(
            s, 6, ipaddress.ip_address("fd42:6d73:62::1:%x" % (i + 1)), 7000,
            1)))
    s.settle()
    for v in FAMILIES:
        known = s.gateway.run("ip", "-%d" % v, "neigh", "show", "nud",
                              "all").splitlines()
        stage.check("IPv%d neighbours are few" % v, len(known) < 40,
                    str(len(known)))


def answers_and_errors(stage):
    s = stage.sandbox({
        "Rules": [{"Action": "allow", "Destination": "198.51.100.7"},
                  {"Action": "allow", "Destination": "2001:db8::7"},
                  {"Action": "allow", "Direction": "ingress"}],
        "PortBindings": [{"HostPort": 5000, "GuestPort": 5000,
                          "Protocol": "udp"}]})
    stage.silence(stage.lab.world)
    stage.silence(s.guest)
    tag = 0
    for v in FAMILIES:
        tag += 1
        seen = stage.crosses("IPv%d datagram leaves" % v, s,
                             first(s, v, WEB[v], 7000, tag), tag)
        if not seen:
            continue
        stage.check("IPv%d source is the host's" % v, seen.src == HOST[v],
                    str(seen.src))
        back = stage.enters("IPv%d answer comes back" % v, s,
                            stage.from_world(answer_to(seen, 500 + v)),
                            stage.world, lambda p, v=v: p.tag() == 500 + v)
        stage.check("IPv%d answer is from whom was asked" % v,
                    back and back.src == WEB[v] and back.dport == 20000 + tag)
        for name, (kind, code) in ERRORS[v].items():
            stage.enters("IPv%d %s comes back" % (v, name), s,
                         stage.from_world(error_about(ROUTER[v], seen, kind,
                                                      code)),
                         stage.world, is_error(kind, code))
            never = wire.Packet(wire.ip(HOST[v], OTHER[v], wire.UDP, wire.udp(
                HOST[v], OTHER[v], 20000 + tag, 7000)))
            stage.enters("IPv%d unrelated %s does not" % (v, name), s,
                         stage.from_world(error_about(ROUTER[v], never, kind,
                                                      code)),
                         stage.world, is_error(kind, code), False)
            inside = wire.Packet(wire.ip(
                s.guest_ip[v], OTHER[v], wire.UDP,
                wire.udp(s.guest_ip[v], OTHER[v], 20000 + tag, 7000)))
            stage.enters("IPv%d unrelated %s at the uplink does not" %
                         (v, name), s, s.from_host(error_about(
                             ROUTER[v], inside, kind, code)), s.at_host,
                         is_error(kind, code), False)
        # A router on the way: the gateway itself.
        own = s.guest_ip[v]
        s.at_guest.read()
        for to, want in ((WEB[v], True), (OTHER[v], False)):
            s.at_guest.send(s.from_guest(wire.ip(
                own, to, wire.UDP, wire.udp(own, to, 30000 + tag, 7001), 1)))
            kind = 11 if v == 4 else 3
            stage.check("IPv%d hop limit 1 is answered: %s" % (v, want), bool(
                stage.sees(s.at_guest, is_error(kind, 0), want)) == want)
        # The other direction.
        peer, own = OTHER[v], s.guest_ip[v]
        tag += 1
        load = wire.transport(peer, own, wire.UDP, 40000, 5000, tag)
        into = stage.enters("IPv%d datagram enters" % v, s,
                            s.from_host(wire.ip(peer, own, wire.UDP, load)),
                            s.at_host, lambda p, t=tag: p.tag() == t)
        if not into:
            continue
        for about, want in ((into, True), (wire.Packet(wire.ip(
                peer, own, wire.UDP, wire.udp(peer, own, 40001, 5000))),
                False)):
            kind, code = ERRORS[v]["port unreachable"]
            s.at_host.read()
            s.at_guest.send(s.from_guest(error_about(own, about, kind, code)))
            stage.check("IPv%d guest's error leaves: %s" % (v, want), bool(
                stage.sees(s.at_host, is_error(kind, code), want)) == want)
        tag += 1
        s.at_host.read()
        s.at_guest.send(s.from_guest(answer_to(into, tag)))
        out = stage.sees(s.at_host, lambda p, t=tag: p.tag() == t)
        stage.check("IPv%d guest's answer leaves" % v, bool(out) and
                    out.src == own and out.dst == peer)


def bad_checksum(stage):
    s = stage.sandbox({"Policy": "allow-all"})
    for v in FAMILIES:
        own = s.guest_ip[v]
        load = bytearray(wire.transport(own, WEB[v], wire.UDP, 20000, 7000, v))
        load[6] ^= 0xFF
        stage.crosses("IPv%d packet that is invalid" % v, s, wire.ip(
            own, WEB[v], wire.UDP, bytes(load)), v, False)
    stage.check("none passes", not s.probed(), str(s.probed()))


def _rules(*allowed):
    return [{"Action": "allow", "Destination": d} for d in allowed]


class Conversation:
    """A UDP flow that can be continued from either side."""

    def __init__(self, stage, sandbox, v, to, tag):
        self.stage, self.sandbox, self.v = stage, sandbox, v
        self.to, self.tag = to, tag
        self.seen = stage.crosses("IPv%d flow %d opens" % (v, tag), sandbox,
                                  first(sandbox, v, to, 7000, tag), tag)
        self.from_world("is answered", True)

    def from_guest(self, what, want):
        self.stage.crosses(
            "IPv%d flow %d %s" % (self.v, self.tag, what), self.sandbox,
            first(self.sandbox, self.v, self.to, 7000, self.tag), self.tag,
            want)

    def from_world(self, what, want):
        if not self.seen:
            return
        self.stage.enters(
            "IPv%d flow %d %s" % (self.v, self.tag, what), self.sandbox,
            self.stage.from_world(answer_to(self.seen, self.tag)),
            self.stage.world, lambda p: p.tag() == self.tag, want)

    def error(self, what, want):
        kind, code = ERRORS[self.v]["time exceeded"]
        self.stage.enters(
            "IPv%d flow %d %s" % (self.v, self.tag, what), self.sandbox,
            self.stage.from_world(error_about(ROUTER[self.v], self.seen, kind,
                                              code)),
            self.stage.world, is_error(kind, code), want)


def replaced_policy(stage):
    bindings = [{"HostPort": 5000, "GuestPort": 5000, "Protocol": "udp"}]
    wide = {"Rules": _rules("198.51.100.7", "203.0.113.9", "2001:db8::7",
                            "2001:db8::9") + [
        {"Action": "allow", "Direction": "ingress"}],
            "PortBindings": bindings}
    narrow = {"Rules": _rules("203.0.113.9", "2001:db8::9") + [
        {"Action": "allow", "Direction": "ingress", "Destination":
         "203.0.113.0/24"},
        {"Action": "allow", "Direction": "ingress", "Destination":
         "2001:db8::9"}],
              "DefaultIngress": "deny", "PortBindings": bindings}
    s = stage.sandbox(wide)
    stage.silence(stage.lab.world)
    stage.silence(s.guest)
    before, after = stage.compile(wide), stage.compile(narrow)
    tag = 0
    for v in FAMILIES:
        s.replace(before)
        talks = []
        for to in (WEB[v], WEB[v], OTHER[v], OTHER[v]):
            tag += 1
            talks.append(Conversation(stage, s, v, to, tag))
        ingress = {}
        for peer in (WEB[v], OTHER[v]):
            tag += 1
            load = wire.transport(peer, s.guest_ip[v], wire.UDP, 40000, 5000,
                                  tag)
            ingress[peer] = (tag, s.from_host(wire.ip(
                peer, s.guest_ip[v], wire.UDP, load)))
            ingress[peer] += (stage.enters(
                "IPv%d flow %d enters" % (v, tag), s, ingress[peer][1],
                s.at_host, lambda p, t=tag: p.tag() == t),)
        own, web = s.guest_ip[v], WEB[v]
        tcp = _handshake(stage, s, v, web, 7100)
        other = _handshake(stage, s, v, OTHER[v], 7101)

        s.replace(after)
        talks[0].error("error about it, replaced", False)
        talks[2].error("error before it was judged again", False)
        talks[0].from_guest("dies, guest first", False)
        talks[0].from_world("is dead from the world too", False)
        talks[1].from_world("dies, world first", False)
        talks[1].from_guest("is dead from the guest too", False)
        talks[1].error("error about it is dead", False)
        talks[2].from_guest("lives, guest first", True)
        talks[2].from_world("lives from the world too", True)
        talks[2].error("error about it comes back", True)
        talks[3].from_world("lives, world first", True)
        talks[3].from_guest("lives from the guest too", True)
        for peer, want in ((web, False), (OTHER[v], True)):
            number, frame, into = ingress[peer]
            if not into:
                continue
            # The answer from the guest is the first packet that is judged.
            s.at_host.read()
            s.at_guest.send(s.from_guest(answer_to(into, number)))
            stage.check("IPv%d ingress flow %d answers: %s" % (
                v, number, want), bool(stage.sees(
                    s.at_host, lambda p, t=number: p.tag() == t,
                    want)) == want)
            stage.enters("IPv%d ingress flow %d goes on: %s" % (
                v, number, want), s, frame, s.at_host,
                         lambda p, t=number: p.tag() == t, want)
        for to, port, opened, want in ((web, 7100, tcp, False),
                                       (OTHER[v], 7101, other, True)):
            if not opened:
                continue
            data = wire.ip(own, to, wire.TCP, wire.tcp(
                own, to, port + 20000, port, opened[0], opened[1], wire.ACK,
                b"more"))
            stage.world.read()
            s.at_guest.send(s.from_guest(data))
            stage.check("IPv%d connection goes on: %s" % (v, want), bool(
                stage.sees(stage.world, lambda p: p.load.endswith(b"more"),
                           want)) == want)
        s.replace(before)
        talks[1].from_world("is allowed again", True)
        talks[0].from_guest("is allowed again", True)


def _handshake(stage, s, v, to, port):
    """Open a TCP connection by hand; its next numbers, or None."""
    own = s.guest_ip[v]
    stage.world.read()
    s.at_guest.send(s.from_guest(wire.ip(own, to, wire.TCP, wire.tcp(
        own, to, port + 20000, port, 1000))))
    syn = stage.sees(stage.world, lambda p: p.proto == wire.TCP and
                     p.dport == port)
    stage.check("IPv%d SYN to port %d leaves" % (v, port), bool(syn))
    if not syn:
        return None
    s.at_guest.read()
    stage.world.send(stage.from_world(wire.ip(
        syn.dst, syn.src, wire.TCP, wire.tcp(
            syn.dst, syn.src, port, syn.sport, 5000, 1001,
            wire.SYN | wire.ACK))))
    stage.check("IPv%d SYN+ACK of port %d comes back" % (v, port), bool(
        stage.sees(s.at_guest, lambda p: p.flags() == wire.SYN | wire.ACK)))
    s.at_guest.send(s.from_guest(wire.ip(own, to, wire.TCP, wire.tcp(
        own, to, port + 20000, port, 1001, 5001, wire.ACK))))
    stage.sees(stage.world, lambda p: p.flags() == wire.ACK)
    return 1001, 5001


def isolation(stage):
    document = {"Policy": "allow-all", "PortBindings": [
        {"HostPort": 5000, "GuestPort": 5000, "Protocol": "udp"}]}
    a = stage.sandbox(document, 0, "a")
    b = stage.sandbox(document, 1, "b")
    tag = 0
    for v in FAMILIES:
        for to in (b.guest_ip[v], b.gateway_ip[v]):
            for proto in (wire.UDP, wire.TCP, 1 if v == 4 else 58):
                tag += 1
                b.at_guest.read()
                a.at_guest.send(a.from_guest(first(a, v, to, 5000, tag,
                                                   proto)))
                stage.check("%s protocol %d does not reach the other" % (
                    to, proto), not stage.sees(
                        b.at_guest, lambda p, t=tag: p.tag() == t, False))
        # The host's other networks may share the pool's range.
        near = ipaddress.ip_address("172.16.0.10" if v == 4 else
                                    "fd42:6d73:62:2::2")
        tag += 1
        stage.crosses("%s is nobody's, and in reach" % near, a,
                      first(a, v, near, 5000, tag), tag)
        # From the network straight to a guest, published port or not.
        for port in (5000, 5001):
            tag += 1
            to, src = a.guest_ip[v], OTHER[v]
            stage.enters("%s is not reached from the network" % to, a,
                         stage.from_world(wire.ip(
                             src, to, wire.UDP, wire.transport(
                                 src, to, wire.UDP, 41000, port, tag))),
                         stage.world, lambda p, t=tag: p.tag() == t, False)
        # A sandbox cannot lend its neighbour's address.
        tag += 1
        stolen = b.guest_ip[v]
        stage.crosses("the source %s is not a's" % stolen, a, wire.ip(
            stolen, WEB[v], wire.UDP, wire.transport(
                stolen, WEB[v], wire.UDP, 20000, 7000, tag)), tag, False)
    for s in (a, b):
        for v in FAMILIES:
            tag += 1
            stage.crosses("IPv%d of %s is open" % (v, s.name), s,
                          first(s, v, WEB[v], 7000, tag), tag)


def refusals(stage):
    s = stage.sandbox({"Policy": "public-only", "TLS": {}})
    stage.silence(s.guest)
    tag = 0
    for v in FAMILIES:
        kind, code = ERRORS[v]["port unreachable"]
        for port in (853, 5353, 5355, 137, 443):
            tag += 1
            s.at_guest.read()
            s.at_guest.send(s.from_guest(first(s, v, WEB[v], port, tag)))
            stage.check("IPv%d UDP %d: port unreachable" % (v, port), bool(
                stage.sees(s.at_guest, is_error(kind, code))))
        s.at_guest.read()
        s.at_guest.send(s.from_guest(first(s, v, WEB[v], 853, tag, wire.TCP)))
        reset = stage.sees(s.at_guest, lambda p: p.flags() & wire.RST)
        stage.check("IPv%d TCP 853: reset" % v, bool(reset) and
                    reset.src == WEB[v] and reset.sport == 853)
        # What is denied is dropped without a word.
        denied = ipaddress.ip_address("10.0.0.5" if v == 4 else "fd00::5")
        for proto in (wire.UDP, wire.TCP, 1 if v == 4 else 58, 132):
            tag += 1
            s.at_guest.read()
            s.at_guest.send(s.from_guest(first(s, v, denied, 80, tag, proto)))
            said = stage.sees(s.at_guest, lambda p: p.kind not in (135, 136),
                              False)
            stage.check("IPv%d protocol %d: denied in silence" % (v, proto),
                        not said)


def gateway_ping(stage):
    for allow in (True, False):
        s = stage.sandbox({"Rules": [
            {"Action": "allow" if allow else "deny", "Destination": "host",
             "Protocols": ["icmpv4", "icmpv6"]}], "DefaultEgress": "allow"})
        for v in FAMILIES:
            s.at_guest.read()
            s.at_guest.send(s.from_guest(first(
                s, v, s.gateway_ip[v], 0, v, 1 if v == 4 else 58)))
            reply = 0 if v == 4 else 129
            stage.check("IPv%d answered: %s" % (v, allow), bool(stage.sees(
                s.at_guest, lambda p, r=reply: p.kind == r and
                p.proto in (1, 58), allow)) == allow)
        s.close()
        stage.sandboxes.remove(s)


def _listener(namespace, family, kind, address, port):
    made = namespace.socket(family, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    made.settimeout(WAIT)
    if kind == socket.SOCK_STREAM:
        made.listen(8)
    return made


def _exchange(stage, what, s, family, kind, address, port, server):
    """Ask a server through the sandbox, with ordinary sockets."""
    good = b""
    with s.guest.socket(family, kind) as client:
        client.settimeout(WAIT)
        try:
            client.connect((address, port))
            client.send(b"question")
            if kind == socket.SOCK_STREAM:
                peer, _ = server.accept()
                with peer:
                    peer.settimeout(WAIT)
                    asked = peer.recv(100)
                    peer.send(asked + b", answer")
            else:
                asked, back = server.recvfrom(100)
                server.sendto(asked + b", answer", back)
            good = client.recv(100)
        except OSError as error:
            good = str(error).encode()
    stage.check(what, good == b"question, answer", good.decode())


def dns_by_nat(stage):
    s = stage.sandbox({"Policy": "public-only", "DNS": {
        "RebindProtection": False,
        "Nameservers": ["198.51.100.53", "[2001:db8::53]:5300"]}})
    for v, family, address, port in (
            (4, socket.AF_INET, "198.51.100.53", 53),
            (6, socket.AF_INET6, "2001:db8::53", 5300)):
        for name, kind in (("UDP", socket.SOCK_DGRAM),
                           ("TCP", socket.SOCK_STREAM)):
            with _listener(stage.lab.world, family, kind, address,
                           port) as server:
                _exchange(stage, "IPv%d %s through the gateway" % (v, name),
                          s, family, kind, str(s.gateway_ip[v]), 53, server)


def ordinary_sockets(stage):
    s = stage.sandbox({"Policy": "public-only"})
    for v, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        for name, kind in (("UDP", socket.SOCK_DGRAM),
                           ("TCP", socket.SOCK_STREAM)):
            with _listener(stage.lab.world, family, kind, str(WEB[v]),
                           8080) as server:
                _exchange(stage, "IPv%d %s to the internet" % (v, name), s,
                          family, kind, str(WEB[v]), 8080, server)


def fragmented(stage):
    """Ports are those of the whole datagram, however it is cut."""
    s = stage.sandbox({"Rules": [
        {"Action": "allow", "Protocols": ["udp", "tcp"], "Port": "7000"}]})
    stage.silence(stage.lab.world)
    tag = 0
    for v in FAMILIES:
        own = s.guest_ip[v]
        for proto, offsets in ((wire.UDP, (8,)), (wire.TCP, (8, 16))):
            for port, want in ((7000, True), (7001, False)):
                tag += 1
                # In IPv6 the first fragment holds the whole TCP header, or
                # is dropped (RFC 8200 section 4.5).
                want = want and (v, proto) != (6, wire.TCP)
                whole = wire.ip(own, WEB[v], proto, wire.transport(
                    own, WEB[v], proto, 20000 + tag, port, tag))
                stage.world.read()
                # The last fragment first: no port can be seen in it.
                for part in reversed(wire.fragments(whole, *offsets,
                                                    ident=tag)):
                    s.at_guest.send(s.from_guest(part))
                # What was put together to be judged is cut again.
                mark = struct.pack("!I", wire.MAGIC | tag)
                seen = stage.sees(stage.world, lambda p, m=mark: m in p.load,
                                  want)
                stage.check("IPv%d protocol %d, port %d in fragments" % (
                    v, proto, port), bool(seen) == want)
        # A second first fragment says another port. Whichever the receiver
        # would believe, nothing may leave for the port that is denied.
        tag += 1
        good, evil = (wire.ip(own, WEB[v], wire.UDP, wire.transport(
            own, WEB[v], wire.UDP, 20000 + tag, port, tag) + b"12345678")
                      for port in (7000, 7001))
        head = 20 if v == 4 else 40
        stage.world.read()
        for packet, offset, more in ((good, 0, True), (evil, 0, True),
                                     (good, 8, False)):
            load = packet[head + offset:]
            s.at_guest.send(s.from_guest(wire.fragment(
                packet, offset, load[:8] if more else load, more, 1000 + v)))
        ports = struct.pack("!HH", 20000 + tag, 7001)
        stage.check("IPv%d fragments that overlap" % v, not stage.sees(
            stage.world, lambda p, b=ports: b in p.load, False))
        # A fragment alone is no packet.
        tag += 1
        alone = wire.ip(own, WEB[v], wire.UDP, wire.transport(
            own, WEB[v], wire.UDP, 20000 + tag, 7000, tag))
        s.at_guest.send(s.from_guest(wire.fragments(
            alone, 8, ident=2000 + v)[1]))
        stage.check("IPv%d a fragment alone" % v, not [
            p for p in stage.after(stage.world) if p.src == HOST[v]])


def routed_by_the_sender(stage):
    """The address that is judged is the one that the packet goes to."""
    s = stage.sandbox({"Rules": [
        {"Action": "allow", "Destination": "host"},
        {"Action": "allow", "Destination": "public"}]})
    stage.silence(stage.lab.world)
    denied = {4: ipaddress.ip_address("10.0.0.5"),
              6: ipaddress.ip_address("fd00::5")}
    tag = 0
    for first_hop in (WEB[4], s.gateway_ip[4]):
        for kind in (131, 137):
            tag += 1
            option = bytes((kind, 7, 4)) + denied[4].packed + b"\0"
            stage.world.read()
            s.at_guest.send(s.from_guest(wire.ip_options(
                first(s, 4, first_hop, 7000, tag), option)))
            stage.check("IPv4 option %d over %s" % (kind, first_hop),
                        not stage.sees(stage.world, lambda p, t=tag:
                                       p.tag() == t, False))
    # A link may have been born with these on.
    for key in ("accept_source_route", "seg6_enabled"):
        s.gateway.sysctl("net/ipv6/conf/guest0/" + key, "1")
    for to in (s.gateway_ip[6], local_of(s)):
        one = b"\0" * 4 + denied[6].packed
        # The last segment comes first (RFC 8754 section 2).
        kinds = {0: one, 2: one, 3: one,
                 4: b"\1\0\0\0" + denied[6].packed + to.packed}
        for kind, rest in kinds.items():
            for proto in (wire.UDP, 58):
                tag += 1
                stage.world.read()
                s.at_guest.send(s.from_guest(wire.ip6_headers(
                    first(s, 6, to, 7000, tag, proto),
                    (43, bytes((len(rest) // 8, kind, 1)) + rest))))
                left = [p for p in stage.after(stage.world)
                        if p.src == HOST[6] or denied[6] in (p.src, p.dst)]
                stage.check("IPv6 routing header %d over %s, protocol %d" % (
                    kind, to, proto), not left, str([str(p.dst) for p in left]))


def local_of(s):
    """The link-local address that the gateway has on the guest's link."""
    listed = json.loads(s.gateway.run("ip", "-6", "-j", "addr", "show",
                                      "guest0"))
    return next(ipaddress.ip_address(a["local"])
                for a in listed[0]["addr_info"] if a["scope"] == "link")


def extension_headers(stage):
    """What lies before a port does not hide it."""
    s = stage.sandbox({"Rules": [
        {"Action": "allow", "Protocol": "udp", "Port": "7000"}]})
    stage.silence(stage.lab.world)
    pad = b"\0\1\4\0\0\0\0"
    atomic = struct.pack("!BHI", 0, 0, 99)
    chains = {"hop-by-hop": ((0, pad),), "destination": ((60, pad),),
              "both": ((0, pad), (60, pad)),
              "many": ((0, pad),) + ((60, pad),) * 6,
              "atomic fragment": ((44, atomic),),
              "fragment and destination": ((44, atomic), (60, pad))}
    tag = 0
    for name, headers in chains.items():
        for port, want in ((7000, True), (7001, False)):
            tag += 1
            stage.world.read()
            s.at_guest.send(s.from_guest(wire.ip6_headers(
                first(s, 6, WEB[6], port, tag), *headers)))
            mark = struct.pack("!I", wire.MAGIC | tag)
            seen = stage.sees(stage.world, lambda p, m=mark: m in p.load,
                              want)
            stage.check("%s before port %d" % (name, port),
                        bool(seen) == want)
    # No next header, and a chain that is cut short: nothing to judge.
    own = s.guest_ip[6]
    wide = stage.compile({"Policy": "allow-all"})
    s.replace(wide)
    for name, proto, load in (("no next header", 59, b"data data"),
                              ("a cut chain", 60, b"\x11\x09")):
        stage.world.read()
        s.at_guest.send(s.from_guest(wire.ip(own, WEB[6], proto, load)))
        stage.check(name, not [p for p in stage.after(stage.world)
                               if p.src == HOST[6]])


def forged_errors(stage):
    """An error about an allowed flow goes to its other end and nowhere else."""
    s = stage.sandbox({"Rules": _rules("198.51.100.7", "2001:db8::7")})
    stage.silence(stage.lab.world)
    stage.silence(s.guest)
    for v in FAMILIES:
        tag = 40 + v
        flow = Conversation(stage, s, v, WEB[v], tag)
        own, far = s.guest_ip[v], ipaddress.ip_address(
            "10.0.0.5" if v == 4 else "fd00::5")
        # What the guest got, as if it complained about it.
        got = wire.ip(WEB[v], own, wire.UDP, wire.udp(
            WEB[v], own, 7000, 20000 + tag, b"answer"))
        proto = wire.ICMP if v == 4 else wire.ICMPV6
        kinds = list(ERRORS[v].values()) + ([(5, 1), (12, 0), (4, 0)]
                                            if v == 4 else [(4, 0)])
        for kind, code in kinds:
            for to in (far, OTHER[v], s.gateway_ip[v]):
                stage.world.read()
                s.at_guest.read()
                s.at_guest.send(s.from_guest(wire.ip(own, to, proto, wire.icmp(
                    own, to, kind, code, b"\0\0\5\0", got))))
                stage.check("IPv%d error %d/%d to %s" % (v, kind, code, to),
                            not stage.sees(stage.world, lambda p, d=to:
                                           p.dst == d, False))
        # An error inside of which there is a flow that nobody opened.
        for inner in (wire.ip(OTHER[v], own, wire.UDP, wire.udp(
                OTHER[v], own, 7000, 20000 + tag)),
                      wire.ip(own, WEB[v], wire.UDP, wire.udp(
                          own, WEB[v], 1, 2))):
            kind, code = ERRORS[v]["port unreachable"]
            stage.world.read()
            s.at_guest.send(s.from_guest(wire.ip(own, OTHER[v], proto, wire.icmp(
                own, OTHER[v], kind, code, b"\0\0\0\0", inner))))
            stage.check("IPv%d error about nothing" % v, not stage.sees(
                stage.world, lambda p, d=OTHER[v]: p.dst == d, False))
        flow.from_guest("goes on", True)


def unsolicited(stage):
    """Answers that nobody asked for, and packets of no flow."""
    s = stage.sandbox({"Policy": "allow-all"})
    stage.silence(stage.lab.world)
    stage.silence(s.guest)
    for v in FAMILIES:
        own, proto = s.guest_ip[v], wire.ICMP if v == 4 else wire.ICMPV6
        kinds = (0, 3, 5, 9, 10, 11, 14) if v == 4 else (1, 2, 3, 129, 130,
                                                         133, 134, 137, 143)
        for kind in kinds:
            stage.world.read()
            for to in (WEB[v], s.gateway_ip[v]):
                for ttl in (64, 255):
                    s.at_guest.send(s.from_guest(wire.ip(
                        own, to, proto, wire.icmp(own, to, kind, 0,
                                                  b"\0\1\0\1", b"x" * 40),
                        ttl)))
            left = [p for p in stage.after(stage.world) if p.src == HOST[v]
                    or p.src == own]
            stage.check("IPv%d ICMP type %d" % (v, kind), not left)
        router = ipaddress.ip_address("169.254.62.1" if v == 4 else "fe80::1")
        for kind in kinds:
            stage.enters("IPv%d ICMP type %d from the uplink" % (v, kind), s,
                         s.from_host(wire.ip(router, own, proto, wire.icmp(
                             router, own, kind, 0, b"\0\1\0\1", b"x" * 40),
                             255)), s.at_host,
                         lambda p, k=kind: p.kind == k, False)
        # Straight at the guest, from the uplink, as if it were an answer.
        for flags in (wire.ACK, wire.SYN | wire.ACK, wire.RST):
            stage.enters("IPv%d TCP flags %#x from outside" % (v, flags), s,
                         s.from_host(wire.ip(WEB[v], own, wire.TCP, wire.tcp(
                             WEB[v], own, 443, 20000, 1, 1, flags))),
                         s.at_host, lambda p: p.proto == wire.TCP, False)
        for src in (WEB[v], s.gateway_ip[v], own):
            stage.enters("IPv%d datagram from outside as %s" % (v, src), s,
                         s.from_host(wire.ip(src, own, wire.UDP, wire.udp(
                             src, own, 53, 20000))), s.at_host,
                         lambda p: p.proto == wire.UDP, False)


def to_everyone(stage):
    """Broadcast and multicast reach no further than the gateway, and it says
    nothing."""
    s = stage.sandbox({"Policy": "allow-all"})
    for v, targets in ((4, ("255.255.255.255", "172.16.0.3", "172.16.0.0",
                            "224.0.0.1", "224.0.0.251", "239.1.2.3",
                            "0.0.0.0", "127.0.0.1")),
                       (6, ("ff02::1", "ff02::2", "ff02::fb", "ff05::2",
                            "ff0e::101", "ff01::1", "::1"))):
        for text in targets:
            to = ipaddress.ip_address(text)
            stage.world.read()
            s.at_host.read()
            s.at_guest.read()
            for tag, proto in enumerate((wire.UDP, wire.TCP,
                                         1 if v == 4 else 58, 2), 1):
                s.at_guest.send(s.from_guest(first(s, v, to, 5353, tag,
                                                   proto)))
            out = [p for p in stage.after(stage.world) + s.at_host.read()
                   if p.dst == to or p.src in (HOST[v], s.guest_ip[v])]
            stage.check("%s does not leave" % text, not out,
                        str([(str(p.src), str(p.dst), p.proto) for p in out]))
            said = [p for p in s.at_guest.read() if p.kind in (0, 129)]
            # ff02::1 and ff02::2 are the gateway's own link: it may answer.
            if not text.startswith("ff02"):
                stage.check("%s is not answered" % text, not said)


def tunnelled(stage):
    """The gateway unpacks nothing."""
    s = stage.sandbox({"Policy": "allow-all"})
    stage.silence(stage.lab.world)
    tag = 0
    for v in FAMILIES:
        for to in (s.gateway_ip[v], local_of(s) if v == 6 else
                   s.gateway_ip[v]):
            for inner, proto in ((4, 4), (6, 41)):
                for src in (s.guest_ip[inner], OTHER[inner]):
                    tag += 1
                    packed = wire.ip(src, WEB[inner], wire.UDP, wire.transport(
                        src, WEB[inner], wire.UDP, 20000 + tag, 7000, tag))
                    stage.world.read()
                    for number, load in ((proto, packed), (47, struct.pack(
                            "!HH", 0, 0x0800 if inner == 4 else 0x86DD) +
                            packed)):
                        s.at_guest.send(s.from_guest(wire.ip(
                            s.guest_ip[v], to, number, load)))
                    stage.check("IPv%d in IPv%d to %s from %s" % (
                        inner, v, to, src), not stage.sees(
                            stage.world, lambda p, t=tag: p.tag() == t,
                            False))


def half_open(stage):
    """A connection that was not yet there when its policy went."""
    allowed = {"Rules": _rules("198.51.100.7", "2001:db8::7")}
    denied = {"Rules": _rules("203.0.113.9", "2001:db8::9")}
    s = stage.sandbox(allowed)
    stage.silence(stage.lab.world)
    stage.silence(s.guest)
    before, after = stage.compile(allowed), stage.compile(denied)
    for v in FAMILIES:
        s.replace(before)
        own, to, port = s.guest_ip[v], WEB[v], 7200
        stage.world.read()
        s.at_guest.send(s.from_guest(wire.ip(own, to, wire.TCP, wire.tcp(
            own, to, 27200, port, 1000))))
        syn = stage.sees(stage.world, lambda p: p.dport == 7200)
        stage.check("IPv%d SYN leaves" % v, bool(syn))
        if not syn:
            continue
        s.replace(after)
        for name, flags in (("SYN+ACK", wire.SYN | wire.ACK),
                            ("RST", wire.RST | wire.ACK)):
            stage.enters("IPv%d %s does not come back" % (v, name), s,
                         stage.from_world(wire.ip(
                             syn.dst, syn.src, wire.TCP, wire.tcp(
                                 syn.dst, syn.src, port, syn.sport, 5000,
                                 1001, flags))), stage.world,
                         lambda p: p.proto == wire.TCP, False)
        kind, code = ERRORS[v]["port unreachable"]
        stage.enters("IPv%d error does not come back" % v, s,
                     stage.from_world(error_about(ROUTER[v], syn, kind,
                                                  code)),
                     stage.world, is_error(kind, code), False)
        # Sent again, and sent as if it had been opened.
        for flags in (wire.SYN, wire.ACK):
            stage.world.read()
            s.at_guest.send(s.from_guest(wire.ip(own, to, wire.TCP, wire.tcp(
                own, to, 27200, port, 1000 + (flags == wire.ACK), 5001,
                flags))))
            stage.check("IPv%d flags %#x do not leave" % (v, flags),
                        not stage.sees(stage.world, lambda p: p.dport == 7200,
                                       False))


SCENES = {
    "spoofed-sources": spoofed_sources,
    "neighbour-discovery": neighbour_discovery,
    "crowded-link": crowded_link,
    "answers-and-errors": answers_and_errors,
    "bad-checksum": bad_checksum,
    "replaced-policy": replaced_policy,
    "isolation": isolation,
    "refusals": refusals,
    "gateway-ping": gateway_ping,
    "dns-by-nat": dns_by_nat,
    "ordinary-sockets": ordinary_sockets,
    "fragmented": fragmented,
    "routed-by-the-sender": routed_by_the_sender,
    "extension-headers": extension_headers,
    "forged-errors": forged_errors,
    "unsolicited": unsolicited,
    "to-everyone": to_everyone,
    "tunnelled": tunnelled,
    "half-open": half_open,
}
