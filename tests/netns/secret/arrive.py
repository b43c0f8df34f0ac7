# SPDX-License-Identifier: GPL-2.0-or-later
"""arrive.py - What arrives of a placeholder where it may, and what is told of it
where it may not.

Each test is a function of a stage and a Report.
"""
import hashlib
import os
import re
import threading
import time

from tls.table import helper_pids
from tls.world import ZONE, address, content

from . import rows, search, shapes, shapes2
from .says import ENDED, Line, say
from .stage import LONG_TESTS, STRANGER, VAULT


def arrives(stage, t):
    """Each row: what the server hears is what it is to hear."""
    before = stage.count()
    for n, row in enumerate(rows.ARRIVES):
        stage.tapes.take()
        text = stage.text(row.template)
        role = ZONE[row.host.lower()]
        made = say(stage, row.host, shapes.CUTS[row.cut](text.said()),
                   row.answers, version=4 + n % 2 * 2)
        t.check("%s: answers" % row.name, made.word == "ok" and
                made.details["alpn"] == "http/1.1", made)
        tapes = stage.taken(role)
        if len(tapes) != 1 or len(tapes[0].requests) != row.answers:
            t.check("%s: as many requests" % row.name, False, tapes)
        elif row.body is not None:
            t.check("%s: the body" % row.name, tapes[0].requests[0].body ==
                    stage.text(row.body).heard(), tapes[0].requests)
        else:
            t.check("%s: octet by octet" % row.name,
                    tapes[0].data == text.heard(),
                    (tapes[0].data[:600], text.heard()[:600]))
    t.check("none is a violation", stage.count() == before)


def arrives2(stage, t):
    """The same in HTTP/2: fields, in many streams and frames."""
    kept, host = stage.kept, VAULT.encode()
    key, token = kept["KEY"], kept["TOKEN"]
    fields = [
        (b"x-api-key", key.placeholder, key.value),
        (b"authorization", b"Bearer a" + key.placeholder + b"b",
         b"Bearer a" + key.value + b"b"),
        (b"cookie", b"a=" + key.placeholder, b"a=" + key.value),
        (b"cookie", b"b=" + token.placeholder, b"b=" + token.value),
        (b"x-two", kept["KEY2"].placeholder + key.placeholder,
         kept["KEY2"].value + key.value),
        (b"x-long", kept["LONG"].placeholder, kept["LONG"].value),
        (b"x-utf8", kept["UTF8"].placeholder, kept["UTF8"].value),
        *((name.lower().encode(), key.placeholder, key.placeholder)
          for name in ("User-Agent", "Referer", "Origin", "X-Request-Id",
                       "traceparent", "Accept-Language")),
        (b"x-none", b"$MSB_NONE", b"$MSB_NONE"),
    ]
    said = [f[:2] for f in fields]
    heard = [(f[0], f[2]) for f in fields]
    for name, options, cut in (
            ("one frame", {}, "one"), ("octet by octet", {}, "octets"),
            ("without Huffman's code", {"huffman": False}, "one"),
            ("never in a table", {"never": True}, "sevens"),
            ("CONTINUATION each 10 octets", {"piece": 10}, "one"),
            ("CONTINUATION, octet by octet", {"piece": 17}, "octets")):
        made2 = shapes2.Client(options.pop("huffman", True))
        for _ in range(3):
            made2.headers(shapes2.head(host, b"/p?k=" + key.placeholder, b"GET",
                                       said), **options)
        check2(stage, t, name, made2.take(), cut, [
            (shapes2.head(host, b"/p?k=" + key.placeholder, b"GET", heard),
             b"")] * 3)
    made2 = shapes2.Client()
    stream = made2.headers(shapes2.head(host, more=said[:1]), end=False)
    made2.data(stream, b"k=" + key.placeholder, end=False, padding=9)
    made2.headers([(b"x-sum", key.placeholder)], stream=stream)
    check2(stage, t, "a body and trailers stay", made2.take(), "sevens", [
        (shapes2.head(host, more=heard[:1]), b"k=" + key.placeholder)],
        [(b"x-sum", key.placeholder)])
    made2 = shapes2.Client()
    made2.headers(shapes2.head(host, b"/?t=" + token.placeholder, b"GET"))
    text = stage.text(b"/?t={pct:<TOKEN>:pct}")
    check2(stage, t, "a query with Inject", made2.take(), "one", [
        (shapes2.head(host, text.heard(), b"GET"), b"")])
    made = say(stage, "body.example.com", [rows.get(rows.B, [])],
               alpn=("h2", "http/1.1"))
    t.check("no HTTP/2 where a body may be changed", made.word == "ok" and
            made.details["alpn"] == "http/1.1", made)
    made = say(stage, "body.example.com", [b""], alpn=("h2",))
    t.check("a client that knows nothing else is told so",
            made.word == "alert no_application_protocol", made)


