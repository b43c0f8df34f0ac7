# SPDX-License-Identifier: GPL-2.0-or-later
"""test_tls_carry.py - msb-tlsd's worker: flows carried, limited and ended."""
import hashlib
import os
import resource
import select
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

import tls_case
from tls_alone import (DENY, EARLY, HELLO, INTERCEPT, SPLICE, WAIT,
                       client_hello, say)
from tls_case import Case, allow, by_name, drain, reset, wait_until

HOLD = 10000 if "--long" in sys.argv else 1000
# Of this process's memory, for each flow that it holds.
MEMORY = 1 << 20 if "--any-memory" in sys.argv else 4096


class Carry(Case):
    """What is spliced."""

    def test_bytes_each_way(self):
        self.start(by_name)
        data = os.urandom(1 << 20) * 12
        client = self.dial()
        server = self.spliced(client)
        sums = {}

        def send(sock, what):
            sock.sendall(what)
            sock.shutdown(socket.SHUT_WR)

        def take(sock, key):
            sums[key] = hashlib.sha256(drain(sock)).hexdigest()

        threads = [threading.Thread(target=f, args=a) for f, a in (
            (send, (client, data)), (send, (server, data[7:])),
            (take, (client, "client")), (take, (server, "server")))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(sums["server"], hashlib.sha256(data).hexdigest())
        self.assertEqual(sums["client"], hashlib.sha256(data[7:]).hexdigest())

    def test_urgent_data(self):
        """A read stops there, and what follows is behind it."""
        worker = self.start(allow)
        for to_server in (True, False):
            client = self.dial()
            server = self.spliced(client)
            source, sink = (client, server) if to_server else (server, client)
            for _ in range(3):
                with worker.stopped():
                    source.sendall(b"before")
                    source.send(b"!", socket.MSG_OOB)
                    source.sendall(b"after")
                self.receive(sink, b"beforeafter")

    def test_last_words(self):
        """What comes with the end, however much, and small pieces."""
        worker = self.start(allow)
        for size in (1, 8191, 8192, 8193, 3 * 8192):
            client = self.dial()
            server = self.spliced(client)
            data = os.urandom(size)
            with worker.stopped():
                server.sendall(data)
                server.close()
            self.assertEqual(drain(client), data)

    def test_half_close(self):
        self.start(allow)
        for guest_first in (True, False):
            client = self.dial()
            server = self.spliced(client)
            first, second = ((client, server) if guest_first
                             else (server, client))
            first.sendall(b"last")
            first.shutdown(socket.SHUT_WR)
            self.assertEqual(drain(second), b"last")
            for _ in range(3):
                second.sendall(b"more")
                self.receive(first, b"more")
            second.close()
            self.assertEqual(drain(first), b"")

    def test_resets(self):
        worker = self.start(allow)
        client = self.dial()
        server = self.spliced(client)
        reset(client)
        self.is_reset(server)
        client = self.dial()
        reset(self.spliced(client))
        self.is_reset(client)
        # Before it is decided.
        client = self.dial()
        server = self.accept()
        reset(client)
        self.is_reset(server)
        client = self.dial()
        reset(self.accept())
        self.is_reset(client)
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] == 0))

    def test_back_pressure(self):
        worker = self.start(allow)
        for guest_reads in (True, False):
            client = self.dial()
            server = self.spliced(client)
            reader, writer = ((client, server) if guest_reads
                              else (server, client))
            writer.setblocking(False)
            sent, still = 0, time.monotonic()
            while time.monotonic() - still < 0.3 and sent < 1 << 28:
                try:
                    sent += writer.send(bytes(65536))
                    still = time.monotonic()
                except BlockingIOError:
                    time.sleep(0.01)
            self.assertLess(sent, 1 << 26)
            files = worker.files()
            got = 0
            while got < sent:
                got += len(reader.recv(1 << 20))
            self.assertEqual(got, sent)
            reset(reader)
            self.assertLess(files, 64)
            writer.close()

    def test_slow_reader_of_a_head(self):
        """The first octets wait for a server that takes nothing."""
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        share = struct.pack("!HH", 51, 16200) + bytes(16200)
        hello = client_hello("a.example", share, 1)
        self.start(by_name)
        client = self.dial()
        client.sendall(hello)
        client.sendall(b"x" * 100000)
        server = self.accept()
        server.sendall(b"meanwhile")
        self.receive(client, b"meanwhile")
        time.sleep(0.1)
        self.receive(server, hello + b"x" * 100000)

    def test_many_in_parallel(self):
        worker = self.start(by_name)
        flows = []
        for i in range(200):
            client = self.dial()
            client.sendall(client_hello("a.%d.example" % i))
            flows.append(client)
        servers = [self.accept() for _ in flows]
        for server in servers:
            hello = server.recv(4096)
            server.sendall(hashlib.sha256(hello).digest())
        for i, client in enumerate(flows):
            self.receive(client, hashlib.sha256(
                client_hello("a.%d.example" % i)).digest())
        self.assertEqual(worker.status()["connections"], 200)
        for client in flows:
            client.close()
        for server in servers:
            server.close()
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] == 0))
        # No pipe is kept by those that say nothing.
        self.assertLess(worker.files(), 80)

    def test_refused(self):
        gone = socket.create_server(("127.0.0.1", 0))
        to = gone.getsockname()
        gone.close()
        worker = self.start(lambda ask: say(SPLICE, to))
        client = self.dial()
        self.is_reset(client)
        self.assertEqual(worker.status()["failed"], 1)
        self.assertEqual(worker.end(), 0)
        worker = self.start(lambda ask: say(
            SPLICE, None if ask.attempt else to, again=not ask.attempt))
        self.spliced(self.dial())
        # The hello may be there before the refusal.
        self.assertEqual([a.attempt for a in worker.asked if a.dial], [0, 1])
        self.assertEqual(worker.end(), 0)
        worker = self.start(lambda ask: say(WAIT) if ask.stage == EARLY else
                            say(SPLICE, None, 0 if ask.attempt else 101,
                                not ask.attempt))
        self.spliced(self.dial_silently())
        self.assertEqual([a.attempt for a in worker.asked], [0, 0, 1])
        self.assertEqual(worker.end(), 0)
        worker = self.start(lambda ask: say(SPLICE, to, again=1))
        client = self.dial()
        self.is_reset(client)
        self.assertEqual([a.attempt for a in worker.asked], [0, 1])

    def test_held(self):
        """Many flows that say nothing."""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        count = min(HOLD, (limit - 300) // 2)
        worker = self.start(by_name)
        before = worker.memory()
        for i in range(count):
            client = self.dial("127.0.%d.%d" % (i // 250, 1 + i % 250))
            client.sendall(client_hello("a.%05d.example" % i))
            self.accept().recv(4096)
        self.assertEqual(worker.status()["connections"], count)
        each = (worker.memory() - before) / count
        print("%d flows held, %d bytes each" % (count, each))
        self.assertLess(each, MEMORY)
        # What those have that say nothing is given back in time.
        self.assertTrue(wait_until(
            lambda: worker.files() < 2 * count + 64))
        # And each is still there.
        for sock in self.open[1:]:
            sock.send(b"x")
        for sock in self.open[1:]:
            self.assertEqual(sock.recv(2), b"x")


# A HelloRetryRequest as far as it is looked at, and what it has besides.
RETRY = (b"\x16\x03\x03\x00\x34\x02\x00\x00\x30\x03\x03" + hashlib.sha256(
    b"HelloRetryRequest").digest() + bytes(14) + b"\x14\x03\x03\x00\x01\x01")
CHANGE = b"\x14\x03\x03\x00\x01\x01"
EARLY_DATA = b"\x17\x03\x03\x00\x20" + bytes(32)


class Second(Case):
    """What comes behind a ClientHello that offers TLS 1.3."""

    def greet(self, name="a.example", rest=b""):
        """Both sides, when the hello has arrived, and nothing else has"""
        hello = client_hello(name, tls13=True)
        client = self.dial()
        client.sendall(hello + rest)
        server = self.accept()
        self.receive(server, hello)
        return client, server

    def nothing(self, *socks):
        self.assertEqual(select.select(socks, [], [], 0.05)[0], [])

    def test_answered(self):
        """An answer that asks for nothing lets everything go on"""
        self.start(by_name)
        hello = b"\x16\x03\x03\x00\x2a\x02\x00\x00\x26\x03\x03" + bytes(36)
        for answer in (hello, b"\x15\x03\x03\x00\x02\x02\x28", b"HTTP/1.1",
                       RETRY[:20] + bytes(60), RETRY[:10]):
            client, server = self.greet(rest=EARLY_DATA)
            client.sendall(b"more")
            self.nothing(server)
            if answer == RETRY[:10]:
                server.sendall(answer)
                self.nothing(client, server)
                server.shutdown(socket.SHUT_WR)
            for octet in answer[:0 if answer == RETRY[:10] else None]:
                server.sendall(bytes([octet]))
            self.receive(client, answer)
            self.receive(server, EARLY_DATA + b"more")

    def test_ends(self):
        self.start(by_name)
        client, server = self.greet()
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(drain(server), b"")
        server.sendall(b"late")
        server.close()
        self.assertEqual(drain(client), b"late")
        client, server = self.greet()
        server.close()
        self.assertEqual(drain(client), b"")
        client, server = self.greet()
        reset(client)
        self.is_reset(server)
        for rest in (b"", EARLY_DATA):
            client, server = self.greet(rest=rest)
            client.settimeout(5)
            reset(server)
            # Without an end before it.
            self.assertRaises(ConnectionResetError, client.recv, 1)

    @staticmethod
    def policy(ask):
        return say(WAIT if ask.stage == EARLY else SPLICE)

    def test_same_name(self):
        """The second is passed on, with what came before and behind it"""
        self.start(self.policy)
        for name in ("a.example", None):
            second = client_hello(name, tls13=True, record=40)
            for early in (b"", CHANGE, CHANGE + EARLY_DATA, EARLY_DATA * 50):
                whole = early + second + b"!"
                client, server = self.greet(name)
                server.sendall(RETRY)
                self.receive(client, RETRY)
                client.sendall(whole[:-9])
                self.nothing(server)
                client.sendall(whole[-9:])
                self.receive(server, whole)
                server.sendall(b"yes")
                self.receive(client, b"yes")
                # All at once, before it was asked for; and octet by octet.
                client, server = self.greet(name, whole)
                server.sendall(RETRY)
                self.receive(server, whole)
                if len(whole) > 300:
                    continue
                client, server = self.greet(name)
                server.sendall(RETRY)
                for octet in whole:
                    client.sendall(bytes([octet]))
                self.receive(server, whole)

    def test_another_name(self):
        """None other is, whatever is before it, and when ever it comes"""
        worker = self.start(self.policy)
        refused = 0
        for first, name in (("a.example", "b.example"), ("a.example", None),
                            (None, "a.example"), ("a.example", "a.example.org")):
            other = client_hello(name, tls13=True)
            for early in (b"", CHANGE, EARLY_DATA + CHANGE):
                for at_once in (True, False):
                    client, server = self.greet(
                        first, early + other if at_once else b"")
                    server.sendall(RETRY)
                    if not at_once:
                        self.receive(client, RETRY)
                        client.sendall(early + other)
                    got = drain(client)
                    self.assertEqual(got[-7:], b"\x15\x03\x01\x00\x02\x02\x2f")
                    self.is_reset(server)
                    refused += 1
        events = worker.events("hello-refused")
        self.assertEqual({e["reason"] for e in events},
                         {"the second ClientHello has another name"})
        self.assertEqual(worker.status()["failed"], refused)

    def test_no_hello(self):
        """Nothing but a ClientHello is"""
        self.start(by_name, HelloMs=300)
        for what in (b"GET / HTTP/1.1", b"\x16\x03\x03\x00\x05\x10aaaa",
                     b"\x15\x03\x03\x00\x02\x02\x2f"):
            client, server = self.greet()
            server.sendall(RETRY)
            client.sendall(what)
            drain(client)
            self.is_reset(server)
        # Nor is it waited for for ever, nor more taken than there is room for.
        client, server = self.greet()
        server.sendall(RETRY)
        self.is_reset(server)
        self.is_reset(client)
        client, server = self.greet(rest=EARLY_DATA)
        self.is_reset(server)
        self.is_reset(client)
        client, server = self.greet()
        server.sendall(RETRY)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(drain(server), b"")

    def test_long_answer(self):
        """Who takes more octets for it than anybody has asked"""
        self.start(by_name)
        client, server = self.greet(rest=client_hello("b.example", tls13=True))
        server.sendall(b"\x16\x03\x03\x00\x00" * 200)
        self.is_reset(server)
        client.close()

    def test_openssl(self):
        """As OpenSSL does it: its server likes another group than its client"""
        self.start(by_name)
        key, cert = self.certificate()
        there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        there.load_cert_chain(cert, key)
        there.set_ecdh_curve("prime256v1")
        names = []
        there.sni_callback = lambda sock, name, context: names.append(name)
        here = ssl._create_unverified_context()

        def serve(sock):
            with there.wrap_socket(sock, server_side=True) as tls:
                tls.sendall(tls.recv(100))
        client = self.dial()
        thread = threading.Thread(target=lambda: serve(self.accept()))
        thread.start()
        with here.wrap_socket(client, server_hostname="a.example") as tls:
            tls.sendall(b"hello")
            self.assertEqual(tls.recv(100), b"hello")
        thread.join(10)
        self.assertEqual(names, ["a.example"] * 2)
        # The same, but for the first of its names.
        come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = here.wrap_bio(come, go, server_hostname="b.example")
        with self.assertRaises(ssl.SSLWantReadError):
            tls.do_handshake()
        client = self.dial()
        client.sendall(go.read().replace(b"b.example", b"a.example"))
        server = self.accept()
        thread = threading.Thread(target=lambda: self.assertRaises(
            OSError, serve, server))
        thread.start()
        come.write(client.recv(65536))
        with self.assertRaises(ssl.SSLWantReadError):
            tls.do_handshake()
        client.sendall(go.read())
        self.assertEqual(drain(client)[-7:], b"\x15\x03\x01\x00\x02\x02\x2f")
        thread.join(10)
        self.assertEqual(names, ["a.example"] * 3)

    def certificate(self):
        where = tempfile.TemporaryDirectory()
        self.addCleanup(where.cleanup)
        key, cert = (os.path.join(where.name, n) for n in ("key", "cert"))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=a.example", "-keyout", key, "-out",
                        cert], check=True, capture_output=True)
        return key, cert


class Limits(Case):
    """What is not taken any more."""

    def test_connections(self):
        worker = self.start(allow, Connections=3)
        flows = [self.dial() for _ in range(3)]
        for client in flows:
            self.spliced(client)
        self.is_reset(self.dial())
        self.assertEqual(worker.status()["limited"], 1)
        self.assertEqual(worker.events("limited")[0]["limit"], "Connections")
        flows[0].close()
        self.open[-2].close()
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] <= 3))

    def test_memory_of_hellos(self):
        worker = self.start(by_name, HelloBytes=131072)
        share = struct.pack("!HH", 51, 12000) + bytes(12000)
        hello = client_hello("a.example", share)
        flows = []
        for _ in range(4):
            flows.append(self.dial())
            flows[-1].sendall(hello[:9000])
            worker.settled()
        # The oldest gave way, the last is whole.
        self.is_reset(flows[0])
        flows[-1].sendall(hello[9000:])
        self.receive(self.accept(), hello)
        self.assertGreater(worker.status()["limited"], 0)
        self.assertEqual(worker.events("limited")[0]["limit"], "HelloBytes")

    def test_descriptors(self):
        worker = self.start(allow, files=96)
        flows, refused = [], 0
        for _ in range(60):
            try:
                client = self.dial()
                client.sendall(b"x")
                # No server speaks: what can be read is a reset.
                if client in select.select([self.listener, client], [], [],
                                           tls_case.PATIENCE)[0]:
                    client.recv(1)
                self.receive(self.keep(self.listener.accept()[0]), b"x")
                flows.append(client)
            except ConnectionResetError:
                refused += 1
            if refused > 3:
                break
        self.assertGreater(len(flows), 10)
        self.assertGreater(refused, 3)
        self.assertGreater(worker.status()["limited"], 0)
        for sock in self.open[1:]:
            sock.close()
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] == 0))
        self.spliced(self.dial())

    def test_no_descriptor_for_a_server(self):
        """Guests that say nothing have taken all there are."""
        worker = self.start(by_name, files=96)
        kept = self.dial()
        server = self.spliced(kept)
        flows = []
        while not worker.events("limited"):
            flows.append(self.dial())
            self.assertLess(len(flows), 96)
            worker.settled()
        flows = [f for f in flows if not isinstance(f, tls_case.Gone)]
        flows[0].sendall(client_hello("a.example"))
        self.is_reset(flows[0])
        # What was dialled for it is nobody's.
        self.assertEqual(drain(self.accept()), b"")
        kept.sendall(b"on")
        self.receive(server, b"on")
        self.assertEqual({e["limit"] for e in worker.events("limited")},
                         {"descriptors"})
        for sock in flows:
            sock.close()
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] == 1))
        self.spliced(self.dial())


