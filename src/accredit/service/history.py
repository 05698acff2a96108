"""What administrators have changed since something was decided, as far as it may bear on that decision."""

from dataclasses import dataclass
from typing import Final

from accredit.identity.changes import StoredRecord
from accredit.identity.management import Authority
from accredit.ports.audit_log import Filter
from accredit.service.audit import Audit
from accredit.service.telling import person, text

MOST_SHOWN: Final = 20
"""How many changes are told at the most, the newest of them."""

_MOST_LOOKED_AT: Final = 5_000
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Done:
    """One change: when (microseconds UTC), what in a sentence, by whom, and the decision that names it."""

    at: int
    action: str
    summary: str
    by: str
    decision: str


@dataclass(frozen=True, slots=True)
class Since:
    """The changes, oldest first. `whole` tells that there are no others."""

    changes: tuple[Done, ...] = ()
    whole: bool = True


class History:
    """Reads the changes from the log."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def since(self, at: int, server: str, concerned: frozenset[str], who: Authority) -> Since:
        """Return what was changed after `at` of `server` (an id), and of the nouns `concerned` (ids).

        Who does not see everything hears of the server alone.
        """
        shown = frozenset() if not who.sees_all() else concerned
        found: list[Done] = []
        cursor, seen = None, 0
        narrow = None if who.sees_all() else server
        wanted = Filter(kind="administered", server=narrow, since=at + 1)
        while True:
            page = await self._audit.search(wanted, cursor, _PAGE)
            found += [_done(item) for _, item in page if item.server == server or _target(item) in shown]
            seen += len(page)
            if len(page) < _PAGE or len(found) >= MOST_SHOWN or seen >= _MOST_LOOKED_AT:
                whole = len(page) < _PAGE and len(found) <= MOST_SHOWN
                return Since(tuple(reversed(found[:MOST_SHOWN])), whole)
            cursor = page[-1][0]


def _target(item: StoredRecord) -> str:
    return text(person(item) or {}, "target")


def _done(item: StoredRecord) -> Done:
    told = person(item) or {}
    return Done(item.at, text(told, "action"), text(told, "summary"), text(told, "by"), item.decision)
