"""For the tests of those who guard a server: a clock that stands still, and a stand-in for Accredit in one process.

    accredit = StandIn("https://tools.example/mcp", [Target.tool("list_invoices", "invoices:read")])
    guarded = accredit.guard(app, tmp_path / "guard")
    token = accredit.token("invoices:read")

There is no network and no database; keys, signatures, tokens, policy, signals and records are real, and the guard is
the one that runs in production. Needs `accredit-sdk[guard]`, and knows no test framework.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, MutableMapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Unpack
from urllib.parse import parse_qs, urlsplit

import msgspec

from accredit_sdk import assertion, ids, jws, keys, record, scopes, snapshot
from accredit_sdk import claims as access
from accredit_sdk.errors import ConfigurationError, InvalidToken
from accredit_sdk.guard import Guard
from accredit_sdk.guard.authority import NoStream, Rejected
from accredit_sdk.guard.fetch import Reply, Stream, Unreachable
from accredit_sdk.guard.folder import Folder
from accredit_sdk.guard.identity import Identity
from accredit_sdk.guard.options import Settings
from accredit_sdk.guard.way import App, Receive, Scope, Send
from accredit_sdk.policy import Target
from accredit_sdk.snapshot import Change, ServerEntry, SnapshotError, TargetEntry

__all__ = ["AGENT", "NOON", "FrozenClock", "StandIn", "started"]

NOON: Final = 1_793_016_000_000_000
"""Where a frozen clock stands at first: 2026-10-26, 12:00 UTC, in microseconds."""

AGENT: Final = ids.encode("agt_", 0, bytes(ids.RANDOM_BYTES))
"""The client of a token for which nobody else is named: an agent that acts for itself."""

_LIFETIME: Final = 300


class FrozenClock:
    """A clock that stands still: calling it returns `now`, in microseconds UTC."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        """Return the time."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on (or back, with a negative number)."""
        self.now += round(seconds * 1_000_000)


