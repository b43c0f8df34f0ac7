# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that repeat what they were told, in intercepted connections.

No value that was put into a connection comes back on it in clear: not as it is,
not in JSON, not percent-encoded, and of Basic credentials not in base64. What
comes back has the same length, in the same frames, and nothing waits that is
none. Everything is on loopback, between the proxy's two ports.
"""
import base64
import contextlib
import functools
import json
import os
import struct
import sys
import threading
import time
import urllib.parse

import gate_peers
import http_peers as http
import test_intercept as t
from gate_peers import BASIC, HEADERS, all_of, options, run, served
from test_intercept import NAME, TIMEOUT, check, connect, equal

VALUE = "sk/live+\"6f1d\\0c9a&7b42=e835"
SHORT = "7-short"
SECRETS = (("$MSB_KEY", VALUE, NAME, HEADERS | BASIC),
           ("$MSB_SHORT", SHORT, NAME, HEADERS),
           ("$MSB_OTHER", "other-value-1", NAME, HEADERS))
RAW = VALUE.encode()
FORMS = {
    "raw": RAW,
    "JSON": json.dumps(VALUE)[1:-1].encode(),
    "JSON with \\/": json.dumps(VALUE)[1:-1].replace("/", "\\/").encode(),
    "percent": urllib.parse.quote(VALUE, safe="").encode(),
    "base64": base64.b64encode(b"user:" + RAW),
}
# "user" and ":", which share a digit with the value.
BEHIND = {"base64": 7}
tests = []


def test(f):
    tests.append(f)
    return f


def masked(form):
    kept = BEHIND.get(form, 0)
    text = FORMS[form]
    stars = len(text) - kept
    if form == "base64":
        # 27 octets behind 5 are 43 digits of 44: the last has none of them.
        stars = (8 * len(RAW) - 2) // 6
    return text[:kept] + b"*" * stars + text[kept + stars:]


def ask(path="/", *more):
    basic = base64.b64encode(b"user:$MSB_KEY").decode()
    return "".join((f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n",
                    f"Authorization: Basic {basic}\r\nX-Key: $MSB_KEY\r\n",
                    *more, "\r\n")).encode()


between = functools.partial(gate_peers.between, SECRETS)


def server(answers):
    """Each request is answered with the next: pieces, and between them seconds or
    what is waited for."""
    @served
    def handle(u, r):
        heard = []
        for answer in answers:
            heard.append(r.until(b"\r\n\r\n"))
            for piece in answer:
                if isinstance(piece, bytes):
                    u.sendall(piece)
                elif callable(piece):
                    piece()
                else:
                    time.sleep(piece)
        with contextlib.suppress(OSError):
            u.unwrap()
        u.close()
        return heard
    return handle


def length(body, *fields):
    return b"HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s" % (
        b"".join(f + b"\r\n" for f in fields), len(body), body)


@test
def repeated():
    """In the head, in the body, in a trailer; in each form"""
    for form, text in FORMS.items():
        said = (b"HTTP/1.1 200 OK\r\nX-Told: %s\r\nTransfer-Encoding: chunked"
                b"\r\n\r\n%x\r\n<%s>\r\n0\r\nX-Told: %s\r\n\r\n"
                % (text, len(text) + 2, text, text))
        with between(server([[said]])) as (far, proxy):
            with connect(proxy) as s:
                s.sendall(ask())
                equal(all_of(s), said.replace(text, masked(form)), form)
            check(b"X-Key: " + RAW in far.result()[0], "what it was told")
            equal(proxy.line(), "done open -")


@test
def cut_everywhere():
    """In two records: no more than the first octets are seen"""
    for form, text in FORMS.items():
        said = length(b"<%s>" % text)
        at = said.index(text)
        cuts = range(at, at + len(text) + 1)
        answers = [[said[:cut], 0.003, said[cut:]] for cut in cuts]
        with between(server(answers)) as (_, proxy):
            with connect(proxy) as s:
                r = http.Reader(s)
                for cut in cuts:
                    s.sendall(ask())
                    got = http.read_message(r)[2]
                    equal(len(got), len(said))
                    same = next((i for i, c in enumerate(got) if c == 42),
                                len(got))
                    check(same - at <= BEHIND.get(form, 0) + 16 and
                          same <= max(cut, at + BEHIND.get(form, 0)),
                          f"{form}, cut at {cut - at}: {got}")
                    check(text not in got and RAW[8:] not in got, got)


@test
def in_chunks():
    """Cut by a chunk's line at any octet, and read in any pieces"""
    for form, text in FORMS.items():
        head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        pieces = [[head, b"%x\r\n<%s\r\n" % (cut + 1, text[:cut]),
                   0.002 * (cut % 2), b"%x\r\n" % (len(text) - cut + 1),
                   text[cut:] + b">\r\n0\r\n\r\n"]
                  for cut in range(1, len(text))]
        with between(server(pieces)) as (_, proxy):
            with connect(proxy) as s:
                r = http.Reader(s)
                for cut in range(1, len(text)):
                    s.sendall(ask())
                    got = http.read_message(r)[1]
                    wanted = b"<" + masked(form) + b">"
                    seen = len(got[1:].partition(b"*")[0])
                    check(got[1 + seen:] == wanted[1 + seen:] and
                          seen <= BEHIND.get(form, 0) + 16,
                          f"{form}, cut at {cut}: {got}")


