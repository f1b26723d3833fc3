"""Measures start-up, memory, the size of the tool list, paging and guard verdicts.

It runs the real programs and takes medians of several runs. Other clients are measured in the same run against the same server.
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

from figures import RELEASE, ROOT, Figures, median_ms, resident_mb

MM, MM_MCP, MM_SANDBOX = str(RELEASE / "mm"), str(RELEASE / "mm-mcp"), str(RELEASE / "mm-sandbox")
USERS = 100_000
def environment(home):
    return {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": home, "LANG": "C.UTF-8"}


def stripped_mb(program, folder):
    """The size of a program in megabytes, stripped as it is for installing."""
    stripped = pathlib.Path(folder, "stripped")
    subprocess.run(["strip", "-o", str(stripped), program], check=True)
    return stripped.stat().st_size / 1e6


def initialize(env):
    """Milliseconds from spawn to the initialize answer, bytes of the tool list, and resident memory afterwards."""
    hello = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}}
    start = time.perf_counter()
    with subprocess.Popen([MM_MCP], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as server:
        server.stdin.write((json.dumps(hello) + "\n").encode())
        server.stdout.readline()
        took = (time.perf_counter() - start) * 1000
        server.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}\n')
        line = b""
        while not line.endswith(b"\n"):
            line += server.stdout.read(65536)
        resident = resident_mb(server.pid)
        server.stdin.close()
        server.wait()
    return took, len(line), resident


def signed_in(env):
    """Starts a tenant with many users and signs the connection Bench in."""
    subprocess.run([MM, "sandbox", "start", "--connection", "Bench", "--users", str(USERS), "--interval", "1", "-q"],
                   env=env, check=True)
    asked = subprocess.run([MM, "login", "Bench", "--json"], env=env, capture_output=True, text=True, check=False)
    code = json.loads(asked.stderr)["error"]["details"]["userCode"]
    subprocess.run([MM, "sandbox", "approve", code, "-q"], env=env, check=True)
    while subprocess.run([MM, "login", "Bench", "-q"], env=env, capture_output=True, check=False).returncode:
        time.sleep(0.3)


def page_ours(env):
    """Items per second and peak memory of `mm graph --all`."""
    start = time.perf_counter()
    with subprocess.Popen([MM, "graph", "Bench", "/users", "--all", "--output", "jsonl", "-q"], env=env,
                          stdout=subprocess.PIPE) as process:
        count = 0
        while chunk := process.stdout.read(1 << 20):
            count += chunk.count(b"\n")
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
    assert status == 0 and count == USERS, (status, count)
    return USERS / (time.perf_counter() - start), usage.ru_maxrss / 1024


RIVAL = """
import json, sys, requests
token, url, count = sys.argv[1], sys.argv[2], 0
session = requests.Session()
while url:
    page = session.get(url, headers={"Authorization": "Bearer " + token}).json()
    for user in page["value"]:
        sys.stdout.write(json.dumps(user) + "\\n")
        count += 1
    url = page.get("@odata.nextLink")
"""


SDK = """
import asyncio, sys
from kiota_abstractions.authentication import AuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.generated.users.users_request_builder import UsersRequestBuilder


class Bearer(AuthenticationProvider):
    async def authenticate_request(self, request, additional_authentication_context={}):
        request.headers.try_add("Authorization", "Bearer " + sys.argv[1])


async def main():
    adapter = GraphRequestAdapter(Bearer())
    adapter.base_url = sys.argv[2].rsplit("/users", 1)[0]
    users = GraphServiceClient(request_adapter=adapter).users
    wanted = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(top=999)
    page = await users.get(request_configuration=RequestConfiguration(query_parameters=wanted))
    left = int(sys.argv[3])
    while page and left > 0:
        for user in page.value:
            sys.stdout.write(user.id + "\\n")
        left -= len(page.value)
        page = await users.with_url(page.odata_next_link).get() if page.odata_next_link else None


