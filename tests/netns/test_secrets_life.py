# SPDX-License-Identifier: GPL-2.0-or-later
"""test_secrets_life.py - Secrets that change, processes that die, sandboxes that end.

    test_secrets_life.py MSB-NETC

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
import threading
import time

import dns.message

from lab import Namespace
from machine import STATE, wait_for
from peers import HOST, LAN, Echo, ask, family
from report import main
from secret import rows, shapes, shapes2
from secret.says import Line, Refused, say
from secret.stage import Stage, secrets
from tls.table import GATEWAY, helper_pids
from tls.world import NAME_SERVER, address

VAULT, STRANGER = "vault.example.com", "stranger.example.com"
ENDED = ("reset", "closed")
# What "run" ends with when its sandbox was terminated, msb-netc(1).
EXIT_TERMINATED = 125
BACK = 5.0


def asked(stage, line, name="KEY"):
    """What the server was given for a placeholder, which it tells: /echo."""
    kept = stage.kept[name]
    if line.alpn == "h2":
        if not hasattr(line, "client"):
            line.client = shapes2.Client()
        line.client.headers(shapes2.head(VAULT.encode(), b"/echo", b"GET", [
            (b"x-api-key", kept.placeholder)]))
        said = line.client.take()
    else:
        said = rows.get(VAULT, ["X-Api-Key: " + kept.placeholder.decode()],
                        "GET /echo HTTP/1.1")
    made = line.ask(said)
    if made.word != "ok":
        return made.word
    found = re.search(rb"x-api-key: (.*)", made.details["answers"][0], re.I)
    return found.group(1).strip(b"\r") if found else b""


def lines(stage):
    return [Line(stage, VAULT), Line(stage, VAULT, version=6),
            Line(stage, VAULT, alpn=("h2",))]


def supervisor(stage):
    """The process that a signal is sent to, as status tells."""
    return stage.status()["tls_supervisor"]


def expect(t, stage, name, open_, wanted):
    got = [asked(stage, line) for line in open_]
    t.check(name, set(got) == {wanted}, (got, wanted))


def rotated(stage, t):
    """A new value is given to the next request, also where the connection was
    open before; what is no value leaves the old one in force."""
    document = stage.policy(["KEY", "TOKEN", "ODD"])
    stage.up(document)
    first = stage.kept["KEY"].value
    open_ = lines(stage)
    expect(t, stage, "the first value", open_, first)
    # A request whose head is not complete yet is given what holds then.
    half = Line(stage, VAULT)
    said = rows.get(VAULT, ["X-Api-Key: $MSB_KEY"], "GET /echo HTTP/1.1")
    half.say(said[:-7])
    stage.write("KEY", b"second-value-4711")
    expect(t, stage, "a file that has changed is not read by itself", open_,
           first)
    stage.apply(document)
    expect(t, stage, "apply: the second value", open_, b"second-value-4711")
    made = half.ask(said[-7:])
    t.check("apply: also for a head that had begun",
            made.word == "ok" and b"second-value-4711" in made.heard, made)
    half.close()
    t.check("the other is as it was", asked(stage, open_[0], "TOKEN") ==
            stage.kept["TOKEN"].value)
    pid = supervisor(stage)
    t.check("status says whom to signal", pid in
            helper_pids("msb-supervised"), pid)
    before = helper_pids("msb-tlsd")
    for n, value in enumerate((b"third", b"a longer one than before." * 20,
                               "vierter \u00fc".encode())):
        stage.write("KEY", value)
        os.kill(pid, signal.SIGHUP)
        t.check("SIGHUP %d: the next request has it" % n, wait_for(
            lambda v=value: asked(stage, open_[0]) == v, BACK))
        expect(t, stage, "SIGHUP %d: on every connection" % n, open_, value)
    good = stage.kept["KEY"].value
    for name, bad in (("a line's end within", b"qqzz-two\nlines"),
                      ("nothing", b""), ("a blank at its end", b"qqzz-blank "),
                      ("too long", b"qqzz-" * 3300), ("NUL", b"qqzz-a\0b"),
                      ("no file", None)):
        since = len(stage.events())
        if bad is None:
            os.rename(stage.path("KEY"), stage.path("KEY") + ".away")
        else:
            stage.write("KEY", bad)
        os.kill(pid, signal.SIGHUP)
        t.check("%s: an event about it" % name, wait_for(lambda s=since: any(
            e.get("event") == "rotation-failed" and e.get("secret") == "KEY"
            for e in stage.events()[s:]), BACK), stage.events()[since:])
        expect(t, stage, "%s: the old value stays" % name, open_, good)
        done = stage.m.netc("apply", "web", stage.m.document(
            "tls-document", {"DNS": {"Nameservers": [NAME_SERVER]},
                             **document}))
        t.check("%s: apply is refused, and says of what" % name,
                done.returncode in (1, 2) and "/Secrets/0/ValueFile" in
                done.stderr and "qqzz" not in done.stderr,
                (done.returncode, done.stderr))
        done = stage.m.netc("apply", "--dry-run", "web", stage.m.document(
            "tls-document", {"DNS": {"Nameservers": [NAME_SERVER]},
                             **document}))
        t.check("%s: so is --dry-run" % name, done.returncode in (1, 2) and
                "/Secrets/0/ValueFile" in done.stderr, done.stderr)
        expect(t, stage, "%s: and changes nothing" % name, open_, good)
    os.rename(stage.path("KEY") + ".away", stage.path("KEY"))
    stage.write("KEY", b"fifth")
    os.kill(pid, signal.SIGHUP)
    t.check("a good one again", wait_for(
        lambda: asked(stage, open_[0]) == b"fifth", BACK))
    t.check("no process has ended", helper_pids("msb-tlsd") == before)
    since = len(stage.events())
    for n in range(50):
        stage.write("KEY", b"storm-%d" % n)
        os.kill(pid, signal.SIGHUP)
    t.check("the last of many signals counts", wait_for(
        lambda: asked(stage, open_[0]) == b"storm-49", BACK))
    t.check("and none went wrong", not [
        e for e in stage.events()[since:] if "fail" in e.get("event", "")],
            stage.events()[since:])
    for line in open_:
        line.close()


def by_environment(stage, t):
    """A value of msb-netc's environment: kept at SIGHUP, read by apply."""
    document = stage.policy(["KEY"])
    document["Secrets"][0].pop("ValueFile")
    document["Secrets"][0]["ValueEnv"] = "FROM_HOST"
    path = stage.m.document("secrets-env", {
        "DNS": {"Nameservers": [NAME_SERVER]}, **document})

    def netc(*words, value=None):
        env = {**os.environ, **({} if value is None else {"FROM_HOST": value})}
        return stage.m.netc(*words, env=env)
    done = netc("up", "web", path, "--guest-netns", "box")
    t.check("up without it is refused", done.returncode in (1, 2) and
            "/Secrets/0/ValueEnv" in done.stderr, done.stderr)
    t.check("and nothing is made", not stage.m.names())
    done = netc("up", "web", path, "--guest-netns", "box", value="of-env")
    t.check("up", done.returncode == 0, done.stderr)
    stage.up_now = True
    stage.trust_us()
    line = Line(stage, VAULT)
    t.check("it is given", asked(stage, line) == b"of-env")
    since = len(stage.events())
    os.kill(supervisor(stage), signal.SIGHUP)
    time.sleep(0.3)
    t.check("SIGHUP keeps it", asked(stage, line) == b"of-env" and not [
        e for e in stage.events()[since:] if "fail" in e.get("event", "")])
    done = netc("apply", "web", path)
    t.check("apply without it is refused", done.returncode in (1, 2) and
            "/Secrets/0/ValueEnv" in done.stderr, done.stderr)
    t.check("and changes nothing", asked(stage, line) == b"of-env")
    done = netc("apply", "web", path, value="of-env-2")
    t.check("apply with another", done.returncode == 0 and
            asked(stage, line) == b"of-env-2", done.stderr)
    line.close()


