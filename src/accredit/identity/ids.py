"""RFC 9562, 5.7: ids are a prefix that tells the kind, and the 26 base32 characters of a UUIDv7.

The alphabet is base32hex in lower case (RFC 4648, 7), so ids sort by the time they were made.
"""

import base64
import re
from typing import Final

PREFIXES: Final = {
    "server": "srv_",
    "role": "rol_",
    "agent": "agt_",
    "application": "app_",
    "guard": "grd_",
    "credential": "crd_",
    "enrolment": "enr_",
    "decision": "dec_",
    "token": "tok_",
    "chain": "chn_",
}

_ID: Final = re.compile(r"[a-z]{3}_[0-9a-v]{26}")


def encode(kind: str, unix_ms: int, random: bytes) -> str:
    """Return the id of a noun of `kind` made at `unix_ms` (milliseconds UTC) from ten random bytes.

    Raises KeyError for an unknown kind and ValueError unless `random` holds exactly ten bytes.
    """
    if len(random) != 10:
        raise ValueError("an id takes exactly ten random bytes")
    tail = int.from_bytes(random, "big")
    value = (unix_ms & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76
    value |= (tail >> 68) << 64
    value |= 0b10 << 62
    value |= tail & 0x3FFF_FFFF_FFFF_FFFF
    text = base64.b32hexencode(value.to_bytes(16, "big")).decode("ascii").rstrip("=").lower()
    return PREFIXES[kind] + text


def is_id(text: str, kind: str) -> bool:
    """Tell whether `text` has the form of an id of `kind`; says nothing about its existence."""
    return text.startswith(PREFIXES[kind]) and _ID.fullmatch(text) is not None
