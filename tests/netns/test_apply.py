# SPDX-License-Identifier: GPL-2.0-or-later
"""test_apply.py - Policies that are replaced while the sandbox runs.

Each test is a function of a Machine and a Report.
"""
import concurrent.futures
import contextlib
import json
import re
import socket
import struct
import subprocess
import threading
import time

from lab import Namespace, make_namespace, run
from machine import PATIENCE, STATE, wait_for
from report import listed, main, settled, unchanged

# Documents whose tables have different sets, chains, objects and modes of DNS.
NAT = {"RebindProtection": False, "Nameservers": ["192.0.2.2", "2001:db8::2"]}
RATE = {"Egress": {"Bandwidth": {"Size": 10 ** 8, "RefillTime": 10 ** 9},
                   "Ops": {"Size": 10 ** 6, "RefillTime": 10 ** 9,
                           "OneTimeBurst": 10}},
        "Ingress": {"Bandwidth": {"Size": 10 ** 8, "RefillTime": 10 ** 9,
                                  "OneTimeBurst": 5000}}}
# Enough rules that they become maps and chains of their own.
MANY = [{"Action": "deny" if i % 3 else "allow", "Destination": "10.%d.0.0/%d" %
         (i, 16 + i % 5), "Ports": [str(80 + i % 4), "8000-8%03d" % i]}
        for i in range(40)] + [{"Action": "allow", "Destination": "fd00:%x::/32" % i}
                               for i in range(20)]
DOCUMENTS = (
    {"Policy": "none"},
    {"Policy": "public-only"},
    {"Policy": "non-local", "DNS": NAT},
    {"Policy": "public-only", "DNS": NAT, "MaxConnections": 5},
    {"Policy": "non-local", "MaxConnections": 5, "RateLimiter": RATE},
    {"Rules": [{"Action": "allow", "Destination": "private"},
               {"Action": "deny", "Destination": "metadata"},
               {"Action": "allow", "Destination": "public", "Ports": [
                   "80", "443", "8000-9000"]}], "MaxConnections": 7},
    {"Rules": [{"Action": "allow", "Destination": "203.0.113.0/24"}],
     "RateLimiter": RATE, "DNS": NAT},
    {"Rules": MANY, "MaxConnections": 5},
    {"Rules": MANY[3:40:2] + MANY[:5], "DefaultEgress": "allow",
     "RateLimiter": RATE},
    # Flows are msb-tlsd's by name.
    {"DenyDomains": ["bad.test"], "MaxConnections": 5, "Rules": [
        {"Action": "allow", "Destination": "api.test", "Port": 443},
        {"Action": "allow", "Destination": "host"},
        {"Action": "allow", "Destination": "203.0.113.0/24"}]},
)


def namespaces(name):
    """Ways to run a command in the two namespaces that have a table."""
    def gateway(*command):
        with contextlib.closing(Namespace("/run/netns/msb-" + name)) as there:
            return there.run(*command)

    return {"host": run, "gateway": gateway}


def every_pair(m, t):
    """From each document to each other one: listed as it is emitted."""
    m.guest("box")
    paths = [m.document("pair%d" % i, d) for i, d in enumerate(DOCUMENTS)]
    m.good("up", "web", paths[0], "--guest-netns", "box")
    where = namespaces("web")
    t.check("one of them has maps", " vmap @" in run(
        m.program, "compile", paths[7]))
    # A way over every pair in both directions.
    way = [step for a in range(len(paths)) for b in range(a + 1, len(paths))
           for step in (b, a)]
    before = 0
    for now in way:
        m.good("apply", "web", paths[now])
        listed(t, "from %d to %d" % (before, now), "web", where)
        before = now
    with open("%s/sandboxes/web/config.json" % STATE, encoding="utf-8") as f:
        t.check("the document is kept", json.load(f) == DOCUMENTS[now])
    m.good("down", "web")


def status_follows(m, t):
    """The policy that status shows, and what has counted."""
    m.guest("box")
    m.good("up", "web", m.document("one", DOCUMENTS[0]), "--guest-netns",
           "box")
    done = json.loads(m.good("apply", "--json", "web", m.document(
        "two", DOCUMENTS[5])))
    one = json.loads(m.good("status", "--json", "web"))
    t.check("generation", done["generation"] == one["generation"], one)
    t.check("policy", one["policy"] == "3 rules, egress deny, ingress allow",
            one["policy"])
    t.check("document", one["document"].endswith("two.json"), one)
    t.check("healthy", one["health"] == "ok", one)
    t.check("said what changed", done["changed"] and not done["dry_run"] and
            "/Rules/2" in done["diff"] and done["helpers"] == "none", done)
    again = json.loads(m.good("apply", "--json", "web", m.document(
        "two", DOCUMENTS[5])))
    t.check("the same again is no change", not again["changed"] and
            again["generation"] == done["generation"], again)
    m.good("down", "web")


