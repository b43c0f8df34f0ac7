# SPDX-License-Identifier: GPL-2.0-or-later
"""rows.py - Requests of HTTP/1.1, and what is to arrive of them.

The marks of a template are those of stage.Text: what the server hears is to be,
octet by octet, what the guest says, but for what is marked.
"""
import collections

from . import shapes

# What the guest says, to whom, how many answers there are; "body" is for what
# goes on in chunks, where the body alone is compared.
Row = collections.namedtuple("Row", "name host template answers body cut",
                             defaults=(1, None, "one"))


def get(host, fields, line="GET / HTTP/1.1"):
    return ("%s\r\nHost: %s\r\n%s\r\n" % (line, host, "".join(
        f + "\r\n" for f in fields))).encode()


def post(host, body, fields=(), line="POST /p HTTP/1.1", length=None):
    """@length is of the octets that are said, where these have a mark."""
    return get(host, [*fields, "Content-Length: %d" % (
        len(body) if length is None else length)], line) + body


V, A, S, B = ("vault.example.com", "a.vault.example.net",
              "stranger.example.com", "body.example.com")
JSON, FORM = ("Content-Type: application/json",
              "Content-Type: application/x-www-form-urlencoded")
REFLECTED = ("User-Agent", "Referer", "Origin", "X-Request-Id", "Request-Id",
             "traceparent", "tracestate", "X-Correlation-Id", "Accept",
             "Accept-Language", "From", "If-None-Match", "Range",
             "Idempotency-Key", "X-Forwarded-For", "Via", "Forwarded",
             "Sec-WebSocket-Protocol", "Content-Type", "X-B3-TraceId",
             "X-Amzn-Trace-Id", "Access-Control-Request-Headers", "baggage",
             "X-Requested-With", "X-Real-IP")

