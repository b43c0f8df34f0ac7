#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""compile.py - Golden artefacts: documents and the directories they become.

    compile.py [--update] MSB-NETC

compile/NAME.json is compiled with name NAME and the slot in the middle of
NAME ("two-3" is slot 3, else 0) and must give the files of compile/NAME/, byte for
byte, and the same again from standard input. Every ruleset must be one that nft
accepts, and that the kernel lists as it was written. compile/NAME.cost is what
--cost tells of it; its JSON must say the same.
"""
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent / "compile"
# The same in all of them, so it is not kept with each.
SCRIPT = "guest/install.sh"
SCRIPT_SOURCE = HERE.parents[2] / "compiler" / "emit" / "install.sh"


def tree(path):
    return {str(p.relative_to(path)): p.read_bytes()
            for p in sorted(path.rglob("*")) if p.is_file()}


def compiled(tool, doc, out, standard_input=False):
    name = doc.stem
    slot = re.search(r"-(\d+)$", name)
    argv = [tool, "compile", "--name", name, "--slot", slot.group(1) if slot else "0",
            "-o", str(out), "-" if standard_input else str(doc)]
    return subprocess.run(argv, input=doc.read_text(encoding="utf-8") if standard_input else "",
                          capture_output=True, text=True, check=False)


def listed(path):
    """What the kernel lists after loading a ruleset, in a namespace of its own."""
    script = 'nft -c -f "$1" && nft -f "$1" && nft -f "$1" && nft -s list table inet msb'
    return subprocess.run(["unshare", "-n" if os.geteuid() == 0 else "-rn", "sh", "-c", script, "sh", str(path)],
                          capture_output=True, text=True, check=False)


def costs(tool, doc, update):
    """Problems of what --cost says."""
    argv = [tool, "compile", "--cost", str(doc)]
    text = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    told = json.loads(subprocess.run(argv + ["--json"], capture_output=True, text=True,
                                     check=True).stdout)
    golden = doc.with_suffix(".cost")
    if update:
        golden.write_text(text, encoding="utf-8")
    problems = []
    if not golden.exists() or golden.read_text(encoding="utf-8") != text:
        problems.append("--cost differs")
    for direction, said in told.items():
        line = "%s: a new flow at most %d ns" % (direction, said["new"]["ns"])
        if line not in text or text.count("\n  /") != sum(len(d["runs"]) for d in told.values()):
            problems.append("--cost --json says something else")
    return problems


def hostile():
    """A document whose boxes are too many: this must be said, and soon."""
    rng = random.Random(1)
    rules = [{"Action": "deny" if i % 2 else "allow", "Destination": "11.0.0.0/8",
              "Protocols": ["tcp"],
              "Ports": [str(p) for p in rng.sample(range(1, 65535), 40)]} for i in range(1500)]
    rules += [{"Action": "deny" if i % 2 else "allow", "Destination": "11.%d.%d.0/24" % (i >> 8, i & 255),
               "Protocols": ["tcp"], "Ports": [str(i + 1)]} for i in range(3000)]
    return json.dumps({"Rules": rules})


def check_hostile(tool):
    got = subprocess.run(["prlimit", "--cpu=20:", tool, "compile", "--cost", "--json", "-"],
                         input=hostile(), capture_output=True, text=True, check=False, timeout=300)
    if got.returncode == -signal.SIGXCPU:
        return ["more than 20 s"]
    if got.returncode or "note: /Rules/0: " not in got.stderr or "[rule-order]" not in got.stderr:
        return ["exit status %d, no note: %s" % (got.returncode, got.stderr[:500])]
    reason = json.loads(got.stdout)["egress"]["runs"][0]["reason"]
    return [] if reason == "no-map" else ["the reason is %s" % reason]


def check(tool, doc, update):
    """Problems of one document, a line each."""
    with tempfile.TemporaryDirectory() as scratch:
        out, again = pathlib.Path(scratch) / "out", pathlib.Path(scratch) / "again"
        got = compiled(tool, doc, out)
        if got.returncode:
            return ["not compiled: " + got.stderr]
        problems = []
        if compiled(tool, doc, again, standard_input=True).returncode or tree(out) != tree(again):
            problems.append("other bytes the second time")
        golden = HERE / doc.stem
        if update:
            shutil.rmtree(golden, ignore_errors=True)
            shutil.copytree(out, golden)
            (golden / SCRIPT).unlink()
        want = tree(golden) if golden.is_dir() else {}
        want[SCRIPT] = SCRIPT_SOURCE.read_bytes()
        have = tree(out)
        problems += ["%s differs" % f for f in sorted(want.keys() | have.keys())
                     if want.get(f) != have.get(f)]
        for ruleset in ("sandbox.nft", "host.nft"):
            result = listed(out / ruleset)
            body = have[ruleset].decode().split("\n", 3)[3]
            if result.returncode:
                problems.append("%s: nft: %s" % (ruleset, result.stderr))
            elif result.stdout != body:
                problems.append("%s: the kernel lists it differently" % ruleset)
        return problems


def main():
    update = "--update" in sys.argv[1:]
    tool = os.path.abspath([a for a in sys.argv[1:] if a != "--update"][0])
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    passed = failed = 0
    docs = sorted(HERE.glob("*.json"))
    checks = [(d.name, lambda d=d: check(tool, d, update) + costs(tool, d, update)) for d in docs]
    for name, run in checks + [("hostile", lambda: check_hostile(tool))]:
        problems = run()
        for problem in problems:
            print("%s: %s" % (name, problem))
        failed += bool(problems)
        passed += not problems
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
