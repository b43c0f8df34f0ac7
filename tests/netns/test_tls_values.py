# SPDX-License-Identifier: GPL-2.0-or-later
"""test_tls_values.py - msb-tlsd as a whole: whom a secret's value gets to."""
import base64
import json
import os
import socket
import sys
import unittest
from urllib.parse import quote

import h2.config
import h2.connection
import h2.events

import lab
import memory
import relay
import tls_whole
from tls_alone import client_hello, secret
from tls_case import wait_until

PROGRAM = None
SANITIZED = "--any-memory" in sys.argv
HTTPS = {"api.example.com": "198.51.100.10", "www.example.com": "198.51.100.11"}
KEY, LAST = "$MSB_KEY", "$MSB_LAST"
SECRETS = [secret("KEY"), secret("LAST", OnViolation="block-and-terminate")]
VALUES = [b"value-of-KEY-7f3a91", b"value-of-LAST-9e77"]
NEW = [b"another-KEY-12cd", b"another-LAST-77ef", b"another-ALL-0a9b"]


def get(host, key):
    return ("GET / HTTP/1.1\r\nHost: %s\r\nX-Key: %s\r\n\r\n" %
            (host, key)).encode()


class Case(unittest.TestCase):
    """msb-tlsd, a guest and its servers."""

    world = None

    def setUp(self):
        if not Case.world:
            Case.world = tls_whole.World()
        self.listeners = {name: self.world.listener(address, 443)
                          for name, address in HTTPS.items()}
        self.plain = self.world.listener("198.51.100.12", 80)
        self.mute = self.world.listener("198.51.100.12", 443)
        self.open = []
        self.tlsd = tls_whole.Tlsd(PROGRAM, self.world)
        self.tlsd.begin(secrets=SECRETS, values=VALUES)

    def tearDown(self):
        for sock in (*self.open, *self.listeners.values(), self.plain,
                     self.mute):
            sock.close()
        self.assertEqual(self.tlsd.end(), 0)
        self.assertEqual(self.tlsd.events("failed"), [])
        self.tlsd.log.close()

    def intercepted(self, name, alpn="http/1.1"):
        ends = self.world.connect(self.listeners[name], name, alpn)
        self.open += ends
        return ends

    def pair(self, listener, said):
        client = self.world.dial(*listener.getsockname())
        self.open.append(client)
        client.sendall(said)
        server = listener.accept()[0]
        server.settimeout(20)
        self.open.append(server)
        return client, server

    def arrives(self, ends, said, expected):
        ends[0].sendall(said)
        got = b""
        while len(got) < len(expected):
            part = ends[1].recv(65536)
            self.assertTrue(part, "it ended after %r" % got)
            got += part
        self.assertEqual(got, expected)

    def is_reset(self, sock):
        """As TCP has it: TLS of a Python's takes it for an end."""
        with socket.socket(fileno=os.dup(sock.fileno())) as under:
            under.settimeout(20)
            with self.assertRaises(ConnectionResetError):
                while under.recv(65536):
                    pass

    def other(self, secrets=None, values=None):
        for answer in (self.tlsd.prepare(secrets or SECRETS,
                                         values or VALUES),
                       self.tlsd.commit()):
            self.assertEqual(answer, ("ok", ""))

    def said(self, host="api.example.com", value=VALUES[0]):
        """A request, and what becomes of it."""
        return get(host, KEY), get(host, value.decode())


