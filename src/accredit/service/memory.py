"""What was remembered only for a while, forgotten when its time is over."""

from accredit.identity.changes import ForgetJti
from accredit.oauth.outcome import Outcome
from accredit.ports.journal import Journal


class Memory:
    """Forgets used assertions."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def forget(self, now: int) -> None:
        """Drop every used `jti` whose assertion had expired before `now` (microseconds UTC)."""
        await self._journal.submit(Outcome(None, writes=(ForgetJti(now),)))
