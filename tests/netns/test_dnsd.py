# SPDX-License-Identifier: GPL-2.0-or-later
"""test_dnsd.py - msb-dnsd with real clients, name servers and packets.

    test_dnsd.py --dnsd PROGRAM [--rounds N] [--flood SECONDS] [TEST...]

Queries and expected answers are in dns/queries.table; what a table cannot say
is tested by the functions below.
"""
import argparse
import concurrent.futures
import itertools
import os
import random
import re
import signal
import socket
import struct
import sys
import threading
import time

from lab import enter_laboratory

# What is to come may take that long on a machine that is busy.
PATIENCE = 20
HERE = os.path.dirname(os.path.abspath(__file__))
failures = []


def check(condition, what):
    if not condition:
        failures.append(what)
        print("FAILED:", what)


def read_table(path):
    """The zone, and the configurations with their queries."""
    zone, configs, exact, suffixes = [], [], [], []
    with open(path, encoding="utf-8") as file:
        for text in file:
            word, _, rest = text.strip().partition(" ")
            if not word or word.startswith("#"):
                continue
            if word == "zone":
                zone.append(rest)
            elif word == "deny":
                exact = rest.split()
            elif word == "suffix":
                suffixes = rest.split()
            elif word == "config":
                name, _, document = rest.partition(" ")
                configs.append((name, document, exact, suffixes, []))
                exact, suffixes = [], []
            else:
                configs[-1][4].append(read_query(text.strip()))
    return zone, configs


def read_query(text):
    words = text.split()
    query = {"text": text, "name": words.pop(0), "type": words.pop(0),
             "resolver": None, "over": ("udp", "tcp"), "do": False,
             "edns": True}
    while words[0][0] == "@" or words[0] in ("udp", "tcp", "do", "noedns"):
        word = words.pop(0)
        if word[0] == "@":
            query["resolver"] = word[1:]
        elif word in ("udp", "tcp"):
            query["over"] = (word,)
        elif word == "do":
            query["do"] = True
        else:
            query["edns"] = False
    query["rcode"] = words.pop(0)
    query["answer"] = " ".join(text.split(" %s " % query["rcode"], 1)[1:])
    return query


def expected(query):
    """The answer section as a set of texts, in one library's spelling."""
    made = set()
    for record in filter(None, query["answer"].split(" | ")):
        kind, _, data = record.partition(" ")
        made.add(spelt(kind, data))
    return made


def spelt(kind, data):
    rdtype = dns.rdatatype.from_text(kind)
    rdata = dns.rdata.from_text("IN", rdtype, data)
    return "%s %s" % (dns.rdatatype.to_text(rdtype),
                      rdata.to_digestable().hex())


class Zone:
    """What the name servers answer."""

    def __init__(self, records):
        self.sets = {}
        for record in records:
            name, ttl, _, kind, data = record.split(" ", 4)
            rrset = dns.rrset.from_text(name, int(ttl), "IN", kind, data)
            self.sets.setdefault((rrset.name, rrset.rdtype), []).append(rrset)

    def __call__(self, query, stream):
        question = query.question[0]
        labels = question.name.to_text().lower().split(".")
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.RA
        for word, rcode in (("servfail", 2), ("refused", 5), ("notimp", 4)):
            if word in labels:
                reply.set_rcode(rcode)
                return reply.to_wire()
        if "tc" in labels and not stream:
            reply.flags |= dns.flags.TC
            return reply.to_wire()
        self._fill(reply, question)
        if "lower" in labels:
            reply.question[0].name = question.name.canonicalize()
        wire = reply.to_wire(max_size=65535)
        limit = max(512, query.payload) if query.edns >= 0 else 512
        if not stream and len(wire) > limit:
            reply.answer, reply.flags = [], reply.flags | dns.flags.TC
            return reply.to_wire()
        if "forged" not in labels or stream:
            return wire
        return self._forge(reply, wire) + [wire]

    def _fill(self, reply, question):
        name, seen = question.name, set()
        while name not in seen:
            seen.add(name)
            found = self.sets.get((name, question.rdtype))
            alias = self.sets.get((name, dns.rdatatype.CNAME))
            if found or not alias:
                break
            reply.answer += alias
            name = alias[0][0].target
        reply.answer += found or []
        if not reply.answer and not any(n == name for n, _ in self.sets):
            reply.set_rcode(3)
        if not found:
            reply.authority.append(dns.rrset.from_text(
                "test.", 60, "IN", "SOA", "ns.test. h.test. 1 2 3 4 5"))

    @staticmethod
    def _forge(reply, wire):
        """Another identifier, another question, a broken message."""
        other = dns.message.from_wire(wire)
        other.id ^= 1
        for rrset in other.answer:
            rrset.clear()
            rrset.add(dns.rdata.from_text("IN", "A", "203.0.113.66"))
        return [other.to_wire(), wire[:-1], wire + b"\0", b"", b"\0" * 5]


