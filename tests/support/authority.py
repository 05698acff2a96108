"""Accredit as guards see it, in one process and without a database: real signatures, numbers and chains."""

import asyncio
import json
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from accredit_sdk import claims as access
from accredit_sdk import ids, jws, keys, record, signal, snapshot
from accredit_sdk.guard import authority
from accredit_sdk.guard.fetch import HttpFetch
from accredit_sdk.guard.folder import Folder
from accredit_sdk.guard.identity import Identity, pending_key
from accredit_sdk.snapshot import Change, ReductionEntry, ServerEntry, TargetEntry
from tests.support.streaming import StreamingTransport

ISSUER: Final = "https://id.example"
RESOURCE: Final = "https://tools.example/mcp"
SERVER: Final = ids.encode("srv_", 1, bytes(ids.RANDOM_BYTES))
AGENT: Final = ids.encode("agt_", 2, bytes(ids.RANDOM_BYTES))
NOON: Final = 1_790_000_000_000_000
TARGETS: Final = (
    TargetEntry("tool", "read", ["ledger:read"], read_only=True),
    TargetEntry("tool", "post", ["ledger:read", "ledger:write"]),
    TargetEntry("tool", "purge", ["ledger:purge"], destructive=True),
    TargetEntry("tool", "prüfe", ["ledger:read"]),
    TargetEntry("prompt", "summary", ["ledger:read"]),
    TargetEntry("resource", "ledger://book/1", ["ledger:read"]),
)


