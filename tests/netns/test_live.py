# SPDX-License-Identifier: GPL-2.0-or-later
"""test_live.py - The commands that change the kernel, and what they leave.

Each test is a function of a Machine and a Report. What must not change is looked
at before and after: namespaces, links, addresses, routes, rules, rulesets,
settings and the state directory, of the host and of every guest.
"""
import argparse
import concurrent.futures
import contextlib
import fcntl
import ipaddress
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from lab import Namespace, enter_laboratory, run
import wire
from machine import PATIENCE, STATE, Machine, alive, end, wait_for
from report import Report, settled, unchanged


# Of <linux/if_tun.h>.
TUNSETIFF, IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x400454CA, 2, 0x1000, 0x4000


def refused(m, t, what, status, words, *command):
    """A command that says no, why, and changes nothing."""
    before = m.look()
    done = m.netc(*command)
    t.check(what + ": exit status", done.returncode == status,
            "%d: %s" % (done.returncode, done.stderr))
    t.check(what + ": says why", words in done.stderr, done.stderr)
    t.check(what + ": in lines, and on stderr alone", not done.stdout and
            done.stderr.endswith("\n"), done.stdout)
    unchanged(m, t, what, before)


# --- up and down ---

def up_and_down(m, t):
    """By name, by path, by process: made as reported, removed without rest."""
    guest = m.guest("box")
    holder = guest_process(guest)
    m.forget()
    before = m.look()
    for which in ("box", "/run/netns/box", str(holder.pid)):
        made = json.loads(m.good("up", "--json", "web", m.public,
                                 "--guest-netns", which))
        t.check("forwarding is said", made["forwarding_turned_on"])
        t.check("guest is named", made["guest"] == which, made["guest"])
        have = {a["local"] for l in json.loads(guest.run("ip", "-j", "addr"))
                for a in l["addr_info"] if l["ifname"] == "eth0"}
        t.check("addresses are those reported",
                {made["guest4"], made["guest6"]} <= have, have)
        for family, gateway in (("-4", "gateway4"), ("-6", "gateway6")):
            route = json.loads(guest.run("ip", "-j", family, "route", "show",
                                         "default"))
            t.check("default route %s" % family, len(route) == 1 and
                    route[0]["gateway"] == made[gateway], route)
        t.check("the kernel has the table", "table inet msb" in run(
            "nft", "list", "tables") and "msb-web" in os.listdir("/run/netns"))
        m.good("down", "web")
        guest.run("ip", "link", "set", "lo", "down")
        m.forget()
        unchanged(m, t, "down of guest " + which, before)
    end(holder)


def guest_process(guest):
    """A process that stays in a namespace."""
    with guest:
        return subprocess.Popen(["sleep", "600"])


def without_ipv6(m, t):
    """Where new links are born without IPv6, ours have it, and no other."""
    off = ["net/ipv6/conf/%s/disable_ipv6" % k for k in ("all", "default")]
    guest = m.guest("box")
    m.forget()
    for key in off:
        m.sysctl(key, "1")
        guest.sysctl(key, "1")
    before = m.look()
    made = json.loads(m.good("up", "--json", "web", m.public, "--guest-netns",
                             "box"))
    for name, link, address in (("box", "eth0", made["guest6"]),
                                ("msb-web", "guest0", made["gateway6"]),
                                ("msb-web", "uplink0", "fe80::2")):
        t.check("%s has its address" % link, address in run(
            "ip", "-n", name, "-6", "addr", "show", "dev", link))
    t.check("the host's end too", "fe80::1/64" in run(
        "ip", "-6", "addr", "show", "dev", made["uplink"]))
    m.good("down", "web")
    guest.run("ip", "link", "set", "lo", "down")
    m.forget()
    unchanged(m, t, "down", before)
    for key in off:
        m.sysctl(key, "0")
        guest.sysctl(key, "0")


