"""Measures commands in persistent shells, local and over SSH on loopback, compared with raw pipes, open SSH channels, pexpect and
a Python server for SSH sessions in the same run; also memory under a flood of output, and many sessions at once."""
import contextlib
import http.client
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

from figures import RELEASE, ROOT, Figures, resident_mb

SERVER, MM = str(RELEASE / "mm-mcp"), str(RELEASE / "mm")
VENV = ROOT / ".build" / "python-shell"
RIVALS = ["pexpect", "paramiko", "mcp-ssh-session==0.2.2"]
COUNT = 300
SESSIONS = 200
FLOOD = 100_000_000
UPLOAD = 400 << 20


def rivals():
    """The Python in which the compared packages are installed, or None if they can't be."""
    ready = VENV / "ready"
    if not ready.exists():
        try:
            subprocess.run([sys.executable, "-m", "venv", VENV], check=True, capture_output=True)
            subprocess.run([VENV / "bin" / "pip", "install", "-q", "--disable-pip-version-check", *RIVALS], check=True,
                           capture_output=True, timeout=600)
            ready.touch()
        except (OSError, subprocess.SubprocessError):
            return None
    return str(VENV / "bin" / "python")


def milliseconds(call, count=COUNT):
    """The median time of many calls, after a warm-up."""
    for _ in range(10):
        call()
    times = []
    for _ in range(count):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def inside(*words):
    """Runs shell-benchmark, which measures sessions and comparisons in turns in one process; returns medians in milliseconds."""
    run = subprocess.run([RELEASE / "shell-benchmark", *words], capture_output=True, text=True, check=True, timeout=600)
    return {name: value / 1000 for name, value in json.loads(run.stdout).items()}


