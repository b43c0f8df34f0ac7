# SPDX-License-Identifier: GPL-2.0-or-later
"""test_secrets_run.py - Programs as they are, under "run", that have placeholders.

    test_secrets_run.py MSB-NETC

curl, Python, Node and git read what they are to say from their environment, as
they would a key, and know nothing of a sandbox. nginx and git's own server let in
who has the value. No program has it, neither in a file nor in memory.
"""
import os
import re
import shutil
import subprocess
import time

from machine import STATE, alive, wait_for
from report import main
from secret import search
from secret.forge import BACKEND, NGINX, Forge
from secret.stage import Kept, Stage
from tls.world import NAME_SERVER, content

FORGE = "forge.example.com"
VALUE = "ghp-Vf83kQz0LmT5xWn2.Rb9~c_d"
URL = "https://" + FORGE
REQUESTS = """
import os, requests
key = os.environ["FORGE"]
with requests.Session() as s:
    for _ in range(2):
        print(s.get("%(url)s/key", headers={"X-Api-Key": key}).text, end="")
    print(s.get("%(url)s/bearer", headers={"Authorization": "Bearer " + key}).text, end="")
    print(s.get("%(url)s/basic/hello", auth=("user", key)).text, end="")
    print(s.get("%(url)s/basic/hello", auth=("user", "wrong")).status_code)
"""
URLLIB = """
import os, urllib.request
key = os.environ["FORGE"]
r = urllib.request.Request("%(url)s/key", headers={"X-Api-Key": key})
print(urllib.request.urlopen(r, timeout=30).read().decode(), end="")
m = urllib.request.HTTPPasswordMgrWithDefaultRealm()
m.add_password(None, "%(url)s/", "user", key)
o = urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(m))
print(o.open("%(url)s/basic/hello", timeout=30).read().decode(), end="")
"""
FETCH = """
const key = process.env.FORGE;
(async () => {
  let r = await fetch("%(url)s/key", {headers: {"x-api-key": key}});
  process.stdout.write(await r.text());
  r = await fetch("%(url)s/bearer", {headers: {authorization: "Bearer " + key}});
  process.stdout.write(await r.text());
  r = await fetch("%(url)s/basic/hello", {headers: {authorization:
      "Basic " + Buffer.from("user:" + key).toString("base64")}});
  process.stdout.write(await r.text());
})();
"""
HTTPS = """
require("https").get("%(url)s/basic/hello", {auth: "user:" + process.env.FORGE},
    a => a.on("data", d => process.stdout.write(d)))
"""
HTTP2 = """
const c = require("http2").connect("%(url)s");
const r = c.request({":path": "/key", "x-api-key": process.env.FORGE});
r.setEncoding("utf8");
r.on("data", d => process.stdout.write(d));
r.on("end", () => c.close());
r.end();
"""
# It waits with all that it has heard, to be looked at.
HOLDS = """
import os, sys, requests
s = requests.Session()
key = os.environ["FORGE"]
r = s.get("%(url)s/key", headers={"X-Api-Key": key, "User-Agent": key})
key = os.environ["KEY"]
e = s.get("https://vault.example.com/echo?" + key, auth=("user", key),
          headers={"User-Agent": key, "X-Request-Id": key, "X-Api-Key": key})
# It is told its own request, with stars in place of a value, and of base64.
print(r.status_code, e.status_code, e.text.count("*" * 24), flush=True)
sys.stdin.read(1)
"""


class Programs:
    """What is run, and what it says."""

    def __init__(self, m, t, stage):
        self.m, self.t, self.stage = m, t, stage
        kept = Kept("FORGE", VALUE.encode(), [FORGE])
        stage.kept["FORGE"] = kept
        stage.write("FORGE", kept.value)
        document = {**stage.policy(["FORGE", "KEY"]),
                    "DNS": {"Nameservers": [NAME_SERVER]}}
        document["TLS"]["InterceptedPorts"] = [443, 8443]
        self.path = m.document("secrets-run", document)

    def run(self, *words, **options):
        return self.m.netc("run", self.path, "--", *words,
                           stdin=subprocess.DEVNULL, **options)

    def check(self, name, wanted, *words):
        done = self.run(*words)
        self.t.check(name, done.returncode == 0 and re.fullmatch(
            wanted, done.stdout), (done.stdout[-600:], done.stderr[-1200:]))
        self.t.check(name + ": the value is not said", VALUE not in
                     done.stdout + done.stderr)


def shell(text):
    return ("sh", "-c", text)


