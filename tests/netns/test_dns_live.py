# SPDX-License-Identifier: GPL-2.0-or-later
"""test_dns_live.py - Names under "up", "apply", "run" and "down".

    test_dns_live.py MSB-NETC UP_FAULT APPLY_FAULT [--only TEST] [--rounds N]

Each test is a function of a Machine and a Report. A name server, which is this
program, is on an address of the host; what is resolved is served by a machine
beyond the host.
"""
import concurrent.futures
import glob
import ipaddress
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.rrset

from dnsd import Channel, Server, wait_until
from lab import Namespace, json_lines, run
from machine import STATE
from peers import Echo, Network, ask, connect
from report import main, settled, unchanged

IP_PKTINFO = 8
# What is to come may take that long on a busy machine, and is not waited for longer
# than this if it is not to.
PATIENCE, SILENCE = 20.0, 0.4
SERVER, OTHER = "192.0.2.53", "192.0.2.54"
GATEWAY = {4: "172.16.0.1", 6: "fd42:6d73:62::1"}
# Addresses of the machine beyond the host, by name.
ZONE = {"api.example.com": "198.51.100.7", "www.example.net": "198.51.100.8",
        "cdn.example.org": "198.51.100.9", "ads.example": "198.51.100.10",
        "new.example.com": "198.51.100.11", "inside.example.com": "192.168.1.1"}


def answer(query, _stream):
    """What the scripted name server says."""
    question = query.question[0]
    name = question.name.to_text().rstrip(".").lower()
    made = dns.message.make_response(query)
    if name == "alias.example.com":
        made.answer.append(dns.rrset.from_text(
            question.name, 300, "IN", "CNAME", "ads.example."))
        made.answer.append(dns.rrset.from_text(
            "ads.example.", 300, "IN", "A", ZONE["ads.example"]))
    elif name not in ZONE:
        made.set_rcode(dns.rcode.NXDOMAIN)
    elif question.rdtype == dns.rdatatype.A:
        made.answer.append(dns.rrset.from_text(
            question.name, 300, "IN", "A", ZONE[name]))
    return made.to_wire()


class Stage:
    """A sandbox "web", name servers, and a machine beyond the host."""

    def __init__(self, m, document, answers=answer):
        self.m = m
        self.host = Namespace("/proc/thread-self/ns/net")
        self.guest = m.guest("box")
        self.network = Network()
        for address in (SERVER, OTHER):
            run("ip", "addr", "add", address + "/32", "dev", "lo")
        self.network.far.run("ip", "link", "set", "lo", "up")
        for address in ZONE.values():
            self.network.far.run("ip", "addr", "add", address + "/32", "dev",
                                 "lo")
        run("ip", "route", "add", "198.51.100.0/24", "via", "192.0.2.2")
        self.servers = [Server(address, answers)
                        for address in (SERVER, OTHER)]
        self.echo = Echo(self.network.far,
                         [(p, address, 7777) for p in ("tcp", "udp")
                          for address in ZONE.values()])
        m.good("up", "web", self.document(document), "--guest-netns", "box")

    def document(self, content):
        return self.m.document("stage", {
            "DNS": {"Nameservers": [SERVER]}, **content})

    def resolve(self, name, kind="A", patience=20.0):
        """The answer's code and addresses; None if there is no answer."""
        with self.guest:
            try:
                said = dns.query.udp(dns.message.make_query(
                    name, kind, use_edns=0), GATEWAY[4], patience)
            except (dns.exception.Timeout, OSError):
                return None
        return dns.rcode.to_text(said.rcode()), [
            data.to_text() for rrset in said.answer for data in rrset]

    def dig(self, name, *words, at=GATEWAY[4]):
        """The same by another program."""
        done = subprocess.run(
            ["ip", "netns", "exec", "box", "dig", "+tries=1", "+timeout=15",
             "@" + at, name, *words], stdout=subprocess.PIPE, text=True,
            check=False, timeout=30)
        if "status: " not in done.stdout:
            return None
        code = done.stdout.split("status: ")[1].split(",")[0]
        return code, [line.split()[-1] for line in done.stdout.splitlines()
                      if line and line[0] != ";" and "\tSOA\t" not in line]

    def reach(self, name):
        """Whether what is to be reached is."""
        return isinstance(ask(self.guest, "udp", ZONE[name], 7777, PATIENCE),
                          tuple)

    def unreached(self, *names, proto="udp"):
        """Whether what is not to be reached is not, none of it."""
        with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
            return all(isinstance(said, str) for said in pool.map(
                lambda name: ask(self.guest, proto, ZONE[name], 7777, SILENCE),
                names))

    def apply(self, content):
        return json.loads(self.m.good("apply", "--json", "web",
                                      self.document(content)))

    def status(self):
        return json.loads(self.m.netc("status", "--json", "web").stdout)

    def events(self):
        return json_lines(STATE + "/events.log")

    def close(self):
        self.m.good("down", "web")
        self.echo.close()
        for server in self.servers:
            server.close()
        run("ip", "addr", "del", SERVER + "/32", "dev", "lo")
        run("ip", "addr", "del", OTHER + "/32", "dev", "lo")
        self.network.close()
        self.host.close()


