"""Keeps the guard's knowledge fresh: a snapshot, then numbered signals, applied before anything newer is answered.

The signals come over a stream; where there is none to be had, Accredit is asked for them, again and again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from accredit_sdk import scopes as words
from accredit_sdk.errors import InvalidToken
from accredit_sdk.guard import knowledge
from accredit_sdk.guard.authority import Authority, NoStream, Rejected
from accredit_sdk.guard.ear import Ear
from accredit_sdk.guard.fetch import Unreachable
from accredit_sdk.guard.folder import SNAPSHOT, Folder
from accredit_sdk.guard.identity import Identity
from accredit_sdk.guard.knowledge import Knowledge
from accredit_sdk.guard.moment import Clock, Dice
from accredit_sdk.policy import Policy, Target
from accredit_sdk.snapshot import Gap, Reread, SnapshotError

_PAGES: Final = 100
_LONGEST_PAUSE: Final = 5.0
_KEYS_EVERY: Final = 5_000_000
_KEYS_WAIT: Final = 3.0
_STREAM_AGAIN: Final = 60.0
"""Seconds without a stream after there was none to be had."""

log = logging.getLogger("accredit_sdk.guard")


class Pace(msgspec.Struct, frozen=True):
    """How often, in seconds: `interval` between two attempts; `refresh` between two whole snapshots.

    The second one keeps the copy on disk young enough for a start while Accredit is away. Every `beat` seconds Accredit
    says that nothing is new.
    """

    interval: float
    refresh: float
    beat: int


class Feed:
    """Follows Accredit. `learn` is called with everything new, in order."""

    def __init__(
        self,
        authority: Authority,
        identity: Identity,
        folder: Folder,
        learn: Callable[[Knowledge], None],
        clock: Clock,
        dice: Dice,
        pace: Pace,
        targets: tuple[Target, ...] | None = None,
    ) -> None:
        self._authority = authority
        self._identity = identity
        self._folder = folder
        self._learn = learn
        self._clock = clock
        self._dice = dice
        self._targets = targets
        self._beat = pace.beat
        self._interval = pace.interval
        self._refresh = int(pace.refresh * 1_000_000)
        self._refresh_at = 0
        self._known: Knowledge | None = None
        self._reread = True
        self._failures = 0
        self._wake = asyncio.Event()
        self._round = asyncio.Event()
        self._keys_at = 0
        self._no_stream_until = 0.0
        self._held = False

    def recall(self) -> None:
        """Begin with the snapshot on disk, if it is signed by a pinned key; how old it is, it says itself."""
        with contextlib.suppress(OSError):
            token = self._folder.read(SNAPSHOT)
            if token is not None:
                try:
                    self._know(knowledge.from_snapshot(token, self._identity, self._clock(), self._targets))
                except (InvalidToken, SnapshotError) as error:
                    log.warning("the snapshot on disk does not count: %s", error)

    async def run(self) -> None:
        """Follow for ever. What fails is tried again; while it fails, the knowledge grows old."""
        while True:
            self._wake.clear()
            try:
                await self._follow()
            except (Unreachable, Rejected, InvalidToken, SnapshotError) as error:
                self._failed(str(error))
            except Exception:
                log.exception("the feed failed in a way that nobody foresaw; trying again")
                self._failures += 1
            else:
                self._recovered()
            self._round.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._pause())

    async def first_round(self, seconds: float) -> None:
        """Wait until Accredit was asked once, whatever came of it, but not longer than `seconds`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._round.wait(), seconds)

    async def keys_wanted(self) -> bool:
        """Somebody shows a token of an unknown key: read the snapshot anew, once for all who wait, and not too often.

        Return whether the keys that are known now are the ones that there are; False when Accredit cannot be asked.
        """
        now = self._clock()
        if now - self._keys_at >= _KEYS_EVERY:
            self._keys_at = now
            self._reread = True
            self._wake.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_KEYS_WAIT):
                while self._reread and not self._failures:
                    self._round.clear()
                    await self._round.wait()
        return not self._reread

    async def catch_up(self, wait: int = 0) -> None:
        """Learn everything that Accredit has to say now, or within `wait` seconds. Raises what `run` handles."""
        known = self._known
        if known is None or self._stale():
            await self._read_snapshot()
            return
        try:
            for _ in range(_PAGES):
                page = await self._authority.changes(known.seq, wait)
                known, done = knowledge.after_changes(known, page, self._identity, self._clock())
                self._know(known)
                if done or wait:
                    return
        except (Gap, Reread):
            await self._read_snapshot()

    def _stale(self) -> bool:
        return self._reread or self._clock() >= self._refresh_at

    async def _follow(self) -> None:
        """Listen until the stream ends, or ask once."""
        fresh = self._known is None or self._stale()
        if fresh:
            await self._read_snapshot()
            self._round.set()
        loop = asyncio.get_running_loop()
        if loop.time() >= self._no_stream_until:
            try:
                await self._listen()
            except NoStream as error:
                log.info("signals do not come as a stream (%s); asking for them", error)
                self._no_stream_until = loop.time() + _STREAM_AGAIN
            else:
                return
        if fresh:
            return
        begun = loop.time()
        await self._unless_woken(self.catch_up(self._beat))
        self._held = loop.time() - begun >= self._beat / 2

    async def _listen(self) -> None:
        known = self._known
        if known is None:
            return
        async with Ear(self._authority, known.seq, self._beat, self._wake) as ear:
            while not ear.over():
                await self._wake.wait()
                self._wake.clear()
                for token in ear.heard():
                    self._hear(token)
                    self._recovered()
                if self._stale():
                    await self._read_snapshot()
                self._round.set()

    def _hear(self, token: bytes) -> None:
        """Apply a signal if it is the next one; if one is missing, or cannot be applied, the snapshot has it."""
        known = self._known
        if known is None:
            return
        try:
            fresh = knowledge.after_signal(known, token, self._identity, self._clock())
        except (Gap, Reread):
            self._reread = True
        else:
            if fresh is not known:
                self._know(fresh)

    async def _unless_woken(self, asking: Coroutine[Any, Any, None]) -> None:
        """Ask, but let go of the question when there is something more urgent to do."""
        asked, woken = asyncio.create_task(asking), asyncio.create_task(self._wake.wait())
        try:
            await asyncio.wait((asked, woken), return_when=asyncio.FIRST_COMPLETED)
            if asked.done():
                asked.result()
        finally:
            for task in (asked, woken):
                task.cancel()
            await asyncio.gather(asked, woken, return_exceptions=True)

    async def _read_snapshot(self) -> None:
        self._reread = True
        token = await self._authority.snapshot()
        fresh = knowledge.from_snapshot(token, self._identity, self._clock(), self._targets)
        if self._known is not None and fresh.seq < self._known.seq:
            raise SnapshotError("the snapshot is older than what is known")
        self._know(fresh)
        self._reread = False
        self._refresh_at = self._clock() + self._refresh
        await asyncio.to_thread(self._keep, token, fresh)

    def _know(self, fresh: Knowledge) -> None:
        if self._targets is not None and self._known is None:
            self._warn(fresh.policy)
        self._known = fresh
        self._learn(fresh)

    def _warn(self, policy: Policy) -> None:
        """Tell of scopes that the program asks for and Accredit does not know: nobody can hold them."""
        needed = frozenset[str]().union(*(target.needs for target in self._targets or ()))
        for word in sorted(needed):
            if not words.satisfied(policy.scopes, word):
                log.warning("nobody can be given the scope %s: Accredit knows none of the server that covers it", word)

    def _keep(self, token: bytes, fresh: Knowledge) -> None:
        """Keep on disk what the next start begins with."""
        try:
            if fresh.signal_keys and fresh.signal_keys != self._identity.signal_keys:
                self._identity = self._identity.with_signal_keys(fresh.signal_keys)
                self._identity.save(self._folder)
            self._folder.write(SNAPSHOT, token)
        except OSError as error:
            log.warning("the snapshot is not kept on disk: %s", error.strerror)

    def _failed(self, text: str) -> None:
        if self._failures == 0:
            log.warning("Accredit gives no fresh policy (%s); going on with what is known", text)
        self._failures += 1

    def _recovered(self) -> None:
        if self._failures:
            log.info("Accredit is back after %d attempts", self._failures)
        self._failures = 0

    def _pause(self) -> float:
        """Return seconds until the next attempt: about the interval, longer while nothing works.

        No two guards take the same time, so that they do not all come at once when a node has gone.
        """
        held, self._held = self._held, False
        if held and not self._failures:
            return 0
        wait = min(self._interval * (1 << min(self._failures, 8)), max(_LONGEST_PAUSE, self._interval))
        return wait * (0.25 + 0.75 * self._dice.take(1)[0] / 255)
