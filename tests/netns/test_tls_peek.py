# SPDX-License-Identifier: GPL-2.0-or-later
"""test_tls_peek.py - msb-tlsd's worker: what is read, and how it is judged."""
import contextlib
import socket
import struct
import time

import relay
import tls_case
from tls_alone import (DENY, EARLY, HELLO, INTERCEPT, PLAIN, PORT, SPLICE, WAIT,
                       client_hello, say)
from tls_case import Case, allow, by_name, drain, wait_until


class Peek(Case):
    """What is read before a flow is decided."""

    def test_asks_with_the_name(self):
        worker = self.start(by_name)
        hello = client_hello("A.Example.COM.")
        client = self.dial_silently()
        self.nobody_dialled()
        self.spliced(client, hello)
        self.assertEqual(worker.stages(), [(EARLY, ""),
                                           (HELLO, "a.example.com")])
        ask = worker.asked[1]
        self.assertEqual((ask.address, ask.port, ask.attempt, ask.next),
                         ("127.0.0.2", PORT, 0, 0))

    def test_said_at_once(self):
        """Who speaks at once is asked about once."""
        worker = self.start(by_name)
        for data, word in (
                (client_hello("a.example"), (HELLO, "a.example")),
                (client_hello("b.example"), (HELLO, "b.example")),
                (b"GET / HTTP/1.1\r\n\r\n", (PLAIN, ""))):
            before = len(worker.asked)
            with worker.stopped():
                client = self.dial()
                client.sendall(data)
            if word[1].startswith("a."):
                self.receive(self.accept(), data)
            else:
                self.is_reset(client)
            self.assertEqual(worker.stages()[before:], [word])
        self.nobody_dialled()

    def test_begun_at_once(self):
        """A hello that comes in parts is waited for, and its server is not."""
        worker = self.start(allow)
        hello = client_hello("a.example")
        with worker.stopped():
            client = self.dial()
            client.sendall(hello[:30])
        worker.settled()
        self.assertEqual(worker.stages(), [])
        self.nobody_dialled()
        client.sendall(hello[30:])
        self.receive(self.accept(), hello)
        self.assertEqual(worker.stages(), [(HELLO, "a.example")])

    def test_ended_at_once(self):
        """Who says nothing at all may still hear a server."""
        worker = self.start(allow)
        with worker.stopped():
            client = self.dial()
            client.shutdown(socket.SHUT_WR)
        server = self.accept()
        server.sendall(b"220 ready\r\n")
        server.close()
        self.assertEqual(drain(client), b"220 ready\r\n")
        self.assertEqual(worker.stages(), [(EARLY, ""), (PLAIN, "")])

    def test_parts_are_acknowledged(self):
        """Who waits for that before it says more (Nagle) does not wait long."""
        self.start(by_name)
        hello = client_hello("a.example")
        took = 1
        # The least that a delayed acknowledgement takes is 40 ms; a machine that
        # is busy does not take as long each time.
        for _ in range(50):
            start = time.monotonic()
            client = self.dial()
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
            for at in range(0, 50, 10):
                client.send(hello[at:at + 10])
            client.send(hello[50:])
            self.receive(self.accept(), hello)
            took = min(took, time.monotonic() - start)
            if took < 0.03:
                break
        self.assertLess(took, 0.03)

    def test_ipv6(self):
        worker = self.start(by_name)
        self.spliced(self.dial_silently("::1"))
        self.assertEqual(worker.asked[1].address, "::1")

    def test_octet_by_octet(self):
        for policy in (by_name, allow):
            worker = self.start(policy)
            for record in (16384, 1):
                client = self.dial()
                hello = client_hello("a.example", record=record)
                for i in range(len(hello)):
                    client.send(hello[i:i + 1])
                    if i % 16 == 0:
                        time.sleep(0.0005)
                self.receive(self.accept(), hello)
                self.assertEqual(worker.stages()[-1], (HELLO, "a.example"))
            self.assertEqual(worker.end(), 0)
        self.worker = None

    def test_large_hello(self):
        worker = self.start(by_name)
        share = struct.pack("!HH", 51, 16200) + bytes(16200)
        for record in (16384, 1000, 1):
            hello = client_hello("a.example", share, record)
            client = self.dial()
            client.sendall(hello + b"early data")
            self.receive(self.accept(), hello + b"early data")
            self.assertEqual(worker.stages()[-1], (HELLO, "a.example"))
        share = struct.pack("!HH", 51, 17000) + bytes(17000)
        client = self.dial()
        client.sendall(client_hello("a.example", share)[:16000])
        self.assertEqual(drain(client), b"\x15\x03\x01\x00\x02\x02\x2f")

    def test_denied_by_name(self):
        worker = self.start(by_name)
        client = self.dial()
        client.sendall(client_hello("b.example"))
        self.is_reset(client)
        self.nobody_dialled()
        self.assertEqual(worker.status()["denied"], 1)
        event = worker.events("denied")[0]
        self.assertEqual([event[k] for k in ("address", "port", "rule", "sni")],
                         ["127.0.0.2", PORT, "/Rules/0", "b.example"])

    def test_denied_by_name_though_dialled(self):
        self.start(lambda ask: say(DENY if ask.name else SPLICE))
        client = self.dial()
        server = self.accept()
        client.sendall(client_hello("b.example"))
        self.is_reset(client)
        self.is_reset(server)

    def test_denied_at_once(self):
        worker = self.start(lambda ask: say(DENY))
        client = self.dial()
        self.is_reset(client)
        self.nobody_dialled()
        self.assertEqual(worker.stages(), [(EARLY, "")])

    def test_plain(self):
        worker = self.start(allow)
        self.spliced(self.dial_silently(), b"GET / HTTP/1.1\r\n\r\n")
        self.spliced(self.dial_silently(), b"\x16\x02")
        self.assertEqual(worker.stages()[1], (PLAIN, ""))
        self.assertEqual(worker.end(), 0)
        worker = self.start(by_name)
        client = self.dial_silently()
        client.sendall(b"G")
        self.is_reset(client)
        self.nobody_dialled()
        self.assertEqual(worker.stages()[1], (PLAIN, ""))

    def test_no_name(self):
        worker = self.start(allow)
        self.spliced(self.dial_silently(), client_hello())
        self.assertEqual(worker.stages()[1], (HELLO, ""))

    def test_broken_hello_gets_an_alert(self):
        for policy in (by_name, allow):
            worker = self.start(policy)
            hello = bytearray(client_hello("a.example"))
            hello[-12] = 7
            client = self.dial_silently()
            client.sendall(bytes(hello) + bytes(70000))
            self.assertEqual(drain(client), b"\x15\x03\x01\x00\x02\x02\x32")
            client.close()
            self.assertTrue(wait_until(
                lambda w=worker: w.status()["connections"] == 0))
            self.assertEqual(worker.status()["failed"], 1)
            self.assertIn("host name",
                          worker.events("hello-refused")[0]["reason"])
            self.assertEqual(len(worker.asked), 1)
            self.assertEqual(worker.end(), 0)
        self.worker = None

    def test_endless_guest_after_an_alert(self):
        worker = self.start(allow)
        client = self.dial()
        with self.assertRaises((ConnectionResetError, BrokenPipeError)):
            client.sendall(b"\x16\x03\x01\x00\x00" + bytes(16 << 20))
        self.assertEqual(worker.status()["connections"], 0)

    def test_server_first(self):
        worker = self.start(allow)
        client = self.dial()
        server = self.accept()
        start = time.monotonic()
        server.sendall(b"220 ready\r\n")
        self.receive(client, b"220 ready\r\n")
        # Less than who says nothing has.
        self.assertLess(time.monotonic() - start, 4)
        self.assertEqual(worker.stages(), [(EARLY, ""), (PLAIN, "")])
        # It is over then: a name counts no more.
        client.sendall(client_hello("b.example"))
        self.receive(server, client_hello("b.example"))
        self.assertEqual(len(worker.asked), 2)

    def test_server_first_denied(self):
        self.start(lambda ask: say(DENY if ask.stage == PLAIN else SPLICE))
        client = self.dial()
        self.accept().sendall(b"220 ready\r\n")
        self.is_reset(client)

    def test_server_is_not_heard_within_a_hello(self):
        worker = self.start(lambda ask: say(
            DENY if ask.name == "b.example" else SPLICE))
        client = self.dial_silently()
        hello = client_hello("b.example")
        client.sendall(hello[:20])
        worker.settled()
        self.accept().sendall(b"220 ready\r\n")
        worker.settled()
        self.assertEqual(len(worker.asked), 1)
        client.sendall(hello[20:])
        self.is_reset(client)

    def test_server_ends_first(self):
        self.start(allow)
        client = self.dial()
        server = self.accept()
        server.shutdown(socket.SHUT_WR)
        self.assertEqual(drain(client), b"")
        client.sendall(b"bye")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(drain(server), b"bye")

    def test_guest_ends_within_a_hello(self):
        worker = self.start(allow)
        client = self.dial_silently()
        client.sendall(client_hello("a.example")[:30])
        client.shutdown(socket.SHUT_WR)
        server = self.accept()
        self.assertEqual(drain(server), client_hello("a.example")[:30])
        server.sendall(b"what?")
        server.close()
        self.assertEqual(drain(client), b"what?")
        self.assertEqual(worker.stages()[1], (PLAIN, ""))
        self.assertEqual(worker.end(), 0)
        worker = self.start(by_name)
        client = self.dial_silently()
        client.sendall(client_hello("a.example")[:30])
        client.shutdown(socket.SHUT_WR)
        self.is_reset(client)
        self.assertEqual(worker.stages()[1], (PLAIN, ""))
        # Who only looked is nobody's failure.
        client = self.dial()
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(drain(client), b"")
        self.assertEqual(worker.status()["denied"], 1)


