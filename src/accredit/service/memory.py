"""What was remembered only for a while, forgotten when its time is over."""

from accredit.identity.changes import ForgetAnswers, ForgetJti
from accredit.oauth.outcome import Outcome
from accredit.ports.journal import Journal


class Memory:
    """Forgets used assertions, and what requests were answered."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def forget(self, now: int) -> None:
        """Drop every used `jti` and every kept answer whose time was over before `now` (microseconds UTC)."""
        await self._journal.submit(Outcome(None, writes=(ForgetJti(now), ForgetAnswers(now))))
