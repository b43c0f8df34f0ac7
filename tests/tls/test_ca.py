#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_ca.py - A CA's life: made once, checked, shown, replaced.

msb-ca is run as msb-netc runs it, many at once, killed at any moment, and with
a disk that is full; then "msb-netc ca" is, and what "up" and "apply" open.
"""
import argparse
import json
import os
import random
import re
import resource
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time

import lists

failures = []
P256 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def check(what, good):
    if not good:
        failures.append(what)
        print("FAILED:", what)


def run(*args, **more):
    return subprocess.run(args, capture_output=True, timeout=60, text=True,
                          **more)


def openssl(*args, **more):
    r = run("openssl", *args, **more)
    if r.returncode:
        raise RuntimeError(f"openssl {args}: {r.stderr}")
    return r.stdout


class MsbCa:
    def __init__(self, path):
        self.path = path

    def __call__(self, what, *options, **files):
        """Runs it with descriptors of these files."""
        fds = {name: os.open(path, os.O_RDONLY)
               for name, path in files.items()}
        args = [self.path, what, *options]
        for name, fd in fds.items():
            args += [f"--{name}-fd", str(fd)]
        r = run(*args, pass_fds=tuple(fds.values()))
        for fd in fds.values():
            os.close(fd)
        return r

    def start(self, what, dir, **more):
        fd = os.open(dir, os.O_RDONLY)
        p = subprocess.Popen([self.path, what, "--dir-fd", str(fd)],
                             pass_fds=(fd,), stderr=subprocess.PIPE, text=True,
                             **more)
        os.close(fd)
        return p

    def pair(self, dir):
        """Whether there is a CA whose parts fit."""
        if not all(os.path.exists(f"{dir}/ca/ca.{part}")
                   for part in ("pem", "key")):
            return False
        return self("check", cert=dir + "/ca/ca.pem",
                    key=dir + "/ca/ca.key").returncode == 0


def make(dir, name, key=P256, ext="", days="30", subj="/CN=x", start=None):
    """A CA by openssl; its two files."""
    cert, private = f"{dir}/{name}.pem", f"{dir}/{name}.key"
    openssl("genpkey", *key, "-out", private)
    config = f"[req]\ndistinguished_name=n\n[n]\n[e]\n{ext}\n"
    when = ("-days", days)
    if start:
        # "req" cannot choose when a certificate begins; "ca" can.
        openssl("req", "-new", "-key", private, "-subj", subj, "-out",
                f"{dir}/{name}.csr", "-config", "/dev/stdin", input=config)
        open(f"{dir}/index", "w").close()
        ca = (f"[ca]\ndefault_ca=c\n[c]\ndatabase={dir}/index\nrand_serial=yes\n"
              f"new_certs_dir={dir}\ndefault_md=sha256\npolicy=p\n"
              f"unique_subject=no\n[p]\ncommonName=supplied\n[e]\n{ext}\n")
        with open(f"{dir}/ca.cnf", "w") as f:
            f.write(ca)
        openssl("ca", "-batch", "-selfsign", "-notext", "-config",
                f"{dir}/ca.cnf", "-extensions", "e", "-keyfile", private, "-in",
                f"{dir}/{name}.csr", "-out", cert, "-startdate", start[0],
                "-enddate", start[1])
        return cert, private
    openssl("req", "-x509", "-new", "-key", private, "-out", cert, *when,
            "-subj", subj, "-extensions", "e", "-config", "/dev/stdin",
            input=config)
    return cert, private


CA = "basicConstraints=critical,CA:TRUE"
LONG = "/" + "/".join(f"OU={'x' * 60}{i}" for i in range(9)) + "/CN=x"

# What is wrong with a CA, how openssl makes it, and what is said of it.
REFUSED = (
    ("leaf", dict(ext="basicConstraints=CA:FALSE"),
     1, "the certificate is not that of a CA: its basicConstraints do not say "
     "CA:TRUE"),
    ("plain", dict(ext="subjectKeyIdentifier=hash"), 1, "is not that of a CA"),
    ("usage", dict(ext=CA + "\nkeyUsage=digitalSignature"),
     1, "may not sign certificates: its keyUsage lacks keyCertSign"),
    ("purpose", dict(ext=CA + "\nextendedKeyUsage=clientAuth"),
     1, "its extendedKeyUsage lacks serverAuth"),
    ("small", dict(ext=CA, key=("-algorithm", "RSA", "-pkeyopt",
                                "rsa_keygen_bits:1024")),
     1, "has a key of RSA with less than 2048 or more than 4096 bits"),
    ("p521", dict(ext=CA, key=("-algorithm", "EC", "-pkeyopt",
                               "ec_paramgen_curve:P-521")),
     1, "has a key that is none of P-256, P-384 and RSA"),
    ("ed25519", dict(ext=CA, key=("-algorithm", "ED25519")),
     1, "has a key that is none of P-256, P-384 and RSA"),
    ("long", dict(ext=CA, subj=LONG), 1, "has a subject that is too long"),
    ("expired", dict(ext=CA, start=("20200101000000Z", "20210101000000Z")),
     1, "has expired on 2021-01-01 00:00:00 UTC"),
    ("early", dict(ext=CA, start=("20480101000000Z", "20600101000000Z")),
     1, "is not valid before 2048-01-01 00:00:00 UTC"),
)
ACCEPTED = (
    ("good", dict(ext=CA)),
    ("any", dict(ext=CA + "\nextendedKeyUsage=anyExtendedKeyUsage")),
    ("both", dict(ext=CA + "\nkeyUsage=cRLSign,keyCertSign\n"
                  "extendedKeyUsage=clientAuth,serverAuth")),
    ("late", dict(ext=CA, start=("20200101000000Z", "20600101000000Z"))),
    ("rsa", dict(ext=CA, key=("-algorithm", "RSA", "-pkeyopt",
                              "rsa_keygen_bits:3072"))),
)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


def test_check(ca, dir):
    made = {name: make(dir, name, **how) for name, how in ACCEPTED}
    for name, (cert, key) in made.items():
        r = ca("check", cert=cert, key=key)
        check(f"check {name}: {r.stderr}", r.returncode == 0 and not r.stderr)
    for name, how, status, says in REFUSED:
        cert, key = make(dir, name, **how)
        r = ca("check", cert=cert, key=key)
        check(f"check {name}: {r.returncode} {r.stderr}",
              r.returncode == status and says in r.stderr and
              r.stderr.startswith("the certificate ") and
              r.stderr.count("\n") == 1)
    cert, key = made["good"]
    text, private = open(cert).read(), open(key).read()
    # Other forms of the same key, and of files.
    sec1 = openssl("ec", "-in", key)
    for what, good_cert, good_key in (
            ("SEC 1", text, sec1),
            ("parameters", text, openssl("ecparam", "-name", "prime256v1") +
             sec1),
            ("one file", private + text, text + private),
            ("CRLF", text.replace("\n", "\r\n"), private.replace("\n", "\r\n")),
            ("a chain", text + open(made["rsa"][0]).read(), private),
            ("words", "Subject: CN=x\n" + text, "Words\n" + private)):
        r = ca("check", cert=write(dir + "/c", good_cert),
               key=write(dir + "/k", good_key))
        check(f"check {what}: {r.stderr}", r.returncode == 0)
    r = ca("check", cert=made["rsa"][0], key=write(dir + "/k", openssl(
        "rsa", "-traditional", "-in", made["rsa"][1])))
    check("check PKCS #1", r.returncode == 0)
    encrypted = openssl("pkcs8", "-topk8", "-in", key, "-passout", "pass:x")
    legacy = openssl("ec", "-in", key, "-aes128", "-passout", "pass:x")
    p521 = openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
                   "ec_paramgen_curve:P-521")
    for what, bad_cert, bad_key, status, says in (
            ("empty", "", private, 1, "is missing: the file has none (PEM)"),
            ("key only", private, private, 1, "is missing"),
            ("cut", text[:200], private, 1, "does not end"),
            ("bytes", text.replace("MI", "AA", 1), private, 1,
             "is no certificate"),
            ("large", "x\n" * 40000 + text, private, 1, "too large"),
            ("no key", text, "", 4, "has no private key (PEM) in it"),
            ("cert only", text, text, 4, "has no private key"),
            ("encrypted", text, encrypted, 4, "is encrypted"),
            ("legacy", text, legacy, 4, "is encrypted"),
            ("another", text, open(made["any"][1]).read(), 4,
             "is not that of the certificate"),
            ("of RSA", text, open(made["rsa"][1]).read(), 4,
             "is not that of the certificate"),
            ("P-521", text, p521, 4, "neither P-256 nor P-384"),
            ("ed25519", text, openssl("genpkey", "-algorithm", "ED25519"), 4,
             "is no private key of RSA or of an elliptic curve"),
            ("large key", text, "x\n" * 9000 + private, 4, "is too large")):
        r = ca("check", cert=write(dir + "/c", bad_cert),
               key=write(dir + "/k", bad_key))
        check(f"check {what}: {r.returncode} {r.stderr}",
              r.returncode == status and says in r.stderr and
              r.stderr.startswith(("the key ", "the certificate ")))
    return made


def new(dir):
    shutil.rmtree(dir, ignore_errors=True)
    os.mkdir(dir)
    return dir


def test_ensure(ca, dir):
    d = new(dir + "/many")
    procs = [ca.start("ensure", d) for _ in range(16)]
    said = [p.communicate(timeout=60)[1] for p in procs]
    check(f"many at once: {said}", not any(said) and
          not any(p.returncode for p in procs))
    check("one CA", ca.pair(d) and os.listdir(d) == ["ca"])
    before = open(d + "/ca/ca.pem").read()
    for path, mode in ((d + "/ca", 0o700), (d + "/ca/ca.pem", 0o600),
                       (d + "/ca/ca.key", 0o600)):
        check("mode of " + path,
              stat.S_IMODE(os.stat(path).st_mode) == mode)
    check("it stays", ca.start("ensure", d).wait(60) == 0 and
          before == open(d + "/ca/ca.pem").read())
    check("rotate", ca.start("rotate", d).wait(60) == 0 and ca.pair(d))
    check("another CA", before != open(d + "/ca/ca.pem").read())
    check("the old one is kept", before == open(d + "/ca.old/ca.pem").read())
    check("rotate again", ca.start("rotate", d).wait(60) == 0 and ca.pair(d))
    check("nothing aside", sorted(os.listdir(d)) == ["ca", "ca.old"])
    for what in ("ensure", "rotate"):
        d = new(dir + "/few")
        procs = [ca.start(what, d) for _ in range(8)]
        check(what + " at once", not any(p.wait(60) for p in procs))
        check(what + " at once: a CA", ca.pair(d))
        check(what + " at once: nothing aside", "ca.new" not in os.listdir(d))


def test_killed(ca, dir, rounds):
    seed = random.Random(1)
    d = new(dir + "/killed")
    halves = 0
    for i in range(rounds):
        if i % 3 == 0:
            new(d)
        p = ca.start("rotate" if i % 2 else "ensure", d)
        time.sleep(seed.uniform(0, 0.006))
        p.send_signal(signal.SIGKILL)
        p.wait(60)
        halves += "ca.new" in os.listdir(d)
        check(f"killed {i}", not os.path.exists(d + "/ca") or ca.pair(d))
        if i % 5 == 0:
            check(f"killed {i}: goes on", ca.start("ensure", d).wait(60) == 0
                  and ca.pair(d))
    check("goes on", ca.start("rotate", d).wait(60) == 0 and ca.pair(d) and
          "ca.new" not in os.listdir(d))
    return halves


def test_full(ca, dir):
    """A disk that takes nothing, or not all."""
    for room in (0, 100, 300):
        d = new(dir + "/full")
        p = ca.start("ensure", d, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (room, room)))
        says = p.communicate(timeout=60)[1]
        check(f"full at {room}: {says}", p.returncode == 3 and
              re.fullmatch(r"write ca/ca\.(key|pem): .*\n", says))
        check(f"full at {room}: nothing is left", os.listdir(d) == [])
        check("room again", ca.start("ensure", d).wait(60) == 0 and ca.pair(d))
        before = open(d + "/ca/ca.pem").read()
        p = ca.start("rotate", d, preexec_fn=lambda: resource.setrlimit(
            resource.RLIMIT_FSIZE, (room, room)))
        check("full", p.wait(60) == 3)
        check("the old one stays", ca.pair(d) and os.listdir(d) == ["ca"] and
              before == open(d + "/ca/ca.pem").read())


def test_show(ca, dir, made):
    cert = made["rsa"][0]
    der = subprocess.run(["openssl", "x509", "-in", cert, "-outform", "DER"],
                         capture_output=True, check=True).stdout
    r = ca("export", cert=cert)
    check("export", r.stdout == openssl("x509", "-in", cert))
    with open(cert) as f:
        r = subprocess.run([ca.path, "export", "--der", "--cert-fd",
                            str(f.fileno())], pass_fds=(f.fileno(),),
                           capture_output=True)
    check("export --der", r.stdout == der)
    r = json.loads(ca("print", "--json", cert=cert).stdout)
    sha = openssl("x509", "-in", cert, "-noout", "-fingerprint", "-sha256")
    check("fingerprint", r["sha256"] == sha.strip().split("=")[1].replace(
        ":", ""))
    check("subject", r["subject"] == "CN=x" and r["key"] == "RSA")
    # One that has expired can be shown.
    r = ca("print", cert=dir + "/expired.pem")
    check("print expired", r.returncode == 0 and "2021-01-01" in r.stdout)
    r = ca("print", cert=dir + "/leaf.pem")
    check("print leaf", r.returncode == 1 and "not that of a CA" in r.stderr)
    for args in ((), ("check",), ("frob",), ("ensure", "--cert-fd", "0"),
                 ("print", "--cert-fd", "77")):
        check(f"usage {args}", run(ca.path, *args).returncode == 2)


def test_roots(ca, dir, made):
    text = open(made["good"][0]).read()
    expired = open(dir + "/expired.pem").read()
    r = ca("roots", cert=write(dir + "/r", "words\n" + text + expired + text))
    check(f"roots: {r.stderr}", r.returncode == 0 and r.stdout == "3 0\n")
    for what, bad, says in (
            ("empty", "", "there is no certificate and no revocation list "
             "(PEM) in it"),
            ("a key", open(made["good"][1]).read(), "there is no certificate"),
            ("cut", text + text[:300], "certificate 2 does not end"),
            ("bytes", text + text.replace("MI", "AA", 1),
             "certificate 2 is no certificate")):
        r = ca("roots", cert=write(dir + "/r", bad))
        check(f"roots {what}: {r.stderr}",
              r.returncode == 1 and says in r.stderr)


def test_lists(ca, dir, made):
    """Revocation lists beside certificates, or alone; none in part."""
    cert, key = made["good"]
    text = open(cert).read()

    def one(*revoked, **more):
        return lists.make(cert, key, revoked, **more)
    good = one() + one(1, (2, lists.REASON["hold"]), until=-9) + one(v1=True)
    for what, file, says in (("alone", good, "0 3\n"),
                             ("beside", one(3) + text + good, "1 4\n")):
        r = ca("roots", cert=write(dir + "/r", file))
        check(f"lists {what}: {r.stderr}",
              r.returncode == 0 and r.stdout == says)
    odd = lists.extension(lists.UNKNOWN, b"", True)
    for what, bad, says in (
            ("cut", one()[:200], "does not end"),
            ("no base64", one().replace("M", "!", 1), "is no base64 text"),
            ("nothing", lists.pem(b"0\0"), "is no revocation list"),
            ("a certificate", text.replace("CERTIFICATE", "X509 CRL"),
             "is no revocation list"),
            ("changes", one(extensions=[lists.NUMBER, lists.CHANGES]),
             "is one of changes to another (a delta CRL)"),
            ("of some", one(extensions=[lists.SCOPE]),
             "is of some certificates alone (issuingDistributionPoint)"),
            ("of a point", one(extensions=[lists.POINT]),
             "is of some certificates alone (issuingDistributionPoint)"),
            ("indirect", one((2, lists.extension(29, lists.sequence(), True))),
             "is of other issuers' certificates (an indirect CRL)"),
            ("taken back", one((2, lists.REASON["returned"])),
             "takes an entry back, as one of changes may (removeFromCRL)"),
            ("odd", one(extensions=[odd]),
             "has a critical extension that is not known"),
            ("odd entry", one((2, odd)),
             "has an entry with a critical extension that is not known"),
            ("no end", one(until=None), "does not say when there is a next one"),
            ("another algorithm", one(inner=lists.sequence(
                bytes.fromhex(lists.SHA256["ec384"]))),
             "is signed by another algorithm than it says"),
            ("SHA-1", lists.make(*made["rsa"], kind="sha1"),
             "is signed by an algorithm that is not known, or too weak")):
        r = ca("roots", cert=write(dir + "/r", text + one() + bad))
        check(f"lists {what}: {r.stderr}", r.returncode == 1 and
              f"revocation list 2 {says}" in r.stderr)


def test_collect(ca, dir, made):
    """Hashes of names are openssl's, of names as odd as it makes them."""
    names = ("/CN=x", "/C=DE/O=Two  Words /CN=  UPPER lower\t", "/CN=\u00c4\u00d6 \u00df",
             "/DC=com/DC=example/emailAddress=A@B.c/UID=Me", "/serialNumber=A 1")
    text, want = "", []
    for n, subj in enumerate(names):
        cert, _ = make(dir, f"named{n}", subj=subj)
        text += open(cert).read()
        want.append(openssl("x509", "-in", cert, "-noout", "-subject_hash",
                            ).strip())
    several = dir + "/several.pem"
    openssl("req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-multivalue-rdn", "-subj", "/CN=a+O=b",
            "-keyout", "/dev/null", "-out", several)
    r = ca("collect", cert=write(dir + "/c", text + open(several).read() +
                                 text + open(made["good"][1]).read()))
    check(f"collect: {r.stderr}", r.returncode == 0 and r.stderr == (
        f"{len(names) + 1} 0 0 " + " ".join(want) + " -\n"))
    check("collect: nothing else", r.stdout == text + open(several).read())
    r = ca("collect", cert="/dev/null")
    check("collect: nothing", r.returncode == 0 and not r.stdout and
          r.stderr == "0 0 0\n")