def ask_dig(query, resolver, over):
    """What dig is told; it asks for one thing after the other, and what is said
    behind a name is for that."""
    return ("-q", query["name"], "@" + resolver, "-t",
            "IXFR=1" if query["type"] == "IXFR" else query["type"],
            "+tries=1", "+time=%d" % PATIENCE, "+noall", "+answer", "+comments",
            "+unknownformat", "+nocookie" if query["edns"] else "+noedns",
            "+dnssec" if query["do"] else "+nodnssec", "+ignore",
            "+tcp" if over == "tcp" else "+notcp")


def ask_kdig(query, resolver, over):
    """Likewise kdig."""
    return ("-q", query["name"], "@" + resolver, "-t", query["type"],
            "+retry=0", "+time=%d" % PATIENCE, "+noall", "+answer", "+header",
            "+generic", "+ignore", "+dnssec" if query["do"] else "+nodnssec",
            "+edns" if query["edns"] else "+noedns",
            "+tcp" if over == "tcp" else "+notcp")


# A program for many queries: how an answer of it begins, how the end of one that
# is none, and what is in front of the code.
MANY = {ask_dig: ("dig", ";; Got answer", ";; no servers", ", status: "),
        ask_kdig: ("kdig", ";; ->>HEADER", ";; ERROR: failed", "; status: ")}


def ask_many(place, ask, cases):
    """The answers to cases of (query, resolver, over), by one process."""
    program, begin, none, before = MANY[ask]
    done = place.guest.run(program, *itertools.chain.from_iterable(
        ask(*case) for case in cases), check=False)
    if len(cases) == 1:
        return [read_answer(done.stdout, before)]
    parts = re.split("^(?=%s|%s)" % (re.escape(begin), re.escape(none)),
                     done.stdout, flags=re.M)[1:]
    if len(parts) == len(cases):
        return [read_answer(part, before) for part in parts]
    return [ask_many(place, ask, [case])[0] for case in cases]


def read_answer(printed, before):
    """What a client has printed: the code is behind some words."""
    rcode, answer = "none", set()
    for text in printed.splitlines():
        if before in text and rcode == "none":
            rcode = re.split("[,;]", text.split(before)[1])[0]
            rcode = "NOTIMP" if rcode == "NOTIMPL" else rcode
        elif text and text[0] != ";":
            words = text.split(None, 4)
            answer.add(spelt(words[3], words[4]))
    return rcode, answer


def ask_drill(place, query, resolver, over):
    done = place.guest.run(
        "drill", "-a", "-t" if over == "tcp" else "-u", "@" + resolver,
        query["name"], query["type"], check=False)
    printed, _, rest = done.stdout.partition(";; ANSWER SECTION:")
    return read_answer(printed + rest.partition(";; AUTHORITY")[0], ", rcode: ")


def ask_library(place, query, resolver, over):
    message = dns.message.make_query(
        dns.name.from_text(query["name"]), query["type"],
        want_dnssec=query["do"], use_edns=0 if query["edns"] else False)
    with place.guest:
        ask = dns.query.tcp if over == "tcp" else dns.query.udp
        try:
            reply = ask(message, resolver, timeout=PATIENCE)
        except dns.exception.Timeout:
            return "none", set()
    answer = set()
    for rrset in reply.answer:
        for rdata in rrset:
            answer.add("%s %s" % (dns.rdatatype.to_text(rrset.rdtype),
                                  rdata.to_digestable().hex()))
    return dns.rcode.to_text(reply.rcode()), answer


def can_ask(ask, query):
    """Whether a client can ask what a row says: kdig prints a transfer in another
    way, and the library makes none; a name is an option if it looks like one."""
    if query["type"] == "IXFR" and ask in (ask_library, ask_kdig):
        return False
    if query["type"] == "AXFR" and ask is ask_kdig:
        return False
    return ask not in (ask_kdig, ask_drill) or query["name"][0] != "-"


def ask_all(place, queries):
    """Each query by each client that can: (client, case, answer)."""
    cases = {}
    for query in queries:
        for ask, over, gateway in (
                (ask_dig, "udp", 4), (ask_dig, "tcp", 6),
                (ask_library, "udp", 6), (ask_library, "tcp", 4),
                (ask_kdig, "udp", 4), (ask_kdig, "tcp", 6),
                (ask_drill, "udp", 6), (ask_drill, "tcp", 4)):
            if over in query["over"] and can_ask(ask, query):
                cases.setdefault(ask, []).append((
                    query, query["resolver"] or dnsd.GATEWAY[gateway], over))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        work = []
        for ask, mine in cases.items():
            # How a transfer comes to its end is told in another way.
            many = [c for c in mine if ask in MANY and
                    c[0]["type"] not in ("AXFR", "IXFR")]
            if many:
                work.append((ask, many, pool.submit(ask_many, place, ask,
                                                    many)))
            work += [(ask, [c], pool.submit(
                *((ask_many, place, ask, [c]) if ask in MANY
                  else (ask, place, *c)))) for c in mine if c not in many]
        for ask, mine, made in work:
            got = made.result()
            yield from zip(itertools.repeat(ask), mine,
                           got if ask in MANY else [got])


