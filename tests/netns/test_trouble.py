# SPDX-License-Identifier: GPL-2.0-or-later
"""test_trouble.py - What an operator is told when the machine is in trouble."""
import fcntl
import json
import os
import re
import signal
import socket
import subprocess

from lab import run
from machine import STATE, alive, wait_for
from report import main, settled, unchanged

SMALL = "/run/small"
PORT = {"Ports": {"8080": 80}}


def no_inode(m, t):
    """A file system that is full is what is said, wherever up meets it."""
    document = m.document("port", PORT)
    said = []

    def msb(*words):
        done = subprocess.run(
            [m.program, words[0], "--state", SMALL + "/state", *words[1:]],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=60, check=False)
        said.append(done.stderr)
        return done.returncode

    os.mkdir(SMALL)
    for inodes in range(4, 64):
        run("mount", "-t", "tmpfs", "-o", "nr_inodes=%d" % inodes, "tmpfs",
            SMALL)
        status = msb("up", "web", document, "--tap")
        if status:
            t.check("%d inodes: no space" % inodes, status == 3 and
                    "No space left on device" in said[-1], said[-1])
        t.check("%d inodes: what is there can be removed" % inodes,
                msb("down", "web") == (1 if status else 0), said[-1])
        t.check("%d inodes: nothing is left" % inodes,
                "msb-web" not in os.listdir("/run/netns") and not any(
                    set(files) - {"events.log", ".floor"}
                    for _, _, files in os.walk(SMALL + "/state")))
        run("umount", SMALL)
        if not status:
            break
    t.check("enough is enough", not status)
    os.rmdir(SMALL)


def crowd(path):
    """So many wait at a socket that there is no room for another."""
    waiting = []
    while len(waiting) < 100:
        each = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        each.settimeout(0)
        try:
            each.connect(path)
        except BlockingIOError:
            each.close()
            break
        waiting.append(each)
    return waiting


def no_answer(m, t):
    """A helper that hangs: what to do is said, and works."""
    document = m.document("port", PORT)
    other = m.document("other", {"Ports": {"8081": 80}})
    m.good("up", "web", document, "--tap")
    shown = json.loads(m.good("status", "--json", "web"))
    supervisor = shown["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)
    waiting = crowd(STATE + "/sandboxes/web/supervisor.sock")
    done = m.netc("status", "--json", "web")
    shown = json.loads(done.stdout)
    t.check("status says so", done.returncode == 1 and shown["health"] ==
            "broken" and shown["missing"] == "an answer of msb-relayd" and
            shown["supervisor"] == supervisor, shown)
    done = m.netc("apply", "web", other)
    t.check("apply tells of the process", done.returncode == 3 and
            "msb-relayd does not answer" in done.stderr and
            "end process %d " % supervisor in done.stderr, done.stderr)
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not alive(supervisor))
    for each in waiting:
        each.close()
    made = json.loads(m.good("apply", "--json", "web", other))
    t.check("apply starts another", made["helpers"] == "start", made)
    t.check("and all is well", json.loads(
        m.good("status", "--json", "web"))["health"] == "ok")
    m.good("down", "web")


def rebooted(m, t):
    """The state directory is kept, and nothing else: down is the way."""
    document = m.document("port", PORT)
    m.good("up", "web", document, "--tap")
    shown = json.loads(m.good("status", "--json", "web"))
    os.kill(shown["supervisor"], signal.SIGKILL)
    wait_for(lambda: not alive(shown["supervisor"]))
    done = m.netc("up", "other", document, "--tap")
    t.check("a port is still leased", done.returncode == 1 and
            done.stderr == "msb-netc: /Ports/8080: 127.0.0.1:8080/tcp is "
            "taken by sandbox web\n", done.stderr)
    run("ip", "netns", "delete", "msb-web")
    run("nft", "delete", "table", "inet", "msb")
    done = m.netc("status", "--json", "web")
    shown = json.loads(done.stdout)
    t.check("status says what is gone", done.returncode == 1 and
            shown["missing"] == "network namespace msb-web", shown)
    for words, said in ((("apply", "web", document), "make it again"),
                        (("up", "web", document, "--tap"), '"down"')):
        done = m.netc(*words)
        t.check("%s says what to do" % words[0], done.returncode == 1 and
                "gone" in done.stderr and said in done.stderr, done.stderr)
    m.good("down", "web")
    m.good("up", "web", document, "--tap")
    t.check("it is as new", json.loads(
        m.good("status", "--json", "web"))["health"] == "ok")
    m.good("down", "web")


