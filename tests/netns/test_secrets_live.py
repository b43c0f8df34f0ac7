# SPDX-License-Identifier: GPL-2.0-or-later
"""test_secrets_live.py - Values of secrets, and the end of a sandbox.

    test_secrets_live.py MSB-NETC FAKE-HELPER

What msb-netc and msb-supervised do with both; in msb-tlsd's place there is a
program that says what it was given, and has the sandbox terminated when it is
told to. Each test is a function of a Machine and a Report.
"""
import json
import os
import shutil
import signal
import struct
import subprocess
import time

import relay
from lab import Namespace, json_lines, run
from machine import STATE, alive, end
from machine import wait_for as wait_so_long
from report import main, settled, unchanged

WEB = STATE + "/sandboxes/web/"
LOG = STATE + "/events.log"
REASON = "secret KEY??[2J / header, 198.51.100.7:443"
VALUES = ("first-value-7261", "second value 9304", "third-value-5518")
SECRETS_FD = 7


def wait_for(test):
    """Long enough for a machine that is busy with other tests."""
    return wait_so_long(test, 40)


class Stage:
    """Helpers, files of values, and a sandbox that is called web."""

    def __init__(self, m):
        self.m, self.files = m, {}
        self.helpers = os.path.join(m.scratch, "helpers")
        real = os.path.join(os.path.dirname(m.program), "../../libexec")
        if not os.path.isdir(self.helpers):
            os.mkdir(self.helpers)
            for name in ("msb-supervised", "msb-ca", "msb-dnsd"):
                # By its own place the supervisor finds the others.
                (shutil.copy if name == "msb-supervised" else os.symlink)(
                    os.path.join(os.path.abspath(real), name),
                    os.path.join(self.helpers, name))
            for name in ("msb-tlsd", "msb-relayd"):
                shutil.copy(m.faults[0], os.path.join(self.helpers, name))
        m.guest("box")
        self.env = {**os.environ, "KEPT_HERE": VALUES[1]}
        self.write("a", VALUES[0] + "\n")
        self.write("c", VALUES[2])
        self.document = self.describe([
            {"Name": "KEY", "ValueFile": self.path("a"),
             "AllowedHosts": ["api.example.com"]},
            {"Name": "TOKEN", "ValueEnv": "KEPT_HERE",
             "AllowedHosts": ["api.example.com"]},
            {"Name": "OTHER", "ValueFile": self.path("c"),
             "AllowedHosts": ["*.example.net"]}])

    def path(self, name):
        return os.path.join(self.m.scratch, "value-" + name)

    def write(self, name, text):
        """As one should: whoever reads has the old one or the new."""
        with open(self.path(name) + ".new", "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.rename(self.path(name) + ".new", self.path(name))

    def describe(self, secrets, name="secrets", **more):
        return self.m.document(name, {"DefaultEgress": "allow", "TLS": {},
                                      "Secrets": secrets, **more})

    def netc(self, *words, **options):
        """With our helpers, and a value in the environment."""
        words = list(words)
        if words[0] in ("up", "apply", "run"):
            words[1:1] = ["--helpers", self.helpers]
        return self.m.netc(*words, **{"env": self.env, **options})

    def good(self, *words):
        done = self.netc(*words)
        if done.returncode:
            raise RuntimeError("%s: %d: %s" % (words, done.returncode,
                                               done.stderr))
        return done.stdout

    def up(self, document=None):
        self.good("up", "web", document or self.document, "--guest-netns",
                  "box")

    def down(self):
        self.m.netc("down", "web")

    def status(self):
        """What is said of it, and what the helper says of itself."""
        return json.loads(self.m.netc("status", "web", "--json").stdout)

    def words(self):
        """What the supervisor says of it and the helper of itself; "" if they
        have not answered in time."""
        return self.status()["tls_status"] or ""

    def said(self):
        """(worker's number, commits, values)"""
        got = []
        wait_for(lambda: got.append(self.words()) or " values " in got[-1])
        words, _, values = got[-1].partition(" values ")
        words = words.split()
        return (int(words[1]), int(words[words.index("commits") + 1]),
                tuple(values.split(",")))

    def values(self):
        return self.said()[2]

    def supervisor(self):
        got = []
        wait_for(lambda: got.append(self.status()["tls_supervisor"]) or
                 got[-1])
        return got[-1]

    def events(self, kind):
        return [e for e in json_lines(LOG) if e["event"] == kind and
                e["program"] == "msb-supervised"]

    def hear(self, kind, what):
        """What happens when something is done: the next event of a kind."""
        before = len(self.events(kind))
        what()
        wait_for(lambda: len(self.events(kind)) > before)
        return self.events(kind)[before:]

    def rotate(self, kind="rotated"):
        return self.hear(kind, lambda: os.kill(self.supervisor(),
                                               signal.SIGHUP))

    def links(self):
        """Those of the gateway that are up."""
        gateway = Namespace("/run/netns/msb-web")
        try:
            return sorted(l["ifname"] for l in json.loads(gateway.run(
                "ip", "-j", "link")) if "UP" in l["flags"])
        finally:
            gateway.close()

    def terminate(self):
        return self.hear("terminated", lambda: os.kill(self.said()[0],
                                                       signal.SIGUSR1))

    def watch(self):
        channel = relay.socket.socket(relay.socket.AF_UNIX,
                                      relay.socket.SOCK_SEQPACKET)
        channel.settimeout(40)
        channel.connect(WEB + "tls-supervisor.sock")
        return channel


# --- values ---

def values_that_are_none(m, t):
    """Refused with their pointers, before anything is changed."""
    s = Stage(m)
    s.up()
    changed = s.describe([{"Name": "KEY", "ValueFile": s.path("x"),
                           "AllowedHosts": []}], "bad")
    os.mkfifo(s.path("fifo"))
    secret = "never-to-be-shown"
    cases = [
        ("missing", None, "No such file"),
        ("empty", "", "not empty"),
        ("a newline", "\n", "not empty"),
        ("two newlines", secret + "\n\n", "control characters"),
        ("a line too many", secret + "\nmore", "control characters"),
        ("a carriage return", secret + "\r\n", "control characters"),
        ("a NUL", secret.encode() + b"\0x", "control characters"),
        ("a blank before", " " + secret, "blank at its ends"),
        ("a blank behind", secret + " \n", "blank at its ends"),
        ("too long", secret + "x" * 16384, "at most 16384"),
        ("too long by one", "x" * 16385 + "\n", "at most 16384"),
    ]
    t.check("it is up", s.values() == VALUES, s.values())
    before = settled(m)
    for what, text, why in cases:
        if text is not None:
            s.write("x", text)
        for words in (("up", "other", changed, "--tap"),
                      ("apply", "web", changed),
                      ("apply", "web", changed, "--dry-run")):
            done = s.netc(*words)
            said = done.stdout + done.stderr
            t.check("%s: %s is refused" % (what, words[0]),
                    done.returncode == 1 and
                    "/Secrets/0/ValueFile: " + s.path("x") in said and
                    why in said and secret not in said, said)
    for what, path, why in (("a directory", m.scratch, "no regular file"),
                            ("a pipe", s.path("fifo"), "no regular file"),
                            ("below a file", s.path("a") + "/x",
                             "Not a directory")):
        done = s.netc("apply", "web", s.describe(
            [{"Name": "KEY", "ValueFile": path, "AllowedHosts": []}], "no"))
        t.check(what + " is refused", done.returncode == 1 and
                why in done.stderr, done.stderr)
    for env, why in (({}, "no variable KEPT_HERE"),
                     ({"KEPT_HERE": ""}, "not empty"),
                     ({"KEPT_HERE": secret + "\n"}, "control characters")):
        done = s.netc("apply", "web", s.document, env={
            "PATH": os.environ["PATH"], **env})
        t.check("a variable: " + why, done.returncode == 1 and
                "/Secrets/1/ValueEnv: " in done.stderr and
                why in done.stderr and secret not in done.stderr, done.stderr)
    unchanged(m, t, "all of it", before)
    t.check("and none of it reached the helper", s.said()[1:] == (1, VALUES),
            s.said())
    s.write("x", "x" * 16384 + "\n")
    done = s.netc("apply", "web", changed)
    t.check("the longest is taken", done.returncode == 0 and
            len(s.values()[0]) > 200, done.stderr)
    s.down()


def values_go_to_the_helper_alone(m, t):
    s = Stage(m)
    s.up()
    t.check("they came as they are", s.values() == VALUES, s.values())
    t.check("for a terminal", " plain ?[2J commits " in s.words(), s.words())
    supervisor, worker = s.supervisor(), s.said()[0]
    for pid in (supervisor, worker):
        for name in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (pid, name), "rb") as file:
                text = file.read()
            t.check("none is in its " + name, not any(
                v.encode() in text for v in VALUES), text)
    for folder, _, names in os.walk(STATE):
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.isfile(path):
                continue
            with open(path, "rb") as file:
                text = file.read()
            t.check("none is in " + path, not any(
                v.encode() in text for v in VALUES))
    s.down()


