# SPDX-License-Identifier: GPL-2.0-or-later
"""test_tls_intercept.py - TLS that is ended in the gateway, under "up".

Each test is a function of a Machine and a Report. The cases are in
tls/intercept.table; what no row can say is here.
"""
import base64
import hashlib
import json
import os
import re
import socket
import ssl
import subprocess
import time

from machine import STATE, wait_for
from report import main
from tls import clients, hello, live, table
from tls.world import NAME_SERVER, Stream, address, content

HERE = os.path.dirname(os.path.abspath(__file__))
GATEWAY = {4: "172.16.0.1", 6: "fd42:6d73:62::1"}
DAY = 86400


def plain(stage, **tls):
    return {"DefaultEgress": "allow",
            "TLS": {"UpstreamCACerts": [stage.pki.root.path], **tls}}


def cases(m, t):
    """Every row of the table; then what lasts longer than a row."""
    stage = table.Stage(m, t)
    try:
        for name, document, phases in table.read(
                os.path.join(HERE, "tls", "intercept.table"), stage.files):
            stage.document(name, document, phases, helper=name != "none")
        stage.t.test = "interception"
        stage.up(plain(stage, Bypass=["skip.example.org"]))
        try:
            for each in (told, leaf, protocols, streams, bulk, ends, again, many,
                         datagrams, gateway, after_hello):
                t.test, start = each.__name__, time.monotonic()
                each(stage, t)
                print("  %s: %.1f s" % (t.test, time.monotonic() - start))
        finally:
            stage.down()
        for each in (applied, revoked, killed):
            t.test, start = each.__name__, time.monotonic()
            try:
                each(stage, t)
            finally:
                stage.down()
            print("  %s: %.1f s" % (t.test, time.monotonic() - start))
    finally:
        stage.close()


def told(stage, t):
    """What was not intercepted, or failed, is written down."""
    begin = len(stage.events())
    stage.use("python", "expired", 443, "expired.example.com", 4)
    stage.use("python", "apart", 443, "skip.example.org", 6)
    for event, name in (("intercept-failed", "expired.example.com"),
                        ("bypass", "skip.example.org")):
        t.check("the event log has %s" % event, wait_for(lambda: any(
            e.get("event") == event and e.get("sni") == name
            for e in stage.events()[begin:])), stage.events()[begin:])
    failed = [e for e in stage.events()[begin:]
              if e.get("event") == "intercept-failed"]
    t.check("and why", failed and "expired" in failed[0].get("reason", ""),
            failed)
    shown = stage.status()
    t.check("status says what serves the ciphers", shown["health"] == "ok" and
            re.search(r"\bcrypto (ipsec-mb\+)?(libgcrypt\+)?(?<=\+)"
                      r"(nettle|wolfSSL)\b", json.dumps(shown)), shown)


def text_of(der):
    return subprocess.run(
        ["openssl", "x509", "-inform", "DER", "-noout", "-text", "-ext",
         "subjectAltName,basicConstraints,keyUsage,extendedKeyUsage,"
         "subjectKeyIdentifier,authorityKeyIdentifier"], input=der,
        stdout=subprocess.PIPE, check=True).stdout.decode()


def leaf(stage, t):
    """What a leaf says, and who believes it."""
    ca = STATE + "/ca/ca.pem"
    for name, kind in (("api.example.com", "DNS:api.example.com"),
                       (None, "IP Address:" + address("shared", 4))):
        made = stage.use("python", "shared", 443, name, 4)
        t.check("a leaf for %s" % name, made.word == "ours", made)
        if made.word != "ours":
            continue
        said = made.details["certificate"]
        begin, end = (ssl.cert_time_to_seconds(said[k])
                      for k in ("notBefore", "notAfter"))
        t.check("valid for two days before, and a week at most",
                end - begin <= 9 * DAY + 60 and end - time.time() <= 7 * DAY + 60
                and begin <= time.time() - 2 * DAY + 120 and
                end > time.time() + 600, said)
        text = text_of(made.details["der"])
        names = re.findall(r"(?:DNS|IP Address):[^\s,]+", text)
        t.check("one name", set(names) == {kind}, names)
        for words in ("prime256v1", "ecdsa-with-SHA256", "Digital Signature",
                      "TLS Web Server Authentication",
                      "Subject Key Identifier", "Authority Key Identifier",
                      "CA:FALSE", "Version: 3"):
            t.check("it has %s" % words, words in text, text)
        path = os.path.join(stage.pki.folder, "leaf.pem")
        with open(path, "w", encoding="ascii") as file:
            file.write(ssl.DER_cert_to_PEM_cert(made.details["der"]))
        done = subprocess.run(
            ["openssl", "verify", "-x509_strict", "-purpose", "sslserver",
             "-CAfile", ca, path], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, check=False)
        t.check("openssl is strict with it", done.returncode == 0,
                done.stderr)
        done = subprocess.run(
            ["certtool", "--verify", "--load-ca-certificate", ca, "--infile",
             path, "--verify-profile", "high"], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, check=False)
        t.check("GnuTLS as well", done.returncode == 0,
                done.stdout + done.stderr)
    first, second = (stage.use("python", "shared", 443, "api.example.com", 4)
                     .details.get("der") for _ in range(2))
    t.check("it is used again", first and first == second)
    t.check("the CA is nobody else's to read", os.stat(
        STATE + "/ca/ca.key").st_mode & 0o777 == 0o600)
    t.check("nor its folder", os.stat(STATE + "/ca").st_mode & 0o777 == 0o700)


