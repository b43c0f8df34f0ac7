# SPDX-License-Identifier: GPL-2.0-or-later
"""test_trouble.py - What an operator is told when the machine is in trouble."""
import json
import os
import signal
import subprocess

from lab import run
from machine import alive, wait_for
from report import main

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


def no_answer(m, t):
    """A helper that hangs: what to do is said, and works."""
    document = m.document("port", PORT)
    other = m.document("other", {"Ports": {"8081": 80}})
    m.good("up", "web", document, "--tap")
    shown = json.loads(m.good("status", "--json", "web"))
    supervisor = shown["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)
    done = m.netc("status", "--json", "web")
    shown = json.loads(done.stdout)
    t.check("status says so", done.returncode == 1 and shown["health"] ==
            "broken" and shown["missing"] == "an answer of msb-relayd" and
            shown["supervisor"] == supervisor, shown)
    done = m.netc("apply", "web", other)
    t.check("apply tells of the process", done.returncode == 3 and
            "msb-relayd does not answer: end process %d," % supervisor in
            done.stderr, done.stderr)
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not alive(supervisor))
    made = json.loads(m.good("apply", "--json", "web", other))
    t.check("apply starts another", made["helpers"] == "start", made)
    t.check("and all is well", json.loads(
        m.good("status", "--json", "web"))["health"] == "ok")
    m.good("down", "web")


TESTS = (no_inode, no_answer)

if __name__ == "__main__":
    main(__doc__, TESTS)
