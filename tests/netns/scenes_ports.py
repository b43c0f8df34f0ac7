# SPDX-License-Identifier: GPL-2.0-or-later
"""scenes_ports.py - Published ports, and what the gateway hands to the host."""
import ipaddress
import json
import os
import select
import socket
import struct
import threading
import time

from lab import WORLD4, WORLD6
from scenes import FAMILIES, HOST, OTHER, WAIT, WEB
import wire

AF = {4: socket.AF_INET, 6: socket.AF_INET6}
KINDS = (("TCP", socket.SOCK_STREAM), ("UDP", socket.SOCK_DGRAM))
LAN = {4: ipaddress.ip_address(WORLD4[1]), 6: ipaddress.ip_address(WORLD6[1])}
ANY = {4: "0.0.0.0", 6: "::"}
IP_PKTINFO, IP_FREEBIND = 8, 15
TRANSPARENT = {4: (socket.SOL_IP, 19), 6: (socket.IPPROTO_IPV6, 75)}
ORIGDST = {4: (socket.SOL_IP, 20), 6: (socket.IPPROTO_IPV6, 74)}
# Of <asm-generic/socket.h>.
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
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


class Service:
    """A thread that serves sockets: what is ready is handed to serve()."""

    def __init__(self, *sockets):
        self.sockets, self.conversations = list(sockets), []
        self.wake, self.stop = socket.socketpair()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while True:
            ready, _, _ = select.select(
                [self.stop] + self.sockets + self.conversations, [], [])
            if self.stop in ready:
                return
            for made in ready:
                try:
                    if made in self.conversations:
                        self.conversations.remove(made)
                        self.answer(made)
                    elif made.type == socket.SOCK_STREAM:
                        self.accept(made)
                    else:
                        self.serve(made)
                except OSError:
                    pass

    def accept(self, listener):
        """Somebody has come: what he says first is what is answered."""
        self.conversations.append(listener.accept()[0])

    def close(self):
        self.wake.close()
        self.thread.join()
        for made in self.sockets + self.conversations + [self.stop]:
            made.close()


class Server(Service):
    """Says to whoever asks by what address it knows him."""

    def __init__(self, namespace, v, kind, port, address=None):
        super().__init__(bound(namespace, v, kind, address or ANY[v], port, True))

    def answer(self, peer):
        with peer:
            peer.recv(100)
            peer.send(peer.getpeername()[0].encode())

    def serve(self, made):
        _, address = made.recvfrom(100)
        made.sendto(address[0].encode(), address)


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


class Quiet:
    """Flows of which nothing is to be heard: waited for all together."""

    def __init__(self, stage):
        self.stage, self.asked = stage, []

    def ask(self, what, namespace, v, kind, address, port, source=None):
        made = namespace.socket(AF[v], kind)
        made.setblocking(False)
        wrong = None
        try:
            if source:
                made.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
                made.bind((str(source), 0))
            made.connect((str(address), port))
            made.send(b"who am I?")
        except BlockingIOError:
            pass
        except OSError as error:
            wrong = error
        self.asked.append((what, made, wrong))

    def heard(self):
        """Of each, what it is about and how it ended, as of ask()."""
        self.stage.sandboxes[-1].settle()
        time.sleep(SILENCE)
        asked, self.asked = self.asked, []
        return [(what, self._outcome(made, wrong))
                for what, made, wrong in asked]

    def check(self, good=("silence",)):
        for what, got in self.heard():
            self.stage.check(what + ": " + good[0], got in good, got)

    @staticmethod
    def _outcome(made, wrong):
        with made:
            try:
                if wrong:
                    raise wrong
                return made.recv(100).decode()
            except BlockingIOError:
                # A connection that is there is not silence.
                return "open" if made.type == socket.SOCK_STREAM and \
                    is_connected(made) else "silence"
            except ConnectionError:
                return "refused"
            except OSError as error:
                return str(error)


def is_connected(made):
    try:
        return bool(made.getpeername())
    except OSError:
        return False


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

    quiet = Quiet(stage)

    def expect(what, want, *args, **options):
        if want == "silence":
            quiet.ask(what, *args, **options)
            return
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
    quiet.check()
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


