# SPDX-License-Identifier: GPL-2.0-or-later
"""test_tls.py - Names in TLS under "up": what is spliced, and what is dropped.

Each test is a function of a Machine and a Report. The cases are in
tls/splice.table; what no row can say is here.
"""
import hashlib
import os
import socket
import struct
import sys
import time

from lab import Namespace
from machine import wait_for
from report import main
from tls import clients, hello, live, table
from tls.world import address, content

HERE = os.path.dirname(os.path.abspath(__file__))
NAMED = {"Rules": [{"Action": "allow", "Destination": ".example.com",
                    "Protocols": ["tcp"]}]}


def direct(m, t):
    """The laboratory alone, without a sandbox: with --only direct."""
    stage = table.Stage(m, t)
    try:
        table.direct(stage)
    finally:
        stage.close()


def cases(m, t):
    """Every row of the table; then what lasts longer than a row."""
    stage = table.Stage(m, t)
    try:
        for name, document, phases in table.read(
                os.path.join(HERE, "tls", "splice.table"), stage.files):
            stage.document(name, document, phases)
        for each in (needless, told, ends, bulk, unpaced, capped, applied, killed):
            t.test, start = each.__name__, time.monotonic()
            try:
                each(stage, t)
            finally:
                stage.down()
            print("  %s: %.1f s" % (t.test, time.monotonic() - start))
    finally:
        stage.close()


def needless(stage, t):
    """Where no rule needs a name, nothing runs that reads names."""
    for document in ({"Policy": "public-only"}, {"Policy": "allow-all"},
                     {"Policy": "none"}, {"Rules": [
                         {"Action": "allow", "Destination": "api.example.com",
                          "Protocols": ["udp"]}]},
                     {"Rules": [{"Action": "allow", "Destination": "*"},
                                {"Action": "deny",
                                 "Destination": "ads.example"}]}):
        stage.up(document)
        t.check("%s needs no msb-tlsd" % document,
                not table.helper_pids("msb-tlsd"))
        stage.down()


def told(stage, t):
    """What was denied is written down, and status counts."""
    stage.up({"DefaultEgress": "allow", "DenyDomains": ["ads.example"]})
    begin = len(stage.events())
    stage.use("python", "ads", 443, "ads.example", 4)
    stage.use("hello-twice", "record", 443, "api.example.com", 4)
    stage.use("python", "shared", 443, "api.example.com", 6)
    t.check("the event log has what was denied", wait_for(lambda: any(
        e.get("event") == "denied" and e.get("sni") == "ads.example" and
        e.get("address") == address("ads", 4) and e.get("port") == 443 and
        e.get("rule") == "/DenyDomains/0" for e in stage.events()[begin:])),
        stage.events()[begin:])
    t.check("and what was refused", wait_for(lambda: any(
        e.get("event") == "hello-refused" and e.get("reason")
        for e in stage.events()[begin:])), stage.events()[begin:])
    shown = stage.status()
    t.check("status shows it", shown["health"] == "ok" and
            shown["tls_helper"] == "alive", shown)
    for words in (("status", "--prove", "web"), ("diff", "--live", "web")):
        done = stage.m.netc(*words)
        t.check("%s finds nothing" % " ".join(words[:2]),
                done.returncode == 0, done.stdout + done.stderr)


def ends(stage, t):
    """How one side ends is told to the other, each direction for itself."""
    stage.up(NAMED)
    for name in ("record.example.com", "silent.example.com",
                 "ssh.example.com"):
        stage.resolve(name)
    # Where TLS 1.3 is offered what comes behind waits for the server's answer.
    flight = hello.hello("record.example.com", tls13=False)
    for version in (4, 6):
        # Two seconds after the client has ended, the server still answers.
        sock = clients.connect(stage.guest, address("record", version), 443)
        sock.sendall(flight)
        data = content(300000)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        got = sock.makefile("rb").read()
        t.check("half-close: all was read, and answered", got.startswith(
            b"%d " % (len(flight) + len(data))), got)
        sock.close()
        stage.servers.take()
        for linger, what in ((True, "reset"), (False, "end")):
            sock = clients.connect(stage.guest, address("silent", version),
                                   443)
            sock.sendall(hello.hello("silent.example.com"))
            t.check("the server has it", wait_for(
                lambda: any(s.bytes for s in stage.servers.seen), live.END))
            seen = stage.servers.take()
            if linger:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
            sock.close()
            t.check("a client's %s is the server's" % what,
                    len(seen) == 1 and seen[0].ended.wait(live.END) and isinstance(
                        seen[0].error, ConnectionResetError) == linger, seen)


