# SPDX-License-Identifier: GPL-2.0-or-later
"""test_dns_live.py - Names under "up", "apply", "run" and "down".

Each test is a function of a Machine and a Report. A name server, which is this
program, is on an address of the host; what is resolved is served by a machine
beyond the host.
"""
import glob
import json
import os
import re
import signal
import subprocess
import time

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from dnsd import Server, wait_until
from lab import Namespace, run
from machine import STATE
from peers import Echo, Network, ask
from report import main, settled, unchanged

SERVER, OTHER = "192.0.2.53", "192.0.2.54"
GATEWAY = {4: "172.16.0.1", 6: "fd42:6d73:62::1"}
# Addresses of the machine beyond the host, by name.
ZONE = {"api.example.com": "198.51.100.7", "www.example.net": "198.51.100.8",
        "cdn.example.org": "198.51.100.9", "ads.example": "198.51.100.10",
        "inside.example.com": "192.168.1.1"}


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

    def __init__(self, m, document, **words):
        self.m, self.words = m, words
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
        self.servers = [Server(address, answer) for address in (SERVER, OTHER)]
        self.echo = Echo(self.network.far,
                         [(p, address, 7777) for p in ("tcp", "udp")
                          for address in ZONE.values()])
        m.good("up", "web", self.document(document), "--guest-netns", "box")

    def document(self, content):
        return self.m.document("stage", {
            "DNS": {"Nameservers": [SERVER]}, **content})

    def dig(self, name, *words, at=GATEWAY[4]):
        """The answer's code and addresses; None if there is no answer."""
        done = subprocess.run(
            ["ip", "netns", "exec", "box", "dig", "+tries=1", "+timeout=3",
             "@" + at, name, *words], stdout=subprocess.PIPE, text=True,
            check=False, timeout=20)
        if "status: " not in done.stdout:
            return None
        code = done.stdout.split("status: ")[1].split(",")[0]
        return code, [line.split()[-1] for line in done.stdout.splitlines()
                      if line and line[0] != ";" and "\tSOA\t" not in line]

    def reach(self, name, proto="udp"):
        said = ask(self.guest, proto, ZONE[name], 7777)
        return said if isinstance(said, str) else "ok"

    def apply(self, content):
        return json.loads(self.m.good("apply", "--json", "web",
                                      self.document(content)))

    def status(self):
        return json.loads(self.m.netc("status", "--json", "web").stdout)

    def events(self):
        with open(STATE + "/events.log", encoding="utf-8") as file:
            return [json.loads(line) for line in file]

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
                stage.reach("api.example.com") == "ok")
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
                stage.reach("api.example.com") != "ok")
        for name in ("api.example.com", "www.example.net"):
            t.check("%s is resolved" % name, stage.dig(name) == (
                "NOERROR", [ZONE[name]]))
            t.check("and reached at once", stage.reach(name) == "ok")
        for name in ("ads.example", "cdn.example.org", "alias.example.com"):
            t.check("%s is denied" % name,
                    stage.dig(name) == ("NXDOMAIN", []))
        t.check("the name server is not asked for what is denied",
                not any(name and name[0].startswith(("ads.", "cdn."))
                        for name in stage.servers[0].asked))
        t.check("and not reached", stage.reach("cdn.example.org") != "ok" and
                stage.reach("ads.example") != "ok")
        t.check("TCP is allowed by no rule",
                stage.reach("api.example.com", "tcp") != "ok")
        pins = stage.status()["pins"]
        t.check("status lists pins", sorted(
            (p["name"], p["address"]) for p in pins) == sorted(
                (n, ZONE[n]) for n in ("api.example.com",
                                       "www.example.net")), pins)
        t.check("so do the sets", commented(stage) == pinned(stage) != {},
                commented(stage))
        t.check("with a remaining life",
                all(0 < p["seconds"] <= 360 for p in pins), pins)
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


def died(stage, t):
    """A helper that is killed is back, and the pins never went."""
    for which in (0, 1):
        before = {pid for pid in helpers() if "dnsd" in comm(pid)}
        t.check("two processes of msb-dnsd", len(before) == 2, before)
        os.kill(sorted(before)[which], signal.SIGKILL)
        start = time.monotonic()
        t.check("what is pinned is reached while it is away",
                stage.reach("api.example.com") == "ok")
        back = wait_until(lambda b=before: (stage.dig(
            "www.example.net", "+timeout=1") or [""])[0] == "NOERROR" and
            not b & set(helpers()))
        t.check("it is back within a second, or a little more where the "
                "machine is busy", back and time.monotonic() - start < 3,
                time.monotonic() - start)
        t.check("pins are listed still, with their names",
                pinned(stage) == {ZONE[n]: n for n in (
                    "api.example.com", "www.example.net")}, pinned(stage))


