# SPDX-License-Identifier: GPL-2.0-or-later
"""test_ports.py - Published ports and the host's loopback, with real sockets.

Each test is a function of a Machine and a Report.
"""
import concurrent.futures
import ctypes
import hashlib
import json
import os
import signal
import socket
import subprocess
import threading
import time

from lab import Namespace
from machine import PATIENCE, wait_for
from peers import (HOST, KIND, LAN, LONG, LOOPBACK, SILENCE, Echo, Network, ask,
                   connect, is_cut)
from report import main, settled, unchanged
from test_apply import Talk

GUEST = {4: "172.16.0.2", 6: "fd42:6d73:62::2"}
GATEWAY = {4: "172.16.0.1", 6: "fd42:6d73:62::1"}
# The gateway of the second sandbox.
SECOND = {4: "172.16.0.5", 6: "fd42:6d73:62:1::1"}
PIDFD_GETFD, SO_DETACH_FILTER, SO_COOKIE = 438, 27, 57
BYTES = int(os.environ.get("MSB_TRANSFER", 64 << 20))

# Another of the host's loopback addresses.
ANOTHER = "127.8.9.10"

# Each kind of Bind, and who reaches it: by (client, destination).
BINDS = {
    "127.0.0.1": {("host", LOOPBACK[4])},
    ANOTHER: {("host", ANOTHER)},
    "::1": {("host", LOOPBACK[6])},
    "0.0.0.0": {("host", LOOPBACK[4]), ("host", ANOTHER), ("host", HOST[4]),
                ("lan", HOST[4])},
    "::": {(who, to) for who in ("host", "lan") for to in HOST.values()} |
          {("host", to) for to in (*LOOPBACK.values(), ANOTHER)},
    HOST[4]: {("host", HOST[4]), ("lan", HOST[4])},
    HOST[6]: {("host", HOST[6]), ("lan", HOST[6])},
}


class Stage:
    """A host with a LAN, a sandbox "web" and a neighbour "other"."""

    def __init__(self, m, document, ports=(80,), other=False):
        self.m = m
        self.host = Namespace("/proc/thread-self/ns/net")
        self.guest = m.guest("box")
        self.network = Network()
        self.far = self.network.far
        m.good("up", "web", m.document("stage", document), "--guest-netns",
               "box")
        self.neighbour = None
        if other:
            self.neighbour = m.guest("box2")
            m.good("up", "other", m.document("other", {
                "Policy": "allow-all"} if other is True else other),
                "--guest-netns", "box2")
        self.echo = Echo(self.guest, [(p, "::", port) for p in ("tcp", "udp")
                                      for port in ports])

    def ask(self, who, *words, **options):
        namespace = {"host": self.host, "lan": self.far,
                     "guest": self.guest, "other": self.neighbour}[who]
        return ask(namespace, *words, **options)

    def ask_all(self, asked):
        """What comes of each of (who, protocol, address, port, whether it is to
        be answered), all together: what is silent is waited for once."""
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            return list(pool.map(lambda one: self.ask(
                *one[:4], patience=LONG if one[4] else SILENCE), asked))

    def apply(self, document, *words):
        return self.m.good("apply", "web", self.m.document("next", document),
                           *words)

    def status(self):
        return json.loads(self.m.netc("status", "--json", "web").stdout)

    def close(self):
        self.echo.close()
        self.m.good("down", "web")
        if self.neighbour:
            self.m.good("down", "other")
        self.network.close()
        self.host.close()


def bindings(ports):
    """PortBindings of every kind, TCP and UDP; ports by Bind."""
    return [{"Bind": bind, "HostPort": port, "GuestPort": 80,
             "Protocol": proto} for bind, port in ports.items()
            for proto in ("tcp", "udp")]


