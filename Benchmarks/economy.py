"""Measures how many calls and bytes twelve tasks of an administrator take a model that knows only tools/list and the answers.

The tasks run on the sandbox tenant. A call may only use tools and arguments that tools/list contains. If an answer was cut, the
rest is fetched with the tool and handle that the answer names. A call that fails and a task whose result isn't found are dead
ends. Other servers aren't measured, because none of them can use a sandbox tenant.

    Benchmarks/economy.py [FOLDER]      FOLDER: where the programs are, .build/release by default
"""
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from figures import RELEASE, Figures

PROGRAMS = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else RELEASE).resolve()
MM, MM_MCP = str(PROGRAMS / "mm"), str(PROGRAMS / "mm-mcp")
CONNECTION, DOMAIN = "Contoso", "contoso-sandbox.example"
MOST_CALLS, MOST_BYTES = 3, 6 * 1024


class DeadEnd(Exception):
    """A task can't go on."""


class Model:
    """A client that counts calls and bytes, and confirms every question."""

    def __init__(self, env):
        self.server = subprocess.Popen([MM_MCP], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.DEVNULL)
        self.number = 0
        self.request("initialize", {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}},
                                    "clientInfo": {"name": "economy", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        tools = self.request("tools/list", {})
        self.list_bytes = len(json.dumps(tools, ensure_ascii=False, separators=(",", ":")).encode())
        self.tools = {tool["name"]: tool["inputSchema"]["properties"] for tool in tools["tools"]}
        self.begin()

    def begin(self):
        """Resets the counters."""
        self.calls = self.sent = self.received = self.questions = 0

    def send(self, message):
        self.server.stdin.write((json.dumps(message, ensure_ascii=False) + "\n").encode())
        self.server.stdin.flush()

    def request(self, method, params):
        self.number += 1
        self.send({"jsonrpc": "2.0", "id": self.number, "method": method, "params": params})
        for line in self.server.stdout:
            message = json.loads(line)
            if message.get("method") == "elicitation/create":
                self.questions += 1
                fields = message["params"]["requestedSchema"]["properties"]
                self.send({"jsonrpc": "2.0", "id": message["id"], "result": {
                    "action": "accept", "content": {name: name == "confirm" for name in fields}}})
            elif message.get("id") == self.number:
                if "error" in message:
                    raise DeadEnd(message["error"]["message"])
                return message["result"]
        raise DeadEnd("the server ended")

    def call(self, tool, **arguments):
        """Makes one call and returns the text that the model reads."""
        name = next((known for known in self.tools if known.endswith("__" + tool)), None)
        if name is None or not set(arguments) <= set(self.tools[name]):
            raise DeadEnd(f"tools/list has no {tool} with {sorted(arguments)}")
        result = self.request("tools/call", {"name": name, "arguments": arguments})
        text = "".join(block.get("text", "") for block in result["content"])
        self.calls += 1
        self.sent += len(json.dumps(arguments, ensure_ascii=False).encode())
        # A model gets the text and the structured content, if there is any.
        self.received += len(text.encode())
        if "structuredContent" in result:
            self.received += len(json.dumps(result["structuredContent"], ensure_ascii=False).encode())
        if result.get("isError"):
            raise DeadEnd(text)
        again = re.search(r'\w*__output (\{"handle": "[^"]+", "action": "wait"\})', text)
        return self.call("output", **json.loads(again[1])) if again else text

    def rows(self, text):
        """The rows of an answer in JSON, which begins a line and may follow other text."""
        value = json.loads(text[re.search(r"^[\[{]", text, re.MULTILINE).start():])
        return value.get("value", [value]) if isinstance(value, dict) else value

    def graph(self, endpoint, **more):
        return self.rows(self.call("graph_request", connection=CONNECTION, endpoint=endpoint, **more))

    def exchange(self, command, **more):
        return self.call("run", connection=CONNECTION, module="exo", command=command, **more)

    def close(self):
        self.server.stdin.close()
        self.server.wait(30)


def need(found, what):
    if not found:
        raise DeadEnd(f"not found: {what}")


def disabled_with_licences(model):
    rows = model.graph("/users", all=True, query={
        "$filter": "accountEnabled eq false and assignedLicenses/$count ne 0", "$count": "true",
        "$select": "userPrincipalName"})
    need(any("dora.disabled" in row["userPrincipalName"] for row in rows), "Dora Disabled")


def unused_guests(model):
    before = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=90)).strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = model.graph("/users", all=True, query={
        "$filter": f"userType eq 'Guest' and signInActivity/lastSignInDateTime le {before}", "$select": "mail"})
    need(rows and all(DOMAIN not in (row["mail"] or "") for row in rows), "guests")


def forwarding_outside(model):
    text = model.exchange(
        "Get-Mailbox -ResultSize Unlimited | Where-Object { $_.ForwardingSmtpAddress -and "
        f"$_.ForwardingSmtpAddress -notlike '*@{DOMAIN}' }} | Select-Object PrimarySmtpAddress,ForwardingSmtpAddress",
        output="csv")
    need("smtp:" in text and f"smtp:archive@{DOMAIN}" not in text, "addresses outside")


def nested_members(model):
    need("transitiveMembers" in model.call("graph_request", search="all members of a group, nested ones too"), "the call")
    group = model.graph("/groups", query={"$filter": "displayName eq 'Engineering'", "$select": "id"})[0]["id"]
    text = model.call("graph_request", connection=CONNECTION, endpoint=f"/groups/{group}/transitiveMembers", top=50,
                      query={"$select": "userPrincipalName", "$count": "true"})
    need(text.count(DOMAIN) == 50, "fifty members")


