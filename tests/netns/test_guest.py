#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_guest.py - What a guest is given to trust, and what "run" makes of it.

    test_guest.py MSB-NETC

The host of this test trusts CAs of its own: a bundle and a directory that lie
over the system's, with everything in them that such files have in the wild. What
is right is said by Python, which reads them by itself.
"""
import base64
import grp
import json
import os
import pwd
import re
import socket
import ssl
import subprocess
import tempfile

import lab
from machine import PATIENCE, STATE
from report import main, unchanged

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----",
                   re.S)
CERTS = "/etc/ssl/certs"
BUNDLE = CERTS + "/ca-certificates.crt"
TRUST = "/run/msb-netc-guest/trust.pem"
P256 = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")


class Store:
    """The certificates of the host, and which of them are CAs."""

    def __init__(self, scratch):
        self.scratch = scratch
        self.pem = {}
        for name, options in (
                ("one", ()), ("two", ()), ("three", ()), ("hashed", ()),
                ("leaf", ("-addext", "basicConstraints=critical,CA:FALSE")),
                ("no-signer", ("-addext", "keyUsage=digitalSignature"))):
            self.make(name, options)
        self.old("version-1")
        self.cas = ("one", "two", "three", "hashed", "version-1")

    def _openssl(self, *words):
        subprocess.run(["openssl", *words], check=True, capture_output=True)

    def _keep(self, name):
        with open(os.path.join(self.scratch, name), encoding="ascii") as file:
            self.pem[name] = file.read()

    def make(self, name, options):
        path = os.path.join(self.scratch, name)
        self._openssl("req", "-x509", *P256, "-nodes", "-subj", "/CN=" + name,
                      "-days", "30", "-keyout", path + ".key", "-out", path,
                      *options)
        self._keep(name)

    def old(self, name):
        """From before certificates had extensions."""
        path = os.path.join(self.scratch, name)
        self._openssl("req", *P256, "-nodes", "-subj", "/CN=" + name, "-keyout",
                      path + ".key", "-out", path + ".csr")
        self._openssl("x509", "-req", "-in", path + ".csr", "-signkey", path +
                      ".key", "-days", "30", "-out", path)
        self._keep(name)

    def key(self, name):
        with open(os.path.join(self.scratch, name + ".key"),
                  encoding="ascii") as file:
            return file.read()

    def lay_out(self):
        """Over the system's, in this mount namespace."""
        lab.run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", CERTS)
        cut = self.pem["two"].split("\n")
        self.write(BUNDLE, "# A comment\n" + self.pem["one"] + "\n".join(
            cut[:4]) + "\n" + self.pem["two"].replace("\n", "\r\n") + self.key(
                "one") + self.pem["leaf"] + self.pem["no-signer"] +
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" +
            self.pem["three"].rstrip("\n"))
        self.write(CERTS + "/One.pem", self.pem["one"])
        self.write(CERTS + "/Hashed.pem", self.pem["hashed"])
        self.write(CERTS + "/old.crt", self.pem["version-1"])
        self.write(CERTS + "/three.trusted", self.pem["three"].replace(
            "CERTIFICATE", "TRUSTED CERTIFICATE"))
        os.symlink("Hashed.pem", CERTS + "/01234567.0")
        os.symlink("/nowhere", CERTS + "/dangling.0")
        os.mkdir(CERTS + "/java")
        os.mkfifo(CERTS + "/fifo")

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="ascii", newline="") as file:
            file.write(text)


def host_store(m):
    """What the host trusts, laid out once."""
    if not hasattr(m, "store"):
        m.store = Store(m.scratch)
        m.store.lay_out()
    return m.store


def der(text):
    return [base64.b64decode(body) for body in BLOCK.findall(text)]


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def guest_file(name, sandbox="web"):
    return "%s/sandboxes/%s/guest/%s" % (STATE, sandbox, name)


def host_cas(m, t):
    """Each CA once, and nothing else, through up, apply and down."""
    store = host_store(m)
    on = m.document("on", {"Policy": "none", "TrustHostCAs": True})
    off = m.document("off", {"Policy": "none"})
    m.forget()
    before = m.look()
    old = os.umask(0o077)
    made = json.loads(m.good("up", "--json", "web", on, "--tap"))
    os.umask(old)
    t.check("what is there is counted", made["host_cas"] == {
        "cas": len(store.cas), "others": 2, "unreadable": 2}, made["host_cas"])
    text = read(guest_file("host-cas.pem"))
    want = [der(store.pem[name])[0] for name in store.cas]
    t.check("each CA is there once", sorted(der(text)) == sorted(want),
            len(der(text)))
    t.check("nothing else is", not BLOCK.sub("", text).strip(),
            BLOCK.sub("", text))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=guest_file("host-cas.pem"))
    t.check("Python reads the same", sorted(context.get_ca_certs(True)) ==
            sorted(want))
    for folder, _, files in os.walk(os.path.dirname(guest_file("env"))):
        t.check("whoever gets there reads it", os.stat(folder).st_mode & 0o777
                == 0o755, folder)
        for name in files:
            path = os.path.join(folder, name)
            t.check(name + ": whoever gets there reads it",
                    os.stat(path).st_mode & 0o777 == 0o644)
            t.check(name + " has no key", "PRIVATE" not in read(path))
    t.check("env says so", "SSL_CERT_FILE=/etc/msb-netc/trust.pem" in read(
        guest_file("env")))
    told = json.loads(m.good("apply", "--json", "web", off))
    t.check("apply takes it away", told["host_cas"] is None and
            not os.path.exists(guest_file("host-cas.pem")) and
            "=" not in read(guest_file("env")), told)
    Store.write(CERTS + "/late.pem", store.pem["leaf"])
    told = json.loads(m.good("apply", "--json", "--dry-run", "web", on))
    t.check("a dry run tells, and writes nothing", told["host_cas"]["cas"] ==
            len(store.cas) and not os.path.exists(guest_file("host-cas.pem")))
    m.good("apply", "web", on)
    t.check("apply brings it back", read(guest_file("host-cas.pem")) == text)
    said = m.good("apply", "web", on)
    t.check("in words", "trusts     %d CAs of the host; 2 more cannot be read"
            % len(store.cas) in said, said)
    os.unlink(CERTS + "/late.pem")
    m.good("down", "web")
    m.forget()
    unchanged(m, t, "down", before)


