#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""published.py - What the first packet of a flow to a published port costs.

    published.py MSB-NETC [ROUNDS]

Datagrams from a peer of the host to a guest, each of a flow of its own, go
through the same links in turn: by routes alone, by one plain rule of nft that
translates the destination, and by what msb-netc emits, with one port and with
a thousand in the maps. The median of ROUNDS (default 7) is printed, and what
is more than by routes alone. What sending the frames costs is in all of them.
"""
import ipaddress
import json
import os
import socket
import statistics
import struct
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netns"))
# pylint: disable=wrong-import-position
from lab import (Laboratory, Sandbox, Wire, WORLD4, enter_laboratory,  # noqa: E402
                 run)
import wire  # noqa: E402

FLOWS = 8000
PORT = 8000


def frames(lab, to, port):
    """One frame for each flow: sources and ports that no two have both."""
    head = (lab.mac(lab.host, "world0"), lab.mac(lab.world, "eth0"))
    to = ipaddress.ip_address(to)
    made = []
    for i in range(FLOWS):
        src = ipaddress.ip_address("198.18.0.0") + i
        made.append(wire.frame(*head, wire.ip(src, to, wire.UDP, wire.udp(
            src, to, 20000 + i % 1000, port, b"x"))))
    return made


def arrive(sandbox, wire_out, packets):
    """Seconds until all of them are at the guest."""
    with sandbox.guest.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.setsockopt(socket.SOL_SOCKET, 33, 1 << 27)
        server.bind((str(sandbox.guest_ip[4]), PORT))
        start = time.perf_counter()
        for packet in packets:
            wire_out.send(packet)
        server.settimeout(2)
        for _ in packets:
            server.recv(16)
        return time.perf_counter() - start


def forget_flows(namespace):
    """Empty the connection tracking table (IPCTNL_MSG_CT_DELETE)."""
    with namespace.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12) as netlink:
        netlink.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 5, 1, 0, 0, 0,
                                 0))
        error = struct.unpack("=i", netlink.recv(4096)[16:20])[0]
        if error:
            raise OSError(-error, os.strerror(-error))


def compile_into(tool, scratch, bindings):
    path = os.path.join(scratch, "%d.json" % len(bindings))
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"Policy": "allow-all", "PortBindings": bindings,
                   "DNS": {"RebindProtection": False,
                           "Nameservers": ["198.51.100.53"]}}, file)
    out = path[:-5]
    run(tool, "compile", path, "-o", out, "--name", "test")
    return out


def main():
    tool = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    enter_laboratory()
    lab = Laboratory()
    with tempfile.TemporaryDirectory() as scratch:
        one = [{"Bind": "0.0.0.0", "HostPort": PORT, "GuestPort": PORT,
                "Protocol": "udp"}]
        single = compile_into(tool, scratch, one)
        many = compile_into(tool, scratch, one + [
            {"Bind": "0.0.0.0", "HostPort": 10000 + i, "GuestPort": 1 + i,
             "Protocol": "udp"} for i in range(999)])
        sandbox = Sandbox(lab, single)
        run("ip", "route", "replace", str(sandbox.guest_ip[4]), "via",
            "169.254.62.2", "dev", sandbox.uplink, "onlink")
        guest, host = str(sandbox.guest_ip[4]), WORLD4[0]
        direct, published = frames(lab, guest, PORT), frames(lab, host, PORT)

        def ours(directory):
            sandbox.gateway.run("nft", "-f", directory + "/sandbox.nft")
            run("nft", "-f", directory + "/host.nft")

        def plain():
            run("nft", "-f", "-", text="""table ip plain {
  chain p { type nat hook prerouting priority dstnat
    ip daddr %s udp dport %d dnat to %s
  }
}
""" % (host, PORT, guest))

        ways = [("by routes alone", lambda: None, direct),
                ("one plain rule", plain, published),
                ("published, of 1", lambda: ours(single), published),
                ("published, of 1000", lambda: ours(many), published)]
        out, samples = Wire(lab.world, "eth0"), [[] for _ in ways]
        for _ in range(rounds):
            for i, (_, load, packets) in enumerate(ways):
                for namespace in (lab.host, sandbox.gateway):
                    namespace.run("nft", "flush", "ruleset")
                load()
                samples[i].append(arrive(sandbox, out, packets))
                forget_flows(lab.host)
                forget_flows(sandbox.gateway)
        base = statistics.median(samples[0])
        for (name, _, _), got in zip(ways, samples):
            median = statistics.median(got)
            print("%-20s %6.2f us a flow, %+6.2f" % (
                name, median / FLOWS * 1e6, (median - base) / FLOWS * 1e6))


if __name__ == "__main__":
    main()