def test_open(tool, helpers, dir, made):
    """What up and apply are given."""
    state = dir + "/state"
    cert, key = made["good"]

    def call(*args):
        return run(tool, state, helpers, *args)

    r = call("ca", cert, key)
    size = os.path.getsize
    check("given", r.returncode == 0 and r.stdout == (
        f"{size(cert)}\n{size(key)}\n" + open(cert).read() + open(key).read()))
    check("nothing is generated", not os.path.exists(state + "/ca"))
    both = dir + "/both.pem"
    write(both, open(key).read() + "# A comment\n" + open(cert).read() +
          open(cert).read())
    r = call("ca", both, key)
    check("of a file with a key the certificate alone", r.returncode == 0 and
          r.stdout == f"{size(cert)}\n{size(key)}\n" + open(cert).read() +
          open(key).read())
    r = call("ca")
    check("generated", r.returncode == 0 and r.stdout.endswith(
        open(state + "/ca/ca.key").read()))
    for args, says in (
            ((dir + "/gone", key), f"refused: /TLS/CACert: {dir}/gone: No such "
             "file or directory"),
            ((cert, dir + "/gone"), f"refused: /TLS/CAKey: {dir}/gone: No such "
             "file or directory"),
            ((dir, key), f"refused: /TLS/CACert: {dir}: Is a directory"),
            (("/dev/null", key), "refused: /TLS/CACert: /dev/null: Invalid"),
            ((cert, made["any"][1]), f"refused: /TLS/CAKey: {made['any'][1]}: "
             "the key is not that of the certificate"),
            ((key, key), f"refused: /TLS/CACert: {key}: the certificate is "
             "missing")):
        r = call("ca", *args)
        check(f"open {args}: {r.stdout}", r.returncode == 1 and
              r.stdout.startswith(says))
    write(state + "/ca/ca.pem", open(cert).read())
    r = call("ca")
    check("generated, damaged: " + r.stdout, r.stdout == (
        f"refused: the CA in {state}/ca: the key is not that of the "
        'certificate; "msb-netc ca rotate" makes another one\n'))
    r = run(tool, state, dir, "ca")
    check("no helpers: " + r.stdout,
          r.stdout == f"system: there is no msb-ca in {dir}\n")
    bundle = open(BUNDLE).read() if os.path.exists(BUNDLE) else ""
    r = call("roots", "any", cert, made["rsa"][0])
    check("roots", r.returncode == 0 and r.stdout.split("\n", 1)[1] == (
        bundle + "\n" + open(cert).read() + "\n" +
        open(made["rsa"][0]).read()))
    r = call("roots", "verify")
    check("roots of the host: " + r.stdout, r.stdout.endswith(bundle) if bundle
          else r.stdout.startswith("system: the CAs that this host trusts"))
    r = call("roots", "any", cert, key)
    check("roots: " + r.stdout, r.stdout == (
        f"refused: /TLS/UpstreamCACerts/1: {key}: there is no certificate "
        "and no revocation list (PEM) in it\n"))


