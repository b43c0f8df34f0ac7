#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""run.py - Golden documents: what is refused and how, what is accepted.

    run.py [--update] MSB-NETC [NAME...]

refuse/NAME.json must be refused with exactly the text of refuse/NAME.expect.
accept/NAME.json must be accepted; accept/NAME.expect, if it is there, holds its
warnings about the document's text. Each must give the same from --json, each
accepted document must be valid under the JSON Schema, and most refused ones not.
What is too large to keep is made here. --update rewrites the expected text;
review the difference.
"""
import json
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

import jsonschema

HERE = pathlib.Path(__file__).resolve().parent

# What concerns the text of a document.
TEXT_CODES = {"host-bits", "mapped", "never-matches", "secret-unused"}

# Refused documents that the schema takes for valid: it cannot say what is wrong
# with them, or would say it badly. All others that are JSON must be invalid.
SCHEMA_CANNOT_SAY = re.compile(
    r"^(text-bom|text-(crlf|tabs)$|key-twice|destination-(typo|blank|all|cidr|hex|"
    r"link-local-none|octet|digits|ip6|range|url|dots|two-dots|label|name|list|idna|"
    r"empty|zone|port|suffix|full-width)|port-(reversed|range)|pool-(text|family|loopback|link)|number-whole|"
    r"number-exponent|duplicate|nameserver|secret-(twice|too-many|placeholders-long)|warnings-too|name-|many)")

BLOCK = re.compile(r"^(?P<file>.*?)(?::(?P<line>\d+):(?P<column>\d+))?: "
                   r"(?P<level>error|warning|note): (?P<rest>.*) \[(?P<code>[a-z0-9-]+)\]$")


def check(tool, doc, *options):
    return subprocess.run([tool, "check", *options, doc.name], cwd=doc.parent, timeout=60,
                          capture_output=True, text=True, check=False)


def kept(text):
    """The diagnostics whose codes are in TEXT_CODES, with their source lines."""
    out, keep = [], False
    for line in text.splitlines(keepends=True):
        head = BLOCK.match(line.rstrip("\n"))
        if head or line.startswith("and "):
            keep = bool(head) and head["code"] in TEXT_CODES
        if keep:
            out.append(line)
    return "".join(out)


def compare_json(text, parsed):
    """Whether the JSON form says what the text form says."""
    heads = [m for m in map(BLOCK.match, text.splitlines()) if m]
    if len(heads) != len(parsed):
        return ["--json has %d diagnostics, the text %d" % (len(parsed), len(heads))]
    return ["--json differs from %r" % m[0] for m, d in zip(heads, parsed)
            if (m["code"], m["level"]) != (d["code"], d["level"])
            or (m["line"] and (int(m["line"]), int(m["column"])) != (d["line"], d["column"]))]


def load(doc):
    """The document as Python reads it; None if that is not possible."""
    try:
        return json.loads(doc.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return None


def golden(doc, have, update):
    expect = doc.with_suffix(".expect")
    want = expect.read_text(encoding="utf-8") if expect.exists() else ""
    if update and have != want:
        if have:
            expect.write_text(have, encoding="utf-8")
        else:
            expect.unlink()
        return []
    return [] if have == want else ["expected\n%s\ngot\n%s" % (want, have)]


def one(tool, doc, validator, update):
    """Problems of one document."""
    refuse = doc.parent.name == "refuse"
    text, parsed = check(tool, doc), check(tool, doc, "--json")
    if text.returncode != refuse or parsed.returncode != refuse:
        return ["exit status %d: %s" % (text.returncode, text.stderr)]
    problems = golden(doc, text.stderr if refuse else kept(text.stderr), update)
    problems += compare_json(text.stderr, json.loads(parsed.stdout)[0])
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text.stderr):
        problems.append("control characters in the output")
    content = load(doc)
    valid = content is not None and validator.is_valid(content)
    if not refuse and not valid:
        problems.append("not valid under the schema")
    if refuse and valid and not SCHEMA_CANNOT_SAY.match(doc.stem):
        problems.append("valid under the schema")
    return problems


def deny_list(names, extra=""):
    return '{"DenyDomains": [%s]%s}' % (
        ",\n".join('"n%d.example.com"' % i for i in range(names)), extra)


MADE = {
    # name: (document, expected exit status, code expected, most seconds of CPU)
    "over-64-MiB": (lambda: '{"Policy": "none"}' + " " * (64 << 20), 1, "too-large", 20),
    "64-MiB": (lambda: '{"Policy": "none"}'.ljust(64 << 20), 0, None, 20),
    "100000-names": (lambda: deny_list(100000), 0, None, 10),
    "100000-names-one-bad": (lambda: deny_list(100000, ', "Polciy": 1'), 1, "unknown-key", 10),
    "100000-bad-names": (lambda: deny_list(100000).replace(".example", " example"), 1,
                         "domain-name", 20),
    "100000-host-bits": (lambda: '{"Rules": [%s]}' % ",\n".join(
        ['{"Action": "allow", "Destination": "10.0.0.1/8"}'] * 10000), 0, "host-bits", 20),
    "60000-keys-twice": (lambda: '{"Ports": {%s}}' % ", ".join(
        '"%d": 1' % (i % 30000 + 1) for i in range(60000)), 1, "duplicate-key", 20),
    "60000-ports": (lambda: '{"Ports": {%s}}' % ", ".join(
        '"%d": 1' % (i + 1) for i in range(60000)), 1, "policy-size", 20),
    "1024-ports": (lambda: '{"Ports": {%s}}' % ", ".join(
        '"%d": 1' % (i + 1) for i in range(1024)), 0, None, 20),
    "1500-named-rules": (lambda: '{"Rules": [%s]}' % ",\n".join(
        '{"Action": "allow", "Destination": "n%d.example.com", "Port": %d}' % (i, i + 1)
        for i in range(1500)), 1, "policy-size", 20),
    "deep": (lambda: "[" * 1000000, 1, "depth", 10),
}


def made(tool, name):
    """Problems of a document that is made here."""
    build, status, code, seconds = MADE[name]
    with tempfile.TemporaryDirectory() as scratch:
        doc = pathlib.Path(scratch) / "made.json"
        doc.write_text(build(), encoding="utf-8")
        got = subprocess.run(["prlimit", "--cpu=%d:" % seconds, tool, "check", "--json",
                              str(doc)],
                             timeout=300, capture_output=True, text=True, check=False)
    if got.returncode == -signal.SIGXCPU:
        return ["more than %d s" % seconds]
    if got.returncode != status:
        return ["exit status %d: %s" % (got.returncode, got.stderr[:300])]
    codes = {d["code"] for d in json.loads(got.stdout)[0]}
    return [] if code is None or code in codes else ["codes are %s" % codes]


def main(argv):
    update = "--update" in argv
    argv = [a for a in argv if a != "--update"]
    tool, only = str(pathlib.Path(argv[1]).resolve()), set(argv[2:])
    schema = subprocess.run([tool, "schema"], capture_output=True, text=True, check=True).stdout
    jsonschema.Draft202012Validator.check_schema(json.loads(schema))
    validator = jsonschema.Draft202012Validator(json.loads(schema))
    failed = passed = 0
    docs = sorted(HERE.glob("refuse/*.json")) + sorted(HERE.glob("accept/*.json"))
    tests = [("%s/%s" % (d.parent.name, d.stem), lambda d=d: one(tool, d, validator, update))
             for d in docs]
    tests += [("made/" + n, lambda n=n: made(tool, n)) for n in MADE]
    for name, run in tests:
        if only and name not in only:
            continue
        problems = run()
        for problem in problems:
            print("%s: %s" % (name, problem))
        failed += bool(problems)
        passed += not problems
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
