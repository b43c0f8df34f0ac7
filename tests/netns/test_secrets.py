# SPDX-License-Identifier: GPL-2.0-or-later
"""test_secrets.py - What arrives of placeholders, and where flows end, under "up".

    test_secrets.py MSB-NETC [--long]

Each test is a function of a stage and a Report; MSB_ONLY names those that are
wanted, with commas between. Requests are rows of
secret/rows.py; forms, places and cuts are those of secret/shapes.py, and each of
them meets each other with --long, which also uploads a gigabyte. Servers write
down what they are told, octet by octet.
"""
import concurrent.futures
import hashlib
import itertools
import os
import sys
import threading
import time

from report import main
from secret import rows, shapes, shapes2
from secret.says import Line, Refused, say
from secret.stage import Stage
from tls import clients, hello
from tls.table import helper_pids
from tls.world import ZONE, address, content

# enter_laboratory() runs the program again.
LONG = "--long" in sys.argv or os.environ.get("MSB_LONG") == "1"
AT_ONCE = 8
VAULT, STRANGER = "vault.example.com", "stranger.example.com"
# A violation is reset; who reads before that may see an end without a word.
ENDED = ("reset", "closed")


def taken(stage, role, count=1, seconds=3.0):
    """So many tapes of a role, when their connections have ended."""
    end = time.monotonic() + seconds
    found = stage.tapes.take(role)
    while len(found) < count and time.monotonic() < end:
        time.sleep(0.01)
        found += stage.tapes.take(role)
    for tape in found:
        tape.ended.wait(max(0, end - time.monotonic()))
    return found


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
        tapes = taken(stage, role)
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
    tapes = taken(stage, "vault")
    got = [(list(map(tuple, r.fields)), r.body) for tape in tapes
           for r in tape.requests]
    t.check("h2, %s: fields" % name, got == wanted, (got, wanted))
    if trailers:
        t.check("h2, %s: trailers" % name, [
            tuple(f) for f in tapes[0].requests[0].trailers] == trailers,
            tapes)


def every_form(stage, t):
    """Each form at each place is a violation where it may not be."""
    work = []
    turn = itertools.cycle(shapes.CUTS)
    for name, host in (("KEY", STRANGER), ("ODD", VAULT)):
        placeholder = stage.kept[name].placeholder
        for (encoding, encode), (alpn, places) in itertools.product(
                shapes.ENCODINGS.items(), (("http/1.1", shapes.PLACES),
                                           ("h2", shapes2.PLACES2))):
            for place, put in places.items():
                said = put(encode(placeholder), host.encode())
                for cut in shapes.CUTS if LONG or encoding == "raw" else (
                        next(turn),):
                    work.append(("%s, %s, %s in %s, %s" % (
                        name, encoding, alpn, place, cut), host, alpn,
                        shapes.CUTS[cut](said)))
        for (place, put), cut in itertools.product(shapes.BASIC.items(),
                                                   shapes.CUTS):
            work.append(("%s, %s, %s" % (name, place, cut), host, "http/1.1",
                         shapes.CUTS[cut](put(placeholder, host.encode()))))
    violate(stage, t, work)


def segments(stage, t):
    """Records that come in segments of a few octets."""
    form = shapes.json_escape(stage.kept["KEY"].placeholder)
    violate(stage, t, [
        ("a %s, by %d octets" % (place, size), STRANGER, "http/1.1",
         [shapes.PLACES[place](form, STRANGER.encode())], size)
        for place in ("header", "chunks-of-5") for size in (1, 3, 100)])


def violate(stage, t, work):
    """All of work, some at once: each flow ends, and none of it arrives."""
    stage.tapes.take()
    before = stage.count()

    def one(each):
        name, host, alpn, parts = each[:4]
        return say(stage, host, parts, 1 << 20, alpn=alpn, cut=each[4] if
                   len(each) > 4 else None,
                   version=4 + hash(name) % 2 * 2)
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = list(pool.map(one, work))
    for each, made in zip(work, results):
        t.check("%s: the flow ends" % each[0], made.word in ENDED and
                not made.details.get("no_connection"), made)
    t.check("%d flows are a violation each" % len(work),
            stage.count() == before + len(work), stage.count() - before)
    leaked(stage, t)


