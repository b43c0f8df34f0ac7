# SPDX-License-Identifier: GPL-2.0-or-later
"""test_secrets_life.py - Secrets that change, and processes that die.

    test_secrets_life.py MSB-NETC

Each test is a function of a stage and a Report; MSB_ONLY names those that are
wanted, with commas between.
"""
import hashlib
import os
import signal
import threading
import time

from machine import wait_for
from report import main
from secret import rows, shapes
from secret.asked import (BACK, asked, each_of, expect, lines, marked,
                          value_is_back)
from secret.arrive import memory
from secret.says import ENDED, Line, Refused, say
from secret.stage import LONG_TESTS, STRANGER, VAULT
from tls.table import helper_pids
from tls.world import NAME_SERVER, content


def supervisor(stage):
    """The process that a signal is sent to, as status tells."""
    return stage.status()["tls_supervisor"]


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
    said = rows.get(VAULT, ["X-Mark: half", "X-Api-Key: $MSB_KEY"])
    half.say(said[:-7])
    stage.write("KEY", b"second-value-4711")
    expect(t, stage, "a file that has changed is not read by itself", open_,
           first)
    stage.apply(document)
    expect(t, stage, "apply: the second value", open_, b"second-value-4711")
    made = half.ask(said[-7:])
    t.check("apply: also for a head that had begun",
            made.word == "ok" and marked(stage, b"half") ==
            b"second-value-4711", made)
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


