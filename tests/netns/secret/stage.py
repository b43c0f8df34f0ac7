# SPDX-License-Identifier: GPL-2.0-or-later
"""stage.py - A laboratory with secrets: their values, documents, and tapes."""
import base64
import json
import os
import re
import time
import urllib.parse

from machine import STATE, wait_for
from tls import table

from .tapes import Tapes

# enter_laboratory() runs the program again: not by its arguments.
LONG_TESTS = os.environ.get("MSB_LONG") == "1"
VAULT, STRANGER = "vault.example.com", "stranger.example.com"
LONG = b"".join(b"%05d." % n for n in range(1400))
HOSTS = [VAULT, "*.vault.example.net"]


class Kept:
    """A secret: what the guest has, what the host has, and its entry."""

    def __init__(self, name, value, hosts, placeholder=None, **entry):
        self.name, self.value, self.hosts = name, value, hosts
        self.placeholder = (placeholder or "$MSB_" + name).encode()
        self.fields = entry
        if placeholder:
            self.fields["Placeholder"] = placeholder


def secrets():
    """Those of most documents, by name."""
    everywhere = ["headers", "basic", "query"]
    return {each.name: each for each in (
        Kept("KEY", b"sk-live-6f1d0c9a7b42e835", HOSTS),
        # It begins like the one before.
        Kept("KEY2", b"Zq8second", HOSTS),
        Kept("TOKEN", b'tok "q" \\ & c/+=%41;d', HOSTS, "{{token}}",
             Inject=everywhere),
        Kept("LONG", LONG, HOSTS, "$MSB_" + "L" * 123),
        Kept("SHORT", b"7", HOSTS),
        # What is put in is not looked at again.
        Kept("NEST", b"a$MSB_KEY$MSB_NEST{{token}}", HOSTS),
        Kept("UTF8", "gr\u00fc\u00dfe-\u5bc6\u7801".encode(), HOSTS),
        Kept("BODY", b'b"o\\d y&=1<\xc3\xbc>', ["body.example.com"],
             Inject=["headers", "body"]),
        # Nobody who is dialled may have these.
        Kept("ODD", b"odd-value-77aa55ee", ["elsewhere.example.com"],
             "??>~key~<??>"),
        Kept("MILD", b"mild-value-11bb22cc", ["elsewhere.example.com"],
             OnViolation="block"),
    )}


class Text:
    """Octets with marks: <KEY> is where a value is put in, [KEY] where the
    placeholder stays, {b64:...} what Basic makes of it, {pct:...} a value that is
    percent-encoded, {json:...} one that is escaped for JSON."""

    def __init__(self, kept, template):
        self.kept, self.template = kept, template

    def _put(self, which):
        def one(mark):
            found = self.kept[mark.group(2).decode()]
            return found.value if which and mark.group(1) == b"<" else \
                found.placeholder
        text = re.sub(rb"([<\[])([A-Z][A-Z0-9]+)[>\]]", one, self.template)
        text = re.sub(rb"\{pct:(.*?):pct\}", lambda m: urllib.parse.quote(
            m.group(1), safe="-._~").encode() if which else m.group(1), text)
        text = re.sub(rb"\{json:(.*?):json\}", lambda m: json_text(m.group(1))
                      if which else m.group(1), text)
        return re.sub(rb"\{b64:(.*?):b64\}",
                      lambda m: base64.b64encode(m.group(1)), text, flags=re.S)

    def said(self):
        return self._put(False)

    def heard(self):
        return self._put(True)


def json_text(value):
    return value.replace(b"\\", b"\\\\").replace(b'"', b'\\"')


class Stage(table.Stage):
    """A stage with tapes; values are files of the host."""

    def __init__(self, m, t):
        super().__init__(m, t, nginx=False)
        self.kept = secrets()
        self.folder = os.path.join(m.scratch, "values")
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        for each in self.kept.values():
            self.write(each.name, each.value)
        self.tapes = Tapes(self.world.network.far, self.pki)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, value, newline=b"\n"):
        """Another value, put in place of the one before."""
        with open(self.path(name) + ".new", "wb") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(value + newline)
        os.rename(self.path(name) + ".new", self.path(name))
        self.kept[name].value = value

    def entry(self, name, **more):
        each = self.kept[name]
        return {"Name": name, "ValueFile": self.path(name),
                "AllowedHosts": each.hosts, **each.fields, **more}

    def policy(self, names=None, tls=(), **more):
        """Everything may be reached; secrets are those that are named."""
        return {"DefaultEgress": "allow",
                "TLS": {"UpstreamCACerts": [self.pki.root.path],
                        "Bypass": ["open.example.org"], **dict(tls)},
                "Secrets": [self.entry(name) for name in (
                    self.kept if names is None else names)], **more}

    def text(self, template):
        return Text(self.kept, template)

    def violations(self, since=0):
        """Events about them, those behind so many events. There are at most 20
        at once, and one more each second; all are counted."""
        return [e for e in self.events()[since:]
                if e.get("event") == "secret-violation"]

    def wait_violations(self, count, since, seconds=20.0):
        wait_for(lambda: len(self.violations(since)) >= count, seconds)
        return self.violations(since)

    def count(self):
        """How many there were in all. Who is busy may have no answer in time."""
        for _ in range(5):
            found = re.search(r"violations (\d+)", json.dumps(self.status()))
            if found:
                return int(found.group(1))
        return -1

    def taken(self, role, count=1, seconds=20.0):
        """So many tapes of a role, when their connections have ended."""
        end = time.monotonic() + seconds
        found = self.tapes.take(role)
        while len(found) < count and time.monotonic() < end:
            time.sleep(0.01)
            found += self.tapes.take(role)
        for tape in found:
            tape.ended.wait(max(0, end - time.monotonic()))
        return found

    def leaked(self, t):
        """No tape has a placeholder that is not for its server, or a value."""
        for tape in self.tapes.take():
            tape.ended.wait(20)
            for name, kept in self.kept.items():
                if tape.role + ".example.com" in kept.hosts:
                    continue
                heard = [tape.data, *(b"%r" % r.fields for r in tape.requests)]
                t.check("%s does not leave to %s" % (name, tape.role), not any(
                    kept.placeholder in h or len(kept.value) > 8 and
                    kept.value in h for h in heard), tape)

    def close(self):
        super().close()
        self.tapes.close()


def guest_env():
    """What the guest is told of its environment: NAME to placeholder."""
    found = {}
    with open(STATE + "/sandboxes/web/guest/env", encoding="utf-8") as file:
        for line in file:
            name, mark, text = line.rstrip("\n").partition("=")
            if mark and not line.startswith("#"):
                found[name] = text[1:-1].replace("'\\''", "'") \
                    if text[:1] == "'" else text
    return found


def dump(path, document):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(document, file)
    return path
