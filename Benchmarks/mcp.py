"""Measures the protocol engine: small calls over both transports, compared with the Python SDK's server in the same run, and the
memory of long results and of idle sessions."""
import json
import pathlib
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from urllib.parse import urlsplit

from figures import RELEASE, ROOT, Figures, resident_mb

SERVER = str(RELEASE / "conformance-server")
VERSION = "1.30.0"
PYTHON = ROOT / ".build" / f"python-{VERSION}" / "bin" / "python"
CALLS, RIVAL_CALLS = 100_000, 2_000
CALLERS, SECONDS = 32, 4

# The same tool on the Python SDK, configured for its best speed: stateless, without event streams.
RIVAL = """
import sys
from mcp.server.fastmcp import FastMCP
server = FastMCP("rival", port=int(sys.argv[2]) if len(sys.argv) > 2 else 0, stateless_http=True, json_response=True,
                 log_level="ERROR")

@server.tool()
def test_simple_text() -> str:
    "Answers a text."
    return "This is a simple text response for testing."

server.run(sys.argv[1])
"""


def prepare():
    """Installs the Python SDK by the script of the tests, where the tests find it."""
    if not PYTHON.exists():
        clients = ROOT / "Tests" / "ConformanceServer" / "Python" / "check-clients"
        subprocess.run([clients, SERVER, ROOT / ".build", VERSION], capture_output=True, check=False)


def initialize(ident=0):
    return {"jsonrpc": "2.0", "id": ident, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}}