def programs(m, t):
    stage = Stage(m, t)
    forge = None
    try:
        forge = Forge(stage.world.network.far, stage.pki, m.scratch + "/forge",
                      VALUE)
        p = Programs(m, t, stage)
        for each in (environment, curl, python, node, git, repeated,
                     held):
            t.test, start = each.__name__, time.monotonic()
            each(p, stage, forge)
            print("  %s: %.1f s" % (t.test, time.monotonic() - start),
                  flush=True)
        t.test = "afterwards"
        t.check("nothing is left", not m.names() and not [
            n for n in os.listdir("/run/netns") if n.startswith("msb-")])
        t.check("and no violation was told", not stage.violations(),
                stage.violations())
    finally:
        if forge:
            forge.close()
        stage.close()


def environment(p, _stage, _forge):
    """A program has the placeholder, and finds no value anywhere."""
    p.check("the variable", r"\$MSB_FORGE\n", *shell('echo "$FORGE"'))
    p.check("the file says the same", r"(?s).*FORGE='?\$MSB_FORGE'?\n.*",
            "cat", "/run/msb-netc-guest/env")
    p.check("none of its files has it", "", *shell(
        "grep -rlF -e '%s' /run/msb-netc-guest /etc/hosts /etc/resolv.conf; "
        "tr '\\0' '\\n' </proc/self/environ | grep -F -e '%s'; true" %
        (VALUE, VALUE)))
    done = p.m.netc("run", p.path, "--", "sh", "-c", 'echo "$FORGE"',
                    env={**os.environ, "FORGE": "own"})
    p.t.check("the placeholder wins over what the caller has",
              done.stdout == "$MSB_FORGE\n", done.stdout)
    document = {**p.stage.policy(["KEY"]),
                "DNS": {"Nameservers": [NAME_SERVER]}}
    document["Secrets"][0].pop("ValueFile")
    document["Secrets"][0]["ValueEnv"] = "OF_THE_HOST"
    path = p.m.document("secrets-env", document)
    done = p.m.netc("run", path, "--", "env",
                    env={**os.environ, "OF_THE_HOST": "value-by-environment"})
    p.t.check("a variable with a value is not handed on", done.returncode == 0
              and "value-by-environment" not in done.stdout and
              "OF_THE_HOST" not in done.stdout and "KEY=$MSB_KEY" in
              done.stdout, (done.returncode, done.stderr, [
                  line for line in done.stdout.split() if "KEY=" in line or
                  "HOST" in line]))
    done = p.m.netc("run", path, "--", "true")
    p.t.check("one that is not set is refused", done.returncode == 1 and
              "/Secrets/0/ValueEnv" in done.stderr, (done.returncode,
                                                     done.stderr))


def curl(p, _stage, _forge):
    """curl, in both protocols, and what it sends with a body."""
    for option, spoken in (("--http1.1", "HTTP/1.1"), ("--http2", "HTTP/2.0")):
        said = r"let in over %s\n" % re.escape(spoken)
        p.check("curl %s, a header" % option, said, *shell(
            'curl -sS %s -H "X-Api-Key: $FORGE" %s/key' % (option, URL)))
        p.check("curl %s, Bearer" % option, said, *shell(
            'curl -sS %s --oauth2-bearer "$FORGE" %s/bearer' % (option, URL)))
        p.check("curl %s, Basic" % option, r"let in\n", *shell(
            'curl -sS %s -u "user:$FORGE" %s/basic/hello' % (option, URL)))
        p.check("curl %s, several requests" % option, "(?:%s){3}" % said,
                *shell('curl -sS %s -H "X-Api-Key: $FORGE" %s/key %s/key '
                       '%s/key' % (option, URL, URL, URL)))
        p.check("curl %s, without the value" % option, "403", *shell(
            'curl -sS -o /dev/null -w "%%{http_code}" %s -H "X-Api-Key: '
            'FORGE" %s/key' % (option, URL)))
        path = os.path.join(p.m.scratch, "body")
        with open(path, "wb") as file:
            file.write(content(3000000))
        p.check("curl %s, an upload" % option, r"[0-9a-f]{64}", *shell(
            'curl -sS %s -H "X-Api-Key: $KEY" -T %s '
            'https://vault.example.com/up' % (option, path)))
        got = [r for tape in p.stage.tapes.take() for r in tape.requests]
        p.t.check("curl %s: it arrives with the value" % option,
                  len(got) == 1 and got[0].size == 3000000 and got[0].field(
                      b"x-api-key") == p.stage.kept["KEY"].value, got)


