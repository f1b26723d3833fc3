"""A person with the Python MCP SDK's OAuth client: signs in to the sandbox tenant as its pages would let them, then makes calls.

    person.py URL ACCOUNT     reads one call per line, {"tool": …, "arguments": …, "answer": true}, and prints one answer per
                              line; "answer" is the person's answer to a question during the call
"""
import asyncio, json, re, sys, urllib.error, urllib.parse, urllib.request
from html import unescape
from http.cookiejar import CookieJar

import httpx2
from mcp import Client, types
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata

APP = "5a4db0c5-0000-4000-8000-00000000a001"
BACK = "http://localhost:1/callback"


class Storage:
    tokens = None

    def __init__(self):
        self.client = OAuthClientInformationFull(
            client_id=APP, redirect_uris=[BACK], token_endpoint_auth_method="none",
            grant_types=["authorization_code", "refresh_token"], response_types=["code"])

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def approve(address, account):
    """Fills in the page's form; returns the fields that the service sends back to the client."""
    browser = urllib.request.build_opener(Stay, urllib.request.HTTPCookieProcessor(CookieJar()))
    page = browser.open(address).read().decode()
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        if 'type="hidden"' in tag:
            name, value = (re.search(rf'{key}="([^"]*)"', tag) for key in ("name", "value"))
            fields[unescape(name[1])] = unescape(value[1]) if value else ""
    fields |= {"other": account, "decision": "approve"}
    action = unescape(re.search(r'<form[^>]*action="([^"]*)"', page)[1])
    form = urllib.parse.urlencode(fields).encode()
    try:
        answer = browser.open(urllib.parse.urljoin(address, action), form)
        raise SystemExit("no way back: " + answer.read().decode()[:2000])
    except urllib.error.HTTPError as error:
        if error.code != 302:
            raise SystemExit(f"{error.code}: {error.read().decode()[:2000]}")
        return dict(urllib.parse.parse_qsl(urllib.parse.urlparse(error.headers["Location"]).query))


async def main(url, account):
    back, asked, says = {}, [], [False]

    async def redirect(address):
        back.update(await asyncio.to_thread(approve, address, account))

    async def callback():
        return AuthorizationCodeResult(code=back["code"], state=back.get("state"))

    async def elicit(context, params):
        asked.append(params.message)
        if says[0]:
            return types.ElicitResult(action="accept", content={"confirm": True})
        return types.ElicitResult(action="decline")

    metadata = OAuthClientMetadata(
        client_name="test", redirect_uris=[BACK], token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"], response_types=["code"])
    auth = OAuthClientProvider(url, metadata, Storage(), redirect, callback)
    async with httpx2.AsyncClient(auth=auth, timeout=300) as http:
        async with Client(streamable_http_client(url, http_client=http), elicitation_callback=elicit) as client:
            print(json.dumps({"signedIn": account}), flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                call = json.loads(line)
                asked.clear()
                says[0] = call.get("answer", False)
                try:
                    answer = await client.call_tool(call["tool"], call["arguments"])
                    text = "\n".join(part.text for part in answer.content if part.type == "text")
                    told = {"failed": bool(answer.is_error), "text": text, "asked": list(asked)}
                except Exception as error:
                    told = {"failed": True, "text": repr(error), "asked": list(asked)}
                print(json.dumps(told), flush=True)


try:
    asyncio.run(main(*sys.argv[1:]))
except BaseException as error:
    def words(error):
        return [word for one in error.exceptions for word in words(one)] if isinstance(error, BaseExceptionGroup) else [repr(error)]
    print(json.dumps({"failed": True, "text": "; ".join(words(error)), "asked": []}), flush=True)