def test_table(place, daemon, args):
    """Every query of the table, by two clients, over all transports; by two more
    what they can ask."""
    zone, configs = read_table(os.path.join(HERE, "dns/queries.table"))
    answer = Zone(zone)
    servers = [dnsd.Server("192.0.2.53", answer),
               dnsd.Server("192.0.2.54", answer, 5354),
               dnsd.Server("198.51.100.53", answer),
               dnsd.Server("10.99.0.53", answer),
               dnsd.Server("169.254.9.9", answer),
               dnsd.Server("2001:db8:53::1", answer)]
    count = rows = 0
    for name, document, exact, suffixes, queries in configs:
        document = json.loads(document)
        place.load([])
        refused = daemon.configure(document, exact, suffixes)
        check(refused is None, "%s: %s" % (name, refused))
        rows += len(queries)
        for ask, case, got in ask_all(place, queries):
            count += 1
            check(got == (case[0]["rcode"], expected(case[0])),
                  "%s: %s (%s, %s, @%s): %s %s" % (
                      name, case[0]["text"], ask.__name__, case[2], case[1],
                      *got))
    print("%d queries of %d rows and %d configurations" %
          (count, rows, len(configs)))
    check(rows >= 120, "the table is too short")
    for server in servers:
        server.close()


PIN_SETS = [{"Set4": "a4", "Set6": "a6", "Destinations": [".pin.test"]},
            {"Set4": "b4", "Set6": "b6", "Destinations": ["one.test"]}]
PINNED = {"Rules": [{"Action": "allow", "Destination": ".pin.test"},
                    {"Action": "allow", "Destination": "one.test"},
                    {"Action": "allow", "Destination": "host", "Port": "53"}],
          "DefaultEgress": "deny", "Nameservers": ["192.0.2.53"],
          "PinSets": PIN_SETS}


def numbered(query, _stream):
    """nN.pin.test is address N of a prefix; everything else is one address."""
    question = query.question[0]
    reply = dns.message.make_response(query)
    label = question.name.labels[0].decode("latin-1").lower()
    n = int(label[1:]) if label[1:].isdigit() else 0
    if question.rdtype == dns.rdatatype.A:
        reply.answer.append(dns.rrset.from_text(
            question.name, 30, "IN", "A", "198.51.100.%d" % (n % 250 + 1)))
    elif question.rdtype == dns.rdatatype.AAAA:
        reply.answer.append(dns.rrset.from_text(
            question.name, 30, "IN", "AAAA",
            "2001:db8:2::%x" % (n % 65000 + 1)))
    return reply.to_wire()


def resolve(place, name, kind="A", resolver=None):
    message = dns.message.make_query(name, kind)
    with place.guest:
        reply = dns.query.udp(message, resolver or dnsd.GATEWAY[4],
                              timeout=PATIENCE)
    return [rdata.address for rrset in reply.answer for rdata in rrset]


def connects(place, address, port=80, seconds=0.5):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with place.guest.socket(family, socket.SOCK_STREAM) as sock:
        sock.settimeout(seconds)
        try:
            sock.connect((address, port))
        except OSError:
            return False
        return True


def listen(place):
    """A server of the world, at every address there."""
    made = []
    for family in (socket.AF_INET, socket.AF_INET6):
        sock = place.world.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 80))
        sock.listen(4096)
        made.append(sock)

    def serve(sock):
        while sock.fileno() >= 0:
            try:
                sock.accept()[0].close()
            except OSError:
                continue
    for sock in made:
        sock.settimeout(0.1)
        threading.Thread(target=serve, args=(sock,), daemon=True).start()
    return made


def test_race(place, daemon, args):
    """A connection right behind the answer is never too early."""
    server = dnsd.Server("192.0.2.53", numbered)
    listeners = listen(place)
    place.load(PIN_SETS)
    check(daemon.configure(PINNED) is None, "configured")
    lost = 0
    for i in range(args.rounds):
        kind = "AAAA" if i % 2 else "A"
        if i % 250 == 249:
            # So that every connection needs a pin that is new.
            place.gateway.run("nft", "flush", "set", "inet", "msb", "a4")
            place.gateway.run("nft", "flush", "set", "inet", "msb", "a6")
            check(daemon.configure(PINNED) is None, "configured again")
        addresses = resolve(place, "n%d.pin.test" % i, kind)
        if not addresses:
            lost += 1
        elif not connects(place, addresses[0], seconds=PATIENCE):
            lost += 1
    # What was dropped once would have come through at the second try.
    refused = place.refused()
    print("%d rounds, %d lost, %d packets dropped; %s" %
          (args.rounds, lost, refused, daemon.status()[0]))
    check(lost == 0, "%d answers or connections are missing" % lost)
    check(refused == 0, "%d connections were too early" % refused)
    check(not connects(place, "198.51.100.254", seconds=0.2),
          "an address never resolved passes")
    for sock in listeners + [server]:
        sock.close()


