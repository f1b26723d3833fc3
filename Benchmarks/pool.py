"""Measures the routes of the session pool: 64 clients on /run with stand-in sessions, and a list of 5,000 connections. For
comparison it runs a Flask pool that drives sessions as the original pool did, and a gunicorn route that answers from memory."""
import json
import os
import pathlib
import selectors
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

from figures import RELEASE, ROOT, Figures, median_ms

MM = str(RELEASE / "mm")
CLIENTS, SECONDS, CONNECTIONS = 64, 6, 64
VENV = ROOT / ".build" / "python-pool"

# Stands in for PowerShell in the Flask pool: it answers every line with a line of text and the marker.
SHELL = """while read -r line; do
    case $line in *Collect*) ;; *) echo 'Name : Test'; echo '___M365_DONE___' ;; esac
done"""

# Drives sessions as the original pool did: Flask, a lock for each session, the marker appended to the command, select and
# readline, and a garbage collection after every command. The original may wait for ever for lines that it has buffered already;
# this one continues after a second. /kind doesn't wait at all.
RIVAL = '''
import select, subprocess, threading
from flask import Flask, jsonify, request
app = Flask(__name__)
MARKER = "___M365_DONE___"
SHELL = %r
sessions, lock = {}, threading.Lock()

class Session:
    def __init__(self):
        self.lock = threading.Lock()
        self.process = subprocess.Popen(["sh", "-c", SHELL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def send(self, command, waits=True):
        self.process.stdin.write(f'{command}; [Console]::Out.Flush(); Write-Host "{MARKER}"\\n')
        self.process.stdin.flush()
        lines = []
        while True:
            if waits:
                select.select([self.process.stdout], [], [], 1.0)
            line = self.process.stdout.readline()
            if MARKER in line:
                self.process.stdin.write("[System.GC]::Collect()\\n")
                self.process.stdin.flush()
                return "".join(lines)
            lines.append(line)

@app.route("/run", methods=["POST"])
@app.route("/kind", methods=["POST"])
def run():
    data = request.get_json()
    with lock:
        session = sessions.get(data["connection"])
        if session is None:
            session = sessions[data["connection"]] = Session()
    with session.lock:
        output = session.send(data["command"], request.path == "/run")
    return jsonify({"status": "success", "output": output})

@app.route("/memory", methods=["POST"])
def memory():
    request.get_json()
    return jsonify({"status": "success", "output": "Name : Test"})
''' % SHELL


def environment(home):
    """An environment without the user's own settings."""
    return {"HOME": home, "PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": home, "MM_LOG_LEVEL": "ERROR",
            "MM_PWSH": f"{MM} sandbox pwsh --approve-after 1 --account admin@contoso.example"}


def free_port():
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


def request(path, connection, command="Get-Mailbox -ResultSize 1"):
    body = json.dumps({"connection": connection, "module": "exo", "command": command}).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


# Debian's wrk is the client, since it takes little of the processor. The script checks every answer.
WRK = """
local clients, varies, n = %d, %s, 0
function setup(thread) watched = thread end
function init() bad, left = 0, "" end
function request()
    n = (n + 1) %% clients
    local command = "Get-Mailbox -ResultSize 1"
    if varies then command = "Get-Mailbox -Identity user" .. math.random(1, 1e9) end
    local body = string.format('{"connection": "C%%04d", "module": "exo", "command": "%%s"}', n, command)
    return wrk.format("POST", wrk.path, {["Content-Type"] = "application/json"}, body)
end
function response(status, headers, body)
    if not body:find('"success"', 1, true) then bad, left = bad + 1, body end
end
function done(summary, latency)
    print(string.format("RESULT %%.3f %%.3f %%.3f %%d", summary.requests / summary.duration * 1e6,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, watched:get("bad")))
    if watched:get("bad") > 0 then print("BAD " .. watched:get("left")) end
end
"""


