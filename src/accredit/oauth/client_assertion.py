"""RFC 7523, 3: client assertions (`private_key_jwt`), single use, for this issuer only."""

import functools
from collections.abc import Sequence
from typing import Final

import msgspec

from accredit.identity.changes import UseJti
from accredit.identity.credential import Credential
from accredit_sdk import jws, keys, strict_json
from accredit_sdk.errors import InvalidToken

TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""The value of `client_assertion_type` (RFC 7523, 2.2)."""

MAX_LIFETIME: Final = 300
"""How far ahead `exp` may be, in seconds; a longer memory for `jti` would be a longer list to search."""

LEEWAY: Final = 30
"""Clock tolerance in seconds."""

MAX_JTI: Final = 256
"""The longest `jti`, in characters of printable ASCII."""

_TYPES: Final = frozenset({"jwt", "client-authentication+jwt"})


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | tuple[str, ...]
    exp: int
    jti: str
    nbf: int | None = None
    iat: int | None = None


def claimed_client(assertion: str) -> str | None:
    """Return the `sub` that the assertion claims, unverified, or None when it cannot be read."""
    try:
        return _claims(jws.parse(assertion).payload).sub
    except (InvalidToken, ValueError):
        return None


def verify(
    assertion: str, client_id: str, credentials: Sequence[Credential], audience: str, now: int, since: int = 0
) -> tuple[Credential, UseJti] | str:
    """Judge an assertion at `now` (microseconds UTC) against the public keys of the client.

    Returns the credential that signed it and the claim to win, or the reason for the operator. `aud` must be the
    issuer as a single string: an assertion for another server can then never be used here, nor ours elsewhere. What was
    used before `since` (microseconds UTC) is not remembered, so nothing that could be from before it counts.
    """
    by_kid = {_key(item.material).kid: item for item in credentials}
    try:
        parsed = jws.parse(assertion)
        kind = (parsed.typ or "").lower().removeprefix("application/")
        if kind not in _TYPES:
            return "the assertion is not of a type for client authentication"
        payload = jws.verify(assertion, {kid: _key(item.material) for kid, item in by_kid.items()}, kind)
        claims = _claims(payload)
    except InvalidToken as error:
        return f"the assertion is not acceptable: {error.problem.value}"
    except ValueError:
        return "the assertion's claims are malformed"
    wrong = _wrong(claims, client_id, audience, now // 1_000_000)
    if wrong is not None:
        return wrong
    if _forgotten(claims, now // 1_000_000, since // 1_000_000):
        return "the assertion may have been used before the backup was restored; iat must say that it is newer"
    assert parsed.kid is not None  # noqa: S101  (jws.verify found the key by it)
    # The memory outlasts the assertion by the tolerance once more: the clocks of two nodes need not agree.
    return by_kid[parsed.kid], UseJti(client_id, claims.jti, (claims.exp + 2 * LEEWAY) * 1_000_000)


def _wrong(claims: _Claims, client_id: str, audience: str, seconds: int) -> str | None:
    if claims.iss != client_id or claims.sub != client_id:
        return "iss and sub of the assertion must both be the client_id"
    if claims.aud != audience:
        return "aud of the assertion must be the issuer, as a single string"
    if not 0 < len(claims.jti) <= MAX_JTI or not claims.jti.isascii() or not claims.jti.isprintable():
        return f"jti of the assertion must be 1 to {MAX_JTI} printable ASCII characters"
    return _wrong_time(claims, seconds)


def _wrong_time(claims: _Claims, seconds: int) -> str | None:
    if claims.exp + LEEWAY <= seconds:
        return "the assertion has expired"
    if claims.exp > seconds + MAX_LIFETIME + LEEWAY:
        return "the assertion lives too long; five minutes are the most"
    if claims.nbf is not None and claims.nbf > seconds + LEEWAY:
        return "the assertion is not valid yet"
    if claims.iat is not None and not -MAX_LIFETIME - LEEWAY <= claims.iat - seconds <= LEEWAY:
        return "the assertion was issued in the future, or too long ago"
    return None


def _forgotten(claims: _Claims, seconds: int, since: int) -> bool:
    """Tell whether an assertion that is good at `seconds` could have been used before `since` already."""
    if seconds > since + MAX_LIFETIME + 2 * LEEWAY:
        return False
    return claims.iat is None or claims.iat <= since + LEEWAY


def _claims(payload: bytes) -> _Claims:
    """Read claims, each of which may be there once. Raises ValueError."""
    return msgspec.convert(strict_json.decode_object(payload), _Claims)


@functools.lru_cache(maxsize=4096)
def _key(material: bytes) -> jws.VerifyingKey:
    return keys.verifying_key(msgspec.json.decode(material))
