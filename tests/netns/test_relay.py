# SPDX-License-Identifier: GPL-2.0-or-later
"""test_relay.py - msb-supervised and msb-relayd with real sockets.

Everything that they promise, without msb-netc: what is relayed and what is
not, how a flow ends, how a policy is replaced, what a worker's death does,
what a worker may do at all.
"""
import errno
import hashlib
import json
import os
import re
import select
import signal
import socket
import struct
import sys
import threading
import time
import unittest

import lab
import relay as r
from relay import GATEWAY, GUEST, FAMILY, config, listener, wait_until

LOOPBACK = {4: "127.0.0.1", 6: "::1"}
ALL = [{"Action": "allow", "Direction": "any"}]
PROGRAMS, BULK = sys.argv[1], "--bulk" in sys.argv
SEED = os.urandom(1 << 20)


def tcp(address, source=None, namespace=None):
    """Connect, from the host unless said otherwise."""
    with namespace or LAB_HOST:
        made = socket.socket(FAMILY[6 if ":" in address[0] else 4])
    made.settimeout(5)
    try:
        if source:
            made.bind(source)
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made


def udp(namespace, version, bind=None):
    made = namespace.socket(FAMILY[version], socket.SOCK_DGRAM)
    made.settimeout(5)
    if bind:
        made.bind(bind)
    return made


def serve(namespace, version, port, address=None):
    """A listening TCP socket."""
    made = namespace.socket(FAMILY[version], socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address or ("0.0.0.0" if version == 4 else "::"), port))
    made.listen(4096)
    made.settimeout(5)
    return made


def accept(server):
    made, peer = server.accept()
    made.settimeout(5)
    return made, peer


def is_reset(sock):
    """Whether the other side resets the connection."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionResetError:
        return True
    return False


def is_turned_away(address, source=None, namespace=None):
    """Whether a connection is reset as soon as it is there."""
    try:
        made = tcp(address, source, namespace)
    except ConnectionResetError:
        return True
    with made:
        return is_reset(made)


def is_silent(sock, seconds=0.3):
    return not select.select([sock], [], [], seconds)[0]


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()


def read_all(sock):
    data = bytearray()
    while True:
        part = sock.recv(1 << 20)
        if not part:
            return bytes(data)
        data += part


class Case(unittest.TestCase):
    """A relay for each test; everything else is made once."""

    @classmethod
    def setUpClass(cls):
        cls.host = LAB_HOST
        cls.gateway, cls.guest = LINK

    def setUp(self):
        self.open = []
        self.relay = r.Relay(PROGRAMS, self.gateway,
                             "/run/events-%s.log" % self.id())

    def keep(self, *made):
        self.open += made
        return made[0] if len(made) == 1 else made

    def tearDown(self):
        for made in self.open:
            made.close()
        if self.relay.process.poll() is None:
            self.assertEqual(self.relay.stop(), (("ok", ""), 0))
        self.relay.control.close()
        with open(self.relay.log, encoding="utf-8") as file:
            text = file.read()
        print(re.sub(r"^\{.*\}\n", "", text, flags=re.M), end="",
              file=sys.stderr)

    def pair(self, host_port=8080, guest_port=80, version=4, server=None):
        """A relayed connection: the client's and the guest's end."""
        server = server or self.keep(serve(self.guest, version, guest_port))
        client = self.keep(tcp((LOOPBACK[version], host_port)))
        inner, peer = accept(server)
        self.assertEqual(peer[0], GATEWAY[version])
        return client, self.keep(inner)

    def host_pair(self, port=5000, version=4, server=None):
        """A connection from the guest: its end and the host's."""
        server = server or self.keep(serve(self.host, version, port,
                                           LOOPBACK[version]))
        client = self.keep(tcp((GATEWAY[version], port),
                               namespace=self.guest))
        inner, _ = accept(server)
        return client, self.keep(inner)

    def check_echo(self, client, inner):
        client.sendall(b"question")
        self.assertEqual(inner.recv(100), b"question")
        inner.sendall(b"answer")
        self.assertEqual(client.recv(100), b"answer")


