# SPDX-License-Identifier: GPL-2.0-or-later
"""test_secrets_kept.py - Where values are not: files, logs, processes, core files.

    test_secrets_kept.py MSB-NETC

Two sandboxes with secrets of their own have given values to servers, in both
protocols and many times, rotated them, met violations, and been asked for all that
they tell. Then each value is looked for, as it is and as it is written in URLs,
JSON and base64, in the state directory, below /run and in what commands said; in
the command lines, environments and memory of all processes; and in core files.
It may be in msb-tlsd's worker and in its supervisor, in memory that is locked and
in no core file; nowhere else.
"""
import concurrent.futures
import contextlib
import glob
import os
import resource
import secrets as random_secrets
import shutil
import signal
import subprocess
import time

from machine import alive, wait_for
from report import main
from secret import rows, search, shapes, shapes2
from secret.says import Line, say
from secret.stage import Kept, Stage
from tls.table import helper_pids
from tls.world import NAME_SERVER

VAULT, BODY, STRANGER = ("vault.example.com", "body.example.com",
                         "stranger.example.com")
# What memory with a value is: locked, and in no core file. Sanitizers lock none.
HELD = {"dd"} if os.environ.get("MSB_SANITIZED") == "1" else {"lo", "dd"}


def values():
    """Values that nothing else looks like; old ones are looked for as well."""
    def one(more=b""):
        return random_secrets.token_urlsafe(30).encode() + more
    return {"KEY": one(), "TOKEN": one(b'+/" &='), "BODY": one(b'"\\&'),
            "ODD": one(), "FROM_ENV": one(), "OTHER": one(), "NEXT": one(),
            "LAST": one(b"%+")}


class Search:
    """What is looked for, and all that was said."""

    def __init__(self, m, t):
        self.m, self.t, self.values = m, t, values()
        self.forms = set().union(*map(search.forms, self.values.values()))
        self.said = []

    def netc(self, *words, code=0, **options):
        """A command; what it says is looked through."""
        done = self.m.netc(*words, **options)
        self.said.append((words, done.stdout + done.stderr))
        self.t.check("%s: exit status" % " ".join(map(str, words[:3])),
                     done.returncode == code, (done.returncode, done.stderr))
        return done

    def none(self, what, found):
        self.t.check("no value in " + what, not found, found)

    def texts(self):
        for words, text in self.said:
            self.none("what %s says" % (words,), search.in_bytes(
                text.encode(), self.forms))


def document(stage, find, which):
    """The documents of the two sandboxes."""
    made = {"DNS": {"Nameservers": [NAME_SERVER]}, **stage.policy(
        ["KEY", "TOKEN", "BODY", "ODD"] if which == "web" else ["OTHER"])}
    if which == "web":
        stage.kept["FROM_ENV"] = Kept("FROM_ENV", find.values["FROM_ENV"],
                                      [VAULT])
        made["Secrets"].append({"Name": "FROM_ENV", "ValueEnv": "OF_THE_HOST",
                                "AllowedHosts": [VAULT]})
        made["Ports"] = {"8080": 80}
        made["DenyDomains"] = ["ads.example"]
    return stage.m.document("kept-" + which, made)


