"""The hash chain of the log: pure functions over `accredit_sdk.record`, which guards use too.

A record is a header and a person part; its link covers the previous link, the header and a salted commitment to the
person part. Deleting person part and salt keeps the chain whole.
"""

from dataclasses import dataclass, fields
from typing import Any, Final, get_args

import msgspec

from accredit.audit.events import Event
from accredit.identity.changes import StoredRecord
from accredit_sdk import record

START: Final = bytes(32)
"""The link before the first record of every chain."""

SALT_BYTES: Final = 16
"""Length of the salt of a commitment."""

_encoder: Final = msgspec.json.Encoder(order="deterministic")  # sets have no order of their own

_HEADER_FIELDS: Final = frozenset({"decision", "server"})
_PERSON_FIELDS: Final[dict[type, tuple[str, ...]]] = {
    kind: tuple(field.name for field in fields(kind) if field.name not in _HEADER_FIELDS) for kind in get_args(Event)
}


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain: its name, the number of its last record (0 when empty) and that record's link."""

    chain: str
    seq: int = 0
    hash: bytes = START


def append(head: Head, event: Event, at: int, salt: bytes) -> tuple[Head, StoredRecord]:
    """Return the new head and the record of `event`, which happened at `at` (microseconds UTC).

    `salt` is 16 fresh random bytes; without it the commitment could be guessed. Raises ValueError for another length.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError("a record takes exactly 16 random bytes")
    seq = head.seq + 1
    server = event.server or ""
    header = msgspec.json.encode(
        record.RecordHeader(
            seq=seq,
            chain=head.chain,
            at=at,
            kind=event.kind,
            decision=event.decision,
            server=server,
            outcome=event.outcome.value,
        )
    )
    person = _encoder.encode(_person(event))
    commitment = record.commit(salt, person)
    link = record.link(head.hash, header, commitment)
    stored = StoredRecord(
        seq=seq,
        at=at,
        kind=event.kind,
        decision=event.decision,
        server=server,
        outcome=event.outcome.value,
        header=header,
        person=person,
        salt=salt,
        commitment=commitment,
        hash=link,
    )
    return Head(head.chain, seq, link), stored


def _person(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in _PERSON_FIELDS[type(event)]}
