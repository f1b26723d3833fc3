#!/usr/bin/env python3
"""Converts the permission data of Microsoft Graph into the compact file that MMGuard reads in place.

usage: compile.py DATA [OUT]            DATA holds graph/ (Tools/GuardTables/README.md says where it comes from)
       compile.py --check DATA SOURCE   compares the least permissions with the permissions.json of
                                        microsoftgraph/microsoft-graph-devx-content (permissions/new)
"""

import json
import os
import re
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../GuardTables")

from graph_paths import METHODS, build_tree, fingerprint  # noqa: E402
from pool import Pool, write_file  # noqa: E402

NONE = 0xFFFFFFFF
ADMINISTRATOR, PERSONAL, RESOURCE_SPECIFIC, DELEGATED, APPLICATION = 1, 2, 4, 8, 16


class Lists:
    """Lists of 16-bit numbers, each stored once, with their offsets."""

    def __init__(self):
        self.bytes, self.places = bytearray(), {}

    def add(self, numbers):
        numbers = tuple(numbers)
        if numbers not in self.places:
            self.places[numbers] = len(self.bytes) // 2
            self.bytes += struct.pack(f"<{len(numbers)}H", *numbers)
        return self.places[numbers]


def scheme(lists, value):
    """The permissions for one kind of sign-in: whether they are inferred, the least ones, the higher ones."""
    if not value:
        return NONE
    least, higher = value[0], value[1]
    return lists.add([1 if len(value) > 2 else 0, len(least), len(higher), *least, *higher])


def besides(lists, also):
    """Permissions that need further ones: for each its number and those of the others."""
    if not also:
        return NONE
    numbers = [len(also)]
    for name, others in also.items():
        numbers += [int(name), len(others), *others]
    return lists.add(numbers)


def spelt(path):
    """A path in the form for comparing: lower case, {} for each key, without namespaces."""
    path = path.lower().replace("microsoft.graph.", "").replace("graph.", "").rstrip("/")
    path = re.sub(r"\(([^)]*)\)", lambda match: "(" + ",".join(
        sorted(part.split("=")[0] for part in match[1].split(",") if part)) + ")", path)
    return re.sub(r"\{[^}]*\}", "{}", path).replace("()", "")


def place(node):
    """The path of a node."""
    parts = []
    while node.parent:
        parts.append(node.text)
        node = node.parent
    return "/" + "/".join(reversed(parts))


class Corrections:
    """The contents of corrections.json, by path and method."""

    def __init__(self, names):
        with open(f"{HERE}/corrections.json") as file:
            rows = json.load(file)
        numbers = {row["n"]: number for number, row in enumerate(names)}
        self.least, self.inferred, self.used = {}, set(), set()
        for row in rows["least"]:
            for method in row["methods"]:
                self.least[spelt(row["path"]), METHODS[method]] = [numbers[name] for name in row["least"]]
        for row in rows["inferred"]:
            self.inferred |= {(spelt(row["path"]), METHODS[method]) for method in row["methods"]}

    def corrected(self, path, mask, value):
        """The permissions for one kind of sign-in after correction; `value` is what the facts say."""
        key = spelt(path), mask
        if not value:
            return value
        if key in self.least:
            self.used.add(key)
            least = self.least[key]
            value = [least, [number for number in value[0] + value[1] if number not in least]]
        if key in self.inferred:
            self.used.add(key)
            value = [value[0], value[1], 1]
        return value

    def finish(self):
        unused = (set(self.least) | self.inferred) - self.used
        if unused:
            sys.exit(f"corrections.json names calls that don't exist: {sorted(unused)}")


def is_reading(name):
    return "Read" in name and not any(word in name for word in (".ReadWrite", ".Write", ".Manage"))


def marked(source):
    """The permissions that the source marks as the least, by path, method and kind of sign-in."""
    with open(source) as file:
        permissions = json.load(file)["permissions"]
    found = {}
    for name, permission in permissions.items():
        for group in permission.get("pathSets", []):
            for path, words in group["paths"].items():
                least = {
                    kind.strip() for word in (words or "").split(";") if word.strip().lower().startswith("least=")
                    for kind in word.split("=", 1)[1].split(",")
                }
                for method in group["methods"]:
                    for kind in least & set(group["schemeKeys"]):
                        found.setdefault((spelt(path), method, kind), set()).add(name)
    return found


def check(data, source):
    """Prints the calls whose least permission is neither marked by the source nor listed as inferred."""
    with open(f"{data}/graph/permissions.json") as file:
        permissions = json.load(file)
    names, corrections, marks = [row["n"] for row in permissions["names"]], Corrections(permissions["names"]), marked(source)
    kinds, same, other, faults = ["DelegatedWork", "DelegatedPersonal", "Application"], 0, 0, []
    for node in build_tree(data):
        for section, mask, value, also in node.permissions:
            method, path = next(name for name, bit in METHODS.items() if bit == mask), place(node)
            for kind, need in zip(kinds, permissions["sets"][value]):
                need = corrections.corrected(path, mask, need)
                wanted = marks.get((spelt(path), method, kind), set())
                # For a GET, marked permissions that also write don't count if one that only reads is marked.
                if method == "GET" and any(map(is_reading, wanted)):
                    wanted = set(filter(is_reading, wanted))
                if not need or not wanted:
                    continue
                least = {names[number] for number in need[0]}
                if least <= wanted:
                    same += 1
                elif len(need) > 2:
                    other += 1
                else:
                    faults.append(f"{method} {path} ({kind}): {sorted(least)}, marked {sorted(wanted)}")
    print("\n".join(faults))
    print(f"{same} as marked, {other} inferred otherwise, {len(faults)} faults")
    sys.exit(1 if faults else 0)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    if sys.argv[1] == "--check":
        return check(sys.argv[2], sys.argv[3])
    data = sys.argv[1]
    out = sys.argv[2] if len(sys.argv) > 2 else f"{HERE}/../../Sources/Guard/CPermissionTables/Tables"
    with open(f"{data}/graph/permissions.json") as file:
        permissions = json.load(file)
    nodes = build_tree(data)
    pool, lists, needs, rows = Pool(), Lists(), {}, bytearray()
    corrections = Corrections(permissions["names"])
    for node in nodes:
        for section, mask, value, also in node.permissions:
            parts = [corrections.corrected(place(node), mask, part) for part in permissions["sets"][value]]
            need = (*(scheme(lists, part) for part in parts), besides(lists, also))
            number = needs.setdefault(need, len(needs))
            rows += struct.pack("<IHBB", node.number, number, section, mask)
    corrections.finish()
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
