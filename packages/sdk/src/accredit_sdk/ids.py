"""RFC 9562, 5.7: ids are a prefix that tells the kind, and the 26 base32 characters of a UUIDv7. Pure.

The alphabet is base32hex in lower case (RFC 4648, 7), so ids of one kind sort by the time they were made.
"""

from functools import lru_cache
from typing import Final

RANDOM_BYTES: Final = 10
"""How many random bytes an id takes; 74 bits of them are used."""

_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuv"
_PAIRS: Final = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_LAST_MS: Final = 0xFFFF_FFFF_FFFF
_VERSION_END: Final = 0b11 << 78
_VARIANT: Final = 0b10 << 64
_RAND_A: Final = 0xFFF << 66
_RAND_B: Final = (1 << 64) - 4


def encode(prefix: str, unix_ms: int, random: bytes) -> str:
    """Return `prefix` and the UUIDv7 of `unix_ms` (milliseconds UTC) and ten random bytes.

    Raises ValueError unless `random` holds exactly ten bytes and the time fits into 48 bits.
    """
    if len(random) != RANDOM_BYTES:
        raise ValueError("an id takes exactly ten random bytes")
    # The last 16 characters hold 80 bits: the end of the version, rand_a (12), the variant, rand_b (62), two zeros.
    dice = int.from_bytes(random, "big")
    value = _VERSION_END | _VARIANT | (dice & _RAND_A) | (dice & _RAND_B)
    high, low = value >> 40, value & 0xFF_FFFF_FFFF
    pairs = _PAIRS
    return (
        f"{prefix}{_moment(unix_ms)}"
        f"{pairs[high >> 30]}{pairs[high >> 20 & 1023]}{pairs[high >> 10 & 1023]}{pairs[high & 1023]}"
        f"{pairs[low >> 30]}{pairs[low >> 20 & 1023]}{pairs[low >> 10 & 1023]}{pairs[low & 1023]}"
    )


@lru_cache(maxsize=8)
def _moment(unix_ms: int) -> str:
    """Return the first ten characters: 48 bits of time and the two upper bits of the version, which are 01."""
    if not 0 <= unix_ms <= _LAST_MS:
        raise ValueError("the time of an id is milliseconds since 1970, in 48 bits")
    value = unix_ms << 2 | 0b01
    return "".join(_PAIRS[value >> shift & 1023] for shift in (40, 30, 20, 10, 0))
