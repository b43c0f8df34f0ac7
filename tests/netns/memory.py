# SPDX-License-Identifier: GPL-2.0-or-later
"""memory.py - Where in a process's memory something is."""
import array
import itertools
import mmap
import os
import re

# Flags of an area that is locked, in no core file, and no child's.
KEPT = {"lo", "dd", "dc"}
PRESENT, SWAPPED = 1 << 63, 1 << 62


def runs(pagemap, start, end):
    """The parts of an area that there is something in: (from, to) each."""
    entries = array.array("Q", os.pread(pagemap, (end - start) //
                                        mmap.PAGESIZE * 8,
                                        start // mmap.PAGESIZE * 8))
    at = start
    for there, group in itertools.groupby(
            entries, lambda e: bool(e & (PRESENT | SWAPPED))):
        size = sum(1 for _ in group) * mmap.PAGESIZE
        if there:
            yield at, at + size
        at += size


def search(pid, values):
    """Where in a process's memory each value is: flags of each such area."""
    found = {}
    with open("/proc/%d/smaps" % pid, encoding="ascii") as file:
        lines = file.read().splitlines()
    with open("/proc/%d/mem" % pid, "rb", buffering=0) as memory, \
            open("/proc/%d/pagemap" % pid, "rb", buffering=0) as pagemap:
        for line in lines:
            place = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r?).*?(\[v\w+\])?$",
                             line)
            if place:
                start, end = (int(n, 16) for n in place.group(1, 2))
                # Not what a sanitizer has reserved for itself.
                skip = (not place.group(3) or place.group(4) or
                        end - start > 1 << 32)
            elif line.startswith("VmFlags:") and not skip:
                there = set()
                for first, last in runs(pagemap.fileno(), start, end):
                    data = os.pread(memory.fileno(), last - first, first)
                    there |= {value for value in values if value in data}
                for value in there:
                    found.setdefault(value, []).append(set(line.split()[1:]))
    return found


def files_in_memory(pid):
    """Files without a name that a process has open."""
    folder = "/proc/%d/fd" % pid
    return [f for f in os.listdir(folder)
            if "memfd:" in os.readlink(os.path.join(folder, f))]