def call(ident, name="test_simple_text", **arguments):
    return {"jsonrpc": "2.0", "id": ident, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def line(message):
    return (json.dumps(message, separators=(",", ":")) + "\n").encode()


def stdio_rate(command, count):
    """Calls per second over one pipe, written as fast as the server reads them."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0) as server:
        server.stdin.write(line(initialize()))
        answer = b""
        while not answer.endswith(b"\n"):
            answer += server.stdout.read(65536)
        server.stdin.write(line({"jsonrpc": "2.0", "method": "notifications/initialized"}))
        requests = b"".join(line(call(ident)) for ident in range(1, count + 1))
        start = time.perf_counter()
        view = memoryview(requests)

        def write():
            sent = 0
            while sent < len(view):
                sent += server.stdin.write(view[sent:sent + 65536])

        writer = threading.Thread(target=write)
        writer.start()
        answered, refused = 0, 0
        while answered < count:
            piece = server.stdout.read(1 << 20)
            if not piece:
                raise RuntimeError(f"the server ended after {answered} answers")
            answered += piece.count(b"\n")
            refused += piece.count(b'"error"')
        took = time.perf_counter() - start
        writer.join()
        server.stdin.close()
        server.wait()
        assert refused == 0, f"{refused} calls were refused"
    return count / took


def answer_length(buffer):
    """The length of the first answer in the buffer, or None while it is incomplete."""
    head = buffer.find(b"\r\n\r\n")
    if head < 0:
        return None
    assert buffer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 202")), bytes(buffer[:200])
    for field in bytes(buffer[:head]).lower().split(b"\r\n"):
        if field.startswith(b"content-length:"):
            total = head + 4 + int(field.split(b":")[1])
            return total if len(buffer) >= total else None
    raise AssertionError(bytes(buffer[:head]))


def post(address, body, **headers):
    url = urlsplit(address)
    fields = {"Host": url.netloc, "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
              "Content-Length": str(len(body)), "MCP-Protocol-Version": "2025-06-18", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"POST {url.path} HTTP/1.1\r\n{head}\r\n".encode() + body


def http_rate(address, headers, seconds):
    """Calls per second of CALLERS callers, each of which waits for its answer before its next call.

    `headers` returns the headers of one caller.
    """
    url = urlsplit(address)
    events = selectors.DefaultSelector()
    callers = []
    for _ in range(CALLERS):
        caller = socket.create_connection((url.hostname, url.port))
        caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        callers.append(caller)
        request = post(address, line(call(1)), **headers())
        events.register(caller, selectors.EVENT_READ, (bytearray(), request))
        caller.sendall(request)
    start, done = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for key, _ in events.select(1):
            piece = key.fileobj.recv(65536)
            if not piece:
                raise RuntimeError("the server closed the connection")
            buffer, request = key.data
            buffer.extend(piece)
            length = answer_length(buffer)
            if length is not None:
                del buffer[:length]
                done += 1
                key.fileobj.sendall(request)
    took = time.perf_counter() - start
    for caller in callers:
        caller.close()
    return done / took


def begin_session(address):
    """Begins a legacy session and returns its identifier."""
    url = urlsplit(address)
    with socket.create_connection((url.hostname, url.port)) as client:
        client.sendall(post(address, line(initialize())))
        buffer = b""
        while b"\r\n\r\n" not in buffer:
            buffer += client.recv(65536)
        for field in buffer.split(b"\r\n\r\n")[0].decode().split("\r\n"):
            if field.lower().startswith("mcp-session-id:"):
                return field.split(":", 1)[1].strip()
    raise RuntimeError("no session was begun")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def http_server(command):
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return server, server.stdout.readline().decode().strip()


def peak_of_long_result(megabytes):
    """Peak memory of a server that returned one result of the given size."""
    with subprocess.Popen([SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as server:
        server.stdin.write(line(initialize()))
        server.stdout.readline()
        server.stdin.write(line(call(1, "test_long_text", megabytes=megabytes)))
        length = 0
        while True:
            piece = server.stdout.read(1 << 20)
            length += len(piece)
            if not piece or piece.endswith(b"\n"):
                break
        assert length > megabytes << 20, length
        peak = resident_mb(server.pid, "VmHWM")
        server.stdin.close()
        server.wait()
    return peak


def main():
    figures = Figures("the protocol engine")
    scratch = tempfile.mkdtemp(prefix="mm-bench.")
    prepare()
    try:
        rival = pathlib.Path(scratch, "rival.py")
        rival.write_text(RIVAL)
        ours = statistics.median(stdio_rate([SERVER], CALLS) for _ in range(3))
        figures.note(f"stdio: {ours:,.0f} calls per second ({CALLS:,} calls)")
        if PYTHON.exists():
            theirs = statistics.median(stdio_rate([str(PYTHON), str(rival), "stdio"], RIVAL_CALLS) for _ in range(3))
            figures.note(f"stdio: the Python SDK's server {theirs:,.0f} calls per second ({RIVAL_CALLS:,} calls)")
            figures.row("small calls over stdio, compared with the Python SDK's server", ours / theirs, "x", 20, better="more")
        else:
            figures.skip("small calls over stdio, compared with the Python SDK's server", f"mcp {VERSION} can't be installed")

        server, address = http_server([SERVER, "--http", "127.0.0.1:0"])
        try:
            ours = statistics.median(
                http_rate(address, lambda: {"Mcp-Session-Id": begin_session(address)}, SECONDS) for _ in range(3))
        finally:
            server.kill()
            server.wait()
        figures.note(f"HTTP, {CALLERS} callers: {ours:,.0f} calls per second")
        if PYTHON.exists():
            port = free_port()
            other = subprocess.Popen([str(PYTHON), str(rival), "streamable-http", str(port)], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.DEVNULL)
            try:
                for _ in range(200):
                    try:
                        socket.create_connection(("127.0.0.1", port)).close()
                        break
                    except OSError:
                        time.sleep(0.05)
                theirs = statistics.median(http_rate(f"http://127.0.0.1:{port}/mcp", dict, SECONDS) for _ in range(3))
            finally:
                other.kill()
                other.wait()
            figures.note(f"HTTP, {CALLERS} callers: the Python SDK's server {theirs:,.0f} calls per second")
            figures.row(f"{CALLERS} callers over HTTP, compared with the Python SDK's server", ours / theirs, "x", 10, better="more")

        small = statistics.median(peak_of_long_result(5) for _ in range(3))
        large = statistics.median(peak_of_long_result(50) for _ in range(3))
        figures.row("peak memory for a 50 MB result, beyond that for 5 MB", large - small, "MB", 2)

        server, address = http_server([SERVER, "--http", "127.0.0.1:0"])
        try:
            begin_session(address)
            before = resident_mb(server.pid)
            for _ in range(1000):
                begin_session(address)
            figures.row("1,000 idle HTTP sessions", resident_mb(server.pid) - before, "MB", 20)
        finally:
            server.kill()
            server.wait()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return figures.exit_code


sys.exit(main())