def every_bind(m, t):
    """Every Bind, protocol, family and client: reached or not, by whom."""
    ports = {bind: 8000 + i for i, bind in enumerate(BINDS)}
    stage = Stage(m, {"Rules": [], "PortBindings": bindings(ports)},
                  other=True)
    clients = [(who, to) for who, tos in (
        ("host", [*HOST.values(), *LOOPBACK.values(), ANOTHER]),
        ("lan", HOST.values()),
        # The neighbour's gateway is the host's loopback: it may go there, but
        # not to this.
        ("other", [*HOST.values(), SECOND[4], SECOND[6]])) for to in tos]
    every = [(proto, who, to) for proto in ("tcp", "udp")
             for who, to in clients]
    try:
        for bind, reached in BINDS.items():
            got = stage.ask_all([(who, proto, to, ports[bind],
                                  (who, to) in reached)
                                 for proto, who, to in every])
            for (proto, who, to), said in zip(every, got):
                one_bind(t, "%s %s from %s to %s" % (proto, bind, who, to), who,
                         to, said, (who, to) in reached)
        got = stage.ask_all([("host", proto, GUEST[v], 81, False)
                             for proto in ("tcp", "udp") for v in (4, 6)])
        t.check("nothing reaches a port that is not published", set(got) <= {
            "silent", "cut"}, got)
        for v in (4, 6):
            stage.far.run("ip", "-%d" % v, "route", "add", "%s/%d" % (
                GUEST[v], 32 if v == 4 else 128), "via", HOST[v])
        for what, who in (("nor through the host as a router", "lan"),
                          ("nor from the neighbour", "other")):
            got = stage.ask_all([(who, proto, GUEST[v], 80, False)
                                 for proto in ("tcp", "udp") for v in (4, 6)])
            t.check(what, set(got) <= {"silent", "cut"}, got)
        shown = stage.status()
        t.check("status knows them", len(shown["bindings"]) == 14 and
                {b["served"] for b in shown["bindings"]} ==
                {"relay", "dnat", "dnat, relay"} and
                shown["helpers"] == "alive", shown)
    finally:
        stage.close()


def one_bind(t, what, who, to, got, reached):
    if not reached:
        t.check(what, got in ("silent", "refused", "cut"), got)
        return
    v = 6 if ":" in to else 4
    peer = GATEWAY[v] if to in (*LOOPBACK.values(), ANOTHER) else (
        LAN[v] if who == "lan" else HOST[v])
    t.check(what, got == (peer, 80), got)


def ingress(m, t):
    """Who may come in is decided on the real peer, in kernel and relay."""
    ports = {"::": 8080}
    publish = {"PortBindings": bindings(ports)}

    def rule(action, peer):
        return {"Action": action, "Direction": "ingress", "Destination": peer}

    cases = (
        ("deny the LAN's machine", [rule("deny", LAN[4]), rule(
            "deny", LAN[6])], "allow", {"host", "loopback"}),
        ("deny loopback", [rule("deny", "loopback")], "allow",
         {"host", "lan"}),
        ("only the LAN", [rule("allow", LAN[4]), rule("allow", LAN[6])],
         "deny", {"lan"}),
        ("only 127.0.0.1 and ::1", [rule("allow", "127.0.0.1"), rule(
            "allow", "::1")], "deny", {"loopback"}),
        ("another port", [dict(rule("deny", "*"), Port="81")], "allow",
         {"host", "lan", "loopback"}),
        ("this port", [dict(rule("deny", "*"), Port="80")], "allow", set()),
    )
    stage = Stage(m, {"Rules": [], **publish})
    try:
        for what, rules, default, allowed in cases:
            stage.apply({"Rules": rules, "DefaultIngress": default,
                         **publish})
            every = [(who, client, tos[v], v, proto) for who, client, tos in (
                ("loopback", "host", LOOPBACK), ("host", "host", HOST),
                ("lan", "lan", HOST))
                for v in (4, 6) for proto in ("tcp", "udp")]
            # One that is cut is answered too.
            all_got = stage.ask_all([
                (client, proto, to, 8080, who in allowed or
                 (who, proto) == ("loopback", "tcp"))
                for who, client, to, _, proto in every])
            for (who, _, _, v, proto), got in zip(every, all_got):
                name = "%s: %s from %s, IPv%d" % (what, proto, who, v)
                if who in allowed:
                    t.check(name, got[1] == 80, got)
                elif who == "loopback" and proto == "tcp":
                    t.check(name, got in ("cut", "refused"), got)
                else:
                    t.check(name, got == "silent", got)
    finally:
        stage.close()