class Ingress(Case):
    def test_tcp_binds(self):
        self.relay.apply(config([
            listener("127.0.0.1", "tcp", 8080, 80),
            listener("127.1.2.3", "tcp", 8081, 81),
            listener("::1", "tcp", 8082, 82),
            listener("0.0.0.0", "tcp", 8083, 83),
            listener("::", "tcp", 8084, 84)]))
        for address, port, version in (
                ("127.0.0.1", 8080, 4), ("127.1.2.3", 8081, 4),
                ("::1", 8082, 6), ("127.0.0.1", 8083, 4),
                ("127.9.9.9", 8083, 4), ("127.0.0.1", 8084, 4),
                ("::1", 8084, 6)):
            with self.subTest(address=address, port=port):
                server = self.keep(serve(self.guest, version, port - 8000))
                client = self.keep(tcp((address, port)))
                inner, peer = accept(server)
                self.keep(inner)
                self.assertEqual(peer[0], GATEWAY[version])
                self.check_echo(client, inner)
                server.close()

    def test_wildcards_serve_loopback_only(self):
        self.relay.apply(config([listener("0.0.0.0", "tcp", 8083, 83),
                                 listener("::", "tcp", 8084, 84),
                                 listener("0.0.0.0", "udp", 8083, 83),
                                 listener("::", "udp", 8084, 84)]))
        servers = self.keep(
            serve(self.guest, 4, 83), serve(self.guest, 4, 84),
            udp(self.guest, 4, ("0.0.0.0", 83)),
            udp(self.guest, 4, ("0.0.0.0", 84)),
            udp(self.guest, 6, (GUEST[6], 84)))
        for address, port in (("192.0.2.1", 8083), ("192.0.2.1", 8084),
                              ("2001:db8:77::1", 8084)):
            with self.subTest(address=address, port=port):
                self.assertTrue(is_turned_away((address, port)))
                client = self.keep(udp(self.host, 6 if ":" in address else 4))
                client.sendto(b"x", (address, port))
        self.assertEqual(select.select(servers, [], [], 0.3)[0], [])

    def test_reserved_serve_nobody(self):
        self.relay.apply(config([
            listener("192.0.2.1", "tcp", 8080, 80, "reserve"),
            listener("127.0.0.1", "tcp", 8081, 81)]))
        with self.assertRaises(ConnectionRefusedError):
            tcp(("192.0.2.1", 8080))
        taken = self.keep(socket.socket())
        with self.assertRaises(OSError):
            taken.bind(("192.0.2.1", 8080))

    def test_udp_binds(self):
        binds = [listener("127.0.0.1", "udp", 8080, 80),
                 listener("127.1.2.3", "udp", 8081, 81),
                 listener("::1", "udp", 8082, 82),
                 listener("0.0.0.0", "udp", 8083, 83),
                 listener("::", "udp", 8084, 84)]
        self.relay.apply(config(binds))
        for address, port, version in (
                ("127.0.0.1", 8080, 4), ("127.1.2.3", 8081, 4),
                ("::1", 8082, 6), ("127.0.0.1", 8083, 4),
                ("127.9.9.9", 8083, 4), ("127.0.0.1", 8084, 4),
                ("127.8.8.8", 8084, 4), ("::1", 8084, 6)):
            with self.subTest(address=address, port=port):
                server = udp(self.guest, version,
                             (GUEST[version], port - 8000))
                clients = self.keep(*[udp(self.host, version)
                                      for _ in range(3)])
                for i, client in enumerate(clients):
                    # Connected: an answer from another address is not seen.
                    client.connect((address, port))
                    client.send(b"question %d" % i)
                for _ in clients:
                    data, peer = server.recvfrom(100)
                    self.assertEqual(peer[0], GATEWAY[version])
                    server.sendto(b"answer" + data[8:], peer)
                for i, client in enumerate(clients):
                    self.assertEqual(client.recv(100), b"answer %d" % i)
                server.close()
        self.assertEqual(self.relay.status()["udp"], 24)

    def test_datagrams_of_every_size(self):
        self.relay.apply(config([listener("127.0.0.1", "udp", 8080, 80)]))
        server = self.keep(udp(self.guest, 4, (GUEST[4], 80)))
        client = self.keep(udp(self.host, 4))
        client.connect(("127.0.0.1", 8080))
        for size in (0, 1, 1472, 1473, 9000, 65507):
            client.send(SEED[:size])
            data, peer = server.recvfrom(65536)
            self.assertEqual(data, SEED[:size])
            server.sendto(data, peer)
            self.assertEqual(client.recv(65536), SEED[:size])

    def test_refused_guest_port(self):
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 80),
                                 listener("127.0.0.1", "udp", 8080, 80)]))
        self.assertTrue(is_turned_away(("127.0.0.1", 8080)))
        client = self.keep(udp(self.host, 4))
        client.connect(("127.0.0.1", 8080))
        client.send(b"x")
        self.assertTrue(wait_until(lambda: self.relay.status()["udp"] == 0))
        self.assertEqual(self.relay.status()["refused"], 2)

    def test_denied_by_peer(self):
        rules = [{"Action": "deny", "Direction": "ingress",
                  "Destination": "127.0.0.2"},
                 {"Action": "deny", "Direction": "ingress",
                  "Destination": "::1", "Ports": ["80"]},
                 {"Action": "allow", "Direction": "ingress",
                  "Destination": "loopback"}]
        self.relay.apply(config([listener("::", "tcp", 8080, 80),
                                 listener("::", "udp", 8080, 80),
                                 listener("::", "tcp", 8081, 81)],
                                rules, "deny"))
        server = self.keep(serve(self.guest, 4, 80))
        self.assertTrue(is_turned_away(("127.0.0.1", 8080),
                                       ("127.0.0.2", 0)))
        self.assertTrue(is_turned_away(("::1", 8080)))
        self.assertTrue(is_silent(server))
        self.check_echo(*self.pair(server=server))
        self.check_echo(*self.pair(8081, 81, 6))
        inside = self.keep(udp(self.guest, 4, (GUEST[4], 80)))
        client = self.keep(udp(self.host, 4, ("127.0.0.2", 0)))
        client.sendto(b"x", ("127.0.0.1", 8080))
        self.assertTrue(is_silent(inside))
        client = self.keep(udp(self.host, 4))
        client.sendto(b"x", ("127.0.0.1", 8080))
        self.assertEqual(inside.recv(10), b"x")
        self.assertEqual(self.relay.status()["denied"], 3)
        denied = [e for e in self.relay.events() if e["event"] == "denied"]
        self.assertEqual(
            [(e["client"], e["protocol"], e["port"], e["binding"])
             for e in denied],
            [("127.0.0.2", "tcp", 80, "/Ports/8080"),
             ("::1", "tcp", 80, "/Ports/8080"),
             ("127.0.0.2", "udp", 80, "/Ports/8080")])

    def test_limits_have_answers(self):
        self.relay.apply(config(
            [listener("127.0.0.1", "tcp", 8080, 80),
             listener("127.0.0.1", "udp", 8080, 80)],
            limits={"Connections": 3, "Flows": 2}))
        server = self.keep(serve(self.guest, 4, 80))
        pairs = [self.pair(server=server) for _ in range(3)]
        self.assertTrue(is_turned_away(("127.0.0.1", 8080)))
        for made in pairs[0]:
            made.close()
        self.assertTrue(wait_until(lambda: self.relay.status()["tcp"] == 2))
        self.check_echo(*self.pair(server=server))
        inside = self.keep(udp(self.guest, 4, (GUEST[4], 80)))
        for i in range(3):
            client = self.keep(udp(self.host, 4))
            client.sendto(b"x", ("127.0.0.1", 8080))
            if i < 2:
                self.assertEqual(inside.recv(10), b"x")
        self.assertTrue(is_silent(inside))
        self.assertEqual(self.relay.status()["limited"], 2)