class StandIn:
    """Accredit as one server's guard sees it.

    `resource` is the canonical URI of the guarded server, and the audience of its tokens. `targets` is what the server
    offers and what each of it needs. `scopes` are further ones that the server knows, such as wide ones; `defaults` is
    what somebody gets who asks for none; `may_ask` what the server may ask its clients for (see `methods.ASKS`). Guards
    and tokens go by `clock`. While `away` is true, Accredit answers nothing.
    """

    def __init__(
        self,
        resource: str,
        targets: Iterable[Target],
        *,
        scopes: Iterable[str] = (),
        defaults: Iterable[str] = (),
        may_ask: Iterable[str] = (),
        issuer: str = "https://accredit.example",
        clock: FrozenClock | None = None,
    ) -> None:
        self.resource = resource
        self.issuer = issuer
        self.clock = clock or FrozenClock()
        self.server = ids.encode("srv_", 0, bytes(ids.RANDOM_BYTES))
        """The id of the guarded server: a handle of each of its tokens."""
        self.away = False
        self._targets = {(one.kind, one.name): one for one in targets}
        self._scopes = frozenset(scopes)
        self._defaults = frozenset(defaults)
        self._may_ask = frozenset(may_ask)
        self._keys = [keys.generate(jws.Algorithm.ES256)]
        self._signal_key = keys.generate(jws.Algorithm.ES256)
        self._changes: list[Change] = []
        self._before: dict[str, int] = {}
        self._suspended: set[str] = set()
        self._minted = 0
        self._guards: dict[str, jws.VerifyingKey] = {}
        self._chains: dict[str, list[record.Record]] = {}

    # ---------------------------------------------------------------- tokens
    def token(
        self,
        scope: str | None = None,
        *,
        subject: str | None = None,
        client_id: str = AGENT,
        lifetime: int = _LIFETIME,
        typ: str = access.ACCESS_TOKEN_TYPE,
        key: jws.SigningKey | None = None,
        **claims: Any,
    ) -> str:
        """Return a signed access token for the guarded server (RFC 9068).

        `scope` are words with single spaces between them, None is the default set; nothing compares them with a role.
        `subject` is for whom the client acts; left out, for itself. `lifetime` is in seconds; with a negative one the
        token has expired so long ago (clocks may differ by 30 s). `typ`, `key` and `claims` are for tokens that must
        be refused: they replace what would be right, and a claim that is None is left out.
        """
        now = self._seconds()
        self._minted += 1
        found: dict[str, Any] = {
            "iss": self.issuer,
            "sub": subject or client_id,
            "aud": self.resource,
            "client_id": client_id,
            "scope": scopes.render(self._defaults) if scope is None else scope,
            "iat": now if lifetime > 0 else now + lifetime - _LIFETIME,
            "exp": now + lifetime,
            "jti": ids.encode("tok_", self._minted, bytes(ids.RANDOM_BYTES)),
            "ver": self._seq,
        }
        if subject not in (None, client_id):
            found["act"] = {"iss": self.issuer, "sub": client_id}
        found["rev"] = list(dict.fromkeys((found["jti"], client_id, found["sub"], self.server)))
        payload = {name: value for name, value in (found | claims).items() if value is not None}
        return jws.sign(key or self._keys[-1], typ, msgspec.json.encode(payload))

    def key_set(self) -> dict[str, Any]:
        """Return the JSON Web Key Set with which tokens are verified (RFC 7517)."""
        return {"keys": [keys.public_jwk(key.verifying()) for key in self._keys]}

    def rotate_keys(self, *, forget: bool = False) -> None:
        """Sign with a fresh key from now on. The ones before stay published, unless they are to be forgotten."""
        self._keys = [*([] if forget else self._keys), keys.generate(jws.Algorithm.ES256)]
        self._happen("keys", None)

    # ---------------------------------------------------------------- what an administrator does
    def revoke(self, token: str) -> None:
        """End one token, before its time."""
        handle = access.decode(jws.parse(token).payload).jti
        self._before[handle] = self._seq + 1
        self._happen("revoked", handle)

    def suspend(self, handle: str) -> None:
        """Refuse every token of a client or a subject, until `resume`; or all there are, with `server`."""
        self._suspended.add(handle)
        self._happen("suspended", handle)

    def resume(self, handle: str) -> None:
        """Let the tokens of a client, a subject or the server work again, if they live."""
        self._suspended.discard(handle)
        self._happen("resumed", handle)

    def declare(self, *targets: Target) -> None:
        """Add targets to the policy, or replace those of the same kind and name."""
        self._targets |= {(one.kind, one.name): one for one in targets}
        self._happen("policy", self.server)

    # ---------------------------------------------------------------- guards
    def guard(self, app: App, folder: str | Path, **settings: Unpack[Settings]) -> Guard:
        """Return a guard around an ASGI app, enrolled in `folder`; `settings` are those of Guard.

        It hears of everything that happened here before it judges a request, and hands its records over after each
        one, so that no test waits. Raises ConfigurationError.
        """
        place = Folder(Path(folder))
        problems = place.problems(writable=True)
        if problems:
            raise ConfigurationError(problems)
        self._enrolled().save(place)
        settings = {"clock": self.clock, "fetch": _Line(self), **settings}
        return _Attentive(app, issuer=self.issuer, resource=self.resource, folder=folder, **settings)

    def decisions(self) -> list[dict[str, Any]]:
        """Return what the guards decided and why, oldest first in each guard's chain.

        Each has the members of `record.RecordHeader` and of `record.RecordPerson` (those that say something):
        `outcome`, `reason`, `problem`, `method`, `target`, `needed`, `missing`, `decision` and others.
        """
        heads = [(record.decode_header(one.header), one) for chain in self._chains.values() for one in chain]
        return [
            msgspec.json.decode(one.header) | msgspec.json.decode(one.person or b"{}")
            for head, one in heads
            if head.kind == "decision"
        ]

    @property
    def _seq(self) -> int:
        """The number of the last signal; the first one is what everything began with."""
        return len(self._changes) + 1

    def _seconds(self) -> int:
        return self.clock() // 1_000_000

    def _happen(self, kind: str, handle: str | None) -> None:
        self._changes.append(Change(self._seq + 1, kind, handle))

    def _enrolled(self) -> Identity:
        """Let in one more guard, the way a one-time code does."""
        key = keys.generate(jws.Algorithm.ES256)
        client_id = ids.encode("grd_", len(self._guards), bytes(ids.RANDOM_BYTES))
        self._guards[client_id] = key.verifying()
        signal_keys = (keys.public_jwk(self._signal_key.verifying()),)
        token_endpoint, audience = f"{self.issuer}/token", f"{self.issuer}/guard"
        return Identity(client_id, self.issuer, token_endpoint, audience, self.server, self.resource, signal_keys, key)

    def _answer(self, url: str, headers: Mapping[str, str], content: bytes) -> tuple[int, bytes]:
        """Return status and body of the answer to a guard."""
        parts = urlsplit(url)
        path = parts.path.removeprefix(urlsplit(self.issuer).path)
        if path == "/token":
            return self._admit(parse_qs(content.decode(), strict_parsing=True))
        if headers.get("authorization", "").removeprefix("Bearer ") not in self._guards:
            return _refused(401, "unauthorized")
        match path:
            case "/guard/v1/snapshot":
                return 200, self._snapshot()
            case "/guard/v1/changes":
                return 200, self._after(int(parse_qs(parts.query)["after"][0]))
            case "/guard/v1/ack":
                return 204, b""
            case "/guard/v1/records":
                return self._take(content)
        return _refused(404, "not found")

    def _admit(self, form: Mapping[str, list[str]]) -> tuple[int, bytes]:
        """RFC 7523, 2.2: give a guard its own token, which is opaque here and no use anywhere else."""
        try:
            shown = form["client_assertion"][0]
            said = msgspec.json.decode(jws.parse(shown).payload)
            key = self._guards[said["sub"]]
            jws.verify(shown, {key.kid: key}, assertion.TYPE)
        except (InvalidToken, KeyError):
            return _refused(401, "invalid_client")
        return 200, msgspec.json.encode({"access_token": said["sub"], "expires_in": _LIFETIME})

    def _snapshot(self) -> bytes:
        targets = [
            TargetEntry(one.kind, one.name, sorted(one.needs), one.destructive, one.read_only, one.visibility.value)
            for one in self._targets.values()
        ]
        known = self._scopes | self._defaults.union(*(one.needs for one in self._targets.values()))
        document = snapshot.Snapshot(
            schema=snapshot.SCHEMA,
            issuer=self.issuer,
            seq=self._seq,
            at=self._seconds(),
            server=ServerEntry(
                id=self.server,
                resource=self.resource,
                suspended=self.server in self._suspended,
                scopes=sorted(known),
                default_scopes=sorted(self._defaults),
                targets=targets,
                may_ask=sorted(self._may_ask),
            ),
            keys=self.key_set()["keys"],
            signal_keys=[keys.public_jwk(self._signal_key.verifying())],
            before=dict(self._before),
            suspended=sorted(self._suspended),
            arguments_key="a0" * 32,
            sealing_key="5e" * 32,
            reduced=[],
        )
        return jws.sign(self._signal_key, snapshot.SNAPSHOT_TYPE, snapshot.encode_snapshot(document)).encode()

    def _after(self, seq: int) -> bytes:
        changes = [change for change in self._changes if change.seq > seq]
        document = snapshot.Changes(
            schema=snapshot.SCHEMA,
            issuer=self.issuer,
            server=self.server,
            seq=changes[-1].seq if changes else seq,
            at=self._seconds(),
            changes=changes,
        )
        return jws.sign(self._signal_key, snapshot.CHANGES_TYPE, snapshot.encode_changes(document)).encode()

    def _take(self, lines: bytes) -> tuple[int, bytes]:
        """Take records that continue a chain; say where the chain stands to those that do not."""
        found = [record.decode_line(line) for line in lines.splitlines()]
        first = record.decode_header(found[0].header)
        kept = self._chains.setdefault(first.chain, [])
        end = kept[-1].hash if kept else record.START
        taken = first.seq == len(kept) + 1
        if taken:
            record.verify(found, end)
            kept += found
        stand = {"chain": first.chain, "seq": len(kept), "hash": kept[-1].hash.hex() if kept else ""}
        return 200 if taken else 409, msgspec.json.encode(stand)