def given(stage, t, name):
    """Every way in which values are given, and those in which they are not."""
    kept = stage.kept
    text = stage.text(
        b"GET /?t={pct:<TOKEN>:pct} HTTP/1.1\r\nHost: vault.example.com\r\n"
        b"X: <KEY>\r\nY: <TOKEN>\r\nZ: <FROM_ENV>\r\nAuthorization: Basic "
        b"{b64:user:<KEY>:b64}\r\n\r\n")
    stage.tapes.take()
    made = say(stage, VAULT, [text.said()] * 20, 20)
    tapes = stage.tapes.take("vault")
    t.check(name + ": values are given", made.word == "ok" and
            tapes[0].data == text.heard() * 20, (made.word, tapes))
    made2 = shapes2.Client()
    for n in range(50):
        made2.headers(shapes2.head(VAULT.encode(), b"/%d" % n, more=[
            (b"x-%d" % n, kept["KEY"].placeholder),
            (b"x-t", kept["TOKEN"].placeholder)]))
    made = say(stage, VAULT, [made2.take()], 50, alpn=("h2",))
    tapes = stage.tapes.take("vault")
    t.check(name + ": also in HTTP/2", made.word == "ok" and all(
        r.field(b"x-t") == kept["TOKEN"].value for r in tapes[0].requests) and
        len(tapes[0].requests) == 50, (made.word, tapes))
    for form in (b"", b"Content-Type: application/json\r\n",
                 b"Content-Type: application/x-www-form-urlencoded\r\n"):
        body = b"k=" + kept["BODY"].placeholder * 20
        made = say(stage, BODY, shapes.cut(50)(shapes.request(
            BODY.encode(), fields=form + b"Content-Length: %d\r\n" % len(body),
            behind=body)))
        t.check(name + ": and in bodies", made.word == "ok", made)
    for host, port, said in (
            (VAULT, 443, shapes.in_header(kept["ODD"].placeholder,
                                          VAULT.encode())),
            (STRANGER, 443, shapes.in_body(kept["KEY"].placeholder,
                                           STRANGER.encode())),
            (STRANGER, 80, shapes.in_query(kept["KEY"].placeholder,
                                           STRANGER.encode())),
            (VAULT, 443, rows.FRAMING["two lengths"])):
        made = say(stage, host, [said], 9, port=port, tls=port == 443)
        t.check(name + ": and violations", made.word != "ok", made)
    # A head with values that does not come to its end, and one that was cut.
    line = Line(stage, VAULT)
    line.say(text.said()[:-4])
    time.sleep(0.1)
    line.close()
    stage.tapes.take()


def prepared(stage, find):
    """Everything that a sandbox does and tells."""
    t, m = find.t, find.m
    env = {**os.environ, "OF_THE_HOST": find.values["FROM_ENV"].decode()}
    stage.kept["OTHER"] = Kept("OTHER", find.values["OTHER"], [VAULT])
    for name in ("KEY", "TOKEN", "BODY", "ODD", "OTHER"):
        stage.write(name, find.values[name])
    web, other = (document(stage, find, w) for w in ("web", "other"))
    m.guest("box2")
    find.netc("up", "web", web, "--guest-netns", "box", env=env)
    find.netc("up", "other", other, "--guest-netns", "box2")
    stage.up_now = True
    stage.trust_us()
    given(stage, t, "at first")
    stage.write("KEY", find.values["NEXT"])
    os.kill(stage.status()["tls_supervisor"], signal.SIGHUP)
    t.check("a rotation", wait_for(lambda: any(
        e.get("event") == "rotated" for e in stage.events()), 20))
    given(stage, t, "after a rotation")
    stage.write("KEY", find.values["LAST"])
    find.netc("apply", "--json", "web", web, env=env)
    given(stage, t, "after apply")
    for words in (("status",), ("status", "web"), ("status", "--json", "web"),
                  ("diff", "--live", "web"), ("check", web), ("lint", web),
                  ("check", "--json", web),
                  ("explain", web, "egress tcp 198.51.100.60 443"),
                  ("apply", "--dry-run", "--json", "web", web)):
        if words[0] in ("check", "lint", "explain"):
            done = subprocess.run(
                [m.program, *words], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True, check=False)
            find.said.append((words, done.stdout + done.stderr))
        else:
            find.netc(*words, env=env)
    folder = m.scratch + "/compiled"
    subprocess.run([m.program, "compile", web, "-o", folder], check=True,
                   stdout=subprocess.DEVNULL, env=env)
    find.none("what is compiled", search.in_tree(folder, find.forms))
    # What is no value is not told either, nor what stands beside it.
    for bad in (b"\n" + find.values["LAST"], find.values["LAST"] + b"\0",
                find.values["LAST"] * 500, find.values["LAST"] + b" "):
        stage.write("KEY", bad)
        find.netc("apply", "web", web, code=1, env=env)
        find.netc("apply", "--json", "web", web, code=1, env=env)
        count = len(stage.events())
        os.kill(stage.status()["tls_supervisor"], signal.SIGHUP)
        t.check("a rotation that fails", wait_for(lambda n=count: any(
            e.get("event") == "rotation-failed" for e in stage.events()[n:]),
                                                     20))
    stage.write("KEY", find.values["LAST"])
    # Whose value is asked for with what is none of a file's business.
    find.netc("up", "third", m.document("kept-bad", {
        "TLS": {}, "Secrets": [{"Name": "A", "ValueFile": "/proc/self/mem",
                                "AllowedHosts": [VAULT]}]}),
              "--guest-netns", "box2", code=1)


