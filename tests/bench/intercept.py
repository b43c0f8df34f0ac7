# SPDX-License-Identifier: GPL-2.0-or-later
"""What the engine of interception costs, with and without help in handshakes.

    intercept.py --proxy PROGRAM [--connections N] [--mb N]

The engine stands between openssl(1) on both sides. What is counted is its own
CPU time, so that neither peer nor another core blurs it: connections and
megabytes for a second of one core. All variants take turns in one run.
"""
import argparse
import os
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "tls"))
import test_intercept as t  # noqa: E402

VARIANTS = {"as chosen": [], "wolfSSL alone": ["--plain-wolf"],
            "libgcrypt": ["--aead", "libgcrypt"]}


def cpu(pid):
    """Seconds, to the nanosecond: run time of the scheduler"""
    with open(f"/proc/{pid}/schedstat") as f:
        return int(f.read().split()[0]) / 1e9


class Peer:
    """openssl s_server, which serves files of a directory"""

    def __init__(self, leaf, *options):
        cert, key = t.pki.bits(leaf)
        with t.socket.create_server((t.HOST, 0)) as s:
            self.port = s.getsockname()[1]
        self.p = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"{t.HOST}:{self.port}", "-cert",
             cert, "-key", key, "-cert_chain", cert, "-WWW", "-no_cache",
             *options], cwd=t.pki.where, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                t.socket.create_connection((t.HOST, self.port)).close()
                return
            except OSError:
                time.sleep(0.01)

    def close(self):
        self.p.kill()
        self.p.wait()


def handshakes(proxy, count):
    context = t.context_of_client(proxy)
    t.connect(proxy, context=context).close()
    start = cpu(proxy.p.pid)
    for _ in range(count):
        t.connect(proxy, context=context).close()
    return count / (cpu(proxy.p.pid) - start)


def bulk(proxy, megabytes, suite):
    context = t.context_of_client(proxy)
    if suite.startswith("TLS"):
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    else:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    with t.connect(proxy, context=context) as s:
        s.sendall(b"GET /file HTTP/1.0\r\n\r\n")
        s.recv(100)
        start, got, room = cpu(proxy.p.pid), 0, bytearray(1 << 16)
        try:
            while n := s.recv_into(room):
                got += n
        except ssl.SSLError:
            pass
        return got / 1e6 / (cpu(proxy.p.pid) - start)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--proxy", required=True)
    p.add_argument("--connections", type=int, default=300)
    p.add_argument("--mb", type=int, default=100)
    args = p.parse_args()
    t.tool = args.proxy
    with tempfile.TemporaryDirectory() as where:
        t.pki = t.Pki(where)
        with open(t.pki.path("file"), "wb") as f:
            f.truncate(args.mb << 20)
        ecdsa = t.pki.leaf(t.pki.middle, chain=[t.pki.middle])
        rsa = t.pki.leaf(t.pki.root, kind="rsa")
        once = ["-no_ticket", "-num_tickets", "0"]
        print("new connections in a second of CPU:")
        for name, leaf, options in (
                ("TLS 1.3, P-256, one CA between", ecdsa, once),
                ("TLS 1.3, RSA", rsa, once),
                ("TLS 1.3, P-256, server's session kept", ecdsa, []),
                ("TLS 1.2, P-256, one CA between", ecdsa, [*once, "-tls1_2"])):
            for variant, extra in VARIANTS.items():
                peer = Peer(leaf, *options)
                proxy = t.Proxy(peer.port, *extra)
                print(f"  {name:40}{variant:16}"
                      f"{handshakes(proxy, args.connections):8.0f}", flush=True)
                proxy.close()
                peer.close()
        print("megabytes in a second of CPU, server to guest:")
        for suite in ("TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"):
            for variant, extra in VARIANTS.items():
                peer = Peer(rsa, "-tls1_3", "-ciphersuites", suite)
                proxy = t.Proxy(peer.port, *extra)
                print(f"  {suite:40}{variant:16}"
                      f"{bulk(proxy, args.mb, suite):8.0f}", flush=True)
                proxy.close()
                peer.close()
        proxy = t.Proxy(1)
        print("ciphers by:", proxy.crypto)
        proxy.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
