# SPDX-License-Identifier: GPL-2.0-or-later
"""test_relay.py - What msb-relayd carries, with real sockets.

Without msb-netc: which flows are relayed and which are not, how each ends, and
what limits them.
"""
import hashlib
import os
import random
import select
import socket
import threading
import time

import relay as r
import relay_case
from relay import GATEWAY, GUEST, config, listener, wait_until
from relay_case import (ALL, BULK, Case, SEED, accept, is_reset,
                        is_silent, is_turned_away, read_all, reset, serve,
                        tcp, udp)


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
        self.assertTrue(wait_until(
            lambda: self.relay.status()["refused"] == 2))
        self.assertEqual(self.relay.status()["udp"], 0)

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

        def events():
            return [e for e in self.relay.events() if e["event"] == "denied"]

        self.assertTrue(wait_until(lambda: len(events()) == 3))
        denied = events()
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
        self.assertTrue(wait_until(
            lambda: self.relay.status()["limited"] == 2))
        self.assertEqual(self.relay.status()["udp"], 2)

    def test_times_have_limits(self):
        self.relay.apply(config(
            [listener("127.0.0.1", "tcp", 8099, 99),
             listener("127.0.0.1", "udp", 8080, 80)],
            limits={"ConnectMs": 300, "IdleMs": 300, "IdleBothMs": 900}))
        self.guest.run("nft", "add table inet deaf; add chain inet deaf in { "
                       "type filter hook input priority 0; }; "
                       "add rule inet deaf in tcp dport 99 drop")
        start = time.monotonic()
        self.assertTrue(is_turned_away(("127.0.0.1", 8099)))
        self.assertGreater(time.monotonic() - start, 0.25)
        self.guest.run("nft", "delete table inet deaf")
        inside = self.keep(udp(self.guest, 4, (GUEST[4], 80)))
        for answered in (False, True):
            client = self.keep(udp(self.host, 4))
            least = 0.9 if answered else 0.3
            for _ in range(100):
                start = time.monotonic()
                client.sendto(b"x", ("127.0.0.1", 8080))
                _, peer = inside.recvfrom(10)
                if answered:
                    inside.sendto(b"y", peer)
                    self.assertEqual(client.recv(10), b"y")
                there = self.relay.status()["udp"]
                # Whoever was held up for so long has not seen the flow.
                if time.monotonic() - start < least - 0.05:
                    break
            self.assertEqual(there, 1)
            self.assertTrue(wait_until(
                lambda: self.relay.status()["udp"] == 0))
            self.assertGreater(time.monotonic() - start, least - 0.05)

    def test_no_descriptor_left(self):
        """Who comes then is turned away, and nobody spins."""
        self.relay.stop()
        self.relay = r.Relay(self.programs, self.gateway, self.relay.log, 40)
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 80)]))
        server = self.keep(serve(self.guest, 4, 80))
        pid = self.relay.worker()
        clients = []
        for _ in range(40):
            try:
                clients.append(self.keep(tcp(("127.0.0.1", 8080))))
            except ConnectionResetError:
                pass
        self.assertTrue(wait_until(
            lambda: self.relay.status()["limited"] >= 10))
        used = self.cpu_seconds(pid)
        time.sleep(0.3)
        self.assertLess(self.cpu_seconds(pid) - used, 0.1)
        for client in clients + [server]:
            client.close()
        self.assertTrue(wait_until(lambda: self.relay.status()["tcp"] == 0))
        self.check_echo(*self.pair())
        self.assertEqual(self.relay.worker(), pid)

    @staticmethod
    def cpu_seconds(pid):
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
                        for _ in range(500):
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
        # Nothing is on its way: no pipe is held but those of the pool, and
        # after a while none at all.
        pid = self.relay.worker()

        def is_pipe(fd):
            try:
                return os.readlink(fd).startswith("pipe")
            except FileNotFoundError:
                return False

        def pipes():
            fds = "/proc/%d/fd/" % pid
            return sum(is_pipe(fds + fd) for fd in os.listdir(fds))

        # The last to be answered may have had its before it was put back.
        self.assertTrue(wait_until(lambda: pipes() <= 32))
        self.assertTrue(wait_until(lambda: pipes() == 0))
        for made in clients + inner:
            made.close()
        self.assertTrue(wait_until(lambda: self.relay.status()["tcp"] == 0))


    def test_random_ends(self):
        """Whatever both ends do, in whatever order, nothing is left behind."""
        rng = random.Random(11)
        server = self.keep(serve(self.guest, 4, 80))
        pid = self.relay.worker()
        before = len(os.listdir("/proc/%d/fd" % pid))
        for _ in range(40):
            pairs = [list(self.pair(server=server)) for _ in range(8)]
            for _ in range(40):
                sock = rng.choice(rng.choice(pairs))
                try:
                    sock.setblocking(False)
                    rng.choice((
                        lambda s=sock: s.send(SEED[:rng.randrange(1, 300000)]),
                        lambda s=sock: s.send(SEED[:rng.randrange(1, 100)]),
                        lambda s=sock: s.recv(rng.randrange(1, 300000)),
                        lambda s=sock: s.recv(1 << 20),
                        lambda s=sock: s.shutdown(socket.SHUT_WR),
                        lambda s=sock: s.shutdown(socket.SHUT_RD),
                        lambda s=sock: rng.random() < .3 and reset(s),
                        lambda s=sock: rng.random() < .3 and s.close()))()
                except OSError:
                    pass
            for pair in pairs:
                rng.shuffle(pair)
                for sock in pair:
                    sock.close()
            del self.open[1:]
        self.assertTrue(wait_until(lambda: self.relay.status()["tcp"] == 0))
        self.assertTrue(wait_until(
            lambda: len(os.listdir("/proc/%d/fd" % pid)) == before))
        self.assertEqual(self.relay.worker(), pid)


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


if __name__ == "__main__":
    relay_case.main()
