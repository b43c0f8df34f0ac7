#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_places.py - What the manual says of where fields are enforced is there.

    test_places.py MSB-GEN CTEST SOURCE BUILD

Each file that is named exists, each test is one that ctest would run, and each field is
named in the source of at least one of its tests: in the program, what it is made of, or
the files that it is run over.
"""
import json
import pathlib
import re
import subprocess
import sys

SUFFIXES = {".c", ".h", ".py", ".json", ".flows", ".table", ".replay", ".sh"}


def tests(ctest, build):
    """The command of each test, by its name."""
    told = subprocess.run([ctest, "--test-dir", build, "--show-only=json-v1"], check=True,
                          capture_output=True, text=True).stdout
    return {t["name"]: t.get("command", []) for t in json.loads(told)["tests"]}


def imported(path, seen):
    """A program in Python, and what it imports from the folder that it is in."""
    if path in seen:
        return
    seen.add(path)
    for name in re.findall(r"^\s*(?:from|import) ([a-z_0-9.]+)", path.read_text(encoding="utf-8"),
                           re.M):
        for below in ("", "tls", "dns"):
            module = path.parent / below / (name.replace(".", "/") + ".py")
            if module.exists():
                imported(module, seen)


def sources(name, command, source):
    """The files that a test is made of."""
    found = set()
    for word in command:
        path = pathlib.Path(word)
        if source not in path.parents or not path.exists():
            continue
        if path.is_dir():
            found.update(p for p in path.rglob("*") if p.suffix in SUFFIXES)
        elif path.suffix == ".py":
            imported(path, found)
        elif path.suffix in SUFFIXES:
            found.add(path)
    folder, _, base = name.partition("/")
    if folder == "unit":
        found.add(source / "tests" / "unit" / ("test_%s.c" % base))
    elif folder in ("flow", "golden"):
        found.update(p for p in (source / "tests" / folder).rglob("*") if p.suffix in SUFFIXES)
    elif folder == "netns" and base.startswith("tls"):
        found.update((source / "tests" / "netns" / "tls").iterdir())
    return {p for p in found if p.is_file()}


def mentions(path, field):
    text = path.read_text(encoding="utf-8", errors="replace")
    return re.search(r"\b%s\b" % re.escape(field), text) is not None


def wrong_of(line, known, source):
    """What is wrong with one field's row."""
    name, files, shown = line.split("\t")
    wrong = ["there is no file %s" % f for f in files.split() if not (source / f).is_file()]
    wrong += ["there is no test %s" % t for t in shown.split() if t not in known]
    if not files.split() or not shown.split():
        wrong.append("there is no place, or no test")
    field = name.rpartition(".")[2]
    if not any(mentions(p, field) for t in shown.split()
               for p in sources(t, known.get(t, []), source)):
        wrong.append("none of its tests names the field")
    return ["%s: %s" % (name, w) for w in wrong]


def main():
    gen, ctest, source, build = sys.argv[1:]
    lines = subprocess.run([gen, "places"], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    known = tests(ctest, build)
    wrong = [w for line in lines for w in wrong_of(line, known, pathlib.Path(source))]
    for words in wrong:
        print(words)
    print("%d fields, %d wrong" % (len(lines), len(wrong)))
    return 1 if wrong or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
