# SPDX-License-Identifier: GPL-2.0-or-later
"""test_crash.py - Failures and kills while ports and helpers are changed.

Each test is a function of a Machine and a Report.
"""
import json
import os
import random
import signal
import subprocess
import time

from machine import PATIENCE, STATE, end, wait_for
from peers import HOST, LONG, SILENCE, Echo, Network, ask
from lab import Namespace
from report import listed, main, settled, unchanged
from test_apply import namespaces
from test_ports import GATEWAY, pids

# Two documents that differ in everything that a change can touch.
BEFORE = {"Rules": [{"Action": "allow", "Destination": "host",
                     "Port": "9001"}],
          "PortBindings": [
              {"HostPort": 8000, "GuestPort": 80},
              {"HostPort": 8001, "GuestPort": 80, "Protocol": "udp"},
              {"Bind": HOST[4], "HostPort": 8002, "GuestPort": 80},
              {"Bind": HOST[4], "HostPort": 8003, "GuestPort": 80}]}
AFTER = {"Rules": [{"Action": "allow", "Destination": "192.0.2.0/24",
                    "Port": "9001"}], "MaxConnections": 9,
         "PortBindings": [
             {"HostPort": 8000, "GuestPort": 81},
             {"Bind": "::", "HostPort": 8004, "GuestPort": 80},
             {"Bind": HOST[4], "HostPort": 8003, "GuestPort": 81}]}
PLAIN = {"Rules": []}


class Stage:
    """A host with a LAN, and a guest that serves two ports."""

    def __init__(self, m):
        self.m = m
        self.host = Namespace("/proc/thread-self/ns/net")
        self.guest = m.guest("box")
        self.network = Network()
        self.echo = Echo(self.guest, [(p, "::", port) for p in ("tcp", "udp")
                                      for port in (80, 81)])
        self.paths = {name: m.document(name, document) for name, document in (
            ("before", BEFORE), ("after", AFTER), ("plain", PLAIN))}

    def up(self, name="before"):
        self.m.good("up", "web", self.paths[name], "--guest-netns", "box")

    def settle(self):
        """What a first time leaves is left; what it is like now."""
        self.took = {}
        for words in (("up", "web", self.paths["before"], "--guest-netns",
                       "box"), ("apply", "web", self.paths["after"]),
                      ("down", "web")) * 3:
            begun = time.monotonic()
            self.m.good(*words)
            self.took[words[0]] = min(self.took.get(words[0], 9),
                                      time.monotonic() - begun)
        self.guest.run("ip", "link", "set", "lo", "down")
        return settled(self.m, self.network.far)

    def killed(self, rng, *words, slower=1):
        """Run a command that is killed at some moment of its way."""
        # How long that takes is known from earlier ones, and never exactly.
        process = self.m.start(*words)
        time.sleep(rng.triangular(0.0, 1.2, 0.6) * self.took[words[0]] * slower)
        end(process)
        process.communicate()

    def serves(self, name):
        """Whether exactly the ports of a document are served."""
        want = {(b.get("Bind", "127.0.0.1"), b["HostPort"],
                 b.get("Protocol", "tcp")): b["GuestPort"]
                for b in {"before": BEFORE, "after": AFTER}[name][
                    "PortBindings"]}
        for document in (BEFORE, AFTER):
            for b in document["PortBindings"]:
                key = (b.get("Bind", "127.0.0.1"), b["HostPort"],
                       b.get("Protocol", "tcp"))
                to = "127.0.0.1" if key[0] == "::" else key[0]
                got = ask(self.host, key[2], to, key[1], patience=(
                    LONG if key in want else SILENCE))
                port = got[1] if isinstance(got, tuple) else None
                if port != want.get(key):
                    return "%s: %s" % (key, got)
        return ""

    def health(self):
        return json.loads(self.m.netc("status", "--json", "web").stdout)[
            "health"]

    def close(self):
        self.echo.close()
        self.network.close()
        self.host.close()


def gone(t, m, what):
    """No process is left, and no port is taken."""
    t.check(what + ": no helper is left", wait_for(
        lambda: not pids("msb-supervised")), pids("msb-supervised"))
    t.check(what + ": no sandbox", m.names() == [], m.names())


def faults_of_up(m, t):
    """Whatever operation of "up" fails, no socket or helper is left."""
    stage = Stage(m)
    before = stage.settle()
    try:
        # Those before the helpers are tried elsewhere, with less to do.
        for n in range(60, 200):
            done = subprocess.run(
                [m.faults[0], STATE, "web", stage.paths["before"], "box",
                 str(n)], stderr=subprocess.PIPE, text=True, timeout=PATIENCE,
                check=False)
            if done.returncode == 0:
                break
            t.check("operation %d: said" % n, "fault injected" in done.stderr,
                    done.stderr)
            unchanged(m, t, "operation %d" % n, before)
            gone(t, m, "operation %d" % n)
        t.check("there were operations, and an end", 64 < n < 199, n)
        t.check("what was made serves", not stage.serves("before"),
                stage.serves("before"))
        m.good("down", "web")
    finally:
        stage.close()


