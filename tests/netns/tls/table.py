# SPDX-License-Identifier: GPL-2.0-or-later
"""table.py - Runs the rows of a table against sandboxes, and checks them."""
import concurrent.futures
import glob
import json
import os
import socket
import time

import dns.message
import dns.rcode

from lab import json_lines, run
from machine import STATE, wait_for
from peers import family

from . import clients, pki
from .world import LONG, NAME_SERVER, ROLES, World, address, \
    names_of_certificates

GATEWAY = {4: "172.16.0.1", 6: "fd42:6d73:62::1"}
AT_ONCE = 8
# A connection that was let go has ended at the server by then.
END = 20.0
NGINX = "/usr/sbin/nginx"
PROGRAMS = ("curl", "openssl", "gnutls")
# Nothing is to stall until a time limit of five seconds; a program that is started
# takes a while itself.
STALL, STARTED = 5.0, 8.0


class Row:
    """One line of a table."""

    def __init__(self, place, client, server, name, expected, seen):
        self.place = place
        self.client, _, version = client.partition("/")
        self.role, _, port = server.partition(":")
        self.port = int(port or 443)
        self.name = None if name == "-" else LONG if name == "LONG" else name
        self.expected = [w.replace(":", " ") for w in expected.split("|")]
        self.seen = seen
        self.program = self.client.split("-")[0] in PROGRAMS
        # Programs take a while; they need not meet both families each time.
        self.versions = [int(version)] if version else [4, 6]
        if not version and self.program:
            self.versions = [4 if place % 2 else 6]
        assert self.client in clients.CLIENTS, self.client
        assert self.role in ROLES, self.role

    def __repr__(self):
        return "line %d: %s to %s:%d as %s" % (
            self.place, self.client, self.role, self.port, self.name)


def read(path, files=()):
    """The documents of a table: (name, document, [(names, rows)])."""
    documents = []
    with open(path, encoding="utf-8") as file:
        for place, line in enumerate(file, 1):
            line = line.strip()
            if not line or line[0] == "#":
                continue
            words = line.split()
            if words[0] == "document":
                text = line.split(None, 2)[2]
                for key, value in dict(files).items():
                    if '"@%s"' % key in text:
                        text = text.replace('"@%s"' % key, json.dumps(
                            value() if callable(value) else value))
                documents.append((words[1], json.loads(text), [([], [])]))
            elif words[0] == "resolve":
                documents[-1][2].append((words[1:], []))
            else:
                documents[-1][2][-1][1].append(Row(place, *words))
    return documents


def batches(rows):
    """Cases that can run side by side: each has a server of its own, but for those
    of which no server is to see the same."""
    left = [(row, v) for row in rows for v in row.versions]
    while left:
        taken, rest, used = [], [], {}
        for row, version in left:
            key = (row.role, row.port, version)
            what = row.seen if row.seen in ("none", "empty") else row
            if used.setdefault(key, what) == what:
                taken.append((row, version))
            else:
                rest.append((row, version))
        yield taken
        left = rest


def helper_pids(kind):
    """Processes of a helper of this laboratory's sandboxes."""
    found = []
    here = {os.readlink("/proc/thread-self/ns/net")} | {
        "net:[%d]" % os.stat(path).st_ino for path in glob.glob(
            "/run/netns/*")}
    for path in glob.glob("/proc/[0-9]*/comm"):
        folder = os.path.dirname(path)
        try:
            with open(path, encoding="utf-8") as file:
                name = file.read().strip()
            if name == kind and os.readlink(folder + "/ns/net") in here:
                found.append(int(folder.split("/")[2]))
        except OSError:
            continue
    return sorted(found)


def held(pids):
    """How many sockets processes have, and connections they have yet to accept;
    who is accepted meanwhile is counted twice rather than not at all."""
    count = 0
    for pid in pids:
        for kind in ("tcp", "tcp6"):
            with open("/proc/%d/net/%s" % (pid, kind), encoding="ascii") as \
                    file:
                rows = [line.split() for line in file]
            # Of a listener, state 0A, rx_queue is who waits.
            count += sum(int(r[4].split(":")[1], 16) for r in rows
                         if r[3] == "0A")
    for pid in pids:
        for path in glob.glob("/proc/%d/fd/*" % pid):
            try:
                count += os.readlink(path).startswith("socket:")
            except OSError:
                continue
    return count