def values_come_again_with_apply(m, t):
    s = Stage(m)
    s.up()
    s.write("a", "another\n")
    s.good("apply", "web", s.document, "--dry-run")
    t.check("--dry-run gives nothing", s.said()[1:] == (1, VALUES), s.said())
    s.env["KEPT_HERE"] = "a new one"
    s.good("apply", "web", s.document)
    want = ("another", "a new one", VALUES[2])
    t.check("the same document has new values", s.said()[1:] == (2, want),
            s.said())
    s.good("apply", "web", s.describe([], "without"))
    t.check("a document without", wait_for(
        lambda: s.words().endswith("values ")), s.words())
    s.good("apply", "web", s.document)
    t.check("and with them again", s.values() == want, s.values())
    s.down()


def values_outlive_the_helper(m, t):
    s = Stage(m)
    s.up()
    worker = s.said()[0]
    os.kill(worker, signal.SIGKILL)
    t.check("the next one has them", wait_for(
        lambda: s.said()[0] != worker and s.values() == VALUES), s.said())
    s.down()


# --- rotation ---

def rotation(m, t):
    s = Stage(m)
    s.up()
    s.write("a", "rotated-1\n")
    told = s.rotate()
    t.check("one was another", [e["changed"] for e in told] == [1], told)
    t.check("it is in force, and the variable's stays", s.said()[1:] == (
        2, ("rotated-1", *VALUES[1:])), s.said())
    mask = s.words().split()
    t.check("all else came again", int(mask[mask.index("fds") + 1], 16) &
            0xf0 == 0xf0, mask)
    told = s.rotate()
    t.check("nothing is another", [e["changed"] for e in told] == [0] and
            s.said()[1] == 2, told)
    supervisor = s.supervisor()
    for i in range(8):
        s.write("a", "many-%d" % i)
        os.kill(supervisor, signal.SIGHUP)
    t.check("the last of many", wait_for(
        lambda: s.values()[0] == "many-7"), s.said())
    s.write("a", "rotated-2")
    os.chown(s.path("a"), 65534, 65534)
    os.chmod(s.path("a"), 0o600)
    wait_for(lambda: s.rotate() and s.values()[0] == "rotated-2")
    t.check("a file of another user", s.values()[0] == "rotated-2",
            s.values())
    worker = s.said()[0]
    os.kill(worker, signal.SIGKILL)
    t.check("the next helper has what was rotated", wait_for(
        lambda: s.said()[0] != worker and s.values()[0] == "rotated-2"), s.said())
    os.kill(s.status()["tls_supervisor"], signal.SIGTERM)
    s.down()


