"""The yardstick of the guard: one ES256 verify with nothing around it, on `cryptography`."""

import time
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_ES256: Final = ec.ECDSA(SHA256())
_DATA: Final = bytes(400)
"""As long as the signed part of an access token."""


class BareVerify:
    """A key and a signature in DER, as `cryptography` wants it."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self._public = key.public_key()
        self._signature = key.sign(_DATA, _ES256)

    def cpu_ns(self, count: int) -> int:
        """Return the ns of CPU that `count` verifies take."""
        verify, signature = self._public.verify, self._signature
        before = time.process_time_ns()
        for _ in range(count):
            verify(signature, _DATA, _ES256)
        return time.process_time_ns() - before
