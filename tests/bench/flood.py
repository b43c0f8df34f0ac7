#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""flood.py - What a guest that floods its DNS filter does to it, and to others.

    flood.py MSB-NETC DNS_FLOOD DNS_STUB [--seconds N] [...]

Three sandboxes are made by "up", with domain rules and rebind protection. One of
them is flooded by dns_flood: queries that are pinned, forwarded, denied or led
inside, resolvers that do not answer, messages with a fault, octets, and TCP
connections that say nothing, half of something or a hundred queries at once.

The flood runs and is stopped in turn, so that what the two others see, who ask
all the time, is measured with it and without it in one run. Each sandbox asks
names that nobody has asked before, so each answer was asked for and pinned; the
name server of the flooded one is another process than that of the others. But
all share the machine's processors, with dns_flood too: its rate is bounded.

The flooded sandbox is looked at and its policy replaced meanwhile, too.

It fails if one of these commands does, or a process of msb-dnsd ends, if the memory of its processes or the
number of their descriptors is more at the end than it was when the tables were
full, if the flooded sandbox's own queries are not answered, or one of another's.
"""
import argparse
import json
import multiprocessing
import os
import re
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netns"))
from lab import Namespace, enter_laboratory, run  # noqa: E402
from machine import STATE, Machine, end, wait_for  # noqa: E402
from peers import Network  # noqa: E402

SERVERS = {"flooded": "192.0.2.53", "near": "192.0.2.54", "next": "192.0.2.54"}
DOCUMENT = {
    "DenyDomainSuffixes": ["ads.test"],
    "Rules": [
        {"Action": "allow", "Destination": ".pin.test", "Protocols": ["udp"]},
        {"Action": "allow", "Destination": "host",
         "Protocols": ["udp", "tcp"], "Ports": ["53"]},
        {"Action": "allow", "Destination": "public",
         "Protocols": ["udp", "tcp"], "Ports": ["53"]}]}
# What the first seconds of a window see is the other window's, too.
EDGE = 0.3
SAMPLE = struct.Struct("=ddBB")
TRIES, PATIENCE = 3, 3.0
# Pins that a sandbox may have, and seconds that they may take to be there.
PINS, FILL = 16384, 60
# Seconds that a command may take, on a machine that is busy.
CONTROL = 60


def query(number, name):
    labels = b"".join(bytes([len(label)]) + label.encode()
                      for label in name.split("."))
    return struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + labels + \
        struct.pack("!BHH", 0, 1, 1)


def lookup(sock, number, name):
    """Ask as a resolver library does: how many queries it took, 0: no answer
    with addresses."""
    for n in range(TRIES):
        sock.send(query(number, name))
        until = time.monotonic() + PATIENCE
        while True:
            sock.settimeout(max(until - time.monotonic(), 0.001))
            try:
                said = sock.recv(4096)
            except socket.timeout:
                break
            if said[:2] != struct.pack("!H", number):
                continue
            if said[3] & 15 == 0 and said[7]:
                return n + 1
            break
        number = (number + 1) & 0xffff
    return 0


class Prober:
    """A process in a guest that asks all the time, and writes down how long it
    took."""

    def __init__(self, guest, gateway, path, interval):
        self.path = path
        self.process = multiprocessing.Process(
            target=self._run, args=(guest, gateway, interval), daemon=True)
        self.process.start()

    def _run(self, guest, gateway, interval):
        sock = guest.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect((gateway, 53))
        begun, asked = time.monotonic(), 0
        with open(self.path, "ab") as file:
            while True:
                start = time.monotonic()
                tries = lookup(sock, asked * TRIES & 0xffff,
                               "own-%d.pin.test" % asked)
                asked += 1
                file.write(SAMPLE.pack(start, time.monotonic() - start, tries,
                                       0))
                file.flush()
                # Each at its time: one that took long delays no other.
                begun = max(begun + interval, time.monotonic() - 1)
                time.sleep(max(begun - time.monotonic(), 0))

    def samples(self):
        with open(self.path, "rb") as file:
            data = file.read()
        return list(SAMPLE.iter_unpack(data[:len(data) // SAMPLE.size *
                                            SAMPLE.size]))

    def close(self):
        self.process.kill()
        self.process.join()


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid),
              encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def processes(name):
    """Supervisor, monitor and worker of a sandbox's msb-dnsd."""
    with open("%s/sandboxes/%s/dns-supervisor" % (STATE, name),
              encoding="ascii") as file:
        supervisor = int(file.read().split()[0])
    monitor = children(supervisor)[0]
    return supervisor, monitor, children(monitor)[0]