def reverse_paths(m, t):
    """A host that checks reverse paths, strictly or not, carries IPv4."""
    path = m.document("any", {"Rules": [{"Action": "allow"}]})
    run("ip", "link", "add", "lan", "type", "veth", "peer", "name", "lan9")
    for link in ("lan", "lan9"):
        run("ip", "link", "set", link, "up")
    run("ip", "addr", "add", "192.0.2.1/24", "dev", "lan")
    for strict in "12":
        for which in ("all", "default"):
            m.sysctl("net/ipv4/conf/%s/rp_filter" % which, strict)
        done = m.netc("run", path, "--", "ping", "-q", "-c", "1", "-W", "20",
                      "192.0.2.1")
        t.check("rp_filter " + strict, done.returncode == 0, done.stdout)
    for which in ("all", "default"):
        m.sysctl("net/ipv4/conf/%s/rp_filter" % which, "0")
    run("ip", "link", "delete", "lan")


def first_packets(m, t):
    """The first packet that a command sends is not lost."""
    path = m.document("any", {"Rules": [{"Action": "allow"}]})
    run("ip", "addr", "add", "192.0.2.1/32", "dev", "lo")
    lost = [i for i in range(20) if m.netc(
        "run", path, "--", "ping", "-q", "-c", "1", "-W", "20",
        "192.0.2.1").returncode]
    t.check("first packets", not lost, "lost: %s" % lost)
    run("ip", "addr", "delete", "192.0.2.1/32", "dev", "lo")


def selective_forwarding(m, t):
    """A host that forwards, but not by default, carries what is ours."""
    other = m.guest("other")
    m.sysctl("net/ipv4/ip_forward", "1")
    m.sysctl("net/ipv4/conf/default/forwarding", "0")
    run("ip", "link", "add", "lan", "type", "veth", "peer", "name", "eth0",
        "netns", "other")
    m.sysctl("net/ipv4/conf/lan/forwarding", "1")
    for where, link, address in (("host", "lan", "192.0.2.1/24"),
                                 ("other", "eth0", "192.0.2.2/24")):
        to = ["-n", where] if where != "host" else []
        run("ip", *to, "addr", "add", address, "dev", link)
        run("ip", *to, "link", "set", link, "up")
    with contextlib.closing(Namespace("/proc/thread-self/ns/net")) as host:
        host.wait_running("lan")
    other.wait_running("eth0")
    path = m.document("any", {"Rules": [{"Action": "allow"}]})
    done = m.netc("run", path, "--", "ping", "-q", "-c", "1", "-W", "20",
                  "192.0.2.2")
    t.check("a guest reaches beyond the host", done.returncode == 0,
            done.stdout)
    run("ip", "link", "delete", "lan")
    m.dismiss("other")
    m.sysctl("net/ipv4/conf/default/forwarding", "1")


def tap(m, t):
    m.forget()
    before = m.look()
    made = json.loads(m.good("up", "--json", "--tap", "vm", m.public))
    link = json.loads(run("ip", "-n", "msb-vm", "-d", "-j", "link", "show",
                          "guest0"))[0]
    t.check("a tap that stays", link["linkinfo"]["info_kind"] == "tun" and
            link["linkinfo"]["info_data"]["type"] == "tap" and
            link["linkinfo"]["info_data"]["persist"], link)
    t.check("its MTU", link["mtu"] == 1500, link["mtu"])
    t.check("said", made["guest"] == "tap")
    tap_traffic(t, m, made)
    m.good("down", "vm")
    m.forget()
    unchanged(m, t, "down", before)


def tap_traffic(t, m, made):
    """A machine monitor opens the tap, and its guest is judged."""
    own, gateway = (ipaddress.ip_address(made[k]) for k in ("guest4",
                                                            "gateway4"))
    gateway_mac = json.loads(run("ip", "-n", "msb-vm", "-j", "link", "show",
                                 "guest0"))[0]["address"]
    with Namespace("/run/netns/msb-vm"):
        monitor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(monitor, TUNSETIFF, struct.pack(
            "16sH22x", b"guest0", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))

    def send(kind, data):
        os.write(monitor, b"\0" * 10 + wire.mac(gateway_mac) +
                 wire.mac(made["mac"]) + kind + data)

    def answers():
        try:
            return os.read(monitor, 2048)[10:]
        except BlockingIOError:
            return b""

    ask = b"\0\1\x08\0\6\4\0\1" + wire.mac(made["mac"]) + own.packed + \
        b"\0" * 6 + gateway.packed

    def asked():
        # The link sends a moment after somebody holds its other end.
        send(b"\x08\x06", ask)
        return answers()[12:14] == b"\x08\x06"

    t.check("the gateway answers ARP", wait_for(asked))
    for _ in range(3):
        send(b"\x08\0", wire.ip(own, ipaddress.ip_address("10.0.0.5"), wire.UDP,
                                wire.udp(own, ipaddress.ip_address("10.0.0.5"),
                                         1000, 2000)))
    t.check("its packets are judged", wait_for(
        lambda: hits(m, "vm").get(("egress", "/DefaultEgress")) == 3),
            hits(m, "vm"))
    os.close(monitor)


