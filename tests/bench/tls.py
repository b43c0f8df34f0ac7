# SPDX-License-Identifier: GPL-2.0-or-later
"""tls.py - What TLS costs through msb-tlsd, beside others.

    tls.py MSB-NETC TLS_LOAD [--rounds N] [--seconds S] [--clients N] [--idle N]
        [--only NAME,...] [--what KIND,...] [--congestion NAME]

    box      -- guest0 [msb-web] uplink0 --\\
                                            [host] far0 -- eth0 [far] server
    peerbox  -- guest0 [peergw]  uplink0 --/

Ours is a sandbox under "up". The others run in a gateway of the same shape, where
the guest's port 443 is redirected to them; "direct" is that gateway without
anybody. Client and server are the same, and one is measured after the other in
each round, so that what else the machine does meets all of them. Medians of the
rounds, and of the rounds' ratios of ours to each; and the processor time that each connection,
request or MB takes in the one between, with the ratio of theirs to ours, which the
machine's other work changes less. Peers that are not installed are left out.

    splice      ours, judged by the name    haproxy     TCP mode, judged by the name
    intercept   ours, decrypted             haproxy-tcp TCP mode, not looked at
    direct      forwarded                   sslsplit, mitmproxy, squid   decrypted

"--congestion" is the congestion control of all namespaces; else it is the machine's.

"haproxy" is told where the server is, and what the guest sends is redirected to it
by NAT. "haproxy-tproxy" is as ours: it has the guest's connections by TPROXY, and
dials what the guest has dialled. Neither has a ruleset in its gateway but for that.
"haproxy-ruled" is that in a gateway of ours, under the same policy: only who carries
the guest's connections is another.

Runs in namespaces of its own, as root.
"""
import argparse
import glob
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path[0] = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                           "..", "netns")
import lab  # noqa: E402
from machine import Machine, wait_for  # noqa: E402

NAME, SERVER, NAME_SERVER = "api.example.com", "198.51.100.10", "192.0.2.53"
IDLE_SERVER = "198.51.100.11"
OURS = {
    "splice": {"Rules": [{"Action": "allow", "Destination": ".example.com",
                          "Protocols": ["tcp"]}]},
    "intercept": {"Rules": [{"Action": "allow", "Destination": ".example.com",
                             "Protocols": ["tcp"]}],
                  "TLS": {"UpstreamCACerts": ["@root"]}},
}
PORTS = {"haproxy": 9001, "haproxy-tcp": 9002, "sslsplit": 9003,
         "mitmproxy": 9004, "squid": 9005, "haproxy-tproxy": 9007}
RULED = "haproxy-ruled"
PROGRAMS = {"haproxy": "haproxy", "haproxy-tcp": "haproxy",
            "sslsplit": "sslsplit", "mitmproxy": "mitmdump", "squid": "squid",
            "haproxy-tproxy": "haproxy"}
HAPROXY_DEFAULTS = """defaults
  mode tcp
  option splice-auto
  option tcp-smart-accept
  timeout connect 10s
  timeout client 1h
  timeout server 1h
"""
HAPROXY = """global
  nbthread 1
  maxconn 4096
""" + HAPROXY_DEFAULTS + """listen plain
  bind 0.0.0.0:%d
  server plain %s:443
  server idle %s:443 backup
frontend named
  bind 0.0.0.0:%d
  tcp-request inspect-delay 5s
  tcp-request content reject if !{ req.ssl_hello_type 1 }
  use_backend named if { req.ssl_sni -m end .example.com }
backend named
  server named %s:443
frontend dialled
  bind 0.0.0.0:%d transparent
  tcp-request inspect-delay 5s
  tcp-request content reject if !{ req.ssl_hello_type 1 }
  use_backend dialled if { req.ssl_sni -m end .example.com }
backend dialled
  server dialled 0.0.0.0:443
"""
# The same, where our own would be.
HAPROXY_RULED = """global
  nbthread 1
  maxconn 4096
  user haproxy
""" + HAPROXY_DEFAULTS + """frontend dialled
  bind 0.0.0.0:%d transparent
  tcp-request inspect-delay 5s
  tcp-request content reject if !{ req.ssl_hello_type 1 }
  use_backend dialled if { req.ssl_sni -m end .example.com }
backend dialled
  source %s
  server dialled 0.0.0.0:443
"""
SQUID = """http_port 127.0.0.1:9006
https_port %(port)d intercept ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB tls-cert=%(dir)s/bench.pem
sslcrtd_program /usr/lib/squid/security_file_certgen -s %(dir)s/certgen -M 4MB
acl one at_step SslBump1
ssl_bump peek one
ssl_bump bump all
http_access allow all
tls_outgoing_options cafile=%(root)s
cache deny all
access_log none
cache_log %(dir)s/squid.log
cache_store_log none
pid_filename %(dir)s/squid.pid
hosts_file %(dir)s/hosts
coredump_dir %(dir)s
netdb_filename none
cache_effective_user proxy
shutdown_lifetime 0 seconds
pinger_enable off
"""