def test_pins(place, daemon, _args):
    """What is pinned where, for how long; what becomes of it."""
    server = dnsd.Server("192.0.2.53", numbered)
    place.load(PIN_SETS)
    check(daemon.configure(PINNED) is None, "configured")
    resolve(place, "n1.pin.test")
    resolve(place, "one.test", "AAAA")
    _, pins = daemon.status()
    check([(p["name"], p["address"], p["set"]) for p in pins] ==
          [("n1.pin.test", "198.51.100.2", "a4"),
           ("one.test", "2001:db8:2::1", "b6")], "pins: %s" % pins)
    check(all(115 <= p["seconds"] <= 121 for p in pins), "life: %s" % pins)
    # Another configuration keeps what still counts.
    less = dict(PINNED, PinSets=PIN_SETS[1:])
    check(daemon.configure(less) is None, "configured for less")
    _, pins = daemon.status()
    check([p["name"] for p in pins] == ["one.test"], "kept: %s" % pins)
    check("198.51.100.2" in place.gateway.run(
        "nft", "list", "set", "inet", "msb", "a4"), "sets of others stay")
    check(daemon.configure(PINNED) is None, "configured")
    check("198.51.100.2" not in place.gateway.run(
        "nft", "list", "set", "inet", "msb", "a4"), "what is lost is gone")
    # Sets that are not there: SERVFAIL, never the answer.
    place.load(PIN_SETS[1:])
    message = dns.message.make_query("n2.pin.test", "A")
    with place.guest:
        reply = dns.query.udp(message, dnsd.GATEWAY[4], timeout=PATIENCE)
    check(reply.rcode() == dns.rcode.SERVFAIL and not reply.answer,
          "an answer that is not pinned: %s" % reply)
    place.load(PIN_SETS)
    check(resolve(place, "n2.pin.test") == ["198.51.100.3"], "pinned again")
    # 64 pins a name: the oldest goes.
    server.answer = lambda query, stream: many(query)
    for _ in range(5):
        resolve(place, "one.test")
    _, pins = daemon.status()
    mine = [p for p in pins if p["set"] == "b4"]
    check(len(mine) == 64, "%d pins of one name" % len(mine))
    server.close()


def comments(place, which):
    """The elements of a set as nft lists them: address to comment."""
    text = place.gateway.run("nft", "list", "set", "inet", "msb", which)
    found = re.findall(r'([0-9a-f.:]+) timeout [0-9a-z]+ expires [0-9a-z]+'
                       r'(?: comment "([^"]*)")?', text)
    return dict(found)


def test_names(place, daemon, args):
    """Every pin says whose it is, in the set; so it is known for good."""
    server = dnsd.Server("192.0.2.53", numbered)
    place.load(PIN_SETS)
    check(daemon.configure(dict(PINNED, PinSets=[])) is None, "no pins")
    check(daemon.configure(PINNED) is None, "configured")
    long = ".".join(["n3"] + ["x" * 60] * 2 + ["pin", "test"])
    for name in ("n1.pin.test", r"n\032\"2.pin.test", long):
        resolve(place, name)
    resolve(place, "one.test", "AAAA")
    odd = [a for a, c in comments(place, "a4").items() if "\\032" in c]
    check(comments(place, "a4") == {
        "198.51.100.2": "n1.pin.test", "198.51.100.4": "...%s.pin.test" %
        ("x" * 60), odd[0]: r"n\032\0342.pin.test"} and
        comments(place, "b6") == {"2001:db8:2::1": "one.test"},
        "names: %s" % comments(place, "a4"))
    # What nft lists, nft reads.
    place.gateway.run("nft", "-c", "-f", "-", text=place.gateway.run(
        "nft", "list", "table", "inet", "msb"))
    # A name that comes is counted, whether the pin's time changes or not.
    said = []
    for n in (251, 501, 251, 1):
        resolve(place, "n%d.pin.test" % n)
        said.append(comments(place, "a4")["198.51.100.2"])
    check([re.sub(r"^n\d+\.pin\.test", "", text) for text in said] ==
          [" +1", " +2", " +2", " +2"], "names: %s" % said)

    def get(which, address):
        return place.gateway.run(args.pin_get, "msb", which, address).strip()
    check(get("a4", "198.51.100.2") == "1 %s" % said[-1], "looked up")
    check(get("b6", "2001:db8:2::1") == "1 one.test", "looked up")
    for which, address in (("a4", "198.51.100.99"), ("b6", "2001:db8:2::2"),
                           ("none", "198.51.100.2")):
        check(get(which, address) == "0 -", "%s in %s" % (address, which))
    check(get("a4", "2001:db8:2::1").startswith("-1 "), "of another family")
    # What was put there by hand is a pin of nobody.
    place.gateway.run("nft", "-f", "-", text="add element inet msb a4 { "
                      '198.51.100.200 timeout 5m comment "by hand", '
                      "198.51.100.201 timeout 5m, "
                      '198.51.100.202 timeout 5m comment "one.test", '
                      '198.51.100.203 timeout 1s comment "n9.pin.test", '
                      '198.51.100.204 comment "%s" }' % ("y" * 127))
    check(get("a4", "198.51.100.201") == "1" and
          get("a4", "198.51.100.200") == "1 by hand" and
          get("a4", "198.51.100.204") == "1 " + "y" * 127, "by hand")
    # Who is started anew reads the names.
    os.kill(daemon.process.pid, signal.SIGKILL)
    daemon.restart()
    time.sleep(1)
    check(get("a4", "198.51.100.203") == "0 -", "what has ended is not there")
    _, pins = daemon.status()
    known = said[-1].split()[0]
    check(sorted((p["address"], p["name"] or "") for p in pins) == sorted([
        ("198.51.100.2", ""), ("198.51.100.2", known), ("198.51.100.4", ""),
        (odd[0], r"n\032\0342.pin.test"), ("2001:db8:2::1", "one.test"),
        ("198.51.100.200", ""), ("198.51.100.201", ""),
        ("198.51.100.202", "")]), "names: %s" % pins)
    check(comments(place, "a4")["198.51.100.2"] == said[-1], "as it was")
    # Those that are not known are counted still; a name that is, is itself.
    resolve(place, known)
    check(comments(place, "a4")["198.51.100.2"] == known + " +2",
          "counted: %s" % comments(place, "a4"))
    # Another configuration moves what is known where it belongs now.
    moved = [{"Set4": "b4", "Set6": "b6", "Destinations": [".pin.test"]},
             {"Set4": "a4", "Set6": "a6", "Destinations": ["one.test"]}]
    check(daemon.configure(dict(PINNED, PinSets=moved)) is None, "moved")
    check(comments(place, "b4") == {
        "198.51.100.2": known, odd[0]: r"n\032\0342.pin.test"} and
        comments(place, "a6") == {"2001:db8:2::1": "one.test"} and
        not comments(place, "a4") and not comments(place, "b6"),
        "moved: %s %s" % (comments(place, "a4"), comments(place, "b4")))
    check(daemon.configure(PINNED) is None, "moved back")
    check(comments(place, "a4")["198.51.100.2"] == known, "moved back")
    server.close()


