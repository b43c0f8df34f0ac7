# SPDX-License-Identifier: GPL-2.0-or-later
"""relay.py - A relay without msb-netc: namespaces, sockets, and its control.

    client on the host's loopback -- msb-supervised/msb-relayd -- guest
                [host]                       [gateway] guest0 -- eth0 [guest]

The relay is started and spoken to as msb-netc does it: messages of
compiler/base/channel.h over a socket of type SOCK_SEQPACKET.
"""
import array
import ctypes
import json
import os
import resource
import signal
import socket
import struct
import subprocess
import time

from lab import json_lines, make_namespace, run

_libc = ctypes.CDLL(None, use_errno=True)
PR_CAPBSET_DROP, CAP_SYS_RESOURCE = 24, 24
TYPES = ["none", "prepare", "sockets", "ready", "commit", "abort", "status",
         "stop", "ok", "failed", "connect", "connected", "refused", "hold",
         "release", "terminate", "watch"]
MAX = 64
MESSAGE = struct.Struct("=II%dI512s" % MAX)
GATEWAY = {4: "172.16.0.1", 6: "fd42:6d73:62::1"}
GUEST = {4: "172.16.0.2", 6: "fd42:6d73:62::2"}
STEER_PORT = 61440
# As long as what is to come is waited for: a machine may be slow, and busy.
PATIENCE = 60
IPV6_V6ONLY, IP_TRANSPARENT, IPV6_TRANSPARENT = 26, 19, 75
FAMILY = {4: socket.AF_INET, 6: socket.AF_INET6}
TYPE = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}

# What the sandbox's own ruleset does for the relay, as little as will do.
RULESET = """table inet relay {
  chain steer { type filter hook prerouting priority mangle; policy accept
    iifname guest0 meta l4proto icmp accept
    iifname guest0 meta l4proto icmpv6 accept
    iifname guest0 ct direction reply accept
    iifname guest0 ip daddr 172.16.0.1 meta l4proto { tcp, udp } jump take
    iifname guest0 ip6 daddr fd42:6d73:62::1 meta l4proto { tcp, udp } jump take
  }
  chain take {
    meta nfproto ipv4 meta l4proto tcp tproxy ip to :61440 meta mark set 1 accept
    meta nfproto ipv6 meta l4proto tcp tproxy ip6 to :61440 meta mark set 1 accept
    meta nfproto ipv4 meta l4proto udp tproxy ip to :61440 meta mark set 1 accept
    meta nfproto ipv6 meta l4proto udp tproxy ip6 to :61440 meta mark set 1 accept
    accept
  }
}
"""


def send(channel, kind, index=(), fds=(), text=""):
    """Send one message."""
    numbers = list(index) + [0] * (MAX - len(index))
    data = MESSAGE.pack(TYPES.index(kind), len(fds), *numbers, text.encode())
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
    channel.sendmsg([data], rights if fds else [])


def receive(channel):
    """Receive one message: (type, text), None if the other side is gone."""
    data = channel.recv(4096)
    if not data:
        return None
    fields = MESSAGE.unpack(data)
    return TYPES[fields[0]], fields[-1].split(b"\0")[0].decode()


def ask(channel, kind):
    """Send a request and return its answer."""
    send(channel, kind)
    return receive(channel)