def redefined(stage, t):
    """Who may have what changes: flows with a gate end, others go on."""
    stage.up(stage.policy(["KEY", "ODD"]))
    bypassed = Line(stage, "open.example.org")
    gated = lines(stage)
    plain = Line(stage, VAULT, port=80, tls=False)
    t.check("all work", bypassed.ask(rows.get("open.example.org", [])).word ==
            "ok" and plain.ask(rows.get(VAULT, [])).word == "ok" and {
                asked(stage, line) for line in gated} == {
                    stage.kept["KEY"].value})
    stage.apply(stage.policy(["KEY", "ODD", "TOKEN"]))
    t.check("flows with a gate have ended", {line.ended(2) for line in
                                             [*gated, plain]} <= set(ENDED))
    t.check("one that was never read goes on", bypassed.ask(
        rows.get("open.example.org", [])).word == "ok")
    gated = lines(stage)
    t.check("the new secret is given", asked(stage, gated[0], "TOKEN") ==
            stage.kept["TOKEN"].value)
    document = stage.policy(["KEY"])
    document["Secrets"][0]["AllowedHosts"] = ["other.example.com"]
    stage.apply(document)
    count = stage.count()
    line = Line(stage, VAULT)
    t.check("a host that may have it no more does not get it",
            asked(stage, line) in ENDED and stage.count() == count + 1)
    stage.apply(stage.policy([]))
    line = Line(stage, VAULT)
    t.check("without secrets a placeholder is a text like others",
            asked(stage, line) == b"$MSB_KEY")
    made = say(stage, VAULT, [rows.get(VAULT, [])], tls=False)
    t.check("and what is no TLS is spliced again", made.word != "reset" or
            stage.tapes.take("vault"), made)
    held = Line(stage, STRANGER)
    t.check("a flow without a gate", held.ask(rows.get(STRANGER, [])).word ==
            "ok")
    stage.apply(stage.policy(["KEY"]))
    t.check("ends when there is a secret", held.ended(2) in ENDED and
            line.ended(2) in ENDED)
    line = Line(stage, VAULT)
    t.check("which is given", asked(stage, line) == stage.kept["KEY"].value)
    t.check("and one on port 80 is read", say(
        stage, STRANGER, [shapes.in_header(b"$MSB_KEY", STRANGER.encode())],
        1 << 20, port=80, tls=False).word in ENDED)
    for each in (bypassed, line):
        each.close()


