#!/usr/bin/env python3
"""Converts the tables of facts and classes into the compact files that the guard reads in place.

usage: compile.py DATA [OUT]    DATA holds graph/, cmdlets/ and powershell/ (README.md says where they come from);
                                PowerShell's own tables may also be beside it, in ../powershell/tables/
"""

import os
import sys

from cmdlets import compile_cmdlets
from graph_paths import compile_paths
from request_rules import compile_rules

HERE = os.path.dirname(os.path.abspath(__file__))


def powershell_tables(data):
    """The folder of PowerShell's own tables; none if DATA comes without them."""
    folders = [f"{data}/powershell", f"{data}/../powershell/tables"]
    return next((folder for folder in folders if os.path.exists(f"{folder}/builtin-cmdlets.json")), None)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    data = sys.argv[1]
    out = sys.argv[2] if len(sys.argv) > 2 else f"{HERE}/../../Sources/Guard/CGuardTables/Tables"
    compile_paths(data, out)
    compile_rules(data, HERE, out)
    powershell = powershell_tables(data)
    if powershell is None:
        sys.exit(f"cmdlets.bin: unchanged, because {data} has no powershell/builtin-cmdlets.json")
    compile_cmdlets(data, powershell, HERE, out)


main()
