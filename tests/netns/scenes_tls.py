# SPDX-License-Identifier: GPL-2.0-or-later
"""scenes_tls.py - Flows that are handed to msb-tlsd."""
import socket

from flows import TLS_PORT
from scenes import FAMILIES, OTHER, WAIT, WEB
from scenes_names import element
from scenes_ports import (AF, LAN, SILENCE, Relay, Server, ask,
                          replaced_while_carried)
import wire

TCP = socket.SOCK_STREAM
# Nothing that is here is served by NAT, and nothing by name servers.
DNS = {"RebindProtection": False, "Nameservers": ["198.51.100.53"]}
NAMED = {"Rules": [
    {"Action": "deny", "Destination": "bad.test", "Protocol": "tcp"},
    {"Action": "allow", "Destination": "api.test", "Port": 443},
    {"Action": "allow", "Destination": "203.0.113.0/24"},
    {"Action": "allow", "Destination": "2001:db8::9"},
    {"Action": "allow", "Destination": "host"}]}
INTERCEPTED = {"DNS": DNS, "TLS": {"InterceptedPorts": [8443, 443]}, "Rules": [
    {"Action": "allow", "Destination": "host", "Port": "1-10000"},
    {"Action": "allow", "Destination": "203.0.113.0/24"},
    {"Action": "allow", "Destination": "2001:db8::9"}]}

SECRET = {"DNS": DNS, "Secrets": [{"Name": "KEY", "ValueEnv": "KEY"}], "Rules": [
    {"Action": "allow", "Destination": "host", "Port": "1-10000"},
    {"Action": "allow", "Destination": "203.0.113.0/24"},
    {"Action": "allow", "Destination": "2001:db8::9"}]}


def _handed(stage, s, to, port, what):
    """It comes to the listener under the address that it was for."""
    v = to.version
    stage.world.read()
    got = ask(s.guest, v, TCP, to, port)
    want = "%s %d for %s" % (to, port, s.guest_ip[v])
    stage.check("IPv%d %s port %d" % (v, what, port), got == want, got)
    stage.check("IPv%d %s port %d leaves nothing" % (v, what, port),
                not stage.sees(stage.world, lambda p: p.dport == port and
                               p.proto == wire.TCP, False))


def named_flows(stage):
    """Where the name in the ClientHello decides, and only there."""
    s = stage.sandbox(NAMED)
    stage.silence(stage.lab.world)
    policies = (
        # Allowed whatever the name is, while others are not: it stays where it
        # is. And denied whatever the name is.
        stage.compile({"Rules": NAMED["Rules"][2:] + [
            {"Action": "deny", "Destination": "bad.test", "Port": 1},
            {"Action": "allow", "Destination": "198.51.100.9", "Port": 1}]}),
        stage.compile({"Rules": NAMED["Rules"][:2]}))
    for v in FAMILIES:
        element(s, "add", v, WEB[v])
        for to in (WEB[v], OTHER[v], s.gateway_ip[v]):
            got = ask(s.guest, v, TCP, to, 443)
            stage.check("IPv%d to %s is reset, as nobody listens" % (v, to),
                        got == "refused", got)
    with_tlsd = Relay(s, TLS_PORT)
    for v in FAMILIES:
        element(s, "add", v, WEB[v])
        _handed(stage, s, WEB[v], 443, "a pinned address")
        for port in (22, 443, TLS_PORT):
            _handed(stage, s, OTHER[v], port, "an allowed address")
            _handed(stage, s, s.gateway_ip[v], port, "the gateway")
        got = ask(s.guest, v, TCP, WEB[v], 444, wait=SILENCE)
        stage.check("IPv%d another port of the pinned address" % v,
                    got == "silence", got)
        stage.crosses("IPv%d UDP has no ClientHello" % v, s,
                      wire.ip(s.guest_ip[v], OTHER[v], wire.UDP,
                              wire.transport(s.guest_ip[v], OTHER[v], wire.UDP,
                                             30000 + v, 443, 500 + v)), 500 + v)
        replaced_while_carried(stage, s, (OTHER[v], 443), with_tlsd, policies)
    with_tlsd.close()


def intercepted_flows(stage):
    """What is allowed at an intercepted port, and only that."""
    s = stage.sandbox(INTERCEPTED)
    policies = (
        # Another port is intercepted: what is carried stays.
        stage.compile(dict(INTERCEPTED, TLS={"InterceptedPorts": [9443]})),
        stage.compile(dict(INTERCEPTED, Rules=INTERCEPTED["Rules"][:1])))
    stage.silence(stage.lab.world)
    with_tlsd, relay = Relay(s, TLS_PORT), Relay(s)
    for v in FAMILIES:
        own, gateway = s.guest_ip[v], s.gateway_ip[v]
        for port in (443, 8443):
            _handed(stage, s, OTHER[v], port, "an allowed address")
            _handed(stage, s, gateway, port, "the gateway")
        got = ask(s.guest, v, TCP, WEB[v], 443, wait=SILENCE)
        stage.check("IPv%d a denied address" % v, got == "silence", got)
        stage.crosses("IPv%d another port" % v, s,
                      wire.ip(own, OTHER[v], wire.TCP, wire.transport(
                          own, OTHER[v], wire.TCP, 30000 + v, 444, 600 + v)),
                      600 + v)
        got = ask(s.guest, v, TCP, gateway, 444)
        stage.check("IPv%d another port of the gateway is the relay's" % v,
                    got == "%s 444 for %s" % (gateway, own), got)
        replaced_while_carried(stage, s, (OTHER[v], 443), with_tlsd, policies)
    with_tlsd.close()
    relay.close()