class Leaks(threading.Thread):
    """Sends a placeholder to a stranger all the time, on both ports."""

    def __init__(self, stage):
        super().__init__(daemon=True)
        self.stage, self.over, self.tries = stage, False, 0
        self.words = set()
        stage.tapes.take("stranger")
        self.start()

    def run(self):
        said = shapes.in_header(self.stage.kept["KEY"].placeholder,
                                STRANGER.encode())
        while not self.over:
            for port in (443, 80):
                made = say(self.stage, STRANGER, [said], port=port,
                           tls=port == 443)
                self.words.add(made.word)
            self.tries += 1
            time.sleep(0.005)

    def stop(self, least=3):
        """What has got through; None is good."""
        end = time.monotonic() + BACK
        while self.tries < least and time.monotonic() < end:
            time.sleep(0.01)
        self.over = True
        self.join()
        got = [tape for tape in self.stage.tapes.take("stranger")
               if self.stage.kept["KEY"].placeholder in tape.data]
        if got or self.tries < least or "ok" in self.words:
            return "%d tries, %s, %s" % (self.tries, self.words, got)
        return None


def value_is_back(stage, value):
    def one():
        try:
            line = Line(stage, VAULT)
        except Refused:
            return False
        try:
            return asked(stage, line) == value
        finally:
            line.close()
    return wait_for(one, BACK)


