# SPDX-License-Identifier: GPL-2.0-or-later
"""counts.py - What "msb-netc status" counts, with real packets.

A document whose rules are printed as maps: the hits of a rule are those of its
elements, of its rules in chains and of its ports in maps, all together.
"""
import json
import os
import socket
import sys
import tempfile
import time

from lab import PATIENCE, Laboratory, enter_laboratory, make_namespace, run

STATE = "/run/msb-counts"


def document():
    rules = [{"Action": "deny" if i % 2 else "allow", "Destination": "10.%d.0.0/16" % (4 * i)}
             for i in range(40)]
    rules.append({"Action": "allow", "Destination": "198.51.100.0/24", "Protocol": "udp",
                  "Ports": [str(p) for p in range(100, 120, 2)]})
    rules.append({"Action": "allow", "Destination": "203.0.113.0/24", "Protocol": "udp",
                  "Direction": "any", "Ports": ["7", "9"]})
    rules.append({"Action": "deny", "Destination": "2001:db8::/32"})
    return {"Rules": rules, "DNS": {"RebindProtection": False, "Nameservers": ["198.51.100.53"]}}


# Address, port, packets, and what counts them: each packet is a flow of its own.
SENT = [
    ("10.0.0.1", 1, 3, "/Rules/0"),
    ("10.4.0.1", 2, 2, "/Rules/1"),
    ("10.156.255.255", 3, 1, "/Rules/39"),
    ("198.51.100.7", 100, 2, "/Rules/40"),
    ("198.51.100.7", 118, 1, "/Rules/40"),
    ("198.51.100.7", 101, 4, "/DefaultEgress"),
    ("203.0.113.9", 7, 1, "/Rules/41"),
    ("203.0.113.9", 9, 1, "/Rules/41"),
    ("2001:db8::7", 9, 2, "/Rules/42"),
    ("192.0.2.200", 9, 1, "/DefaultEgress"),
]


def send(guest):
    for address, port, packets, _ in SENT:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for _ in range(packets):
            with guest.socket(family, socket.SOCK_DGRAM) as made:
                made.sendto(b"x", (address, port))


def main():
    program = os.path.abspath(sys.argv[1])
    enter_laboratory()
    Laboratory()
    guest = make_namespace("guest-counts")
    guest.sysctl("net/ipv6/conf/default/accept_dad", "0")
    want = {}
    for _, _, packets, pointer in SENT:
        want[pointer] = want.get(pointer, 0) + packets
    with tempfile.TemporaryDirectory(prefix="msb-counts-") as scratch:
        path = os.path.join(scratch, "net.json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(document(), file)
        reasons = {r["construct"] for r in json.loads(run(
            program, "compile", "--cost", "--json", path))["egress"]["runs"]}
        run(program, "up", "--state", STATE, "--guest-netns", "guest-counts", "counts", path)
        try:
            send(guest)
            end = time.monotonic() + PATIENCE
            while True:
                status = json.loads(run(program, "status", "--json", "--state", STATE, "counts"))
                got = {h["pointer"]: h["packets"] for h in status["hits"]
                       if h["packets"] and h.get("direction") == "egress"}
                # A packet may be behind others in the queue of its processor.
                if time.monotonic() > end or sum(got.values()) >= sum(want.values()):
                    break
        finally:
            run(program, "down", "--state", STATE, "counts")
    others = {h["pointer"] for h in status["hits"] if h["packets"]} - set(got)
    failures = []
    if reasons != {"map"}:
        failures.append("the rules are printed as %s" % reasons)
    if got != want:
        failures.append("counted %s, sent %s" % (got, want))
    if others - {"always:source", "always:untracked"}:
        failures.append("counted elsewhere: %s" % others)
    for failure in failures:
        print("FAILED " + failure)
    print("%d passed, %d failed" % (3 - len(failures), len(failures)))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
