# SPDX-License-Identifier: GPL-2.0-or-later
"""The engine of interception between peers that are OpenSSL's and GnuTLS's.

Everything is on loopback: a server that this script scripts, the proxy with
the engine in it, and a client. What a peer cannot be made to do (a reset, a cut
in the middle of a record, a plain alert) is done on raw sockets.
"""
import argparse
import contextlib
import fcntl
import os
import random
import re
import select
import shutil
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
import warnings

warnings.simplefilter("ignore", DeprecationWarning)
HOST = "127.0.0.1"
NAME = "api.example.com"
# Until all that is to come has come, on a machine that is busy.
TIMEOUT = 40
WHO_COMPUTES = [], ["--plain-wolf"], ["--aead", "libgcrypt"]
tests = []


def test(f):
    tests.append(f)
    return f


def check(good, what):
    if not good:
        raise AssertionError(what)


def equal(is_, want, what=""):
    check(is_ == want, f"{what}: {is_!r}, not {want!r}")


def wait_until(condition):
    """Whether it comes true in time"""
    until = time.monotonic() + TIMEOUT
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def steady(value):
    """What a value comes to, when it has been the same for a while"""
    last, since = value(), time.monotonic()
    while time.monotonic() < since + 0.5:
        time.sleep(0.1)
        if (now := value()) != last:
            last, since = now, time.monotonic()
    return last


# ---- Certificates, all by openssl(1) -------------------------------------

class Pki:
    def __init__(self, where):
        self.where = where
        self.n = 0
        self.root = self.authority("root")
        self.other = self.authority("other")
        self.middle = self.authority("middle", self.root)
        self.good = self.leaf(self.root)

    def path(self, name):
        return os.path.join(self.where, name)

    def run(self, *args):
        subprocess.run(["openssl", *args], check=True, cwd=self.where,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def key(self, name, kind):
        """A key, and a request for a certificate of that name"""
        args = {"p256": ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
                "p384": ["ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"],
                "rsa": ["rsa:2048"], "rsa1024": ["rsa:1024"],
                "ed25519": ["ed25519"]}[kind]
        self.run("req", "-new", "-newkey", *args, "-nodes", "-keyout",
                 name + ".key", "-subj", f"/CN={name}", "-out", name + ".csr")

    def sign(self, name, issuer, extensions, days=None, dates=None,
             md="sha256", subject=None):
        """dates: offsets in seconds of both ends"""
        with open(self.path(name + ".ext"), "w") as f:
            f.write(extensions + "\n")
        if subject or not os.path.exists(self.path(name + ".csr")):
            self.run("req", "-new", "-key", name + ".key", "-subj",
                     f"/CN={subject or name}", "-out", name + ".csr")
        if dates is None:
            issue = ["-CA", issuer + ".pem", "-CAkey", issuer + ".key"] \
                if issuer else ["-signkey", name + ".key"]
            self.run("x509", "-req", "-in", name + ".csr", *issue,
                     "-set_serial", str(random.getrandbits(60)), "-days",
                     str(days or 20), "-extfile", name + ".ext", "-" + md,
                     "-out", name + ".pem")
            return
        now = time.time()
        fmt = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(now + d))
               for d in dates]
        with open(self.path("ca.cnf"), "w") as f:
            f.write("[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index\n"
                    "serial=serial\ndefault_md=sha256\npolicy=p\n"
                    "[p]\ncommonName=supplied\n")
        open(self.path("index"), "w").close()
        with open(self.path("serial"), "w") as f:
            f.write(f"{random.getrandbits(60):016x}\n")
        self.run("ca", "-batch", "-config", "ca.cnf", "-in", name + ".csr",
                 "-cert", issuer + ".pem", "-keyfile", issuer + ".key",
                 "-startdate", fmt[0], "-enddate", fmt[1], "-extfile",
                 name + ".ext", "-out", name + ".pem", "-notext")

    def authority(self, name, issuer=None, kind="p256", more=""):
        self.key(name, kind)
        self.sign(name, issuer, "basicConstraints=critical,CA:TRUE\n"
                  "keyUsage=critical,keyCertSign,cRLSign\n"
                  "subjectKeyIdentifier=hash" + more)
        return name

    def leaf(self, issuer, names=f"DNS:{NAME},IP:{HOST}", kind="p256", chain=(),
             more="", **sign):
        self.n += 1
        name = f"leaf{self.n}"
        self.key(name, kind)
        self.sign(name, issuer, (f"subjectAltName={names}\n" if names else "")
                  + "basicConstraints=CA:FALSE\n" + more, **sign)
        with open(self.path(name + ".chain"), "w") as out:
            for part in (name, *chain):
                with open(self.path(part + ".pem")) as f:
                    out.write(f.read())
        return name

    def cross(self, name, issuer):
        """The same name and key, by another issuer"""
        shutil.copy(self.path(name + ".key"), self.path("cross.key"))
        self.sign("cross", issuer, "basicConstraints=critical,CA:TRUE\n"
                  "subjectKeyIdentifier=hash", subject=name)
        return "cross"

    def bits(self, name):
        return self.path(name + ".chain"), self.path(name + ".key")


# ---- Peers ---------------------------------------------------------------

def heed_ends(c):
    """The end of TCP without close_notify is an error, not an end."""
    c.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 1 << 7)


def context_of_server(leaf, versions=None, alpn=None, ciphers=None):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    heed_ends(c)
    c.set_ciphers((ciphers or "DEFAULT") + ":@SECLEVEL=0")
    c.load_cert_chain(*pki.bits(leaf))
    if versions:
        c.minimum_version, c.maximum_version = versions
    if alpn:
        c.set_alpn_protocols(alpn)
    return c


