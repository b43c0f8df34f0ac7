# SPDX-License-Identifier: GPL-2.0-or-later
"""lists.py - Revocation lists, good ones and such as no tool makes.

A list is written octet by octet, and signed by openssl(1).
"""
import base64
import subprocess
import time

SHA256 = {"ec": "06082a8648ce3d040302", "ec384": "06082a8648ce3d040303",
          "rsa": "06092a864886f70d01010b0500",
          "ed25519": "06032b6570", "sha1": "06092a864886f70d0101050500",
          "pss": "06092a864886f70d01010a3034a00f300d06096086480165030402010500"
                 "a11c301a06092a864886f70d010108300d06096086480165030402010500"
                 "a203020120"}
DAY = 86400


def tlv(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    if size < 128:
        return bytes([tag, size]) + body
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + body


def sequence(*parts):
    return tlv(0x30, *parts)


def integer(number):
    """As DER has it; octets are taken as they are."""
    if isinstance(number, bytes):
        return tlv(2, number)
    return tlv(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def date(when):
    return tlv(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(when)).encode())


def extension(oid, value, critical=False):
    """oid: the last octet of 2.5.29.n, or all of it"""
    oid = bytes([0x55, 0x1d, oid]) if isinstance(oid, int) else oid
    return sequence(tlv(6, oid), b"\x01\x01\xff" if critical else b"",
                    tlv(4, value))


REASON = {name: extension(21, bytes([0x0a, 1, n])) for name, n in (
    ("key", 1), ("hold", 6), ("returned", 8))}


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], input=data, check=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).stdout


def name_of(cert):
    """The subject of a certificate, its DER."""
    der = base64.b64decode(open(cert).read().split("-----")[2])

    def read(at):
        size = der[at + 1]
        if size < 0x80:
            return at + 2, at + 2 + size
        n = size & 0x7f
        size = int.from_bytes(der[at + 2:at + 2 + n], "big")
        return at + 2 + n, at + 2 + n + size
    at = read(read(0)[0])[0]
    for k in range(6):      # version, serial, algorithm, issuer, validity
        end = read(at)[1]
        if k == 5:
            return der[at:end]
        at = end
    return None


def pem(der, label="X509 CRL"):
    text = base64.b64encode(der).decode()
    return f"-----BEGIN {label}-----\n" + "".join(
        text[k:k + 64] + "\n" for k in range(0, len(text), 64)) + \
        f"-----END {label}-----\n"


def sign(tbs, key, kind):
    """tbs as signed by the key of a file"""
    if kind == "ed25519":
        open(key + ".tbs", "wb").write(tbs)
        return openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in",
                       key + ".tbs")
    md = {"ec384": "-sha384", "sha1": "-sha1"}.get(kind, "-sha256")
    more = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] \
        if kind == "pss" else []
    return openssl("dgst", md, "-sign", key, *more, data=tbs)


def make(cert, key, revoked=(), kind="ec", since=-DAY, until=DAY, extensions=(),
         entry=b"", v1=False, name=None, head=None, spoil=False, inner=None):
    """A list: PEM. revoked: serial numbers, or (serial, extensions)."""
    now = time.time()
    algorithm = sequence(bytes.fromhex(SHA256[kind]))
    entries = []
    for one in revoked:
        serial, more = one if isinstance(one, tuple) else (one, entry)
        entries.append(sequence(integer(serial), date(now - 2 * DAY),
                                sequence(more) if more else b""))
    tbs = sequence(
        b"" if v1 else integer(1) if head is None else head,
        algorithm if inner is None else inner, name or name_of(cert),
        date(now + since),
        date(now + until) if until is not None else b"",
        sequence(*entries) if entries else b"",
        tlv(0xa0, sequence(*extensions)) if extensions else b"")
    signature = sign(tbs, key, kind)
    if spoil:
        signature = signature[:-1] + bytes([signature[-1] ^ 1])
    return pem(sequence(tbs, algorithm, tlv(3, b"\0", signature)))


NUMBER = extension(20, integer(7))
SCOPE = extension(28, sequence(b"\x81\x01\xff"), True)  # onlyContainsUserCerts
POINT = extension(28, sequence(tlv(0xa0, tlv(0xa0, tlv(0x86, b"http://x/")))), True)
CHANGES = extension(27, integer(3), True)
UNKNOWN = bytes.fromhex("2b060104018337")