class Relay(Service):
    """Transparent sockets that say for whom a flow was, and to whom."""

    def __init__(self, sandbox, port=None):
        self.sandbox, self.accepted = sandbox, []
        self.port = port or ports_json(sandbox, "relay.json")[
            "HostEgress"]["Port"]
        super().__init__(*[self._open(v, kind) for v in FAMILIES
                           for _, kind in KINDS])

    def _open(self, v, kind):
        made = self.sandbox.gateway.socket(AF[v], kind)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(*TRANSPARENT[v], 1)
        if v == 6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_DGRAM:
            made.setsockopt(*ORIGDST[v], 1)
        made.bind((ANY[v], self.port))
        if kind == socket.SOCK_STREAM:
            made.listen(64)
        return made

    @staticmethod
    def _said(address, port, peer):
        return ("%s %d for %s" % (address, port, peer)).encode()

    def accept(self, listener):
        super().accept(listener)
        self.accepted.append(self.conversations[-1])

    def answer(self, peer):
        """Once; what comes after that is for who has it from accepted."""
        to = peer.getsockname()
        peer.settimeout(WAIT)
        peer.recv(100)
        peer.send(self._said(to[0], to[1], peer.getpeername()[0]))

    def serve(self, made):
        v = 4 if made.family == socket.AF_INET else 6
        _, extra, _, peer = made.recvmsg(100, 200)
        data = extra[0][2]
        port = int.from_bytes(data[2:4], "big")
        address = ipaddress.ip_address(data[4:8] if v == 4 else data[8:24])
        if port == self.port:
            # Another socket at this port would get what comes for this one, for
            # as long as it is there.
            made.sendmsg([self._said(address, port, peer[0])], [
                (socket.SOL_IP, IP_PKTINFO, struct.pack(
                    "=i4s4x", 0, address.packed)) if v == 4 else
                (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack(
                    "=16si", address.packed, 0))], 0, peer)
            return
        with self.sandbox.gateway.socket(AF[v], socket.SOCK_DGRAM) as back:
            back.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # The relay's own address needs no more than that.
            if address != self.sandbox.gateway_ip[v]:
                back.setsockopt(*TRANSPARENT[v], 1)
            back.bind((str(address), port))
            back.sendto(self._said(address, port, peer[0]), peer)

    def close(self):
        super().close()
        for made in self.accepted:
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
    relay, quiet = Relay(s), Quiet(stage)
    for v in FAMILIES:
        own, gateway = s.guest_ip[v], s.gateway_ip[v]
        for name, kind in KINDS:
            for port in (1, 80, 5432, 65535):
                got = ask(s.guest, v, kind, gateway, port)
                stage.check("IPv%d %s to port %d is steered" % (
                    v, name, port), got == "%s %d for %s" % (
                        gateway, port, own), got)
            quiet.ask("IPv%d %s to a denied port" % (v, name), s.guest, v, kind,
                      gateway, 6000)
        # An address of the gateway that is not for the guest.
        quiet.ask("IPv%d other addresses are not steered" % v, s.guest, v,
                  socket.SOCK_DGRAM, "169.254.62.2" if v == 4 else WEB[6], 5432)
        quiet.check()
        # There is a name server for one family alone.
        quiet.ask("IPv%d port 53 is never steered" % v, s.guest, v,
                  socket.SOCK_DGRAM, gateway, 53)
        quiet.check(("silence", "refused"))
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
    quiet = Quiet(stage)
    for v in FAMILIES:
        for name, kind in KINDS:
            for port in (80, 81, 82):
                what = "IPv%d %s from the relay to port %d" % (v, name, port)
                want = str(s.gateway_ip[v])
                if (name, port) not in (("TCP", 80), ("UDP", 81)):
                    quiet.ask(what, s.gateway, v, kind, s.guest_ip[v], port)
                    continue
                got = ask(s.gateway, v, kind, s.guest_ip[v], port)
                stage.check("%s: %s" % (what, want), got == want, got)
        for what, got in quiet.heard():
            stage.check(what + ": silence", got == "silence" or
                        "permitted" in got, got)
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
    made.settimeout(WAIT)
    try:
        made.connect((str(to), port))
        return made, "open"
    except ConnectionError:
        made.close()
        return None, "refused"
    except OSError as error:
        made.close()
        return None, "silence" if "timed out" in str(error) else str(error)


def _say(s, v, to, port, made=None, wait=WAIT):
    """A datagram of the guest; whether it is answered."""
    made = made or s.guest.socket(AF[v], socket.SOCK_DGRAM)
    made.settimeout(wait)
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
    _, heard = _say(s, 4, WEB[4], 7000, wait=SILENCE)
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


