#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_gate_forms.py - A placeholder in every form, at every place, in every cut.

The tables are those that are put through a sandbox by netns/test_secrets.py. Here
each row is met by each other, in both protocols: what has a placeholder that the
host may not have is a violation, and what is nearly one goes on as it was.
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..",
                                "netns"))
import test_gate as gate  # noqa: E402
from secret import shapes, shapes2  # noqa: E402

HOST = b"api.example.com"
# "?" and ">" are where the alphabets of base64 differ.
PLACEHOLDERS = (b"$MSB_NOBODYS", b"??>~key~<??>")


def nearly(placeholder):
    """The last octet is another."""
    return placeholder[:-1] + (b"X" if placeholder[-1:] != b"X" else b"Y")


def flows(text):
    """Each flow that has a text: its name, whether it is HTTP/2, its octets."""
    for encoding, encode in shapes.ENCODINGS.items():
        form = encode(text)
        for place, put in shapes.PLACES.items():
            yield f"{encoding} in {place}", 0, put(form, HOST)
        for place, put in shapes2.PLACES2.items():
            yield f"{encoding} in h2 {place}", 1, put(form, HOST)
    for place, put in shapes.BASIC.items():
        yield place, 0, put(text, HOST)


def at(host, http2, said):
    """The flow to another host: HTTP/2's names are Huffman's, and stay."""
    return said if http2 or not host else said.replace(HOST, host.encode())


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    args = parser.parse_args()
    gate.SECRETS = (("$MSB_KEY", "value-of-it", HOST.decode(), 3),) + tuple(
        (p.decode(), "nobody's", "none.example.org", 3) for p in PLACEHOLDERS)
    tool, count = gate.Gate(args.tool), 0
    for text in PLACEHOLDERS:
        for host in (HOST.decode(), "other.example.com", ""):
            for name, http2, said in flows(text):
                for piece in (1, 7, 1 << 20):
                    state, heard = tool.put(http2, host, at(host, http2, said),
                                            piece)
                    count += 1
                    what = f"{text} {name}, to {host}, by {piece}"
                    gate.check(what, state == 1, state)
                    gate.check(f"{what}: it is kept", text not in heard, heard)
            for name, http2, said in flows(nearly(text)):
                said = at(host, http2, said)
                state, heard = tool.put(http2, host, said, 7)
                count += 1
                gate.check(f"nearly {text} {name}, to {host}",
                           state == 0 and (http2 or heard == said), state)
            state, _ = tool.put(1, host, shapes2.over_streams(text, HOST), 7)
            gate.check(f"{text} over two streams, to {host}", state == 0)
    gate.check("the tool ended well", tool.end() == 0)
    print(f"{count} flows, {gate.failures} failures")
    return 1 if gate.failures or not count else 0


if __name__ == "__main__":
    sys.exit(main())
