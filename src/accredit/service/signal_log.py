"""RFC 8417: the last signals of a node, each signed once, and the same bytes for every guard that hears it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from accredit.identity.changes import NumberedSignal, SignalKind
from accredit.identity.signing_key import KeyUse
from accredit.service.deployment import guard_resource
from accredit.service.keyring import Keyring
from accredit_sdk import jws, signal
from accredit_sdk.signal import BEAT, Heard

KEPT: Final = 2048
"""How many signals a guard may be behind before it has to read a snapshot."""

_WITH_HANDLE: Final = frozenset({SignalKind.REVOKED, SignalKind.SUSPENDED, SignalKind.RESUMED})
_OF_A_SERVER: Final = frozenset({SignalKind.POLICY, SignalKind.REDUCED})


@dataclass(slots=True)
class _Entry:
    """A signal and its signed forms: for its own server, or for all others; made when somebody first hears it."""

    raised: NumberedSignal
    kid: str = ""
    forms: dict[bool, bytes] = field(default_factory=dict)


class SignalLog:
    """Holds signals without gaps up to `last`. Lives on the event loop."""

    def __init__(self, issuer: str, keyring: Keyring, kept: int = KEPT) -> None:
        self._issuer = issuer
        self._audience = guard_resource(issuer)
        self._keyring = keyring
        self._kept = kept
        self._entries: list[_Entry] = []
        self._beat = (("", 0, 0), b"")
        self.last = 0

    def begin(self, last: int, recent: Sequence[NumberedSignal]) -> None:
        """Start behind the signal numbered `last`, with the ones before it that are at hand."""
        self.last = last
        self._entries = [_Entry(raised) for raised in recent if raised.seq <= last]

    def add(self, page: Sequence[NumberedSignal]) -> None:
        """Take what happened next. What was heard of before is passed over."""
        self._entries += [_Entry(raised) for raised in page if raised.seq > self.last]
        self.last = max(self.last, page[-1].seq)
        if len(self._entries) > 2 * self._kept:
            del self._entries[: -self._kept]

    def after(self, seq: int, limit: int) -> tuple[NumberedSignal, ...] | None:
        """Return at most `limit` signals behind `seq`, in order; None when the first of them is not here any more."""
        found = self._behind(seq, limit)
        return None if found is None else tuple(entry.raised for entry in found)

    def told(self, seq: int, server: str, limit: int) -> list[bytes] | None:
        """Return the same for a guard of `server` (an id), each as a signed event of a stream."""
        found = self._behind(seq, limit)
        return None if found is None else [self._told(entry, server) for entry in found]

    def beat(self, at: int) -> bytes:
        """Return the event that says: until `at` (seconds UTC) there was nothing behind `last`. One for all."""
        key = self._keyring.signing(KeyUse.SIGNAL)
        now = (key.kid, self.last, at)
        if self._beat[0] != now:
            heard = Heard(issuer=self._issuer, audience=self._audience, seq=self.last, at=at, kind=BEAT)
            self._beat = (now, _event(key, heard))
        return self._beat[1]

    def _behind(self, seq: int, limit: int) -> list[_Entry] | None:
        if seq >= self.last:
            return []
        start = len(self._entries) - (self.last - seq)
        return None if start < 0 else self._entries[start : start + limit]

    def _told(self, entry: _Entry, server: str) -> bytes:
        key = self._keyring.signing(KeyUse.SIGNAL)
        if entry.kid != key.kid:
            entry.kid, entry.forms = key.kid, {}
        # Only a reduction says more to its own server than to the others.
        own = entry.raised.kind is SignalKind.REDUCED and entry.raised.server == server
        if own not in entry.forms:
            entry.forms[own] = _event(key, self._heard(entry.raised, own=own))
        return entry.forms[own]

    def _heard(self, raised: NumberedSignal, *, own: bool) -> Heard:
        told = raised.kind in _WITH_HANDLE or own
        concerns = raised.kind in _WITH_HANDLE | _OF_A_SERVER | {SignalKind.KEYS}
        server = raised.server if raised.kind is SignalKind.REDUCED else raised.handle
        return Heard(
            issuer=self._issuer,
            audience=self._audience,
            seq=raised.seq,
            at=raised.at // 1_000_000,
            kind=raised.kind.value if concerns else "none",
            handle=raised.handle if told else None,
            server=server if raised.kind in _OF_A_SERVER else None,
            scopes=tuple(sorted(raised.scopes)) if own else None,
        )


def _event(key: jws.SigningKey, heard: Heard) -> bytes:
    return b"data: " + jws.sign(key, signal.SIGNAL_TYPE, signal.encode(heard)).encode("ascii") + b"\n\n"