def leaked(stage, t):
    """No tape has a placeholder that is not for its server, or a value."""
    for tape in stage.tapes.take():
        tape.ended.wait(3)
        for name, kept in stage.kept.items():
            if tape.role == "vault" and "vault.example.com" in kept.hosts or \
                    tape.role == "body" and "body.example.com" in kept.hosts:
                continue
            heard = [tape.data, *(b"%r" % r.fields for r in tape.requests)]
            t.check("%s does not leave to %s" % (name, tape.role), not any(
                kept.placeholder in h or len(kept.value) > 8 and
                kept.value in h for h in heard), tape)


def ways(stage, t):
    """What can be read in two ways ends the flow where a secret may go, before
    its head goes on; elsewhere it goes on as it is."""
    wrong = {**rows.FRAMING, **rows.AUTHORITY}
    for n, (name, said) in enumerate(wrong.items()):
        before = stage.count()
        stage.tapes.take()
        text = stage.text(rows.SECOND)
        cut = list(shapes.CUTS)[n % 3]
        made = say(stage, VAULT, [text.said(), *shapes.CUTS[cut](said)],
                   1 << 20)
        t.check("%s: the flow ends" % name, made.word in ENDED, made)
        t.check("%s: a violation" % name, stage.count() == before + 1)
        tapes = taken(stage, "vault")
        good = len(tapes) == 1 and text.heard().startswith(
            tapes[0].data[:len(text.heard())])
        behind = tapes[0].data[len(text.heard()):] if good else b""
        # A body may have begun before a chunk of it turns out to be none.
        head, _, _ = said.partition(b"\r\n\r\n")
        chunk = "chunk" in name and "length" not in name or "trailers" in name
        follows = "follow" in name
        t.check("%s: nothing of it goes on" % name, good and (
            not behind or (chunk or follows) and said.startswith(behind)),
            (tapes, head))
    for name, said in wrong.items():
        stage.tapes.take()
        try:
            line = Line(stage, STRANGER)
        except Refused as refused:
            t.check("%s, to a stranger" % name, False, refused)
            continue
        line.say(said)
        line.hang_up()
        line.ended()
        tapes = taken(stage, "stranger")
        t.check("%s: to a stranger it goes as it is" % name,
                len(tapes) == 1 and tapes[0].data == said, tapes)
        line.close()
    violate(stage, t, [("%s, to a stranger, then a placeholder" % name,
                        STRANGER, "http/1.1", [said, shapes.in_header(
                            stage.kept["KEY"].placeholder, STRANGER.encode())])
                       for name, said in rows.FRAMING.items()])


def ways2(stage, t):
    """The authority and the framing of HTTP/2, where a secret may go."""
    host, key = VAULT.encode(), stage.kept["KEY"].placeholder
    for name, fields in (
            ("another authority", shapes2.head(b"other.example.com")),
            ("another host", shapes2.head(host, more=[
                (b"host", b"other.example.com")])),
            ("a host beside another authority", shapes2.head(
                b"other.example.com", more=[(b"host", host)])),
            ("no authority", [f for f in shapes2.head(host)
                              if f[0] != b":authority"]),
            ("two lengths", shapes2.head(host, more=[
                (b"content-length", b"3"), (b"content-length", b"4")])),
            ("chunked", shapes2.head(host, more=[
                (b"transfer-encoding", b"chunked")])),
            ("connection", shapes2.head(host, more=[
                (b"connection", b"x-api-key")])),
            ("a name in capitals", shapes2.head(host, more=[(b"X-A", b"b")])),
            ("CR LF in a value", shapes2.head(host, more=[
                (b"x-a", b"b\r\nx-c: d")])),
            ("LF in a name", shapes2.head(host, more=[(b"x\n-a", b"b")])),
            ("CR LF in the path", shapes2.head(host, b"/ HTTP/1.1\r\nX: y"))):
        stage.tapes.take()
        before = stage.count()
        made2 = shapes2.Client()
        made2.headers(shapes2.head(host, b"/first", more=[(b"x-k", key)]))
        made2.headers([*fields, (b"x-k", key)])
        made = say(stage, VAULT, [made2.take()], 1 << 20, alpn=("h2",))
        t.check("h2, %s: the flow ends" % name, made.word in ENDED, made)
        t.check("h2, %s: a violation" % name, stage.count() == before + 1)
        tapes = taken(stage, "vault")
        t.check("h2, %s: it does not go on" % name, len(tapes) == 1 and all(
            r.target == b"/first" for r in tapes[0].requests), tapes)


