#!/usr/bin/env python3
"""Converts the table of Exchange cmdlets into the compact file that parameter binding reads in place.

usage: compile.py DATA [OUT]    DATA holds cmdlets/exchange.json (its README.md says where it comes from)
"""

import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def with_positions(name, entries, parameters):
    """Makes Identity the first positional parameter of the Get-EXO cmdlets: scripts rely on it, but some pages list it as named."""
    if not name.startswith("Get-EXO"):
        return entries
    result = []
    for entry in entries:
        index = entry if isinstance(entry, int) else entry[0]
        row = parameters[index]
        if row[0] == "Identity" and row[3] < 0:
            first = row[:3] + [0] + row[4:]
            if first not in parameters:
                parameters.append(first)
            index = parameters.index(first)
            entry = index if isinstance(entry, int) else [index] + entry[1:]
        result.append(entry)
    return result


# Parameters that a page says are required, without which the cmdlet is in everyday use.
OPTIONAL = {("Set-OrganizationConfig", "ShortenEventScopeDefault")}


def with_options(name, entries, parameters):
    """Corrects parameters that are optional in fact."""
    result = []
    for entry in entries:
        if isinstance(entry, list) and (name, parameters[entry[0]][0]) in OPTIONAL:
            entry = entry[:2]
        result.append(entry)
    return result


def compact(table):
    """The part of the table that binding needs; classes are in the guard's tables."""
    cmdlets = [
        [
            name, services, support, sets, default,
            with_options(name, with_positions(name, parameters, table["parameters"]), table["parameters"]),
        ]
        for name, services, _classes, _reasons, support, sets, default, parameters in table["cmdlets"]
    ]
    return {
        "form": table["form"], "types": table["types"], "parameters": table["parameters"], "cmdlets": cmdlets,
        "commonParameters": table["commonParameters"],
    }


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    out = sys.argv[2] if len(sys.argv) > 2 else f"{HERE}/../../Sources/Sessions/CExchangeTables/Tables"
    with open(f"{sys.argv[1]}/cmdlets/exchange.json", encoding="utf-8") as source:
        table = json.load(source)
    text = json.dumps(compact(table), separators=(",", ":"), ensure_ascii=True)
    with open(f"{out}/exchange.json", "w", encoding="ascii", newline="\n") as target:
        target.write(text)
    print(f"{len(table['cmdlets'])} cmdlets, {len(text)} bytes")


main()