def dry_run(m, t):
    """Shown, asked of the kernel, and not done."""
    m.guest("box")
    m.good("up", "web", m.document("one", DOCUMENTS[1]), "--guest-netns",
           "box")
    other = m.document("two", DOCUMENTS[3])
    before = settled(m)
    text = m.good("apply", "web", other, "--dry-run")
    t.check("a diff", re.search(r"^\+.*ct count over 5", text, re.M) and
            "--- a/sandbox.nft" in text and "@@ " in text, text)
    t.check("says that it is dry", "web: would change" in text, text)
    made = json.loads(m.good("apply", "web", other, "--dry-run", "--json"))
    t.check("in JSON", made["dry_run"] and made["changed"], made)
    # Ports are bound to be asked for, and let go; no helper is started.
    ports = m.document("ports", {"Policy": "allow-all", "PortBindings": [
        {"Bind": bind, "HostPort": 8080 + i, "GuestPort": 80, "Protocol": p}
        for i, bind in enumerate(("127.0.0.1", "::1", "0.0.0.0"))
        for p in ("tcp", "udp")]})
    made = json.loads(m.good("apply", "web", ports, "--dry-run", "--json"))
    t.check("helpers and ports", made["helpers"] == "start" and
            len(made["added"]) == 6 and not made["removed"], made)
    t.check("no socket is left", not [line for line in run(
        "ss", "-Hlntu").splitlines() if ":808" in line])
    unchanged(m, t, "dry run", before)
    m.good("apply", "web", ports)
    before, sockets = settled(m), run("ss", "-Hlntu")
    made = json.loads(m.good("apply", "web", other, "--dry-run", "--json"))
    t.check("helpers and ports that go", made["helpers"] == "stop" and
            len(made["removed"]) == 6 and not made["added"], made)
    t.check("they are not gone", json.loads(m.good("status", "--json", "web"))[
        "helpers"] == "alive" and run("ss", "-Hlntu") == sockets)
    unchanged(m, t, "dry run", before)
    m.good("apply", "web", m.document("one", DOCUMENTS[1]))
    t.check("of the same document", "would not change" in m.good(
        "apply", "web", m.document("one", DOCUMENTS[1]), "--dry-run"))
    m.good("down", "web")


def refusals(m, t):
    """Refused with a reason, and nothing is changed."""
    m.guest("box")
    m.good("up", "web", m.document("one", DOCUMENTS[1]), "--guest-netns",
           "box")
    cases = (
        ("no such sandbox", "there is no sandbox", "gone", {"Policy": "none"}),
        ("an error", "[unknown-key]", "web", {"Polcy": "none"}),
        ("the IPv4 pool", "IPv4Pool of a running sandbox", "web",
         {"IPv4Pool": "10.99.0.0/16"}),
        ("the IPv6 pool", "IPv6Pool of a running sandbox", "web",
         {"IPv6Pool": "fd00:1::/48"}),
    )
    before = settled(m)
    for words in (("--slot", "3"), ("--guest-netns", "box"), ("--tap",)):
        done = m.netc("apply", "web", m.public, *words)
        t.check("%s: no option of it" % words[0], done.returncode == 2,
                done.stderr)
        unchanged(m, t, words[0], before)
    for what, words, name, document in cases:
        done = m.netc("apply", name, m.document("bad", document))
        t.check(what + ": exit status", done.returncode == 1, done.returncode)
        t.check(what + ": says why", words in done.stderr, done.stderr)
        unchanged(m, t, what, before)
    m.good("down", "web")


