"""What a record says, read by those who did not write it: it may be redacted, or a stranger's text."""

from collections.abc import Mapping
from typing import Any

import msgspec

from accredit.identity.changes import StoredRecord


def person(record: StoredRecord) -> Mapping[str, Any] | None:
    """Return the person part of a record, or None when it was redacted. What cannot be read is an empty mapping."""
    if record.person is None:
        return None
    try:
        found = msgspec.json.decode(record.person)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def text(told: Mapping[str, Any], name: str) -> str:
    """Return the text in the member `name` of a person part; an empty one when there is none."""
    found = told.get(name)
    return found if isinstance(found, str) else ""


def is_client_id(name: str) -> bool:
    """Tell whether a client could be called so: what a stranger wrote is asked about only if it could."""
    return bool(name) and len(name) <= 200 and name.isprintable()
