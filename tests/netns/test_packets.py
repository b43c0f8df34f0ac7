# SPDX-License-Identifier: GPL-2.0-or-later
"""test_packets.py - The kernel's verdicts, with real packets.

Every flow of the case files and of random documents that packets can express
goes through sandboxes made from plan.json; then what flows alone cannot say:
sources, neighbours, answers, errors, replaced policies, other sandboxes, DNS.
"""
import argparse
import glob
import os
import sys
import tempfile
import time

from lab import (Laboratory, Sandbox, compile_document, enter_laboratory, run,
                 stay_on_this_cpu)
import flows
import scenes
import scenes_names
import scenes_ports
import scenes_tls


class Report:
    """Counts, and says what failed."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED %s%s" % (name, ": " + detail if detail else ""),
                  flush=True)


def check_listing(report, name, sandbox):
    """What the kernel lists is what was emitted, byte for byte."""
    for ruleset in sandbox.plan["rulesets"]:
        path = os.path.join(sandbox.directory, ruleset["file"])
        with open(path, encoding="utf-8") as file:
            emitted = file.read()
        emitted = emitted[emitted.index("\ntable inet msb {\n",
                                        emitted.index("}")) + 1:]
        namespace = sandbox.ns[ruleset["ns"]]
        listed = namespace.run("nft", "-s", "list", "table", "inet", "msb")
        report.check("%s: %s as listed" % (name, ruleset["file"]),
                     listed == emitted, "the listing differs")
        again = namespace.run("nft", "-c", "-f", path, check=False)
        report.check("%s: %s is accepted" % (name, ruleset["file"]),
                     again.returncode == 0, again.stderr)


def check_file(report, lab, program, document, scratch):
    """One document, and its file of flows, which a program has written."""
    name = os.path.basename(document)[:-5]
    slot, lines = flows.read_flows(os.path.join(scratch, name + ".flows"))
    directory = compile_document(program, document,
                                 os.path.join(scratch, "out"), slot)
    sandbox = Sandbox(lab, directory)
    # A protocol without ports is one connection for two addresses: masqueraded,
    # that of the sandbox before would be in the way.
    lab.host.forget_flows()
    try:
        check_listing(report, name, sandbox)
        sandbox.probe()
        failures = flows.judge(lab, sandbox, lines)
    finally:
        sandbox.close()
    for failure in failures:
        report.check(name, False, failure)
    report.passed += len(lines) - len(failures)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--compile", required=True,
                        help="msb-netc")
    parser.add_argument("--random", required=True,
                        help="the program flow_random")
    parser.add_argument("--judge", required=True,
                        help="the program flow_cases")
    parser.add_argument("--cases", required=True, help="directory of cases")
    parser.add_argument("--docs", type=int, default=20)
    parser.add_argument("--flows", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="what has this in its name")
    args = parser.parse_args()
    enter_laboratory()
    stay_on_this_cpu()
    report, start = Report(), time.monotonic()
    lab = Laboratory()
    with tempfile.TemporaryDirectory(prefix="msb-packets-") as scratch:
        run(args.random, "--seed", str(args.seed), "--docs", str(args.docs),
            "--flows", str(args.flows), "--dump", scratch, check=False)
        report.check("random documents are written", len(glob.glob(
            scratch + "/random-*.flows")) == args.docs)
        report.check("the cases are judged", run(
            args.judge, args.cases, "--dump", scratch,
            check=False).returncode == 0)
        documents = sorted(glob.glob(args.cases + "/*.json")) + sorted(
            glob.glob(scratch + "/*.json"))
        for document in documents:
            if args.only in document:
                check_file(report, lab, args.compile, document, scratch)
        for name, scene in {**scenes.SCENES, **scenes_names.SCENES,
                            **scenes_ports.SCENES,
                            **scenes_tls.SCENES}.items():
            if args.only in name:
                stage = scenes.Stage(lab, args.compile, scratch, name, report)
                try:
                    scene(stage)
                finally:
                    stage.close()
    print("%d passed, %d failed (%.0f s)" % (
        report.passed, report.failed, time.monotonic() - start))
    sys.exit(1 if report.failed else 0)


if __name__ == "__main__":
    main()