class Streams(Case):
    def setUp(self):
        super().setUp()
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 80),
                                 listener("::1", "tcp", 8080, 80)]))

    def test_half_close_each_way(self):
        for version in (4, 6):
            for turned in (False, True):
                a, b = self.pair(version=version)
                if turned:
                    a, b = b, a
                a.sendall(b"all")
                a.shutdown(socket.SHUT_WR)
                self.assertEqual(read_all(b), b"all")
                # The other way is open as long as it likes.
                for _ in range(3):
                    time.sleep(0.05)
                    b.sendall(b"more")
                    self.assertEqual(a.recv(10), b"more")
                b.sendall(SEED)
                b.close()
                self.assertEqual(read_all(a), SEED)
                a.close()
                while self.open:
                    self.open.pop().close()
        self.assertTrue(wait_until(lambda: self.relay.status()["tcp"] == 0))
        self.assertEqual(self.relay.status()["reset"], 0)

    def test_reset_each_way(self):
        server = self.keep(serve(self.guest, 4, 80))
        for turned in (False, True):
            for half_closed in (False, True):
                with self.subTest(turned=turned, half_closed=half_closed):
                    a, b = self.pair(server=server)
                    if turned:
                        a, b = b, a
                    self.check_echo(a, b)
                    if half_closed:
                        a.shutdown(socket.SHUT_WR)
                        self.assertEqual(b.recv(10), b"")
                    reset(a)
                    self.assertTrue(wait_until(
                        lambda: self.relay.status()["tcp"] == 0))
                    with self.assertRaises((ConnectionResetError,
                                            BrokenPipeError)):
                        for _ in range(3):
                            b.send(b"x")
                            time.sleep(0.02)
        self.assertEqual(self.relay.status()["reset"], 4)

    def test_close_with_unread_data_is_a_reset(self):
        a, b = self.pair()
        a.sendall(b"unread")
        self.assertFalse(is_silent(b, 5))
        b.close()
        self.assertTrue(is_reset(a))

    def test_slow_reader(self):
        """64 MiB to a reader that sleeps, and back-pressure meanwhile."""
        total = 64
        a, b = self.pair()
        b.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        sent = [0]

        def write():
            for _ in range(total):
                a.sendall(SEED)
                sent[0] += 1
            a.shutdown(socket.SHUT_WR)

        a.settimeout(60)
        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(0.5)
        stalled = sent[0]
        self.assertLess(stalled, total)
        time.sleep(0.3)
        self.assertLess(sent[0], total)
        got, count = hashlib.sha256(), 0
        while True:
            data = b.recv(1 << 18)
            if not data:
                break
            got.update(data)
            count += len(data)
            if count % (1 << 22) < len(data):
                time.sleep(0.02)
        writer.join()
        want = hashlib.sha256()
        for _ in range(total):
            want.update(SEED)
        self.assertEqual(count, total << 20)
        self.assertEqual(got.digest(), want.digest())

    def test_both_ways_at_once(self):
        a, b = self.pair()
        total = 1024 if BULK else 32

        def write(sock):
            for _ in range(total):
                sock.sendall(SEED)
            sock.shutdown(socket.SHUT_WR)

        def read(sock, into):
            made, count = hashlib.sha256(), 0
            while True:
                data = sock.recv(1 << 20)
                if not data:
                    break
                made.update(data)
                count += len(data)
            into.append((count, made.digest()))

        got = []
        for sock in (a, b):
            sock.settimeout(120)
        threads = [threading.Thread(target=write, args=(a,)),
                   threading.Thread(target=write, args=(b,)),
                   threading.Thread(target=read, args=(a, got)),
                   threading.Thread(target=read, args=(b, got))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        want = hashlib.sha256()
        for _ in range(total):
            want.update(SEED)
        self.assertEqual(got, [(total << 20, want.digest())] * 2)

    def test_a_thousand_at_once(self):
        server = self.keep(serve(self.guest, 4, 80))
        clients = [self.keep(tcp(("127.0.0.1", 8080))) for _ in range(1000)]
        inner = [self.keep(accept(server)[0]) for _ in clients]
        self.assertEqual(self.relay.status()["tcp"], 1000)
        for i, client in enumerate(clients):
            client.sendall(b"%d\n" % i)
        seen = set()
        for made in inner:
            line = made.recv(100)
            seen.add(int(line))
            made.sendall(line)
        self.assertEqual(seen, set(range(1000)))
        for i, client in enumerate(clients):
            self.assertEqual(client.recv(100), b"%d\n" % i)
        # Nothing is on its way: no pipe is held but those of the pool.
        pid = self.relay.worker()
        pipes = [fd for fd in os.listdir("/proc/%d/fd" % pid) if
                 os.readlink("/proc/%d/fd/%s" % (pid, fd)).startswith("pipe")]
        self.assertLessEqual(len(pipes), 32)
        for made in clients + inner:
            made.close()
        self.assertTrue(wait_until(lambda: self.relay.status()["tcp"] == 0))


class Host(Case):
    def test_tcp(self):
        self.relay.apply(config(host=(ALL, "deny")))
        for version in (4, 6):
            with self.subTest(version=version):
                self.check_echo(*self.host_pair(5000 + version, version))

    def test_first_ipv4_then_ipv6(self):
        self.relay.apply(config(host=(ALL, "deny")))
        only6 = self.keep(serve(self.host, 6, 5000, "::1"))
        for version in (4, 6):
            client = self.keep(tcp((GATEWAY[version], 5000),
                                   namespace=self.guest))
            inner, _ = accept(only6)
            self.check_echo(client, self.keep(inner))
        both = self.keep(serve(self.host, 4, 5000, "127.0.0.1"))
        self.keep(tcp((GATEWAY[6], 5000), namespace=self.guest))
        accept(both)[0].close()
        self.assertTrue(is_silent(only6))

    def test_refused_tcp_port(self):
        self.relay.apply(config(host=(ALL, "deny")))
        for version in (4, 6):
            self.assertTrue(is_turned_away((GATEWAY[version], 5999),
                                           namespace=self.guest))

    def test_udp(self):
        self.relay.apply(config(host=(ALL, "deny")))
        servers = self.keep(udp(self.host, 4, ("127.0.0.1", 6000)),
                            udp(self.host, 6, ("::1", 6001)))
        for port, server in ((6000, servers[0]), (6001, servers[1])):
            for version in (4, 6):
                with self.subTest(port=port, version=version):
                    client = self.keep(udp(self.guest, version))
                    client.connect((GATEWAY[version], port))
                    for i in range(5):
                        client.send(b"question %d" % i)
                        data, peer = server.recvfrom(100)
                        self.assertEqual(data, b"question %d" % i)
                        server.sendto(b"answer", peer)
                        self.assertEqual(client.recv(100), b"answer")
        self.assertEqual(self.relay.status()["udp"], 4)

    def test_refused_udp_port(self):
        self.relay.apply(config(host=(ALL, "deny")))
        for version in (4, 6):
            with self.subTest(version=version):
                client = self.keep(udp(self.guest, version))
                client.connect((GATEWAY[version], 6999))
                client.send(b"x")
                with self.assertRaises(ConnectionRefusedError):
                    client.recv(100)
        self.assertEqual(self.relay.status()["udp"], 0)

    def test_service_that_goes_away(self):
        self.relay.apply(config(host=(ALL, "deny")))
        server = self.keep(udp(self.host, 4, ("127.0.0.1", 6000)))
        client = self.keep(udp(self.guest, 4))
        client.connect((GATEWAY[4], 6000))
        client.send(b"x")
        _, peer = server.recvfrom(10)
        server.sendto(b"y", peer)
        self.assertEqual(client.recv(10), b"y")
        server.close()
        client.send(b"x")
        with self.assertRaises(ConnectionRefusedError):
            client.recv(10)

    def test_denied(self):
        rules = [{"Action": "allow", "Destination": "*", "Protocol": "tcp",
                  "Port": "5000"},
                 {"Action": "allow", "Destination": GATEWAY[6],
                  "Protocol": "udp", "Ports": ["6000-6001"]}]
        self.relay.apply(config(host=(rules, "deny")))
        servers = self.keep(
            serve(self.host, 4, 5001, "127.0.0.1"),
            udp(self.host, 4, ("127.0.0.1", 6000)),
            udp(self.host, 4, ("127.0.0.1", 6002)))
        self.check_echo(*self.host_pair(5000))
        self.assertTrue(is_turned_away((GATEWAY[4], 5001),
                                       namespace=self.guest))
        for version, port in ((4, 6000), (6, 6002)):
            self.keep(udp(self.guest, version)).sendto(
                b"x", (GATEWAY[version], port))
        self.assertEqual(select.select(servers, [], [], 0.3)[0], [])
        self.keep(udp(self.guest, 6)).sendto(b"x", (GATEWAY[6], 6000))
        self.assertEqual(servers[1].recv(10), b"x")
        self.assertEqual(self.relay.status()["denied"], 3)

    def test_half_close_and_reset(self):
        self.relay.apply(config(host=(ALL, "deny")))
        client, inner = self.host_pair(5000)
        client.sendall(SEED)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(inner), SEED)
        inner.sendall(SEED)
        inner.close()
        self.assertEqual(read_all(client), SEED)
        client, inner = self.host_pair(5001)
        reset(inner)
        self.assertTrue(is_reset(client))
        client, inner = self.host_pair(5002, 6)
        reset(client)
        self.assertTrue(is_reset(inner))