class Stdio:
    """A client of a Model Context Protocol server over stdio."""

    def __init__(self, command, env):
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, bufsize=0)
        self.number = 0
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {},
                                "clientInfo": {"name": "bench", "version": "1"}})
        self.process.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def ask(self, method, params):
        self.number += 1
        request = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": params}
        self.process.stdin.write((json.dumps(request) + "\n").encode())
        while True:
            line = b""
            while not line.endswith(b"\n"):
                piece = self.process.stdout.read(1 << 16)
                if not piece:
                    raise RuntimeError("the server ended")
                line += piece
            for part in line.splitlines():
                answer = json.loads(part)
                if answer.get("id") == self.number and "method" not in answer:
                    if "error" in answer or answer.get("result", {}).get("isError"):
                        raise RuntimeError(str(answer)[:500])
                    return answer["result"]

    def call(self, name, **arguments):
        return self.ask("tools/call", {"name": name, "arguments": arguments})

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Web:
    """A client of the persistent-shell server over HTTP. Clients share one shell unless they name another."""

    def __init__(self, port, shell=None):
        self.named = {"shell_id": shell} if shell else {}
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        self.number = 0
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {},
                                "clientInfo": {"name": "bench", "version": "1"}})
        self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def post(self, message):
        self.connection.request("POST", "/mcp", json.dumps(message).encode(), self.headers)
        answer = self.connection.getresponse()
        if answer.headers.get("Mcp-Session-Id"):
            self.headers["Mcp-Session-Id"] = answer.headers["Mcp-Session-Id"]
        return answer.read()

    def ask(self, method, params):
        self.number += 1
        body = self.post({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        for line in body.splitlines():
            line = line.removeprefix(b"data:").strip()
            if line.startswith(b"{"):
                answer = json.loads(line)
                if answer.get("id") == self.number:
                    if "error" in answer:
                        raise RuntimeError(str(answer)[:500])
                    return answer["result"]
        raise RuntimeError(body[:500])

    def run(self, command, timeout=60):
        arguments = {"command": command, "timeout": timeout, **self.named}
        result = self.ask("tools/call", {"name": "execute_command", "arguments": arguments})
        answer = result.get("structuredContent") or json.loads(result["content"][0]["text"])
        return answer.get("result", answer)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(home):
    return {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "XDG_RUNTIME_DIR": home,
            "LANG": "C.UTF-8", "TMPDIR": home}


@contextlib.contextmanager
def persistent_shell(home):
    port = free_port()
    env = environment(home) | {"MCP_SHELL_SERVER__PORT": str(port), "MCP_SHELL_SESSION__MAX_SESSIONS": str(2 * SESSIONS)}
    server = subprocess.Popen([SERVER, "--profile", "persistent-shell"], env=env, stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=home)
    try:
        for _ in range(600):
            if server.poll() is not None:
                raise RuntimeError("the server did not start")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield server, port
    finally:
        server.terminate()
        server.wait()


PEXPECT = """
import statistics, sys, time
import pexpect
shell = pexpect.spawn("/bin/bash", ["--norc", "--noprofile"], encoding="utf-8", echo=False)
shell.sendline("PS1='__PROMPT__> '")
shell.expect("__PROMPT__> ")
times = []
for _ in range(int(sys.argv[1])):
    start = time.perf_counter()
    shell.sendline("echo hi")
    shell.expect("__PROMPT__> ")
    shell.sendline("echo $?")
    shell.expect("__PROMPT__> ")
    times.append((time.perf_counter() - start) * 1000)
print(statistics.median(times))
"""


def local(figures, home, python):
    took = inside("local", str(COUNT))
    figures.note(f"bash on raw pipes: {took['pipe']:.3f} ms with the status in the output, {took['promises']:.3f} ms with a "
                 f"session's guarantees, {took['awaited']:.3f} ms when also awaited as in a session")
    figures.row("local command in a session / bash on raw pipes, same guarantees, awaited", took["engine"] / took["awaited"],
                "x", 1.1)
    figures.row("the same with a program instead of a builtin", took["engineProgram"] / took["awaitedProgram"], "x", 1.1)
    figures.note(f"in a session {took['engine']:.3f} ms, {took['engineUnsure']:.3f} ms after functions or aliases were defined")
    with persistent_shell(home) as (server, port):
        web = Web(port)
        whole = milliseconds(lambda: web.run("echo hi"))
        figures.note(f"with HTTP and JSON on both sides {whole:.3f} ms")
        if python:
            run = subprocess.run([python, "-c", PEXPECT, "30"], capture_output=True, text=True, check=True, timeout=120)
            rival = float(run.stdout)
            figures.note(f"pexpect with a prompt and `echo $?`: {rival:.1f} ms")
            figures.row("pexpect / local command with HTTP", rival / whole, "x", 20, "more")
        else:
            figures.skip("pexpect", "it can't be installed")
        before = resident_mb(server.pid)
        start = time.perf_counter()
        web.run(f"head -c {FLOOD} /dev/zero | tr '\\0' x", 120)
        took = time.perf_counter() - start
        figures.note(f"100 MB of output: {took:.2f} s")
        figures.row("peak memory growth for 100 MB of output", resident_mb(server.pid, "VmHWM") - before, "MB", 32)
        start = time.perf_counter()
        clients = [Web(port, f"shell-{index}") for index in range(SESSIONS)]
        for index, client in enumerate(clients):
            client.run(f"mine={index}")
        wrong = sum(client.run("echo $mine")["stdout"].strip() != str(index) for index, client in enumerate(clients))
        wrong += Web(port).run("echo ${mine-none}")["stdout"].strip() != "none"
        figures.note(f"{SESSIONS} sessions at once: {time.perf_counter() - start:.1f} s, "
                     f"{resident_mb(server.pid):.0f} MB resident")
        figures.row(f"wrong answers of {SESSIONS} sessions at once", wrong, "", 0)


@contextlib.contextmanager
def sshd(home):
    """Runs sshd on loopback with its own keys."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{home}/{name}"], check=True)
    shutil.copy(f"{home}/user.pub", f"{home}/authorized")
    port = free_port()
    config = pathlib.Path(home, "sshd_config")
    config.write_text(f"Port {port}\nListenAddress 127.0.0.1\nHostKey {home}/host\nAuthorizedKeysFile {home}/authorized\n"
                      "PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nSubsystem sftp internal-sftp\n")
    if os.getuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    server = subprocess.Popen([shutil.which("sshd", path="/usr/sbin:/usr/bin"), "-D", "-e", "-f", config],
                              stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        yield port
    finally:
        server.terminate()
        server.wait()


PARAMIKO = """
import statistics, sys, time
import paramiko
host, port, user, key, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
client = paramiko.SSHClient()
client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
client.connect(host, port, user, key_filename=key)
times = []
for _ in range(count):
    start = time.perf_counter()
    _, out, _ = client.exec_command("echo hi")
    assert out.read() == b"hi\\n" and out.channel.recv_exit_status() == 0
    times.append((time.perf_counter() - start) * 1000)
print(statistics.median(times))
"""


def remote(figures, home, python):
    if shutil.which("sshd", path="/usr/sbin:/usr/bin") is None:
        figures.skip("SSH", "sshd is not installed")
        return
    user = subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
    env = environment(home)
    with sshd(home) as port:
        took = inside("ssh", str(COUNT), "127.0.0.1", str(port), user, f"{home}/user")
        figures.note(f"bash on an open channel: {took['channel']:.3f} ms with the status in the output, {took['promises']:.3f} "
                     f"ms with a session's guarantees, {took['awaited']:.3f} ms when also awaited as in a session")
        figures.row("command over SSH in a session / open channel, same guarantees, awaited",
                    took["engine"] / took["awaited"], "x", 1.1)
        target = {"host": "127.0.0.1", "username": user, "port": port, "key_filename": f"{home}/user"}
        ours = Stdio([SERVER, "--profile", "ssh-session"], env)
        whole = milliseconds(lambda: ours.call("execute_command", command="echo hi", **target))
        ours.close()
        figures.note(f"command over SSH in a session {took['engine']:.3f} ms, through the protocol {whole:.3f} ms")
        upload(figures, home, env, port, user)
        if not python:
            figures.skip("the Python server and paramiko", "they can't be installed")
            return
        run = subprocess.run([python, "-c", PARAMIKO, "127.0.0.1", str(port), user, f"{home}/user", "30"],
                             capture_output=True, text=True, check=True, timeout=120)
        figures.note(f"paramiko, a channel for each command, without added waits: {float(run.stdout):.1f} ms")
        rival = Stdio([python, "-m", "mcp_ssh_session"], env)
        times = []
        for index in range(12):
            start = time.perf_counter()
            rival.call("execute_command", command="echo hi", **target)
            if index > 1:
                times.append((time.perf_counter() - start) * 1000)
        rival.close()
        figures.note(f"the Python server, paramiko with added waits: {statistics.median(times):.1f} ms")
        figures.row("the Python server / ours, both through the protocol", statistics.median(times) / whole, "x", 20, "more")


def upload(figures, home, env, port, user):
    """Uploads one large file by `scp`, and by a session, which also compares checksums."""
    source, target = pathlib.Path(home, "large"), pathlib.Path(home, "arrived")
    with source.open("wb") as file:
        for _ in range(UPLOAD >> 20):
            file.write(os.urandom(1 << 20))
    known = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
    ways = {
        "scp": ["scp", "-q", "-i", f"{home}/user", "-P", str(port), *known, str(source), f"{user}@127.0.0.1:{target}"],
        "mm": [MM, "ssh", "upload", "127.0.0.1", str(source), str(target), "--user", user, "--port", str(port),
               "--key", f"{home}/user", "--accept-new", "--quiet"],
    }
    # Raise the limit for the size of a file, whose default is lower.
    settings = pathlib.Path(home, ".m365-shells.json")
    settings.write_text(json.dumps({"maxFileBytes": 2 * UPLOAD}))
    settings.chmod(0o600)
    env = env | {"MM_EMBEDDED": "1"}
    times = {name: [] for name in ways}
    for _ in range(5):
        for name, command in ways.items():
            target.unlink(missing_ok=True)
            start = time.perf_counter()
            subprocess.run(command, env=env, check=True, capture_output=True, timeout=300)
            times[name].append(time.perf_counter() - start)
            if target.stat().st_size != source.stat().st_size:
                raise RuntimeError(f"{name} sent {target.stat().st_size} bytes")
    middle = {name: statistics.median(values) for name, values in times.items()}
    figures.note(f"{UPLOAD >> 20} MB to the host: scp {middle['scp']:.2f} s, in a session {middle['mm']:.2f} s")
    figures.row("upload over SSH in a session, checksum included / scp", middle["mm"] / middle["scp"], "x", 1.3)


def main():
    figures = Figures("shells")
    python = rivals()
    for measure in (local, remote):
        with tempfile.TemporaryDirectory(prefix="mm-bench-", dir="/tmp") as home:
            measure(figures, home, python)
    return figures.exit_code


if __name__ == "__main__":
    sys.exit(main())
