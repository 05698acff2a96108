"""RFC 5869: a key of its own for every use, derived from the master key; private keys are sealed under one of them."""

from dataclasses import dataclass
from itertools import pairwise
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
        if _placeholder(self.raw):
            raise ValueError("the master key is a placeholder; make a random one: openssl rand -base64 32 | tr +/ -_")

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


def _placeholder(raw: bytes) -> bool:
    """Tell whether no generator made `raw`: few values, a repeated pattern, equal steps, or a text that was typed.

    Of random keys, fewer than one in 10^13 looks so.
    """
    return (
        len(set(raw)) < 8
        or any(raw == (raw[:period] * MASTER_KEY_BYTES)[:MASTER_KEY_BYTES] for period in range(1, 17))
        or len({(after - before) % 256 for before, after in pairwise(raw)}) == 1
        or all(0x20 <= byte < 0x7F for byte in raw)
    )
