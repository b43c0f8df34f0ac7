# SPDX-License-Identifier: GPL-2.0-or-later
"""Secrets put into intercepted connections, and kept in.

Everything is on loopback: a server, the proxy with the engine and its gate in
it, and a client. What a gate does to what it is given is test_gate.py's and the
unit tests'; here it is records, sockets, windows and ends.
"""
import base64
import contextlib
import functools
import hashlib
import os
import random
import re
import select
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

import gate_peers
import http_peers as http
import test_intercept as t
from gate_peers import (BASIC, BODY, HEADERS, QUERY, all_of, options, run,
                        served, server_context)
from test_intercept import NAME, TIMEOUT, check, connect, equal

BODY_NAME, PLAIN_NAME = "body.example.com", "none.example.com"
VALUE, QUERY_VALUE, BODY_VALUE = "sk-1234567890", "a&b c/1", "va\"l ue"
SECRETS = (
    ("$MSB_KEY", VALUE, NAME, HEADERS | BASIC),
    ("$MSB_QUERY", QUERY_VALUE, NAME, HEADERS | QUERY),
    ("$MSB_BODY", BODY_VALUE, BODY_NAME, HEADERS | BODY),
    ("$MSB_OTHER", "other-value", "other.example.net", HEADERS),
)
VALUES = [s[1].encode() for s in SECRETS]
tests = []
upload_mb = 64


def test(f):
    tests.append(f)
    return f


gated = functools.partial(gate_peers.between, SECRETS)


def reset_by(s, *said):
    """A socket ends with a reset, not in order; perhaps while this is said."""
    try:
        for part in said:
            s.sendall(part)
    except OSError:
        s.close()
        return
    with socket.socket(fileno=s.detach()) as raw:
        raw.settimeout(TIMEOUT)
        with contextlib.suppress(ConnectionResetError):
            while raw.recv(65536):
                pass
            raise AssertionError("no reset, but an end in order")


def violation(proxy):
    line = proxy.line()
    check(line.startswith("failed open secret violation: "), line)
    return line.partition(": ")[2]


def masked(text):
    """What comes back of what a server was told"""
    return text.replace(VALUE, "*" * len(VALUE)).replace(BASIC_OUT,
                                                         BASIC_MASKED)


def ask(s, raw, pieces=None):
    """Say it, as records of these lengths; what the server heard"""
    at = 0
    for n in pieces or [len(raw)]:
        s.sendall(raw[at:at + n])
        at += n
    return http.read_message(http.Reader(s))[1][::-1]


BASIC_IN = base64.b64encode(b"user:$MSB_KEY").decode()
BASIC_OUT = base64.b64encode(b"user:" + VALUE.encode()).decode()
BASIC_MASKED = BASIC_OUT[:7] + "*" * (len(BASIC_OUT) - 7)
QUERY_OUT = urllib.parse.quote(QUERY_VALUE, safe="")
ASKED = (f"POST /p?q=$MSB_QUERY&r=1 HTTP/1.1\r\nHost: {NAME}\r\n"
         f"User-Agent: me $MSB_KEY\r\nX-Api-Key: $MSB_KEY\r\n"
         f"Authorization: Basic {BASIC_IN}\r\nContent-Length: 14\r\n\r\n"
         "body: $MSB_KEY").encode()
HEARD = (f"POST /p?q={QUERY_OUT}&r=1 HTTP/1.1\r\nHost: {NAME}\r\n"
         f"User-Agent: me $MSB_KEY\r\nX-Api-Key: {VALUE}\r\n"
         f"Authorization: Basic {BASIC_OUT}\r\nContent-Length: 14\r\n\r\n"
         "body: $MSB_KEY").encode()


# ---- HTTP/1.1 -----------------------------------------------------------------

@test
def substitution():
    """Header, Basic, query; not in a reflected field, nor in the body"""
    for v in (t.V12, t.V13):
        with gated(http.mirror(server_context(versions=v))) as (_, proxy):
            with connect(proxy, versions=v) as s:
                equal(ask(s, ASKED), HEARD)
                equal(ask(s, ASKED + ASKED), HEARD, "pipelined")
    plain = b"GET /%s HTTP/1.1\r\nHost: api.example.com\r\n\r\n" % (b"x" * 30000)
    with gated(http.mirror(server_context())) as (_, proxy):
        with connect(proxy) as s:
            for raw in (plain, ASKED, plain):
                equal(ask(s, raw), HEARD if raw is ASKED else raw)


