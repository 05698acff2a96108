"""The requests that are under way: they end when the token behind them dies, and standing ones after an hour."""

from typing import Final

from msgspec import structs

from accredit_sdk.decision import Reason
from accredit_sdk.guard.exchange import Exchange
from accredit_sdk.guard.knowledge import Knowledge

_LONGEST: Final = 3_600_000_000
"""How long a standing stream lives at the most, in microseconds."""


class Streams:
    """Every exchange of this process. All methods run on its event loop."""

    def __init__(self) -> None:
        self._open: set[Exchange] = set()
        self._compared: Knowledge | None = None

    def add(self, exchange: Exchange) -> None:
        """Take in one that was let on."""
        self._open.add(exchange)

    def discard(self, exchange: Exchange) -> None:
        """Forget one that is over."""
        self._open.discard(exchange)

    def dead(self, known: Knowledge) -> list[tuple[Exchange, Reason]]:
        """Return the ones whose token has died by what is known now, and why; the others go on under its policy."""
        before, self._compared = self._compared, known
        if before is not None and before.revocations is known.revocations and before.policy is known.policy:
            return []
        found = []
        for exchange in self._open:
            reason = known.dead(exchange.seen.claims)
            if reason is not None:
                found.append((exchange, reason))
                continue
            held = known.held(exchange.seen.claims)
            if exchange.screen.policy is not known.policy or exchange.screen.held != held:
                exchange.screen = structs.replace(exchange.screen, policy=known.policy, seals=known.seals, held=held)
        return found

    def all(self) -> list[Exchange]:
        """Return every one that is under way."""
        return list(self._open)

    def aged(self, now: int) -> list[Exchange]:
        """Return the standing ones that have lived as long as they may at `now` (microseconds UTC)."""
        return [one for one in self._open if one.standing and now - one.began >= _LONGEST]
