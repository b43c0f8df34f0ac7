# SPDX-License-Identifier: GPL-2.0-or-later
"""world.py - Names, and the servers behind them, that remember what they saw.

    guest eth0 -- guest0 [msb-web] uplink0 -- [host] far0 -- eth0 [far]

Every address of NET is in "far", in both families, and one server process, which
is this program, listens at every one of them: what it does depends on the address
and the port that were dialled.
"""
import collections
import hashlib
import json
import os
import random
import select
import socket
import ssl
import struct
import threading
import time
import warnings

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from dnsd import Server
from lab import run
from machine import wait_for
from peers import Network

# TLS 1.1 and its keys are what some servers here are there for.
warnings.filterwarnings("ignore", category=DeprecationWarning)

NET = {4: "198.51.100.%d", 6: "2001:db8:51::%d"}
RANGES = ("198.51.100.0/24", "203.0.113.0/24", "2001:db8:51::/48")
NAME_SERVER = "192.0.2.53"
HTTPS = (443, 8443, 9443)

# A server: its number, its certificate, and what is special about it.
Role = collections.namedtuple("Role", "number certificate alpn tls at443",
                              defaults=("good", ("h2", "http/1.1"), None, ""))
ROLES = {
    "shared": Role(10),
    "second": Role(11),
    "apart": Role(12),
    "ads": Role(13),
    "rsa": Role(14, "rsa"),
    "wild": Role(15, "wild"),
    "plain": Role(16),
    "third": Role(17),
    "nginx": Role(18),
    "spare": Role(19),
    "expired": Role(20, "expired"),
    "future": Role(21, "future"),
    "wrong": Role(22, "wrong"),
    "self": Role(23, "self"),
    "unknown": Role(24, "unknown"),
    "unknown-sent": Role(25, "unknown-sent"),
    "missing": Role(26, "missing"),
    "weak": Role(27, "weak"),
    "sha1": Role(28, "sha1"),
    "no-ca": Role(29, "no-ca"),
    "client": Role(30, "client"),
    "common": Role(31, "common"),
    "revoked": Role(32, "revoked"),
    "revoked-ca": Role(33, "revoked-ca"),
    "stale": Role(34, "stale"),
    "unlisted": Role(35, "unlisted"),
    "h1": Role(40, "good", ("http/1.1",)),
    "h2": Role(41, "good", ("h2",)),
    "mute-alpn": Role(42, "good", ()),
    "tls12": Role(43, "good", ("http/1.1",), (2, 2)),
    "tls13": Role(44, "good", ("h2", "http/1.1"), (3, 3)),
    "tls11": Role(45, "rsa", ("http/1.1",), (1, 1)),
    "ssh": Role(50, at443="ssh"),
    "smtp": Role(51, at443="smtp"),
    "http": Role(52, at443="http"),
    "abort": Role(53, at443="abort"),
    "reset": Role(54, at443="reset"),
    "silent": Role(55, at443="silent"),
    "record": Role(56, at443="record"),
    "garbage": Role(57, at443="garbage"),
    # Where servers of secret/ are.
    "vault": Role(60),
    "body": Role(61),
    "stranger": Role(62),
    "forge": Role(63),
}
PORTS = {22: "ssh", 25: "smtp", 80: "http", 7000: "record",
         **{port: "https" for port in HTTPS}}
BANNER = {"ssh": b"SSH-2.0-Server_1.0\r\n", "smtp": b"220 mail.example ESMTP\r\n"}

# Whose address a name has; every role has "ROLE.example.com" as well.
ALIASES = {
    "api.example.com": "shared", "www.example.com": "shared",
    "example.com": "shared", "deep.a.example.com": "shared",
    "other.example.net": "shared", "secret.example.com": "shared",
    "xn--mnchen-3ya.example.com": "shared", "a_b.example.com": "shared",
    "alpha.test.example": "third", "beta.test.example": "third",
    "one.wild.example": "wild", "ads.example": "ads",
    "x.bad.example": "ads", "bad.example": "ads",
    "skip.example.org": "apart", "x.skipped.example.org": "apart",
    "skipped.example.org": "apart", "far.example.net": "second",
    "h.example.net": "wild", "badexample.com": "second",
    "vault.example.net": "vault", "a.vault.example.net": "vault",
    "b.a.vault.example.net": "vault", "avault.example.net": "vault",
    "open.example.org": "vault",
}
LONG = ".".join(["n" * 63] * 3 + ["n" * 49, "example.com"])
ZONE = {**{role + ".example.com": role for role in ROLES}, **ALIASES,
        LONG: "shared", "record2.example.com": "record"}