class Server:
    """One thread a connection, which calls handle(socket)."""

    def __init__(self, handle):
        self.handle = handle
        self.results = []
        self.listener = socket.create_server((HOST, 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                s, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(s,), daemon=True).start()

    def one(self, s):
        s.settimeout(TIMEOUT)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.results.append(self.handle(s))
        except Exception as e:  # told to whoever asks
            self.results.append(e)
        finally:
            with contextlib.suppress(OSError):
                s.close()

    def result(self, n=0):
        check(wait_until(lambda: len(self.results) > n),
              "the server did not end")
        return self.results[n]

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Proxy:
    def __init__(self, port, *options, roots="root", verify=True):
        self.ca = pki.path(f"ca{random.getrandbits(40)}.pem")
        args = [tool, str(port), self.ca, *options]
        if verify:
            args += ["--roots", pki.path(roots + ".pem")]
        self.p = subprocess.Popen(args, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, bufsize=0)
        self.said = b""
        words = self.line().split()
        self.port = int(words[1])
        self.crypto = words[3]

    def line(self):
        while b"\n" not in self.said:
            check(select.select([self.p.stdout], [], [], TIMEOUT)[0],
                  "the proxy says nothing")
            data = os.read(self.p.stdout.fileno(), 65536)
            check(data, "the proxy has ended")
            self.said += data
        line, _, self.said = self.said.partition(b"\n")
        return line.decode()

    def stat(self):
        self.p.stdin.write(b"?\n")
        while True:
            words = self.line().split()
            if words[0] == "open":
                return {k: v for k, v in zip(words[::2], words[1::2])}

    def is_idle(self):
        """Whether no connection is left, or none will be soon"""
        return wait_until(lambda: self.stat()["open"] == "0")

    def close(self):
        self.p.stdin.close()
        self.p.stdout.read()
        self.p.stdout.close()
        equal(self.p.wait(TIMEOUT), 0, "the proxy's end")


def context_of_client(proxy, versions=None, alpn=None, ciphers=None):
    c = ssl.create_default_context(cafile=proxy.ca)
    heed_ends(c)
    c.verify_flags |= ssl.VERIFY_X509_STRICT
    if versions:
        c.set_ciphers((ciphers or "DEFAULT") + ":@SECLEVEL=0")
        c.minimum_version, c.maximum_version = versions
    elif ciphers:
        c.set_ciphers(ciphers)
    if alpn:
        c.set_alpn_protocols(alpn)
    return c


def dial(proxy):
    s = socket.create_connection((HOST, proxy.port), TIMEOUT)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def connect(proxy, name=NAME, context=None, **options):
    c = context or context_of_client(proxy, **options)
    return c.wrap_socket(dial(proxy), server_hostname=name,
                         suppress_ragged_eofs=False)


V12 = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
V13 = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
V11 = (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1)
ALERTS = {40: "HANDSHAKE_FAILURE", 42: "BAD_CERTIFICATE",
          43: "UNSUPPORTED_CERTIFICATE", 45: "CERTIFICATE_EXPIRED",
          48: "UNKNOWN_CA", 70: "PROTOCOL_VERSION", 71: "INSUFFICIENT_SECURITY",
          80: "INTERNAL_ERROR", 112: "UNRECOGNIZED_NAME",
          120: "NO_APPLICATION_PROTOCOL"}


@contextlib.contextmanager
def between(handle, *options, **more):
    server = Server(handle)
    proxy = Proxy(server.port, *options, **more)
    try:
        yield server, proxy
    except BaseException:
        proxy.p.kill()
        proxy.p.wait()
        raise
    else:
        proxy.close()
    finally:
        server.close()


def in_turn(contexts):
    """A server with another context for each connection, which says an octet
    back; none has a session of another that could be used again."""
    turn = iter(contexts)

    def handle(s):
        t = next(turn).wrap_socket(s, server_side=True)
        t.sendall(t.recv(1))
        return t.selected_alpn_protocol()
    return handle


def anew(leaf=None, **options):
    """The context of a server without tickets"""
    c = context_of_server(leaf or pki.good, **options)
    c.num_tickets = 0
    c.options |= ssl.OP_NO_TICKET
    return c


def passes(proxy, name=NAME, **options):
    """A handshake, and an octet to and fro"""
    with connect(proxy, name, **options) as t:
        t.sendall(b"x")
        equal(t.recv(1), b"x")


def echo(leaf=None, **options):
    """A server that says everything back until the client has ended."""
    c = context_of_server(leaf or pki.good, **options)

    def handle(s):
        t = c.wrap_socket(s, server_side=True, suppress_ragged_eofs=False)
        while True:
            data = t.recv(65536)
            if not data:
                break
            t.sendall(data)
        alpn = t.selected_alpn_protocol()
        t.unwrap()
        return alpn
    return handle


def client_hello(name=NAME, context=None):
    """What a client says first, and its TLS object, which waits for answer."""
    c = context or ssl._create_unverified_context()
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    t = c.wrap_bio(inward, outward, server_hostname=name)
    with contextlib.suppress(ssl.SSLWantReadError):
        t.do_handshake()
    return outward.read(), t, inward, outward


def alert_of(proxy, hello=None):
    """The alert that answers a ClientHello, from the wire: the first record."""
    with dial(proxy) as s:
        s.sendall(hello or client_hello()[0])
        got = b""
        while True:
            data = s.recv(65536)
            if not data:
                break
            got += data
    check(len(got) == 7 and got[0] == 21 and got[3:6] == b"\0\2\2",
          f"no plain fatal alert alone: {got[:40].hex()}")
    return got[6]


# ---- Handshakes ----------------------------------------------------------

@test
def versions_and_protocols():
    """Every pair of versions, with protocols in any mixture"""
    mixes = [(None, None, None), (["h2"], ["h2"], "h2"),
             (["http/1.1", "h2"], ["h2", "http/1.1"], "h2"),
             (["h2", "http/1.1"], ["http/1.1"], "http/1.1"),
             (["h2", "http/1.1"], None, None),
             (["spdy/3", "h2"], ["h2"], "h2"), (["imap"], ["h2"], None)]
    rows = [(down, *mix) for down in (V12, V13) for mix in mixes]
    for up in (V12, V13):
        contexts = [anew(versions=up, alpn=row[2]) for row in rows]
        with between(in_turn(contexts)) as (server, proxy):
            for n, (down, offered, _, want) in enumerate(rows):
                with connect(proxy, versions=down, alpn=offered) as t:
                    equal(t.selected_alpn_protocol(), want, "protocol")
                    equal(t.version(), {V12: "TLSv1.2", V13: "TLSv1.3"}[down])
                    t.sendall(b"x")
                    equal(t.recv(100), b"x")
                equal(server.result(n), want, "the server's protocol")


@test
def ciphers():
    """AES-GCM of both lengths and ChaCha20, on either side"""
    suites = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
              "ECDHE-ECDSA-CHACHA20-POLY1305"]
    data = os.urandom(100000)
    for extra in WHO_COMPUTES:
        for suite in suites:
            with between(echo(versions=V12, ciphers=suite), *extra) as (_, proxy):
                with connect(proxy, versions=V12, ciphers=suite) as t:
                    equal(t.cipher()[0], suite)
                    t.sendall(data[:20000])
                    got = b""
                    while len(got) < 20000:
                        got += t.recv(65536)
                    equal(got, data[:20000])
                    t.unwrap()


