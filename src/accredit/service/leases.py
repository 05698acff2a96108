"""What guards have applied: heard here, written down seldom and many at once, and read together with other nodes'."""

import asyncio
from typing import Final

from accredit.identity.changes import ForgetLeases, KeepLeases
from accredit.identity.lease import FORGOTTEN_AFTER, Lease
from accredit.oauth.outcome import Outcome
from accredit.ports.clock import Clock
from accredit.ports.journal import Journal
from accredit.ports.leases import LeaseStore
from accredit.service.problem import Problem, ProblemCode

MOST_OF_ONE: Final = 64
"""How many processes of one guard may live."""

MOST_REMEMBERED: Final = 1024
"""How many of them are told apart, with those that have gone silent and may still act on what they knew."""

_RENEWED_EVERY: Final = 5_000_000
_FORGET_EVERY: Final = 60_000_000


class Leases:
    """The leases of guards that speak to this node, and through the store all others. Lives on the event loop."""

    def __init__(self, store: LeaseStore, journal: Journal, clock: Clock) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._heard: dict[str, dict[str, Lease]] = {}
        self._renewed: dict[tuple[str, str], Lease] = {}
        self._urgent = False
        self._flush_at = 0
        self._forget_at = 0
        self._waiting: set[asyncio.Event] = set()

    def hear(self, guard: str, instance: str, seq: int, *, bound: int, beat: int, ended: bool) -> None:
        """Hear a process of a guard (an id) speak now. Raises Problem when its guard has too many already."""
        now = self._clock.now()
        self.take(Lease(guard, instance, seq, now, now, bound, beat, ended))

    def take(self, said: Lease) -> None:
        """Take in what a process says of itself. Raises Problem when its guard has too many already."""
        of_one = self._heard.setdefault(said.guard, {})
        known = of_one.get(said.instance)
        if known is None and len(of_one) >= MOST_OF_ONE:
            self._make_room(of_one)
        lease = said if known is None else known.renewed(said)
        self._urgent = self._urgent or known is None or lease.seq != known.seq or lease.ended
        of_one[said.instance] = self._renewed[said.guard, said.instance] = lease
        for waiting in self._waiting:
            waiting.set()

    async def news(self, seconds: float) -> None:
        """Return when a process has said something to this node, or after `seconds`."""
        woken = asyncio.Event()
        self._waiting.add(woken)
        try:
            async with asyncio.timeout(seconds):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(woken)

    async def all(self) -> tuple[Lease, ...]:
        """Return the leases of all nodes, each as it was last heard of."""
        found = {(lease.guard, lease.instance): lease for lease in await self._store.leases()}
        for of_one in self._heard.values():
            for lease in of_one.values():
                key = lease.guard, lease.instance
                found[key] = found[key].renewed(lease) if key in found else lease
        return tuple(found[key] for key in sorted(found))

    async def flush(self, now: int) -> None:
        """Write down what is new at `now` (microseconds UTC), all of it at once; a mere renewal can wait.

        What cannot be written is kept for the next time, which is then as urgent, unless something newer was heard.
        """
        writes: tuple[KeepLeases | ForgetLeases, ...] = ()
        urgent, forget_at, written = self._urgent, self._forget_at, self._renewed
        if written and (urgent or now >= self._flush_at):
            writes = (KeepLeases(tuple(written.values())),)
            self._renewed, self._urgent, self._flush_at = {}, False, now + _RENEWED_EVERY
        if now >= forget_at:
            self._forget_at = now + _FORGET_EVERY
            self._forget(now - FORGOTTEN_AFTER)
            writes = (*writes, ForgetLeases(now - FORGOTTEN_AFTER))
        if not writes:
            return
        try:
            await self._journal.submit(Outcome(None, writes=writes))
        except BaseException:
            self._renewed = written | self._renewed
            self._urgent, self._flush_at, self._forget_at = self._urgent or urgent, now, forget_at
            raise

    def _make_room(self, of_one: dict[str, Lease]) -> None:
        now = self._clock.now()
        if sum(lease.lives(now) for lease in of_one.values()) >= MOST_OF_ONE:
            text = f"this guard has {MOST_OF_ONE} processes already; enrol another guard for more"
            raise Problem(ProblemCode.UNAVAILABLE, text)
        if len(of_one) < MOST_REMEMBERED:
            return
        oldest = min(of_one.values(), key=Lease.harmless_at)
        if now < oldest.harmless_at():
            text = f"{MOST_REMEMBERED} processes of this guard have come and gone silent; wait until they are harmless"
            raise Problem(ProblemCode.UNAVAILABLE, text)
        del of_one[oldest.instance]

    def _forget(self, before: int) -> None:
        for guard, of_one in list(self._heard.items()):
            kept = {name: lease for name, lease in of_one.items() if lease.harmless_at() >= before and not lease.ended}
            if kept:
                self._heard[guard] = kept
            else:
                del self._heard[guard]
