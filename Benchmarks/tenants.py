"""Measures one call for a hundred tenants: its time compared with a call for the slowest tenant alone, and its memory.

The tenants are customers of one sandbox process, and an app signs in to them. Each answers after 200 ms, one after three seconds.
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

from figures import RELEASE, Figures

MM = str(pathlib.Path(os.environ.get("MM_PROGRAMS", RELEASE)) / "mm")
TENANTS, SLOWEST = 100, 3.0
APP, SECRET = "5a4db0c5-0000-4000-8000-00000000a002", "sandbox~automation~secret"


def tenant(number):
    return f"5a4db0c5-7e11-4c02-9d0e-c0570000{number:04}"


def call(env, selection):
    """The seconds, the rows per connection, and the peak memory in MB of a call."""
    began = time.perf_counter()
    with subprocess.Popen([MM, "graph", selection, "/users", "--all", "--output", "jsonl", "-q", "--embedded"], env=env,
                          stdout=subprocess.PIPE) as process:
        lines = process.stdout.read().splitlines()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    took = time.perf_counter() - began
    assert status == 0, status
    rows = {}
    for line in lines:
        row = json.loads(line)
        number = int(row["connection"][1:])
        assert row["tenant"] == tenant(number), row
        assert row["userPrincipalName"].endswith(f"@customer-{number}.example"), row
        rows[number] = rows.get(number, 0) + 1
    return took, rows, usage.ru_maxrss / 1024


def main():
    figures = Figures("Many tenants")
    home = tempfile.mkdtemp(prefix="mm-bench-tenants.")
    env = {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": home, "LANG": "C.UTF-8"}
    secret = pathlib.Path(home, "secret")
    secret.touch(0o600)
    secret.write_text(SECRET)
    entries = {f"T{n}": {"cloud": "sandbox", "appId": APP, "tenantId": tenant(n), "tags": ["bench"],
                         "auth": {"method": "secret", "secretFile": str(secret)}} for n in range(1, TENANTS + 1)}
    registry = pathlib.Path(home, ".m365-connections.json")
    registry.touch(0o600)
    registry.write_text(json.dumps({"connections": entries}))
    try:
        subprocess.run([MM, "sandbox", "start", "--customers", str(TENANTS), "--users", "10", "-q"], env=env, check=True,
                       stdout=subprocess.DEVNULL)
        call(env, "tag:bench")  # tokens
        for number in range(1, TENANTS + 1):
            wait = int(SLOWEST * 1000) if number == 50 else 200
            fault = json.dumps({"kind": "latency", "milliseconds": wait, "path": "/v1.0/users"})
            subprocess.run([MM, "sandbox", "faults", "--tenant", tenant(number), "--add", fault, "-q"], env=env, check=True,
                           stdout=subprocess.DEVNULL)
        alone = statistics.median(call(env, "T50,T50")[0] for _ in range(3))
        whole = [call(env, "tag:bench") for _ in range(3)]
        took = statistics.median(seconds for seconds, _, _ in whole)
        assert all(len(rows) == TENANTS and set(rows.values()) == {12} for _, rows, _ in whole)
        few = call(env, "T1,T2,T3")[2]
        many = max(memory for _, _, memory in whole)
        figures.note(f"{TENANTS} tenants: {took:,.2f} s; the slowest alone: {alone:,.2f} s")
        figures.row(f"{TENANTS} tenants, compared with the slowest alone", took / alone, "x", 1.3)
        figures.note(f"peak memory: {few:,.0f} MB for 3 tenants, {many:,.0f} MB for {TENANTS}")
    finally:
        subprocess.run([MM, "sandbox", "stop", "-q"], env=env, check=False, stdout=subprocess.DEVNULL)
        shutil.rmtree(home, ignore_errors=True)
    return figures.exit_code


sys.exit(main())
