# SPDX-License-Identifier: GPL-2.0-or-later
"""search.py - Whether a value is anywhere: in files, processes, and their memory.

forms() is what is searched for: the value itself, and how it is written in URLs,
JSON, base64 at each place in a group of three octets, and HPACK's Huffman code at
each bit of an octet.
"""
import array
import base64
import glob
import json
import mmap
import os
import re
import urllib.parse

from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH

HUFFMAN = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
WINDOW = 1 << 20
PAGE = mmap.PAGESIZE
MAPPED = 1 << 15


def forms(value):
    """All ways in which a value is written here."""
    found = {value, urllib.parse.quote(value, safe="-._~").encode(),
             urllib.parse.quote_plus(value).encode(),
             json.dumps(value.decode())[1:-1].encode(), value.hex().encode()}
    for shift in range(3):
        # Only the digits that the value alone determines.
        digits = base64.b64encode(bytes(shift) + value)
        inner = digits[(shift * 8 + 5) // 6:(shift + len(value)) * 8 // 6]
        found |= {inner, inner.replace(b"+", b"-").replace(b"/", b"_")}
    # "a" has five bits. Of short values too few octets would be left.
    bits = sum(REQUEST_CODES_LENGTH[c] for c in value)
    for shift in range(8) if len(value) > 8 else ():
        code = HUFFMAN.encode(b"a" * shift + value)
        found.add(code[(5 * shift + 7) // 8:(5 * shift + bits) // 8])
    return found


def in_bytes(data, wanted):
    return {form for form in wanted if form in data}


def in_file(path, wanted):
    """Those forms that a file has."""
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size:
                with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
                    return {f for f in wanted if data.find(f) >= 0}
            return in_bytes(file.read(WINDOW), wanted)
    except (OSError, ValueError):
        return set()


def in_tree(path, wanted):
    """Files below a directory that have one, and names and links as well."""
    found = []
    for folder, folders, files in os.walk(path):
        for name in folders + files:
            full = os.path.join(folder, name)
            text = os.fsencode(full)
            if os.path.islink(full):
                text += os.fsencode(os.readlink(full))
            elif os.path.isfile(full) and in_file(full, wanted):
                found.append(full)
            if in_bytes(text, wanted):
                found.append(full)
    return found


# Processes.

def name(pid):
    with open("/proc/%d/comm" % pid, encoding="utf-8") as file:
        return file.read().strip()


def children(pid):
    with open("/proc/%d/task/%d/children" % (pid, pid),
              encoding="ascii") as file:
        return [int(p) for p in file.read().split()]


def mappings(pid):
    """(begin, end, path, flags of /proc/PID/smaps) of each that can be read."""
    found, current = [], None
    with open("/proc/%d/smaps" % pid, encoding="utf-8",
              errors="replace") as file:
        for line in file:
            head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)",
                            line)
            if head:
                current = (int(head[1], 16), int(head[2], 16), head[4])
                readable = "r" in head[3]
            elif line.startswith("VmFlags:") and readable and \
                    current[2] not in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                found.append((*current, line.split()[1:]))
    return found


def present(pid, begin, end):
    """Parts of a mapping that have memory: the others are all zero, or a file's
    (/proc/PID/pagemap: present, or swapped out)."""
    with open("/proc/%d/pagemap" % pid, "rb", buffering=0) as file:
        start = None
        for at in range(begin, end, MAPPED * PAGE):
            count = min(MAPPED, (end - at) // PAGE)
            entries = array.array("Q", os.pread(file.fileno(), 8 * count,
                                                at // PAGE * 8))
            # Much is reserved and never touched, above all by sanitizers.
            if start is None and not any(entries):
                continue
            for n, entry in enumerate(entries):
                there = entry >> 62
                if there and start is None:
                    start = at + n * PAGE
                elif not there and start is not None:
                    yield start, at + n * PAGE
                    start = None
        if start is not None:
            yield start, end


def in_memory(pid, wanted, dumped=False):
    """Where a process's memory has one: (address, path, flags). With @dumped only
    what a core file would have of it."""
    found = []
    longest = max(map(len, wanted))
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory:
        for first, last, path, flags in mappings(pid):
            # A sanitizer's notes about all memory there can be.
            if dumped and "dd" in flags or last - first > 1 << 30:
                continue
            for begin, end in present(pid, first, last):
                tail = b""
                for at in range(begin, end, WINDOW):
                    data = os.pread(memory.fileno(), min(WINDOW, end - at), at)
                    for form in in_bytes(tail + data, wanted):
                        found.append((hex(at), path, flags, form[:4] + b"..."))
                    tail = data[-longest:]
    return found


def process(pid, wanted, memory=True, dumped=False):
    """What of a process has one, by what it is: each is to be empty."""
    found = {}
    for file in ("cmdline", "environ", "maps", "status", "limits", "stack",
                 "comm"):
        found[file] = in_file("/proc/%d/%s" % (pid, file), wanted)
    if memory:
        found["memory"] = in_memory(pid, wanted, dumped)
    return found


def descriptors(pid, wanted):
    """Open files of a process that have one: memfds, above all."""
    found = []
    for path in glob.glob("/proc/%d/fd/*" % pid):
        try:
            target = os.readlink(path)
        except OSError:
            continue
        if target.startswith(("/memfd:", "/")) and "/dev/" not in target and \
                in_file(path, wanted):
            found.append((path, target))
    return found


def descendants(pid):
    """The processes below one, none of them before its parent."""
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found