class Stage:
    """A world, and a guest in it, for one sandbox after the other."""

    def __init__(self, m, t, nginx=True):
        self.m, self.t = m, t
        self.pki = pki.World(os.path.join(m.scratch, "pki"),
                             names_of_certificates())
        self.own_ca = self.pki.authority("Own CA")
        self.files = {"root": self.pki.root.path, "own": self.own_ca.path,
                      "own-key": self.own_ca.key,
                      "lists": lambda: self.pki.lists}
        self.world = World(self.pki, NGINX if nginx and
                           os.path.exists(NGINX) else None)
        self.servers = self.world.servers
        self.guest = m.guest("box")
        self.pins, self.up_now = set(), False
        self.helpers, self.idle = [], 0
        self.trust = clients.Trust(self.pki.root.path)

    def up(self, document, name="document"):
        document = {"DNS": {"Nameservers": [NAME_SERVER]}, **document}
        path = self.m.document("tls-" + name, document)
        self.m.good("up", "web", path, "--guest-netns", "box")
        self.up_now, self.pins = True, set()
        self.trust_us()

    def apply(self, document, name="document"):
        document = {"DNS": {"Nameservers": [NAME_SERVER]}, **document}
        path = self.m.document("tls-" + name, document)
        return json.loads(self.m.good("apply", "--json", "web", path))

    def trust_us(self):
        """The guest believes the test's root, and the CAs of ours."""
        paths = [self.pki.root.path, self.own_ca.path]
        generated = STATE + "/ca/ca.pem"
        if os.path.exists(generated):
            paths.append(generated)
        self.trust = clients.Trust(self.pki.bundle("trusted.pem", *paths))

    def down(self):
        if self.up_now:
            self.m.good("down", "web")
            self.up_now = False

    def status(self):
        return json.loads(self.m.good("status", "--json", "web"))

    def events(self):
        try:
            return json_lines(STATE + "/events.log")
        except OSError:
            return []

    def resolve(self, name):
        """Ask the gateway for both addresses, as a guest does."""
        name = LONG if name == "LONG" else name
        codes = []
        for kind in ("A", "AAAA"):
            with self.guest.socket(family(GATEWAY[4]),
                                   socket.SOCK_DGRAM) as sock:
                sock.settimeout(20)
                sock.connect((GATEWAY[4], 53))
                sock.send(dns.message.make_query(name, kind).to_wire())
                reply = dns.message.from_wire(sock.recv(4096))
            codes.append(dns.rcode.to_text(reply.rcode()))
        if codes == ["NOERROR"] * 2:
            self.pins.add(name)
        return codes

    def use(self, client, role, port, name, version, silent=False):
        """One that is to find nobody does not wait long for it."""
        at = address(role, version), port
        return clients.use(
            client, self.guest, self.trust, *at, name,
            clients.SYN if silent else clients.PATIENCE,
            lambda: any(s.bytes and s.at == at for s in self.servers.seen))

    # Checks.

    def check(self, row, version, made, seen):
        """What a row says, against what the client and the servers say."""
        what = "%s/%d" % (row, version)
        good = any(made.word == word or word[-1] == "*" and
                   made.word.startswith(word[:-1]) for word in row.expected)
        self.t.check("%s: %s" % (what, " or ".join(row.expected)), good,
                     "%r; the server saw %s" % (made, seen))
        if made.word != "silent" and "stall" not in row.expected:
            limit = STARTED if row.program or "mute" in row.client or \
                "-" == row.name and "reset" in row.expected else STALL
            self.t.check("%s: in time" % what, made.seconds < limit, made)
        if row.client == "banner" and made.word == "ok":
            self.t.check("%s: no stall" % what,
                         made.details["waited"] < 4, made)
        if row.seen == "*":
            return
        if row.seen == "none":
            self.t.check("%s: nobody is dialled" % what, not seen, seen)
        elif row.seen == "empty":
            self.t.check("%s: nothing reaches the server" % what,
                         not any(s.bytes for s in seen), seen)
        else:
            self.t.check("%s: one connection" % what,
                         len(seen) == 1 and seen[0].bytes, seen)
        if row.seen == "=" and len(seen) == 1:
            self.t.check("%s: the server is told the name" % what,
                         (seen[0].sni or "").lower().rstrip(".") ==
                         row.name.lower().rstrip("."), seen)

    def batch(self, cases):
        self.servers.take()
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            made = list(pool.map(lambda c: self.use(
                c[0].client, c[0].role, c[0].port, c[0].name, c[1],
                "silent" in c[0].expected), cases))
        # For who has left early, a server may be dialled yet.
        done = wait_for(lambda: held(self.helpers) <= self.idle, END)
        self.t.check("msb-tlsd has done with them", done, cases)
        if not done:
            self.idle = held(self.helpers)      # That is told once.
        seen = self.servers.take()
        end = time.monotonic() + END
        for s in seen:
            self.t.check("%r ends when the client has" % s, s.ended.wait(
                max(0, end - time.monotonic())), cases)
        places = set()
        for (row, version), outcome in zip(cases, made):
            place = (address(row.role, version), row.port)
            places.add(place)
            self.check(row, version, outcome,
                       [s for s in seen if s.at == place])
        self.t.check("nobody else is dialled", all(
            s.at in places for s in seen), [s for s in seen
                                            if s.at not in places])

    def document(self, name, document, phases, helper=True):
        """All rows of a document."""
        self.t.test = name
        start = time.monotonic()
        self.up(document, name)
        try:
            before = self.helpers = helper_pids("msb-tlsd")
            self.idle = held(before)
            self.t.check("msb-tlsd runs", bool(before) == helper, before)
            for names, rows in phases:
                for each in names:
                    codes = self.resolve(each)
                    self.t.check("%s is resolved" % each,
                                 codes == ["NOERROR"] * 2, codes)
                for cases in batches(rows):
                    self.batch(cases)
            self.t.check("none of msb-tlsd has ended meanwhile",
                         helper_pids("msb-tlsd") == before)
        finally:
            self.helpers = []
            self.down()
        print("  %s: %.1f s" % (name, time.monotonic() - start))

    def close(self):
        self.down()
        self.world.close()


