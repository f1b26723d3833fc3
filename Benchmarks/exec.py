"""Measures what a request costs more that a program of `mm exec` sends: the same client on a kept connection asks the sandbox for the
same row, straight with the token itself, and in the walls with a placeholder, over TLS, judged."""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

from figures import RELEASE, Figures

MM = str(RELEASE / "mm")
ROUNDS, COUNT = 4, 800
PATH = "/v1.0/users/ben.baker@contoso-sandbox.example?$select=id"

CLIENT = """
import base64, http.client, json, os, sys, time, urllib.request, urllib.parse
origin, token, path, count = urllib.parse.urlsplit(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
if token:
    connection = http.client.HTTPConnection(origin.hostname, origin.port)
else:
    where = os.environ["IDENTITY_ENDPOINT"] + "?resource=https://graph.microsoft.com"
    asked = urllib.request.Request(where, headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]})
    token = json.load(urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked))["access_token"]
    proxy = urllib.parse.urlsplit(os.environ["HTTPS_PROXY"])
    connection = http.client.HTTPSConnection(proxy.hostname, proxy.port)
    shown = base64.b64encode(f"{proxy.username}:{proxy.password}".encode()).decode()
    connection.set_tunnel(origin.hostname, 443, {"Proxy-Authorization": "Basic " + shown})
times = []
for _ in range(count + 50):
    began = time.perf_counter()
    connection.request("GET", path, headers={"Authorization": "Bearer " + token})
    answer = connection.getresponse()
    answer.read()
    times.append((time.perf_counter() - began) * 1000)
    assert answer.status == 200, answer.status
print(json.dumps(times[50:]))
"""


def signed_in(env, home):
    """Starts a tenant and signs the connection Bench in.
    :return: the sandbox's address, and a token for Graph."""
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


def times(command, env):
    """The milliseconds of each request of a client."""
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=300)
    return json.loads(ran.stdout)


def main():
    figures = Figures("A program of mm exec")
    with tempfile.TemporaryDirectory(prefix="mm-exec-") as home:
        env = {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": home, "LANG": "C.UTF-8"}
        try:
            base, token = signed_in(env, home)
            straight, through = [], []
            # In turns, so that the machine is the same for both.
            for _ in range(ROUNDS):
                client = ["/usr/bin/python3", "-c", CLIENT]
                straight += times([*client, base, token, PATH, str(COUNT)], env)
                walls = [MM, "exec", "Bench", "-q", "--", *client]
                through += times([*walls, "https://graph.microsoft.com", "", PATH, str(COUNT)], env)
        finally:
            for stop in (["pool", "stop"], ["sandbox", "stop"]):
                subprocess.run([MM, *stop, "-q"], env=env, check=False, capture_output=True)
    middle = {name: statistics.median(all) for name, all in (("straight", straight), ("through", through))}
    figures.row("added a request of a program, p50", middle["through"] - middle["straight"], "ms", 1)
    high = {name: sorted(all)[len(all) * 99 // 100] for name, all in (("straight", straight), ("through", through))}
    figures.note(f"p50 straight {middle['straight']:.2f} ms, through {middle['through']:.2f} ms; "
                 f"p99 {high['straight']:.2f} and {high['through']:.2f} ms; the client's own TLS included")
    return figures.exit_code


sys.exit(main())
