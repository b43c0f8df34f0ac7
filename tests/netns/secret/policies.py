# SPDX-License-Identifier: GPL-2.0-or-later
"""policies.py - Documents in which secrets are given, read and refused elsewhere.

Each test is a function of a stage and a Report, and brings its own sandbox up.
"""
from lab import Namespace
from tls import clients
from tls.table import GATEWAY

from . import rows, shapes, shapes2
from .refuse import violate
from .says import ENDED, Said, say
from .stage import STRANGER, VAULT
from .tapes import Tapes


def anybody(stage, t):
    """Without VerifyUpstream nobody has proved anything."""
    stage.up(stage.policy(tls={"VerifyUpstream": False}))
    stage.tapes.take()
    key = stage.kept["KEY"].placeholder
    for alpn, put in (("http/1.1", shapes.in_header),
                      ("h2", shapes2.with_head())):
        violate(stage, t, [("a server that proves nothing, " + alpn, VAULT,
                            alpn, [put(key, VAULT.encode())])])
        made = say(stage, VAULT, [put(b"nothing", VAULT.encode())],
                   alpn=(alpn,))
        t.check("but flows pass, " + alpn, made.word == "ok", made)


def arrived(stage, t, name, **options):
    """The value is given, octet by octet."""
    stage.tapes.take()
    text = stage.text(rows.get(VAULT, ["X: <KEY>"]))
    made = say(stage, VAULT, [text.said()], **options)
    tapes = stage.taken("vault")
    t.check("%s: the value is given" % name, made.word == "ok" and len(
        tapes) == 1 and tapes[0].data == text.heard(), (made, tapes))


def refused(stage, t, name, host, **options):
    """A placeholder ends the flow, and one violation is counted."""
    key, before = stage.kept["KEY"], stage.count()
    stage.tapes.take()
    made = say(stage, host, [shapes.in_header(key.placeholder,
                                              host.encode())], 9, **options)
    t.check("%s: a placeholder ends the flow" % name, made.word in ENDED and
            stage.count() == before + 1, made)
    t.check("%s: it does not arrive" % name, not any(
        key.placeholder in tape.data or key.value in tape.data
        for tape in stage.tapes.take()))


def narrow(stage, t):
    """A secret opens nothing: what the rules deny is denied as before."""
    stage.up({**stage.policy(["KEY"]), "DefaultEgress": "deny", "Rules": [
        {"Action": "allow", "Destination": ".example.com", "Protocols": ["tcp"],
         "Ports": ["443"]}]})
    for name in (VAULT, STRANGER):
        t.check("%s is resolved" % name, stage.resolve(name) == ["NOERROR"] * 2)
    arrived(stage, t, "by a name")
    arrived(stage, t, "by a name, IPv6", version=6)
    refused(stage, t, "by a name", STRANGER)
    for host, options in ((VAULT, {"port": 80, "tls": False}),
                          (VAULT, {"port": 7443, "tls": False}),
                          ("a.vault.example.net", {"role": "body"})):
        stage.tapes.take()
        made = say(stage, host, [rows.get(host, [])], syn=clients.SYN,
                   **options)
        t.check("%s %s: denied" % (host, options), made.details.get(
            "no_connection") and not stage.tapes.take(), made)


def port80(stage, t):
    """Who intercepts port 80 reads TLS there, and nothing else."""
    stage.up(stage.policy(["KEY"], tls={"InterceptedPorts": [80, 443]}))
    arrived(stage, t, "port 443")
    made = say(stage, VAULT, [rows.get(VAULT, [])], port=80, tls=False)
    t.check("plain HTTP on an intercepted port 80: closed", made.word in ENDED
            and not any(tape.size for tape in stage.tapes.take()), made)


def nothing(stage, t):
    """Where no port is intercepted nobody is given a value; port 80 is read."""
    stage.up(stage.policy(["KEY"], tls={"InterceptedPorts": []}))
    key = stage.kept["KEY"].placeholder
    stage.tapes.take()
    said = shapes.in_header(key, VAULT.encode())
    made = say(stage, VAULT, [said])
    tapes = stage.taken("vault")
    t.check("TLS passes as it is", made.word == "ok" and len(tapes) == 1 and
            tapes[0].data == said, (made, tapes))
    refused(stage, t, "port 80", VAULT, port=80, tls=False)


def gateway(stage, t):
    """The host's own server is behind the gateway's address: read as well."""
    stage.up(stage.policy(["KEY"], Rules=[
        {"Action": "allow", "Destination": "host", "Port": "80"}]))
    host = Namespace("/proc/thread-self/ns/net")
    served = Tapes(host, stage.pki, {"host": ("127.0.0.1", "::1")},
                   {80: False})
    key = stage.kept["KEY"]
    try:
        for version in (4, 6):
            for name, text, good in (("a request", b"y", True),
                                     ("a placeholder", key.placeholder, False),
                                     ("base64", shapes.ENCODINGS["base64-1"](
                                         key.placeholder), False)):
                served.take()
                made = ask_plain(stage, GATEWAY[version], shapes.in_header(
                    text, b"host.microsandbox.internal"))
                # One of before, of which nothing came, may still be there.
                tapes = [tape for tape in served.take() if tape.size]
                t.check("%s to the gateway/%d" % (name, version),
                        (made.word == "ok" and len(tapes) == 1) if good else
                        made.word in ENDED and not any(
                            text in tape.data for tape in tapes), (made, tapes))
    finally:
        served.close()
        host.close()


def ask_plain(stage, target, said):
    """A request without TLS to an address."""
    sock = clients.connect(stage.guest, target, 80)
    if isinstance(sock, clients.Outcome):
        return Said(sock.word)
    with sock:
        try:
            sock.sendall(said)
            return Said("ok", clients.read_answer(sock))
        except (OSError, ValueError) as error:
            return Said(clients.failure(error).word)


TESTS = (anybody, narrow, port80, nothing, gateway)