def helpers():
    """Processes of msb-dnsd, and of supervisors, of this laboratory."""
    found, here = [], os.readlink("/proc/thread-self/ns/net")
    for path in glob.glob("/proc/[0-9]*/comm"):
        try:
            with open(path, encoding="utf-8") as file:
                name = file.read().strip()
            with open(os.path.dirname(path) + "/cmdline", "rb") as file:
                words = file.read().split(b"\0")
            if os.readlink(os.path.dirname(path) + "/ns/net") != here:
                continue
        except OSError:
            continue
        if name in ("msb-dnsd", "msb-supervised") and b"web" in words:
            found.append(int(path.split("/")[2]))
    return sorted(found)


def public_only(m, t):
    """Every name is resolved, but to what is inside; and it works at once."""
    stage = Stage(m, {"Policy": "public-only"})
    try:
        for at in GATEWAY.values():
            for over in ((), ("+tcp",)):
                t.check("a name is resolved at %s %s" % (at, over), stage.dig(
                    "api.example.com", *over, at=at) == (
                        "NOERROR", [ZONE["api.example.com"]]))
        t.check("one that leads inside is not",
                stage.dig("inside.example.com") == ("NXDOMAIN", []))
        t.check("nor one that is not there",
                stage.dig("nothing.example") == ("NXDOMAIN", []))
        t.check("the host's alias is the gateway",
                stage.dig("host.microsandbox.internal") == (
                    "NOERROR", [GATEWAY[4]]))
        t.check("another resolver may be asked, if it is public",
                stage.dig("api.example.com", at=OTHER) == (
                    "NOERROR", [ZONE["api.example.com"]]) and
                stage.servers[1].asked)
        t.check("what is resolved is reached",
                stage.reach("api.example.com"))
        shown = stage.status()
        t.check("status shows it", shown["health"] == "ok" and
                shown["dns_helper"] == "alive" and
                shown["helpers"] == "none", shown)
        t.check("three processes", len(helpers()) == 3, helpers())
    finally:
        stage.close()
    t.check("none is left", wait_until(lambda: not helpers()), helpers())


def domain_rules(m, t):
    """Names are allowed and denied, and addresses are pinned in time."""
    names = {"DenyDomains": ["ads.example"], "Rules": [
        {"Action": "allow", "Destination": ".example.com",
         "Protocols": ["udp"]},
        {"Action": "allow", "Destination": "www.example.net",
         "Protocols": ["udp"]}]}
    stage = Stage(m, names)
    try:
        t.check("before it is resolved an address is out of reach",
                stage.unreached("api.example.com"))
        for name in ("api.example.com", "www.example.net"):
            t.check("%s is resolved" % name, stage.resolve(name) == (
                "NOERROR", [ZONE[name]]))
            t.check("and reached at once", stage.reach(name))
        for name in ("ads.example", "cdn.example.org", "alias.example.com"):
            t.check("%s is denied" % name,
                    stage.resolve(name) == ("NXDOMAIN", []))
        t.check("the name server is not asked for what is denied",
                not any(name and name[0].startswith(("ads.", "cdn."))
                        for name in stage.servers[0].asked))
        t.check("and not reached", stage.unreached("cdn.example.org",
                                                   "ads.example"))
        t.check("TCP is allowed by no rule",
                stage.unreached("api.example.com", proto="tcp"))
        pins = stage.status()["pins"]
        t.check("status lists pins", sorted(
            (p["name"], p["address"]) for p in pins) == sorted(
                (n, ZONE[n]) for n in ("api.example.com",
                                       "www.example.net")), pins)
        t.check("so do the sets", commented(stage) == pinned(stage) != {},
                commented(stage))
        # In whole seconds of the clock, so one more than it was given.
        t.check("with a remaining life",
                all(0 < p["seconds"] <= 361 for p in pins), pins)
        t.check("for people too", "pin         %s api.example.com, 3" %
                ZONE["api.example.com"] in m.good("status", "web"),
                m.good("status", "web"))
        t.check("and the log has what was denied", wait_until(lambda: any(
            e.get("event") == "dns-denied" and e["name"] == "cdn.example.org"
            for e in stage.events())))
        for words in (("status", "--prove", "web"), ("diff", "--live", "web")):
            done = m.netc(*words)
            t.check("pins are no difference for %s" % " ".join(words[:2]),
                    done.returncode == 0, done.stdout + done.stderr)
        died(stage, t)
        unsupervised(stage, t, names)
        failed(m, stage, t, names)
        changed(stage, t, names)
    finally:
        stage.close()
    t.check("no table of names is left", not os.listdir(STATE + "/shared"))


