"""Brings the spooled records to Accredit, in order, also those of dead processes; lets go of what is acknowledged."""

import asyncio
import logging
from pathlib import Path
from typing import Final

from accredit_sdk import record
from accredit_sdk.guard.authority import Authority, Delivery, NotAdmitted, Rejected
from accredit_sdk.guard.fetch import Unreachable
from accredit_sdk.guard.records import Recorder, Store
from accredit_sdk.guard.spool import Batch, Spool, SpoolFull

_EVERY: Final = 0.5
_LONGEST_PAUSE: Final = 5.0
_ORPHANS_EVERY: Final = 60
_NEVER: Final = frozenset({400, 403, 413, 422})

log = logging.getLogger("accredit_sdk.guard")


class Shipper:
    """Ships the chain of this process, and what dead processes left in the same spool (None: there is no spool)."""

    def __init__(self, authority: Authority, recorder: Recorder, spool: Path | None) -> None:
        self._authority = authority
        self._recorder = recorder
        self._spool = spool
        self._at: dict[str, int] = {}
        self._failures = 0
        self._orphans_in = 0

    async def run(self) -> None:
        """Ship for ever. What fails is tried again; the records wait in the spool."""
        while True:
            try:
                await self.round()
            except (Unreachable, Rejected, OSError) as error:
                if self._failures == 0:
                    log.warning("records cannot be delivered (%s); they wait in the spool", error)
                self._failures += 1
            except Exception:
                log.exception("delivering records failed in a way that nobody foresaw; trying again")
                self._failures += 1
            else:
                self._failures = 0
            await asyncio.sleep(min(_EVERY * (1 << min(self._failures, 8)), _LONGEST_PAUSE))

    def waiting(self) -> int:
        """Return how many records of the chain of this process Accredit has not taken yet."""
        chain, last = self._recorder.written
        return last - self._at.get(chain, 0)

    async def round(self) -> None:
        """Ship everything that waits now. Raises what `run` handles."""
        store = self._recorder.store
        if store is not None:
            await self._ship(store)
        if self._spool is not None and self._orphans_in <= 0:
            self._orphans_in = int(_ORPHANS_EVERY / _EVERY)
            for orphan in Spool.orphans(self._spool):
                try:
                    await self._ship(orphan)
                finally:
                    orphan.close()
                    self._at.pop(orphan.chain, None)
        self._orphans_in -= 1

    async def _ship(self, store: Store) -> None:
        while (batch := store.batch(self._at.get(store.chain, 0))) is not None:
            try:
                delivery = await self._authority.deliver(batch.lines)
            except NotAdmitted:
                raise
            except Rejected as error:
                if error.status not in _NEVER or not error.error:
                    raise
                self._refused(store, str(error))
                return
            reached = _reached(store, batch, delivery)
            if reached is None:
                self._refused(store, "the chain does not continue what Accredit has")
                return
            self._at[store.chain] = reached
            store.acknowledged(reached)

    def _refused(self, store: Store, why: str) -> None:
        """Put a chain aside that Accredit will never take; go on with a new one."""
        place = store.set_aside()
        log.error("records of chain %s are refused (%s); they are kept in %s", store.chain, why, place)
        if store is self._recorder.store:
            try:
                self._recorder.renew()
            except SpoolFull as error:
                log.warning("records: no new chain can be opened: %s", error)


def _reached(store: Store, batch: Batch, delivery: Delivery) -> int | None:
    """Return the number up to which Accredit has the chain, None if what it has is not what we wrote."""
    if delivery.chain != store.chain or delivery.seq < batch.first:
        return None
    if delivery.taken:
        return delivery.seq if delivery.seq <= batch.last else None
    ours = store.batch(delivery.seq - 1)
    if ours is None:
        return delivery.seq
    try:
        same = record.decode_line(ours.lines.partition(b"\n")[0]).hash == delivery.hash
    except ValueError:
        return None
    return delivery.seq if same else None
