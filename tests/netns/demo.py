# SPDX-License-Identifier: GPL-2.0-or-later
"""demo.py - A sandbox under a policy, and what it may do, with real packets.

Makes a small internet inside namespaces of its own, brings a sandbox up with
"msb-netc up", and lets its guest try to reach one host after the other with
ordinary sockets. Beside each attempt stands what "msb-netc explain" says. Where
msb-dnsd serves names, it asks for some as well.
"""
import argparse
import concurrent.futures
import json
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from lab import Laboratory, enter_laboratory, make_namespace, run
import wire

NAME, STATE = "demo", "/run/msb-demo"
# As long as an attempt is waited for that is to work, or is not.
PATIENCE, ABSENCE = 60, 0.7

# The hosts of the small internet, and what a guest might want of them. The
# address "gateway4" or "gateway6" is the sandbox's own gateway.
ATTEMPTS = [
    ("a web server on the internet", "198.51.100.7", ("tcp", 80)),
    ("", "198.51.100.7", ("tcp", 443)),
    ("", "198.51.100.7", ("udp", 7)),
    ("", "198.51.100.7", ("icmpv4", None)),
    ("the same over IPv6", "2001:db8::7", ("tcp", 80)),
    ("", "2001:db8::7", ("udp", 7)),
    ("", "2001:db8::7", ("icmpv6", None)),
    ("another host on the internet", "203.0.113.9", ("tcp", 443)),
    ("", "203.0.113.9", ("udp", 123)),
    ("DNS over TLS, which hides names", "203.0.113.9", ("tcp", 853)),
    ("", "203.0.113.9", ("udp", 853)),
    ("a machine in the LAN", "192.168.1.9", ("tcp", 80)),
    ("", "192.168.1.9", ("udp", 7)),
    ("", "192.168.1.9", ("icmpv4", None)),
    ("a database in the company", "10.0.0.5", ("tcp", 5432)),
    ("", "fd00::5", ("tcp", 5432)),
    ("the cloud's metadata service", "169.254.169.254", ("tcp", 80)),
    ("the gateway itself", "gateway4", ("icmpv4", None)),
    ("", "gateway6", ("icmpv6", None)),
    ("the host's end of the uplink", "169.254.62.1", ("tcp", 22)),
]


# Names, and the address that a name server on the host has for each. One that
# leads inside is not let through where no rule allows the address; that the
# default allows it is not enough.
NAMES = {"www.example.com": "198.51.100.7", "printer.example.com": "192.168.1.9"}
NAMESERVER = "192.0.2.53"


class NameServer:
    """The host's name server, and its resolv.conf that says so."""

    def __init__(self):
        run("ip", "link", "set", "lo", "up")
        run("ip", "addr", "add", NAMESERVER + "/32", "dev", "lo")
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
            file.write("nameserver %s\n" % NAMESERVER)
            file.flush()
            run("mount", "--bind", file.name, "/etc/resolv.conf")
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((NAMESERVER, 53))
        self.socket.settimeout(0.1)
        self.stopped = False
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while not self.stopped:
            try:
                query, peer = self.socket.recvfrom(2048)
            except socket.timeout:
                continue
            labels, at = [], 12
            while query[at]:
                labels.append(query[at + 1:at + 1 + query[at]].decode())
                at += 1 + query[at]
            address = NAMES.get(".".join(labels).lower())
            record = b"" if not address or query[at + 1:at + 3] != b"\0\1" \
                else b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + \
                socket.inet_aton(address)
            self.socket.sendto(query[:2] + struct.pack(
                "!HHHHH", 0x8180 if address else 0x8183, 1, bool(record), 0,
                0) + query[12:at + 5] + record, peer)

    def close(self):
        self.stopped = True
        self.thread.join()
        self.socket.close()
        run("umount", "/etc/resolv.conf")


def resolve(guest, resolver, name):
    """What the guest is told: an address, or that there is none; or nothing."""
    question = b"".join(bytes([len(label)]) + label.encode()
                        for label in name.split("."))
    with guest.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.settimeout(PATIENCE)
        made.connect((resolver, 53))
        made.send(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + question +
                  b"\0\0\1\0\1")
        try:
            answer = made.recv(2048)
        except OSError:
            return None
    if struct.unpack_from("!H", answer, 6)[0] != 1:
        return "no such name"
    return socket.inet_ntoa(answer[12 + len(question) + 5 + 12:][:4])


def names(program, policy, guest, up):
    """Ask for the names; how many answers are not what they should be."""
    wrong = 0
    for name, address in NAMES.items():
        said = explain(program, policy, up["slot"],
                       ["egress", "tcp", address, "80"])
        told = resolve(guest, up["gateway4"], name)
        good = said["verdict"] == "allow" and (
            not address.startswith("192.168.") or
            said["pointer"] != "/DefaultEgress")
        agree = told == (address if good else "no such name")
        wrong += not agree
        print("%-2s %-20s leads to %-13s (%s, %s): %s" % (
            "" if agree else "!!", name, address, said["verdict"],
            said["pointer"], told))
    return wrong


class Servers:
    """Answer on every address and port that is tried."""

    def __init__(self, lab):
        self.sockets = []
        for _, address, (proto, port) in ATTEMPTS:
            if address.startswith("gateway") or port is None:
                continue
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            kind = socket.SOCK_STREAM if proto == "tcp" else socket.SOCK_DGRAM
            made = lab.world.socket(family, kind)
            made.bind((address, port))
            if proto == "tcp":
                made.listen(16)
            self.sockets.append(made)

    def serve(self, stop):
        while not stop():
            ready, _, _ = select.select(self.sockets, [], [], 0.05)
            for made in ready:
                if made.type == socket.SOCK_STREAM:
                    made.accept()[0].close()
                else:
                    data, peer = made.recvfrom(2048)
                    made.sendto(data, peer)


