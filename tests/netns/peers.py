# SPDX-License-Identifier: GPL-2.0-or-later
"""peers.py - Who talks to a published port: servers, and clients of all kinds."""
import select
import socket
import threading

from lab import Namespace, make_namespace, run

HOST = {4: "192.0.2.1", 6: "2001:db8:1::1"}
LAN = {4: "192.0.2.2", 6: "2001:db8:1::2"}
LOOPBACK = {4: "127.0.0.1", 6: "::1"}
KIND = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
# What must not come is waited for a moment, what must come for as long as it
# takes where others want the processors too; PATIENCE is for either.
PATIENCE, SILENCE, LONG = 0.4, 0.15, 60


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Network:
    """A LAN with one machine in it, "far"; the host has an address there."""

    def __init__(self):
        self.far = make_namespace("far")
        run("ip", "link", "add", "far0", "type", "veth", "peer", "name",
            "eth0", "netns", "far")
        here = Namespace("/proc/thread-self/ns/net")
        for namespace, link, own in ((here, "far0", HOST),
                                     (self.far, "eth0", LAN)):
            # Nobody else is there who might have an address.
            namespace.sysctl("net/ipv6/conf/%s/accept_dad" % link, "0")
            namespace.ip(["addr add %s/24 dev %s" % (own[4], link),
                          "addr add %s/64 dev %s nodad" % (own[6], link),
                          "link set %s up" % link])
        here.wait_running("far0")
        self.far.wait_running("eth0")
        here.close()

    def close(self):
        self.far.close()
        run("ip", "netns", "delete", "far")
        run("ip", "link", "delete", "far0", check=False)


class Echo:
    """Serves ports of a namespace; says who asked before it echoes.

    Each of ports is (protocol, address, port); "::" serves both families. One
    that is plain says nothing of its own."""

    def __init__(self, namespace, ports, plain=False):
        self.stop, self.sockets, self.plain = threading.Event(), [], plain
        for proto, address, port in ports:
            made = namespace.socket(family(address), KIND[proto])
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if address == "::":
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            made.bind((address, port))
            if proto == "tcp":
                made.listen(64)
            made.setblocking(False)
            self.sockets.append(made)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        open_ = []
        while not self.stop.is_set():
            ready, _, _ = select.select(self.sockets + open_, [], [], 0.05)
            for s in ready:
                try:
                    if s in open_:
                        data = s.recv(65536)
                        if data:
                            s.sendall(data)
                            continue
                        open_.remove(s)
                        s.close()
                    elif s.type == socket.SOCK_STREAM:
                        made, peer = s.accept()
                        if not self.plain:
                            made.sendall(self._words(s, peer) + b"\n")
                        open_.append(made)
                    else:
                        data, peer = s.recvfrom(65536)
                        s.sendto(data if self.plain else
                                 self._words(s, peer), peer)
                except OSError:
                    if s in open_:
                        open_.remove(s)
                        s.close()
        for s in open_:
            s.close()

    @staticmethod
    def _words(s, peer):
        """The peer and the own port."""
        address = peer[0].replace("::ffff:", "")
        return ("%s %d" % (address, s.getsockname()[1])).encode()

    def close(self):
        self.stop.set()
        self.thread.join()
        for s in self.sockets:
            s.close()


def connect(namespace, proto, address, port, patience=LONG):
    """A connected socket, or OSError."""
    made = namespace.socket(family(address), KIND[proto])
    made.settimeout(patience)
    try:
        made.connect((address, port))
    except OSError:
        made.close()
        raise
    return made


def is_cut(s):
    """Whether a connection has an end; one that is silent has none."""
    try:
        s.sendall(b"?")
        return s.recv(100) == b""
    except ConnectionError:
        return True
    except socket.timeout:
        return False


def ask(namespace, proto, address, port, patience=PATIENCE):
    """What an Echo says: (peer, port); else "refused", "silent" or "cut"."""
    try:
        with connect(namespace, proto, address, port, patience) as made:
            if proto == "udp":
                made.send(b"?")
            said = made.recv(200)
    except socket.timeout:
        return "silent"
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return "cut"
    if not said:
        return "cut"
    peer, port = said.decode().split()
    return peer, int(port)
