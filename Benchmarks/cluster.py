#!/usr/bin/env python3
"""Tests a cluster of pools while nodes are killed and paused and Redis is unreachable.

Starts a redis-server, the sandbox tenant and several nodes (`mm pool serve --cluster`), and sends reads and writes to random nodes.
Every few seconds it kills a node, pauses one for longer than a lease is valid, cuts one off from Redis, or pauses Redis. At the end
it compares the answers with the tenant: a write answered with success must be there exactly once, any other at most once.

    Benchmarks/cluster.py --programs .build/release --calls 10000
"""
import argparse
import collections
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid

APP, TENANT = "5a4db0c5-0000-4000-8000-00000000a001", "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01"


def parser(text, faults="kill,pause,partition,redis"):
    parser = argparse.ArgumentParser(description=text.split("\n")[0])
    parser.add_argument("--programs", default=".build/debug")
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--every", type=float, default=10, help="seconds between two faults")
    parser.add_argument("--lease", type=float, default=3, help="how many seconds a lease is valid")
    parser.add_argument("--faults", default=faults)
    parser.add_argument("--least", type=float, default=0, help="run for at least so many seconds")
    parser.add_argument("--seed", type=int, default=1)
    return parser


def own_host():
    """A random loopback address, which no other program uses: a port that is free there stays free."""
    return "127." + ".".join(str(64 + byte % 128) for byte in os.urandom(3))


def free_port(host):
    with socket.socket() as one:
        one.bind((host, 0))
        return one.getsockname()[1]


