"""What there is to say about clients as a whole, read now and then."""

from typing import Protocol

from accredit.identity.report import Ending, Noticed


class Reports(Protocol):
    """Looks over all clients."""

    async def ending(self, now: int, before: int, after: tuple[int, str, str], limit: int) -> tuple[Ending, ...]:
        """Return at most `limit` things that end after `now` and not after `before`, the first to end first.

        `after` is the end, kind and name of the item that the page follows. Times are microseconds UTC.
        """
        ...

    async def unused(self, since: int, after: str, limit: int) -> tuple[Noticed, ...]:
        """Return at most `limit` clients, guards left out, that were there at `since` and got no token from then on.

        They are in the order of their ids, and follow the id `after`.
        """
        ...

    async def orphans(self, after: str, limit: int) -> tuple[Noticed, ...]:
        """Return at most `limit` agents that nobody answers for: they have no sponsor. By id, behind `after`."""
        ...