def check2(stage, t, name, said, cut, wanted, trailers=None):
    stage.tapes.take()
    made = say(stage, VAULT, shapes.CUTS[cut](said), len(wanted), alpn=("h2",))
    t.check("h2, %s: answers" % name, made.word == "ok", made)
    tapes = stage.taken("vault")
    got = [(list(map(tuple, r.fields)), r.body) for tape in tapes
           for r in tape.requests]
    t.check("h2, %s: fields" % name, got == wanted, (got, wanted))
    table = {bytes(v) for tape in tapes for entry in tape.table for v in entry}
    t.check("h2, %s: no value is in HPACK's table" % name, not any(
        k.value in v for k in stage.kept.values() for v in table
        if len(k.value) > 8) and (table or "never" in name), table)
    if trailers:
        t.check("h2, %s: trailers" % name, [
            tuple(f) for f in tapes[0].requests[0].trailers] == trailers,
            tapes)


def told(stage, t):
    """An event says where and about which secret, and nothing of what was sent;
    with "block" there is none."""
    kept = stage.kept
    for name, host, port, alpn, said, wanted in (
            ("a path", STRANGER, 443, "http/1.1", shapes.in_path(
                kept["KEY"].placeholder, STRANGER.encode()),
             {"where": "request-line", "secret": "KEY"}),
            ("a header", VAULT, 443, "http/1.1", shapes.in_header(
                kept["ODD"].placeholder, VAULT.encode()),
             {"where": "header", "secret": "ODD"}),
            ("a header of HTTP/2", VAULT, 443, "h2", shapes2.with_head()(
                kept["ODD"].placeholder, VAULT.encode()),
             {"where": "header", "secret": "ODD"}),
            ("a body", STRANGER, 443, "http/1.1", shapes.in_body(
                kept["KEY2"].placeholder, STRANGER.encode()),
             {"where": "body", "secret": "KEY2"}),
            ("a body of HTTP/2", STRANGER, 443, "h2", shapes2.in_data(4)(
                kept["TOKEN"].placeholder, STRANGER.encode()),
             {"where": "body", "secret": "TOKEN"}),
            ("a trailer", STRANGER, 443, "http/1.1", shapes.in_trailer(
                kept["SHORT"].placeholder, STRANGER.encode()),
             {"where": "trailer", "secret": "SHORT"}),
            ("no HTTP", STRANGER, 443, "http/1.1", shapes.in_stream(
                kept["KEY"].placeholder, None),
             {"where": "stream", "secret": "KEY"}),
            ("port 80", VAULT, 80, "http/1.1", shapes.in_header(
                kept["KEY"].placeholder, VAULT.encode()),
             {"where": "header", "secret": "KEY"}),
            ("two lengths", VAULT, 443, "http/1.1",
             rows.FRAMING["two lengths"], {"where": "framing"}),
            ("another host", VAULT, 443, "http/1.1",
             rows.AUTHORITY["another host"], {"where": "authority"})):
        before = len(stage.events())
        made = say(stage, host, [said], 1 << 20, alpn=alpn, port=port,
                   tls=port == 443)
        t.check("%s: the flow ends" % name, made.word in ENDED, made)
        found = stage.wait_violations(1, before)
        wanted = {"address": address(ZONE[host], 4), "port": port,
                  "action": "block-and-log", "program": "msb-tlsd",
                  "sandbox": "web", **wanted,
                  **({"sni": host} if port == 443 else {})}
        t.check("%s: an event" % name, len(found) == 1 and wanted.items() <=
                found[0].items() and ("reason" in found[0]) != (
                    "secret" in found[0]) and set(found[0]) - set(wanted) <= {
                        "time", "event", "reason"}, (found, wanted))
    before, count = len(stage.events()), stage.count()
    made = say(stage, VAULT, [shapes.in_header(
        kept["MILD"].placeholder, VAULT.encode())], 1 << 20)
    t.check("block: the flow ends", made.word in ENDED, made)
    time.sleep(0.1)
    t.check("block: no event, but it is counted", stage.count() == count + 1 and
            not stage.violations(before), stage.violations(before))
    t.check("status is well", stage.status()["health"] == "ok", stage.status())