class FrozenClock:
    """Microseconds UTC that stand still until they are told to go on."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * 1_000_000)


@dataclass
class FakeAccredit:
    """An ASGI app with the guard API and the token endpoint. What it was asked and given can be looked at."""

    clock: Any = field(default_factory=FrozenClock)
    issuer: str = ISSUER
    resource: str = RESOURCE
    targets: tuple[TargetEntry, ...] = TARGETS
    may_ask: tuple[str, ...] = ()
    seq: int = 5
    server_suspended: bool = False
    away: bool = False
    """Answer nothing but 503."""
    refuse_records: int | None = None
    page: int = 1000
    access_keys: list[jws.SigningKey] = field(default_factory=lambda: [keys.generate(jws.Algorithm.ES256)])
    signal_key: jws.SigningKey = field(default_factory=lambda: keys.generate(jws.Algorithm.ES256))
    next_signal_key: jws.SigningKey | None = None
    codes: dict[str, str] = field(default_factory=dict)
    """Enrolment code → resource that it is for."""
    changes: list[Change] = field(default_factory=list)
    before: dict[str, int] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    reduced: dict[str, ReductionEntry] = field(default_factory=dict)
    guards: dict[str, jws.VerifyingKey] = field(default_factory=dict)
    chains: dict[str, list[record.Record]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """What was asked for, but for the stream and acknowledgements."""
    acknowledged: list[dict[str, Any]] = field(default_factory=list)
    """What guards said of themselves."""
    streaming: bool = False
    """Whether there is a stream of signals; without one, guards ask again and again."""
    streams: list["Told"] = field(default_factory=list)
    """The streams that were opened."""
    seen_jti: set[str] = field(default_factory=set)

    def seconds(self) -> int:
        return int(self.clock()) // 1_000_000

    # ------------------------------------------------------------------ what a test does to it
    def token(
        self, scope: str = "ledger:read", *, key: jws.SigningKey | None = None, typ: str = "at+jwt", **more: Any
    ) -> str:
        """Return an access token for the guarded server; `more` replaces claims, None removes one."""
        now = self.seconds()
        found: dict[str, Any] = {
            "iss": self.issuer,
            "sub": AGENT,
            "aud": self.resource,
            "client_id": AGENT,
            "scope": scope,
            "iat": now,
            "exp": now + 300,
            "jti": f"jti-{now}",
            "ver": self.seq,
            "rev": [AGENT, SERVER],
        }
        payload = {name: value for name, value in (found | more).items() if value is not None}
        return jws.sign(key or self.access_keys[-1], typ, json.dumps(payload, separators=(",", ":")).encode())

    def signal(self, kind: str, handle: str | None = None, scopes: list[str] | None = None) -> int:
        """Happen: number one more signal."""
        self.seq += 1
        self.changes.append(Change(self.seq, kind, handle, scopes))
        if kind == "reduced" and handle is not None:
            self.reduced[handle] = ReductionEntry(handle, self.seq, scopes or [])
        if handle is not None and kind == "revoked":
            self.before[handle] = self.seq
        elif handle is not None and kind == "suspended":
            self.suspended.add(handle)
        elif handle is not None and kind == "resumed":
            self.suspended.discard(handle)
        return self.seq

    def records(self, kind: str | None = "decision") -> list[dict[str, Any]]:
        """Return header and person part, merged, of every record that was delivered, in the order of its chain."""
        found = []
        for chain in self.chains.values():
            for item in chain:
                header = json.loads(item.header)
                if kind is None or header["kind"] == kind:
                    found.append(header | json.loads(item.person or b"{}"))
        return found

    def fetch(self) -> HttpFetch:
        """Return the guard's real HTTP client, with this app at the other end."""
        return HttpFetch(self.issuer, StreamingTransport(self))

    async def enrol(self, folder: Folder) -> Identity:
        """Enrol a guard into `folder` the way a person does."""
        assert not folder.problems(writable=True)
        self.codes["code-of-a-test"] = self.resource
        fetch = self.fetch()
        identity = await authority.enrol(fetch, self.issuer, "code-of-a-test", pending_key(folder))
        identity.save(folder)
        await fetch.close()
        self.asked.clear()
        return identity

    def snapshot(self, **more: Any) -> bytes:
        """Return the signed snapshot of now; `more` replaces members."""
        document = snapshot.Snapshot(
            **{
                "schema": 1,
                "issuer": self.issuer,
                "seq": self.seq,
                "at": self.seconds(),
                "server": ServerEntry(
                    id=SERVER,
                    resource=self.resource,
                    suspended=self.server_suspended,
                    scopes=["ledger:purge", "ledger:read", "ledger:write"],
                    default_scopes=["ledger:read"],
                    targets=list(self.targets),
                    may_ask=list(self.may_ask),
                ),
                "keys": [keys.public_jwk(key.verifying()) for key in self.access_keys],
                "signal_keys": [
                    keys.public_jwk(key.verifying())
                    for key in (self.signal_key, self.next_signal_key)
                    if key is not None
                ],
                "before": dict(self.before),
                "suspended": sorted(self.suspended),
                "reduced": list(self.reduced.values()),
                "arguments_key": "ab" * 32,
                "sealing_key": "cd" * 32,
            }
            | more
        )
        return jws.sign(self.signal_key, snapshot.SNAPSHOT_TYPE, snapshot.encode_snapshot(document)).encode()

    def changes_after(self, after: int, **more: Any) -> bytes:
        """Return the signed page of changes; `more` replaces members."""
        page = [change for change in self.changes if change.seq > after][: self.page]
        document = snapshot.Changes(
            **{
                "schema": 1,
                "issuer": self.issuer,
                "server": SERVER,
                "seq": page[-1].seq if page else after,
                "at": self.seconds(),
                "changes": page,
            }
            | more
        )
        return jws.sign(self.signal_key, snapshot.CHANGES_TYPE, snapshot.encode_changes(document)).encode()

    # ------------------------------------------------------------------ what a guard does to it
    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        fields = {name.decode(): value.decode() for name, value in scope["headers"]}
        if scope["path"].endswith("/guard/v1/stream"):
            if self.streaming and not self.away and "guard-token-" in fields.get("authorization", ""):
                await self._stream(parse_qs(scope["query_string"].decode()), receive, send)
                return
        elif not scope["path"].endswith("/guard/v1/ack"):
            self.asked.append(f"{scope['method']} {scope['path']}")
        status, kind, content = 503, "text/plain", b""
        if not self.away:
            status, kind, content = self._answer(scope["path"], scope["query_string"].decode(), fields, body)
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _answer(self, path: str, query: str, fields: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        prefix = urlsplit(self.issuer).path
        match path.removeprefix(prefix):
            case "/guard/v1/enrol":
                return self._enrol(json.loads(body))
            case "/token":
                return self._token(parse_qs(body.decode(), strict_parsing=True))
        guard = fields.get("authorization", "").removeprefix("Bearer guard-token-")
        if guard not in self.guards:
            return _json(401, {"title": "unauthorized"})
        match path.removeprefix(prefix):
            case "/guard/v1/snapshot":
                return 200, "application/jwt", self.snapshot()
            case "/guard/v1/changes":
                return 200, "application/jwt", self.changes_after(int(parse_qs(query)["after"][0]))
            case "/guard/v1/ack":
                self.acknowledged.append(json.loads(body))
                return 204, "application/json", b""
            case "/guard/v1/records":
                return self._take(body)
        return _json(404, {"title": "not found"})

    async def _stream(self, query: dict[str, list[str]], receive: Any, send: Any) -> None:
        told = Told(self, int(query["after"][0]), int(query["beat"][0]), send)
        self.streams.append(told)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", told.kind.encode())]})
        for change in [one for one in self.changes if one.seq > told.after]:
            await told.change(change)
        await told.beat()
        leaving = asyncio.create_task(receive())
        await asyncio.wait((leaving, asyncio.create_task(told.over.wait())), return_when=asyncio.FIRST_COMPLETED)
        told.left = leaving.done()
        if not told.left:
            leaving.cancel()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def heard(self, kind: str, seq: int | None = None, **more: Any) -> bytes:
        """Return a signed signal, numbered as the last one; `more` replaces members."""
        members = {
            "issuer": self.issuer,
            "audience": f"{self.issuer}/guard",
            "seq": self.seq if seq is None else seq,
            "at": self.seconds(),
            "kind": kind,
        }
        return jws.sign(self.signal_key, signal.SIGNAL_TYPE, signal.encode(signal.Heard(**members | more))).encode()

    def _enrol(self, wanted: dict[str, Any]) -> tuple[int, str, bytes]:
        resource = self.codes.pop(wanted["code"], None)
        if resource is None:
            return _json(410, {"title": "gone"})
        key = keys.verifying_key(wanted["jwk"])
        client_id = ids.encode("grd_", len(self.guards) + 1, bytes(ids.RANDOM_BYTES))
        self.guards[client_id] = key
        answer = {
            "client_id": client_id,
            "issuer": self.issuer,
            "token_endpoint": f"{self.issuer}/token",
            "resource": f"{self.issuer}/guard",
            "server": {"id": SERVER, "resource": resource},
            "signal_keys": [keys.public_jwk(self.signal_key.verifying())],
        }
        return _json(201, answer)

    def _token(self, form: dict[str, list[str]]) -> tuple[int, str, bytes]:
        (assertion,) = form["client_assertion"]
        said = json.loads(jws.parse(assertion).payload)
        key = self.guards.get(said["sub"])
        if key is None:
            return _json(401, {"error": "invalid_client"})
        jws.verify(assertion, {key.kid: key}, "client-authentication+jwt")
        assert said["iss"] == said["sub"]
        assert said["aud"] == self.issuer
        assert said["iat"] == self.seconds()
        assert 0 < said["exp"] - said["iat"] <= 60
        assert said["jti"] not in self.seen_jti
        self.seen_jti.add(said["jti"])
        assert form["grant_type"] == ["client_credentials"]
        assert form["resource"] == [f"{self.issuer}/guard"]
        assert set(form["scope"][0].split()) == {"policy", "records", "signals"}
        return _json(200, {"access_token": f"guard-token-{said['sub']}", "token_type": "Bearer", "expires_in": 300})

    def _take(self, body: bytes) -> tuple[int, str, bytes]:
        if self.refuse_records is not None:
            return _json(self.refuse_records, {"title": "invalid"})
        lines = [record.decode_line(line) for line in body.splitlines()]
        heads = [json.loads(line.header) for line in lines]
        (chain,) = {head["chain"] for head in heads}
        kept = self.chains.get(chain, [])
        end = kept[-1].hash if kept else record.START
        if heads[0]["seq"] != len(kept) + 1:
            return _json(409, {"title": "out of step", "chain": chain, "seq": len(kept), "hash": end.hex()})
        record.verify(lines, end)
        assert all(head["server"] == SERVER for head in heads)
        self.chains[chain] = [*kept, *lines]
        return _json(200, {"chain": chain, "seq": len(self.chains[chain])})


@dataclass
class Told:
    """One stream: what a test says over it, and whether the guard has left it."""

    accredit: FakeAccredit
    after: int
    every: int
    send: Any
    over: asyncio.Event = field(default_factory=asyncio.Event)
    left: bool = False
    kind: str = "text/event-stream"

    async def say(self, token: bytes) -> None:
        """Send one event, whatever it is."""
        await self.send({"type": "http.response.body", "body": b"data: " + token + b"\n\n", "more_body": True})

    async def change(self, change: Change) -> None:
        """Send one of the numbered changes."""
        scopes = None if change.scopes is None else tuple(change.scopes)
        server = SERVER if change.kind in ("policy", "reduced") else None
        told = self.accredit.heard(change.kind, change.seq, handle=change.handle, server=server, scopes=scopes)
        await self.say(told)

    async def last(self) -> None:
        """Send the last of the numbered changes."""
        await self.change(self.accredit.changes[-1])

    async def beat(self) -> None:
        """Say that nothing is new."""
        await self.say(self.accredit.heard("beat"))


def decoded(token: str) -> access.AccessClaims:
    """Return the claims of a token without looking at its signature."""
    return access.decode(jws.parse(token).payload)


def _json(status: int, document: dict[str, Any]) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(document).encode()