def damaged(m, t):
    """What cannot be read of a sandbox keeps nobody from removing it."""
    before = settled(m)
    for file in ("record", "leases"):
        for damage in ("gone", "empty", "link"):
            if (file, damage) == ("leases", "empty"):
                continue
            path = STATE + "/sandboxes/web/" + file
            m.good("up", "web", m.public, "--tap")
            os.unlink(path)
            if damage == "link":
                os.symlink("/etc/hostname", path)
            elif damage == "empty":
                with open(path, "w", encoding="ascii"):
                    pass
            m.good("up", "other", m.public, "--tap")
            done = m.netc("status", "--json")
            t.check("%s %s: others are listed" % (file, damage), "other" in [
                s["name"] for s in json.loads(done.stdout)], done.stdout)
            m.good("down", "other")
            m.good("down", "web")
            unchanged(m, t, "%s %s" % (file, damage), before)
    t.check("what was linked to is there", os.path.exists("/etc/hostname"))


def in_between(m, t):
    """An apply that is at it was not interrupted, and one that was killed is."""
    m.good("up", "web", m.public, "--tap")
    next_ = STATE + "/sandboxes/web/next-host.nft"
    with open(next_, "w", encoding="ascii"):
        pass
    done = m.netc("status", "--json", "web")
    t.check("it was interrupted", done.returncode == 1 and "interrupted" in
            json.loads(done.stdout)["missing"], done.stdout)
    with open("/run/msb-netc.lock", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = m.netc("status", "--json", "web")
        t.check("it is at it", done.returncode == 0 and
                json.loads(done.stdout)["health"] == "ok", done.stdout)
    m.good("down", "web")


def not_forwarding(m, t):
    """Somebody turns off what the host does for every sandbox."""
    m.good("up", "web", m.public, "--tap")
    for key, word in (("net/ipv4/ip_forward", "ipv4"),
                      ("net/ipv6/conf/all/forwarding", "ipv6")):
        m.sysctl(key, "0")
        done = m.netc("status", "--json", "web")
        shown = json.loads(done.stdout)
        t.check("%s: status says so" % word, done.returncode == 1 and
                shown["health"] == "broken" and "forwarding" in
                shown["missing"] and word in shown["missing"], shown)
        m.sysctl(key, "1")
        t.check("%s: and it is well again" % word, m.netc(
            "status", "web").returncode == 0)
    m.good("down", "web")


def somebodys(m, t):
    """A state directory that others can write to is none."""
    where = "/run/somebodys"
    for mode, owner, said in ((0o777, 0, "by everybody"),
                              (0o700, 1000, "belongs to user 1000")):
        os.mkdir(where)
        os.chmod(where, mode)
        os.chown(where, owner, owner)
        for words in (("up", "web", m.public, "--tap"), ("status",),
                      ("down", "web"), ("ca", "export"),
                      ("run", m.public, "--", "true")):
            done = subprocess.run(
                [m.program, words[0], "--state", where, *words[1:]],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                timeout=60, check=False)
            t.check("%s: %s" % (said, words[0]), done.returncode == 1 and
                    said in done.stderr and not done.stdout, done.stderr)
        t.check("nothing is made", not os.listdir(where))
        os.rmdir(where)


def names_that_are_odd(m, t):
    """What a document is called is shown, and does nothing to a terminal."""
    odd = m.document("odd\x1b[31m\nname web2\x7f", {"Policy": "none"})
    m.good("up", "web", odd, "--tap")
    shown = m.good("status", "web")
    t.check("shown", "/odd?[31m?name web2?.json\n" in shown and
            "\x1b" not in shown and "\x7f" not in shown, repr(shown))
    m.good("apply", "web", odd)
    m.good("down", "web")


def keys_of(value):
    """The keys of all objects in it."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value))
    if isinstance(value, dict):
        return set(value).union(*map(keys_of, value.values()))
    return set()


def in_the_manual(m, t):
    """Every key of a report is told of."""
    with open(os.path.join(os.path.dirname(__file__), "../../docs/man",
                           "msb-netc.1.in"), encoding="utf-8") as file:
        told = file.read().partition(".Sh REPORTS AS JSON")[2]
    told = set(re.findall(r"[a-z0-9_]+", told.partition("\n.Sh ")[0]))
    document = m.document("all", {**PORT, "TLS": {}, "TrustHostCAs": True})
    for words in (("up", "web", document, "--tap"), ("status",),
                  ("status", "web"), ("apply", "web", m.public)):
        keys = keys_of(json.loads(m.good(words[0], "--json", *words[1:])))
        t.check("%s: keys" % words[0], len(keys) > 10 and keys <= told,
                keys - told)
    m.good("down", "web")


TESTS = (no_inode, no_answer, rebooted, damaged, in_between,
         not_forwarding, somebodys,
         names_that_are_odd, in_the_manual)

if __name__ == "__main__":
    main(__doc__, TESTS)
