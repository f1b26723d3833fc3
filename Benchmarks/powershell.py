"""Measures the cost of driving PowerShell without PowerShell's own time. It uses the stand-in: its own time is measured first over
a plain socket, and subtracted."""
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from figures import RELEASE, Figures

BENCH, STAND_IN = str(RELEASE / "powershell-benchmark"), [str(RELEASE / "mm-sandbox"), "pwsh"]
MM, MM_MCP = str(RELEASE / "mm"), str(RELEASE / "mm-mcp")
CALLS, RECORDS, BYTES, SESSIONS = 5_000, 100_000, 200, 500
BUDGET_MS, RECORD_RATE, SESSION_KB = 0.5, 50_000, 100


def bare_call_ms(folder):
    """The median time of a warm call by a minimal client, which only sends a line and reads until the end."""
    script = os.path.join(folder, "bootstrap.ps1")
    pathlib.Path(script).write_text("")
    listener = socket.create_server(("127.0.0.1", 0))
    env = {"MM_WIRE": str(listener.getsockname()[1]), "MM_NONCE": "n", "HOME": folder, "PATH": "/usr/bin:/bin"}
    with subprocess.Popen([*STAND_IN, "-NoLogo", "-NoProfile", "-NonInteractive", "-File", script], env=env,
                          stdin=subprocess.DEVNULL) as host:
        wire, _ = listener.accept()
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = wire.makefile("rb")
        reader.readline()
        times = []
        for ident in range(1, CALLS + 201):
            start = time.perf_counter()
            wire.sendall(b'{"t":"run","id":%d,"script":"1","format":"json"}\n' % ident)
            while not reader.readline().startswith(b'{"t":"end"'):
                pass
            if ident > 200:
                times.append((time.perf_counter() - start) * 1000)
        wire.sendall(b'{"t":"bye"}\n')
        reader.close()
        wire.close()
        host.wait()
    return statistics.median(times)


def figures_of(folder, *words):
    """Runs the benchmark program and returns its figures."""
    done = subprocess.run([BENCH, " ".join(STAND_IN), folder, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return json.loads(done.stdout)


def tool_call_ms(home):
    """The median time of a warm `mm__run` over stdio: protocol, guard, audit, pool, driver and host."""
    env = {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": home, "LANG": "C.UTF-8"}
    subprocess.run([MM, "sandbox", "start", "--connection", "Bench", "--users", "10", "--interval", "1", "-q"], env=env,
                   check=True)
    try:
        asked = subprocess.run([MM, "login", "Bench", "--json"], env=env, capture_output=True, text=True, check=False)
        code = json.loads(asked.stderr)["error"]["details"]["userCode"]
        subprocess.run([MM, "sandbox", "approve", code, "-q"], env=env, check=True)
        while subprocess.run([MM, "login", "Bench", "-q"], env=env, capture_output=True, check=False).returncode:
            time.sleep(0.3)
        # Measure without the requests to a pool in another process, if the program supports that.
        words = subprocess.run([MM_MCP, "--help"], env=env, capture_output=True, text=True, check=True).stdout
        command = [MM_MCP, "--embedded"] if "--embedded" in words else [MM_MCP]
        with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, bufsize=0) as server:
            reader = server.stdout

            def ask(ident, method, params):
                message = {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}
                server.stdin.write((json.dumps(message) + "\n").encode())
                while True:
                    answer = b""
                    while not answer.endswith(b"\n"):
                        piece = reader.read(65536)
                        if not piece:
                            raise RuntimeError("the server ended")
                        answer += piece
                    for text in answer.splitlines():
                        if json.loads(text).get("id") == ident:
                            return json.loads(text)

            ask(0, "initialize", {"protocolVersion": "2025-11-25", "capabilities": {},
                                  "clientInfo": {"name": "bench", "version": "1"}})
            server.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')
            run = {"name": "mm__run", "arguments": {"connection": "Bench", "module": "exo", "command": "1"}}
            times = []
            for ident in range(1, 701):
                start = time.perf_counter()
                result = ask(ident, "tools/call", run)["result"]
                if result.get("isError"):
                    raise RuntimeError(result["content"][0]["text"])
                if ident > 200:
                    times.append((time.perf_counter() - start) * 1000)
            server.stdin.close()
            server.wait()
        return statistics.median(times)
    finally:
        subprocess.run([MM, "sandbox", "stop", "-q"], env=env, check=False)


def main():
    figures = Figures("PowerShell sessions")
    folder = tempfile.mkdtemp(prefix="mm-bench-")
    try:
        bare = bare_call_ms(folder)
        ours = figures_of(folder, "calls", CALLS)
        share = ours["medianMicroseconds"] / 1000 - bare
        figures.note(f"the stand-in's own time for a call: {bare:.3f} ms; p99 through the driver: "
                     f"{ours['p99Microseconds'] / 1000:.3f} ms")
        figures.row("a warm call, beyond the stand-in's own time", share, "ms", BUDGET_MS)
        figures.row(f"records of {BYTES} bytes", figures_of(folder, "records", RECORDS, BYTES)["recordsPerSecond"],
                    "per second", RECORD_RATE, better="more")
        idle = figures_of(folder, "sessions", SESSIONS)
        figures.row(f"memory of an idle session, of {SESSIONS}", idle["bytesPerSession"] / 1000, "kB", SESSION_KB)
        figures.note(f"{idle['startedPerSecond']:.0f} sessions started per second")
        try:
            whole = tool_call_ms(folder)
            figures.note(f"a warm mm__run over stdio in total (protocol, guard, audit, pool, stand-in): {whole:.2f} ms")
            figures.row("a warm mm__run over stdio, beyond the driver's own call", whole - ours["medianMicroseconds"] / 1000, "ms", 0.6)
        except (RuntimeError, OSError, subprocess.CalledProcessError, KeyError, ValueError) as error:
            figures.skip("a warm mm__run over stdio", error)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return figures.exit_code


if __name__ == "__main__":
    sys.exit(main())