def faults_of_apply(m, t):
    """Whatever operation of "apply" fails, the old policy is in force."""
    stage = Stage(m)
    stage.settle()
    try:
        stage.up()
        before = settled(m, stage.network.far)
        for n in range(1, 100):
            done = subprocess.run(
                [m.faults[1], STATE, "web", stage.paths["after"], str(n)],
                stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
            if done.returncode == 0:
                break
            t.check("operation %d: said" % n, "fault injected" in done.stderr,
                    done.stderr)
            unchanged(m, t, "operation %d" % n, before)
            wrong = stage.serves("before")
            t.check("operation %d: ports" % n, not wrong, wrong)
        t.check("there were operations, and an end", 9 < n < 99, n)
        wrong = stage.serves("after")
        t.check("then all of the new", not wrong, wrong)
        m.good("down", "web")
        # Where there was no helper before, none is left.
        stage.up("plain")
        before = settled(m, stage.network.far)
        for n in range(1, 100):
            done = subprocess.run(
                [m.faults[1], STATE, "web", stage.paths["before"], str(n)],
                stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
            if done.returncode == 0:
                break
            unchanged(m, t, "from nothing, operation %d" % n, before)
            t.check("from nothing, operation %d: no helper" % n,
                    not pids("msb-supervised"))
        t.check("from nothing: there were operations", 9 < n < 99, n)
        m.good("down", "web")
    finally:
        stage.close()


def killed_up(m, t):
    """"up" killed at any moment: status works, down or the next up cleans."""
    stage, rng = Stage(m), random.Random(7)
    before = stage.settle()
    try:
        for i in range(16):
            stage.killed(rng, "up", "web", stage.paths["before"],
                         "--guest-netns", "box")
            m.good("status", "--json")
            if "web" in m.names():
                m.good("down", "web")
            else:
                # Not even a name: what is aside goes with whoever is next.
                m.good("up", "web", stage.paths["plain"], "--tap")
                m.good("down", "web")
            stage.guest.run("ip", "link", "set", "lo", "down")
            unchanged(m, t, "%d" % i, before)
            gone(t, m, "%d" % i)
    finally:
        stage.close()


def killed_apply(m, t):
    """"apply" killed at any moment: the next one, or down, makes it good."""
    stage, rng = Stage(m), random.Random(8)
    before = stage.settle()
    seen = {}
    try:
        for i in range(60):
            # As many as it takes to meet one that is half done.
            if i >= 16 and len(seen) == 2:
                break
            stage.up()
            # The machine may have other things to do by now.
            stage.killed(rng, "apply", "web", stage.paths["after"],
                         slower=1 + max(i - 15, 0) % 6)
            health = stage.health()
            seen[health] = seen.get(health, 0) + 1
            got = ask(stage.guest, "tcp", GATEWAY[4], 9002, patience=0.05)
            t.check("%d: what neither allows is shut" % i, got in (
                "silent", "refused", "cut"), got)
            if i % 3 == 0:
                m.good("down", "web")
            else:
                name = "before" if i % 3 == 1 else "after"
                m.good("apply", "web", stage.paths[name])
                t.check("%d: healthy" % i, stage.health() == "ok")
                listed(t, "%d" % i, "web", namespaces("web"))
                wrong = stage.serves(name)
                t.check("%d: ports" % i, not wrong, wrong)
                m.good("down", "web")
            stage.guest.run("ip", "link", "set", "lo", "down")
            unchanged(m, t, "%d: down" % i, before)
            gone(t, m, "%d" % i)
        t.check("some were between", set(seen) == {"ok", "broken"}, seen)
    finally:
        stage.close()


def killed_down(m, t):
    """"down" killed at any moment: another one goes on."""
    stage, rng = Stage(m), random.Random(9)
    before = stage.settle()
    try:
        for i in range(10):
            stage.up()
            stage.killed(rng, "down", "web")
            m.good("status", "--json")
            done = m.netc("down", "web")
            t.check("%d: down" % i, done.returncode == 0 or
                    "there is no sandbox" in done.stderr, done.stderr)
            stage.guest.run("ip", "link", "set", "lo", "down")
            unchanged(m, t, "%d" % i, before)
            gone(t, m, "%d" % i)
    finally:
        stage.close()


def killed_helpers(m, t):
    """Supervisor or worker killed while a change is made: old or new."""
    stage, rng = Stage(m), random.Random(10)
    before = stage.settle()
    try:
        for i in range(10):
            stage.up()
            [victim] = pids("msb-supervised")
            if i % 2:
                victim = int(json.loads(m.good("status", "--json", "web"))[
                    "helper_status"].split()[1])
            process = m.start("apply", "web", stage.paths["after"])
            time.sleep(rng.uniform(0.0, 1.0) * stage.took["apply"])
            os.kill(victim, signal.SIGKILL)
            _, said = process.communicate(timeout=PATIENCE)
            t.check("%d: applied, or refused with a reason" % i,
                    process.returncode == 0 or "msb-netc: " in said, said)
            name = "before" if process.returncode else "after"
            if i % 2 == 0:
                m.good("apply", "web", stage.paths[name])
            t.check("%d: served again" % i, wait_for(
                lambda: not stage.serves(name)), stage.serves(name))
            listed(t, "%d" % i, "web", namespaces("web"))
            m.good("down", "web")
            stage.guest.run("ip", "link", "set", "lo", "down")
            unchanged(m, t, "%d: down" % i, before)
            gone(t, m, "%d" % i)
    finally:
        stage.close()


if __name__ == "__main__":
    main(__doc__, (faults_of_up, faults_of_apply, killed_up, killed_apply,
                   killed_down, killed_helpers))
