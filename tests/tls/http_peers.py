# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients and servers of HTTP on TLS sockets, for the tests of gates."""
import contextlib
import hashlib
import os
import socket
import subprocess
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings


# ---- Sockets ---------------------------------------------------------------

class Peer:
    """TLS on a socket where a reset is one, which ssl calls an end"""

    def __init__(self, tls):
        self.tls = tls
        self.raw = socket.socket(fileno=os.dup(tls.fileno()))
        self.raw.settimeout(tls.gettimeout())
        self.sendall, self.unwrap = tls.sendall, tls.unwrap

    def recv(self, n):
        if not self.tls.pending():
            self.raw.recv(1, socket.MSG_PEEK)
        return self.tls.recv(n)

    def close(self):
        self.raw.close()
        self.tls.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def accept(context, s):
    return Peer(context.wrap_socket(s, server_side=True,
                                    suppress_ragged_eofs=False))


# ---- HTTP/1.1, as octets --------------------------------------------------

class Reader:
    """What comes, in the pieces that are asked for."""

    def __init__(self, s):
        self.s = s
        self.had = b""

    def more(self):
        data = self.s.recv(65536)
        if not data:
            raise EOFError
        self.had += data

    def until(self, what):
        while what not in self.had:
            self.more()
        at = self.had.index(what) + len(what)
        out, self.had = self.had[:at], self.had[at:]
        return out

    def exactly(self, n):
        while len(self.had) < n:
            self.more()
        out, self.had = self.had[:n], self.had[n:]
        return out

    def feed(self, n, take):
        """The same for many, without keeping them"""
        while n:
            if not self.had:
                self.more()
            part, self.had = self.had[:n], self.had[n:]
            take(part)
            n -= len(part)


def field(head, name):
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip()
    return None


def read_message(r):
    """One request or answer: head, body, all octets."""
    raw = head = r.until(b"\r\n\r\n")
    body = b""
    if (field(head, b"transfer-encoding") or b"") == b"chunked":
        while True:
            line = r.until(b"\r\n")
            n = int(line.split(b";")[0], 16)
            raw += line
            if not n:
                break
            part = r.exactly(n)
            body += part
            raw += part + r.exactly(2)
        while line := r.until(b"\r\n"):
            raw += line
            if line == b"\r\n":
                break
    elif field(head, b"content-length"):
        body = r.exactly(int(field(head, b"content-length")))
        raw += body
    return head, body, raw


def mirror(context, log=None):
    """A server that answers each request with the octets that it was, from the
    last to the first: else values would not come back."""
    def handle(s):
        with accept(context, s) as t:
            r = Reader(t)
            try:
                while True:
                    raw = read_message(r)[2]
                    if log is not None:
                        log.append(raw)
                    t.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
                              % len(raw) + raw[::-1])
            except EOFError:
                with contextlib.suppress(OSError):
                    t.unwrap()
    return handle


def digest(context):
    """A server that answers with the length and the digest of a body."""
    def handle(s):
        t = accept(context, s)
        r = Reader(t)
        h = hashlib.sha256()
        head = r.until(b"\r\n\r\n")
        total = 0
        while True:
            n = int(r.until(b"\r\n").split(b";")[0], 16)
            total += n
            r.feed(n, h.update)
            r.exactly(2)
            if not n:
                break
        text = b"%d %s" % (total, h.hexdigest().encode())
        t.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(text)
                  + text)
        return head, text
    return handle


# ---- HTTP/2 ----------------------------------------------------------------