def rotation_with_less_power(m, t):
    """Where root has no power over other users' files, and cannot raise limits,
    as in containers."""
    s = Stage(m)
    done = subprocess.run(
        ["setpriv", "--bounding-set", "-dac_read_search,-sys_resource",
         *m.command("up", "--helpers", s.helpers, "web", s.document,
                    "--guest-netns", "box")], env=s.env, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    t.check("it is up", done.returncode == 0 and s.values() == VALUES,
            done.stderr)
    s.write("a", "rotated\n")
    s.rotate()
    t.check("its own file", s.values()[0] == "rotated", s.values())
    os.chown(s.path("a"), 65534, 65534)
    os.chmod(s.path("a"), 0o600)
    told = s.rotate("rotation-failed")
    t.check("another's", [(e["secret"], e["reason"]) for e in told] == [
        ("KEY", "Permission denied")], told)
    s.down()


def rotation_that_fails(m, t):
    s = Stage(m)
    s.up()
    before = s.said()
    s.write("a", "good")
    os.rename(s.path("c"), s.path("c") + "-away")
    for what, text, why in (("gone", None, "No such file or directory"),
                            ("empty", "", "not empty"),
                            ("flawed", "never\nshown", "control characters")):
        if text is not None:
            s.write("c", text)
        told = s.rotate("rotation-failed")
        t.check(what + ": told", [(e["secret"], why in e["reason"])
                                  for e in told] == [("OTHER", True)], told)
        t.check(what + ": nothing changed", s.said() == before, s.said())
    s.write("c", "refuse")
    told = s.rotate("rotation-failed")
    t.check("the helper refuses", [e["reason"] for e in told] == [
        "a value says so"], told)
    t.check("the old ones stay", s.said() == before, s.said())
    os.kill(before[0], signal.SIGKILL)
    t.check("also for the next helper", wait_for(
        lambda: s.said()[0] != before[0]) and s.values() == VALUES, s.said())
    s.write("c", "fine\n")
    s.rotate()
    t.check("and then it goes", s.values() == ("good", VALUES[1], "fine"),
            s.values())
    with open(LOG, encoding="ascii") as file:
        text = file.read()
    t.check("no value is told", "never" not in text and "shown" not in text)
    s.down()


def rotation_and_apply(m, t):
    """A document that is prepared comes first; nobody is refused."""
    s = Stage(m)
    s.up()
    worker, supervisor = s.said()[0], s.supervisor()
    before = len(s.events("rotated"))
    os.kill(worker, signal.SIGSTOP)
    s.write("a", "rotated")
    os.kill(supervisor, signal.SIGHUP)
    # Whoever knocks is heard behind the signal.
    channel = s.watch()
    t.check("the supervisor is there", relay.ask(channel, "watch") ==
            ("ok", ""))
    time.sleep(0.1)
    prepare(s, channel, ("applied", VALUES[1], VALUES[2]))
    os.kill(worker, signal.SIGCONT)
    t.check("it is ready", relay.receive(channel) == ("ok", ""))
    t.check("nothing is in force before it says so", s.values() == VALUES)
    t.check("it is in force", relay.ask(channel, "commit") == ("ok", ""))
    t.check("what waited is done behind it", wait_for(
        lambda: len(s.events("rotated")) > before) and s.values() == (
            "rotated", VALUES[1], VALUES[2]), s.said())
    t.check("on the same helper", s.said()[:2] == (worker, 3), s.said())
    os.kill(worker, signal.SIGSTOP)
    s.write("a", "again")
    os.kill(supervisor, signal.SIGHUP)
    t.check("the supervisor is there still", relay.ask(channel, "watch") ==
            ("ok", ""))
    time.sleep(0.1)
    prepare(s, channel, ("aborted", VALUES[1], VALUES[2]))
    channel.close()
    os.kill(worker, signal.SIGCONT)
    t.check("what is dropped leaves it to be done", wait_for(
        lambda: s.values()[0] == "again"), s.said())
    s.down()


def prepare(s, channel, values):
    """What msb-netc sends, up to READY."""
    text = [v.encode() for v in values]
    made = os.memfd_create("values")
    os.write(made, b"".join(struct.pack("=I", n) for n in (
        len(text), *map(len, text))) + b"".join(text))
    with open(WEB + "tls.json", "rb") as conf, open("/dev/null", "rb") as any_:
        relay.send(channel, "prepare", fds=[conf.fileno()])
        relay.send(channel, "sockets", [4, 5, 6, SECRETS_FD],
                   [any_.fileno()] * 3 + [made])
        relay.send(channel, "ready")
    os.close(made)


def rotation_of_the_real_one(m, t):
    """msb-tlsd takes what the other program took."""
    s = Stage(m)
    s.helpers = os.path.join(os.path.dirname(m.program), "../../libexec")
    s.up()

    def worker():
        return int(s.words().split()[1])
    first = worker()
    for i in range(3):
        s.write("a", "rotated-%d" % i)
        told = s.rotate()
        t.check("rotated", [e["changed"] for e in told] == [1], told)
    os.kill(first, signal.SIGKILL)
    t.check("it starts with them", wait_for(
        lambda: "restarts 1 " in s.words() and
        len(s.words().split()) > 6), s.words())
    s.write("a", "and-again")
    told = s.rotate()
    t.check("and takes others", [e["changed"] for e in told] == [1], told)
    s.good("apply", "web", s.document)
    t.check("all the time", wait_for(lambda: "restarts 1 " in s.words()) and
            not s.events("not-started"), s.words())
    for pid in map(int, family(s.supervisor())):
        with open("/proc/%d/coredump_filter" % pid, encoding="ascii") as file:
            t.check("nothing goes into a core", int(file.read(), 16) == 0)
        with open("/proc/%d/limits" % pid, encoding="ascii") as file:
            t.check("nor is there one", "Max core file size        0  " in
                    file.read())
        for name in ("cmdline", "environ"):
            with open("/proc/%d/%s" % (pid, name), "rb") as file:
                text = file.read()
            t.check("nothing is in its " + name, b"again" not in text and
                    VALUES[1].encode() not in text, text)
    s.down()


def family(pid):
    """A process and all below it."""
    with open("/proc/%s/task/%s/children" % (pid, pid),
              encoding="ascii") as file:
        return [pid] + [i for c in file.read().split() for i in family(c)]


# --- memory ---

def values_of(pid):
    """The files of values that a process has open."""
    found = []
    for name in os.listdir("/proc/%d/fd" % pid):
        path = "/proc/%d/fd/%s" % (pid, name)
        if os.readlink(path).startswith("/memfd: (deleted)"):
            found.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
    return found


def content(fd):
    return os.pread(fd, 1 << 20, 0)


def memory(m, t):
    s = Stage(m)
    s.up()
    supervisor = s.supervisor()
    old = values_of(supervisor)
    t.check("one file of values", len(old) == 1 and VALUES[0].encode() in
            content(old[0]), len(old))
    s.write("a", "rotated-here\n")
    s.rotate()
    new = values_of(supervisor)
    t.check("one file after a rotation", len(new) == 1 and
            b"rotated-here" in content(new[0]), len(new))
    t.check("the old one is zeroed", set(content(old[0])) == {0})
    s.write("a", "applied-here\n")
    s.good("apply", "web", s.document)
    newest = values_of(supervisor)
    t.check("and so by apply", set(content(new[0])) == {0} and
            len(newest) == 1)
    s.write("a", "refuse")
    done = s.netc("apply", "web", s.document)
    t.check("what is refused is not kept", done.returncode == 3 and
            len(values_of(supervisor)) == 1, done.stderr)
    locked = status_of(supervisor, "VmLck")
    t.check("its pages are locked", m.args.any_memory or
            int(locked.split()[0]) > 0, locked)
    may_raise = int(status_of(os.getpid(), "CapEff"), 16) >> 24 & 1
    for pid in (supervisor, s.said()[0]):
        with open("/proc/%d/coredump_filter" % pid, encoding="ascii") as file:
            t.check("nothing goes into a core", int(file.read(), 16) == 0)
        with open("/proc/%d/limits" % pid, encoding="ascii") as file:
            limits = {l[:26].strip(): l[26:].split() for l in file}
        t.check("nor is there one", limits["Max core file size"][0] == "0")
        most = limits["Max locked memory"][1]
        t.check("enough may be locked", not may_raise or int(most) >=
                32 << 20, most)
    t.check("whoever is not root cannot look", os.stat(
        "/proc/%d/mem" % supervisor).st_uid == 0)
    s.down()
    t.check("at the end it is zeroed", set(content(newest[0])) == {0})
    for fd in (*old, *new, *newest):
        os.close(fd)


def status_of(pid, key):
    with open("/proc/%d/status" % pid, encoding="ascii") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file
                    if ":\t" in line)[key].strip()