class Values(Case):
    """Whom a value gets to, and which."""

    def test_substitution(self):
        ends = self.intercepted("api.example.com")
        for _ in range(3):
            self.arrives(ends, *self.said())
        self.assertEqual(self.tlsd.status()["violations"], "0")

    def test_new_values(self):
        """The next request on a connection that is open has the new one."""
        ends = self.intercepted("api.example.com")
        self.arrives(ends, *self.said())
        self.other(values=NEW[:2])
        self.arrives(ends, *self.said(value=NEW[0]))
        # What cannot be is refused, and the old one stays.
        kind, text = self.tlsd.prepare(SECRETS, [b"bad\rvalue", NEW[1]])
        self.assertEqual(kind, "failed")
        self.assertIn("the secret KEY: ", text)
        self.assertNotIn("bad", text)
        self.assertNotEqual(self.tlsd.commit(), ("ok", ""))
        self.arrives(ends, *self.said(value=NEW[0]))
        self.assertEqual(self.tlsd.prepare(SECRETS, VALUES), ("ok", ""))
        self.arrives(ends, *self.said(value=NEW[0]))
        self.assertEqual(relay.ask(self.tlsd.channel, "abort"), ("ok", ""))
        self.arrives(ends, *self.said(value=NEW[0]))

    def test_other_host(self):
        client, server = self.intercepted("www.example.com")
        client.sendall(self.said("www.example.com")[0])
        self.is_reset(client)
        self.is_reset(server)
        event = self.tlsd.events("secret-violation")[0]
        self.assertEqual(
            [event[k] for k in ("address", "port", "sni", "secret", "where",
                                "action")],
            [HTTPS["www.example.com"], 443, "www.example.com", "KEY", "header",
             "block-and-log"])

    def test_other_authority(self):
        client, server = self.intercepted("api.example.com")
        client.sendall(self.said("www.example.com")[0])
        self.is_reset(server)
        event = self.tlsd.events("secret-violation")[0]
        self.assertEqual((event["where"], event["reason"]), (
            "authority", "the host is not the server's name"))
        self.assertNotIn("secret", event)
        # Who says so is heard before he is ended.
        self.assertEqual(relay.receive(self.tlsd.channel)[0], "terminate")

    def test_plain(self):
        """Port 80: nobody may have a value, whatever its Host says."""
        said = self.said()[0]
        client, server = self.pair(self.plain, get("api.example.com", "none"))
        self.assertEqual(server.recv(65536), get("api.example.com", "none"))
        client.sendall(said)
        self.is_reset(server)
        self.is_reset(client)
        hello = client_hello("api.example.com")
        client, server = self.pair(self.plain, hello)
        self.assertEqual(server.recv(65536), hello)
        client.sendall(KEY.encode())
        self.is_reset(server)
        self.assertEqual([(e["where"], e.get("sni")) for e in
                          self.tlsd.events("secret-violation")],
                         [("header", None), ("stream", "api.example.com")])
        self.assertEqual(self.tlsd.status()["read"], "2")

    def test_unreadable(self):
        """What is not TLS on a port where TLS is intercepted is closed."""
        client = self.world.dial(*self.mute.getsockname())
        self.open.append(client)
        client.sendall(get("api.example.com", "none"))
        self.is_reset(client)
        self.mute.settimeout(0.05)
        with self.assertRaises(socket.timeout):
            self.mute.accept()
        self.assertEqual(self.tlsd.events("denied")[0]["rule"],
                         "always:unreadable")

    def test_other_secrets(self):
        ends = self.intercepted("api.example.com")
        plain = self.pair(self.plain, get("a", "none"))
        plain[1].recv(65536)
        self.other(secrets=SECRETS[:1], values=VALUES[:1])
        for sock in (*ends, *plain):
            self.is_reset(sock)
        self.arrives(self.intercepted("api.example.com"), *self.said())

    def test_terminate(self):
        ends = self.intercepted("api.example.com")
        client, server = self.intercepted("www.example.com")
        client.sendall(get("www.example.com", LAST))
        for sock in (*ends, client, server):
            self.is_reset(sock)
        self.assertEqual(relay.receive(self.tlsd.channel), (
            "terminate", "placeholder of secret LAST in the header, to "
            "198.51.100.11 port 443, www.example.com"))
        self.assertEqual(self.tlsd.status()["connections"], "0")


ALL = secret("ALL", ["www.example.com"], Inject=["headers", "basic", "query",
                                                 "body"])
ALL_VALUE = b'value/of "ALL" 3c5e\\9'


