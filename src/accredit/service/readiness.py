"""Whether this node can do its work: each thing that it needs, looked at by name, with the cause for its operator."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from accredit.identity.signing_key import KeyUse
from accredit.ports.clock import Clock
from accredit.ports.journal import Journal, StoreError
from accredit.service.directory import Directory
from accredit.service.keyring import Keyring

WITHIN_SECONDS: Final = 1.0
"""How long one look may take; what does not answer until then is not well."""

JUMP_SECONDS: Final = 5.0
"""By how much the clock may differ from what has passed since the last look; more is a jump."""

UNEASY_SECONDS: Final = 60.0
"""How long a node is not ready after a jump of its clock."""

Probe = Callable[[], Awaitable[str | None]]
"""Looks at one thing and returns None, or what is wrong with it and what to do. It may raise StoreError."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: `trouble` is for the operator, None when it is well."""

    name: str
    trouble: str | None


class ClockWatch:
    """Notices when the time of day and the time that has passed no longer agree: then somebody set the clock."""

    def __init__(self, clock: Clock, passed: Callable[[], float]) -> None:
        """Begin to watch `clock`; `passed` returns seconds that only ever grow."""
        self._clock = clock
        self._passed = passed
        self._last = (clock.now(), passed())
        self._jumped: tuple[float, float] | None = None

    def look(self) -> float:
        """Compare with the last look; return the seconds of a jump since then, 0 without one."""
        now, passed = self._clock.now(), self._passed()
        jump = (now - self._last[0]) / 1_000_000 - (passed - self._last[1])
        self._last = (now, passed)
        if abs(jump) < JUMP_SECONDS:
            return 0.0
        self._jumped = (jump, passed)
        return jump

    async def probe(self) -> str | None:
        """Tell of a jump that was not long ago."""
        self.look()
        if self._jumped is None or self._passed() - self._jumped[1] > UNEASY_SECONDS:
            return None
        return f"the clock was set by {self._jumped[0]:+.0f} s, or the machine slept; see that its time is right"


class Readiness:
    """Looks at everything. Callers that come together share one look."""

    def __init__(self, probes: Mapping[str, Probe]) -> None:
        self._probes = dict(probes)
        self._looking: asyncio.Task[tuple[Check, ...]] | None = None

    async def look(self) -> tuple[Check, ...]:
        """Return every check, in the order of the probes."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
            self._looking.add_done_callback(self._looked)
        return await asyncio.shield(self._looking)

    def _looked(self, _: object) -> None:
        self._looking = None

    async def _look(self) -> tuple[Check, ...]:
        found = await asyncio.gather(*(_asked(probe) for probe in self._probes.values()))
        return tuple(Check(name, trouble) for name, trouble in zip(self._probes, found, strict=True))


async def _asked(probe: Probe) -> str | None:
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            return await probe()
    except TimeoutError:
        return f"no answer within {WITHIN_SECONDS:.0f} s"
    except StoreError as error:
        return f"the database does not answer ({error}); is it running?"


def writer(journal: Journal) -> Probe:
    """Return the probe of the writer: without it nothing can be recorded, and so nothing decided."""

    async def probe() -> str | None:
        return None if journal.healthy() else "the writer has stopped; restart this process"

    return probe


def signals(directory: Directory) -> Probe:
    """Return the probe of the cursor: a node that may have missed a revocation decides nothing."""

    async def probe() -> str | None:
        await directory.confirm()
        return None

    return probe


def keys(keyring: Keyring) -> Probe:
    """Return the probe of the signing keys."""

    async def probe() -> str | None:
        missing = [use.value for use in KeyUse if not keyring.can_sign(use)]
        return f"there is no active {' and no active '.join(missing)} key; restart this process" if missing else None

    return probe