def in_guests(m, t):
    """What "run" shows its command, whoever that is."""
    store = host_store(m)
    on = m.document("on", {"Policy": "none", "TrustHostCAs": True})
    before = read(BUNDLE)
    script = ("import json, os, ssl; c = ssl.create_default_context(); "
              "print(json.dumps({'env': dict(os.environ), 'cas': "
              "len(c.get_ca_certs()), 'bundle': open(%r).read(), 'files': "
              "sorted(os.listdir('/run/msb-netc-guest'))}))" % BUNDLE)
    nobody = pwd.getpwnam("nobody")
    group = grp.getgrgid(nobody.pw_gid).gr_name
    for who, words in (("root", []), ("nobody", [
            "setpriv", "--reuid", "nobody", "--regid", group,
            "--clear-groups"])):
        done = m.netc("run", on, "--", *words, "/usr/bin/python3", "-c", script)
        t.check(who + ": exit status", done.returncode == 0, done.stderr)
        if done.returncode:
            continue
        seen = json.loads(done.stdout)
        t.check(who + ": a program trusts them by its variable", seen["cas"] ==
                len(store.cas), seen["cas"])
        t.check(who + ": by the system's file", sorted(der(seen["bundle"])) ==
                sorted(der(store.pem[name])[0] for name in store.cas))
        t.check(who + ": has the files", seen["files"] == [
            "env", "host-cas.pem", "hosts", "network", "resolv.conf",
            "trust.pem"], seen["files"])
        t.check(who + ": the variables", all(
            seen["env"].get(name) == TRUST for name in (
                "SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE",
                "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO")))
        t.check(who + ": what cannot be read is said", "2 certificates" in
                done.stderr, done.stderr)
    for name, want in (("SSL_CERT_FILE", "/own.pem .\n"),
                       ("CURL_CA_BUNDLE", "%s /own.pem.\n" % TRUST)):
        done = m.netc("run", on, "--", "sh", "-c",
                      "echo $SSL_CERT_FILE $CURL_CA_BUNDLE.",
                      env={**os.environ, name: "/own.pem"})
        t.check("the caller's own choice stands: " + name, done.stdout == want,
                done.stdout)
    done = m.netc("run", m.document("off", {"Policy": "none"}), "--", "sh",
                  "-c", "env; ls /run/msb-netc-guest; cat %s" % BUNDLE)
    t.check("without, nothing points there", TRUST not in done.stdout and
            "host-cas.pem" not in done.stdout and before in done.stdout)
    t.check("the host's own is as it was", read(BUNDLE) == before and
            not os.listdir("/run/msb-netc-guest"))


def apply_while_running(m, t):
    """A command keeps what it was started with."""
    host_store(m)
    on = m.document("on", {"Policy": "none", "TrustHostCAs": True})
    ours, theirs = socket.socketpair()
    run = m.start("run", on, "--", "/usr/bin/python3", "-c", (
        "import os, socket; s = socket.socket(fileno=0); s.send(b'x'); "
        "s.recv(1); print(len(open(%r).read()), os.listdir("
        "'/run/msb-netc-guest'))" % TRUST), stdin=theirs)
    theirs.close()
    ours.settimeout(PATIENCE)
    ours.recv(1)
    name = [n for n in m.names() if n.startswith("run-")][0]
    m.good("apply", name, m.document("off", {"Policy": "none"}))
    ours.send(b"x")
    out, err = run.communicate(timeout=PATIENCE)
    t.check("its files are there still", run.returncode == 0 and
            int(out.split()[0]) > 1000 and "env" in out, out + err)
    ours.close()


def refusals(m, t):
    """A host that trusts nobody; a helper that is not there."""
    store = host_store(m)
    on = m.document("on", {"Policy": "none", "TrustHostCAs": True})
    lab.run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", CERTS)
    before = m.look()
    for what, command in (("no file", None), ("no CA in it", "leaf")):
        if command:
            Store.write(BUNDLE, store.pem[command])
        done = m.netc("up", "web", on, "--tap")
        t.check(what + ": refused", done.returncode == 1 and
                "/TrustHostCAs: this host trusts no CA" in done.stderr,
                done.stderr)
        unchanged(m, t, what, before)
    lab.run("umount", CERTS)
    with tempfile.TemporaryDirectory() as nothing:
        done = m.netc("up", "web", on, "--tap", "--helpers", nothing)
    t.check("no msb-ca: said", done.returncode == 3 and "there is no msb-ca"
            in done.stderr, done.stderr)
    unchanged(m, t, "no msb-ca", before)


if __name__ == "__main__":
    # What the one who runs this has chosen for himself.
    for variable in [v for v in os.environ if re.search(
            "CERT|_CA_|CAINFO|CACERTS|ROOTS|_CA$", v)]:
        del os.environ[variable]
    main(__doc__, (host_cas, in_guests, apply_while_running, refusals))