class Replace(Case):
    OLD = [listener("127.0.0.1", "tcp", 8080, 80),
           listener("127.0.0.1", "tcp", 8081, 81),
           listener("127.0.0.1", "udp", 8080, 80)]
    DENY = [{"Action": "deny", "Direction": "ingress", "Ports": ["81"]}]

    def test_frozen_until_decided(self):
        for decision in ("commit", "abort", "close"):
            with self.subTest(decision=decision):
                self.relay.apply(config(self.OLD))
                kept, kept_inner = self.pair()
                lost, lost_inner = self.pair(8081, 81)
                channel = self.relay.connect()
                new = config(self.OLD, self.DENY)
                self.assertEqual(self.relay.prepare(new, channel),
                                 ("ok", ""))
                lost.sendall(b"late")
                lost_inner.sendall(b"late")
                self.assertTrue(is_silent(lost_inner))
                self.assertTrue(is_silent(lost))
                self.check_echo(kept, kept_inner)
                # New ones wait until it is decided.
                late = self.keep(tcp(("127.0.0.1", 8081)))
                late.sendall(b"late")
                if decision == "commit":
                    self.assertEqual(self.relay.commit(new, channel),
                                     ("ok", ""))
                    self.assertTrue(is_reset(lost))
                    self.assertTrue(is_reset(lost_inner))
                    self.assertTrue(is_reset(late))
                elif decision == "abort":
                    self.assertEqual(r.ask(channel, "abort"), ("ok", ""))
                channel.close()
                if decision != "commit":
                    self.assertEqual(lost_inner.recv(10), b"late")
                    self.assertEqual(lost.recv(10), b"late")
                    self.check_echo(lost, lost_inner)
                self.check_echo(kept, kept_inner)
                while self.open:
                    self.open.pop().close()

    def test_bindings_come_and_go(self):
        self.relay.apply(config(self.OLD))
        server = self.keep(serve(self.guest, 4, 80))
        kept = self.pair(server=server)
        gone = self.pair(8081, 81)
        turned = config([listener("127.0.0.1", "tcp", 8082, 80),
                         self.OLD[0], self.OLD[2]])
        self.relay.apply(turned)
        self.assertTrue(is_reset(gone[0]))
        self.assertTrue(is_reset(gone[1]))
        with self.assertRaises(ConnectionRefusedError):
            tcp(("127.0.0.1", 8081))
        self.check_echo(*kept)
        self.check_echo(*self.pair(8082, server=server))
        self.check_echo(*self.pair(8080, server=server))
        # The same socket, another guest port: its flows have gone elsewhere.
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 90)]))
        self.assertTrue(is_reset(kept[0]))
        self.check_echo(*self.pair(8080, 90))

    def test_udp_flows(self):
        self.relay.apply(config(self.OLD + [
            listener("127.0.0.1", "udp", 8081, 81)]))
        inside = {p: self.keep(udp(self.guest, 4, (GUEST[4], p)))
                  for p in (80, 81)}
        clients = {p: self.keep(udp(self.host, 4)) for p in (80, 81)}
        for port, client in clients.items():
            client.connect(("127.0.0.1", 8000 + port))
            client.send(b"x")
        peers = {p: s.recvfrom(10)[1] for p, s in inside.items()}
        # In another order: the flow that stays finds its listener again.
        self.relay.apply(config([listener("127.0.0.1", "udp", 8081, 81),
                                 self.OLD[2]], self.DENY))
        for port, client in clients.items():
            inside[port].sendto(b"back", peers[port])
            client.send(b"again")
        self.assertEqual(inside[80].recvfrom(10), (b"again", peers[80]))
        self.assertEqual(clients[80].recv(10), b"back")
        self.assertTrue(is_silent(inside[81]))
        self.assertTrue(is_silent(clients[81], 0))

    def test_host_flows(self):
        self.relay.apply(config(host=(ALL, "deny")))
        kept, lost = self.host_pair(5000), self.host_pair(5001)
        client = self.keep(udp(self.guest, 4))
        server = self.keep(udp(self.host, 4, ("127.0.0.1", 6000)))
        client.connect((GATEWAY[4], 6000))
        client.send(b"x")
        server.recv(10)
        self.relay.apply(config(host=([
            {"Action": "allow", "Protocol": "tcp", "Port": "5000"}], "deny")))
        self.check_echo(*kept)
        self.assertTrue(is_reset(lost[0]))
        self.assertTrue(is_reset(lost[1]))
        client.send(b"x")
        self.assertTrue(is_silent(server))
        # Without the host, and back.
        self.relay.apply(config(self.OLD))
        self.assertTrue(is_reset(kept[0]))
        self.relay.apply(config(host=(ALL, "deny")))
        self.check_echo(*self.host_pair(5002))

    def test_allowed_flow_loses_nothing(self):
        """100 changes while 64 MiB pass."""
        self.relay.apply(config(self.OLD))
        a, b = self.pair()
        a.settimeout(60)

        def write():
            for _ in range(64):
                a.sendall(SEED)
            a.close()

        got = []
        threads = [threading.Thread(target=write),
                   threading.Thread(target=lambda: got.append(
                       hashlib.sha256(read_all(b)).digest()))]
        for thread in threads:
            thread.start()
        for i in range(100):
            self.relay.apply(config(self.OLD if i % 2 else self.OLD[:1],
                                    self.DENY if i % 3 else []))
        for thread in threads:
            thread.join()
        self.assertEqual(got, [hashlib.sha256(SEED * 64).digest()])

    def test_refused_configurations(self):
        good = config(self.OLD)
        self.relay.apply(good)
        kept = self.pair()
        bad = dict(good)
        for text, want in (
                ("", "empty"),
                ("{", None),
                (json.dumps({**bad, "Version": 2}), "/Version"),
                (json.dumps({**bad, "Gateway4": "::1"}), "/Gateway4"),
                (json.dumps({**bad, "Colour": 1}), "/Colour"),
                (json.dumps({**bad, "Ingress": {"Rules": [
                    {"Action": "perhaps"}], "Default": "deny"}}),
                 "/Ingress/Rules/0/Action"),
                (json.dumps({**bad, "Listeners": [
                    listener("localhost", "tcp", 1, 1)]}),
                 "/Listeners/0/Bind"),
                (json.dumps({**bad, "Listeners": [
                    listener("127.0.0.1", "icmp", 1, 1)]}),
                 "/Listeners/0/Protocol")):
            with self.subTest(text=text[:60]):
                kind, said = self.relay.prepare(None, text=text)
                self.assertEqual(kind, "failed")
                self.assertTrue(said)
                if want and want.startswith("/"):
                    self.assertTrue(said.startswith(want), said)
                self.assertEqual(r.ask(self.relay.control, "commit"),
                                 ("failed", "nothing was prepared"))
                self.check_echo(*kept)

    def test_refused_transactions(self):
        self.relay.apply(config(self.OLD))
        control = self.relay.control
        more = config(self.OLD + [listener("127.0.0.1", "tcp", 8089, 89)],
                      host=(ALL, "deny"))
        self.assertEqual(
            self.relay.prepare(more, leave_out=[3]),
            ("failed", "the socket of /Listeners/3 is missing"))
        self.assertEqual(
            self.relay.prepare(more, leave_out=[5]),
            ("failed", "the steering TCP IPv6 socket of the gateway is "
             "missing"))
        for kind in ("ready", "commit"):
            self.assertEqual(r.ask(control, kind),
                             ("failed", "nothing was prepared"))
        self.assertEqual(r.ask(control, "connected"),
                         ("failed", "no such request"))
        self.assertEqual(self.relay.prepare(more), ("ok", ""))
        other = self.relay.connect()
        self.assertEqual(self.relay.prepare(config(self.OLD), other),
                         ("failed", "another change is being prepared"))
        self.assertEqual(r.ask(other, "commit"),
                         ("failed", "nothing was prepared"))
        self.assertEqual(r.ask(other, "status")[0], "status")
        other.close()
        self.assertEqual(self.relay.commit(more), ("ok", ""))
        self.check_echo(*self.pair(8089, 89))

    def test_what_is_no_message_is_cut_off(self):
        self.relay.apply(config(self.OLD))
        other = self.relay.connect()
        other.send(b"hello")
        self.assertEqual(other.recv(10), b"")
        self.assertIsNone(self.relay.process.poll())
        self.check_echo(*self.pair())


