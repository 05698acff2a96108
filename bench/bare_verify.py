"""The yardstick of the guard: ES256 verifies with nothing around them, on `cryptography`."""

import itertools
import time
from collections.abc import Iterable
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from accredit_sdk.jws import Parsed

_ES256: Final = ec.ECDSA(SHA256())


class BareVerify:
    """A key, and pairs of a signature (DER, as `cryptography` wants it) and what was signed."""

    def __init__(self, public: ec.EllipticCurvePublicKey, signed: Iterable[tuple[bytes, bytes]]) -> None:
        self._public = public
        self._signed = tuple(signed)

    @classmethod
    def generate(cls, size: int = 400) -> Self:
        """Make a key and one signature over `size` bytes; 400 is the signed part of an access token."""
        key, data = ec.generate_private_key(ec.SECP256R1()), bytes(size)
        return cls(key.public_key(), [(key.sign(data, _ES256), data)])

    @classmethod
    def of(cls, public: ec.EllipticCurvePublicKey, tokens: Iterable[Parsed]) -> Self:
        """Take the signatures of `tokens`, which `public` verifies."""
        return cls(public, [(_der(token.signature), token.signing_input) for token in tokens])

    def cpu_ns(self, count: int) -> int:
        """Return the ns of CPU that `count` verifies take, the signatures in turn."""
        verify, signed = self._public.verify, list(itertools.islice(itertools.cycle(self._signed), count))
        before = time.process_time_ns()
        for signature, data in signed:
            verify(signature, data, _ES256)
        return time.process_time_ns() - before


def _der(signature: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