def echoes(stage, t):
    """A server that tells what it was told tells no value of what is never
    changed; what it was given is in its hands."""
    kept = stage.kept["KEY"]
    for alpn in ("http/1.1", "h2"):
        if alpn == "h2":
            made2 = shapes2.Client()
            made2.headers(shapes2.head(
                VAULT.encode(), b"/echo?" + kept.placeholder, b"GET", [
                    (name.lower().encode(), kept.placeholder)
                    for name in rows.REFLECTED[:8]]))
            said = made2.take()
        else:
            said = rows.post(
                VAULT, b"body " + kept.placeholder,
                ["%s: %s" % (name, kept.placeholder.decode())
                 for name in rows.REFLECTED if name != "Content-Type"],
                "POST /echo?q=%s HTTP/1.1" % kept.placeholder.decode())
        made = say(stage, VAULT, [said], alpn=(alpn,))
        t.check("%s: the guest is shown its placeholder" % alpn,
                made.word == "ok" and made.heard.count(kept.placeholder) >= 9 and
                kept.value not in made.heard, made)


def masked(stage, t):
    """A server that tells all that it was told tells no value: "*" stands for
    each octet, and all else is as it was."""
    kept = stage.kept
    names = ("KEY", "TOKEN", "UTF8", "LONG", "KEY2")
    wanted = set().union(*(search.forms(kept[n].value) for n in names))
    fields = ["X-%s: a <%s> b" % (n, n) for n in names]
    for path in ("/echo", "/echo-octets", "/echo-chunks-7", "/echo-chunks-1",
                 "/echo-chunks-4000"):
        for basic in (False, True):
            text = stage.text(rows.get(VAULT, [*fields, *(
                ["Authorization: Basic {b64:user:<KEY>:b64}"] * basic)],
                "GET %s HTTP/1.1" % path))
            line = Line(stage, VAULT)
            line.say(text.said())
            got = b""
            while not (got.endswith(b"\r\n0\r\n\r\n") or answered(got)):
                more = line.recv()
                if not more:
                    break
                got += more
            line.close()
            body = unchunked(got) if "chunks" in path else \
                got.partition(b"\r\n\r\n")[2]
            t.check("%s: no value comes back%s" % (path, " in Basic" * basic),
                    not search.in_bytes(body, wanted),
                    search.in_bytes(body, wanted))
            if not basic:
                hidden = text.heard()
                for n in sorted(names, key=lambda n: -len(kept[n].value)):
                    value = kept[n].value
                    hidden = hidden.replace(value, b"*" * len(value))
                # Of one that comes in pieces the beginning may be seen.
                t.check("%s: all else does" % path, body == hidden if path ==
                        "/echo" else len(body) == len(hidden) and all(
                            b in (h, s) if h == ord("*") else b == h
                            for b, h, s in zip(body, hidden, text.heard())),
                        (body[:400], hidden[:400]))
    made2 = shapes2.Client()
    made2.headers(shapes2.head(VAULT.encode(), b"/echo", b"GET", [
        (b"x-%s" % n.lower().encode(), kept[n].placeholder) for n in names]))
    made = say(stage, VAULT, [made2.take()], alpn=("h2",))
    t.check("h2: no value comes back", made.word == "ok" and not
            search.in_bytes(made.details["answers"][0], wanted) and
            b"***" in made.details["answers"][0], made)
    # What was not put in is a text like others.
    made = say(stage, VAULT, [rows.get(VAULT, [
        "X: " + kept["KEY"].value.decode()], "GET /echo HTTP/1.1")])
    t.check("what the guest knew itself comes back", made.word == "ok" and
            kept["KEY"].value in made.heard, made)


def answered(data):
    """Whether an answer with a length is complete."""
    head, mark, body = data.partition(b"\r\n\r\n")
    size = re.search(rb"(?i)content-length: (\d+)", head)
    return mark and size and len(body) >= int(size.group(1))


def unchunked(data):
    """The body of an answer in chunks."""
    body, _, rest = b"", *data.partition(b"\r\n\r\n")[1:]
    while rest:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line, 16)
        body, rest = body + rest[:size], rest[size + 2:]
        if not size:
            break
    return body