def pss(pids):
    """Proportional set size of processes, KiB."""
    total = 0
    for pid in pids:
        try:
            with open("/proc/%d/smaps_rollup" % pid,
                      encoding="ascii") as file:
                total += next(int(line.split()[1]) for line in file
                              if line.startswith("Pss:"))
        except OSError:
            continue
    return total


def family_of(pid):
    """A process and all below it."""
    found, left = [], [pid]
    while left:
        one = left.pop()
        found.append(one)
        try:
            with open("/proc/%d/task/%d/children" % (one, one),
                      encoding="ascii") as file:
                left += [int(p) for p in file.read().split()]
        except OSError:
            pass
    return found


def cpu(pids):
    """Seconds that processes have run."""
    total = 0
    for pid in pids:
        for path in glob.glob("/proc/%d/task/*/schedstat" % pid):
            try:
                with open(path, encoding="ascii") as file:
                    total += int(file.read().split()[0])
            except OSError:
                continue
    return total / 1e9


class Peers:
    """A gateway that is made by hand, and who is in it."""

    def __init__(self, world, scratch, names):
        self.dir, self.running = scratch, {}
        self.gateway = lab.make_namespace("peergw")
        self.guest = lab.make_namespace("peerbox")
        for where, a, b, peer, own, other in (
                (lab.run, "peer0", "uplink0", "peergw", "10.99.0.1",
                 "10.99.0.2"),
                (self.gateway.run, "guest0", "eth0", "peerbox", "10.99.1.1",
                 "10.99.1.2")):
            where("ip", "link", "add", a, "type", "veth", "peer", "name", b,
                  "netns", peer)
            inner = self.gateway if peer == "peergw" else self.guest
            where("ip", "addr", "add", own + "/30", "dev", a)
            where("ip", "link", "set", a, "up")
            inner.run("ip", "addr", "add", other + "/30", "dev", b)
            inner.run("ip", "link", "set", b, "up")
            inner.run("ip", "route", "add", "default", "via", own)
        self.gateway.sysctl("net/ipv4/ip_forward", "1")
        lab.run("ip", "route", "add", "10.99.1.0/30", "via", "10.99.0.2")
        lab.run("nft", "-f", "-", text="""table ip bench {
  chain out { type nat hook postrouting priority srcnat
    ip saddr 10.99.0.0/16 oifname "far0" masquerade
  }
}
""")
        self.gateway.run("ip", "rule", "add", "fwmark", "1", "lookup", "100")
        self.gateway.run("ip", "route", "add", "local", "default", "dev", "lo",
                         "table", "100")
        self.guest.sysctl("net/ipv4/ip_local_port_range", "1024 65535")
        self.gateway.sysctl("net/ipv4/ip_local_port_range", "10000 65535")
        self.pki = world.pki
        self.ca = self.pki.authority("Bench CA")
        self.leaf = self.pki.issue("bench-leaf", self.ca, [NAME])
        with open(os.path.join(scratch, "bench.pem"), "w",
                  encoding="ascii") as file, open(
                      self.ca.key, encoding="ascii") as key:
            file.write(self.ca.pem() + key.read())
        os.chmod(os.path.join(scratch, "bench.pem"), 0o644)
        for name in names:
            if shutil.which(PROGRAMS[name]) or os.path.exists(
                    "/usr/sbin/" + PROGRAMS[name]):
                self.running[name] = getattr(
                    self, "_" + name.replace("-", "_"))()
        for name in list(self.running):
            if not wait_for(lambda n=name: self._listens(n), 30):
                raise RuntimeError("%s does not start" % name)

    def _listens(self, name):
        return ":%d " % PORTS[name] in self.gateway.run("ss", "-Htln")

    def _spawn(self, name, *command, **env):
        log = open(os.path.join(self.dir, name + ".log"), "wb")
        # In a session of its own, as our helpers are: the scheduler shares out
        # time by sessions.
        with self.gateway:
            return subprocess.Popen(command, stdout=log, stderr=log,
                                    stdin=subprocess.DEVNULL,
                                    start_new_session=True,
                                    env={**os.environ, **env})

    def _haproxy(self):
        path = os.path.join(self.dir, "haproxy.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(HAPROXY % (PORTS["haproxy-tcp"], SERVER, IDLE_SERVER,
                                  PORTS["haproxy"], SERVER,
                                  PORTS["haproxy-tproxy"]))
        return self._spawn("haproxy", "haproxy", "-q", "-db", "-f", path)

    def _haproxy_tcp(self):
        for name in ("haproxy", "haproxy-tcp", "haproxy-tproxy"):
            if name in self.running:
                return self.running[name]
        return self._haproxy()

    _haproxy_tproxy = _haproxy_tcp

    def _sslsplit(self):
        return self._spawn("sslsplit", "sslsplit", "-u", "root", "-k",
                           self.ca.key, "-c", self.ca.path, "-K",
                           self.leaf.key, "ssl", "0.0.0.0",
                           str(PORTS["sslsplit"]))

    def _mitmproxy(self):
        return self._spawn(
            "mitmproxy", "mitmdump", "-q", "--mode", "transparent",
            "--listen-port", str(PORTS["mitmproxy"]), "--set",
            "confdir=" + self.dir, "--set",
            "ssl_verify_upstream_trusted_ca=" + self.pki.root.path,
            "--set", "flow_detail=0", "--set", "stream_large_bodies=64k",
            HOME=self.dir)

    def _squid(self):
        store = os.path.join(self.dir, "certgen")
        if not os.path.exists(store):
            lab.run("/usr/lib/squid/security_file_certgen", "-c", "-s", store,
                    "-M", "4MB")
        lab.run("chown", "-R", "proxy:proxy", store)
        os.chmod(self.dir, 0o777)
        with open(os.path.join(self.dir, "hosts"), "w",
                  encoding="ascii") as file:
            file.write("%s %s\n127.0.0.1 localhost\n" % (SERVER, NAME))
        root = os.path.join(self.dir, "root.pem")
        with open(root, "w", encoding="ascii") as file:
            file.write(self.pki.root.pem())
        path = os.path.join(self.dir, "squid.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(SQUID % {"dir": self.dir, "port": PORTS["squid"],
                                "root": root})
        os.chmod(self.pki.folder, 0o755)
        return self._spawn("squid", "squid", "-N", "-d", "1", "-f", path)

    def redirect(self, name):
        """Lead the guest's port 443 to one of them, or on."""
        rule = hook = ""
        if name.endswith("-tproxy"):
            hook = "iifname \"guest0\" tcp dport 443 tproxy to :%d meta mark " \
                "set 1 accept" % PORTS[name]
        elif name != "direct":
            rule = "iifname \"guest0\" tcp dport 443 redirect to :%d" % \
                PORTS[name]
        self.gateway.run("nft", "-f", "-", text="""table ip bench
delete table ip bench
table ip bench {
  chain steer { type filter hook prerouting priority mangle
    %s
  }
  chain in { type nat hook prerouting priority dstnat
    %s
  }
  chain out { type nat hook postrouting priority srcnat
  }
}
""" % (hook, rule))

    def close(self):
        for process in set(self.running.values()):
            process.kill()
            process.wait()
        self.gateway.close()
        self.guest.close()
        for name in ("peergw", "peerbox"):
            lab.run("ip", "netns", "delete", name)


