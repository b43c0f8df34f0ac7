# SPDX-License-Identifier: GPL-2.0-or-later
"""clients.py - Clients in the guest, and what each makes of a connection.

What a client came to is a word:

    own         TLS with the server's own certificate, verified, and an answer
    ours        likewise, with one that the guest's CA has issued
    ok          an answer, without TLS
    silent      the connection is never there
    refused     it is refused
    reset       it was there, and is reset
    closed      it was there, and ends without a word
    alert NAME  it ends with this TLS alert
    untrusted   the client does not believe the certificate
    stall       nothing happens for too long
"""
import hashlib
import json
import re
import socket
import ssl
import struct
import subprocess
import time
import warnings

from machine import wait_for
from peers import family

from . import hello

warnings.filterwarnings("ignore", category=DeprecationWarning)

# SSL_OP_IGNORE_UNEXPECTED_EOF, which Python sets without being asked.
IGNORE_UNEXPECTED_EOF = 1 << 7
# Who is to be left without a connection waits so long, others as long as it takes
# on a machine that is busy.
SYN, PATIENCE = 0.5, 20.0
LIMIT = 20.0
PATTERNS = (
    # Alerts, as OpenSSL, GnuTLS, NSS and Java name them.
    ("unknown_ca", r"unknown[ _]ca\b|CA is unknown|unknown_ca"),
    ("certificate_expired", r"certificate[ _](has )?expired"),
    ("certificate_revoked", r"certificate[ _](was )?revoked"),
    ("bad_certificate", r"bad[ _]certificate|Certificate is bad"),
    ("unsupported_certificate", r"unsupported[ _]certificate"),
    ("certificate_unknown", r"certificate[ _]unknown|Certificate is unknown|"
     r"Unknown certificate"),
    ("protocol_version", r"protocol[ _]version|Error in protocol version"),
    ("no_application_protocol", r"no[ _]application[ _]protocol|"
     r"No supported application protocol"),
    ("handshake_failure", r"handshake[ _]failure|Handshake failed"),
    ("unrecognized_name", r"unrecognized[ _]name|server name sent was not"),
    ("insufficient_security", r"insufficient[ _]security"),
    ("internal_error", r"internal[ _]error"),
    ("decode_error", r"decode[ _]error"),
    ("illegal_parameter", r"illegal[ _]parameter"),
    ("access_denied", r"access[ _]denied"),
    ("unexpected_message", r"unexpected[ _]message"),
    ("record_overflow", r"record[ _]overflow"),
)
# By number, RFC 8446 section 6; 0 is the end.
ALERTS = {10: "unexpected_message", 22: "record_overflow",
          40: "handshake_failure", 42: "bad_certificate",
          43: "unsupported_certificate", 44: "certificate_revoked",
          45: "certificate_expired", 46: "certificate_unknown",
          47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied",
          50: "decode_error",
          70: "protocol_version", 71: "insufficient_security",
          80: "internal_error", 112: "unrecognized_name",
          120: "no_application_protocol"}


def alert_in(text):
    for name, pattern in PATTERNS:
        if re.search(pattern, text, re.I):
            return "alert " + name
    return None


class Outcome:
    """A word, and what else is known."""

    def __init__(self, word, **details):
        self.word, self.details = word, details
        self.seconds = 0.0

    def __repr__(self):
        return "%s (%.1f s) %s" % (self.word, self.seconds, {
            k: v for k, v in self.details.items()
            if k not in ("certificate", "der")})


class Trust:
    """What clients in the guest believe, and who issued a certificate."""

    def __init__(self, bundle, own=("Test Root", "Test Intermediate")):
        self.bundle, self.own = bundle, own

    def word(self, issuer):
        return "own" if issuer in self.own else "ours"


def connect(guest, target, port, limit=LIMIT, syn=PATIENCE):
    """A connected socket of the guest, or an Outcome."""
    made = guest.socket(family(target), socket.SOCK_STREAM)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    made.settimeout(syn)
    try:
        made.connect((target, port))
    except OSError as error:
        made.close()
        if isinstance(error, ConnectionRefusedError):
            return Outcome("refused")
        if isinstance(error, ConnectionResetError):
            return Outcome("reset")
        return Outcome("silent" if isinstance(error, TimeoutError)
                       else "unreachable", error=error)
    made.settimeout(limit)
    return made