def attempt(made, proto, address, port, patience):
    """One attempt with an ordinary socket; whether it worked, and how."""
    with made:
        made.settimeout(patience)
        try:
            if proto == "tcp":
                made.connect((address, port))
                return True, "connected"
            if proto == "udp":
                made.connect((address, port))
                made.send(b"hello")
                made.recv(100)
                return True, "answered"
            six = proto == "icmpv6"
            made.connect((address, 0))
            # For IPv6 the kernel computes the checksum itself.
            made.send(b"\x80\0\0\0\x12\x34\0\x01" if six else
                      wire.icmp(wire.ipaddress.ip_address("0.0.0.0"),
                                wire.ipaddress.ip_address(address), 8, 0,
                                b"\x12\x34\0\x01"))
            end = time.monotonic() + patience
            while time.monotonic() < end:
                made.settimeout(max(end - time.monotonic(), 0.001))
                # Until it is connected the socket hears every echo.
                data, peer = made.recvfrom(2048)
                if peer[0] == address and (
                        data[0] if six else data[20]) == (129 if six else 0):
                    return True, "answered"
            return False, "no answer"
        except socket.timeout:
            return False, "no answer"
        except ConnectionRefusedError:
            return False, "refused"
        except OSError as error:
            return False, os.strerror(error.errno or 0)


def socket_for(namespace, proto, address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kinds = {"tcp": (socket.SOCK_STREAM, 0), "udp": (socket.SOCK_DGRAM, 0),
             "icmpv4": (socket.SOCK_RAW, socket.IPPROTO_ICMP),
             "icmpv6": (socket.SOCK_RAW, socket.IPPROTO_ICMPV6)}
    return namespace.socket(family, *kinds[proto])


def prepare_guest(guest):
    """What a virtual machine monitor would do: nothing but a namespace."""
    guest.sysctl("net/ipv6/conf/default/accept_dad", "0")


def explain(program, policy, slot, flow):
    return json.loads(run(program, "explain", "--json", "--slot", str(slot),
                          *policy, *flow))


def show(program, policy, helpers, lab):
    """Everything behind "up"; how many attempts went otherwise."""
    guest = make_namespace("guest-" + NAME)
    prepare_guest(guest)
    server = NameServer()
    done = subprocess.run(
        [program, "up", "--json", "--state", STATE, "--guest-netns",
         "guest-" + NAME, NAME] + helpers + policy, stdout=subprocess.PIPE, text=True,
        check=False)
    if done.returncode:
        sys.exit(done.returncode)
    up = json.loads(done.stdout)
    try:
        return table(program, policy, lab, guest, up)
    finally:
        run(program, "down", "--state", STATE, NAME)
        server.close()


def table(program, policy, lab, guest, up):
    own = {"gateway4": up["gateway4"], "gateway6": up["gateway6"]}
    servers, stopped = Servers(lab), []
    flows = [["egress", proto, own.get(address, address)] +
             [str(port)] * bool(port) for _, address, (proto, port) in ATTEMPTS]
    verdicts = [explain(program, policy, up["slot"], flow) for flow in flows]
    with concurrent.futures.ThreadPoolExecutor(len(ATTEMPTS) + 1) as pool:
        server = pool.submit(servers.serve, lambda: stopped)
        tries = []
        for (_, address, (proto, port)), said in zip(ATTEMPTS, verdicts):
            address = own.get(address, address)
            tries.append(pool.submit(
                attempt, socket_for(guest, proto, address), proto, address,
                port, PATIENCE if said["verdict"] == "allow" else ABSENCE))
        outcome = [one.result() for one in tries]
        stopped.append(True)
        server.result()
    print("sandbox %s: guest %s and %s, gateway %s and %s\n" % (
        NAME, up["guest4"], up["guest6"], up["gateway4"], up["gateway6"]))
    form = "%-2s %-40s %-8s %-12s %s"
    print(form % ("", "flow of the guest", "policy", "kernel", "decided by"))
    wrong = wrong_names = 0
    for (what, _, _), flow, said, (worked, how) in zip(ATTEMPTS, flows,
                                                       verdicts, outcome):
        if what:
            print("   # " + what)
        agree = worked == (said["verdict"] == "allow")
        wrong += not agree
        print(form % ("" if agree else "!!", " ".join(flow[1:]),
                      said["verdict"], how, "%s (%s)" % (said["pointer"],
                                                         said["rule"])))
    print()
    if up["dns"] == "helper":
        print("msb-dnsd serves names here (%s):" % up["dns_reason"])
        wrong_names = names(program, policy, guest, up)
        print()
    print("%d flows, %d as the policy says, %d otherwise" % (
        len(ATTEMPTS), len(ATTEMPTS) - wrong, wrong))
    return wrong + wrong_names


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="the program msb-netc")
    parser.add_argument("config", nargs="?", help="a document")
    parser.add_argument("--helpers", help="directory of the helpers")
    parser.add_argument("--preset", help="a preset instead (public-only)")
    args = parser.parse_args()
    enter_laboratory()
    policy = [args.config] if args.config else [
        "--preset", args.preset or "public-only"]
    print("policy: " + " ".join(policy))
    sys.stdout.flush()
    helpers = ["--helpers", os.path.abspath(args.helpers)] if args.helpers \
        else []
    sys.exit(1 if show(os.path.abspath(args.program), policy, helpers,
                       Laboratory()) else 0)


if __name__ == "__main__":
    main()