def first_secret(m, t):
    """Port 80 of the host is msb-tlsd's from then on, which reads what goes there."""
    rules = [{"Action": "allow", "Destination": "host", "Protocol": "tcp",
              "Ports": ["80", "9001"]}]
    value = os.path.join(m.scratch, "value")
    with open(value, "w", encoding="ascii") as file:
        file.write("the-value-itself\n")
    secret = {"Rules": rules, "Secrets": [{"Name": "KEY", "ValueFile": value}]}
    stage = Stage(m, {"Rules": rules})
    servers = Echo(stage.host, [("tcp", "127.0.0.1", 80),
                                ("tcp", "127.0.0.1", 9001)])

    def said(s, data):
        try:
            s.sendall(data)
            return s.recv(100)
        except OSError as error:
            return error.__class__.__name__.encode()
    try:
        before = connect(stage.guest, "tcp", GATEWAY[4], 80)
        other = connect(stage.guest, "tcp", GATEWAY[4], 9001)
        for s in (before, other):
            s.recv(100)
            t.check("carried", said(s, b"one") == b"one")
        stage.apply(secret)
        got = said(before, b"two")
        t.check("what nobody has read is cut", got in (
            b"", b"ConnectionResetError", b"BrokenPipeError"), got)
        t.check("another port is as it was", said(other, b"two") == b"two")
        new = connect(stage.guest, "tcp", GATEWAY[4], 80)
        new.recv(100)
        t.check("a new one is carried", said(new, b"\0 $MSB_KEZ ") == b"\0 $MSB_KEZ ")
        got = said(new, b" $MSB_KEY ")
        t.check("and cut at the placeholder", got in (
            b"", b"ConnectionResetError"), got)
        new.close()
        stage.apply({"Rules": rules})
        again = connect(stage.guest, "tcp", GATEWAY[4], 80)
        again.recv(100)
        t.check("without secrets nobody reads", said(again, b" $MSB_KEY ") == b" $MSB_KEY ")
        for s in (before, other, again):
            s.close()
    finally:
        servers.close()
        stage.close()


def host_egress(m, t):
    """The gateway is the host's loopback: 127.0.0.1, then ::1."""
    allow = [{"Action": "allow", "Destination": "host", "Ports": [
        "9001-9004"]}]
    stage = Stage(m, {"Rules": allow})
    servers = Echo(stage.host, [(p, a, port) for p in ("tcp", "udp")
                                for a, port in (
                                    ("127.0.0.1", 9001), ("::1", 9002),
                                    ("127.0.0.1", 9003), ("::1", 9003),
                                    ("127.0.0.1", 9005))])
    try:
        for v in (4, 6):
            for proto in ("tcp", "udp"):
                name = "%s, IPv%d: " % (proto, v)
                for port, peer in ((9001, "127.0.0.1"), (9002, "::1"),
                                   (9003, "127.0.0.1")):
                    begun = time.monotonic()
                    got = stage.ask("guest", proto, GATEWAY[v], port,
                                    patience=LONG)
                    took = time.monotonic() - begun
                    t.check(name + str(port), got == (peer, port), got)
                begun = time.monotonic()
                got = stage.ask("guest", proto, GATEWAY[v], 9004, patience=LONG)
                # As soon as somebody there would have answered.
                t.check(name + "nobody there is refused", got in (
                    "refused", "cut") and time.monotonic() - begun <
                        1 + 20 * took, got)
                got = stage.ask("guest", proto, GATEWAY[v], 9005,
                                patience=SILENCE)
                t.check(name + "not allowed is silence", got == "silent", got)
        stage.apply({"Rules": allow, "MaxConnections": 50})
        got = stage.ask("guest", "tcp", GATEWAY[4], 9001, patience=LONG)
        t.check("after a change", got == ("127.0.0.1", 9001), got)
        stage.apply({"Rules": []})
        t.check("no helper is left", stage.status()["helpers"] == "none")
        got = stage.ask("guest", "tcp", GATEWAY[4], 9001, patience=SILENCE)
        t.check("and nothing goes there", got == "silent", got)
    finally:
        servers.close()
        stage.close()


def host_is_no_way_round(m, t):
    """The host's loopback leads a guest to no published port, nor its own."""
    ports = {"127.0.0.1": 8100, "::1": 8101, "0.0.0.0": 8102, "::": 8103}
    allow = {"Action": "allow", "Destination": "host"}
    stage = Stage(m, {"Rules": [allow], "PortBindings": bindings(ports)},
                  other={"Rules": [allow], "MaxConnections": 500})
    servers = Echo(stage.host, [(p, a, 9001) for p in ("tcp", "udp")
                                for a in LOOPBACK.values()])
    try:
        for who, gateway in (("other", SECOND), ("guest", GATEWAY)):
            for proto in ("tcp", "udp"):
                for v in (4, 6):
                    what = "%s, %s over IPv%d: " % (who, proto, v)
                    served, *others = stage.ask_all(
                        [(who, proto, gateway[v], 9001, True)] +
                        [(who, proto, gateway[v], port, False)
                         for port in ports.values()])
                    t.check(what + "a server of the host", served ==
                            ("127.0.0.1", 9001), served)
                    for bind, got in zip(ports, others):
                        t.check(what + bind, got in ("silent", "refused",
                                                     "cut"), got)
        for bind, port in ports.items():
            to = LOOPBACK[6 if bind == "::1" else 4]
            for proto in ("tcp", "udp"):
                got = stage.ask("host", proto, to, port, patience=LONG)
                t.check("the host itself: %s %s" % (proto, bind), got[1] == 80,
                        got)
    finally:
        servers.close()
        stage.close()