@test
def servers_of_all_kinds():
    """RSA, P-256, P-384; with a CA between; RSA and P-384 CAs"""
    rsa = pki.authority("rsaroot", kind="rsa")
    p384 = pki.authority("p384root", kind="p384")
    for root, leaf in ((pki.root, pki.leaf(pki.root, kind="rsa")),
                       (pki.root, pki.leaf(pki.root, kind="p384")),
                       (rsa, pki.leaf(rsa, kind="rsa")),
                       (p384, pki.leaf(p384, kind="p256")),
                       (pki.root, pki.leaf(pki.middle, chain=[pki.middle])),
                       (pki.root, pki.leaf(pki.middle,
                                           chain=[pki.middle, pki.root]))):
        for v in (V12, V13):
            with between(in_turn([anew(leaf, versions=v)]),
                         roots=root) as (_, proxy):
                passes(proxy)


@test
def the_leaf():
    """One name, of the SNI; the address, or the given name, without SNI"""
    with between(echo()) as (_, proxy):
        with connect(proxy) as t:
            equal(t.getpeercert()["subjectAltName"], (("DNS", NAME),))
        c = context_of_client(proxy)
        with connect(proxy, HOST, c) as t:
            equal(t.getpeercert()["subjectAltName"], (("IP Address", HOST),))
        equal(proxy.stat()["leaves"], "2", "leaves kept")
    with between(echo(), "--leaf", NAME) as (_, proxy):
        c = context_of_client(proxy)
        c.check_hostname = False
        with c.wrap_socket(dial(proxy)) as t:
            equal(t.getpeercert()["subjectAltName"], (("DNS", NAME),))


def is_there(port):
    """Whether somebody listens there"""
    with socket.socket() as s:
        return not s.connect_ex((HOST, port))


