"""What a request was answered that is carried out once, however often it is sent with the same key."""

from dataclasses import dataclass
from typing import Final

LIFETIME: Final = 24 * 3600 * 1_000_000
"""How long an answer is kept at least, in microseconds."""


@dataclass(frozen=True, slots=True, repr=False)
class KeptAnswer:
    """An answer as it is given again: HTTP `status`, the `tag` of what it shows or nothing, and JSON without secrets.

    `key` is the SHA-256 of the caller and the key that they chose, `request` that of what they asked for.
    """

    key: bytes
    request: bytes
    status: int
    tag: str
    answer: bytes
    expires_at: int
