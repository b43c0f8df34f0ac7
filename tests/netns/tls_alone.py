# SPDX-License-Identifier: GPL-2.0-or-later
"""tls_alone.py - msb-tlsd's worker with a monitor that does what a test wants.

Everything is on the loopback of one namespace: what a guest "dials" is an
address of 127.0.0.0/8 at the worker's port, and the monitor connects to
127.0.0.1 at the port of the test's own server.
"""
import array
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading

import relay

EARLY, PLAIN, HELLO = range(3)
DENY, WAIT, SPLICE, INTERCEPT, READ = range(5)
TCP4, TCP6, NETLINK, _, ROOTS, CA_CERT, CA_KEY, SECRETS = range(8)
PORT = 61441
ASK = struct.Struct("=6BH16s256s")
ANSWER = struct.Struct("=IiBBB255s96s2x")


def labels(name):
    """A name as octets, each label behind its length."""
    return b"".join(bytes([len(n)]) + n.encode()
                    for n in name.split(".")) + b"\0" if name else b""


def client_hello(name=None, extra=b"", record=16384, tls13=False):
    """A ClientHello in records of so many octets. Where it offers TLS 1.3
    nothing that follows goes on before the server has said something."""
    extensions = (b"\x00\x2b\x00\x03\x02\x03\x04" if tls13 else b"") + extra
    if name:
        host = name.encode()
        extensions += struct.pack("!HHHBH", 0, len(host) + 5, len(host) + 3, 0,
                                  len(host)) + host
    body = (b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\x13\x01" +
            b"\x01\x00" + struct.pack("!H", len(extensions)) + extensions)
    message = b"\x01" + struct.pack("!I", len(body))[1:] + body
    return b"".join(b"\x16\x03\x01" +
                    struct.pack("!H", len(message[at:at + record])) +
                    message[at:at + record]
                    for at in range(0, len(message), record))


class Ask:
    """What the worker wants to know."""

    def __init__(self, data):
        (self.next, self.dial, self.attempt, self.stage, self.family,
         name_len, self.port, address, name) = ASK.unpack(data)
        self.address = socket.inet_ntop(
            *((socket.AF_INET, address[:4]) if self.family == 4
              else (socket.AF_INET6, address)))
        self.name, at = "", 0
        while at + 1 < name_len:
            part = name[at + 1:at + 1 + name[at]]
            self.name += ("." if self.name else "") + part.decode()
            at += 1 + len(part)


def secret(name, hosts=("api.example.com",), placeholder=None, **more):
    """A secret, as tls.json has it."""
    return {"Name": name, "ValueFile": "/nowhere/" + name,
            "Placeholder": placeholder or "$MSB_" + name,
            "AllowedHosts": list(hosts), "Inject": ["headers", "basic"],
            "OnViolation": "block-and-log", **more}


def values_file(values):
    """The file of compiler/base/values.h."""
    fd = os.memfd_create("", os.MFD_CLOEXEC)
    os.write(fd, struct.pack("=%dI" % (len(values) + 1), len(values),
                             *(len(v) for v in values)) + b"".join(values))
    return os.fdopen(fd, "rb")


def say(verdict, to=None, error=0, again=0, bypass=0, leaf=""):
    """An answer, and the address to dial; None: the test's server."""
    return verdict, to, error, again, bypass, leaf