@test
def gnutls():
    """GnuTLS as the client, and as the server, in both versions"""
    check(shutil.which("gnutls-cli"), "gnutls-bin is not installed")
    for version in ("TLS1.2", "TLS1.3"):
        priority = f"NORMAL:-VERS-ALL:+VERS-{version}"
        with between(echo()) as (_, proxy):
            r = subprocess.run(
                ["gnutls-cli", "--x509cafile", proxy.ca, "--sni-hostname", NAME,
                 "--verify-hostname", NAME, "--priority", priority, "-p",
                 str(proxy.port), HOST], input=b"hello\n", timeout=TIMEOUT,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            equal(r.returncode, 0, r.stdout.decode())
            check(b"hello" in r.stdout and version.encode() in r.stdout,
                  r.stdout.decode())
        cert, key = pki.bits(pki.good)
        with socket.create_server((HOST, 0)) as s:
            port = s.getsockname()[1]
        p = subprocess.Popen(
            ["gnutls-serv", "--echo", "--x509certfile", cert, "--x509keyfile",
             key, "--priority", priority, "-p", str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            check(wait_until(lambda: is_there(port)), "gnutls-serv")
            proxy = Proxy(port)
            with connect(proxy) as t:
                t.sendall(b"hello\n")
                equal(t.recv(100), b"hello\n")
            proxy.close()
        finally:
            p.kill()
            p.wait()


# ---- What is refused -----------------------------------------------------

@test
def verification():
    """Each way in which a server is not who it has to be, and its alert"""
    constrained = pki.authority(
        "constrained", pki.root,
        more="\nnameConstraints=critical,permitted;DNS:example.org")
    expired = dict(dates=(-90000, -3600))
    nobody = pki.leaf(pki.root)  # signs, though it is no CA
    rows = [
        (pki.leaf(pki.root, **expired), 45, "certificate expired"),
        (pki.leaf(pki.root, dates=(90000, 190000)), 45,
         "certificate not yet valid"),
        (pki.leaf(pki.other), 48, "certificate of an unknown issuer"),
        (pki.leaf(None), 48, "self-signed certificate|certificate of an unknown"),
        (pki.leaf(pki.middle), 48, "certificate of an unknown issuer"),
        (pki.leaf(pki.root, names="DNS:other.example.com"), 42,
         "certificate for another name"),
        (pki.leaf(pki.root, names="DNS:*.example.org"), 42,
         "certificate for another name"),
        (pki.leaf(pki.root, names=None), 42, "certificate for another name"),
        (pki.leaf(pki.root, md="sha1"), 42,
         "certificate signed with a weak hash"),
        (pki.leaf(pki.root, kind="rsa1024"), 42, "certificate with a weak key"),
        (pki.leaf(constrained, chain=[constrained]), 42,
         "name not permitted to its issuer"),
        (pki.leaf(nobody, chain=[nobody]), (42, 48), "."),
        (pki.leaf(pki.root, more="extendedKeyUsage=clientAuth"), 43,
         "certificate not for servers"),
    ]
    for v in (V12, V13):
        contexts = [anew(leaf, versions=v) for leaf, _, _ in rows]
        with between(in_turn(contexts)) as (_, proxy):
            for _, alert, why in rows:
                got = alert_of(proxy)
                check(got in (alert if isinstance(alert, tuple) else (alert,)),
                      f"{why}: alert {got}, not {alert}")
                check(re.match("failed shut (" + why + ")",
                               line := proxy.line()), f"{line!r}, not {why!r}")
        with between(in_turn(contexts), verify=False) as (_, proxy):
            for _ in contexts:
                passes(proxy)


@test
def names():
    """Wildcards: one label, the first, alone; addresses; not the subject"""
    rows = [("DNS:*.example.com", NAME, True),
            ("DNS:*.example.com", "a.b.example.com", False),
            ("DNS:*.example.com", "example.com", False),
            ("DNS:a*.example.com", NAME, False),
            ("DNS:api.*.com", NAME, False), ("DNS:*.com", "example.com", False),
            ("DNS:API.Example.COM", "api.example.com", True),
            (f"IP:{HOST}", None, True), ("IP:127.0.0.2", None, False),
            (f"DNS:{HOST}", None, False)]
    contexts = [anew(pki.leaf(pki.root, names=row[0])) for row in rows]
    with between(in_turn(contexts)) as (_, proxy):
        for names_, name, good in rows:
            if good:
                passes(proxy, name or HOST)
            else:
                equal(alert_of(proxy, client_hello(name or HOST)[0]), 42,
                      f"{name} by {names_}")


@test
def issuers_are_not_remembered():
    """An issuer that one server has sent is not there for the next"""
    whole = pki.leaf(pki.middle, chain=[pki.middle])
    bare = pki.leaf(pki.middle)
    # A certificate of the root's by somebody unknown is of no matter.
    cross = pki.cross("root", pki.other)
    both = pki.leaf(pki.middle, chain=[pki.middle, cross])
    contexts = [context_of_server(leaf) for leaf in (whole, bare, both, bare)]
    with between(in_turn(contexts)) as (_, proxy):
        for want in (None, 48, None, 48):
            if want:
                equal(alert_of(proxy), want)
            else:
                passes(proxy, "127.0.0.1")


@test
def tampering():
    """A signature that is wrong is nobody's"""
    leaf = pki.leaf(pki.root)
    path = pki.bits(leaf)[0]
    der = bytearray(ssl.PEM_cert_to_DER_cert(open(path).read()))
    der[-1] ^= 1
    with open(path, "w") as f:
        f.write(ssl.DER_cert_to_PEM_cert(bytes(der)))
    with between(echo(leaf)) as (_, proxy):
        equal(alert_of(proxy), 42)


@test
def known_signatures():
    """A signature is verified once; all else of a certificate each time"""
    # It must not expire before it is to.
    check(any(known_until_it_expires(seconds) for seconds in (3, 9, 27)),
          "there was never enough time")


def known_until_it_expires(seconds):
    """False if it has expired too soon"""
    end = int(time.time()) + seconds
    leaf = pki.leaf(pki.middle, chain=[pki.middle],
                    dates=(-3600, end - time.time()))
    cert, key = pki.bits(leaf)
    ders = [ssl.PEM_cert_to_DER_cert(part.strip() + "\n" + ssl.PEM_FOOTER)
            for part in open(cert).read().split(ssl.PEM_FOOTER)[:2]]

    def server(n, at):
        """With an octet changed, of one of the certificates"""
        changed = [bytearray(der) for der in ders]
        if at is not None:
            changed[n][at] ^= 1
        path = pki.path("changed.pem")
        with open(path, "w") as f:
            f.write("".join(map(ssl.DER_cert_to_PEM_cert, map(bytes, changed))))
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        c.num_tickets = 0
        c.options |= ssl.OP_NO_TICKET
        c.load_cert_chain(path, key)
        return c
    serial = [der.index(b"\x02\x01\x02\x02") + 6 for der in ders]
    good = server(0, None)
    turn = [good, server(0, -1), server(0, serial[0]), server(1, -1),
            server(1, serial[1]), good, good]
    with between(in_turn(turn)) as (_, proxy):
        for want in (None, 42, 42, 42, 42, None, 45):
            if want == 45:
                time.sleep(max(0, end - time.time()) + 1.1)
            elif time.time() > end - 1:
                return False
            if want:
                equal(alert_of(proxy), want)
            else:
                passes(proxy)
    return True


@test
def alerts_by_the_server():
    """What the server says, the guest is told before any ServerHello"""
    rows = ((40, 40), (70, 70), (71, 71), (80, 80), (86, 86), (112, 112),
            (120, 120), (0, 40), (90, 40), (200, 40))
    turn = iter(rows)

    def say(s):
        s.recv(4096)
        s.sendall(bytes([21, 3, 3, 0, 2, 2, next(turn)[0]]))
        s.shutdown(socket.SHUT_WR)
        while s.recv(4096):
            pass
    with between(say) as (_, proxy):
        for code, want in rows:
            equal(alert_of(proxy), want, f"alert {code}")


@test
def no_handshake():
    """A server that ends, is reset, or speaks no TLS, old TLS or old ciphers"""
    def reset(s):
        s.recv(4096)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def end(s):
        s.recv(4096)

    def plain(s):
        s.recv(4096)
        s.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        s.recv(4096)
    for handle in (reset, end, plain):
        with between(handle) as (_, proxy):
            equal(alert_of(proxy), 40, handle.__name__)
    with between(echo(versions=V11)) as (_, proxy):
        equal(alert_of(proxy), 70)
    rsa = pki.leaf(pki.root, kind="rsa")
    for suite in ("AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA"):
        with between(echo(rsa, versions=V12, ciphers=suite)) as (_, proxy):
            equal(alert_of(proxy), 40, suite)


@test
def old_guests():
    """A guest without TLS 1.2, or without our ciphers"""
    with between(echo()) as (_, proxy):
        c = ssl._create_unverified_context()
        c.set_ciphers("ALL:@SECLEVEL=0")
        c.minimum_version, c.maximum_version = V11
        equal(alert_of(proxy, client_hello(context=c)[0]), 70)
        c = ssl._create_unverified_context()
        c.minimum_version, c.maximum_version = V12
        c.set_ciphers("AES128-SHA:@SECLEVEL=0")
        try:
            connect(proxy, context=c)
            raise AssertionError("it has a cipher")
        except ssl.SSLError as e:
            check("HANDSHAKE_FAILURE" in str(e), str(e))


@test
def odd_guests():
    """No group in common; a share that wolfSSL does not take: an alert"""
    with between(echo()) as (_, proxy):
        hello = bytearray(client_hello()[0])
        at = hello.index(b"\0\x0a", 80)  # supported_groups
        n = struct.unpack(">H", hello[at + 4:at + 6])[0]
        none = bytearray(hello)
        none[at + 6:at + 6 + n] = b"\x01\x00" * (n // 2)
        equal(alert_of(proxy, none), 40)
        at = hello.index(b"\0\x1d\0\x20")  # X25519's share
        hello[at + 4 + 31] |= 0x80
        equal(alert_of(proxy, hello), 40)


@test
def signer():
    """Leaves that are not signed: an alert, and no handshake"""
    for way in ("refuse", "dead"):
        with between(echo(), "--signer", way) as (_, proxy):
            equal(alert_of(proxy), 80, way)


# ---- The guest that goes away --------------------------------------------

@test
def guests_that_leave():
    """At every stage of the handshake: nothing is left behind"""
    with between(echo()) as (server, proxy):
        for stage in ("hello", "server hello", "finished"):
            for reset in (False, True):
                hello, t, inward, outward = client_hello()
                s = dial(proxy)
                s.sendall(hello)
                if stage != "hello":
                    inward.write(s.recv(65536))
                if stage == "finished":
                    with contextlib.suppress(ssl.SSLWantReadError):
                        t.do_handshake()
                    s.sendall(outward.read())
                if reset:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                 struct.pack("ii", 1, 0))
                s.close()
        check(proxy.is_idle(), "connections left")


@test
def guests_that_distrust():
    """A guest that does not know the CA sends an alert, and is gone"""
    for v in (V12, V13):
        with between(echo()) as (_, proxy):
            c = ssl.create_default_context()
            c.minimum_version, c.maximum_version = v
            try:
                connect(proxy, context=c)
                raise AssertionError("it was trusted")
            except ssl.SSLCertVerificationError:
                pass
            equal(proxy.line(), "failed shut alert by the guest")


@test
def split_hellos():
    """Records and segments of any size, on both sides"""
    with between(echo()) as (_, proxy):
        for size in (1, 2, 3, 5, 7, 64, 200):
            c = context_of_client(proxy)
            hello, t, inward, outward = client_hello(context=c)
            body = hello[5:]
            s = dial(proxy)
            for k in range(0, len(body), size):
                part = body[k:k + size]
                s.sendall(b"\x16\x03\x01" + struct.pack(">H", len(part)) + part)
            while True:
                with contextlib.suppress(ssl.SSLWantReadError):
                    t.do_handshake()
                    break
                inward.write(s.recv(size))
            for b in outward.read():
                s.sendall(bytes([b]))
            t.write(b"hello")
            for b in outward.read():
                s.sendall(bytes([b]))
            got = b""
            while got != b"hello":
                with contextlib.suppress(ssl.SSLWantReadError):
                    got += t.read(100)
                    continue
                inward.write(s.recv(1))
            s.close()
            check(re.match("(done|failed) open", proxy.line()), "no end")


# ---- What goes between ---------------------------------------------------

@test
def streams():
    """1 MB both ways at once, in random pieces, readers who dawdle"""
    rng = random.Random(3)
    for up, down in ((V13, V13), (V12, V13), (V13, V12), (V12, V12)):
        for extra in WHO_COMPUTES:
            sent = rng.randbytes(1 << 20)
            with between(echo(versions=up), *extra) as (_, proxy):
                with connect(proxy, versions=down) as t:
                    t.setblocking(False)
                    at, got = 0, bytearray()
                    until = time.monotonic() + TIMEOUT
                    while len(got) < len(sent) and time.monotonic() < until:
                        with contextlib.suppress(ssl.SSLWantReadError,
                                                 ssl.SSLWantWriteError):
                            if at < len(sent):
                                n = rng.choice((1, 100, 5000, 16384, 70000))
                                at += t.send(sent[at:at + n])
                        with contextlib.suppress(ssl.SSLWantReadError):
                            if rng.random() < 0.5 or at == len(sent):
                                got += t.recv(rng.choice((1, 900, 16384, 65536)))
                        if at == len(sent):
                            select.select([t], [], [], 0.001)
                    check(bytes(got) == sent, f"{len(got)} octets came back")
                    t.setblocking(True)
                    t.settimeout(TIMEOUT)
                    t.unwrap()
                equal(proxy.line(), "done open -")


@test
def back_pressure():
    """A client that does not read stops the server, and memory stays put"""
    state = {"sent": 0}
    c = context_of_server(pki.good)

    def flood(s):
        t = c.wrap_socket(s, server_side=True)
        block = bytes(16384)
        with contextlib.suppress(OSError):
            while state["sent"] < (64 << 20):
                t.sendall(block)
                state["sent"] += len(block)
    with between(flood) as (_, proxy):
        with connect(proxy) as t:
            t.recv(1)
            before = int(proxy.stat()["heap"])
            last = steady(lambda: state["sent"])
            check(last < (64 << 20), "nothing stopped it")
            check(int(proxy.stat()["heap"]) - before < 100000, "it was kept")
            got = 1
            while got < last - 65536:
                got += len(t.recv(65536))


@test
def at_once():
    """Small records go through as they come: the server waits for each"""
    c = context_of_server(pki.good)

    def ping(s):
        t = c.wrap_socket(s, server_side=True)
        for k in range(200):
            t.sendall(b"event %d\n" % k)
            equal(t.recv(100), b"ack %d\n" % k)
        return "all"
    with between(ping) as (server, proxy):
        with connect(proxy) as t:
            start = time.monotonic()
            for k in range(200):
                equal(t.recv(100), b"event %d\n" % k)
                t.sendall(b"ack %d\n" % k)
            equal(server.result(), "all")
            # With a delayed acknowledgement each way it is sixteen seconds.
            check(time.monotonic() - start < 12, "it took too long")


@test
def half_close():
    """close_notify ends one way; the other goes on, and ends likewise"""
    c = context_of_server(pki.good)

    def late(s):
        t = c.wrap_socket(s, server_side=True, suppress_ragged_eofs=False)
        got = b""
        while data := t.recv(100):
            got += data
        time.sleep(0.2)
        t.sendall(b"after " + got)
        t.unwrap()
        return got
    for v in (V12, V13):
        with between(late) as (server, proxy):
            hello, t, inward, outward = client_hello(
                context=context_of_client(proxy, versions=v))
            s = dial(proxy)
            s.sendall(hello)
            while True:
                with contextlib.suppress(ssl.SSLWantReadError):
                    t.do_handshake()
                    break
                s.sendall(outward.read())
                inward.write(s.recv(65536))
            t.write(b"question")
            with contextlib.suppress(ssl.SSLWantReadError):
                t.unwrap()
            s.sendall(outward.read())
            got = b""
            ended = False
            while not ended:
                data = s.recv(65536)
                check(data, f"{got} and the end without close_notify")
                inward.write(data)
                with contextlib.suppress(ssl.SSLWantReadError):
                    while True:
                        try:
                            got += t.read(100)
                        except (ssl.SSLZeroReturnError, ssl.SSLSyscallError):
                            ended = True
                            break
                        if not got.endswith(b"question"):
                            continue
                        ended = "notified" if False else ended
                        if t.pending() == 0:
                            with contextlib.suppress(ssl.SSLWantReadError):
                                t.unwrap()
                                ended = True
                                break
                            break
            equal(got, b"after question")
            equal(s.recv(100), b"", "TCP's end")
            equal(server.result(), b"question")
            equal(proxy.line(), "done open -")
            s.close()


@test
def truncation():
    """TCP's end without close_notify stays visible, on either side"""
    c = context_of_server(pki.good)

    def cut(s):
        t = c.wrap_socket(s, server_side=True)
        t.sendall(b"half of it")
        s2 = socket.socket(fileno=os.dup(t.fileno()))
        t.detach()
        s2.shutdown(socket.SHUT_WR)
        while s2.recv(4096):
            pass
    for v in (V12, V13):
        with between(cut) as (_, proxy):
            with connect(proxy, versions=v) as t:
                equal(t.recv(100), b"half of it")
                try:
                    equal(t.recv(100), None, "an end that looks in order")
                except ssl.SSLError as e:
                    check("EOF" in str(e), str(e))
    with between(echo()) as (server, proxy):
        t = connect(proxy)
        t.sendall(b"x")
        t.recv(1)
        raw = socket.socket(fileno=t.detach())
        raw.close()
        check("EOF" in str(server.result()), repr(server.result()))


def unsent(sock):
    """Octets that the other end has not acknowledged"""
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]


@test
def rude_ends():
    """A server that answers, and resets: its answer comes first"""
    c = context_of_server(pki.good)
    answer = os.urandom(300000)

    def rude(s):
        t = c.wrap_socket(s, server_side=True)
        t.recv(1)
        t.sendall(answer)
        # unread octets make a reset of a close, which takes what is not sent
        select.select([t], [], [], TIMEOUT)
        wait_until(lambda: not unsent(t))
        socket.socket(fileno=t.detach()).close()
    for late in (0, 0.3):
        with between(rude) as (_, proxy):
            t = connect(proxy)
            t.sendall(b"x")
            got = t.recv(1)
            t.sendall(b"unread")
            time.sleep(late)
            with contextlib.suppress(ssl.SSLError, ConnectionResetError):
                while data := t.recv(65536):
                    got += data
            check(got == answer, f"{len(got)} octets of {len(answer)}")
            t.close()


@test
def resets():
    """A reset of one side is a reset of the other"""
    c = context_of_server(pki.good)

    def reset(s):
        t = c.wrap_socket(s, server_side=True)
        t.recv(1)
        t.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        t.close()
    with between(reset) as (_, proxy):
        t = connect(proxy)
        t.sendall(b"x")
        raw = socket.socket(fileno=t.detach())
        raw.settimeout(TIMEOUT)
        try:
            while raw.recv(4096):
                pass
            raise AssertionError("no reset")
        except ConnectionResetError:
            raw.close()
        equal(proxy.line(), "failed open connection reset")
    def watch(s):
        t = c.wrap_socket(s, server_side=True)
        t.sendall(t.recv(1))
        raw = socket.socket(fileno=t.detach())
        raw.settimeout(TIMEOUT)
        while raw.recv(4096):
            pass
    with between(watch) as (server, proxy):
        t = connect(proxy)
        t.sendall(b"x")
        t.recv(1)
        t.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        socket.socket(fileno=t.detach()).close()
        check(isinstance(server.result(), ConnectionResetError),
              repr(server.result()))
        equal(proxy.line(), "failed open connection reset")


@test
def broken_records():
    """What is no record, or was changed: an alert to both, and the end"""
    rows = (b"\x17\x03\x03\x00\x05hello", b"\x17\x03\x03\x00\x10" + bytes(16),
            b"\x17\x03\x03\x40\x00" + bytes(16384), b"\x17\x03\x03\xff\xff",
            b"\x16\x03\x03\x00\x20" + bytes(32), b"\x63\x03\x03\x00\x05hello",
            b"\x17\x03\x03\x00\x00", b"\x15\x03\x03\x00\x02\x02\x28")
    for v in (V12, V13):
        with between(echo(versions=v)) as (server, proxy):
            for n, spoil in enumerate(rows):
                t = connect(proxy, versions=v)
                t.sendall(b"x")
                equal(t.recv(1), b"x")
                raw = socket.socket(fileno=t.detach())
                raw.settimeout(TIMEOUT)
                raw.sendall(spoil)
                with contextlib.suppress(ConnectionResetError):
                    while raw.recv(4096):
                        pass
                raw.close()
                line = proxy.line()
                check(re.match("done open (TLS broken|alert by)", line), line)
                result = server.result(n)
                check(isinstance(result, ssl.SSLError) and
                      "ALERT" in str(result), repr(result))


@test
def spoiled_flights():
    """An octet of a handshake changed, on either side: an end, and no crash"""
    rng = random.Random(11)
    whole = pki.leaf(pki.middle, chain=[pki.middle])
    peers = [Server(echo(whole, versions=v)) for v in (V12, V13)]
    turn = {}

    def relay(s):
        """To a server; the octet is one of what the server says."""
        with socket.create_connection((HOST, turn["port"]), TIMEOUT) as up:
            at = 0
            while True:
                ready = select.select([s, up], [], [], 1)[0]
                if not ready:
                    return
                for a in ready:
                    data = bytearray(a.recv(65536))
                    if not data:
                        return
                    if a is up:
                        k = turn["at"] - at
                        if 0 <= k < len(data):
                            data[k] ^= turn["bits"]
                        at += len(data)
                    (s if a is up else up).sendall(data)
    with between(relay) as (_, proxy):
        c = context_of_client(proxy)
        for k in range(120):
            turn.update(port=peers[k % 2].port, at=rng.randrange(1800),
                        bits=rng.choice((1, 0x80, 0xff, 0x10)))
            hello, t, inward, outward = client_hello(HOST, c)
            with dial(proxy) as s:
                s.settimeout(1)  # a changed length may wait for ever
                if k % 4 >= 2:  # the guest's second flight, instead
                    turn["at"] = 1 << 30
                s.sendall(hello)
                with contextlib.suppress(OSError, ssl.SSLError):
                    inward.write(s.recv(65536))
                    with contextlib.suppress(ssl.SSLWantReadError):
                        t.do_handshake()
                    data = bytearray(outward.read())
                    if data and k % 4 >= 2:
                        data[rng.randrange(len(data))] ^= turn["bits"]
                    s.sendall(data)
                    s.shutdown(socket.SHUT_WR)
                    while s.recv(65536):
                        pass
        check(proxy.is_idle(), "connections left")
    for peer in peers:
        peer.close()


@test
def alerts_when_open():
    """A fatal alert by one side is the same alert at the other"""
    for v, suite in ((V12, "ECDHE-ECDSA-AES128-GCM-SHA256"),
                     (V12, "ECDHE-ECDSA-AES256-GCM-SHA384"),
                     (V12, "ECDHE-ECDSA-CHACHA20-POLY1305"), (V13, None)):
        def spoiled(s):
            """Its client's records are spoiled on the way: it says so."""
            t = context_of_server(pki.good, versions=v).wrap_socket(
                s, server_side=True)
            t.sendall(b"x")
            # a record that the peer cannot open: it answers bad_record_mac
            raw = socket.socket(fileno=os.dup(t.fileno()))
            raw.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))
            t.recv(100)
        with between(spoiled) as (server, proxy):
            with connect(proxy, versions=v, ciphers=suite) as t:
                equal(t.recv(1), b"x")
                try:
                    equal(t.recv(100), None, "no alert")
                except ssl.SSLError as e:
                    check("ALERT_INTERNAL_ERROR" in str(e).upper(), str(e))
            check("ALERT_BAD_RECORD_MAC" in str(server.result()).upper(),
                  repr(server.result()))