def link(stage):
    """Without a sandbox: the guest's link leads to the host."""
    run("ip", "link", "add", "direct0", "type", "veth", "peer", "name",
        "eth0", "netns", "box")
    for version, bits in ((4, "30"), (6, "64")):
        own, other = ("192.0.2.81", "192.0.2.82") if version == 4 else (
            "2001:db8:9::1", "2001:db8:9::2")
        six = ["nodad"] if version == 6 else []
        run("ip", "addr", "add", own + "/" + bits, "dev", "direct0", *six)
        stage.guest.run("ip", "addr", "add", other + "/" + bits, "dev",
                        "eth0", *six)
        run("ip", "link", "set", "direct0", "up")
        stage.guest.run("ip", "link", "set", "eth0", "up")
        stage.guest.run("ip", "-%d" % version, "route", "add", "default",
                        "via", own)
        stage.world.network.far.run("ip", "-%d" % version, "route", "replace",
                                    other + "/" + ("32" if version == 4 else
                                                   "128"), "via",
                                    "192.0.2.1" if version == 4 else
                                    "2001:db8:1::1")
    for key in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
        stage.m.sysctl(key, "1")
    time.sleep(2)


def direct(stage):
    """The laboratory alone, with the rows that need nobody between."""
    link(stage)
    for name, _, phases in read(os.path.join(os.path.dirname(__file__),
                                             "splice.table"), stage.files):
        stage.t.test = name
        for _, rows in phases:
            for cases in batches([
                    r for r in rows if "leave-half" not in r.client and
                    set(r.expected) & {"own", "ok", "untrusted",
                                       "unverified", "gone"}]):
                stage.batch(cases)
