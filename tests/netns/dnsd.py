# SPDX-License-Identifier: GPL-2.0-or-later
"""dnsd.py - msb-dnsd in a laboratory: a guest, its gateway, name servers.

    guest eth0 -- guest0 [gateway] up0 -- eth0 [world]   [host] name servers

The gateway's ruleset is made by hand: it steers port 53 to msb-dnsd and lets
through what is pinned. This program is msb-dnsd's supervisor.
"""
import array
import hashlib
import json
import os
import socket
import struct
import subprocess
import tempfile
import threading
import time

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from lab import make_namespace, run

GATEWAY = {4: "172.16.0.1", 6: "fd42:6d73:62::1"}
GUEST = {4: "172.16.0.2", 6: "fd42:6d73:62::2"}
WORLD = {4: "203.0.113.1", 6: "2001:db8:1::1"}
IP_TRANSPARENT, IPV6_TRANSPARENT = 19, 75
NETLINK_NETFILTER = 12
TYPES = ("none prepare sockets ready commit abort status stop ok failed "
         "connect connected refused hold release").split()
UDP4, UDP6, TCP4, TCP6, NETLINK, NAMES, RESOLV = range(7)
RULESET = """table inet msb {
  counter refused { }
%(sets)s
  chain judge { type filter hook prerouting priority mangle
    iifname != "guest0" return
    meta l4proto { tcp, udp } th dport 53 meta mark set 1 tproxy to :53 accept
  }
  chain forward { type filter hook forward priority filter; policy drop
    ct state established,related accept
%(rules)s
    iifname "guest0" counter name refused
  }
}
"""
SET = """  set %s { type %s; flags timeout; }
"""
RULE = """    iifname "guest0" %s daddr @%s counter accept
"""


def ruleset(pin_sets):
    """The gateway's ruleset: what is pinned in any of the sets passes."""
    sets, rules = "", ""
    for pin_set in pin_sets:
        for family, kind in (("4", "ipv4_addr"), ("6", "ipv6_addr")):
            sets += SET % (pin_set["Set" + family], kind)
            rules += RULE % ("ip" if family == "4" else "ip6",
                             pin_set["Set" + family])
    return ("table inet msb\ndelete table inet msb\n" +
            RULESET % {"sets": sets, "rules": rules})


class Channel:
    """The supervisor's end of a channel (compiler/base/channel.h)."""

    SIZE = 4 + 4 + 64 * 4 + 512

    def __init__(self, path=None):
        if path:
            self.mine = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.mine.connect(path)
        else:
            self.mine, self.theirs = socket.socketpair(
                socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.mine.settimeout(30)

    def send(self, word, fds=None):
        numbers = list(fds or {})
        data = struct.pack("=II64I512s", TYPES.index(word), len(numbers),
                           *(numbers + [0] * (64 - len(numbers))), b"")
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                   array.array("i", [fds[n] for n in numbers]))]
        self.mine.sendmsg([data], rights if numbers else [])

    def receive(self):
        data = self.mine.recv(self.SIZE)
        if not data:
            raise RuntimeError("msb-dnsd has ended")
        return (TYPES[struct.unpack_from("=I", data)[0]],
                data[264:].split(b"\0")[0].decode())

    def ask(self, word, fds=None):
        self.send(word, fds)
        return self.receive()


def names_file(exact, suffixes):
    """The table of denied names, as compiler/policy/names.h has it."""
    entries, order = {}, []
    for which, names in enumerate((exact, suffixes)):
        for index, name in enumerate(names):
            wire = b"".join(bytes([len(label)]) + label.encode() for label in
                            name.lower().split(".")) + b"\0"
            if wire not in entries:
                entries[wire] = [0, 0]
                order.append(wire)
            if not entries[wire][which]:
                entries[wire][which] = index + 1
    slots = 2
    while slots < 2 * (len(exact) + len(suffixes)):
        slots *= 2
    table, pool = [0] * slots, bytearray()
    for wire in order:
        value = 2166136261
        for octet in reversed(wire):
            value = (value ^ octet) * 16777619 & 0xffffffff
        at = value % slots
        while table[at]:
            at = (at + 1) % slots
        table[at] = len(pool) + 1
        pool += struct.pack("=II", *entries[wire]) + bytes([len(wire)]) + wire
    return (b"MSBNAME1" + struct.pack("=IIII", slots, len(order), len(pool), 0)
            + struct.pack("=%dI" % slots, *table) + bytes(pool))


