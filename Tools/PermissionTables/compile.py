#!/usr/bin/env python3
"""Turns the permission data of Microsoft Graph into the compact file that MMGuard reads in place.

usage: compile.py DATA [OUT]    DATA holds graph/ (Tools/GuardTables/README.md says where it comes from)
"""

import json
import os
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../GuardTables")

from graph_paths import build_tree, fingerprint  # noqa: E402
from pool import Pool, write_file  # noqa: E402

NONE = 0xFFFFFFFF
ADMINISTRATOR, PERSONAL, RESOURCE_SPECIFIC, DELEGATED, APPLICATION = 1, 2, 4, 8, 16


class Lists:
    """Lists of 16-bit numbers, each kept once, and where they start."""

    def __init__(self):
        self.bytes, self.places = bytearray(), {}

    def add(self, numbers):
        numbers = tuple(numbers)
        if numbers not in self.places:
            self.places[numbers] = len(self.bytes) // 2
            self.bytes += struct.pack(f"<{len(numbers)}H", *numbers)
        return self.places[numbers]


def scheme(lists, value):
    """What one kind of sign-in needs: inferred or not, the least ones, the higher ones."""
    if not value:
        return NONE
    least, higher = value[0], value[1]
    return lists.add([1 if len(value) > 2 else 0, len(least), len(higher), *least, *higher])


def besides(lists, also):
    """What some permissions need besides themselves: for each its number and the others."""
    if not also:
        return NONE
    numbers = [len(also)]
    for name, others in also.items():
        numbers += [int(name), len(others), *others]
    return lists.add(numbers)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    data = sys.argv[1]
    out = sys.argv[2] if len(sys.argv) > 2 else f"{HERE}/../../Sources/Guard/CPermissionTables/Tables"
    with open(f"{data}/graph/permissions.json") as file:
        permissions = json.load(file)
    nodes = build_tree(data)
    pool, lists, needs, rows = Pool(), Lists(), {}, bytearray()
    for node in nodes:
        for section, mask, value, also in node.permissions:
            need = (*(scheme(lists, part) for part in permissions["sets"][value]), besides(lists, also))
            number = needs.setdefault(need, len(needs))
            rows += struct.pack("<IHBB", node.number, number, section, mask)
    names = bytearray()
    for row in permissions["names"]:
        flags = (
            (ADMINISTRATOR if row.get("c") else 0) | (PERSONAL if row.get("p") else 0)
            | (RESOURCE_SPECIFIC if row.get("r") else 0) | (DELEGATED if "d" in row else 0)
            | (APPLICATION if "a" in row else 0)
        )
        levels = row.get("l", [0, 0])
        names += struct.pack(
            "<IIIBBBB", pool.add(row["n"]), pool.add(row.get("d", "")), pool.add(row.get("a", "")), flags,
            levels[0], levels[1], 0,
        )
    need_bytes = b"".join(struct.pack("<IIII", *need) for need in needs)
    size = write_file(
        f"{out}/permissions.bin", b"MMP1", [pool.bytes, rows, need_bytes, lists.bytes, names, fingerprint(nodes)],
    )
    print(f"permissions.bin: {len(rows) // 8} calls, {len(needs)} needs, {len(permissions['names'])} names, {size} bytes")


main()
