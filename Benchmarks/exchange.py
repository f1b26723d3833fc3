"""Measures Exchange pipelines compared with curl fetching the same pages, a single read, and memory for many mailboxes.

It uses a sandbox tenant. curl sends exactly the requests that `mm` sends, one after the other, and discards the answers.
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

MM = str(RELEASE / "mm")
MAILBOXES = 100_000
ROWS = 10_000
TENANT = "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01"


def environment(home):
    return {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": home, "LANG": "C.UTF-8"}


def signed_in(env):
    """Starts a tenant with many mailboxes and signs the connection Bench in, also to Exchange."""
    subprocess.run([MM, "sandbox", "start", "--connection", "Bench", "--mailboxes", str(MAILBOXES), "--interval", "1",
                    "--lifetime", "86400", "-q"], env=env, check=True)
    asked = subprocess.run([MM, "login", "Bench", "--json"], env=env, capture_output=True, text=True, check=False)
    code = json.loads(asked.stderr)["error"]["details"]["userCode"]
    subprocess.run([MM, "sandbox", "approve", code, "-q"], env=env, check=True)
    while subprocess.run([MM, "login", "Bench", "-q"], env=env, capture_output=True, check=False).returncode:
        time.sleep(0.3)
    run(env, "Get-AcceptedDomain | Select-Object Name")


def run(env, script):
    """Runs a script in its own process; returns the seconds, the peak memory in MB, and the output."""
    start = time.perf_counter()
    with subprocess.Popen([MM, "run", "Bench", "exo", script, "--engine", "native", "--json", "-q"], env=env,
                          stdout=subprocess.PIPE) as process:
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    assert status == 0, (script, status)
    return time.perf_counter() - start, usage.ru_maxrss / 1024, output


def token_and_base(home):
    cache = json.loads(pathlib.Path(home, ".mm-graph-tokens", "Bench.json").read_text())
    token = next(entry["secret"] for entry in cache["AccessToken"].values() if "outlook" in entry["target"])
    return token, json.loads(pathlib.Path(home, ".m365-state", "sandbox.json").read_text())["exchange"]


def curl(home, parameters, page, pages):
    """The seconds that curl takes for a number of pages. Each page starts a curl, which opens a new connection."""
    token, base = token_and_base(home)
    body = json.dumps({"CmdletInput": {"CmdletName": "Get-Mailbox", "Parameters": parameters}})
    answer = pathlib.Path(home, "answer.json")
    url, took = f"{base}/adminapi/beta/{TENANT}/InvokeCommand", 0.0
    for _ in range(pages):
        start = time.perf_counter()
        subprocess.run(["curl", "-s", "-o", str(answer), "-X", "POST", url, "-H", f"Authorization: Bearer {token}",
                        "-H", "Content-Type: application/json", "-H", f"Prefer: odata.maxpagesize={page}",
                        "--data-binary", body], check=True)
        took += time.perf_counter() - start
        url = json.loads(answer.read_bytes()).get("@odata.nextLink")
        if not url:
            break
    return took


def main():
    figures = Figures("Exchange")
    if not shutil.which("curl"):
        figures.skip("Exchange", "curl is not installed")
        return 0
    home = tempfile.mkdtemp(prefix="mm-bench-exo.")
    env = environment(home)
    try:
        signed_in(env)
        script = f"Get-Mailbox -ResultSize {ROWS} | Where-Object ForwardingSmtpAddress | Select-Object Name, Alias"
        ours = statistics.median(run(env, script)[0] for _ in range(3))
        floor = statistics.median(curl(home, {"ResultSize": ROWS}, 1000, ROWS // 1000) for _ in range(3))
        figures.note(f"10,000 rows: mm {ours * 1000:,.0f} ms, curl {floor * 1000:,.0f} ms")
        figures.row("Get-Mailbox | Where | Select over 10,000 rows, compared with curl", ours / floor, "x", 1.5)
        single = statistics.median(run(env, "Get-Mailbox -Identity admin")[0] for _ in range(21)) * 1000
        bare = statistics.median(curl(home, {"Identity": "admin"}, 1000, 1) for _ in range(21)) * 1000
        figures.note(f"one row: mm {single:,.1f} ms cold, curl {bare:,.1f} ms")
        figures.row("one row from a cold mm", single, "ms", 40)
        figures.row("one row, beyond curl's time for it", single - bare, "ms", 10)
        few = run(env, f"Get-Mailbox -ResultSize {ROWS} | Where-Object Alias -eq 'nobody'")[1]
        many = run(env, "Get-Mailbox -ResultSize Unlimited | Where-Object Alias -eq 'nobody'")[1]
        figures.note(f"peak memory: {few:,.0f} MB for 10,000 mailboxes, {many:,.0f} MB for {MAILBOXES:,}")
        figures.row("memory for 100,000 mailboxes, compared with 10,000", many / few, "x", 1.3)
    finally:
        subprocess.run([MM, "sandbox", "stop", "-q"], env=env, check=False)
        shutil.rmtree(home, ignore_errors=True)
    return figures.exit_code


sys.exit(main())