class Flow:
    """Datagrams at three times a rate, and when which of them arrived."""

    def __init__(self, what, sender, receiver, rate, once):
        self.what, self.sender, self.receiver = what, sender, receiver
        # The kernel's bucket of bytes holds a second's refill at least.
        self.rate, self.full, self.once = rate, rate, once
        self.sent, self.arrived = 0, []
        receiver.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        receiver.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        receiver.setblocking(False)

    def send(self, data, after):
        """What is due so long after the start."""
        due = int(after * self.rate * 3) - self.sent
        self.sent += due
        for _ in range(min(due, self.rate)):
            self.sender.send(data)

    def collect(self, start):
        """The kernel has written when each came: nobody need hurry."""
        while True:
            try:
                _, extra, _, _ = self.receiver.recvmsg(2048, 64)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("=qq", extra[0][2])
            self.arrived.append(seconds + nanoseconds / 1e9 - start)

    def between(self, start, end):
        return sum(start <= t < end for t in self.arrived)

    def close(self):
        self.sender.close()
        self.receiver.close()


def flood(flows, size, seconds):
    """Send, for so long; the longest time for which this did not run."""
    data, pause = b"x" * (size - 28), 0
    start = before = time.clock_gettime(time.CLOCK_REALTIME)
    while before < start + seconds:
        for flow in flows:
            flow.send(data, before - start)
        time.sleep(0.001)
        now = time.clock_gettime(time.CLOCK_REALTIME)
        pause, before = max(pause, now - before), now
    for flow in flows:
        flow.collect(start)
    return pause


def limited_flows(stage):
    """A sandbox for each kind of limit, with a flow in each direction."""
    # The same rate and bucket, as datagrams of 1000 bytes and as datagrams.
    limits = {"Bandwidth": {"Size": 50000, "RefillTime": 200000000,
                            "OneTimeBurst": 300000},
              "Ops": {"Size": 250, "RefillTime": 1000000000,
                      "OneTimeBurst": 150}}
    flows = []
    for slot, (name, limit) in enumerate(limits.items()):
        port = 5000 + slot
        s = stage.sandbox({
            "Policy": "allow-all",
            "RateLimiter": {"Egress": {name: limit}, "Ingress": {name: limit}},
            "PortBindings": [{"Bind": "0.0.0.0", "HostPort": port,
                              "GuestPort": port, "Protocol": "udp"}]},
                          slot, name.lower())
        for what, sender, receiver, to in (
                ("Egress", s.guest, bound(stage.lab.world, 4, socket.SOCK_DGRAM,
                                          WEB[4], port), WEB[4]),
                ("Ingress", stage.lab.world, bound(
                    s.guest, 4, socket.SOCK_DGRAM, s.guest_ip[4], port),
                 HOST[4])):
            sender = sender.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sender.connect((str(to), port))
            flows.append(Flow("%s %s" % (what, name), sender, receiver, 250,
                              300 if name == "Bandwidth" else 150))
    return flows


def rate_limits(stage):
    """All at once: none has anything to do with another."""
    for _ in range(3):
        flows = limited_flows(stage)
        pause = flood(flows, 1000, 4)
        for flow in flows:
            flow.close()
        # Whoever does not send fills the bucket, until it is full: what he
        # sends then comes too late for one time or too early for another.
        if pause < 0.2:
            break
        while stage.sandboxes:
            stage.sandboxes.pop().close()
    for flow in flows:
        what, rate, late = flow.what, flow.rate, flow.rate * pause
        total = flow.between(0, 4)
        # What refills while there is the burst that is there once is lost: the
        # bucket is full.
        want = flow.once + flow.full + rate * 4 - flow.once / 3
        stage.check(what + ": all of 4 s",
                    abs(total - want) <= want * 0.05 + late,
                    "%d packets, expected %d" % (total, want))
        steady = flow.between(2, 4)
        stage.check(what + ": rate in the long run",
                    abs(steady - rate * 2) <= rate * 2 * 0.05 + late,
                    "%d packets in 2 s, expected %d" % (steady, rate * 2))
        # Three times the rate until both are used up.
        until = flow.once / (3 * rate) + flow.full / (2 * rate)
        first = flow.between(0, until)
        stage.check(what + ": full at the start",
                    first >= 3 * rate * (until * 0.9 - pause),
                    "%d packets in %.1f s" % (first, until))


SCENES = {
    "published-ports": published_ports,
    "host-egress": host_egress,
    "loopback-clients": loopback_clients,
    "max-connections": max_connections,
    "rate-limits": rate_limits,
}
