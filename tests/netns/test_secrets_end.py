# SPDX-License-Identifier: GPL-2.0-or-later
"""test_secrets_end.py - Sandboxes that end for what their guest did.

    test_secrets_end.py MSB-NETC

Each test is a function of a stage and a Report; MSB_ONLY names those that are
wanted, with commas between.
"""
import concurrent.futures
import contextlib
import os
import re
import signal
import socket
import subprocess
import time

import dns.message

from lab import Namespace
from machine import STATE, wait_for
from peers import HOST, LAN, Echo, ask, family
from report import main
from secret import rows, shapes
from secret.asked import BACK, each_of, value_is_back
from secret.says import ENDED, Line, say
from secret.stage import STRANGER, VAULT
from tls.table import GATEWAY, helper_pids
from tls.world import NAME_SERVER, address

# What "run" ends with when its sandbox was terminated, msb-netc(1).
EXIT_TERMINATED = 125


class Reach:
    """Everything that a guest and its peers could reach before."""

    def __init__(self, stage):
        self.stage = stage
        self.host = Namespace("/proc/thread-self/ns/net")
        self.inside = Echo(stage.guest, [(p, "::", 80) for p in ("tcp", "udp")])
        self.outside = Echo(stage.world.network.far, [
            ("udp", LAN[v], 9000) for v in (4, 6)])
        self.far = stage.world.network.far

    def _ways(self):
        """Each way that leads through: its name, and what tries it."""
        guest, far, host = self.stage.guest, self.far, self.host
        for v in (4, 6):
            for port, role in ((22, "ssh"), (7443, "vault"), (443, "vault"),
                               (80, "vault")):
                yield "tcp/%d to %d" % (v, port), tcp, guest, address(
                    role, v), port
            yield "udp/%d" % v, echoes, guest, "udp", LAN[v], 9000
            yield "icmp/%d" % v, ping, guest, LAN[v]
            yield "the gateway/%d" % v, ping, guest, GATEWAY[v]
            for proto in ("tcp", "udp"):
                yield "published %s/%d" % (proto, v), echoes, far, proto, \
                    HOST[v], 8080 + v
        yield "published on loopback", echoes, host, "tcp", "127.0.0.1", 8080
        yield "dns", dns_answers, guest

    def ways(self, open_):
        """Those that are open, or those that are not, though they were to be:
        then a machine that is busy has time."""
        ways, patience = list(self._ways()), 0.5 if open_ else 20
        with concurrent.futures.ThreadPoolExecutor(len(ways)) as pool:
            is_open = list(pool.map(lambda way: way[1](patience, *way[2:]),
                                    ways))
        return [way[0] for way, is_ in zip(ways, is_open) if is_ == open_]

    def close(self):
        self.inside.close()
        self.outside.close()
        self.host.close()


def tcp(patience, namespace, to, port):
    made = namespace.socket(family(to), socket.SOCK_STREAM)
    made.settimeout(patience)
    try:
        made.connect((to, port))
        return True
    except OSError:
        return False
    finally:
        made.close()


def ping(patience, namespace, to):
    return namespace.run("ping", "-c", "1", "-W", str(patience), to,
                         check=False).returncode == 0


def echoes(patience, namespace, *where):
    return isinstance(ask(namespace, *where, patience), tuple)


def dns_answers(patience, namespace):
    with namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(patience)
        try:
            sock.connect((GATEWAY[4], 53))
            sock.send(dns.message.make_query("api.example.com", "A").to_wire())
            return bool(sock.recv(4096))
        except OSError:
            return False


BINDINGS = [{"HostPort": 8080, "GuestPort": 80},
            *({"Bind": HOST[v], "HostPort": 8080 + v, "GuestPort": 80,
               "Protocol": p} for v in (4, 6) for p in ("tcp", "udp"))]