class Place:
    """The namespaces, and the ruleset of a configuration."""

    def __init__(self):
        self.gateway = make_namespace("gateway")
        self.guest = make_namespace("guest")
        self.world = make_namespace("world")
        run("ip", "link", "set", "lo", "up")
        self._pair(self.gateway, "guest0", self.guest, "eth0",
                   (GATEWAY[4] + "/30", GATEWAY[6] + "/64"),
                   (GUEST[4] + "/30", GUEST[6] + "/64"))
        self._pair(self.gateway, "up0", self.world, "eth0",
                   ("203.0.113.2/30", "2001:db8:1::2/64"),
                   (WORLD[4] + "/30", WORLD[6] + "/64"))
        for namespace, four, six in ((self.guest, GATEWAY[4], GATEWAY[6]),
                                     (self.gateway, WORLD[4], WORLD[6]),
                                     (self.world, "203.0.113.2",
                                      "2001:db8:1::2")):
            namespace.run("ip", "route", "add", "default", "via", four)
            namespace.run("ip", "-6", "route", "add", "default", "via", six)
        for family in ("-4", "-6"):
            self.gateway.run("ip", family, "rule", "add", "fwmark", "1",
                             "lookup", "100")
            self.gateway.run("ip", family, "route", "add", "local", "default",
                             "dev", "lo", "table", "100")
            self.world.run("ip", family, "route", "add", "local",
                           "198.51.100.0/24" if family == "-4"
                           else "2001:db8:2::/64", "dev", "lo")
        self.gateway.sysctl("net/ipv4/ip_forward", "1")
        self.gateway.sysctl("net/ipv6/conf/all/forwarding", "1")
        for address in ("192.0.2.53/32", "192.0.2.54/32", "192.0.2.55/32",
                        "198.51.100.53/32", "10.99.0.53/32", "169.254.9.9/32",
                        "2001:db8:53::1/128"):
            run("ip", "addr", "add", address, "dev", "lo")

    @staticmethod
    def _pair(a, name_a, b, name_b, addresses_a, addresses_b):
        a.run("ip", "link", "add", name_a, "type", "veth", "peer", "name",
              name_b, "netns", os.path.basename(b.path))
        for namespace, name, addresses in ((a, name_a, addresses_a),
                                           (b, name_b, addresses_b)):
            for address in addresses:
                namespace.run("ip", "addr", "add", address, "dev", name,
                              *["nodad"] if ":" in address else [])
            namespace.run("ip", "link", "set", name, "up")

    def load(self, pin_sets):
        self.gateway.run("nft", "-f", "-", text=ruleset(pin_sets))

    def refused(self):
        """How many packets of the guest were dropped, since the last load."""
        return int(self.gateway.run("nft", "list", "counter", "inet", "msb",
                                    "refused").split("packets ")[1].split()[0])

    def sockets(self):
        """The gateway's sockets, as "up" makes them."""
        made = {}
        for number, family, kind in ((UDP4, socket.AF_INET, socket.SOCK_DGRAM),
                                     (UDP6, socket.AF_INET6,
                                      socket.SOCK_DGRAM),
                                     (TCP4, socket.AF_INET,
                                      socket.SOCK_STREAM),
                                     (TCP6, socket.AF_INET6,
                                      socket.SOCK_STREAM)):
            made[number] = sock = self.gateway.socket(family, kind)
            if family == socket.AF_INET:
                sock.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind(("0.0.0.0" if family == socket.AF_INET else "::", 53))
            sock.setblocking(False)
            if kind == socket.SOCK_STREAM:
                sock.listen(128)
        made[NETLINK] = self.gateway.socket(socket.AF_NETLINK, socket.SOCK_RAW,
                                            NETLINK_NETFILTER)
        return made


