#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_gate.py - Random flows through a gate, as other programs read them.

What comes out is read by h11 and by h2, and has to be what went in but for the
values, which are put in here a second time by a few lines of Python.
"""
import argparse
import base64
import random
import struct
import subprocess
import sys
import urllib.parse

import h11
import h2.config
import h2.connection
import h2.events

HEADERS, BASIC, QUERY, BODY = 1, 2, 4, 8
HOST, BODY_HOST = "api.example.com", "body.example.com"
SECRETS = (
    # placeholder, value, host, where
    ("$MSB_KEY", "sk-1234567890", HOST, HEADERS | BASIC),
    ("$MSB_KEY2", "v", HOST, HEADERS | BASIC | QUERY),
    ("{{TOKEN}}", "a \"b\" & c/" + "x" * 300, HOST, HEADERS | QUERY),
    ("$MSB_BODY", "b\\o\"dy", BODY_HOST, HEADERS | BODY),
    ("$MSB_NOBODYS", "nobody's", "none.example.org", HEADERS),
)
REFLECTED = ("user-agent", "referer", "origin", "x-request-id", "traceparent")
PLAIN = ("x-api-key", "authorization", "cookie", "x-a", "private-token")

failures = 0


def check(what, good, *more):
    global failures
    if not good:
        failures += 1
        print("FAILED:", what, *more)


class Gate:
    def __init__(self, tool):
        args = [str(part) for secret in SECRETS for part in secret]
        self.child = subprocess.Popen([tool, *args], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE)

    def put(self, http2, host, said, piece):
        self.child.stdin.write(struct.pack(
            ">4I", http2, piece, len(host), len(said)) + host.encode() + said)
        self.child.stdin.flush()
        state, size = struct.unpack(">2I", self.child.stdout.read(8))
        return state, self.child.stdout.read(size)

    def end(self):
        self.child.stdin.close()
        return self.child.wait(60)


def put_in(text, host, where, write=lambda value: value):
    """The longest first: none of the values has a placeholder in it."""
    for placeholder, value, allowed, bits in sorted(
            SECRETS, key=lambda secret: -len(secret[0])):
        if host == allowed and bits & where:
            text = text.replace(placeholder, write(value))
        else:
            text = text.replace(placeholder, "\0" + placeholder[1:])
    for placeholder, *_ in SECRETS:
        text = text.replace("\0" + placeholder[1:], placeholder)
    return text


def expected_value(name, value, host):
    if name in REFLECTED:
        return value
    if name == "authorization" and value.startswith("Basic "):
        plain = base64.b64decode(value[6:]).decode()
        value = put_in(plain, host, BASIC)
        return "Basic " + base64.b64encode(value.encode()).decode()
    return put_in(value, host, HEADERS)


def expected_target(target, host):
    path, mark, query = target.partition("?")
    return path + mark + put_in(
        query, host, QUERY,
        lambda value: urllib.parse.quote(value, safe="-._~"))


def some_text(rng, host):
    """Words, placeholders that the host may have, and beginnings of them."""
    mine = [secret[0] for secret in SECRETS if secret[2] == host]
    words = ["a", "word", "$MSB_", "$", "{{TOKEN}", "=", ";", "/", "x" * 50]
    return "".join(rng.choice(mine if rng.random() < 0.3 else words)
                   for _ in range(rng.randrange(1, 8)))


def some_headers(rng, host):
    found = []
    for _ in range(rng.randrange(6)):
        name = rng.choice(PLAIN + REFLECTED)
        value = some_text(rng, host)
        if name == "authorization" and rng.random() < 0.7:
            value = "Basic " + base64.b64encode(value.encode()).decode()
        found.append((name, value))
    return found


def some_target(rng, host):
    return "/p" + rng.choice(("", "?q=" + some_text(rng, host)))


def chunked(rng, body):
    out, at = b"", 0
    while at < len(body):
        size = rng.choice((1, 2, 7, 100, 5000))
        part = body[at:at + size]
        at += size
        out += b"%x%s\r\n%s\r\n" % (
            len(part), rng.choice((b"", b";a=b")), part)
    return out + b"0\r\n" + rng.choice((b"", b"x-sum: 1\r\n")) + b"\r\n"


def http1_request(rng, host):
    """What is said, and what is to be heard of it."""
    target, headers = some_target(rng, host), some_headers(rng, host)
    lines = [f"{rng.choice(('GET', 'POST', 'PUT'))} {target} HTTP/1.1",
             f"Host: {host}"]
    lines += [f"{name.title() if rng.random() < .5 else name}: {value}"
              for name, value in headers]
    text = "".join(some_text(rng, host) for _ in range(rng.randrange(60)))
    framing = rng.choice(("none", "length", "chunked"))
    heard = put_in(text, host, BODY) if framing != "none" else ""
    body = text.encode()
    if framing == "length":
        lines.append(f"Content-Length: {len(body)}")
    elif framing == "chunked":
        lines.append("Transfer-Encoding: chunked")
        body = chunked(rng, body)
    else:
        body = b""
    said = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
    return said, (expected_target(target, host),
                  [(name, expected_value(name, value, host).strip())
                   for name, value in headers], heard)


def http1_read(data):
    """Requests, as h11's server reads them."""
    server, found = h11.Connection(h11.SERVER), []
    server.receive_data(data)
    while True:
        event = server.next_event()
        if isinstance(event, h11.Request):
            found.append([event.target.decode(),
                          [(name.decode(), value.decode())
                           for name, value in event.headers
                           if name.decode() in PLAIN + REFLECTED], ""])
        elif isinstance(event, h11.Data):
            found[-1][2] += bytes(event.data).decode()
        elif isinstance(event, h11.EndOfMessage):
            server.send(h11.Response(status_code=200,
                                     headers=[("content-length", "0")]))
            server.send(h11.EndOfMessage())
            server.start_next_cycle()
        else:
            return [tuple(request) for request in found]