class Ruled:
    """HAProxy in the gateway of a sandbox that is up, in our helper's stead."""

    def __init__(self, gateway, scratch, address):
        self.gateway = gateway
        port = self._lead()
        path = os.path.join(scratch, "ruled.cfg")
        with open(path, "w", encoding="ascii") as file:
            file.write(HAPROXY_RULED % (port, address))
        with gateway:
            self.process = subprocess.Popen(
                ["haproxy", "-q", "-db", "-f", path],
                stdin=subprocess.DEVNULL, start_new_session=True)
        if not wait_for(lambda: ":%d " % port in gateway.run("ss", "-Htln"),
                        30):
            raise RuntimeError("HAProxy does not start in our gateway")

    def _lead(self):
        """The two rules that name who carries: other port, other owner."""
        port = 9008
        for chain, old, new in (
                ("hello", r"tproxy to :\d+", "tproxy to :%d" % port),
                ("output", r"meta mark 0x0*2 ct mark set",
                 "meta skuid haproxy ct mark set")):
            listing = self.gateway.run("nft", "-a", "list", "chain", "inet",
                                       "msb", chain)
            line = next(l for l in listing.splitlines() if re.search(old, l))
            rule, _, handle = line.partition(" # handle ")
            self.gateway.run("nft", "replace", "rule", "inet", "msb", chain,
                             "handle", handle, re.sub(old, new, rule.strip()))
        return port

    def close(self):
        self.process.kill()
        self.process.wait()


