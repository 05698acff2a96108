"""Reports about clients: what ends soon, what nobody uses, what nobody answers for."""

from accredit.identity.report import Ending, Noticed
from accredit.ports.clock import Clock
from accredit.ports.reports import Reports as ReportStore
from accredit.service.usage import Usage


class Reports:
    """Looks over all clients."""

    def __init__(self, store: ReportStore, usage: Usage, clock: Clock) -> None:
        self._store = store
        self._usage = usage
        self._clock = clock

    async def ending(self, within: int, after: tuple[int, str, str], limit: int) -> tuple[Ending, ...]:
        """Return what ends within `within` microseconds, the first to end first, at most `limit` behind `after`."""
        now = self._clock.now()
        return await self._store.ending(now, now + within, after, limit)

    async def unused(self, span: int, after: str, limit: int) -> tuple[Noticed, ...]:
        """Return clients that were there and got no token for `span` microseconds, at most `limit` behind `after`.

        What this node saw of late is written first; what another one saw may be missing for a minute.
        """
        await self._usage.flush()
        return await self._store.unused(self._clock.now() - span, after, limit)

    async def orphans(self, after: str, limit: int) -> tuple[Noticed, ...]:
        """Return agents that nobody answers for, at most `limit` behind `after`."""
        return await self._store.orphans(after, limit)
