"""RFC 7515: compact JSON Web Signatures: ES256, EdDSA and RS256, the algorithm pinned to the key, nothing optional."""

import binascii
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from accredit_sdk.errors import InvalidToken, Problem

MAX_BYTES: Final = 65_536
"""The longest token that is looked at."""

_REFUSED: Final = frozenset({"crit", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "b64", "zip", "enc"})
_ALPHABET: Final = re.compile(rb"[A-Za-z0-9_-]*")
_ECDSA: Final = ec.ECDSA(hashes.SHA256())


class Algorithm(StrEnum):
    """Signature algorithms (RFC 7518, 3; RFC 8037)."""

    ES256 = "ES256"
    EDDSA = "EdDSA"
    RS256 = "RS256"


PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key that verifies one algorithm only."""

    kid: str
    alg: Algorithm
    public: PublicKey

    def verifies(self, signed: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's signature of `signed`; it must have exactly the right length."""
        try:
            if isinstance(self.public, ec.EllipticCurvePublicKey):
                if len(signature) != 64:
                    return False
                r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
                self.public.verify(encode_dss_signature(r, s), signed, _ECDSA)
            elif isinstance(self.public, ed25519.Ed25519PublicKey):
                self.public.verify(signature, signed)
            else:
                self.public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key that signs with one algorithm only."""

    kid: str
    alg: Algorithm
    private: PrivateKey

    def verifying(self) -> VerifyingKey:
        """Return the public half."""
        return VerifyingKey(self.kid, self.alg, self.private.public_key())

    def signature(self, data: bytes) -> bytes:
        """Return the signature of `data` (RFC 7518, 3.3 and 3.4; RFC 8037, 3.1)."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self.private.sign(data, _ECDSA))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(data)
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Parsed:
    """A token taken apart; nothing of it has been verified."""

    kid: str | None
    alg: str
    typ: str | None
    payload: bytes
    signing_input: bytes
    signature: bytes


def sign(key: SigningKey, typ: str, payload: bytes) -> str:
    """Return the compact serialisation of `payload` signed by `key` (RFC 7515, 7.1)."""
    signed = _header(key.alg.value, key.kid, typ) + urlsafe_b64encode(payload).rstrip(b"=")
    return (signed + b"." + urlsafe_b64encode(key.signature(signed)).rstrip(b"=")).decode("ascii")


@lru_cache(maxsize=256)
def _header(alg: str, kid: str, typ: str) -> bytes:
    return urlsafe_b64encode(msgspec.json.encode({"alg": alg, "kid": kid, "typ": typ})).rstrip(b"=") + b"."


def parse(token: str | bytes) -> Parsed:
    """Take a compact token apart, strictly. Raises InvalidToken."""
    raw = token if isinstance(token, bytes) else token.encode("utf-8", "surrogatepass")
    parts = raw.split(b".") if len(raw) <= MAX_BYTES else []
    if len(parts) != 3:
        raise InvalidToken(Problem.MALFORMED, "not three parts, or too long")
    alg, kid, typ = _read_header(parts[0])
    return Parsed(kid, alg, typ, _decoded(parts[1]), raw[: raw.rfind(b".")], _decoded(parts[2]))


@lru_cache(maxsize=1024)
def _read_header(part: bytes) -> tuple[str, str | None, str | None]:
    try:
        members = json.loads(_decoded(part).decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        raise InvalidToken(Problem.MALFORMED, "the header is not JSON") from None
    if not isinstance(members, dict) or not _REFUSED.isdisjoint(members):
        raise InvalidToken(Problem.MALFORMED, "the header is no object, or has a member that is never accepted")
    alg, kid, typ = members.get("alg"), members.get("kid"), members.get("typ")
    if not isinstance(alg, str) or not isinstance(kid, str | None) or not isinstance(typ, str | None):
        raise InvalidToken(Problem.MALFORMED, "alg, kid and typ of the header must be texts")
    return alg, kid, typ


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found


def _decoded(part: bytes) -> bytes:
    """Decode base64url without padding, junk or loose last bits (RFC 7515, 2)."""
    if _ALPHABET.fullmatch(part) is None:
        raise InvalidToken(Problem.MALFORMED, "not base64url")
    try:
        raw = urlsafe_b64decode(part + b"=" * (-len(part) % 4))
    except binascii.Error:
        raise InvalidToken(Problem.MALFORMED, "not base64url") from None
    if part and urlsafe_b64encode(raw[-(len(raw) % 3 or 3) :]).rstrip(b"=") != part[-(len(part) % 4 or 4) :]:
        raise InvalidToken(Problem.MALFORMED, "not canonical base64url")
    return raw


def verify(token: str | bytes, keys: Mapping[str, VerifyingKey], typ: str) -> bytes:
    """Return the payload of a token of type `typ` that one of `keys` signed. Raises InvalidToken."""
    parsed = parse(token)
    stated = (parsed.typ or "").lower().removeprefix("application/")
    if stated != typ.lower():
        raise InvalidToken(Problem.TYPE, f"the token is not of the type {typ}")
    key = keys.get(parsed.kid) if parsed.kid is not None else None
    if key is None:
        raise InvalidToken(Problem.UNKNOWN_KEY, "no known key has this key id")
    if parsed.alg != key.alg.value:
        raise InvalidToken(Problem.ALGORITHM, "the key is for another algorithm")
    if not key.verifies(parsed.signing_input, parsed.signature):
        raise InvalidToken(Problem.SIGNATURE, "the signature is wrong")
    return parsed.payload
