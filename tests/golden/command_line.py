#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""command_line.py - What every command line gives: status, streams, JSON.

Help of each subcommand goes to standard output, what is wrong with a command
line to standard error with status 2; --json is one JSON value, whatever the
verdict; nothing is written where a command says no.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

FILES = {
    "good.json": '{"Rules": [{"Action": "allow", "Destination": "10.0.0.0/8"}]}',
    "bad.json": '{"Polcy": "none"}',
    "names.json": '{"Rules": [{"Action": "allow", "Destination": "example.com"}]}',
    "tls.json": '{"TLS": {}}',
    "helpers.json": '{"DenyDomains": ["a.example"], "TLS": {}, "Ports": {"80": 80}}',
    "pool.json": '{"IPv4Pool": "10.9.0.0/29"}',
    "good.flows": "egress tcp 10.0.0.1 80 allow\n",
    "bad.flows": "egress tcp 10.0.0.1 80 deny\n",
    "odd.flows": "outgress\n",
}

# Command line, exit status, what standard error says (a regular expression).
STATUS = (
    ("", 2, "^Usage: "),
    ("frobnicate", 2, "unknown command"),
    ("check", 2, "Try "),
    ("check good.json", 0, "^$"),
    ("check bad.json", 1, r"^bad.json:1:2: error: .*\[unknown-key\]"),
    ("check good.json bad.json", 1, "unknown-key"),
    ("check gone.json", 2, "gone.json: No such file"),
    ("check .", 2, "directory"),
    ("check --preset none bad.json", 2, "Try "),
    ("check - -", 2, "once"),
    ("diff - -", 2, "once"),
    ("test - -", 2, "once"),
    ("check --frobnicate good.json", 2, "Try "),
    ("check --prove good.json bad.json", 1, "unknown-key"),
    ("lint good.json", 0, "^$"),
    ("lint bad.json", 2, "unknown-key"),
    ("lint good.json good.json", 2, "Try "),
    ("lint --deny shadowed,frob good.json", 2, "Try "),
    ("diff good.json", 2, "Try "),
    ("diff good.json good.json", 0, "^$"),
    ("diff good.json bad.json", 2, "unknown-key"),
    ("diff --semantic good.json names.json", 1, "^$"),
    ("diff good.json gone.json", 2, "gone.json: No such file"),
    ("diff --live good.json .", 2, "Try "),
    ("test --json --tap good.json good.flows", 2, "Try "),
    ("compile", 2, "Try "),
    ("compile good.json bad.json", 2, "Try "),
    ("compile bad.json", 1, "unknown-key"),
    ("compile names.json", 0, "^$"),
    ("compile tls.json", 0, "^$"),
    ("compile gone.json", 2, "No such file"),
    ("compile --preset nobody", 2, "nobody"),
    ("compile --name Web good.json", 2, "Web"),
    ("compile --name " + "a" * 33 + " good.json", 2, "a{33}"),
    ("compile --slot 65536 good.json", 2, "0 to 65535"),
    ("compile --slot -1 good.json", 2, "0 to 65535"),
    ("compile --slot 01 good.json", 2, "0 to 65535"),
    ("compile --slot 2 pool.json", 1, r"slot 2 is outside the pools.*\[pool\]"),
    ("compile -o good.json/x good.json", 3, "good.json"),
    ("explain good.json egress tcp 10.0.0.1 80", 0, "^$"),
    ("explain good.json egress tcp 11.0.0.1 80", 0, "^$"),
    ("explain --expect deny good.json egress tcp 10.0.0.1 80", 1, ""),
    ("explain --expect maybe good.json egress tcp 10.0.0.1 80", 2, "\"allow\" or \"deny\""),
    ("explain good.json", 2, "Try "),
    ("explain good.json egress tcp 10.0.0.1", 2, "port"),
    ("explain bad.json egress tcp 10.0.0.1 80", 2, "unknown-key"),
    ("test good.json good.flows", 0, "^$"),
    ("test good.json bad.flows", 1, ""),
    ("test good.json odd.flows", 2, "odd.flows:1: "),
    ("test good.json gone.flows", 2, "No such file"),
    ("presets", 0, "^$"),
    ("presets nobody", 1, "nobody"),
    ("schema", 0, "^$"),
    ("schema nobody", 1, "nobody"),
    ("status --state nowhere", 0, "^$"),
    ("ca --state nowhere", 1, "there is no CA in nowhere"),
    ("ca frob --state nowhere", 2, "Try "),
    ("ca export --json --state nowhere", 2, "Try "),
    ("ca export --der --json --state nowhere", 2, "Try "),
    ("ca print --der --state nowhere", 2, "Try "),
    ("up Web good.json --tap", 2, "no name"),
    ("up web good.json", 2, "--tap"),
    ("up web good.json --tap --guest-netns box", 2, "--tap"),
    ("apply", 2, "Try "),
    ("apply web", 2, "Try "),
    ("apply Web good.json", 2, "no name"),
    ("apply web good.json --state nowhere", 1, "there is no sandbox web"),
    ("apply web good.json --state nowhere --dry-run", 1,
     "there is no sandbox web"),
    ("down", 2, "Try "),
    ("run good.json --", 2, "command is missing"),
)

