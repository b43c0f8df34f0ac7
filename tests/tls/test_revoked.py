# SPDX-License-Identifier: GPL-2.0-or-later
"""Revoked certificates of servers, by lists that are given with the roots.

Peers, the proxy with the engine in it and certificates are test_intercept.py's.
"""
import functools
import os
import random
import shutil
import sys
import time

import lists
import test_intercept as t
from lists import DAY, REASON, extension, integer
from test_intercept import check, connect, equal

tests = []
PASSES, REVOKED = (None, None), (44, "certificate revoked")
EXPIRED = (45, "revocation list of the issuer expired")
EARLY = (42, "revocation list of the issuer not yet valid")
UNSIGNED = (42, "revocation list not signed by the issuer")
UNKNOWN = (48, "certificate of an unknown issuer")


def test(f):
    tests.append(f)
    return f


def text(name):
    with open(t.pki.path(name + ".pem")) as f:
        return f.read()


def serial(name):
    """That of a certificate; the name may have another one later"""
    path = t.pki.path(name + ".pem")
    return serial_of(path, os.stat(path).st_mtime_ns)


@functools.cache
def serial_of(path, _):
    said = lists.openssl("x509", "-in", path, "-noout", "-serial")
    return int(said.decode().split("=")[1], 16)


def listed(ca, *names, **more):
    """A list of a CA's; of certificates by their names, or numbers"""
    return lists.make(t.pki.path(ca + ".pem"), t.pki.path(ca + ".key"),
                      [serial(n) if isinstance(n, str) else n for n in names],
                      **more)


def roots(*parts):
    with open(t.pki.path("roots.pem"), "w") as f:
        f.write("".join(parts))
    return "roots"


def outcome(proxy):
    """The alert and why, or nothing"""
    try:
        with connect(proxy) as c:
            c.sendall(b"x")
            equal(c.recv(1), b"x")
        return PASSES
    except t.ssl.SSLError:
        return t.alert_of(proxy), proxy.line()[len("failed shut "):]


def expect(what, leaf, want, *parts, **more):
    with t.between(t.echo(leaf), roots=roots(*parts), **more) as (_, proxy):
        equal(outcome(proxy), want, what)


@test
def lists_of_a_chain():
    """What a list says, for whom, and when"""
    p = t.pki
    leaf = p.leaf(p.middle, chain=[p.middle])
    beside = p.leaf(p.middle, chain=[p.middle])
    root, other, ours = text(p.root), listed(p.other, leaf), listed(p.root)
    middle = lambda *names, **more: listed(p.middle, *names, **more)
    rows = (
        ("no list", leaf, PASSES),
        ("another CA's", leaf, PASSES, other),
        ("nothing was revoked", leaf, PASSES, ours, middle()),
        ("it was", leaf, REVOKED, ours, middle(leaf)),
        ("it was, of many", leaf, REVOKED, middle(1, 1 << 158, leaf, 2, beside)),
        ("the one beside it", beside, PASSES, ours, middle(leaf)),
        ("not by its issuer", leaf, PASSES, listed(p.root, leaf), middle()),
        ("the CA between", leaf, REVOKED, listed(p.root, p.middle), middle()),
        ("the CA between, which has no list", leaf, REVOKED,
         listed(p.root, p.middle)),
        ("two lists, the first", leaf, REVOKED, middle(leaf), middle()),
        ("two lists, the second", leaf, REVOKED, middle(), middle(leaf)),
        ("an old one that says otherwise", leaf, PASSES,
         middle(leaf, until=-9), middle()),
        ("an old one behind", leaf, REVOKED, middle(leaf), middle(until=-9)),
        ("too old", leaf, EXPIRED, middle(until=-9)),
        ("the root's too old", leaf, EXPIRED, listed(p.root, until=-9),
         middle()),
        ("too early", leaf, EARLY, middle(since=DAY / 2)),
        ("broken", leaf, UNSIGNED, middle(spoil=True)),
        ("broken, beside a good one", leaf, PASSES, middle(spoil=True),
         middle()),
        ("before there is a time", leaf, REVOKED, middle(leaf, v1=True)),
        ("with a reason", leaf, REVOKED, middle(leaf, entry=REASON["key"])),
        ("for now", leaf, REVOKED, middle(leaf, entry=REASON["hold"])),
        ("with a number, and more", leaf, REVOKED, middle(
            leaf, extensions=[lists.NUMBER, extension(lists.UNKNOWN, b"x")])),
        ("a number that is too long", leaf, REVOKED, middle(
            b"\0\0" + integer(serial(leaf))[2:])),
    )
    for what, cert, want, *parts in rows:
        expect(what, cert, want, root, *parts)
    # Wherever they are in the file.
    expect("before the root", leaf, REVOKED, middle(leaf), root)
    expect("not verified", leaf, PASSES, root, middle(leaf), verify=False)