def rollup(pid):
    """Proportional set size, and what of it is no file's, KiB."""
    with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
        found = dict(re.findall(r"^(\w+): +(\d+) kB", file.read(), re.M))
    return int(found["Pss"]), int(found["Pss_Anon"])


def reserved(pid):
    """What a process has asked the kernel for, used or not, KiB: memory that
    grows slowly grows here."""
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return int(re.search(r"VmData:\s+(\d+)", file.read()).group(1))


def slab():
    """Objects in use of the kernel's tables that a flood may fill, and KiB of
    all of its tables."""
    found = {}
    # Not every kernel has it.
    if os.path.exists("/proc/slabinfo"):
        with open("/proc/slabinfo", encoding="ascii") as file:
            lines = [line.split() for line in file]
        found = {words[0]: int(words[1]) for words in lines if words[0] in (
            "nf_conntrack", "TCP", "TCPv6", "tw_sock_TCP", "tw_sock_TCPv6",
            "sock_inode_cache")}
    with open("/proc/meminfo", encoding="ascii") as file:
        found["slab_KiB"] = int(re.search(r"Slab: +(\d+)",
                                          file.read()).group(1))
    return found


def sockets(namespace):
    """What /proc/net/sockstat says of TCP."""
    with namespace, open("/proc/thread-self/net/sockstat",
                         encoding="ascii") as file:
        words = re.search(r"TCP: (.*)", file.read()).group(1).split()
    return dict(zip(words[::2], map(int, words[1::2])))


def percentile(values, part):
    values = sorted(values)
    return values[min(int(len(values) * part), len(values) - 1)]