def address(role, version):
    return NET[version] % ROLES[role].number


def names_of_certificates():
    return sorted(name for name in ZONE) + [
        "host.microsandbox.internal", "*.many.example", "127.0.0.1"] + [
        address(role, version) for role in ROLES for version in (4, 6)]


def answer(query, _stream):
    """What the name server says."""
    question = query.question[0]
    role = ZONE.get(question.name.to_text().rstrip(".").lower())
    made = dns.message.make_response(query)
    if role is None:
        made.set_rcode(dns.rcode.NXDOMAIN)
    for kind, version in ((dns.rdatatype.A, 4), (dns.rdatatype.AAAA, 6)):
        if role and question.rdtype == kind:
            made.answer.append(dns.rrset.from_text(
                question.name, 300, "IN", dns.rdatatype.to_text(kind),
                address(role, version)))
    return made.to_wire()


def content(count, seed=1):
    """So many bytes that are hard to mistake for others."""
    return random.Random(seed).randbytes(count)


class Seen:
    """One connection, as its server saw it."""

    def __init__(self, at, peer):
        self.at, self.peer = at, peer
        self.bytes, self.data = 0, b""
        self.sni = self.alpn = self.version = self.error = None
        self.request = ""
        self.extra = {}
        self.ended, self.go_on = threading.Event(), threading.Semaphore(0)

    def __repr__(self):
        return "<%s:%d %s bytes, sni %s, alpn %s, %s, %s>" % (
            *self.at, self.bytes, self.sni, self.alpn, self.request,
            self.error)