def second(stage, t):
    """A good request, and one that is not: in one write, and after an answer."""
    kept = stage.kept
    text = stage.text(rows.SECOND)
    for name, put, secret in (("a header", shapes.in_header, "ODD"),
                              ("a path", shapes.in_path, "MILD"),
                              ("chunks", shapes.in_chunks(3), "ODD"),
                              ("a trailer", shapes.in_trailer, "ODD")):
        behind = put(kept[secret].placeholder, VAULT.encode())
        for waits in (False, True):
            stage.tapes.take()
            before = stage.count()
            line = Line(stage, VAULT)
            if waits:
                made = line.ask(text.said())
                t.check("%s: the first is answered" % name,
                        made.word == "ok", made)
                line.say(behind)
            else:
                line.say(text.said() + behind)
            t.check("%s in the second: the flow ends" % name,
                    line.ended() in ENDED)
            tape = taken(stage, "vault")[0]
            t.check("%s in the second: the first alone arrives" % name,
                    (tape.data.startswith(text.heard()) or not waits) and
                    kept["ODD"].placeholder not in tape.data and
                    kept["MILD"].placeholder not in tape.data, tape)
            t.check("%s in the second: a violation" % name,
                    stage.count() == before + 1)
            line.close()


def websocket(stage, t):
    """Frames are looked through without their masks, wherever they go."""
    odd, key = (stage.kept[n].placeholder for n in ("ODD", "KEY"))
    for name, host, text, good in (
            ("its own placeholder stays", VAULT, b"k=" + key, True),
            ("a stranger's frame", STRANGER, b"hello", True),
            ("another's placeholder", VAULT, b"k=" + odd, False),
            ("a placeholder to a stranger", STRANGER, b"k=" + key, False),
            ("base64", STRANGER, shapes.ENCODINGS["base64-1"](key), False),
            ("JSON", STRANGER, shapes.json_escape(key), False)):
        for size in (1 << 20, 1, 5):
            for cut in ("one", "octets"):
                what = "%s, fragments of %d, %s" % (name, size, cut)
                stage.tapes.take()
                line = Line(stage, host)
                head = line.ask(shapes.upgrade(host.encode()))
                t.check(what + ": it opens", head.word == "ok" and
                        head.heard.startswith(b"HTTP/1.1 101"), head)
                line.say(*shapes.CUTS[cut](shapes.frames(text, size)))
                line.say(shapes.frame(b"", opcode=8))
                word = line.ended()
                tape = taken(stage, ZONE[host])[0]
                got = b"".join(tape.frames)
                t.check(what, word in ("closed",) and got == text if good else
                        word in ENDED and text not in got, (word, tape.frames))
                line.close()


def plain(stage, t):
    """HTTP on port 80: read, and never given a value, whatever its Host is."""
    key = stage.kept["KEY"].placeholder
    before = stage.count()
    for n, (name, host, said) in enumerate((
            ("a request", VAULT, rows.get(VAULT, ["X: y"])),
            ("to a stranger", STRANGER, rows.post(STRANGER, b"z" * 9000)),
            ("two lengths", STRANGER, rows.FRAMING["two lengths"]),
            ("no HTTP", VAULT, b"\x00\x01HELO\r\n\r\n\r\n"),
            ("a ClientHello", VAULT, hello.hello("api.example.com")),
            ("HTTP/2 that was known before", VAULT, shapes2.with_head()(
                b"v", VAULT.encode())))):
        for cut in ("one", "sevens"):
            stage.tapes.take()
            line = Line(stage, host, port=80, tls=False, version=4 + n % 2 * 2)
            line.say(*shapes.CUTS[cut](said))
            line.hang_up()
            line.ended()
            tapes = taken(stage, ZONE[host])
            t.check("%s, %s: as it is" % (name, cut), len(tapes) == 1 and
                    (tapes[0].data == said or "HTTP/2" in name and
                     tapes[0].data[:24] == said[:24]), (tapes, said))
            line.close()
    made = say(stage, VAULT, [rows.get(VAULT, [], "GET /bytes/3000000 HTTP/1.1")],
               port=80, tls=False)
    t.check("a download", made.word == "ok" and len(
        made.details["answers"][0]) == 3000000, made.word)
    t.check("nothing of it is a violation", stage.count() == before)
    count = 0
    for name, host, put in (
            *(("%s to %s" % (place, host), host, put) for place, put in
              shapes.PLACES.items() for host in (VAULT, STRANGER)),
            *(("h2 %s" % place, VAULT, put) for place, put in
              shapes2.PLACES2.items())):
        count += 1
        stage.tapes.take()
        made = say(stage, host, shapes.CUTS[("one", "octets")[count % 2]](
            put(shapes.ENCODINGS[("raw", "percent", "base64-1")[count % 3]](key),
                host.encode())), 1 << 20, port=80, tls=False)
        t.check("port 80, %s: the flow ends" % name, made.word in ENDED, made)
        leaked(stage, t)
        # A host that may have it does not get it in clear either.
        t.check("port 80, %s: it does not go on" % name, all(
            key not in tape.data and stage.kept["KEY"].value not in tape.data
            for tape in stage.tapes.take()))
    t.check("each is a violation", stage.count() == before + count,
            (stage.count() - before, count))


