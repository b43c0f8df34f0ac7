# SPDX-License-Identifier: GPL-2.0-or-later
"""test_guest_tls.py - Programs as they are, under "run", with interception.

    test_guest_tls.py MSB-NETC

None of them is told anything of a CA by its command line. What comes back is
what the server has sent, and who has signed for it is our CA.
"""
import os
import re
import shutil
import subprocess

from machine import STATE
from report import main
from tls import table
from tls.world import NAME_SERVER, content

URL = "https://api.example.com"
PYTHON = """
import ssl, socket, sys
c = ssl.create_default_context()
s = c.wrap_socket(socket.create_connection(("api.example.com", 443), 5),
                  server_hostname="api.example.com")
print(dict(x[0] for x in s.getpeercert()["issuer"])["commonName"])
"""
NODE = """
require("https").get("%s/bytes/100", a => a.on("data", d => {
    console.log(a.socket.getPeerCertificate().issuer.CN); process.exit(0)}))
.on("error", e => { console.log(String(e)); process.exit(1) })
""" % URL
OPENSSL = ("openssl", "s_client", "-connect", "api.example.com:443",
           "-servername", "api.example.com", "-verify_return_error",
           "-verify_hostname", "api.example.com")


def programs(m, t):
    """By variables, and without a single one by the system's files."""
    stage = table.Stage(m, t, nginx=False)
    try:
        for what, tls in (("generated", {}), ("own", {
                "CACert": stage.own_ca.path, "CAKey": stage.own_ca.key})):
            path = m.document("guest-" + what, {
                "DefaultEgress": "allow", "TrustHostCAs": what == "own",
                "DNS": {"Nameservers": [NAME_SERVER]},
                "TLS": {"UpstreamCACerts": [stage.pki.root.path], **tls}})
            issuer = "Own CA" if what == "own" else "msb-netc CA"
            each(m, t, stage, what, path, issuer)
        with_another_choice(m, t, path)
    finally:
        stage.close()


def each(m, t, stage, what, path, issuer):
    def run(name, words, **options):
        done = m.netc("run", path, "--", *words, stdin=subprocess.DEVNULL,
                      **options)
        return "%s: %s" % (what, name), done

    bare = ("env", "-i", "PATH=" + os.environ["PATH"])
    for env, prefix in (("", ()), (" without variables", bare)):
        name, done = run("curl" + env, [*prefix, "curl", "-sS", "-v", URL +
                                        "/bytes/100"])
        t.check(name, done.returncode == 0 and issuer in done.stderr,
                done.stderr[-1500:])
        name, done = run("python" + env, [*prefix, "/usr/bin/python3", "-c",
                                          PYTHON])
        t.check(name, issuer in done.stdout, done.stderr[-800:])
        name, done = run("openssl" + env, [*prefix, *OPENSSL])
        t.check(name, "Verify return code: 0" in done.stdout and issuer in
                done.stdout, done.stdout[-800:] + done.stderr[-800:])
        # A repository it is not, as git finds by its answer.
        stage.servers.take()
        name, done = run("git" + env, [*prefix, "git", "ls-remote", URL +
                                       "/bytes/100"])
        asked = [s.request for s in stage.servers.take() if s.request]
        t.check(name, any("info/refs" in r or r == "h2" for r in asked) and "SSL" not in
                done.stderr and "certificate" not in done.stderr,
                done.stderr[-800:])
    name, done = run("a program that has the directory alone", [
        *bare, *OPENSSL, "-no-CAfile", "-no-CAstore"])
    t.check(name, "Verify return code: 0" in done.stdout,
            done.stdout[-800:] + done.stderr[-800:])
    name, done = run("the directory's own are there still", [
        "/usr/bin/python3", "-c", "import os; p = '/etc/ssl/certs/'; print("
        "*[n for n in sorted(os.listdir(p)) if os.path.exists(p + n)])"])
    own = {n for n in os.listdir("/etc/ssl/certs") if os.path.exists(
        "/etc/ssl/certs/" + n)}
    more = set(done.stdout.split()) - own
    t.check(name, own <= set(done.stdout.split()) and len(more) == 1 and
            re.fullmatch(r"[0-9a-f]{8}\.\d", more.pop()), done.stdout[-800:])
    if shutil.which("node"):
        name, done = run("node", ["node", "-e", NODE])
        t.check(name, issuer in done.stdout, done.stdout + done.stderr[-800:])
    name, done = run("no key", [
        "sh", "-c", "cat /run/msb-netc-guest/*.pem | grep -c PRIVATE"])
    t.check(name, done.stdout == "0\n", done.stdout)
    with open(stage.pki.root.path, encoding="ascii") as file:
        name, done = run("the guest does not trust UpstreamCACerts", [
            "grep", "-c", file.read().split("\n")[3],
            "/run/msb-netc-guest/trust.pem"])
    t.check(name, done.stdout == "0\n", done.stdout)


def with_another_choice(m, t, path):
    """The caller's variables would break what is intercepted."""
    done = m.netc("run", path, "--", "sh", "-c", "echo $SSL_CERT_FILE",
                  env={**os.environ, "SSL_CERT_FILE": "/own.pem"})
    t.check("our choice wins", done.stdout == "/run/msb-netc-guest/trust.pem\n",
            done.stdout)


def files(m, t):
    """guest/ has the certificate that signs, after a rotation at "apply"."""
    stage = table.Stage(m, t, nginx=False)
    document = {"DefaultEgress": "allow",
                "TLS": {"UpstreamCACerts": [stage.pki.root.path]}}
    path = STATE + "/sandboxes/web/guest/"

    def read(name):
        with open(path + name, encoding="ascii") as file:
            return file.read()

    try:
        stage.up(document)
        exported = m.good("ca", "export")
        t.check("ca.pem is what ca export prints", read("ca.pem") == exported)
        t.check("env points there", "SSL_CERT_FILE=" in read("env"))
        m.good("ca", "rotate")
        stage.apply(document)
        t.check("apply brings the new one", read("ca.pem") != exported and
                read("ca.pem") == m.good("ca", "export"))
        with open(stage.own_ca.path, encoding="ascii") as file:
            text = file.read()
        with open(stage.own_ca.key, encoding="ascii") as file:
            both = file.read() + text + stage.pki.root.pem()
        with open(stage.own_ca.path + ".all", "w", encoding="ascii") as file:
            file.write(both)
        stage.apply({**document, "TLS": {
            **document["TLS"], "CACert": stage.own_ca.path + ".all",
            "CAKey": stage.own_ca.key}})
        have = re.sub(r"\s", "", read("ca.pem"))
        t.check("a chain is there as a whole", have == re.sub(
            r"\s", "", text + stage.pki.root.pem()), have)
        t.check("a key in its file is not", "PRIVATE" not in read("ca.pem"))
        stage.apply({"DefaultEgress": "allow"})
        t.check("without interception there is none", not os.path.exists(
            path + "ca.pem") and "=" not in read("env"))
    finally:
        stage.down()
        stage.close()


if __name__ == "__main__":
    for variable in [v for v in os.environ if re.search(
            "CERT|_CA_|CAINFO|CACERTS|ROOTS|_CA$", v)]:
        del os.environ[variable]
    main(__doc__, (programs, files))
