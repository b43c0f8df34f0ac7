# SPDX-License-Identifier: GPL-2.0-or-later
"""What CAs may issue: names and addresses, purposes, lengths, hashes.

Peers, the proxy with the engine in it and certificates are test_intercept.py's.
Where there is more than one way to be wrong OpenSSL's verdict is beside ours.
"""
import subprocess
import sys

import test_intercept as t
from test_intercept import HOST, NAME, connect, equal

tests = []
CA = ("basicConstraints=critical,CA:TRUE%s\nkeyUsage=critical,keyCertSign,"
      "cRLSign\nsubjectKeyIdentifier=hash\n")
PASSES = (None, None)
NAMES = (42, "name not permitted to its issuer")
PURPOSE = (43, "certificate not for servers")
LENGTH = (42, "issuer may not issue")
HASH = (42, "certificate signed with a weak hash")
OTHER = (42, "certificate for another name")


def test(f):
    tests.append(f)
    return f


def authority(name, issuer, more="", subject=None, length=""):
    t.pki.key(name, "p256")
    t.pki.sign(name, issuer, CA % length + more, subject=subject)
    return name


def limited(name, issuer, constraint, **more):
    return authority(name, issuer, "nameConstraints=critical," + constraint,
                     **more)


def below(*chain, **more):
    """A leaf, and the CAs above it, the nearest first"""
    return t.pki.leaf(chain[0], chain=chain, **more)


def outcome(proxy, name):
    """The alert and why, or nothing"""
    try:
        with connect(proxy, name) as c:
            c.sendall(b"x")
            equal(c.recv(1), b"x")
        return PASSES
    except t.ssl.SSLError:
        pass
    words = proxy.line()
    hello = t.client_hello(name)[0]
    return t.alert_of(proxy, hello), words[len("failed shut "):]


def expect(what, leaf, want, name=NAME, root="root"):
    with t.between(t.echo(leaf), roots=root) as (_, proxy):
        equal(outcome(proxy, name), want, what)


