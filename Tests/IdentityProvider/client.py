"""The Python MCP SDK with its OAuth client: signs in, then lists tools and calls one.

    client.py URL [CERT]    prints the address of the sign-in page, and after the sign-in the server's answers; with a file
                            with a certificate and key it identifies itself by the address of its metadata document
"""
import asyncio, json, ssl, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

import httpx2
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata


class Callback(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.given = parse_qs(urlparse(self.path).query)
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>signed in</title>")

    def log_message(self, *_):
        pass


class Storage:
    tokens = client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Document(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/client.json" else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(self.server.document).encode())

    def log_message(self, *_):
        pass


def publish(certificate, document):
    """Serves the client's own document; returns its address."""
    server = HTTPServer(("127.0.0.1", 0), Document)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    address = f"https://localhost:{server.server_port}/client.json"
    server.document = {"client_id": address, **document}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return address


async def main(url, certificate=None):
    listener = HTTPServer(("127.0.0.1", 0), Callback)
    listener.given = None

    async def redirect(address):
        print(address, flush=True)

    async def callback():
        while not (listener.given and "code" in listener.given):
            await asyncio.to_thread(listener.handle_request)
        return AuthorizationCodeResult(code=listener.given["code"][0], state=listener.given.get("state", [None])[0])

    metadata = OAuthClientMetadata(
        client_name="test", redirect_uris=[f"http://127.0.0.1:{listener.server_port}/callback"],
        grant_types=["authorization_code", "refresh_token"], response_types=["code"])
    address = None
    if certificate:
        metadata.token_endpoint_auth_method = "none"
        address = publish(certificate, json.loads(metadata.model_dump_json(exclude_none=True)))
    auth = OAuthClientProvider(url, metadata, Storage(), redirect, callback, client_metadata_url=address)
    async with httpx2.AsyncClient(auth=auth, timeout=300) as http:
        async with Client(streamable_http_client(url, http_client=http)) as client:
            print(len((await client.list_tools()).tools), "tools", flush=True)
            answer = await client.call_tool("mm__run", {})
            print(answer.content[0].text, flush=True)


asyncio.run(main(*sys.argv[1:]))
