# SPDX-License-Identifier: GPL-2.0-or-later
"""test_tls_secrets.py - msb-tlsd's worker: plain flows read, and secrets kept."""
import base64
import fcntl
import hashlib
import os
import random
import select
import socket
import struct
import sys
import termios
import threading
import time

import h2.config
import h2.connection

import memory
import relay
import tls_case
from tls_alone import (DENY, EARLY, HELLO, INTERCEPT, READ, SPLICE, WAIT,
                       client_hello, say, secret)
from tls_case import Case, drain, reset, wait_until

SANITIZED = "--any-memory" in sys.argv
SECONDS = 120 if "--long" in sys.argv else 2
KEY, TOKEN, MILD, LAST = b"$MSB_KEY", b"@the-token@", b"$MSB_MILD", b"$MSB_LAST"
VALUES = [b"value-of-KEY-7f3a91", b"value-of-TOKEN-55c1", b"value-of-MILD-0b1d",
          b"value-of-LAST-9e77"]
SECRETS = [secret("KEY"), secret("TOKEN", placeholder=TOKEN.decode()),
           secret("MILD", OnViolation="block"),
           secret("LAST", OnViolation="block-and-terminate")]
POST = b"POST /p HTTP/1.1\r\nHost: www.example.com\r\n"
GET = b"GET /p HTTP/1.1\r\nHost: www.example.com\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def sized(body, extra=b""):
    return POST + extra + b"Content-Length: %d\r\n\r\n" % len(body) + body


def chunked(*chunks, trailer=b""):
    return (POST + b"Transfer-Encoding: chunked\r\n\r\n" +
            b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) +
            b"0\r\n" + trailer + b"\r\n")


def percent(text):
    return b"".join(b"%%%02X" % octet for octet in text)


def escaped(text):
    return b"".join(b"\\u%04x" % octet for octet in text)


def masked(text, mask=b"\x13\x57\x9b\xdf"):
    """A client's WebSocket message."""
    return (bytes([0x81, 0x80 | len(text)]) + mask +
            bytes(c ^ mask[i % 4] for i, c in enumerate(text)))


def basic(text):
    return b"Authorization: Basic " + base64.b64encode(text)


# What a guest says, and where the violation is.
VIOLATIONS = {
    "path": (b"GET /" + KEY + b" HTTP/1.1\r\nHost: a.example\r\n\r\n",
             "request-line"),
    "query": (b"GET /?k=" + percent(KEY) + b" HTTP/1.1\r\nHost: a\r\n\r\n",
              "request-line"),
    "header": (POST + b"X-Key: " + KEY + b"\r\n\r\n", "header"),
    "header escaped": (POST + b"X-Key: %24MSB_KEY\r\n\r\n", "header"),
    "basic": (POST + basic(b"user:" + KEY) + b"\r\n\r\n", "header"),
    "body": (sized(b"a" * 100 + KEY + b"b"), "body"),
    "body in JSON": (sized(b'{"k": "' + escaped(KEY) + b'"}'), "body"),
    "body in base64": (sized(base64.b64encode(b"xy" + KEY + b"z")), "body"),
    "chunks": (chunked(b"aaa" + KEY[:3], KEY[3:] + b"bbb"), "body"),
    "trailer": (chunked(b"aaa", trailer=b"X-End: " + KEY + b"\r\n"),
                "trailer"),
    "end of a body": (sized(b"aaaa" + KEY), "body"),
    "no HTTP": (b"\x00\x01" + KEY + b"\x00", "stream"),
    "TLS": (client_hello("a.example") + b"\x17\x03\x03\x00\x08" + KEY,
            "stream"),
}


def read(ask):
    """What msb-tlsd's monitor says of port 80 where there are secrets."""
    return say(SPLICE if ask.stage == EARLY else READ)


class Secrets(Case):
    """A worker that has secrets."""

    def begin(self, policy=read, secrets=None, values=None, **limits):
        return self.start(policy, {"secrets": secrets or SECRETS,
                                   "values": values or VALUES}, **limits)

    def pair(self, said=GET):
        """A flow, of which the server has heard something."""
        client = self.dial()
        client.sendall(said)
        server = self.accept()
        self.receive(server, said)
        return client, server

    def heard(self, server):
        """What it hears until it is reset."""
        got = b""
        try:
            while True:
                part = server.recv(65536)
                self.assertTrue(part, "it ended in order after %r" % got)
                got += part
        except ConnectionResetError:
            return got

    def other(self, secrets=None, values=None):
        """Another configuration: prepared, and put in force."""
        self.assertEqual(self.worker.prepare(secrets=secrets or SECRETS,
                                             values=values or VALUES),
                         ("ok", ""))
        self.assertEqual(self.worker.commit(), ("ok", ""))


