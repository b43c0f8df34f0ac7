# SPDX-License-Identifier: GPL-2.0-or-later
"""test_tls_carry.py - msb-tlsd's worker: flows carried, limited and ended."""
import hashlib
import os
import resource
import select
import socket
import struct
import sys
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
