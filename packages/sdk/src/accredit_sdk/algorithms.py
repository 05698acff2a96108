"""RFC 7518, 3, and RFC 8037, 3.1: signatures with ES256, EdDSA (Ed25519) and RS256, on `cryptography`.

A key object knows the one algorithm that it is used with, and refuses to exist for another (RFC 8725, 3.1).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey
"""A public key as `cryptography` has it."""

PrivateKey: TypeAlias = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
"""A private key as `cryptography` has it."""

_RSA_BITS: Final = range(2048, 8193)
_SHA256: Final = SHA256()
_ECDSA: Final = ec.ECDSA(_SHA256)
_PKCS1: Final = padding.PKCS1v15()


class Algorithm(StrEnum):
    """The algorithms in use, by their names in a JWS header."""

    ES256 = "ES256"
    EDDSA = "EdDSA"
    RS256 = "RS256"


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A public key, its id, and its algorithm. Raises ValueError for a key of another kind, curve or strength."""

    kid: str
    alg: Algorithm
    public: PublicKey = field(repr=False)

    def __post_init__(self) -> None:
        if not _fits(self.alg, self.public):
            raise ValueError(f"this is no key for {self.alg}")

    def signed(self, signature: bytes, data: bytes) -> bool:
        """Tell whether `signature`, in its JWS form, is this key's over `data`."""
        try:
            match self.public:
                case ec.EllipticCurvePublicKey():
                    if len(signature) != 64:
                        return False
                    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
                    self.public.verify(encode_dss_signature(r, s), data, _ECDSA)
                case ed25519.Ed25519PublicKey():
                    self.public.verify(signature, data)
                case _:
                    self.public.verify(signature, data, _PKCS1, _SHA256)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key, its id, and its algorithm. Raises ValueError for a key of another kind, curve or strength."""

    kid: str
    alg: Algorithm
    private: PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        self.verifying()

    def verifying(self) -> VerifyingKey:
        """Return the public half."""
        return VerifyingKey(self.kid, self.alg, self.private.public_key())

    def sign(self, data: bytes) -> bytes:
        """Return the signature over `data` in its JWS form: R and S of 32 bytes each for ES256 (RFC 7518, 3.4)."""
        match self.private:
            case ec.EllipticCurvePrivateKey():
                r, s = decode_dss_signature(self.private.sign(data, _ECDSA))
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")
            case ed25519.Ed25519PrivateKey():
                return self.private.sign(data)
            case _:
                return self.private.sign(data, _PKCS1, _SHA256)


def _fits(alg: Algorithm, public: object) -> bool:
    match public:
        case ec.EllipticCurvePublicKey():
            return alg is Algorithm.ES256 and isinstance(public.curve, ec.SECP256R1)
        case ed25519.Ed25519PublicKey():
            return alg is Algorithm.EDDSA
        case rsa.RSAPublicKey():
            return alg is Algorithm.RS256 and public.key_size in _RSA_BITS
    return False
