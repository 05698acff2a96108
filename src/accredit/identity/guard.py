"""Guards: enforcement points with an identity of their own, enrolled once by a one-time code."""

import hashlib
from dataclasses import dataclass
from typing import Final

CODE_LIFETIME: Final = 15 * 60 * 1_000_000
"""How long an enrolment code can be used: 15 minutes, in microseconds."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An open invitation for one guard of one server. The code itself is shown once and never stored."""

    id: str
    server: str
    slug: str
    code_digest: bytes
    created_at: int
    expires_at: int
    taken_at: int | None = None

    def open(self, now: int) -> bool:
        """Tell whether the code can still be used at `now` (microseconds UTC)."""
        return self.taken_at is None and now < self.expires_at


def code_digest(code: str) -> bytes:
    """Return what is stored of a one-time code: its SHA-256."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).digest()
