#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_install.py - install.sh in guests of many kinds, by several shells.

Each guest is a directory tree like that of a distribution. In each the script is
run as a guest's life would have it: with one CA, again, with another one, with
none, and to be removed. --tool: on a copy of this system's /etc, with the tool
that it has.
"""
import argparse
import base64
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile

failures = []
CERT = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----",
                  re.S)
HOSTS = ("# Written by msb-netc.\n127.0.0.1\tlocalhost\n::1\tlocalhost\n"
         "172.16.0.1\thost.microsandbox.internal\n")
RESOLV = "# Written by msb-netc.\nnameserver 172.16.0.1\n"
ENV = "# Written by msb-netc.\nSSL_CERT_FILE=/etc/msb-netc/trust.pem\n"
BUNDLE = "etc/ssl/certs/ca-certificates.crt"
EXTRACTED = "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem"


def check(what, good, more=""):
    if not good:
        failures.append(what)
        print("FAILED:", what, str(more)[:2000])


def make_certs(scratch, names):
    """Certificates by openssl, as PEM."""
    made = {}
    for name in names:
        path = os.path.join(scratch, name)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                        "-subj", "/O=Test/CN=" + name, "-keyout", path + ".key",
                        "-out", path], check=True, capture_output=True)
        with open(path, encoding="ascii") as file:
            made[name] = file.read()
    return made


def der(text):
    """Certificates of a text, in their order."""
    return [base64.b64decode(body) for body in CERT.findall(text)]


# Trees: a path and a file's text, a link's target behind ">", or "/" a directory.
# {1} to {3} are the system's certificates.
SYSTEM = "# The system's own\n{1}{2}\n{3}"
COMMON = {
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 box\n",
    "etc/resolv.conf": "nameserver 192.0.2.53\n",
    "etc/profile.d": "/",
}
DEBIAN = {
    **COMMON,
    BUNDLE: SYSTEM,
    "etc/ssl/certs/One.pem": "{1}",
    "etc/ssl/certs/01234567.0": ">One.pem",
    "usr/local/share/ca-certificates/site.crt": "{3}",
    "usr/sbin/update-ca-certificates": "#!/bin/false\n",
    "etc/resolv.conf": ">../run/systemd/resolve/stub-resolv.conf",
}
LAYOUTS = {
    "debian": DEBIAN,
    # /usr merged, and a tool that is not at its real name.
    "debian-merged": {**DEBIAN, "sbin": ">usr/sbin"},
    "alpine": {
        **COMMON,
        BUNDLE: SYSTEM,
        "etc/ssl/cert.pem": ">certs/ca-certificates.crt",
        "usr/local/share/ca-certificates": "/",
        "usr/sbin/update-ca-certificates": "#!/bin/false\n",
    },
    "alpine-without-tool": {
        **COMMON,
        BUNDLE: SYSTEM.rstrip("\n"),
        "etc/ssl/cert.pem": ">/etc/ssl/certs/ca-certificates.crt",
    },
    "fedora": {
        **COMMON,
        EXTRACTED: SYSTEM,
        "etc/pki/tls/certs/ca-bundle.crt": ">/" + EXTRACTED,
        "etc/pki/tls/cert.pem": ">/" + EXTRACTED,
        "etc/ssl/certs": ">../pki/tls/certs",
        "etc/pki/ca-trust/source/anchors": "/",
        "usr/bin/update-ca-trust": "#!/bin/false\n",
    },
    "arch": {
        **COMMON,
        "etc/ca-certificates/extracted/tls-ca-bundle.pem": SYSTEM,
        BUNDLE: ">../../ca-certificates/extracted/tls-ca-bundle.pem",
        "etc/ssl/cert.pem": ">../ca-certificates/extracted/tls-ca-bundle.pem",
        "etc/ca-certificates/trust-source/anchors": "/",
        "usr/bin/update-ca-trust": "#!/bin/false\n",
    },
    "suse": {
        **COMMON,
        "var/lib/ca-certificates/ca-bundle.pem": SYSTEM,
        "etc/ssl/ca-bundle.pem": ">/var/lib/ca-certificates/ca-bundle.pem",
        "etc/pki/trust/anchors": "/",
        "usr/sbin/update-ca-certificates": "#!/bin/false\n",
    },
    "distroless": {BUNDLE: SYSTEM, "etc/passwd": "root:x:0:0::/:\n"},
    "scratch": {"app": "x"},
}


def plant(root, layout, certs):
    for path, what in layout.items():
        full = os.path.join(root, path)
        if what == "/":
            os.makedirs(full, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(full), exist_ok=True)
        if what.startswith(">"):
            os.symlink(what[1:], full)
            continue
        with open(full, "w", encoding="ascii") as file:
            for n in "123":
                what = what.replace("{%s}" % n, certs["system" + n])
            file.write(what)


def look(root, times=False):
    """Every file and link, with what is in it; and when it was written."""
    found = {}
    for folder, folders, files in os.walk(root):
        for name in files + [f for f in folders if
                             os.path.islink(os.path.join(folder, f))]:
            full = os.path.join(folder, name)
            state = os.lstat(full)
            what = [os.readlink(full)] if os.path.islink(full) else [
                open(full, "rb").read(), state.st_mode]
            if times:
                what += [state.st_mtime_ns, state.st_ino]
            found[os.path.relpath(full, root)] = what
    return found


def follow(root, path):
    """Where a path leads in a tree, as its own kernel would follow it."""
    done, rest = "", path
    for _ in range(100):
        if not rest:
            return root + done
        part, _, rest = rest.lstrip("/").partition("/")
        if os.path.islink(root + done + "/" + part):
            to = os.readlink(root + done + "/" + part)
            if to.startswith("/"):
                done = ""
            rest = to.lstrip("/") + ("/" + rest if rest else "")
        elif part == "..":
            done = os.path.dirname(done)
        elif part not in ("", "."):
            done += "/" + part
    raise RuntimeError(path)


def bundles(root):
    """The different files of certificates that a system would look in."""
    names = (BUNDLE, "etc/pki/tls/certs/ca-bundle.crt", "etc/ssl/cert.pem",
             "etc/ssl/ca-bundle.pem", "etc/pki/tls/cert.pem")
    found = {follow(root, name) for name in names}
    return [path for path in found if os.path.isfile(path)]


class Guest:
    """A tree, the files that are meant for it, and a shell that installs them."""

    def __init__(self, scratch, shell, script):
        self.root = os.path.join(scratch, "root")
        self.files = os.path.join(scratch, "guest")
        self.shell = shell
        os.mkdir(self.root)
        os.mkdir(self.files)
        shutil.copy(script, self.files + "/install.sh")
        for name, text in (("hosts", HOSTS), ("resolv.conf", RESOLV),
                           ("network", "INTERFACE='eth0'\n")):
            self.put(name, text)

    def put(self, name, text):
        path = os.path.join(self.files, name)
        if text is None:
            if os.path.exists(path):
                os.unlink(path)
            return
        with open(path, "w", encoding="ascii") as file:
            file.write(text)

    def give(self, ca, host, env=ENV):
        self.put("ca.pem", ca)
        self.put("host-cas.pem", host)
        self.put("env", env)

    def install(self, *words, script=None):
        done = subprocess.run(
            [*self.shell, script or self.files + "/install.sh", "--root",
             self.root, *words], capture_output=True, text=True, check=False,
            timeout=60, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout + done.stderr


def trusted(what, g, want):
    """Whether every file of certificates has these, once each, and reads."""
    found = bundles(g.root)
    check(what + ": there is one", found)
    for path in found + [follow(g.root, "etc/msb-netc/trust.pem")]:
        with open(path, encoding="ascii") as file:
            have = der(file.read())
        check("%s: %s" % (what, path), sorted(have) == sorted(set(want)),
              "%d for %d" % (len(have), len(set(want))))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=path)
        check("%s: %s is read" % (what, path),
              len(context.get_ca_certs()) == len(set(want)))


def life(name, g, certs):
    """One guest from its first CA to the end."""
    original = look(g.root)
    system = [] if name == "scratch" else [
        d for n in "123" for d in der(certs["system" + n])]
    ours = {n: der(certs[n])[0] for n in certs}
    g.give(certs["ca1"], certs["system1"] + certs["host1"] + certs["host2"])
    want = system + [ours[n] for n in ("ca1", "host1", "host2")]
    if name == "scratch":
        want.append(ours["system1"])
    for run in ("first", "second", "from itself"):
        before = look(g.root, times=True)
        rc, said = g.install(script=None if run != "from itself" else
                             g.root + "/etc/msb-netc/install.sh")
        check("%s: %s: exit status" % (name, run), rc == 0, said)
        check("%s: %s: says nothing" % (name, run), not said, said)
        trusted("%s: %s" % (name, run), g, want)
        if run != "first":
            check("%s: %s: nothing changes" % (name, run),
                  look(g.root, times=True) == before,
                  {k for k in before.keys() | look(g.root).keys() if
                   look(g.root, times=True).get(k) != before.get(k)})
    with open(g.root + "/etc/hosts", encoding="ascii") as file:
        hosts = file.read()
    check(name + ": the alias is there once",
          hosts.count("host.microsandbox.internal") == 1, hosts)
    check(name + ": localhost is there", "localhost" in hosts and
          ("box" in hosts or "etc/hosts" not in original), hosts)
    check(name + ": resolv.conf", look(g.root)["etc/resolv.conf"][0] ==
          RESOLV.encode())
    check(name + ": what a shell reads", ("etc/profile.d/msb-netc.sh" in look(
        g.root)) == os.path.isdir(g.root + "/etc/profile.d"))

    g.give(certs["ca2"], certs["host1"])
    rc, said = g.install()
    check(name + ": another CA: exit status", rc == 0, said)
    trusted(name + ": another CA", g, system + [ours["ca2"], ours["host1"]])
    gone = certs["ca1"].split("\n")[3].encode()
    check(name + ": the CA before is nowhere", not [
        path for path, what in look(g.root).items() if gone in
        (what[0] if isinstance(what[0], bytes) else b"")])

    g.give(None, None, "# Written by msb-netc.\n")
    rc, said = g.install()
    check(name + ": no CA: exit status", rc == 0, said)
    check(name + ": no CA: nothing is pointed at",
          "etc/msb-netc/trust.pem" not in look(g.root) and
          "etc/profile.d/msb-netc.sh" not in look(g.root))

    g.give(None, None, "# Written by msb-netc.\nKEY='$MSB_KEY'\nODD='it'\\''s-odd'\n")
    rc, said = g.install()
    check(name + ": a secret alone: exit status", rc == 0, said)
    check(name + ": a secret alone: no trust, and what a shell reads",
          "etc/msb-netc/trust.pem" not in look(g.root) and
          ("etc/profile.d/msb-netc.sh" in look(g.root)) ==
          os.path.isdir(g.root + "/etc/profile.d"))
    told = subprocess.run(
        [*g.shell, "-c", 'set -au; . "$1"; env', "sh", g.root + "/etc/msb-netc/env"],
        capture_output=True, text=True, check=True).stdout.split("\n")
    check(name + ": a secret alone: what it reads",
          "KEY=$MSB_KEY" in told and "ODD=it's-odd" in told, told)

    g.give(certs["ca1"], None)
    g.install()
    trusted(name + ": a CA alone", g, system + [ours["ca1"]])

    rc, said = g.install("--remove")
    check(name + ": removed: exit status", rc == 0, said)
    left = look(g.root)
    # A last line has an end now.
    for path in list(left):
        if isinstance(left[path][0], bytes) and path in original:
            left[path][0] = left[path][0].rstrip(b"\n")
            original[path][0] = original[path][0].rstrip(b"\n")
    check(name + ": removed: as it was", left == original,
          [k for k in left.keys() | original.keys() if
           left.get(k) != original.get(k)])


def hostile(scratch, shell, script, certs):
    """Links of a tree lead to the tree's own files, wherever they point."""
    outside = os.path.join(scratch, "outside")
    os.makedirs(outside + "/certs")
    plant(outside, {"certs/ca-certificates.crt": "outside\n",
                    "resolv.conf": "outside\n", "hosts": "outside\n"}, certs)
    before = look(outside, times=True)
    for n, layout in enumerate((
            {"etc/ssl": ">" + outside},
            {"etc/ssl/certs": ">../../../../../../../../.." + outside +
             "/certs"},
            {BUNDLE: ">" + outside + "/certs/ca-certificates.crt"},
            {"etc": ">" + outside},
            {"etc/msb-netc": ">" + outside, "etc/hosts": ">" + outside +
             "/hosts", "etc/resolv.conf": ">" + outside + "/resolv.conf"})):
        os.mkdir(os.path.join(scratch, str(n)))
        g = Guest(os.path.join(scratch, str(n)), shell, script)
        plant(g.root, layout, certs)
        g.give(certs["ca1"], None)
        rc, said = g.install()
        check("hostile %d: exit status" % n, rc == 0, said)
        check("hostile %d: nothing outside" % n,
              look(outside, times=True) == before)
        rc, said = g.install("--remove")
        check("hostile %d: nothing outside, removed" % n,
              look(outside, times=True) == before, said)
    g = Guest(os.path.join(scratch, "outside"), shell, script)
    plant(g.root, {BUNDLE: ">ca-certificates.crt"}, certs)
    g.give(certs["ca1"], None)
    rc, said = g.install()
    check("a loop of links is said", rc and "too many" in said, said)


