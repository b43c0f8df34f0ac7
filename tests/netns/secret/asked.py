# SPDX-License-Identifier: GPL-2.0-or-later
"""asked.py - What value a server is given for a placeholder, as it tells itself."""
import os
import re
import time

from machine import wait_for

from . import rows, shapes2
from .says import Line, Refused
from .stage import VAULT, Stage, secrets

# A helper is back by then, also on a machine that is busy.
BACK = 5.0


def asked(stage, line, name="KEY"):
    """What the server was given for a placeholder, which it tells: /echo."""
    kept = stage.kept[name]
    if line.alpn == "h2":
        if not hasattr(line, "client"):
            line.client = shapes2.Client()
        line.client.headers(shapes2.head(VAULT.encode(), b"/echo", b"GET", [
            (b"x-api-key", kept.placeholder)]))
        said = line.client.take()
    else:
        said = rows.get(VAULT, ["X-Api-Key: " + kept.placeholder.decode()],
                        "GET /echo HTTP/1.1")
    made = line.ask(said)
    if made.word != "ok":
        return made.word
    found = re.search(rb"x-api-key: (.*)", made.details["answers"][0], re.I)
    return found.group(1).strip(b"\r") if found else b""


def lines(stage):
    return [Line(stage, VAULT), Line(stage, VAULT, version=6),
            Line(stage, VAULT, alpn=("h2",))]


def expect(t, stage, name, open_, wanted):
    got = [asked(stage, line) for line in open_]
    t.check(name, set(got) == {wanted}, (got, wanted))


def value_is_back(stage, value):
    def one():
        try:
            line = Line(stage, VAULT)
        except Refused:
            return False
        try:
            return asked(stage, line) == value
        finally:
            line.close()
    return wait_for(one, BACK)


def each_of(m, t, tests):
    """Tests that begin with sandboxes and values of their own."""
    stage = Stage(m, t)
    try:
        for each in tests:
            if each.__name__ not in os.environ.get(
                    "MSB_ONLY", each.__name__).split(","):
                continue
            t.test, start = each.__name__, time.monotonic()
            try:
                each(stage, t)
            finally:
                stage.down()
                for name, kept in secrets().items():
                    stage.write(name, kept.value)
            print("  %s: %.1f s" % (t.test, time.monotonic() - start),
                  flush=True)
    finally:
        stage.close()
