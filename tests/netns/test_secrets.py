# SPDX-License-Identifier: GPL-2.0-or-later
"""test_secrets.py - What arrives of placeholders, and where flows end, under "up".

    test_secrets.py MSB-NETC [--long]

The tests are in secret/arrive.py, refuse.py and policies.py; MSB_ONLY names those that
are wanted, with commas between. Requests are rows of secret/rows.py; forms, places
and cuts are those of secret/shapes.py, and each of them meets each other with
--long, which also uploads gigabytes. Servers write down what they are told, octet
by octet.
"""
import os
import sys
import time

from report import main
from secret import arrive, policies, refuse
from secret.stage import Stage
from tls.table import helper_pids

TESTS = (arrive.told, refuse.impostors, refuse.unread, arrive.arrives,
         arrive.arrives2, arrive.echoes,
         arrive.masked, arrive.streams, arrive.upload, refuse.every_form,
         refuse.segments,
         refuse.ways, refuse.ways2, refuse.second, refuse.websocket,
         refuse.tunnel, refuse.plain, refuse.limits)


def all_of(m, t):
    stage = Stage(m, t)
    try:
        stage.up(stage.policy())
        before, afterwards = helper_pids("msb-tlsd"), None
        for each in TESTS:
            if each.__name__ not in os.environ.get(
                    "MSB_ONLY", each.__name__).split(","):
                continue
            t.test, start = each.__name__, time.monotonic()
            afterwards = each(stage, t) or afterwards
            t.check("no process has ended", helper_pids("msb-tlsd") == before)
            print("  %s: %.1f s" % (t.test, time.monotonic() - start),
                  flush=True)
        if afterwards:
            afterwards()
        stage.down()
        for each in policies.TESTS:
            if each.__name__ not in os.environ.get(
                    "MSB_ONLY", each.__name__).split(","):
                continue
            t.test, start = each.__name__, time.monotonic()
            try:
                each(stage, t)
            finally:
                stage.down()
            print("  %s: %.1f s" % (t.test, time.monotonic() - start),
                  flush=True)
    finally:
        stage.close()


if __name__ == "__main__":
    if "--long" in sys.argv:
        sys.argv.remove("--long")
        os.environ["MSB_LONG"] = "1"
    main(__doc__, (all_of,))
