"""Decisions by what somebody has in hand: the id of a token, or of the trace that a call was part of."""

from typing import Final

from accredit.identity.changes import StoredRecord
from accredit.identity.management import Authority
from accredit.ports.audit_log import Filter
from accredit.service.audit import Audit

MOST_SHOWN: Final = 1000
"""How many of the newest records of a trace are shown."""


class Lookup:
    """Finds decisions. What `who` may not look at is not found, like what is not there."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def issuance(self, jti: str) -> StoredRecord | None:
        """Return the record of the token with that id."""
        found = await self._audit.search(Filter(token=jti, kind="token_issued"), None, 1)
        return found[0][1] if found else None

    async def of_token(self, jti: str, who: Authority) -> tuple[StoredRecord, ...]:
        """Return the issuance of a token, if there is one that `who` may look at."""
        found = await self.issuance(jti)
        return (found,) if found is not None and who.sees(found.server) else ()

    async def of_trace(self, trace: str, own: tuple[str, ...] | None) -> tuple[StoredRecord, ...]:
        """Return the decisions of guards in that trace, the newest ones, oldest first.

        Of the servers `own` (ids) alone, or of all: those of others take no room, however many there are.
        """
        if own == ():
            return ()
        wanted = Filter(trace=trace, kind="decision", servers=own or ())
        return tuple(item for _, item in reversed(await self._audit.search(wanted, None, MOST_SHOWN)))
