# SPDX-License-Identifier: GPL-2.0-or-later
"""says.py - A guest that says what it is told to, in the pieces it is told to.

What became of it is a word of tls/clients.py: "ok" if all answers came.
"""
import contextlib
import re
import socket
import ssl
import struct
import time

from tls import clients
from tls.world import address

LIMIT = 30.0
# A violation is reset; who reads before that may see an end without a word.
ENDED = ("reset", "closed")


class Said:
    """What became of it: a word, and what came back."""

    def __init__(self, word, heard=b"", **details):
        self.word, self.heard, self.details = word, heard, details

    def __repr__(self):
        return "%s %r %s" % (self.word, self.heard[-300:], self.details)


def answers1(data):
    """How many answers of HTTP/1.1 are complete, with their bodies."""
    found = []
    while True:
        head, mark, rest = data.partition(b"\r\n\r\n")
        if not mark:
            return found
        size = re.search(rb"content-length: *(\d+)", head, re.I)
        size = int(size.group(1)) if size else 0
        if len(rest) < size:
            return found
        if not re.match(rb"HTTP/1\.1 100 ", head):
            found.append(rest[:size])
        data = rest[size:]


def answers2(data):
    """Likewise of HTTP/2: bodies by stream, in the order of their ends."""
    bodies, found = {}, []
    while len(data) >= 9:
        size = int.from_bytes(data[:3], "big")
        if len(data) < 9 + size:
            break
        kind, flags = data[3], data[4]
        stream = struct.unpack("!I", data[5:9])[0]
        if kind == 0:
            bodies[stream] = bodies.get(stream, b"") + data[9:9 + size]
        if kind in (0, 1) and flags & 1:
            found.append(bodies.get(stream, b""))
        data = data[9 + size:]
    return found


class Line:
    """A connection that is kept."""

    def __init__(self, stage, host, role=None, port=443, version=4,
                 alpn="http/1.1", tls=True, name=None, cut=None,
                 syn=clients.PATIENCE):
        from tls.world import ZONE
        role = role or ZONE[host.lower()]
        sock = clients.connect(stage.guest, address(role, version), port, LIMIT,
                               syn)
        if isinstance(sock, clients.Outcome):
            raise Refused(sock.word)
        self.sock, self.data, self.alpn, self.cut = sock, b"", alpn, cut
        self.tls, self.taken = None, 0
        if not tls:
            return
        try:
            made = clients.context(stage.trust, alpn=(alpn,) if isinstance(
                alpn, str) else alpn)
            if name is None:
                name = host
            self.tls = clients.Bio(sock, made, name or address(role, version))
            self.tls.until(self.tls.tls.do_handshake)
            self.tls.flush()
            self.alpn = self.tls.tls.selected_alpn_protocol() or "http/1.1"
        except (OSError, ValueError) as error:
            sock.close()
            raise Refused(clients.failure(error).word) from error

    def write(self, part):
        """A record, whose octets are cut if the line's are."""
        if not self.tls:
            self.sock.sendall(part)
            return
        self.tls.tls.write(part)
        sealed = self.tls.outward.read()
        if not self.cut:
            self.sock.sendall(sealed)
            return
        for at in range(0, len(sealed), self.cut):
            self.sock.sendall(sealed[at:at + self.cut])
            if at % 8 == 0:
                time.sleep(0.0005)

    def say(self, *parts):
        """Writes; "" or a word if that cannot be."""
        try:
            for part in parts:
                self.write(part)
        except (OSError, ssl.SSLError):
            # Why is told by what can be read.
            pass

    def recv(self):
        return self.tls.recv(1 << 16) if self.tls else self.sock.recv(1 << 16)

    def hear(self, count=1, limit=LIMIT):
        """So many answers more, or why they do not come."""
        read = answers2 if self.alpn == "h2" else answers1
        self.sock.settimeout(limit)
        try:
            while len(read(self.data)) < self.taken + count:
                more = self.recv()
                if not more:
                    return Said("closed", self.data)
                self.data += more
        except (OSError, ValueError) as error:
            return Said(clients.failure(error).word, self.data)
        found = read(self.data)[self.taken:]
        self.taken += len(found)
        return Said("ok", self.data, answers=found)

    def ask(self, *parts, count=1):
        self.say(*parts)
        return self.hear(count)

    def hang_up(self):
        """No more is said; what is answered may still come."""
        if self.tls:
            try:
                self.tls.tls.unwrap()
            except (OSError, ValueError):
                pass
        with contextlib.suppress(OSError):
            if self.tls:
                self.tls.flush()
            self.sock.shutdown(socket.SHUT_WR)

    def ended(self, seconds=LIMIT):
        """How the connection ends within so much time; None if it does not."""
        made = self.hear(1 << 20, seconds)
        return None if made.word == "stall" else made.word

    def close(self):
        self.sock.close()


class Refused(Exception):
    """There is no connection; the word says why."""


def say(stage, host, parts, count=1, **options):
    """One connection for all of it."""
    try:
        line = Line(stage, host, **options)
    except Refused as refused:
        return Said(str(refused), no_connection=True)
    try:
        made = line.ask(*parts, count=count)
        made.details["alpn"] = line.alpn
        return made
    finally:
        line.close()