class Worker:
    """A worker, and its monitor, which asks self.policy(ask)."""

    def __init__(self, program, server, policy, files=None, **limits):
        self.server, self.policy, self.asked = server, policy, []
        self.lock = threading.Lock()
        self.channel, channel = socket.socketpair(socket.AF_UNIX,
                                                  socket.SOCK_SEQPACKET)
        self.judge, judge = socket.socketpair(socket.AF_UNIX,
                                              socket.SOCK_SEQPACKET)
        self.channel.settimeout(30)
        self.log, self.lines = tempfile.TemporaryFile(), []
        self.process = subprocess.Popen(
            [program, str(channel.fileno()), str(judge.fileno())],
            stderr=self.log,
            pass_fds=[channel.fileno(), judge.fileno()],
            preexec_fn=(lambda: relay.limit_files(files)) if files else None)
        channel.close()
        judge.close()
        self.listeners = [self.listen(socket.AF_INET),
                          self.listen(socket.AF_INET6)]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        self.limits = limits
        self.first = True

    @staticmethod
    def listen(family):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(("", PORT))
        sock.listen(4096)
        sock.setblocking(False)
        return sock

    def dial(self, to):
        sock = socket.socket(socket.AF_INET if "." in to[0] else
                             socket.AF_INET6, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.connect_ex(to)
        return sock

    def serve(self):
        while True:
            try:
                data = self.judge.recv(ASK.size + 1)
            except OSError:
                return
            if not data:
                return
            assert len(data) == ASK.size
            ask = Ask(data)
            with self.lock:
                self.asked.append(ask)
                verdict, to, error, again, bypass, leaf = self.policy(ask)
            sock, rights = None, []
            if ask.dial and verdict >= SPLICE and not error:
                sock = self.dial(to or self.server)
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                           array.array("i", [sock.fileno()]))]
            wire = labels(leaf)
            self.judge.sendmsg([ANSWER.pack(
                verdict, error, again, bypass, len(wire), wire,
                b"/Rules/%d" % verdict)], rights)
            if sock:
                sock.close()

    def stages(self):
        """What was asked so far: (stage, name) each."""
        with self.lock:
            return [(a.stage, a.name) for a in self.asked]

    @staticmethod
    def file(data):
        file = tempfile.TemporaryFile()
        file.write(data)
        file.flush()
        return file

    @contextlib.contextmanager
    def stopped(self):
        """It sees nothing meanwhile, and everything at once then."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def prepare(self, intercept=None, roots=b"roots", ca=b"ca", secrets=(),
                values=None, wait=True, before=None):
        """A configuration up to READY; what the worker says, if waited for.
        @before is called when all but the last word was said."""
        conf = {"Version": 1, "Name": "test", "Gateway4": "172.16.0.1",
                "Gateway6": "fd00::1", "Guest4": "172.16.0.2",
                "Guest6": "fd00::2", "DefaultEgress": "allow", "DNS": "none",
                "Port": PORT, "Limits": self.limits}
        sockets = {}
        if self.first:
            sockets = {TCP4: self.listeners[0], TCP6: self.listeners[1]}
        if intercept:
            conf["Intercept"] = {"VerifyUpstream": True, "Ports": [PORT]}
            sockets[ROOTS] = self.file(roots)
            sockets[CA_CERT] = self.file(ca)
        if not self.limits:
            del conf["Limits"]
        if secrets:
            conf["Secrets"] = list(secrets)
        if values is not None:
            sockets[SECRETS] = values_file(values)
        file = self.file(json.dumps(conf).encode())
        relay.send(self.channel, "prepare", fds=[file.fileno()])
        file.close()
        if sockets:
            relay.send(self.channel, "sockets", list(sockets),
                       [s.fileno() for s in sockets.values()])
        for number in (ROOTS, CA_CERT, SECRETS):
            if number in sockets:
                sockets[number].close()
        if before:
            before()
        relay.send(self.channel, "ready")
        return relay.receive(self.channel) if wait else None

    def commit(self):
        self.first = False
        return relay.ask(self.channel, "commit")

    def abort(self):
        return relay.ask(self.channel, "abort")

    def begin(self, **conf):
        for answer in (self.prepare(**conf), self.commit()):
            assert answer == ("ok", ""), answer

    def status(self):
        kind, text = relay.ask(self.channel, "status")
        assert kind == "status"
        words = text.split()
        return {k: v if k == "crypto" else int(v)
                for k, v in zip(words[::2], words[1::2])}

    def settled(self):
        """It has seen all that there is: what is ready is seen by one turn of its
        loop, which is over when it answers for the second time."""
        for _ in range(2):
            self.status()

    def events(self, kind=None):
        if not self.log.closed:
            self.log.seek(0)
            self.lines = self.log.read().splitlines()
        events = [json.loads(line) for line in self.lines
                  if line.startswith(b"{")]
        return [e for e in events if kind in (None, e["event"])]

    def memory(self):
        """Private memory, bytes."""
        with open("/proc/%d/smaps_rollup" % self.process.pid,
                  encoding="ascii") as file:
            return 1024 * sum(int(line.split()[1]) for line in file
                              if line.startswith("Private_"))

    def files(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def end(self):
        """End it as its monitor does; its exit status."""
        self.channel.close()
        try:
            return self.process.wait(60)
        finally:
            self.process.kill()
            self.judge.shutdown(socket.SHUT_RDWR)
            self.judge.close()
            for sock in self.listeners:
                sock.close()
            self.thread.join(5)
            self.events()
            for line in self.lines:
                if not line.startswith(b"{"):
                    print(line.decode())
            self.log.close()