def unread(stage, t):
    """What cannot be read is closed where it could be; the rest is told."""
    key = stage.kept["KEY"].placeholder
    stage.tapes.take()
    stage.servers.take()
    for name, parts in (("HTTP", [rows.get(VAULT, ["X: y"])]),
                        ("HTTP, octet by octet",
                         shapes.cut(1)(rows.get(VAULT, ["X: y"]))),
                        ("SSH", [b"SSH-2.0-Client\r\n"]),
                        ("octets", [bytes(100)])):
        made = say(stage, VAULT, parts, tls=False)
        t.check("%s on an intercepted port: closed" % name,
                made.word in ENDED, made)
    made = stage.use("banner", "ssh", 443, None, 4)
    t.check("a server that speaks first is not heard",
            made.word in ("stall", "reset", "closed"), made)
    t.check("none of them is dialled", not [
        s for s in stage.servers.take() if s.bytes] and not [
            tape for tape in stage.tapes.take() if tape.size])
    t.check("and others are heard as ever",
            stage.use("banner", "ssh", 22, None, 4).word == "ok")
    said = shapes.in_header(key, b"open.example.org")
    for name, host, options in (
            ("Bypass", "open.example.org", {}),
            ("a port that nobody reads", VAULT, {"port": 7443, "tls": False})):
        made = say(stage, host, [said], **options)
        tapes = taken(stage, "vault")
        t.check("%s: it passes, as lint says" % name, made.word == "ok" and
                len(tapes) == 1 and tapes[0].data == said, (made, tapes))
    stage.tapes.take()
    before = stage.count()
    made = say(stage, VAULT, [rows.get(VAULT, ["X: " + key.decode()])], 1 << 20,
               name=False)
    t.check("without a name nobody may have it", made.word in ENDED and
            stage.count() == before + 1, made)
    leaked(stage, t)


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
    tapes = taken(stage, "vault")
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
    leaked(stage, t)
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
    count = (1 << 30) if LONG else (32 << 20)
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
        print("  upload to %s: %d MB, %d KiB more at most" % (
            name, sent >> 20, grown))


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


TESTS = (told, arrives, arrives2, echoes, every_form, segments, ways, ways2, second,
         websocket, plain, unread, streams, upload)


def all_of(m, t):
    stage = Stage(m, t)
    try:
        stage.up(stage.policy())
        before = helper_pids("msb-tlsd")
        for each in TESTS:
            if each.__name__ not in os.environ.get(
                    "MSB_ONLY", each.__name__).split(","):
                continue
            t.test, start = each.__name__, time.monotonic()
            each(stage, t)
            t.check("no process has ended", helper_pids("msb-tlsd") == before)
            print("  %s: %.1f s" % (t.test, time.monotonic() - start),
                  flush=True)
        stage.down()
        t.test = "anybody"
        stage.up(stage.policy(tls={"VerifyUpstream": False}))
        stage.tapes.take()
        for alpn in ("http/1.1", "h2"):
            violate(stage, t, [(
                "a server that proves nothing, " + alpn, VAULT, alpn,
                [(shapes.in_header if alpn != "h2" else shapes2.with_head())(
                    stage.kept["KEY"].placeholder, VAULT.encode())])])
        stage.down()
    finally:
        stage.close()


if __name__ == "__main__":
    if "--long" in sys.argv:
        sys.argv.remove("--long")
        os.environ["MSB_LONG"] = "1"
    main(__doc__, (all_of,))
