"""What a walk through past calls could not see, in words: what is not in the log is no proof that nobody needs it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from accredit.identity.client import Client
from accredit.identity.holder import Holder
from accredit.identity.needed import Line, Verdict
from accredit.identity.tally import Tally
from accredit.identity.times import short
from accredit.ports.audit_log import Filter
from accredit.service.audit import Audit
from accredit.service.telling import person, text

_MOST_NAMED: Final = 5
_MOST_LOOKED_AT: Final = 5_000
_PAGE: Final = 1000


class Gap(StrEnum):
    """What is missing from the picture."""

    RARE = "rare"
    """Always: what is needed once a year is not in a month."""
    LOG_BEGINS = "log_begins"
    """The log does not reach back that far."""
    BEHIND = "behind"
    """Records that cannot be found yet."""
    REDACTED = "redacted"
    """Records were redacted: who called is not in them any more."""
    LOSSY = "lossy"
    """Guards kept records in memory alone."""
    UNSEEN = "unseen"
    """Servers of which nobody recorded a call."""
    NEW = "new"
    """Clients that were not there yet when the time begins."""
    IDLE = "idle"
    """Clients without a call to go by."""
    WIDER = "wider"
    """Calls that were let through by a wider scope."""
    GONE = "gone"
    """Calls of what the server has no more."""
    PASSED_OVER = "passed_over"
    """Calls of more names than are told apart."""
    REFUSED = "refused"
    """Scopes that were refused, and are in no role."""
    OFFICES = "offices"
    """Always: what is done at Accredit itself is seen by no guard."""


@dataclass(frozen=True, slots=True)
class Blindness:
    """One gap, and what it means in a sentence."""

    gap: Gap
    sentence: str


@dataclass(slots=True)
class Sight:
    """Collects what was not seen from `since` (microseconds UTC) on. Lists hold names as people write them."""

    since: int
    unseen: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)
    wider: int = 0
    refused: int = 0
    lossy: int = 0
    gone: int = 0
    behind: int = 0
    begins: int | None = None
    redacted: bool = False

    def notice(self, holder: Holder, client: Client, tally: Tally, judged: tuple[Line, ...], *, idle: bool) -> None:
        """Take note of one client; `idle` tells that no role could be made of its calls."""
        name = holder.render()
        if client.created_at > self.since:
            self.new.append(name)
        if tally.passed_over:
            self.passed_over.append(name)
        elif idle:
            self.idle.append(name)
        self.lossy += tally.lossy
        self.wider += sum(line.verdict is Verdict.WIDER for line in judged)
        self.refused += sum(line.verdict is Verdict.MISSING and not line.wanted for line in judged)

    async def look(self, audit: Audit) -> None:
        """Take note of what the log as a whole cannot tell."""
        self.begins = await audit.begins()
        self.behind = (await audit.lag()).records
        self.redacted = await _redacted(audit, self.since)

    def told(self) -> tuple[Blindness, ...]:
        """Return everything that has to be said, the gravest first."""
        return tuple(Blindness(gap, sentence) for gap, sentence in (*self._log(), *self._calls()) if sentence)

    def _log(self) -> Iterator[tuple[Gap, str]]:
        begins = "the log is empty" if self.begins is None else f"the log begins at {short(self.begins)}"
        if self.begins is None or self.begins > self.since:
            yield Gap.LOG_BEGINS, f"{begins}: what happened before that, or was archived, was not seen"
        yield Gap.UNSEEN, _named(self.unseen, "no guard reported a call of {}: what is held there stays as it is")
        yield Gap.BEHIND, _counted(self.behind, "{} records cannot be searched yet: run this again soon")
        if self.redacted:
            yield Gap.REDACTED, "records were redacted since then: whose calls they were cannot be seen any more"
        yield Gap.LOSSY, _counted(self.lossy, "guards kept {} of the records in memory alone: others may be lost")

    def _calls(self) -> Iterator[tuple[Gap, str]]:
        yield Gap.PASSED_OVER, _named(self.passed_over, "{} used more names than are told apart: left out")
        yield Gap.IDLE, _named(self.idle, "no role can be made of the calls of {}: left out")
        yield Gap.NEW, _named(self.new, "not there from the beginning of that time: {}")
        yield Gap.GONE, _counted(self.gone, "calls of what a server does not have, or asks no scope for: {}")
        yield Gap.WIDER, _counted(self.wider, "scopes wider than what was needed: {}; what they will cover later, too")
        yield Gap.REFUSED, _counted(self.refused, "scopes asked for in vain, and in no role: {}; that is to be decided")
        yield Gap.RARE, "what is needed once a year is not in a shorter time"
        yield Gap.OFFICES, "rights to administer Accredit itself are not part of this"


def _named(names: list[str], sentence: str) -> str:
    if not names:
        return ""
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return sentence.format(", ".join(names[:_MOST_NAMED]) + more)


def _counted(number: int, sentence: str) -> str:
    return sentence.format(number) if number else ""


async def _redacted(audit: Audit, since: int) -> bool:
    """Tell whether anything was redacted since then, as far back as can be looked in one go."""
    cursor, seen = None, 0
    while seen < _MOST_LOOKED_AT:
        page = await audit.search(Filter(kind="administered", since=since), cursor, _PAGE)
        if any(text(person(item) or {}, "action") == "audit.redact" for _, item in page):
            return True
        if len(page) < _PAGE:
            return False
        seen, cursor = seen + len(page), page[-1][0]
    return False
