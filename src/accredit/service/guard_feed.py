"""RFC 8417 in spirit: what guards are told, always signed and numbered."""

import contextlib
from collections.abc import Iterable

from accredit.identity.changes import NumberedSignal, SignalKind
from accredit.identity.guarded import entry
from accredit.identity.sealing import MasterKey
from accredit.identity.server import Server
from accredit.identity.signing_key import KeyUse
from accredit.oauth.tokens import LONGEST_LIFETIME
from accredit.ports.catalogue import CatalogueStore
from accredit.ports.clock import Clock
from accredit.ports.journal import StoreError
from accredit.service.directory import Directory
from accredit.service.keyring import Keyring
from accredit.service.signal_log import SignalLog
from accredit_sdk import jws, snapshot

_MATTERS = (LONGEST_LIFETIME + 300) * 1_000_000
"""How long a revocation can still matter: no token of ours lives longer. Microseconds."""

_PAGE = 1000
_FORWARDED = frozenset({SignalKind.REVOKED, SignalKind.SUSPENDED, SignalKind.RESUMED, SignalKind.KEYS})


class GuardFeed:
    """Makes the documents that guards live on."""

    def __init__(
        self,
        issuer: str,
        directory: Directory,
        store: CatalogueStore,
        log: SignalLog,
        keyring: Keyring,
        master: MasterKey,
        clock: Clock,
    ) -> None:
        self._issuer = issuer
        self._directory = directory
        self._store = store
        self._log = log
        self._keyring = keyring
        self._master = master
        self._clock = clock

    async def snapshot(self, server: Server) -> str:
        """Return the whole state that matters to a guard of `server`, signed."""
        await self._directory.catch_up()
        now = self._clock.now()
        seq = self._directory.cursor
        recent = await self._store.signals_since(now - _MATTERS)
        before, suspended = _handles(signal for signal in recent if signal.seq <= seq)
        found = self._directory.server_by_id(server.id) or server
        document = snapshot.Snapshot(
            schema=snapshot.SCHEMA,
            issuer=self._issuer,
            seq=seq,
            at=now // 1_000_000,
            server=entry(found),
            mode=found.mode.value,
            keys=list(self._keyring.published(KeyUse.ACCESS)),
            signal_keys=list(self._keyring.published(KeyUse.SIGNAL)),
            before=before,
            suspended=sorted(suspended),
            reduced=_reductions((signal for signal in recent if signal.seq <= seq), server),
            arguments_key=self._master.derive("audit arguments", server.id.encode("ascii")).hex(),
            sealing_key=self._master.derive("guard seals", server.id.encode("ascii")).hex(),
        )
        return self._signed(snapshot.SNAPSHOT_TYPE, snapshot.encode_snapshot(document))

    async def changes(self, server: Server, after: int) -> str:
        """Return what happened after the signal with the number `after`, signed; empty when nothing did."""
        await self._directory.confirm()
        at = self._directory.confirmed
        page = self._log.after(after, _PAGE)
        if page is None:
            at = self._clock.now()
            page = await self._store.signals(after, _PAGE)
        document = snapshot.Changes(
            schema=snapshot.SCHEMA,
            issuer=self._issuer,
            server=server.id,
            seq=page[-1].seq if page else after,
            at=at // 1_000_000,
            changes=[_change(signal, server) for signal in page],
        )
        return self._signed(snapshot.CHANGES_TYPE, snapshot.encode_changes(document))

    async def happened(self, seq: int) -> int:
        """Return `seq`, or the number of the last signal when none of that number has happened anywhere yet."""
        if seq > self._directory.cursor:
            with contextlib.suppress(StoreError):
                await self._directory.catch_up()
        return min(seq, self._directory.cursor)

    def _signed(self, kind: str, payload: bytes) -> str:
        return jws.sign(self._keyring.signing(KeyUse.SIGNAL), kind, payload)


def _handles(signals: Iterable[NumberedSignal]) -> tuple[dict[str, int], set[str]]:
    before: dict[str, int] = {}
    suspended: set[str] = set()
    for signal in signals:
        if signal.kind is SignalKind.REVOKED:
            before[signal.handle] = signal.seq
        elif signal.kind is SignalKind.SUSPENDED:
            suspended.add(signal.handle)
        elif signal.kind is SignalKind.RESUMED:
            suspended.discard(signal.handle)
    return before, suspended


def _reductions(signals: Iterable[NumberedSignal], server: Server) -> list[snapshot.ReductionEntry]:
    """Return the newest reduction of each handle on `server`."""
    found = {signal.handle: signal for signal in signals if _reduces(signal, server)}
    return [snapshot.ReductionEntry(one.handle, one.seq, sorted(one.scopes)) for one in found.values()]


def _reduces(signal: NumberedSignal, server: Server) -> bool:
    return signal.kind is SignalKind.REDUCED and signal.server == server.id


def _change(signal: NumberedSignal, server: Server) -> snapshot.Change:
    if _reduces(signal, server):
        return snapshot.Change(signal.seq, signal.kind.value, signal.handle, sorted(signal.scopes))
    concerns = signal.kind in _FORWARDED or (signal.kind is SignalKind.POLICY and signal.handle == server.id)
    kind = signal.kind.value if concerns else "none"
    return snapshot.Change(seq=signal.seq, kind=kind, handle=signal.handle if concerns else None)
