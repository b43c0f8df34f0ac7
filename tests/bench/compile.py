#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""compile.py - What compiling large documents costs, in time and memory.

    compile.py MSB-NETC [RUNS]

Each document is compiled in growing sizes, RUNS times in turn (default 5), and
the medians are printed with the cost per item beside that of the smallest size:
a linear compiler has a ratio near 1. nft's own check of the output is measured
in the same run where nft is there.
"""
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time


def rules(n):
    """n rules: CIDRs of mixed lengths, mixed actions, protocols and ports."""
    rng = random.Random(7)
    out = []
    for i in range(n):
        length = rng.choice((16, 20, 24, 28, 32))
        address = rng.getrandbits(32) & ~((1 << (32 - length)) - 1)
        rule = {"Action": rng.choice(("allow", "deny")),
                "Destination": "%d.%d.%d.%d/%d" % (*address.to_bytes(4, "big"), length)}
        if i % 3:
            rule["Protocols"] = rng.choice((["tcp"], ["udp"], ["tcp", "udp"]))
            rule["Ports"] = [rng.choice(("443", "8000-9000", "53", "1-1023"))]
        out.append(rule)
    return {"Rules": out, "DefaultEgress": "deny"}


def deny(n):
    """n denied names in a policy where no other rule could allow a flow."""
    return {"DenyDomains": ["host%d.ads.example" % i for i in range(n)],
            "Rules": [], "DefaultEgress": "deny"}


def deny_public(n):
    """n denied names before the public internet: judged by explain."""
    return {"DenyDomains": ["host%d.ads.example" % i for i in range(n)]}


def run(argv):
    """Seconds and peak KiB of one run."""
    start = time.monotonic()
    with open(os.devnull, "wb") as null:
        child = subprocess.Popen(argv, stdout=null, stderr=null)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit("%s: exit status %d" % (" ".join(argv), child.returncode))
    return time.monotonic() - start, usage.ru_maxrss


def main():
    tool = os.path.abspath(sys.argv[1])
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    cases = [("rules", rules, (1000, 10000, 40000), ["compile", "FILE"]),
             ("deny list", deny, (10000, 100000, 400000), ["compile", "FILE"]),
             ("deny list + presets", deny_public, (10000, 100000, 400000), ["explain", "FILE", "dns", "api.example.com"])]
    nft = shutil.which("nft", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    print("%-22s %8s %10s %10s %12s" % ("document", "items", "seconds", "MiB", "per item"))
    with tempfile.TemporaryDirectory() as scratch:
        for name, make, sizes, command in cases:
            argvs = []
            for n in sizes:
                path = os.path.join(scratch, "%s-%d.json" % (make.__name__, n))
                with open(path, "w", encoding="utf-8") as f:
                    json.dump(make(n), f)
                argvs.append([tool] + [path if a == "FILE" else a for a in command])
            samples = [[] for _ in sizes]
            for _ in range(runs):
                for i, argv in enumerate(argvs):
                    samples[i].append(run(argv))
            base = None
            for n, got in zip(sizes, samples):
                seconds = statistics.median(s for s, _ in got)
                base = base or seconds / n
                print("%-22s %8d %10.3f %10.1f %11.2fx" % (
                    name, n, seconds, max(k for _, k in got) / 1024,
                    seconds / n / base))
        if nft:
            out = os.path.join(scratch, "out")
            subprocess.run([tool, "compile", "-o", out,
                            os.path.join(scratch, "rules-10000.json")],
                           check=True, stderr=subprocess.DEVNULL)
            check = ["unshare", "-n", nft, "-c", "-f", os.path.join(out, "sandbox.nft")]
            ours = [tool, "compile", os.path.join(scratch, "rules-10000.json")]
            both = [(run(ours)[0], run(check)[0]) for _ in range(runs)]
            print("%-22s %8d %10.3f" % ("nft -c of the rules", 10000,
                                        statistics.median(c for _, c in both)))
            print("compile takes %.2f of nft -c" % statistics.median(o / c for o, c in both))


if __name__ == "__main__":
    main()
