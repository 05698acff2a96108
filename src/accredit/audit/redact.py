"""Redaction: the person part of a record goes, the chain stays."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import msgspec

from accredit.identity.changes import StoredRecord

SHORTEST: Final = 3
"""The shortest name that can be redacted: a shorter one stands in too much that is about somebody else."""

_BEFORE: Final = rb"(?<![0-9A-Za-z_@.-])(?:"
_AFTER: Final = rb")(?![0-9A-Za-z_@-]|\.[0-9A-Za-z])"


def redacted(stored: StoredRecord) -> StoredRecord:
    """Return `stored` without its person part and salt; its commitment, and so its link, still holds."""
    return replace(stored, person=None, salt=None)


def about(names: Iterable[str]) -> "re.Pattern[bytes]":
    """Return what finds a person part that names one of `names`, as a member or as a word of a sentence."""
    return re.compile(_BEFORE + b"|".join(re.escape(_spelled(name)) for name in names) + _AFTER)


def _spelled(name: str) -> bytes:
    """Return a name as it stands in a person part."""
    return msgspec.json.encode(name)[1:-1]
