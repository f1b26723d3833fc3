"""MSAL for Python over a token cache file, with its network replaced: what the other side of the cache does.

usage: msal_interop.py MODE CACHE LOGIN_ANSWERS
MODE is `silent` (a token from the cache alone), `refresh` (exchange the refresh token and write the cache back) or
`device` (sign in by device code and write the cache) or `app` (a token of the app itself). LOGIN_ANSWERS is a JSON object: `configuration`, `devicecode` and
`token` answers. Prints what happened as JSON.
"""

import json
import os
import sys

import msal

CLIENT = "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01"
AUTHORITY = "https://login.microsoftonline.com/0f6d1c52-3b8e-4a57-9c41-7be0d2a4f811"


class Answer:
    def __init__(self, body):
        self.status_code = 200
        self.text = json.dumps(body)
        self.headers = {"Content-Type": "application/json"}

    def raise_for_status(self):
        pass


class Network:
    def __init__(self, answers):
        self.answers = answers
        self.posts = []

    def get(self, url, params=None, headers=None, **rest):
        return Answer(self.answers["configuration"])

    def post(self, url, data=None, params=None, headers=None, **rest):
        kind = "devicecode" if url.endswith("/devicecode") else "token"
        self.posts.append({"kind": kind, "refresh_token": (data or {}).get("refresh_token")})
        return Answer(self.answers[kind])

    def close(self):
        pass


def main():
    mode, path, answers = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
    cache = msal.SerializableTokenCache()
    if os.path.exists(path):
        with open(path) as file:
            cache.deserialize(file.read())
    network = Network(answers)
    common = dict(
        authority=AUTHORITY, token_cache=cache, http_client=network, instance_discovery=False,
        client_capabilities=["CP1"])
    if mode == "app":
        app = msal.ConfidentialClientApplication(CLIENT, client_credential="FAKE-secret", **common)
    else:
        app = msal.PublicClientApplication(CLIENT, **common)
    accounts = app.get_accounts()
    scopes = ["https://graph.microsoft.com/User.Read"]
    if mode == "device":
        flow = app.initiate_device_flow(scopes=scopes)
        result = app.acquire_token_by_device_flow(flow)
    elif mode == "app":
        result = app.acquire_token_for_client(["https://graph.microsoft.com/.default"])
    else:
        result = app.acquire_token_silent(scopes, account=accounts[0], force_refresh=mode == "refresh")
    if cache.has_state_changed:
        with open(path, "w") as file:
            file.write(cache.serialize())
    print(json.dumps({
        "version": msal.__version__,
        "accounts": [account["username"] for account in accounts],
        "access_token": (result or {}).get("access_token"),
        "error": (result or {}).get("error"),
        "posts": network.posts,
    }))


main()
