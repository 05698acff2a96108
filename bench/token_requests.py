"""RFC 6749, 4.4.2: client credentials requests as bytes for the load generator, by secret and by RFC 7523 assertion.

The assertions are made with `cryptography` alone, so that what is measured does not make its own questions.
"""

import base64
import hashlib
import itertools
import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import quote, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

ASSERTION_LIFETIME: Final = 120
"""Seconds from minting to `exp`: minting and sending one round must fit."""

_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ES256: Final = ec.ECDSA(SHA256())


@dataclass(frozen=True, slots=True)
class SecretClient:
    """A client that authenticates with `client_secret_basic`."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class KeyClient:
    """A client that authenticates with `private_key_jwt`, ES256. `kid` is the RFC 7638 thumbprint."""

    client_id: str
    kid: str
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def generate(cls, client_id: str) -> Self:
        """Make a client with a fresh P-256 key."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(client_id, hashed_kid(_members(key)), key)

    def jwk(self) -> dict[str, str]:
        """Return the public key as the server is told it (RFC 7517)."""
        return {**_members(self.key), "kid": self.kid, "alg": "ES256", "use": "sig"}

    def assertions(self, audience: str, now: int) -> Iterator[str]:
        """Mint assertions for ever, each with a `jti` of its own; `now` is in seconds, read once."""
        header = _base64url(b'{"alg":"ES256","typ":"client-authentication+jwt","kid":"%s"}' % self.kid.encode())
        who = json.dumps({"iss": self.client_id, "sub": self.client_id, "aud": audience})[:-1]
        claims, run = f'{who},"iat":{now},"exp":{now + ASSERTION_LIFETIME},"jti":"', secrets.token_urlsafe(12)
        for number in itertools.count():
            signed = header + b"." + _base64url(f'{claims}{run}.{number}"}}'.encode())
            r, s = decode_dss_signature(self.key.sign(signed, _ES256))
            yield (signed + b"." + _base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))).decode()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A token endpoint, and the resource and scope to ask it for. `issuer` is the audience of assertions."""

    token_url: str
    issuer: str
    resource: str
    scope: str

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        parts = urlsplit(self.token_url)
        return parts.hostname or "", parts.port or 80

    def request(self, form: dict[str, str], *headers: str) -> bytes:
        """Return a whole request for a token: `form` with grant_type, resource and scope."""
        asked = {"grant_type": "client_credentials", "resource": self.resource, "scope": self.scope}
        body = urlencode({**asked, **form})
        parts = urlsplit(self.token_url)
        head = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Accept: application/json", *headers]
        head += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
        return ("\r\n".join(head) + "\r\n\r\n" + body).encode("ascii")


def by_secret(endpoint: Endpoint, clients: Sequence[SecretClient], count: int) -> Iterator[bytes]:
    """Return `count` requests with client_secret_basic (RFC 6749, 2.3.1), the clients in turn."""
    made = []
    for client in clients:
        pair = f"{quote(client.client_id, safe='')}:{quote(client.secret, safe='')}"
        made.append(endpoint.request({}, "Authorization: Basic " + base64.b64encode(pair.encode()).decode()))
    return itertools.islice(itertools.cycle(made), count)


def by_key(endpoint: Endpoint, clients: Sequence[KeyClient], count: int, now: int) -> Iterator[bytes]:
    """Return `count` requests with private_key_jwt (RFC 7523, 2.2), minted here and now, the clients in turn.

    `now` is in seconds; the requests are good for ASSERTION_LIFETIME and each of them only once.
    """
    sources = itertools.cycle([client.assertions(endpoint.issuer, now) for client in clients])
    form = {"client_assertion_type": _ASSERTION_TYPE}
    return iter([endpoint.request({**form, "client_assertion": next(next(sources))}) for _ in range(count)])


def hashed_kid(members: dict[str, str]) -> str:
    """Return the RFC 7638 thumbprint of a key's required members."""
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest()).decode()


def _members(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    point = key.public_key().public_numbers()
    x, y = (_base64url(number.to_bytes(32, "big")).decode() for number in (point.x, point.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
