"""What must hold of a store whatever happened to it."""

from typing import Any

from accredit.audit.chain import START
from accredit.identity.changes import StoredRecord
from accredit_sdk import record


async def sound(store: Any) -> dict[str, tuple[StoredRecord, ...]]:
    """Check every chain link by link and that signals have no gap; return the records by chain."""
    found = {}
    for end in await store.audit.chains():
        lines = await store.audit.records(end.chain, 0, 1_000_000)
        assert verify(lines, end.anchor, end.anchor_hash) == (end.seq, end.hash)
        found[end.chain] = lines
    numbered = await store.catalogue.signals(0, 1_000_000)
    assert [signal.seq for signal in numbered] == list(range(1, len(numbered) + 1))
    assert (await store.catalogue.load()).seq == len(numbered)
    return found


def verify(lines: tuple[StoredRecord, ...], anchor: int = 0, previous: bytes = START) -> tuple[int, bytes]:
    """Check a whole chain behind its anchor; return the number and the link of its last record."""
    last = anchor
    for last, line in enumerate(lines, anchor + 1):
        assert line.seq == last
        if line.person is not None and line.salt is not None:
            assert line.commitment == record.commit(line.salt, line.person)
        previous = record.link(previous, line.header, line.commitment)
        assert line.hash == previous
    return last, previous
