"""A guard that only listens: enrolled at a node of this process, with the stream in its hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx2

from accredit_sdk import assertion, ids, jws, keys, signal
from accredit_sdk.signal import Heard
from tests.support.admin import Admin
from tests.support.streaming import StreamingTransport

ISSUER = "http://127.0.0.1:8700"


@dataclass(frozen=True)
class Listener:
    """One guard: its id, its key, and its way to the node."""

    admin: Admin
    client_id: str
    key: jws.SigningKey
    http: httpx2.AsyncClient

    async def token(self) -> str:
        """Return an access token of the guard."""
        now = self.admin.clock.now()
        jti = ids.encode("tok_", now // 1000, b"%016d" % (now % 10**16))
        form = {
            "grant_type": "client_credentials",
            "resource": f"{ISSUER}/guard",
            "client_assertion_type": assertion.PARAMETER,
            "client_assertion": assertion.sign(self.key, self.client_id, ISSUER, now // 1_000_000, jti),
        }
        content = urlencode(form)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        answer = await self.http.post("/token", content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def get(self, where: str) -> httpx2.Response:
        """Ask the guard API with a fresh token."""
        return await self.http.get(f"/guard/v1/{where}", headers={"authorization": f"Bearer {await self.token()}"})

    async def snapshot(self) -> dict[str, Any]:
        """Return the snapshot, unverified."""
        found: dict[str, Any] = json.loads(jws.parse((await self.get("snapshot")).content, 1 << 20).payload)
        return found

    @asynccontextmanager
    async def stream(self, after: int, beat: int = 30) -> AsyncIterator["Stream"]:
        """Open the stream behind a number."""
        headers = {"authorization": f"Bearer {await self.token()}"}
        where = f"/guard/v1/stream?after={after}&beat={beat}"
        async with self.http.stream("GET", where, headers=headers) as answer:
            assert answer.status_code == 200, await answer.aread()
            yield Stream(answer)


class Stream:
    """What comes over a stream."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self._pieces = answer.aiter_bytes()
        self._events: list[bytes] = []
        self._rest = b""

    async def raw(self) -> bytes | None:
        """Return the next signed token, or None when the stream is over."""
        while not self._events:
            async with asyncio.timeout(20):
                piece = await anext(self._pieces, None)
            if piece is None:
                return None
            *whole, self._rest = (self._rest + piece).split(b"\n\n")
            self._events += [event.removeprefix(b"data: ") for event in whole]
        return self._events.pop(0)

    async def heard(self) -> Heard:
        """Return what the next event says."""
        token = await self.raw()
        assert token is not None, "the stream is over"
        parsed = jws.parse(token)
        assert parsed.typ == "secevent+jwt"
        return signal.decode(parsed.payload)

    async def until(self, kind: str) -> Heard:
        """Return the next event of that kind."""
        while (found := await self.heard()).kind != kind:
            pass
        return found

    async def over(self) -> None:
        """Wait for the end; nothing but beats may come before."""
        while (token := await self.raw()) is not None:
            assert signal.decode(jws.parse(token).payload).kind == signal.BEAT


@asynccontextmanager
async def listener(admin: Admin, name: str, server: str = "ledger") -> AsyncIterator[Listener]:
    """Enrol a guard of a server."""
    key = keys.generate(jws.Algorithm.ES256)
    code = (await admin.ok("POST", f"/servers/{server}/enrolments", json={"name": name}))["code"]
    transport = StreamingTransport(admin.node.public)
    async with httpx2.AsyncClient(transport=transport, base_url=ISSUER) as http:
        body = {"code": code, "jwk": keys.public_jwk(key.verifying())}
        answer = await http.post("/guard/v1/enrol", json=body)
        assert answer.status_code == 201, answer.text
        yield Listener(admin, answer.json()["client_id"], key, http)
