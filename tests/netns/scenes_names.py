# SPDX-License-Identifier: GPL-2.0-or-later
"""scenes_names.py - DNS that is handed over, and addresses that have names."""
import json
import socket

from scenes import FAMILIES, OTHER, WAIT, WEB, answer_to, first
from scenes_ports import AF, KINDS, SILENCE, Quiet, Relay, ask
import wire

# Of msb-dnsd's transparent sockets.
PORT = 53


def drops(sandbox, comment):
    """Packets that rules with a comment have dropped."""
    listed = json.loads(sandbox.gateway.run("nft", "-jn", "list", "table",
                                            "inet", "msb"))
    found = [item["rule"] for item in listed["nftables"]
             if item.get("rule", {}).get("comment") == comment]
    return sum(e["counter"]["packets"] for rule in found
               for e in rule["expr"] if "counter" in e)


def asked(stage, s, what, want):
    """Queries to whatever address get the same."""
    flows = [(v, name, kind, to) for v in FAMILIES for name, kind in KINDS
             for to in (s.gateway_ip[v], OTHER[v])]
    stage.world.read()
    quiet = Quiet(stage)
    for v, name, kind, to in flows:
        about = "IPv%d %s to %s, %s" % (v, name, to, what)
        if want == "silence":
            quiet.ask(about, s.guest, v, kind, to, 53)
            continue
        got = ask(s.guest, v, kind, to, 53)
        stage.check(about, got == "%s 53 for %s" % (to, s.guest_ip[v]), got)
    quiet.check()
    left = [p for p in stage.after(stage.world) if p.dport == 53]
    for v, name, _, to in flows:
        stage.check("IPv%d %s to %s leaves nothing, %s" % (v, name, to, what),
                    not left, str([(str(p.dst), p.proto) for p in left]))


def dns_by_helper(stage):
    document = {"Policy": "public-only"}
    s = stage.sandbox(document)
    # Another policy, under which DNS is the helper's too.
    after = stage.compile(dict(document, DenyDomains=["ads.test"]))
    asked(stage, s, "nobody listens", "silence")
    stage.check("what was dropped is counted", drops(s, "needs msb-dnsd") >= 8)
    resolver = Relay(s, PORT)
    asked(stage, s, "with a resolver", "served")
    stage.check("IPv4 not at the uplink's addresses", ask(
        s.guest, 4, socket.SOCK_DGRAM, "169.254.62.2", 53,
        wait=SILENCE) == "silence")
    for v in FAMILIES:
        for name, kind in KINDS:
            got = ask(s.guest, v, kind, OTHER[v], 853)
            stage.check("IPv%d %s to port 853" % (v, name), got == "refused",
                        got)
        _across_policies(stage, s, v, resolver, (after, s.directory))
    resolver.close()
    asked(stage, s, "nobody listens any more", "silence")


def _across_policies(stage, s, v, resolver, directories):
    """A connection of queries goes on, whoever sends first."""
    with s.guest.socket(AF[v], socket.SOCK_STREAM) as client:
        client.settimeout(WAIT)
        client.connect((str(OTHER[v]), 53))
        client.send(b"x")
        client.recv(100)
        ours = resolver.accepted[-1]
        ours.settimeout(WAIT)
        for directory in directories:
            s.replace(directory)
            try:
                ours.send(b"late answer")
                got = client.recv(100)
                client.send(b"y")
                got += ours.recv(100)
            except OSError as error:
                got = str(error).encode()
            stage.check("IPv%d TCP goes on under another policy" % v,
                        got == b"late answery", got)


def counted_queries(stage):
    """The cap counts queries to others than the gateway."""
    s = stage.sandbox({"Policy": "public-only", "MaxConnections": 0})
    resolver = Relay(s, PORT)
    for v in FAMILIES:
        for name, kind in KINDS:
            got = ask(s.guest, v, kind, s.gateway_ip[v], 53)
            stage.check("IPv%d %s to the gateway" % (v, name),
                        got == "%s 53 for %s" % (s.gateway_ip[v],
                                                 s.guest_ip[v]), got)
            refused = kind == socket.SOCK_STREAM
            got = ask(s.guest, v, kind, OTHER[v], 53,
                      wait=WAIT if refused else SILENCE)
            stage.check("IPv%d %s to another resolver" % (v, name), got == (
                "refused" if refused else "silence"), got)
    resolver.close()


def element(s, verb, v, address):
    s.gateway.run("nft", verb, "element", "inet", "msb",
                  s.pin_sets[0]["Set%d" % v], "{ %s%s }" % (
                      address, " timeout 1h" if verb == "add" else ""))


def pinned_addresses(stage):
    """A name's addresses pass while they are pinned, and only they."""
    s = stage.sandbox({"Rules": [
        {"Action": "allow", "Destination": "api.test"},
        {"Action": "allow", "Destination": "host", "Port": 53}]})
    stage.silence(stage.lab.world)
    for v in FAMILIES:
        tag = 100 * v
        stage.crosses("IPv%d before it is pinned" % v, s,
                      first(s, v, WEB[v], 443, tag), tag, False)
        element(s, "add", v, WEB[v])
        seen = stage.crosses("IPv%d pinned" % v, s,
                             first(s, v, WEB[v], 443, tag + 1), tag + 1)
        stage.crosses("IPv%d another address" % v, s,
                      first(s, v, OTHER[v], 443, tag + 2), tag + 2, False)
        before = drops(s, "needs msb-tlsd")
        stage.crosses("IPv%d TCP, which is msb-tlsd's" % v, s,
                      first(s, v, WEB[v], 443, tag + 3, wire.TCP), tag + 3,
                      False)
        stage.check("IPv%d and is reset without it" % v,
                    drops(s, "needs msb-tlsd") == before + 1)
        element(s, "delete", v, WEB[v])
        stage.crosses("IPv%d no longer pinned" % v, s,
                      first(s, v, WEB[v], 443, tag + 4), tag + 4, False)
        # What was allowed is allowed for as long as the policy is.
        stage.enters("IPv%d and still answered" % v, s, stage.from_world(
            answer_to(seen, tag + 5)), stage.world,
                     lambda p, t=tag + 5: p.tag() == t)


SCENES = {
    "dns-by-helper": dns_by_helper,
    "counted-queries": counted_queries,
    "pinned-addresses": pinned_addresses,
}
