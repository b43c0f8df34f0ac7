# SPDX-License-Identifier: GPL-2.0-or-later
"""tls_torture.py - ClientHellos as no client sends them, end to end.

    tls_torture.py MSB-NETC [--long]

Whatever is sent ends in the right verdict or in a clean alert: nothing stalls for
more than five seconds, nothing crashes, and nothing that is denied reaches anybody.
"""
import concurrent.futures
import os
import random
import sys
import time

from report import main
from tls import clients, hello, table
from tls.world import address

# enter_laboratory() runs the program again.
LONG = "--long" in sys.argv or os.environ.get("MSB_LONG") == "1"
WAIT = {"Rules": [
    {"Action": "allow", "Destination": "record.example.com",
     "Protocols": ["tcp"], "Ports": ["80"]},
    {"Action": "deny", "Destination": "record.example.com",
     "Protocols": ["tcp"], "Ports": ["443"]},
    {"Action": "allow", "Destination": "record2.example.com",
     "Protocols": ["tcp"], "Ports": ["443"]}]}
GOOD, BAD = "api.example.com", "other.example.net"
STALL = 5.5


def talk(stage, parts, role="record", version=4, pause=0.0, half_close=True):
    """Sends, reads to the end: (word, seconds)."""
    start = time.monotonic()
    sock = clients.connect(stage.guest, address(role, version), 443)
    if isinstance(sock, clients.Outcome):
        return sock.word, 0
    made = clients.talk(sock, parts, half_close, pause)
    return made.word, time.monotonic() - start