def streams(stage, t):
    """100 requests at a time in one connection of HTTP/2."""
    kept, host = stage.kept, VAULT.encode()
    key = kept["KEY"]
    body = content(3000)
    stage.tapes.take()
    made2 = shapes2.Client()
    open_ = [made2.headers(shapes2.head(host, b"/%d" % n, more=[
        (b"x-api-key", key.placeholder), (b"x-n", b"%d" % n)]), end=False)
             for n in range(100)]
    for at in range(0, len(body), 500):
        for stream in open_:
            made2.data(stream, body[at:at + 500], at + 500 >= len(body))
    made = say(stage, VAULT, shapes.cut(16000)(made2.take()), 100, alpn=("h2",))
    t.check("100 streams are answered", made.word == "ok" and set(
        made.details["answers"]) == {hashlib.sha256(body).hexdigest().encode()},
        made.word)
    tapes = stage.taken("vault")
    t.check("each has the value", len(tapes) == 1 and len(
        tapes[0].requests) == 100 and all(
            r.field(b"x-api-key") == key.value and r.target == b"/%d" % n and
            r.field(b"x-n") == b"%d" % n
            for n, r in enumerate(tapes[0].requests)), tapes)
    before = stage.count()
    made2 = shapes2.Client()
    open_ = [made2.headers(shapes2.head(host, b"/%d" % n, more=[
        (b"x-api-key", key.placeholder)]), end=False) for n in range(100)]
    for stream in open_:
        made2.data(stream, kept["ODD"].placeholder if stream == 141 else b"good")
    made = say(stage, VAULT, [made2.take()], 1 << 20, alpn=("h2",))
    t.check("one of 100 ends the connection", made.word in ENDED and
            stage.count() == before + 1, made)
    stage.leaked(t)
    made2 = shapes2.Client()
    made2.out += shapes2.over_streams(stage.kept["KEY"].placeholder,
                                      STRANGER.encode())[len(made2.out):]
    made = say(stage, STRANGER, [made2.take()], 2, alpn=("h2",))
    t.check("halves in two streams are nothing", made.word == "ok", made)


def memory():
    """KiB that each process of msb-tlsd has of its own."""
    found = {}
    for pid in helper_pids("msb-tlsd"):
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            found[pid] = int(next(line for line in file if line.startswith(
                "RssAnon:")).split()[1])
    return found


class Watched(threading.Thread):
    """The most that memory() has grown by meanwhile."""

    def __init__(self):
        super().__init__(daemon=True)
        self.first, self.most, self.over = memory(), 0, False
        self.start()

    def run(self):
        while not self.over:
            now = memory()
            self.most = max([self.most, *(now[p] - self.first.get(p, 0)
                                          for p in now)])
            time.sleep(0.05)

    def stop(self):
        self.over = True
        self.join()
        return self.most


def upload(stage, t):
    """Chunks without end: they arrive, and nothing grows."""
    count = (1 << 30) if LONG_TESTS else (32 << 20)
    sanitized = os.environ.get("MSB_SANITIZED") == "1"
    piece = content(60000)
    for host, tls in ((VAULT, True), ("body.example.com", True),
                      (STRANGER, True), (VAULT, False)):
        # The first has made the buffers that stay.
        for size in (1 << 20, count):
            stage.tapes.take()
            line = Line(stage, host, tls=tls, port=443 if tls else 80)
            watch, digest, sent = Watched(), hashlib.sha256(), 0
            line.say(rows.get(host, ["Transfer-Encoding: chunked"],
                              "PUT /up HTTP/1.1"))
            while sent < size:
                digest.update(piece)
                sent += len(piece)
                line.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
            line.say(b"0\r\n\r\n")
            made = line.hear(limit=60)
            grown = watch.stop()
            line.close()
        name = "%s%s" % (host, "" if tls else ", plain")
        t.check("%s: %d MB arrive" % (name, sent >> 20), made.word == "ok" and
                made.details["answers"] == [digest.hexdigest().encode()], made)
        t.check("%s: nothing grows" % name, grown < 4096 or sanitized,
                "%d KiB" % grown)
        print("  upload to %s: %d MB, of %s KiB %d more at most" % (
            name, sent >> 20, "+".join(map(str, watch.first.values())), grown))
