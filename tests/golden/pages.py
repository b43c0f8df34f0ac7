#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""pages.py - What README.md and docs/*.md name is there.

Links lead to files, paths in backticks exist, and so do the tests that
packets/NAME and live/NAME stand for. Every package that ./dev installs is named.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOP = ("compiler/", "helpers/", "presets/", "schemas/", "tests/", "docs/")
NETNS = ROOT / "tests" / "netns"
NAMES = {
    "packets": re.findall(r'^    "([a-z-]+)": [a-z_]+,$', "".join(
        p.read_text(encoding="utf-8") for p in sorted(NETNS.glob("scenes*.py"))), re.M),
    "live": re.findall(r"^def ([a-z_]+)\(m, t",
                       (NETNS / "test_live.py").read_text(encoding="utf-8"), re.M),
}


def missing(page):
    """What a page names that is not there, with its line; how much it names."""
    wrong, named = [], 0
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        for target in re.findall(r"\]\(([^)#:]+)\)", line):
            named += 1
            if not (page.parent / target).exists():
                wrong.append((number, target))
        for words in re.findall(r"`([^`]+)`", line):
            kind, _, name = words.partition("/")
            if kind in NAMES and name not in ("", "..."):
                named += 1
                if name not in NAMES[kind]:
                    wrong.append((number, words))
            elif words.startswith(TOP):
                named += 1
                if not (ROOT / words).exists():
                    wrong.append((number, words))
    return wrong, named


def unnamed_packages():
    """Packages that ./dev installs, and README.md does not name."""
    dev = (ROOT / "dev").read_text(encoding="utf-8")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z0-9+.-]*[a-z0-9]", readme))
    lists = re.findall(r'^\s*\w+_packages="([^"]*)"', dev, re.M)
    return [p for text in lists for p in text.split() if p[0] != "$" and p not in words]


def main():
    passed = failed = 0
    for package in unnamed_packages():
        failed += 1
        print("README.md: %s is not named" % package)
    for page in [ROOT / "README.md"] + sorted(ROOT.glob("docs/*.md")):
        wrong, named = missing(page)
        for number, words in wrong:
            print("%s:%d: there is no %s" % (page.relative_to(ROOT), number, words))
        failed += len(wrong)
        passed += named - len(wrong)
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