def answered(stage, name, seconds=PATIENCE):
    """Ask until there is an answer with addresses: after how long; None: none.
    """
    begun = time.monotonic()
    with stage.guest.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((GATEWAY[4], 53))
        sock.settimeout(0.05)
        while time.monotonic() < begun + seconds:
            sock.send(dns.message.make_query(name, "A").to_wire())
            try:
                said = dns.message.from_wire(sock.recv(4096))
            except socket.timeout:
                continue
            if said.answer:
                return time.monotonic() - begun
            time.sleep(0.01)
    return None


def dnsd():
    """The two processes of msb-dnsd: monitor and worker."""
    return [pid for pid in helpers() if "dnsd" in comm(pid)]


def died(stage, t):
    """A helper that is killed is back, and the pins never went."""
    named = {ZONE[n]: n for n in ("api.example.com", "www.example.net")}
    pins, all_took = set(named), []
    for which, name in enumerate(("monitor", "worker")):
        before = dnsd()
        t.check("two processes of msb-dnsd", len(before) == 2, before)
        os.kill(before[which], signal.SIGKILL)
        start = time.monotonic()
        t.check("what is pinned is reached while the %s is away" % name,
                stage.reach("api.example.com"))
        # Neither answers any more: the one that was not killed ends as well.
        wait_until(lambda b=before: not set(b) & set(helpers()))
        took = answered(stage, "www.example.net") and time.monotonic() - start
        t.check("the %s is back" % name, took, took)
        all_took.append(took or PATIENCE)
        t.check("both are new", not set(before) & set(dnsd()), dnsd())
        t.check("pins are listed still, with their names",
                pinned(stage) == named, pinned(stage))
    all_took.append(away(stage, t, pins))
    # A machine that is busy is not all the time.
    t.check("it is back within a second", min(all_took) < 1, all_took)


def away(stage, t, pins):
    """As long as it is away queries time out, and nothing else is different."""
    supervisor = [p for p in helpers() if "supervised" in comm(p)][0]
    before, seen = dnsd(), settled(stage.m)
    os.kill(supervisor, signal.SIGSTOP)
    try:
        os.kill(before[1], signal.SIGKILL)
        t.check("without the worker the monitor ends, too", wait_until(
            lambda: all(gone(pid) for pid in before)), before)
        t.check("while it is away queries time out",
                answered(stage, "www.example.net", 0.5) is None)
        for name, reached in (("api.example.com", True),
                              ("cdn.example.org", False)):
            t.check("%s is %s while it is away" % (
                name, "reached" if reached else "out of reach"),
                    stage.reach(name) if reached else stage.unreached(name))
        unchanged(stage.m, t, "while it is away", seen)
        listed = run("ip", "netns", "exec", "msb-web", "nft", "list",
                     "ruleset")
        t.check("pins are in the kernel while it is away",
                all(address in listed for address in pins), listed)
    finally:
        start = time.monotonic()
        os.kill(supervisor, signal.SIGCONT)
    took = answered(stage, "www.example.net") and time.monotonic() - start
    t.check("it is back after that", took, took)
    return took or PATIENCE


def gone(pid):
    """Whether a process has ended, also if nobody has looked at it since."""
    try:
        with open("/proc/%d/stat" % pid, encoding="utf-8") as file:
            return file.read().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def unsupervised(stage, t, names):
    """Without its supervisor there is no msb-dnsd, and status says so."""
    pid = [p for p in helpers() if "supervised" in comm(p)]
    os.kill(pid[0], signal.SIGKILL)
    t.check("all of them end", wait_until(lambda: not helpers()), helpers())
    t.check("then nobody answers",
            stage.resolve("api.example.com", patience=SILENCE) is None)
    t.check("what is pinned is reached still",
            stage.reach("api.example.com"))
    shown = stage.status()
    t.check("status says what is missing", shown["health"] == "broken" and
            "msb-dnsd" in shown["missing"], shown)
    made = stage.apply(names)
    t.check("apply starts it, and the pins were there all the time",
            made["dns_helper"] == "start" and
            stage.reach("www.example.net") and stage.resolve("api.example.com")[0] == "NOERROR" and
            pinned(stage) == {ZONE[n]: n for n in (
                "api.example.com", "www.example.net")}, made)


