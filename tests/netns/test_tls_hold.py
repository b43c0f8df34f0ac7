# SPDX-License-Identifier: GPL-2.0-or-later
"""test_tls_hold.py - Many connections at once, held, and then moved.

    test_tls_hold.py MSB-NETC TLS_HOLD [--spliced N] [--intercepted N] [--bytes N]
        [--applies N]

Those at port 8443 are spliced, those at port 443 decrypted; all are there at the
same time. Then all move, the slow ones slowly, while the document is replaced so
many times. Every byte is checked, and so is what memory they take.
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

from lab import enter_laboratory
from machine import Machine, wait_for
from report import Report
from tls import table
from tls.world import address

# The targets, in KiB a connection; the sanitizers have their own memory.
SPLICED, INTERCEPTED = 4, 100


def anonymous(pids):
    """What of processes' memory is no file's, KiB: of a file others that map it
    have a share, which changes when they come and go."""
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            total += next(int(line.split()[1]) for line in file
                          if line.startswith("Pss_Anon:"))
    return total


def listens(stage, port):
    """Whether there is a server of its own at a port, beside those of Python."""
    said = stage.world.network.far.run("ss", "-Htln", "sport", "= :%d" % port)
    return len([line for line in said.splitlines()
                if address("record", 4) in line or address("spare", 4) in line])


def is_sanitized(program):
    return b"__asan_init" in subprocess.run(
        ["nm", "-D", "--defined-only", program], stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, check=False).stdout or \
        b"__asan" in open(program, "rb").read()


class Held:
    """A client with its connections."""

    def __init__(self, stage, program, where, port, name, count, size, *more):
        self.start = time.monotonic()
        self.size, self.count = size, count
        with stage.guest:
            self.process = subprocess.Popen(
                [program, "hold", where, str(port), name, str(count),
                 str(size), *more], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def wait(self):
        said = self.process.stdout.readline()
        return said.strip() == "held %d" % self.count

    def go(self):
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def moved(self, seconds):
        """Whether all that was said has come; what was said about it."""
        try:
            out, err = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            out, err = self.process.communicate()
            err += "too slow"
        return (self.process.returncode == 0 and out.strip() ==
                "moved %d" % (2 * self.count * self.size)), err[-500:]


def hold(stage, t, args):
    stage.guest.sysctl("net/ipv4/ip_local_port_range", "1024 65535")
    root = stage.pki.root.path
    document = {"Rules": [{"Action": "allow", "Destination": ".example.com",
                           "Protocols": ["tcp"]}],
                "TLS": {"UpstreamCACerts": [root]}}
    stage.up(document)
    good = stage.pki.certificates["good"]
    servers = []
    where = {}
    for role, port, more in (("record", 8443, ()),
                             ("spare", 443, (good.chain, good.key))):
        where[port] = address(role, 4)
        with stage.world.network.far:
            servers.append(subprocess.Popen(
                [args.load, "serve", where[port], str(port), *more],
                stderr=subprocess.PIPE, text=True))
        t.check("%s is resolved" % role, stage.resolve(
            role + ".example.com") == ["NOERROR"] * 2)
    for port, server in zip(where, servers):
        t.check("a server listens", wait_for(lambda p=port: listens(stage, p),
                                             20), server.poll())
    pids = table.helper_pids("msb-tlsd")
    clean = not is_sanitized(os.path.join(os.path.dirname(os.path.realpath(
        args.program)), "../../libexec/msb-tlsd"))
    idle = anonymous(pids)
    print("idle: %d KiB in %d processes" % (idle, len(pids)))
    try:
        spliced = Held(stage, args.load, where[8443], 8443,
                       "record.example.com", args.spliced, args.bytes)
        t.check("%d spliced connections are held" % args.spliced,
                spliced.wait())
        took = time.monotonic() - spliced.start
        first = anonymous(pids)
        each = (first - idle) / max(args.spliced, 1)
        print("%d spliced: %.1f s, %.2f KiB each" % (args.spliced, took, each))
        decrypted = Held(stage, args.load, where[443], 443,
                         "spare.example.com", args.intercepted, args.bytes,
                         stage.trust.bundle)
        t.check("%d intercepted connections are held" % args.intercepted,
                decrypted.wait())
        took = time.monotonic() - decrypted.start
        second = anonymous(pids)
        per = (second - first) / max(args.intercepted, 1)
        print("%d intercepted: %.1f s, %.1f KiB each" % (
            args.intercepted, took, per))
        if clean:
            # What is there once for all of them is not counted as theirs.
            t.check("memory of a spliced one", each <= SPLICED +
                    200 / max(args.spliced, 1), each)
            t.check("memory of an intercepted one", per <= INTERCEPTED +
                    1500 / max(args.intercepted, 1), per)
        for held in (spliced, decrypted):
            held.go()
        start = time.monotonic()
        for n in range(args.applies):
            stage.apply({**document, "MaxConnections": 60000 + n})
        for held, what in ((spliced, "spliced"), (decrypted, "intercepted")):
            good, said = held.moved(args.limit)
            t.check("every byte of the %s ones is in its place" % what, good,
                    said)
        print("moved in %.1f s" % (time.monotonic() - start))
        time.sleep(0.5)
        print("after: %d KiB" % anonymous(pids))
        t.check("none of msb-tlsd has ended",
                table.helper_pids("msb-tlsd") == pids)
    finally:
        for server in servers:
            ended = server.poll()
            server.kill()
            said = server.communicate()[1]
            t.check("a server is content", ended is None, said[-500:])
    made = stage.use("python", "shared", 8443, "api.example.com", 4, True)
    t.check("others are refused as before", made.word == "silent", made)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("load")
    parser.add_argument("--spliced", type=int, default=200)
    parser.add_argument("--intercepted", type=int, default=50)
    parser.add_argument("--bytes", type=int, default=60000)
    parser.add_argument("--limit", type=int, default=60)
    parser.add_argument("--applies", type=int, default=3)
    args = parser.parse_args()
    enter_laboratory()
    args.load = os.path.abspath(args.load)
    t = Report()
    t.test = "hold"
    with tempfile.TemporaryDirectory(prefix="msb-hold-") as scratch:
        os.chmod(scratch, 0o755)
        m = Machine(os.path.abspath(args.program), scratch)
        stage = table.Stage(m, t, nginx=False)
        try:
            hold(stage, t, args)
        finally:
            stage.close()
    print("%d passed, %d failed" % (t.passed, t.failed))
    sys.exit(1 if t.failed else 0)


if __name__ == "__main__":
    main()
