# SPDX-License-Identifier: GPL-2.0-or-later
"""relay_case.py - What the tests of the relay share: sockets, and a relay each.

A test program of these is called with the helpers' directory, "--bulk" for
larger transfers, and then what unittest takes.
"""
import os
import re
import select
import socket
import struct
import sys
import unittest

import lab
import relay as r
from relay import FAMILY, GATEWAY

LOOPBACK = {4: "127.0.0.1", 6: "::1"}
ALL = [{"Action": "allow", "Direction": "any"}]
SEED = os.urandom(1 << 20)
BULK = "--bulk" in sys.argv


def tcp(address, source=None, namespace=None):
    """Connect, from the host unless said otherwise."""
    with namespace or Case.host:
        made = socket.socket(FAMILY[6 if ":" in address[0] else 4])
    made.settimeout(r.PATIENCE)
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
    made.settimeout(r.PATIENCE)
    if bind:
        made.bind(bind)
    return made


def serve(namespace, version, port, address=None):
    """A listening TCP socket."""
    made = namespace.socket(FAMILY[version], socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address or ("0.0.0.0" if version == 4 else "::"), port))
    made.listen(4096)
    made.settimeout(r.PATIENCE)
    return made


def accept(server):
    made, peer = server.accept()
    made.settimeout(r.PATIENCE)
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

    host = gateway = guest = programs = None

    def setUp(self):
        self.open = []
        self.relay = r.Relay(self.programs, self.gateway,
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


def main():
    """Enter the laboratory, make the link, and run the tests."""
    lab.enter_laboratory()
    lab.run("ip", "link", "set", "lo", "up")
    lab.run("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
    lab.run("ip", "addr", "add", "2001:db8:77::1/128", "dev", "lo", "nodad")
    Case.host = lab.Namespace("/proc/thread-self/ns/net")
    Case.gateway, Case.guest = r.make_link()
    Case.programs = sys.argv[1]
    unittest.main("__main__", argv=[sys.argv[0]] + [
        a for a in sys.argv[2:] if a != "--bulk"])