class Side:
    """One end of a connection: all streams at once, windows heeded."""

    def __init__(self, t, client):
        self.t = t
        self.c = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=client, header_encoding="utf-8",
            validate_inbound_headers=False, validate_outbound_headers=False))
        self.c.initiate_connection()
        self.headers, self.bodies, self.trailers = {}, {}, {}
        self.ended, self.out = set(), {}
        self.flush()

    def flush(self):
        data = self.c.data_to_send()
        if data:
            self.t.sendall(data)

    def say(self, stream, headers, body=b"", trailers=None):
        self.c.send_headers(stream, headers,
                            end_stream=not body and not trailers)
        if body or trailers:
            self.out[stream] = [memoryview(body), trailers]

    def pump(self):
        """What the windows have room for"""
        for stream, (body, trailers) in list(self.out.items()):
            while body:
                n = min(self.c.local_flow_control_window(stream), len(body),
                        self.c.max_outbound_frame_size)
                if n <= 0:
                    break
                last = n == len(body) and not trailers
                self.c.send_data(stream, bytes(body[:n]), end_stream=last)
                body = body[n:]
            self.out[stream][0] = body
            if body:
                continue
            if trailers:
                self.c.send_headers(stream, trailers, end_stream=True)
            del self.out[stream]
        self.flush()

    def step(self, on_end=None):
        """Read once; false: the other end has ended"""
        data = self.t.recv(65536)
        if not data:
            return False
        for e in self.c.receive_data(data):
            self.take(e, on_end)
        self.pump()
        return True

    def take(self, e, on_end):
        if isinstance(e, (h2.events.RequestReceived, h2.events.ResponseReceived)):
            self.headers[e.stream_id] = e.headers
            self.bodies[e.stream_id] = b""
        elif isinstance(e, h2.events.DataReceived):
            self.bodies[e.stream_id] += e.data
            self.c.acknowledge_received_data(e.flow_controlled_length,
                                             e.stream_id)
        elif isinstance(e, h2.events.TrailersReceived):
            self.trailers[e.stream_id] = e.headers
        elif isinstance(e, h2.events.StreamEnded):
            self.ended.add(e.stream_id)
            if on_end:
                on_end(e.stream_id)


def request(path="/", host="api.example.com", *more, method="GET"):
    return [(":method", method), (":scheme", "https"), (":authority", host),
            (":path", path), *more]


def mirror2(context, answer_body=0):
    """An HTTP/2 server that says what it was asked, and the digest of it, from
    the last octet to the first"""
    def handle(s):
        side = Side(accept(context, s), False)
        asked = {}

        def on_end(stream):
            fields = side.headers[stream]
            asked[stream] = fields, side.bodies[stream]
            text = "\n".join(f"{k}: {v}" for k, v in fields) + "\n\n" + \
                hashlib.sha256(side.bodies[stream]).hexdigest() + "\n" + \
                "".join(f"{k}: {v}\n" for k, v in side.trailers.get(stream, ()))
            side.say(stream, [(":status", "200")],
                     text.encode()[::-1] + bytes(answer_body),
                     [("grpc-status", "0")])
        try:
            while side.step(on_end):
                pass
        except OSError as e:
            return asked, type(e)
        return asked, None
    return handle


# ---- Programs ----------------------------------------------------------------

def free_port(host):
    with socket.create_server((host, 0)) as s:
        return s.getsockname()[1]


@contextlib.contextmanager
def nginx(where, host, cert, key, told="", lines=""):
    """A server of both versions that says what it was told, a text of nginx's
    variables, and writes it down; behind it one that says what it was sent. With
    lines these say what it does."""
    port, behind = free_port(host), free_port(host)
    folder = os.path.join(where, f"nginx{port}")
    os.mkdir(folder)
    lines = lines or f"access_log {folder}/told told; return 200 \"{told}\";"
    with open(folder + "/conf", "w") as f:
        f.write(f"""daemon off; master_process off; pid {folder}/pid;
error_log {folder}/log; events {{ worker_connections 64; }}
http {{ access_log off; client_max_body_size 0; log_format told '{told}';
client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
scgi_temp_path {folder}/scgi; large_client_header_buffers 4 64k;
server {{ listen {host}:{port} ssl http2; ssl_certificate {cert};
ssl_certificate_key {key};
location / {{ {lines} }}
location /behind {{ proxy_pass http://{host}:{behind}; }} }}
server {{ listen {host}:{behind};
location / {{ return 200 "$http_x_api_key|$content_length"; }} }} }}
""")
    p = subprocess.Popen(["/usr/sbin/nginx", "-c", folder + "/conf", "-e",
                          folder + "/log"])
    try:
        for _ in range(2000):
            with contextlib.suppress(OSError):
                socket.create_connection((host, port)).close()
                break
            time.sleep(0.02)
        yield port, folder + "/told"
    finally:
        p.terminate()
        p.wait(10)


def curl(proxy, host, *args, data=None):
    """curl through a proxy: status, what it wrote, what it said"""
    p = subprocess.run(
        ["curl", "-sS", "--max-time", "60", "--cacert", proxy.ca, "--resolve",
         f"{host}:{proxy.port}:127.0.0.1", *args], input=data, timeout=70,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return p.returncode, p.stdout, p.stderr.decode()