def stolen(pid):
    """Sockets of another process by descriptor, as doubles of our own."""
    libc = ctypes.CDLL(None, use_errno=True)
    process, found = os.pidfd_open(pid), []
    for name in os.listdir("/proc/%d/fd" % pid):
        if not os.readlink("/proc/%d/fd/%s" % (pid, name)).startswith(
                "socket:"):
            continue
        fd = libc.syscall(PIDFD_GETFD, process, int(name), 0)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "pidfd_getfd")
        found.append(socket.socket(fileno=fd))
    os.close(process)
    return found


def abused(made, to, patience):
    """What a worker's socket hears that is connected anew, without powers."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        said = b""
        try:
            os.setresgid(64231, 64231, 64231)
            os.setresuid(64231, 64231, 64231)
            for option in (socket.SO_BINDTODEVICE, SO_DETACH_FILTER):
                try:
                    made.setsockopt(socket.SOL_SOCKET, option, b"\0" * 4)
                except OSError:
                    pass
            made.settimeout(patience)
            ctypes.CDLL(None).connect(made.fileno(), b"\0" * 16, 16)
            made.connect(to)
            made.send(b"?")
            said = made.recv(100)
        except OSError:
            pass
        os.write(write, said)
        os._exit(0)
    os.close(write)
    said = os.read(read, 100)
    os.close(read)
    os.waitpid(child, 0)
    return said


def host_sockets(m, t):
    """A socket made for a worker leads it to the one port, whatever it does."""
    stage = Stage(m, {"Rules": [{"Action": "allow", "Destination": "host",
                                 "Port": "9001"}], "PortBindings": [
        {"Bind": "0.0.0.0", "HostPort": port, "GuestPort": 80,
         "Protocol": proto} for port, proto in (
             (8110, "tcp"), (8111, "tcp"), (8112, "udp"))]})
    seen = set()
    servers = [Echo(stage.host, [(p, "127.0.0.1", port) for p in (
        "tcp", "udp") for port in (9001, 9005)]), Echo(stage.far, [
            (p, LAN[4], port) for p in ("tcp", "udp")
            for port in (9001, 9005)])]
    try:
        for proto in ("tcp", "udp"):
            for to, good in ((("127.0.0.1", 9001), True),
                             (("127.0.0.1", 9005), False),
                             ((LAN[4], 9001), False), ((LAN[4], 9005), False)):
                flow = connect(stage.guest, proto, GATEWAY[4], 9001)
                t.check("a flow: " + proto, b" 9001" in heard(flow, b"x"))
                relayd = relayd_of(stage)
                doubles = stolen(relayd)
                # UDP flows stay for a while.
                [made] = [s for s in doubles if s.type == KIND[proto] and
                          peer_of(s) == ("127.0.0.1", 9001) and
                          cookie(s) not in seen]
                seen.add(cookie(made))
                # It would hear some of the answers.
                os.kill(relayd, signal.SIGSTOP)
                said = abused(made, to, LONG if good else 0.3)
                os.kill(relayd, signal.SIGCONT)
                t.check("%s, connected anew to %s %d" % (proto, *to),
                        bool(said) == good, said)
                for s in doubles:
                    s.close()
                flow.close()
        # The same with those that listen.
        doubles = stolen(relayd_of(stage))
        for port, to in ((8110, ("127.0.0.1", 9005)), (8111, (LAN[4], 9001)),
                         (8112, (LAN[4], 9001))):
            [made] = [s for s in doubles if s.family == socket.AF_INET and
                      s.getsockname() == ("0.0.0.0", port)]
            said = abused(made, to, 0.3)
            t.check("that of port %d, to %s %d" % (port, *to), not said, said)
        for s in doubles:
            s.close()
    finally:
        for server in servers:
            server.close()
        stage.close()


def cookie(s):
    """What tells a socket from every other, whatever becomes of it."""
    return s.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8)


def peer_of(s):
    try:
        return s.getpeername()[:2]
    except OSError:
        return None


def collisions(m, t):
    """A port that is taken: refused before anything is changed, by name."""
    network = Network()
    host = Namespace("/proc/thread-self/ns/net")
    m.guest("box")
    m.guest("other")
    m.good("up", "web", m.document("web", {"Rules": [], "PortBindings": [
        {"HostPort": 8080, "GuestPort": 80},
        {"Bind": HOST[4], "HostPort": 8081, "GuestPort": 80},
        {"Bind": "0.0.0.0", "HostPort": 8082, "GuestPort": 80,
         "Protocol": "udp"}]}), "--guest-netns", "box")
    taken = Echo(host, [("tcp", "127.0.0.1", 8090), ("udp", "::1", 8091)])
    before = settled(m, network.far)
    cases = (
        ("the same", "127.0.0.1", 8080, "tcp", "taken by sandbox web"),
        ("every IPv4 address", "0.0.0.0", 8080, "tcp",
         "taken by sandbox web"),
        ("every address", "::", 8080, "tcp", "taken by sandbox web"),
        ("an address that is only reserved", HOST[4], 8081, "tcp",
         "taken by sandbox web"),
        ("one of all", HOST[4], 8082, "udp", "taken by sandbox web"),
        ("a process's", "127.0.0.1", 8090, "tcp",
         "python3 (process %d)" % os.getpid()),
        ("a process's, UDP", "::", 8091, "udp",
         "python3 (process %d)" % os.getpid()),
        ("no address of the host", "198.51.100.1", 8080, "tcp",
         "the host does not have this address"),
    )
    try:
        for what, bind, port, proto, words in cases:
            path = m.document("bad", {"Rules": [], "PortBindings": [
                {"Bind": "127.0.0.1", "HostPort": 8099, "GuestPort": 80},
                {"Bind": bind, "HostPort": port, "GuestPort": 80,
                 "Protocol": proto}]})
            done = m.netc("up", "two", path, "--guest-netns", "other")
            t.check(what, done.returncode == 1 and words in done.stderr and
                    "/PortBindings/1" in done.stderr, done.stderr)
            unchanged(m, t, what, before)
        for what, bind, words in (
                ("its own", "0.0.0.0", "own /PortBindings/0"),):
            done = m.netc("apply", "web", m.document("bad", {
                "Rules": [], "PortBindings": [{
                    "Bind": bind, "HostPort": 8080, "GuestPort": 80}]}))
            t.check(what, done.returncode == 1 and words in done.stderr,
                    done.stderr)
            unchanged(m, t, what, before)
        done = m.netc("up", "two", m.document("bad", {"Ports": {
            "8099": 80}}), "--guest-netns", "other", "--helpers", "/nowhere")
        t.check("no helper there", done.returncode == 3 and
                "no msb-supervised in /nowhere" in done.stderr, done.stderr)
        m.guest("other").run("ip", "link", "set", "lo", "down")
        unchanged(m, t, "no helper there", before)
        done = subprocess.run(
            [m.program, "up", "--state", "/run/other", "two", m.document(
                "bad", {"Ports": {"8080": 80}}), "--guest-netns", "other"],
            stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
        t.check("another state's", done.returncode == 1 and
                "sandbox web of another state" in done.stderr, done.stderr)
    finally:
        taken.close()
        m.good("down", "web")
        network.close()
        host.close()


def changes(m, t):
    """Bindings come and go; connections of those that stay live on."""
    first = {"127.0.0.1": 8000, "::1": 8001, "0.0.0.0": 8002, HOST[4]: 8003}
    stage = Stage(m, {"Rules": [], "PortBindings": bindings(first)},
                  ports=(80, 81))
    try:
        lives = [connect(stage.host, "tcp", "127.0.0.1", 8000),
                 connect(stage.host, "tcp", "127.0.0.1", 8002),
                 connect(stage.far, "tcp", HOST[4], 8003)]
        gone = connect(stage.host, "tcp", "::1", 8001)
        for s in lives + [gone]:
            s.recv(100)
        del first["::1"]
        second = {**first, "::": 8004}
        stage.apply({"Rules": [], "PortBindings": bindings(second)})
        for s in lives:
            s.sendall(b"still there")
            t.check("goes on", s.recv(100) == b"still there")
        t.check("a connection of a port taken away is cut", is_cut(gone))
        t.check("the port is taken away", stage.ask(
            "host", "tcp", "::1", 8001, patience=LONG) == "refused")
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 8001))
        t.check("and one is added", stage.ask(
            "lan", "tcp", HOST[6], 8004, patience=LONG)[1] == 80)
        # The same ports, but to another port of the guest.
        other = [dict(b, GuestPort=81) for b in bindings(second)]
        stage.apply({"Rules": [], "PortBindings": other})
        for who, to, port in (("host", "127.0.0.1", 8000),
                              ("host", HOST[4], 8003), ("lan", HOST[4], 8003),
                              ("lan", HOST[4], 8002)):
            for proto in ("tcp", "udp"):
                got = stage.ask(who, proto, to, port, patience=LONG)
                t.check("another guest port: %s %s %d" % (proto, to, port),
                        got[1] == 81, got)
        for s in lives:
            s.close()
    finally:
        stage.close()


def heard(s, data, patience=LONG):
    """What comes back on a socket that talks to an Echo; b"" is nothing."""
    s.settimeout(patience)
    try:
        s.send(data)
        return s.recv(100)
    except OSError:
        return b""


def flows_of_ports(m, t):
    """What the kernel keeps of a flow does not outlive its port's change."""
    binds = [{"Bind": bind, "HostPort": port, "GuestPort": 80,
              "Protocol": proto} for bind, port in (
                  (HOST[4], 8003), (HOST[6], 8004), ("::", 8005))
             for proto in ("tcp", "udp")]
    # The guest is reached at its port all the time, by this one.
    stays = [{"Bind": "0.0.0.0", "HostPort": 8009, "GuestPort": 80,
              "Protocol": proto} for proto in ("tcp", "udp")]
    tos = [(HOST[4], 8003), (HOST[6], 8004), (HOST[4], 8005), (HOST[6], 8005)]
    stage = Stage(m, {"Rules": [], "PortBindings": stays})
    try:
        early = {(who, to): connect(ns, "udp", *to) for to in tos
                 for who, ns in (("lan", stage.far), ("host", stage.host))}
        for s in early.values():
            heard(s, b"is somebody there?", 0.02)
        live = [connect(stage.far, proto, HOST[4], 8009)
                for proto in ("tcp", "udp")]
        t.check("a port that stays", all(heard(s, b"a") for s in live))
        stage.apply({"Rules": [], "PortBindings": stays + binds})
        for (who, to), s in early.items():
            t.check("UDP from before there was a port: %s to %s %d" % (
                who, *to), b" 80" in heard(s, b"and now?"))
            s.close()
        gone = [connect(ns, proto, *to) for to in tos
                for proto in ("tcp", "udp")
                for ns in (stage.far, stage.host)]
        t.check("flows by all ports", all(heard(s, b"b") for s in gone))
        stage.apply({"Rules": [], "PortBindings": stays})
        for s in gone:
            if s.type == socket.SOCK_STREAM:
                s.setblocking(False)
                try:
                    s.recv(100)
                except OSError:
                    pass
            said = heard(s, b"c", 0.1)
            t.check("cut with its port: %s" % (s.getpeername() if said else
                                               "",), said == b"", said)
            s.close()
        t.check("a port that stays goes on", all(heard(s, b"d") for s in live))
        for s in live:
            s.close()
    finally:
        stage.close()


