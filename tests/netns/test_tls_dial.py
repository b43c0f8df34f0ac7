# SPDX-License-Identifier: GPL-2.0-or-later
"""test_tls_dial.py - Where msb-tlsd's sockets lead, and where they do not.

    test_tls_dial.py --compile PROGRAM --dial PROGRAM

Two sandboxes that may reach everything. What the monitor of one dials leaves by
its uplink, and meets on the host what the guest's packets meet.
"""
import argparse
import json
import os
import socket
import sys
import tempfile
import threading
import time

from lab import Laboratory, Sandbox, compile_document, enter_laboratory

DOCUMENT = {"DefaultEgress": "allow", "DefaultIngress": "deny", "TLS": {}}
failures = []


def check(condition, what, detail=""):
    if not condition:
        failures.append(what)
        print("FAILED:", what, detail, flush=True)


class Server:
    """Accepts on every address of a namespace, and remembers who came."""

    def __init__(self, namespace, port):
        self.peers, self.sockets = [], []
        for family in (socket.AF_INET, socket.AF_INET6):
            made = namespace.socket(family, socket.SOCK_STREAM)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(("", port))
            made.listen(16)
            self.sockets.append(made)
            threading.Thread(target=self._run, args=(made,),
                             daemon=True).start()

    def _run(self, made):
        while True:
            try:
                connection, peer = made.accept()
            except OSError:
                return
            self.peers.append(peer[0])
            connection.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compile", required=True)
    parser.add_argument("--dial", required=True)
    args = parser.parse_args()
    enter_laboratory()
    lab = Laboratory()
    scratch = tempfile.mkdtemp(prefix="msb-dial-")
    document = os.path.join(scratch, "document.json")
    with open(document, "w", encoding="utf-8") as file:
        json.dump(DOCUMENT, file)
    made = []
    for slot, name in enumerate(("one", "two")):
        directory = compile_document(args.compile, document,
                                     os.path.join(scratch, name), slot, name)
        made.append(Sandbox(lab, directory, "guest-" + name))
    one, two = made
    conf = os.path.join(one.directory, "tls.json")

    def dial(address, port=443):
        return one.gateway.run(args.dial, conf, str(address),
                               str(port)).strip()

    world = Server(lab.world, 443)
    host = Server(lab.host, 8443)
    guest = Server(two.guest, 443)
    own = Server(one.guest, 443)

    for address, source in (("198.51.100.7", one.gateway_ip[4]),
                            ("2001:db8::7", one.gateway_ip[6])):
        said = dial(address)
        check(said == "connected %s" % source, "dial %s" % address, said)
    end = time.monotonic() + 5
    while len(world.peers) < 2 and time.monotonic() < end:
        time.sleep(0.01)
    check(sorted(world.peers) == ["192.0.2.1", "2001:db8:ffff:ffff::1"],
          "the world sees the host's addresses", world.peers)

    # The guest of the other sandbox, its gateway; the guest that the flow would
    # have come from.
    for v in (4, 6):
        for what, address in (("another guest", two.guest_ip[v]),
                              ("another gateway", two.gateway_ip[v]),
                              ("its own guest", one.guest_ip[v])):
            said = dial(address)
            check("connected" not in said, "%s, IPv%d" % (what, v), said)
    # What is local to the gateway. (The host's end of the uplink is refused
    # before it is dialled: unit/tls_judge.)
    for address in ("169.254.62.2", "127.0.0.1", "::1"):
        said = dial(address, 8443)
        check("connected" not in said, "dial %s" % address, said)
    check(not host.peers, "nothing of the host was met", host.peers)
    check(not guest.peers, "the other guest was not met", guest.peers)
    check(not own.peers, "the own guest was not met", own.peers)

    # Without the mark nothing leaves.
    plain = one.gateway.socket(socket.AF_INET, socket.SOCK_STREAM)
    plain.settimeout(0.7)
    try:
        plain.bind((str(one.gateway_ip[4]), 0))
        plain.connect(("198.51.100.7", 443))
        check(False, "a socket without the mark")
    except OSError:
        pass
    # And nobody answers who was not asked.
    stray = lab.host.socket(socket.AF_INET, socket.SOCK_STREAM)
    stray.settimeout(0.7)
    listener = one.gateway.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind((str(one.gateway_ip[4]), 9443))
    listener.listen(1)
    try:
        stray.connect((str(one.gateway_ip[4]), 9443))
        check(False, "a connection from the host to the gateway's address")
    except OSError:
        pass
    print("%d failed" % len(failures))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