def limit_files(files):
    """Let this process and its children have no more, whatever they are."""
    _libc.prctl(PR_CAPBSET_DROP, CAP_SYS_RESOURCE, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


def wait_until(condition, seconds=PATIENCE):
    """Whether a condition comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def make_link():
    """The gateway's and the guest's namespaces, and what is between."""
    gateway, guest = make_namespace("gateway"), make_namespace("guest")
    gateway.run("ip", "link", "add", "guest0", "type", "veth", "peer", "name",
                "eth0", "netns", "guest")
    for namespace, link, own in ((gateway, "guest0", GATEWAY),
                                 (guest, "eth0", GUEST)):
        namespace.run("ip", "addr", "add", own[4] + "/30", "dev", link)
        namespace.run("ip", "addr", "add", own[6] + "/64", "dev", link,
                      "nodad")
        namespace.run("ip", "link", "set", link, "up")
    gateway.sysctl("net/ipv4/ip_unprivileged_port_start", "0")
    gateway.sysctl("net/ipv4/ip_local_port_range", "32768 60999")
    for key in ("net/ipv4/icmp_ratelimit", "net/ipv6/icmp/ratelimit"):
        gateway.sysctl(key, "0")
    for family in ("-4", "-6"):
        gateway.run("ip", family, "rule", "add", "fwmark", "1", "table", "100")
        gateway.run("ip", family, "route", "add", "local", "default", "dev",
                    "lo", "table", "100")
    gateway.run("nft", "-f", "-", text=RULESET)
    if not wait_until(lambda: "state UP" in gateway.run(
            "ip", "link", "show", "guest0") and "tentative" not in
            gateway.run("ip", "-6", "addr")):
        raise RuntimeError("the link stays down")
    return gateway, guest


def listener(bind, protocol, host_port, guest_port, serve="relay"):
    return {"Bind": bind, "Protocol": protocol, "HostPort": host_port,
            "GuestPort": guest_port, "Serve": serve,
            "Pointer": "/Ports/%d" % host_port}


def config(listeners=(), ingress=(), ingress_default="allow", host=None,
           limits=None):
    """A relay.json; host is (rules, default)."""
    made = {"Version": 1, "Name": "test", "Generation": "0x10",
            "Gateway4": GATEWAY[4], "Gateway6": GATEWAY[6],
            "Guest4": GUEST[4], "Guest6": GUEST[6],
            "Listeners": list(listeners),
            "Ingress": {"Rules": list(ingress), "Default": ingress_default}}
    if host is not None:
        made["HostEgress"] = {"Port": STEER_PORT, "Rules": list(host[0]),
                              "Default": host[1]}
    if limits:
        made["Limits"] = limits
    return made


def bind_listener(item):
    """The socket of a listener, as msb-netc makes it."""
    v6 = ":" in item["Bind"]
    made = socket.socket(FAMILY[6 if v6 else 4], TYPE[item["Protocol"]])
    if v6:
        made.setsockopt(socket.IPPROTO_IPV6, IPV6_V6ONLY,
                        0 if item["Bind"] == "::" else 1)
    if item["Protocol"] == "tcp":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((item["Bind"], item["HostPort"]))
    if item["Protocol"] == "tcp" and item["Serve"] == "relay":
        made.listen(4096)
    return made


def bind_gateway(gateway):
    """The six sockets of the gateway's namespace, in their order."""
    made = []
    for protocol in ("tcp", "udp"):
        for version in (4, 6):
            steer = gateway.socket(FAMILY[version], TYPE[protocol])
            if version == 6:
                steer.setsockopt(socket.IPPROTO_IPV6, IPV6_V6ONLY, 1)
                steer.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
            else:
                steer.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
            steer.bind(("::" if version == 6 else "0.0.0.0", STEER_PORT))
            if protocol == "tcp":
                steer.listen(4096)
            made.append(steer)
    made.append(gateway.socket(socket.AF_INET, socket.SOCK_RAW,
                               socket.IPPROTO_ICMP))
    made.append(gateway.socket(socket.AF_INET6, socket.SOCK_RAW,
                               socket.IPPROTO_ICMPV6))
    return made


class Relay:
    """A supervisor and its worker."""

    def __init__(self, programs, gateway, log="/run/events.log", files=None):
        self.gateway, self.log = gateway, log
        self.path = "/run/supervisor.sock"
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.conf = None
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listening.bind(self.path)
        listening.listen(4)
        self.control, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(PATIENCE)
        events = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        fds = [theirs.fileno(), gateway.fd, listening.fileno()]
        self.process = subprocess.Popen(
            [os.path.join(programs, "msb-supervised"), "--control-fd",
             str(fds[0]), "--netns-fd", str(fds[1]), "--listen-fd",
             str(fds[2]), "--name", "test"], pass_fds=fds, stderr=events,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=(lambda: limit_files(files)) if files else None)
        os.close(events)
        theirs.close()
        listening.close()

    def connect(self):
        """Another control connection."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        made.settimeout(PATIENCE)
        made.connect(self.path)
        return made

    def prepare(self, conf, channel=None, text=None, leave_out=()):
        """PREPARE, the sockets that are new, READY; the answer."""
        channel = channel or self.control
        memfd = os.memfd_create("relay.json")
        os.write(memfd, (json.dumps(conf) if text is None else text).encode())
        send(channel, "prepare", fds=[memfd])
        os.close(memfd)
        old = self.conf["Listeners"] if self.conf else []
        known = [{k: v for k, v in item.items()
                  if k not in ("GuestPort", "Pointer")} for item in old]
        fresh = []
        for i, item in enumerate(conf["Listeners"] if conf else []):
            same = {k: v for k, v in item.items()
                    if k not in ("GuestPort", "Pointer")}
            if same not in known:
                fresh.append((i, bind_listener(item)))
        if conf and "HostEgress" in conf and not (
                self.conf and self.had_gateway):
            fresh += enumerate(bind_gateway(self.gateway),
                               len(conf["Listeners"]))
        sent = [pair for pair in fresh if pair[0] not in leave_out]
        for i in range(0, len(sent), MAX):
            part = sent[i:i + MAX]
            send(channel, "sockets", [n for n, _ in part],
                 [s.fileno() for _, s in part])
        for _, made in fresh:
            made.close()
        return ask(channel, "ready")

    had_gateway = False

    def commit(self, conf, channel=None):
        answer = ask(channel or self.control, "commit")
        if answer == ("ok", ""):
            self.had_gateway = self.had_gateway or "HostEgress" in conf
            self.conf = conf
        return answer

    def apply(self, conf):
        """Put a configuration in force, or fail."""
        for answer in (self.prepare(conf), self.commit(conf)):
            if answer != ("ok", ""):
                raise RuntimeError("the relay says %s" % (answer,))

    def status(self):
        """The figures of STATUS."""
        kind, text = ask(self.control, "status")
        assert kind == "status", (kind, text)
        words = text.split()
        return dict(zip(words[::2], map(int, words[1::2])))

    def worker(self):
        return self.status()["pid"]

    def kill_worker(self):
        pid = self.worker()
        os.kill(pid, signal.SIGKILL)
        return pid

    def events(self):
        return json_lines(self.log)

    def stop(self):
        """STOP; its answer, and the supervisor's exit status."""
        answer = ask(self.control, "stop")
        status = self.process.wait(PATIENCE)
        self.control.close()
        return answer, status


def close_link(gateway, guest):
    gateway.close()
    guest.close()
    run("ip", "netns", "delete", "gateway")
    run("ip", "netns", "delete", "guest")