@test
def key_update():
    """TLS 1.3's keys change on the way, by either side, with an answer"""
    check(shutil.which("openssl"), "openssl is not installed")
    with between(echo(versions=V13)) as (_, proxy):
        p = Program("openssl", "s_client", "-connect", f"{HOST}:{proxy.port}",
                    "-servername", NAME, "-CAfile", proxy.ca, "-tls1_3")
        p.until(b"Verify return code")
        for word in (b"one", b"two", b"three"):
            p.say(word + b"\n")
            p.until(b"\n" + word)
            # A letter alone is a command, of which it says that it is done.
            if word != b"three":
                p.say(b"K\n" if word == b"one" else b"k\n")
                p.until(b"KEYUPDATE")
        p.end(b"Q\n")


class Program:
    """A program that is spoken to when it has said something"""

    def __init__(self, *command):
        self.p = subprocess.Popen(command, stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, bufsize=0)
        self.said = b""

    def say(self, text):
        self.p.stdin.write(text)

    def until(self, *words):
        """Read until one of these is there, or the end; what is behind it is
        read next"""
        while not (found := [w for w in words if w in self.said]):
            check(select.select([self.p.stdout], [], [], TIMEOUT)[0],
                  f"{words}: {self.said[-300:]}")
            data = os.read(self.p.stdout.fileno(), 65536)
            if not data:
                return None
            self.said += data
        self.said = self.said[self.said.index(found[0]) + len(found[0]):]
        return found[0]

    def end(self, text=b""):
        self.p.communicate(text, timeout=TIMEOUT)