class Time(Case):
    """What takes too long."""

    def test_silent_guest(self):
        worker = self.start(by_name, HelloMs=300)
        client = self.dial()
        start = time.monotonic()
        self.is_reset(client)
        self.assertTrue(0.25 < time.monotonic() - start < 4)
        self.nobody_dialled()
        self.assertEqual(worker.status()["timed-out"], 1)

    def test_a_word_gives_no_more_time(self):
        worker = self.start(by_name, HelloMs=400)
        client = self.dial()
        start = time.monotonic()
        hello = client_hello("a.example")
        with self.assertRaises((ConnectionResetError, BrokenPipeError)):
            for i in range(len(hello)):
                client.send(hello[i:i + 1])
                time.sleep(0.05)
        self.assertLess(time.monotonic() - start, 4)
        self.assertEqual(worker.status()["timed-out"], 1)

    def test_silent_flow_that_is_allowed(self):
        worker = self.start(allow, HelloMs=700)
        client = self.dial()
        server = self.accept()
        time.sleep(0.8)
        hello = client_hello("a.example")
        client.sendall(hello[:9])
        worker.settled()
        client.sendall(hello[9:])
        self.receive(server, hello)
        # But TLS that has begun is ended in time.
        client = self.dial_silently()
        client.sendall(hello[:9])
        self.is_reset(client)
        self.is_reset(self.accept())
        self.assertEqual(worker.status()["timed-out"], 1)

    def test_server_does_not_answer(self):
        full = self.keep(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            sock = self.keep(socket.socket())
            sock.setblocking(False)
            sock.connect_ex(full.getsockname())
        to = full.getsockname()
        worker = self.start(lambda ask: say(SPLICE, to), ConnectMs=300)
        client = self.dial()
        self.is_reset(client)
        client = self.dial()
        client.sendall(client_hello("a.example"))
        self.is_reset(client)
        self.assertEqual(worker.status()["timed-out"], 2)


class Apply(Case):
    """Flows under another configuration."""

    def setUp(self):
        super().setUp()
        self.now, self.next = {}, {}

    def policy(self, ask):
        """By the address that was dialled; early: what anybody gets there."""
        table = self.next if ask.next else self.now
        return table.get(ask.address, {}).get(ask.stage, say(SPLICE))

    def test_commit(self):
        worker = self.start(self.policy)
        flows = {}
        for address in ("127.0.0.2", "127.0.0.3"):
            client = self.dial_silently(address)
            flows[address] = client, self.spliced(client)
        self.next = {"127.0.0.3": {HELLO: say(DENY)}}
        self.assertEqual(worker.prepare(), ("ok", ""))
        asked = [a for a in worker.asked if a.next]
        self.assertEqual([(a.stage, a.name, a.dial) for a in asked],
                         2 * [(HELLO, "a.example", 0)])
        for client, _ in flows.values():
            client.sendall(b"meanwhile")
        self.receive(flows["127.0.0.2"][1], b"meanwhile")
        flows["127.0.0.3"][1].settimeout(0.3)
        with self.assertRaises(TimeoutError):
            flows["127.0.0.3"][1].recv(1)
        # Who comes now waits.
        late = self.dial()
        late.sendall(client_hello("a.example"))
        worker.settled()
        self.assertEqual(len([a for a in worker.asked if not a.next]), 4)
        self.assertEqual(worker.commit(), ("ok", ""))
        self.receive(self.accept(), client_hello("a.example"))
        for sock in flows["127.0.0.3"]:
            self.is_reset(sock)
        flows["127.0.0.2"][0].sendall(b"after")
        self.receive(flows["127.0.0.2"][1], b"after")

    def test_abort(self):
        worker = self.start(self.policy)
        client = self.dial()
        server = self.spliced(client)
        self.next = {"127.0.0.2": {HELLO: say(DENY)}}
        for _ in range(3):
            self.assertEqual(worker.prepare(), ("ok", ""))
            client.sendall(b"meanwhile")
            server.settimeout(0.1)
            with self.assertRaises(TimeoutError):
                server.recv(1)
            self.assertEqual(worker.abort(), ("ok", ""))
            server.settimeout(tls_case.PATIENCE)
            self.receive(server, b"meanwhile")
        server.close()
        self.assertEqual(drain(client), b"")
        self.spliced(self.dial())

    def test_other_treatment_is_denial(self):
        worker = self.start(self.policy, {"intercept": True})
        client = self.dial()
        server = self.spliced(client)
        self.next = {"127.0.0.2": {HELLO: say(INTERCEPT)}}
        self.assertEqual(worker.prepare(intercept=True), ("ok", ""))
        self.assertEqual(worker.commit(), ("ok", ""))
        self.is_reset(client)
        self.is_reset(server)

    def test_said_while_one_is_prepared(self):
        """Who has just been accepted is not asked about until it is over."""
        worker = self.start(self.policy)
        with worker.stopped():
            client = self.dial()
            silent = self.dial("127.0.0.3")
            worker.prepare(wait=False)
        self.assertEqual(relay.receive(worker.channel), ("ok", ""))
        before = [a.stage for a in worker.asked if not a.next]
        client.sendall(client_hello("a.example"))
        worker.settled()
        self.assertEqual([a.stage for a in worker.asked if not a.next],
                         before)
        self.assertEqual(worker.commit(), ("ok", ""))
        self.receive(self.accept(), client_hello("a.example"))
        self.accept().sendall(b"220 ready\r\n")
        self.receive(silent, b"220 ready\r\n")

    def test_accepted_when_one_is_prepared(self):
        """Who comes in the same moment as a configuration waits for it."""
        worker = self.start(self.policy)
        for _ in range(20):
            self.now = {}
            self.next = {"127.0.0.2": dict.fromkeys((EARLY, HELLO), say(DENY))}
            with contextlib.ExitStack() as stopped:
                def stop():
                    time.sleep(0.01)
                    stopped.enter_context(worker.stopped())
                worker.prepare(wait=False, before=stop)
                client = self.dial()
                client.sendall(client_hello("a.example"))
            self.assertEqual(relay.receive(worker.channel), ("ok", ""))
            worker.settled()
            self.assertEqual(worker.stages(), [])
            self.now = self.next
            self.assertEqual(worker.commit(), ("ok", ""))
            self.is_reset(client)
            worker.asked.clear()

    def test_undecided(self):
        """Nothing is decided while a configuration is prepared."""
        self.now = {"127.0.0.2": {EARLY: say(WAIT)},
                    "127.0.0.4": {EARLY: say(WAIT)}}
        self.next = {"127.0.0.2": {EARLY: say(WAIT)},
                     "127.0.0.3": {EARLY: say(WAIT)},
                     "127.0.0.4": {EARLY: say(DENY)}}
        worker = self.start(self.policy)
        flows = {n: self.dial("127.0.0.%d" % n) for n in (2, 3, 4, 5)}
        servers = [self.accept(), self.accept()]
        hello = client_hello("a.example")
        flows[2].sendall(hello[:50])
        worker.settled()
        self.assertEqual(worker.prepare(), ("ok", ""))
        flows[2].sendall(hello[50:])
        flows[5].sendall(hello)
        worker.settled()
        self.assertNotIn(HELLO, [a.stage for a in worker.asked])
        self.now = self.next
        self.assertEqual(worker.commit(), ("ok", ""))
        self.receive(servers[1], hello)
        self.receive(self.accept(), hello)
        # Nobody may be dialled there without a name any more.
        self.is_reset(flows[3])
        self.is_reset(servers[0])
        self.is_reset(flows[4])

    def test_refused_configuration(self):
        worker = self.start(self.policy)
        client = self.dial()
        server = self.spliced(client)
        kind, text = worker.prepare(intercept=True, roots=b"bad")
        self.assertEqual((kind, text), ("failed", "the roots are bad"))
        kind, text = worker.prepare(intercept=True, ca=b"")
        self.assertEqual(kind, "failed")
        self.assertEqual(worker.commit()[0], "failed")
        client.sendall(b"still")
        self.receive(server, b"still")


if __name__ == "__main__":
    tls_case.main()
