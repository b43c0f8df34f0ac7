#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""packets.py - What the first packet of a flow costs, by the number of rules.

    packets.py [--rounds N] [--rules N,N,...] [--flows N] [--at-most R] MSB-NETC SEND-FLOWS

A guest opens UDP flows to the world, each to an address and port that some rule
allows; what is measured is the whole way, from the guest's socket through the
gateway and the host up to the world's interface. In each round every ruleset
has its turn in the gateway: that of an empty policy, that of N rules as
"compile" prints it, and the same rules one after the other, as anybody would
write them for nft. Printed are medians, and the medians of each round's ratios
to the empty policy.

"all" spreads the flows over all rules, so that hardly any of them is in the
processor's caches; "few" are the flows of 64 rules.

With --at-most the exit status is 1 if the compiled rules cost more than R times
what the linear ones do.
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netns"))
from lab import Laboratory, Sandbox, enter_laboratory  # noqa: E402

PORTS = ((443, 443), (8000, 9000), (53, 53), (1, 1023))
FEW = 64
FEW_OF = random.Random(5)
STOP = """table netdev stop {
  chain in {
    type filter hook ingress device "eth0" priority 0; policy accept
    ip protocol udp counter drop
  }
}
"""


def rules(n):
    """n rules about /24 prefixes with ports, every fifth a deny."""
    made = []
    for i in range(n):
        lo, hi = PORTS[i % len(PORTS)]
        made.append({
            "Action": "deny" if i % 5 == 4 else "allow",
            "Destination": "%d.%d.%d.0/24" % (11 + (i >> 16), i >> 8 & 255, i & 255),
            "Protocols": ["udp"] if i % 2 else ["tcp", "udp"],
            "Ports": [str(lo) if lo == hi else "%d-%d" % (lo, hi)]})
    return made


def document(made, default):
    return {"Rules": made, "DefaultEgress": default,
            "DNS": {"RebindProtection": False, "Nameservers": ["198.51.100.53"]}}


def linear(made):
    """The same rules as lines for nft, a line for each protocol."""
    lines = []
    for rule in made:
        for proto in rule["Protocols"]:
            lines.append("\t\tct original ip daddr %s meta l4proto %s ct original proto-dst %s "
                         "counter %s" % (rule["Destination"], proto, rule["Ports"][0],
                                         "goto allow" if rule["Action"] == "allow" else "drop"))
    return "\n".join(lines)


def targets(made, n):
    """n addresses and ports that rules allow over UDP, none of them twice."""
    rng, seen = random.Random(3), set()
    allowed = [r for r in made if r["Action"] == "allow" and r["Ports"] != ["53"]]
    while len(seen) < n:
        rule = rng.choice(allowed)
        lo, _, hi = rule["Ports"][0].partition("-")
        seen.add("%s%d %d" % (rule["Destination"][:-4], rng.randrange(256),
                              rng.randint(int(lo), int(hi or lo))))
    return sorted(seen, key=lambda _: rng.random())


class Bench:
    """A sandbox whose gateway gets one ruleset after the other."""

    def __init__(self, lab, tool, sender, scratch):
        self.tool, self.sender, self.scratch = tool, sender, scratch
        self.sandbox = Sandbox(lab, self.compile("empty", document([], "allow")))
        self.gateway, self.guest = self.sandbox.gateway, self.sandbox.guest
        lab.world.run("nft", "-f", "-", text=STOP)
        self.world = lab.world
        for which in ("udp_timeout", "udp_timeout_stream"):
            for namespace in (self.gateway, lab.host):
                namespace.sysctl("net/netfilter/nf_conntrack_" + which, "1")

    def compile(self, name, policy):
        path = os.path.join(self.scratch, name)
        with open(path + ".json", "w", encoding="utf-8") as file:
            json.dump(policy, file)
        subprocess.run([self.tool, "compile", "-o", path, path + ".json"], check=True,
                       stderr=subprocess.DEVNULL)
        return path

    def text(self, path):
        with open(os.path.join(path, "sandbox.nft"), encoding="utf-8") as file:
            return file.read()

    def load(self, text):
        path = os.path.join(self.scratch, "load.nft")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self.gateway.run("nft", "-f", path)

    def arrived(self):
        listed = json.loads(self.world.run("nft", "-j", "list", "table", "netdev", "stop"))
        return sum(e["counter"]["packets"] for o in listed["nftables"]
                   for e in o.get("rule", {}).get("expr", []) if "counter" in e)

    def send(self, path, n):
        """Nanoseconds for each packet; all of them must arrive."""
        before = self.arrived()
        ns = int(self.guest.run("taskset", "1", self.sender, path))
        got = self.arrived() - before
        if got != n:
            sys.exit("%d of %d packets arrived" % (got, n))
        return ns


def measure(bench, made, which, args):
    path = os.path.join(bench.scratch, "targets")
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(targets(FEW_OF.sample(made, FEW) if which == "few" else made, args.flows)) + "\n")
    empty = bench.text(bench.compile("empty", document([], "allow")))
    ours = bench.text(bench.compile("ours", document(made, "deny")))
    at = empty.index("\t\tcounter goto allow comment \"/DefaultEgress\"")
    one_by_one = (empty[:at] + linear(made) + "\n\t\tcounter drop\n" +
                  empty[empty.index("\n", at) + 1:])
    ways = {"empty": empty, "compiled": ours, "linear": one_by_one}
    samples = {way: [] for way in ways}
    for i in range(args.rounds + 1):
        for way, text in ways.items():
            bench.load(text)
            ns = bench.send(path, args.flows)
            # The first round is to warm up.
            if i:
                samples[way].append(ns)
    ratio = {way: statistics.median(v / e for v, e in zip(samples[way], samples["empty"]))
             for way in ways}
    print("%7d %6s %8d %9d %9d %9.2fx %9.2fx" % (
        len(made), which, *(statistics.median(samples[way]) for way in ways),
        ratio["compiled"], ratio["linear"]), flush=True)
    return ratio["compiled"] / ratio["linear"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rules", default="10,100,1000,10000")
    parser.add_argument("--flows", type=int, default=2000)
    parser.add_argument("--at-most", type=float)
    parser.add_argument("tool")
    parser.add_argument("sender")
    args = parser.parse_args()
    args.tool, args.sender = os.path.abspath(args.tool), os.path.abspath(args.sender)
    enter_laboratory()
    lab = Laboratory()
    worst = 0
    print("ns for the first packet of a flow; ratios to the empty policy")
    print("%7s %6s %8s %9s %9s %10s %10s" % (
        "rules", "flows", "empty", "compiled", "linear", "compiled", "linear"))
    with tempfile.TemporaryDirectory(prefix="msb-bench-") as scratch:
        bench = Bench(lab, args.tool, args.sender, scratch)
        for n in args.rules.split(","):
            for which in ("all", "few") if int(n) > FEW else ("all",):
                worst = max(worst, measure(bench, rules(int(n)), which, args))
        bench.sandbox.close()
    if args.at_most is not None and worst > args.at_most:
        sys.exit("the compiled rules cost %.2f times what the linear ones do" % worst)


if __name__ == "__main__":
    main()