def failed(m, stage, t, names):
    """Whatever operation of "apply" fails, the old names are in force."""
    path = m.document("failed", {**names, "Rules": names["Rules"][1:],
                                 "DNS": {"Nameservers": [SERVER]}})
    operations = 0
    for n in range(1, 60):
        done = subprocess.run([m.faults[1], STATE, "web", path, str(n)],
                              stderr=subprocess.PIPE, text=True, timeout=60,
                              check=False)
        if done.returncode == 0:
            break
        operations += 1
        t.check("operation %d: names are as before" % n,
                stage.resolve("api.example.com") == (
                    "NOERROR", [ZONE["api.example.com"]]) and
                stage.reach("api.example.com"), done.stderr)
    t.check("there were operations, and an end", 5 < operations < 59,
            operations)
    t.check("then the new ones are", stage.resolve("api.example.com") == (
        "NXDOMAIN", []) and stage.unreached("api.example.com"))
    stage.apply(names)
    t.check("and back", stage.resolve("api.example.com")[0] == "NOERROR" and
            stage.reach("api.example.com") and
            stage.resolve("www.example.net")[0] == "NOERROR")


def pinned(stage):
    """Addresses, and whose they are."""
    return {p["address"]: p["name"] for p in stage.status()["pins"]}


def commented(stage):
    """The same, as the elements of the sets say."""
    text = run("ip", "netns", "exec", "msb-web", "nft", "list", "table",
               "inet", "msb")
    return dict(re.findall(r'([0-9a-f.:]+) timeout \w+ expires \w+ '
                           r'comment "([^"]*)"', text))