@test
def issuers_of_one_name():
    """Whose a list is, its key tells"""
    p = t.pki
    between = ("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,"
               "keyCertSign,cRLSign\nsubjectKeyIdentifier=hash")
    p.key("twin", "p256")
    p.sign("twin", p.root, between, subject=p.middle)
    leaf, other = p.leaf(p.middle, chain=[p.middle]), p.leaf(
        "twin", chain=["twin"])
    root = text(p.root)
    expect("by another of that name", leaf, UNSIGNED, root, listed("twin"))
    expect("of each one, of the one", leaf, REVOKED, root, listed("twin"),
           listed(p.middle, leaf))
    expect("and of the other", other, PASSES, root, listed("twin"),
           listed(p.middle, other))
    expect("of the other alone", leaf, PASSES, root, listed("twin", leaf),
           listed(p.middle))
    # A CA that was revoked, and its successor, whose certificate is sent.
    both = p.leaf(p.middle, chain=["twin", p.middle])
    expect("a successor beside it", both, REVOKED, root,
           listed(p.root, p.middle))
    whole, instead = p.leaf(p.middle, chain=[p.middle]), p.leaf(
        p.middle, chain=["twin"])
    contexts = iter([t.context_of_server(n) for n in (whole, instead)])

    def handle(s):
        c = next(contexts).wrap_socket(s, server_side=True)
        c.sendall(c.recv(1))
    with t.between(handle, roots=roots(root, listed(p.root, p.middle))) as (
            _, proxy):
        equal(t.alert_of(proxy), 44)
        check(t.alert_of(proxy) in (42, 48), "a successor in its place")
    # The same key, by two roots: one of the ways is enough.
    shutil.copy(p.path(p.middle + ".key"), p.path("cross.key"))
    p.sign("cross", p.other, between, subject=p.middle)
    ways = p.leaf(p.middle, chain=[p.middle, "cross"])
    expect("one way is left", ways, PASSES, root, text(p.other),
           listed(p.root, p.middle), listed(p.other))
    expect("none is", ways, REVOKED, root, text(p.other),
           listed(p.root, p.middle), listed(p.other, "cross"))
    expect("a root that is not trusted", ways, REVOKED, root,
           listed(p.root, p.middle))


@test
def keys_of_all_kinds():
    """Whatever certificates may be signed with"""
    p = t.pki
    for kind, md, by in (("rsa", "sha256", "rsa"), ("rsa", "sha256", "pss"),
                         ("p384", "sha384", "ec384"),
                         ("ed25519", None, "ed25519")):
        name = "root" + by
        p.key(name, kind)
        more = ["-" + md] if md else []
        p.run("req", "-x509", "-new", "-key", name + ".key", "-subj",
              "/CN=" + name, "-out", name + ".pem", "-days", "9", *more)
        good, bad = p.leaf(name), p.leaf(name)
        for leaf in (good, bad) if by == "pss" else ():
            p.run("x509", "-req", "-in", leaf + ".csr", "-CA", name + ".pem",
                  "-CAkey", name + ".key", "-set_serial", str(serial(leaf)),
                  "-days", "9", "-extfile", leaf + ".ext", "-sha256",
                  "-sigopt", "rsa_padding_mode:pss", "-sigopt",
                  "rsa_pss_saltlen:32", "-out", leaf + ".chain")
        root = text(name)
        expect(by + ": it was", bad, REVOKED, root, listed(name, bad, kind=by))
        expect(by + ": it was not", good, PASSES, root,
               listed(name, bad, kind=by))
        expect(by + ": broken", good, UNSIGNED, root,
               listed(name, bad, kind=by, spoil=True))


@test
def who_may_sign():
    """A CA whose keyUsage has no cRLSign"""
    p = t.pki
    for name, usage, want in (("mayno", "keyCertSign", UNSIGNED),
                              ("may", "keyCertSign,cRLSign", PASSES)):
        p.key(name, "p256")
        p.sign(name, p.root, "basicConstraints=critical,CA:TRUE\n"
               "keyUsage=critical," + usage + "\nsubjectKeyIdentifier=hash")
        leaf = p.leaf(name, chain=[name])
        expect(usage, leaf, want, text(p.root), listed(name))


@test
def a_long_list():
    """100,000 entries: what they take"""
    p = t.pki
    rnd = random.Random(1)
    leaf, beside = (p.leaf(p.middle, chain=[p.middle]) for _ in range(2))
    many = [rnd.getrandbits(126) for _ in range(100000)] + [serial(leaf)]
    rnd.shuffle(many)
    made = listed(p.middle, *many)
    with t.between(t.echo(beside), roots=roots(text(p.root), made)) as (
            _, proxy):
        took = []
        before = int(proxy.stat()["heap"])
        for _ in range(3):
            start = time.monotonic()
            equal(outcome(proxy), PASSES)
            took.append(1000 * (time.monotonic() - start))
        heap = int(proxy.stat()["heap"]) - before
        print(f"      {len(made) / 1e6:.1f} MB of text, {heap / 1e6:.1f} MB "
              f"kept; {took[0]:.0f} ms at first, then {took[-1]:.0f}")
        check(heap < 4 << 20, f"{heap} octets of heap")
    expect("it is found", leaf, REVOKED, text(p.root), made)


if __name__ == "__main__":
    sys.exit(t.run(tests, t.arguments().parse_args()))
