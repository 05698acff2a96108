"""The whole house in one process: a real node, a real guard enrolled at it, an agent of it, and forged documents."""

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2

from accredit.identity.signing_key import KeyUse
from accredit.oauth.client_assertion import TYPE
from accredit.service.keyring import Keyring
from accredit_sdk import jws, record
from accredit_sdk.guard import authority
from accredit_sdk.guard.fetch import HttpFetch
from accredit_sdk.guard.folder import Folder
from accredit_sdk.guard.identity import Identity, pending_key
from tests.support.admin import Admin, administration
from tests.support.guarded import Guarded, Response, call, guarded
from tests.support.streaming import StreamingTransport

ISSUER: Final = "http://127.0.0.1:8700"
RESOURCE: Final = "https://tools.example/mcp"
OTHER: Final = "https://tools.example/other"
FORM: Final = "application/x-www-form-urlencoded"
LINES: Final = "application/x-ndjson"


@dataclass(frozen=True)
class Accredit:
    """The node as `guarded` wants its Accredit, with the guard API at the other end of a real client."""

    admin: Admin
    issuer: str = ISSUER
    resource: str = RESOURCE

    def clock(self) -> int:
        return self.admin.clock.now()

    def fetch(self) -> HttpFetch:
        return HttpFetch(self.issuer, StreamingTransport(self.admin.node.public))

    async def enrol(self, folder: Folder) -> Identity:
        assert not folder.problems(writable=True)
        code = (await self.admin.ok("POST", "/servers/ledger/enrolments", json={}))["code"]
        fetch = self.fetch()
        identity = await authority.enrol(fetch, self.issuer, code, pending_key(folder))
        identity.save(folder)
        await fetch.close()
        return identity


@dataclass
class House:
    """What an attacker meets, and what the tests look at behind his back."""

    admin: Admin
    site: Guarded
    public: httpx2.AsyncClient
    guard: Identity
    client_id: str
    secret: str
    _made: int = field(default=0, repr=False)

    # ------------------------------------------------------------------ the token endpoint
    async def post(self, form: Any, auth: Any = None, **more: Any) -> httpx2.Response:
        """Send a form to the token endpoint."""
        answer = await self.public.post("/token", data=form, auth=auth, **more)
        assert "Traceback" not in answer.text
        return answer

    async def ask(self, scope: str = "ledger:read", resource: str = RESOURCE) -> httpx2.Response:
        """Ask for a token as the agent."""
        form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        return await self.post(form, (self.client_id, self.secret))

    async def token(self, scope: str = "ledger:read", resource: str = RESOURCE) -> str:
        """Return a token of the agent."""
        answer = await self.ask(scope, resource)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def assert_with(self, assertion: str, **more: str) -> httpx2.Response:
        """Ask for the guard's token with a client assertion."""
        form = {
            "grant_type": "client_credentials",
            "resource": ISSUER + "/guard",
            "client_assertion_type": TYPE,
            "client_assertion": assertion,
        }
        return await self.post(form | more)

    async def guard_token(self) -> str:
        """Return an access token of the guard."""
        answer = await self.assert_with(self.assertion())
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def assertion_claims(self, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good assertion of the guard, its `jti` fresh; None takes a claim away."""
        self._made += 1
        name, now = self.guard.client_id, self.now
        usual = {"iss": name, "sub": name, "aud": ISSUER, "exp": now + 60, "iat": now, "jti": f"jti-{self._made}"}
        return {key: value for key, value in (usual | changes).items() if value is not None}

    def assertion(self, *, typ: str = "JWT", key: jws.SigningKey | None = None, **changes: Any) -> str:
        """Return an assertion of the guard, signed by its own key unless another is given."""
        return jws.sign(key or self.guard.key, typ, json.dumps(self.assertion_claims(**changes)).encode())

    # ------------------------------------------------------------------ the guarded server
    async def reach(self, token: str | None, name: str = "list_invoices", **more: Any) -> Response:
        """Call a tool through the guard."""
        return await self.site.send(call(name), token=token, **more)

    async def stopped(self, token: str, problem: str | None = None) -> None:
        """Assert that the guard refuses `token` with 401 for that reason, and that the server saw nothing."""
        answer = await self.reach(token)
        assert (answer.status, len(self.site.inner.calls)) == (401, 0), answer
        assert 'error="invalid_token"' in answer.challenge
        if problem is not None:
            person = await self.person(answer.json()["decision_id"])
            assert person["problem"] == problem
            assert problem not in answer.challenge + answer.body.decode()

    async def person(self, decision: str) -> dict[str, Any]:
        """Return what the guard recorded about one decision."""
        await self.site.ship()
        found = await self.admin.ok("GET", "/audit", params={"decision": decision})
        return dict(found["items"][0]["person"])

    # ------------------------------------------------------------------ behind the scenes
    @property
    def now(self) -> int:
        """Seconds UTC."""
        return self.admin.clock.now() // 1_000_000

    def own_key(self, use: KeyUse) -> jws.SigningKey:
        """Return a private key of the node itself: what only a bug could make an attacker have."""
        owners = [getattr(observer, "__self__", None) for observer in self.admin.node.directory._observers]
        (keyring,) = [owner for owner in owners if isinstance(owner, Keyring)]
        return keyring.signing(use)

    def line(self, person: bytes = b'{"reason":"ok"}', **header: Any) -> bytes:
        """Return the first record of a fresh chain, as the guard delivers it, with `header` changed."""
        self._made += 1
        usual = {
            "seq": 1,
            "chain": f"chn_{self._made:026d}",
            "at": self.admin.clock.now(),
            "kind": "decision",
            "decision": "dec_" + "0" * 26,
            "server": self.guard.server,
            "outcome": "allow",
        }
        raw, salt = json.dumps(usual | header).encode(), bytes(16)
        commitment = record.commit(salt, person)
        linked = record.link(record.START, raw, commitment)
        return record.encode_line(record.Record(raw, person, salt, commitment, linked))


def b64(data: bytes | Mapping[str, Any]) -> str:
    """Return base64url of bytes, or of a mapping as JSON."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any], str]:
    """Return header, claims and signature of a token, unverified."""
    header, payload, signature = token.split(".")
    return _json(header), _json(payload), signature


def _json(part: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


@asynccontextmanager
async def house(folder: Path, database: str | None = None) -> AsyncIterator[House]:
    """Furnish it: two servers, a role on both, an agent, and a guard in front of the ledger."""
    async with administration(folder / "data", database) as admin:
        await admin.ledger(resource=RESOURCE)
        await admin.ledger("other", OTHER)
        words = ["ledger:read"]
        await admin.ok("POST", "/roles", json={"slug": "reader", "scopes": {"ledger": words, "other": words}})
        agent = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["reader"]})
        transport = httpx2.ASGITransport(app=admin.node.public, raise_app_exceptions=False)
        async with (
            httpx2.AsyncClient(transport=transport, base_url=ISSUER) as public,
            guarded(folder / "guard", Accredit(admin), poll_interval=10) as site,  # type: ignore[arg-type]
        ):
            identity = Identity.load(site.folder)
            assert identity is not None
            yield House(admin, site, public, identity, agent["client_id"], agent["secret"])