def comm(pid):
    try:
        with open("/proc/%d/comm" % pid, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def changed(stage, t, names):
    """Other names: what still counts is kept, what does not is dropped."""
    document = {**names, "DenyDomains": [], "Rules": [
        {"Action": "allow", "Destination": "cdn.example.org",
         "Protocols": ["udp"]}, names["Rules"][0]]}
    made = stage.apply(document)
    t.check("apply reloads msb-dnsd", made["dns_helper"] == "reload", made)
    done = stage.m.netc("diff", "--live", "web")
    t.check("what was added in front is no difference",
            done.returncode == 0, done.stdout)
    t.check("a pin that counts still is kept",
            stage.reach("api.example.com") and
            pinned(stage) == {ZONE["api.example.com"]: "api.example.com"} ==
            commented(stage), pinned(stage))
    t.check("one that does not is gone",
            stage.unreached("www.example.net") and
            stage.resolve("www.example.net") == ("NXDOMAIN", []))
    t.check("a new name is resolved and reached",
            stage.resolve("cdn.example.org")[0] == "NOERROR" and
            stage.reach("cdn.example.org"))
    made = stage.apply({"Policy": "none"})
    t.check("nothing can be asked: msb-dnsd is stopped",
            made["dns_helper"] == "stop" and not helpers(), helpers())
    t.check("nobody answers", stage.resolve("api.example.com",
                                            patience=SILENCE) is None)
    made = stage.apply(names)
    t.check("and started again", made["dns_helper"] == "start" and
            stage.resolve("api.example.com")[0] == "NOERROR", made)
    made = stage.apply({"Rules": [
        {"Action": "allow", "Destination": "host", "Protocols": ["tcp"],
         "Ports": ["9000"]}]})
    t.check("one helper takes the other's place",
            (made["dns_helper"], made["helpers"]) == ("stop", "start"), made)


def held(m, t):
    """While the ruleset is looked at msb-dnsd leaves it alone."""
    stage = Stage(m, {"Rules": [
        {"Action": "allow", "Destination": ".example.com",
         "Protocols": ["udp"]}]})
    channels = [Channel(STATE + "/sandboxes/web/dns-supervisor.sock")
                for _ in range(2)]
    try:
        known = stage.resolve("api.example.com")
        for channel in channels:
            t.check("it can be held", channel.ask("hold") == ("ok", ""))
        t.check("what is pinned is answered", known[0] == "NOERROR" and
                stage.resolve("api.example.com") == known and
                stage.reach("api.example.com"))
        waiting = Waiting(stage, "new.example.com")
        t.check("what is to be pinned waits", not waiting.answered(0.3))
        t.check("what is denied does not",
                stage.resolve("cdn.example.org") == ("NXDOMAIN", []))
        t.check("it can be asked how it is", stage.status()["health"] == "ok")
        channels.pop().mine.close()
        t.check("as long as anybody looks", not waiting.answered(0.3))
        channels.pop().mine.close()
        t.check("then it is answered", waiting.answered(PATIENCE) and
                stage.reach("new.example.com"))
        waiting.sock.close()
    finally:
        for channel in channels:
            channel.mine.close()
        stage.close()


class Waiting:
    """A query, asked once, whose answer may take its time."""

    def __init__(self, stage, name):
        self.sock = stage.guest.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((GATEWAY[4], 53))
        self.sock.send(dns.message.make_query(name, "A").to_wire())

    def answered(self, seconds):
        self.sock.settimeout(seconds)
        try:
            return bool(dns.message.from_wire(self.sock.recv(4096)).answer)
        except socket.timeout:
            return False


def resolv_conf(m, t):
    """Without name servers in the document the host's are asked, as they are
    now."""
    path = m.document("resolv", {})
    with open(path, "w", encoding="utf-8") as file:
        file.write("nameserver %s\n" % SERVER)
    run("mount", "--bind", path, "/etc/resolv.conf")
    stage = None
    try:
        stage = Stage(m, {"Policy": "public-only", "DNS": {}})
        t.check("the host's name server is asked",
                stage.resolve("api.example.com")[0] == "NOERROR" and
                stage.servers[0].asked and not stage.servers[1].asked)
        with open(path, "w", encoding="utf-8") as file:
            file.write("nameserver %s\n" % OTHER)
        t.check("then the other one", wait_until(lambda: (
            stage.resolve("www.example.net"), stage.servers[1].asked)[1]))
        before = [pid for pid in helpers() if "dnsd" in comm(pid)]
        os.kill(before[0], signal.SIGKILL)
        del stage.servers[0].asked[:]
        t.check("which one that is started anew knows as well",
                wait_until(lambda: stage.resolve("cdn.example.org",
                                                 patience=1) is not None) and
                not stage.servers[0].asked)
    finally:
        if stage:
            stage.close()
        run("umount", "/etc/resolv.conf")


def unwatched(m, t):
    """No inotify instance is needed: a user has but 128 of them."""
    path = m.document("resolv", {})
    with open(path, "w", encoding="utf-8") as file:
        file.write("nameserver %s\n" % SERVER)
    run("mount", "--bind", path, "/etc/resolv.conf")
    stage = Stage(m, {"Policy": "none"})
    try:
        # The supervisor is a child of this "apply".
        done = subprocess.run(
            [os.path.join(os.path.dirname(m.faults[1]), "without_inotify")] +
            m.command("apply", "web", m.document("looked", {
                "Policy": "public-only"})),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            timeout=60, check=False)
        t.check("it comes up", done.returncode == 0, done.stderr)
        t.check("the host's name server is asked",
                stage.resolve("api.example.com")[0] == "NOERROR" and
                stage.servers[0].asked and not stage.servers[1].asked)
        with open(path, "w", encoding="utf-8") as file:
            file.write("nameserver %s\n" % OTHER)
        t.check("then the other one", wait_until(lambda: (
            stage.resolve("www.example.net"), stage.servers[1].asked)[1]))
    finally:
        stage.close()
        run("umount", "/etc/resolv.conf")


def named_server(m, t):
    """A name server that the document names, by what the host knows of it."""
    server = Server("127.0.0.1", answer, port=5300)
    stage = Stage(m, {"Policy": "public-only",
                      "DNS": {"Nameservers": ["localhost:5300"]}})
    try:
        t.check("it is asked", stage.resolve("api.example.com") == (
            "NOERROR", [ZONE["api.example.com"]]) and server.asked and
            not stage.servers[0].asked, server.asked)
        done = m.netc("apply", "web", stage.document({
            "Policy": "public-only",
            "DNS": {"Nameservers": ["nobody.invalid"]}}))
        t.check("one that is not found is refused", done.returncode == 1 and
                "/DNS/Nameservers/0: nobody.invalid" in done.stderr,
                done.stderr)
        t.check("and nothing is changed", stage.resolve("www.example.net") == (
            "NOERROR", [ZONE["www.example.net"]]))
    finally:
        stage.close()
        server.close()


def moved_server(m, t):
    """A name server that has a name, which leads to another address later."""
    paths = [m.document(name, {}) for name in ("resolv", "hosts")]

    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    write(paths[0], "nameserver %s\n" % SERVER)
    write(paths[1], "127.0.0.1 localhost\n")
    run("mount", "--bind", paths[0], "/etc/resolv.conf")
    run("mount", "--bind", paths[1], "/etc/hosts")
    stage, third = Stage(m, {"Policy": "none"}), "192.0.2.55"
    run("ip", "addr", "add", third + "/32", "dev", "lo")
    # Those of the guest are asked at another port than the host's.
    servers = [Server(a, answer, 5355) for a in (SERVER, OTHER, third)]

    def goes_to(which):
        """Whether a query of the guest comes to one of the servers alone."""
        def there():
            for server in servers:
                del server.asked[:]
            stage.resolve("api.example.com", patience=1)
            return [bool(s.asked) for s in servers] == [
                i == which for i in range(3)]
        return wait_until(there)
    try:
        ZONE["ns.example.com"] = OTHER
        document = {"Policy": "public-only",
                    "DNS": {"Nameservers": ["ns.example.com:5355"]}}
        path = m.document("named", document)
        m.good("apply", "web", path)
        t.check("it is asked where its name leads", goes_to(1))
        ZONE["ns.example.com"] = SERVER
        write(paths[0], "nameserver %s\n# again\n" % SERVER)
        t.check("then where it leads now", goes_to(0))
        write(paths[1], "127.0.0.1 localhost\n%s x NS.example.com # y\n" %
              third)
        t.check("or where hosts(5) says", goes_to(2))
        before = [pid for pid in helpers() if "dnsd" in comm(pid)]
        os.kill(before[0], signal.SIGKILL)
        t.check("also after a restart", goes_to(2))
        del stage.servers[0].asked[:]
        m.good("apply", "web", path)
        t.check("and an apply, of which hosts(5) is asked first",
                goes_to(2) and not stage.servers[0].asked,
                stage.servers[0].asked)
        write(paths[1], "127.0.0.1 localhost\n")
        t.check("and without that, again where its name leads", goes_to(0))
    finally:
        del ZONE["ns.example.com"]
        stage.close()
        for server in servers:
            server.close()
        run("ip", "addr", "del", third + "/32", "dev", "lo")
        run("umount", "/etc/resolv.conf")
        run("umount", "/etc/hosts")


def host_by_name(m, t):
    """A rule about the host's name leads to its loopback, once it is asked."""
    alias = "host.microsandbox.internal"
    rules = [{"Action": "allow", "Destination": ".microsandbox.internal",
              "Ports": ["9001"]}, {"Action": "allow", "Destination": "host",
                                   "Protocol": "udp", "Ports": ["53", "9002"]}]
    stage = Stage(m, {"Rules": rules})
    servers = Echo(stage.host, [("udp", "127.0.0.1", port)
                                for port in (9001, 9002, 9003)])
    flow = connect(stage.guest, "udp", GATEWAY[4], 9001)

    def alive(patience=PATIENCE):
        """Whether one flow, which goes on, has its answers."""
        flow.settimeout(patience)
        flow.send(b"?")
        try:
            return flow.recv(200).split()[0] == b"127.0.0.1"
        except OSError:
            return False

    def reaches(*ports):
        """Those alone, in both families; all are asked at once."""
        ways = [(v, port) for v in (4, 6) for port in (9001, 9002, 9003)]
        with concurrent.futures.ThreadPoolExecutor(len(ways)) as pool:
            got = pool.map(lambda way: isinstance(ask(
                stage.guest, "udp", GATEWAY[way[0]], way[1],
                PATIENCE if way[1] in ports else SILENCE), tuple), ways)
            return [way[1] for way, is_ in zip(ways, got) if is_] == \
                list(ports) * 2
    try:
        t.check("before it is asked for, what no name is needed for",
                reaches(9002))
        t.check("it leads to the gateway", [stage.resolve(alias, kind)[1]
                                            for kind in ("A", "AAAA")] ==
                [[GATEWAY[4]], [GATEWAY[6]]])
        t.check("then what the rule allows", reaches(9001, 9002))
        t.check("a flow", alive())
        stage.apply({"Rules": rules, "MaxConnections": 50})
        t.check("goes on under another policy with that rule", alive())
        stage.apply({"Rules": rules[1:]})
        t.check("and not under one without", not alive(SILENCE) and
                reaches(9002))
        stage.apply({"Rules": [{"Action": "allow", "Protocol": "udp",
                                "Destination": ".example.com"}]})
        t.check("another name leads to no helper",
                stage.status()["helpers"] == "none")
    finally:
        flow.close()
        servers.close()
        stage.close()


def shared_names(m, t):
    """Two sandboxes with the same denied names have them once."""
    document = m.document("shared", {
        "Policy": "public-only", "DNS": {"Nameservers": [SERVER]},
        "DenyDomains": ["n%d.example" % i for i in range(2000)]})
    m.guest("box")
    m.guest("box2")
    m.good("up", "web", document, "--guest-netns", "box")
    m.good("up", "web2", document, "--guest-netns", "box2")
    found = {os.stat(p).st_ino for p in glob.glob(
        STATE + "/sandboxes/web*/names-*.bin") + glob.glob(
            STATE + "/shared/*")}
    t.check("one file", len(found) == 1, found)
    m.good("down", "web")
    t.check("it stays for the other", len(os.listdir(STATE + "/shared")) == 1)
    m.good("down", "web2")
    t.check("and goes with that", not os.listdir(STATE + "/shared"))


def nothing_left(m, t):
    """Down leaves nothing, and neither does "run"."""
    guest = m.guest("box")
    guest.run("ip", "link", "set", "lo", "up")
    before = settled(m)
    document = m.document("left", {
        "DNS": {"Nameservers": [SERVER]}, "DenyDomains": ["ads.example"],
        "Policy": "public-only"})
    m.good("up", "web", document, "--guest-netns", "box")
    m.good("down", "web")
    unchanged(m, t, "up and down", before)
    done = m.netc("run", document, "--", "true")
    t.check("run works", done.returncode == 0, done.stderr)
    unchanged(m, t, "run", before)


# Whose names have addresses where; the last one has none that is asked for.
ZONES = {"example.com": (ipaddress.ip_address("198.51.100.0"),
                         ipaddress.ip_address("2001:db8:100::")),
         "example.net": (ipaddress.ip_address("203.0.113.0"),
                         ipaddress.ip_address("2001:db8:200::")),
         "example.org": (ipaddress.ip_address("203.0.113.128"),
                         ipaddress.ip_address("2001:db8:300::"))}
# Rounds until every pin is taken away, so that each one was needed: as many as
# there are IPv4 addresses for them, twice.
PERIOD = 240


def numbered_address(number, zone):
    """The address of nN.ZONE: IPv4 of even ones, IPv6 of the others."""
    if number % 2:
        return ZONES[zone][1] + number
    return ZONES[zone][0] + 1 + number // 2 % (PERIOD // 2)


def numbered(query, _stream):
    """What the scripted name server says of nN.ZONE."""
    made = dns.message.make_response(query)
    question = query.question[0]
    label, _, zone = question.name.to_text().rstrip(".").lower().partition(".")
    address = numbered_address(int(label[1:]), zone)
    if question.rdtype == (dns.rdatatype.A if address.version == 4
                           else dns.rdatatype.AAAA):
        made.answer.append(dns.rrset.from_text(
            question.name, 300, "IN", question.rdtype, str(address)))
    return made.to_wire()


class Witness(threading.Thread):
    """Answers datagrams to any address of a namespace; keeps what is bad."""

    def __init__(self, namespace, ports):
        super().__init__(daemon=True)
        self.bad, self.good, self.closed, self.sockets = [], 0, False, []
        for port in ports:
            for kind, level, option in (
                    (socket.AF_INET, socket.SOL_IP, IP_PKTINFO),
                    (socket.AF_INET6, socket.IPPROTO_IPV6,
                     socket.IPV6_RECVPKTINFO)):
                sock = namespace.socket(kind, socket.SOCK_DGRAM)
                if kind == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.setsockopt(level, option, 1)
                sock.bind(("", port))
                self.sockets.append(sock)
        self.start()

    def run(self):
        while not self.closed:
            for sock in select.select(self.sockets, [], [], 0.1)[0]:
                data, said, _, peer = sock.recvmsg(200, 200)
                if not data.startswith(b"good"):
                    self.bad.append(data)
                    continue
                self.good += 1
                # From the address that it came to (IP_PKTINFO).
                if sock.family == socket.AF_INET:
                    said = [(level, kind, b"\0" * 4 + info[8:12] + b"\0" * 4)
                            for level, kind, info in said]
                sock.sendmsg([data], said, 0, peer)

    def close(self):
        self.closed = True
        self.join()
        for sock in self.sockets:
            sock.close()


class Rounds:
    """Names that are resolved, and their addresses that are asked right then."""

    def __init__(self, guest):
        self.guest, self.lost, self.sent = guest, [], 0
        self.dns = guest.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.dns.connect((GATEWAY[4], 53))
        self.dns.settimeout(PATIENCE)

    def resolve(self, number, zone):
        """Whether it has the address that it should; it is asked once."""
        address = numbered_address(number, zone)
        query = dns.message.make_query("n%d.%s" % (number, zone),
                                       "A" if address.version == 4 else "AAAA")
        self.dns.send(query.to_wire())
        try:
            while True:
                said = self.dns.recv(4096)
                if said[:2] == query.to_wire()[:2]:
                    break
        except socket.timeout:
            said = b""
        if not said.endswith(address.packed):
            self.lost.append("n%d.%s is not resolved" % (number, zone))
        return str(address)

    def bad(self, sock, address, what):
        """A datagram that must not arrive."""
        sock.sendto(b"bad: " + what.encode(), (str(address), 7777))
        self.sent += 1

    def good(self, sock, address, port, number):
        """One that must, and is sent once; so must its answer."""
        data = b"good %d" % number
        sock.sendto(data, (address, port))
        try:
            arrived = sock.recv(200) == data
        except OSError:
            arrived = False
        if not arrived:
            self.lost.append("%s port %d, round %d" % (address, port, number))

    def round(self, number):
        address = numbered_address(number, "example.com")
        with self.guest.socket(socket.AF_INET if address.version == 4
                               else socket.AF_INET6,
                               socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            # A flow to this address that was allowed before is another one.
            sock.bind(("", 10000 + number // PERIOD % 50000))
            self.bad(sock, address, "round %d, not resolved yet" % number)
            self.good(sock, self.resolve(number, "example.com"), 7777, number)
            if number // 2 % 4 == 0:
                self.bad(sock, self.resolve(number, "example.org"),
                         "round %d, of a name that no rule selects" % number)
                address = self.resolve(number, "example.net")
                self.bad(sock, address, "round %d, of another rule's name" %
                         number)
                self.good(sock, address, 7778, number)


def raced(m, t):
    """What is resolved is let through from the next packet on, and nothing else:
    N names are resolved and their addresses asked right then."""
    rules = [{"Action": "allow", "Destination": "." + zone,
              "Protocols": ["udp"], "Ports": [port]} for zone, port in (
                  ("example.com", "7777"), ("example.net", "7778"))]
    host = {"Action": "allow", "Destination": "host", "Protocols": ["udp"],
            "Ports": ["53"]}
    stage, witness = Stage(m, {"Rules": rules + [host]}, numbered), None
    far, begun = stage.network.far, time.monotonic()
    try:
        run("ip", "route", "add", "203.0.113.0/24", "via", "192.0.2.2")
        far.run("ip", "route", "add", "local", "203.0.113.0/24", "dev", "lo")
        far.run("ip", "route", "add", "local", "198.51.100.0/24", "dev", "lo")
        for zone in ZONES.values():
            run("ip", "-6", "route", "add", "%s/48" % zone[1], "via",
                "2001:db8:1::2")
            far.run("ip", "-6", "route", "add", "local", "%s/48" % zone[1],
                    "dev", "lo")
        far.sysctl("net/ipv6/ip_nonlocal_bind", "1")
        stage.echo.close()
        witness = Witness(far, (7777, 7778))
        rounds = Rounds(stage.guest)
        for number in range(m.args.rounds):
            if number % PERIOD == PERIOD - 1:
                stage.apply({"Rules": [host]})
                stage.apply({"Rules": rules + [host]})
            rounds.round(number)
        # Whatever is on its way is there by then.
        rounds.good(rounds.guest.socket(socket.AF_INET, socket.SOCK_DGRAM),
                    str(numbered_address(m.args.rounds - 2, "example.com")),
                    7777, 0)
        print("%d rounds, %d answers or datagrams missing; %d datagrams that "
              "must not arrive, %d did; %.0f s" % (
                  m.args.rounds, len(rounds.lost), rounds.sent,
                  len(witness.bad), time.monotonic() - begun))
        t.check("every name is resolved, and reached at once",
                not rounds.lost and witness.good > m.args.rounds,
                rounds.lost[:5])
        t.check("nothing else is", not witness.bad, witness.bad[:5])
    finally:
        if witness:
            witness.close()
        stage.close()


if __name__ == "__main__":
    main(__doc__, (public_only, domain_rules, held, resolv_conf, unwatched,
                   named_server, moved_server, host_by_name, shared_names,
                   raced, nothing_left),
         [("--rounds", {"type": int, "default": 300,
                        "help": "names that are resolved and reached"})])