@test
def renegotiation():
    """A guest that asks for another handshake in TLS 1.2 does not get one"""
    with between(echo(versions=V12)) as (_, proxy):
        p = Program("openssl", "s_client", "-connect", f"{HOST}:{proxy.port}",
                    "-servername", NAME, "-CAfile", proxy.ca, "-tls1_2",
                    "-legacy_renegotiation")
        p.until(b"Verify return code")
        p.say(b"R\n")
        p.until(b"RENEGOTIATING")
        with contextlib.suppress(BrokenPipeError):
            p.say(b"echoed\n")
        # It ends, or goes on with what it has.
        word = p.until(b"no renegotiation", b"\nechoed")
        check(word != b"\nechoed", "there was another handshake")
        p.end()


# ---- What is kept --------------------------------------------------------

@test
def resumption():
    """A server's session is used again, for the same name and protocols"""
    for v in (V12, V13):
        c = context_of_server(pki.leaf(
            pki.root, names=f"DNS:{NAME},DNS:other.example.com"), versions=v)

        def handle(s):
            t = c.wrap_socket(s, server_side=True)
            t.sendall(b"x")
            t.recv(1)
            return t.session_reused
        with between(handle) as (server, proxy):
            for k, (name, alpn) in enumerate((
                    (NAME, None), (NAME, None), ("other.example.com", None),
                    (NAME, ["h2"]), (NAME, None))):
                with connect(proxy, name, alpn=alpn) as t:
                    equal(t.recv(1), b"x")
                    t.sendall(b"y")
                    server.result(k)
            equal(server.results, [False, True, False, False, True], str(v[0]))
            equal(proxy.stat()["sessions"], "3")