def shared_mailboxes(model):
    text = model.exchange(
        "Get-Mailbox -RecipientTypeDetails SharedMailbox -ResultSize Unlimited | Get-MailboxPermission | Where-Object "
        "{ $_.AccessRights -contains 'FullAccess' -and $_.User -like '*@*' } | Select-Object Identity,User", output="csv")
    need(text.count(DOMAIN) > 10, "people with full access")


def inbox_rules(model):
    need("-Mailbox" in model.exchange("Get-Help Get-InboxRule"), "the parameters of Get-InboxRule")
    need("Newsletters" in model.exchange(f"Get-InboxRule -Mailbox admin@{DOMAIN}"), "a rule")


def largest_mailboxes(model):
    text = model.exchange(
        "Get-EXOMailbox -ResultSize Unlimited | Get-EXOMailboxStatistics | Sort-Object TotalItemSize -Descending | "
        "Select-Object -First 10 DisplayName,TotalItemSize", output="csv")
    need(text.count("GB") >= 10, "ten sizes")


def flows_of_a_user(model):
    environments = model.rows(model.call(
        "graph_request", connection=CONNECTION, resource="flow", endpoint="/providers/Microsoft.ProcessSimple/environments"))
    name = environments[0]["name"]
    text = model.call(
        "graph_request", connection=CONNECTION, resource="flow",
        endpoint=f"/providers/Microsoft.ProcessSimple/environments/{name}/flows", top=2)
    need("displayName" in text, "flows")


def group_with_two_members(model):
    users = model.graph("/users", top=2, query={"$select": "id", "$filter": "accountEnabled eq true"})
    base = "https://graph.microsoft.com/v1.0/directoryObjects/"
    rows = model.graph("/groups", method="POST", body={
        "displayName": "Economy", "mailEnabled": False, "mailNickname": "economy", "securityEnabled": True,
        "members@odata.bind": [base + user["id"] for user in users]})
    group = rows[0]["id"]
    need(len(model.graph(f"/groups/{group}/members", query={"$select": "id"})) == 2, "two members")


def licence_counts(model):
    rows = model.graph("/subscribedSkus", query={"$select": "skuPartNumber,consumedUnits,prepaidUnits"})
    need(all(row["consumedUnits"] >= 0 for row in rows), "licences")


def sites_shared_outside(model):
    found = json.loads(model.call("graph_request", search="external sharing of sites"))["calls"][0]["request"]
    need("sharingCapability" in model.graph(found["endpoint"])[0], "what the tenant allows")
    rows = model.graph("/sites", query={"search": "*", "$select": "displayName,webUrl"})
    need(any("sharepoint.com" in row["webUrl"] for row in rows), "sites")


def failed_sign_ins(model):
    rows = model.graph("/auditLogs/signIns", top=20, query={
        "$filter": "status/errorCode ne 0", "$select": "userPrincipalName,createdDateTime,status"})
    need(all(row["status"]["errorCode"] for row in rows), "failures")


TASKS = {
    "disabled users with licences": disabled_with_licences,
    "guests unused for 90 days": unused_guests,
    "mail forwarded outside": forwarding_outside,
    "nested members of a group": nested_members,
    "full access to shared mailboxes": shared_mailboxes,
    "inbox rules of a user": inbox_rules,
    "largest mailboxes": largest_mailboxes,
    "flows of a user": flows_of_a_user,
    "a group with two members": group_with_two_members,
    "licence counts": licence_counts,
    "sites shared outside": sites_shared_outside,
    "failed sign-ins": failed_sign_ins,
}


def sign_in(env):
    """Starts the tenant and approves the code as its administrator."""
    subprocess.run([MM, "sandbox", "start", "--connection", CONNECTION, "--interval", "1", "-q"], env=env, check=True,
                   stdout=subprocess.DEVNULL)
    asked = subprocess.run([MM, "login", CONNECTION, "--json"], env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    code = re.search(r'"userCode":\s*"([^"]+)"', asked.stdout + asked.stderr)[1]
    subprocess.run([MM, "sandbox", "approve", code, "-q"], env=env, check=True)
    while subprocess.run([MM, "login", CONNECTION, "-q"], env=env, capture_output=True, stdin=subprocess.DEVNULL).returncode:
        pass


def main():
    figures = Figures("economy: an agent's tasks with only tools/list and answers")
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "PATH": f"{PROGRAMS}:{os.environ['PATH']}", "LANG": "C.UTF-8"}
        try:
            sign_in(env)
            model = Model(env)
            figures.row("tools/list", model.list_bytes, "bytes", 8000)
            dead = 0
            for title, task in TASKS.items():
                model.begin()
                end = ""
                try:
                    task(model)
                except DeadEnd as error:
                    dead += 1
                    end = f", DEAD END: {str(error)[:300]}"
                figures.row(f"{title}: calls", model.calls, "calls", MOST_CALLS)
                figures.row(f"{title}: bytes", model.sent + model.received, "bytes", MOST_BYTES)
                figures.note(f"{model.sent:,} bytes in, {model.received:,} out, {model.questions} questions{end}")
            figures.row("dead ends", dead, "tasks", 0)
            model.close()
        finally:
            subprocess.run([MM, "pool", "stop", "-q"], env=env, check=False, capture_output=True)
            subprocess.run([MM, "sandbox", "stop", "-q"], env=env, check=False, capture_output=True)
    return figures.exit_code


sys.exit(main())
