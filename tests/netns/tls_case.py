# SPDX-License-Identifier: GPL-2.0-or-later
"""tls_case.py - What tests of msb-tlsd's worker have in common."""
import select
import socket
import struct
import sys
import time
import unittest

import lab
import tls_alone
from tls_alone import DENY, EARLY, PORT, SPLICE, WAIT, client_hello, say

PROGRAM = None
# What is to come has come by then, on a machine that is busy.
PATIENCE = 20


def wait_until(condition, seconds=PATIENCE):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def reset(sock):
    """Close it so that the peer sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack("ii", 1, 0))
    sock.close()


def drain(sock):
    """All that comes until the end."""
    data = []
    while True:
        part = sock.recv(1 << 18)
        if not part:
            return b"".join(data)
        data.append(part)


class Gone:
    """A connection whose reset came before anybody could look."""

    @staticmethod
    def recv(_size):
        raise ConnectionResetError

    sendall = settimeout = recv

    def close(self):
        pass


class Case(unittest.TestCase):
    """One worker, one server, and what is closed in the end."""

    def setUp(self):
        self.open = []
        self.listener = self.keep(socket.create_server(
            ("127.0.0.1", 0), backlog=4096))
        self.listener.settimeout(PATIENCE)
        self.worker = None

    def tearDown(self):
        for sock in self.open:
            sock.close()
        if self.worker:
            self.assertEqual(self.worker.end(), 0)
            self.assertFalse(self.worker.events("failed"))

    def keep(self, sock):
        self.open.append(sock)
        return sock

    def start(self, policy, conf=None, files=None, **limits):
        self.worker = tls_alone.Worker(
            PROGRAM, self.listener.getsockname(), policy, files, **limits)
        self.worker.begin(**(conf or {}))
        return self.worker

    def dial(self, address="127.0.0.2", timeout=PATIENCE):
        try:
            sock = self.keep(socket.create_connection((address, PORT),
                                                      timeout))
        except ConnectionResetError:
            return Gone()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def dial_silently(self, address="127.0.0.2"):
        """Dial, and say nothing until the monitor is asked."""
        before = len(self.worker.stages())
        sock = self.dial(address)
        self.assertTrue(wait_until(
            lambda: (EARLY, "") in self.worker.stages()[before:]))
        return sock

    def accept(self):
        sock = self.keep(self.listener.accept()[0])
        sock.settimeout(PATIENCE)
        return sock

    def nobody_dialled(self):
        self.assertEqual(select.select([self.listener], [], [], 0)[0], [])

    def is_reset(self, sock):
        with self.assertRaises(ConnectionResetError):
            while sock.recv(65536):
                pass

    def receive(self, sock, data):
        got = b""
        while len(got) < len(data):
            part = sock.recv(len(data) - len(got))
            self.assertTrue(part, "it ended after %r" % got)
            got += part
        self.assertEqual(got, data)

    def spliced(self, sock, hello=None):
        """Say a hello, if any, and find it at the server."""
        hello = hello or client_hello("a.example")
        sock.sendall(hello)
        server = self.accept()
        self.receive(server, hello)
        return server


def allow(_ask):
    return say(SPLICE)


def by_name(ask):
    """Nobody is dialled before a name is known, and that begins with "a."."""
    if ask.stage == EARLY:
        return say(WAIT)
    return say(SPLICE if ask.name.startswith("a.") else DENY)


def main():
    """Run the tests of the program that is run, in a laboratory."""
    global PROGRAM
    lab.enter_laboratory()
    lab.run("ip", "link", "set", "lo", "up")
    PROGRAM = sys.argv[1]
    unittest.main(module="__main__", argv=sys.argv[:1] + [
        a for a in sys.argv[2:] if a not in ("--long", "--any-memory")])