def test_many_pins(place, daemon, _args):
    """Thousands of pins go to another configuration in one transaction."""
    def sixty(query, _stream):
        reply = dns.message.make_response(query)
        n = int(query.question[0].name.labels[0][1:])
        reply.answer.append(dns.rrset.from_text(
            query.question[0].name, 300, "IN", "A",
            *["198.51.%d.%d" % (100 + n, i) for i in range(60)]))
        return reply.to_wire(max_size=65535)
    server = dnsd.Server("192.0.2.53", sixty)
    place.load(PIN_SETS)
    check(daemon.configure(PINNED) is None, "configured")
    count = daemon.status()[0]["pins"]
    for n in range(150):
        message = dns.message.make_query("n%d.pin.test" % n, "A")
        with place.guest:
            reply = dns.query.tcp(message, dnsd.GATEWAY[4], timeout=PATIENCE)
        check(len(reply.answer[0]) == 60, "sixty addresses")
    for _ in range(2):
        figures, _ = daemon.status()
        check(figures["pins"] == count + 9000, "%s" % figures)
        text = place.gateway.run("nft", "list", "set", "inet", "msb", "a4")
        check(len(re.findall(r"198\.51\.\d+\.\d+ ", text)) == 9000,
              "elements of the set")
        check(daemon.configure(dict(PINNED, Generation="2")) is None,
              "configured again")
    server.close()