def revoked(m, t):
    """A relayed connection that the new policy denies is cut; others stay."""
    publish = {"PortBindings": [
        {"HostPort": 8000, "GuestPort": 80},
        {"HostPort": 8001, "GuestPort": 81}]}
    stage = Stage(m, {"Rules": [], **publish}, ports=(80, 81))
    try:
        stays = connect(stage.host, "tcp", "127.0.0.1", 8000)
        goes = connect(stage.host, "tcp", "127.0.0.1", 8001)
        for s in (stays, goes):
            s.recv(100)
        for i in range(20):
            deny = [{"Action": "deny", "Direction": "ingress",
                     "Destination": "127.0.0.1", "Port": "81"}]
            stage.apply({"Rules": deny if i % 2 == 0 else [], **publish})
            stays.sendall(b"%d" % i)
            t.check("the allowed one", stays.recv(100) == b"%d" % i)
            if i == 0:
                t.check("the denied one", is_cut(goes))
        stays.close()
        goes.close()
    finally:
        stage.close()


def relayed_under_load(m, t, changes=40):
    """Relayed flows that stay allowed lose nothing while policies change."""
    publish = {"PortBindings": [
        {"HostPort": 8000, "GuestPort": 90, "Protocol": proto}
        for proto in ("tcp", "udp")]}
    rules = [{"Action": "allow", "Destination": "host", "Port": "9001"}]
    stage = Stage(m, {"Rules": rules, **publish})
    servers = [Echo(stage.guest, [(p, "0.0.0.0", 90) for p in (
        "tcp", "udp")], plain=True), Echo(stage.host, [
            (p, "127.0.0.1", 9001) for p in ("tcp", "udp")], plain=True)]
    try:
        talks = {}
        for proto, kind in (("TCP", socket.SOCK_STREAM),
                            ("UDP", socket.SOCK_DGRAM)):
            talks["published " + proto] = Talk(stage.host, kind, "127.0.0.1",
                                               8000)
            talks["host " + proto] = Talk(stage.guest, kind, GATEWAY[4], 9001)
        for i in range(changes):
            more = dict(publish)
            if i % 2 == 0:
                more["PortBindings"] = publish["PortBindings"] + [
                    {"HostPort": 8001, "GuestPort": 80}]
                more["MaxConnections"] = 100 + i
            stage.apply({"Rules": rules + rules[:i % 2], **more})
        for talk in talks.values():
            talk.end()
    finally:
        for server in servers:
            server.close()
        stage.close()
    for what, talk in talks.items():
        t.check(what + ": no error", not talk.wrong, talk.wrong)
        t.check(what + ": everything came back", talk.sent == talk.back and
                talk.sent > changes, (talk.sent, talk.back))