class Servers:
    """All servers of a namespace."""

    def __init__(self, namespace, pki, log_keys=None):
        self.pki, self.lock, self.seen = pki, threading.Lock(), []
        self.by_address = {address(role, v): role for role in ROLES
                           for v in (4, 6)}
        self.contexts, self.closed = {}, False
        self.log_keys = log_keys
        self.listeners = []
        for port in PORTS:
            for family, any_ in ((socket.AF_INET, "0.0.0.0"),
                                 (socket.AF_INET6, "::")):
                self.listen(namespace, family, any_, port)

    def listen(self, namespace, family, where, port):
        made = namespace.socket(family, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A real server may take an address of its own.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((where, port))
        made.listen(1024)
        made.setblocking(False)
        thread = threading.Thread(target=self._listen, args=(made,),
                                  daemon=True)
        self.listeners.append((made, thread))
        thread.start()

    def context(self, role):
        with self.lock:
            if role not in self.contexts:
                self.contexts[role] = self._context(ROLES[role])
            return self.contexts[role]

    def _context(self, role):
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
        versions = {1: ssl.TLSVersion.TLSv1_1, 2: ssl.TLSVersion.TLSv1_2,
                    3: ssl.TLSVersion.TLSv1_3}
        made.minimum_version = ssl.TLSVersion.TLSv1
        if role.tls:
            made.minimum_version = versions[role.tls[0]]
            made.maximum_version = versions[role.tls[1]]
        certificate = self.pki.certificates[role.certificate]
        made.load_cert_chain(certificate.chain, certificate.key)
        if role.alpn:
            made.set_alpn_protocols(role.alpn)
        made.sni_callback = self._note_name
        return made

    @staticmethod
    def _note_name(sock, name, _context):
        sock.seen.sni = name

    def _listen(self, listener):
        while not self.closed:
            select.select([listener], [], [])
            with self.lock:
                self._accept(listener)

    def _accept(self, listener):
        """All that wait there; the lock is held."""
        while not self.closed:
            try:
                sock, peer = listener.accept()
            except BlockingIOError:
                return
            seen = Seen(sock.getsockname()[:2], peer)
            self.seen.append(seen)
            threading.Thread(target=self._serve, args=(sock, seen),
                             daemon=True).start()

    def take(self):
        """What was seen since this was asked for: also who has not got a
        thread yet, however busy the machine is."""
        with self.lock:
            for listener, _ in self.listeners:
                self._accept(listener)
            taken, self.seen = self.seen, []
        return taken

    def _serve(self, sock, seen):
        role = self.by_address.get(seen.at[0], "shared")
        kind = PORTS.get(seen.at[1], "https")
        if seen.at[1] == 443 and ROLES[role].at443:
            kind = ROLES[role].at443
        sock.settimeout(20)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with sock:
                getattr(self, "_" + kind)(sock, seen, role)
        except (OSError, ValueError, EOFError, struct.error) as error:
            seen.error = error
        finally:
            seen.ended.set()

    # What speaks first, or not at all.

    def _ssh(self, sock, seen, _role, kind="ssh"):
        sock.sendall(BANNER[kind])
        while True:
            data = sock.recv(4096)
            if not data:
                return
            seen.bytes += len(data)
            sock.sendall(b"got " + data)

    def _smtp(self, sock, seen, role):
        self._ssh(sock, seen, role, "smtp")

    @staticmethod
    def _silent(sock, seen, _role):
        while True:
            data = sock.recv(65536)
            if not data:
                return
            seen.bytes += len(data)

    @staticmethod
    def _abort(sock, seen, _role):
        """Reads the first flight, and goes."""
        seen.bytes += len(sock.recv(65536))

    @staticmethod
    def _reset(sock, seen, _role):
        seen.bytes += len(sock.recv(65536))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                        struct.pack("ii", 1, 0))

    @staticmethod
    def _garbage(sock, seen, _role):
        seen.bytes += len(sock.recv(65536))
        sock.sendall(content(3000))
        sock.settimeout(3)
        sock.recv(1)

    @staticmethod
    def _record(sock, seen, _role):
        """Reads to the end, and tells what it was."""
        digest = hashlib.sha256()
        while True:
            data = sock.recv(1 << 16)
            if not data:
                break
            seen.bytes += len(data)
            if len(seen.data) < 1 << 17:
                seen.data += data
            digest.update(data)
        sock.sendall(b"%d %s\n" % (seen.bytes, digest.hexdigest().encode()))

    # HTTP, with and without TLS.

    def _http(self, sock, seen, role):
        if sock.recv(1, socket.MSG_PEEK) == b"\x16":
            seen.bytes += len(sock.recv(65536))
            sock.sendall(b"HTTP/1.1 400 Bad Request\r\n"
                         b"Connection: close\r\n\r\n")
            return
        self._http1(sock, seen, role)

    def _https(self, sock, seen, role):
        try:
            first = sock.recv(1, socket.MSG_PEEK)
        finally:
            sock.settimeout(20)
        if not first:
            return
        seen.bytes = 1
        tls = self.context(role).wrap_socket(sock, server_side=True,
                                             do_handshake_on_connect=False)
        with tls:
            tls.seen = seen
            tls.do_handshake()
            seen.alpn = tls.selected_alpn_protocol()
            seen.version = tls.version()
            seen.extra["reused"] = tls.session_reused
            if seen.alpn == "h2":
                self._http2(tls, seen, role)
            else:
                self._http1(tls, seen, role)
            if not seen.request.startswith(("GET /ragged", "GET /rude",
                                           "GET /cut")):
                self._end(tls)

    @staticmethod
    def _end(tls):
        """Say close_notify, and wait for nobody's."""
        tls.settimeout(0)
        try:
            tls.unwrap()
        except OSError:
            pass

    @staticmethod
    def _words(seen, role):
        return json.dumps({"role": role, "at": seen.at[0],
                           "port": seen.at[1], "sni": seen.sni,
                           "alpn": seen.alpn, "version": seen.version,
                           "path": seen.request}).encode()

    def _http1(self, sock, seen, role):
        data = b""
        while True:
            while b"\r\n\r\n" not in data:
                more = sock.recv(65536)
                if not more:
                    return
                seen.bytes += len(more)
                data += more
            head, _, data = data.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            seen.request = " ".join(lines[0].split()[:2])
            fields = {k.lower(): v.strip() for k, _, v in (
                line.partition(":") for line in lines[1:])}
            path = lines[0].split()[1].split("?")[0]
            handler = getattr(self, "_path_" + path.split("/")[1], None)
            if handler:
                if not handler(sock, seen, path, fields, data):
                    return
                data = b""
            else:
                self._reply(sock, self._words(seen, role))
            if "close" in fields.get("connection", "") or \
                    lines[0].endswith("/1.0"):
                return

    @staticmethod
    def _reply(sock, body, kind="application/json"):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
                     b"Content-Length: %d\r\n\r\n" % (
                         kind.encode(), len(body)) + body)

    def _path_bytes(self, sock, _seen, path, _fields, _data):
        self._reply(sock, content(int(path.split("/")[2])),
                    "application/octet-stream")
        return True

    def _path_cut(self, sock, _seen, path, _fields, _data):
        """Half of what it announces; then the connection is gone."""
        count = int(path.split("/")[2])
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (
            2 * count) + content(count))
        raw = socket.socket(fileno=os.dup(sock.fileno()))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                       struct.pack("ii", 1, 0))
        time.sleep(0.2)
        raw.close()
        return False

    def _path_sum(self, sock, seen, _path, fields, data):
        left = int(fields["content-length"])
        digest = hashlib.sha256(data[:left])
        left -= len(data)
        if "expect" in fields:
            sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while left > 0:
            data = sock.recv(min(left, 1 << 16))
            if not data:
                return False
            seen.bytes += len(data)
            left -= len(data)
            digest.update(data)
        self._reply(sock, digest.hexdigest().encode(), "text/plain")
        return True

    def _path_sse(self, sock, seen, _path, _fields, _data):
        """Each event waits until whoever asked has had the one before."""
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                     b"Connection: close\r\n\r\n")
        for n in range(4):
            sock.sendall(b"data: %d\n\n" % n)
            if not seen.go_on.acquire(timeout=20):
                break
        return False

    def _path_ragged(self, sock, _seen, path, _fields, _data):
        """The answer and an end, without the word that says it is the end."""
        self._reply(sock, content(int(path.split("/")[2])),
                    "application/octet-stream")
        return False

    def _path_rude(self, sock, _seen, path, _fields, _data):
        """The answer and a reset, as of a server that does not read on."""
        raw = socket.socket(fileno=os.dup(sock.fileno()))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                       struct.pack("ii", 1, 0))
        self._reply(sock, content(int(path.split("/")[2])),
                    "application/octet-stream")
        raw.close()
        return False

    def _path_half(self, sock, seen, _path, _fields, data):
        """Answers when the client has said that it has said everything."""
        while True:
            more = sock.recv(65536)
            if not more:
                break
            data += more
        seen.extra["half"] = data
        self._reply(sock, data, "text/plain")
        return False

    def _path_slow(self, sock, seen, _path, _fields, _data):
        time.sleep(1)
        self._reply(sock, self._words(seen, "slow"))
        return True

    def _path_ws(self, sock, seen, _path, fields, data):
        """RFC 6455: text comes back, close is answered."""
        import base64
        accept = base64.b64encode(hashlib.sha1((
            fields["sec-websocket-key"] +
            "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        sock.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket"
                     b"\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
                     accept + b"\r\n\r\n")
        stream = Stream(sock, data)
        while True:
            head = stream.exactly(2)
            size = head[1] & 127
            if size == 126:
                size = struct.unpack("!H", stream.exactly(2))[0]
            mask = stream.exactly(4)
            text = bytes(c ^ mask[i % 4] for i, c in enumerate(
                stream.exactly(size)))
            seen.extra.setdefault("frames", []).append(text)
            sock.sendall(bytes([head[0]]) + (
                bytes([size]) if size < 126 else b"\x7e" +
                struct.pack("!H", size)) + text)
            if head[0] & 15 == 8:
                return False

    def _http2(self, sock, seen, role):
        """RFC 9113, as little as clients need: what is asked with a body is
        sent back frame by frame, as it comes; else it says what it saw."""
        stream = Stream(sock)
        if stream.exactly(24) != b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
            raise ValueError("no HTTP/2")
        sock.sendall(frame2(4, 0, 0, b"") +
                     frame2(8, 0, 0, struct.pack("!I", 1 << 30)))
        while True:
            try:
                size, kind, flags, number = stream.frame2()
            except EOFError:
                return
            body = stream.exactly(size)
            seen.bytes += 9 + size
            if kind == 4 and not flags & 1:
                sock.sendall(frame2(4, 1, 0, b""))
            elif kind == 6 and not flags & 1:
                sock.sendall(frame2(6, 1, 0, body))
            elif kind == 1:
                seen.request = "h2"
                sock.sendall(frame2(1, 4, number, b"\x88"))
                if flags & 1:
                    sock.sendall(frame2(0, 1, number,
                                        self._words(seen, role)))
            elif kind == 0:
                if size:
                    sock.sendall(frame2(8, 0, number,
                                        struct.pack("!I", size)))
                sock.sendall(frame2(0, flags & 1, number, body))
            elif kind == 7:
                return

    def close(self):
        with self.lock:
            self.closed = True
        for sock, thread in self.listeners:
            sock.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            sock.close()


def frame2(kind, flags, number, body):
    """A frame of HTTP/2."""
    return struct.pack("!I", len(body))[1:] + bytes([kind, flags]) + \
        struct.pack("!I", number) + body


class Stream:
    """Exactly so many bytes of a socket."""

    def __init__(self, sock, data=b""):
        self.sock, self.data = sock, data

    def exactly(self, count):
        while len(self.data) < count:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError("%d of %d bytes" % (len(self.data), count)) \
                    if not self.data else ValueError("cut")
            self.data += more
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def frame2(self):
        head = self.exactly(9)
        return (int.from_bytes(head[:3], "big"), head[3], head[4],
                struct.unpack("!I", head[5:])[0] & 0x7fffffff)


NGINX = """daemon off;
master_process off;
worker_processes 1;
pid %(dir)s/nginx.pid;
error_log %(dir)s/nginx-error.log warn;
events { worker_connections 512; }
http {
  log_format seen '$server_addr $server_port $ssl_server_name $server_protocol';
  access_log %(dir)s/nginx.log seen;
  client_body_temp_path %(dir)s;
  proxy_temp_path %(dir)s;
  fastcgi_temp_path %(dir)s;
  uwsgi_temp_path %(dir)s;
  scgi_temp_path %(dir)s;
  server {
    listen %(four)s:443 ssl http2 reuseport;
    listen [%(six)s]:443 ssl http2 reuseport;
    ssl_certificate %(chain)s;
    ssl_certificate_key %(key)s;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / {
      default_type application/json;
      return 200 '{"role": "nginx", "at": "$server_addr", "sni": "$ssl_server_name", "alpn": "$server_protocol"}';
    }
  }
}
"""


class World:
    """The far namespace with its servers, and the name server."""

    def __init__(self, pki, nginx=None):
        self.network, self.pki = Network(), pki
        far = self.network.far
        far.run("ip", "link", "set", "lo", "up")
        for each in RANGES:
            six = ["-6"] if ":" in each else []
            far.run("ip", *six, "route", "add", "local", each, "dev", "lo",
                    "table", "local")
            run("ip", *six, "route", "add", each, "via",
                "2001:db8:1::2" if six else "192.0.2.2")
        far.sysctl("net/ipv6/ip_nonlocal_bind", "1")
        far.sysctl("net/ipv4/ip_nonlocal_bind", "1")
        run("ip", "addr", "add", NAME_SERVER + "/32", "dev", "lo")
        self.names = Server(NAME_SERVER, answer)
        self.servers = Servers(far, pki)
        self.nginx = self._nginx(nginx) if nginx else None

    def _nginx(self, program):
        import subprocess
        good = self.pki.certificates["good"]
        path = os.path.join(self.pki.folder, "nginx.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(NGINX % {
                "dir": self.pki.folder, "four": address("nginx", 4),
                "six": address("nginx", 6), "chain": good.chain,
                "key": good.key})
        with self.network.far:
            started = subprocess.Popen([program, "-c", path, "-p",
                                        self.pki.folder],
                                       stderr=subprocess.PIPE)
        # It writes that when it listens.
        if not wait_for(lambda: os.path.exists(self.pki.folder +
                                               "/nginx.pid"), 20):
            raise RuntimeError("nginx is not there")
        return started

    def close(self):
        if self.nginx:
            self.nginx.terminate()
            self.nginx.communicate()
        self.servers.close()
        self.names.close()
        run("ip", "addr", "del", NAME_SERVER + "/32", "dev", "lo")
        self.network.close()