ARRIVES = [
    # Where a value is put in.
    Row("a header", V, get(V, ["X-Api-Key: <KEY>"])),
    Row("Bearer", V, get(V, ["Authorization: Bearer <KEY>"])),
    Row("within a value", V, get(V, ["X: a<KEY>b", "Cookie: a=<KEY>; b=c"])),
    Row("twice in a field", V, get(V, ["X: <KEY>,<KEY>"])),
    Row("in several fields", V, get(V, ["X: <KEY>", "Y: <KEY>", "X: <KEY>"])),
    Row("several secrets", V, get(V, ["X: <KEY>", "Y: <TOKEN>", "Z: <SHORT>"])),
    Row("side by side", V, get(V, ["X: <KEY><TOKEN><SHORT><KEY>"])),
    Row("one begins like another", V, get(V, ["X: <KEY2>", "Y: <KEY>",
                                              "Z: <KEY>=<KEY2>3"])),
    Row("a long one", V, get(V, ["X: <LONG>", "Y: <KEY>"])),
    Row("four long ones", V, get(V, ["X: <LONG>"] * 4)),
    Row("a value beyond ASCII", V, get(V, ["X: <UTF8>"])),
    Row("a value with placeholders", V, get(V, ["X: <NEST>", "Y: <KEY>",
        "Authorization: Basic {b64:u:<NEST>:b64}"])),
    Row("without a blank", V, get(V, ["X:<KEY>"])),
    Row("another method", V, get(V, ["X: <KEY>"], "DELETE /p?q#f HTTP/1.1")),
    Row("a name in any case", V, get(V, ["AUTHORIZATION: <KEY>"])),
    # Basic.
    Row("Basic's password", V, get(V, [
        "Authorization: Basic {b64:user:<KEY>:b64}"])),
    Row("Basic's name", V, get(V, ["Authorization: Basic {b64:<KEY>::b64}"])),
    Row("both of Basic", V, get(V, [
        "Authorization: Basic {b64:<KEY>:<TOKEN>:b64}"])),
    Row("Basic with one that stays", V, get(V, [
        "Authorization: Basic {b64:a:$MSB_NONE<KEY2>:b64}"])),
    Row("basic, in small letters", V, get(V, [
        "authorization: basic {b64:ab:<KEY>:b64}"])),
    Row("Proxy-Authorization", V, get(V, [
        "Proxy-Authorization: Basic {b64:abc:<KEY>:b64}"])),
    Row("base64 that is not Basic's", V, get(V, [
        "Authorization: Other {b64:user:[KEY]:b64}",
        "X-Basic: Basic {b64:user:[KEY]:b64}"])),
    # Where the placeholder stays.
    *(Row("%s stays" % name, V, get(V, ["%s: [KEY]" % name, "X: <KEY>"]))
      for name in REFLECTED),
    Row("the path stays", V, get(V, [], "GET /p/[KEY]/[TOKEN] HTTP/1.1")),
    Row("a query stays", V, get(V, [], "GET /p?key=[KEY] HTTP/1.1")),
    Row("a query with Inject", V, get(V, [], "GET /p/[TOKEN]?a=[KEY]&t={pct:"
                                             "<TOKEN>:pct}&u=v HTTP/1.1")),
    Row("escaped ones stay", V, get(V, [
        "X: %24MSB_KEY", "Y: \\u0024MSB_KEY", "Z: {b64:[KEY]:b64}"],
        "GET /p?k=%24MSB_KEY HTTP/1.1")),
    Row("another query with Inject", V, get(V, [
        "X: <TOKEN>"], "GET /?{pct:<TOKEN>:pct} HTTP/1.1")),
    Row("a body stays", V, get(V, ["X: <KEY>", "Content-Length: 10"],
                               "POST / HTTP/1.1") + b"k=[KEY]"),
    Row("chunks stay", V, get(V, ["X: <KEY>", "Transfer-Encoding: chunked"],
                              "POST / HTTP/1.1") +
        b"3\r\n$MS\r\n5;x=[KEY]\r\nB_KEY\r\n0\r\nX-T: [KEY]\r\n\r\n"),
    Row("no placeholder at all", V, get(V, ["X: $MSB_", "Y: {{token}"])),
    # Whom it is for.
    Row("a name below", A, get(A, ["X: <KEY>"])),
    Row("deeper below", "b." + A, get("b." + A, ["X: <KEY>"])),
    Row("a name in capitals", "Vault.Example.COM", get(
        "VAULT.example.com", ["X: <KEY>"])),
    Row("a port in Host", V, get(V + ":443", ["X: <KEY>"])),
    Row("absolute form", V, get(V, ["X: <KEY>"], "GET https://%s/p HTTP/1.1" %
                                V)),
    Row("absolute form with a port", V, get(
        V + ":443", ["X: <KEY>"], "GET https://%s:443/p HTTP/1.1" % V)),
    Row("a request to all", V, get(V, ["X: <KEY>"], "OPTIONS * HTTP/1.1")),
    Row("HTTP/1.0", V, get(V, ["X: <KEY>"], "GET / HTTP/1.0")),
    # One after the other.
    Row("pipelined", V, get(V, ["X: <KEY>"], "GET /1 HTTP/1.1") +
        post(V, b"abc", ["Y: <TOKEN>"]) + get(V, ["Z: <SHORT>"]), 3),
    Row("100 pipelined", V, b"".join(
        get(V, ["X: <KEY>"], "GET /%d HTTP/1.1" % n) for n in range(100)), 100),
    Row("an empty line between", V, get(V, ["X: <KEY>"]) +
        get(V, ["X: <KEY>"]), 2),
    Row("octet by octet", V, get(V, ["X: <KEY>", "Authorization: Basic {b64:u:"
                                     "<KEY>:b64}"]), cut="octets"),
    Row("pipelined, octet by octet", V, 2 * get(V, ["X: <KEY><KEY2>"]) +
        post(V, b"0123456789", ["Y: <TOKEN>"]), 3, cut="octets"),
    Row("a body octet by octet", V, post(V, b"x" * 300, ["X: <KEY>"]),
        cut="octets"),
    # Bodies with Inject.
    Row("a JSON body", B, post(B, b'{"k": "<BODY>"}', [JSON, "X: <BODY>"],
                               length=18),
        body=b'{"k": "{json:<BODY>:json}"}'),
    Row("a form's body", B, post(B, b"a=b&k=<BODY>&c=d", [FORM], length=19),
        body=b"a=b&k={pct:<BODY>:pct}&c=d"),
    Row("another body", B, post(B, b"-- <BODY><BODY> --", length=24),
        body=b"-- <BODY><BODY> --"),
    Row("a body octet by octet, with a value", B, post(
        B, b"x" * 50 + b"<BODY>" + b"y" * 50, length=109),
        body=b"x" * 50 + b"<BODY>" + b"y" * 50, cut="octets"),
    Row("chunks with a value", B, get(B, [
        "Transfer-Encoding: chunked"], "POST / HTTP/1.1") +
        b"4\r\na$MS\r\n6\r\nB_BODY\r\n0\r\nX-T: [BODY]\r\n\r\n",
        body=b"a<BODY>"),
    Row("a coded body stays", B, post(B, b"[BODY]", [
        "Content-Encoding: gzip"], length=9), body=b"[BODY]"),
    Row("a body of HTTP/1.0 stays", B, post(
        B, b"[BODY]", line="POST / HTTP/1.0", length=9), body=b"[BODY]"),
    Row("a body, then a request", B, post(
        B, b"<BODY>", [], length=9) + get(B, ["X: <BODY>"]), 2,
        body=b"<BODY>"),
    # Elsewhere nothing is put in, and nothing is changed.
    Row("a stranger", S, get(S, ["X: y", "Authorization: Bearer abc"])),
    Row("a stranger's body", S, post(S, bytes(range(256)) * 40)),
]