JSON = (
    ("check --json good.json bad.json names.json", 1),
    ("explain --json good.json egress tcp 10.0.0.1 80", 0),
    ("explain --json good.json egress icmpv6 fd00::1", 0),
    ("explain --json --expect deny good.json egress tcp 10.0.0.1 80", 1),
    ("explain --json good.json dns example.com", 0),
    ("test --json good.json good.flows bad.flows", 1),
    ("presets --json", 0),
    ("presets public-only", 0),
    ("schema", 0),
    ("status --json --state nowhere", 0),
)


class Tool:
    def __init__(self, path, scratch):
        self.path, self.scratch = path, scratch
        self.passed = self.failed = 0

    def run(self, line):
        return subprocess.run([self.path] + line.split(), cwd=self.scratch, timeout=60,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)

    def check(self, line, good, detail):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print("msb-netc %s: %s" % (line, detail))


def help_of_each(tool):
    names = re.findall(r"^  ([a-z]+) ", tool.run("--help").stdout, re.M)
    tool.check("--help", len(names) >= 10, "lists %s" % names)
    for name in names:
        got = tool.run(name + " --help")
        tool.check(name + " --help", got.returncode == 0 and not got.stderr and
                   got.stdout.startswith("Usage: msb-netc %s " % name), got)
        wide = [line for line in got.stdout.splitlines() if len(line) > 80]
        tool.check(name + " --help", not wide, "over 80 columns: %s" % wide)
    got = tool.run("--version")
    tool.check("--version", re.match(r"msb-netc \d+\.\d+\.\d+\n$", got.stdout), got.stdout)


def same_bytes(tool):
    """The ruleset on standard output is the one among the files."""
    out = pathlib.Path(tool.scratch) / "out"
    got = tool.run("compile good.json -o out")
    tool.check("compile -o", got.returncode == 0 and not got.stdout, got)
    printed = tool.run("compile good.json").stdout
    tool.check("compile", printed == (out / "sandbox.nft").read_text(encoding="utf-8"),
               "another ruleset on standard output")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    tool.run("compile bad.json -o out")
    tool.run("compile later.json -o out")
    tool.check("compile -o", before == {p: p.read_bytes() for p in out.rglob("*")
                                        if p.is_file()}, "a refused document wrote files")
    tool.run("compile bad.json -o never")
    tool.check("compile -o", not os.path.exists(os.path.join(tool.scratch, "never")),
               "a refused document made a directory")


def one_document_each(tool):
    """A directory has what its last document needs, and nothing before it."""
    scratch = pathlib.Path(tool.scratch)
    out, fresh = scratch / "again", scratch / "fresh"
    tool.run("compile helpers.json -o again")
    had = {p.name for p in out.iterdir()}
    tool.check("compile -o", {"dns.json", "relay.json", "ports.json", "tls.json"} <= had
               and any(n.startswith("names-") for n in had), "not all: %s" % had)
    (out / "names-.txt").write_text("mine", encoding="utf-8")
    tool.run("compile --preset none -o again")
    tool.run("compile --preset none -o fresh")
    have, want = ({p.name for p in d.iterdir()} for d in (out, fresh))
    tool.check("compile -o", have == want | {"names-.txt"}, "left: %s" % (have - want))
    # A directory of somebody else's.
    other = scratch / "other"
    other.mkdir()
    (other / "dns.json").write_text("mine", encoding="utf-8")
    tool.run("compile --preset none -o other")
    tool.check("compile -o", (other / "dns.json").read_text(encoding="utf-8") == "mine",
               "somebody's dns.json")


def main():
    with tempfile.TemporaryDirectory() as scratch:
        for name, text in FILES.items():
            (pathlib.Path(scratch) / name).write_text(text, encoding="utf-8")
        tool = Tool(os.path.abspath(sys.argv[1]), scratch)
        for line, status, says in STATUS:
            got = tool.run(line)
            tool.check(line, got.returncode == status, "exit status %d, not %d: %s" % (
                got.returncode, status, got.stderr))
            tool.check(line, re.search(says, got.stderr, re.S), "says %r" % got.stderr)
            if got.returncode == 2 and "flows" not in line:
                tool.check(line, not got.stdout, "prints %r" % got.stdout[:200])
        for line, status in JSON:
            got = tool.run(line)
            tool.check(line, got.returncode == status, got)
            try:
                json.loads(got.stdout)
                tool.check(line, True, "")
            except ValueError as error:
                tool.check(line, False, "is no JSON: %s" % error)
        help_of_each(tool)
        same_bytes(tool)
        one_document_each(tool)
        print("%d passed, %d failed" % (tool.passed, tool.failed))
        return 1 if tool.failed or not tool.passed else 0


if __name__ == "__main__":
    sys.exit(main())