def hits(m, name):
    """Packets that each rule of a sandbox has decided."""
    return {(h["direction"], h["pointer"]): h["packets"] for h in json.loads(
        m.good("status", "--json", name))["hits"]}


def refusals(m, t):
    """What does not fit what is there, and what is not there."""
    guest = m.guest("box")
    m.guest("other")
    up = ("up", "web", m.public, "--guest-netns")
    refused(m, t, "down of a name that is none's", 1, "there is no sandbox web",
            "down", "web")
    refused(m, t, "status of a name that is none's", 1, "web", "status", "web")
    refused(m, t, "no such namespace", 1, "there is no network namespace gone",
            *up, "gone")
    refused(m, t, "no such process", 1, "there is no process 999999999", *up,
            "999999999")
    refused(m, t, "a file that is no namespace", 1, "is no network namespace",
            *up, m.public)
    refused(m, t, "the host's own namespace", 1, "the host's",
            *up, str(os.getpid()))
    refused(m, t, "a name that is none", 2, "is no name", "up", "Web",
            m.public, "--tap")
    refused(m, t, "neither guest nor tap", 2, "--guest-netns and --tap", "up",
            "web", m.public)
    bad = m.document("bad", {"Polcy": "none"})
    refused(m, t, "a document with an error", 1, "[unknown-key]", "up", "web",
            bad, "--tap")
    refused(m, t, "a slot outside the pools", 1, "slot", "up", "web",
            m.document("small", {"IPv4Pool": "10.99.0.0/29"}), "--tap",
            "--slot", "2")
    guest.run("ip", "link", "add", "eth0", "type", "veth", "peer", "name",
              "eth9")
    refused(m, t, "the guest has an eth0", 1, "eth0", *up, "box")
    guest.run("ip", "link", "delete", "eth0")
    run("ip", "link", "add", "msb-web", "type", "veth", "peer", "name",
        "taken9")
    refused(m, t, "the host has an interface of that name", 1, "msb-web", *up,
            "box")
    run("ip", "link", "delete", "msb-web")
    run("ip", "netns", "add", "msb-web")
    refused(m, t, "a namespace of that name is there", 1,
            "network namespace msb-web exists already", *up, "box")
    run("ip", "netns", "delete", "msb-web")
    run("ip", "route", "add", "local", "10.99.0.0/24", "dev", "lo")
    small = m.document("overlap", {"IPv4Pool": "10.99.0.0/29"})
    refused(m, t, "the pool overlaps a route", 1, "overlaps", "up", "web",
            small, "--guest-netns", "box")
    refused(m, t, "the slot asked for overlaps a route", 1, "overlaps", "up",
            "web", small, "--guest-netns", "box", "--slot", "1")
    run("ip", "route", "delete", "local", "10.99.0.0/24", "dev", "lo")
    m.good(*up, "box")
    settled(m)
    refused(m, t, "a name that is taken", 1, "exists already", "up", "web",
            m.public, "--guest-netns", "other")
    refused(m, t, "a slot that is leased", 1, "leased to sandbox web", "up",
            "two", m.public, "--guest-netns", "other", "--slot", "0")
    refused(m, t, "a guest that is one already", 1, "eth0", "up", "two",
            m.public, "--guest-netns", "box")
    refused(m, t, "a guest that is a gateway", 1, "gateway of sandbox web",
            "up", "two", m.public, "--guest-netns", "msb-web")
    m.good("down", "web")
    m.dismiss("other")