@test
def leaves_are_kept():
    """A name is signed once"""
    leaf = pki.leaf(pki.root, names="DNS:*.n.example.com")
    with between(echo(leaf)) as (_, proxy):
        c = context_of_client(proxy)
        serials = set()
        for k in range(40):
            with connect(proxy, f"h{k % 20}.n.example.com", c) as t:
                serials.add(t.getpeercert()["serialNumber"])
        equal(len(serials), 20, "leaves signed")
        equal(proxy.stat()["leaves"], "20", "leaves kept")


@test
def memory():
    """What an open connection takes, and that all of it comes back"""
    with between(echo()) as (_, proxy):
        c = context_of_client(proxy)

        def open_some(n):
            all_ = []
            for _ in range(n):
                t = connect(proxy, context=c)
                t.sendall(b"x")
                t.recv(1)
                all_.append(t)
            return all_
        for t in open_some(30):
            t.close()
        check(proxy.is_idle(), "connections left")
        before = proxy.stat()
        some = open_some(100)
        during = proxy.stat()
        per = (int(during["resident"]) - int(before["resident"])) / 100
        heap = (int(during["heap"]) - int(before["heap"])) / 100
        print(f"      {heap / 1024:.1f} KB heap, {per / 1024:.1f} KB resident "
              "for a connection (with the proxy's own 17 KB)")
        if not sanitized:
            check(heap < 24 * 1024, f"{heap} octets of heap")
            check(per < 40 * 1024, f"{per} octets resident")
        for t in some:
            t.close()
        check(proxy.is_idle(), "connections left")