# --- the end ---

def terminated(m, t):
    s = Stage(m)
    s.up()
    t.check("both links are up", {"guest0", "uplink0"} <= set(s.links()))
    t.check("status is good", s.m.netc("status", "web").returncode == 0 and
            s.status()["terminated"] is None)
    early = [s.watch() for _ in range(2)]
    t.check("a watch is answered", [relay.ask(c, "watch") for c in early] ==
            [("ok", "")] * 2)
    begun = time.time()
    told = s.terminate()
    t.check("an event", [e["reason"] for e in told] == [REASON], told)
    t.check("both links are down", not {"guest0", "uplink0"} & set(s.links()),
            s.links())
    t.check("whoever watches is told", [relay.receive(c) for c in early] == [
        ("terminate", REASON)] * 2)
    late = s.watch()
    t.check("whoever comes later, too", relay.ask(late, "watch") == (
        "ok", REASON) and relay.receive(late) == ("terminate", REASON))
    with open(WEB + "exit.json", encoding="ascii") as file:
        lines = [json.loads(line) for line in file]
    t.check("it is written", [(l["event"], l["reason"], l["sandbox"])
                              for l in lines] == [("terminated", REASON,
                                                   "web")], lines)
    held(s, t, "at first", begun)
    # Once is enough.
    os.kill(s.said()[0], signal.SIGUSR1)
    worker = s.said()[0]
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: s.said()[0] != worker)
    held(s, t, "with another helper", begun)
    t.check("one event, one line", len(s.events("terminated")) == 1 and
            os.path.getsize(WEB + "exit.json") > 0)
    os.kill(s.supervisor(), signal.SIGKILL)
    wait_for(lambda: s.status()["tls_helper"] == "dead")
    held(s, t, "without a supervisor", begun)
    for channel in (*early, late):
        channel.close()
    s.good("down", "web")
    s.up()
    t.check("down and up: as new", s.status()["health"] == "ok" and
            s.status()["terminated"] is None and
            {"guest0", "uplink0"} <= set(s.links()) and
            s.m.netc("status", "web").returncode == 0, s.status())
    s.good("apply", "web", s.document)
    t.check("its file stays with it", os.path.getsize(WEB + "exit.json") == 0)
    s.terminate()
    t.check("and is written to after an apply", s.status()["health"] ==
            "terminated" and os.path.getsize(WEB + "exit.json") > 0)
    s.down()


