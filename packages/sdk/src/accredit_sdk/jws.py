"""RFC 7515: compact JWS, read strictly.

The key decides on the algorithm, never the token, and nothing in a header chooses a key but `kid`, which is looked up
in a table (RFC 7515, 10.6; RFC 8725, 3.1 and 3.10).
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import msgspec

from accredit_sdk import strict_json
from accredit_sdk.algorithms import Algorithm, SigningKey, VerifyingKey
from accredit_sdk.errors import InvalidToken, Problem

__all__ = ["LIMIT", "Algorithm", "Parsed", "SigningKey", "VerifyingKey", "parse", "sign", "verify"]

LIMIT: Final = 16_384
"""The longest token, in characters, unless a caller says otherwise."""

_LONGEST_HEADER: Final = 2048
_REFUSED: Final = frozenset({"b64", "crit", "jku", "jwk", "x5c", "x5u"})
_ALGORITHMS: Final = frozenset(alg.value for alg in Algorithm)


class Parsed(msgspec.Struct, frozen=True, gc=False):
    """The parts of a compact JWS, decoded. Nothing is verified yet."""

    kid: str | None
    alg: str
    typ: str | None
    payload: bytes
    signing_input: bytes
    signature: bytes


class _Header(msgspec.Struct, frozen=True, gc=False):
    alg: str
    kid: str | None = None
    typ: str | None = None


def sign(key: SigningKey, typ: str, payload: bytes) -> str:
    """Return the compact JWS of `payload`, whose header holds `alg`, `kid` and `typ` and nothing else."""
    signing_input = _header_part(key.alg, key.kid, typ) + urlsafe_b64encode(payload).rstrip(b"=")
    return f"{signing_input.decode()}.{urlsafe_b64encode(key.sign(signing_input)).rstrip(b'=').decode()}"


def parse(token: str | bytes, limit: int = LIMIT) -> Parsed:
    """Take a compact JWS of at most `limit` characters apart (RFC 7515, 5.2, steps 1 to 7). Raises InvalidToken."""
    if len(token) > limit:
        raise _malformed("too long")
    try:
        data = token.encode("ascii") if isinstance(token, str) else token
    except UnicodeEncodeError:
        raise _malformed("not ASCII") from None
    parts = data.split(b".", 3)
    if len(parts) != 3:
        raise _malformed("not three parts")
    first, payload, signature = parts
    header = _header(first)
    signing_input = data[: len(first) + 1 + len(payload)]
    return Parsed(header.kid, header.alg, header.typ, _decoded(payload), signing_input, _decoded(signature))


def verify(token: str | bytes, keys: Mapping[str, VerifyingKey], typ: str, limit: int = LIMIT) -> bytes:
    """Return the payload of a token of type `typ` that one of `keys`, which are named by their ids, has signed.

    `typ` is a media type: compared in any case, with or without `application/` (RFC 7515, 4.1.9). Raises InvalidToken.
    """
    parsed = parse(token, limit)
    if parsed.alg not in _ALGORITHMS:
        raise InvalidToken(Problem.ALGORITHM, "an algorithm that is not in use")
    if parsed.typ is None or (parsed.typ != typ and _media_type(parsed.typ) != _media_type(typ)):
        raise InvalidToken(Problem.TYPE, "another type of token")
    key = keys.get(parsed.kid) if parsed.kid is not None else None
    if key is None:
        raise InvalidToken(Problem.UNKNOWN_KEY, "no kid" if parsed.kid is None else "no key with this kid")
    if parsed.alg != key.alg:
        raise InvalidToken(Problem.ALGORITHM, "not the algorithm of the key")
    if not key.signed(parsed.signature, parsed.signing_input):
        raise InvalidToken(Problem.SIGNATURE, "the signature is wrong")
    return parsed.payload


def _malformed(detail: str) -> InvalidToken:
    return InvalidToken(Problem.MALFORMED, detail)


@lru_cache(maxsize=256)
def _header_part(alg: str, kid: str, typ: str) -> bytes:
    return urlsafe_b64encode(msgspec.json.encode({"alg": alg, "kid": kid, "typ": typ})).rstrip(b"=") + b"."


@lru_cache(maxsize=1024)
def _header(part: bytes) -> _Header:
    """Read an encoded header. The same few come again and again; what is refused is not remembered."""
    if len(part) > _LONGEST_HEADER:
        raise _malformed("the header is too long")
    try:
        members = strict_json.decode_object(_decoded(part))
        header = msgspec.convert(members, _Header)
    except (msgspec.ValidationError, ValueError):
        raise _malformed("the header is no JSON object with a text as alg") from None
    if not _REFUSED.isdisjoint(members):
        raise _malformed("the header has a member that is refused")
    return header


def _decoded(part: bytes) -> bytes:
    """Decode base64url (RFC 7515, 2) in its one right spelling: no padding, no spare bits, nothing else."""
    try:
        found = urlsafe_b64decode(part + b"==")
    except ValueError:
        raise _malformed("not base64url") from None
    if urlsafe_b64encode(found).rstrip(b"=") != part:
        raise _malformed("not canonical base64url")
    return found


def _media_type(typ: str) -> str:
    folded = typ.lower() if typ.isascii() else typ
    return folded if "/" in folded else f"application/{folded}"
