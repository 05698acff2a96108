"""RFC 5869: a key of its own for every use, derived from the master key; private keys are sealed under one of them."""

from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MASTER_KEY_BYTES: Final = 32
"""Length of the master key."""

_NONCE_BYTES: Final = 12


class WrongMasterKey(ValueError):
    """What was sealed does not open: another master key, or altered data."""


@dataclass(frozen=True, slots=True, repr=False)
class MasterKey:
    """The one secret of a deployment; it is never in the database. `raw` is 32 bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != MASTER_KEY_BYTES:
            raise ValueError("the master key must be exactly 32 bytes")
        if len(set(self.raw)) < 8:
            raise ValueError("the master key is a placeholder; generate a random one")

    def derive(self, label: str, context: bytes = b"") -> bytes:
        """Return 32 bytes for the use named `label` (HKDF-SHA-256), bound to `context`."""
        info = b"accredit/" + label.encode("ascii") + b"\x00" + context
        return HKDF(hashes.SHA256(), 32, None, info).derive(self.raw)

    def check(self) -> bytes:
        """Return a value that tells whether a database belongs to this key, and nothing about the key."""
        return self.derive("check")

    def seal(self, plain: bytes, context: bytes, nonce: bytes) -> bytes:
        """Encrypt `plain` (AES-256-GCM), bound to `context`. `nonce` is 12 fresh random bytes."""
        if len(nonce) != _NONCE_BYTES:
            raise ValueError("sealing takes exactly 12 random bytes")
        return nonce + AESGCM(self.derive("seal")).encrypt(nonce, plain, context)

    def open(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt what `seal` made for the same `context`. Raises WrongMasterKey."""
        try:
            return AESGCM(self.derive("seal")).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
        except (InvalidTag, ValueError) as error:
            raise WrongMasterKey("sealed data does not open with this master key") from error
