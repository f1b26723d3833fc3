#!/usr/bin/env python3
"""Converts the tables of facts and classes into the compact files that the guard reads in place.

usage: compile.py DATA [OUT]    DATA holds graph/, cmdlets/ and powershell/ (README.md says where they come from)
"""

import os
import sys

from cmdlets import compile_cmdlets
from graph_paths import compile_paths
from request_rules import compile_rules

HERE = os.path.dirname(os.path.abspath(__file__))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    data = sys.argv[1]
    out = sys.argv[2] if len(sys.argv) > 2 else f"{HERE}/../../Sources/Guard/CGuardTables/Tables"
    compile_paths(data, out)
    compile_rules(data, HERE, out)
    compile_cmdlets(data, HERE, out)


main()
