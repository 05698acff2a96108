"""Decisions by what somebody has in hand: the id of a token, or of the trace that a call was part of."""

from collections.abc import AsyncIterator
from typing import Final

from accredit.identity import ids
from accredit.identity.changes import StoredRecord
from accredit.identity.management import Authority
from accredit.ports.audit_log import Filter
from accredit.service.audit import Audit
from accredit.service.telling import person

MOST_LOOKED_AT: Final = 20_000
"""How many of the newest records are looked at for a trace."""

_PAGE: Final = 1000
_AROUND: Final = 10_000_000
"""How far the record of a token may be from the moment in its id, in microseconds."""


class Lookup:
    """Finds decisions. What `who` may not look at is not found, like what is not there."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def issuance(self, jti: str) -> StoredRecord | None:
        """Return the record of the token with that id. The id tells when it was made, so little is looked at."""
        at = ids.made_at(jti) * 1000
        wanted = Filter(kind="token_issued", since=at - _AROUND, until=at + _AROUND)
        async for item in self._matching(wanted, jti, MOST_LOOKED_AT):
            if (person(item) or {}).get("jti") == jti:
                return item
        return None

    async def of_token(self, jti: str, who: Authority) -> tuple[StoredRecord, ...]:
        """Return the issuance of a token, if there is one that `who` may look at."""
        found = await self.issuance(jti)
        return (found,) if found is not None and who.sees(found.server) else ()

    async def of_trace(self, trace: str, who: Authority) -> tuple[StoredRecord, ...]:
        """Return the decisions of guards in that trace among the newest records, oldest first."""
        found = [
            item
            async for item in self._matching(Filter(kind="decision"), trace, MOST_LOOKED_AT)
            if (person(item) or {}).get("trace_id") == trace and who.sees(item.server)
        ]
        return tuple(reversed(found))

    async def _matching(self, wanted: Filter, text: str, most: int) -> AsyncIterator[StoredRecord]:
        """Yield the records, newest first, in whose person part `text` stands, of at most `most`."""
        needle, cursor, seen = text.encode("ascii"), None, 0
        while seen < most:
            page = await self._audit.search(wanted, cursor, _PAGE)
            for _, item in page:
                if item.person is not None and needle in item.person:
                    yield item
            if len(page) < _PAGE:
                return
            cursor, seen = page[-1][0], seen + len(page)