# What the guest says where a secret is eligible, so that it can be read in two
# ways: the words of the event's "reason" are in the code.
FRAMING = {
    "two lengths": get(V, ["Content-Length: 3", "Content-Length: 4"],
                       "POST / HTTP/1.1") + b"abcd",
    "a length twice": get(V, ["Content-Length: 3", "Content-Length: 3"],
                          "POST / HTTP/1.1") + b"abc",
    "a list of lengths": get(V, ["Content-Length: 3, 3"],
                             "POST / HTTP/1.1") + b"abc",
    "a signed length": get(V, ["Content-Length: +3"],
                           "POST / HTTP/1.1") + b"abc",
    "a length in hexadecimal": get(V, ["Content-Length: 0x3"],
                                   "POST / HTTP/1.1") + b"abc",
    "an endless length": get(V, ["Content-Length: " + "9" * 30],
                             "POST / HTTP/1.1") + b"abc",
    "a length beside chunked": get(V, [
        "Content-Length: 3", "Transfer-Encoding: chunked"],
        "POST / HTTP/1.1") + b"0\r\n\r\n",
    "chunked beside a length": get(V, [
        "Transfer-Encoding: chunked", "Content-Length: 3"],
        "POST / HTTP/1.1") + b"0\r\n\r\n",
    "chunked twice": get(V, ["Transfer-Encoding: chunked"] * 2,
                         "POST / HTTP/1.1") + b"0\r\n\r\n",
    "a coding before chunked": get(V, ["Transfer-Encoding: gzip, chunked"],
                                   "POST / HTTP/1.1") + b"0\r\n\r\n",
    "identity": get(V, ["Transfer-Encoding: identity"],
                    "POST / HTTP/1.1") + b"0\r\n\r\n",
    "chunked, spelt oddly": get(V, ["Transfer-Encoding: \"chunked\""],
                                "POST / HTTP/1.1") + b"0\r\n\r\n",
    "chunked in HTTP/1.0": get(V, ["Transfer-Encoding: chunked"],
                               "POST / HTTP/1.0") + b"0\r\n\r\n",
    "a blank before the colon": get(V, ["Content-Length : 3"],
                                    "POST / HTTP/1.1") + b"abc",
    "a folded line": get(V, ["X: a\r\n b"]),
    "a folded first line": get(V, [], "GET / HTTP/1.1\r\n X: y"),
    "LF alone": get(V, []).replace(b"\r\n", b"\n"),
    "LF alone in one line": get(V, ["X: a\nY: b"]),
    "CR alone in one line": get(V, ["X: a\rY: b"]),
    "NUL": get(V, ["X: a\0b"]),
    "a control character": get(V, ["X: a\x0bb"]),
    "a name that is none": get(V, ["X y: a"]),
    "no name": get(V, [": a"]),
    "a line without a colon": get(V, ["X"]),
    "a blank in the target": get(V, [], "GET /a b HTTP/1.1"),
    "a target that is none": get(V, [], "GET p HTTP/1.1"),
    "two hosts": get(V, ["Host: " + V]),
    "a chunk's size that is none": get(V, ["Transfer-Encoding: chunked"],
                                       "POST / HTTP/1.1") + b"xyz\r\nabc\r\n",
    "a chunk's size with 0x": get(V, ["Transfer-Encoding: chunked"],
                                  "POST / HTTP/1.1") + b"0x3\r\nabc\r\n",
    "a chunk's size with a blank": get(V, [
        "Transfer-Encoding: chunked"], "POST / HTTP/1.1") + b"3 \r\nabc\r\n",
    "an endless chunk": get(V, ["Transfer-Encoding: chunked"],
                            "POST / HTTP/1.1") + b"f" * 17 + b"\r\nabc\r\n",
    "a chunk that is longer": get(V, ["Transfer-Encoding: chunked"],
                                  "POST / HTTP/1.1") + b"3\r\nabcd\r\n",
    "a chunk's line with LF alone": get(V, [
        "Transfer-Encoding: chunked"], "POST / HTTP/1.1") + b"3\nabc\r\n",
    "a length among the trailers": get(V, [
        "Transfer-Encoding: chunked"], "POST / HTTP/1.1") +
        b"0\r\nContent-Length: 3\r\n\r\n",
    "what follows is no request": get(V, []) + b"\x01\x02\x03\r\n\r\n",
    "an old request follows": get(V, []) + b"GET /\r\n\r\n",
}

# The authority is not, or not only, the server's name.
AUTHORITY = {
    "another host": get("other.example.com", []),
    "another host with a secret": get(A, []),
    "no host": b"GET / HTTP/1.1\r\nX: y\r\n\r\n",
    "an empty host": get("", []),
    "an address": get("198.51.100.60", []),
    "a user in the host": get("user@" + V, []),
    "a name that ends so": get("x" + V, []),
    "a name that begins so": get(V + ".evil.example", []),
    "a list of hosts": get(V + ", other.example.com", []),
    "absolute form elsewhere": get(
        V, [], "GET https://other.example.com/ HTTP/1.1"),
    "absolute form, another host": get(
        "other.example.com", [], "GET https://%s/ HTTP/1.1" % V),
    "absolute form with a user": get(
        V, [], "GET https://%s@other.example.com/ HTTP/1.1" % V),
    "CONNECT elsewhere": get(V, [], "CONNECT other.example.com:443 HTTP/1.1"),
}

# The second of two requests, whose first is good, and has a value.
SECOND = get(V, ["X: <KEY>"], "GET /first HTTP/1.1")
UPGRADE_SAID = shapes.upgrade
