# SPDX-License-Identifier: GPL-2.0-or-later
"""report.py - Counts what holds, and says what does not."""
import argparse
import os
import sys
import tempfile
import time

from lab import enter_laboratory
from machine import STATE, Machine, differences, wait_for
import rtnl

TABLE = "\ntable inet msb {\n"


class Report:
    """Counts, and says what failed."""

    def __init__(self):
        self.test, self.passed, self.failed = "", 0, 0

    def check(self, what, good, detail=""):
        if good:
            self.passed += 1
            return
        self.failed += 1
        print("FAILED %s: %s%s" % (self.test, what,
                                   ": " + str(detail) if detail else ""),
              flush=True)


def unchanged(m, t, what, before):
    after = m.look()
    t.check(what + ": nothing changed", before == after,
            differences(before, after))


def settled(m, *others):
    """What the machine is like once every address is more than tentative."""
    def is_tentative(namespace):
        with namespace:
            return rtnl.tentative()

    wait_for(lambda: not rtnl.tentative() and not any(
        map(is_tentative, (*m.guests.values(), *others))))
    return m.look()


def emitted(name, file):
    """A table of a sandbox as the state directory has it."""
    with open("%s/sandboxes/%s/%s" % (STATE, name, file),
              encoding="utf-8") as f:
        text = f.read()
    return text[text.index(TABLE, text.index("}")) + 1:]


def listed(t, what, name, namespaces, alone=True):
    """What the kernel lists is what was emitted, byte for byte."""
    for file, namespace in (("sandbox.nft", namespaces["gateway"]),
                            ("host.nft", namespaces["host"])):
        if file == "host.nft" and not alone:
            continue
        have = namespace("nft", "-s", "list", "table", "inet", "msb")
        want = emitted(name, file)
        t.check("%s: %s as listed" % (what, file), have == want,
                differences({file: want}, {file: have}))


def main(doc, tests, options=()):
    """Run a module's tests in a laboratory of its own; m.args has its options,
    each a name and what a parser wants to know of it."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("program", help="msb-netc")
    parser.add_argument("faults", nargs="*",
                        help="the programs up_fault and apply_fault")
    parser.add_argument("--only", default="", help="what has this in its name")
    for name, words in options:
        parser.add_argument(name, **words)
    args = parser.parse_args()
    enter_laboratory()
    t, start = Report(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="msb-live-") as scratch:
        os.chmod(scratch, 0o755)
        m = Machine(os.path.abspath(args.program), scratch)
        m.args = args
        m.faults = [os.path.abspath(f) for f in args.faults]
        for test in tests:
            if args.only not in test.__name__:
                continue
            t.test = test.__name__
            begun = time.monotonic()
            test(m, t)
            print("%s: %.1f s" % (t.test, time.monotonic() - begun),
                  flush=True)
    print("%d passed, %d failed (%.0f s)" % (t.passed, t.failed,
                                             time.monotonic() - start))
    sys.exit(1 if t.failed or not t.passed else 0)
