"""RFC 8417: security event tokens: one numbered signal, or the word that there is none, as guards hear it.

The events are those of CAEP and RISC where they say what is meant, and our own where they do not. A guard that does
not know an event reads the whole state anew, and one that cannot understand that lets nothing through.
"""

from dataclasses import dataclass
from typing import Any, Final

import msgspec

from accredit_sdk.snapshot import SCHEMA, Change, SnapshotError

SIGNAL_TYPE: Final = "secevent+jwt"
"""The `typ` of a signed signal (RFC 8417, 2.3)."""

BEAT: Final = "beat"
"""The kind that says: up to `seq` there was nothing else."""

_CAEP: Final = "https://schemas.openid.net/secevent/caep/event-type/"
_RISC: Final = "https://schemas.openid.net/secevent/risc/event-type/"
_OURS: Final = "urn:accredit:signal:"
_EVENTS: Final = {
    "revoked": _CAEP + "session-revoked",
    "reduced": _CAEP + "token-claims-change",
    "suspended": _RISC + "account-disabled",
    "resumed": _RISC + "account-enabled",
}
_KINDS: Final = {event: kind for kind, event in _EVENTS.items()}


class Subject(msgspec.Struct, frozen=True):
    """RFC 9493, 3.2.5: what a signal is about: a handle, of which nobody need know more."""

    id: str
    format: str = "opaque"


class _Token(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    schema: int
    iss: str
    aud: str
    iat: int
    jti: str
    seq: int
    events: dict[str, dict[str, Any]]
    sub_id: Subject | None = None


class _Claims(msgspec.Struct, frozen=True):
    scope: str


class _Details(msgspec.Struct, frozen=True):
    server: str | None = None
    claims: _Claims | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A signal as it travels. `at` is when it was raised (seconds UTC), or up to when a beat knows that it is true.

    `audience` is the resource of the guard API; `server` (an id) is the one server that it concerns, None for all of
    them. `handle` and `scopes` are told only to those whom they concern.
    """

    issuer: str
    audience: str
    seq: int
    at: int
    kind: str
    handle: str | None = None
    server: str | None = None
    scopes: tuple[str, ...] | None = None

    def change(self, server: str) -> Change:
        """Return what a guard of `server` applies: of what concerns another one, only the number."""
        if self.server is not None and self.server != server:
            return Change(self.seq, "none")
        return Change(self.seq, self.kind, self.handle, None if self.scopes is None else list(self.scopes))


def encode(heard: Heard) -> bytes:
    """Return the claims as JSON (RFC 8417, 2.2). The same signal has the same `jti`, whichever node tells it."""
    event: dict[str, Any] = {}
    if heard.server is not None:
        event["server"] = heard.server
    if heard.scopes is not None:
        event["claims"] = {"scope": " ".join(heard.scopes)}
    name = f"{heard.kind}-{heard.seq}-{heard.at}" if heard.kind == BEAT else f"signal-{heard.seq}"
    token = _Token(
        schema=SCHEMA,
        iss=heard.issuer,
        aud=heard.audience,
        iat=heard.at,
        jti=name,
        seq=heard.seq,
        events={_EVENTS.get(heard.kind, _OURS + heard.kind): event},
        sub_id=None if heard.handle is None else Subject(heard.handle),
    )
    return msgspec.json.encode(token)


def decode(payload: bytes) -> Heard:
    """Read the claims of a signal. Raises SnapshotError.

    An event that is not known, or one among several, is a kind that nobody can apply.
    """
    try:
        token = msgspec.json.decode(payload, type=_Token)
        uri, event = next(iter(token.events.items())) if len(token.events) == 1 else ("", {})
        details = msgspec.convert(event, _Details)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise SnapshotError("the signal cannot be read") from None
    if token.schema != SCHEMA:
        raise SnapshotError(f"schema {token.schema} is not understood")
    return Heard(
        issuer=token.iss,
        audience=token.aud,
        seq=token.seq,
        at=token.iat,
        kind=_KINDS.get(uri) or (uri.removeprefix(_OURS) if uri.startswith(_OURS) else ""),
        handle=None if token.sub_id is None else token.sub_id.id,
        server=details.server,
        scopes=None if details.claims is None else tuple(details.claims.scope.split()),
    )
