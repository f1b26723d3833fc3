"""An OpenID provider for tests: oidc-provider-mock (Authlib) with a sign-in page, dynamic registration of clients, and access
tokens in the form of RFC 9068, whose audiences are the resource that the client asked for (RFC 8707) and api://mm.

    provider.py [CA]    prints its issuer, then serves until its standard input ends; with a file of trusted certificates it
                        accepts clients that identify themselves by the address of their metadata document, and registers none
"""
import json, ssl, sys, threading, time, urllib.request, uuid

import flask
from authlib.jose import jwt
from oidc_provider_mock import _app
from werkzeug.serving import make_server

app = _app.app(require_client_registration=True)
trusted = sys.argv[1] if len(sys.argv) > 1 else None
# Clients without a secret, who prove themselves with PKCE alone.
_app.AuthorizationCodeGrant.TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post", "none"]


@app.before_request
def read_document():
    """Client ID metadata documents (draft-ietf-oauth-client-id-metadata-document): what a client says of itself at the address
    that is its id."""
    if not trusted:
        return None
    if flask.request.path == "/oauth2/clients":
        return flask.jsonify({"error": "access_denied"}), 403
    name = flask.request.values.get("client_id", "") if flask.request.path.startswith("/oauth2/") else ""
    if not name.startswith("https://") or _app.storage.get_client(name):
        return None
    with urllib.request.urlopen(name, context=ssl.create_default_context(cafile=trusted), timeout=30) as answer:
        document = json.load(answer)
    if document["client_id"] != name or document.get("token_endpoint_auth_method", "none") != "none":
        return flask.jsonify({"error": "invalid_client"}), 400
    _app.storage.store_client(_app.Client(
        id=name, secret="", redirect_uris=document["redirect_uris"], allowed_scopes=_app.Client.SCOPES_SUPPORTED,
        token_endpoint_auth_method="none"))
    return None


@app.after_request
def complete(response):
    if flask.request.path == "/.well-known/openid-configuration":
        known = response.get_json()
        if trusted:
            known["client_id_metadata_document_supported"] = True
            del known["registration_endpoint"]
        known["code_challenge_methods_supported"] = ["S256"]
        known["token_endpoint_auth_methods_supported"] = ["client_secret_basic", "client_secret_post", "none"]
        response.set_data(json.dumps(known))
    if flask.request.path == "/oauth2/token" and response.status_code == 200:
        answer = response.get_json()
        held = _app.storage.get_access_token(answer["access_token"])
        now = int(time.time())
        claims = {
            "iss": flask.request.host_url.rstrip("/"), "sub": held.user_id, "iat": now, "exp": now + 3600,
            "aud": [value for value in (flask.request.form.get("resource"), "api://mm") if value],
            "scope": answer.get("scope") or "openid", "jti": str(uuid.uuid4()), "email": f"{held.user_id}@example.com",
        }
        key = _app.storage.jwk
        header = {"alg": "RS256", "kid": key.as_dict()["kid"], "typ": "at+jwt"}
        answer["access_token"] = jwt.encode(header, claims, key).decode()
        response.set_data(json.dumps(answer))
    return response


server = make_server("127.0.0.1", 0, app, threaded=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://localhost:{server.server_port}", flush=True)
sys.stdin.read()
