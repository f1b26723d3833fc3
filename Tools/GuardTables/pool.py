"""Shared by all tables: the string pool, the writer of files, and the numbers of classes and methods."""

import fnmatch
import struct


class Pool:
    """Strings, each stored once as a 16-bit length and UTF-8 bytes. Offset 0 is the empty string."""

    def __init__(self):
        self.bytes = bytearray(b"\0\0")
        self.offsets = {"": 0}

    def add(self, text):
        if text not in self.offsets:
            raw = text.encode("utf-8")
            self.offsets[text] = len(self.bytes)
            self.bytes += struct.pack("<H", len(raw)) + raw
        return self.offsets[text]


def write_file(path, magic, sections):
    """Writes a file: magic, number of sections, (offset, length) of each, then the sections, aligned to 8 bytes."""
    header = 8 + 8 * len(sections)
    position = (header + 7) // 8 * 8
    table, body = bytearray(), bytearray(b"\0" * (position - header))
    for data in sections:
        table += struct.pack("<II", position, len(data))
        padded = bytes(data) + b"\0" * (-len(data) % 8)
        body += padded
        position += len(padded)
    with open(path, "wb") as file:
        file.write(magic + struct.pack("<I", len(sections)) + table + body)
    return position


CLASSES = ["read", "write", "destructive", "send", "privilege", "secret", "external", "session", "subscription"]
CLASS_BITS = {name: 1 << index for index, name in enumerate(CLASSES)}
# The names in the request tables.
CLASS_BITS["external-sharing"] = CLASS_BITS["external"]
CLASS_BITS["secret-read"] = CLASS_BITS["secret"]
BATCH = 0x8000

METHODS = {"GET": 1, "POST": 2, "PUT": 4, "PATCH": 8, "DELETE": 16}


def fits(patterns, text):
    """Whether a text matches one of these patterns, ignoring case."""
    return any(fnmatch.fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns)