def test_command(netc, dir):
    state = dir + "/command"

    def call(*args):
        return run(netc, "ca", *args, "--state", state)

    r = call()
    check("nothing yet", r.returncode == 1 and "there is no CA" in r.stderr)
    check("and nothing made", not os.path.exists(state))
    pem = call("export").stdout
    check("export makes it", pem == open(state + "/ca/ca.pem").read())
    r = call("print", "--json")
    first = json.loads(r.stdout)
    check("print", first["subject"].startswith("CN=msb-netc CA "))
    years = (first["not_after"] - first["not_before"]) / 86400 / 365.25
    check("ten years", 10 < years < 10.1)
    check("as text", "sha256       " in call().stdout)
    second = json.loads(call("rotate", "--json").stdout)
    check("rotate", second["key_id"] != first["key_id"])
    check("old", pem == open(state + "/ca.old/ca.pem").read())
    for args in (("frob",), ("print", "export"), ("export", "--json"),
                 ("print", "--der")):
        r = call(*args)
        check(f"usage {args}", r.returncode == 2 and "Try " in r.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--msb-ca", required=True)
    parser.add_argument("--msb-netc", required=True)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--rounds", type=int, default=60,
                        help="how often it is killed")
    args = parser.parse_args()
    ca = MsbCa(args.msb_ca)
    with tempfile.TemporaryDirectory() as dir:
        made = test_check(ca, dir)
        test_show(ca, dir, made)
        test_roots(ca, dir, made)
        test_lists(ca, dir, made)
        test_collect(ca, dir, made)
        test_ensure(ca, dir)
        halves = test_killed(ca, dir, args.rounds)
        test_full(ca, dir)
        test_open(args.tool, os.path.dirname(args.msb_ca), dir, made)
        test_command(args.msb_netc, dir)
    print(f"{halves} times killed half-way; {len(failures)} failures")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
