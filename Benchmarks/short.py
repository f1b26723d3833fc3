"""A short benchmark for `make test`: the cost of a call, with margins of a factor of two and more. It takes half a minute and fails
when a cost has about doubled.

It measures processor time rather than elapsed time, because other work on the machine hardly affects it. The unit is the processor
time of a fixed piece of Python work on the same machine; figures are thousandths of it. If strace is installed, system calls are
counted too, and their number is exact.

    Benchmarks/short [FOLDER]      FOLDER: where the programs are, .build/release by default
"""
import http.client
import json
import pathlib
import re
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from figures import RELEASE, Figures, resident_mb

PROGRAMS = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else RELEASE).resolve()
MM, MM_MCP = str(PROGRAMS / "mm"), str(PROGRAMS / "mm-mcp")
CALLS, CONNECTIONS = 400, 4
RUN = {"module": "exo", "command": "Get-Mailbox -ResultSize 1"}


def unit_ms():
    """The processor time in milliseconds of the piece of Python work that is the unit."""
    text = json.dumps({"rows": [{"name": f"name {number}", "value": number} for number in range(2000)]})
    times = []
    for _ in range(9):
        began = time.process_time()
        for _ in range(5):
            json.dumps(json.loads(text))
        times.append((time.process_time() - began) * 1000)
    return statistics.median(times)


def in_units(cost_ms, rounds=3):
    """A cost in thousandths of the unit. A processor may become slower between two measurements, so the unit is measured with each."""
    ratios = []
    for _ in range(rounds):
        before = unit_ms()
        cost = cost_ms()
        ratios.append(cost * 2000 / (before + unit_ms()))
    return statistics.median(ratios)


def environment(home):
    """An environment without the user's own settings."""
    return {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": home, "LANG": "C.UTF-8",
            "MM_LOG_LEVEL": "ERROR", "MM_PWSH": f"{MM} sandbox pwsh --approve-after 1 --account admin@contoso.example"}


def processor_ms(pid):
    """The processor time in milliseconds that the threads of a process have taken so far."""
    total = 0
    for file in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        try:
            total += int(file.read_text().split()[0])
        except (OSError, IndexError, ValueError):
            continue
    return total / 1e6


def children_ms(command, env, runs=9):
    """The median processor time of a program from its start to its end, in milliseconds."""
    def spent():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return (usage.ru_utime + usage.ru_stime) * 1000

    times = []
    for _ in range(runs):
        before = spent()
        subprocess.run(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append(spent() - before)
    return statistics.median(times)


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


class Pool:
    """A pool with the routes of earlier servers and warm stand-in sessions."""

    def __init__(self, home):
        entries = {f"C{index}": {"tenant": f"t{index}.example"} for index in range(CONNECTIONS)}
        registry = pathlib.Path(home, ".m365-connections.json")
        registry.write_text(json.dumps({"connections": entries}))
        registry.chmod(0o600)
        self.port = free_port()
        self.process = subprocess.Popen(
            [MM, "pool", "serve", "--profile", "pool", "--listen", f"127.0.0.1:{self.port}"], env=environment(home),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while True:
            try:
                self.client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                self.client.connect()
                break
            except OSError as fault:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("the pool did not start") from fault
                time.sleep(0.05)
        self.client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(CONNECTIONS):
            while self.run(index)["status"] == "auth_required":
                time.sleep(0.05)
        self.calls(100)

    def run(self, index):
        body = json.dumps({"connection": f"C{index % CONNECTIONS}", **RUN})
        self.client.request("POST", "/run", body, {"Content-Type": "application/json"})
        return json.loads(self.client.getresponse().read())

    def calls(self, count):
        for index in range(count):
            answer = self.run(index)
            if answer["status"] != "success":
                raise RuntimeError(str(answer)[:500])

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def call_ms(pool):
    """The pool's processor time in milliseconds for a warm call, without that of its sessions' processes."""
    before = processor_ms(pool.process.pid)
    pool.calls(CALLS)
    return (processor_ms(pool.process.pid) - before) / CALLS


def system_calls(pool, home):
    """The number of system calls the pool makes for a warm call, or None if they can't be counted."""
    if not shutil.which("strace"):
        return None
    table = pathlib.Path(home, "strace")
    watch = subprocess.Popen(["strace", "-f", "-q", "-c", "-o", str(table), "-p", str(pool.process.pid)],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        if watch.poll() is not None:
            return None
        pool.calls(200)
    finally:
        watch.send_signal(signal.SIGINT)
        watch.wait(30)
    counted = re.search(r"^100\.00\s+\S+\s+\S*\s+(\d+)(?:\s+\d+)?\s+total", table.read_text(), re.MULTILINE)
    return int(counted.group(1)) / 200 if counted else None


def initialize_mb(env):
    """The memory of mm-mcp in megabytes after tools/list, and the size of the list in bytes."""
    messages = [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "short", "version": "1"}}},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}]
    with subprocess.Popen([MM_MCP], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        for message in messages:
            server.stdin.write((json.dumps(message) + "\n").encode())
            server.stdin.flush()
            line = server.stdout.readline()
        resident = resident_mb(server.pid)
        server.stdin.close()
        server.wait()
    return resident, len(line)


def verdict_ms(env):
    """The processor time in milliseconds for the verdict of a 1 KB script."""
    script = "Get-Mailbox -ResultSize 50 | Where-Object ForwardingSmtpAddress | Select-Object Name, Alias\n" * 11
    line = (json.dumps({"id": 1, "src": script[:1024], "module": "exo"}) + "\n").encode()
    with subprocess.Popen([MM, "guard", "check", "--batch"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          bufsize=0) as process:
        def ask(count):
            for _ in range(count):
                process.stdin.write(line)
                process.stdout.readline()
        ask(50)
        before = processor_ms(process.pid)
        ask(500)
        took = (processor_ms(process.pid) - before) / 500
        process.stdin.close()
    return took


def main():
    figures = Figures("the cost of a call")
    home = tempfile.mkdtemp(prefix="mm-short-")
    env = environment(home)
    try:
        figures.note(f"the unit: {unit_ms():.1f} ms of processor time")
        figures.row("mm version, processor time", in_units(lambda: children_ms([MM, "version"], env)), "‰", BUDGETS["start"])
        resident, size = initialize_mb(env)
        figures.row("mm-mcp after tools/list", resident, "MB", 20)
        figures.row("tools/list", size, "bytes", 8000)
        figures.row("verdict of a 1 KB script, processor time", in_units(lambda: verdict_ms(env)), "‰", BUDGETS["verdict"])
        pool = Pool(home)
        try:
            figures.row("a warm call of the pool, processor time", in_units(lambda: call_ms(pool)), "‰", BUDGETS["call"])
            counted = system_calls(pool, home)
            if counted is None:
                figures.skip("system calls of a warm call", "strace isn't installed, or may not trace processes")
            else:
                figures.row("system calls of a warm call", counted, "", BUDGETS["system calls"])
        finally:
            pool.end()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return figures.exit_code


# Twice the figures measured on a busy machine, in thousandths of the unit; for system calls, whose count is exact, a third more.
BUDGETS = {"start": 1_500, "verdict": 45, "call": 260, "system calls": 95}

if __name__ == "__main__":
    sys.exit(main())
