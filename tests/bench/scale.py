#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""scale.py - What the thousandth sandbox of a machine costs, beside the first.

    scale.py MSB-NETC [SANDBOXES] [--dns [--denied N]]

Everything is inside namespaces of this process. Sandboxes are made one after the
other; at the start and at the end, in the same run, the floor is measured too:
the bare creation of a namespace and of a veth pair into it, with ip. What "up"
takes above that floor may grow at most GROWTH times, and so may "apply". Then
all go down again, and nothing may be left.

With --dns, where what grows is printed only, each sandbox has domain rules, and so
msb-dnsd: its two processes, which have answered a query by then, may have
DNS_MEMORY of proportional set size together in any of them. With --denied all
have the same table of N denied names, and may have no more than that for it.
"""
import argparse
import json
import os
import re
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netns"))
from lab import Namespace, enter_laboratory, run  # noqa: E402

GROWTH = 1.3
WINDOW = 50
# KiB: a megabyte.
DNS_MEMORY = 1000000 / 1024
FIRST = {"Rules": [
    {"Action": "allow", "Destination": "10.1.0.0/16", "Protocol": "tcp",
     "Port": "443"},
    {"Action": "deny", "Destination": "public"}]}
SECOND = {"Rules": [
    {"Action": "allow", "Destination": "10.2.0.0/16", "Protocol": "tcp",
     "Port": "443"},
    {"Action": "deny", "Destination": "public"}]}

NAMES = {"DNS": {"Nameservers": ["192.0.2.53"]}, "Rules": [
    {"Action": "allow", "Destination": ".example.com", "Protocols": ["udp"],
     "Port": "443"},
    {"Action": "allow", "Destination": "host", "Protocols": ["udp"],
     "Port": "53"}]}
# host.microsandbox.internal A, which msb-dnsd answers by itself.
QUERY = (b"\0\1\1\0\0\1\0\0\0\0\0\0\4host\x0cmicrosandbox\x08internal\0"
         b"\0\1\0\1")


def timed(*command):
    """What a command takes, in seconds, and of the processor; it must succeed."""
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - start
    if child.returncode:
        sys.exit("%s: exit status %d" % (" ".join(command),
                                         child.returncode))
    return complex(seconds, usage.ru_utime + usage.ru_stime)


def floor():
    """The cost of a namespace and a veth pair, with nothing of ours."""
    seconds = timed("ip", "netns", "add", "floor")
    seconds += timed("ip", "link", "add", "floor0", "type", "veth", "peer",
                     "name", "floor1", "netns", "floor")
    run("ip", "link", "delete", "floor0")
    run("ip", "netns", "delete", "floor")
    return seconds


def memory():
    """MiB that the machine has in use, page cache left out."""
    with open("/proc/meminfo", encoding="ascii") as file:
        known = dict(line.split()[:2] for line in file)
    return (int(known["MemTotal:"]) - int(known["MemAvailable:"])) / 1024


def processes():
    """Command lines of everything that has msb- in its name, but us."""
    found = []
    for pid in os.listdir("/proc"):
        try:
            with open("/proc/%s/comm" % int(pid), encoding="ascii") as file:
                name = file.read().strip()
        except (OSError, ValueError):
            continue
        if name.startswith("msb-") and os.path.exists(
                "/proc/%s/ns/net" % pid) and os.stat(
                    "/proc/%s/ns/net" % pid).st_ino == os.stat(
                        "/proc/self/ns/net").st_ino:
            found.append(name)
    return found


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid),
              encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def pss(pid):
    """Proportional set size, KiB."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        return int(re.search(r"^Pss: +(\d+)", file.read(), re.M).group(1))


def answers(guest):
    """Whether a guest's gateway answers a query."""
    namespace = Namespace("/run/netns/" + guest)
    route = namespace.run("ip", "-4", "route", "show", "default")
    # The kernel has 1024 neighbours for all namespaces together, and forgets
    # none for five seconds: so not all guests at once.
    time.sleep(0.03)
    with namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        namespace.close()
        sock.settimeout(2)
        for _ in range(5):
            sock.sendto(QUERY, (route.split()[2], 53))
            try:
                return sock.recv(512)[:4] == b"\0\1\x85\x80"
            except socket.timeout:
                continue
    return False


