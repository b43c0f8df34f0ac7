# SPDX-License-Identifier: GPL-2.0-or-later
"""lab.py - A laboratory of namespaces: a host, the world, and sandboxes.

Everything is inside namespaces of this process: enter_laboratory() runs the
program again with a network and a mount namespace of its own, so that neither
/run/netns nor the ruleset, routes and settings of the machine are touched, and
nothing is left when it ends, however it ends. Nor is any process: see there.

    guest eth0 -- guest0 [msb-NAME] uplink0 -- msb-NAME [host] world0 -- eth0 [world]

The world answers for every address. Sandboxes are made from plan.json and the
rulesets beside it with ip and nft alone.
"""
import ctypes
import fcntl
import ipaddress
import json
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import wire

CLONE_NEWNET = 0x40000000
ETH_P_ALL, ETH_P_ARP = 3, 0x0806
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
NETLINK_NETFILTER = 12
# Of <linux/sockios.h> and <linux/if.h>.
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8913, 0x8914, 0x1, 0x40
# More than it takes from a guest through a gateway and the host to the world or
# another guest, with resolving addresses, and back.
QUESTIONS = 5
# As long as what is to come is waited for: a machine may be slow, and busy.
PATIENCE = 30
WORLD4 = ("192.0.2.1", "192.0.2.2")
WORLD6 = ("2001:db8:ffff:ffff::1", "2001:db8:ffff:ffff::2")
_libc = ctypes.CDLL(None, use_errno=True)


def enter_laboratory():
    """Run this program again in namespaces of its own, as root; 77 if not.

    It has a PID namespace as well, whose processes end with it: whatever a
    program that is cut off in the middle has left running, supervisors of
    sessions of their own above all, is gone with it. The shell that is PID 1
    there waits for the orphans.
    """
    if os.environ.get("MSB_LABORATORY") == str(os.getppid()) == "1":
        for command in (["mount", "-t", "tmpfs", "tmpfs", "/run"],
                        ["mount", "-t", "sysfs", "sysfs", "/sys"]):
            subprocess.run(command, check=True)
        os.mkdir("/run/netns")
        return
    if os.geteuid() != 0:
        print("skipped: network namespaces need root")
        sys.exit(77)
    os.environ["MSB_LABORATORY"] = "1"
    sys.stdout.flush()
    os.execvp("unshare",
              ["unshare", "--net", "--mount", "--propagation", "private",
               "--pid", "--fork", "--kill-child", "--mount-proc",
               "sh", "-c", '"$@"; exit $?', "sh", sys.executable] + sys.argv)


def stay_on_this_cpu():
    """Keep this thread on the processor that it is on.

    A packet that is sent waits in a queue of its sender's processor, and so does
    each that follows from it: in order, whatever namespaces they are in.
    """
    with open("/proc/thread-self/stat", encoding="ascii") as file:
        os.sched_setaffinity(0, {int(file.read().rpartition(")")[2].split()[36])})


def run(*command, text=None, check=True):
    """Run a command; its output, or an error that says what it said."""
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if check and done.returncode:
        raise RuntimeError("%s: %s" % (" ".join(command), done.stderr.strip()))
    return done.stdout if check else done


