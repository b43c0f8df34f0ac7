# SPDX-License-Identifier: GPL-2.0-or-later
"""dns.py - Queries per second and memory of msb-dnsd, beside others.

    dns.py [--pins] BUILD-DIRECTORY [SECONDS [WHICH...]]
    dns.py --names N BUILD-DIRECTORY [SECONDS [WHICH...]]

One guest asks its gateway over a veth pair, with dnsperf, 100 queries in flight.
What asks and what answers upstream is scheduled as batches are: it does not
interrupt what is measured.
All forwarders ask the same stub, which answers four addresses for every name,
over the loopback of the namespace that they are in. In turn: names that are asked
once, a thousand names that are asked again and again; without denied names, and
with 100,000; without pins, and with the addresses of all answers pinned; with
--pins the last alone. "us" is the processor time of the forwarder's own processes
for an answer, what the kernel does on their behalf included.
With --names it is the memory alone: at the start, and after N names, each asked
once; nobody may have more than --at-most KiB more by then.
"dnsmasq", "unbound", "dnsdist" and "dnsperf" are needed where they are asked for.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

# In place of this directory, where "dns" would be this file.
sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                           "../netns")
from lab import enter_laboratory  # noqa: E402

DENIED = 100000
PIN_SETS = [{"Set4": "b4", "Set6": "b6", "Destinations": [".bench.example.org"]}]


def denied_names():
    return ["ads%d.tracker%d.example" % (n, n % 997) for n in range(DENIED)]


class Forwarder:
    """A program under test, in the gateway's namespace."""

    def __init__(self, place, directory, build):
        self.place, self.directory, self.build = place, directory, build
        self.process = None

    def spawn(self, *command):
        log = open(os.path.join(self.directory, "log"), "wb")
        with self.place.gateway:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def pids(self):
        return [self.process.pid]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Dnsmasq(Forwarder):
    def start(self, denied, pins):
        conf = "no-resolv\nno-hosts\nserver=127.0.0.1#5300\nlisten-address=" \
            "172.16.0.1\nbind-interfaces\ncache-size=1000\n" \
            "dns-forward-max=1000\nuser=root\nkeep-in-foreground\npid-file=\n"
        conf += "".join("address=/%s/\n" % name for name in denied)
        if pins:
            conf += "nftset=/bench.example.org/4#inet#msb#b4\n"
        self.spawn("dnsmasq", "-C", self.write("dnsmasq.conf", conf))


class Unbound(Forwarder):
    def start(self, denied, pins):
        conf = """server:
  interface: 172.16.0.1
  access-control: 172.16.0.0/30 allow
  do-not-query-localhost: no
  do-daemonize: no
  use-syslog: no
  chroot: ""
  username: ""
  pidfile: ""
  module-config: "iterator"
  outgoing-range: 4096
  num-queries-per-thread: 2048
"""
        conf += "".join('  local-zone: "%s" always_nxdomain\n' % name
                        for name in denied)
        conf += "forward-zone:\n  name: \".\"\n  forward-addr: " \
            "127.0.0.1@5300\n"
        self.spawn("unbound", "-c", self.write("unbound.conf", conf))


class Dnsdist(Forwarder):
    def start(self, denied, pins):
        conf = 'setLocal("172.16.0.1:53")\nsetACL("172.16.0.0/30")\n' \
            'newServer{address="127.0.0.1:5300", sockets=8}\n' \
            'setSecurityPollSuffix("")\n' \
            'getPool(""):setCache(newPacketCache(1000))\n'
        if denied:
            names = self.write("denied", "\n".join(denied))
            conf += 'smn = newSuffixMatchNode()\nfor line in io.lines("%s") ' \
                'do smn:add(newDNSName(line)) end\naddAction(' \
                'SuffixMatchNodeRule(smn), RCodeAction(DNSRCode.NXDOMAIN))\n' \
                % names
        self.spawn("dnsdist", "--supervised", "-C",
                   self.write("dnsdist.conf", conf))


class Msb(Forwarder):
    def start(self, denied, pins):
        document = {"DefaultEgress": "allow",
                    "Nameservers": ["127.0.0.1:5300"]}
        if pins:
            document["PinSets"] = PIN_SETS
        self.daemon = dnsd.Dnsd(
            os.path.join(self.build, "libexec/msb-dnsd"), self.place)
        refused = self.daemon.configure(document, denied)
        if refused:
            raise RuntimeError(refused)

    def pids(self):
        return self.daemon.processes()

    def stop(self):
        self.daemon.stop()


FORWARDERS = {"msb-dnsd": Msb, "dnsmasq": Dnsmasq, "unbound": Unbound,
              "dnsdist": Dnsdist}
CAN_PIN = ("msb-dnsd", "dnsmasq")


def pss(pids):
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            total += next(int(line.split()[1]) for line in file
                          if line.startswith("Pss:"))
    return total