def helpers_memory(state, n):
    """What msb-dnsd and its supervisor have in each sandbox; whether that is
    little enough."""
    both, supervisors = [], []
    silent = [i for i in range(n) if not answers("guest%d" % i)]
    for i in range(n):
        with open("%s/sandboxes/s%d/dns-supervisor" % (state, i),
                  encoding="ascii") as file:
            supervisor = int(file.read().split()[0])
        monitor, = children(supervisor)
        worker, = children(monitor)
        both.append(pss(monitor) + pss(worker))
        supervisors.append(pss(supervisor))
    tables = {(f.stat().st_ino, f.stat().st_size)
              for f in os.scandir(state + "/shared")}
    print("proportional set size, KiB: msb-dnsd's two processes %.0f (median), "
          "%d at most; their supervisor %.0f, %d at most; tables of denied "
          "names: %d, %d KiB" % (
              statistics.median(both), max(both),
              statistics.median(supervisors), max(supervisors), len(tables),
              sum(size for _, size in tables) / 1024), flush=True)
    if silent:
        print("no answer in sandboxes %s" % silent)
    return max(both) <= DNS_MEMORY and not silent


def left(state):
    """What is there that should not be after everything went down."""
    found = ["namespace " + n for n in os.listdir("/run/netns")
             if n.startswith("msb-")]
    found += ["link " + x["ifname"] for x in json.loads(
        run("ip", "-j", "link")) if x["ifname"].startswith("msb-")]
    found += ["lease " + n for n in os.listdir(state + "/leases")
              if not n.startswith(".")]
    found += ["sandbox " + n for n in os.listdir(state + "/sandboxes")]
    found += ["table " + t for t in run("nft", "list", "tables").split("\n")
              if t]
    return found + ["process " + p for p in processes()]


def report(what, first, last):
    """One line: medians of the first and the last, and how they grew; of the
    time that passed, and of that which the processor was busy for it."""
    columns, grew = [], []
    for part in (lambda t: t.real, lambda t: t.imag):
        a, b = (statistics.median(map(part, times)) for times in (first, last))
        grew.append(b / a)
        columns.append("%9.2f %9.2f %7.2fx" % (a * 1000, b * 1000, b / a))
    print("%-24s %s  %s" % (what, *columns), flush=True)
    return grew[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the program msb-netc")
    parser.add_argument("sandboxes", nargs="?", type=int, default=1000)
    parser.add_argument("--only-up", action="store_true",
                        help="no apply, and keep going where it grows")
    parser.add_argument("--dns", action="store_true",
                        help="sandboxes that have msb-dnsd; no apply")
    parser.add_argument("--denied", type=int, default=0,
                        help="denied names, the same in all (0)")
    args = parser.parse_args()
    enter_laboratory()
    tool, n, state = os.path.abspath(args.program), args.sandboxes, "/run/s"
    window = min(WINDOW, n // 2)
    run("ip", "link", "set", "lo", "up")
    if args.denied:
        NAMES["DenyDomains"] = ["ads%d.tracker%d.example" % (i, i % 997)
                                for i in range(args.denied)]
    for name, document in (("first", NAMES if args.dns else FIRST),
                           ("second", SECOND)):
        with open("/run/%s.json" % name, "w", encoding="ascii") as file:
            json.dump(document, file)
    ups, floors, applies = [], [], []
    base = memory()
    for i in range(n):
        edge = i < window or i >= n - window
        name = "s%d" % i
        run("ip", "netns", "add", "guest%d" % i)
        if edge:
            floors.append(floor())
        ups.append(timed(tool, "up", name, "/run/first.json", "--guest-netns",
                         "guest%d" % i, "--state", state))
        if edge and not args.only_up and not args.dns:
            applies.append(timed(tool, "apply", name, "/run/second.json",
                                 "--state", state))
    used = memory() - base
    print("%d sandboxes, medians of the first and the last %d, ms" % (
        n, window))
    print("%-24s %28s  %28s" % ("", "first, last, growth: passed",
                                "of the processor"))
    report("namespace and veth pair", floors[:window], floors[-window:])
    report("up", ups[:window], ups[-window:])
    adds = [[u - f for u, f in zip(part, level)] for part, level in (
        (ups[:window], floors[:window]), (ups[-window:], floors[-window:]))]
    grew = [report("up above the floor", *adds)]
    if applies:
        grew.append(report("apply", applies[:window], applies[-window:]))
    with_helpers = processes()
    print("memory per sandbox, with its guest's namespace: %.0f KiB; "
          "helper processes: %d" % (used * 1024 / n, len(with_helpers)))
    good = (helpers_memory(state, n) and len(with_helpers) == 3 * n
            if args.dns else not with_helpers)
    downs = [timed(tool, "down", "s%d" % i, "--state", state)
             for i in range(n)]
    report("down", downs[:window], downs[-window:])
    found = left(state)
    print("left: %s" % (", ".join(found) or "nothing"))
    grown = max(grew) > GROWTH and not args.only_up and not args.dns
    if found or not good or grown:
        sys.exit("more grew than %.1f times, or something is left, or helpers "
                 "are not as they should be" % GROWTH)


if __name__ == "__main__":
    main()
