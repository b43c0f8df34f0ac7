# SPDX-License-Identifier: GPL-2.0-or-later
"""shapes2.py - What a guest says in HTTP/2, frame by frame.

PLACES2 put a form into a flow: a function of the form, and of the host, that
returns octets. The tables of HPACK are those of hpack, which is h2's.
"""
import hpack

from tls.world import frame2

DATA, HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION = 0, 1, 3, 4, 6, 9
END_STREAM, END_HEADERS, PADDED = 1, 4, 8
# It takes whatever it is answered: INITIAL_WINDOW_SIZE, and WINDOW_UPDATE.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame2(
    SETTINGS, 0, 0, b"\0\4\x7f\xff\xff\xff") + frame2(
        8, 0, 0, b"\x7f\0\0\0")


def head(host, path=b"/p", method=b"POST", more=()):
    return [(b":method", method), (b":scheme", b"https"),
            (b":authority", host), (b":path", path), *more]


class Client:
    """Writes frames; it is said what comes of them when they are sent."""

    def __init__(self, huffman=True):
        self.encoder, self.huffman = hpack.Encoder(), huffman
        self.out, self.next = PREFACE, 1

    def headers(self, fields, end=True, piece=1 << 14, stream=None,
                never=False):
        """A head, or trailers, in frames with so many octets of it each."""
        if stream is None:
            stream, self.next = self.next, self.next + 2
        if never:
            fields = [hpack.NeverIndexedHeaderTuple(*f) for f in fields]
        block = self.encoder.encode(fields, self.huffman)
        parts = [block[i:i + piece] for i in range(0, len(block), piece)]
        for n, part in enumerate(parts):
            self.out += frame2(
                CONTINUATION if n else HEADERS,
                (END_HEADERS if n == len(parts) - 1 else 0) |
                (END_STREAM if end and not n else 0), stream, part)
        return stream

    def data(self, stream, body, end=True, piece=1 << 14, padding=None):
        parts = [body[i:i + piece] for i in range(0, len(body), piece)] or [b""]
        for n, part in enumerate(parts):
            flags = END_STREAM if end and n == len(parts) - 1 else 0
            if padding is not None:
                part = bytes([padding]) + part + bytes(padding)
                flags |= PADDED
            self.out += frame2(DATA, flags, stream, part)

    def frame(self, kind, flags, stream, body):
        self.out += frame2(kind, flags, stream, body)

    def take(self):
        taken, self.out = self.out, b""
        return taken


def with_head(**options):
    """In a field of a head that is written as options say."""
    huffman = options.pop("huffman", True)

    def place(form, host):
        made = Client(huffman)
        made.headers(head(host, method=b"GET", more=[(b"x-api-key", form)]),
                     **options)
        return made.take()
    return place


def in_path(form, host):
    made = Client()
    made.headers(head(host, b"/p/" + form + b"?q=1", b"GET"))
    return made.take()


def in_table(form, host):
    """The second request names it by its place in HPACK's table."""
    made = Client()
    made.headers(head(host, method=b"GET"))
    made.headers(head(host, method=b"GET", more=[(b"x-api-key", form)]))
    made.headers(head(host, method=b"GET", more=[(b"x-api-key", form)]))
    return made.take()


def in_data(piece, padding=None):
    def place(form, host):
        made = Client()
        stream = made.headers(head(host), end=False)
        made.data(stream, b'{"key": "' + form + b'"}', piece=piece,
                  padding=padding)
        return made.take()
    return place


def in_padding(form, host):
    """Where nobody looks."""
    made = Client()
    stream = made.headers(head(host), end=False)
    made.frame(DATA, END_STREAM | PADDED, stream,
               bytes([len(form)]) + b"body" + form)
    return made.take()


def in_trailers(form, host):
    made = Client()
    stream = made.headers(head(host), end=False)
    made.data(stream, b"body", end=False)
    made.headers([(b"x-sum", form)], stream=stream)
    return made.take()


def in_ping(form, host):
    """Eight octets are too few for it; a frame that nobody knows has room."""
    made = Client()
    made.headers(head(host, method=b"GET"))
    made.frame(0x5a, 0, 0, form)
    return made.take()


def among_streams(form, host):
    """Bodies of ten requests, octet by octet in turns; one of them has it."""
    made = Client()
    bodies = {}
    for n in range(10):
        stream = made.headers(head(host, b"/%d" % n), end=False)
        bodies[stream] = b"x" * 9 + (form if n == 6 else b"y" * len(form))
    for at in range(9 + len(form)):
        for stream, body in bodies.items():
            made.data(stream, body[at:at + 1], end=at == len(body) - 1)
    return made.take()


def over_streams(form, host):
    """Half in one stream and half in another is nothing."""
    made = Client()
    one = made.headers(head(host), end=False)
    two = made.headers(head(host), end=False)
    half = len(form) // 2
    made.data(one, form[:half], end=False)
    made.data(two, form[half:], end=False)
    made.data(one, b".", end=True)
    made.data(two, b".", end=True)
    return made.take()


PLACES2 = {
    "header": with_head(), "header-plain": with_head(huffman=False),
    "header-never": with_head(never=True),
    "continuation-20": with_head(piece=20),
    "continuation-3": with_head(piece=3), "path": in_path, "table": in_table,
    "data": in_data(1 << 14), "data-of-1": in_data(1),
    "data-of-5": in_data(5), "data-padded": in_data(3, 7),
    "padding": in_padding, "trailers": in_trailers, "frame": in_ping,
    "streams": among_streams,
}