def killed(stage, t):
    """SIGKILL of each process: no placeholder gets through meanwhile, no value
    is lost, and the one in force is the one that was in force."""
    document = stage.policy(["KEY", "ODD"])
    stage.up(document)
    value = b"after-a-rotation-81"
    stage.write("KEY", value)
    os.kill(supervisor(stage), signal.SIGHUP)
    t.check("a value", value_is_back(stage, value))
    count = len(helper_pids("msb-tlsd"))
    t.check("there are processes", count >= 2, count)
    for which in range(count):
        open_ = lines(stage)
        expect(t, stage, "flows work", open_, value)
        before = helper_pids("msb-tlsd")
        watch = Leaks(stage)
        os.kill(before[which], signal.SIGKILL)
        ends = [line.ended(3) for line in open_]
        t.check("process %d: flows die with it" % which, None not in ends,
                ends)
        t.check("process %d: the value is given again" % which,
                value_is_back(stage, value))
        passed = watch.stop()
        t.check("process %d: nothing has passed meanwhile" % which,
                not passed, passed)
    open_ = lines(stage)
    expect(t, stage, "flows work", open_, value)
    watch = Leaks(stage)
    os.kill(supervisor(stage), signal.SIGKILL)
    t.check("the supervisor: its helper dies with it", wait_for(
        lambda: not helper_pids("msb-tlsd"), BACK), helper_pids("msb-tlsd"))
    t.check("and its flows", None not in [line.ended(3) for line in open_])
    passed = watch.stop()
    t.check("nothing has passed since", not passed, passed)
    t.check("status says what is missing", stage.m.netc(
        "status", "--json", "web").returncode == 1)
    done = stage.m.netc("apply", "web", stage.m.document("tls-document", {
        "DNS": {"Nameservers": [NAME_SERVER]}, **document}))
    if done.returncode == 0:
        t.check("apply brings it back", value_is_back(stage, value))
    else:
        stage.m.good("down", "web")
        stage.up(document)
        t.check("down and up bring it back", value_is_back(stage, value),
                done.stderr)


# What is to be silent afterwards.

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
        """Those that are open, or those that are not."""
        ways = list(self._ways())
        with concurrent.futures.ThreadPoolExecutor(len(ways)) as pool:
            is_open = list(pool.map(lambda way: way[1](*way[2:]), ways))
        return [way[0] for way, is_ in zip(ways, is_open) if is_ == open_]

    def close(self):
        self.inside.close()
        self.outside.close()
        self.host.close()


def tcp(namespace, to, port):
    made = namespace.socket(family(to), socket.SOCK_STREAM)
    made.settimeout(0.5)
    try:
        made.connect((to, port))
        return True
    except OSError:
        return False
    finally:
        made.close()


def ping(namespace, to):
    return namespace.run("ping", "-c", "1", "-W", "1", to,
                         check=False).returncode == 0


def echoes(namespace, *where):
    return isinstance(ask(namespace, *where), tuple)


def dns_answers(namespace):
    with namespace.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
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
            out, err = process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            t.check("%s: it is ended" % name, False, (out, err))
            continue
        t.check("%s: it is ended at once" % name,
                time.monotonic() - start < 15, time.monotonic() - start)
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


def life(m, t):
    stage = Stage(m, t)
    try:
        for each in (rotated, by_environment, redefined, killed, terminated,
                     mildest, run_ends):
            if each.__name__ not in os.environ.get(
                    "MSB_ONLY", each.__name__).split(","):
                continue
            t.test, start = each.__name__, time.monotonic()
            try:
                each(stage, t)
            finally:
                stage.down()
                for name, kept in secrets().items():
                    stage.write(name, kept.value)
            print("  %s: %.1f s" % (t.test, time.monotonic() - start),
                  flush=True)
    finally:
        stage.close()


if __name__ == "__main__":
    main(__doc__, (life,))
