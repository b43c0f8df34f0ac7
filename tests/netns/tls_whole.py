# SPDX-License-Identifier: GPL-2.0-or-later
"""tls_whole.py - msb-tlsd with its three processes, and a supervisor that is us.

    guest eth0 -- guest0 [gateway] uplink0 -- eth0 [world]

What the guest sends to ports 80 and 443 is steered to msb-tlsd. The world has
every address of 198.51.100.0/24.
"""
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

import lab
import relay
from tls_alone import (CA_CERT, CA_KEY, NETLINK, PORT, ROOTS, SECRETS, TCP4,
                       TCP6, values_file)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "tls"))
import pki  # pylint: disable=wrong-import-position

RULESET = """table inet whole {
  chain steer { type filter hook prerouting priority mangle; policy accept
    iifname guest0 tcp dport { 80, 443 } tproxy ip to :%d meta mark set 1 accept
  }
}
""" % PORT
NAMES = ["api.example.com", "www.example.com"]


class World:
    """The namespaces, the certificates, and the servers."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.pki = pki.Pki(self.folder)
        self.root = self.pki.authority("Test Root")
        self.own = self.pki.authority("Interception")
        self.leaf = self.pki.issue("leaf", self.root, NAMES)
        self.gateway, self.guest, self.world = (
            lab.make_namespace(n) for n in ("gateway", "guest", "world"))
        self.link("guest0", self.guest, "172.16.0.1/30", "172.16.0.2/30")
        self.link("uplink0", self.world, "192.0.2.1/30", "192.0.2.2/30")
        self.guest.run("ip", "route", "add", "default", "via", "172.16.0.1")
        self.gateway.run("ip", "route", "add", "default", "via", "192.0.2.2")
        self.world.run("ip", "route", "add", "172.16.0.0/30", "via",
                       "192.0.2.1")
        self.world.run("ip", "route", "add", "local", "198.51.100.0/24", "dev",
                       "lo")
        self.gateway.run("ip", "rule", "add", "fwmark", "1", "table", "100")
        self.gateway.run("ip", "route", "add", "local", "default", "dev", "lo",
                         "table", "100")
        self.gateway.run("nft", "-f", "-", text=RULESET)

    def link(self, name, other, own, peer):
        self.gateway.run("ip", "link", "add", name, "type", "veth", "peer",
                         "name", "eth0", "netns", os.path.basename(other.path))
        for namespace, link, address in ((self.gateway, name, own),
                                         (other, "eth0", peer)):
            namespace.run("ip", "addr", "add", address, "dev", link)
            namespace.run("ip", "link", "set", link, "up")

    def listener(self, address, port):
        made = self.world.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
        made.listen(64)
        made.settimeout(20)
        return made

    def dial(self, address, port):
        made = self.guest.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.settimeout(20)
        made.connect((address, port))
        return made

    def server_context(self, alpn):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.leaf.chain, self.leaf.key)
        context.set_alpn_protocols([alpn])
        return context

    def client_context(self, alpn):
        context = ssl.create_default_context(cafile=self.own.path)
        context.set_alpn_protocols([alpn])
        return context

    def connect(self, listener, name, alpn="http/1.1"):
        """Both ends of a flow that is intercepted."""
        ends = {}

        def serve():
            sock = listener.accept()[0]
            sock.settimeout(20)
            ends["server"] = self.server_context(alpn).wrap_socket(
                sock, server_side=True)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            client = self.client_context(alpn).wrap_socket(
                self.dial(*listener.getsockname()), server_hostname=name)
        finally:
            thread.join(10)
        return client, ends["server"]


class Tlsd:
    """msb-tlsd, spoken to as its supervisor does."""

    def __init__(self, program, world):
        self.world, self.first = world, True
        self.channel, channel = socket.socketpair(socket.AF_UNIX,
                                                  socket.SOCK_SEQPACKET)
        self.broker, broker = socket.socketpair(socket.AF_UNIX,
                                                socket.SOCK_SEQPACKET)
        self.channel.settimeout(30)
        self.log = tempfile.TemporaryFile()
        with world.gateway:
            self.process = subprocess.Popen(
                [program, "--channel-fd", str(channel.fileno()), "--broker-fd",
                 str(broker.fileno()), "--name", "web"], stderr=self.log,
                pass_fds=[channel.fileno(), broker.fileno()])
        channel.close()
        broker.close()
        self.sockets = {TCP4: self.listen(socket.AF_INET),
                        TCP6: self.listen(socket.AF_INET6),
                        NETLINK: world.gateway.socket(
                            socket.AF_NETLINK, socket.SOCK_RAW,
                            lab.NETLINK_NETFILTER)}

    def listen(self, family):
        made = self.world.gateway.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, relay.IPV6_V6ONLY, 1)
        else:
            made.setsockopt(socket.IPPROTO_IP, relay.IP_TRANSPARENT, 1)
        made.bind(("", PORT))
        made.listen(64)
        made.setblocking(False)
        return made

    def prepare(self, secrets=(), values=None):
        """A configuration up to READY; what msb-tlsd says."""
        conf = {"Version": 1, "Name": "web", "Gateway4": "172.16.0.1",
                "Gateway6": "fd00::1", "Guest4": "172.16.0.2",
                "Guest6": "fd00::2", "DefaultEgress": "allow", "DNS": "none",
                "Port": PORT,
                "Intercept": {"VerifyUpstream": True, "Ports": [443]}}
        if secrets:
            conf["Secrets"] = list(secrets)
        files = {ROOTS: open(self.world.root.path, "rb"),
                 CA_CERT: open(self.world.own.path, "rb"),
                 CA_KEY: open(self.world.own.key, "rb")}
        if values is not None:
            files[SECRETS] = values_file(values)
        sent = {**(self.sockets if self.first else {}), **files}
        with tempfile.TemporaryFile() as file:
            file.write(json.dumps(conf).encode())
            file.flush()
            relay.send(self.channel, "prepare", fds=[file.fileno()])
        relay.send(self.channel, "sockets", list(sent),
                   [f.fileno() for f in sent.values()])
        for file in files.values():
            file.close()
        return relay.ask(self.channel, "ready")

    def commit(self):
        self.first = False
        return relay.ask(self.channel, "commit")

    def begin(self, **conf):
        for answer in (self.prepare(**conf), self.commit()):
            assert answer == ("ok", ""), answer

    def status(self):
        kind, text = relay.ask(self.channel, "status")
        assert kind == "status"
        words = text.split()
        return dict(zip(words[::2], words[1::2]))

    def events(self, kind):
        self.log.seek(0)
        return [e for e in map(json.loads, self.log.read().splitlines())
                if e["event"] == kind]

    def processes(self):
        """The ids of monitor, signer and worker, in their order."""
        pid = self.process.pid
        with open("/proc/%d/task/%d/children" % (pid, pid),
                  encoding="ascii") as file:
            return [pid] + [int(n) for n in file.read().split()]

    @staticmethod
    def is_gone(pid):
        try:
            with open("/proc/%d/stat" % pid, encoding="ascii") as file:
                return file.read().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return True

    def end(self):
        """End it as its supervisor does; its exit status."""
        others = self.processes()[1:]
        relay.send(self.channel, "stop")
        try:
            status = self.process.wait(20)
            # They end with it, a moment later.
            if not relay.wait_until(lambda: all(map(self.is_gone, others))):
                raise RuntimeError("a process of msb-tlsd is left")
            return status
        finally:
            self.process.kill()
            for sock in (self.channel, self.broker, *self.sockets.values()):
                sock.close()
