# SPDX-License-Identifier: GPL-2.0-or-later
"""test_stuck.py - msb-supervised, whose worker does not answer.

So many answers may be outstanding. Who asks for more is told that there is none,
and what is decided is in force all the same.
"""
import os
import signal

import relay as r
import relay_case
from relay import config, listener, wait_until
from relay_case import Case, accept, is_turned_away, tcp

CLIENTS, EXPECTED = 8, 16
ENDING = ("failed", "it is ending")
STUCK = ("failed", "msb-relayd does not answer")


def has_ended(sock):
    try:
        return sock.recv(10) == b""
    except ConnectionResetError:
        return True


class Stuck(Case):
    OLD = config([listener("127.0.0.1", "tcp", 8080, 80),
                  listener("127.0.0.1", "tcp", 8081, 81)])
    NEW = config([listener("127.0.0.1", "tcp", 8080, 80),
                  listener("127.0.0.1", "tcp", 8081, 81)],
                 [{"Action": "deny", "Direction": "ingress", "Port": "81"}])

    def setUp(self):
        super().setUp()
        self.relay.apply(self.OLD)
        self.pid = self.relay.worker()
        self.asking = self.keep(self.relay.connect())

    def stop(self):
        os.kill(self.pid, signal.SIGSTOP)

    def ask_many(self, n):
        """Ask for what is not answered; then there is room for so much less."""
        other = self.keep(self.relay.connect())
        for _ in range(n):
            r.send(self.asking, "status")
        # That it was taken in: the supervisor reads the channels in turn.
        for _ in range(n + 1):
            self.assertEqual(r.ask(other, "connected"),
                             ("failed", "no such request"))

    def restarted(self):
        """Whether there is another worker, which answers."""
        def answers():
            kind, text = r.ask(self.relay.control, "status")
            return (kind == "status" and " tcp " in text
                    and not text.startswith("pid %d " % self.pid))
        return wait_until(answers)

    def test_nothing_is_prepared(self):
        kept = self.pair()
        self.stop()
        self.ask_many(EXPECTED)
        self.assertEqual(self.relay.prepare(self.NEW), STUCK)
        self.assertEqual(r.ask(self.relay.control, "commit"),
                         ("failed", "nothing was prepared"))
        for kind in ("status", "hold"):
            self.assertEqual(r.ask(self.relay.control, kind), STUCK)
        os.kill(self.pid, signal.SIGCONT)
        for _ in range(EXPECTED):
            self.assertEqual(r.receive(self.asking)[0], "status")
        # It is the same one, and has lost nothing.
        self.check_echo(*kept)
        self.check_echo(*self.pair(8081, 81))
        self.relay.apply(self.NEW)
        self.assertTrue(is_turned_away(("127.0.0.1", 8081)))
        self.check_echo(*kept)
        self.assertEqual(self.relay.worker(), self.pid)

    def test_what_is_decided_is_in_force(self):
        self.assertEqual(self.relay.prepare(self.NEW), ("ok", ""))
        self.stop()
        self.ask_many(EXPECTED)
        self.assertEqual(self.relay.commit(self.NEW), ("ok", ""))
        self.assertTrue(self.restarted())
        self.assertTrue(is_turned_away(("127.0.0.1", 8081)))
        self.check_echo(*self.pair())

    def test_what_is_dropped_stands_still_no_more(self):
        lost, lost_inner = self.pair(8081, 81)
        channel = self.relay.connect()
        self.assertEqual(self.relay.prepare(self.NEW, channel), ("ok", ""))
        self.stop()
        self.ask_many(EXPECTED)
        channel.close()
        self.assertTrue(self.restarted())
        for made in (lost, lost_inner):
            self.assertTrue(has_ended(made))
        server = self.keep(relay_case.serve(self.guest, 4, 82))
        self.relay.apply(config([listener("127.0.0.1", "tcp", 8082, 82)]))
        client = self.keep(tcp(("127.0.0.1", 8082)))
        self.check_echo(client, self.keep(accept(server)[0]))

    def test_whoever_finds_no_room_waits(self):
        # Two are there already.
        held = []
        for _ in range(CLIENTS - 2):
            held.append(self.relay.connect())
            self.assertEqual(r.ask(held[-1], "hold"), ("ok", ""))
        late = self.keep(self.relay.connect(), self.relay.connect())
        for channel in late:
            r.send(channel, "status")
        # Neither is cut off, nor has an answer.
        for channel in late:
            self.assertTrue(relay_case.is_silent(channel))
        for channel, answered in zip(held, late):
            channel.close()
            self.assertEqual(r.receive(answered)[0], "status")
        for channel in held[2:]:
            channel.close()

    def test_nothing_is_put_in_force_at_the_end(self):
        self.stop()
        self.relay.process.send_signal(signal.SIGTERM)
        self.assertTrue(wait_until(
            lambda: r.ask(self.relay.control, "connected") == ENDING))
        self.assertEqual(self.relay.prepare(self.NEW), ENDING)
        self.assertEqual(self.relay.process.wait(10), 0)


if __name__ == "__main__":
    relay_case.main()