@test
def slow_guests():
    """What waits for guests that do not read is little, and all of it comes"""
    size, count, piece = 24 << 20, 4, bytes(range(251)) * 1045
    c = context_of_server(pki.good)

    def handle(s):
        t = c.wrap_socket(s, server_side=True)
        t.settimeout(TIMEOUT)
        for at in range(0, size, len(piece)):
            t.sendall(piece[:size - at])
        t.recv(1)
    with between(handle) as (_, proxy):
        context = context_of_client(proxy)
        connect(proxy, context=context).close()
        before = int(proxy.stat()["heap"])
        all_ = [connect(proxy, context=context) for _ in range(count)]
        # Until the kernel has taken what it takes, and the proxy the rest.
        seen = steady(lambda: int(proxy.stat()["heap"]))
        per = (seen - before) / count
        print(f"      {per / 1024:.1f} KB heap (with the proxy's own 17 KB)")
        check(per < 128 * 1024, f"{per} octets wait for a guest")
        twice = piece * 2
        for t in all_:
            got = 0
            while got < size:
                data = t.recv(len(piece))
                check(data, "it ended")
                start = got % len(piece)
                equal(data, twice[start:start + len(data)], f"at {got}")
                got += len(data)
            t.close()


# ---- Tests are run -------------------------------------------------------

def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--proxy", required=True)
    p.add_argument("--only", default="")
    return p


def run(tests, args, prepare=None):
    """Those that are asked for, with certificates; what is the exit status"""
    global pki, tool, sanitized
    tool = args.proxy
    with open(tool, "rb") as f:
        sanitized = b"__asan_init" in f.read()
    passed = failed = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as where:
        pki = Pki(where)
        if prepare:
            prepare()
        for f in tests:
            if not re.search(args.only, f.__name__):
                continue
            start = time.monotonic()
            try:
                f()
                passed += 1
                print(f"ok    {f.__name__} ({time.monotonic() - start:.1f} s)",
                      flush=True)
            except Exception as e:
                failed += 1
                print(f"FAIL  {f.__name__}: {type(e).__name__}: {e}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(run(tests, arguments().parse_args()))
