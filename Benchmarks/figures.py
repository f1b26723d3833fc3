"""Shared by all benchmarks: comparing figures with their budgets and printing them."""
import os
import pathlib
import statistics
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = ROOT / ".build" / "release"


class Figures:
    """The figures of one benchmark and their budgets."""

    def __init__(self, title):
        self.missed = 0
        print(f"== {title}: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", flush=True)

    def row(self, what, figure, unit, budget, better="less"):
        """Prints a figure and whether it is within its budget."""
        kept = figure <= budget if better == "less" else figure >= budget
        self.missed += not kept
        sign = "≤" if better == "less" else "≥"
        print(f"{'ok  ' if kept else 'MISS'} {what}: {figure:,.2f} {unit} (budget {sign} {budget:,} {unit})", flush=True)

    def note(self, text):
        """Prints a line without a budget: figures to compare with, explanations."""
        print(f"     {text}", flush=True)

    def skip(self, what, why):
        """Prints that something was not measured."""
        print(f"skip {what}: {why}", flush=True)

    @property
    def exit_code(self):
        return 1 if self.missed else 0


def resident_mb(pid, key="VmRSS"):
    """The resident memory of a process in megabytes: current (VmRSS) or peak (VmHWM)."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key):
            return int(line.split()[1]) / 1024
    raise LookupError(key)


def median_ms(command, env, runs=21):
    """The median run time of a program, in milliseconds."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)