def unprivileged(m, t):
    """Without privileges: a sentence, and nothing made."""
    before = m.look()
    for words in (("up", "web", m.public, "--tap"), ("down", "web"),
                  ("run", m.public, "--", "true")):
        done = subprocess.run(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] +
            m.command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, timeout=PATIENCE, check=False)
        t.check(words[0] + ": exit status", done.returncode == 3,
                "%d: %s" % (done.returncode, done.stderr))
        t.check(words[0] + ": says what is missing", "CAP_NET_ADMIN" in
                done.stderr, done.stderr)
    unchanged(m, t, "without privileges", before)


# --- slots ---

def together(m, t):
    """Ten at once: ten slots, ten networks, no failure."""
    m.forget()
    for i in range(10):
        m.guest("g%d" % i)
    before = m.look()
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        made = list(pool.map(lambda i: m.netc(
            "up", "--json", "many-%d" % i, m.public, "--guest-netns",
            "g%d" % i), range(10)))
        t.check("all succeed", not any(d.returncode for d in made),
                [d.stderr for d in made if d.returncode])
        parts = [json.loads(d.stdout) for d in made if not d.returncode]
        for key in ("slot", "guest4", "guest6", "mac", "uplink"):
            values = {p[key] for p in parts}
            t.check("no two share a " + key, len(values) == 10, values)
        t.check("the lowest slots", {p["slot"] for p in parts} == set(
            range(10)))
        t.check("all are listed", len(m.names()) == 10, m.names())
        for done in pool.map(lambda i: m.netc("down", "many-%d" % i),
                             range(10)):
            t.check("down", not done.returncode, done.stderr)
    for i in range(10):
        m.guest("g%d" % i).run("ip", "link", "set", "lo", "down")
    m.forget()
    unchanged(m, t, "all down", before)
    for i in range(10):
        m.dismiss("g%d" % i)


