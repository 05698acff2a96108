"""RFC 7517 and RFC 7638: JSON Web Keys, sets of them, and their thumbprints. Public keys for signatures only."""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any, Final, assert_never

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from accredit_sdk import strict_json
from accredit_sdk.algorithms import Algorithm, PublicKey, SigningKey, VerifyingKey

LIMIT: Final = 1_048_576
"""The longest key set document, in bytes."""

_MEMBERS: Final = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
_SECRET: Final = frozenset({"d", "dp", "dq", "k", "oth", "p", "q", "qi"})
_ALGORITHM: Final = {"EC": Algorithm.ES256, "OKP": Algorithm.EDDSA, "RSA": Algorithm.RS256}
_CURVE: Final = {"EC": "P-256", "OKP": "Ed25519", "RSA": None}
_LONGEST_KID: Final = 256


def generate(alg: Algorithm) -> SigningKey:
    """Return a fresh key pair; its id is its thumbprint. RSA keys have 2,048 bits."""
    match alg:
        case Algorithm.ES256:
            return _identified(alg, ec.generate_private_key(ec.SECP256R1()))
        case Algorithm.EDDSA:
            return _identified(alg, ed25519.Ed25519PrivateKey.generate())
        case Algorithm.RS256:
            return _identified(alg, rsa.generate_private_key(65537, 2048))
        case _:
            assert_never(alg)


def private_bytes(key: SigningKey) -> bytes:
    """Return the private key as unencrypted PKCS #8 DER (RFC 5208)."""
    return key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def signing_key(alg: Algorithm, der: bytes) -> SigningKey:
    """Return the key that `private_bytes` wrote; its id is its thumbprint. Raises ValueError."""
    try:
        return _identified(alg, load_der_private_key(der, None))
    except (TypeError, UnsupportedAlgorithm):
        raise ValueError("this is no private key that can be used here") from None