def faults(m, t):
    """Whatever operation fails, everything is as it was."""
    m.guest("box")
    m.good("up", "stays", m.public, "--tap")
    m.good("up", "web", m.document("one", DOCUMENTS[3]), "--guest-netns",
           "box")
    other = m.document("two", DOCUMENTS[6])
    before = settled(m)
    for n in range(1, 100):
        done = subprocess.run(
            [m.faults[1], STATE, "web", other, str(n)],
            stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
        if done.returncode == 0:
            break
        t.check("operation %d: said" % n, done.returncode == 1 and
                "fault injected at operation %d" % n in done.stderr,
                "%d: %s" % (done.returncode, done.stderr))
        unchanged(m, t, "operation %d" % n, before)
    t.check("there were operations, and an end", 7 < n < 99, n)
    listed(t, "after all", "web", namespaces("web"), alone=False)
    m.good("down", "web")
    m.good("down", "stays")


def refused_by_kernel(m, t):
    """A transaction that the kernel refuses: its own words, and no change."""
    m.guest("box")
    m.good("up", "web", m.document("one", DOCUMENTS[1]), "--guest-netns",
           "box")
    # A port that leads elsewhere already, by nobody whom we know.
    taken = "192.0.2.1 . tcp . 80"
    run("nft", "add", "element", "inet", "msb", "published4",
        "{ %s : 10.0.0.1 . 80 }" % taken)
    run("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
    before = settled(m)
    done = m.netc("apply", "web", m.document("ports", {"PortBindings": [
        {"Bind": "192.0.2.1", "HostPort": 80, "GuestPort": 80}]}))
    t.check("said", done.returncode == 3 and "nft" in done.stderr,
            "%d: %s" % (done.returncode, done.stderr))
    unchanged(m, t, "after", before)
    run("ip", "addr", "del", "192.0.2.1/32", "dev", "lo")
    run("nft", "delete", "element", "inet", "msb", "published4",
        "{ %s }" % taken)
    m.good("down", "web")


def kept(m, t):
    """What counts and what is used up survives the change."""
    m.guest("box")
    base = dict(DOCUMENTS[4])
    m.good("up", "web", m.document("one", base), "--guest-netns", "box")
    gateway = namespaces("web")["gateway"]

    def handles():
        text = gateway("nft", "-a", "list", "table", "inet", "msb")
        return (re.search(r"ct count over \d+.*# handle (\d+)",
                          text).group(1),
                re.findall(r"(?:limit|quota) (\w+) \{ # handle (\d+)", text))

    before = handles()
    m.good("apply", "web", m.document("two", dict(
        base, Policy="public-only", DNS=NAT)))
    t.check("the counting rule and the limits are the same objects",
            handles() == before, (before, handles()))
    t.check("there are some", len(before[1]) >= 4, before)
    m.good("apply", "web", m.document("three", dict(base, MaxConnections=6)))
    t.check("another cap is another rule", handles()[0] != before[0])
    t.check("and the limits stay", handles()[1] == before[1])
    m.good("down", "web")


def cap_changes(m, t):
    """Open flows count against a cap that is another one."""
    guest = m.guest("box")
    base = {"Rules": [{"Action": "allow", "Destination": FAR}]}
    m.good("up", "web", m.document("cap", dict(base, MaxConnections=9)),
           "--guest-netns", "box")
    far, flows = Far(), []

    def opened():
        s = guest.socket(socket.AF_INET, socket.SOCK_STREAM)
        s.settimeout(PATIENCE)
        try:
            s.connect((FAR, ALLOWED_TCP))
        except OSError:
            s.close()
            return False
        flows.append(s)
        return True

    try:
        t.check("three", all(opened() for _ in range(3)))
        for cap, more in ((5, 2), (4, 0), (6, 1)):
            m.good("apply", "web", m.document("cap", dict(
                base, MaxConnections=cap)))
            got = 0
            while got < 9 and opened():
                got += 1
            t.check("cap of %d: %d more" % (cap, more), got == more, got)
            t.check("cap of %d: as it should be" % cap, m.good(
                "diff", "--live", "web") == "equal\n")
        gateway = namespaces("web")["gateway"]
        before = gateway("nft", "list", "chain", "inet", "msb", "cap")
        gateway("nft", "flush", "chain", "inet", "msb", "cap")
        gateway("nft", "add", "rule", "inet", "msb", "cap",
                "ct count over 8 ct state new goto full")
        t.check("one that was changed by hand is found", "+\t\tct count "
                "over 8" in m.netc("diff", "--live", "web").stdout, before)
        for _ in range(5):
            # Reset: closed for both ends at once.
            flows[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 b"\1\0\0\0\0\0\0\0")
            flows.pop().close()
        time.sleep(0.1)
        m.good("apply", "web", m.document("cap", dict(base,
                                                      MaxConnections=7)))
        got = 0
        while got < 9 and opened():
            got += 1
        t.check("those that are over do not count", got == 6, got)
    finally:
        for s in flows:
            s.close()
        far.close()
        m.good("down", "web")


# --- under load ---

ALLOWED_TCP, ALLOWED_UDP, SHAKY_TCP, SHAKY_UDP = 7001, 7002, 7003, 7004
FAR = "192.0.2.2"


class Far:
    """A machine in the LAN that echoes, and keeps what Noise says of itself."""

    def __init__(self):
        self.ns = make_namespace("far")
        run("ip", "link", "add", "far0", "type", "veth", "peer", "name",
            "eth0", "netns", "far")
        run("ip", "addr", "add", "192.0.2.1/24", "dev", "far0")
        run("ip", "link", "set", "far0", "up")
        self.ns.ip(["addr add %s/24 dev eth0" % FAR, "link set eth0 up"])
        self.ns.wait_running("eth0")
        self.numbers, self.peers = [], {}
        self.stop = threading.Event()
        self.threads, self.sockets = [], []
        for port in (ALLOWED_TCP, SHAKY_TCP):
            s = self.ns.socket(socket.AF_INET, socket.SOCK_STREAM)
            s.bind((FAR, port))
            s.listen(64)
            self._start(self._tcp, s, port)
        for port in (ALLOWED_UDP, SHAKY_UDP):
            s = self.ns.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.bind((FAR, port))
            self._start(self._udp, s, port)

    def _start(self, work, s, port):
        s.settimeout(0.2)
        self.sockets.append(s)
        self.threads.append(threading.Thread(target=work, args=(s, port),
                                             daemon=True))
        self.threads[-1].start()

    def _tcp(self, s, port):
        while not self.stop.is_set():
            try:
                peer = s.accept()[0]
            except socket.timeout:
                continue
            peer.settimeout(0.2)
            self.peers[port] = peer
            while not self.stop.is_set():
                try:
                    data = peer.recv(65536)
                    if data:
                        peer.sendall(data)
                        continue
                except socket.timeout:
                    continue
                except OSError:
                    pass
                break
            peer.close()

    def _udp(self, s, port):
        while not self.stop.is_set():
            try:
                data, peer = s.recvfrom(2048)
            except socket.timeout:
                continue
            if port == SHAKY_UDP:
                self.numbers.append(int(data))
            s.sendto(data, peer)

    def stream(self, port):
        """Bytes that the kernel has of a connection, whoever has read them."""
        # tcpi_bytes_received of struct tcp_info.
        return struct.unpack_from("=Q", self.peers[port].getsockopt(
            socket.IPPROTO_TCP, socket.TCP_INFO, 256), 128)[0]

    def close(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        for s in self.sockets:
            s.close()
        self.ns.close()
        run("ip", "netns", "delete", "far")
        run("ip", "link", "delete", "far0", check=False)


class Talk:
    """A flow that never stops; the other end sends back what it gets."""

    def __init__(self, namespace, kind, address, port, pause=0.001):
        self.socket = namespace.socket(socket.AF_INET, kind)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((address, port))
        self.socket.settimeout(0.2)
        self.pause, self.silent = pause, 0
        self.sent = self.back = 0
        self.wrong = None
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=f, daemon=True) for f in (
            self._send, self._receive)]
        for thread in self.threads:
            thread.start()

    def _send(self):
        n = 0
        while not self.stop.is_set():
            # No more on the way than fit a socket, if somebody has to wait for
            # the processor: what does not fit is lost by no policy.
            if n - self.back >= 100:
                time.sleep(self.pause)
                continue
            try:
                # Each is its own number: what is lost or twice is seen.
                self.socket.sendall(b"%015d\n" % n)
            except OSError as error:
                self.wrong = "send: %s" % error
                return
            n += 1
            self.sent = n
            time.sleep(self.pause)

    def _receive(self):
        rest, n = b"", 0
        # Told to stop, the sender may still be about to count its last one.
        while self.threads[0].is_alive() or self.back < self.sent:
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                self.silent += 1
                if self.silent == PATIENCE * 5:
                    self.wrong = "nothing comes back"
                    return
                continue
            except OSError as error:
                self.wrong = self.wrong or "receive: %s" % error
                return
            self.silent = 0
            rest += data
            while len(rest) >= 16:
                if rest[:16] != b"%015d\n" % n:
                    self.wrong = "%r came for %d" % (rest[:16], n)
                    return
                rest, n = rest[16:], n + 1
                self.back = n

    def end(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(timeout=2 * PATIENCE)
        self.socket.close()


class Noise:
    """A flow that sends, whether it is let through or not: lines with their
    numbers, of which the next is self.number."""

    def __init__(self, guest, kind, port):
        self.socket = guest.socket(socket.AF_INET, kind)
        self.socket.settimeout(PATIENCE)
        self.socket.connect((FAR, port))
        self.socket.setblocking(False)
        self.number = 0
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stop.is_set():
            number, self.number = self.number, self.number + 1
            for work in (lambda: self.socket.send(b"%099d\n" % number),
                         lambda: self.socket.recv(65536)):
                try:
                    work()
                except OSError:
                    pass
            time.sleep(0.001)

    def end(self):
        self.stop.set()
        self.thread.join()
        self.socket.close()


def under_load(m, t, changes=100):
    """Nothing of an allowed flow is lost, nothing of a denied one comes."""
    guest = m.guest("box")
    both = [{"Action": "allow", "Destination": FAR, "Ports": [
        "%d-%d" % (ALLOWED_TCP, ALLOWED_UDP)]}]
    more = both + [{"Action": "allow", "Destination": FAR, "Ports": [
        "%d-%d" % (SHAKY_TCP, SHAKY_UDP)]}]
    paths = [m.document("more", {"Rules": more}),
             m.document("both", {"Rules": both})]
    m.good("up", "web", paths[0], "--guest-netns", "box")
    far = Far()
    try:
        talks = [Talk(guest, socket.SOCK_STREAM, FAR, ALLOWED_TCP),
                 Talk(guest, socket.SOCK_DGRAM, FAR, ALLOWED_UDP)]
        noises = [Noise(guest, socket.SOCK_STREAM, SHAKY_TCP),
                  Noise(guest, socket.SOCK_DGRAM, SHAKY_UDP)]
        datagrams, denied, came, streams = noises[1], [], 0, 0
        t.check("flows that are shaky are there", wait_for(
            lambda: far.numbers and SHAKY_TCP in far.peers and
            far.stream(SHAKY_TCP)))
        for i in range(changes):
            m.good("apply", "web", paths[(i + 1) % 2])
            # That one may be on its way.
            first = datagrams.number
            if i % 2:
                came += wait_for(lambda n=first: far.numbers[-1] > n)
                continue
            streams += goes_on(far)
            wait_for(lambda n=first: datagrams.number > n + 5)
            # The last one may still be about to be sent.
            denied.append(range(first, datagrams.number - 1))
        first = datagrams.number
        t.check("what came is read", wait_for(lambda: far.numbers[-1] > first))
        for flow in talks + noises:
            flow.end()
        leaked = set().union(*denied).intersection(far.numbers)
    finally:
        far.close()
    for talk, name in zip(talks, ("TCP", "UDP")):
        t.check("allowed %s: no error" % name, not talk.wrong, talk.wrong)
        t.check("allowed %s: everything came back" % name, talk.sent ==
                talk.back and talk.sent > changes, (talk.sent, talk.back))
    t.check("denied: nothing came", not leaked and not streams,
            (sorted(leaked), streams))
    t.check("there was something to come", all(denied), denied)
    t.check("allowed again: it came", came == changes // 2, came)
    m.good("down", "web")


def goes_on(far):
    """Whether a stream that is denied grows, other than by what was in a queue
    between two namespaces."""
    before = far.stream(SHAKY_TCP)
    for _ in range(50):
        time.sleep(0.02)
        after = far.stream(SHAKY_TCP)
        if after == before:
            return False
        before = after
    return True


def together(m, t):
    """Ten at once, up, changed and down: no failure, nothing left."""
    for i in range(10):
        m.guest("g%d" % i)
    before = m.look()

    def life(i):
        wrong, paths = [], []
        for j in range(4):
            # Every other one has a port of its own, and so a helper.
            document = dict(DOCUMENTS[(i + j) % len(DOCUMENTS)])
            if (i + j) % 2:
                document["Ports"] = {str(8100 + i): 80}
            paths.append(m.document("t%d-%d" % (i, j), document))
        words = [("up", "many-%d" % i, paths[0], "--guest-netns",
                  "g%d" % i)]
        words += [("apply", "many-%d" % i, path) for path in paths[1:]]
        words += [("status", "many-%d" % i), ("down", "many-%d" % i)]
        for command in words:
            done = m.netc(*command)
            if done.returncode:
                wrong.append("%s: %s" % (command, done.stderr))
        return wrong

    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        for wrong in pool.map(life, range(10)):
            t.check("all of a life", not wrong, wrong)
    for i in range(10):
        m.guest("g%d" % i).run("ip", "link", "set", "lo", "down")
    unchanged(m, t, "all down", before)
    for i in range(10):
        m.dismiss("g%d" % i)


if __name__ == "__main__":
    main(__doc__, (every_pair, status_follows, dry_run, refusals, faults,
                   refused_by_kernel, kept, cap_changes, under_load, together))
