# SPDX-License-Identifier: GPL-2.0-or-later
"""secrets.py - What secrets cost: the same flows with none, 1, 10 and 100.

    secrets.py MSB-NETC TLS_LOAD [--rounds N] [--seconds S] [--secrets N,...]
        [--only NAME,...]

    box0   -- guest0 [msb-n0]   uplink0 --\\
    box10  -- guest0 [msb-n10]  uplink0 --[host] far0 -- eth0 [far] nginx
    ...

A sandbox for each number of secrets, all at the same time, and one measured after
the other in each round, which begins with another each time. Every request has a
placeholder in its Authorization, which is a text like others where there are no
secrets. Medians of the rounds, and their ratio to those without secrets; and the
processor time of msb-tlsd for each request, connection or MB, which the machine's
other work changes less. Client is h2load (nghttp2-client), for new connections
tls_load.

    request     small ones, 8 connections; in HTTP/2 10 at a time on each
    latency     one at a time, on one connection
    connect     a new connection for each, HTTP/1.1
    down, up    bodies of 16 MB, 2 connections

Runs in namespaces of its own, as root.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                           "..", "netns")
import lab  # noqa: E402
from machine import Machine, wait_for  # noqa: E402

NAME, NAME_SERVER = "api.example.com", "192.0.2.53"
SERVER, SERVER_OF_LOAD = "198.51.100.10", "198.51.100.11"
BODY = 16 << 20
FLOWS = {  # name: (protocols, unit, octets of a body)
    "request": (("h1", "h2"), "requests/s", 0),
    "latency": (("h1", "h2"), "requests/s", 0),
    "connect": (("h1",), "connections/s", 0),
    "down": (("h1", "h2"), "MB/s", BODY),
    "up": (("h1", "h2"), "MB/s", BODY),
}
# What is sent is read to its end before it is answered.
NGINX = """daemon off;
worker_processes 2;
pid %(dir)s/nginx.pid;
error_log %(dir)s/nginx-error.log crit;
user root;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path %(dir)s;
  proxy_temp_path %(dir)s;
  fastcgi_temp_path %(dir)s;
  uwsgi_temp_path %(dir)s;
  scgi_temp_path %(dir)s;
  keepalive_requests 100000000;
  client_max_body_size 0;
  client_body_buffer_size 17m;
  server {
    listen %(address)s:443 ssl http2;
    ssl_certificate %(chain)s;
    ssl_certificate_key %(key)s;
    root %(dir)s;
    location = / { return 200 "an answer of some octets\\n"; }
    location = /up { proxy_pass http://unix:%(dir)s/up.socket:/; }
  }
  server {
    listen unix:%(dir)s/up.socket;
    location / { return 200 "read\\n"; }
  }
}
"""


def processes(name):
    """Those of msb-tlsd that a sandbox has."""
    from tls.table import helper_pids
    inode = "net:[%d]" % os.stat("/run/netns/msb-" + name).st_ino
    return [p for p in helper_pids("msb-tlsd")
            if os.readlink("/proc/%d/ns/net" % p) == inode]


def ran(pids):
    """Seconds that processes have run."""
    total = 0
    for pid in pids:
        with open("/proc/%d/schedstat" % pid, encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


class Bench:
    def __init__(self, args, scratch):
        from dnsd import Server
        from peers import Network
        from tls import pki
        from tls.world import answer, names_of_certificates
        self.args, self.scratch = args, scratch
        self.machine = Machine(os.path.abspath(args.program), scratch)
        self.pki = pki.World(os.path.join(scratch, "pki"),
                             names_of_certificates())
        self.network = Network()
        far = self.network.far
        far.run("ip", "link", "set", "lo", "up")
        for address in (SERVER, SERVER_OF_LOAD):
            far.run("ip", "addr", "add", address + "/32", "dev", "lo")
        lab.run("ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.2")
        lab.run("ip", "addr", "add", NAME_SERVER + "/32", "dev", "lo")
        self.names_server = Server(NAME_SERVER, answer)
        for name in ("down", "up.body"):
            with open(os.path.join(scratch, name), "wb") as file:
                file.write(os.urandom(BODY))
        os.chmod(os.path.join(scratch, "pki"), 0o755)
        good = self.pki.certificates["good"]
        path = os.path.join(scratch, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(NGINX % {"dir": scratch, "address": SERVER,
                                "chain": good.chain, "key": good.key})
        with far:
            self.nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", path, "-p",
                                           scratch])
            self.server = subprocess.Popen(
                [args.load, "serve", SERVER_OF_LOAD, "443", good.chain,
                 good.key])
        if not wait_for(lambda: ":443 " in far.run("ss", "-Htln"), 10):
            raise RuntimeError("nginx does not start")
        self.guests, self.pids = {}, {}
        for count in args.secrets:
            self.up(count)

    def up(self, count):
        name = "n%d" % count
        value = os.path.join(self.scratch, "value")
        with open(value, "w", encoding="ascii") as file:
            file.write("sk-live-0123456789abcdef0123456789abcdef\n")
        document = {
            "DefaultEgress": "allow", "DNS": {"Nameservers": [NAME_SERVER]},
            "TLS": {"UpstreamCACerts": [self.pki.root.path]},
            "Secrets": [{"Name": "SECRET_%03d" % n, "ValueFile": value,
                         "AllowedHosts": [NAME]} for n in range(count)]}
        guest = self.machine.guest("box%d" % count)
        self.machine.good("up", name, self.machine.document(name, document),
                          "--guest-netns", "box%d" % count)
        guest.sysctl("net/ipv4/ip_local_port_range", "1024 65535")
        self.guests[count], self.pids[count] = guest, processes(name)

    def h2load(self, count, protocol, what):
        """(done a second, p50, p99 in us, processor us for each)"""
        log = os.path.join(self.scratch, "h2load.log")
        if os.path.exists(log):
            os.unlink(log)
        path, options = "/", ["-D", str(self.args.seconds), "-c", "8", "-m",
                              "10" if protocol == "h2" else "1"]
        if what == "latency":
            options = ["-D", str(self.args.seconds), "-c", "1", "-m", "1"]
        elif what in ("down", "up"):
            path = "/" + what
            options = ["-n", str(self.args.bodies), "-c", "2", "-m", "1",
                       "-w", "20", "-W", "24"]
            if what == "up":
                options += ["-d", os.path.join(self.scratch, "up.body")]
        if protocol == "h1":
            options.append("--h1")
        before, start = ran(self.pids[count]), time.monotonic()
        done = self.guests[count].run(
            "h2load", *options, "--log-file=" + log, "--connect-to=%s:443" %
            SERVER, "-H", "authorization: Bearer $MSB_SECRET_000",
            "https://%s%s" % (NAME, path), check=False)
        took, spent = time.monotonic() - start, ran(self.pids[count]) - before
        said = re.search(r"finished in ([\d.]+)(m?s)", done.stdout)
        if said:
            took = float(said[1]) / (1000 if said[2] == "ms" else 1)
        with open(log, encoding="ascii") as file:
            made = [int(line.split()[2]) for line in file
                    if line.split()[1] == "200"]
        if done.returncode or len(made) < 2:
            print("%d secrets, %s, %s: %s" % (count, protocol, what,
                                              done.stdout[-400:]),
                  file=sys.stderr)
            return None
        made.sort()
        units = len(made) * (BODY / 1e6 if what in ("down", "up") else 1)
        return (units / took, made[len(made) // 2],
                made[len(made) * 99 // 100], spent / units * 1e6)

    def connect(self, count):
        before = ran(self.pids[count])
        start = time.monotonic()
        done = self.guests[count].run(
            self.args.load, "connect", SERVER_OF_LOAD, "443", NAME,
            str(self.args.seconds), "8", check=False)
        took = time.monotonic() - start
        if done.returncode:
            print("%d secrets, connect: %s" % (count, done.stderr[-400:]),
                  file=sys.stderr)
            return None
        made = [float(word) for word in done.stdout.split()]
        spent = ran(self.pids[count]) - before
        return made[0], made[2], made[3], spent / (made[0] * took) * 1e6

    def measure(self, count, protocol, what):
        if what == "connect":
            return self.connect(count)
        return self.h2load(count, protocol, what)

    def close(self):
        for count in self.guests:
            self.machine.good("down", "n%d" % count)
        self.nginx.terminate()
        self.nginx.wait()
        self.server.kill()
        self.server.wait()
        self.names_server.close()
        self.network.close()


def show(bench, args):
    counts, results = args.secrets, {}
    flows = [(what, protocol) for what in FLOWS for protocol in FLOWS[what][0]
             if not args.only or what in args.only.split(",")]
    for turn in range(args.rounds):
        for what, protocol in flows:
            at = turn % len(counts)
            for count in counts[at:] + counts[:at]:
                made = bench.measure(count, protocol, what)
                if made:
                    results.setdefault((what, protocol, count), []).append(made)
    print("%-10s %-3s %8s %10s %9s %9s %9s   %s" % (
        "", "", "secrets", "", "p50 us", "p99 us", "cpu us",
        "of what is without secrets: done, p50, cpu"))
    for what, protocol in flows:
        first = None
        for count in counts:
            rounds = results.get((what, protocol, count))
            if not rounds:
                print("%-10s %-3s %8d fails" % (what, protocol, count))
                continue
            middle = [statistics.median(r[n] for r in rounds) for n in range(4)]
            first = first or (middle, rounds)
            # Of each round the two that are side by side.
            ratio = [statistics.median(
                r[n] / f[n] for r, f in zip(rounds, first[1]))
                     for n in (0, 1, 3)]
            print("%-10s %-3s %8d %10.1f %9.0f %9.0f %9.2f   %.3f %.3f %.3f"
                  "  %s" % (what, protocol, count, *middle, *ratio,
                            FLOWS[what][1]))


def main():
    lab.enter_laboratory()
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("load")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--bodies", type=int, default=16)
    parser.add_argument("--secrets", default="0,1,10,100")
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    args.load = os.path.abspath(args.load)
    args.secrets = [int(n) for n in args.secrets.split(",")]
    with tempfile.TemporaryDirectory(prefix="msb-bench-") as scratch:
        os.chmod(scratch, 0o755)
        bench = Bench(args, scratch)
        try:
            show(bench, args)
        finally:
            bench.close()


if __name__ == "__main__":
    main()