def whole(stage, t):
    """While a long value is changed again and again each request has one, and all
    of it, and uploads that are on their way are not touched."""
    document = stage.policy(["KEY", "BODY"])
    stage.kept["KEY"].value = b""
    two = [b"%d" % n * 9000 for n in (1, 2)]
    stage.write("KEY", two[0])
    stage.up(document)
    pid = supervisor(stage)
    over, seen, wrong = threading.Event(), set(), []

    def ask(line):
        while not over.is_set():
            got = asked(stage, line)
            seen.add(got)
            if got not in two:
                wrong.append((line.alpn, got[:50]))
                return
    open_ = lines(stage)
    threads = [threading.Thread(target=ask, args=(line,)) for line in open_]
    upload, piece = Line(stage, VAULT), content(30000)
    upload.say(rows.get(VAULT, ["Transfer-Encoding: chunked"], "PUT / HTTP/1.1"))
    digest = hashlib.sha256()
    for thread in threads:
        thread.start()
    for n in range(60):
        stage.write("KEY", two[n % 2])
        os.kill(pid, signal.SIGHUP)
        upload.say(b"%x\r\n" % len(piece) + piece + b"\r\n")
        digest.update(piece)
        time.sleep(0.02)
    over.set()
    for thread in threads:
        thread.join()
    made = upload.ask(b"0\r\n\r\n")
    t.check("each value is a whole one", not wrong, wrong)
    t.check("both were given", seen == set(two), len(seen))
    t.check("the upload has arrived", made.word == "ok" and made.details[
        "answers"] == [digest.hexdigest().encode()], made)
    for line in (upload, *open_):
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
    t.check("flows with a gate have ended", {line.ended() for line in
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
    t.check("ends when there is a secret", held.ended() in ENDED and
            line.ended() in ENDED)
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
        ends = [line.ended() for line in open_]
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
    t.check("and its flows", None not in [line.ended() for line in open_])
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


class Storm:
    """Clients of all kinds at a time, and documents and values that change."""

    def __init__(self, stage, values):
        self.stage, self.values, self.over = stage, values, threading.Event()
        self.good = self.ended = self.refused = 0
        self.wrong = []

    def asks(self, **options):
        """Asks for a value on one line after the other."""
        while not self.over.is_set():
            try:
                line = Line(self.stage, VAULT, **options)
            except Refused:
                continue
            for _ in range(20):
                got = asked(self.stage, line)
                if got in ENDED:
                    self.ended += 1
                    break
                if got not in self.values:
                    self.wrong.append(got)
                self.good += 1
            line.close()

    def leaves(self):
        """Goes away in the middle of a head with a placeholder."""
        while not self.over.is_set():
            try:
                line = Line(self.stage, VAULT)
            except Refused:
                continue
            line.say(b"GET / HTTP/1.1\r\nHost: vault.example.com\r\nX: $MSB_KEY")
            line.close()

    def violates(self, host, port):
        said = shapes.in_chunks(5)(self.stage.kept["ODD"].placeholder,
                                   host.encode())
        while not self.over.is_set():
            made = say(self.stage, host, shapes.cut(7)(said), 9, port=port,
                       tls=port == 443)
            if made.word == "ok":
                self.wrong.append(made)
            self.refused += 1

    def forgets(self):
        """Nobody else takes the tapes."""
        while not self.over.is_set():
            time.sleep(0.5)
            placeholder = self.stage.kept["ODD"].placeholder
            self.wrong += [tape for tape in self.stage.tapes.take("stranger")
                           if placeholder in tape.data]


def descriptors():
    return {pid: len(os.listdir("/proc/%d/fd" % pid))
            for pid in helper_pids("msb-tlsd") + helper_pids("msb-supervised")}


def descriptors_at_rest():
    """The fewest that each has for a second: whoever has just been asked closes
    what it was asked by in its own time."""
    found = descriptors()
    for _ in range(20):
        time.sleep(0.05)
        now = descriptors()
        found = {pid: min(n, found.get(pid, n)) for pid, n in now.items()}
    return found


def no_flow_is_left(stage):
    return wait_for(lambda: "connections 0 " in (
        stage.status()["tls_status"] or ""), BACK)


def storm(stage, t):
    """Everything at once: each request has a whole value, or its flow ends; nothing
    is left of it in the helpers."""
    values = [b"%d-" % n * 1500 + b"end" for n in range(4)]
    stage.kept["KEY"].value = b""
    stage.write("KEY", values[0])
    stage.up(stage.policy(["KEY", "ODD"]))
    t.check("a value", value_is_back(stage, values[0]))
    t.check("that flow has ended", no_flow_is_left(stage))
    held = descriptors_at_rest()
    made, pid = Storm(stage, values), supervisor(stage)
    before = None
    threads = [threading.Thread(target=target, args=args, kwargs=options)
               for target, args, options in (
                   (made.asks, (), {}), (made.asks, (), {"version": 6}),
                   (made.asks, (), {"alpn": ("h2",)}), (made.leaves, (), {}),
                   (made.violates, (STRANGER, 443), {}),
                   (made.violates, (STRANGER, 80), {}),
                   (made.violates, (VAULT, 443), {}), (made.forgets, (), {}))]
    for thread in threads:
        thread.start()
    begun, n = time.monotonic(), 0
    end, last = begun + (60 if LONG_TESTS else 4), begun + 90

    def enough():
        return n > 16 and made.good > 20 and made.refused > 20
    while time.monotonic() < (end if enough() else last):
        n += 1
        stage.write("KEY", values[n % 4])
        if n % 8:
            os.kill(pid, signal.SIGHUP)
        else:
            stage.apply(stage.policy(["KEY", "ODD", "TOKEN"][:2 + n // 8 % 2]))
        if n == 16:
            before = (helper_pids("msb-tlsd"), memory())
        time.sleep(0.02)
    made.over.set()
    for thread in threads:
        thread.join()
    print("  %d values given, %d flows ended, %d refused, %d changes" % (
        made.good, made.ended, made.refused, n))
    t.check("nothing went wrong", not made.wrong, made.wrong[:3])
    t.check("all has happened", made.good > 20 and made.refused > 20 and
            before, (made.good, made.refused))
    t.check("no process has ended", helper_pids("msb-tlsd") == before[0], [
        e for e in stage.events() if e["event"] not in (
            "secret-violation", "rotated", "intercept-failed")])
    t.check("status is well", stage.status()["health"] == "ok", stage.status())
    stage.apply(stage.policy(["KEY", "ODD"]))
    t.check("the value is given still", value_is_back(stage, values[n % 4]))
    t.check("no flow is left", no_flow_is_left(stage),
            stage.status()["tls_status"])
    after = memory()
    t.check("nothing has grown", all(after[p] - before[1].get(p, 0) < 4096
                                     for p in after) or
            os.environ.get("MSB_SANITIZED") == "1", (before[1], after))
    t.check("as many descriptors as at first", wait_for(
        lambda: descriptors() == held, BACK), (held, descriptors()))


def life(m, t):
    each_of(m, t, (rotated, whole, by_environment, redefined, storm,
                   killed))


if __name__ == "__main__":
    main(__doc__, (life,))