@test
def only_what_was_put_in():
    """Another connection, another secret, short ones: as they are"""
    text = b"%s other-value-1 %s" % (RAW, SHORT.encode())
    with between(server([[length(text)]] * 4)) as (_, proxy):
        with connect(proxy) as s:
            r = http.Reader(s)
            for asked, wanted in (
                    (f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode(), text),
                    (ask("/", "X-S: $MSB_SHORT\r\n"),
                     text.replace(RAW, b"*" * len(RAW))),
                    (ask("/", "X-S: $MSB_OTHER\r\n"),
                     b"*" * len(RAW) + b" ************* " + SHORT.encode()),
                    # It may come with any answer that follows.
                    (f"GET / HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode(),
                     b"*" * len(RAW) + b" ************* " + SHORT.encode())):
                s.sendall(asked)
                equal(http.read_message(r)[1], wanted)


@test
def nothing_waits():
    """Events arrive as they are said, also those that end like a value begins"""
    head = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
    events = [b"data: %d\n\n" % n for n in range(20)] + \
        [b"data: sk", b"data: sk/live"]
    # None is said before the one in front of it has come.
    come = threading.Semaphore(0)
    pieces = [head]
    for event in events:
        pieces += [event, lambda: check(come.acquire(timeout=TIMEOUT),
                                        "it does not come")]
    with between(server([pieces])) as (_, proxy):
        with connect(proxy) as s:
            s.sendall(ask())
            r = http.Reader(s)
            equal(r.exactly(len(head)), head)
            for event in events:
                equal(r.exactly(len(event)), event)
                come.release()


@test
def incomplete():
    """A value's beginning waits for what follows; an end hides it"""
    for tail, heard in ((b"", b"*" * 20), (b"!", RAW[:20] + b"!")):
        pieces = [b"HTTP/1.0 200 OK\r\n\r\n", RAW[:20], 0.2, tail]
        with between(server([[p for p in pieces if p != b""]])) as (_, proxy):
            with connect(proxy) as s:
                s.sendall(ask())
                equal(all_of(s), b"HTTP/1.0 200 OK\r\n\r\n" + heard)
            equal(proxy.line(), "done open -")


@test
def large():
    """Among much that is none, in records of any size"""
    body = (os.urandom(5000) + RAW + b"x" * 3000) * 300
    with between(server([[length(body)]])) as (_, proxy):
        with connect(proxy) as s:
            s.sendall(ask())
            got = http.read_message(http.Reader(s))[1]
    equal(len(got), len(body))
    at = 0
    for _ in range(300):
        at = body.index(RAW, at)
        equal(got[at + 8:at + len(RAW)], b"*" * (len(RAW) - 8))
        check(got[at:at + 8].strip(b"*") in RAW, got[at:at + 8])
        check(got[at + len(RAW):at + len(RAW) + 100] == b"x" * 100, "around it")
        at += len(RAW)