def load(port, path, seconds, varies=False):
    """Runs CLIENTS clients, each of which waits for its answer before its next request; `varies` makes every command different.

    Returns requests per second, and the median and the 99th percentile of their times in milliseconds."""
    if not shutil.which("wrk"):
        return load_here(port, path, seconds, varies)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK % (CLIENTS, str(varies).lower()))
        script.flush()
        command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}", "--timeout", "60", "-s", script.name,
                   f"http://127.0.0.1:{port}{path}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    result = next((line for line in said.splitlines() if line.startswith("RESULT ")), None)
    if result is None:
        raise ValueError(said[-500:])
    rate, median, high, bad = (float(word) for word in result.split()[1:])
    if bad:
        raise ValueError(said[-500:])
    return rate, median, high


def load_here(port, path, seconds, varies):
    """Makes the same load in Python, which takes a whole core; used if wrk isn't installed."""
    chooser = selectors.DefaultSelector()
    for index in range(CLIENTS):
        client = socket.create_connection(("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        state = [request(path, f"C{index % CONNECTIONS:04}"), b"", 0.0]
        chooser.register(client, selectors.EVENT_READ, state)
        state[2] = time.perf_counter()
        client.sendall(state[0])
    times, end, began = [], time.perf_counter() + seconds, time.perf_counter()
    while time.perf_counter() < end:
        for key, _ in chooser.select(1):
            state = key.data
            piece = key.fileobj.recv(65536)
            if not piece:
                raise ConnectionError(f"the server closed the connection of {path}")
            state[1] += piece
            head, found, rest = state[1].partition(b"\r\n\r\n")
            if not found:
                continue
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
            if len(rest) < length:
                continue
            if b'"success"' not in rest:
                raise ValueError(rest[:300])
            now = time.perf_counter()
            times.append(now - state[2])
            if varies:
                state[0] = request(path, f"C{len(times) % CONNECTIONS:04}", f"Get-Mailbox -Identity user{len(times)}")
            state[1], state[2] = b"", now
            key.fileobj.sendall(state[0])
    took = time.perf_counter() - began
    for key in list(chooser.get_map().values()):
        key.fileobj.close()
    times.sort()
    if not times:
        return 0.0, float("inf"), float("inf")
    return len(times) / took, times[len(times) // 2] * 1000, times[int(len(times) * 0.99)] * 1000


def wait_for(port, process):
    while True:
        if process.poll() is not None:
            raise RuntimeError(f"ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)


def ask(port, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(call, timeout=60) as answer:
        return json.load(answer)


def cpu_seconds(pid):
    """The processor seconds that a process has taken so far, and those of all its descendants."""
    ticks, children = {}, {}
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except (OSError, IndexError):
            continue
        ticks[int(stat.parent.name)] = int(fields[11]) + int(fields[12])
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    below, waiting = 0, list(children.get(pid, []))
    while waiting:
        child = waiting.pop()
        below += ticks[child]
        waiting += children.get(child, [])
    second = os.sysconf("SC_CLK_TCK")
    return ticks.get(pid, 0) / second, below / second


def measure_own(figures, home):
    """Measures our pool: /run with warm sessions, `mm status`, and the list of many connections."""
    registry = pathlib.Path(home, ".m365-connections.json")

    def write(count):
        entries = {f"C{index:04}": {"tenant": f"t{index}.example", "description": "A connection"} for index in range(count)}
        registry.write_text(json.dumps({"connections": entries}))
        registry.chmod(0o600)

    write(CONNECTIONS)
    port = free_port()
    command = [MM, "pool", "serve", "--profile", "pool", "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as pool:
        try:
            wait_for(port, pool)
            for index in range(CONNECTIONS):
                body = {"connection": f"C{index:04}", "module": "exo", "command": "Get-Mailbox -ResultSize 1"}
                while ask(port, "/run", body)["status"] == "auth_required":
                    time.sleep(0.05)
            load(port, "/run", 1)
            before = cpu_seconds(pool.pid)
            rate, median, high = load(port, "/run", SECONDS)
            own, standins = ((now - then) / (rate * SECONDS) * 1e6 for now, then in zip(cpu_seconds(pool.pid), before))
            # Our stand-ins run each command in an engine, while the compared route answers from memory; this limits the ratio.
            figures.note(f"/run: {rate:,.0f} per second, median {median:.2f} ms; a call takes {own:,.0f} µs of processor time in the "
                         f"pool and {standins:,.0f} µs in the stand-ins of PowerShell")
            new, _, slow = load(port, "/run", SECONDS, varies=True)
            figures.note(f"/run, every command different: {new:,.0f} per second, p99 {slow:.2f} ms")
            status = median_ms([MM, "status", "-q"], environment(home))
            floor = median_ms(["/bin/true"], environment(home))
            figures.note(f"lower bound: /bin/true {floor:.1f} ms")
            figures.row(f"`mm status` with a pool of {CONNECTIONS} sessions", status, "ms", 15)
            start = median_ms([MM, "version"], environment(home))
            warm = median_ms([MM, "run", "C0000", "exo", "Get-Mailbox -ResultSize 1", "-q"], environment(home))
            figures.row("`mm run` in a warm session, compared with `mm version`", warm / start, "x", 2)
            write(5000)
            ask(port, "/connections")
            lists = []
            for _ in range(50):
                began = time.perf_counter()
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/connections", timeout=60) as answer:
                    size = len(answer.read())
                lists.append(time.perf_counter() - began)
            figures.note(f"/connections: 5,000 entries, {size:,} bytes")
            return rate, new, high, statistics.median(lists)
        finally:
            pool.send_signal(signal.SIGTERM)


def measure_rival(folder, words, path):
    pathlib.Path(folder, "rival.py").write_text(RIVAL)
    port = free_port()
    command = [word.replace("PORT", str(port)) for word in words]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as rival:
        try:
            wait_for(port, rival)
            # Start each session with a single call. A warm-up under load would leave unfinished calls in the slow pool, which it
            # would still be working on when the measurement starts.
            for index in range(CONNECTIONS):
                ask(port, path, {"connection": f"C{index:04}", "module": "exo", "command": "Get-Mailbox -ResultSize 1"})
            before = cpu_seconds(rival.pid)
            rate, _, high = load(port, path, SECONDS)
            took = sum(cpu_seconds(rival.pid)) - sum(before)
            return rate, high, took / (rate * SECONDS) * 1e6
        finally:
            os.killpg(rival.pid, signal.SIGKILL)


def prepare():
    """Installs Flask and gunicorn, which the original pool used."""
    if not (VENV / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True, stdout=subprocess.DEVNULL)
        subprocess.run([VENV / "bin" / "pip", "install", "-q", "--disable-pip-version-check", "flask", "gunicorn"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        (VENV / "ready").touch()


def main():
    figures = Figures("session pool, 64 clients")
    folder = tempfile.mkdtemp(prefix="mm-bench-pool-")
    try:
        home = pathlib.Path(folder, "home")
        home.mkdir()
        rate, new, high, listing = measure_own(figures, str(home))
        figures.row("/run, p99", high, "ms", 12)
        figures.row("5,000 connections listed", listing * 1000, "ms", 5)
        try:
            prepare()
        except (subprocess.CalledProcessError, OSError) as fault:
            figures.skip("comparison with Flask and gunicorn", f"they can't be installed: {fault}")
            return figures.exit_code
        gunicorn = [str(VENV / "bin" / "gunicorn"), "--bind", "127.0.0.1:PORT", "--workers", "1", "--threads", "8", "rival:app"]
        driven, _, _ = measure_rival(folder, gunicorn, "/run")
        figures.note(f"Flask pool that drives sessions as the original pool did: {driven:,.1f} per second")
        figures.row("/run compared with the Flask pool", rate / driven, "times", 20, better="more")
        kind, _, _ = measure_rival(folder, gunicorn, "/kind")
        figures.note(f"the same without waiting for lines that it has read already: {kind:,.0f} per second")
        memory, slow, took = measure_rival(folder, gunicorn, "/memory")
        figures.note(f"gunicorn route from memory, 1 worker, 8 threads: {memory:,.0f} per second, p99 {slow:.1f} ms, "
                     f"{took:,.0f} µs of processor time per request")
        figures.row("/run compared with that route", rate / memory, "times", 4, better="more")
        figures.row("/run, every command different, compared with that route", new / memory, "times", 3, better="more")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures.exit_code


if __name__ == "__main__":
    sys.exit(main())
