"""Measures the proxy ("wire") of a confined session: how much time it adds to a request, and how much memory large bodies take."""
import json
import subprocess
import sys
import tempfile

from figures import RELEASE, Figures

COUNT = 4000
MEGABYTES = 1024


def main():
    figures = Figures("The proxy of a session")
    with tempfile.TemporaryDirectory(prefix="mm-egress-") as folder:
        run = subprocess.run([RELEASE / "egress-benchmark", str(COUNT), str(MEGABYTES), folder], capture_output=True,
                             text=True, check=True, timeout=600)
    seen = json.loads(run.stdout)
    figures.row("added per request, p50", (seen["through50"] - seen["straight50"]) / 1000, "ms", 0.3)
    figures.row("added per request, p99", (seen["through99"] - seen["straight99"]) / 1000, "ms", 3)
    figures.note(f"p50 direct {seen['straight50']:.0f} µs, through the proxy {seen['through50']:.0f} µs; "
                 f"p99 {seen['straight99']:.0f} and {seen['through99']:.0f} µs")
    figures.row("memory growth for 1 GB down and 1 GB up", seen["memoryPeak"] - seen["memoryBefore"], "MB", 48)
    figures.note(f"1 GB down in {seen['downSeconds']:.1f} s, up in {seen['upSeconds']:.1f} s, client and server included")
    figures.row("requests sent with another session's account, of 10,000 in 8 sessions", seen["mixed"], "requests", 0)
    figures.note(f"10,000 requests in 8 sessions took {seen['manySeconds']:.1f} s")
    return figures.exit_code


sys.exit(main())