def json_lines(path):
    """The objects in a file that others append to, one a line. The last line may
    be about to be written, and is read at another time: read by lines, the file
    would give its beginning now and its end behind it."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return [json.loads(line) for line in text.split("\n")[:-1]]


class Namespace:
    """A network namespace: with NS: runs in it."""

    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        # Each thread is in a namespace of its own.
        self.back = threading.local()

    def __enter__(self):
        fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        self.back.fds = getattr(self.back, "fds", []) + [fd]
        self._set(self.fd)
        return self

    def __exit__(self, *_):
        fd = self.back.fds.pop()
        self._set(fd)
        os.close(fd)

    @staticmethod
    def _set(fd):
        if _libc.setns(fd, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns")

    def run(self, *command, **options):
        with self:
            return run(*command, **options)

    def ip(self, lines, *options):
        """Commands of ip's, all by one process."""
        if lines:
            self.run("ip", *options, "-batch", "-",
                     text="".join(line + "\n" for line in lines))

    def flags(self, link):
        """The flags of a link that is here."""
        with self.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            got = fcntl.ioctl(asked, SIOCGIFFLAGS, struct.pack(
                "16sh22x", link.encode(), 0))
        return struct.unpack("16xh22x", got)[0]

    def up(self, link):
        with self.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
            fcntl.ioctl(asked, SIOCSIFFLAGS, struct.pack(
                "16sh22x", link.encode(), self.flags(link) | IFF_UP))

    def wait_running(self, *links):
        """Links that are up carry packets a moment later, and only then."""
        end = time.monotonic() + PATIENCE
        for link in links:
            while not self.flags(link) & IFF_RUNNING:
                if time.monotonic() > end:
                    raise RuntimeError(link + " stays down")
                time.sleep(0.002)

    def sysctl(self, key, value):
        with self, open("/proc/sys/" + key, "w", encoding="ascii") as file:
            file.write(value)

    def socket(self, *args):
        with self:
            return socket.socket(*args)

    def forget_flows(self):
        """Empty the table of connections: IPCTNL_MSG_CT_DELETE without a tuple."""
        with self.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as asked:
            asked.settimeout(10)
            asked.send(struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 5, 1, 0, 0, 0, 0))
            _, kind, _, _, _, error = struct.unpack("=IHHIIi", asked.recv(4096)[:20])
        if kind != 2 or error:
            raise OSError(-error, "the connections are not forgotten")

    def close(self):
        os.close(self.fd)