def full_disk(scratch, shell, script, certs):
    """What cannot be written whole is not written."""
    g = Guest(scratch, shell, script)
    plant(g.root, LAYOUTS["distroless"], certs)
    g.give(certs["ca1"], "".join(certs.values()) * 4)
    before = look(g.root)
    # A limit of the size of files, in blocks of 512 octets.
    done = subprocess.run(
        [*shell, "-c", 'ulimit -f 3; exec "$@"', "sh", *shell, g.files +
         "/install.sh", "--root", g.root], capture_output=True, text=True,
        check=False, timeout=60)
    check("a full disk: exit status", done.returncode, done.stderr)
    after = look(g.root)
    check("a full disk: the bundle is whole", after[BUNDLE] == before[BUNDLE])


def shells(scratch):
    """Shells, the programs that belong to each, the guests that have them."""
    yield ("dash", ["dash"], os.environ["PATH"],
           ("debian", "debian-merged", "distroless"))
    yield ("bash", ["bash", "--posix"], os.environ["PATH"], ("arch", "fedora", "suse"))
    folder = os.path.join(scratch, "busybox")
    os.mkdir(folder)
    for name in subprocess.run(["busybox", "--list"], capture_output=True,
                               text=True, check=True).stdout.split():
        os.symlink(shutil.which("busybox"), os.path.join(folder, name))
    yield ("busybox", ["busybox", "sh"], folder,
           ("alpine", "alpine-without-tool", "distroless", "scratch"))


