# SPDX-License-Identifier: GPL-2.0-or-later
"""asked.py - What value a server is given for a placeholder, on a line that is open."""
import itertools
import os
import time

from machine import wait_for

from . import rows, shapes2
from .says import Line, Refused
from .stage import VAULT, Stage, secrets

# A helper is back by then, also on a machine that is busy.
BACK = 20.0
MARKS = itertools.count(1)


def asked(stage, line, name="KEY"):
    """What a server is given for a placeholder, or the word for why nothing is."""
    placeholder, mark = stage.kept[name].placeholder, b"%d" % next(MARKS)
    if line.alpn == "h2":
        if not hasattr(line, "client"):
            line.client = shapes2.Client()
        line.client.headers(shapes2.head(VAULT.encode(), method=b"GET", more=[
            (b"x-api-key", placeholder), (b"x-mark", mark)]))
        said = line.client.take()
    else:
        said = rows.get(VAULT, ["X-Api-Key: " + placeholder.decode(),
                                "X-Mark: " + mark.decode()])
    made = line.ask(said)
    return made.word if made.word != "ok" else marked(stage, mark)


def marked(stage, mark):
    """The value in the request that has a mark."""
    for tape in reversed(stage.tapes.all()):
        for request in reversed(tape.requests):
            if request.field(b"x-mark") == mark:
                return request.field(b"x-api-key")
    return None


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
