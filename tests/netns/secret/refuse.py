# SPDX-License-Identifier: GPL-2.0-or-later
"""refuse.py - Flows that end for what was said in them, and that nothing of it
arrives.

Each test is a function of a stage and a Report.
"""
import concurrent.futures
import itertools

from tls import hello
from tls.world import ZONE, address

from . import rows, shapes, shapes2
from .says import ENDED, Line, Refused, say
from .stage import LONG_TESTS, STRANGER, VAULT

AT_ONCE = 8


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
                for cut in shapes.CUTS if LONG_TESTS or encoding == "raw" else (
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
    stage.leaked(t)


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
        tapes = stage.taken("vault")
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
        tapes = stage.taken("stranger")
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
        tapes = stage.taken("vault")
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
            tape = stage.taken("vault")[0]
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
                tape = stage.taken(ZONE[host])[0]
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
            tapes = stage.taken(ZONE[host])
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
        stage.leaked(t)
        # A host that may have it does not get it in clear either.
        t.check("port 80, %s: it does not go on" % name, all(
            key not in tape.data and stage.kept["KEY"].value not in tape.data
            for tape in stage.tapes.take()))
    t.check("each is a violation", stage.count() == before + count,
            (stage.count() - before, count))


def unread(stage, t):
    """What cannot be read is closed where it could be; the rest is told. Who waits
    for a server to speak is looked at when all else is done."""
    key = stage.kept["KEY"].placeholder
    stage.tapes.take()
    stage.servers.take()
    pool = concurrent.futures.ThreadPoolExecutor(1)
    waits = pool.submit(stage.use, "banner", "ssh", 443, None, 4)
    for name, parts in (("HTTP", [rows.get(VAULT, ["X: y"])]),
                        ("HTTP, octet by octet",
                         shapes.cut(1)(rows.get(VAULT, ["X: y"]))),
                        ("SSH", [b"SSH-2.0-Client\r\n"]),
                        ("octets", [bytes(100)])):
        made = say(stage, VAULT, parts, tls=False)
        t.check("%s on an intercepted port: closed" % name,
                made.word in ENDED, made)
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
        tapes = stage.taken("vault")
        t.check("%s: it passes, as lint says" % name, made.word == "ok" and
                len(tapes) == 1 and tapes[0].data == said, (made, tapes))
    stage.tapes.take()
    before = stage.count()
    made = say(stage, VAULT, [rows.get(VAULT, ["X: " + key.decode()])], 1 << 20,
               name=False)
    t.check("without a name nobody may have it", made.word in ENDED and
            stage.count() == before + 1, made)
    stage.leaked(t)

    def afterwards():
        made = waits.result()
        t.check("a server that speaks first is not heard",
                made.word in ("stall", "reset", "closed"), made)
        t.check("nor dialled", not [
            s for s in stage.servers.take()
            if s.bytes and s.at == (address("ssh", 4), 443)])
        pool.shutdown()
    return afterwards


def tunnel(stage, t):
    """Behind CONNECT there is a stream, which is looked through."""
    connect = rows.get(VAULT + ":443", [], "CONNECT %s:443 HTTP/1.1" % VAULT)
    for name, text, good in (
            ("its own placeholder stays", stage.kept["KEY"].placeholder, True),
            ("another's", stage.kept["ODD"].placeholder, False),
            ("another's in base64", shapes.ENCODINGS["base64-2"](
                stage.kept["ODD"].placeholder), False)):
        for cut in ("one", "octets"):
            stage.tapes.take()
            line = Line(stage, VAULT)
            made = line.ask(connect)
            t.check("%s: it opens" % name, made.word == "ok", made)
            line.say(*shapes.CUTS[cut](b"\1\2" + text + b"\r\n"))
            if good:
                line.hang_up()
            word = line.ended()
            tape = stage.taken("vault")[0]
            t.check("%s, %s" % (name, cut), (
                word == "closed" and tape.data.endswith(text + b"\r\n"))
                if good else word in ENDED and text not in tape.data,
                    (word, tape))
            line.close()


def impostors(stage, t):
    """Who cannot prove to be the host is given nothing, whatever the name."""
    key = stage.kept["KEY"]
    for role in ("unknown", "unknown-sent", "self", "expired", "future",
                 "wrong", "missing", "client"):
        for alpn in ("http/1.1", "h2"):
            stage.servers.take()
            made = say(stage, VAULT, [shapes.in_header(
                key.placeholder, VAULT.encode())], role=role, alpn=(alpn,))
            seen = stage.servers.take()
            t.check("%s, %s: no connection" % (role, alpn), made.details.get(
                "no_connection") and made.word.startswith("alert"), made)
            t.check("%s, %s: nothing is said to it" % (role, alpn), not any(
                s.request for s in seen), seen)


def limits(stage, t):
    """A head that is too long ends the flow where a value may be put in, and
    HTTP/2 in the clear is not begun in the middle of HTTP/1.1."""
    before = stage.count()
    for name, host, size, good in (
            ("60 KiB", VAULT, 60 << 10, True), ("70 KiB", VAULT, 70 << 10, False),
            ("70 KiB, to a stranger", STRANGER, 70 << 10, True)):
        stage.tapes.take()
        said = rows.get(host, ["X: " + "y" * size])
        made = say(stage, host, [said])
        tapes = stage.taken(ZONE[host])
        t.check("a head of %s" % name, len(tapes) == 1 and (
            made.word == "ok" and tapes[0].data == said if good else
            made.word in ENDED and not tapes[0].size), (made.word, tapes))
    t.check("that is no violation", stage.count() == before)
    for host in (VAULT, STRANGER):
        stage.tapes.take()
        made = say(stage, host, [rows.get(host, [
            "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
            "HTTP2-Settings: AAMAAABkAAQAAP__"])])
        tapes = stage.taken(ZONE[host])
        t.check("h2c to %s" % host, made.word == "ok" and len(tapes) == 1 and
                b"h2c" not in tapes[0].data and b"http2-settings:" not in
                tapes[0].data.lower(), (made, tapes))
