"""Measures the native pipeline engine: filtering and selecting many rows, and a cold evaluation.

The script parses the rows from JSON; the time for this is measured separately and subtracted. For comparison jq and Python do the
same work on the same rows.
"""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MM = os.environ.get("MM", str(ROOT / ".build" / "release" / "mm"))
ROWS = 60_000
BUDGET = 300_000


def environment(home):
    return {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": home, "LANG": "C.UTF-8"}


def rows(count):
    return [{"Id": n, "X": "y" if n % 2 else "n", "A": f"name {n}", "B": n * 7, "C": True} for n in range(count)]


def median(work, runs=7):
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def evaluate(script, env):
    line = json.dumps({"id": 1, "src": script}) + "\n"
    answer = subprocess.run([MM, "powershell", "eval", "--batch"], input=line, env=env, capture_output=True, text=True, check=True)
    result = json.loads(answer.stdout)
    if "result" not in result:
        sys.exit(f"not run by the native engine: {answer.stdout[:300]}")
    return result["result"]["out"]


def main():
    text = json.dumps(rows(ROWS))
    read = "$r = '" + text + "' | ConvertFrom-Json; "
    work = "$r | Where-Object { $_.X -eq 'y' } | Select-Object A, B | Measure-Object | ForEach-Object Count"
    with tempfile.TemporaryDirectory() as home:
        env = environment(home)
        found = evaluate(read + work, env)
        assert found == [ROWS // 2], found
        # Ten rounds over the same rows, so that the time for parsing matters less.
        rounds = 10
        reading = median(lambda: evaluate(read + "1", env))
        whole = median(lambda: evaluate(read + (work + "; ") * rounds, env))
        took = max(whole - reading, 1e-9) / rounds
        print(f"native filter: {ROWS / took:,.0f} rows/s (budget ≥ {BUDGET:,}); reading {ROWS / reading:,.0f} rows/s")
        cold = median(lambda: evaluate("1 + 1", env), 21)
        print(f"cold evaluation: {cold * 1000:.1f} ms")
        file = pathlib.Path(home) / "rows.json"
        file.write_text(text)
        if shutil.which("jq"):
            jq = lambda program: subprocess.run(["jq", "-c", program, str(file)], stdout=subprocess.DEVNULL, check=True)
            base = median(lambda: jq("length"))
            one = '[.[] | select(.X == "y") | {A, B}] | length'
            rival = median(lambda: jq("(" + "), (".join([one] * rounds) + ")")) - base
            print(f"jq, the same: {ROWS * rounds / max(rival, 1e-9):,.0f} rows/s")
        parsed = json.loads(text)
        python = median(lambda: len([{"A": r["A"], "B": r["B"]} for r in parsed if r["X"].casefold() == "y"]))
        print(f"Python, the same: {ROWS / python:,.0f} rows/s")
    sys.exit(0 if ROWS / took >= BUDGET else 1)


if __name__ == "__main__":
    main()
