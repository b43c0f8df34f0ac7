# SPDX-License-Identifier: GPL-2.0-or-later
"""tapes.py - Servers that write down every octet that they are told.

Each address of ROLES has one at port 443 behind TLS and one at port 80 without.
HTTP/1.1 is answered as far as it can be read; what cannot be read is written
down. HTTP/2 is read by h2, another program than what is tested.
"""
import base64
import hashlib
import re
import socket
import ssl
import struct
import threading

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from peers import family
from tls.world import Stream, address

ROLES = ("vault", "body", "stranger")
PORTS = {443: True, 80: False, 7443: False}
# A tape is no longer than this; what comes behind it is only counted.
LENGTH = 1 << 21
PATIENCE = 60


class Request:
    """A request as it arrived: its head's octets, and what it is made of."""

    def __init__(self, head):
        self.head, self.body, self.trailers, self.size = head, b"", b"", 0
        line, _, rest = head.partition(b"\r\n")
        self.line = line
        self.method, _, self.target = line.rpartition(b" ")[0].partition(b" ")
        self.fields = [(k.lower(), v.strip(b" \t")) for k, _, v in (
            each.partition(b":") for each in rest.split(b"\r\n") if each)]

    def field(self, name):
        """The values of a field, joined as lists are."""
        return b", ".join(v for k, v in self.fields if k == name)

    def __repr__(self):
        return "<%r %d>" % (self.head[:200], self.size)


class Tape:
    """One connection."""

    def __init__(self, at, role):
        self.at, self.role = at, role
        self.data, self.size = b"", 0
        self.sni = self.alpn = self.error = None
        self.requests, self.frames = [], []
        # What HPACK's table has had in it.
        self.table = set()
        self.ended = threading.Event()
        self.go_on = threading.Event()

    def add(self, data):
        self.size += len(data)
        if len(self.data) < LENGTH:
            self.data += data

    def __repr__(self):
        return "<%s:%d sni %s, %s, %d octets, %r, %s>" % (
            *self.at, self.sni, self.alpn, self.size, self.data[-300:],
            self.error)


class Recorded:
    """A socket whose octets are written down as they are read."""

    def __init__(self, sock, tape):
        self.sock, self.tape = sock, tape

    def recv(self, count):
        data = self.sock.recv(count)
        self.tape.add(data)
        return data

    def sendall(self, data):
        self.sock.sendall(data)


class Tapes:
    """The servers, in a namespace."""

    def __init__(self, namespace, pki, places=None, ports=None):
        """At the addresses of ROLES, or of places: {role: addresses}."""
        self.lock, self.tapes, self.closed = threading.Lock(), [], False
        self.contexts = {alpn: self._context(pki, alpn) for alpn in (
            ("h2", "http/1.1"), ("http/1.1",))}
        self.listeners = []
        places = places or {role: [address(role, v) for v in (4, 6)]
                            for role in ROLES}
        for role, where in places.items():
            for each in where:
                for port, tls in (ports or PORTS).items():
                    self._listen(namespace, role, each, port, tls)

    def _context(self, pki, alpn):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        good = pki.certificates["good"]
        made.load_cert_chain(good.chain, good.key)
        made.set_alpn_protocols(alpn)
        made.sni_callback = self._note_name
        return made

    @staticmethod
    def _note_name(sock, name, _context):
        sock.tape.sni = name

    def _listen(self, namespace, role, where, port, tls):
        made = namespace.socket(family(where), socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Beside those of the laboratory, which have every address.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind((where, port))
        made.listen(256)
        thread = threading.Thread(target=self._accept, daemon=True,
                                  args=(made, role, tls))
        self.listeners.append((made, thread))
        thread.start()

    def _accept(self, listener, role, tls):
        while not self.closed:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            tape = Tape(sock.getsockname()[:2], role)
            with self.lock:
                self.tapes.append(tape)
            threading.Thread(target=self._serve, args=(sock, tape, tls),
                             daemon=True).start()

    def all(self):
        """Those that nobody has taken."""
        with self.lock:
            return list(self.tapes)

    def take(self, role=None):
        """The tapes of a role since this was asked for; of all without one."""
        with self.lock:
            taken = [t for t in self.tapes if role in (None, t.role)]
            self.tapes = [t for t in self.tapes if t not in taken]
        return taken

    def _serve(self, sock, tape, tls):
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with sock:
                if tls:
                    self._serve_tls(sock, tape)
                else:
                    serve1(Recorded(sock, tape), tape)
        except (OSError, ValueError, EOFError, h2.exceptions.H2Error) as error:
            tape.error = error
        finally:
            tape.ended.set()

    def _serve_tls(self, sock, tape):
        with self.contexts["h2", "http/1.1"].wrap_socket(
                sock, server_side=True, do_handshake_on_connect=False,
                suppress_ragged_eofs=False) as tls:
            tls.tape = tape
            tls.do_handshake()
            tape.alpn = tls.selected_alpn_protocol()
            (serve2 if tape.alpn == "h2" else serve1)(
                Recorded(tls, tape), tape)
            tls.settimeout(0)
            try:
                tls.unwrap()
            except OSError:
                pass

    def close(self):
        self.closed = True
        for sock, thread in self.listeners:
            sock.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            sock.close()


# HTTP/1.1.

class Reader(Stream):
    """Lines and bodies of a connection."""

    def until(self, mark):
        while mark not in self.data:
            more = self.sock.recv(1 << 16)
            if not more:
                raise EOFError("ends within a head: %r" % self.data[:80])
            self.data += more
        found, _, self.data = self.data.partition(mark)
        return found

    def some(self, limit):
        if not self.data:
            self.data = self.sock.recv(1 << 16)
            if not self.data:
                raise EOFError("ends within a body")
        taken, self.data = self.data[:limit], self.data[limit:]
        return taken


def bodies(reader, request):
    """The pieces of a request's body, as they come."""
    if b"chunked" in request.field(b"transfer-encoding").lower():
        while True:
            left = int(reader.until(b"\r\n").split(b";")[0], 16)
            if not left:
                break
            while left:
                piece = reader.some(left)
                left -= len(piece)
                yield piece
            if reader.exactly(2) != b"\r\n":
                raise ValueError("a chunk's end")
        while True:
            line = reader.until(b"\r\n")
            if not line:
                return
            request.trailers += line + b"\r\n"
    left = int(request.field(b"content-length").split(b",")[0] or 0)
    while left:
        piece = reader.some(left)
        left -= len(piece)
        yield piece


def serve1(sock, tape):
    """Answers one request after the other."""
    reader = Reader(sock)
    while True:
        try:
            request = Request(reader.until(b"\r\n\r\n"))
        except EOFError:
            return
        digest = hashlib.sha256()
        if request.field(b"expect"):
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        for piece in bodies(reader, request):
            digest.update(piece)
            request.size += len(piece)
            if len(request.body) < LENGTH:
                request.body += piece
        tape.requests.append(request)
        if b"websocket" in request.field(b"upgrade").lower():
            websocket(sock, reader, request, tape)
            return
        if request.method == b"CONNECT":
            sock.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            while reader.some(1 << 16):
                pass
        # Only what asks for it is told what it has said.
        body = body_of(request) if request.target.startswith(b"/echo") else \
            digest.hexdigest().encode()
        if request.target.startswith(b"/echo-"):
            echo(sock, request.target, body_of(request))
            continue
        sized = re.match(rb"/bytes/(\d+)", request.target)
        if sized:
            body = bytes(int(sized.group(1)))
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body) + body)
        if b"close" in request.field(b"connection").lower() or \
                request.line.endswith(b"/1.0"):
            return


