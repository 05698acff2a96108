"""Past calls, read from the log page by page: who used what."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from accredit.identity.changes import StoredRecord
from accredit.identity.tally import Count, Tally, Use
from accredit.oauth.question import METHODS
from accredit.ports.audit_log import Filter
from accredit.service.audit import Audit
from accredit.service.reasons import texts
from accredit.service.telling import person, text
from accredit_sdk.decision import Reason

AT_ONCE: Final = 20_000
"""How many records one request looks at, at the most."""

MOST_USES: Final = 20_000
"""How many different uses are told apart in one request."""

_PAGE: Final = 1000
_KINDS: Final = {method: kind for kind, method in METHODS.items()}


@dataclass(frozen=True, slots=True)
class Past:
    """What one request saw of the past: the uses, how many records that were, and where the next one goes on."""

    tally: Tally
    looked_at: int
    next: str | None


class Calls:
    """Reads the calls."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def since(self, at: int, cursor: str | None, server: str | None = None) -> Past:
        """Return the calls from `at` (microseconds UTC) on, newest first; of one server (an id), or of all."""
        tally, seen = Tally(MOST_USES), 0
        wanted = Filter(kind="decision", since=at, server=server)
        while seen < AT_ONCE:
            looked_at, cursor = await self._page(tally, wanted, cursor)
            seen += looked_at
            if cursor is None:
                break
        return Past(tally, seen, cursor)

    async def into(self, tally: Tally, wanted: Filter) -> AsyncIterator[int]:
        """Count everything that matches, newest first; yield after each page how many records it had."""
        cursor: str | None = None
        while True:
            looked_at, cursor = await self._page(tally, wanted, cursor)
            yield looked_at
            if cursor is None:
                return

    async def _page(self, tally: Tally, wanted: Filter, cursor: str | None) -> tuple[int, str | None]:
        """Count a page; return how many records it had, and where the next one goes on, None behind the last."""
        page = await self._audit.search(wanted, cursor, _PAGE)
        # Not on the loop that tokens are waiting for.
        await asyncio.to_thread(_count, tally, [item for _, item in page])
        return len(page), page[-1][0] if len(page) == _PAGE else None


def _count(tally: Tally, records: Iterable[StoredRecord]) -> None:
    for record in records:
        told = person(record) or {}
        tally.lossy += told.get("lossy") is True
        kind, name, client = _KINDS.get(text(told, "method")), text(told, "target"), text(told, "client_id")
        if kind is not None and name and client:
            tally.add(Use(client, record.server, kind, name), _one(record, told))


def _one(record: StoredRecord, told: Mapping[str, Any]) -> Count:
    if record.outcome == "allow":
        observed = text(told, "reason") == Reason.OBSERVED
        return Count(1, record.at, allowed=not observed, observed=observed)
    return Count(1, record.at, refused=bool(texts(told, "missing")))
