"""What every benchmark here shares: how a figure is held against its budget and printed."""
import os
import pathlib
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / ".build" / "release"


class Figures:
    """The figures of one benchmark, each with the budget it must keep."""

    def __init__(self, title):
        self.missed = 0
        print(f"== {title}: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)

    def row(self, what, figure, unit, budget, better="less"):
        """Prints a figure and whether it keeps its budget."""
        kept = figure <= budget if better == "less" else figure >= budget
        self.missed += not kept
        sign = "≤" if better == "less" else "≥"
        print(f"{'ok  ' if kept else 'MISS'} {what}: {figure:,.2f} {unit} (budget {sign} {budget:,} {unit})", flush=True)

    def note(self, text):
        """Prints what has no budget: floors, rivals, reasons."""
        print(f"     {text}", flush=True)

    def skip(self, what, why):
        """Prints that something was not measured."""
        print(f"skip {what}: {why}", flush=True)

    @property
    def exit_code(self):
        return 1 if self.missed else 0


def resident_mb(pid, key="VmRSS"):
    """Megabytes of memory that a process has (VmRSS) or had at most (VmHWM)."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    raise LookupError(key)


def median_ms(command, env, runs=21):
    """The median time of a program from its start to its end, in milliseconds."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)