class Memory(Case):
    """Where the values are."""

    def speak_http1(self):
        """Each place that a value can be put into, and each form."""
        key, value = ALL["Placeholder"].encode(), ALL_VALUE
        credentials = b"Authorization: Basic " + base64.b64encode(
            b"me:" + key) + b"\r\n"
        head = (b"POST /?k=%s HTTP/1.1\r\nHost: www.example.com\r\n"
                b"X-Key: %s\r\n%s")
        json_type = b"Content-Type: application/json\r\n"
        body = b'{"k": "' + key + b'"}'
        changed = b'{"k": ' + json.dumps(value.decode()).encode() + b"}"
        quoted = quote(value, safe="").encode()
        encoded = base64.b64encode(b"me:" + value)
        client, server = self.intercepted("www.example.com")
        client.sendall(head % (key, key, credentials) + json_type +
                       b"Content-Length: %d\r\n\r\n" % len(body) + body)
        got = b""
        while not got.endswith(b"0\r\n\r\n"):
            got += server.recv(65536)
        for form in (value, quoted, encoded):
            self.assertIn(form, got)
        text, at = b"", got.index(b"\r\n\r\n") + 4
        while not text.endswith(b"}"):
            size, rest = got[at:].split(b"\r\n", 1)
            text += rest[:int(size, 16)]
            at += len(size) + int(size, 16) + 4
        self.assertEqual(text, changed)
        return [quoted, encoded[4:-4], json.dumps(value.decode()).encode()]

    def speak_http2(self):
        client, server = self.intercepted("api.example.com", "h2")
        self.assertEqual(client.selected_alpn_protocol(), "h2")
        near, far = (h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=c)) for c in (True, False))
        near.initiate_connection()
        far.initiate_connection()
        near.send_headers(1, [(":method", "GET"), (":scheme", "https"),
                              (":authority", "api.example.com"),
                              (":path", "/"), ("x-key", KEY)], end_stream=True)
        client.sendall(near.data_to_send())
        server.sendall(far.data_to_send())
        headers = None
        while not headers:
            for event in far.receive_data(server.recv(65536)):
                if isinstance(event, h2.events.RequestReceived):
                    headers = dict(event.headers)
        self.assertEqual(headers[b"x-key"], VALUES[0])

    def test_one_place(self):
        self.other(SECRETS + [ALL], VALUES + [ALL_VALUE])
        ends = self.intercepted("api.example.com")
        self.arrives(ends, *self.said())
        self.speak_http2()
        forms = self.speak_http1()
        pids = self.tlsd.processes()
        self.assertEqual(len(pids), 3)
        values = VALUES + [ALL_VALUE]
        found = [memory.search(pid, values + forms) for pid in pids]
        # One of them, the worker, has each in one place, which is locked, in
        # no core, and no child's.
        self.assertEqual([f for f in found if not f], [{}, {}])
        worker = next(f for f in found if f)
        self.assertEqual(set(worker), set(values))
        for value in values:
            self.assertEqual(len(worker[value]), 1, value)
            # A sanitizer makes nothing of mlock().
            self.assertTrue(SANITIZED or memory.KEPT <= worker[value][0])
        for pid in pids:
            self.assertEqual(memory.files_in_memory(pid), [])
        # And when they are replaced, or there are none.
        self.other(SECRETS + [ALL], NEW)
        self.arrives(ends, *self.said(value=NEW[0]))
        for pid in pids:
            self.assertEqual(memory.search(pid, values + forms), {})
        self.assertEqual(self.tlsd.prepare(), ("ok", ""))
        self.assertEqual(self.tlsd.commit(), ("ok", ""))
        self.assertTrue(wait_until(
            lambda: self.tlsd.status()["connections"] == "0"))
        for pid in pids:
            self.assertEqual(memory.search(pid, NEW), {})


if __name__ == "__main__":
    lab.enter_laboratory()
    PROGRAM = sys.argv.pop(1)
    unittest.main(argv=[a for a in sys.argv if a != "--any-memory"])
