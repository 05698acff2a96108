"""What runs beside the requests: enrolment where it is still to be done, the feed, the shipper, the flusher."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from accredit_sdk import ids
from accredit_sdk.decision import Reason
from accredit_sdk.guard import answers, authority
from accredit_sdk.guard.acks import Acknowledger
from accredit_sdk.guard.authority import Authority, Rejected
from accredit_sdk.guard.exchange import Exchange
from accredit_sdk.guard.feed import Feed, Pace
from accredit_sdk.guard.fetch import Fetch, HttpFetch, Unreachable
from accredit_sdk.guard.folder import Folder
from accredit_sdk.guard.gate import Gate
from accredit_sdk.guard.identity import BrokenIdentity, Identity, pending_key
from accredit_sdk.guard.knowledge import Knowledge
from accredit_sdk.guard.lock import Lock
from accredit_sdk.guard.moment import Clock, Dice
from accredit_sdk.guard.options import Options
from accredit_sdk.guard.records import Recorder, Store
from accredit_sdk.guard.ship import Shipper
from accredit_sdk.guard.spool import Memory, Spool, SpoolFull
from accredit_sdk.guard.streams import Streams

_FLUSH_EVERY: Final = 0.05
_FIRST_ROUND: Final = 2.0
_LAST_ROUND: Final = 2.0
_IN_MEMORY: Final = 10_000
_ENROL_AGAIN: Final = 1.0
_WATCH_EVERY: Final = 1.0

log = logging.getLogger("accredit_sdk.guard")


class Runtime:
    """One process's life with Accredit, on one event loop. It feeds `gate`."""

    def __init__(
        self, options: Options, identity: Identity | None, gate: Gate, streams: Streams, clock: Clock, dice: Dice
    ) -> None:
        self._options = options
        self._identity = identity
        self._gate = gate
        self._streams = streams
        self._clock = clock
        self._dice = dice
        self._folder = Folder(Path(options.folder))
        self._fetch: Fetch | None = options.fetch
        self._tasks: list[asyncio.Task[None]] = []
        self._pool = ThreadPoolExecutor(1, "accredit-guard-flush")
        self.feed: Feed | None = None
        self._shipper: Shipper | None = None
        self._acks: Acknowledger | None = None

    async def start(self) -> None:
        """Begin. Never fails because Accredit is away; waits a moment for the first answer of Accredit."""
        if self._fetch is None:
            self._fetch = await asyncio.to_thread(HttpFetch, self._options.issuer)
        if self._identity is not None:
            self._begin(self._identity, self._fetch)
        else:
            self._spawn(self._enrolled(self._fetch))
        if self.feed is not None:
            await self.feed.first_round(_FIRST_ROUND)

    def waiting(self) -> int:
        """Return how many records of this process Accredit has not taken yet."""
        return self._shipper.waiting() if self._shipper is not None else 0

    async def stop(self) -> None:
        """End in good order: the last record, and a last attempt to deliver; what is left waits in the spool."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._acks is not None:
            with contextlib.suppress(Unreachable, Rejected, TimeoutError):
                await self._acks.leave()
        recorder = self._gate.scribe.recorder
        if recorder is not None:
            recorder.end()
            if self._shipper is not None:
                with contextlib.suppress(Unreachable, Rejected, OSError, TimeoutError):
                    async with asyncio.timeout(_LAST_ROUND):
                        await self._shipper.round()
        self.abandon()
        if self._fetch is not None and self._options.fetch is None:
            await self._fetch.close()

    def abandon(self) -> None:
        """Let go of everything without a last word, as when the event loop has gone."""
        recorder, self._gate.scribe.recorder = self._gate.scribe.recorder, None
        if recorder is not None:
            recorder.close()
        self._pool.shutdown(wait=False)

    def _begin(self, identity: Identity, fetch: Fetch) -> None:
        options, spooled = self._options, self._options.records == "spool"
        voice = Authority(identity, fetch, self._clock, self._dice)
        recorder = Recorder(identity.server, self._store, self._clock, self._dice, lossy=not spooled)
        try:
            recorder.open()
        except SpoolFull as error:
            log.error("no record can be kept (%s): nothing is let through until that is mended", error)
        self._gate.scribe.recorder = recorder
        pace = Pace(options.poll_interval, options.stale_after / 4, options.beat())
        self._acks = Acknowledger(voice, self._instance(), math.ceil(options.stale_after), options.beat())
        self.feed = Feed(voice, identity, self._folder, self._learn, self._clock, self._dice, pace, options.targets)
        self.feed.recall()
        self._shipper = Shipper(voice, recorder, self._folder.spool if spooled else None)
        self._spawn(self.feed.run())
        self._spawn(self._acks.run())
        self._spawn(self._shipper.run())
        self._spawn(self._flush(recorder))
        self._spawn(self._watch())

    def _learn(self, fresh: Knowledge) -> None:
        """Decide on what is new, and end what is under way and rests on something that died."""
        self._gate.learn(fresh)
        for exchange, reason in self._streams.dead(fresh):
            self._end(exchange, reason)
        if self._acks is not None:
            self._acks.applied(fresh.seq)

    def _instance(self) -> str:
        return ids.encode("gin_", self._clock() // 1000, self._dice.take(ids.RANDOM_BYTES))

    async def _watch(self) -> None:
        """End what goes on for too long: streams after their time, everything once no revocation could be heard of."""
        while True:
            await asyncio.sleep(_WATCH_EVERY)
            try:
                self.end_overdue()
            except Exception:
                log.exception("what goes on for too long was not ended; trying again")

    def end_overdue(self) -> None:
        """End what may not go on, by the clock of now."""
        now = self._clock()
        if self._gate.blind(now):
            for exchange in self._streams.all():
                self._end(exchange, Reason.BLIND)
        for exchange in self._streams.aged(now):
            last = answers.subscription_ended(exchange.request_id) if exchange.request_id is not None else b""
            self._streams.discard(exchange)
            exchange.end(answers.plain(HTTPStatus.SERVICE_UNAVAILABLE), last)

    def _end(self, exchange: Exchange, reason: Reason) -> None:
        self._streams.discard(exchange)
        exchange.end(*self._gate.ended(exchange.seen, reason, exchange.request_id))

    def _store(self, chain: str) -> Store:
        if self._options.records == "memory":
            return Memory(chain, _IN_MEMORY)
        return Spool.begin(self._folder.spool, chain, self._options.spool_limit)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _flush(self, recorder: Recorder) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_FLUSH_EVERY)
            store = recorder.store
            if store is not None and store.dirty:
                try:
                    await loop.run_in_executor(self._pool, store.flush)
                except OSError as error:
                    log.error("records do not reach the disk: %s", error.strerror)

    async def _enrolled(self, fetch: Fetch) -> None:
        """Use the one-time code, or wait for the sibling process that does; then begin."""
        while True:
            try:
                identity = await self._try_to_enrol(fetch)
            except Unreachable as error:
                log.warning("the guard cannot be enrolled yet (%s)", error)
            except (Rejected, BrokenIdentity, OSError) as error:
                log.error("the guard is not enrolled, and answers 503: %s", error)
                return
            else:
                if identity is not None:
                    self._begin(identity, fetch)
                    return
            await asyncio.sleep(_ENROL_AGAIN)

    async def _try_to_enrol(self, fetch: Fetch) -> Identity | None:
        lock = Lock.take(self._folder.path / "enrol.lock")
        if lock is None:
            return None
        try:
            identity = Identity.load(self._folder)
            if identity is None:
                key = pending_key(self._folder)
                identity = await authority.enrol(fetch, self._options.issuer, self._options.code or "", key)
                identity.save(self._folder)
        finally:
            lock.release()
        if (identity.issuer, identity.resource) != (self._options.issuer, self._options.resource):
            raise BrokenIdentity(f"the code was for {identity.resource}, the guard is for {self._options.resource}")
        return identity