def in_files(stage, find):
    """The state directory, the event log, what is below /run and in /dev/shm."""
    values_ = stage.folder
    for path in ("/run", "/dev/shm", find.m.scratch):
        find.none(path, [f for f in search.in_tree(path, find.forms)
                         if not f.startswith((values_, find.m.scratch +
                                              "/compiled"))])
    mode = {f: oct(os.stat(f).st_mode & 0o777) for f in glob.glob(
        values_ + "/*")}
    find.t.check("nobody has changed who may read them", set(
        mode.values()) == {"0o600"}, mode)


def others():
    """Every process of this laboratory but this one and those above it."""
    own = {os.getpid(), os.getppid(), 1}
    return [int(p.split("/")[2]) for p in glob.glob("/proc/[0-9]*")
            if int(p.split("/")[2]) not in own]


def roles(stage, find):
    """Who of the helpers is who: by the value, and by what status says."""
    supervisor = stage.status()["tls_supervisor"]
    group = search.descendants(supervisor)
    last = {find.values["LAST"]}
    return supervisor, [p for p in group if search.in_memory(p, last)]


def in_processes(stage, find):
    """Processes: who has a value is the worker and its supervisor, and how."""
    t = find.t
    supervisor, having = roles(stage, find)
    t.check("the worker has the value", len(having) >= 1, having)
    workers = [p for p in having if p != supervisor]
    t.check("of msb-tlsd's processes it alone", len(workers) == 1 and
            len(search.descendants(supervisor)) >= 3, workers)
    names = {}
    for pid in others():
        if not alive(pid):
            continue
        name = "%s %d" % (search.name(pid), pid)
        names[pid] = name
        mine = pid == supervisor or pid in workers
        for what, found in search.process(pid, find.forms,
                                          memory=False).items():
            find.none("%s of %s" % (what, name), found)
        forms = find.forms if not mine else set().union(*(
            search.forms(v) for k, v in find.values.items()
            if k in ("OTHER", "NEXT")))
        if search.name(pid) in ("msb-supervised", "msb-tlsd") and not mine:
            # The other sandbox's have theirs.
            forms = forms - search.forms(find.values["OTHER"])
        find.none("memory of " + name, search.in_memory(pid, forms))
        if not mine:
            find.none("open files of " + name, [
                f for f in search.descriptors(pid, forms)])
    t.check("there were helpers of all kinds", {
        "msb-supervised", "msb-tlsd", "msb-dnsd", "msb-relayd"} <= {
            n.split()[0] for n in names.values()}, names)
    for pid in [supervisor, *workers]:
        now = {v for k, v in find.values.items() if k in (
            "KEY", "TOKEN", "BODY", "ODD", "FROM_ENV", "LAST")}
        for at in search.in_memory(pid, set().union(*map(search.forms, now))):
            t.check("%s: memory with a value is locked, and dumped by "
                    "nobody" % names[pid], HELD <= set(at[2]), at)
    with open("/proc/%d/status" % workers[0], encoding="ascii") as file:
        locked = next(line for line in file if line.startswith("VmLck"))
    t.check("the worker's memory is locked", int(locked.split()[1]) > 0 or
            "lo" not in HELD, locked)


