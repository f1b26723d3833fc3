"""Measures the time that `mm exec` adds to a request of a program. The same client requests the same row from the sandbox directly
with the token, and confined by `mm exec`: with a placeholder for the token, over TLS, judged by the guard. Both with one
connection for all requests and with a new connection for each."""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from figures import RELEASE, Figures

MM = str(RELEASE / "mm")
ROUNDS, COUNT = 4, 400
# In milliseconds. A new connection needs a TLS handshake.
BUDGETS = {"kept": 1, "new": 5}
PATH = "/v1.0/users/ben.baker@contoso-sandbox.example?$select=id"

CLIENT = """
import base64, http.client, json, os, ssl, sys, time, urllib.request, urllib.parse
origin, token, path, count = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
keeps = sys.argv[5] == "kept"
if token:
    def opened():
        return http.client.HTTPConnection(origin.hostname, origin.port)
else:
    where = os.environ["IDENTITY_ENDPOINT"] + "?resource=https://graph.microsoft.com"
    asked = urllib.request.Request(where, headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]})
    token = json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked))["access_token"]
    proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
    shown = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    trust = ssl.create_default_context()
    def opened():
        connection = http.client.HTTPSConnection(proxy.hostname, proxy.port, context=trust)
        connection.set_tunnel(origin.hostname, 443, {"Proxy-Authorization": "Basic " + shown})
        return connection
connection = opened()
times, own = [], 0
for number in range(count + 50):
    began, worked = time.perf_counter(), time.process_time()
    if not keeps:
        connection.close()
        connection = opened()
    connection.request("GET", path, headers={"Authorization": "Bearer " + token})
    answer = connection.getresponse()
    answer.read()
    times.append((time.perf_counter() - began) * 1000)
    own += (time.process_time() - worked) * 1000 if number >= 50 else 0
    assert answer.status == 200, answer.status
print(json.dumps({"times": times[50:], "own": own / count}))
"""


def signed_in(env, home):
    """Starts a tenant and signs the connection Bench in; returns the sandbox's address and a token for Graph."""
    subprocess.run([MM, "sandbox", "start", "--connection", "Bench", "--interval", "1", "-q"], env=env, check=True,
                   capture_output=True)
    asked = subprocess.run([MM, "login", "Bench", "--json"], env=env, capture_output=True, text=True, check=False)
    code = json.loads(asked.stderr)["error"]["details"]["userCode"]
    subprocess.run([MM, "sandbox", "approve", code, "-q"], env=env, check=True, capture_output=True)
    while subprocess.run([MM, "login", "Bench", "-q"], env=env, capture_output=True, check=False).returncode:
        pass
    subprocess.run([MM, "graph", "Bench", "/me", "-q"], env=env, check=True, capture_output=True)
    cache = json.loads(pathlib.Path(home, ".mm-graph-tokens", "Bench.json").read_text())
    token = next(entry["secret"] for entry in cache["AccessToken"].values() if "User.Read" in entry["target"])
    return json.loads(pathlib.Path(home, ".m365-state", "sandbox.json").read_text())["graph"], token


def measured(command, env):
    """Runs a client; returns the milliseconds of each request, and the client's own processor time per request."""
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=300)
    return json.loads(ran.stdout)


def rounds(env, base, token, kind):
    """Measures direct and confined requests in turns, so that the load of the machine affects both equally."""
    seen = {"straight": [], "through": []}
    client = ["/usr/bin/python3", "-c", CLIENT]
    for _ in range(ROUNDS):
        seen["straight"].append(measured([*client, base, token, PATH, str(COUNT), kind], env))
        walls = [MM, "exec", "Bench", "-q", "--", *client]
        seen["through"].append(measured([*walls, "https://graph.microsoft.com", "", PATH, str(COUNT), kind], env))
    return {name: (sorted(time for run in runs for time in run["times"]), statistics.mean(run["own"] for run in runs))
            for name, runs in seen.items()}


def main():
    figures = Figures("A program of mm exec")
    with tempfile.TemporaryDirectory(prefix="mm-exec-") as home:
        env = {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": home, "LANG": "C.UTF-8"}
        try:
            base, token = signed_in(env, home)
            found = {kind: rounds(env, base, token, kind) for kind in BUDGETS}
        finally:
            for stop in (["pool", "stop"], ["sandbox", "stop"]):
                subprocess.run([MM, *stop, "-q"], env=env, check=False, capture_output=True)
    for kind, budget in BUDGETS.items():
        (straight, plain), (through, own) = found[kind]["straight"], found[kind]["through"]
        # Real services need TLS too, so the client's own work for it isn't a cost of `mm exec`.
        added = statistics.median(through) - statistics.median(straight) - (own - plain)
        figures.row(f"added per request of a program, p50, {kind} connection", added, "ms", budget)
        figures.note(f"p50 direct {statistics.median(straight):.2f} ms, confined {statistics.median(through):.2f} ms; "
                     f"p99 {straight[len(straight) * 99 // 100]:.2f} and {through[len(through) * 99 // 100]:.2f} ms; "
                     f"the client's own work is {plain:.2f} and {own:.2f} ms of it")
    return figures.exit_code


sys.exit(main())
