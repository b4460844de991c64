"""Signs and authenticates, as PyPI `atlassian-jwt` does, what the test on standard input asks for."""

import json
import sys
import time

import atlassian_jwt
import jwt
from atlassian_jwt.url_utils import hash_url

asked = json.load(sys.stdin)
secret, site, person = asked["secret"], asked["site"], asked["person"]


class Ours(atlassian_jwt.Authenticator):
    def get_shared_secret(self, client_key):
        return secret if client_key in (asked["app"], site) else "nobody's secret, which is long enough"


def claims(request, token):
    return Ours().authenticate(request["method"], request["url"], {"Authorization": f"JWT {token}"}).claims


def is_refused(request, token):
    try:
        claims(request, token)
    except (jwt.InvalidTokenError, KeyError):
        return True
    return False


def seen(request, token):
    return None if is_refused(request, token) else claims(request, token)


def sign(request, **otherwise):
    claimed = {"sub": person, **otherwise.pop("claims", {})}
    told = {"clientKey": site, "sharedSecret": secret, "timeout_secs": 180, **otherwise}
    return atlassian_jwt.encode_token(request["method"], request["url"], payload_kwargs=claimed, **told)


requests = asked["requests"]
one, other = requests[0], requests[1]
now = int(time.time())
good = sign(one)
head, body, mark = good.split(".")
wrong = {
    "another secret": sign(one, sharedSecret="another secret that is as long as the first"),
    "another site's": sign(one, clientKey="somebody-else"),
    "for another request": sign(other),
    "ended": sign(one, claims={"iat": now - 7200, "exp": now - 3600}),
    "from the future": sign(one, claims={"iat": now + 3600, "exp": now + 7200}),
    "unsigned": jwt.encode({"iss": site, "iat": now, "exp": now + 180, "qsh": hash_url(one["method"], one["url"])}, None, "none"),
    "signed otherwise": jwt.encode({"iss": site, "iat": now, "exp": now + 180, "qsh": hash_url(one["method"], one["url"])}, secret, "HS512"),
    "without its request": jwt.encode({"iss": site, "iat": now, "exp": now + 180}, secret, "HS256"),
    "cut": f"{head}.{body}.",
    "turned": f"{head}.{body}.{mark[::-1]}",
    "nothing": "a.b.c",
}

json.dump(
    {
        "hashes": [hash_url(request["method"], request["url"]) for request in requests],
        "signed": [sign(request) for request in requests],
        "verified": [seen(request, token) for request, token in zip(requests, asked["tokens"])],
        "wrong": [{"what": what, "token": token, "refused": is_refused(one, token)} for what, token in wrong.items()],
    },
    sys.stdout,
)
