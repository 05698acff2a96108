"""Past calls, read from the log page by page: who used what."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from accredit.identity.changes import StoredRecord
from accredit.identity.tally import Count, Tally, Use
from accredit.oauth.question import METHODS
from accredit.ports.audit_log import Filter
from accredit.service.audit import Audit
from accredit.service.reasons import texts
from accredit.service.telling import person, text

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
            page = await self._audit.search(wanted, cursor, _PAGE)
            # Not on the loop that tokens are waiting for.
            await asyncio.to_thread(_count, tally, [item for _, item in page])
            seen += len(page)
            if len(page) < _PAGE:
                return Past(tally, seen, None)
            cursor = page[-1][0]
        return Past(tally, seen, cursor)


def _count(tally: Tally, records: Iterable[StoredRecord]) -> None:
    for record in records:
        told = person(record) or {}
        kind, name, client = _KINDS.get(text(told, "method")), text(told, "target"), text(told, "client_id")
        if kind is None or not name or not client:
            continue
        used = frozenset(texts(told, "needed")) if record.outcome == "allow" else frozenset[str]()
        tally.add(Use(client, record.server, kind, name), Count(1, record.at, used))