asyncio.run(main())
"""


def page_rival(env, home, program, python, count):
    """Items per second of another client doing the same, which may stop after `count` items."""
    cache = json.loads(pathlib.Path(home, ".mm-graph-tokens", "Bench.json").read_text())
    token = next(entry["secret"] for entry in cache["AccessToken"].values() if "flow" not in entry["target"])
    base = json.loads(pathlib.Path(home, ".m365-state", "sandbox.json").read_text())["graph"]
    start = time.perf_counter()
    with subprocess.Popen([python, "-c", program, token, base + "/v1.0/users?$top=999", str(count)], env=env,
                          stdout=subprocess.PIPE) as process:
        seen = 0
        while chunk := process.stdout.read(1 << 20):
            seen += chunk.count(b"\n")
    assert process.returncode == 0 and seen >= count, (process.returncode, seen)
    return seen / (time.perf_counter() - start)


def verdicts(env):
    """Milliseconds for a warm verdict of a 1 KB script over a pipe."""
    script = "Get-Mailbox -ResultSize 50 | Where-Object ForwardingSmtpAddress | Select-Object Name, Alias\n" * 11
    line = (json.dumps({"id": 1, "src": script[:1024], "module": "exo"}) + "\n").encode()
    with subprocess.Popen([MM, "guard", "check", "--batch"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          bufsize=0) as process:
        for _ in range(50):
            process.stdin.write(line)
            process.stdout.readline()
        times = []
        for _ in range(500):
            start = time.perf_counter()
            process.stdin.write(line)
            process.stdout.readline()
            times.append((time.perf_counter() - start) * 1000)
        process.stdin.close()
    return statistics.median(times)


def search(env, start):
    """Milliseconds to answer a question about endpoints, without the program's start."""
    questions = ["inbox rules of a user", "disabled users with licenses", "add a member to a group", "failed sign-ins"]
    return statistics.median(median_ms([MM, "endpoints", question], env) for question in questions) - start


def main():
    figures = Figures("start, memory, paging, verdicts")
    home = tempfile.mkdtemp(prefix="mm-bench.")
    env = environment(home)
    try:
        floor = median_ms(["/bin/true"], env)
        figures.note(f"lower bound: /bin/true {floor:.2f} ms")
        start = median_ms([MM, "version"], env)
        figures.row("mm version", start, "ms", 10)
        figures.row("mm endpoints, beyond the start", search(env, start), "ms", 5)
        started = [initialize(env) for _ in range(21)]
        figures.row("mm-mcp start to initialize", statistics.median(figure[0] for figure in started), "ms", 4)
        figures.row("mm-mcp memory after tools/list", statistics.median(figure[2] for figure in started), "MB", 10)
        figures.row("tools/list", started[0][1], "bytes", 8000)
        # Two names of one file count once.
        size = sum(stripped_mb(program, home) for program in {os.stat(name).st_ino: name for name in (MM, MM_MCP)}.values())
        figures.row("mm and mm-mcp, stripped", size, "MB", 18)
        figures.note(f"mm-sandbox stripped: {stripped_mb(MM_SANDBOX, home):.1f} MB")
        figures.row("verdict of a 1 KB script, with the pipe", verdicts(env), "ms", 0.10)
        signed_in(env)
        ours = [page_ours(env) for _ in range(3)]
        figures.row("100,000 users, peak memory", max(figure[1] for figure in ours), "MB", 25)
        mine = statistics.median(figure[0] for figure in ours)
        sdk = ROOT / ".build" / "python-bench" / "bin" / "python"
        # The SDK is slow, because it makes objects of everything: a few pages suffice to measure its rate.
        for name, program, python, runs, count, budget in (
            ("the Python Graph SDK", SDK, str(sdk), 1, 4_995, 5), ("Python requests", RIVAL, sys.executable, 3, USERS, 6),
        ):
            try:
                rival = statistics.median(page_rival(env, home, program, python, count) for _ in range(runs))
            except (AssertionError, FileNotFoundError):
                figures.skip(f"100,000 users, compared with {name}", "its package is not installed")
                continue
            figures.note(f"users per second: mm {mine:,.0f}, {name} {rival:,.0f}")
            figures.row(f"100,000 users, compared with {name}", mine / rival, "x", budget, better="more")
    finally:
        subprocess.run([MM, "sandbox", "stop", "-q"], env=env, check=False)
        shutil.rmtree(home, ignore_errors=True)
    return figures.exit_code


sys.exit(main())