@test
def split_everywhere():
    """Two records, cut at every octet; and records of any size"""
    with gated(http.mirror(server_context())) as (_, proxy):
        with connect(proxy) as s:
            for at in range(1, len(ASKED)):
                s.sendall(ASKED[:at])
                if at % 4:
                    time.sleep(0.0007)
                equal(ask(s, ASKED[at:]), HEARD, f"cut at {at}")
            for n in (1, 2, 3, 5, 7, 11, 64, 200):
                equal(ask(s, ASKED, [n] * (len(ASKED) // n + 1)), HEARD,
                      f"in {n}")


@test
def bodies():
    """A value put into a body: in JSON, in a form, raw; chunks at its server"""
    rows = [("application/json", b'{"k": "$MSB_BODY"}', b'{"k": "va\\"l ue"}'),
            ("application/x-www-form-urlencoded", b"k=%24MSB_BODY&b=1",
             b"k=va%22l%20ue&b=1"),
            ("text/plain", b"one $MSB_BODY two", b'one va"l ue two')]
    with gated(http.mirror(server_context())) as (_, proxy):
        for kind, said, heard in rows:
            head = (f"POST / HTTP/1.1\r\nHost: {BODY_NAME}\r\n"
                    f"Content-Type: {kind}\r\n").encode()
            length = head + b"Content-Length: %d\r\n\r\n" % len(said) + said
            chunks = head + b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(
                b"1;x=y\r\n%c\r\n" % c for c in said) + b"0\r\n\r\n"
            with connect(proxy, BODY_NAME) as s:
                for raw in (length, chunks):
                    for n in (1, 3, 16, 1000):
                        got = ask(s, raw, [n] * (len(raw) // n + 1))
                        _, body, _ = http.read_message(
                            http.Reader(_Text(got)))
                        equal(body, heard, f"{kind} in {n}")


class _Text:
    """A socket that says a text"""

    def __init__(self, text):
        self.text = text

    def recv(self, _):
        out, self.text = self.text, b""
        return out


@test
def growth():
    """Many large values in a head, and in a body that is read slowly"""
    value = "v" * 8000
    secret = ("$MSB_LARGE", value, BODY_NAME, HEADERS | BODY)
    c = server_context()
    head = "".join(f"X-{k}: $MSB_LARGE\r\n" for k in range(40))
    raw = (f"POST / HTTP/1.1\r\nHost: {BODY_NAME}\r\n{head}"
           "Content-Length: 4000\r\n\r\n" + "$MSB_LARGE$MSB_LARGE" * 200).encode()

    def slow(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        r = http.Reader(http.accept(c, s))
        time.sleep(0.5)
        head, body, _ = http.read_message(r)
        return head.count(value.encode()), body == value.encode() * 400
    with gate_peers.between([secret], slow) as (server, proxy):
        with connect(proxy, BODY_NAME) as s:
            before = int(proxy.stat()["heap"])
            s.sendall(raw)
            equal(server.result(), (40, True))
            check(int(proxy.stat()["heap"]) - before < 100000, "it was kept")
    # More than may wait is no reason for more memory.
    with gate_peers.between([secret], slow) as (server, proxy):
        with connect(proxy, BODY_NAME) as s:
            body = b"$MSB_LARGE" * 1600
            reset_by(s, b"POST / HTTP/1.1\r\nHost: %s\r\n"
                     b"Content-Length: %d\r\n\r\n"
                     % (BODY_NAME.encode(), len(body)) + body)
        equal(proxy.line(), "failed open it could not be passed on")


@test
def pipelined_violation():
    """The second request's: what was before is answered; it never gets there"""
    first = f"GET /1 HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
    bad = f"GET /2 HTTP/1.1\r\nHost: {NAME}\r\nX-A: $MSB_OTHER\r\n\r\n".encode()
    with gated(http.mirror(server_context())) as (server, proxy):
        with connect(proxy) as s:
            equal(ask(s, first), first)
            s.sendall(bad)
            reset_by(s)
        equal(violation(proxy), "header $MSB_OTHER")
        check(isinstance(server.result(), ConnectionResetError),
              repr(server.result()))
    # In one record nothing of it goes on.
    for pieces in ([len(first + bad)], [len(first), len(bad)],
                   [len(first) + 5, len(bad) - 5]):
        log = []
        with gated(http.mirror(server_context(), log)) as (server, proxy):
            with connect(proxy) as s:
                reset_by(s, *[(first + bad)[sum(pieces[:k]):][:n]
                              for k, n in enumerate(pieces)])
            equal(violation(proxy), "header $MSB_OTHER")
            server.result()
            check(log in ([], [first]), repr(log))
            if len(pieces) == 1:
                equal(log, [])


@test
def violations():
    """Every form at every place: a reset for both, and nothing of it arrives"""
    forms = {"raw": b"$MSB_OTHER", "percent": b"%24MSB_OTHE%52",
             "json": b"\\u0024MSB\\u005fOTHER",
             "base64": base64.b64encode(b"ab$MSB_OTHERcd")}
    host = b"Host: %s\r\n" % PLAIN_NAME.encode()
    places = {
        "request-line": b"GET /%s HTTP/1.1\r\n" + host + b"\r\n",
        "header": b"GET / HTTP/1.1\r\n" + host + b"X-A: %s\r\n\r\n",
        "body": b"POST / HTTP/1.1\r\n" + host + b"Content-Length: 40\r\n\r\n%s",
        "trailer": b"POST / HTTP/1.1\r\n" + host +
                   b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
                   b"X-A: %s\r\n\r\n",
        "stream": b"\0\1\2%s" + b" " * 40,
    }

    @served
    def listen(u, _):
        got = b""
        try:
            u.sendall(b"x")
            while data := u.recv(65536):
                got += data
        except ConnectionResetError:
            return got
        return "an end in order"
    with gated(listen) as (server, proxy):
        for n, (where, text) in enumerate(places.items()):
            for k, (form, word) in enumerate(forms.items()):
                raw = text.replace(b"%s", word)
                raw += b"." * (40 if where == "body" else 0)
                with connect(proxy, PLAIN_NAME) as s:
                    equal(s.recv(1), b"x")
                    s.sendall(raw)
                    reset_by(s)
                equal(violation(proxy), f"{where} $MSB_OTHER", f"{where} {form}")
                equal(server.result(n * len(forms) + k), b"", f"{where} {form}")


@test
def ambiguous():
    """What can be read in two ways, and other authorities, where a value may go"""
    host = f"Host: {NAME}\r\n"
    rows = [(f"POST / HTTP/1.1\r\n{host}Content-Length: 3\r\n"
             "Transfer-Encoding: chunked\r\n\r\n", "framing"),
            (f"POST / HTTP/1.1\r\n{host}Content-Length: 3\r\n"
             "Content-Length: 4\r\n\r\n", "framing"),
            (f"POST / HTTP/1.1\r\n{host}Transfer-Encoding: x\r\n\r\n", "framing"),
            (f"GET / HTTP/1.1\r\n{host} X: 1\r\n\r\n", "framing"),
            (f"GET / HTTP/1.1\n{host}\n", "framing"),
            ("GET / HTTP/1.1\r\nHost: evil.example.com\r\n\r\n", "authority"),
            (f"GET / HTTP/1.1\r\n{host}{host}\r\n", "framing|authority"),
            (f"GET http://evil.example.com/ HTTP/1.1\r\n{host}\r\n",
             "authority"), ("GET / HTTP/1.1\r\n\r\n", "authority")]
    with gated(http.mirror(server_context())) as (_, proxy):
        for raw, where in rows:
            with connect(proxy) as s:
                s.sendall(raw.encode())
                reset_by(s)
            got = violation(proxy)
            check(re.match(f"({where}) ", got), f"{raw!r}: {got}")


@test
def held_too_long():
    """A head above its limit ends the connection, and says why"""
    with gated(http.mirror(server_context())) as (_, proxy):
        with connect(proxy) as s:
            reset_by(s, b"GET / HTTP/1.1\r\nHost: %s\r\n" % NAME.encode(),
                     *[b"X-A: " + b"a" * 8000 + b"\r\n"] * 20)
        equal(proxy.line(), "failed open a head is too long")


@test
def answers_under_way():
    """A violation while the server is answering ends that, too"""
    sent = []

    @served
    def flood(u, r):
        r.until(b"\r\n\r\n")
        u.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")
        try:
            for _ in range(6000):
                u.sendall(bytes(16384))
                sent.append(1)
        except OSError as e:
            return e
        return "all was taken"
    with gated(flood) as (server, proxy):
        with connect(proxy) as s:
            s.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
            for _ in range(20):
                check(s.recv(16384), "an end")
            s.sendall(f"GET /$MSB_OTHER HTTP/1.1\r\nHost: {NAME}\r\n\r\n"
                      .encode())
            reset_by(s)
        equal(violation(proxy), "request-line $MSB_OTHER")
        check(isinstance(server.result(), OSError), repr(server.result()))
        check(len(sent) < 6000, "all was taken")


@test
def early_answers():
    """A server that answers before the request is over, and is done"""
    @served
    def refuse(u, r):
        r.until(b"\r\n\r\n")
        u.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n"
                  b"Connection: close\r\n\r\nno")
        with contextlib.suppress(OSError):
            while u.recv(65536):
                pass
    for host in (NAME, BODY_NAME):
        with gated(refuse) as (_, proxy):
            with connect(proxy, host) as s:
                s.sendall(b"POST / HTTP/1.1\r\nHost: %s\r\nX-A: $MSB_BODY\r\n"
                          b"Content-Length: 50000000\r\n\r\n"
                          .replace(b"$MSB_BODY", b"x") % host.encode())
                s.sendall(bytes(30000))
                head, body, _ = http.read_message(http.Reader(s))
                check(b" 413 " in head and body == b"no", repr(head))


@test
def continues():
    """Expect: 100-continue; the body comes after the server's word"""
    @served
    def handle(u, r):
        head = r.until(b"\r\n\r\n")
        u.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = r.exactly(5)
        u.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        return head, body
    with gated(handle) as (server, proxy):
        with connect(proxy) as s:
            s.sendall(f"POST / HTTP/1.1\r\nHost: {NAME}\r\nX-A: $MSB_KEY\r\n"
                      "Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
                      .encode())
            equal(http.Reader(s).until(b"\r\n\r\n"),
                  b"HTTP/1.1 100 Continue\r\n\r\n")
            s.sendall(b"hello")
            check(b" 200 " in s.recv(1000), "no answer")
            head, body = server.result()
            check(b"X-A: " + VALUE.encode() in head and body == b"hello",
                  repr(head))


@test
def events():
    """Chunks and events in turns, each waited for: nothing is held back"""
    @served
    def handle(u, r):
        r.until(b"\r\n\r\n")
        u.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n")
        for k in range(100):
            n = int(r.until(b"\r\n"), 16)
            equal(r.exactly(n + 2), b"ack %d\r\n" % k)
            text = b"data: %d\n\n" % k
            u.sendall(b"%x\r\n%s\r\n" % (len(text), text))
        return "all"
    for host in (NAME, BODY_NAME):
        with gated(handle) as (server, proxy):
            with connect(proxy, host) as s:
                r = http.Reader(s)
                s.sendall(f"POST / HTTP/1.1\r\nHost: {host}\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n".encode())
                r.until(b"\r\n\r\n")
                for k in range(100):
                    text = b"ack %d" % k
                    s.sendall(b"%x\r\n%s\r\n" % (len(text), text))
                    r.until(b"data: %d\n\n" % k)
                equal(server.result(), "all")


def frame(text, mask=b"\1\2\3\4"):
    """A client's frame of WebSocket, of less than 126 octets"""
    return bytes([0x82, 0x80 | len(text)]) + mask + bytes(
        b ^ mask[i % 4] for i, b in enumerate(text))


@test
def upgrades():
    """WebSocket: early frames wait for the answer; masked ones are read"""
    ask_ = (f"GET /chat HTTP/1.1\r\nHost: {NAME}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nAuthorization: Bearer $MSB_KEY\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
            "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode()

    @served
    def handle(u, r):
        head = r.until(b"\r\n\r\n")
        u.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  b"Connection: Upgrade\r\n\r\n")
        got = b""
        try:
            while True:
                part = r.exactly(6)
                part += r.exactly(part[1] & 0x7f)
                got += part
                u.sendall(b"\x82\x02ok")
        except EOFError:
            u.unwrap()
            return head, got, None
        except OSError as e:
            return head, got, type(e)
    early, late = frame(b"early"), frame(b"late", b"\x99\x88\x77\x66")
    bad = frame(b"it is $MSB_OTHER", b"\xaa\0\xbb\1")
    for last in (b"", bad):
        with gated(handle) as (server, proxy):
            with connect(proxy) as s:
                s.sendall(ask_ + early)
                r = http.Reader(s)
                r.until(b"\r\n\r\n")
                equal(r.exactly(4), b"\x82\x02ok")
                for b in late:
                    s.sendall(bytes([b]))
                equal(r.exactly(4), b"\x82\x02ok")
                if last:
                    s.sendall(last)
                    reset_by(s)
                else:
                    s.unwrap()
            head, got, e = server.result()
            check(b"Bearer " + VALUE.encode() in head, repr(head))
            equal(got, early + late)
            equal(e, ConnectionResetError if last else None)
            if last:
                equal(violation(proxy), "stream $MSB_OTHER")


@test
def both_wait():
    """The guest's octets wait for an answer, the answer for the guest"""
    c = server_context()
    much = os.urandom(8 << 20)
    early = os.urandom(60000)

    def handle(s):
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        u = http.accept(c, s)
        r = http.Reader(u)
        r.until(b"\r\n\r\n")
        time.sleep(0.2)
        u.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n"
                  b"Connection: Upgrade\r\n\r\n" + much)
        return r.exactly(len(early) + 1000) == early + bytes(1000)
    with gated(handle) as (server, proxy):
        with connect(proxy) as s:
            s.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\nUpgrade: x\r\n"
                      "Connection: Upgrade\r\n\r\n".encode() + early)
            time.sleep(0.5)
            s.sendall(bytes(1000))
            r = http.Reader(s)
            r.until(b"\r\n\r\n")
            h = hashlib.sha256()
            r.feed(len(much), h.update)
            equal(h.digest(), hashlib.sha256(much).digest())
            equal(server.result(), True)


@test
def not_http():
    """What is no HTTP goes on as it is, both ways, where nobody may have any"""
    @served
    def handle(u, _):
        u.sendall(b"220 hello\r\n")
        while data := u.recv(65536):
            u.sendall(data)
    rng = random.Random(7)
    with gated(handle) as (_, proxy):
        with connect(proxy, PLAIN_NAME) as s:
            equal(s.recv(100), b"220 hello\r\n")
            for n in (1, 2, 3, 100, 5000, 70000):
                sent = b"\0" + rng.randbytes(n - 1)
                s.sendall(sent)
                got = b""
                while len(got) < n:
                    got += s.recv(65536)
                equal(got, sent)


# ---- Sizes and speeds -----------------------------------------------------------

@test
def large_upload():
    """A chunked body of many megabytes, with and without values put in"""
    rng = random.Random(5)
    block = rng.randbytes(1 << 20)
    size = 300007
    for host in (NAME, BODY_NAME):
        with gated(http.digest(server_context())) as (server, proxy):
            with connect(proxy, host) as s:
                s.sendall(f"POST / HTTP/1.1\r\nHost: {host}\r\n"
                          "Content-Type: application/octet-stream\r\n"
                          "Transfer-Encoding: chunked\r\n\r\n".encode())
                h = hashlib.sha256()
                left = upload_mb << 20
                before = None
                while left:
                    part = block[left % 1000:][:min(size, left)]
                    h.update(part)
                    s.sendall(b"%x\r\n" % len(part) + part + b"\r\n")
                    left -= len(part)
                    if before is None:
                        before = int(proxy.stat()["heap"])
                check(int(proxy.stat()["heap"]) - before < 400000,
                      "memory grows with the upload")
                s.sendall(b"0\r\n\r\n")
                text = http.read_message(http.Reader(s))[1]
                equal(text, b"%d %s" % (upload_mb << 20,
                                        h.hexdigest().encode()))


@test
def slow_readers():
    """A server that does not read stops the guest, and memory stays put"""
    go = threading.Event()
    state = {"sent": 0}
    total = 48 << 20

    @served
    def handle(u, r):
        r.until(b"\r\n\r\n")
        go.wait(TIMEOUT)
        h = hashlib.sha256()
        r.feed(total, h.update)
        u.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n"
                  + h.hexdigest().encode())
    with gated(handle) as (_, proxy):
        with connect(proxy) as s:
            s.sendall(f"POST / HTTP/1.1\r\nHost: {NAME}\r\nX-A: $MSB_KEY\r\n"
                      f"Content-Length: {total}\r\n\r\n".encode())
            block = os.urandom(1 << 16)
            h = hashlib.sha256()
            before = int(proxy.stat()["heap"])

            def send():
                while state["sent"] < total:
                    s.sendall(block)
                    h.update(block)
                    state["sent"] += len(block)
            thread = threading.Thread(target=send, daemon=True)
            thread.start()
            last = t.steady(lambda: state["sent"])
            check(last < total, "nothing stopped it")
            check(int(proxy.stat()["heap"]) - before < 200000, "it was kept")
            go.set()
            thread.join(TIMEOUT)
            equal(http.read_message(http.Reader(s))[1].decode(), h.hexdigest())


@test
def dawdling():
    """Both ways at once in random pieces, through a stream"""
    rng = random.Random(9)
    sent = rng.randbytes(2 << 20)
    for host in (NAME, PLAIN_NAME):
        with gated(t.echo(gate_peers.leaf)) as (_, proxy):
            with connect(proxy, host) as s:
                head = b"" if host == PLAIN_NAME else \
                    b"POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" \
                    % (host.encode(), len(sent))
                s.setblocking(False)
                all_, at, got = head + sent, 0, bytearray()
                until = time.monotonic() + TIMEOUT
                while len(got) < len(all_) and time.monotonic() < until:
                    with contextlib.suppress(ssl.SSLWantReadError,
                                             ssl.SSLWantWriteError):
                        if at < len(all_):
                            n = rng.choice((1, 100, 5000, 16384, 70000))
                            at += s.send(all_[at:at + n])
                    with contextlib.suppress(ssl.SSLWantReadError):
                        if rng.random() < 0.5 or at == len(all_):
                            got += s.recv(rng.choice((1, 900, 16384, 65536)))
                    if at == len(all_):
                        select.select([s], [], [], 0.001)
                check(bytes(got) == all_, f"{len(got)} octets came back")
                s.setblocking(True)
                s.settimeout(TIMEOUT)
                s.unwrap()
            equal(proxy.line(), "done open -")


# ---- Ends -------------------------------------------------------------------------

@test
def ends():
    """The guest's end in the middle of a head, of a body, of what waits"""
    @served
    def handle(u, _):
        got = all_of(u)
        u.unwrap()
        return got
    head = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 100\r\n\r\n" \
        .encode()
    up = (f"GET / HTTP/1.1\r\nHost: {NAME}\r\nUpgrade: x\r\n"
          "Connection: Upgrade\r\n\r\n").encode()
    none = head.replace(NAME.encode(), PLAIN_NAME.encode())
    rows = [(NAME, head + b"half", None), (NAME, up + b"early", None),
            (NAME, head[:30], b""), (PLAIN_NAME, none[:30], None),
            (PLAIN_NAME, none + b"half", None), (PLAIN_NAME, b"$MSB_OTHE", None),
            (NAME, b"", None)]
    for host, raw, heard in rows:
        with gated(handle) as (server, proxy):
            with connect(proxy, host) as s:
                s.sendall(raw)
                s.unwrap()
            equal(server.result(), raw if heard is None else heard)
            equal(proxy.line(), "done open -")
    # What is complete only because it ends
    for host, raw, where in ((PLAIN_NAME, none + b"$MSB_OTHER", "body"),
                             (PLAIN_NAME, none[:30] + b"$MSB_OTHER", "stream")):
        with gated(handle) as (server, proxy):
            with connect(proxy, host) as s:
                s.sendall(raw)
                with contextlib.suppress(OSError):
                    s.unwrap()
            equal(violation(proxy), f"{where} $MSB_OTHER")


@test
def cut_off():
    """An end without close_notify, and a reset, are told as such"""
    raw = f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 99\r\n\r\nhalf" \
        .encode()

    @served
    def handle(u, _):
        got = b""
        try:
            while data := u.recv(65536):
                got += data
                if got == raw:
                    u.sendall(b"x")
        except OSError as e:
            return got, str(e)
        return got, None
    for linger, want in ((False, "EOF"), (True, "reset")):
        with gated(handle) as (server, proxy):
            s = connect(proxy)
            s.sendall(raw)
            # A reset overtakes nothing that is not acknowledged.
            equal(s.recv(1), b"x")
            if linger:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
            socket.socket(fileno=s.detach()).close()
            got, e = server.result()
            check(want in e, e)
            equal(got, raw)


# ---- HTTP/2 ------------------------------------------------------------------------

def context2(proxy):
    return t.context_of_client(proxy, alpn=["h2"])


@test
def streams_of_http2():
    """100 streams at a time, bodies above all windows, trailers both ways"""
    rng = random.Random(4)
    handle = http.mirror2(server_context(alpn=["h2"]), 100000)
    with gated(handle) as (_, proxy):
        with connect(proxy, context=context2(proxy)) as s:
            equal(s.selected_alpn_protocol(), "h2")
            side = http.Side(s, True)
            bodies = {}
            # Its limit, and table, are known with its settings.
            while not side.c.remote_settings.max_concurrent_streams < 1000:
                side.step()
            equal(side.c.remote_settings.max_concurrent_streams, 100)
            for n in range(1, 201, 2):
                bodies[n] = rng.randbytes(200000 if n % 20 == 1 else
                                          rng.choice((0, 1, 3000)))
                side.say(n, http.request(
                    f"/p{n}?q=$MSB_QUERY", NAME,
                    ("authorization", "Bearer $MSB_KEY"),
                    ("x-n", str(n)), ("user-agent", "$MSB_KEY")),
                    bodies[n], [("x-sum", f"t{n}")] if n % 3 == 0 else None)
            side.pump()
            until = time.monotonic() + 60
            while len(side.ended) < 100 and time.monotonic() < until:
                check(side.step(), "it has ended")
            for n, body in bodies.items():
                text = side.bodies[n].rstrip(b"\0")[::-1].decode()
                check(f":path: /p{n}?q={QUERY_OUT}\n" in text and
                      f"authorization: Bearer {VALUE}\n" in text and
                      f"x-n: {n}\n" in text and
                      "user-agent: $MSB_KEY\n" in text, text)
                check(hashlib.sha256(body).hexdigest() in text, "its body")
                equal(f"x-sum: t{n}\n" in text, n % 3 == 0, "its trailers")
                equal(len(side.bodies[n]) - len(text), 100000, "the answer")
                equal(side.trailers[n], [("grpc-status", "0")])


@test
def grpc():
    """Messages in turns on one stream, each waited for"""
    def handle(u, _):
        side = http.Side(u, False)
        done = 0
        while 1 not in side.ended:
            side.step()
            if done == 0 and 1 in side.headers:
                side.c.send_headers(1, [(":status", "200")])
            while 1 in side.headers and len(side.bodies[1]) >= 10 * (done + 1):
                side.c.send_data(1, b"answer%4d" % done)
                done += 1
            side.flush()
        side.c.send_headers(1, [("grpc-status", "0")], end_stream=True)
        side.flush()
        while side.step():
            pass
    with gated(served(handle, alpn=["h2"])) as (_, proxy):
        with connect(proxy, context=context2(proxy)) as s:
            side = http.Side(s, True)
            side.c.send_headers(1, http.request(
                "/svc/m", NAME, ("authorization", "$MSB_KEY"),
                ("te", "trailers"), method="POST"))
            for k in range(60):
                side.c.send_data(1, b"message%3d" % k)
                side.flush()
                while len(side.bodies.get(1, b"")) < 10 * (k + 1):
                    check(side.step(), "it has ended")
            side.c.end_stream(1)
            side.flush()
            while 1 not in side.ended:
                check(side.step(), "it has ended")
            equal(side.trailers[1], [("grpc-status", "0")])


@test
def violations_of_http2():
    """In a head, in a body that is split over frames; all streams end"""
    handle = http.mirror2(server_context(alpn=["h2"]))
    for where, headers, parts in (
            ("header", [("x-a", "$MSB_OTHER")], []),
            ("request-line", [], []),
            ("body", [], [b"one $MSB_O", b"THER two"]),
            ("body", [], [b"%2", b"4MSB_", b"OTHER."])):
        with gated(handle) as (server, proxy):
            with connect(proxy, context=context2(proxy)) as s:
                side = http.Side(s, True)
                side.say(1, http.request("/", NAME, ("x-b", "$MSB_KEY")))
                side.flush()
                while 1 not in side.ended:
                    side.step()
                path = "/$MSB_OTHER" if where == "request-line" else "/"
                side.c.send_headers(3, http.request(path, NAME, *headers))
                for part in parts:
                    side.c.send_data(3, part)
                    side.flush()
                    time.sleep(0.01)
                side.flush()
                reset_by(s)
            got = violation(proxy)
            check(got.endswith(" $MSB_OTHER"), got)
            if where != "request-line":
                equal(got, f"{where} $MSB_OTHER")
            asked, e = server.result()
            equal(list(asked), [1], "requests that arrived")
            equal(e, ConnectionResetError)


@test
def protocols():
    """HTTP/2 is not offered where a value may go into a body"""
    context = server_context(alpn=["h2", "http/1.1"])
    with gated(http.mirror(context)) as (_, proxy):
        with connect(proxy, BODY_NAME, alpn=["h2", "http/1.1"]) as s:
            equal(s.selected_alpn_protocol(), "http/1.1")
        with connect(proxy, NAME, alpn=["h2", "http/1.1"]) as s:
            equal(s.selected_alpn_protocol(), "h2")
        with connect(proxy, PLAIN_NAME, alpn=["http/1.1", "h2"]) as s:
            equal(s.selected_alpn_protocol(), "h2")
        with connect(proxy, BODY_NAME) as s:
            equal(s.selected_alpn_protocol(), None)
        for alpn in (["h2"], ["spdy/3", "h2"]):
            c = ssl._create_unverified_context()
            c.set_alpn_protocols(alpn)
            equal(t.alert_of(proxy, t.client_hello(BODY_NAME, c)[0]), 120)


# ---- Who may have one -----------------------------------------------------------------

@test
def nobody_proved():
    """Without verification, without a name, under another: a violation"""
    raw = f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX-A: $MSB_KEY\r\n\r\n".encode()
    log = []
    handle = http.mirror(server_context(), log)

    def refused(proxy, s):
        s.sendall(raw)
        reset_by(s)
        s.close()
        equal(violation(proxy), "header $MSB_KEY")
    with gated(handle, verify=False) as (_, proxy):
        refused(proxy, connect(proxy))
    for extra in ([], ["--leaf", NAME]):
        with gated(handle, *extra) as (_, proxy):
            c = t.context_of_client(proxy)
            c.check_hostname = False
            refused(proxy, c.wrap_socket(t.dial(proxy)))
    with gated(handle) as (_, proxy):
        refused(proxy, connect(proxy, PLAIN_NAME))
        with connect(proxy, NAME.upper()) as s:
            check(b"X-A: " + VALUE.encode() in ask(s, raw), "a name in capitals")
    equal(len(log), 1, "requests that arrived")


@test
def sessions():
    """Also with a server whose session is used again"""
    with gated(http.mirror(server_context())) as (_, proxy):
        for _ in range(3):
            with connect(proxy) as s:
                equal(ask(s, ASKED), HEARD)


def lines_of(path):
    with open(path) as f:
        return f.read().splitlines()


# ---- Programs -------------------------------------------------------------------------

@test
def programs():
    """curl to nginx, in both versions of HTTP"""
    told = ("$server_protocol|$http_authorization|$http_x_api_key|"
            "$http_user_agent|$args|")
    with http.nginx(t.pki.where, t.HOST, *t.pki.bits(gate_peers.leaf),
                    told) as (port, heard):
        proxy = t.Proxy(port, *options(SECRETS))
        for version in ("1.1", "2"):
            url = f"https://{NAME}:{proxy.port}/?q=$MSB_QUERY"
            code, out, said = http.curl(
                proxy, NAME, "--http" + version, "-H", "X-Api-Key: $MSB_KEY",
                "-u", "user:$MSB_KEY", "-A", "$MSB_KEY", url, url)
            equal(code, 0, said)
            text = (f"HTTP/{version}.0" if version == "2" else "HTTP/1.1") + \
                f"|Basic {BASIC_OUT}|{VALUE}|$MSB_KEY|q={QUERY_OUT}|"
            # It is written down behind the answer.
            t.wait_until(lambda: lines_of(heard)[-2:] == [text] * 2)
            equal(lines_of(heard)[-2:], [text] * 2)
            equal(out.decode(), masked(text) * 2)
            # All of a body is read before it goes behind.
            code, out, said = http.curl(
                proxy, NAME, "--http" + version, "-d", "x=$MSB_OTHER",
                url.replace("/?", "/behind?"))
            check(code in (16, 35, 52, 55, 56, 92), f"{code}: {out} {said}")
            code, out, said = http.curl(
                proxy, NAME, "--http" + version, "-T", "-", "-H",
                "X-Api-Key: $MSB_KEY", url.replace("/?", "/behind?"),
                data=os.urandom(3 << 20))
            equal(code, 0, said)
            equal(out.decode(), f"{'*' * len(VALUE)}|{3 << 20}")
        proxy.close()


# ---- What it takes ----------------------------------------------------------------------

@test
def memory():
    """What a gate takes of a connection between requests, and gives back"""
    raw = f"GET / HTTP/1.1\r\nHost: {NAME}\r\nX-A: $MSB_KEY\r\n\r\n".encode()

    def heap(alpn, *extra):
        handle = http.mirror(server_context()) if not alpn else \
            http.mirror2(server_context(alpn=alpn))
        with t.between(handle, *extra) as (_, proxy):
            c = t.context_of_client(proxy, alpn=alpn)

            def one():
                s = connect(proxy, context=c)
                if alpn:
                    side = http.Side(s, True)
                    side.say(1, http.request("/", NAME, ("x-a", "$MSB_KEY")))
                    side.flush()
                    while 1 not in side.ended:
                        side.step()
                else:
                    ask(s, raw)
                return s
            for s in [one() for _ in range(20)]:
                s.close()
            check(proxy.is_idle(), "connections left")
            before = int(proxy.stat()["heap"])
            some = [one() for _ in range(60)]
            per = (int(proxy.stat()["heap"]) - before) / 60
            for s in some:
                s.close()
            check(proxy.is_idle(), "connections left")
            return per
    for alpn, limit in ((None, 2048), (["h2"], 16384)):
        plain, with_gate = heap(alpn), heap(alpn, *options(SECRETS))
        more = with_gate - plain
        print(f"      {'h2' if alpn else 'http/1.1'}: {plain / 1024:.1f} KB, "
              f"{more / 1024:.1f} KB more with a gate")
        if not t.sanitized:
            check(more < limit, f"a gate takes {more} octets")
            check(with_gate < 100 * 1024, f"{with_gate} octets in all")


def main():
    global upload_mb
    p = t.arguments()
    p.add_argument("--upload", type=int, default=upload_mb, metavar="MB")
    args = p.parse_args()
    upload_mb = args.upload
    return run(tests, args)


if __name__ == "__main__":
    sys.exit(main())