def many(query):
    many.n += 16
    reply = dns.message.make_response(query)
    reply.answer.append(dns.rrset.from_text(
        query.question[0].name, 0, "IN", "A",
        *["198.51.%d.%d" % (100 + n // 250, n % 250 + 1)
          for n in range(many.n - 16, many.n)]))
    return reply.to_wire()


many.n = 0


def test_restart(place, daemon, _args):
    """A worker or monitor that is killed takes nothing with it."""
    server = dnsd.Server("192.0.2.53", numbered)
    place.load(PIN_SETS)
    check(daemon.configure(PINNED) is None, "configured")
    took = []
    for which in (0, 1):
        resolve(place, "n%d.pin.test" % (10 + which))
        os.kill(daemon.processes()[which], signal.SIGKILL)
        begun = time.monotonic()
        daemon.restart()
        took.append(time.monotonic() - begun)
        check(resolve(place, "n20.pin.test") == ["198.51.100.21"],
              "answers again")
        _, pins = daemon.status()
        check({"198.51.100.%d" % (11 + n) for n in range(which + 1)} <=
              {p["address"] for p in pins}, "pins stay: %s" % pins)
    # A machine that is busy is not all the time.
    check(min(took) < 1, "back within a second: %s" % took)
    server.close()


def test_resolv(place, daemon, _args):
    """resolv.conf is used, and used anew when it changes."""
    one = dnsd.Server("192.0.2.53", numbered)
    two = dnsd.Server("192.0.2.55", numbered)
    place.load([])
    document = {"DefaultEgress": "allow"}
    check(daemon.configure(document, resolv="nameserver 192.0.2.53\n") is None,
          "configured")
    resolve(place, "n1.resolv.test")
    check(len(one.asked) == 1 and not two.asked, "the first is asked")
    daemon.resolv("# changed\nnameserver 192.0.2.55\n")
    daemon.status()
    resolve(place, "n2.resolv.test")
    check(len(one.asked) == 1 and len(two.asked) == 1, "the second is asked")
    daemon.resolv("")
    daemon.status()
    message = dns.message.make_query("n3.resolv.test", "A")
    with place.guest:
        reply = dns.query.udp(message, dnsd.GATEWAY[4], timeout=PATIENCE)
    check(reply.rcode() == dns.rcode.SERVFAIL, "no server: SERVFAIL")
    daemon.resolv("nameserver 192.0.2.55\n")
    for server in (one, two):
        server.close()


def test_named(place, daemon, args):
    """A name server that has a name is asked where that name is now."""
    at = {"address": "192.0.2.54", "ttl": 1}

    def names(query, _stream):
        reply = dns.message.make_response(query)
        if query.question[0].rdtype == dns.rdatatype.A:
            reply.answer.append(dns.rrset.from_text(
                query.question[0].name, at["ttl"], "IN", "A", at["address"]))
        return reply.to_wire()
    resolver = dnsd.Server("192.0.2.53", names)
    servers = {a: dnsd.Server(a, numbered, 5355)
               for a in ("192.0.2.54", "192.0.2.55")}
    place.load([])
    count = itertools.count()

    def asked():
        """Which of the servers a query of the guest comes to."""
        for server in servers.values():
            del server.asked[:]
        resolve(place, "n%d.named.test" % next(count))
        return [a for a, server in servers.items() if server.asked]

    def goes_to(address, seconds=PATIENCE):
        return dnsd.wait_until(lambda: asked() == [address], seconds)
    document = {"DefaultEgress": "allow", "Nameservers": ["ns.test:5355"]}
    lines = "nameserver %s\nmsb-name 0 ns.test\nmsb-nameserver 0 192.0.2.55\n"
    check(daemon.configure(document, resolv=lines % "192.0.2.53") is None,
          "configured")
    check(goes_to("192.0.2.54"), "looked up at the start")
    check(("ns.test.", False) in resolver.asked, "%s" % resolver.asked)
    if args.ttl:
        at["address"] = "192.0.2.55"
        check(asked() == ["192.0.2.54"], "not before its time")
        check(goes_to("192.0.2.55", 35), "then at another address")
        at["address"] = "192.0.2.54"
    # Another resolver is asked at once; one that is dead changes nothing.
    at["address"] = "192.0.2.55"
    daemon.resolv(lines % "192.0.2.53" + "# changed\n")
    check(goes_to("192.0.2.55"), "another address")
    daemon.resolv(lines % "192.0.2.99")
    daemon.status()
    time.sleep(0.2)
    check(asked() == ["192.0.2.55"], "a dead resolver leaves what is known")
    # What hosts(5) has is not asked for.
    del resolver.asked[:]
    daemon.resolv(lines.replace("55", "54") % "192.0.2.53" + "msb-fixed 0\n")
    check(goes_to("192.0.2.54") and not resolver.asked,
          "hosts: %s" % resolver.asked)
    daemon.resolv("nameserver 192.0.2.53\n")
    check(goes_to("192.0.2.55"), "asked for again")
    # Whoever is started anew begins with what the supervisor has.
    os.kill(daemon.processes()[1], signal.SIGKILL)
    daemon.extra["resolv"] = lines % "192.0.2.99"
    daemon.restart()
    check(goes_to("192.0.2.55"), "after a restart")
    for server in [resolver] + list(servers.values()):
        server.close()


def test_refused(place, daemon, _args):
    """A configuration that is no good leaves the old one in force."""
    server = dnsd.Server("192.0.2.53", numbered)
    place.load([])
    good = {"DefaultEgress": "allow", "Nameservers": ["192.0.2.53"]}
    check(daemon.configure(good) is None, "configured")
    for bad in ({"DefaultEgress": "perhaps"},
                {"DefaultEgress": "allow", "X": 1},
                dict(good, Nameservers=["not a server"]),
                dict(good, Names="missing.bin"),
                dict(good, PinSets=[{"Set4": "x" * 64, "Set6": "y"}])):
        check(daemon.configure(bad), "refused: %s" % bad)
        check(resolve(place, "n5.test") == ["198.51.100.6"], "still answers")
    check(daemon.configure(good) is None, "configured")
    server.close()


def stream_of(place):
    sock = place.guest.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.settimeout(PATIENCE)
    sock.connect((dnsd.GATEWAY[4], 53))
    return sock


def read_message(sock):
    head = sock.recv(2, socket.MSG_WAITALL)
    if len(head) < 2:
        return None
    return dns.message.from_wire(
        sock.recv(struct.unpack("!H", head)[0], socket.MSG_WAITALL))


class Idle(threading.Thread):
    """A connection with half a length on it; after how long it is closed."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.sock, self.seconds = stream_of(place), None
        self.sock.settimeout(60)
        self.start()

    def run(self):
        begun = time.monotonic()
        self.sock.sendall(b"\0")
        if self.sock.recv(1) == b"":
            self.seconds = time.monotonic() - begun
        self.sock.close()

    def ended(self):
        self.join()
        return self.seconds or 0


def test_streams(place, daemon, args):
    """Pipelining, answers out of order, and what attacks lengths."""
    def slow(query, stream):
        if query.question[0].name.labels[0].lower() == b"slow":
            time.sleep(0.3)
        return numbered(query, stream)
    servers = [dnsd.Server("192.0.2.53", numbered)]
    servers[0].answer = slow
    place.load([])
    check(daemon.configure({"DefaultEgress": "allow",
                            "Nameservers": ["192.0.2.53"]}) is None,
          "configured")
    wires = [dns.message.make_query("%s.stream.test" % name, "A").to_wire()
             for name in ["n%d" % i for i in range(100)]]
    with stream_of(place) as sock:
        sock.sendall(b"".join(struct.pack("!H", len(w)) + w for w in wires))
        ids = {read_message(sock).id for _ in wires}
        check(ids == {struct.unpack("!H", w[:2])[0] for w in wires},
              "a hundred queries in one go")
    # What is answered by itself overtakes what has to be asked.
    first = dns.message.make_query("slow.stream.test", "A")
    second = dns.message.make_query("host.microsandbox.internal", "A")
    with stream_of(place) as sock:
        for message in (first, second):
            wire = message.to_wire()
            for octet in struct.pack("!H", len(wire)) + wire:
                sock.sendall(bytes([octet]))
        check(read_message(sock).id == second.id, "the second comes first")
        check(read_message(sock).id == first.id, "then the first")
    # It shuts down its side, and is answered still.
    with stream_of(place) as sock:
        wire = first.to_wire()
        sock.sendall(struct.pack("!H", len(wire)) + wire)
        sock.shutdown(socket.SHUT_WR)
        check(read_message(sock).id == first.id, "answered after its end")
        check(sock.recv(1) == b"", "then closed")
    for attack in (b"\0\0", b"\0\x0b" + b"x" * 11, b"\xff\xff" + b"x" * 64,
                   struct.pack("!H", 20) + b"\xff" * 20,
                   b"\0\x40" + b"\0\1\x81\0" + b"\0" * 60):
        with stream_of(place) as sock:
            sock.sendall(attack)
            try:
                check(sock.recv(1) == b"", "closed after %r" % attack[:8])
            except ConnectionResetError:
                pass
    check(resolve(place, "n7.stream.test") == ["198.51.100.8"],
          "still answers")
    # One that says nothing whole is closed after ten seconds,
    check(9 < (args.idle or Idle(place)).ended() < 15,
          "an idle connection is closed")
    # or when there are too many of them.
    streams = [stream_of(place) for _ in range(130)]
    check(streams[0].recv(1) == b"", "the idlest is closed")
    wire = second.to_wire()
    streams[-1].sendall(struct.pack("!H", len(wire)) + wire)
    check(read_message(streams[-1]).id == second.id, "the last is served")
    for sock in streams:
        sock.close()
    for server in servers:
        server.close()


def test_confined(place, daemon, _args):
    """What both processes have left."""
    monitor, worker = daemon.processes()
    for pid, capabilities in ((monitor, 1 << 12), (worker, 0)):
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            status = dict(line.split(":\t", 1) for line in file)
        check(int(status["CapEff"], 16) == capabilities and
              int(status["CapPrm"], 16) == capabilities,
              "capabilities of %d: %s" % (pid, status["CapEff"]))
        check(status["NoNewPrivs"].strip() == "1", "no_new_privs")
        check(status["Seccomp"].strip() == "2", "seccomp")
        if pid == worker:
            check(int(status["CapBnd"], 16) == 0, "bounding set")
            check(status["Uid"].split()[1] != "0", "the worker's user")


def test_flood(place, daemon, args):
    """Random names, octets and connections; it stays as it is."""
    server = dnsd.Server("192.0.2.53", numbered)
    place.load(PIN_SETS)
    check(daemon.configure(dict(PINNED, DefaultEgress="allow")) is None,
          "configured")
    chance = random.Random(1)
    udp = place.guest.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect((dnsd.GATEWAY[4], 53))
    udp.setblocking(False)
    streams, sizes, slowest = [], [], 0.0
    end = time.monotonic() + args.flood
    while time.monotonic() < end:
        for _ in range(200):
            kind = chance.randrange(4)
            if kind == 0:
                data = chance.randbytes(chance.randrange(1, 600))
            elif kind == 1:
                wire = bytearray(dns.message.make_query(
                    "a.test", "A").to_wire())
                wire[chance.randrange(len(wire))] = chance.randrange(256)
                data = bytes(wire)
            else:
                data = dns.message.make_query("n%d.%s.test" % (
                    chance.randrange(1 << 30), "pin" if kind == 2 else "x"),
                    "A").to_wire()
            try:
                udp.send(data)
            except OSError:
                pass
        for _ in range(20):
            sock = place.guest.socket(socket.AF_INET, socket.SOCK_STREAM)
            sock.setblocking(False)
            sock.connect_ex((dnsd.GATEWAY[4], 53))
            streams.append(sock)
        while len(streams) > 800:
            streams.pop(0).close()
        begun = time.monotonic()
        answered = False
        for _ in range(3):
            try:
                answered = answered or resolve(
                    place, "host.microsandbox.internal") == ["172.16.0.1"]
            except dns.exception.Timeout:
                pass
        check(answered, "it answers during the flood")
        slowest = max(slowest, time.monotonic() - begun)
        sizes.append(memory(daemon))
    for sock in streams + [udp]:
        sock.close()
    figures, pins = daemon.status()
    print("flood: %d queries, %d pins, slowest answer %.0f ms, memory %d to "
          "%d KiB" % (figures["queries"], len(pins), slowest * 1000, sizes[0],
                      max(sizes)))
    check(len(pins) <= 16384, "too many pins")
    check(max(sizes) < sizes[0] + 12288, "memory grows: %d to %d KiB" %
          (sizes[0], max(sizes)))
    server.close()


def test_burst(place, daemon, _args):
    """Many queries at once, to a server that refuses them: the next is asked."""
    server = dnsd.Server("192.0.2.53", numbered)
    place.load(PIN_SETS)
    udp = place.guest.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    udp.connect((dnsd.GATEWAY[4], 53))
    udp.settimeout(PATIENCE)
    # Nobody is at the first. What it refuses is known at the next send from the
    # same socket, of which there are eight.
    check(daemon.configure(dict(PINNED, Nameservers=["192.0.2.54",
                                                     "192.0.2.53"])) is None,
          "configured")
    before = daemon.status()[0]
    wanted = {}
    for n in range(100):
        message = dns.message.make_query("n%d.pin.test" % n, "A")
        message.id = n
        wanted[n] = "198.51.100.%d" % (n + 1)
        udp.send(message.to_wire())
    while wanted:
        try:
            reply = dns.message.from_wire(udp.recv(4096))
        except OSError:
            break
        found = [rdata.address for rrset in reply.answer for rdata in rrset]
        check(found == [wanted.pop(reply.id, None)],
              "answer %d is %s" % (reply.id, reply))
    udp.close()
    check(not wanted, "no answer for %s" % sorted(wanted))
    figures = daemon.status()[0]
    check(figures["queries"] - before["queries"] == 100 and
          figures["failed"] == before["failed"] and not figures["in-flight"],
          "figures: %s, before %s" % (figures, before))
    server.close()


def test_the_same(place, daemon, _args):
    """Many queries for one thing on one connection, which nothing may keep:
    those that are asked while the others are answered are answered, too."""
    def failing(query, _stream):
        time.sleep(0.02)
        reply = dns.message.make_response(query)
        reply.set_rcode(dns.rcode.SERVFAIL)
        return reply.to_wire()

    def pinned(query, _stream):
        time.sleep(0.02)
        reply = dns.message.make_response(query)
        reply.answer.append(dns.rrset.from_text(
            query.question[0].name, 0, "IN", "A",
            *["198.51.100.%d" % n for n in range(20)]))
        return reply.to_wire()
    server = dnsd.Server("192.0.2.53", failing)
    place.load(PIN_SETS)
    check(daemon.configure(dict(PINNED, Nameservers=["192.0.2.53"])) is None,
          "configured")
    for answer in (failing, pinned):
        server.answer = answer
        wires = []
        for n in range(300):
            message = dns.message.make_query("same.pin.test", "A")
            message.id = n
            wires.append(message.to_wire())
        left = set(range(300))
        with stream_of(place) as sock:
            sock.settimeout(5)
            sock.sendall(b"".join(struct.pack("!H", len(w)) + w for w in wires))
            sock.shutdown(socket.SHUT_WR)
            try:
                while left:
                    left.discard(read_message(sock).id)
            except (OSError, AttributeError):
                pass
        check(not left, "%s: %d of 300 are not answered" %
              (answer.__name__, len(left)))
        check(not daemon.status()[0]["in-flight"], "none is in flight")
    server.close()


def memory(daemon):
    """What both processes have that is no file's, KiB: of files others that map
    them may have a share, which changes when they end."""
    total = 0
    for pid in daemon.processes():
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            total += next(int(line.split()[1]) for line in file
                          if line.startswith("Pss_Anon:"))
    return total


# Before test_streams none may end the process.
TESTS = (test_table, test_pins, test_many_pins, test_refused, test_race,
         test_burst, test_resolv, test_streams, test_the_same,
         test_names, test_named, test_restart, test_confined, test_flood)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dnsd", required=True)
    parser.add_argument("--pin-get", required=True)
    parser.add_argument("--rounds", type=int, default=1500)
    parser.add_argument("--ttl", action="store_true",
                        help="wait for a time to live, which is 30 seconds")
    parser.add_argument("--flood", type=float, default=5)
    parser.add_argument("tests", nargs="*")
    args = parser.parse_args()
    args.idle = None
    place = dnsd.Place()
    daemon = dnsd.Dnsd(args.dnsd, place)
    for test in TESTS:
        if args.tests and test.__name__ not in args.tests:
            continue
        begun = time.monotonic()
        try:
            test(place, daemon, args)
        except RuntimeError:
            daemon.log.seek(0)
            print(daemon.log.read().decode(errors="replace")[-8000:])
            raise
        print("%s: %.1f s" % (test.__name__, time.monotonic() - begun))
        # That takes its time, in which others may be tested.
        if not args.tests and not args.idle:
            args.idle = Idle(place)
    daemon.stop()
    check(daemon.process.returncode == 0,
          "exit status %s" % daemon.process.returncode)
    for event in daemon.events():
        if event["event"] not in ("dns-denied",):
            print(event)
    daemon.log.seek(0)
    text = daemon.log.read().decode(errors="replace")
    if "Sanitizer" in text or "runtime error" in text:
        print(text)
    print("%d failures" % len(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    enter_laboratory()
    import json
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode
    import dns.rdata
    import dns.rdatatype
    import dns.rrset
    import dnsd
    sys.exit(main())