def python(p, _stage, _forge):
    let_in = r"let in over HTTP/1.1\n"
    p.check("requests", "(?:%s){3}let in\n401\n" % let_in, "/usr/bin/python3",
            "-c", REQUESTS % {"url": URL})
    p.check("urllib", let_in + r"let in\n", "/usr/bin/python3", "-c",
            URLLIB % {"url": URL})


def node(p, _stage, _forge):
    if not shutil.which("node"):
        print("  node is not installed")
        return
    let_in = r"let in over HTTP/1.1\n"
    p.check("Node's fetch", let_in * 2 + r"let in\n", "node", "-e",
            FETCH % {"url": URL})
    p.check("Node's https", r"let in\n", "node", "-e", HTTPS % {"url": URL})
    p.check("Node's http2", r"let in over HTTP/2.0\n", "node", "-e",
            HTTP2 % {"url": URL})


def git(p, _stage, forge):
    """A clone over files, a clone and a push over git's own protocol."""
    as_us = "-c user.name=t -c user.email=t@example.com"
    for name, url in (("files", "https://user:$FORGE@%s/basic/repo.git" % FORGE),
                      ("http-backend", "https://user:$FORGE@%s:8443/repo.git" %
                       FORGE)):
        where = os.path.join(p.m.scratch, "clone-" + name)
        p.check("git clone, " + name, "1000\n", *shell(
            'export GIT_TERMINAL_PROMPT=0; git clone -q "%s" %s && '
            'wc -l <%s/file' % (url, where, where)))
        p.check("git fetch, " + name, "", *shell(
            "git -C %s fetch -q origin" % where))
        p.t.check("the clone has no value", not search.in_tree(
            where, search.forms(VALUE.encode())))
    where = os.path.join(p.m.scratch, "clone-http-backend")
    with open(where + "/large", "wb") as file:
        file.write(content(3000000))
    p.check("git push", "", *shell(
        "cd %s && git add large && git %s commit -qm second && "
        "git push -q origin main" % (where, as_us)))
    p.t.check("it is there", "second" in subprocess.run(
        ["git", "-C", forge.folder + "/files/basic/repo.git", "log",
         "--format=%s"], stdout=subprocess.PIPE, text=True, check=True).stdout)
    done = p.run(*shell("GIT_TERMINAL_PROMPT=0 git clone -q "
                        "https://user:wrong@%s:8443/repo.git %s/none" % (
                            FORGE, p.m.scratch)))
    p.t.check("without it git is not let in", done.returncode == 128 and
              "uthentication failed" in done.stderr, done.stderr)


def repeated(p, stage, _forge):
    """curl shows the request that a server repeats."""
    value = stage.kept["KEY"].value
    for option in ("--http1.1", "--http2"):
        p.check("curl %s, what is repeated" % option, r"(?si).*authorization: "
                r"basic dXNlcjp\*{31}.=\r?\n.*x-api-key: \*{24}\r?\n.*", *shell(
                    'curl -sS %s -u "user:$KEY" -H "X-Api-Key: $KEY" '
                    'https://vault.example.com/echo' % option))
        got = [q for tape in p.stage.tapes.take() for q in tape.requests]
        p.t.check("curl %s: the server was told" % option, len(got) == 1 and
                  got[0].field(b"x-api-key") == value, got)


def held(p, stage, _forge):
    """The memory of a program that has been answered, and of what runs it."""
    program = p.m.start("run", p.path, "--", "/usr/bin/python3", "-c",
                        HOLDS % {"url": URL}, stdin=subprocess.PIPE)
    line = program.stdout.readline()
    p.t.check("it is answered", line == "200 200 2\n",
              line or program.stderr.read())
    inner = search.children(program.pid)
    p.t.check("it runs", len(inner) == 1 and alive(inner[0]), inner)
    forms = search.forms(VALUE.encode()) | search.forms(
        stage.kept["KEY"].value)
    p.t.check("it has the placeholder in memory", search.in_memory(
        inner[0], {b"$MSB_FORGE"}))
    for pid in inner + [program.pid]:
        for what, found in search.process(pid, forms).items():
            p.t.check("%s of %s has no value" % (what, search.name(pid)),
                      not found, found)
    program.communicate("x", timeout=60)
    p.t.check("and ends as ever", program.returncode == 0, program.returncode)
    wait_for(lambda: not os.listdir(STATE + "/sandboxes"))


def missing():
    return [p for p in (NGINX, BACKEND) if not os.path.exists(p)]


if __name__ == "__main__":
    for variable in [v for v in os.environ if re.search(
            "CERT|_CA_|CAINFO|CACERTS|ROOTS|_CA$|^GIT_", v)]:
        del os.environ[variable]
    if missing():
        raise SystemExit("missing: %s" % missing())
    main(__doc__, (programs,))