def all_layouts(script):
    with tempfile.TemporaryDirectory() as top:
        certs = make_certs(top, ("system1", "system2", "system3", "ca1", "ca2",
                                 "host1", "host2"))
        path = os.environ["PATH"]
        for word, shell, programs, layouts in shells(top):
            shell = [shutil.which(shell[0])] + shell[1:]
            os.environ["PATH"] = programs
            for name in layouts:
                scratch = os.path.join(top, word + "-" + name)
                os.mkdir(scratch)
                g = Guest(scratch, shell, script)
                plant(g.root, LAYOUTS[name], certs)
                try:
                    life("%s, %s" % (name, word) if name != "scratch" else
                         name, g, certs)
                except OSError as error:
                    check("%s, %s" % (name, word), False, error)
            for what in (hostile, full_disk):
                scratch = os.path.join(top, word + what.__name__)
                os.mkdir(scratch)
                what(scratch, shell, script, certs)
            os.environ["PATH"] = path


# --- with this system's own tool ---

IN_NAMESPACE = r"""
set -eu
mount --make-rprivate /
mkdir -p /usr/local/share/ca-certificates
cp -a /etc "$1/etc"
cp -a /usr/local/share/ca-certificates "$1/local"
mount --bind "$1/etc" /etc
mount --bind "$1/local" /usr/local/share/ca-certificates
shift
exec "$@"
"""