def held(s, t, what, begun):
    """What everybody is told of it."""
    shown = s.status()
    t.check(what + ": status", shown["health"] == "terminated" and
            shown["terminated"]["reason"] == REASON and
            abs(shown["terminated"]["time"] - begun) < 30, shown)
    done = s.m.netc("status", "web")
    t.check(what + ": in words", done.returncode == 1 and
            "web: terminated" in done.stdout and REASON in done.stdout and
            "UTC" in done.stdout, done.stdout)
    listed = s.m.netc("status").stdout
    t.check(what + ": in the list", "terminated" in listed, listed)
    for words in (("apply", "web", s.document),
                  ("apply", "web", s.m.public),
                  ("apply", "web", s.document, "--dry-run")):
        done = s.netc(*words)
        t.check(what + ": apply is refused", done.returncode == 1 and
                "was terminated" in done.stderr and REASON in done.stderr,
                done.stderr)
    t.check(what + ": the links are down", not {"guest0", "uplink0"} &
            set(s.links()), s.links())


def terminated_on_a_full_disk(m, t):
    """The room for that line was there before."""
    s = Stage(m)
    small = os.path.join(m.scratch, "small")
    os.mkdir(small)
    run("mount", "-t", "tmpfs", "-o", "size=8m,mode=0755", "tmpfs", small)

    def netc(*words):
        return subprocess.run(
            [m.program, words[0], "--state", small, *words[1:]], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=s.env,
            check=False, timeout=60)
    try:
        done = netc("up", "web", s.document, "--guest-netns", "box",
                    "--helpers", s.helpers)
        t.check("it is up", done.returncode == 0, done.stderr)
        try:
            with open(small + "/full", "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            pass
        said = []
        wait_for(lambda: said.append(json.loads(netc(
            "status", "web", "--json").stdout)["tls_status"]) or said[-1])
        pid = int(said[-1].split()[1])
        os.kill(pid, signal.SIGUSR1)
        path = small + "/sandboxes/web/exit.json"
        t.check("it is written all the same", wait_for(
            lambda: os.path.getsize(path) > 0), os.path.getsize(path))
        shown = json.loads(netc("status", "web", "--json").stdout)
        t.check("and told", shown["health"] == "terminated" and
                shown["terminated"]["reason"] == REASON and
                shown["terminated"]["time"], shown)
        t.check("down works", netc("down", "web").returncode == 0)
    finally:
        run("umount", "-l", small)


def terminated_by_others(m, t):
    """A helper that has no say is not what was started."""
    s = Stage(m)
    s.up(s.describe([], "ports", PortBindings=[
        {"HostPort": 8000, "GuestPort": 80}]))
    said = []
    wait_for(lambda: said.append(s.status()["helper_status"]) or said[-1])
    os.kill(int(said[-1].split()[1]), signal.SIGUSR1)
    t.check("it is killed, and nothing else happens", wait_for(
        lambda: "restarts 1" in (s.status()["helper_status"] or "")) and
        s.status()["health"] == "ok" and
        {"guest0", "uplink0"} <= set(s.links()), s.status())
    s.down()


def runs(m, t):
    s = Stage(m)
    shown = os.path.join(m.scratch, "shown")
    script = ("setsid sleep 1000 & echo $! > %s.tmp; env >> %s.tmp; "
              "echo ---- >> %s.tmp; "
              "tr '\\0' '\\n' < /proc/$PPID/environ >> %s.tmp; "
              "mv %s.tmp %s; sleep 1000" % ((shown,) * 6))
    process = m.start("run", "--helpers", s.helpers, s.document, "--", "sh",
                      "-c", script, env=s.env, stdin=subprocess.DEVNULL)
    wait_for(lambda: os.path.exists(shown))
    with open(shown, encoding="ascii") as file:
        text = file.read()
    other = int(text.split("\n", 1)[0])
    t.check("no value is in its environment, or in msb-netc's",
            VALUES[1] not in text, text)
    t.check("nor has it the variable", "KEPT_HERE" not in
            text.split("\n----\n")[0] and "TOKEN=$MSB_TOKEN" in text, text)
    names = m.names()
    t.check("it runs", len(names) == 1 and alive(other), names)
    os.kill(of_run(m, names[0]), signal.SIGUSR1)
    begun = time.monotonic()
    _, said = process.communicate(timeout=60)
    t.check("it ends with 125", process.returncode == 125,
            process.returncode)
    t.check("at once", time.monotonic() - begun < 40)
    t.check("it says why", "terminated" in said and REASON in said, said)
    t.check("what it had started is gone", wait_for(lambda: not alive(other)))
    t.check("and so is the sandbox", not m.names(), m.names())
    for code, command in ((3, "exit 3"), (143, "kill -TERM $$")):
        done = s.netc("run", s.document, "--", "sh", "-c", command)
        t.check("else it is the command's: %d" % code,
                done.returncode == code, done.stderr)


def of_run(m, name):
    """The helper of another sandbox."""
    said = []
    wait_for(lambda: said.append(json.loads(m.netc(
        "status", name, "--json").stdout)["tls_status"]) or said[-1])
    return int(said[-1].split()[1])


def runs_under_another_supervisor(m, t):
    """One that an apply has started is found, and its file if it is gone."""
    s = Stage(m)
    process = m.start("run", "--helpers", s.helpers, m.public, "--", "sleep",
                      "1000", env=s.env, stdin=subprocess.DEVNULL)
    wait_for(lambda: len(m.names()) == 1 and json.loads(m.good(
        "status", "--json"))[0]["health"] == "running")
    name = m.names()[0]
    s.good("apply", name, s.document)
    os.kill(of_run(m, name), signal.SIGUSR1)
    _, said = process.communicate(timeout=60)
    t.check("it ends with 125", process.returncode == 125 and REASON in said,
            said)


# --- kills ---

def killed_on_its_way(m, t):
    """Nobody keeps a value of a sandbox that did not come about."""
    s = Stage(m)
    begun = time.monotonic()
    s.up()
    took = time.monotonic() - begun
    s.down()
    for i in range(12):
        process = m.start("up", "--helpers", s.helpers, "web", s.document,
                          "--guest-netns", "box", env=s.env)
        time.sleep(took * (0.3 + 0.08 * i))
        end(process)
        process.communicate()
        s.down()
        t.check("%d: none is left" % i, wait_for(lambda: not supervisors()),
                supervisors())
    s.up()
    t.check("and then it works", s.values() == VALUES, s.values())
    s.down()


def supervisors():
    """Processes that have a file of values open."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fds = values_of(int(pid))
        except OSError:
            continue
        found += [pid] * len(fds)
        for fd in fds:
            os.close(fd)
    return found


if __name__ == "__main__":
    main(__doc__, (values_that_are_none, values_go_to_the_helper_alone,
                   values_come_again_with_apply, values_outlive_the_helper,
                   rotation, rotation_with_less_power, rotation_that_fails, rotation_and_apply,
                   rotation_of_the_real_one, memory,
                   terminated, terminated_on_a_full_disk,
                   terminated_by_others, runs, runs_under_another_supervisor,
                   killed_on_its_way),
         [("--any-memory", {"action": "store_true",
                            "help": "a sanitizer makes nothing of mlock"})])
