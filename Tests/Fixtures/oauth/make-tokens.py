"""Writes tokens.json: key sets of sign-in services, and access tokens good and bad, made with PyJWT.

    python3 -m venv /tmp/jwt && /tmp/jwt/bin/pip install 'pyjwt[crypto]' && /tmp/jwt/bin/python make-tokens.py

The private keys are thrown away. Good tokens end in the year 2100.
"""
import base64, hashlib, hmac, json, os
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

BEGIN, END, PAST, FUTURE = 1_700_000_000, 4_102_444_800, 1_600_000_000, 4_000_000_000
TENANT, OTHER = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
GENERIC, AUDIENCE = "https://issuer.example/realm", "https://mcp.example/mcp"
APP = "33333333-3333-4333-8333-333333333333"


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value, size=None):
    return text(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def jwk(key, kid, **more):
    public = key.public_key().public_numbers()
    if isinstance(key, rsa.RSAPrivateKey):
        return {"kty": "RSA", "kid": kid, "use": "sig", "n": number(public.n), "e": number(public.e), **more}
    return {"kty": "EC", "crv": "P-256", "kid": kid, "x": number(public.x, 32), "y": number(public.y, 32), **more}


def pem(key):
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


first, second, attacker, small = [rsa.generate_private_key(65537, bits) for bits in (2048, 2048, 2048, 1024)]
curve = ec.generate_private_key(ec.SECP256R1())

claims = {"iss": GENERIC, "aud": AUDIENCE, "sub": "alice", "iat": BEGIN, "nbf": BEGIN, "exp": END, "scope": "mm.use",
          "preferred_username": "alice@example.com"}


def sign(changes={}, key=first, alg="RS256", kid="first", without=(), headers={}, of=claims):
    body = {name: value for name, value in {**of, **changes}.items() if name not in without}
    return jwt.encode(body, key, algorithm=alg, headers={**({"kid": kid} if kid else {}), **headers})


def raw(header, body, mac=None):
    signed = text(json.dumps(header).encode()) + "." + (body if isinstance(body, str) else text(json.dumps(body).encode()))
    made = hmac.new(mac, signed.encode(), hashlib.sha256).digest() if mac else b""
    return signed + "." + text(made)


good = sign()
head, body, signature = good.split(".")
doubled = json.dumps(claims)[:-1] + ', "sub": "bob"}'
signed_doubled = jwt.api_jws.encode(doubled.encode(), first, algorithm="RS256", headers={"kid": "first"})
tokens = {
    "rs256": good, "ps256": sign(alg="PS256"), "es256": sign(key=curve, alg="ES256", kid="curve"),
    "bob": sign({"sub": "bob", "preferred_username": "bob@example.com"}),
    "access token type": sign(headers={"typ": "at+jwt"}), "list of audiences": sign({"aud": ["x", AUDIENCE]}),
    "without key name": sign(kid=None), "rotated": sign(key=second, kid="second"),
    "unsigned": raw({"alg": "none", "typ": "JWT"}, claims),
    "unsigned with the good name": raw({"alg": "none", "kid": "first"}, claims),
    "HMAC with the public key": raw({"alg": "HS256", "kid": "first"}, claims, pem(first)),
    "HMAC called RS256": raw({"alg": "RS256", "kid": "first"}, claims, pem(first)),
    "another key of the same name": sign(key=attacker),
    "key in the header": sign(key=attacker, headers={"jwk": jwk(attacker, "first")}),
    "key address in the header": sign(key=attacker, headers={"jku": "https://evil.example/keys"}),
    "curve's signature under an RSA name": sign(key=curve, alg="ES256", kid="first"),
    "signature cut off": head + "." + body + ".", "claims of another token": head + "." + sign({"sub": "bob"}).split(".")[1] + "." + signature,
    "weak key": sign(key=small, kid="small"), "encryption key": sign(key=second, kid="encryption"),
    "unknown key": sign(key=attacker, kid="nobody"),
    "critical extension": sign(headers={"crit": ["exp"]}), "another type": sign(headers={"typ": "dpop+jwt"}),
    "two subjects": signed_doubled,
    "another audience": sign({"aud": "https://other.example"}), "audience with a slash more": sign({"aud": AUDIENCE + "/"}),
    "without audience": sign(without=["aud"]), "another issuer": sign({"iss": "https://evil.example/realm"}),
    "issuer with a slash more": sign({"iss": GENERIC + "/"}), "expired": sign({"exp": PAST}),
    "not yet valid": sign({"nbf": FUTURE}), "issued in the future": sign({"iat": FUTURE}),
    "without end": sign(without=["exp"]), "end that is a text": sign({"exp": str(END)}), "without subject": sign(without=["sub"]),
    "id token": sign({"nonce": "n"}), "id token with a hash": sign({"at_hash": "h"}),
    "other scope": sign({"scope": "mm.read"}), "scopes": sign({"scope": "openid mm.use"}), "without scope": sign(without=["scope"]),
    "group": sign({"groups": ["g1", "g2"]}), "other group": sign({"groups": ["g3"]}),
    "too many groups": sign({"_claim_names": {"groups": "src1"}}), "has groups": sign({"hasgroups": True}),
    "role": sign({"roles": ["Operator"]}), "app with role": sign({"roles": ["Operator"]}, without=["scope"]),
    "tenant by its own word": sign({"tid": TENANT, "oid": "44444444-4444-4444-8444-444444444444"}),
}
entra = {"aud": APP, "sub": "pairwise", "iat": BEGIN, "nbf": BEGIN, "exp": END, "scp": "mm.use", "tid": TENANT,
         "oid": "44444444-4444-4444-8444-444444444444", "preferred_username": "alice@contoso.com",
         "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0"}
two = {"tid": OTHER, "iss": f"https://login.microsoftonline.com/{OTHER}/v2.0"}
tokens |= {
    "entra 2.0": sign(of=entra), "entra 1.0": sign({"iss": f"https://sts.windows.net/{TENANT}/"}, of=entra),
    "entra other tenant": sign(two, of=entra),
    "entra other tenant's issuer": sign({"iss": two["iss"]}, of=entra), "entra other tenant's id": sign({"tid": OTHER}, of=entra),
    "entra without tenant": sign(of=entra, without=["tid"]),
    "entra tenant's own key": sign(of=entra, key=second, kid="other"),
    "entra issuer elsewhere": sign({"iss": f"https://login.microsoftonline.us/{TENANT}/v2.0"}, of=entra),
}
every = "https://login.microsoftonline.com/{tenantid}/v2.0"
keys = {
    "first": [jwk(first, "first", alg=None) | {}, jwk(curve, "curve", alg="ES256"), jwk(small, "small"),
              jwk(second, "encryption", use="enc"), {"kty": "oct", "kid": "secret", "k": text(os.urandom(32))}],
    "rotated": [jwk(second, "second")],
    "entra": [jwk(first, "first", issuer=every), jwk(second, "other", issuer=two["iss"])],
}
for key in keys["first"]:
    if key.get("alg", 1) is None: del key["alg"]
folder = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(folder, "tokens.json"), "w") as file:
    json.dump({"keys": keys, "tokens": tokens}, file, indent=1)
