"""RFC 9562, 5.7: ids are a prefix that tells the kind, and the 26 base32 characters of a UUIDv7. Pure.

The alphabet is base32hex in lower case (RFC 4648, 7), so ids of one kind sort by the time they were made.
"""

from functools import lru_cache
from typing import Final

RANDOM_BYTES: Final = 16
"""How many random bytes an id takes, one for each character that is random; 74 bits of them are used."""

_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuv"
_DIGITS: Final = (_ALPHABET * 8).encode()
_LAST_MS: Final = 0xFFFF_FFFF_FFFF
_CHANCE: Final = int.from_bytes(bytes([0b00111, 0b11111, 0b11110, 0b01111, *[0b11111] * 11, 0b11100]), "big")
_FIXED: Final = int.from_bytes(bytes([0b11000, 0b00000, 0b00001, 0b00000, *[0b00000] * 12]), "big")
"""Of the five bits of each of the last 16 characters: which are random, and the others.

They hold the end of the version, rand_a (12 bits), the variant, rand_b (62) and two zeros.
"""


def encode(prefix: str, unix_ms: int, random: bytes) -> str:
    """Return `prefix` and the UUIDv7 of `unix_ms` (milliseconds UTC) and 16 random bytes.

    Raises ValueError unless `random` holds exactly 16 bytes and the time fits into 48 bits.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError("an id takes exactly sixteen random bytes")
    characters = (int.from_bytes(random, "big") & _CHANCE | _FIXED).to_bytes(RANDOM_BYTES, "big")
    return f"{prefix}{_moment(unix_ms)}{characters.translate(_DIGITS).decode()}"


@lru_cache(maxsize=8)
def _moment(unix_ms: int) -> str:
    """Return the first ten characters: 48 bits of time and the two upper bits of the version, which are 01."""
    if not 0 <= unix_ms <= _LAST_MS:
        raise ValueError("the time of an id is milliseconds since 1970, in 48 bits")
    value = unix_ms << 2 | 0b01
    return "".join([_ALPHABET[value >> shift & 31] for shift in range(45, -5, -5)])