def failure(error):
    """The word for what a socket or TLS raised."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Outcome("untrusted", error=error.verify_message)
    if isinstance(error, (TimeoutError, socket.timeout)):
        return Outcome("stall")
    if isinstance(error, (ConnectionResetError, BrokenPipeError)):
        return Outcome("reset")
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return Outcome("closed")
    text = str(getattr(error, "reason", None) or error).replace("_", " ")
    if "EOF" in text:
        return Outcome("closed")
    return Outcome((alert_in(text) if "ALERT" in text.upper() else None) or "error",
                   error=error)


def issuer_of(certificate):
    for part in certificate.get("issuer", ()):
        for key, value in part:
            if key == "commonName":
                return value
    return ""


def context(trust, low=None, high=None, alpn=("http/1.1",), strict=False,
            verify=True):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    versions = {1: ssl.TLSVersion.TLSv1_1, 2: ssl.TLSVersion.TLSv1_2,
                3: ssl.TLSVersion.TLSv1_3}
    if low == 1:
        made.set_ciphers("DEFAULT:@SECLEVEL=0")
    if low:
        made.minimum_version = versions[low]
    if high:
        made.maximum_version = versions[high]
    if alpn:
        made.set_alpn_protocols(list(alpn))
    made.load_verify_locations(trust.bundle)
    # An end without close_notify is told from one with it.
    made.options &= ~IGNORE_UNEXPECTED_EOF
    if strict:
        made.verify_flags |= ssl.VERIFY_X509_STRICT | \
            ssl.VERIFY_X509_PARTIAL_CHAIN
    if not verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    return made


def read_answer(sock):
    """The body of an answer of HTTP/1.1."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = sock.recv(65536)
        if not more:
            raise ssl.SSLEOFError("EOF")
        data += more
    head, _, data = data.partition(b"\r\n\r\n")
    size = int(re.search(rb"content-length: *(\d+)", head, re.I).group(1))
    while len(data) < size:
        more = sock.recv(1 << 18)
        if not more:
            raise ssl.SSLEOFError("EOF")
        data += more
    return data


def ask2(sock, body=None):
    """One question over HTTP/2; the data that comes back."""
    from .world import Stream, frame2
    fields = b"\x83" if body else b"\x82"
    fields += b"\x87\x84\x41\x0fapi.example.com"
    sock.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame2(4, 0, 0, b"") +
                 frame2(1, 4 if body else 5, 1, fields))
    stream, got = Stream(sock), b""
    for part in body or ():
        sock.sendall(frame2(0, 0, 1, part))
        # Each comes back before the next is said.
        while not got.endswith(part):
            size, kind, _, _ = stream.frame2()
            data = stream.exactly(size)
            got += data if kind == 0 else b""
    if body:
        sock.sendall(frame2(0, 1, 1, b""))
    while True:
        size, kind, flags, number = stream.frame2()
        data = stream.exactly(size)
        if kind == 0:
            got += data
        if number == 1 and flags & 1 and kind in (0, 1):
            return got
        if kind in (3, 7):
            raise ValueError("HTTP/2: frame %d, %r" % (kind, data))


def python(guest, trust, target, port, name, path="/", limit=LIMIT,
           syn=PATIENCE, **options):
    """Python's ssl; verified against the name, or the address without one."""
    sock = connect(guest, target, port, limit, syn)
    if isinstance(sock, Outcome):
        return sock
    try:
        made = context(trust, **options)
        if name is None:
            # The address is checked like a name, and not sent.
            name = target
        with sock, made.wrap_socket(sock, server_hostname=name) as tls:
            word = trust.word(issuer_of(tls.getpeercert())) \
                if options.get("verify", True) else "unverified"
            alpn = tls.selected_alpn_protocol()
            if alpn == "h2":
                body = ask2(tls)
            else:
                tls.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\n\r\n" % (
                    path, name)).encode())
                body = read_answer(tls)
            return Outcome(word, alpn=alpn, version=tls.version(),
                           cipher=tls.cipher()[0],
                           certificate=tls.getpeercert(),
                           der=tls.getpeercert(True),
                           answer=json.loads(body)
                           if path in ("/", "/slow") else body)
    except (OSError, ValueError, EOFError) as error:
        return failure(error)