def protocols(stage, t):
    """Each side is told what the other speaks."""
    for client, role, alpn in (("python-both", "shared", "h2"),
                               ("python", "shared", "http/1.1"),
                               ("python-both", "h1", "http/1.1"),
                               ("python-mix", "shared", None),
                               ("python-noalpn", "shared", None),
                               ("python-both", "mute-alpn", None),
                               ("python-both", "h2", "h2")):
        stage.servers.take()
        made = stage.use(client, role, 443, role + ".example.com", 4)
        seen = stage.servers.take()
        t.check("%s at %s: one protocol end to end" % (client, role),
                made.word == "ours" and len(seen) == 1 and
                seen[0].alpn == made.details["alpn"] and
                (alpn is None or seen[0].alpn == alpn), (made, seen))
    for client, version in (("python-1.2", "TLSv1.2"),
                            ("python-1.3", "TLSv1.3"),
                            ("python", "TLSv1.3")):
        made = stage.use(client, "shared", 443, "api.example.com", 6)
        t.check("%s speaks %s" % (client, version),
                made.details.get("version") == version, made)


def streams(stage, t):
    """What one side says is told as it comes."""
    stage.servers.take()
    flow = live.Flow(stage, "shared", "api.example.com")
    t.check("our leaf", flow.issuer() == "ours")
    seen = stage.servers.take()
    flow.tls.sendall(b"GET /sse HTTP/1.1\r\nHost: x\r\n\r\n")
    # The server says each when the one before has come; else it waits.
    events, got = 0, b""
    try:
        while True:
            more = flow.tls.recv(4096)
            if not more:
                break
            got += more
            while events < got.count(b"\n\n"):
                events += 1
                seen[0].go_on.release()
        clean = True
    except (OSError, ssl.SSLError):
        clean = False
    t.check("events come one by one", events == 4 and got.endswith(
        b"data: 0\n\ndata: 1\n\ndata: 2\n\ndata: 3\n\n"), got)
    t.check("and the end is an end in order", clean, got[-40:])
    flow.close()
    start = time.monotonic()
    flow = live.Flow(stage, "shared", "api.example.com")
    t.check("a long poll", b"slow" in flow.ask("/slow") and
            0.9 < time.monotonic() - start < live.END)
    t.check("and the connection is used again", flow.works())
    flow.close()
    websocket(stage, t)
    sock = clients.connect(stage.guest, address("h2", 6), 443)
    with clients.context(stage.trust, alpn=("h2",)).wrap_socket(
            sock, server_hostname="h2.example.com") as tls:
        parts = [content(n, n) for n in (5, 100, 16000, 1)]
        t.check("a stream of HTTP/2 in both directions at once",
                clients.ask2(tls, parts) == b"".join(parts))