class _Line:
    """What a guard of the stand-in has for HTTP."""

    def __init__(self, accredit: StandIn) -> None:
        self._accredit = accredit

    async def send(self, method: str, url: str, headers: Mapping[str, str], content: bytes = b"") -> Reply:  # noqa: ARG002  (each path has one method)
        """Return the stand-in's answer."""
        if self._accredit.away:
            raise Unreachable("the stand-in is away")
        return Reply(*self._accredit._answer(url, headers, content))  # noqa: SLF001  (one thing in two classes)

    def stream(self, url: str, headers: Mapping[str, str], silence: float) -> AbstractAsyncContextManager[Stream]:  # noqa: ARG002  (as Fetch has it)
        """Offer no stream: a guard of the stand-in asks before each request."""
        raise NoStream("the stand-in has no stream")

    async def close(self) -> None:
        """Do nothing: there are no connections."""


class _Attentive(Guard):
    """A guard that asks before each request and reports after it, instead of every second."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        feed = self._runtime.feed if self._runtime is not None else None
        if scope["type"] == "http" and feed is not None and self._loop is asyncio.get_running_loop():
            with contextlib.suppress(Unreachable, Rejected, InvalidToken, SnapshotError):
                await feed.catch_up()
        await super().__call__(scope, receive, send)
        shipper = self._runtime._shipper if self._runtime is not None else None  # noqa: SLF001  (see the class)
        if scope["type"] == "http" and shipper is not None:
            with contextlib.suppress(Unreachable, Rejected):
                await shipper.round()


@asynccontextmanager
async def started(app: App) -> AsyncIterator[None]:
    """Run an ASGI app's lifespan around the block, as an ASGI server does: the guard, and the server within, need it.

    Raises RuntimeError when the app cannot start.
    """
    asked: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    said: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
    life = asyncio.create_task(_live(app, asked, said))
    try:
        await _lifespan("startup", asked, said)
        try:
            yield
        finally:
            await _lifespan("shutdown", asked, said)
    finally:
        life.cancel()
        await asyncio.wait([life])


async def _live(
    app: App, asked: asyncio.Queue[MutableMapping[str, Any]], said: asyncio.Queue[MutableMapping[str, Any]]
) -> None:
    try:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, asked.get, said.put)
    except Exception as error:  # noqa: BLE001  (whatever it is, it is told to those who wait)
        await said.put({"type": "", "message": repr(error)})
    await said.put({"type": "", "message": "the app knows no lifespan"})


async def _lifespan(
    word: str, asked: asyncio.Queue[MutableMapping[str, Any]], said: asyncio.Queue[MutableMapping[str, Any]]
) -> None:
    await asked.put({"type": f"lifespan.{word}"})
    answer = await said.get()
    if answer["type"] != f"lifespan.{word}.complete":
        raise RuntimeError(f"the app's {word} failed: {answer.get('message', '')}")


def _refused(status: int, title: str) -> tuple[int, bytes]:
    return status, msgspec.json.encode({"error": title})
