#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""replace.py - What changing one rule of a running sandbox costs.

    replace.py [--rounds N] [--rules N,N,...] [--at-most R] MSB-NETC

A sandbox runs under N rules about prefixes with ports. In each round one rule in
the middle of them is changed to and fro by "apply", which compiles, asks the
kernel, and writes state, leases and the table; and the whole table is loaded
with "nft -f", which does nothing else. "apply" of what is in force already is
what the rest of it costs. Printed are medians in milliseconds, and the median
of each round's ratio.

With --at-most the exit status is 1 if "apply" takes more than R times as long as
"nft -f" does.
"""
import argparse
import json
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "netns"))
from lab import enter_laboratory, run  # noqa: E402
from packets import document, rules  # noqa: E402

SCRATCH = "/run/replace"


def timed(*command):
    """Milliseconds of a command, which must succeed."""
    start = time.monotonic()
    run(*command)
    return (time.monotonic() - start) * 1000


def write(name, made):
    path = os.path.join(SCRATCH, name + ".json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document(made, "deny"), file)
    return path


def measure(tool, n, rounds):
    """The median of what "apply" takes, as a part of what "nft -f" does."""
    made, state = rules(n), os.path.join(SCRATCH, "state")
    one = write("one", made)
    made[n // 2]["Ports"] = ["444"]
    other = write("other", made)
    name = "bench%d" % n
    run("ip", "netns", "add", "guest%d" % n)
    run(tool, "up", name, one, "--guest-netns", "guest%d" % n, "--state", state)
    out = os.path.join(SCRATCH, name)
    run(tool, "compile", "-o", out, "--name", name, one)
    ways = {
        "apply": lambda: [timed(tool, "apply", name, path, "--state", state)
                          for path in (other, one)],
        "same": lambda: [timed(tool, "apply", name, one, "--state", state)],
        "load": lambda: [timed("ip", "netns", "exec", "msb-" + name, "nft", "-f",
                               os.path.join(out, "sandbox.nft"))],
    }
    samples = {way: [] for way in ways}
    for i in range(rounds + 1):
        for way, go in ways.items():
            took = statistics.mean(go())
            # The first round is to warm up.
            if i:
                samples[way].append(took)
    run(tool, "down", name, "--state", state)
    ratio = statistics.median(a / b for a, b in zip(samples["apply"], samples["load"]))
    print("%7d %9.1f %9.1f %9.1f %9.2fx" % (
        n, *(statistics.median(samples[way]) for way in ways), ratio), flush=True)
    return ratio


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rules", default="10,100,1000,10000")
    parser.add_argument("--at-most", type=float)
    parser.add_argument("tool")
    args = parser.parse_args()
    args.tool = os.path.abspath(args.tool)
    enter_laboratory()
    os.mkdir(SCRATCH)
    print("ms to change one rule, to change none, and to load all with nft -f")
    print("%7s %9s %9s %9s %10s" % ("rules", "apply", "same", "nft -f", "apply/nft"))
    worst = max(measure(args.tool, int(n), args.rounds) for n in args.rules.split(","))
    if args.at_most is not None and worst > args.at_most:
        sys.exit("apply takes %.2f times what nft -f does" % worst)


if __name__ == "__main__":
    main()