class Plain(Secrets):
    """Flows that are not encrypted: read, and passed on as they are."""

    def test_passes(self):
        worker = self.begin()
        client, server = self.pair()
        for _ in range(3):
            server.sendall(ANSWER)
            self.receive(client, ANSWER)
            for said in (GET, sized(b"x" * 1000), chunked(b"abc", b"d" * 99)):
                client.sendall(said)
                self.receive(server, said)
        # What a server says is its own.
        server.sendall(KEY)
        self.receive(client, KEY)
        status = worker.status()
        self.assertEqual([status[k] for k in ("secrets", "read", "violations",
                                              "spliced")], [4, 1, 0, 0])
        client.close()
        self.assertEqual(drain(server), b"")
        server.close()
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] == 0))

    def test_violations(self):
        worker = self.begin()
        for name, (said, where) in VIOLATIONS.items():
            with self.subTest(name):
                count = worker.status()["violations"]
                client = self.dial()
                client.sendall(said)
                # Nothing of what was read with it is passed on.
                self.assertEqual(self.heard(self.accept()), b"")
                self.is_reset(client)
                self.assertEqual(worker.status()["violations"], count + 1)
                event = worker.events("secret-violation")[-1]
                self.assertEqual(
                    [event[k] for k in ("address", "port", "secret", "where",
                                        "action")],
                    ["127.0.0.2", tls_case.PORT, "KEY", where,
                     "block-and-log"])
                self.assertEqual(event.get("sni"),
                                 "a.example" if name == "TLS" else None)
                self.assertNotIn("reason", event)
        log = b"".join(worker.lines)
        for octets in (KEY, base64.b64encode(KEY)[:8], VALUES[0]):
            self.assertNotIn(octets, log)

    def test_split_anywhere(self):
        """Each octet a segment of its own, or two pieces."""
        worker = self.begin()
        said = (POST + b"X: y\r\nContent-Length: 200\r\n\r\n" +
                base64.b64encode(b"ab" + TOKEN) + b"c" * 100)
        start = len(said) - 130
        cuts = [[i] for i in range(start, len(said) - 90, 2)]
        for cut in cuts + [range(1, len(said))]:
            client, at = self.dial(), 0
            try:
                for to in [*cut, len(said)]:
                    client.sendall(said[at:to])
                    at = to
                    time.sleep(0.001)
            except OSError:
                pass  # It was cut off in the middle.
            got = self.heard(self.accept())
            self.assertTrue(said.startswith(got))
            self.assertLess(len(got), len(said) - 100)
        self.assertEqual(worker.status()["violations"], len(cuts) + 1)
        self.assertEqual(worker.events("secret-violation")[0]["secret"],
                         "TOKEN")

    def test_second_of_two_requests(self):
        self.begin()
        bad = POST + b"X: " + KEY + b"\r\n\r\n"
        client, server = self.pair()
        client.sendall(GET + bad)
        self.assertEqual(self.heard(server), b"")
        self.is_reset(client)
        # The first one was on its way already.
        client, server = self.pair()
        client.sendall(GET)
        self.receive(server, GET)
        client.sendall(bad)
        self.assertEqual(self.heard(server), b"")

    def test_at_the_end(self):
        """What was kept back when the guest ends."""
        worker = self.begin()
        said = POST + b"X-Key: " + KEY
        client = self.dial()
        client.sendall(said)
        server = self.accept()
        self.assertEqual(select.select([server], [], [], 0.05)[0], [])
        self.assertEqual(worker.status()["violations"], 0)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.heard(server), b"")
        event = worker.events("secret-violation")[0]
        self.assertEqual((event["secret"], event["where"]), ("KEY", "stream"))
        # An incomplete head is passed on with the end.
        client = self.dial()
        client.sendall(GET[:-10])
        server = self.accept()
        self.assertEqual(select.select([server], [], [], 0.05)[0], [])
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(drain(server), GET[:-10])
        server.sendall(ANSWER)
        server.close()
        self.assertEqual(drain(client), ANSWER)

    def test_upgrade(self):
        worker = self.begin()
        ask = (b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
               b"Upgrade: websocket\r\n\r\n")
        agree = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
        client, server = self.pair(ask)
        # Until the server has answered what is said waits.
        client.sendall(masked(b"hello"))
        self.assertEqual(select.select([server], [], [], 0.05)[0], [])
        server.sendall(agree)
        self.receive(client, agree)
        self.receive(server, masked(b"hello"))
        self.assertNotIn(KEY, masked(KEY))
        client.sendall(masked(b"the " + KEY))
        self.assertEqual(self.heard(server), b"")
        self.assertEqual(worker.events("secret-violation")[0]["where"],
                         "stream")
        ask = b"CONNECT a.example:22 HTTP/1.1\r\nHost: a.example:22\r\n\r\n"
        client, server = self.pair(ask)
        server.sendall(b"HTTP/1.1 200 Fine\r\n\r\n")
        self.receive(client, b"HTTP/1.1 200 Fine\r\n\r\n")
        client.sendall(b"SSH-2.0-x\r\n" + KEY)
        self.assertEqual(self.heard(server), b"")

    def test_http2(self):
        """With prior knowledge, as a guest may begin on any port."""
        worker = self.begin()
        for where, headers, body in (
                (None, [("x-key", "none")], b"nothing"),
                ("header", [("x-key", KEY.decode())], b""),
                ("body", [], b"x" * 50 + KEY)):
            made = h2.connection.H2Connection(h2.config.H2Configuration(
                client_side=True, validate_outbound_headers=False))
            made.initiate_connection()
            client = self.dial()
            client.sendall(made.data_to_send())
            server = self.accept()
            self.assertTrue(server.recv(65536).startswith(b"PRI * HTTP/2.0"))
            made.send_headers(1, [(":method", "POST"), (":scheme", "http"),
                                  (":authority", "a"), (":path", "/")] +
                              headers)
            made.send_data(1, body, end_stream=True)
            client.sendall(made.data_to_send())
            if where:
                self.assertEqual(self.heard(server), b"")
                self.assertEqual(
                    worker.events("secret-violation")[-1]["where"], where)
            else:
                self.assertTrue(server.recv(65536).endswith(b"nothing"))
        self.assertEqual(worker.status()["violations"], 2)

    def test_server_speaks_first(self):
        worker = self.begin()
        client = self.dial()
        server = self.accept()
        server.sendall(b"220 here\r\n")
        self.receive(client, b"220 here\r\n")
        client.sendall(b"HELO a\r\n")
        self.receive(server, b"HELO a\r\n")
        client.sendall(KEY)
        self.assertEqual(self.heard(server), b"")
        self.assertEqual(worker.events("secret-violation")[0]["where"],
                         "stream")

    def test_ends(self):
        worker = self.begin()
        for guest_first in (True, False):
            client, server = self.pair()
            first, second = ((client, server) if guest_first
                             else (server, client))
            first.shutdown(socket.SHUT_WR)
            self.assertEqual(drain(second), b"")
            for _ in range(3):
                second.sendall(ANSWER)
                self.receive(first, ANSWER)
            second.close()
            self.assertEqual(drain(first), b"")
        # The end may be there before anything was read.
        client = self.dial()
        client.sendall(GET)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(drain(self.accept()), GET)
        client = self.dial()
        server = self.accept()
        server.sendall(b"220 here")
        server.close()
        self.assertEqual(drain(client), b"220 here")
        client.close()
        for sock in self.open[1:]:
            sock.close()
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] == 0))

    def test_resets(self):
        worker = self.begin()
        client, server = self.pair()
        reset(client)
        self.is_reset(server)
        client, server = self.pair()
        reset(server)
        self.is_reset(client)
        # A guest that waits for nothing ends it though its server is slow.
        client, server = self.pair(POST + b"Content-Length: 99999999\r\n\r\n")
        self.fill(client)
        reset(client)
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] == 0))
        # An answer in front of a reset is heard.
        client, server = self.pair()
        server.sendall(b"a" * 40000)
        self.assertTrue(wait_until(lambda: struct.unpack("i", fcntl.ioctl(
            client, termios.FIONREAD, bytes(4)))[0] == 40000))
        reset(server)
        self.receive(client, b"a" * 40000)
        self.is_reset(client)
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] == 0))

    @staticmethod
    def fill(sock):
        """Send until nothing is taken any more; how much it took."""
        sock.setblocking(False)
        sent, still = 0, time.monotonic()
        while time.monotonic() - still < 0.3 and sent < 1 << 28:
            try:
                sent += sock.send(bytes(65536))
                still = time.monotonic()
            except BlockingIOError:
                time.sleep(0.01)
        return sent

    def test_back_pressure(self):
        worker = self.begin()
        for guest_reads in (True, False):
            client, server = self.pair(
                GET if guest_reads
                else POST + b"Content-Length: 999999999\r\n\r\n")
            reader, writer = ((client, server) if guest_reads
                              else (server, client))
            before = worker.memory()
            sent = self.fill(writer)
            self.assertLess(sent, 1 << 26)
            if not SANITIZED:
                self.assertLess(worker.memory() - before, 1 << 18)
            # The other way goes on.
            reader.sendall(b"meanwhile" if guest_reads else ANSWER)
            if not guest_reads:
                writer.setblocking(True)
                self.receive(writer, ANSWER)
            got = 0
            while got < sent:
                got += len(reader.recv(1 << 20))
            self.assertEqual(got, sent)
            reset(reader)
            writer.close()

    def test_large_bodies(self):
        self.begin()
        size = (8 if SANITIZED else 64) << 20
        block = os.urandom(1 << 20)
        client, server = self.pair()
        for sock in (client, server):
            sock.settimeout(60)
        head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
        chunk = b"%x\r\n" % len(block) + block + b"\r\n"
        sums = {}

        def send(sock, first, each, last):
            sock.sendall(first)
            for _ in range(size // len(block)):
                sock.sendall(each)
            sock.sendall(last)
            sock.shutdown(socket.SHUT_WR)

        def take(sock, key):
            total, each = hashlib.sha256(), b"x"
            while each:
                each = sock.recv(1 << 20)
                total.update(each)
            sums[key] = total.hexdigest()

        def expected(*parts):
            total = hashlib.sha256()
            for part in parts:
                total.update(part)
            return total.hexdigest()

        began = time.monotonic()
        threads = [threading.Thread(target=f, args=a) for f, a in (
            (send, (client, head, chunk, b"0\r\n\r\n")),
            (send, (server, ANSWER, block, b"")),
            (take, (client, "client")), (take, (server, "server")))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        count = size // len(block)
        self.assertEqual(sums["server"],
                         expected(head, *[chunk] * count, b"0\r\n\r\n"))
        self.assertEqual(sums["client"], expected(ANSWER, *[block] * count))
        print("%d MB each way in %.2f s" % (size >> 20,
                                            time.monotonic() - began))

    def test_fair(self):
        """One that never stops does not keep another waiting."""
        self.begin()
        client, server = self.pair(POST + b"Content-Length: 9999999999\r\n\r\n")
        stop = threading.Event()

        def send():
            while not stop.is_set():
                client.sendall(bytes(1 << 20))

        def take():
            while not stop.is_set():
                server.recv(1 << 20)

        threads = [threading.Thread(target=f) for f in (send, take)]
        for thread in threads:
            thread.start()
        try:
            quick, far = self.pair()
            for _ in range(50):
                quick.sendall(GET)
                self.receive(far, GET)
        finally:
            stop.set()
            client.settimeout(tls_case.PATIENCE)
            for thread in threads:
                thread.join(5)

    def test_limits(self):
        worker = self.begin(Intercepted=2)
        kept = self.pair(), self.pair()
        client = self.dial()
        client.sendall(GET)
        self.is_reset(client)
        self.assertEqual(self.heard(self.accept()), b"")
        self.assertEqual(worker.events("limited")[0]["limit"], "Intercepted")
        reset(kept[0][0])
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] == 1))
        self.pair()

    def test_actions(self):
        worker = self.begin()
        client, server = self.pair()
        client.sendall(sized(MILD))
        self.assertEqual(self.heard(server), b"")
        self.assertEqual(worker.status()["violations"], 1)
        self.assertEqual(worker.events("secret-violation"), [])

    def test_as_many_as_may_be(self):
        many = [secret("N%d" % i, placeholder="$MSB_%019d" % i)
                for i in range(256)]
        worker = self.begin(secrets=many,
                            values=[b"%d-" % i + bytes([97 + i % 26]) * 16000
                                    for i in range(256)])
        self.assertEqual(worker.status()["secrets"], 256)
        client, server = self.pair()
        client.sendall(sized(b"$MSB_%019d" % 255))
        self.assertEqual(self.heard(server), b"")
        self.assertEqual(worker.events("secret-violation")[0]["secret"],
                         "N255")

    def test_noise_hides_nothing(self):
        """Other events may use up their own lines, and no violation's."""
        worker = self.begin(lambda ask: say(
            DENY if ask.address == "127.0.0.9" else read(ask)[0]))
        for _ in range(40):
            self.is_reset(self.dial("127.0.0.9"))
        self.assertLess(len(worker.events("denied")), 40)
        client, server = self.pair()
        client.sendall(sized(KEY))
        self.heard(server)
        self.assertEqual(len(worker.events("secret-violation")), 1)


