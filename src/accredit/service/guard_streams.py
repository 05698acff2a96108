"""The streams over which guards hear signals: one source for all of them, and for each no more than a position in it.

The node reads a signal once, and every stream takes the same bytes. A guard that does not keep up holds up nobody: its
stream ends when what it has not heard is no longer at hand, and it catches up by reading a snapshot.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

from accredit.identity.changes import NumberedSignal, SignalKind
from accredit.ports.catalogue import CatalogueStore
from accredit.ports.journal import StoreError
from accredit.service.directory import Directory
from accredit.service.guards import Caller, Guards
from accredit.service.problem import Problem, ProblemCode
from accredit.service.signal_log import KEPT, SignalLog

MOST: Final = 4096
"""How many streams a node keeps open."""

MOST_OF_ONE: Final = 64
"""How many of them one guard may have: one for each of its processes."""

LONGEST_BEAT: Final = 30
"""The longest time between two beats, in seconds."""

_AT_ONCE: Final = 64
_LIFE: Final = 3600
_SPREAD: Final = 600
_ENDING: Final = frozenset({SignalKind.REVOKED, SignalKind.SUSPENDED})


class GuardStream:
    """What one guard has heard. Its server takes the next bytes whenever it has passed on the last ones."""

    def __init__(self, streams: "GuardStreams", caller: Caller, position: int, every: int, number: int) -> None:
        self.caller = caller
        self.position = position
        self._streams = streams
        self._every = every
        self._number = number
        self._left = _LIFE + number % _SPREAD
        self._due = True
        self._over = False
        self._woken = asyncio.Event()

    async def next(self) -> bytes | None:
        """Return the next events, as soon as there are any; None when the stream is over."""
        log = self._streams.log
        while not self._over:
            told = log.told(self.position, self.caller.server.id, _AT_ONCE)
            if told is None:
                break
            if told:
                self.position += len(told)
                return b"".join(told)
            if self._due:
                if not await self._streams.lives(self.caller):
                    break
                if self.position >= log.last:
                    self._due = False
                    return self._streams.beat()
                continue
            self._woken.clear()
            await self._woken.wait()
        return None

    def wake(self) -> None:
        """Let it look for something new."""
        self._woken.set()

    def tick(self, second: int) -> None:
        """Let a second pass."""
        self._left -= 1
        if self._left <= 0:
            self.end()
        elif (second + self._number) % self._every == 0:
            self._due = True
            self._woken.set()

    def end(self) -> None:
        """End it; the guard comes back if it may."""
        self._over = True
        self._woken.set()


class GuardStreams:
    """All streams of a node."""

    def __init__(self, log: SignalLog, directory: Directory, guards: Guards) -> None:
        self.log = log
        self._directory = directory
        self._guards = guards
        self._open: set[GuardStream] = set()
        self._of: Counter[str] = Counter()
        self._waiting: set[asyncio.Event] = set()
        self._asking: Counter[str] = Counter()
        self._opened = 0
        self._second = 0
        self._closed = False

    async def begin(self, store: CatalogueStore) -> None:
        """Begin where the directory is: what it hears from now on, the streams hear."""
        last = self._directory.cursor
        self.log.begin(last, await store.signals(max(0, last - KEPT), KEPT))
        self._directory.observe_signals(self.heard)

    def open(self, caller: Caller, after: int, every: int) -> GuardStream:
        """Open a stream behind the signal numbered `after`, with a beat every so many seconds. Raises Problem.

        What is no longer at hand is left out; the first beat tells the guard that it has missed something.
        """
        client = caller.principal.client.id
        if self._closed or len(self._open) >= MOST:
            raise Problem(ProblemCode.UNAVAILABLE, "this node takes no more streams; try another one, or again shortly")
        if self._of[client] >= MOST_OF_ONE:
            text = f"this guard has {MOST_OF_ONE} streams already; enrol another guard for more processes"
            raise Problem(ProblemCode.UNAVAILABLE, text)
        position = after if self.log.after(after, 1) is not None else self.log.last
        self._opened += 1
        stream = GuardStream(self, caller, position, max(1, min(every, LONGEST_BEAT)), self._opened)
        self._open.add(stream)
        self._of[client] += 1
        return stream

    def discard(self, stream: GuardStream) -> None:
        """Forget a stream that nobody reads any more."""
        if stream in self._open:
            self._open.remove(stream)
            client = stream.caller.principal.client.id
            self._of[client] -= 1
            if not self._of[client]:
                del self._of[client]

    def heard(self, page: Sequence[NumberedSignal]) -> None:
        """Pass on what this node itself acts on already, and end the streams of guards that died."""
        self.log.add(page)
        dead = {raised.handle for raised in page if raised.kind in _ENDING}
        for stream in self._open:
            if dead.isdisjoint(stream.caller.handles):
                stream.wake()
            else:
                stream.end()
        for waiting in self._waiting:
            waiting.set()

    async def news(self, caller: Caller, after: int, seconds: float) -> None:
        """Return when there is a signal behind the one numbered `after`, or after `seconds`.

        Raises Problem when too many wait already: as many may as there may be streams.
        """
        client = caller.principal.client.id
        if len(self._waiting) >= MOST or self._asking[client] >= MOST_OF_ONE:
            raise Problem(ProblemCode.UNAVAILABLE, "too many wait for signals already; ask again shortly")
        woken = asyncio.Event()
        self._waiting.add(woken)
        self._asking[client] += 1
        try:
            async with asyncio.timeout(seconds):
                while self.log.last <= after and not self._closed:
                    woken.clear()
                    await woken.wait()
        except TimeoutError:
            pass
        finally:
            self._waiting.discard(woken)
            self._asking[client] -= 1
            if not self._asking[client]:
                del self._asking[client]

    def tick(self) -> None:
        """Let a second pass."""
        self._second += 1
        for stream in self._open:
            stream.tick(self._second)

    def close(self) -> None:
        """End all streams and take no more: this node stops."""
        self._closed = True
        for stream in self._open:
            stream.end()
        for waiting in self._waiting:
            waiting.set()

    def count(self) -> int:
        """Return how many streams are open."""
        return len(self._open)

    def beat(self) -> bytes:
        """Return the event that says how long it is known that there is nothing new."""
        return self.log.beat(self._directory.confirmed // 1_000_000)

    async def lives(self, caller: Caller) -> bool:
        """Tell whether a guard may go on listening; a node that cannot tell lets nobody."""
        try:
            return await self._guards.still(caller)
        except StoreError:
            return False
