# SPDX-License-Identifier: GPL-2.0-or-later
"""relay.py - What a relayed connection costs, beside socat and HAProxy.

    relay.py LIBEXECDIR TCP_LOAD [--rounds N] [--seconds S] [--clients N]

All relay from a loopback address through the same link to the same server; one
after the other in each round, so that what else the machine does meets all of
them. "direct" is the same client and server over the link alone. Medians of the
rounds, and ratios of the relay to each. Peers that are not installed are left
out. Runs in namespaces of its own, as root.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "netns"))
import lab  # noqa: E402
import relay as r  # noqa: E402

PORTS = {"relay": 7001, "haproxy": 7002, "socat": 7003}
HAPROXY = """global
  nbthread 1
  maxconn 4096
defaults
  mode tcp
  option splice-auto
  option tcp-smart-accept
  timeout connect 10s
  timeout client 1h
  timeout server 1h
listen bench
  bind 127.0.0.1:%d
  server guest %s:80
"""


def pss(pids):
    """Proportional set size of processes, KiB."""
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            total += next(int(line.split()[1]) for line in file
                          if line.startswith("Pss:"))
    return total


def start_haproxy(gateway):
    with open("/run/haproxy.cfg", "w", encoding="ascii") as file:
        file.write(HAPROXY % (PORTS["haproxy"], r.GUEST[4]))
    with gateway:
        return subprocess.Popen(["haproxy", "-q", "-db", "-f",
                                 "/run/haproxy.cfg"],
                                start_new_session=True)


def start_socat(gateway):
    with gateway:
        return subprocess.Popen(
            ["socat", "-b", "131072",
             "TCP-LISTEN:%d,bind=127.0.0.1,fork,reuseaddr,backlog=4096"
             % PORTS["socat"], "TCP:%s:80" % r.GUEST[4]],
            start_new_session=True)


def main():
    lab.enter_laboratory()
    parser = argparse.ArgumentParser()
    parser.add_argument("libexec")
    parser.add_argument("load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--clients", type=int, default=8)
    args = parser.parse_args()
    lab.run("ip", "link", "set", "lo", "up")
    host = lab.Namespace("/proc/thread-self/ns/net")
    gateway, guest = r.make_link()
    for namespace in (host, gateway):
        namespace.sysctl("net/ipv4/ip_local_port_range", "1024 65535")
    with guest:
        server = subprocess.Popen([args.load, "serve", r.GUEST[4], "80"])
    relay = r.Relay(args.libexec, gateway)
    relay.apply(r.config([r.listener("127.0.0.1", "tcp", PORTS["relay"],
                                     80)]))
    peers = {"haproxy": start_haproxy, "socat": start_socat}
    running = {name: start(gateway) for name, start in peers.items()
               if shutil.which(name)}
    time.sleep(1)
    own = [relay.process.pid, relay.worker()]
    print("PSS idle, KiB: msb-supervised %d, msb-relayd %d%s" % (
        pss(own[:1]), pss(own[1:]),
        "".join(", %s %d" % (name, pss([process.pid]))
                for name, process in running.items())))

    def measure(name, what, *more):
        address = r.GUEST[4] if name == "direct" else "127.0.0.1"
        port = 80 if name == "direct" else PORTS[name]
        where = host if name == "relay" else gateway
        return float(where.run(args.load, what, address, str(port),
                               str(args.seconds), *more))

    names = ["direct", "relay"] + list(running)
    results = {}
    for round_ in range(args.rounds):
        # Turned each time: nobody always comes after the same.
        for name in names[round_ % len(names):] + names[:round_ % len(names)]:
            for what, more in (("bulk", ()), ("rate", (str(args.clients),))):
                results.setdefault((what, name), []).append(
                    measure(name, what, *more))
    for what, unit in (("bulk", "MB/s"), ("rate", "connections/s")):
        own = statistics.median(results[what, "relay"])
        for name in names:
            values = sorted(results[what, name])
            middle = statistics.median(values)
            print("%-8s %-5s %8.0f %s (%.0f to %.0f)  relay/%s %.2f" % (
                name, what, middle, unit, values[0], values[-1], name,
                own / middle))
    print("PSS after, KiB: %d" % pss([relay.process.pid, relay.worker()]))
    relay.stop()
    for process in list(running.values()) + [server]:
        process.kill()
        process.wait()


if __name__ == "__main__":
    main()
