# SPDX-License-Identifier: GPL-2.0-or-later
"""test_relay_control.py - msb-supervised and msb-relayd under control.

How a policy is replaced while flows are alive, what is refused, what a worker's
death does, and what a worker may do at all.
"""
import hashlib
import json
import os
import signal
import threading
import time

import relay as r
import relay_case
from relay import GATEWAY, GUEST, config, listener, wait_until
from relay_case import (ALL, Case, SEED, accept, is_reset, is_silent,
                        is_turned_away, read_all, serve, tcp, udp)


class Replace(Case):
    OLD = [listener("127.0.0.1", "tcp", 8080, 80),
           listener("127.0.0.1", "tcp", 8081, 81),
           listener("127.0.0.1", "udp", 8080, 80)]
    DENY = [{"Action": "deny", "Direction": "ingress", "Ports": ["81"]}]

    def test_frozen_until_decided(self):
        for decision in ("commit", "abort", "close"):
            with self.subTest(decision=decision):
                self.relay.apply(config(self.OLD))
                kept, kept_inner = self.pair()
                lost, lost_inner = self.pair(8081, 81)
                channel = self.relay.connect()
                new = config(self.OLD, self.DENY)
                self.assertEqual(self.relay.prepare(new, channel),
                                 ("ok", ""))
                lost.sendall(b"late")
                lost_inner.sendall(b"late")
                self.assertTrue(is_silent(lost_inner))
                self.assertTrue(is_silent(lost))
                self.check_echo(kept, kept_inner)
                # New ones wait until it is decided.
                late = self.keep(tcp(("127.0.0.1", 8081)))
                late.sendall(b"late")
                if decision == "commit":
                    self.assertEqual(self.relay.commit(new, channel),
                                     ("ok", ""))
                    self.assertTrue(is_reset(lost))
                    self.assertTrue(is_reset(lost_inner))
                    self.assertTrue(is_reset(late))
                elif decision == "abort":
                    self.assertEqual(r.ask(channel, "abort"), ("ok", ""))
                channel.close()
                if decision != "commit":
                    self.assertEqual(lost_inner.recv(10), b"late")
                    self.assertEqual(lost.recv(10), b"late")
                    self.check_echo(lost, lost_inner)
                self.check_echo(kept, kept_inner)
                while self.open:
                    self.open.pop().close()

    def test_bindings_come_and_go(self):
        self.relay.apply(config(self.OLD))
        server = self.keep(serve(self.guest, 4, 80))
        kept = self.pair(server=server)
        gone = self.pair(8081, 81)
        turned = config([listener("127.0.0.1", "tcp", 8082, 80),
                         self.OLD[0], self.OLD[2]])
        self.relay.apply(turned)
        self.assertTrue(is_reset(gone[0]))
        self.assertTrue(is_reset(gone[1]))
        with self.assertRaises(ConnectionRefusedError):
            tcp(("127.0.0.1", 8081))
        self.check_echo(*kept)
        self.check_echo(*self.pair(8082, server=server))
        self.check_echo(*self.pair(8080, server=server))
        # The same socket, another guest port: its flows have gone elsewhere.
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 90)]))
        self.assertTrue(is_reset(kept[0]))
        self.check_echo(*self.pair(8080, 90))

    def test_udp_flows(self):
        self.relay.apply(config(self.OLD + [
            listener("127.0.0.1", "udp", 8081, 81)]))
        inside = {p: self.keep(udp(self.guest, 4, (GUEST[4], p)))
                  for p in (80, 81)}
        clients = {p: self.keep(udp(self.host, 4)) for p in (80, 81)}
        for port, client in clients.items():
            client.connect(("127.0.0.1", 8000 + port))
            client.send(b"x")
        peers = {p: s.recvfrom(10)[1] for p, s in inside.items()}
        # In another order: the flow that stays finds its listener again.
        self.relay.apply(config([listener("127.0.0.1", "udp", 8081, 81),
                                 self.OLD[2]], self.DENY))
        for port, client in clients.items():
            inside[port].sendto(b"back", peers[port])
            client.send(b"again")
        self.assertEqual(inside[80].recvfrom(10), (b"again", peers[80]))
        self.assertEqual(clients[80].recv(10), b"back")
        self.assertTrue(is_silent(inside[81]))
        self.assertTrue(is_silent(clients[81], 0))

    def test_host_flows(self):
        self.relay.apply(config(host=(ALL, "deny")))
        kept, lost = self.host_pair(5000), self.host_pair(5001)
        client = self.keep(udp(self.guest, 4))
        server = self.keep(udp(self.host, 4, ("127.0.0.1", 6000)))
        client.connect((GATEWAY[4], 6000))
        client.send(b"x")
        server.recv(10)
        self.relay.apply(config(host=([
            {"Action": "allow", "Protocol": "tcp", "Port": "5000"}], "deny")))
        self.check_echo(*kept)
        self.assertTrue(is_reset(lost[0]))
        self.assertTrue(is_reset(lost[1]))
        client.send(b"x")
        self.assertTrue(is_silent(server))
        # Without the host, and back.
        self.relay.apply(config(self.OLD))
        self.assertTrue(is_reset(kept[0]))
        self.relay.apply(config(host=(ALL, "deny")))
        self.check_echo(*self.host_pair(5002))

    def test_allowed_flow_loses_nothing(self):
        """100 changes while 64 MiB pass."""
        self.relay.apply(config(self.OLD))
        a, b = self.pair()
        a.settimeout(120)

        def write():
            for _ in range(64):
                a.sendall(SEED)
            a.close()

        got = []
        threads = [threading.Thread(target=write),
                   threading.Thread(target=lambda: got.append(
                       hashlib.sha256(read_all(b)).digest()))]
        for thread in threads:
            thread.start()
        for i in range(100):
            self.relay.apply(config(self.OLD if i % 2 else self.OLD[:1],
                                    self.DENY if i % 3 else []))
        for thread in threads:
            thread.join()
        self.assertEqual(got, [hashlib.sha256(SEED * 64).digest()])

    def test_refused_configurations(self):
        good = config(self.OLD)
        self.relay.apply(good)
        kept = self.pair()
        bad = dict(good)
        for text, want in (
                ("", "empty"),
                ("{", None),
                (json.dumps({**bad, "Version": 2}), "/Version"),
                (json.dumps({**bad, "Gateway4": "::1"}), "/Gateway4"),
                (json.dumps({**bad, "Colour": 1}), "/Colour"),
                (json.dumps({**bad, "Ingress": {"Rules": [
                    {"Action": "perhaps"}], "Default": "deny"}}),
                 "/Ingress/Rules/0/Action"),
                (json.dumps({**bad, "Listeners": [
                    listener("localhost", "tcp", 1, 1)]}),
                 "/Listeners/0/Bind"),
                (json.dumps({**bad, "Listeners": [
                    listener("127.0.0.1", "icmp", 1, 1)]}),
                 "/Listeners/0/Protocol")):
            with self.subTest(text=text[:60]):
                kind, said = self.relay.prepare(None, text=text)
                self.assertEqual(kind, "failed")
                self.assertTrue(said)
                if want and want.startswith("/"):
                    self.assertTrue(said.startswith(want), said)
                self.assertEqual(r.ask(self.relay.control, "commit"),
                                 ("failed", "nothing was prepared"))
                self.check_echo(*kept)

    def test_refused_transactions(self):
        self.relay.apply(config(self.OLD))
        control = self.relay.control
        more = config(self.OLD + [listener("127.0.0.1", "tcp", 8089, 89)],
                      host=(ALL, "deny"))
        self.assertEqual(
            self.relay.prepare(more, leave_out=[3]),
            ("failed", "the socket of /Listeners/3 is missing"))
        self.assertEqual(
            self.relay.prepare(more, leave_out=[5]),
            ("failed", "the steering TCP IPv6 socket of the gateway is "
             "missing"))
        for kind in ("ready", "commit"):
            self.assertEqual(r.ask(control, kind),
                             ("failed", "nothing was prepared"))
        self.assertEqual(r.ask(control, "connected"),
                         ("failed", "no such request"))
        self.assertEqual(self.relay.prepare(more), ("ok", ""))
        other = self.relay.connect()
        self.assertEqual(self.relay.prepare(config(self.OLD), other),
                         ("failed", "another change is being prepared"))
        self.assertEqual(r.ask(other, "commit"),
                         ("failed", "nothing was prepared"))
        self.assertEqual(r.ask(other, "status")[0], "status")
        other.close()
        self.assertEqual(self.relay.commit(more), ("ok", ""))
        self.check_echo(*self.pair(8089, 89))

    def test_what_is_no_message_is_cut_off(self):
        self.relay.apply(config(self.OLD))
        other = self.keep(self.relay.connect())
        other.send(b"hello")
        self.assertEqual(other.recv(10), b"")
        self.assertIsNone(self.relay.process.poll())
        self.check_echo(*self.pair())