# --- transfers ---

def pattern(n):
    """Bytes that do not repeat soon."""
    block = hashlib.sha256(b"%d" % n).digest()
    return block * 2048


def serve(listener, wanted, answer):
    """Take one connection: read it to its end, then send back its digest."""
    peer, _ = listener.accept()
    digest, total = hashlib.sha256(), 0
    while True:
        data = peer.recv(1 << 20)
        if not data:
            break
        digest.update(data)
        total += len(data)
    answer.append((total, digest.hexdigest()))
    # The client has closed its half; ours is still open.
    for i in range(wanted // (1 << 16)):
        peer.sendall(pattern(i))
    peer.close()


def transfer(m, t):
    """Many bytes each way, half-closed between; a slow reader; a reset."""
    stage = Stage(m, {"Rules": [], "Ports": {"8080": 90}})
    listener = stage.guest.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("0.0.0.0", 90))
    listener.listen(4)
    try:
        answer = []
        server = threading.Thread(target=serve, args=(listener, BYTES, answer),
                                  daemon=True)
        server.start()
        client = connect(stage.host, "tcp", "127.0.0.1", 8080)
        sent = hashlib.sha256()
        for i in range(BYTES // (1 << 16)):
            client.sendall(pattern(i))
            sent.update(pattern(i))
        client.shutdown(socket.SHUT_WR)
        got, total, slow = hashlib.sha256(), 0, 0
        while True:
            # A reader that stops now and then holds everything up, and loses
            # nothing.
            if total >> 22 != slow:
                slow = total >> 22
                time.sleep(0.02 if slow < 50 else 0)
            data = client.recv(1 << 18)
            if not data:
                break
            got.update(data)
            total += len(data)
        client.close()
        server.join(LONG)
        t.check("all came to the guest", answer == [(BYTES,
                                                     sent.hexdigest())],
                answer)
        t.check("all came back", (total, got.hexdigest()) ==
                (BYTES, sent.hexdigest()), total)
        client = connect(stage.host, "tcp", "127.0.0.1", 8080)
        peer, _ = listener.accept()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                          b"\1\0\0\0\0\0\0\0")
        client.sendall(b"last words")
        t.check("before the reset", peer.recv(100) == b"last words")
        client.close()
        peer.settimeout(LONG)
        try:
            said = peer.recv(100)
        except OSError as error:
            said = error.errno
        t.check("a reset is passed on", said == 104, said)
        peer.close()
    finally:
        listener.close()
        stage.close()


