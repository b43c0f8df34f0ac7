#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_leaf.py - Leaves and CAs, as other programs read them.

Each leaf is verified by OpenSSL's command line with -x509_strict, by GnuTLS,
and in a handshake of Python's ssl with the flags that Python 3.13 sets; and
what it says is read back from OpenSSL's text.
"""
import argparse
import base64
import datetime
import os
import re
import ssl
import subprocess
import sys
import tempfile

L63 = "a" * 63
NAMES = (
    "example.com",
    "localhost",
    "xn--bcher-kva.example",
    "a_b._tcp.example.com",
    "-x.example.com",
    "0.example.com",
    "9to5.example9",
    # 64 octets fit into a common name, 65 do not.
    "a" * 52 + ".example.com",
    "a" * 53 + ".example.com",
    ".".join((L63, L63, L63, "b" * 61)),
)
ADDRESSES = ("198.51.100.7", "0.0.0.1", "2001:db8::1", "fe80::1")
REFUSED = (
    "*.example.com",
    "a b.example.com",
    r"a\000b.example.com",
    r"a\.b.example.com",
    "example.com/evil",
    "127.1",
    "1.2.3.4.5",
    "example.1",
    r"b\195\188cher.example",
    ".",
)
# Python 3.13's ssl.create_default_context() sets these two.
STRICT = ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
DAY = 86400

failures = []


def check(what, good):
    if not good:
        failures.append(what)
        print("FAILED:", what)


def run(*args, **more):
    return subprocess.run(args, capture_output=True, timeout=60, **more)


def openssl(*args, **more):
    r = run("openssl", *args, **more)
    if r.returncode:
        raise RuntimeError(f"openssl {args}: {r.stderr.decode()}")
    return r.stdout


class Authority:
    """A CA in files."""

    def __init__(self, dir, name, cert=None, key=None):
        self.name = name
        self.cert = cert or os.path.join(dir, name + ".pem")
        self.key = key or os.path.join(dir, name + ".key")

    def make(self, *new, ext=(), days="30", header=()):
        openssl("genpkey", *new, "-out", self.key)
        config = "[req]\ndistinguished_name=n\n[n]\n[e]\n" + "\n".join(
            ("basicConstraints=critical,CA:TRUE",
             "keyUsage=critical,keyCertSign") + tuple(ext))
        openssl("req", "-x509", "-new", "-key", self.key, "-out", self.cert,
                "-days", days, "-sha256", "-subj", "/O=Example/CN=" + self.name,
                "-extensions", "e", "-config", "/dev/stdin",
                input=config.encode())
        return self


def authorities(dir, msb_ca):
    p256 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    p384 = ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384")
    rsa = ("-algorithm", "RSA", "-pkeyopt")
    ski = ("subjectKeyIdentifier=hash",)
    fd = os.open(dir, os.O_RDONLY)
    r = run(msb_ca, "ensure", "--dir-fd", str(fd), pass_fds=(fd,))
    os.close(fd)
    check("msb-ca ensure", r.returncode == 0 and not r.stderr)
    made = Authority(dir, "generated", dir + "/ca/ca.pem", dir + "/ca/ca.key")
    yield made
    yield Authority(dir, "p256").make(*p256, ext=ski)
    yield Authority(dir, "p384").make(*p384, ext=ski)
    yield Authority(dir, "rsa2048").make(*rsa, "rsa_keygen_bits:2048", ext=ski)
    yield Authority(dir, "rsa4096").make(*rsa, "rsa_keygen_bits:4096", ext=ski)
    yield Authority(dir, "short").make(*p256, ext=ski, days="2")


def point_of(key):
    der = openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    return der[-65:].hex()


def leaves(tool, ca, point, subjects, ahead=0):
    r = run(tool, ca.cert, ca.key, point, str(ahead), *subjects)
    if r.returncode:
        raise RuntimeError(f"{ca.name}: {r.stderr.decode()}")
    found = re.findall(r"refused|until (\d+)\n(-----BEGIN.*?-----END [^\n]*\n)",
                       r.stdout.decode(), re.S)
    return [(int(until), pem) if pem else None for until, pem in found]


class Facts:
    """What OpenSSL reads in a certificate, in one go."""

    def __init__(self, path):
        self.text = text = openssl("x509", "-in", path, "-noout", "-text",
                                   "-serial", "-startdate", "-enddate").decode()
        self.serial = re.search(r"^serial=(.*)$", text, re.M)[1]
        self.begin, self.end = (
            datetime.datetime.strptime(
                re.search(rf"^{which}=(.*)$", text, re.M)[1],
                "%b %d %H:%M:%S %Y GMT").replace(
                    tzinfo=datetime.timezone.utc).timestamp()
            for which in ("notBefore", "notAfter"))
        ski = re.search(r"Subject Key Identifier: \n\s*(\S+)", text)
        aki = re.search(r"Authority Key Identifier: \n\s*(?:keyid:)?(\S+)",
                        text)
        self.ski, self.aki = ski and ski[1], aki and aki[1]


def name_of(path, which):
    return openssl("x509", "-in", path, "-noout", which, "-nameopt",
                   "RFC2253,dump_all").split(b"=", 1)[1]


def check_text(ca, facts, subject):
    """What the leaf says, by OpenSSL's reading."""
    text = facts.text
    what = f"{ca.name} {subject[:40]}"
    is_address = subject in ADDRESSES
    empty = len(subject) > 64
    check(what + " version", "Version: 3 (0x2)" in text)
    check(what + " serial", re.fullmatch(r"[4-7][0-9A-F]{31}", facts.serial))
    check(what + " key", "NIST CURVE: P-256" in text)
    alt = re.search(r"Subject Alternative Name: (critical)?\s*\n\s*(.*)\n", text)
    check(what + " one name", alt and "," not in alt[2])
    if not is_address:
        check(what + " name", alt[2] == "DNS:" + subject)
    else:
        check(what + " address", alt[2].startswith("IP Address:"))
    check(what + " critical", bool(alt[1]) == empty)
    if not is_address:
        cn = re.search(r"Subject: ?(.*)\n", text)[1]
        check(what + " subject", cn == ("" if empty else "CN = " + subject))
    check(what + " usage", re.search(
        r"Key Usage: critical\n\s*Digital Signature\n", text))
    check(what + " purpose", re.search(
        r"Extended Key Usage: \n\s*TLS Web Server Authentication\n", text))
    check(what + " no CA", re.search(
        r"Basic Constraints: critical\n\s*CA:FALSE\n", text))
    check(what + " SKI", facts.ski and len(facts.ski) == 59)
    check(what + " AKI", facts.aki and facts.aki == ca.facts.ski)


