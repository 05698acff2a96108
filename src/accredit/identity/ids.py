"""RFC 9562, 5.7: the ids of our nouns, a prefix that tells the kind and a UUIDv7, as `accredit_sdk.ids` writes it."""

import re
from typing import Final

from accredit_sdk import ids

RANDOM_BYTES: Final = ids.RANDOM_BYTES
"""How many random bytes an id takes."""

PREFIXES: Final = {
    "server": "srv_",
    "role": "rol_",
    "agent": "agt_",
    "application": "app_",
    "guard": "grd_",
    "group": "grp_",
    "credential": "crd_",
    "enrolment": "enr_",
    "decision": "dec_",
    "token": "tok_",
    "chain": "chn_",
    "webhook": "whk_",
    "event": "evt_",
}
"""The prefix of each kind of noun."""

_ID: Final = re.compile(r"[a-z]{3}_[0-9a-v]{26}")


def encode(kind: str, unix_ms: int, random: bytes) -> str:
    """Return the id of a noun of `kind` made at `unix_ms` (milliseconds UTC) from RANDOM_BYTES random bytes.

    Raises KeyError for an unknown kind and ValueError unless `random` holds exactly so many.
    """
    return ids.encode(PREFIXES[kind], unix_ms, random)


def is_id(text: str, kind: str) -> bool:
    """Tell whether `text` has the form of an id of `kind`; says nothing about its existence."""
    return text.startswith(PREFIXES[kind]) and _ID.fullmatch(text) is not None
