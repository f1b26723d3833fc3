"""Measures the wire of a confined session: what it adds to a request against the same request without it, and what large bodies
take in memory."""
import json
import subprocess
import sys
import tempfile

from figures import RELEASE, Figures

COUNT = 4000
MEGABYTES = 1024


def main():
    figures = Figures("The wire of a session")
    with tempfile.TemporaryDirectory(prefix="mm-egress-") as folder:
        run = subprocess.run([RELEASE / "egress-benchmark", str(COUNT), str(MEGABYTES), folder], capture_output=True,
                             text=True, check=True, timeout=600)
    seen = json.loads(run.stdout)
    figures.row("added a request, p50", (seen["through50"] - seen["straight50"]) / 1000, "ms", 0.5)
    figures.row("added a request, p99", (seen["through99"] - seen["straight99"]) / 1000, "ms", 3)
    figures.note(f"p50 straight {seen['straight50']:.0f} µs, through {seen['through50']:.0f} µs; "
                 f"p99 {seen['straight99']:.0f} and {seen['through99']:.0f} µs")
    figures.row("memory grown by 1 GB down and 1 GB up", seen["memoryPeak"] - seen["memoryBefore"], "MB", 48)
    figures.note(f"1 GB down in {seen['downSeconds']:.1f} s, up in {seen['upSeconds']:.1f} s, client and server included")
    figures.row("requests under another account, of 10,000 of 8 sessions", seen["mixed"], "requests", 0)
    figures.note(f"10,000 requests of 8 sessions in {seen['manySeconds']:.1f} s")
    return figures.exit_code


sys.exit(main())
