# SPDX-License-Identifier: GPL-2.0-or-later
"""pki.py - Authorities and certificates for the tests, good ones and bad ones.

All are made by openssl, most of them when somebody wants to see them, and none
outlives a test.
"""
import os
import subprocess
import threading
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
USUAL = (-30, 30)
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

    def issue(self, name, issuer=None, names=(), days=USUAL, key=EC,
              digest="sha256", extensions=LEAF_EXTENSIONS, subject=None,
              usage="serverAuth"):
        """A new certificate; self-signed without an issuer."""
        made = Certificate(self.folder, name)
        request = os.path.join(self.folder, name + ".csr")
        file = os.path.join(self.folder, name + ".ext")
        new = ("req", "-new", "-newkey", *key, "-nodes", "-keyout", made.key,
               "-subj", "/CN=" + (subject or name))
        lines = list(extensions)
        if names:
            lines.append(_alternatives(names))
        if usage and extensions is LEAF_EXTENSIONS:
            lines.append("extendedKeyUsage=" + usage)
        with open(file, "w", encoding="ascii") as out:
            out.write("[req]\ndistinguished_name=n\n[n]\n[e]\n" +
                      "\n".join(lines) + "\n")
        if issuer and extensions is LEAF_EXTENSIONS and days is USUAL:
            # All in one; it begins now, as "req" knows no other time.
            openssl(*new, "-x509", "-CA", issuer.path, "-CAkey", issuer.key,
                    "-out", made.path, "-days", str(days[1]), "-" + digest,
                    "-config", file, "-extensions", "e")
            return made.send()
        openssl(*new, "-out", request)
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


# CAs that few servers need; and whose servers there are.
ISSUERS = {"of-unknown": "Unknown Root", "of-revoked-ca": "Old Intermediate",
           "of-stale": "Stale Intermediate",
           "of-unlisted": "Quiet Intermediate"}
REVOKED = ("revoked-ca", "stale", "unlisted")


class OnDemand(dict):
    """What make(key) gives, which is called once."""

    def __init__(self, make):
        super().__init__()
        self.make, self.lock = make, threading.RLock()

    def __missing__(self, key):
        with self.lock:
            if key not in self:
                self[key] = self.make(key)
            return self[key]


class World(Pki):
    """What the servers of the laboratory have, by the name of a server."""

    def __init__(self, folder, names):
        super().__init__(folder)
        self.names, self.certificates = names, OnDemand(self._certificate)
        self.root = self.authority("Test Root")
        self.between = self.authority("Test Intermediate", self.root)

    def _certificate(self, name):
        root, between, names = self.root, self.between, self.names
        if name in ISSUERS:
            return self.authority(ISSUERS[name], None if name == "of-unknown"
                                  else root)
        if name in REVOKED:
            ca = self.certificates["of-" + name]
            return self.issue(name, ca, names).send(ca)
        if name in ("good", "revoked"):
            return self.issue(name, between, names).send(between)
        if name == "self":
            return self.issue(name, None, names)
        if name == "unknown":
            return self.issue(name, self.certificates["of-unknown"], names)
        if name == "unknown-sent":
            ca = self.certificates["of-unknown"]
            return self.issue(name, ca, names).send(ca)
        if name == "missing":
            return self.issue(name, between, names)
        if name == "no-ca":
            good = self.certificates["good"]
            return self.issue(name, good, names).send(good, between)
        # What is special about the others, which the root has issued.
        return self.issue(name, root, **{"names": names, **{
            "rsa": {"key": ("rsa:2048",)},
            "wild": {"names": ["*.example.net"]},
            "expired": {"days": (-30, -1)},
            "future": {"days": (1, 30)},
            "wrong": {"names": ["wrong.example.org"]},
            "weak": {"key": ("rsa:1024",)},
            "sha1": {"digest": "sha1"},
            "client": {"usage": "clientAuth"},
            "common": {"names": (), "subject": "api.example.com"},
        }[name]})

    @property
    def lists(self):
        """A file with lists of revoked certificates."""
        path, each = os.path.join(self.folder, "lists.pem"), self.certificates
        with each.lock:
            if os.path.exists(path):
                return path
            self.revoke(self.root, each["of-revoked-ca"])
            self.revoke(self.between, each["revoked"])
            self.revoke(each["of-unlisted"], each["unlisted"])
            return self.bundle(
                "lists.pem", self.list_of(each["of-unknown"]),
                self.list_of(self.root), self.list_of(self.between),
                self.list_of(each["of-stale"], (-9, -1)),
                self.list_of(each["of-revoked-ca"]))

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
