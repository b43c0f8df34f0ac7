# SPDX-License-Identifier: GPL-2.0-or-later
"""scenes_ports.py - Published ports, and what the gateway hands to the host."""
import ipaddress
import json
import os
import socket
import threading
import time

from lab import WORLD4, WORLD6
from scenes import FAMILIES, HOST, OTHER, WAIT, WEB
import wire

AF = {4: socket.AF_INET, 6: socket.AF_INET6}
KINDS = (("TCP", socket.SOCK_STREAM), ("UDP", socket.SOCK_DGRAM))
LAN = {4: ipaddress.ip_address(WORLD4[1]), 6: ipaddress.ip_address(WORLD6[1])}
ANY = {4: "0.0.0.0", 6: "::"}
IP_FREEBIND = 15
TRANSPARENT = {4: (socket.SOL_IP, 19), 6: (socket.IPPROTO_IPV6, 75)}
ORIGDST = {4: (socket.SOL_IP, 20), 6: (socket.IPPROTO_IPV6, 74)}
# As long as an answer that must not come is waited for.
SILENCE = 0.15


def bound(namespace, v, kind, address, port, listen=False):
    made = namespace.socket(AF[v], kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
    if v == 6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    made.bind((str(address), port))
    made.settimeout(WAIT)
    if listen and kind == socket.SOCK_STREAM:
        made.listen(64)
    return made


class Server:
    """Says to whoever asks by what address it knows him."""

    def __init__(self, namespace, v, kind, port, address=None):
        self.kind, self.done = kind, False
        self.socket = bound(namespace, v, kind, address or ANY[v], port, True)
        self.socket.settimeout(0.05)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.done:
            try:
                if self.kind == socket.SOCK_STREAM:
                    peer, address = self.socket.accept()
                    with peer:
                        peer.settimeout(WAIT)
                        peer.recv(100)
                        peer.send(address[0].encode())
                else:
                    _, address = self.socket.recvfrom(100)
                    self.socket.sendto(address[0].encode(), address)
            except OSError:
                continue

    def close(self):
        self.done = True
        self.thread.join()
        self.socket.close()


def ask(namespace, v, kind, address, port, source=None, wait=WAIT):
    """What a server says; "silence", "refused", or another error."""
    with namespace.socket(AF[v], kind) as client:
        client.settimeout(wait)
        try:
            if source:
                client.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
                client.bind((str(source), 0))
            client.connect((str(address), port))
            client.send(b"who am I?")
            return client.recv(100).decode()
        except (TimeoutError, socket.timeout):
            return "silence"
        except ConnectionError:
            return "refused"
        except OSError as error:
            return str(error)


def ports_json(sandbox, name):
    with open(os.path.join(sandbox.directory, name), encoding="utf-8") as file:
        return json.load(file)


def published_ports(stage):
    binds = [(str(HOST[4]), 8000, 80), (str(HOST[6]), 8000, 80),
             ("0.0.0.0", 8001, 81), ("::", 8002, 82), ("127.0.0.1", 8003, 83),
             ("::1", 8003, 83)]
    document = {
        "Rules": [
            {"Action": "deny", "Direction": "ingress",
             "Destination": str(OTHER[4])},
            {"Action": "deny", "Direction": "ingress",
             "Destination": str(OTHER[6])},
            {"Action": "deny", "Direction": "ingress", "Port": 82,
             "Destination": str(LAN[4])},
            {"Action": "allow"}],
        "PortBindings": [
            {"Bind": bind, "HostPort": at, "GuestPort": to, "Protocol": proto}
            for bind, at, to in binds for proto in ("tcp", "udp")]}
    s = stage.sandbox(document, 0, "a")
    other = stage.sandbox({"Policy": "allow-all"}, 1, "b")
    servers = [Server(s.guest, v, kind, port) for v in FAMILIES
               for _, kind in KINDS for port in (80, 81, 82, 83, 84)]
    world, host = stage.lab.world, stage.lab.host
    straight = [("ip", "-%d" % v, "route", "%s", str(s.guest_ip[v]), "via",
                 str(HOST[v])) for v in FAMILIES]
    for route in straight:
        world.run(*[word.replace("%s", "add") for word in route])

    def expect(what, want, *args, **options):
        if want == "silence":
            options["wait"] = SILENCE
        got = ask(*args, **options)
        stage.check("%s: %s" % (what, want), got == str(want), got)

    for v in FAMILIES:
        for name, kind in KINDS:
            what = "IPv%d %s " % (v, name)
            at = HOST[v]
            # What no binding has is the host's own, and refused by it.
            expect(what + "specific, from the LAN", LAN[v], world, v, kind,
                   at, 8000)
            expect(what + "specific, from afar", WEB[v], world, v, kind, at,
                   8000, source=WEB[v])
            expect(what + "specific, from a peer that a rule denies",
                   "silence", world, v, kind, at, 8000, source=OTHER[v])
            expect(what + "wildcard, from a peer that a rule denies",
                   "silence", world, v, kind, at, 8002, source=OTHER[v])
            expect(what + "0.0.0.0, from the LAN",
                   LAN[4] if v == 4 else "refused", world, v, kind, at, 8001)
            # The rule is about the peer and the guest's port together.
            expect(what + "::, from the LAN",
                   "silence" if v == 4 else LAN[6], world, v, kind, at, 8002)
            expect(what + "::, from afar", WEB[v], world, v, kind, at, 8002,
                   source=WEB[v])
            expect(what + "loopback's port, from the LAN", "refused", world,
                   v, kind, at, 8003)
            expect(what + "port of nobody, from the LAN", "refused", world, v,
                   kind, at, 8004)
            expect(what + "guest's port, from the LAN", "refused", world, v,
                   kind, at, 80)
            expect(what + "straight to the guest", "silence", world, v, kind,
                   s.guest_ip[v], 80)
            # The host's own clients, by an address that is not loopback.
            expect(what + "specific, from the host", HOST[v], host, v, kind,
                   at, 8000)
            expect(what + "::, from the host", HOST[v], host, v, kind, at,
                   8002)
            # By loopback there is no socket without msb-relayd.
            expect(what + "loopback is left alone", "refused", host, v, kind,
                   "127.0.0.1" if v == 4 else "::1", 8002)
            # From another sandbox, and from itself.
            expect(what + "specific, from a sandbox", "silence", other.guest,
                   v, kind, at, 8000)
            expect(what + "::, from a sandbox", "silence", other.guest, v,
                   kind, at, 8002)
            expect(what + "its own, by the host", "silence", s.guest, v, kind,
                   at, 8000)
    for route in straight:
        world.run(*[word.replace("%s", "delete") for word in route])
    # Two sandboxes cannot have the same port, nor one take the other's.
    thief = stage.compile({"PortBindings": [
        {"Bind": "0.0.0.0", "HostPort": 8001, "GuestPort": 9}]}, 1, "b")
    before = host.run("nft", "list", "table", "inet", "msb")
    taken = host.run("nft", "-f", os.path.join(thief, "host.nft"),
                     check=False)
    stage.check("a port that is taken fails the transaction",
                taken.returncode != 0 and "File exists" in taken.stderr,
                taken.stderr)
    stage.check("and changes nothing", host.run(
        "nft", "list", "table", "inet", "msb") == before)
    again = host.run("nft", "-f", os.path.join(s.directory, "host.nft"),
                     check=False)
    stage.check("its own are added again", again.returncode == 0,
                again.stderr)
    for server in servers:
        server.close()


class Relay:
    """Transparent sockets that say for whom a flow was, and to whom."""

    def __init__(self, sandbox, port=None):
        self.sandbox = sandbox
        self.port = port or ports_json(sandbox, "relay.json")[
            "HostEgress"]["Port"]
        self.done, self.sockets, self.threads = False, [], []
        self.accepted = []
        for v in FAMILIES:
            for _, kind in KINDS:
                self._open(v, kind)

    def _open(self, v, kind):
        made = self.sandbox.gateway.socket(AF[v], kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(*TRANSPARENT[v], 1)
        if v == 6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_DGRAM:
            made.setsockopt(*ORIGDST[v], 1)
        made.bind((ANY[v], self.port))
        made.settimeout(0.05)
        if kind == socket.SOCK_STREAM:
            made.listen(64)
        self.sockets.append(made)
        self.threads.append(threading.Thread(
            target=self._tcp if kind == socket.SOCK_STREAM else self._udp,
            args=(made, v), daemon=True))
        self.threads[-1].start()

    @staticmethod
    def _said(address, port, peer):
        return ("%s %d for %s" % (address, port, peer)).encode()

    def _tcp(self, listener, _):
        while not self.done:
            try:
                made, peer = listener.accept()
            except OSError:
                continue
            to = made.getsockname()
            self.accepted.append(made)
            made.settimeout(WAIT)
            try:
                made.recv(100)
                made.send(self._said(to[0], to[1], peer[0]))
            except OSError:
                pass

    def _udp(self, made, v):
        while not self.done:
            try:
                _, extra, _, peer = made.recvmsg(100, 200)
            except OSError:
                continue
            data = extra[0][2]
            port = int.from_bytes(data[2:4], "big")
            address = ipaddress.ip_address(data[4:8] if v == 4
                                           else data[8:24])
            with self.sandbox.gateway.socket(
                    AF[v], socket.SOCK_DGRAM) as back:
                back.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                # The relay's own address needs no more than that.
                if address != self.sandbox.gateway_ip[v]:
                    back.setsockopt(*TRANSPARENT[v], 1)
                back.bind((str(address), port))
                back.sendto(self._said(address, port, peer[0]), peer)

    def close(self):
        self.done = True
        for thread in self.threads:
            thread.join()
        for made in self.sockets + self.accepted:
            made.close()


def host_egress(stage):
    rules = [{"Action": "deny", "Destination": "host", "Port": 6000},
             {"Action": "allow", "Destination": "host",
              "Protocols": ["tcp", "udp"]}]
    s = stage.sandbox({"Rules": rules, "DNS": {
        "RebindProtection": False, "Nameservers": ["198.51.100.53"]}})
    after = stage.compile({"Rules": rules + [
        {"Action": "allow", "Destination": "198.51.100.1"}]})
    denies = stage.compile({"Rules": [
        {"Action": "allow", "Destination": "host", "Port": 7777}]})

    def refused_at_once(what):
        for v in FAMILIES:
            for name, kind in KINDS:
                for port in (5432, 61440):
                    got = ask(s.guest, v, kind, s.gateway_ip[v], port)
                    stage.check("IPv%d %s to port %d, %s" % (
                        v, name, port, what), got == "refused", got)

    refused_at_once("nobody listens: refused")
    relay = Relay(s)
    for v in FAMILIES:
        own, gateway = s.guest_ip[v], s.gateway_ip[v]
        for name, kind in KINDS:
            for port in (1, 80, 5432, 65535):
                got = ask(s.guest, v, kind, gateway, port)
                stage.check("IPv%d %s to port %d is steered" % (
                    v, name, port), got == "%s %d for %s" % (
                        gateway, port, own), got)
            got = ask(s.guest, v, kind, gateway, 6000, wait=SILENCE)
            stage.check("IPv%d %s to a denied port" % (v, name),
                        got == "silence", got)
        # There is a name server for one family alone.
        got = ask(s.guest, v, socket.SOCK_DGRAM, gateway, 53, wait=SILENCE)
        stage.check("IPv%d port 53 is never steered" % v,
                    got in ("silence", "refused"), got)
        # An address of the gateway that is not for the guest.
        got = ask(s.guest, v, socket.SOCK_DGRAM,
                  "169.254.62.2" if v == 4 else WEB[6], 5432, wait=SILENCE)
        stage.check("IPv%d other addresses are not steered" % v,
                    got == "silence", got)
        replaced_while_carried(stage, s, (gateway, 5432), relay,
                               (after, denies))
    relay.close()
    refused_at_once("nobody listens any more: refused")


def replaced_while_carried(stage, s, to, relay, policies):
    """A connection that a helper carries, across three policies: two that leave
    it there, and one that denies it."""
    v, (after, denies) = to[0].version, policies
    with s.guest.socket(AF[v], socket.SOCK_STREAM) as client:
        client.settimeout(WAIT)
        client.connect((str(to[0]), to[1]))
        client.send(b"x")
        client.recv(100)
        ours = relay.accepted[-1]
        for directory in (after, s.directory):
            s.replace(directory)
            try:
                # The helper is the first to send: output judges.
                ours.send(b"pushed")
                got = client.recv(100)
            except OSError as error:
                got = str(error).encode()
            stage.check("IPv%d carried connection lives, helper first" % v,
                        got == b"pushed", got)
            client.send(b"y")
            ours.settimeout(WAIT)
            try:
                got = ours.recv(100)
            except OSError as error:
                got = str(error).encode()
            stage.check("IPv%d and from the guest" % v, got == b"y", got)
        s.replace(denies)
        s.at_guest.read()
        ours.send(b"too late")
        seen = stage.sees(s.at_guest, lambda p: p.proto == wire.TCP, False)
        stage.check("IPv%d denied: nothing comes from the helper" % v,
                    not seen, seen and "port %d, flags %d: %s" % (
                        seen.sport, seen.flags(), seen.load[20:]))
        client.send(b"nor this")
        ours.settimeout(SILENCE)
        try:
            got = ours.recv(100)
        except OSError:
            got = None
        stage.check("IPv%d nor from the guest" % v, got is None, str(got))
        # But the reset that ends it does.
        s.at_guest.read()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        b"\1\0\0\0\0\0\0\0")
        ours.close()
        stage.check("IPv%d the helper's reset comes through" % v, bool(
            stage.sees(s.at_guest, lambda p: p.proto == wire.TCP and
                       p.flags() & wire.RST)))
        s.replace(s.directory)


def loopback_clients(stage):
    """What the relay opens to the guest: from the gateway's address."""
    def document(extra):
        return {"Rules": [{"Action": "deny", "Direction": "ingress"}] + extra,
                "PortBindings": [
                    {"Bind": "127.0.0.1", "HostPort": 8000, "GuestPort": 80},
                    {"Bind": "::", "HostPort": 8001, "GuestPort": 81,
                     "Protocol": "udp"},
                    {"Bind": str(HOST[4]), "HostPort": 8002,
                     "GuestPort": 82}]}
    s = stage.sandbox(document([]))
    after = stage.compile(document([{"Action": "allow"}]))
    servers = [Server(s.guest, v, kind, port) for v in FAMILIES
               for _, kind in KINDS for port in (80, 81, 82)]
    for v in FAMILIES:
        for name, kind in KINDS:
            for port in (80, 81, 82):
                want = str(s.gateway_ip[v]) if (name, port) in (
                    ("TCP", 80), ("UDP", 81)) else "silence"
                got = ask(s.gateway, v, kind, s.guest_ip[v], port,
                          wait=SILENCE if want == "silence" else WAIT)
                stage.check("IPv%d %s from the relay to port %d: %s" % (
                    v, name, port, want), got == want or (
                        want == "silence" and "permitted" in got), got)
        # One that is open goes on under another policy, from either side.
        with bound(s.guest, v, socket.SOCK_DGRAM, s.guest_ip[v],
                   9000 + v) as far:
            far.close()
        near = s.gateway.socket(AF[v], socket.SOCK_STREAM)
        with near:
            near.settimeout(WAIT)
            near.connect((str(s.guest_ip[v]), 80))
            s.replace(after)
            near.send(b"x")
            try:
                got = near.recv(100).decode()
            except OSError as error:
                got = str(error)
            stage.check("IPv%d goes on under another policy" % v,
                        got == str(s.gateway_ip[v]), got)
        s.replace(s.directory)
    for server in servers:
        server.close()


def _open(s, v, to, port):
    """A connection of the guest; or how it ended."""
    made = s.guest.socket(AF[v], socket.SOCK_STREAM)
    made.settimeout(SILENCE * 2)
    try:
        made.connect((str(to), port))
        return made, "open"
    except ConnectionError:
        made.close()
        return None, "refused"
    except OSError as error:
        made.close()
        return None, "silence" if "timed out" in str(error) else str(error)


def _say(s, v, to, port, made=None):
    """A datagram of the guest; whether it is answered."""
    made = made or s.guest.socket(AF[v], socket.SOCK_DGRAM)
    made.settimeout(SILENCE)
    made.connect((str(to), port))
    made.send(b"x")
    try:
        return made, made.recv(100) != b""
    except OSError:
        return made, False


def max_connections(stage):
    cap = 4

    def document(n, extra=()):
        rules = [{"Action": "allow", "Destination": str(WEB[v])}
                 for v in FAMILIES]
        return {"Rules": rules + list(extra) + [
            {"Action": "allow", "Destination": "host", "Port": 53}],
                "MaxConnections": n, "DNS": {
                    "RebindProtection": False,
                    "Nameservers": ["198.51.100.53"]}}
    s = stage.sandbox(document(cap))
    servers = [Server(stage.lab.world, v, kind, 7000, WEB[v])
               for v in FAMILIES for _, kind in KINDS]
    mute = bound(stage.lab.world, 4, socket.SOCK_DGRAM, WEB[4], 7999)
    server = bound(stage.lab.world, 4, socket.SOCK_STREAM, WEB[4], 7100, True)
    names = bound(stage.lab.world, 4, socket.SOCK_DGRAM, "198.51.100.53", 53)
    held = []

    def outcome(what, want):
        # What was refused is in the kernel's list for two ticks.
        time.sleep(0.05)
        made, got = _open(s, 4, WEB[4], 7100)
        if made:
            held.append(made)
        stage.check("%s: %s" % (what, want), got == want, got)

    # Names do not count.
    for _ in range(3 * cap):
        asks = s.guest.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asks.connect((str(s.gateway_ip[4]), 53))
        asks.send(b"name?")
        held.append(asks)
    stage.check("queries reach the name server", names.recv(100) == b"name?")
    for _ in range(cap - 2):
        outcome("TCP below the cap", "open")
    six, heard = _say(s, 6, WEB[6], 7000)
    stage.check("UDP below the cap", heard)
    quiet = s.guest.socket(socket.AF_INET, socket.SOCK_DGRAM)
    quiet.connect((str(WEB[4]), 7999))
    for i in range(3):
        quiet.send(b"no answer, %d" % i)
    outcome("TCP over the cap", "refused")
    _, heard = _say(s, 4, WEB[4], 7000)
    stage.check("UDP over the cap", not heard)
    time.sleep(0.05)
    made, got = _open(s, 6, WEB[6], 7000)
    stage.check("TCP over the cap, of the other family", got == "refused",
                got)
    # Those that are open go on.
    _, heard = _say(s, 6, WEB[6], 7000, six)
    stage.check("an open UDP flow goes on", heard)
    accepted = [server.accept()[0] for _ in range(cap - 2)]
    tcp = held[-1]
    tcp.send(b"still here")
    stage.check("an open one goes on", accepted[-1].recv(100) ==
                b"still here")
    # One that ends makes room for one.
    accepted[-1].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\1\0\0\0\0\0\0\0")
    accepted[-1].close()
    held.pop()
    _wait_closed(s, tcp)
    outcome("one has ended", "open")
    outcome("and one alone", "refused")
    accepted[-1] = server.accept()[0]
    for name, change in (("same rules", s.directory),
                         ("other rules", stage.compile(document(
                             cap, [{"Action": "allow",
                                    "Destination": "203.0.113.1"}])))):
        _update(s, change)
        outcome("policy replaced, %s" % name, "refused")
        for i, talk in enumerate(accepted):
            talk.send(b"ping")
            stage.check("policy replaced, %s: %d goes on" % (name, i),
                        held[i - len(accepted)].recv(100) == b"ping")
        outcome("judged again, %s" % name, "refused")
    # Another cap: the list is lost, so open flows are taken off the cap.
    live = held[-len(accepted):] + [quiet, six]
    stage.check("the cap is reached", len(live) == cap)
    s.replace(stage.compile(document(cap + 1 - len(live))))
    outcome("a higher cap, less what is open", "open")
    outcome("and one alone", "refused")
    s.replace(stage.compile(document(0)))
    outcome("none allowed", "refused")
    accepted[0].send(b"ping")
    stage.check("none allowed: open ones go on",
                held[-len(accepted) - 1].recv(100) == b"ping")
    for made in held + accepted + [server, names, quiet, mute, six]:
        made.close()
    for made in servers:
        made.close()


def _wait_closed(s, tcp):
    """Until conntrack of the gateway knows that a connection is over."""
    try:
        tcp.recv(100)
    except OSError:
        pass
    tcp.close()


def _update(s, directory):
    """Replace the rules, and leave a chain that keeps state in place."""
    with open(os.path.join(directory, "sandbox.nft"),
              encoding="utf-8") as file:
        text = file.read()
    text = text[text.index("\ntable inet msb {\n", 20) + 1:]
    chains, kept = [], []
    for block in text.split("\n\n"):
        head = block.strip("\n").splitlines()[0].strip()
        if head.startswith("table"):
            head = block.strip("\n").splitlines()[1].strip()
        if head.startswith("chain"):
            name = head.split()[1]
            (kept if name == "cap" else chains).append(name)
            if name == "cap":
                text = text.replace(block + "\n", "\tchain cap {\n\t}\n")
    flush = "".join("flush chain inet msb %s\n" % c for c in chains)
    sets = "".join("flush set inet msb %s\n" % line.split()[1]
                   for line in text.splitlines()
                   if line.startswith("\tset "))
    s.gateway.run("nft", "-f", "-", text="table inet msb {\n}\n" + flush +
                  sets + text)


class Flood:
    """Datagrams at three times a rate, and when which of them arrived."""

    def __init__(self, sender, receiver, size, per_second, seconds):
        self.arrived = []
        thread = threading.Thread(target=self._receive, args=(receiver,))
        self.start, self.end = time.monotonic(), time.monotonic() + seconds
        thread.start()
        sent = 0
        while True:
            now = time.monotonic()
            if now > self.end:
                break
            due = int((now - self.start) * per_second * 3) - sent
            for _ in range(min(due, 200)):
                sender.send(b"x" * (size - 28))
            sent += max(due, 0)
            time.sleep(0.001)
        thread.join()

    def _receive(self, receiver):
        receiver.settimeout(0.05)
        while time.monotonic() < self.end + 0.1:
            try:
                receiver.recv(2048)
                self.arrived.append(time.monotonic() - self.start)
            except OSError:
                pass

    def between(self, start, end):
        return sum(start <= t < end for t in self.arrived)


def rate_limits(stage):
    size, port = 1000, 5000
    bucket = {"Size": 100000, "RefillTime": 200000000, "OneTimeBurst": 600000}
    packets = {"Size": 400, "RefillTime": 1000000000, "OneTimeBurst": 300}
    # The kernel's bucket of bytes holds a second's refill at least.
    ways = [("Bandwidth", bucket, 500, 500, 600), ("Ops", packets, 400, 400,
                                                   300)]
    for name, limit, rate, full, once in ways:
        for direction in ("Egress", "Ingress"):
            s = stage.sandbox({
                "Policy": "allow-all",
                "RateLimiter": {direction: {name: limit}},
                "PortBindings": [{"Bind": "0.0.0.0", "HostPort": port,
                                  "GuestPort": port, "Protocol": "udp"}]})
            if direction == "Egress":
                receiver = bound(stage.lab.world, 4, socket.SOCK_DGRAM,
                                 WEB[4], port)
                sender = s.guest.socket(socket.AF_INET, socket.SOCK_DGRAM)
                sender.connect((str(WEB[4]), port))
            else:
                receiver = bound(s.guest, 4, socket.SOCK_DGRAM,
                                 s.guest_ip[4], port)
                sender = stage.lab.world.socket(socket.AF_INET,
                                                socket.SOCK_DGRAM)
                sender.connect((str(HOST[4]), port))
            receiver.setsockopt(socket.SOL_SOCKET, 33, 1 << 24)
            flood = Flood(sender, receiver, size, rate, 4)
            sender.close()
            receiver.close()
            total = flood.between(0, 4)
            # What refills while there is the burst that is there once is
            # lost: the bucket is full.
            want = once + full + rate * 4 - once / 3
            stage.check("%s %s: all of 4 s" % (direction, name),
                        abs(total - want) <= want * 0.05,
                        "%d packets, expected %d" % (total, want))
            steady = flood.between(2, 4)
            stage.check("%s %s: rate in the long run" % (direction, name),
                        abs(steady - rate * 2) <= rate * 2 * 0.05,
                        "%d packets in 2 s, expected %d" % (
                            steady, rate * 2))
            # Three times the rate until both are used up.
            until = once / (3 * rate) + full / (2 * rate)
            first = flood.between(0, until)
            stage.check("%s %s: full at the start" % (direction, name),
                        first >= 3 * rate * until * 0.9,
                        "%d packets in %.1f s" % (first, until))
            stage.sandboxes.remove(s)
            s.close()


SCENES = {
    "published-ports": published_ports,
    "host-egress": host_egress,
    "loopback-clients": loopback_clients,
    "max-connections": max_connections,
    "rate-limits": rate_limits,
}