def check_times(ca, facts, now, until):
    check(f"{ca.name} begin", facts.begin == ca.facts.begin or
          abs(facts.begin - now + 2 * DAY) < 300)
    check(f"{ca.name} end", facts.end == ca.facts.end or
          abs(facts.end - now - 5 * DAY) < 300)
    check(f"{ca.name} inside", ca.facts.begin <= facts.begin < facts.end <=
          ca.facts.end)
    check(f"{ca.name} seven days", facts.end - facts.begin <= 7 * DAY)
    check(f"{ca.name} until", now < until < facts.end)


def handshake(ca, chain, subject, minimum):
    """A TLS handshake in memory, by the strictest rules of Python's ssl."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.verify_flags |= STRICT
    client.load_verify_locations(ca.cert)
    client.minimum_version = client.maximum_version = minimum
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(chain)
    wires = [ssl.MemoryBIO() for _ in range(4)]
    c = client.wrap_bio(wires[0], wires[1], server_hostname=subject)
    s = server.wrap_bio(wires[2], wires[3], server_side=True)
    done = [False, False]
    for _ in range(10):
        for i, side in enumerate((c, s)):
            try:
                if not done[i]:
                    side.do_handshake()
                    done[i] = True
            except ssl.SSLWantReadError:
                pass
        wires[2].write(wires[1].read())
        wires[0].write(wires[3].read())
        if all(done):
            return True
    return False


def check_leaf(dir, ca, key, subject, leaf, now):
    leaf, until = leaf[1], leaf[0]
    path, chain = os.path.join(dir, "leaf.pem"), os.path.join(dir, "chain.pem")
    with open(path, "w") as f:
        f.write(leaf)
    with open(chain, "w") as f:
        f.write(leaf + open(key).read())
    what = f"{ca.name} {subject[:40]}"
    which = "-verify_ip" if subject in ADDRESSES else "-verify_hostname"
    r = run("openssl", "verify", "-x509_strict", "-purpose", "sslserver",
            "-CAfile", ca.cert, which, subject, path)
    check(f"{what}: openssl: {r.stderr.decode()}", r.returncode == 0)
    r = run("certtool", "--verify", "--infile", path,
            "--load-ca-certificate", ca.cert, "--verify-purpose",
            "1.3.6.1.5.5.7.3.1", "--verify-hostname", subject)
    # GnuTLS compares addresses with --verify-hostname too.
    check(f"{what}: certtool: {r.stdout.decode()[-300:]}", r.returncode == 0)
    # OpenSSL and IDNA refuse such names on the client's side.
    if not subject.startswith("-") and all(
            len(label) < 64 for label in subject.split(".")):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            try:
                good = handshake(ca, chain, subject, version)
            except (ssl.SSLError, ValueError) as e:
                good = print(e)
            check(f"{what}: python {version.name}", good)
    facts = Facts(path)
    check_text(ca, facts, subject)
    check_times(ca, facts, now, until)


def check_refused_authority(dir, tool, point):
    """Beyond the CA's own time nothing is signed."""
    ca = Authority(dir, "short")
    ca.facts = Facts(ca.cert)
    now = datetime.datetime.now().timestamp()
    [leaf] = leaves(tool, ca, point, ["example.com"], ahead=DAY)
    path = os.path.join(dir, "late.pem")
    with open(path, "w") as f:
        f.write(leaf[1])
    check_times(ca, Facts(path), now + DAY, leaf[0])
    for ahead in (-DAY, 3 * DAY):
        check(f"signed at {ahead}", leaves(tool, ca, point, ["example.com"],
                                           ahead=ahead) == [None])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--msb-ca", required=True)
    parser.add_argument("--keep", help="write the CAs and leaves here")
    args = parser.parse_args()
    count = 0
    with tempfile.TemporaryDirectory() as dir:
        dir = args.keep or dir
        key = os.path.join(dir, "leaf.key")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-out", key)
        point = point_of(key)
        for ca in authorities(dir, args.msb_ca):
            now = datetime.datetime.now().timestamp()
            ca.facts = Facts(ca.cert)
            # The strictest reader of the CA is OpenSSL itself.
            r = run("openssl", "verify", "-x509_strict", "-check_ss_sig",
                    "-CAfile", ca.cert, ca.cert)
            check(f"{ca.name}: {r.stderr.decode()}", r.returncode == 0)
            # Every name once; each CA with a few.
            subjects = NAMES + ADDRESSES if ca.name == "generated" else (
                NAMES[0], NAMES[-1], ADDRESSES[0])
            for subject, leaf in zip(subjects, leaves(args.tool, ca, point,
                                                      subjects)):
                if not leaf:
                    check(f"{ca.name} {subject}: refused", False)
                    continue
                check_leaf(dir, ca, key, subject, leaf, now)
                if args.keep:
                    n = re.sub(r"[^a-z0-9]", "_", subject)[:30]
                    os.replace(os.path.join(dir, "chain.pem"),
                               os.path.join(dir, f"{ca.name}-{n}.chain"))
                count += 1
            # The issuer is the CA's subject, octet by octet.
            check(f"{ca.name} issuer", name_of(
                os.path.join(dir, "leaf.pem"), "-issuer") == name_of(
                    ca.cert, "-subject"))
            for subject, leaf in zip(REFUSED, leaves(args.tool, ca, point,
                                                     REFUSED)):
                check(f"{ca.name} signed {subject}", leaf is None)
            serials = {leaf[1] for leaf in leaves(args.tool, ca, point,
                                                  ["example.com"] * 20)}
            check(f"{ca.name}: serial numbers", len(serials) == 20)
        check_refused_authority(dir, args.tool, point)
    print(f"{count} leaves, {len(failures)} failures")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