def openssl_passes(leaf, name, root="root"):
    path = t.pki.path
    return subprocess.run(
        ["openssl", "verify", "-purpose", "sslserver", "-CAfile",
         path(root + ".pem"), "-untrusted", path(leaf + ".chain"),
         *(("-verify_ip", name) if name == HOST else
           ("-verify_hostname", name)), path(leaf + ".pem")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        check=False).returncode == 0


@test
def names_at_every_remove():
    """A CA that a limited one has made is as limited"""
    root = t.pki.root
    corp = limited("corp", root, "permitted;DNS:corp.example")
    without = limited("without", root, "excluded;DNS:example.com")
    # wolfSSL takes a CA's common name for one of a host.
    sub = authority("corpsub", corp, subject="ca.corp.example")
    subsub = authority("corpsubsub", sub, subject="cb.corp.example")
    other = authority("withoutsub", without)
    mine = dict(names="DNS:a.corp.example")
    for what, leaf, want, name in (
            ("its own", below(corp, **mine), PASSES, "a.corp.example"),
            ("another", below(corp), NAMES, NAME),
            ("one below", below(sub, corp, **mine), PASSES, "a.corp.example"),
            ("one below, another", below(sub, corp), NAMES, NAME),
            ("two below, another", below(subsub, sub, corp), NAMES, NAME),
            ("excluded", below(without), NAMES, NAME),
            ("one below, excluded", below(other, without), NAMES, NAME),
            ("one below, others", below(other, without,
                                        names="DNS:a.example.org"),
             PASSES, "a.example.org")):
        expect(what, leaf, want, name)
        equal(openssl_passes(leaf, name), want == PASSES, what)


@test
def names_of_roots():
    """What a root of one's own is limited to"""
    root = limited("corproot", None, "permitted;DNS:corp.example")
    sub = authority("corprootsub", root, subject="ca.corp.example")
    for what, leaf, want, name in (
            ("another", below(root), NAMES, NAME),
            ("one below, another", below(sub), NAMES, NAME),
            ("one below, its own", below(sub, names="DNS:corp.example"), PASSES,
             "corp.example")):
        expect(what, leaf, want, name, root)
        equal(openssl_passes(leaf, name, root), want == PASSES, what)
    # Two of one name: whose certificate it is its signature tells.
    free = authority("freeroot", None, subject=root)
    both = t.pki.path("bothroots.pem")
    for order in ((root, free), (free, root)):
        with open(both, "w") as f:
            for name in order:
                with open(t.pki.path(name + ".pem")) as one:
                    f.write(one.read())
        expect("by the limited one", below(sub), NAMES, root="bothroots")
        expect("by the other", below(free), PASSES, root="bothroots")


@test
def addresses():
    """Subtrees of addresses"""
    root = t.pki.root
    leaf = dict(names="IP:" + HOST)
    for k, (constraint, want) in enumerate((
            ("permitted;IP:127.0.0.0/255.0.0.0", PASSES),
            ("permitted;IP:127.0.0.1/255.255.255.255", PASSES),
            ("permitted;IP:10.0.0.0/255.0.0.0", NAMES),
            ("permitted;IP:2001:db8::/ffff:ffff::", NAMES),
            ("excluded;IP:127.0.0.0/255.0.0.0", NAMES),
            ("excluded;IP:10.0.0.0/255.0.0.0", PASSES),
            ("permitted;email:corp.example", PASSES))):
        ca = limited(f"ip{k}", root, constraint)
        made = below(ca, **leaf)
        expect(constraint, made, want, HOST)
        equal(openssl_passes(made, HOST), want == PASSES, constraint)


@test
def ways_of_one_name():
    """Two CAs of one name, one of them limited: the signature tells, and one
    way is enough"""
    root = t.pki.root
    sub = limited("narrow", root, "permitted;DNS:corp.example", subject="twin")
    free = authority("wide", root, subject="twin")
    expect("by the limited one", t.pki.leaf(sub, chain=[free, sub]), NAMES)
    expect("by the other", t.pki.leaf(free, chain=[sub, free]), PASSES)
    # The same name and key.
    t.shutil.copy(t.pki.path(sub + ".key"), t.pki.path("same.key"))
    t.pki.sign("same", root, CA % "", subject="twin")
    expect("a way that is wide", t.pki.leaf(sub, chain=[sub, "same"]), PASSES)


@test
def forms():
    """A name that is not to be got round a subtree by its form"""
    root = t.pki.root
    ca = limited("formless", root, "excluded;DNS:api.example.com")
    expect("a wildcard above it", below(ca, names="DNS:*.example.com"), NAMES)
    expect("a name beside it", below(ca, names="DNS:*.example.com"), PASSES,
           "apj.example.com")
    expect("in capitals", below(ca, names="DNS:API.Example.COM"), NAMES)
    expect("with a dot at its end", below(ca, names="DNS:api.example.com."),
           NAMES)
    expect("that dot, from nobody limited",
           t.pki.leaf(root, names="DNS:api.example.com."), OTHER)


@test
def purposes():
    """extKeyUsage of CAs, keyUsage of servers"""
    root = t.pki.root
    for k, (usage, want) in enumerate((
            ("serverAuth", PASSES), ("clientAuth,serverAuth", PASSES),
            ("emailProtection", PURPOSE), ("clientAuth", PURPOSE),
            ("1.2.3.4", PURPOSE))):
        ca = authority(f"eku{k}", root, "extendedKeyUsage=" + usage)
        sub = authority(f"ekusub{k}", ca)
        for leaf in (below(ca), below(sub, ca)):
            expect(usage, leaf, want)
            equal(openssl_passes(leaf, NAME), want == PASSES, usage)
    expect("any", below(authority("ekuany", root, "extendedKeyUsage="
                                  "anyExtendedKeyUsage")), PASSES)
    mail = authority("mailroot", None, "extendedKeyUsage=emailProtection")
    expect("a root", below(mail), PURPOSE, root=mail)
    for usage, want in (("digitalSignature", PASSES),
                        ("keyCertSign", PURPOSE), ("keyEncipherment", PURPOSE)):
        expect(usage, t.pki.leaf(root, more="keyUsage=critical," + usage),
               want)


@test
def roots_that_are_none():
    """A server's own certificate among the roots stands for itself alone"""
    name = "DNS:own.example.com\n"
    for k, (what, extensions, want) in enumerate((
            ("no CA", "basicConstraints=critical,CA:FALSE", LENGTH),
            ("not said", "subjectKeyIdentifier=hash", LENGTH),
            ("may not", "basicConstraints=critical,CA:TRUE\n"
             "keyUsage=critical,digitalSignature", LENGTH),
            ("a usage alone", "keyUsage=critical,keyCertSign,digitalSignature",
             PASSES),
            ("a CA", "basicConstraints=critical,CA:TRUE\n"
             "keyUsage=critical,digitalSignature,keyCertSign", PASSES))):
        own = f"own{k}"
        t.pki.key(own, "p256")
        t.pki.sign(own, None, "subjectAltName=" + name + extensions)
        t.shutil.copy(t.pki.path(own + ".pem"), t.pki.path(own + ".chain"))
        expect(what + ", itself", own, PASSES, "own.example.com", own)
        leaf = below(own)
        expect(what + ", another", leaf, want, root=own)
        equal(openssl_passes(leaf, NAME, own), want == PASSES, what)
    # The same name and key, for another name: it is not that certificate.
    t.shutil.copy(t.pki.path("own0.key"), t.pki.path("more.key"))
    t.pki.sign("more", None, "subjectAltName=DNS:" + NAME + "\nbasicConstraints="
               "critical,CA:FALSE", subject="own0")
    t.shutil.copy(t.pki.path("more.pem"), t.pki.path("more.chain"))
    expect("made anew", "more", LENGTH, root="own0")
    # Version 1 says nothing of it.
    t.pki.key("first", "p256")
    t.pki.run("req", "-new", "-key", "first.key", "-subj", "/CN=first", "-out",
              "first.csr")
    t.pki.run("x509", "-req", "-in", "first.csr", "-signkey", "first.key",
              "-days", "9", "-out", "first.pem")
    expect("version 1", below("first"), PASSES, root="first")


@test
def lengths():
    """How long a way a root permits"""
    root = authority("shortroot", None, length=",pathlen:0")
    longer = authority("longerroot", None, length=",pathlen:1")
    for top, n, want in ((root, 0, PASSES), (root, 1, LENGTH),
                         (longer, 1, PASSES), (longer, 2, LENGTH)):
        chain = [top]
        for k in range(n):
            chain.insert(0, authority(f"{top}{n}{k}", chain[0]))
        leaf = t.pki.leaf(chain[0], chain=chain[:-1])
        expect(f"{top}, {n} between", leaf, want, root=top)
        equal(openssl_passes(leaf, NAME, top), want == PASSES, f"{top}, {n}")


@test
def hashes_of_pss():
    """SHA-1 in RSA-PSS is SHA-1"""
    t.pki.authority("pssroot", kind="rsa")
    for md, want in (("sha1", HASH), ("sha256", PASSES), ("sha512", PASSES)):
        name = t.pki.leaf(t.pki.root)
        t.pki.run("x509", "-req", "-in", name + ".csr", "-CA", "pssroot.pem",
                  "-CAkey", "pssroot.key", "-set_serial", "77", "-days", "9",
                  "-extfile", name + ".ext", "-" + md, "-sigopt",
                  "rsa_padding_mode:pss", "-sigopt", "rsa_mgf1_md:" + md,
                  "-sigopt", "rsa_pss_saltlen:digest", "-out", name + ".chain")
        expect(md, name, want, root="pssroot")


if __name__ == "__main__":
    sys.exit(t.run(tests, t.arguments().parse_args()))