class Supervised(Case):
    def test_killed_worker_is_back(self):
        begun = time.monotonic()
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 80)],
                                host=(ALL, "deny")))
        # By what it takes a worker to start here and now.
        soon = 1 + 5 * (time.monotonic() - begun)
        server = self.keep(serve(self.guest, 4, 80))
        for round_ in range(3):
            client, inner = self.pair(server=server)
            start = time.monotonic()
            pid = self.relay.kill_worker()
            # It waits in the listener's queue.
            waiting = self.keep(tcp(("127.0.0.1", 8080)))
            waiting.sendall(b"question")
            new, _ = accept(server)
            self.keep(new)
            self.assertEqual(new.recv(10), b"question")
            self.assertLess(time.monotonic() - start, soon)
            new.sendall(b"answer")
            self.assertEqual(waiting.recv(10), b"answer")
            self.assertNotEqual(self.relay.worker(), pid)
            for made in (client, inner):
                try:
                    self.assertEqual(made.recv(10), b"")
                except ConnectionResetError:
                    pass
            self.assertEqual(self.relay.status()["restarts"], round_ + 1)
        self.check_echo(*self.host_pair(5000))
        wait_until(lambda: len(self.relay.events()) == 7)
        names = [e["event"] for e in self.relay.events()]
        self.assertEqual(names, ["started"] + ["died", "restarted"] * 3)

    def test_killed_while_prepared(self):
        old = config([listener("127.0.0.1", "tcp", 8080, 80)])
        new = config([listener("127.0.0.1", "tcp", 8080, 80),
                      listener("127.0.0.1", "tcp", 8081, 81)],
                     [{"Action": "deny", "Ports": ["80"],
                       "Direction": "ingress"}])
        self.relay.apply(old)
        self.assertEqual(self.relay.prepare(new), ("ok", ""))
        self.relay.kill_worker()
        self.assertTrue(wait_until(lambda: self.relay.status().get(
            "restarts") == 1 and "tcp" in self.relay.status()))
        self.assertEqual(self.relay.commit(new), ("ok", ""))
        self.assertTrue(is_turned_away(("127.0.0.1", 8080)))
        self.check_echo(*self.pair(8081, 81))

    def test_stop_leaves_nothing(self):
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 80)]))
        client, inner = self.pair()
        pid = self.relay.worker()
        self.assertEqual(self.relay.stop(), (("ok", ""), 0))
        self.assertFalse(os.path.exists("/proc/%d" % pid))
        self.assertTrue(is_reset(client))
        self.assertTrue(is_reset(inner))
        with self.assertRaises(ConnectionRefusedError):
            tcp(("127.0.0.1", 8080))

    def test_sigterm_and_sigkill(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            self.relay.apply(config([
                listener("127.0.0.1", "tcp", 8080, 80)]))
            pid = self.relay.worker()
            self.relay.process.send_signal(number)
            self.relay.process.wait(r.PATIENCE)
            self.assertTrue(wait_until(
                lambda: not os.path.exists("/proc/%d" % pid)))
            self.relay.control.close()
            self.relay = r.Relay(self.programs, self.gateway, self.relay.log)

    def test_ends_when_its_starter_does(self):
        self.relay.control.close()
        self.assertEqual(self.relay.process.wait(r.PATIENCE), 0)

    def test_confinement(self):
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8080, 80)]))
        worker = self.read_status(self.relay.worker())
        uid = worker["Uid"].split()
        self.assertEqual(len(set(uid)), 1)
        self.assertNotEqual(uid[0], "0")
        self.assertEqual(worker["Gid"].split(), uid)
        self.assertEqual(worker["Groups"].strip(), "")
        for caps in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(worker[caps], 16), 0, caps)
        self.assertEqual(worker["NoNewPrivs"].strip(), "1")
        self.assertEqual(worker["Seccomp"].strip(), "2")
        proc = "/proc/%d/" % self.relay.worker()
        # Not dumpable: its files belong to root.
        self.assertEqual(os.stat(proc + "mem").st_uid, 0)
        with open(proc + "limits", encoding="ascii") as file:
            self.assertRegex(file.read(), r"Max core file size +0 +0 ")
        self.assertEqual(os.stat(proc + "ns/net").st_ino,
                         os.fstat(self.gateway.fd).st_ino)
        supervisor = self.read_status(self.relay.process.pid)
        self.assertEqual(int(supervisor["CapEff"], 16),
                         1 << 21 | 1 << 12 | 1 << 8 | 1 << 7 | 1 << 6 | 1 << 5)
        self.assertEqual(supervisor["CapPrm"], supervisor["CapEff"])
        self.assertEqual(supervisor["NoNewPrivs"].strip(), "1")

    @staticmethod
    def read_status(pid):
        with open("/proc/%d/status" % pid, encoding="ascii") as file:
            return dict(line.rstrip("\n").split(":\t", 1)
                        for line in file if ":\t" in line)

    def test_event_log_is_bounded(self):
        self.relay.apply(config([listener("127.0.0.1", "udp", 8080, 80)],
                                [], "deny"))
        client = self.keep(udp(self.host, 4))
        start = time.monotonic()
        for _ in range(200):
            client.sendto(b"x", ("127.0.0.1", 8080))
        self.assertTrue(wait_until(
            lambda: self.relay.status()["denied"] > 100))
        took = time.monotonic() - start
        denied = [e for e in self.relay.events() if e["event"] == "denied"]
        self.assertLess(len(denied), 30 * (1 + took))
        time.sleep(1.1)
        client.sendto(b"x", ("127.0.0.1", 8080))
        self.assertTrue(wait_until(lambda: sum(
            e.get("dropped", 0) for e in self.relay.events()) > 50))


if __name__ == "__main__":
    relay_case.main()
