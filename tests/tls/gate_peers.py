# SPDX-License-Identifier: GPL-2.0-or-later
"""Proxies with secrets, and servers behind them, for the tests of gates."""
import http_peers as http
import test_intercept as t

# Where a value may be put.
HEADERS, BASIC, QUERY, BODY = 1, 2, 4, 8


def options(secrets):
    """Each is a placeholder, a value, a host, and where it may be put"""
    return [word for s in secrets for word in ("--secret", *map(str, s))]


def between(secrets, handle, *extra, **more):
    return t.between(handle, *options(secrets), *extra, **more)


def server_context(**more):
    return t.context_of_server(leaf, **more)


def served(f, **more):
    """A server: f has a connection, and what reads it in pieces"""
    context = server_context(**more)

    def handle(s):
        u = http.accept(context, s)
        return f(u, http.Reader(u))
    return handle


def all_of(s):
    text = b""
    while data := s.recv(65536):
        text += data
    return text


def prepare():
    """The servers' certificate"""
    global leaf
    leaf = t.pki.leaf(t.pki.root, names="DNS:*.example.com,IP:" + t.HOST)


def run(tests, args):
    return t.run(tests, args, prepare)
