#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""manual.py - The examples of the manual and of the README, run as they stand.

    manual.py [--update] MSB-NETC PAGE...

A page is mdoc source, where a literal display whose first line starts with "$ "
is a session, or Markdown, where a block fenced with ```console is one.
All sessions of a page run in one scratch directory, in namespaces of its own:

    $ cat FILE      what follows is written to FILE; the second time it is compared
    $ COMMAND       what follows must be what COMMAND prints, on both streams
    $ echo $?       must be the exit status of the command before
    $ sudo COMMAND  as "$ COMMAND": in the scratch namespaces there is only root

In mdoc a line that ends in a backslash goes on in the next, less its indent.
--update writes what was printed into the pages.
"""
import difflib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

WIDTH = 71
ESCAPES = {"\\-": "-", "\\e": "\\", "\\&": "", "\\(dq": '"', "\\(aq": "'", "\\(ga": "`"}
CAT = re.compile(r"cat ([\w.-]+)$")


def from_mdoc(lines):
    """Literal lines as they are printed, continued lines as one."""
    joined = []
    for line in lines:
        line = re.sub(r"\\(-|e|&|\(..)", lambda m: ESCAPES[m.group(0)], line)
        if joined and joined[-1].endswith(" \\"):
            joined[-1] = joined[-1][:-1] + line.lstrip()
        else:
            joined.append(line)
    return joined


def to_mdoc(lines):
    """The opposite of from_mdoc()."""
    out = []
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()) + 4)
        while len(line.expandtabs()) > WIDTH:
            cut = line.rfind(" ", len(indent) + 8, WIDTH - 2)
            if cut < 0 or set(line[:cut]) <= set(" |~^"):
                break
            out.append(line[:cut + 1] + "\\")
            line = indent + line[cut + 1:]
        out.append(line)
    out = [line.replace("\\", "\\e") for line in out]
    return ["\\&" + line if line[:1] in (".", "'") else line for line in out]


class Page:
    """A page: its sessions as lists of (line number, command, expected lines)."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.lines = self.path.read_text(encoding="utf-8").split("\n")
        self.mdoc = self.path.suffix != ".md"
        self.sessions = []
        begin, end = (".Bd -literal", ".Ed") if self.mdoc else ("```console", "```")
        start = None
        for i, line in enumerate(self.lines):
            if start is None and line.startswith(begin):
                start = i + 1
            elif start is not None and line == end:
                if self.lines[start].startswith("$ "):
                    self.sessions.append((start, i))
                start = None

    def examples(self, start, end):
        """Examples of one session: (line number, command, expected lines)."""
        lines = self.lines[start:end]
        marks = [i for i, line in enumerate(lines) if line.startswith("$ ")]
        for mark, after in zip(marks, marks[1:] + [len(lines)]):
            text = from_mdoc(lines[mark:after]) if self.mdoc else lines[mark:after]
            yield start + mark + 1, text[0], text[1:]


def execute(command, status, scratch):
    """Exit status and lines that a command prints."""
    command = command[5:] if command.startswith("sudo ") else command
    done = subprocess.run(["sh", "-c", "(exit %d); %s" % (status, command)], cwd=scratch,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, timeout=240, check=False)
    text = done.stdout
    return done.returncode, text[:-1].split("\n") if text.endswith("\n") else text.split("\n")


def run_page(page, update):
    """Run a page; (passed, failed)."""
    passed = failed = 0
    rewritten = {}
    with tempfile.TemporaryDirectory() as scratch:
        status = 0
        for start, end in page.sessions:
            new = []
            for number, prompt, expected in page.examples(start, end):
                cat = CAT.match(prompt[2:])
                path = pathlib.Path(scratch) / cat.group(1) if cat else None
                if path and not path.exists():
                    path.write_text("\n".join(expected) + "\n", encoding="utf-8")
                    new += [prompt] + expected
                    continue
                status, got = execute(prompt[2:], status, scratch)
                got = [] if got == [""] else got
                new += [prompt] + got
                if got == expected:
                    passed += 1
                    continue
                failed += 1
                if not update:
                    print("%s:%d: %s" % (page.path.name, number, prompt))
                    print("\n".join(difflib.unified_diff(expected, got, "manual", "printed",
                                                         lineterm="")))
            rewritten[(start, end)] = to_mdoc(new) if page.mdoc else new
    if update:
        for (start, end), new in sorted(rewritten.items(), reverse=True):
            page.lines[start:end] = new
        page.path.write_text("\n".join(page.lines), encoding="utf-8")
    return passed, failed


def isolated():
    """A command line's start that goes on in namespaces of its own, with an empty /run."""
    user = [] if os.geteuid() == 0 else ["-r"]
    setup = ("mount -t tmpfs none /run && ip link set lo up && "
             "echo 1 >/proc/sys/net/ipv4/ip_forward && "
             "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding && { \"$@\"; exit $?; }")
    # With a PID namespace: what a session starts and does not end, ends with it.
    argv = (["unshare"] + user + ["-n", "-m", "-p", "-f", "--kill-child", "--mount-proc",
                                  "sh", "-c", setup, "sh"])
    if subprocess.run(argv + ["true"], check=False, stderr=subprocess.DEVNULL).returncode:
        print("skipped: this machine makes no namespaces")
        sys.exit(77)
    return argv


def main():
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    if "--inside" in sys.argv[1:]:
        passed, failed = run_page(Page(args[1]), "--update" in sys.argv[1:])
        print("%d %d" % (passed, failed))
        return 0
    os.environ["PATH"] = ":".join([os.path.dirname(os.path.abspath(args[0])),
                                   os.environ["PATH"], "/usr/sbin:/sbin"])
    os.environ["LC_ALL"] = "C.UTF-8"
    options = [a for a in sys.argv[1:] if a.startswith("--")] + ["--inside"]
    start = isolated()
    passed = failed = 0
    for path in args[1:]:
        done = subprocess.run(start + [sys.executable, sys.argv[0]] + options + [args[0], path],
                              stdout=subprocess.PIPE, text=True, check=True)
        *report, counts = done.stdout.splitlines()
        print("\n".join(report), end="\n" if report else "")
        passed += int(counts.split()[0])
        failed += int(counts.split()[1])
        if counts == "0 0":
            print("%s: no examples" % path)
            failed += 1
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
