# SPDX-License-Identifier: GPL-2.0-or-later
"""What secrets cost an intercepted connection, by their number.

    gated.py --proxy PROGRAM [--secrets 0,1,10,100] [--mb N] [--requests N]
             [--rounds N] [--only REGEX]

Without secrets there is no gate. The first one is the server's, and each
request has it in a header; nobody may have the others. What is counted is the
engine's own CPU time: neither peer, nor another core, blurs it. All numbers of
secrets take turns in each round; the least that each took counts.
"""
import argparse
import os
import re
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tls"))
import http_peers as http  # noqa: E402
import test_intercept as t  # noqa: E402

WORDS = (b"the policy of a sandbox allows it to ask {\"name\": \"value\", "
         b"\"list\": [1, 2]}\n")
TEXT = (WORDS * 4096)[:1 << 18]


def cpu(pid):
    """Seconds, to the nanosecond: run time of the scheduler"""
    with open(f"/proc/{pid}/schedstat") as f:
        return int(f.read().split()[0]) / 1e9


def secrets(n, inject):
    if not n:
        return []
    return ["--secret", "$MSB_API_KEY", "sk-1234567890", t.NAME, str(inject),
            "--more", str(n - 1)]


def serve(s):
    """Answers by the path: /N, N octets; what it is sent it only reads."""
    u = context.wrap_socket(s, server_side=True)
    r = http.Reader(u)
    room = bytearray(1 << 18)
    try:
        while True:
            head = r.until(b"\r\n\r\n")
            left = int(http.field(head, b"content-length") or 0)
            had = min(left, len(r.had))
            left, r.had = left - had, r.had[had:]
            # What values may be put into comes in chunks.
            chunked = b"chunked" in head
            while chunked and (size := int(r.until(b"\r\n"), 16)):
                r.feed(size, len)
                r.exactly(2)
            if chunked:
                r.exactly(2)
            while left:
                n = u.recv_into(room, min(left, len(room)))
                if not n:
                    return
                left -= n
            n = int(head.split(b" ")[1][1:])
            u.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % n)
            while n:
                part = min(n, len(TEXT))
                u.sendall(memoryview(TEXT)[:part])
                n -= part
    except EOFError:
        pass


def head(method, path, *more):
    return (f"{method} /{path} HTTP/1.1\r\nHost: {t.NAME}\r\n"
            "User-Agent: bench/1.0\r\nAccept: */*\r\n"
            "Authorization: Bearer $MSB_API_KEY\r\n"
            + "".join(f"{m}\r\n" for m in more) + "\r\n").encode()


def receive(s, n):
    room = bytearray(1 << 18)
    while n > 0:
        got = s.recv_into(room)
        assert got, "an end"
        n -= got


def answer(s, n):
    r = http.Reader(s)
    r.until(b"\r\n\r\n")
    receive(s, n - len(r.had))


def download(proxy, args):
    with t.connect(proxy) as s:
        start = cpu(proxy.p.pid)
        s.sendall(head("GET", args.mb << 20))
        answer(s, args.mb << 20)
        return (cpu(proxy.p.pid) - start) / (args.mb << 20) * 1e9


def upload(proxy, args):
    with t.connect(proxy) as s:
        start = cpu(proxy.p.pid)
        s.sendall(head("POST", 0, f"Content-Length: {args.mb << 20}"))
        for _ in range(args.mb * 4):
            s.sendall(TEXT)
        answer(s, 0)
        return (cpu(proxy.p.pid) - start) / (args.mb << 20) * 1e9


def requests(proxy, args):
    ask = head("GET", 100)
    with t.connect(proxy) as s:
        s.sendall(ask)
        answer(s, 100)
        start = cpu(proxy.p.pid)
        for _ in range(args.requests):
            s.sendall(ask)
            answer(s, 100)
        return (cpu(proxy.p.pid) - start) / args.requests * 1e6


def pipelined(proxy, args):
    """Ten at a time: what reads them is paid for, and not sockets"""
    ask = head("GET", 100) * 10
    size = 10 * (100 + len("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"))
    with t.connect(proxy) as s:
        s.sendall(ask)
        receive(s, size)
        start = cpu(proxy.p.pid)
        for _ in range(args.requests // 10):
            s.sendall(ask)
            receive(s, size)
        return (cpu(proxy.p.pid) - start) / args.requests * 1e6


def over_http2(what):
    def run(proxy, args):
        url = f"https://{t.NAME}:{proxy.port}/"
        start = cpu(proxy.p.pid)
        extra = [url + "large"] if what == "download" else \
            ["-T", t.pki.path("large"), url + "behind"]
        code, _, said = http.curl(proxy, t.NAME, "--http2", "-o", "/dev/null",
                                  "-H", "Authorization: Bearer $MSB_API_KEY",
                                  *extra)
        assert not code, said
        return (cpu(proxy.p.pid) - start) / (args.mb << 20) * 1e9
    return run


HEADERS, BODY = 3, 11
KINDS = (("download", "ns/octet", download, HEADERS),
         ("upload", "ns/octet", upload, HEADERS),
         ("into bodies", "ns/octet", upload, BODY),
         ("requests", "µs", requests, HEADERS),
         ("pipelined", "µs", pipelined, HEADERS),
         ("h2 download", "ns/octet", over_http2("download"), HEADERS),
         ("h2 upload", "ns/octet", over_http2("upload"), HEADERS))


def main():
    global context
    p = argparse.ArgumentParser()
    p.add_argument("--proxy", required=True)
    p.add_argument("--secrets", default="0,1,10,100")
    p.add_argument("--mb", type=int, default=64)
    p.add_argument("--requests", type=int, default=2000)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--only", default="")
    args = p.parse_args()
    counts = [int(n) for n in args.secrets.split(",")]
    t.tool = args.proxy
    with tempfile.TemporaryDirectory() as where:
        t.pki = t.Pki(where)
        leaf = t.pki.leaf(t.pki.root)
        context = t.context_of_server(leaf)
        with open(t.pki.path("large"), "wb") as f:
            for _ in range(args.mb * 4):
                f.write(TEXT)
        server = t.Server(serve)
        with http.nginx(where, t.HOST, *t.pki.bits(leaf),
                        lines=f"root {where};") as (port, _):
            print(f"{'':14}" + "".join(f"{n:>10}" for n in counts)
                  + "   secrets")
            for name, unit, run, inject in KINDS:
                if not re.search(args.only, name):
                    continue
                least = dict.fromkeys(counts, 1e9)
                to = port if name.startswith("h2") else server.port
                for _ in range(args.rounds):
                    for n in counts:
                        proxy = t.Proxy(to, *secrets(n, inject))
                        least[n] = min(least[n], run(proxy, args))
                        proxy.close()
                print(f"{name:14}" + "".join(f"{least[n]:10.2f}"
                                             for n in counts)
                      + f"   {unit}", flush=True)
        server.close()
        for thread in threading.enumerate():
            if thread is not threading.main_thread():
                thread.join(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
