"""Past calls as the log has them, counted: who used what, how often, when last, and how that was decided."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from accredit.identity.server import TargetKind


@dataclass(frozen=True, slots=True)
class Use:
    """One client's use of one name of one server; `client` is a client_id, `server` an id."""

    client: str
    server: str
    kind: TargetKind
    name: str


@dataclass(frozen=True, slots=True)
class Count:
    """How often, and when last (microseconds UTC).

    Of the calls, `allowed` had the scopes they needed, `observed` lacked some and were let through by a server that
    observes, and `refused` were refused for want of scopes. What was refused for another reason is none of them.
    """

    calls: int = 0
    last: int = 0
    allowed: int = 0
    observed: int = 0
    refused: int = 0

    def plus(self, other: "Count") -> "Count":
        """Return both together."""
        return Count(
            self.calls + other.calls,
            max(self.last, other.last),
            self.allowed + other.allowed,
            self.observed + other.observed,
            self.refused + other.refused,
        )


class Tally:
    """Counts, and remembers at most `most` uses; calls of others are only counted in `passed_over`.

    `lossy` counts records of guards that kept them in memory alone, so that others may be lost.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.found: dict[Use, Count] = {}
        self.passed_over = 0
        self.lossy = 0

    def add(self, use: Use, count: Count) -> None:
        """Count one more."""
        known = self.found.get(use)
        if known is not None:
            self.found[use] = known.plus(count)
        elif len(self.found) < self._most:
            self.found[use] = count
        else:
            self.passed_over += count.calls


def at_servers(uses: Iterable[tuple[Use, Count]], slugs: dict[str, str]) -> dict[Use, Count]:
    """Return the same with the slugs of servers in the place of their ids; those that have none are left out."""
    found = ((replace(use, server=slugs[use.server]), count) for use, count in uses if use.server in slugs)
    return dict(found)
