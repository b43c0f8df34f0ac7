#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_drift.py - What is changed by hand in a running sandbox is found.

    test_drift.py MSB-NETC

A sandbox with maps, published ports and a cap is made. Each change is made to
its tables with nft, must be found by "diff --live" and, where it is in the
gateway's table, by "status --prove", and is undone by loading the artefact.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

import lab

GATEWAY = "msb-drift"

# Addresses with different ports, so that the walk is printed as a map.
DOCUMENT = {
    "Rules": [{"Action": "allow" if i % 3 else "deny", "Destination": "203.0.%d.0/24" % i,
               "Protocol": "tcp", "Port": str(1000 + i % 7)} for i in range(60)]
             + [{"Action": "allow", "Destination": "198.51.100.7"}],
    "DefaultEgress": "deny",
    "MaxConnections": 5,
    "PortBindings": [{"Bind": "192.0.2.1", "HostPort": 8080, "GuestPort": 80}],
    "DNS": {"RebindProtection": False, "Nameservers": ["198.51.100.53"]},
}

# What is done, as a line of nft's; the text that the difference must show; and
# whether the walks change.
GATEWAY_CHANGES = {
    "rule-added": ("insert rule inet msb egress ct original ip daddr 10.9.9.9 goto allow",
                   "+\t\tct original ip daddr 10.9.9.9 goto allow", True),
    "rule-of-no-flow": ("insert rule inet msb forward iifname \"eth7\" accept",
                        "+\t\tiifname \"eth7\" accept", False),
    "policy": ("add chain inet msb forward { policy accept; }",
               "+\t\ttype filter hook forward priority filter; policy accept;", False),
    "chain-flushed": ("flush chain inet msb output", "-\t\toifname \"guest0\"", False),
    "chain-added": ("add chain inet msb late { type filter hook input priority 10; "
                    "policy accept; }", "+\tchain late {", False),
    "walk-emptied": ("flush chain inet msb egress", "-\t\tcounter drop comment "
                     "\"/DefaultEgress\"", True),
    "element-removed": ("delete element inet msb published_tcp { 80 }", "-\t\telement 80", True),
    "element-added": ("add element inet msb published_tcp { 81 }", "+\t\telement 81", True),
    "map-element-removed": ("delete element inet msb egress4 { 198.51.100.7 }",
                            "-\t\telement 198.51.100.7 counter comment \"/Rules/60\" : goto allow",
                            True),
    "map-element-added": ("add element inet msb egress4 { 10.0.0.0/8 : goto allow }",
                          "+\t\telement 10.0.0.0/8", True),
    "unknown": ("insert rule inet msb egress meta length 77 drop", "+\t\tmeta length 77 drop",
                True),
}

HOST_CHANGES = {
    "own-address": ("delete element inet msb guests4 { \"%s\" . %s }",
                    "-\t\telement \"%s\" . %s"),
    "isolation": ("flush chain inet msb forward", "always:isolation"),
}


class Tool:
    """The program, on a state directory of its own."""

    def __init__(self, path, state):
        self.path, self.state = path, state

    def __call__(self, command, *args):
        done = subprocess.run([self.path, command, "--state", self.state, *args], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return done.returncode, done.stdout, done.stderr


def nft(netns, text):
    """Run a line of nft's in a namespace; None is the host's."""
    prefix = ["ip", "netns", "exec", netns] if netns else []
    lab.run(*prefix, "nft", "-f", "-", text=text + "\n")


def check_whole(tool, when):
    """Problems of a sandbox that nobody changed."""
    live, proof = tool("diff", "--live", "drift"), tool("status", "--prove", "drift")
    problems = []
    if live[0] != 0 or live[1] != "equal\n":
        problems.append("%s: diff --live says %d %s" % (when, live[0], live[1] + live[2]))
    if proof[0] != 0 or ": proved" not in proof[1]:
        problems.append("%s: status --prove says %d %s" % (when, proof[0], proof[1] + proof[2]))
    return problems


def check_change(tool, shown, proves, walks):
    """Problems of a sandbox that was changed."""
    problems = []
    status, out, err = tool("diff", "--live", "drift")
    if status != 1 or shown not in out:
        problems.append("diff --live says %d %s" % (status, out + err))
    status, out, err = tool("diff", "--live", "--json", "drift")
    report = json.loads(out)
    if report["equal"] or not report["texts"]:
        problems.append("diff --live --json says %s" % out)
    if walks != bool(report.get("flows", True)):
        problems.append("the flows that change are %s" % report.get("flows"))
    status, out, err = tool("status", "--prove", "drift")
    if (status == 1) != proves or (": not proved" in out) != proves:
        problems.append("status --prove says %d %s" % (status, out + err))
    return problems


def main():
    lab.enter_laboratory()
    lab.run("ip", "link", "set", "lo", "up")
    lab.run("ip", "address", "add", "192.0.2.1/32", "dev", "lo")
    lab.run("ip", "netns", "add", "box")
    failed = passed = 0
    with tempfile.TemporaryDirectory() as scratch:
        path = pathlib.Path(scratch)
        document = path / "drift.json"
        document.write_text(json.dumps(DOCUMENT), encoding="utf-8")
        tool = Tool(str(pathlib.Path(sys.argv[1]).resolve()), str(path / "state"))
        lab.run(tool.path, "compile", str(document), "-o", str(path / "out"), "--name", "drift")
        status, out, err = tool("up", "drift", str(document), "--guest-netns", "box")
        if status:
            print(out + err)
            return 1
        artefacts = {None: (path / "out" / "host.nft").read_text(encoding="utf-8"),
                     GATEWAY: (path / "out" / "sandbox.nft").read_text(encoding="utf-8")}
        plan = json.loads((path / "out" / "plan.json").read_text(encoding="utf-8"))
        uplink = next(end["name"] for link in plan["links"] for end in link["ends"]
                      if end["ns"] == "host")
        cases = [(name, GATEWAY, line, shown, True, walks)
                 for name, (line, shown, walks) in GATEWAY_CHANGES.items()]
        cases += [(name, None, line % (uplink, "172.16.0.2") if "%" in line else line,
                   shown % (uplink, "172.16.0.2") if "%" in shown else shown, False, False)
                  for name, (line, shown) in HOST_CHANGES.items()]
        problems = check_whole(tool, "before")
        for name, netns, line, shown, proves, walks in cases:
            nft(netns, line)
            found = check_change(tool, shown, proves, walks)
            nft(netns, artefacts[netns])
            found += check_whole(tool, "after")
            problems += ["%s: %s" % (name, problem) for problem in found]
            passed += not found
            failed += bool(found)
        status, out, err = tool("down", "drift")
        if status:
            problems.append("down: %s" % (out + err))
    print("\n".join(problems), end="\n" if problems else "")
    print("%d passed, %d failed" % (passed, failed))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