class Bench:
    def __init__(self, args, scratch):
        from tls import pki, table
        from tls.world import names_of_certificates
        self.args, self.table = args, table
        self.machine = Machine(os.path.abspath(args.program), scratch)

        class World:
            """The authorities, and the network."""
        self.world = World()
        self.world.pki = pki.World(os.path.join(scratch, "pki"),
                                   names_of_certificates())
        from peers import Network
        from dnsd import Server
        from tls.world import answer
        self.network = Network()
        far = self.network.far
        far.run("ip", "link", "set", "lo", "up")
        for address in (SERVER, IDLE_SERVER):
            far.run("ip", "addr", "add", address + "/32", "dev", "lo")
        lab.run("ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.2")
        lab.run("ip", "addr", "add", NAME_SERVER + "/32", "dev", "lo")
        self.names_server = Server(NAME_SERVER, answer)
        self.guest = self.machine.guest("box")
        good = self.world.pki.certificates["good"]
        self.servers = []
        with far:
            for kind, address in (("serve", SERVER),
                                  ("serve-many", IDLE_SERVER)):
                self.servers.append(subprocess.Popen(
                    [args.load, kind, address, "443", good.chain, good.key]))
        wanted = args.only.split(",") if args.only else \
            ["direct", *OURS, *PORTS, RULED]
        self.peers = Peers(self.world, scratch,
                           [n for n in PORTS if n in wanted])
        self.names = [n for n in wanted if n in OURS or n == "direct" or
                      n in self.peers.running or
                      n == RULED and shutil.which("haproxy")]
        self.up_name = self.ruled = None
        for one in (self.guest, far, self.peers.guest, self.peers.gateway):
            self._control(one)

    def _control(self, namespace):
        """New ones have the congestion control of the first, not of their maker."""
        if self.args.congestion:
            namespace.sysctl("net/ipv4/tcp_congestion_control",
                             self.args.congestion)

    def up(self, name):
        """Our sandbox under a document."""
        if self.up_name == name:
            return
        self.down()
        from tls.table import GATEWAY
        import dns.message
        import socket
        document = {"DNS": {"Nameservers": [NAME_SERVER]},
                    **OURS["splice" if name == RULED else name]}
        if "TLS" in document:
            document["TLS"] = {
                "UpstreamCACerts": [self.world.pki.root.path]}
        path = self.machine.document("bench", document)
        self.machine.good("up", "web", path, "--guest-netns", "box")
        self.guest.sysctl("net/ipv4/ip_local_port_range", "1024 65535")
        gateway = lab.Namespace("/run/netns/msb-web")
        self._control(gateway)
        self.up_name = name
        for asked in (NAME, "second.example.com"):
            with self.guest.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.settimeout(2)
                sock.connect((GATEWAY[4], 53))
                for _ in range(5):
                    sock.send(dns.message.make_query(asked, "A").to_wire())
                    try:
                        sock.recv(4096)
                        break
                    except TimeoutError:
                        print("%s: no answer about %s in 2 s" % (name, asked),
                              file=sys.stderr)
        if name == RULED:
            self.ruled = Ruled(gateway, self.args.scratch, GATEWAY[4])

    def down(self):
        if self.ruled:
            self.ruled.close()
            self.ruled = None
        if self.up_name:
            self.machine.good("down", "web")
            self.up_name = None

    def place(self, name):
        """Where the client of a measurement is."""
        if name in OURS or name == RULED:
            self.up(name)
            return self.guest
        self.peers.redirect(name)
        return self.peers.guest

    def measure(self, name, what):
        clients = self.args.clients if what != "bulk" else 2
        if what == "latency":
            what, clients = "request", 1
        place = self.place(name)
        pids = self.pids(name)
        start, ran = time.monotonic(), cpu(pids)
        done = place.run(
            self.args.load, what, SERVER, "443", NAME, str(self.args.seconds),
            str(clients), check=False)
        ran, took = cpu(pids) - ran, time.monotonic() - start
        if done.returncode:
            print("%s %s: %s" % (name, what, done.stderr.strip()[-200:]),
                  file=sys.stderr)
            return None
        made = [float(word) for word in done.stdout.split()]
        # What one of them takes, in microseconds of processor.
        units = (made[1] if what == "bulk" else made[0]) * took
        return made + [ran / units * 1e6 if units else 0]

    def pids(self, name):
        if name in OURS:
            return self.table.helper_pids("msb-tlsd")
        if name == "direct":
            return []
        if name == RULED:
            return family_of(self.ruled.process.pid)
        return family_of(self.peers.running[name].pid)

    def idle(self, name):
        """KiB that one idle connection takes."""
        place = self.place(name)
        before = pss(self.pids(name))
        # These are told where to go; the others see it.
        told = ("haproxy", "haproxy-tcp")
        with place:
            client = subprocess.Popen(
                [self.args.load, "idle", SERVER if name in told
                 else IDLE_SERVER, "443", NAME,
                 str(20 if name in told else self.args.idle)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True)
        line = client.stdout.readline()
        made = None
        if line.startswith("held"):
            time.sleep(1)
            made = (before, (pss(self.pids(name)) - before) /
                    int(line.split()[1]))
        client.stdin.close()
        client.wait()
        return made

    def close(self):
        self.down()
        self.peers.close()
        for server in self.servers:
            server.kill()
            server.wait()
        self.names_server.close()
        self.network.close()


UNITS = {"connect": ("connections/s", 0), "request": ("requests/s", 0),
         "bulk": ("MB/s", 1), "latency": ("requests/s, one client", 0)}


def main():
    lab.enter_laboratory()
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--idle", type=int, default=300)
    parser.add_argument("--only", default="")
    parser.add_argument("--what", default=",".join(UNITS))
    parser.add_argument("--congestion")
    args = parser.parse_args()
    args.load = os.path.abspath(args.load)
    with tempfile.TemporaryDirectory(prefix="msb-bench-") as scratch:
        os.chmod(scratch, 0o755)
        args.scratch = scratch
        bench = Bench(args, scratch)
        try:
            show(bench, args)
        finally:
            bench.close()


def ratio(ours, theirs, column):
    """The median of the rounds' ratios: what changes between rounds is in both."""
    found = [a[column] / b[column] for a, b in zip(ours, theirs)
             if a and b and b[column]]
    return statistics.median(found) if found else 0


def show(bench, args):
    results, names, spent = {}, bench.names, {}
    for round_ in range(args.rounds):
        # Turned each time: nobody always comes after the same.
        for name in names[round_ % len(names):] + names[:round_ % len(names)]:
            for what in args.what.split(","):
                results.setdefault((what, name), []).append(
                    bench.measure(name, what))
    for what in args.what.split(","):
        unit, column = UNITS[what]
        middle = {}
        for name in names:
            good = [r for r in results[what, name] if r]
            middle[name] = statistics.median(
                r[column] for r in good) if good else 0
        for name in names:
            good = [r for r in results[what, name] if r]
            if not good:
                print("%-8s %-12s fails" % (what, name))
                continue
            line = "%-8s %-12s %8.0f %s" % (what, name, middle[name], unit)
            if what != "bulk":
                line += "  p50 %.0f p99 %.0f us" % tuple(statistics.median(
                    r[n] for r in good) for n in (2, 3))
            spent[what, name] = statistics.median(r[4] for r in good)
            line += "  cpu %.1f us" % spent[what, name]
            for own in OURS:
                if own in names and name != own:
                    ours = results[what, own]
                    line += "  %s/%s %.2f" % (own, name, ratio(
                        ours, results[what, name], column))
                    if name != "direct":
                        line += " (cpu %.2f)" % ratio(results[what, name],
                                                      ours, 4)
            failed = len(results[what, name]) - len(good)
            print(line + ("  (%d rounds failed)" % failed if failed else ""))
    if args.idle:
        for name in names:
            if name in ("direct", RULED):
                continue
            made = bench.idle(name)
            print("idle     %-12s %s" % (name, "fails" if made is None else
                                         "PSS %d KiB, %.1f KiB a connection" %
                                         made))


if __name__ == "__main__":
    main()