def body_of(request):
    """All that a request was."""
    return request.head + b"\r\n\r\n" + request.body


def echo(sock, target, said):
    """What was said, in chunks of so many octets, as "/echo-chunks-7", or
    octet by octet with its length, as "/echo-octets"."""
    if target.startswith(b"/echo-octets"):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" %
                     len(said))
        for at in range(len(said)):
            sock.sendall(said[at:at + 1])
        return
    size = int(re.match(rb"/echo-chunks-(\d+)", target).group(1))
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for at in range(0, len(said), size):
        part = said[at:at + size]
        sock.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
    sock.sendall(b"0\r\n\r\n")


def websocket(sock, reader, request, tape):
    """RFC 6455: what is said is written down, and comes back."""
    accept = base64.b64encode(hashlib.sha1(
        request.field(b"sec-websocket-key") +
        b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                 b"Connection: Upgrade\r\nSec-WebSocket-Accept: " + accept +
                 b"\r\n\r\n")
    while True:
        head = reader.exactly(2)
        size = head[1] & 127
        if size == 126:
            size = struct.unpack("!H", reader.exactly(2))[0]
        mask = reader.exactly(4) if head[1] & 128 else bytes(4)
        text = bytes(c ^ mask[i % 4] for i, c in enumerate(
            reader.exactly(size)))
        tape.frames.append(text)
        sock.sendall(bytes([head[0]]) + (
            bytes([size]) if size < 126 else b"\x7e" +
            struct.pack("!H", size)) + text)
        if head[0] & 15 == 8:
            return


# HTTP/2.

class Request2:
    """A request of HTTP/2 as it arrived."""

    def __init__(self, fields):
        self.fields, self.body, self.trailers, self.size = fields, b"", [], 0
        self.digest = hashlib.sha256()

    def field(self, name):
        return b", ".join(v for k, v in self.fields if k == name)

    @property
    def target(self):
        return self.field(b":path")

    def __repr__(self):
        return "<%s %d>" % (self.fields, self.size)


def serve2(sock, tape):
    """Reads what h2 reads, and answers each request when it is complete."""
    made = h2.connection.H2Connection(h2.config.H2Configuration(
        client_side=False, header_encoding=None,
        normalize_inbound_headers=False))
    made.initiate_connection()
    made.increment_flow_control_window(1 << 30)
    sock.sendall(made.data_to_send())
    streams = {}
    while True:
        data = sock.recv(1 << 16)
        if not data:
            return
        for event in made.receive_data(data):
            event2(made, streams, event, tape)
        tape.table |= set(made.decoder.header_table.dynamic_entries)
        out = made.data_to_send()
        if out:
            sock.sendall(out)


def event2(made, streams, event, tape):
    if isinstance(event, h2.events.RequestReceived):
        streams[event.stream_id] = Request2(event.headers)
        tape.requests.append(streams[event.stream_id])
    elif isinstance(event, h2.events.DataReceived):
        request = streams[event.stream_id]
        request.size += len(event.data)
        request.digest.update(event.data)
        if len(request.body) < LENGTH:
            request.body += event.data
        made.acknowledge_received_data(event.flow_controlled_length,
                                       event.stream_id)
    elif isinstance(event, h2.events.TrailersReceived):
        streams[event.stream_id].trailers = event.headers
    elif isinstance(event, h2.events.StreamEnded):
        request = streams.pop(event.stream_id)
        body = b"".join(k + b": " + v + b"\n" for k, v in request.fields) \
            if request.target.startswith(b"/echo") else \
            request.digest.hexdigest().encode()
        made.send_headers(event.stream_id, [
            (":status", "200"), ("content-length", str(len(body)))])
        made.send_data(event.stream_id, body, end_stream=True)