def terminated(stage, t):
    """block-and-terminate: nothing passes any more, either way, until "down"."""
    for name, names, options, ends in (
            ("a header", ["KEY", "ODD"], {}, lambda: say(
                stage, VAULT, [shapes.in_header(
                    stage.kept["ODD"].placeholder, VAULT.encode())], 9)),
            ("port 80", ["KEY"], {}, lambda: say(
                stage, STRANGER, [shapes.in_header(
                    stage.kept["KEY"].placeholder, STRANGER.encode())], 9,
                port=80, tls=False)),
            ("the authority", ["KEY"], {}, lambda: say(
                stage, VAULT, [rows.AUTHORITY["another host"]], 9))):
        document = {**stage.policy(names, OnSecretViolation=
                                   "block-and-terminate"),
                    "PortBindings": BINDINGS}
        stage.up(document)
        terminates(stage, t, name, document, ends, name == "a header")
        stage.m.good("down", "web")
        stage.up_now = False


def terminates(stage, t, name, document, ends, kills):
    reach = Reach(stage)
    try:
        shut = reach.ways(False)
        t.check("%s: everything works before" % name, not shut, shut)
        held = [Line(stage, VAULT), Line(stage, "open.example.org"),
                Line(stage, VAULT, port=7443, tls=False)]
        t.check("%s: also flows" % name, {line.ask(rows.get(
            host, [])).word for line, host in zip(held, (
                VAULT, "open.example.org", VAULT))} == {"ok"})
        t.check("%s: status says so" % name, stage.status().get("terminated",
                                                                0) is None)
        since, begin = len(stage.events()), time.time()
        made = ends()
        t.check("%s: the flow ends" % name, made.word in (*ENDED, "stall"),
                made)
        t.check("%s: an event" % name, wait_for(lambda: {
            "secret-violation", "terminated"} <= {
                e.get("event") for e in stage.events()[since:]}, BACK),
                stage.events()[since:])
        passes = reach.ways(True)
        t.check("%s: nothing passes" % name, not passes, passes)
        for line in held:
            line.say(rows.get(VAULT, []))
        words = [line.hear(limit=0.5).word for line in held]
        t.check("%s: nor does anything of older flows" % name,
                "ok" not in words, words)
        shown(stage, t, name, begin)
        path = stage.m.document("tls-document", {
            "DNS": {"Nameservers": [NAME_SERVER]}, **document})
        done = stage.m.netc("apply", "web", path)
        t.check("%s: apply is refused" % name, done.returncode in (1, 3) and
                "terminated" in done.stderr and "remove it" in done.stderr, (
                    done.returncode, done.stderr))
        done = stage.m.netc("up", "web", path, "--guest-netns", "box")
        t.check("%s: and up of the same name" % name, done.returncode != 0,
                done.stderr)
        for victim in ("msb-tlsd", "msb-supervised") if kills else ():
            for pid in helper_pids(victim):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.3)
            passes = reach.ways(True)
            t.check("%s: nor when %s was killed" % (name, victim), not passes,
                    passes)
            shown(stage, t, "%s, %s killed" % (name, victim), begin)
        stage.m.good("down", "web")
        stage.up(document)
        t.check("%s: a new sandbox is not" % name, stage.status().get(
            "terminated", 0) is None and stage.status()["health"] == "ok",
                stage.status())
        # The guest's link is a new one.
        shut = reach.ways(False)
        t.check("%s: and everything works" % name, not shut, shut)
        for line in held:
            line.close()
    finally:
        reach.close()


def shown(stage, t, name, begin):
    """Exit information, for people and for programs."""
    done = stage.m.netc("status", "--json", "web")
    told = re.search(r'"terminated": *\{[^}]*\}', done.stdout)
    t.check("%s: status --json has it" % name, done.returncode == 1 and told and
            '"health":"terminated"' in done.stdout.replace(" ", ""),
            (done.returncode, done.stdout[:600]))
    when = re.search(r'"time": *([0-9.]+)', told.group(0)) if told else None
    t.check("%s: since when, and why" % name, when and begin - 2 < float(
        when.group(1)) < time.time() + 2 and '"reason"' in told.group(0), told)
    done = stage.m.netc("status", "web")
    t.check("%s: status has it as well" % name, "terminated" in done.stdout,
            done.stdout)