class Road:
    """A node's connection to Redis, which can be interrupted: data sent meanwhile arrives when it is restored."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.whole = threading.Event()
        self.whole.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.join, args=(near,), daemon=True).start()

    def join(self, near):
        self.whole.wait()
        try:
            far = socket.create_connection(self.target)
        except OSError:
            return near.close()
        for source, sink in [(near, far), (far, near)]:
            threading.Thread(target=self.carry, args=(source, sink), daemon=True).start()

    def carry(self, source, sink):
        try:
            while data := source.recv(65536):
                self.whole.wait()
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class Bench:
    """Runs all nodes in this machine's network; `cluster_net.py` gives each its own."""

    # Seconds that a client waits for a node's answer.
    patience = 120
    # Further flags of a node.
    flags = []

    def __init__(self, options):
        self.options = options
        self.home = tempfile.mkdtemp(prefix="mm-cluster.")
        self.mm = os.path.abspath(os.path.join(options.programs, "mm"))
        self.environment = {"HOME": self.home, "XDG_RUNTIME_DIR": self.home, "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8"}
        self.processes = []
        self.nodes = [None] * options.nodes
        host = own_host()
        self.hosts = [host] * options.nodes
        self.ports = [free_port(host) for _ in range(options.nodes)]
        self.redis_host, self.redis_port = host, free_port(host)
        self.random = random.Random(options.seed)
        self.lock = threading.Lock()
        self.results = {}
        self.left = options.calls
        self.done = threading.Event()
        self.faults = collections.Counter()
        self.tokens = collections.defaultdict(list)
        self.slowest = 0.0

    def inside(self, place, words):
        """The command that runs a program in a place: `tenant`, `redis`, or a node's number."""
        return words

    def entered(self):
        """Called by each thread that sends requests to nodes, before its first one."""

    def lay(self):
        """Sets up the connections to Redis."""
        self.roads = [Road(self.redis_host, self.redis_port) for _ in range(self.options.nodes)]

    def redis_url(self, number):
        return f"redis://127.0.0.1:{self.roads[number].port}"

    def of_node(self, number):
        """Further environment variables of a node."""
        return {}

    def run(self, *words):
        return subprocess.run(
            self.inside("tenant", [self.mm, *words]), env=self.environment, capture_output=True, text=True)

    def start(self):
        self.lay()
        self.entered()
        for name, text in [("secret", uuid.uuid4().hex), ("key", uuid.uuid4().hex + uuid.uuid4().hex)]:
            with open(os.open(f"{self.home}/{name}", os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
                file.write(text + "\n")
        self.secret = open(f"{self.home}/secret").read().strip()
        self.redis = subprocess.Popen(
            self.inside("redis", [
                "redis-server", "--port", str(self.redis_port), "--bind", self.redis_host, "--save", "", "--dir", self.home,
                "--protected-mode", "no"]),
            stdout=subprocess.DEVNULL)
        self.processes.append(self.redis)
        sandbox = subprocess.Popen(
            self.inside("tenant", [
                self.mm, "sandbox", "start", "--foreground", "--users", "50", "--interval", "1", "--lifetime", "86000"]),
            env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.processes.append(sandbox)
        state = f"{self.home}/.m365-state/sandbox.json"
        while not os.path.exists(state):
            time.sleep(0.05)
        time.sleep(0.3)
        self.base = json.load(open(state))["graph"]
        self.opened()
        self.names = [f"Demo{number}" for number in range(self.options.connections)]
        for name in self.names:
            added = self.run("connections", "add", name, "--cloud", "sandbox", "--app-id", APP, "--tenant",
                             "contoso-sandbox.example", "--tenant-id", TENANT, "--expected-email",
                             "admin@contoso-sandbox.example")
            assert added.returncode == 0, added.stderr
            begun = self.run("login", name, "--json")
            if begun.returncode != 0:
                code = json.loads(begun.stderr.strip().split("\n")[-1])["error"]["details"]["userCode"]
                approved = self.run("sandbox", "approve", code)
                assert approved.returncode == 0, approved.stderr
                while self.run("login", name, "--json").returncode != 0:
                    time.sleep(0.3)
        for number in range(self.options.nodes):
            self.serve(number)
        for number in range(self.options.nodes):
            self.ready(number)

    def opened(self):
        """Called when the address of the tenant is known."""

    def serve(self, number):
        own = f"{self.home}/node{number}"
        os.makedirs(own, mode=0o700, exist_ok=True)
        environment = dict(
            self.environment, MM_STATE_DIR=f"{own}/state", MM_LOG_DIR=f"{own}/logs", XDG_RUNTIME_DIR=own,
            MM_TOKEN_DIR=f"{self.home}/.mm-graph-tokens", MM_CONNECTIONS=f"{self.home}/.m365-connections.json",
            MM_SANDBOX_URL=self.base, MM_CLUSTER=self.redis_url(number), MM_CLUSTER_LEASE=str(self.options.lease), MM_CLUSTER_KEY_FILE=f"{self.home}/key",
            **self.of_node(number))
        self.nodes[number] = subprocess.Popen(
            self.inside(number, [
                self.mm, "pool", "serve", "--listen", f"{self.hosts[number]}:{self.ports[number]}",
                "--token-file", f"{self.home}/secret", *self.flags]),
            env=environment, stdout=subprocess.DEVNULL, stderr=open(f"{own}/errors", "a"), start_new_session=True)

    def ready(self, number):
        end = time.time() + 600
        while time.time() < end:
            try:
                return self.ask(number, "GET", "/v1/pool", None, {})
            except OSError:
                time.sleep(0.1)
        raise SystemExit(f"node {number} did not start: " + open(f"{self.home}/node{number}/errors").read()[-2000:])

    def ask(self, number, method, path, body, headers):
        connection = http.client.HTTPConnection(self.hosts[number], self.ports[number], timeout=self.patience)
        try:
            connection.request(
                method, path, None if body is None else json.dumps(body),
                {"Content-Type": "application/json", "Authorization": f"Bearer {self.secret}", **headers})
            response = connection.getresponse()
            text = response.read()
            return response.status, json.loads(text) if text else None
        finally:
            connection.close()

    def graph(self, number, name, method, endpoint, body=None, call=None):
        arguments = {"connection": name, "endpoint": endpoint}
        if method != "GET":
            arguments.update(method=method, body=body)
        headers = {"Idempotency-Key": call} if call else {}
        return self.ask(number, "POST", "/v1/operations/graph_request", arguments, headers)

    def work(self, seed):
        self.entered()
        chance = random.Random(seed)
        while True:
            with self.lock:
                if self.left <= 0 and self.done.is_set():
                    return
                self.left -= 1
            call = uuid.uuid4().hex
            name = chance.choice(self.names)
            writes = chance.random() < 0.5
            begun = time.time()
            result, tries = None, 0
            while result is None:
                tries += 1
                number = chance.randrange(self.options.nodes)
                try:
                    status, answer = (
                        self.graph(number, name, "POST", "/me/messages", {"subject": call}, call)
                        if writes else self.graph(number, name, "GET", "/me?$select=id", call=call))
                    if status < 300:
                        result = "done"
                    else:
                        detail = (answer or {}).get("detail", "")
                        details = (answer or {}).get("details", {})
                        if "unknown" in detail or details.get("ledger"):
                            result = "unknown"
                        elif details.get("pool") or details.get("lease") or details.get("cluster"):
                            if time.time() - begun > 90:
                                result = "refused: " + detail[:100]
                            else:
                                time.sleep(0.2)
                        else:
                            result = "error: " + detail[:160]
                except (OSError, http.client.HTTPException, json.JSONDecodeError):
                    # The node is gone: send the same call with the same id to another one.
                    if time.time() - begun > 90:
                        result = "nobody answered"
                    time.sleep(0.1)
            with self.lock:
                self.results[call] = (writes, result, tries, time.time() - begun)

    def watch(self):
        """Records the tokens of all leases, which may only grow."""
        while not self.done.wait(0.1):
            for name in self.names:
                try:
                    said = subprocess.run(
                        self.inside("redis", [
                            "redis-cli", "-h", self.redis_host, "-p", str(self.redis_port), "hmget", f"{{mm:{name}}}:lease", "holder",
                            "token"]),
                        capture_output=True, text=True, timeout=1).stdout.split("\n")
                except subprocess.TimeoutExpired:
                    continue
                if len(said) >= 2 and said[1].isdigit():
                    seen = self.tokens[name]
                    if not seen or seen[-1] != (said[0], int(said[1])):
                        seen.append((said[0], int(said[1])))

    def kill(self, number):
        self.nodes[number].kill()
        self.nodes[number].wait()
        time.sleep(self.random.random() * 2 * self.options.lease)
        self.serve(number)

    def pause(self, number):
        node = self.nodes[number]
        node.send_signal(signal.SIGSTOP)
        time.sleep(self.options.lease * 2)
        node.send_signal(signal.SIGCONT)

    def threads(self):
        return [threading.Thread(target=self.watch), threading.Thread(target=self.disturb)]

    def disturb(self):
        kinds = self.options.faults.split(",") if self.options.faults else []
        begun = time.time()
        while True:
            for _ in range(int(self.options.every * 10)):
                time.sleep(0.1)
                if self.left <= 0 and time.time() - begun > self.options.least:
                    self.done.set()
                    return
            if not kinds:
                continue
            kind = kinds[sum(self.faults.values()) % len(kinds)]
            number = self.random.randrange(self.options.nodes)
            self.faults[kind] += 1
            if kind == "kill":
                self.kill(number)
            elif kind == "pause":
                self.pause(number)
            elif kind == "partition":
                self.roads[number].whole.clear()
                time.sleep(self.options.lease * 2)
                self.roads[number].whole.set()
            else:
                self.redis.send_signal(signal.SIGSTOP)
                time.sleep(self.options.lease * self.random.choice([0.3, 1.5]))
                self.redis.send_signal(signal.SIGCONT)

    def written(self):
        """How often each subject occurs in the mailbox."""
        found, skip = collections.Counter(), 0
        while True:
            try:
                status, page = self.graph(0, self.names[0], "GET", f"/me/messages?$select=subject&$top=500&$skip={skip}")
            except (OSError, http.client.HTTPException):
                # The last fault may have been a kill: the node may still be starting.
                status, page = None, None
            if status != 200:
                time.sleep(0.5)
                continue
            rows = page["value"]
            if not rows:
                return found
            found.update(row["subject"] for row in rows)
            skip += len(rows)

    def end(self):
        self.left = 0
        self.done.set()
        for process in [*self.nodes, *reversed(self.processes)]:
            if process and process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.kill()
                process.wait()

    def report(self, seconds):
        rows = self.results.values()
        written = self.written()
        kinds = collections.Counter(("write" if row[0] else "read", row[1].split(":")[0]) for row in rows)
        lost = [call for call, row in self.results.items() if row[0] and row[1] == "done" and written[call] == 0]
        doubled = [call for call in self.results if written[call] > 1]
        times = sorted(row[3] for row in rows)
        shrunk = sum(
            1 for seen in self.tokens.values() for before, after in zip(seen, seen[1:]) if after[1] < before[1])
        print(f"{len(self.results)} calls over {self.options.nodes} nodes in {seconds:.0f} s "
              f"({len(self.results) / seconds:.0f}/s); faults: {dict(self.faults)}")
        for (kind, result), count in sorted(kinds.items()):
            print(f"  {kind:5} {result}: {count}")
        for text, count in collections.Counter(row[1] for row in rows if ":" in row[1]).most_common(5):
            print(f"    {count} x {text}")
        print(f"  sent again by the client: {sum(1 for row in rows if row[2] > 1)}; "
              f"median {times[len(times) // 2] * 1000:.0f} ms, 99% {times[int(len(times) * .99)] * 1000:.0f} ms, "
              f"longest {times[-1]:.1f} s")
        unknown = [call for call, row in self.results.items() if row[0] and row[1] == "unknown"]
        print(f"  of {len(unknown)} writes with an unknown result {sum(1 for call in unknown if written[call])} had been carried out")
        print(f"  writes answered with success but missing: {len(lost)}; writes carried out twice: {len(doubled)}; "
              f"holders seen: {sum(len(seen) for seen in self.tokens.values())}; tokens that shrank: {shrunk}")
        return not lost and not doubled and not shrunk and len(self.results) >= self.options.calls


def run(bench):
    options = bench.options
    isWell = False
    try:
        bench.start()
        # Nodes take no leases from a Redis that started less than two lease times ago.
        time.sleep(options.lease * 2 + 1)
        begun = time.time()
        threads = [threading.Thread(target=bench.work, args=(options.seed * 1000 + number,)) for number in range(options.workers)]
        threads += bench.threads()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        isWell = bench.report(time.time() - begun)
    finally:
        bench.end()
        if isWell:
            shutil.rmtree(bench.home, ignore_errors=True)
        else:
            print(f"Logs: {bench.home}", file=sys.stderr)
    return 0 if isWell else 1


if __name__ == "__main__":
    sys.exit(run(Bench(parser(__doc__).parse_args())))