def used(pids):
    """Processor time of processes, us."""
    total = 0
    for pid in pids:
        with open("/proc/%d/schedstat" % pid, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1000


def perf(place, path, *words):
    done = place.guest.run("chrt", "-b", "0", "dnsperf", "-s",
                           "172.16.0.1", "-d", path, "-c",
                           "8", "-q", "100", "-t", "2", *words, check=False)
    found = [re.search(pattern, done.stdout) for pattern in (
        r"Queries per second:\s+([\d.]+)", r"Average Latency \(s\):\s+([\d.]+)",
        r"Queries lost:\s+(\d+)", r"Queries completed:\s+(\d+)")]
    good = re.search(r"NOERROR \d+ \(([\d.]+)%\)", done.stdout)
    if None in found:
        raise RuntimeError(done.stdout + done.stderr)
    return [float(match.group(1)) for match in found] + [
        float(good.group(1)) if good else 0.0]


def names_of(directory, kind, count=400000):
    path = os.path.join(directory, "names")
    with open(path, "w", encoding="ascii") as file:
        for n in range(count if kind == "unique" else 1000):
            file.write("h%d.bench.example.org A\n" % n)
    return path


class Running:
    """A forwarder that answers, with a directory of its own."""

    def __init__(self, place, build, which, denied, pins):
        self.place, self.which = place, which
        self.directory = tempfile.TemporaryDirectory()
        place.load(PIN_SETS if pins else [])
        self.forwarder = FORWARDERS[which](place, self.directory.name, build)
        self.forwarder.start(denied_names() if denied else [], pins)

    def __enter__(self):
        if not dnsd.wait_until(lambda: self.place.guest.run(
                "dig", "+tries=1", "+time=1", "@172.16.0.1",
                "ready.bench.example.org", check=False).returncode == 0, 30):
            self.__exit__()
            raise RuntimeError(self.which + " does not start")
        return self.directory.name

    def memory(self):
        return pss(self.forwarder.pids())

    def __exit__(self, *_):
        self.forwarder.stop()
        self.directory.cleanup()


def measure(place, args, which, denied, pins):
    running, rows = Running(place, args.build, which, denied, pins), []
    with running as directory:
        before = running.memory()
        for kind in ("unique", "hot"):
            path, pids = names_of(directory, kind), running.forwarder.pids()
            cpu = used(pids)
            row = perf(place, path, "-l", str(args.seconds))
            rows.append([kind, (used(pids) - cpu) / max(row[3], 1)] + row)
        after = running.memory()
    for kind, cpu, rate, latency, lost, _, good in rows:
        print("%-9s %-6s denied %6d pins %-3s %8.0f q/s %7.2f ms %6.1f us "
              "%5.0f lost %3.0f%% good %6d KiB at start %6d KiB after" % (
                  which, kind, denied, "yes" if pins else "no", rate,
                  latency * 1000, cpu, lost, good, before, after), flush=True)


def remember(place, args, which, pins):
    """What N names leave behind; whether it is too much."""
    running = Running(place, args.build, which, 0, pins)
    with running as directory:
        path = names_of(directory, "unique", args.names)
        before = running.memory()
        rate, _, lost, _, good = perf(place, path, "-n", "1")
        after = running.memory()
    print("%-9s pins %-3s %d names %8.0f q/s %5.0f lost %3.0f%% good %6d KiB at "
          "start %6d KiB after" % (which, "yes" if pins else "no", args.names,
                                   rate, lost, good, before, after),
          flush=True)
    return which == "msb-dnsd" and after - before > args.at_most


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("build", help="build directory")
    parser.add_argument("seconds", nargs="?", type=float, default=4)
    parser.add_argument("which", nargs="*", default=list(FORWARDERS))
    parser.add_argument("--names", type=int)
    parser.add_argument("--pins", action="store_true",
                        help="with pins alone")
    parser.add_argument("--at-most", type=int, default=12288,
                        help="KiB that msb-dnsd may grow by (12288)")
    args = parser.parse_args()
    place, grew = dnsd.Place(), False
    stub = os.path.join(args.build, "tests/bench/dns_stub")
    stub = [stub, "127.0.0.1", "5300", "batch"]
    stubs = [subprocess.Popen(stub)]
    place.gateway.run("ip", "link", "set", "lo", "up")
    with place.gateway:
        stubs.append(subprocess.Popen(stub))
    time.sleep(0.2)
    try:
        for pins in (True,) if args.pins else (False, True):
            for denied in (0, DENIED):
                for which in args.which or FORWARDERS:
                    if pins and (denied or which not in CAN_PIN):
                        continue
                    if not args.names:
                        measure(place, args, which, denied, pins)
                    elif not denied:
                        grew |= remember(place, args, which, pins)
    finally:
        for process in stubs:
            process.kill()
    return 1 if grew else 0


if __name__ == "__main__":
    enter_laboratory()
    import dnsd
    sys.exit(main())
