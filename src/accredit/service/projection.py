"""The search tables follow the log: what was recorded becomes findable, soon after and never in its way."""

from typing import Final

from accredit.audit import terms
from accredit.identity.changes import EmptyTerms, IndexRecords, StoredRecord
from accredit.oauth.outcome import Lost, Outcome
from accredit.ports.audit_log import AuditLog, Lag, SearchTables
from accredit.ports.journal import Journal

PAGE: Final = 250
"""Records in one transaction: few enough that a token request does not wait for them."""

_CHAINS: Final = 100


class Projection:
    """Fills the search tables."""

    def __init__(self, log: AuditLog, tables: SearchTables, journal: Journal) -> None:
        self._log = log
        self._tables = tables
        self._journal = journal

    async def lag(self) -> Lag:
        """Return how far the search tables are behind the log."""
        return await self._tables.lag()

    async def catch_up(self, most: int) -> bool:
        """Make at most about `most` records findable; tell whether there may be more that wait."""
        waiting = await self._tables.waiting(_CHAINS)
        if not waiting and await self._tables.emptying():
            await self._journal.submit(Outcome(None, writes=(EmptyTerms(),)))
            return True
        for item in waiting:
            most -= await self._follow(item.chain, item.after, most)
            if most <= 0:
                break
        return bool(waiting)

    async def _follow(self, chain: str, after: int, most: int) -> int:
        """Make records of one chain findable, until another node is before us; return how many."""
        done = 0
        while done < most and (records := await self._log.records(chain, after, PAGE)):
            if not await self._index(chain, after, records):
                break
            done += len(records)
            after = records[-1].seq
        return done

    async def _index(self, chain: str, after: int, records: tuple[StoredRecord, ...]) -> bool:
        """Make these records findable; tell whether it was we who did."""
        found = tuple((term, item.at, item.seq) for item in records for term in terms.of(item))
        redacted = sum(item.person is None for item in records)
        claim = IndexRecords(chain, after, records[-1].seq, found, redacted)
        return not isinstance(await self._journal.submit(Outcome(None, (claim,))), Lost)