def slots(m, t):
    """A slot is free again after down, and two states do not share one."""
    m.guest("box")
    one = json.loads(m.good("up", "--json", "one", m.public, "--tap"))
    two = json.loads(m.good("up", "--json", "two", m.public, "--tap"))
    t.check("the next slot", (one["slot"], two["slot"]) == (0, 1))
    other = subprocess.run(
        [m.program, "up", "--json", "--state", "/run/other", "three",
         m.public, "--tap"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, timeout=PATIENCE, check=False)
    t.check("another state's", other.returncode == 0 and
            json.loads(other.stdout)["slot"] == 2, other.stderr)
    m.good("down", "one")
    t.check("the other state's sandbox stays", "msb-three" in os.listdir(
        "/run/netns") and "msb-three" in run("nft", "list", "set", "inet",
                                             "msb", "uplinks"))
    again = json.loads(m.good("up", "--json", "one", m.public, "--tap"))
    t.check("the slot that came free", again["slot"] == 0, again["slot"])
    for name in ("one", "two"):
        m.good("down", name)
    done = subprocess.run([m.program, "down", "--state", "/run/other",
                           "three"], timeout=PATIENCE, check=False)
    t.check("down in the other state", done.returncode == 0)
    t.check("the host's table went with the last", "msb" not in run(
        "nft", "list", "tables"))


# --- failures and interruptions ---

def faults(m, t, program):
    """Whatever operation fails, everything is as it was."""
    m.guest("box")
    for guest in ("box", "tap"):
        m.forget()
        # Another sandbox is there: its elements must stay.
        m.good("up", "stays", m.public, "--tap")
        m.forget()
        before = m.look()
        for n in range(1, 400):
            done = subprocess.run(
                [program, STATE, "web", m.public, guest, str(n)],
                stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False)
            if done.returncode == 0:
                break
            t.check("%s, operation %d: said" % (guest, n), done.returncode ==
                    1 and "fault injected at operation %d" % n in done.stderr,
                    "%d: %s" % (done.returncode, done.stderr))
            unchanged(m, t, "%s, operation %d" % (guest, n), before)
        t.check(guest + ": there were operations, and an end", 30 < n < 399, n)
        m.good("down", "web")
        m.good("down", "stays")
        m.guest("box").run("ip", "link", "set", "lo", "down")


def refused_by_kernel(m, t):
    """A failure that is the kernel's own, in the middle."""
    guest = m.guest("box")
    m.forget()
    # A route of the guest's that is in the way of the last step.
    guest.run("ip", "link", "set", "lo", "up")
    guest.run("ip", "route", "add", "unreachable", "default")
    before = m.look()
    done = m.netc("up", "web", m.public, "--guest-netns", "box")
    t.check("said", done.returncode == 3 and "add routes" in done.stderr,
            "%d: %s" % (done.returncode, done.stderr))
    unchanged(m, t, "a default route is there", before)
    guest.run("ip", "route", "delete", "unreachable", "default")
    guest.run("ip", "link", "set", "lo", "down")


def interrupted(m, t):
    """SIGINT at any moment: made, or as it was and said."""
    rng = random.Random(5)
    guest = m.guest("box")
    m.forget()
    begun = time.monotonic()
    m.good("up", "web", m.public, "--guest-netns", "box")
    took = time.monotonic() - begun
    m.good("down", "web")
    guest.run("ip", "link", "set", "lo", "down")
    m.forget()
    before = m.look()
    ended = set()
    for _ in range(25):
        process = m.start("up", "web", m.public, "--guest-netns", "box")
        time.sleep(rng.uniform(0.0, 1.0) * took)
        process.send_signal(rng.choice((signal.SIGINT, signal.SIGTERM)))
        _, said = process.communicate(timeout=PATIENCE)
        ended.add(process.returncode)
        if process.returncode == 0 or "web" in m.names():
            m.good("down", "web")
            guest.run("ip", "link", "set", "lo", "down")
            m.forget()
        elif process.returncode > 0:
            t.check("says so", "interrupted by SIG" in said, said)
        unchanged(m, t, "exit status %d" % process.returncode, before)
    t.check("some were", ended - {0}, ended)


def waiting(m, t):
    """Whoever waits for another's lock can be told to stop."""
    m.guest("box")
    before = m.look()
    with open("/run/msb-netc.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for words in (("up", "web", m.public, "--guest-netns", "box"),
                      ("run", m.public, "--", "true")):
            for sig in (signal.SIGINT, signal.SIGTERM):
                process = m.start(*words)
                t.check(words[0] + " waits", wait_for(
                    lambda p=process: waits_for_lock(p.pid)))
                process.send_signal(sig)
                try:
                    process.communicate(timeout=PATIENCE)
                    t.check("%s ends by %s" % (words[0], sig.name),
                            process.returncode == -sig, process.returncode)
                except subprocess.TimeoutExpired:
                    t.check("%s ends by %s" % (words[0], sig.name), False)
                    end(process)
    unchanged(m, t, "after waiting", before)


def waits_for_lock(pid):
    """Whether a process is behind another one that holds a lock."""
    with open("/proc/locks", encoding="ascii") as file:
        return any("->" in line and str(pid) in line.split()
                   for line in file)


def killed(m, t):
    """SIGKILL at any moment: the next up or down removes what is left."""
    rng = random.Random(6)
    guest = m.guest("box")
    # What a killed process cannot take back is not counted.
    begun = time.monotonic()
    m.good("up", "web", m.public, "--guest-netns", "box")
    took = time.monotonic() - begun
    m.good("down", "web")
    before = m.look()
    leftovers = 0
    for i in range(90):
        # As many as it takes to meet one that is half done.
        if i >= 30 and leftovers:
            break
        process = m.start("up", "web", m.public, "--guest-netns", "box")
        time.sleep(rng.uniform(0.0, 1.2) * took * (1 + max(i - 29, 0) % 6))
        end(process)
        process.communicate()
        leftovers += "web" in m.names()
        if i % 2:
            done = m.netc("down", "web")
            t.check("down", done.returncode == 0 or
                    "there is no sandbox web" in done.stderr, done.stderr)
        if not i % 2 or "web" in m.names():
            # It may have been complete; then it is nobody's to sweep away.
            if "ok" in [s["health"] for s in json.loads(
                    m.good("status", "--json"))]:
                m.good("down", "web")
            done = m.netc("up", "next", m.public, "--guest-netns", "box")
            t.check("the next up", done.returncode == 0, done.stderr)
            t.check("takes the slot", done.returncode or
                    m.names() == ["next"], m.names())
            m.good("down", "next")
        unchanged(m, t, "killed, %d" % i, before)
    t.check("some were left over", leftovers, leftovers)
    guest.run("ip", "link", "set", "lo", "down")


# --- run ---

def run_command(m, t):
    """A throw-away sandbox: the command's exit status, and nothing left."""
    m.forget()
    m.good("run", m.public, "--", "true")
    before = m.look()
    for status in (0, 1, 42, 255):
        done = m.netc("run", m.public, "--", "sh", "-c", "exit %d" % status)
        t.check("exit status %d" % status, done.returncode == status,
                done.returncode)
    done = m.netc("run", m.public, "--", "sh", "-c", "kill -9 $$")
    t.check("killed by a signal", done.returncode == 137, done.returncode)
    done = m.netc("run", m.public, "--", "/no/such/program")
    t.check("not found", done.returncode == 127, done.returncode)
    done = m.netc("run", m.public, "--", "/etc/passwd")
    t.check("not executable", done.returncode == 126, done.returncode)
    done = m.netc("run", m.public, "--", "cat", "/etc/resolv.conf",
                  "/etc/hosts")
    t.check("the sandbox's files", "172.16.0.1" in done.stdout and
            "host.microsandbox.internal" in done.stdout, done.stdout)
    done = m.netc("run", m.public, "--", "ip", "-br", "link")
    t.check("its own interfaces", {l.split("@")[0].split()[0] for l in
                                   done.stdout.splitlines()} ==
            {"lo", "eth0"}, done.stdout)
    done = m.netc("run", "-", "--", "cat", input='{"Policy": "none"}')
    t.check("the document from stdin", done.returncode == 0, done.stderr)
    unchanged(m, t, "after all", before)


def started(m, t, *words, **options):
    """A run whose command said that it runs; and the process number of that."""
    process = m.start("run", m.public, "--", *words, **options)
    line = process.stdout.readline()
    t.check("runs", line.strip().isdigit(), line)
    return process, int(line)


def run_signals(m, t):
    """Ctrl-C, a signal to us, the command killed, and we killed."""
    m.good("run", m.public, "--", "true")
    before = m.look()
    shell = ("sh", "-c", "echo $$; exec sleep 600")
    # Ctrl-C goes to the whole foreground group.
    process, _ = started(m, t, *shell, start_new_session=True)
    os.killpg(process.pid, signal.SIGINT)
    t.check("Ctrl-C", process.wait(timeout=PATIENCE) == 130, process.returncode)
    unchanged(m, t, "Ctrl-C", before)
    for sig in (signal.SIGTERM, signal.SIGHUP):
        process, pid = started(m, t, *shell)
        t.check("%s is passed on" % sig.name, end(process, sig) ==
                128 + sig, process.returncode)
        t.check("the command is gone", not alive(pid))
        unchanged(m, t, sig.name, before)
    process, _ = started(m, t, "sh", "-c", "trap 'exit 7' TERM; echo $$; "
                                           "while :; do sleep 0.05; done")
    t.check("a trap decides the exit status", end(process, signal.SIGTERM) ==
            7, process.returncode)
    process, pid = started(m, t, *shell)
    os.kill(pid, signal.SIGKILL)
    t.check("the command killed", process.wait(timeout=PATIENCE) == 137,
            process.returncode)
    unchanged(m, t, "the command killed", before)
    process, pid = started(m, t, *shell)
    name = m.names()
    done = m.netc("down", name[0])
    t.check("down does not take it away", done.returncode == 1 and
            "still running" in done.stderr, done.stderr)
    t.check("is listed as running", json.loads(m.good("status", "--json"))[0][
        "health"] == "running")
    end(process)
    t.check("killed ourselves: the command goes too", wait_for(
        lambda: not alive(pid)))
    listed = json.loads(m.good("status", "--json"))
    t.check("and the sandbox is left over", [s["health"] for s in listed] ==
            ["leftover"], listed)
    m.good("run", m.public, "--", "true")
    unchanged(m, t, "the next run removes it", before)
    process, _ = started(m, t, *shell)
    name = m.names()
    end(process)
    t.check("killed again", wait_for(lambda: json.loads(m.good(
        "status", "--json"))[0]["health"] == "leftover"))
    m.good("down", name[0])
    unchanged(m, t, "down removes it", before)


# --- status ---

def status(m, t):
    """What is in force, what it counted, and what is missing."""
    guest = m.guest("box")
    path = m.document("hits", {"Rules": [
        {"Action": "deny", "Destination": "10.0.0.5"},
        {"Action": "allow", "Destination": "10.0.0.0/8", "Protocol": "udp"}]})
    m.good("up", "web", path, "--guest-netns", "box")
    run("ip", "route", "add", "blackhole", "10.0.0.0/8")
    with guest, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        for address, times in (("10.0.0.5", 3), ("10.0.0.6", 1),
                               ("11.0.0.1", 2)):
            for _ in range(times):
                made.sendto(b"x", (address, 9))
    want = {"/Rules/0": 3, "/Rules/1": 1, "/DefaultEgress": 2}
    # A packet may be behind others in the queue of its processor.
    wait_for(lambda: all(hits(m, "web").get(("egress", p), 0) >= n
                         for p, n in want.items()))
    one = json.loads(m.good("status", "--json", "web"))
    counted = hits(m, "web")
    for pointer, packets in want.items():
        t.check("hits of " + pointer, counted.get(("egress", pointer)) ==
                packets, counted)
    t.check("healthy", one["health"] == "ok" and one["missing"] is None)
    t.check("slots", one["slots_used"] == 1 and one["slots_free"] > 60000)
    text = m.good("status", "web")
    t.check("in words too", "/Rules/0: deny egress 10.0.0.5" in text, text)
    run("ip", "route", "delete", "blackhole", "10.0.0.0/8")
    run("ip", "netns", "exec", "msb-web", "nft", "delete", "table", "inet",
        "msb")
    done = m.netc("status", "--json", "web")
    one = json.loads(done.stdout)
    t.check("a table that is missing is said", done.returncode == 1 and
            one["health"] == "broken" and "table" in one["missing"], one)
    m.good("down", "web")
    t.check("a broken one can be removed", m.names() == [])
    m.good("up", "web", path, "--guest-netns", "box")
    run("ip", "netns", "delete", "msb-web")
    m.good("down", "web")
    t.check("one without its namespace too", m.names() == [] and
            "msb-web" not in run("ip", "link"))
    # The kernel takes the namespace's links away in its own time.
    t.check("and its link goes", wait_for(
        lambda: "eth0" not in guest.run("ip", "link")))
    m.good("up", "web", path, "--guest-netns", "box")
    run("nft", "flush", "ruleset")
    done = m.netc("status", "--json", "web")
    t.check("a host's table that is missing is said", done.returncode == 1 and
            "host" in json.loads(done.stdout)["missing"], done.stdout)
    m.good("up", "other", path, "--tap")
    done = m.netc("status", "--json", "web")
    t.check("one that has come back without the sandbox too",
            done.returncode == 1 and "element msb-web" in
            json.loads(done.stdout)["missing"], done.stdout)
    t.check("and nothing is missing of the other", json.loads(
        m.good("status", "--json", "other"))["missing"] is None)
    m.good("down", "web")
    m.good("down", "other")
    t.check("an empty list is valid JSON", json.loads(
        m.good("status", "--json")) == [])
    guest.run("ip", "link", "set", "lo", "down")


TESTS = (up_and_down, without_ipv6, reverse_paths, first_packets,
         selective_forwarding, tap, refusals, unprivileged, together,
         slots, faults, refused_by_kernel, interrupted, waiting,
         killed, run_command, run_signals, status)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program", help="msb-netc")
    parser.add_argument("fault", help="the program up_fault")
    parser.add_argument("--only", default="", help="what has this in its name")
    args = parser.parse_args()
    enter_laboratory()
    t, start = Report(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="msb-live-") as scratch:
        os.chmod(scratch, 0o755)
        m = Machine(os.path.abspath(args.program), scratch, True)
        for test in TESTS:
            if args.only not in test.__name__:
                continue
            t.test = test.__name__
            begun = time.monotonic()
            if test is faults:
                test(m, t, os.path.abspath(args.fault))
            else:
                test(m, t)
            print("%s: %.1f s" % (t.test, time.monotonic() - begun))
    print("%d passed, %d failed (%.0f s)" % (t.passed, t.failed,
                                             time.monotonic() - start))
    sys.exit(1 if t.failed or not t.passed else 0)


if __name__ == "__main__":
    main()