def with_ssl(**options):
    def client(guest, trust, target, port, name, syn):
        return python(guest, trust, target, port, name, syn=syn, **options)
    return client


def bio(shape, **options):
    """Python's ssl, with the first flight put on the wire as shape() says: a
    list of what is written at once."""
    def client(guest, trust, target, port, name, syn=PATIENCE):
        sock = connect(guest, target, port, syn=syn)
        if isinstance(sock, Outcome):
            return sock
        try:
            with sock:
                return _bio(sock, trust, name or target, shape, options)
        except (OSError, ValueError, EOFError) as error:
            return failure(error)
    return client


class Bio:
    """TLS over a socket, with what is sent in our hands."""

    def __init__(self, sock, made, name):
        self.sock = sock
        self.inward, self.outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = made.wrap_bio(self.inward, self.outward,
                                 server_hostname=name)

    def first(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outward.read()

    def flush(self):
        data = self.outward.read()
        if data:
            self.sock.sendall(data)

    def until(self, what):
        while True:
            try:
                return what()
            except ssl.SSLWantReadError:
                self.flush()
                data = self.sock.recv(65536)
                if data:
                    self.inward.write(data)
                else:
                    self.inward.write_eof()
            except ssl.SSLError:
                # An alert of ours is to be said.
                self.flush()
                raise

    def recv(self, count):
        try:
            return self.until(lambda: self.tls.read(count))
        except ssl.SSLZeroReturnError:
            return b""

    def sendall(self, data):
        self.until(lambda: self.tls.write(data))
        self.flush()


def send_parts(sock, parts, pause=0.0):
    for n, part in enumerate(parts):
        if n and (pause or n % 64 == 1):
            time.sleep(pause or 0.001)
        sock.sendall(part)


def _bio(sock, trust, name, shape, options):
    made = Bio(sock, context(trust, **options), name)
    send_parts(sock, shape(made.first()))
    made.until(made.tls.do_handshake)
    made.flush()
    made.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    body = read_answer(made)
    return Outcome(trust.word(issuer_of(made.tls.getpeercert())),
                   alpn=made.tls.selected_alpn_protocol(),
                   version=made.tls.version(), answer=json.loads(body))


# Shapes of a first flight.

def bytes_alone(flight):
    return [flight[i:i + 1] for i in range(len(flight))]


def records_of(*sizes):
    def shape(flight):
        return [hello.records(hello.unwrap(flight), sizes)]
    return shape


def records_and_bytes(flight):
    return bytes_alone(hello.records(hello.unwrap(flight), (1,)))


def split_at(position):
    def shape(flight):
        return [flight[:position], flight[position:]]
    return shape


def behind(record):
    """What servers step over, and read a ClientHello behind it: OpenSSL an empty
    change_cipher_spec, GnuTLS any, Go alerts that warn."""
    return lambda flight: [bytes.fromhex(record) + flight]


# What is no TLS.

def plain(guest, _trust, target, port, _name, syn):
    """HTTP without TLS."""
    sock = connect(guest, target, port, syn=syn)
    if isinstance(sock, Outcome):
        return sock
    try:
        with sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            return Outcome("ok", answer=json.loads(read_answer(sock)))
    except (OSError, ValueError) as error:
        return failure(error)


def banner(guest, _trust, target, port, _name, syn):
    """Waits for what the server says first, and talks to it."""
    sock = connect(guest, target, port, syn=syn)
    if isinstance(sock, Outcome):
        return sock
    try:
        with sock:
            start = time.monotonic()
            said = sock.recv(4096)
            waited = time.monotonic() - start
            if not said:
                return Outcome("closed")
            sock.sendall(b"SSH-2.0-Client\r\n")
            back = sock.recv(4096)
            good = said[:4] in (b"SSH-", b"220 ") and \
                back == b"got SSH-2.0-Client\r\n"
            return Outcome("ok" if good else "error", waited=waited,
                           said=said, back=back)
    except OSError as error:
        return failure(error)


def mute(guest, _trust, target, port, _name, syn):
    """Says nothing, and waits."""
    sock = connect(guest, target, port, syn=syn)
    if isinstance(sock, Outcome):
        return sock
    try:
        with sock:
            return Outcome("ok" if sock.recv(1) else "closed")
    except OSError as error:
        return failure(error)


def sends(make, half_close=True):
    """Sends what make(name) gives, to a server that tells what it has read, and
    what else comes back."""
    def client(guest, _trust, target, port, name, syn):
        sock = connect(guest, target, port, syn=syn)
        if isinstance(sock, Outcome):
            return sock
        return talk(sock, make(name), half_close)
    return client


def talk(sock, data, half_close=True, pause=0.0):
    """Writes, and reads to the end; alerts and record servers are known."""
    parts = data if isinstance(data, list) else [data]
    sent = b"".join(parts)
    told = b"%d %s\n" % (len(sent), hashlib.sha256(sent).hexdigest().encode())
    got = b""
    try:
        with sock:
            try:
                send_parts(sock, parts, pause)
                if half_close:
                    sock.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError):
                pass
            except OSError as error:
                if error.errno != 107:
                    raise
            while True:
                more = sock.recv(65536)
                if not more:
                    break
                got += more
    except OSError as error:
        made = failure(error)
        if made.word == "reset" and got[:1] == b"\x15" and len(got) >= 7:
            return Outcome("alert %d" % got[6], data=got)
        return made
    if not got:
        return Outcome("closed")
    if got[:1] == b"\x15" and len(got) >= 7:
        return Outcome("alert %d" % got[6], data=got)
    return Outcome("ok" if got == told else "error", data=got)


