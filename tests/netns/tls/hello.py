# SPDX-License-Identifier: GPL-2.0-or-later
"""hello.py - ClientHellos made by hand, in every shape that a wire can give them."""
import os
import struct

GREASE = 0x2a2a
HYBRID = 0x11ec                 # X25519MLKEM768
X25519 = 0x001d


def vector(width, data):
    return len(data).to_bytes(width, "big") + data


def extension(kind, data):
    return struct.pack("!H", kind) + vector(2, data)


def sni(name, kind=0):
    name = name if isinstance(name, bytes) else name.encode()
    return extension(0, vector(2, bytes([kind]) + vector(2, name)))


def alpn(*names):
    return extension(16, vector(2, b"".join(vector(1, n) for n in names)))


def key_share(hybrid=False):
    shares = struct.pack("!H", X25519) + vector(2, os.urandom(32))
    if hybrid:
        shares = struct.pack("!H", GREASE) + vector(2, b"\0") + struct.pack(
            "!H", HYBRID) + vector(2, os.urandom(1216)) + shares
    return extension(51, vector(2, shares))


def body(name, extensions=None, more=b"", ciphers=(0x1301, 0x1302, 0x1303,
                                                  0xc02b, 0xc02f),
         hybrid=False, grease=False, pad=0, version=0x0303, session=32,
         tls13=True):
    """The body of a ClientHello with an SNI, if name is not None."""
    made = b""
    if grease:
        made += extension(GREASE, b"")
    if name is not None:
        made += sni(name)
    if tls13:
        made += extension(43, vector(1, (b"\x1a\x1a" if grease else b"") +
                                     b"\x03\x04\x03\x03"))
    made += extension(10, vector(2, struct.pack(
        "!HHH", HYBRID if hybrid else 24, X25519, 23)))
    made += extension(13, vector(2, bytes.fromhex("040308040401050308050501")))
    made += alpn(b"h2", b"http/1.1")
    made += key_share(hybrid)
    if grease:
        made += extension(0xfafa, b"\0")
    made += more
    if extensions is not None:
        made = extensions
    if grease:
        ciphers = (GREASE,) + tuple(ciphers)
    start = struct.pack("!H", version) + os.urandom(32) + vector(
        1, os.urandom(session)) + vector(2, b"".join(
            struct.pack("!H", c) for c in ciphers)) + b"\x01\0"
    if pad:
        made += extension(21, bytes(pad - len(start) - len(made) - 6 - 4))
    return start + vector(2, made)


def message(data, kind=1):
    return bytes([kind]) + vector(3, data)


def records(data, sizes=(16384,), version=0x0301, kind=22):
    """As records of those sizes; the last size goes on."""
    made, at, n = b"", 0, 0
    while at < len(data):
        part = data[at:at + sizes[min(n, len(sizes) - 1)]]
        made += bytes([kind]) + struct.pack("!H", version) + vector(2, part)
        at += len(part)
        n += 1
    return made


def hello(name, **options):
    """A whole ClientHello in one record."""
    return records(message(body(name, **options)))


def unwrap(flight):
    """The handshake messages in records."""
    made = b""
    while flight:
        size = int.from_bytes(flight[3:5], "big")
        made += flight[5:5 + size]
        flight = flight[5 + size:]
    return made