# --- helpers that die ---

def pids(name):
    """Processes by their name that are alive and have this network."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/stat" % pid, encoding="ascii") as file:
                text = file.read()
            with open("/proc/%s/cmdline" % pid, encoding="ascii") as file:
                line = file.read()
            if "(%s)" % name in text and text.rpartition(")")[2].split()[
                    0] not in "ZX" and "--name\0web" in line and (
                        name == "msb-relayd" or os.stat(
                            "/proc/%s/ns/net" % pid).st_ino == os.stat(
                                "/proc/self/ns/net").st_ino):
                found.append(int(pid))
        except OSError:
            # It has ended since it was listed.
            continue
    return found


def relayd_of(stage):
    """The worker's process number, as status has it."""
    return int(stage.status()["helper_status"].split()[1])


def killed_helpers(m, t):
    """A worker is back at once; a supervisor when apply is asked for it."""
    document = {"Rules": [{"Action": "allow", "Destination": "host",
                           "Port": "9001"}], "Ports": {"8080": 80}}
    stage = Stage(m, document)
    try:
        begun = time.monotonic()
        worker = relayd_of(stage)
        took = time.monotonic() - begun
        os.kill(worker, signal.SIGKILL)
        begun = time.monotonic()
        t.check("the worker is back", wait_for(lambda: stage.ask(
            "host", "tcp", "127.0.0.1", 8080, patience=LONG) ==
                                               (GATEWAY[4], 80)))
        # By what it takes a program to start here and now.
        t.check("within a second", time.monotonic() - begun < 1 + 20 * took)
        shown = stage.status()
        t.check("status counts it", "restarts 1" in shown["helper_status"]
                and shown["health"] == "ok", shown)
        [supervisor] = pids("msb-supervised")
        worker = relayd_of(stage)
        os.kill(supervisor, signal.SIGKILL)
        t.check("its worker dies with it", wait_for(
            lambda: not os.path.exists("/proc/%d/fd/0" % worker) or
            worker not in pids("msb-relayd")))
        done = m.netc("status", "--json", "web")
        shown = json.loads(done.stdout)
        t.check("status says so", done.returncode == 1 and
                shown["health"] == "broken" and "msb-supervised" in
                shown["missing"] and shown["helpers"] == "dead", shown)
        t.check("nothing is served", stage.ask(
            "host", "tcp", "127.0.0.1", 8080, patience=LONG) == "refused")
        got = stage.ask("guest", "tcp", GATEWAY[4], 9001, patience=LONG)
        t.check("the host is not reached", got in ("refused", "cut"), got)
        made = json.loads(stage.apply(document, "--json"))
        t.check("apply starts another", made["helpers"] == "start", made)
        t.check("which serves", stage.ask(
            "host", "tcp", "127.0.0.1", 8080, patience=LONG) == (GATEWAY[4], 80))
        t.check("and is well", stage.status()["health"] == "ok")
        [supervisor] = pids("msb-supervised")
        os.kill(supervisor, signal.SIGSTOP)
    finally:
        stage.close()
    t.check("down ends one that hangs", not pids("msb-supervised"))
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 8080))