def bulk(stage, t):
    """Megabytes each way, to a reader that takes its time as well."""
    stage.up(NAMED)
    stage.resolve("api.example.com")
    count = 4 << 20
    data = content(count)
    for version in (4, 6):
        flow = live.Flow(stage, "shared", "api.example.com", version)
        t.check("a download", flow.works(count))
        flow.tls.sendall(b"GET /bytes/%d HTTP/1.1\r\n\r\n" % count)
        time.sleep(0.3)
        t.check("a slow reader", clients.read_answer(
            live.Slow(flow.tls)) == data)
        flow.close()
        flow = live.Flow(stage, "shared", "api.example.com", version)
        flow.tls.sendall(b"POST /sum HTTP/1.1\r\nContent-Length: %d\r\n\r\n" %
                         count + data)
        flow.tls.settimeout(60)
        t.check("an upload", clients.read_answer(flow.tls).decode() ==
                hashlib.sha256(data).hexdigest())
        flow.close()


def unpaced(stage, t):
    """The guest's side is a wire of the machine; the server's has what the host
    has for networks."""
    stage.up(NAMED)
    stage.resolve("api.example.com")
    gateway = Namespace("/run/netns/msb-web")
    with open("/proc/sys/net/ipv4/tcp_congestion_control",
              encoding="ascii") as file:
        host = file.read().strip()
    for version in (4, 6):
        flow = live.Flow(stage, "shared", "api.example.com", version)
        t.check("a flow", flow.works())
        for what, side, want in (("guest", "sport", "reno"),
                                 ("server", "dport", host)):
            told = gateway.run("ss", "-Htin", "-%d" % version, side,
                                       "= :443").split()
            t.check("to the %s: %s" % (what, want), want in told, told)
        flow.close()


def capped(stage, t):
    """MaxConnections counts such flows once."""
    stage.up({**NAMED, "MaxConnections": 3})
    stage.resolve("api.example.com")
    flows = [live.Flow(stage, "shared", "api.example.com") for _ in range(3)]
    t.check("three work", all(f.works() for f in flows))
    made = stage.use("python", "shared", 443, "api.example.com", 4)
    t.check("a fourth is refused", made.word in ("refused", "reset"), made)
    flows.pop().close()
    t.check("when one has ended, another may", live.try_until(
        stage, "python", "shared", "api.example.com", ("own",), 30)
        is not None)
    t.check("those that were there are", all(f.works() for f in flows))
    for flow in flows:
        flow.close()


def applied(stage, t):
    """Another document: each flow that lasts is judged by it."""
    two = {"Rules": NAMED["Rules"] + [
        {"Action": "allow", "Destination": "other.example.net",
         "Protocols": ["tcp"]}]}
    stage.up(two)
    for name in ("api.example.com", "other.example.net"):
        stage.resolve(name)
    api = [live.Flow(stage, "shared", "api.example.com", v) for v in (4, 6)]
    other = [live.Flow(stage, "shared", "other.example.net", v)
             for v in (4, 6)]
    t.check("all work", all(f.works() for f in api + other))
    stage.apply({**two, "MaxConnections": 100})
    t.check("what is allowed as before goes on",
            all(f.works() for f in api + other))
    download = live.Transfer(api[0], 4 << 20)
    for n in range(4):
        stage.apply({**two, "MaxConnections": 90 + n})
    download.join(70)
    t.check("a download under four documents", download.good is True)
    stage.apply(NAMED)
    words = [f.ended() for f in other]
    t.check("what is denied now is cut", words == ["reset"] * 2, words)
    t.check("the rest goes on", all(f.works() for f in api))
    made = stage.use("python", "shared", 443, "other.example.net", 4)
    t.check("nothing new of it passes", made.word == "reset", made)
    stage.apply({"DefaultEgress": "allow", "DenyDomains": ["ads.example"]})
    t.check("under rules of another kind", all(f.works() for f in api))
    stage.apply({"DefaultEgress": "allow", "DenyDomains": ["api.example.com"]})
    words = [f.ended() for f in api]
    t.check("and is cut when it is denied by name", words == ["reset"] * 2,
            words)
    stage.apply(two)
    for name in ("api.example.com", "other.example.net"):
        stage.resolve(name)
    api = live.Flow(stage, "shared", "api.example.com")
    stage.apply({"Policy": "none"})
    t.check("under none it is dead", not api.works(100))


def killed(stage, t):
    """SIGKILL: flows end, nothing passes, and all is back."""
    stage.up(NAMED)
    for name in ("api.example.com", "record.example.com"):
        stage.resolve(name)
    live.kills(stage, t, "shared", "api.example.com",
               ("record", "other.example.net"), "own")


if __name__ == "__main__":
    main(__doc__, (direct,) if "direct" in sys.argv else (cases,))