def each(stage, work, at_once=8):
    """All of work, some at once; results in order."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(lambda args: talk(stage, *args[:-1], **args[-1]),
                             work))


def splits(stage, t):
    """Two segments, cut in every place; in records too."""
    flights = {name: hello.hello(name) for name in (GOOD, BAD)}
    size = len(flights[GOOD])
    places = list(range(1, size if LONG else 80)) + \
        list(range(80, size, 1 if LONG else 9))
    for name, words in ((GOOD, {"ok"}), (BAD, {"reset"})):
        flight = flights[name]
        work = [([flight[:n], flight[n:]], {"pause": 0.002,
                                            "version": 4 + n % 2 * 2})
                for n in places if n < len(flight)]
        made = each(stage, work)
        wrong = [(n, m) for n, m in zip(places, made) if m[0] not in words]
        t.check("%s in two segments, everywhere" % name, not wrong, wrong[:3])
        t.check("none stalls", max(m[1] for m in made) < STALL)
        message = hello.unwrap(flight)
        work = [([hello.records(message, (n, 16384))], {})
                for n in places if n < len(message)]
        made = each(stage, work)
        wrong = [(n, m) for n, m in zip(places, made) if m[0] not in words]
        t.check("%s in two records, everywhere" % name, not wrong, wrong[:3])
    seen = stage.servers.take()
    t.check("nothing that is denied has reached the server",
            not any(BAD.encode() in s.data for s in seen))


def sizes(stage, t):
    """As large as it may be, and one more."""
    for size, good in ((16383, True), (16384, True), (16385, False),
                       (17000, False), (65535, False), (200000, False)):
        for shape in ("records", "bytes"):
            if shape == "bytes" and not LONG and size > 16385:
                continue
            body = hello.body(GOOD)
            pad = size - 4 - len(body) - 4
            body = hello.body(GOOD, more=b"".join(
                hello.extension(0x7000 + n, bytes(min(pad - n * 30004, 30000)))
                for n in range(1 + pad // 30004))) if size < 65000 else \
                body + bytes(pad)
            message = hello.message(body)
            flight = hello.records(message, (
                (16384,) if shape == "records" else (999,)))
            word, took = talk(stage, [flight[i:i + 1000] for i in range(
                0, len(flight), 1000)])
            t.check("%d octets, in %s: %s" % (len(message), shape, word),
                    (word == "ok") == good and took < STALL, took)


def shapes(stage, t):
    """What a ClientHello may and may not be; "ok" is that it has arrived."""
    def variant(name, **options):
        return hello.hello(name, **options)
    grease = {"grease": True}
    hybrid = {"grease": True, "hybrid": True}
    empty = hello.records(b"", (1,))
    rows = [
        ("grease", variant(GOOD, **grease), {"ok"}),
        ("post-quantum", variant(GOOD, **hybrid), {"ok"}),
        ("post-quantum, denied", variant(BAD, **hybrid), {"reset"}),
        ("no session id", variant(GOOD, session=0), {"ok"}),
        ("a session id of 33", variant(GOOD, session=33), None),
        ("no ciphers", variant(GOOD, ciphers=()), None),
        ("two server names", variant(GOOD, more=hello.sni(GOOD)), None),
        ("two server names, the second denied",
         variant(GOOD, more=hello.sni(BAD)), None),
        ("an extension twice",
         variant(GOOD, more=hello.extension(0x7777, b"") * 2), None),
        ("another kind of name", variant(None, more=hello.sni("x", kind=1)),
         None),
        ("an empty name", variant(""), None),
        ("an empty list of names",
         variant(None, more=hello.extension(0, b"\0\0")), None),
        ("a name with NUL", variant(GOOD + "\0"), None),
        ("a name with a blank", variant("api example.com"), None),
        ("a name that is an address", variant("198.51.100.10"), None),
        ("a name of dots", variant(".."), None),
        ("a name with an empty label", variant("api..example.com"), None),
        ("a name of 254", variant("n" * 63 + "." + "n" * 63 + "." + "n" * 63 +
                                  "." + "n" * 50 + ".example.com"), None),
        ("a label of 64", variant("n" * 64 + ".example.com"), None),
        ("a list that is longer than it",
         variant(None, more=hello.extension(0, b"\0\x20\0\0\x03abc")), None),
        ("extensions that are cut", hello.records(hello.message(
            hello.body(GOOD)[:-3])), None),
        ("bytes behind the extensions", hello.records(hello.message(
            hello.body(GOOD) + b"\0")), None),
        ("no extensions", hello.records(hello.message(
            hello.body(None, extensions=b"")[:-2])), None),
        ("a ServerHello", hello.records(hello.message(
            hello.body(GOOD), kind=2)), None),
        ("an alert first", b"\x15\x03\x01\0\x02\x01\0" + variant(GOOD), None),
        ("data first", b"\x17\x03\x03\0\x05hello" + variant(GOOD), None),
        ("an empty record first", b"\x16\x03\x01\0\0" + variant(GOOD), None),
        ("a record of 16385", hello.records(hello.message(
            hello.body(GOOD) + bytes(17000)), (16385,)), None),
        ("a record of 65535", b"\x16\x03\x01\xff\xff" + bytes(70000), None),
        ("an alert between", hello.records(hello.message(hello.body(GOOD))[
            :50]) + b"\x15\x03\x01\0\x02\x01\0" + hello.records(hello.message(
                hello.body(GOOD))[50:]), None),
        ("SSL 2", b"\x80\x2e\x01\x03\x01\0\x15\0\0\0\x10" + bytes(37), None),
        ("version 0.0", b"\x16\0\0" + variant(GOOD)[3:], None),
        ("version 9.9", b"\x16\x09\x09" + variant(GOOD)[3:], None),
        ("nothing but a header", variant(GOOD)[:5], None),
        ("nothing", empty, None),
    ]
    made = each(stage, [([data], {"version": 4 + n % 2 * 2})
                        for n, (_, data, _) in enumerate(rows)])
    for (what, _, words), (word, took) in zip(rows, made):
        if words is None:
            words = {"reset", "closed"}
            good = word in words or word.startswith("alert")
        else:
            good = word in words
        # What has no name goes where its address may.
        lenient = what in (
            "another kind of name", "no extensions", "SSL 2",
            "nothing", "nothing but a header", "an alert first", "data first",
            "version 0.0", "version 9.9", "an empty list of names",
            "an empty name", "no ciphers")
        t.check("%s: %s" % (what, word), (good or lenient and word == "ok") and
                took < STALL, took)
    seen = stage.servers.take()
    t.check("no denied name has reached the server",
            not any(BAD.encode() in s.data for s in seen), seen)


def mutants(name, count, seed):
    """A good ClientHello with something wrong; never what it was."""
    r = random.Random(seed)
    for _ in range(count):
        flight = bytearray(hello.hello(name, grease=r.random() < 0.5,
                                       hybrid=r.random() < 0.2))
        for _ in range(r.choice((1, 1, 2, 5, 20))):
            at = r.randrange(len(flight))
            kind = r.randrange(5)
            if kind == 0:
                flight[at] ^= 1 << r.randrange(8)
            elif kind == 1:
                flight[at] = r.choice((0, 1, 0x7f, 0x80, 0xff))
            elif kind == 2:
                del flight[at:at + r.choice((1, 2, 4, 100))]
            elif kind == 3:
                flight[at:at] = r.randbytes(r.choice((1, 2, 4, 100)))
            else:
                flight[at:at + 2] = r.randbytes(2)
            if not flight:
                break
        cut = r.randrange(1, len(flight) + 1) if flight else 0
        yield [bytes(flight[:cut]), bytes(flight[cut:])] if \
            r.random() < 0.3 else [bytes(flight)]


def garbage(stage, t):
    """Bytes that are nearly a ClientHello with a denied name, and bytes that are
    nothing like one, at an address that is denied without a name."""
    count = 3000 if LONG else 150
    r = random.Random(7)
    work = [(parts, {"version": 4 + n % 2 * 2}) for n, parts in enumerate(
        list(mutants(BAD, count, 1)) + [[r.randbytes(r.randrange(1, 2000))]
                                        for _ in range(count // 3)] +
        [[b"\x16\x03\x01" + r.randbytes(r.randrange(1, 2000))]
         for _ in range(count // 3)])]
    stage.servers.take()
    made = each(stage, work)
    words = {m[0] for m in made}
    t.check("garbage is refused", "ok" not in words and not words & {
        "stall", "error", "silent"}, words)
    t.check("and nothing stalls", max(m[1] for m in made) < STALL,
            max(m[1] for m in made))
    seen = stage.servers.take()
    t.check("nobody is dialled for it", not seen, seen[:3])


def whole(stage, t):
    """What is nearly a ClientHello with an allowed name arrives as it was, or
    does not arrive; what is behind one that offers TLS 1.3 may not have."""
    work = [(parts, {"version": 4 + n % 2 * 2}) for n, parts in enumerate(
        mutants(GOOD, 3000 if LONG else 150, 2))]
    stage.servers.take()
    made = each(stage, work)
    t.check("none stalls", max(m[1] for m in made) < STALL,
            max(m[1] for m in made))
    t.check("none is changed", not {m[0] for m in made} & {
        "stall", "error", "silent"}, {m[0] for m in made})
    sent = {b"".join(parts) for parts, _ in work}
    seen = stage.servers.take()
    t.check("what arrived is what was sent", all(
        any(flight.startswith(s.data) for flight in sent) for s in seen))


def crowd(stage, t):
    """Clients that never finish, and others beside them."""
    count = 1000 if LONG else 150
    held = []
    for n in range(count):
        sock = clients.connect(stage.guest, address("record", 4), 443)
        if isinstance(sock, clients.Outcome):
            t.check("connection %d: %s" % (n, sock), False)
            break
        sock.sendall(hello.hello(GOOD)[:n % 200])
        held.append(sock)
    start = time.monotonic()
    made = stage.use("hello", "record", 443, GOOD, 6)
    t.check("beside %d that do not go on, one does" % count,
            made.word == "ok" and time.monotonic() - start < 2, made)
    for sock in held:
        sock.close()


def decrypted(stage, t):
    """Where TLS is ended, too."""
    count = 600 if LONG else 60
    work = [(parts, {"role": "shared", "version": 4 + n % 2 * 2})
            for n, parts in enumerate(mutants("api.example.com", count, 3))]
    made = each(stage, work)
    words = {m[0] for m in made}
    t.check("none stalls", max(m[1] for m in made) < STALL,
            max(m[1] for m in made))
    t.check("each ends", not words & {"stall", "silent"}, words)
    for shape in (clients.records_of(1), clients.records_of(7, 1, 50),
                  clients.bytes_alone, clients.records_and_bytes):
        made = clients.bio(shape)(stage.guest, stage.trust,
                                  address("shared", 6), 443, GOOD)
        t.check("handshakes after odd first flights", made.word == "ours",
                made)
    places = range(1, 500, 1 if LONG else 25)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        words = list(pool.map(lambda n: clients.bio(clients.split_at(n))(
            stage.guest, stage.trust, address("shared", 4), 443, GOOD).word,
            places))
    t.check("handshakes after a first flight in two segments",
            set(words) == {"ours"}, set(words))


def torture(m, t):
    stage = table.Stage(m, t, nginx=False)
    try:
        for document, names, tests in (
                ({"Rules": [{"Action": "allow", "Destination": ".example.com",
                             "Protocols": ["tcp"]}]},
                 ("record.example.com",),
                 (splits, sizes, shapes, whole, crowd)),
                (WAIT, ("record.example.com", "record2.example.com"),
                 (garbage,)),
                ({"DefaultEgress": "allow",
                  "TLS": {"UpstreamCACerts": [stage.pki.root.path]}}, (),
                 (decrypted,))):
            stage.up(document)
            for name in names:
                t.check("%s is resolved" % name,
                        stage.resolve(name) == ["NOERROR"] * 2)
            before = table.helper_pids("msb-tlsd")
            for test in tests:
                t.test = test.__name__
                start = time.monotonic()
                test(stage, t)
                t.check("no process has ended",
                        table.helper_pids("msb-tlsd") == before)
                print("  %s: %.1f s" % (test.__name__,
                                        time.monotonic() - start))
            stage.down()
    finally:
        stage.close()


if __name__ == "__main__":
    if "--long" in sys.argv:
        sys.argv.remove("--long")
        os.environ["MSB_LONG"] = "1"
    main(__doc__, (torture,))
