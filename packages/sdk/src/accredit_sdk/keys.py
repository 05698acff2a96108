"""RFC 7517 and RFC 7638: JSON Web Keys, key sets and thumbprints. Public keys only, strong ones only."""

import binascii
import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from accredit_sdk.jws import Algorithm, PrivateKey, SigningKey, VerifyingKey

RSA_BITS: Final = 2048
"""The smallest RSA key that is accepted, and the size of the ones that are made."""

_MEMBERS: Final = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class KeyRefused(ValueError):
    """A JSON Web Key that will not be used; the message says why."""


def generate(alg: Algorithm) -> SigningKey:
    """Return a new signing key; its id is its thumbprint (RFC 7638)."""
    private: PrivateKey
    if alg is Algorithm.ES256:
        private = ec.generate_private_key(ec.SECP256R1())
    elif alg is Algorithm.EDDSA:
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = rsa.generate_private_key(65537, RSA_BITS)
    return _named(alg, private)


def _named(alg: Algorithm, private: PrivateKey) -> SigningKey:
    unnamed = VerifyingKey("", alg, private.public_key())
    return SigningKey(thumbprint(public_jwk(unnamed)), alg, private)


def public_jwk(key: VerifyingKey) -> dict[str, str]:
    """Return the JSON Web Key of a public key, with `kid`, `alg` and `use` (RFC 7517, 4)."""
    named = {"kid": key.kid, "alg": key.alg.value, "use": "sig"}
    if isinstance(key.public, ec.EllipticCurvePublicKey):
        point = key.public.public_numbers()
        return {"kty": "EC", "crv": "P-256", "x": _number(point.x, 32), "y": _number(point.y, 32), **named}
    if isinstance(key.public, ed25519.Ed25519PublicKey):
        raw = key.public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return {"kty": "OKP", "crv": "Ed25519", "x": _text(raw), **named}
    numbers = key.public.public_numbers()
    return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e), **named}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """Return the SHA-256 thumbprint of a key (RFC 7638, 3). Raises KeyRefused for an unknown key type."""
    members = _MEMBERS.get(jwk.get("kty", ""))
    if members is None or any(not isinstance(jwk.get(name), str) for name in members):
        raise KeyRefused("the key type is unknown, or a member is missing")
    return _text(hashlib.sha256(msgspec.json.encode({name: jwk[name] for name in members})).digest())


def verifying_key(jwk: Mapping[str, Any]) -> VerifyingKey:
    """Return the public key of a JSON Web Key. Raises KeyRefused: private, symmetric, weak or off its curve.

    A key without `kid` gets its thumbprint. `alg`, `use` and `key_ops` may be absent but must not speak against it.
    """
    if not _PRIVATE.isdisjoint(jwk):
        raise KeyRefused("this is a private or symmetric key; give the public one, and replace it if it is in use")
    if jwk.get("use", "sig") != "sig" or "verify" not in jwk.get("key_ops", ("verify",)):
        raise KeyRefused("the key is not for signatures")
    own = thumbprint(jwk)
    kid = jwk.get("kid", own)
    if not isinstance(kid, str) or not 0 < len(kid) <= 256:
        raise KeyRefused("kid must be a text of at most 256 characters")
    key = _loaded(jwk, kid)
    if jwk.get("alg", key.alg.value) != key.alg.value:
        raise KeyRefused(f"a key of this type is for {key.alg.value} only")
    return key


def _loaded(jwk: Mapping[str, Any], kid: str) -> VerifyingKey:
    kind = (jwk["kty"], jwk.get("crv"))
    try:
        if kind == ("EC", "P-256"):
            x, y = _raw(jwk["x"], 32), _raw(jwk["y"], 32)
            point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
            return VerifyingKey(kid, Algorithm.ES256, point)
        if kind == ("OKP", "Ed25519"):
            return VerifyingKey(kid, Algorithm.EDDSA, ed25519.Ed25519PublicKey.from_public_bytes(_raw(jwk["x"], 32)))
        if kind[0] == "RSA":
            return _rsa(jwk, kid)
    except KeyRefused:
        raise
    except ValueError:
        raise KeyRefused("the key is damaged or not on its curve") from None
    raise KeyRefused("the curve is not supported; use P-256 or Ed25519")


def _rsa(jwk: Mapping[str, Any], kid: str) -> VerifyingKey:
    n, e = int.from_bytes(_raw(jwk["n"]), "big"), int.from_bytes(_raw(jwk["e"]), "big")
    if not RSA_BITS <= n.bit_length() <= 8192 or e != 65537:
        raise KeyRefused(f"an RSA key must have {RSA_BITS} to 8192 bits and the exponent 65537")
    return VerifyingKey(kid, Algorithm.RS256, rsa.RSAPublicNumbers(e, n).public_key())


def parse_jwks(document: bytes) -> dict[str, VerifyingKey]:
    """Return the usable keys of a key set by id (RFC 7517, 5).

    Keys of unknown types or for other uses are left out, as the RFC says. Raises KeyRefused when it is no key set, or
    an id is there twice.
    """
    try:
        entries = msgspec.json.decode(document)["keys"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError, TypeError):
        raise KeyRefused("this is not a key set") from None
    if not isinstance(entries, list):
        raise KeyRefused("this is not a key set")
    return verifying_keys(entries)


def verifying_keys(entries: list[Any]) -> dict[str, VerifyingKey]:
    """Return the usable ones of a list of JSON Web Keys by id. Raises KeyRefused when an id is there twice."""
    found: dict[str, VerifyingKey] = {}
    for entry in entries:
        try:
            key = verifying_key(entry)
        except (KeyRefused, TypeError, AttributeError):
            continue
        if key.kid in found:
            raise KeyRefused("the key set has a key id twice")
        found[key.kid] = key
    return found


def private_bytes(key: SigningKey) -> bytes:
    """Return the private key as unencrypted PKCS #8 DER: for sealing, never for storing as it is."""
    return key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def signing_key(alg: Algorithm, der: bytes) -> SigningKey:
    """Return the signing key that `private_bytes` wrote. Raises KeyRefused when it is not for `alg`."""
    private = load_der_private_key(der, None)
    fits = {
        Algorithm.ES256: ec.EllipticCurvePrivateKey,
        Algorithm.EDDSA: ed25519.Ed25519PrivateKey,
        Algorithm.RS256: rsa.RSAPrivateKey,
    }[alg]
    if not isinstance(private, fits):
        raise KeyRefused(f"the key is not for {alg.value}")
    return _named(alg, private)  # type: ignore[arg-type]


def _number(value: int, size: int | None = None) -> str:
    return _text(value.to_bytes(size or (value.bit_length() + 7) // 8, "big"))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def _raw(text: str, size: int | None = None) -> bytes:
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise KeyRefused("a number of the key is not base64url") from None
    if _text(raw) != text or (size is not None and len(raw) != size):
        raise KeyRefused("a number of the key has the wrong length or form")
    return raw