class Dnsd:
    """msb-dnsd under this program as its supervisor."""

    def __init__(self, program, place, log=None):
        self.program, self.place = program, place
        self.sockets = place.sockets()
        self.log = log or tempfile.TemporaryFile()
        self.document = None
        self.extra = {}
        self.start()

    def start(self):
        self.channel = Channel()
        fd = self.channel.theirs.fileno()
        self.process = subprocess.Popen(
            [self.program, "--channel-fd", str(fd), "--name", "test"],
            pass_fds=[fd], stderr=self.log)
        self.channel.theirs.close()

    def restart(self):
        """What a supervisor does when it has ended."""
        self.process.wait(30)
        self.start()
        self.configure(self.document, *self.extra.pop("names", ()),
                       resolv=self.extra.pop("resolv", None))

    def configure(self, document, exact=(), suffixes=(), resolv=None):
        """Put a configuration in force; an error's text if it is refused."""
        first = self.document is None or self.process.poll() is not None
        self.document = dict(document)
        document = {"Version": 1, "Name": "test", "Gateway4": GATEWAY[4],
                    "Gateway6": GATEWAY[6], "Guest4": GUEST[4],
                    "Guest6": GUEST[6], **document}
        files, fds = [], {}
        if exact or suffixes:
            data = names_file(exact, suffixes)
            document["Names"] = "names-%s.bin" % hashlib.sha256(
                data).hexdigest()[:16]
            fds[NAMES] = self._file(files, data)
        if resolv is not None:
            fds[RESOLV] = self._file(files, resolv.encode())
        text = json.dumps(document).encode()
        self.channel.send("prepare", {0: self._file(files, text)})
        if first or not self.channel_used():
            fds.update({n: s.fileno() for n, s in self.sockets.items()})
        if fds:
            self.channel.send("sockets", fds)
        word, text = self.channel.ask("ready")
        if word == "ok":
            word, text = self.channel.ask("commit")
            self.used = self.channel
        for file in files:
            file.close()
        return None if word == "ok" else text

    used = None

    def channel_used(self):
        return self.used is self.channel

    @staticmethod
    def _file(files, data):
        files.append(tempfile.TemporaryFile())
        files[-1].write(data)
        files[-1].flush()
        return files[-1].fileno()

    def resolv(self, text):
        """resolv.conf has changed."""
        with tempfile.TemporaryFile() as file:
            file.write(text.encode())
            file.flush()
            self.channel.send("sockets", {RESOLV: file.fileno()})

    def status(self):
        """The figures, and the list of pins."""
        with tempfile.TemporaryFile() as file:
            word, text = self.channel.ask("status", {0: file.fileno()})
            assert word == "status", text
            file.seek(0)
            pins = [json.loads(line) for line in file]
        words = text.split()
        return dict(zip(words[::2], map(int, words[1::2]))), pins

    def processes(self):
        """The monitor's and the worker's process numbers."""
        with open("/proc/%d/task/%d/children" % ((self.process.pid,) * 2),
                  encoding="ascii") as file:
            return self.process.pid, int(file.read().split()[0])

    def events(self):
        self.log.seek(0)
        return [json.loads(line) for line in self.log if line[:1] == b"{"]

    def stop(self):
        if self.process.poll() is None:
            self.channel.send("stop")
            self.process.wait(30)
        for sock in self.sockets.values():
            sock.close()


class Server(threading.Thread):
    """A name server: answers from a function, over UDP and TCP."""

    def __init__(self, address, answer, port=53):
        super().__init__(daemon=True)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.answer, self.asked, self.closed = answer, [], False
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.bind((address, port))
        self.tcp = socket.socket(family, socket.SOCK_STREAM)
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.tcp.bind((address, port))
        self.tcp.listen(64)
        for sock in (self.udp, self.tcp):
            sock.settimeout(0.1)
        self.streams = threading.Thread(target=self._streams, daemon=True)
        self.streams.start()
        self.start()

    def run(self):
        while not self.closed:
            try:
                data, peer = self.udp.recvfrom(4096)
            except OSError:
                continue
            for reply in self._answers(data, False):
                self.udp.sendto(reply, peer)

    def _answers(self, data, stream):
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            self.asked.append(None)
            return []
        self.asked.append((query.question[0].name.to_text().lower(), stream))
        made = self.answer(query, stream)
        return made if isinstance(made, list) else [made] if made else []

    def _streams(self):
        while not self.closed:
            try:
                sock, _ = self.tcp.accept()
            except OSError:
                continue
            threading.Thread(target=self._stream, args=(sock,),
                             daemon=True).start()

    def _stream(self, sock):
        with sock:
            sock.settimeout(20)
            try:
                head = sock.recv(2, socket.MSG_WAITALL)
                data = sock.recv(struct.unpack("!H", head)[0],
                                 socket.MSG_WAITALL)
                for reply in self._answers(data, True):
                    sock.sendall(struct.pack("!H", len(reply)) + reply)
            except (OSError, struct.error):
                return

    def close(self):
        self.closed = True
        self.join()
        self.streams.join()
        self.udp.close()
        self.tcp.close()


def wait_until(condition, seconds=20.0):
    """Whether a condition becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True
