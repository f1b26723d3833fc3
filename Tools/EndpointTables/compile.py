#!/usr/bin/env python3
"""Makes the compact files that MMGuard uses to find calls and check queries.

usage: compile.py DATA CSDL [OUT]    README.md says what DATA and CSDL are
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{HERE}/../GuardTables")

from endpoints import compile_endpoints  # noqa: E402
from types_table import compile_types  # noqa: E402


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    out = sys.argv[3] if len(sys.argv) > 3 else f"{HERE}/../../Sources/Guard/CEndpointTables/Tables"
    os.makedirs(out, exist_ok=True)
    compile_endpoints(sys.argv[1], HERE, out)
    compile_types(sys.argv[2], HERE, out)


main()
