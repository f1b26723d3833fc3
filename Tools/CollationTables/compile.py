#!/usr/bin/env python3
"""Writes the collation elements of single characters from ICU's root collation.

Format of the file: the numbers of characters and of elements (u32 each); the characters in order (u16; those from U+1F000 on
are filed from U+E000 on, where no character has a meaning of its own); the index of the first element of each character, and the
end (u16; the highest bit is set if, ignoring case, no character other than its other case is equal to it); the elements (u32:
16 bits of primary, 8 of secondary and 8 of tertiary rank).
"""
import ctypes
import ctypes.util
import pathlib
import re
import struct
import unicodedata

RANGES = [
    (0x0000, 0x024F), (0x0370, 0x03FF), (0x0400, 0x052F), (0x1E00, 0x1EFF), (0x2000, 0x2064), (0x20A0, 0x20BF),
    (0x2100, 0x214F), (0x2190, 0x22FF), (0x2500, 0x27BF), (0x2B00, 0x2BFF), (0xFE00, 0xFE0F), (0x1F000, 0x1FAFF),
]
# The variation selectors among the marks: comparisons ignore them.
SELECTORS = range(0xFE00, 0xFE10)
# Left out: a middle dot changes the weight of an l before it.
CONTEXTUAL = {0x00B7, 0x0387, 0x013F, 0x0140}
TARGET = pathlib.Path(__file__).parents[2] / "Sources/Languages/CCollationTables/Tables/elements.bin"


def library():
    path = ctypes.util.find_library("icui18n")
    version = re.search(r"\.so\.(\d+)", path).group(1)
    return ctypes.CDLL(path), version


class Collator:
    def __init__(self):
        self.icu, self.version = library()
        error = ctypes.c_int(0)
        self.collator = self.function("ucol_open", ctypes.c_void_p)(ctypes.c_char_p(b""), ctypes.byref(error))

    def function(self, name, result):
        function = getattr(self.icu, f"{name}_{self.version}")
        function.restype = result
        return function

    def elements(self, text):
        units = text.encode("utf-16-le")
        error = ctypes.c_int(0)
        iterator = self.function("ucol_openElements", ctypes.c_void_p)(
            ctypes.c_void_p(self.collator), ctypes.c_char_p(units + b"\0\0"), len(units) // 2, ctypes.byref(error))
        step = self.function("ucol_next", ctypes.c_int)
        found = []
        while (order := step(ctypes.c_void_p(iterator), ctypes.byref(error))) != -1:
            order &= 0xFFFFFFFF
            primary, secondary, tertiary = order >> 16, order >> 8 & 0xFF, order & 0xFF
            if tertiary & 0xC0 == 0xC0 and found:
                # A continuation has the low halves of the weights of the element before it.
                high = found[-1]
                found[-1] = (high[0] | primary, high[1] | secondary, high[2] | tertiary & 0x3F)
            else:
                found.append((primary << 16, secondary << 8, tertiary << 8))
        self.function("ucol_closeElements", None)(ctypes.c_void_p(iterator))
        return found


def filed(code):
    return code - 0x1F000 + 0xE000 if code >= 0x1F000 else code


def main():
    collator = Collator()
    rows = {}
    for low, high in RANGES:
        for code in range(low, high + 1):
            category = unicodedata.category(chr(code))
            if category in ("Cn", "Co", "Cs", "Mn", "Mc", "Me") and code not in SELECTORS or code in CONTEXTUAL:
                continue
            rows[code] = collator.elements(chr(code))
    ranks = []
    for level in range(3):
        weights = sorted({element[level] for elements in rows.values() for element in elements} | {0})
        ranks.append({weight: rank for rank, weight in enumerate(weights)})
    assert len(ranks[0]) < 1 << 16 and len(ranks[1]) < 256 and len(ranks[2]) < 256
    codes = sorted(rows, key=filed)
    first = {}
    for code in codes:
        first.setdefault(tuple((p, s) for p, s, _ in rows[code] if p or s), code)
    alone = set()
    for key, code in first.items():
        lower, upper = chr(code).lower(), chr(code).upper()
        pair = {code} | {ord(other) for other in (lower, upper) if len(other) == 1}
        alone |= {other for other in pair if key and other in rows and key == tuple(
            (p, s) for p, s, _ in rows[other] if p or s)}
    starts, elements = [0], []
    for code in codes:
        for weights in rows[code]:
            primary, secondary, tertiary = (ranks[level][weights[level]] for level in range(3))
            elements.append(primary << 16 | secondary << 8 | tertiary)
        starts.append(len(elements))
    assert len(elements) < 1 << 15
    marked = [start | (1 << 15 if code in alone else 0) for code, start in zip(codes, starts)] + starts[-1:]
    TARGET.write_bytes(
        struct.pack("<II", len(codes), len(elements)) + struct.pack(f"<{len(codes)}H", *map(filed, codes))
        + struct.pack(f"<{len(marked)}H", *marked) + struct.pack(f"<{len(elements)}I", *elements))


main()