class Change(Secrets):
    """Another configuration, other secrets, other values."""

    def test_new_values(self):
        """No flow notices, and nothing of the old ones is left."""
        worker = self.begin()
        client, server = self.pair()
        new = [b"another-%d-41a0" % i for i in range(4)]
        self.other(values=new)
        client.sendall(GET)
        self.receive(server, GET)
        server.sendall(ANSWER)
        self.receive(client, ANSWER)
        self.assertEqual(worker.status()["connections"], 1)
        self.assertEqual(self.found(VALUES), {})
        self.assertEqual(set(self.found(new)), set(new))
        client.sendall(sized(KEY))
        self.assertEqual(self.heard(server), b"")

    def found(self, values):
        """Where in the worker's memory each value is."""
        return memory.search(self.worker.process.pid, values)

    def test_memory(self):
        """Values are in one place, locked, in no core and no child's."""
        worker = self.begin()
        found = self.found(VALUES)
        self.assertEqual(set(found), set(VALUES))
        for areas in found.values():
            self.assertEqual(len(areas), 1)
            # A sanitizer makes nothing of mlock().
            self.assertTrue(SANITIZED or memory.KEPT <= areas[0])
        # What was prepared, and given up.
        new = [b"another-%d-41a0" % i for i in range(4)]
        self.assertEqual(worker.prepare(secrets=SECRETS, values=new),
                         ("ok", ""))
        self.assertEqual(set(self.found(new)), set(new))
        self.assertEqual(worker.abort(), ("ok", ""))
        self.assertEqual(self.found(new), {})
        self.assertEqual(set(self.found(VALUES)), set(VALUES))
        # Neither does a file stay open that has them.
        self.assertEqual(memory.files_in_memory(worker.process.pid), [])
        self.assertEqual(worker.prepare(), ("ok", ""))
        self.assertEqual(worker.commit(), ("ok", ""))
        self.assertEqual(self.found(VALUES), {})
        self.assertEqual(worker.status()["secrets"], 0)

    def test_refused(self):
        """What is wrong with a value is said, and never the value."""
        worker = self.begin()
        client, server = self.pair()
        bad = b"bad\nvalue-77"
        for values, words in (
                (None, "missing"), (VALUES[:3], "not the values"),
                (VALUES + [b"x"], "not the values"),
                ([VALUES[0], bad] + VALUES[2:], "the secret TOKEN: "),
                ([b""] + VALUES[1:], "the secret KEY: "),
                ([VALUES[0] + b" "] + VALUES[1:], "the secret KEY: ")):
            with self.subTest(words):
                kind, text = worker.prepare(secrets=SECRETS, values=values)
                self.assertEqual(kind, "failed")
                self.assertIn(words, text)
                self.assertNotIn("bad", text)
                self.assertNotIn("value-77", text)
        self.assertEqual(worker.commit()[0], "failed")
        client.sendall(GET)
        self.receive(server, GET)
        self.assertEqual(set(self.found(VALUES)), set(VALUES))
        self.assertEqual(self.found([b"value-77"]), {})

    def test_other_secrets(self):
        """A flow that was read for others than those there will be ends."""
        changes = [
            SECRETS[:3], SECRETS + [secret("MORE")], SECRETS[::-1],
            [{**SECRETS[0], "Placeholder": "$MSB_KEX"}] + SECRETS[1:],
            [{**SECRETS[0], "AllowedHosts": ["api.example.net"]}] + SECRETS[1:],
            [{**SECRETS[0], "AllowedHosts": ["*.api.example.com"]}] +
            SECRETS[1:],
            [{**SECRETS[0], "Inject": ["headers"]}] + SECRETS[1:],
            [{**SECRETS[0], "OnViolation": "block"}] + SECRETS[1:],
            [{**SECRETS[0], "Name": "KEY_"}] + SECRETS[1:]]
        worker = self.begin(lambda ask: say(
            SPLICE if ask.stage == EARLY or ask.address == "127.0.0.3"
            else READ))
        for change in changes:
            client, server = self.pair()
            other = self.dial("127.0.0.3")
            other.sendall(GET)
            far = self.accept()
            self.receive(far, GET)
            self.assertEqual(worker.prepare(
                secrets=change, values=[b"1"] * len(change)), ("ok", ""))
            # It stands still, and goes on if nothing comes of it.
            client.sendall(GET)
            self.assertEqual(select.select([server], [], [], 0.05)[0], [])
            self.assertEqual(worker.abort(), ("ok", ""))
            self.receive(server, GET)
            self.other(secrets=change, values=[b"1"] * len(change))
            self.is_reset(client)
            self.is_reset(server)
            # What is not read is not touched.
            other.sendall(GET)
            self.receive(far, GET)
            self.other()
            reset(other)

    def test_first_and_last_secret(self):
        """Intercepted flows that no gate read, and those that one did."""
        worker = self.start(
            lambda ask: say(WAIT if ask.stage == EARLY else
                            INTERCEPT if ask.stage == HELLO else READ),
            {"intercept": True})
        client = self.dial()
        client.sendall(client_hello("leak.example"))
        self.accept()
        self.assertTrue(client.recv(100).startswith(b"leak.example"))
        client.sendall(b"leak")
        self.receive(client, b"LEAK")
        some = {"secrets": SECRETS, "values": VALUES}
        self.assertEqual(worker.prepare(intercept=True, **some), ("ok", ""))
        self.assertEqual(worker.commit(), ("ok", ""))
        self.is_reset(client)
        client = self.dial()
        client.sendall(client_hello("leak.example"))
        self.accept()
        client.recv(100)
        self.assertEqual(worker.prepare(intercept=True), ("ok", ""))
        self.assertEqual(worker.commit(), ("ok", ""))
        self.is_reset(client)

    def test_intercepted(self):
        """A violation in what is intercepted is told with its name."""
        worker = self.start(
            lambda ask: say(WAIT if ask.stage == EARLY else INTERCEPT),
            {"intercept": True, "secrets": SECRETS, "values": VALUES})
        client = self.dial()
        client.sendall(client_hello("leak.example"))
        server = self.accept()
        client.recv(100)
        client.sendall(b"leak")
        self.is_reset(client)
        self.is_reset(server)
        event = worker.events("secret-violation")[0]
        self.assertEqual([event[k] for k in ("secret", "where", "sni")],
                         ["KEY", "body", "leak.example"])
        self.assertEqual(worker.events("intercept-failed"), [])
        self.assertEqual(worker.status()["intercepting"], 0)


