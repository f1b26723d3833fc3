"""Measures the memory and time of a snapshot of a tenant with 5,000 users, 1,000 groups and 300 policies."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

from figures import RELEASE, Figures

MM = str(RELEASE / "mm")
USERS, GROUPS, POLICIES = 5_000, 1_000, 300


def signed_in(env):
    """Starts the tenant and signs the connection Bench in; returns its address."""
    started = subprocess.run(
        [MM, "sandbox", "start", "--connection", "Bench", "--users", str(USERS), "--interval", "1", "--json", "-q"],
        env=env, check=True, capture_output=True, text=True)
    asked = subprocess.run([MM, "login", "Bench", "--json"], env=env, capture_output=True, text=True, check=False)
    code = json.loads(asked.stderr)["error"]["details"]["userCode"]
    subprocess.run([MM, "sandbox", "approve", code, "-q"], env=env, check=True)
    while subprocess.run([MM, "login", "Bench", "-q"], env=env, capture_output=True, check=False).returncode:
        time.sleep(0.3)
    return json.loads(started.stdout)["url"]


def post(address, token, path, bodies):
    """Creates objects, twenty per request."""
    for start in range(0, len(bodies), 20):
        requests = [{"id": str(number), "method": "POST", "url": path, "headers": {"Content-Type": "application/json"},
                     "body": body} for number, body in enumerate(bodies[start:start + 20])]
        request = urllib.request.Request(
            address + "/v1.0/$batch", json.dumps({"requests": requests}).encode(),
            {"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            assert all(item["status"] < 300 for item in json.load(answer)["responses"])


def fill(address, home):
    """Creates the groups and policies."""
    cache = json.loads(pathlib.Path(home, ".mm-graph-tokens", "Bench.json").read_text())
    token = next(entry["secret"] for entry in cache["AccessToken"].values())
    post(address, token, "/groups", [
        {"displayName": f"Group {number}", "mailEnabled": False, "mailNickname": f"group{number}",
         "securityEnabled": True, "groupTypes": []} for number in range(GROUPS)])
    post(address, token, "/identity/conditionalAccess/policies", [
        {"displayName": f"Policy {number}", "state": "disabled",
         "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
         "grantControls": {"operator": "OR", "builtInControls": ["mfa"]}} for number in range(POLICIES)])


def main():
    figures = Figures("snapshots")
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "PATH": "/usr/local/bin:/usr/bin:/bin", "XDG_RUNTIME_DIR": home, "LANG": "C.UTF-8",
               "MM_EMBEDDED": "1"}
        address = signed_in(env)
        try:
            fill(address, home)
            start = time.perf_counter()
            with subprocess.Popen([MM, "snapshot", "take", "Bench", "--json", "-q"], env=env,
                                  stdout=subprocess.PIPE) as process:
                taken = json.loads(process.stdout.read())
                _, status, usage = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            took = time.perf_counter() - start
            assert process.returncode == 0 and taken["objects"] > GROUPS + POLICIES, taken
            figures.row(f"memory of a snapshot of {taken['objects']:,} objects", usage.ru_maxrss / 1024, "MB", 60)
            figures.note(f"it took {took:.1f} s")
        finally:
            subprocess.run([MM, "sandbox", "stop", "-q"], env=env, check=False)
    return figures.exit_code


if __name__ == "__main__":
    sys.exit(main())
