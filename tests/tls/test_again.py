# SPDX-License-Identifier: GPL-2.0-or-later
"""Servers that do not know a session any more: they are spoken to anew.

Peers, the proxy with the engine in it and certificates are test_intercept.py's.
"""
import itertools
import sys

import test_intercept as t
from test_intercept import V12, V13, connect, equal

tests = []


def test(f):
    tests.append(f)
    return f


def in_turn(*contexts):
    """Servers that one address leads to in turn, again and again: each says
    whether a session was used again."""
    turns = itertools.cycle(contexts)

    def handle(s):
        c = next(turns).wrap_socket(s, server_side=True)
        c.sendall(b"x")
        c.recv(1)
        return c.session_reused
    return handle


def server(versions, ticket=True):
    c = t.context_of_server(t.pki.good, versions=versions)
    if not ticket:
        c.options |= t.ssl.OP_NO_TICKET
    return c


def passes(proxy):
    with connect(proxy) as c:
        equal(c.recv(1), b"x")
        c.sendall(b"y")


def outcome(server, n):
    """How many of n connections were new, resumed and failed. In which order
    their threads end nobody knows."""
    server.result(n - 1)
    made = [r if isinstance(r, bool) else None for r in server.results]
    return [made.count(what) for what in (False, True, None)]


@test
def tickets_of_others():
    """One that has another's key for tickets refuses it: every guest passes,
    and after the first time no session is kept"""
    for v in (V12, V13):
        handle = in_turn(*(server(v) for _ in range(16)))
        with t.between(handle) as (s, proxy):
            for _ in range(5):
                passes(proxy)
                equal(proxy.line(), "done open -")
            # wolfSSL gives a handshake of TLS 1.2 up, and not one of TLS 1.3.
            failed = int(v is V12)
            equal(outcome(s, 5 + failed), [5, 0, failed], str(v[0]))


@test
def identifiers_of_others():
    """Without tickets it is a handshake like any other"""
    handle = in_turn(*(server(V12, ticket=False) for _ in range(8)))
    with t.between(handle) as (s, proxy):
        for _ in range(5):
            passes(proxy)
        equal(outcome(s, 5), [5, 0, 0])


@test
def versions_of_others():
    """A session has a version, which another one may not speak"""
    for versions in ((V12, V13), (V13, V12)):
        handle = in_turn(*(server(v) for v in versions))
        with t.between(handle) as (s, proxy):
            for _ in range(5):
                passes(proxy)
                equal(proxy.line(), "done open -")
            equal(outcome(s, 6), [5, 0, 1])


@test
def once():
    """It is tried once more, and no more often, and the guest is told why"""
    calls = []
    c = server(V12)

    def handle(s):
        calls.append(s)
        if len(calls) == 1:
            return in_turn(c)(s)
        s.recv(1)
        s.sendall(b"\x15\x03\x03\x00\x02\x02\x28")
        s.recv(65536)
        return len(calls)
    with t.between(handle) as (s, proxy):
        passes(proxy)
        proxy.line()
        equal(t.alert_of(proxy), 40)
        equal(proxy.line(), "failed shut alert by the server")
        equal(len(calls), 3)
        # Without a session there is no second time.
        equal(t.alert_of(proxy), 40)
        equal(len(calls), 4)


@test
def worse_servers():
    """Whoever is spoken to anew is verified like everybody"""
    # With tickets of its own; spoken to twice.
    bad = t.pki.leaf(t.pki.root, names="DNS:other.example")
    first, second = server(V12), t.context_of_server(bad, versions=V12)
    with t.between(in_turn(first, second, second)) as (_, proxy):
        passes(proxy)
        proxy.line()
        equal(t.alert_of(proxy), 42)
        equal(proxy.line(), "failed shut certificate for another name")


if __name__ == "__main__":
    sys.exit(t.run(tests, t.arguments().parse_args()))
