"""RFC 7523, 3: assertions with which a client shows that it has its private key. Pure."""

from typing import Final

import msgspec

from accredit_sdk import jws

TYPE: Final = "client-authentication+jwt"
"""The `typ` of a client assertion."""

PARAMETER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""The value of `client_assertion_type` (RFC 7523, 2.2)."""

LIFETIME: Final = 60
"""Seconds that an assertion is good for; it is used once, at once."""


def sign(key: jws.SigningKey, client_id: str, audience: str, now: int, jti: str) -> str:
    """Return an assertion of the client for one audience, an issuer, at `now` (seconds UTC). `jti` is fresh."""
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": jti,
        "iat": now,
        "exp": now + LIFETIME,
    }
    return jws.sign(key, TYPE, msgspec.json.encode(claims))