def run_command(m, t):
    """The ports of a throw-away sandbox go with it."""
    path = m.document("run", {"Rules": [], "Ports": {"8080": 80}})
    script = ("import socket;s=socket.socket();s.bind(('0.0.0.0',80));"
              "s.listen();print('go',flush=True);s.accept()[0].send(b'hi')")
    process = m.start("run", path, "--", "/usr/bin/python3", "-c", script)
    process.stdout.readline()
    # It can be changed like any other.
    [name] = m.names()
    m.good("apply", name, m.document("run", {"Rules": [], "Ports": {
        "8080": 80, "8081": 80}}))
    t.check("still running", json.loads(m.good("status", "--json"))[0][
        "health"] == "running")
    with socket.create_connection(("127.0.0.1", 8080), timeout=LONG) as s:
        t.check("served", s.recv(10) == b"hi")
    t.check("its exit status", process.wait(timeout=PATIENCE) == 0)
    process.communicate()
    t.check("nothing listens any more", ask(Namespace(
        "/proc/thread-self/ns/net"), "tcp", "127.0.0.1", 8080,
                                            patience=LONG) == "refused")
    t.check("nothing is listed", m.names() == [])


if __name__ == "__main__":
    main(__doc__, (every_bind, ingress, host_egress, first_secret,
                   host_is_no_way_round, host_sockets, collisions, changes,
                   flows_of_ports, revoked, relayed_under_load, transfer,
                   killed_helpers, run_command))