def unsupervised(stage, t, names):
    """Without its supervisor there is no msb-dnsd, and status says so."""
    pid = [p for p in helpers() if "supervised" in comm(p)]
    os.kill(pid[0], signal.SIGKILL)
    t.check("all of them end", wait_until(lambda: not helpers()), helpers())
    t.check("then nobody answers",
            stage.dig("api.example.com", "+timeout=1") is None)
    t.check("what is pinned is reached still",
            stage.reach("api.example.com") == "ok")
    shown = stage.status()
    t.check("status says what is missing", shown["health"] == "broken" and
            "msb-dnsd" in shown["missing"], shown)
    made = stage.apply(names)
    t.check("apply starts it, and the pins were there all the time",
            made["dns_helper"] == "start" and
            stage.reach("www.example.net") == "ok" and stage.dig("api.example.com")[0] == "NOERROR" and
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
                stage.dig("api.example.com") == (
                    "NOERROR", [ZONE["api.example.com"]]) and
                stage.reach("api.example.com") == "ok", done.stderr)
    t.check("there were operations, and an end", 5 < operations < 59,
            operations)
    t.check("then the new ones are", stage.dig("api.example.com") == (
        "NXDOMAIN", []) and stage.reach("api.example.com") != "ok")
    stage.apply(names)
    t.check("and back", stage.dig("api.example.com")[0] == "NOERROR" and
            stage.reach("api.example.com") == "ok" and
            stage.dig("www.example.net")[0] == "NOERROR")


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
            stage.reach("api.example.com") == "ok" and
            pinned(stage) == {ZONE["api.example.com"]: "api.example.com"} ==
            commented(stage), pinned(stage))
    t.check("one that does not is gone",
            stage.reach("www.example.net") != "ok" and
            stage.dig("www.example.net") == ("NXDOMAIN", []))
    t.check("a new name is resolved and reached",
            stage.dig("cdn.example.org")[0] == "NOERROR" and
            stage.reach("cdn.example.org") == "ok")
    made = stage.apply({"Policy": "none"})
    t.check("nothing can be asked: msb-dnsd is stopped",
            made["dns_helper"] == "stop" and not helpers(), helpers())
    t.check("nobody answers", stage.dig("api.example.com",
                                        "+timeout=1") is None)
    made = stage.apply(names)
    t.check("and started again", made["dns_helper"] == "start" and
            stage.dig("api.example.com")[0] == "NOERROR", made)
    made = stage.apply({"Rules": [
        {"Action": "allow", "Destination": "host", "Protocols": ["tcp"],
         "Ports": ["9000"]}]})
    t.check("one helper takes the other's place",
            (made["dns_helper"], made["helpers"]) == ("stop", "start"), made)


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
                stage.dig("api.example.com")[0] == "NOERROR" and
                stage.servers[0].asked and not stage.servers[1].asked)
        with open(path, "w", encoding="utf-8") as file:
            file.write("nameserver %s\n" % OTHER)
        t.check("then the other one", wait_until(lambda: (
            stage.dig("www.example.net"), stage.servers[1].asked)[1]))
        before = [pid for pid in helpers() if "dnsd" in comm(pid)]
        os.kill(before[0], signal.SIGKILL)
        del stage.servers[0].asked[:]
        t.check("which one that is started anew knows as well",
                wait_until(lambda: stage.dig("cdn.example.org",
                                             "+timeout=1") is not None) and
                not stage.servers[0].asked)
    finally:
        if stage:
            stage.close()
        run("umount", "/etc/resolv.conf")


def named_server(m, t):
    """A name server that the document names, by what the host knows of it."""
    server = Server("127.0.0.1", answer, port=5300)
    stage = Stage(m, {"Policy": "public-only",
                      "DNS": {"Nameservers": ["localhost:5300"]}})
    try:
        t.check("it is asked", stage.dig("api.example.com") == (
            "NOERROR", [ZONE["api.example.com"]]) and server.asked and
            not stage.servers[0].asked, server.asked)
        done = m.netc("apply", "web", stage.document({
            "Policy": "public-only",
            "DNS": {"Nameservers": ["nobody.invalid"]}}))
        t.check("one that is not found is refused", done.returncode == 1 and
                "/DNS/Nameservers/0: nobody.invalid" in done.stderr,
                done.stderr)
        t.check("and nothing is changed", stage.dig("www.example.net") == (
            "NOERROR", [ZONE["www.example.net"]]))
    finally:
        stage.close()
        server.close()


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


if __name__ == "__main__":
    main(__doc__, (public_only, domain_rules, resolv_conf, named_server, shared_names,
                   nothing_left))