def leaves(make, linger, whole=True):
    """Sends something and goes away: with a reset, or in order. What is whole is
    there for the server before that."""
    def client(guest, _trust, target, port, name, syn, arrived):
        sock = connect(guest, target, port, syn=syn)
        if isinstance(sock, Outcome):
            return sock
        with sock:
            sock.sendall(make(name))
            if whole:
                wait_for(arrived, LIMIT)
            else:
                time.sleep(0.05)
            if linger:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
        return Outcome("gone")
    return client


# Programs.

def run_in(guest, command, text="", limit=LIMIT, env=None):
    """A program in the guest: exit status, what it printed, and complained."""
    with guest:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=env)
    try:
        out, err = process.communicate(text.encode(), timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return None, out.decode("utf-8", "replace"), \
            err.decode("utf-8", "replace")
    return (process.returncode, out.decode("utf-8", "replace"),
            err.decode("utf-8", "replace"))


def bracket(target):
    return "[%s]" % target if ":" in target else target


def answer_in(text):
    """What the server said, wherever it is in what a program prints."""
    start = text.find('{"role": ')
    try:
        return json.JSONDecoder().raw_decode(text, start)[0] \
            if start >= 0 else None
    except ValueError:
        return None


def by_text(text, default="error"):
    """What a program's complaints say."""
    if re.search(r"refused", text, re.I):
        return "refused"
    number = re.search(r"Received alert \[(\d+)\]", text)
    if number and int(number.group(1)) in ALERTS:
        return "alert " + ALERTS[int(number.group(1))]
    named = alert_in(text) if re.search("alert", text, re.I) else None
    if named:
        return named
    if re.search(r"reset|errno=104|-54|Broken pipe|pull function", text, re.I):
        return "reset"
    if re.search(r"unexpected eof|non-properly|EOF", text, re.I):
        return "closed"
    return default


def curl(*words, program="curl"):
    """curl; what is not silent says so."""
    def client(guest, trust, target, port, name, syn):
        host = name or bracket(target)
        # What it calls a connection comes to an end with the handshake.
        command = [program, "-sSv", "--connect-timeout", str(syn),
                   "--max-time", str(LIMIT), "--cacert", trust.bundle,
                   "--noproxy", "*"]
        if name:
            command += ["--resolve", "%s:%d:%s" % (name, port,
                                                   bracket(target))]
        status, out, err = run_in(guest, command + list(words) + [
            "https://%s:%d/" % (host, port)])
        issuer = re.search(r"issuer: .*?CN=([^;\n]+)", err)
        if status == 0:
            return Outcome(trust.word(issuer.group(1).strip()) if issuer
                           else "error", answer=answer_in(out),
                           alpn="h2" if re.search("using HTTP/2", err)
                           else "http/1.1")
        if status == 7 or status == 28 and "onnected to" not in err:
            return Outcome("refused" if "refused" in err else "silent")
        if status == 28:
            return Outcome("stall")
        said = "\n".join(l for l in err.splitlines() if l[:6] == "curl: ")
        if status == 60:
            # It takes an alert about a certificate for a complaint of its own.
            told = re.search(r"\(IN\), TLS alert, (.*) \(", err)
            return Outcome(alert_in(told.group(1)) if told else "untrusted",
                           said=err[-200:])
        return Outcome(by_text(said), said=err[-800:])
    return client


def openssl(*words):
    """openssl s_client, which verifies what it is told to."""
    def client(guest, trust, target, port, name, _syn):
        command = ["timeout", str(LIMIT), "openssl", "s_client", "-connect",
                   "%s:%d" % (bracket(target), port), "-CAfile", trust.bundle,
                   "-verify_return_error", "-ign_eof", "-nocommands"]
        command += ["-verify_hostname", name.lower().rstrip(".")] if name \
            else ["-noservername", "-verify_ip", target]
        if name and "-noservername" not in words:
            command += ["-servername", name]
        status, out, err = run_in(
            guest, command + list(words),
            "GET / HTTP/1.0\r\nHost: x\r\n\r\n", LIMIT + 2)
        if status == 124 or status is None:
            return Outcome("stall" if "CONNECTED" in out else "silent")
        answer = answer_in(out)
        issuer = re.search(r"^issuer=.*CN = ([^,\n]+)", out, re.M)
        if answer:
            return Outcome(trust.word(issuer.group(1).strip()),
                           answer=answer)
        if "CONNECTED" not in out:
            return Outcome("refused" if "refused" in err else "silent")
        if "certificate verify failed" in err:
            return Outcome("untrusted", said=err[-300:])
        return Outcome(by_text(err, "closed"), said=err[-400:])
    return client


def gnutls(*words):
    """gnutls-cli."""
    def client(guest, trust, target, port, name, _syn):
        command = ["timeout", str(LIMIT), "gnutls-cli", "--x509cafile",
                   trust.bundle, "--port", str(port), "--no-ocsp"]
        command += ["--sni-hostname", name, "--verify-hostname", name] \
            if name else ["--disable-sni", "--verify-hostname", target]
        status, out, err = run_in(
            guest, command + list(words) + [target],
            "GET / HTTP/1.0\r\nHost: x\r\n\r\n", LIMIT + 2)
        text = out + err
        answer = answer_in(out)
        issuer = re.search(r"subject `CN=[^']*', issuer `CN=([^',]+)", text)
        if answer:
            return Outcome(trust.word(issuer.group(1).strip()) if issuer
                           else "error", answer=answer)
        if status in (124, None):
            return Outcome("stall" if "Connecting" not in text.splitlines()[-1:]
                           else "silent", said=text[-300:])
        if "PKI verification" in text or "certificate is NOT trusted" in text:
            return Outcome("untrusted", said=text[-300:])
        if re.search("Could not connect", text):
            return Outcome("refused")
        return Outcome(by_text(text, "closed"), said=text[-400:])
    return client


def hello_of(**options):
    return lambda name: hello.hello(name, **options)


CLIENTS = {
    "python": with_ssl(),
    "python-h2": with_ssl(alpn=("h2",)),
    "python-both": with_ssl(alpn=("h2", "http/1.1")),
    "python-noalpn": with_ssl(alpn=()),
    "python-odd": with_ssl(alpn=("acme-tls/1",)),
    "python-mix": with_ssl(alpn=("spdy/3", "http/1.1", "h2")),
    "python-1.1": with_ssl(low=1, high=1),
    "python-1.2": with_ssl(high=2),
    "python-1.3": with_ssl(low=3),
    "python-strict": with_ssl(strict=True),
    "python-slow": with_ssl(path="/slow"),
    "python-any": with_ssl(verify=False),
    "python-brief": with_ssl(limit=2.0),
    "curl": curl("--http1.1"),
    "curl-h2": curl("--http2"),
    "curl-1.2": curl("--tls-max", "1.2"),
    "curl-1.3": curl("--tlsv1.3"),
    "openssl": openssl("-x509_strict"),
    "openssl-1.2": openssl("-tls1_2"),
    "openssl-ecdhe": openssl("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"),
    "openssl-cbc": openssl("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"),
    "openssl-rsa": openssl("-tls1_2", "-cipher", "AES128-GCM-SHA256"),
    "openssl-chacha": openssl("-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256",
                              "-tls1_3"),
    "openssl-nosni": openssl("-noservername"),
    "openssl-p256": openssl("-groups", "P-256"),
    "openssl-p384": openssl("-groups", "P-384"),
    "gnutls": gnutls(),
    "gnutls-1.2": gnutls("--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2"),
    "bytes": bio(bytes_alone),
    "records": bio(records_of(1)),
    "records-bytes": bio(records_and_bytes),
    "records-odd": bio(records_of(1, 2, 3, 5, 100)),
    "split-record": bio(split_at(3)),
    "split-header": bio(records_of(2, 16384)),
    "behind-empty": bio(behind("1403030000")),
    "behind-ccs": bio(behind("140303000101")),
    "behind-alert": bio(behind("1503030002015a")),
    "plain": plain,
    "banner": banner,
    "mute": mute,
    "hello": sends(hello_of()),
    "hello-hybrid": sends(hello_of(hybrid=True, grease=True)),
    "hello-large": sends(hello_of(pad=16000)),
    "hello-ech": sends(hello_of(more=hello.extension(0xfe0d, bytes(80)))),
    "hello-twice": sends(lambda name: hello.hello(
        name, more=hello.sni(name))),
    "hello-names": sends(lambda name: hello.hello(None, more=hello.extension(
        0, hello.vector(2, 2 * (b"\0" + hello.vector(2, name.encode())))))),
    "hello-nul": sends(lambda name: hello.hello(name + "\0.evil.example")),
    "hello-long": sends(lambda name: hello.hello("n" * 300 + "." + name)),
    "hello-type": sends(lambda name: hello.records(hello.message(
        hello.body(name), kind=2))),
    "hello-cut": sends(lambda name: hello.records(
        hello.message(hello.body(name))[:-1])),
    "hello-ssl3": sends(lambda name: hello.records(
        hello.message(hello.body(name)), version=0x0300)),
    "zeros": sends(lambda _: bytes(64)),
    "ssh-first": sends(lambda _: b"SSH-2.0-Client\r\n"),
    "leave": leaves(hello_of(), False),
    "leave-reset": leaves(hello_of(), True),
    "leave-half": leaves(lambda name: hello.hello(name)[:40], False, False),
    "leave-half-reset": leaves(lambda name: hello.hello(name)[:40], True,
                               False),
}


def use(client, guest, trust, target, port, name, syn=PATIENCE, arrived=None):
    """Let a client loose on a server; arrived() says whether something of it has
    come there."""
    start = time.monotonic()
    more = (syn, arrived) if client.startswith("leave") else (syn,)
    made = CLIENTS[client](guest, trust, target, port, name, *more)
    made.seconds = time.monotonic() - start
    return made