def with_tool(script):
    if os.geteuid() != 0:
        print("skipped: needs root for a mount namespace")
        return 77
    if not shutil.which("update-ca-certificates"):
        print("skipped: there is no update-ca-certificates here")
        return 77
    if "MSB_IN_NAMESPACE" not in os.environ:
        with tempfile.TemporaryDirectory() as scratch:
            return subprocess.run(
                ["unshare", "-m", "sh", "-c", IN_NAMESPACE, "sh", scratch,
                 sys.executable, "-B", __file__, "--script", script, "--tool"],
                check=False, env={**os.environ, "MSB_IN_NAMESPACE": "1"},
                timeout=280).returncode
    with tempfile.TemporaryDirectory() as scratch:
        certs = make_certs(scratch, ("ca1", "ca2", "host1"))
        g = Guest(scratch, ["sh"], script)
        run_tool(g, certs)
    print("passed" if not failures else "%d failed" % len(failures))
    return 1 if failures else 0


def verifies(path, how):
    return subprocess.run(["openssl", "verify", *how, path], check=False,
                          capture_output=True).returncode == 0


def run_tool(g, certs):
    """By the bundle and by the directory of hashes, for as long as it should."""
    bundle = "/" + BUNDLE
    with open(bundle, encoding="ascii") as file:
        system = der(file.read())
    paths = {}
    for name, text in certs.items():
        paths[name] = os.path.join(g.files, name)
        with open(paths[name], "w", encoding="ascii") as file:
            file.write(text)
    first = certs["host1"]
    with open(bundle, encoding="ascii") as file:
        everything = file.read()
    steps = (("ca1", {"ca1", "host1"}), ("ca1", {"ca1", "host1"}),
             ("ca2", {"ca2", "host1"}), (None, set()))
    before = None
    for n, (ca, want) in enumerate(steps):
        g.give(certs.get(ca), first + everything if ca else None)
        words = [] if ca else ["--remove"]
        done = subprocess.run(["sh", g.files + "/install.sh", *words],
                              capture_output=True, text=True, check=False)
        check("tool %d: exit status" % n, done.returncode == 0, done.stderr)
        check("tool %d: says nothing" % n, not done.stderr, done.stderr)
        for name in certs:
            for how in (("-no-CApath", "-CAfile", bundle),
                        ("-no-CAfile", "-CApath", "/etc/ssl/certs")):
                check("tool %d: %s by %s" % (n, name, how[0]),
                      verifies(paths[name], how) == (name in want))
        with open(bundle, encoding="ascii") as file:
            text = file.read()
        check("tool %d: its own are there" % n,
              sorted(der(text)) == sorted(system + [
                  d for name in want for d in der(certs[name])]))
        check("tool %d: by the tool, not by hand" % n, "msb-netc" not in text)
        if n == 1:
            check("tool: the second time changes nothing",
                  look("/etc", times=True) == before)
        before = look("/etc", times=True)
    check("tool: nothing is left", not [
        path for path in look("/etc") if "msb-netc" in path])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--script", required=True)
    parser.add_argument("--tool", action="store_true")
    args = parser.parse_args()
    if args.tool:
        return with_tool(args.script)
    all_layouts(args.script)
    print("passed" if not failures else "%d failed" % len(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