class Intercept(Case):
    """Flows that are given to the interception, and come back."""

    @staticmethod
    def policy(ask):
        if ask.stage == EARLY:
            return say(WAIT)
        return say(INTERCEPT if ask.stage == HELLO else DENY,
                   leaf="leaf.example" if not ask.name else "")

    def begin(self, name, rest=b"", **limits):
        worker = self.start(self.policy, {"intercept": True}, **limits)
        client = self.dial()
        client.sendall(client_hello(name) + rest)
        return worker, client

    def test_carried(self):
        worker, client = self.begin("echo.example", b"rest")
        server = self.accept()
        size = len(client_hello("echo.example")) - 5
        self.receive(client, b"echo.example - %d 4:rest" % size)
        client.sendall(b"more")
        self.receive(client, b"MORE")
        status = worker.status()
        self.assertEqual([status[k] for k in ("intercepting", "intercepted",
                                              "crypto")], [1, 1, "double"])
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(drain(client), b"")
        self.assertEqual(drain(server), b"")
        self.assertEqual(worker.status()["intercepting"], 0)

    def test_leaf_without_name(self):
        _, client = self.begin(None)
        self.receive(client, b"- leaf.example ")

    def test_failed(self):
        worker, client = self.begin("fail.example", bytes(70000))
        # What was told is heard, though the guest was still speaking.
        self.assertEqual(drain(client), b"")
        self.is_reset(self.accept())
        event = worker.events("intercept-failed")[0]
        self.assertEqual((event["reason"], event["sni"]),
                         ("expired", "fail.example"))
        self.assertEqual(worker.status()["failed"], 1)

    def test_another_socket(self):
        """A server that is to be spoken to anew."""
        worker, client = self.begin("again.example")
        self.assertEqual(drain(self.accept()), b"")
        server = self.accept()
        self.receive(server, b"again")
        self.receive(client, b"again.example - ")
        client.recv(100)
        client.sendall(b"more")
        self.receive(client, b"MORE")
        self.nobody_dialled()
        status = worker.status()
        self.assertEqual([status[k] for k in ("intercepting", "intercepted",
                                              "failed")], [1, 1, 0])
        asked = [a for a in worker.asked if a.stage == HELLO]
        self.assertEqual([(a.dial, a.name, a.address) for a in asked],
                         [(1, "again.example", asked[0].address)] * 2)

    def test_no_other_socket(self):
        """Denied by then, or nobody answers: there is no second server."""
        answers = []
        worker = self.start(lambda ask: say(WAIT) if ask.stage == EARLY
                            else answers.pop(), {"intercept": True})
        for i, second in enumerate((
                say(DENY), say(SPLICE), say(INTERCEPT, error=111),
                say(INTERCEPT, to=("127.0.0.9", 9)))):
            answers += [second, say(INTERCEPT)]
            client = self.dial()
            client.sendall(client_hello("again.example"))
            self.assertEqual(drain(self.accept()), b"")
            self.is_reset(client)
            if second[0] == SPLICE:
                self.assertEqual(drain(self.accept()), b"")
            self.nobody_dialled()
            status = worker.status()
            self.assertEqual([status[k] for k in ("failed", "connections")],
                             [i + 1, 0])

    def test_handshake_takes_too_long(self):
        worker, client = self.begin("wait.example", HandshakeMs=300)
        self.is_reset(client)
        self.assertEqual(worker.status()["timed-out"], 1)

    def test_limit(self):
        worker, _ = self.begin("echo.example", Intercepted=1)
        self.accept()
        client = self.dial()
        client.sendall(client_hello("echo.example"))
        self.is_reset(client)
        self.assertEqual(worker.events("limited")[0]["limit"], "Intercepted")

    def test_other_roots(self):
        worker, client = self.begin("echo.example")
        self.accept()
        client.recv(100)
        self.assertEqual(worker.prepare(intercept=True), ("ok", ""))
        self.assertEqual(worker.commit(), ("ok", ""))
        client.sendall(b"more")
        self.receive(client, b"MORE")
        self.assertEqual(worker.prepare(intercept=True, ca=b"new"), ("ok", ""))
        self.assertEqual(worker.abort(), ("ok", ""))
        client.sendall(b"more")
        self.receive(client, b"MORE")
        self.assertEqual(worker.prepare(intercept=True, ca=b"new"), ("ok", ""))
        self.assertEqual(worker.commit(), ("ok", ""))
        self.is_reset(client)

    def test_bypass(self):
        worker = self.start(lambda ask: say(
            WAIT if ask.stage == EARLY else SPLICE, bypass=1),
            {"intercept": True})
        self.spliced(self.dial())
        self.assertEqual(worker.events("bypass")[0]["sni"], "a.example")


class End(Case):
    """The worker's own end."""

    def test_with_flows(self):
        worker = self.start(by_name)
        spliced = self.dial()
        server = self.spliced(spliced)
        waiting = self.dial()
        waiting.sendall(client_hello("a.example")[:20])
        worker.settled()
        self.assertEqual(worker.end(), 0)
        for sock in (spliced, server, waiting):
            self.is_reset(sock)
        self.worker = None

    def test_monitor_does_not_answer(self):
        worker = self.start(by_name)
        self.worker = None
        worker.judge.shutdown(socket.SHUT_RDWR)
        self.is_reset(self.dial())
        self.assertEqual(worker.process.wait(10), 0)
        worker.end()
        self.assertEqual([e["what"] for e in worker.events("failed")],
                         ["ask the monitor"])
        self.worker = None


if __name__ == "__main__":
    tls_case.main()