def mildest(stage, t):
    """The secret's own word wins over the document's, in either direction."""
    kept = stage.kept
    document = stage.policy(["KEY", "ODD", "MILD"],
                            OnSecretViolation="block-and-terminate")
    document["Secrets"][1]["OnViolation"] = "block-and-log"
    stage.up(document)
    for name in ("MILD", "ODD"):
        since, count = len(stage.events()), stage.count()
        made = say(stage, STRANGER, [shapes.in_header(
            kept[name].placeholder, STRANGER.encode())], 9)
        t.check("%s ends its flow alone" % name, made.word in ENDED and
                stage.count() == count + 1, made)
        if name == "ODD":
            stage.wait_violations(1, since)
        time.sleep(0.2)
        t.check("%s: an event if that is its word" % name, len(
            stage.violations(since)) == (name == "ODD"))
    t.check("the sandbox lives", stage.status()["health"] == "ok" and
            value_is_back(stage, kept["KEY"].value))
    stage.down()
    document = stage.policy(["KEY", "ODD"], OnSecretViolation="block")
    document["Secrets"][1]["OnViolation"] = "block-and-terminate"
    stage.up(document)
    since = len(stage.events())
    made = say(stage, STRANGER, [shapes.in_header(
        kept["KEY"].placeholder, STRANGER.encode())], 9)
    t.check("block", made.word in ENDED and stage.status()["health"] == "ok")
    say(stage, STRANGER, [shapes.in_header(
        kept["ODD"].placeholder, STRANGER.encode())], 9)
    t.check("and the stern one ends it", wait_for(lambda: any(
        e.get("event") == "terminated" for e in stage.events()[since:]), BACK))
    stage.m.good("down", "web")
    stage.up_now = False


def run_ends(stage, t):
    """"run" ends its command, and says why."""
    path = stage.m.document("secrets-end", {
        "DNS": {"Nameservers": [NAME_SERVER]},
        **stage.policy(["KEY", "ODD"],
                       OnSecretViolation="block-and-terminate")})
    curl = ("curl -sS -m 9 -H \"X-Api-Key: $ODD\" https://%s/ " % VAULT)
    for name, text in (
            ("a command", curl + "; sleep 60"),
            ("one that ignores signals", "trap '' TERM INT HUP; " + curl +
             "; while :; do sleep 1; done"),
            ("one with children", "sleep 61 & (sleep 62 &) ; " + curl +
             "; wait")):
        start = time.monotonic()
        process = stage.m.start("run", path, "--", "sh", "-c", text,
                                stdin=subprocess.DEVNULL)
        try:
            out, err = process.communicate(timeout=50)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            t.check("%s: it is ended" % name, False, (out, err))
            continue
        t.check("%s: it is ended at once" % name,
                time.monotonic() - start < 40, time.monotonic() - start)
        t.check("%s: its exit status" % name, process.returncode ==
                EXIT_TERMINATED, process.returncode)
        t.check("%s: why is said" % name, "terminated" in err and "ODD" in err
                and stage.kept["ODD"].placeholder.decode() not in err, err)
        t.check("%s: nothing is left" % name, not stage.m.names() and not
                os.listdir(STATE + "/sandboxes"), stage.m.names())
    left = subprocess.run(["pgrep", "-f", "sleep 6[012]"],
                          stdout=subprocess.PIPE, text=True, check=False).stdout
    t.check("no child is left", not left.split(), left)
    done = stage.m.netc("run", path, "--", "sh", "-c",
                        "curl -sS -m 9 https://%s/ >/dev/null; exit 7" % VAULT)
    t.check("who does nothing wrong ends as ever", done.returncode == 7,
            (done.returncode, done.stderr))


def at_last(m, t):
    each_of(m, t, (terminated, mildest, run_ends))


if __name__ == "__main__":
    main(__doc__, (at_last,))