class Terminate(Secrets):
    """block-and-terminate."""

    def test_all_ends(self):
        worker = self.begin(lambda ask: say(
            SPLICE if ask.stage == EARLY or ask.address == "127.0.0.3"
            else READ))
        others = self.pair()
        spliced = self.dial("127.0.0.3")
        spliced.sendall(GET)
        far = self.accept()
        self.receive(far, GET)
        waiting = self.dial()
        self.accept()
        client, server = self.pair()
        client.sendall(sized(LAST))
        self.assertEqual(self.heard(server), b"")
        for sock in (*others, spliced, far, waiting, client):
            self.is_reset(sock)
        self.assertEqual(relay.receive(worker.channel), (
            "terminate", "placeholder of secret LAST in the body, to "
            "127.0.0.2 port %d" % tls_case.PORT))
        event = worker.events("secret-violation")[0]
        self.assertEqual((event["secret"], event["action"]),
                         ("LAST", "block-and-terminate"))
        # From here on nobody is accepted, whatever comes.
        asked = len(worker.asked)
        late = self.dial()
        late.sendall(GET)
        self.other()
        self.assertEqual(worker.abort(), ("ok", ""))
        self.assertEqual(select.select([late, self.listener], [], [], 0.1)[0],
                         [])
        status = worker.status()
        self.assertEqual((status["connections"], status["violations"],
                          len(worker.asked)), (0, 1, asked))