def websocket(stage, t):
    flow = live.Flow(stage, "shared", "api.example.com", 6)
    key = base64.b64encode(os.urandom(16))
    flow.tls.sendall(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                     b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                     b"Sec-WebSocket-Key: " + key + b"\r\n\r\n")
    head = b""
    while b"\r\n\r\n" not in head:
        head += flow.tls.recv(4096)
    t.check("a WebSocket is opened", head.startswith(b"HTTP/1.1 101 ") and
            base64.b64encode(hashlib.sha1(
                key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            in head, head)
    stream = Stream(flow.tls)
    for n in range(20):
        text = b"%d " % n * (1 + n * 3)
        size = bytes([0x80 | len(text)]) if len(text) < 126 else \
            b"\xfe" + len(text).to_bytes(2, "big")
        flow.tls.sendall(b"\x81" + size + bytes(4) + text)
        head = stream.exactly(2)
        length = head[1] if head[1] < 126 else int.from_bytes(
            stream.exactly(2), "big")
        if stream.exactly(length) != text:
            t.check("frame %d comes back" % n, False)
    flow.tls.sendall(b"\x88\x80" + bytes(4))
    t.check("and closed", stream.exactly(2) == b"\x88\0")
    flow.close()


def bulk(stage, t):
    """Megabytes each way, to a reader that takes its time as well."""
    count = 4 << 20
    data = content(count)
    for version, high in ((4, None), (6, 2)):
        flow = live.Flow(stage, "shared", "api.example.com", version,
                         high=high)
        flow.tls.settimeout(60)
        t.check("a download", flow.works(count))
        flow.tls.sendall(b"GET /bytes/%d HTTP/1.1\r\n\r\n" % count)
        time.sleep(0.3)
        t.check("to a slow reader", clients.read_answer(
            live.Slow(flow.tls)) == data)
        flow.tls.sendall(b"POST /sum HTTP/1.1\r\nContent-Length: %d\r\n\r\n" %
                         count + data)
        t.check("an upload", clients.read_answer(flow.tls).decode() ==
                hashlib.sha256(data).hexdigest())
        flow.tls.sendall(b"POST /sum HTTP/1.1\r\nExpect: 100-continue\r\n"
                         b"Content-Length: 5\r\n\r\n")
        head = flow.tls.recv(100)
        flow.tls.sendall(b"later")
        t.check("a body that waits for a word", head.startswith(
            b"HTTP/1.1 100") and clients.read_answer(flow.tls).decode() ==
            hashlib.sha256(b"later").hexdigest(), head)
        flow.close()


def ends(stage, t):
    """An end in order is one, and what is cut does not look like one."""
    flow = live.Flow(stage, "shared", "api.example.com")
    flow.tls.sendall(b"GET /cut/100000 HTTP/1.1\r\nHost: x\r\n\r\n")
    got, word = b"", ""
    try:
        while True:
            more = flow.tls.recv(1 << 16)
            if not more:
                word = "clean"
                break
            got += more
    except (OSError, ssl.SSLError) as error:
        word = type(error).__name__
    t.check("a server that dies is no end in order", word != "clean", word)
    t.check("and what it said before is there", content(100000).startswith(
        got.partition(b"\r\n\r\n")[2][:100000]), len(got))
    flow.close()
    # Servers that do not say that they end; what they have said is not lost.
    for n in range(16):
        kind = ("ragged", "rude")[n % 2]
        count = (10, 5000, 50000, 1000000)[n % 4]
        if kind == "rude":
            # Such a server throws away what it has not sent yet.
            count = min(count, 5000)
        flow = live.Flow(stage, "shared", "api.example.com", 4 + n // 2 % 2 * 2,
                         high=2 + n // 8)
        flow.tls.sendall(b"GET /%s/%d HTTP/1.1\r\nHost: x\r\n\r\n" % (
            kind.encode(), count))
        if n // 4 % 2:
            time.sleep(0.1)
        try:
            body = clients.read_answer(flow.tls)
        except OSError as error:
            body = repr(error).encode()
        t.check("a %s end without close_notify, %d: nothing is lost" % (
            kind, n), body == content(count), body[:100])
        word = flow.ended()
        t.check("and no close_notify is made up", word and word != "clean",
                word)
        flow.close()
    for high in (2, 3):
        sock = clients.connect(stage.guest, address("shared", 4), 443)
        made = clients.Bio(sock, clients.context(stage.trust, high=high),
                           "api.example.com")
        made.until(made.tls.do_handshake)
        made.flush()
        made.sendall(b"GET /half HTTP/1.1\r\nHost: x\r\n\r\nthe end")
        try:
            made.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        made.flush()
        try:
            t.check("close_notify one way, TLS 1.%d: the answer comes" % high,
                    clients.read_answer(made) == b"the end")
        except (OSError, ValueError) as error:
            t.check("close_notify one way, TLS 1.%d: the answer comes" % high,
                    False, error)
        sock.close()
    # A client that goes in the middle of a download.
    stage.servers.take()
    flow = live.Flow(stage, "shared", "api.example.com")
    flow.tls.sendall(b"GET /bytes/20000000 HTTP/1.1\r\nHost: x\r\n\r\n")
    flow.tls.recv(1000)
    flow.close()
    seen = stage.servers.take()
    t.check("the server is told that the client is gone", len(seen) == 1 and
            seen[0].ended.wait(live.END), seen)


def again(stage, t):
    """A second connection to a server goes on with the first one's session."""
    for role in ("tls12", "tls13"):
        stage.servers.take()
        for _ in range(3):
            flow = live.Flow(stage, role, role + ".example.com")
            flow.ask()
            flow.close()
        seen = stage.servers.take()
        t.check("%s: sessions are used again" % role, len(seen) == 3 and
                any(s.extra.get("reused") for s in seen[1:]),
                [s.extra for s in seen])


def many(stage, t, count=120):
    """More names than any cache keeps warm; each has its own leaf."""
    wrong = []
    for n in range(count):
        name = "n%d.many.example" % n
        sock = clients.connect(stage.guest, address("shared", 4), 443)
        try:
            with clients.context(stage.trust).wrap_socket(
                    sock, server_hostname=name) as tls:
                names = tls.getpeercert()["subjectAltName"]
                if names != (("DNS", name),):
                    wrong.append((name, len(names), names[0]))
        except OSError as error:
            wrong.append(error)
    t.check("each name has a leaf of its own", not wrong, wrong[:3])


def datagrams(stage, t):
    """QUIC is refused, so that clients fall back at once."""
    for version, family in ((4, socket.AF_INET), (6, socket.AF_INET6)):
        with stage.guest.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(live.END)
            sock.connect((address("shared", version), 443))
            sock.send(b"\xc0" + bytes(1199))
            try:
                sock.recv(100)
                word = "answered"
            except ConnectionRefusedError:
                word = "refused"
            except OSError as error:
                word = str(error)
            t.check("UDP to an intercepted port, IPv%d" % version,
                    word == "refused", word)


def gateway(stage, t):
    """The gateway is the host's loopback, for TLS as well."""
    for family, any_ in ((socket.AF_INET, "127.0.0.1"),):
        stage.servers.listen(table_host(), family, any_, 443)
    stage.servers.take()
    made = clients.python(stage.guest, stage.trust, GATEWAY[4], 443,
                          "host.microsandbox.internal")
    t.check("the host's own server", made.word == "ours" and
            made.details["answer"]["at"] == "127.0.0.1", made)


def table_host():
    from lab import Namespace
    return Namespace("/proc/thread-self/ns/net")


def after_hello(stage, t):
    """A good ClientHello, and then what is none."""
    flight = hello.hello("api.example.com")
    for what, data in (("zeros", bytes(500)), ("garbage", content(5000)),
                       ("a large record", b"\x16\x03\x03\xff\xff" +
                        bytes(70000)),
                       ("an empty record", b"\x16\x03\x03\0\0"),
                       ("another ClientHello", flight),
                       ("an alert", b"\x15\x03\x03\0\2\2\x28"),
                       ("data", b"\x17\x03\x03\0\x20" + bytes(32))):
        sock = clients.connect(stage.guest, address("shared", 4), 443)
        start = time.monotonic()
        try:
            sock.sendall(flight)
            time.sleep(0.05)
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(65536):
                pass
        except OSError as error:
            word = type(error).__name__
        else:
            word = "end"
        t.check("%s after it: an end at once" % what, time.monotonic() -
                start < 5 and word != "TimeoutError", word)
        sock.close()
    t.check("others do not notice", stage.use(
        "python", "shared", 443, "api.example.com", 4).word == "ours")


def applied(stage, t):
    """Another document: CA, Bypass and VerifyUpstream are those of it."""
    stage.up(plain(stage))
    kept = live.Flow(stage, "shared", "api.example.com")
    other = live.Flow(stage, "shared", "www.example.com", 6)
    download = live.Transfer(kept, 4 << 20)
    for n in range(3):
        stage.apply({**plain(stage), "MaxConnections": 90 + n})
    download.join(70)
    t.check("a download under four documents", download.good is True)
    t.check("others live on", other.works())
    stage.apply({**plain(stage), "DenyDomains": ["www.example.com"]})
    t.check("what is denied now is cut", other.ended() is not None)
    t.check("and refused", stage.use("python", "shared", 443,
                                     "www.example.com", 4).word == "reset")
    t.check("the rest goes on", kept.works())
    made = stage.use("python", "expired", 443, "expired.example.com", 4)
    t.check("expired is refused", made.word == "alert certificate_expired",
            made)
    stage.apply(plain(stage, VerifyUpstream=False))
    made = stage.use("python", "expired", 443, "expired.example.com", 4)
    t.check("without VerifyUpstream it is not", made.word == "ours", made)
    stage.apply(plain(stage))
    made = stage.use("python", "expired", 443, "expired.example.com", 4)
    t.check("and with it, it is again", made.word ==
            "alert certificate_expired", made)
    stage.apply(plain(stage, Bypass=["api.example.com"]))
    made = stage.use("python", "shared", 443, "api.example.com", 4)
    t.check("a new bypass counts", made.word == "own", made)
    t.check("what was intercepted, and would not be now, is cut",
            kept.ended() is not None)
    stage.apply(plain(stage, CACert=stage.own_ca.path,
                      CAKey=stage.own_ca.key))
    made = stage.use("python", "shared", 443, "api.example.com", 4)
    t.check("another CA counts", made.word == "ours" and clients.issuer_of(
        made.details["certificate"]) == "Own CA", made)
    stage.apply({"DefaultEgress": "allow"})
    made = stage.use("python", "shared", 443, "api.example.com", 4)
    t.check("without TLS nothing is intercepted", made.word == "own", made)
    stage.apply(plain(stage))
    made = stage.use("python", "shared", 443, "api.example.com", 4)
    t.check("and with it again", made.word == "ours", made)
    for name in ("api.example.com", "www.example.com"):
        words = {stage.use(c, "shared", 443, name, v).word
                 for c in ("python", "curl") for v in (4, 6)}
        t.check("by the generated CA as before", words == {"ours"}, words)


def revoked(stage, t):
    """A list that is renewed counts from "apply" on, for who was there, too."""
    path = os.path.join(stage.pki.folder, "renewed.crl")

    def renew(source):
        with open(source, encoding="ascii") as file:
            text = file.read()
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
    document = plain(stage, UpstreamCACerts=[stage.pki.root.path, path])
    renew(stage.pki.list_of(stage.pki.root))
    stage.up(document)
    begin = len(stage.events())
    flow = live.Flow(stage, "revoked", "revoked.example.com")
    t.check("nothing is known of it yet", flow.works())
    stage.apply(document)
    t.check("the same lists: it goes on", flow.works())
    renew(stage.pki.lists)
    t.check("a file alone is nothing", stage.use(
        "python", "revoked", 443, "revoked.example.com", 6).word == "ours")
    stage.apply(document)
    t.check("what was verified by other lists is cut", flow.ended() is not None)
    stage.servers.take()
    made = [stage.use(c, "revoked", 443, "revoked.example.com", 4)
            for c in ("python-1.2", "python-1.3", "openssl")]
    t.check("the server is refused, whatever was kept of it", {
        m.word for m in made} == {"alert certificate_revoked"}, made)
    t.check("and why is written down", wait_for(lambda: any(
        e.get("event") == "intercept-failed" and
        e.get("reason") == "certificate revoked" and
        e.get("sni") == "revoked.example.com"
        for e in stage.events()[begin:])), stage.events()[begin:])
    t.check("others are not", stage.use("python", "shared", 443,
                                        "api.example.com", 4).word == "ours")
    with open(path, "a", encoding="ascii") as file:
        file.write("-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n")
    refused = stage.m.netc("apply", "web", stage.m.document(
        "tls-document", {"DNS": {"Nameservers": [NAME_SERVER]}, **document}))
    t.check("a file that is spoiled is refused", refused.returncode == 1 and
            "/TLS/UpstreamCACerts/1: %s: revocation list 6 is no revocation "
            "list" % path in refused.stderr, refused.stderr)
    t.check("and the old lists are in force", stage.use(
        "python", "revoked", 443, "revoked.example.com", 4).word ==
        "alert certificate_revoked")


def killed(stage, t):
    """SIGKILL of any process: flows end, nothing passes, and all is back."""
    stage.up({**plain(stage), "DenyDomains": ["ads.example"]})
    live.kills(stage, t, "shared", "api.example.com",
               ("record", "ads.example"), "ours")


if __name__ == "__main__":
    main(__doc__, (cases,))
