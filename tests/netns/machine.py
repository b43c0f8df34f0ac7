# SPDX-License-Identifier: GPL-2.0-or-later
"""machine.py - A machine for the live commands, and what it is like."""
import json
import os
import re
import signal
import subprocess
import time

from lab import Namespace, make_namespace, run
import rtnl

STATE = "/run/state"
# Settings that count, are only written, or are drawn by lot.
VOLATILE = re.compile(
    r"_count$|^flush$|stable_secret$|fastopen_key$").search
# As long as what is to come is waited for: a machine may be slow, and busy.
PATIENCE = 60


def _listing(path):
    """Every name below a directory, with what it holds."""
    found = {}
    for folder, folders, files in os.walk(path):
        for name in folders:
            found[os.path.join(folder, name)] = "directory"
        for name in files:
            full = os.path.join(folder, name)
            # What happened stays written, whatever becomes of it.
            if name == "events.log":
                continue
            if os.path.islink(full):
                found[full] = "to " + os.readlink(full)
            elif os.path.isfile(full) and os.stat(full).st_dev == os.stat(
                    path).st_dev:
                with open(full, "rb") as file:
                    found[full] = file.read()
            else:
                found[full] = "mount"
    return found


def _settings():
    """The settings of the network namespace that the process is in."""
    found, folders = {}, ["/proc/sys/net"]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif not VOLATILE(entry.name):
                    found[entry.path] = _setting(entry.path)
    return found


def _setting(path):
    # There are many hundreds of them.
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            # None is longer, and a page is what the kernel fills at once.
            return os.read(fd, 4096)
        finally:
            os.close(fd)
    except OSError as error:
        return error.errno


def _namespace(found, name):
    """Links, addresses, routes, rules, ruleset and settings of where we are."""
    for kind, items in rtnl.listing().items():
        found["%s %s" % (name, kind)] = items
    found[name + " ruleset"] = run("nft", "-s", "list", "ruleset") \
        if rtnl.has_tables() else ""
    for key, value in _settings().items():
        found["%s %s" % (name, key)] = value


class Machine:
    """The host's namespace, which is this process's own, and guests."""

    def __init__(self, program, scratch, as_born=False):
        """Guests wait until they know that nobody has their addresses only if
        they are to be as they are born: it takes each of them a second or two."""
        self.program, self.scratch, self.as_born = program, scratch, as_born
        self.guests = {}
        Namespace("/proc/thread-self/ns/net").up("lo")
        self.public = self.document("public", {"Policy": "public-only"})
        # The first sandbox makes what stays: the state directory, the lock.
        self.guest("first")
        self.good("up", "first", self.public, "--guest-netns", "first")
        self.good("down", "first")
        self.dismiss("first")

    def document(self, name, content):
        path = os.path.join(self.scratch, name + ".json")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(content, file)
        return path

    def guest(self, name):
        """A namespace for a guest, of which lo is down as in a new one."""
        if name not in self.guests:
            self.guests[name] = make_namespace(name)
            self.guests[name].run("ip", "link", "set", "lo", "down")
            if not self.as_born:
                self.guests[name].sysctl("net/ipv6/conf/default/accept_dad",
                                         "0")
        return self.guests[name]

    def dismiss(self, name):
        """Without a guest; what is looked at is less, and so is faster."""
        self.guests.pop(name).close()
        run("ip", "netns", "delete", name)

    # Running msb-netc.

    def command(self, *words):
        """A command line; --state is a user's option like the others."""
        words = [str(word) for word in words]
        return [self.program, words[0], "--state", STATE] + words[1:]

    def netc(self, *words, **options):
        """The finished process."""
        return subprocess.run(
            self.command(*words), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False,
            **options)

    def good(self, *words):
        """What a command that must succeed printed."""
        done = self.netc(*words)
        if done.returncode:
            raise RuntimeError("%s: exit status %d: %s" % (
                " ".join(map(str, words)), done.returncode, done.stderr))
        return done.stdout

    def start(self, *words, **options):
        return subprocess.Popen(
            self.command(*words), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, **options)

    def names(self):
        return [s["name"] for s in json.loads(self.good("status", "--json"))]

    # What the machine is like.

    def look(self):
        """Everything that a command might have changed, by its name."""
        found = {}
        found["namespaces"] = sorted(os.listdir("/run/netns"))
        for path, value in _listing(STATE).items():
            found[path] = value
        _namespace(found, "host")
        for name, guest in self.guests.items():
            with guest:
                _namespace(found, name)
        return found

    def forget(self):
        """Let the host's own settings and guests be as in the beginning."""
        for key in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
            self.sysctl(key, "0")

    @staticmethod
    def sysctl(key, value):
        with open("/proc/sys/" + key, "w", encoding="ascii") as file:
            file.write(value)


def differences(before, after):
    """What two looks do not have in common, in a line."""
    def one(key):
        now, was = after.get(key), before.get(key)
        if isinstance(now, list) and isinstance(was, list):
            now, was = [i for i in now if i not in was], [
                i for i in was if i not in now]
        return "%s: %.200s, was %.200s" % (key, now, was)

    return "; ".join(one(key) for key in sorted(before.keys() | after.keys())
                     if before.get(key) != after.get(key))


def wait_for(test, seconds=PATIENCE):
    """Whether something comes true."""
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def alive(pid):
    """Whether a process is there, and not only waited for."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def end(process, sig=signal.SIGKILL):
    """Signal a process that was started here; its exit status."""
    process.send_signal(sig)
    return process.wait(timeout=PATIENCE)