def public_jwk(key: VerifyingKey) -> dict[str, str]:
    """Return the public key as a JSON Web Key with `kid`, `alg` and `use`."""
    return {**_material(key.public), "kid": key.kid, "alg": key.alg.value, "use": "sig"}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638, 3: return the SHA-256 thumbprint of a key as base64url. Raises ValueError."""
    names = _MEMBERS.get(str(jwk.get("kty")))
    if names is None:
        raise ValueError("a key of an unknown type")
    return _text(hashlib.sha256(msgspec.json.encode({name: _string(jwk, name) for name in names})).digest())


def verifying_key(jwk: Mapping[str, Any]) -> VerifyingKey:
    """Return the public key that a JSON Web Key describes; without `kid` its id is its thumbprint.

    Raises ValueError for a key that is symmetric, private, of another curve or algorithm, not for signatures, or weak.
    """
    if not _SECRET.isdisjoint(jwk):
        raise ValueError("a secret or private key where a public one belongs")
    kty = _string(jwk, "kty")
    if kty not in _MEMBERS:
        raise ValueError("kty is none of EC, OKP and RSA")
    if jwk.get("crv") != _CURVE[kty] or jwk.get("alg", _ALGORITHM[kty]) != _ALGORITHM[kty]:
        raise ValueError("not a key for ES256, EdDSA (Ed25519) or RS256")
    if jwk.get("use", "sig") != "sig" or "verify" not in _operations(jwk):
        raise ValueError("the key is not for signatures")
    return VerifyingKey(_kid(jwk), _ALGORITHM[kty], _public(jwk, kty))


def key_set(entries: Iterable[object]) -> dict[str, VerifyingKey]:
    """Return the usable ones of some JSON Web Keys by their ids; the others are left out (RFC 7517, 5).

    Raises ValueError when two usable keys have the same id.
    """
    found: dict[str, VerifyingKey] = {}
    for entry in entries:
        try:
            key = verifying_key(entry) if isinstance(entry, Mapping) else None
        except ValueError:
            key = None
        if key is not None and found.setdefault(key.kid, key) is not key:
            raise ValueError("two keys have the same kid")
    return found


def parse_jwks(document: bytes) -> dict[str, VerifyingKey]:
    """Return the usable keys of a JSON Web Key Set by their ids, as `key_set` does. Raises ValueError."""
    if len(document) > LIMIT:
        raise ValueError("the key set is too long")
    entries = strict_json.decode_object(document).get("keys")
    if not isinstance(entries, list):
        raise ValueError("a key set has an array of keys")
    return key_set(entries)


def _identified(alg: Algorithm, private: object) -> SigningKey:
    if not isinstance(private, ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey):
        raise ValueError("a private key of an unknown type")
    public = VerifyingKey("", alg, private.public_key()).public
    return SigningKey(thumbprint(_material(public)), alg, private)


def _material(public: PublicKey) -> dict[str, str]:
    match public:
        case ec.EllipticCurvePublicKey():
            numbers = public.public_numbers()
            x, y = (_text(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        case ed25519.Ed25519PublicKey():
            return {"kty": "OKP", "crv": "Ed25519", "x": _text(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}
        case _:
            modulus = public.public_numbers()
            n, e = (_text(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (modulus.n, modulus.e))
            return {"kty": "RSA", "n": n, "e": e}


def _public(jwk: Mapping[str, Any], kty: str) -> PublicKey:
    match kty:
        case "EC":
            # RFC 7518, 6.2.1.2: coordinates have full length. `public_key` refuses a point that is not on the curve.
            x, y = _number(jwk, "x", 32), _number(jwk, "y", 32)
            return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        case "OKP":
            return ed25519.Ed25519PublicKey.from_public_bytes(_ed25519_point(_bytes(jwk, "x")))
        case _:
            return rsa.RSAPublicNumbers(_short(jwk, "e", 8), _short(jwk, "n", 1024)).public_key()


def _ed25519_point(point: bytes) -> bytes:
    """Refuse the few points of small order, for which anybody can make signatures (RFC 8032, 5.1.7; RFC 7748, 7)."""
    prime = 2**255 - 19
    y = int.from_bytes(point, "little") & ((1 << 255) - 1)
    d = -121665 * pow(121666, -1, prime)
    # Order 1, 2 and 4: y is 1, -1 or 0. Order 8: doubling gives order 4, which is so when y⁴·d + 2·y² = 1.
    if y >= prime or y in (0, 1, prime - 1) or (d * y**4 + 2 * y * y - 1) % prime == 0:
        raise ValueError("a weak key")
    return point


def _kid(jwk: Mapping[str, Any]) -> str:
    if "kid" not in jwk:
        return thumbprint(jwk)
    kid = _string(jwk, "kid")
    if not 0 < len(kid) <= _LONGEST_KID or not kid.isascii() or not kid.isprintable():
        raise ValueError("kid is 1 to 256 printable ASCII characters")
    return kid


def _operations(jwk: Mapping[str, Any]) -> list[object]:
    found = jwk.get("key_ops", ["verify"])
    return found if isinstance(found, list) else []


def _string(jwk: Mapping[str, Any], name: str) -> str:
    found = jwk.get(name)
    if not isinstance(found, str):
        raise ValueError(f"{name} is missing or no text")
    return found


def _bytes(jwk: Mapping[str, Any], name: str) -> bytes:
    text = _string(jwk, name)
    try:
        found = urlsafe_b64decode(text.encode("ascii") + b"==")
    except ValueError:
        found = b""
    if _text(found) != text:
        raise ValueError(f"{name} is not base64url")
    return found


def _number(jwk: Mapping[str, Any], name: str, length: int) -> int:
    """Read a number of exactly `length` bytes."""
    found = _bytes(jwk, name)
    if len(found) != length:
        raise ValueError(f"{name} has not {length} bytes")
    return int.from_bytes(found, "big")


def _short(jwk: Mapping[str, Any], name: str, most: int) -> int:
    """Read a number without leading zeros (RFC 7518, 2), of at most `most` bytes: checking costs no more than usual."""
    found = _bytes(jwk, name)
    if found.startswith(b"\x00") or len(found) > most:
        raise ValueError(f"{name} begins with a zero or is too long")
    return int.from_bytes(found, "big")


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")