class Flood:
    """The machine, the sandboxes, and what is measured."""

    def __init__(self, m, args, scratch):
        self.m, self.args, self.scratch = m, args, scratch
        self.network = Network()
        self.failed, self.samples, self.windows = [], [], []
        for address in sorted(set(SERVERS.values())):
            run("ip", "addr", "add", address + "/32", "dev", "lo")
        # Resolvers of the guest's choice, which never answer.
        run("ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.2")
        self.stubs = [subprocess.Popen([args.stub, address, "53"])
                      for address in sorted(set(SERVERS.values()))]
        self.guests, self.gateways, self.documents = {}, {}, {}
        self.slowest, self.pins, self.said = {}, 0, ""
        for name, server in SERVERS.items():
            self.guests[name] = m.guest("guest-" + name)
            self.documents[name] = m.document(name, {
                **DOCUMENT, "DNS": {"Nameservers": [server]}})
            m.good("up", name, self.documents[name], "--guest-netns", "guest-" + name)
            self.gateways[name] = [self.guests[name].run(
                "ip", family, "route", "show", "default").split()[2]
                for family in ("-4", "-6")]
        self.pids = processes("flooded")
        self.gateway = Namespace("/run/netns/msb-flooded")
        self.probers = {name: Prober(
            self.guests[name], self.gateways[name][0],
            os.path.join(scratch, "samples-" + name),
            0.1 if name == "flooded" else 0.02) for name in SERVERS}

    def check(self, what, good, detail=""):
        print("%s: %s %s" % ("ok" if good else "FAILED", what, detail),
              flush=True)
        if not good:
            self.failed.append(what)

    # Watching.

    def look(self):
        """One line of what everything has, now."""
        now = {"seconds": round(time.monotonic() - self.begun, 1)}
        for what, pid in zip(("supervisor", "monitor", "worker"), self.pids):
            now[what] = dict(zip(("pss", "anonymous"), rollup(pid)))
            now[what]["reserved"] = reserved(pid)
            now[what]["fds"] = len(os.listdir("/proc/%d/fd" % pid))
        with self.gateway, open("/proc/sys/net/netfilter/nf_conntrack_count",
                                encoding="ascii") as file:
            now["conntrack"] = int(file.read())
        now["gateway_tcp"] = sockets(self.gateway)
        now["guest_tcp"] = sockets(self.guests["flooded"])
        now["slab"] = slab()
        now["connections"] = len(os.listdir("/proc/%d/fd" %
                                            self.process.pid))
        self.samples.append(now)
        if self.args.verbose:
            print(json.dumps(now), flush=True)

    def flood(self):
        """The flood, in windows."""
        with self.guests["flooded"]:
            process = self.process = subprocess.Popen([
                "nice", "-n", str(self.args.nice), self.args.flood,
                *self.gateways["flooded"],
                *[str(n) for n in (self.args.rate, self.args.connections,
                                   self.args.opened)]])
        try:
            self.begun = time.monotonic()
            self.look()
            self.fill()
            self.begun = time.monotonic()
            last, until = (self.begun + length for length in (
                self.args.seconds, self.args.on))
            running, looked = True, 0
            self.windows.append((self.begun, True))
            while time.monotonic() < last:
                time.sleep(0.1)
                now = time.monotonic()
                if now - looked >= self.args.every:
                    looked = now
                    self.look()
                if process.poll() is not None:
                    self.check("the flood runs", False, process.returncode)
                    break
                if now < until:
                    continue
                if running:
                    # In no window: what it holds up is not the flood's.
                    self.windows.append((now, None))
                    self.control()
                    now = time.monotonic()
                running = not running
                process.send_signal(signal.SIGCONT if running
                                    else signal.SIGSTOP)
                self.windows.append((now, running))
                until = now + (self.args.on if running else self.args.off)
            self.windows.append((time.monotonic(), None))
            self.look()
        finally:
            process.kill()
            process.wait()

    def fill(self):
        """Until all tables are full, and what replaces them has been used."""
        end = self.begun + FILL
        while not self.full() and time.monotonic() < end:
            time.sleep(0.5)
            self.told(self.m.netc("status", "--json", "flooded"))
        self.check("the table of pins is full", self.full(), self.pins)
        self.control()
        self.asked = self.queries()

    def full(self):
        """Whether as many pins are listed as may be, but for those that are being
        replaced."""
        return self.pins > PINS - 64

    def queries(self):
        """How many msb-dnsd had, by what it said last."""
        words = dict(zip(*[iter(self.said.split())] * 2))
        return int(words.get("queries", 0))

    def control(self):
        """The sandbox can be looked at, and its policy replaced."""
        for words in (("apply", "flooded", self.documents["flooded"]),
                      ("diff", "--live", "flooded"),
                      ("status", "--json", "flooded")):
            begun = time.monotonic()
            try:
                done = self.m.netc(*words)
            except subprocess.TimeoutExpired as expired:
                self.check("%s comes to its end" % words[0], False, expired)
                return
            took = time.monotonic() - begun
            self.slowest[words[0]] = max(self.slowest.get(words[0], 0), took)
            if done.returncode or took > CONTROL:
                self.check("%s works" % words[0], False, "%.1f s: %s%s" % (
                    took, done.stdout[-500:], done.stderr))
        self.told(done)

    def told(self, done):
        """What status has said."""
        shown = json.loads(done.stdout) if done.stdout else {}
        self.said = shown.get("dns_status", shown.get("dns", ""))
        if shown.get("dns_helper") != "alive":
            self.check("status says that msb-dnsd is there", False,
                       done.stdout + done.stderr)
        self.pins = len(shown.get("pins", []))

    def split(self, name):
        """Samples of a prober with the flood, and without."""
        split = {True: [], False: [], None: []}
        windows = list(zip(self.windows, self.windows[1:]))
        for start, took, tries, _ in self.probers[name].samples():
            for (since, running), (until, _) in windows:
                if since + EDGE <= start and start + EDGE <= until:
                    split[running].append((took, tries))
        return split

    # Judging.

    def report(self):
        """What came of it."""
        for name in SERVERS:
            split, figures = self.split(name), {}
            split.pop(None)
            for running, samples in split.items():
                times = [took * 1000 for took, _ in samples] or [0.0]
                good = [tries for _, tries in samples if tries]
                figures[running] = (percentile(times, 0.5),
                                    percentile(times, 0.99))
                print("%-8s %-13s %7d lookups, %.3f %% answered, %.3f %% at "
                      "once; p50 %.2f ms, p99 %.2f ms" % (
                          name, "with flood" if running else "without",
                          len(samples),
                          100 * len(good) / max(len(samples), 1),
                          100 * good.count(1) / max(len(samples), 1),
                          *figures[running]))
            print("%-8s ratio         p50 %.2f, p99 %.2f" % (name, *[
                a / max(b, 1e-9) for a, b in zip(figures[True],
                                                 figures[False])]))
            answered = [tries for _, tries in split[True] + split[False]
                        if tries]
            share = len(answered) / max(
                len(split[True]) + len(split[False]), 1)
            self.check("%s is answered" % name, share >= (
                self.args.answered if name == "flooded" else 1),
                "%.3f %%" % (100 * share))
        self.memory()

    def memory(self):
        """What it was when the tables were full, and what it is."""
        soon = max(self.args.seconds / 12, self.samples[1]["seconds"])
        first = [s for s in self.samples[1:] if s["seconds"] <= soon]
        early, late = first[-1], self.samples[-1]
        for what in ("supervisor", "monitor", "worker"):
            print("%-10s %s" % (what, ", ".join(
                "%s %d KiB (%d of its own), %d descriptors" % (
                    "at %.0f s" % s["seconds"], s[what]["pss"],
                    s[what]["anonymous"], s[what]["fds"])
                for s in (self.samples[0], early, late))))
            # Right behind an "apply" there is less, for its tables are new.
            grown = [max(s[what][of] for s in self.samples[1:]) -
                     max(s[what][of] for s in first)
                     for of in ("anonymous", "pss")]
            self.check("the memory of the %s is flat" % what,
                       grown[0] <= self.args.growth,
                       "%+d KiB of its own at most, %+d KiB in proportion" %
                       tuple(grown))
            self.check("it has asked for no more", late[what]["reserved"] <=
                       early[what]["reserved"] + self.args.growth,
                       "%d KiB, was %d" % (late[what]["reserved"],
                                           early[what]["reserved"]))
            most = max(s[what]["fds"] for s in self.samples)
            self.check("its descriptors are bounded", most <=
                       {"supervisor": 32, "monitor": 32, "worker": 512}[what],
                       "%d at most" % most)
        for s in (self.samples[0], early, late):
            print("at %4.0f s: all three %d KiB; kernel: %d flows, sockets of "
                  "the gateway %s, of the guest %s, slab %s" % (
                      s["seconds"], sum(s[w]["pss"] for w in (
                          "supervisor", "monitor", "worker")), s["conntrack"],
                      s["gateway_tcp"], s["guest_tcp"], s["slab"]))
        most = max(s["connections"] for s in self.samples)
        self.check("the guest has its connections", most >= min(
            self.args.connections, self.args.opened * self.args.on / 2),
                   "%d at most" % most)

    def after(self):
        """Right behind the flood."""
        self.check("no process has ended", processes("flooded") == self.pids)
        sock = self.guests["flooded"].socket(socket.AF_INET,
                                             socket.SOCK_DGRAM)
        sock.connect((self.gateways["flooded"][0], 53))
        begun = time.monotonic()
        first = lookup(sock, 1, "after-0.pin.test")
        took = time.monotonic() - begun
        self.check("right behind the flood it answers", first,
                   "after %.1f ms, %d queries" % (took * 1000, first))
        good = [lookup(sock, 10 * n, "after-%d.pin.test" % n)
                for n in range(1, 101)]
        self.check("and goes on to", good.count(1) == 100, good)
        self.told(self.m.netc("status", "--json", "flooded"))
        print("slowest while the flood ran or was stopped: %s" % ", ".join(
            "%s %.2f s" % each for each in self.slowest.items()))
        on = self.windows[-1][0] - self.begun - sum(
            until - since for (since, running), (until, _) in zip(
                self.windows, self.windows[1:]) if running is False)
        print("%s; %d pins; %.0f queries a second while the flood ran" % (
            self.said, self.pins, (self.queries() - self.asked) / on))

    def close(self):
        for prober in self.probers.values():
            prober.close()
        for name in SERVERS:
            self.m.good("down", name)
        for stub in self.stubs:
            stub.kill()
            stub.wait()
        self.network.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="msb-netc")
    parser.add_argument("flood", help="dns_flood")
    parser.add_argument("stub", help="dns_stub")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rate", type=int, default=5000,
                        help="datagrams a second")
    parser.add_argument("--nice", type=int, default=0,
                        help="of dns_flood, so that it may have less than is "
                        "fair")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("--opened", type=int, default=1000,
                        help="connections that are opened a second")
    parser.add_argument("--on", type=float, default=6,
                        help="seconds of a window with the flood")
    parser.add_argument("--off", type=float, default=2,
                        help="seconds of a window without")
    parser.add_argument("--every", type=float, default=1,
                        help="seconds between two looks at the memory")
    parser.add_argument("--growth", type=int, default=256,
                        help="KiB that memory may grow by once the tables are "
                        "full: pages that are used for the first time (256)")
    parser.add_argument("--answered", type=float, default=0.9,
                        help="share of the flooded sandbox's own queries that "
                        "must be answered")
    parser.add_argument("--verbose", action="store_true",
                        help="print every look at the memory")
    args = parser.parse_args()
    enter_laboratory()
    for name in ("program", "flood", "stub"):
        setattr(args, name, os.path.abspath(getattr(args, name)))
    with tempfile.TemporaryDirectory(prefix="msb-flood-") as scratch:
        os.chmod(scratch, 0o755)
        flood = Flood(Machine(args.program, scratch), args, scratch)
        try:
            flood.flood()
            flood.after()
            flood.report()
        finally:
            flood.close()
    print("%d failures" % len(flood.failed))
    return 1 if flood.failed else 0


if __name__ == "__main__":
    sys.exit(main())
