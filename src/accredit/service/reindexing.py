"""The search tables are made anew from the log: emptied, and filled by the projection, while all goes on."""

from accredit.identity.changes import ForgetTerms
from accredit.oauth.outcome import Outcome
from accredit.ports.audit_log import Lag, SearchTables
from accredit.service.changes import Changes


class Reindexing:
    """Empties the search tables, for whatever reason they are not what the log says."""

    def __init__(self, changes: Changes, tables: SearchTables) -> None:
        self._changes = changes
        self._tables = tables

    async def reindex(self, by: str) -> Lag:
        """Begin, and return how far the search tables are behind the log then. May be begun again at any time.

        Nothing is lost but time: the projection fills them as it does always. Raises Problem.
        """
        event = self._changes.event("audit.reindex", "search", by, "the search tables are filled anew")
        await self._changes.attempt(Outcome(None, writes=(ForgetTerms(),), events=(event,)))
        return await self._tables.lag()