class Supervised(Case):
    def test_killed_worker_is_back(self):
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 80)],
                                host=(ALL, "deny")))
        server = self.keep(serve(self.guest, 4, 80))
        for round_ in range(3):
            client, inner = self.pair(server=server)
            start = time.monotonic()
            pid = self.relay.kill_worker()
            # It waits in the listener's queue.
            waiting = self.keep(tcp(("127.0.0.1", 8080)))
            waiting.sendall(b"question")
            new, _ = accept(server)
            self.keep(new)
            self.assertEqual(new.recv(10), b"question")
            self.assertLess(time.monotonic() - start, 1)
            new.sendall(b"answer")
            self.assertEqual(waiting.recv(10), b"answer")
            self.assertNotEqual(self.relay.worker(), pid)
            for made in (client, inner):
                try:
                    self.assertEqual(made.recv(10), b"")
                except ConnectionResetError:
                    pass
            self.assertEqual(self.relay.status()["restarts"], round_ + 1)
        self.check_echo(*self.host_pair(5000))
        names = [e["event"] for e in self.relay.events()]
        self.assertEqual(names, ["started"] + ["died", "restarted"] * 3)

    def test_killed_while_prepared(self):
        old = config([listener("127.0.0.1", "tcp", 8080, 80)])
        new = config([listener("127.0.0.1", "tcp", 8080, 80),
                      listener("127.0.0.1", "tcp", 8081, 81)],
                     [{"Action": "deny", "Ports": ["80"],
                       "Direction": "ingress"}])
        self.relay.apply(old)
        self.assertEqual(self.relay.prepare(new), ("ok", ""))
        self.relay.kill_worker()
        self.assertTrue(wait_until(
            lambda: "tcp" in self.relay.status()))
        self.assertEqual(self.relay.commit(new), ("ok", ""))
        self.assertTrue(is_turned_away(("127.0.0.1", 8080)))
        self.check_echo(*self.pair(8081, 81))

    def test_stop_leaves_nothing(self):
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 80)]))
        client, inner = self.pair()
        pid = self.relay.worker()
        self.assertEqual(self.relay.stop(), (("ok", ""), 0))
        self.assertFalse(os.path.exists("/proc/%d" % pid))
        self.assertTrue(is_reset(client))
        self.assertTrue(is_reset(inner))
        with self.assertRaises(ConnectionRefusedError):
            tcp(("127.0.0.1", 8080))

    def test_sigterm_and_sigkill(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.relay.apply(config([
                listener("127.0.0.1", "tcp", 8080, 80)]))
            pid = self.relay.worker()
            self.relay.process.send_signal(number)
            self.relay.process.wait(5)
            self.assertTrue(wait_until(
                lambda: not os.path.exists("/proc/%d" % pid)))
            self.relay.control.close()
            self.relay = r.Relay(PROGRAMS, self.gateway, self.relay.log)

    def test_ends_when_its_starter_does(self):
        self.relay.control.close()
        self.assertEqual(self.relay.process.wait(5), 0)

    def test_confinement(self):
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 80)]))
        worker = self.read_status(self.relay.worker())
        uid = worker["Uid"].split()
        self.assertEqual(len(set(uid)), 1)
        self.assertNotEqual(uid[0], "0")
        self.assertEqual(worker["Gid"].split(), uid)
        self.assertEqual(worker["Groups"].strip(), "")
        for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(worker[caps], 16), 0, caps)
        self.assertEqual(worker["NoNewPrivs"].strip(), "1")
        self.assertEqual(worker["Seccomp"].strip(), "2")
        proc = "/proc/%d/" % self.relay.worker()
        # Not dumpable: its files belong to root.
        self.assertEqual(os.stat(proc + "mem").st_uid, 0)
        with open(proc + "limits", encoding="ascii") as file:
            self.assertRegex(file.read(), r"Max core file size +0 +0 ")
        self.assertEqual(os.stat(proc + "ns/net").st_ino,
                         os.fstat(self.gateway.fd).st_ino)
        supervisor = self.read_status(self.relay.process.pid)
        self.assertEqual(int(supervisor["CapEff"], 16),
                         1 << 21 | 1 << 8 | 1 << 7 | 1 << 6 | 1 << 5)
        self.assertEqual(supervisor["CapPrm"], supervisor["CapEff"])
        self.assertEqual(supervisor["NoNewPrivs"].strip(), "1")

    @staticmethod
    def read_status(pid):
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            return dict(line.rstrip("\n").split(":\t", 1)
                        for line in file if ":\t" in line)

    def test_event_log_is_bounded(self):
        self.relay.apply(config([listener("127.0.0.1", "udp", 8080, 80)],
                                [], "deny"))
        client = self.keep(udp(self.host, 4))
        for _ in range(200):
            client.sendto(b"x", ("127.0.0.1", 8080))
        self.assertTrue(wait_until(
            lambda: self.relay.status()["denied"] > 100))
        denied = [e for e in self.relay.events() if e["event"] == "denied"]
        self.assertLess(len(denied), 30)
        time.sleep(1.1)
        client.sendto(b"x", ("127.0.0.1", 8080))
        self.assertTrue(wait_until(lambda: any(
            e.get("dropped", 0) > 50 for e in self.relay.events())))


if __name__ == "__main__":
    lab.enter_laboratory()
    lab.run("ip", "link", "set", "lo", "up")
    lab.run("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
    lab.run("ip", "addr", "add", "2001:db8:77::1/128", "dev", "lo", "nodad")
    LAB_HOST = lab.Namespace("/proc/thread-self/ns/net")
    LINK = r.make_link()
    unittest.main(argv=[sys.argv[0]] + [a for a in sys.argv[2:]
                                        if a != "--bulk"])