class Wire:
    """Raw access to one interface: sends frames, reads what comes in."""

    def __init__(self, namespace, link):
        self.socket = namespace.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                       socket.htons(ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        self.socket.bind((link, ETH_P_ALL))
        self.socket.setblocking(False)

    def send(self, frame):
        self.socket.send(frame)

    def read(self, seconds=0.0, until=None):
        """IP packets that came in; no longer than until(packet) is true."""
        packets, end = [], time.monotonic() + seconds
        while True:
            try:
                data, address = self.socket.recvfrom(65536)
            except BlockingIOError:
                left = end - time.monotonic()
                if left <= 0:
                    return packets
                select.select([self.socket], [], [], left)
                continue
            if address[2] == PACKET_OUTGOING or data[12:14] not in (
                    b"\x08\x00", b"\x86\xdd"):
                continue
            packets.append(wire.Packet(data[14:]))
            if until and until(packets[-1]):
                return packets

    def close(self):
        self.socket.close()


def make_namespace(name):
    run("ip", "netns", "add", name)
    namespace = Namespace("/run/netns/" + name)
    namespace.up("lo")
    return namespace


class Laboratory:
    """The host's namespace, which is this process's own, and the world."""

    def __init__(self):
        self.host = Namespace("/proc/thread-self/ns/net")
        run("ip", "netns", "attach", "host", str(os.getpid()))
        self.host.up("lo")
        self.world = make_namespace("world")
        run("ip", "link", "add", "world0", "type", "veth", "peer", "name",
            "eth0", "netns", "world")
        for namespace in (self.host, self.world):
            for key, value in (
                    ("net/ipv4/conf/all/rp_filter", "0"),
                    ("net/ipv4/conf/default/rp_filter", "0"),
                    ("net/ipv4/icmp_ratelimit", "0"),
                    ("net/ipv6/icmp/ratelimit", "0")):
                namespace.sysctl(key, value)
        self.host.sysctl("net/ipv4/conf/world0/rp_filter", "0")
        for namespace, link, own in ((self.host, "world0", 0),
                                     (self.world, "eth0", 1)):
            # Nobody else is there who might have an address.
            namespace.sysctl("net/ipv6/conf/%s/accept_dad" % link, "0")
            namespace.ip([
                "addr add %s/30 dev %s" % (WORLD4[own], link),
                "addr add %s/64 dev %s nodad" % (WORLD6[own], link),
                "link set %s up" % link])
        self.host.ip(["route add default via " + WORLD4[1],
                      "route add ::/0 via " + WORLD6[1]])
        # The world has every address that is not the host's.
        self.world.ip(["route add local 0.0.0.0/0 dev lo table main",
                       "route add local ::/0 dev lo table main"])
        self.world.sysctl("net/ipv6/ip_nonlocal_bind", "1")
        self.host.wait_running("world0")
        self.world.wait_running("eth0")
        end = time.monotonic() + PATIENCE
        for namespace in (self.host, self.world):
            while "tentative" in namespace.run("ip", "-6", "addr"):
                if time.monotonic() > end:
                    raise RuntimeError("duplicate address detection hangs")
                time.sleep(0.02)
        self.world.sysctl("net/ipv4/ip_nonlocal_bind", "1")
        self.wire = Wire(self.world, "eth0")

    @staticmethod
    def silence(namespace):
        """Let a kernel answer nothing but neighbour discovery."""
        namespace.run("nft", "-f", "-", text="""table inet silence {
  chain input { type filter hook input priority filter; policy drop
    icmpv6 type { 133, 134, 135, 136 } accept
  }
}
""")

    @staticmethod
    def unsilence(namespace):
        namespace.run("nft", "delete", "table", "inet", "silence")

    def mac(self, namespace, link):
        found = re.search(r"link/ether (\S+)",
                          namespace.run("ip", "link", "show", link))
        return wire.mac(found.group(1))


class Sandbox:
    """A sandbox that was made from a directory with plan.json."""

    def __init__(self, lab, directory, guest="guest"):
        self.lab, self.directory = lab, directory
        with open(os.path.join(directory, "plan.json"),
                  encoding="utf-8") as file:
            self.plan = json.load(file)
        self.pin_sets = []
        if "dns.json" in self.plan["files"]:
            with open(os.path.join(directory, "dns.json"),
                      encoding="utf-8") as file:
                self.pin_sets = json.load(file)["PinSets"]
        self.name = self.plan["name"]
        self.guest_name = guest
        self.gateway_name = next(n["name"] for n in self.plan["namespaces"]
                                 if n["ns"] == "gateway")
        self.wires, self.arp = [], None
        self.ns = {"host": lab.host}
        self._provision()
        self.gateway, self.guest = self.ns["gateway"], self.ns["guest"]
        self._addresses()
        self._wait()

    def _wait(self):
        """The kernel brings a link's IPv6 up a moment after the link."""
        for link in self.plan["links"]:
            for side in link["ends"]:
                self.ns[side["ns"]].wait_running(side["name"])

    def _provision(self):
        """What "up" does, in the order that plan.json is to be made in."""
        plan = self.plan
        self.ns["gateway"] = make_namespace(self.gateway_name)
        self.ns["guest"] = make_namespace(self.guest_name)
        self._sysctls(False)
        for ruleset in plan["rulesets"]:
            self.ns[ruleset["ns"]].run(
                "nft", "-f", os.path.join(self.directory, ruleset["file"]))
        for link in plan["links"]:
            a, b = link["ends"]
            self.ns[a["ns"]].run(
                "ip", "link", "add", a["name"], "address", a["mac"], "mtu",
                str(link["mtu"]), "type", "veth", "peer", "name", b["name"],
                "address", b["mac"], "mtu", str(link["mtu"]), "netns",
                self._netns(b["ns"]))
        self._sysctls(True)
        for where, namespace in self.ns.items():
            namespace.ip(self._lines(where))
            for family in "46":
                namespace.ip(["rule add priority %d fwmark %d table %d" % (
                    rule["priority"], rule["fwmark"], rule["table"])
                    for rule in plan["policy_routing"] if rule["ns"] == where
                    and rule["family"][-1] == family], "-" + family)

    def _lines(self, where):
        """What ip is to do in a namespace where the links are."""
        plan = self.plan

        def here(items):
            return [item for item in items if item["ns"] == where]

        lines = ["addr add %s dev %s%s" % (
            a["address"], a["link"], " nodad" if ":" in a["address"] else "")
            for a in here(plan["addresses"])]
        lines += ["link set %s up" % end["name"] for link in plan["links"]
                  for end in here(link["ends"])]
        lines += ["neigh replace %s lladdr %s dev %s nud permanent" % (
            n["address"], n["mac"], n["link"])
            for n in here(plan["neighbours"])]
        for route in here(plan["routes"]):
            lines.append("route add %s %s%s dev %s%s table %d" % (
                route["type"], route["destination"],
                " via " + route["via"] if "via" in route else "",
                route["link"], " onlink" if "via" in route else "",
                route["table"]))
        return lines

    def _netns(self, which):
        return {"host": "host", "gateway": self.gateway_name,
                "guest": self.guest_name}[which]

    def _sysctls(self, with_link):
        for setting in self.plan["sysctls"]:
            if ("link" in setting) == with_link:
                self.ns[setting["ns"]].sysctl(setting["key"],
                                              setting["value"])

    def _addresses(self):
        own = {}
        for a in self.plan["addresses"]:
            address = ipaddress.ip_interface(a["address"])
            own[a["link"], address.version] = address
        self.net = {v: own["eth0", v].network for v in (4, 6)}
        self.guest_ip = {v: own["eth0", v].ip for v in (4, 6)}
        self.gateway_ip = {v: own["guest0", v].ip for v in (4, 6)}
        macs = {end["name"]: wire.mac(end["mac"])
                for link in self.plan["links"] for end in link["ends"]}
        self.uplink = next(
            end["name"] for link in self.plan["links"]
            for end in link["ends"] if end["ns"] == "host")
        self.macs = macs

    def wire(self, which):
        """A Wire at the guest ("guest") or the host's end ("uplink")."""
        if which == "guest":
            made = Wire(self.guest, "eth0")
        else:
            made = Wire(self.lab.host, self.uplink)
        self.wires.append(made)
        return made

    def from_guest(self, packet):
        """The frame that carries a packet from the guest."""
        return wire.frame(self.macs["guest0"], self.macs["eth0"], packet)

    def from_host(self, packet):
        """The frame that carries a packet from the host's end."""
        return wire.frame(self.macs["uplink0"], self.macs[self.uplink],
                          packet)

    def settle(self):
        """Return when all packets that were sent are where they go.

        Behind them in their processor's queue goes a question to the gateway.
        When its answer comes they have come two namespaces further, and with
        each question more two more: for that, stay_on_this_cpu().
        """
        if not self.arp:
            self.arp = self.guest.socket(socket.AF_PACKET, socket.SOCK_RAW,
                                         socket.htons(ETH_P_ARP))
            self.arp.bind(("eth0", ETH_P_ARP))
            self.arp.settimeout(PATIENCE)
        own, gateway = self.guest_ip[4].packed, self.gateway_ip[4].packed
        for _ in range(QUESTIONS):
            self.arp.send(b"\xff" * 6 + self.macs["eth0"] + b"\x08\x06" +
                          b"\0\1\x08\0\6\4\0\1" + self.macs["eth0"] + own +
                          b"\0" * 6 + gateway)
            # Of an answer: that it is one, and from whom.
            while self.arp.recv(64)[20:32] != \
                    b"\0\2" + self.macs["guest0"] + gateway:
                pass

    def replace(self, directory):
        """Load another policy over the one that is in force."""
        self.gateway.run("nft", "-f", os.path.join(directory, "sandbox.nft"))

    def probe(self):
        """Record in a table of its own what passes the judge."""
        self.gateway.run("nft", "-f", "-", text="""table inet probe {
  set seen4 { type ipv4_addr . inet_proto . inet_service . inet_service
    size 65535; flags dynamic; }
  set seen6 { type ipv6_addr . inet_proto . inet_service . inet_service
    size 65535; flags dynamic; }
  chain probe { type filter hook prerouting priority mangle + 1
    policy accept
    meta l4proto icmpv6 icmpv6 type { 133, 134, 135, 136 } return
    add @seen4 { ip daddr . meta l4proto . th sport . th dport }
    add @seen6 { ip6 daddr . meta l4proto . th sport . th dport }
  }
}
""")

    def probed(self):
        """The set of (destination, protocol, first 4 bytes) that passed."""
        seen = set()
        listed = json.loads(self.gateway.run(
            "nft", "-jn", "list", "table", "inet", "probe"))
        for item in listed["nftables"]:
            for elem in item.get("set", {}).get("elem", []):
                elem = elem.get("elem", elem)
                elem = elem.get("val", elem)["concat"]
                seen.add((ipaddress.ip_address(elem[0]),) +
                         tuple(int(n) for n in elem[1:]))
        return seen

    def close(self):
        for made in self.wires + [self.arp] * bool(self.arp):
            made.close()
        self.gateway.close()
        self.guest.close()
        # Both ends of a pair go with either; the name is free at once only
        # if this is waited for.
        self.lab.host.ip(["link delete " + self.uplink,
                          "netns delete " + self.gateway_name,
                          "netns delete " + self.guest_name])
        run("nft", "delete", "table", "inet", "msb", check=False)


def compile_document(program, document, directory, slot=0, name="test"):
    """Write the artefacts of a document."""
    shutil.rmtree(directory, ignore_errors=True)
    run(program, "compile", document, "-o", directory, "--slot", str(slot), "--name", name)
    return directory