def http1(gate, rng, rounds):
    for number in range(rounds):
        host = rng.choice((HOST, BODY_HOST))
        requests = [http1_request(rng, host)
                    for _ in range(rng.randrange(1, 6))]
        said = b"".join(request[0] for request in requests)
        state, heard = gate.put(0, host, said,
                                rng.choice((1, 3, 64, 1000, 1 << 20)))
        check(f"http1 {number}: state", state == 0, state)
        if state:
            continue
        found = http1_read(heard)
        want = [request[1] for request in requests]
        check(f"http1 {number}: requests", found == want, found, want)


def http2_flow(rng, host):
    client = h2.connection.H2Connection()
    client.initiate_connection()
    want, said = {}, client.data_to_send()
    bodies = {}
    for _ in range(rng.randrange(1, 20)):
        stream = client.get_next_available_stream_id()
        target, headers = some_target(rng, host), some_headers(rng, host)
        text = "".join(some_text(rng, host) for _ in range(rng.randrange(9)))
        client.send_headers(stream, [
            (":method", "POST"), (":scheme", "https"), (":path", target),
            (":authority", host), *headers], end_stream=not text)
        if text:
            bodies[stream] = text.encode()
        want[stream] = [expected_target(target, host),
                        [(name, expected_value(name, value, host))
                         for name, value in headers], text]
        if rng.random() < 0.5:
            said += client.data_to_send()
    while bodies:
        stream = rng.choice(list(bodies))
        size = rng.choice((1, 10, 100))
        part, bodies[stream] = bodies[stream][:size], bodies[stream][size:]
        client.send_data(stream, part, end_stream=not bodies[stream],
                         pad_length=rng.choice((None, 0, 5)))
        if not bodies[stream]:
            del bodies[stream]
    return said + client.data_to_send(), want


def http2_read(data):
    server = h2.connection.H2Connection(
        h2.config.H2Configuration(
            client_side=False, normalize_inbound_headers=False))
    server.initiate_connection()
    found, ended = {}, set()
    for event in server.receive_data(data):
        if isinstance(event, h2.events.RequestReceived):
            fields = [(name.decode(), value.decode())
                      if isinstance(name, bytes) else (name, value)
                      for name, value in event.headers]
            found[event.stream_id] = [
                dict(fields)[":path"],
                [field for field in fields if field[0] in PLAIN + REFLECTED],
                ""]
        elif isinstance(event, h2.events.DataReceived):
            found[event.stream_id][2] += event.data.decode()
        elif isinstance(event, h2.events.StreamEnded):
            ended.add(event.stream_id)
    return found, ended


def http2(gate, rng, rounds):
    for number in range(rounds):
        said, want = http2_flow(rng, HOST)
        state, heard = gate.put(1, HOST, said,
                                rng.choice((1, 9, 64, 1000, 1 << 20)))
        check(f"http2 {number}: state", state == 0, state)
        if state:
            continue
        found, ended = http2_read(heard)
        check(f"http2 {number}: requests", found == want, found, want)
        check(f"http2 {number}: ended", ended == set(want))


def nobodys(gate, rng, rounds):
    """One placeholder that nobody here may have, anywhere: a violation."""
    for number in range(rounds):
        parts = [http1_request(rng, HOST)[0] for _ in range(3)]
        extra = (f"POST / HTTP/1.1\r\nHost: {HOST}\r\nX: " + rng.choice((
            "{}\r\n\r\n",
            "\r\nContent-Length: 30\r\n\r\n{:>30}",
            "\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{:.5}\r\n"
            "7\r\n{:.7}\r\n0\r\n\r\n"))).replace("{:.5}", "$MSB_").replace(
                "{:.7}", "NOBODYS").format("$MSB_NOBODYS").encode()
        parts.insert(rng.randrange(4), extra)
        state, heard = gate.put(0, HOST, b"".join(parts),
                                rng.choice((1, 5, 1 << 20)))
        check(f"nobody's {number}", state == 1, state)
        check(f"nobody's {number}: kept", b"nobody's" not in heard)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    gate, rng = Gate(args.tool), random.Random(args.seed)
    http1(gate, rng, args.rounds)
    http2(gate, rng, args.rounds // 3)
    nobodys(gate, rng, args.rounds // 3)
    check("the tool ended well", gate.end() == 0)
    print(f"{args.rounds} rounds, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