def core_files(stage, find):
    """Core files that somebody makes by force, and those that a fault would."""
    t = find.t
    supervisor, having = roles(stage, find)
    group = search.descendants(supervisor)
    if shutil.which("gcore"):
        base = find.m.scratch + "/core"
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            made = list(pool.map(lambda pid: subprocess.run(
                ["gcore", "-o", base, str(pid)], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, check=False),
                [supervisor, *group]))
        for pid, done in zip([supervisor, *group], made):
            path = "%s.%d" % (base, pid)
            name = "%s %d" % (search.name(pid), pid)
            t.check("gcore of %s" % name, os.path.exists(path), done.stdout)
            if os.path.exists(path):
                find.none("a core file of " + name, search.in_file(
                    path, find.forms))
                os.unlink(path)
    else:
        print("  gcore is not installed")
    # The areas that the kernel would write, whatever the limits are.
    for pid in [supervisor, *group]:
        find.none("what a core file would have of %s %d" % (
            search.name(pid), pid), search.in_memory(pid, find.forms,
                                                     dumped=True))
    with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as file:
        pattern = file.read().strip()
    folders = {os.path.realpath("/proc/%d/cwd" % p)
               for p in [supervisor, *group]} | {"/", find.m.scratch}
    before = {f for folder in folders for f in glob.glob(folder + "/core*")}
    for pid in reversed([*group, supervisor]):
        if not alive(pid):
            continue
        # Without CAP_SYS_RESOURCE it stays as it is; who was killed before may
        # take it along.
        with contextlib.suppress(PermissionError, ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_CORE, (
                resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSEGV)
        t.check("a fault ends process %d" % pid, wait_for(
            lambda p=pid: not alive(p), 20))
    after = {f for folder in folders for f in glob.glob(folder + "/core*")}
    t.check("a fault leaves no core file (%s)" % pattern, after == before,
            after - before)


def while_run(stage, find):
    """"run": what has read the values does not keep them."""
    env = {**os.environ, "OF_THE_HOST": find.values["FROM_ENV"].decode()}
    path = find.m.scratch + "/kept-web.json"
    program = find.m.start("run", path, "--", "sh", "-c", "echo on; read x",
                           stdin=subprocess.PIPE, env=env)
    find.t.check("it runs", program.stdout.readline() == "on\n")
    forms = find.forms - search.forms(find.values["FROM_ENV"])
    for pid in [program.pid, *search.children(program.pid)]:
        name = "%s %d" % (search.name(pid), pid)
        # The caller's own variable is there as it was given.
        find.none("memory of " + name, search.in_memory(
            pid, forms if pid == program.pid else find.forms))
        find.none("open files of " + name, search.descriptors(pid, find.forms))
        for what, found in search.process(pid, forms if pid == program.pid
                                          else find.forms, False).items():
            find.none("%s of %s" % (what, name), found)
    out, err = program.communicate("\n", timeout=60)
    find.said.append((("run",), out + err))
    find.t.check("it ends", program.returncode == 0, err)


def kept(m, t):
    stage = Stage(m, t)
    find = Search(m, t)
    try:
        t.test = "prepared"
        prepared(stage, find)
        for each in (in_files, in_processes, core_files):
            t.test, start = each.__name__, time.monotonic()
            each(stage, find)
            print("  %s: %.1f s" % (t.test, time.monotonic() - start),
                  flush=True)
        for name in ("web", "other"):
            m.good("down", name)
        stage.up_now = False
        t.test = "afterwards"
        t.check("no helper is left", wait_for(lambda: not helper_pids(
            "msb-supervised"), 20))
        t.test = "run"
        while_run(stage, find)
        t.test = "files at last"
        in_files(stage, find)
        find.texts()
    finally:
        stage.close()


if __name__ == "__main__":
    main(__doc__, (kept,))