@test
def upgraded():
    """What a server says in WebSocket, and in what is no HTTP"""
    frame = b"\x81\x7e" + struct.pack("!H", len(RAW) + 2) + b"<" + RAW + b">"
    agreed = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
    for kind in ("websocket", "other"):
        first = agreed + b"Upgrade: %s\r\n\r\n" % kind.encode()
        with between(server([[first, frame, 0.01, frame]])) as (_, proxy):
            with connect(proxy) as s:
                s.sendall(ask("/", f"Upgrade: {kind}\r\n",
                              "Connection: Upgrade\r\n"))
                equal(all_of(s), first + frame.replace(
                    RAW, b"*" * len(RAW)) * 2)


def frame2(kind, flags, stream, payload=b""):
    return struct.pack("!I", len(payload))[1:] + bytes((kind, flags)) + \
        struct.pack("!I", stream) + payload


@test
def over_http2():
    """In DATA: in one frame and in several, with padding, in streams in turns"""
    half = len(RAW) // 2
    bodies = {form: b"<%s>" % text for form, text in FORMS.items()}
    rows = [(form, [[(0, b"", body)]]) for form, body in bodies.items()] + [
        ("raw", [[(8, b"\5", bodies["raw"] + RAW[:5] + bytes(5))]]),
        ("raw", [[(0, b"", b"<" + RAW[:half]), (0, b"", RAW[half:] + b">")]]),
    ]

    def handle(u, _):
        side = http.Side(u, False)
        told = []

        def on_end(stream):
            told.append(dict(side.headers[stream])["x-key"])
            form, frames = rows[len(told) - 1]
            side.c.send_headers(stream, [(":status", "200")])
            side.flush()
            for flags, before, payload in frames[0]:
                raw = frame2(0, flags, stream, before + payload)
                # A frame in pieces.
                for at in range(0, len(raw), 11):
                    side.t.sendall(raw[at:at + 11])
            side.t.sendall(frame2(0, 1, stream))
        with contextlib.suppress(OSError):
            while side.step(on_end):
                pass
        return told
    with between(served(handle, alpn=["h2"])) as (far, proxy):
        with connect(proxy, context=t.context_of_client(proxy,
                                                        alpn=["h2"])) as s:
            side = http.Side(s, True)
            basic = base64.b64encode(b"user:$MSB_KEY").decode()
            for n, (form, frames) in enumerate(rows):
                stream = 2 * n + 1
                side.say(stream, http.request(
                    "/", NAME, ("x-key", "$MSB_KEY"),
                    ("authorization", "Basic " + basic)))
                side.flush()
                while stream not in side.ended:
                    check(side.step(), "it has ended")
                wanted = b"<" + masked(form) + b">"
                got = side.bodies[stream]
                if frames[0][0][0]:
                    wanted += RAW[:5]
                equal(len(got), len(wanted))
                # The first octets may have come before the others.
                seen = len(got[1:].partition(b"*")[0])
                check(got[1 + seen:] == wanted[1 + seen:] and
                      (seen <= BEHIND.get(form, 0) + 8 or got == wanted),
                      f"{form}: {got}, not {wanted}")
        equal(far.result(), [VALUE] * len(rows))


@test
def curl():
    """curl shows what nginx shows, in both protocols"""
    told = "$http_authorization $http_x_key"
    with http.nginx(t.pki.where, t.HOST, *t.pki.bits(gate_peers.leaf), told) as (port, _):
        proxy = t.Proxy(port, *options(SECRETS))
        for version in ("1.1", "2"):
            code, out, said = http.curl(
                proxy, NAME, "--http" + version, "-u", "user:$MSB_KEY", "-H",
                "X-Key: $MSB_KEY", f"https://{NAME}:{proxy.port}/")
            equal(code, 0, said)
            equal(out, b"Basic " + masked("base64") + b" " +
                  b"*" * len(RAW))
        proxy.close()


if __name__ == "__main__":
    sys.exit(run(tests, t.arguments().parse_args()))