class Torture(Secrets):
    """Many flows of every kind, while configurations come and go."""

    def serve(self):
        """Say what was heard, when it ends."""
        def one(sock):
            heard = b""
            try:
                with sock:
                    sock.settimeout(20)
                    heard = drain(sock)
                    sock.sendall(hashlib.sha256(heard).digest())
            except OSError:
                pass
            if KEY in heard:
                self.wrong.append("a placeholder has left")

        while not self.closed.is_set():
            try:
                sock = self.listener.accept()[0]
            except OSError:
                continue
            threading.Thread(target=one, args=(sock,)).start()

    def flow(self, rng):
        """One flow: True if it was to go through, and did not."""
        bad = rng.random() < 0.3
        body = rng.randbytes(rng.choice((0, 10, 1000, 50000)))
        if bad:
            at = rng.randint(0, len(body))
            form = rng.choice((KEY, percent(KEY), escaped(KEY),
                               base64.b64encode(KEY + bytes(2))))
            body = body[:at] + form + body[at:]
        cut = rng.randint(0, len(body))
        said = rng.choice((
            sized(body), chunked(*filter(None, (body[:cut], body[cut:]))),
            b"\x01" + body, GET + sized(body)))
        heard, at = b"", 0
        with socket.socket() as sock:
            sock.settimeout(20)
            try:
                sock.connect(("127.0.0.2", tls_case.PORT))
                while at < len(said):
                    to = at + rng.choice((1, 7, 500, 100000))
                    sock.sendall(said[at:to])
                    at = to
                    if rng.random() < 0.01:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        b"\1\0\0\0\0\0\0\0")
                        return False
                sock.shutdown(socket.SHUT_WR)
                heard = drain(sock)
            except OSError:
                pass
        if bad and heard:
            self.wrong.append("a violation was answered")
        return not bad and heard != hashlib.sha256(said).digest()

    def flows(self, seed):
        rng = random.Random(seed)
        while not self.stop.is_set():
            began = self.reset
            if self.flow(rng) and self.reset == began:
                self.wrong.append("a flow did not go through")
            self.count += 1

    def test_all_at_once(self):
        worker = self.begin()
        self.stop, self.closed = threading.Event(), threading.Event()
        self.wrong = []
        self.count = self.reset = 0
        self.listener.settimeout(0.2)
        server = threading.Thread(target=self.serve)
        threads = [threading.Thread(target=self.flows, args=(i,))
                   for i in range(6)]
        for thread in (server, *threads):
            thread.start()
        rng, secrets = random.Random(1), SECRETS
        end = time.monotonic() + SECONDS
        try:
            # On a machine that is busy it takes longer until enough has happened.
            while not self.wrong and (time.monotonic() < end or worker.status()[
                    "violations"] <= 20 and time.monotonic() < end + 60):
                time.sleep(rng.uniform(0, 0.02))
                change = rng.random()
                values = [rng.randbytes(8).hex().encode() for _ in SECRETS]
                last, secrets = secrets, (SECRETS[:2] if change < 0.1
                                          else SECRETS)
                self.assertEqual(worker.prepare(
                    secrets=secrets, values=values[:len(secrets)])[0], "ok")
                if change > 0.8:
                    self.assertEqual(worker.abort(), ("ok", ""))
                    secrets = last
                else:
                    self.reset += secrets != last
                    self.assertEqual(worker.commit(), ("ok", ""))
                    self.reset += secrets != last
                time.sleep(rng.uniform(0, 0.05))
        finally:
            self.stop.set()
            for thread in threads:
                thread.join(60)
            self.closed.set()
            server.join(60)
        self.assertEqual(self.wrong, [])
        self.assertGreater(worker.status()["violations"], 20)
        self.assertTrue(wait_until(
            lambda: worker.status()["connections"] == 0))
        print("%d flows, %d violations, %d limited" % (
            self.count, worker.status()["violations"],
            worker.status()["limited"]))


if __name__ == "__main__":
    tls_case.main()
