# SPDX-License-Identifier: GPL-2.0-or-later
"""live.py - Connections that last: held, used again, looked at, and killed."""
import os
import signal
import socket
import ssl
import threading
import time

from machine import wait_for

from . import clients
from .table import helper_pids
from .world import address, content

# What is to come back is waited for so long, and was back by then on a machine that
# is busy with other tests. What ends has ended by then there, too.
BACK, BUSY, END = 15.0, 3.0, 20.0


class Flow:
    """A connection of HTTP/1.1 over TLS that is kept."""

    def __init__(self, stage, role, name, version=4, port=443, **options):
        self.stage, self.name = stage, name
        sock = clients.connect(stage.guest, address(role, version), port)
        if isinstance(sock, clients.Outcome):
            raise OSError(sock.word)
        made = clients.context(stage.trust, **options)
        self.tls = made.wrap_socket(sock, server_hostname=name,
                                    suppress_ragged_eofs=False)
        self.tls.settimeout(END)

    def issuer(self):
        return self.stage.trust.word(clients.issuer_of(self.tls.getpeercert()))

    def ask(self, path="/", more=""):
        self.tls.sendall(("GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (
            path, self.name, more)).encode())
        return clients.read_answer(self.tls)

    def works(self, count=20000):
        """Whether bytes come as they were sent."""
        try:
            return self.ask("/bytes/%d" % count) == content(count)
        except (OSError, ValueError):
            return False

    def ended(self, seconds=END):
        """How it ends within so much time: "reset", "closed" (no close_notify),
        "clean" (with it); None if it does not."""
        self.tls.settimeout(seconds)
        try:
            # OpenSSL does not tell a reset from an end.
            if not socket.socket.recv(self.tls, 1, socket.MSG_PEEK):
                return "closed"
            return "clean" if not self.tls.recv(1) else None
        except (ConnectionResetError, BrokenPipeError):
            return "reset"
        except (TimeoutError, socket.timeout):
            return None
        except (ssl.SSLError, OSError) as error:
            return "closed: %r" % error

    def close(self):
        self.tls.close()


class Slow:
    """A socket that is read slowly at first."""

    def __init__(self, sock):
        self.sock, self.count = sock, 0

    def recv(self, _count):
        if self.count < 1 << 20:
            time.sleep(0.002)
        data = self.sock.recv(1 << 14)
        self.count += len(data)
        return data


class Denied(threading.Thread):
    """Tries all the time what is denied, and what of it gets through."""

    def __init__(self, stage, role, name):
        super().__init__(daemon=True)
        self.stage, self.role, self.name = stage, role, name
        self.stopped, self.tries, self.words = False, 0, set()
        self.start()

    def run(self):
        while not self.stopped:
            made = self.stage.use("hello", self.role, 443, self.name, 4, True)
            self.words.add(made.word)
            self.tries += 1
            time.sleep(0.005)

    def stop(self):
        """What has got through, or why nothing is known; None is good."""
        end = time.monotonic() + BACK
        while self.tries < 3 and time.monotonic() < end:
            time.sleep(0.01)
        self.stopped = True
        self.join()
        got = [s for s in self.stage.servers.take()
               if s.bytes and s.at[0] == address(self.role, 4)]
        if got or self.tries < 3 or "ok" in self.words:
            return "%d tries, %s, seen: %s" % (self.tries, self.words, got)
        return None


def try_until(stage, client, role, name, words, seconds=BACK):
    """How long it takes until a client comes to one of those words."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        made = stage.use(client, role, 443, name, 4, True)
        if made.word in words:
            return time.monotonic() - start
        time.sleep(0.02)
    return None


def kills(stage, t, role, name, denied, word):
    """Each process of msb-tlsd is killed in its turn."""
    count, times = len(helper_pids("msb-tlsd")), []
    t.check("msb-tlsd has processes", count >= 2, count)
    for which in range(count):
        flows = [Flow(stage, role, name, v) for v in (4, 6)]
        t.check("flows work", all(f.works() for f in flows))
        before = helper_pids("msb-tlsd")
        watch = Denied(stage, *denied)
        os.kill(before[which], signal.SIGKILL)
        start = time.monotonic()
        ends = [f.ended() for f in flows]
        t.check("process %d of %d: flows die with it" % (which, count),
                None not in ends, ends)
        took = try_until(stage, "python", role, name, (word,))
        times.append(time.monotonic() - start)
        t.check("it is back in time", took is not None,
                "%.2f s" % times[-1])
        t.check("all its processes are new", wait_for(
            lambda b=before: not set(b) & set(helper_pids("msb-tlsd")), END)
                or count > len(before), before)
        passed = watch.stop()
        t.check("nothing that is denied has passed meanwhile", not passed,
                passed)
        for flow in flows:
            flow.close()
    # A machine that is busy with other tests gets longer for some of them.
    t.check("it is back within a second", min(times) < 1 and
            max(times) < BUSY, times)


class Transfer(threading.Thread):
    """A long download over a flow; whether it came as it was sent."""

    def __init__(self, flow, count):
        super().__init__(daemon=True)
        self.flow, self.count, self.good = flow, count, None
        self.start()

    def run(self):
        try:
            self.flow.tls.settimeout(60)
            self.good = self.flow.ask("/bytes/%d" % self.count) == content(
                self.count)
        except (OSError, ValueError) as error:
            self.good = False
            self.error = error