def read_flows(stage):
    """Where there are secrets: what is allowed at port 80, and only TCP."""
    s = stage.sandbox(SECRET)
    plain = {k: v for k, v in SECRET.items() if k != "Secrets"}
    policies = (
        # Nobody reads it any more: what is carried stays.
        stage.compile(plain),
        stage.compile(dict(SECRET, Rules=SECRET["Rules"][:1])))
    stage.silence(stage.lab.world)
    with_tlsd, relay = Relay(s, TLS_PORT), Relay(s)
    for v in FAMILIES:
        own, gateway = s.guest_ip[v], s.gateway_ip[v]
        _handed(stage, s, OTHER[v], 80, "an allowed address")
        _handed(stage, s, gateway, 80, "the gateway")
        got = ask(s.guest, v, TCP, WEB[v], 80, wait=SILENCE)
        stage.check("IPv%d a denied address" % v, got == "silence", got)
        for proto, port, word in ((wire.TCP, 81, "TCP to port 81"),
                                  (wire.TCP, 443, "TCP to port 443"),
                                  (wire.UDP, 80, "UDP to port 80")):
            mark = 700 + 10 * port + v
            stage.crosses("IPv%d %s" % (v, word), s, wire.ip(
                own, OTHER[v], proto, wire.transport(
                    own, OTHER[v], proto, 30000 + v, port, mark)), mark)
        got = ask(s.guest, v, TCP, gateway, 81)
        stage.check("IPv%d another port of the gateway is the relay's" % v,
                    got == "%s 81 for %s" % (gateway, own), got)
        replaced_while_carried(stage, s, (OTHER[v], 80), with_tlsd, policies)
    with_tlsd.close()
    relay.close()


def late_secrets(stage):
    """A connection to port 80 that nobody has read ends where it is to be.

    One that msb-relayd carries is msb-relayd's to end, by its own copy of the rules.
    """
    plain = {k: v for k, v in SECRET.items() if k != "Secrets"}
    s = stage.sandbox(plain)
    secret = stage.compile(SECRET)
    for v in FAMILIES:
        server = Server(stage.lab.world, v, TCP, 80, OTHER[v])
        with s.guest.socket(AF[v], TCP) as client:
            client.settimeout(WAIT)
            client.connect((str(OTHER[v]), 80))
            s.replace(secret)
            with_tlsd = Relay(s, TLS_PORT)
            client.send(b"x")
            try:
                got = client.recv(100)
            except OSError as error:
                got = error
            stage.check("IPv%d it is reset" % v, "reset" in str(got), str(got))
            stage.check("IPv%d and not taken over" % v, not with_tlsd.accepted)
            with_tlsd.close()
            s.replace(s.directory)
        server.close()


def nobody_dials_helpers(stage):
    """The ports of helpers' sockets are ports of the host to a guest, or none."""
    s = stage.sandbox(dict(NAMED, TLS={}))
    udp = stage.sandbox({"DNS": DNS, "TLS": {}, "Rules": [
        {"Action": "allow", "Destination": "host"}]}, 1, "other")
    with_tlsd = [Relay(made, TLS_PORT) for made in (s, udp)]
    for v in FAMILIES:
        for port in (61440, TLS_PORT):
            # That msb-tlsd is to carry, as a flow to the host's port.
            _handed(stage, s, s.gateway_ip[v], port, "the gateway")
            # That is msb-relayd's, which is not there.
            got = ask(udp.guest, v, TCP, udp.gateway_ip[v], port)
            stage.check("IPv%d port %d without the relay" % (v, port),
                        got == "refused", got)
    relay = Relay(udp)
    for v in FAMILIES:
        got = ask(udp.guest, v, TCP, udp.gateway_ip[v], TLS_PORT)
        stage.check("IPv%d port %d is the relay's" % (v, TLS_PORT),
                    got == "%s %d for %s" % (udp.gateway_ip[v], TLS_PORT,
                                             udp.guest_ip[v]), got)
    for helper in with_tlsd + [relay]:
        helper.close()


def late_names(stage):
    """A connection whose name nobody has read ends where a name decides."""
    plain = {"DNS": DNS, "Rules": [{"Action": "allow", "Destination": "public"},
                                   {"Action": "allow", "Destination": "host"}]}
    named = stage.compile({"DNS": DNS, "DenyDomains": ["bad.test"],
                           "Rules": plain["Rules"]})
    s = stage.sandbox(plain)
    server = {v: Server(stage.lab.world, v, TCP, 8080, LAN[v])
              for v in FAMILIES}
    relay = Relay(s)
    for v in FAMILIES:
        for to, what in ((LAN[v], "kernel"), (s.gateway_ip[v], "relay")):
            with s.guest.socket(AF[v], TCP) as client:
                client.settimeout(WAIT)
                client.connect((str(to), 8080))
                s.replace(named)
                with_tlsd = Relay(s, TLS_PORT)
                client.send(b"x")
                try:
                    got = client.recv(100)
                except OSError as error:
                    got = str(error)
                stage.check("IPv%d what the %s carried is reset" % (v, what),
                            "reset" in str(got), got)
                stage.check("IPv%d and not taken over" % v,
                            not with_tlsd.accepted)
                with_tlsd.close()
                s.replace(s.directory)
    for made in list(server.values()) + [relay]:
        made.close()


SCENES = {
    "named-flows": named_flows,
    "intercepted-flows": intercepted_flows,
    "read-flows": read_flows,
    "late-secrets": late_secrets,
    "nobody-dials-helpers": nobody_dials_helpers,
    "late-names": late_names,
}
