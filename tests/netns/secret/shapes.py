# SPDX-License-Identifier: GPL-2.0-or-later
"""shapes.py - How a placeholder is written, where it stands, and how that is cut.

ENCODINGS write a text in another form. PLACES put such a form into what a guest
says: a function of the form, and of the host, that returns octets of HTTP/1.1.
CUTS say what of it is one record of TLS.
"""
import base64
import os
import struct


def percent(text):
    return b"".join(b"%%%02X" % c for c in text)


def percent_some(text):
    """Every third octet, in small letters."""
    return b"".join(b"%%%02x" % c if i % 3 == 1 else bytes([c])
                    for i, c in enumerate(text))


def json_escape(text):
    return b"".join(b"\\u%04x" % c for c in text)


def json_some(text):
    """The first, and the last in capital letters."""
    return b"\\u%04x" % text[0] + text[1:-1] + b"\\u%04X" % text[-1]


def both(text):
    """One octet in one notation, the next in the other."""
    return b"".join(b"%%%02x" % c if i % 2 else b"\\u%04x" % c
                    for i, c in enumerate(text))


def base64_of(before, behind=b":x", encode=base64.b64encode):
    return lambda text: encode(before + text + behind)


def base64_percent(text):
    """A form's field with base64 in it."""
    return base64.b64encode(b"a" + text).replace(b"+", b"%2B").replace(
        b"/", b"%2F").replace(b"=", b"%3D")


ENCODINGS = {
    "raw": bytes,
    "percent": percent,
    "percent-some": percent_some,
    "json": json_escape,
    "json-some": json_some,
    "both": both,
    "base64-0": base64_of(b""),
    "base64-1": base64_of(b"u"),
    "base64-2": base64_of(b"us"),
    "base64-end": base64_of(b"us", b""),
    "base64-url-0": base64_of(b"", encode=base64.urlsafe_b64encode),
    "base64-url-1": base64_of(b"u", encode=base64.urlsafe_b64encode),
    "base64-url-2": base64_of(b"us", encode=base64.urlsafe_b64encode),
    "base64-percent": base64_percent,
}


# Where it stands.

def request(host, line=b"POST /p HTTP/1.1", fields=b"", behind=b""):
    return line + b"\r\nHost: " + host + b"\r\n" + fields + b"\r\n" + behind


def chunked(body, size):
    return b"".join(b"%x\r\n" % len(body[i:i + size]) + body[i:i + size] +
                    b"\r\n" for i in range(0, len(body), size)) + b"0\r\n"


def in_path(form, host):
    return request(host, b"GET /p/" + form + b"/q HTTP/1.1")


def in_query(form, host):
    return request(host, b"GET /p?a=b&key=" + form + b"&c=d HTTP/1.1")


def in_header(form, host):
    return request(host, b"GET / HTTP/1.1", b"X-Api-Key: " + form + b"\r\n")


def in_name(form, host):
    """A field's name, of what letters it may have."""
    return request(host, b"GET / HTTP/1.1", b"X-" + form + b": v\r\n")


def in_cookie(form, host):
    return request(host, b"GET / HTTP/1.1", b"Cookie: a=b; k=" + form +
                   b"; c=d\r\n")


def in_reflected(form, host):
    return request(host, b"GET / HTTP/1.1", b"User-Agent: c " + form +
                   b"\r\n")


def in_body(form, host):
    body = b'{"key": "' + form + b'"}'
    return request(host, fields=b"Content-Length: %d\r\n" % len(body),
                   behind=body)


def in_chunks(size):
    def place(form, host):
        return request(host, fields=b"Transfer-Encoding: chunked\r\n",
                       behind=chunked(b"key=" + form + b"&more=of+it", size) +
                       b"\r\n")
    return place


def in_extension(form, host):
    return request(host, fields=b"Transfer-Encoding: chunked\r\n",
                   behind=b"3;k=" + form + b"\r\nabc\r\n0\r\n\r\n")


def in_trailer(form, host):
    return request(host, fields=b"Transfer-Encoding: chunked\r\n",
                   behind=b"3\r\nabc\r\n0\r\nX-Sum: " + form + b"\r\n\r\n")


def in_second(form, host):
    """In the second of three that are not waited for."""
    return request(host, b"GET /1 HTTP/1.1") + in_header(form, host) + \
        request(host, b"GET /3 HTTP/1.1")


def in_second_body(form, host):
    body = b"x" * 3000 + form
    return request(host, fields=b"Content-Length: 5\r\n", behind=b"first") + \
        request(host, fields=b"Content-Length: %d\r\n" % len(body),
                behind=body)


def in_stream(form, _host):
    """No HTTP at all."""
    return b"\x00\x01\x02LOGIN " + form + b"\r\n"


PLACES = {
    "path": in_path, "query": in_query, "header": in_header,
    "cookie": in_cookie, "reflected": in_reflected, "body": in_body,
    "chunk": in_chunks(1 << 20), "chunks-of-1": in_chunks(1),
    "chunks-of-5": in_chunks(5), "extension": in_extension,
    "trailer": in_trailer, "second": in_second,
    "second-body": in_second_body, "stream": in_stream,
}


def basic(before):
    """Within the credentials of Basic."""
    return lambda text, host: request(
        host, b"GET / HTTP/1.1", b"Authorization: Basic " + base64.b64encode(
            before + text + b":pw") + b"\r\n")


BASIC = {"basic-%d" % n: basic(b"usr"[:n]) for n in range(3)}


# WebSocket.

UPGRADE = (b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
           b"dGhlIHNhbXBsZSBub25jZQ==\r\n")


def upgrade(host):
    return request(host, b"GET /ws HTTP/1.1", UPGRADE)


def frame(text, final=True, opcode=1, mask=None):
    """A frame of a client, with a mask of its own."""
    mask = os.urandom(4) if mask is None else mask
    size = bytes([0x80 | len(text)]) if len(text) < 126 else \
        b"\xfe" + struct.pack("!H", len(text))
    return bytes([0x80 * final | opcode]) + size + mask + bytes(
        c ^ mask[i % 4] for i, c in enumerate(text))


def frames(text, size):
    """A message in fragments."""
    parts = [text[i:i + size] for i in range(0, len(text), size)]
    return b"".join(frame(part, i == len(parts) - 1, 0 if i else 1)
                    for i, part in enumerate(parts))


# How it is cut.

def cut(size):
    return lambda data: [data[i:i + size] for i in range(0, len(data), size)]


CUTS = {"one": lambda data: [data], "octets": cut(1), "sevens": cut(7)}
