# SPDX-License-Identifier: GPL-2.0-or-later
"""pki.py - Authorities and certificates for the tests, good ones and bad ones.

All are made by openssl when a test begins, and none outlives it.
"""
import os
import subprocess
import time

CONFIG = """[ca]
default_ca = own
[own]
database = %(dir)s/index
new_certs_dir = %(dir)s
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
crl_extensions = list
[list]
authorityKeyIdentifier = keyid
[any]
commonName = optional
"""
DAY = 86400
EC = ("ec", "-pkeyopt", "ec_paramgen_curve:P-256")
CA_EXTENSIONS = ("basicConstraints=critical,CA:true",
                 "keyUsage=critical,keyCertSign,cRLSign",
                 "subjectKeyIdentifier=hash")
LEAF_EXTENSIONS = ("basicConstraints=critical,CA:false",
                   "keyUsage=critical,digitalSignature",
                   "subjectKeyIdentifier=hash",
                   "authorityKeyIdentifier=keyid")


def openssl(*words):
    done = subprocess.run(("openssl",) + words, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RuntimeError("openssl %s: %s" % (words[0], done.stderr))
    return done.stdout


def _date(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * DAY))


def _alternatives(names):
    return "subjectAltName=" + ",".join(
        ("IP:" if ":" in n or n.replace(".", "").isdigit() else "DNS:") + n
        for n in names)


class Certificate:
    """A certificate, its key, and the chain that a server sends with it."""

    def __init__(self, folder, name):
        self.name = name
        self.path = os.path.join(folder, name + ".pem")
        self.key = os.path.join(folder, name + ".key")
        self.chain = os.path.join(folder, name + ".chain.pem")

    def pem(self):
        with open(self.path, encoding="ascii") as file:
            return file.read()

    def send(self, *others):
        with open(self.chain, "w", encoding="ascii") as file:
            file.write(self.pem() + "".join(o.pem() for o in others))
        return self


class Pki:
    """Makes certificates in a folder."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.config = os.path.join(folder, "config")
        with open(self.config, "w", encoding="ascii") as file:
            file.write(CONFIG % {"dir": folder})
        with open(os.path.join(folder, "index"), "w", encoding="ascii"):
            pass

    def issue(self, name, issuer=None, names=(), days=(-30, 30), key=EC,
              digest="sha256", extensions=LEAF_EXTENSIONS, subject=None,
              usage="serverAuth"):
        """A new certificate; self-signed without an issuer."""
        made = Certificate(self.folder, name)
        request = os.path.join(self.folder, name + ".csr")
        file = os.path.join(self.folder, name + ".ext")
        openssl("req", "-new", "-newkey", *key, "-nodes", "-keyout", made.key,
                "-out", request, "-subj", "/CN=" + (subject or name))
        lines = list(extensions)
        if names:
            lines.append(_alternatives(names))
        if usage and extensions is LEAF_EXTENSIONS:
            lines.append("extendedKeyUsage=" + usage)
        with open(file, "w", encoding="ascii") as out:
            out.write("[e]\n" + "\n".join(lines) + "\n")
        signer = ("-cert", issuer.path, "-keyfile", issuer.key) if issuer else \
            ("-selfsign", "-keyfile", made.key)
        openssl("ca", "-batch", "-notext", "-config", self.config, "-in",
                request, "-out", made.path, "-startdate", _date(days[0]),
                "-enddate", _date(days[1]), "-md", digest, "-extfile", file,
                "-extensions", "e", *signer)
        return made.send()

    def revoke(self, issuer, *certificates):
        for each in certificates:
            openssl("ca", "-config", self.config, "-cert", issuer.path,
                    "-keyfile", issuer.key, "-revoke", each.path)

    def list_of(self, issuer, days=(-1, 30)):
        """A list by one CA, of what any has revoked: serials are random."""
        path = os.path.join(self.folder, issuer.name + ".crl")
        openssl("ca", "-config", self.config, "-cert", issuer.path, "-keyfile",
                issuer.key, "-gencrl", "-crl_lastupdate", _date(days[0]),
                "-crl_nextupdate", _date(days[1]), "-out", path)
        return path

    def authority(self, name, issuer=None, days=(-30, 3650)):
        return self.issue(name, issuer, days=days,
                          extensions=CA_EXTENSIONS + (
                              ("authorityKeyIdentifier=keyid",) if issuer
                              else ()))


class World(Pki):
    """What the servers of the laboratory have, by the name of a server."""

    def __init__(self, folder, names):
        super().__init__(folder)
        self.root = self.authority("Test Root")
        self.between = self.authority("Test Intermediate", self.root)
        unknown = self.authority("Unknown Root")
        good = self.issue("good", self.between, names).send(self.between)
        self.certificates = {
            "good": good,
            "rsa": self.issue("rsa", self.root, names, key=("rsa:2048",)),
            "wild": self.issue("wild", self.root, ["*.example.net"]),
            "expired": self.issue("expired", self.root, names, (-30, -1)),
            "future": self.issue("future", self.root, names, (1, 30)),
            "wrong": self.issue("wrong", self.root, ["wrong.example.org"]),
            "self": self.issue("self", None, names),
            "unknown": self.issue("unknown", unknown, names),
            "unknown-sent": self.issue("unknown-sent", unknown,
                                       names).send(unknown),
            "missing": self.issue("missing", self.between, names),
            "weak": self.issue("weak", self.root, names, key=("rsa:1024",)),
            "sha1": self.issue("sha1", self.root, names, digest="sha1"),
            "no-ca": self.issue("no-ca", good, names).send(good, self.between),
            "client": self.issue("client", self.root, names,
                                 usage="clientAuth"),
            "common": self.issue("common", self.root,
                                 subject="api.example.com"),
        }
        self.lists = self._revocations(names, unknown)

    def _revocations(self, names, stranger):
        """Certificates that were revoked, and a file with the lists."""
        old, stale, quiet = (self.authority(name, self.root) for name in (
            "Old Intermediate", "Stale Intermediate", "Quiet Intermediate"))
        made = {name: self.issue(name, ca, names).send(ca) for name, ca in (
            ("revoked", self.between), ("revoked-ca", old), ("stale", stale),
            ("unlisted", quiet))}
        self.certificates.update(made)
        self.revoke(self.root, old)
        self.revoke(self.between, made["revoked"])
        self.revoke(quiet, made["unlisted"])
        return self.bundle("lists.pem", self.list_of(stranger),
                           self.list_of(self.root), self.list_of(self.between),
                           self.list_of(stale, (-9, -1)), self.list_of(old))

    def bundle(self, name, *paths):
        """One file with the certificates of several."""
        path = os.path.join(self.folder, name)
        text = ""
        for each in paths:
            with open(each, encoding="ascii") as file:
                text += file.read()
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path
