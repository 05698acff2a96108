"""One small deployment as plain values, for the tests of the core: an agent, its secret, a server and a role."""

import base64
import json
from typing import Any
from urllib.parse import quote_plus

import msgspec

from accredit.identity import credential as credentials
from accredit.identity import ids
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential, CredentialKind
from accredit.identity.principal import Principal
from accredit.identity.role import HeldRole, Role
from accredit.identity.server import GUARD_SCOPES, GUARD_SERVER, Scope, Server
from accredit.oauth import client_assertion, token_request
from accredit.oauth.client_credentials import Facts, Issue, decide
from accredit.oauth.errors import Refusal
from accredit.oauth.token_request import TokenRequest
from accredit_sdk import jws, keys
from accredit_sdk.jws import Algorithm, SigningKey

SECOND = 1_000_000
NOW = 1_900_000_000 * SECOND + 250_000
SECONDS = NOW // SECOND
ISSUER = "https://id.example"
RESOURCE = "https://ledger.example/mcp"


def new(kind: str, number: int = 1) -> str:
    """The id of a noun, the same for the same number."""
    return ids.encode(kind, NOW // 1000, number.to_bytes(ids.RANDOM_BYTES, "big"))


AGENT = Client(new("agent"), new("agent"), ClientKind.AGENT, "billing-bot", "Billing bot", NOW - SECOND)
STRANGER = Client(new("agent", 4), new("agent", 4), ClientKind.AGENT, "stranger", "Stranger", NOW - SECOND)
GUARD = Client(
    new("guard"), new("guard"), ClientKind.GUARD, "ledger-1", "Guard", NOW - SECOND, servers=frozenset({new("server")})
)
SERVER = Server(
    id=new("server"),
    slug="ledger",
    name="Ledger",
    resource=RESOURCE,
    created_at=NOW - SECOND,
    scopes=(Scope("ledger:read"), Scope("ledger:write"), Scope("report")),
    default_scopes=frozenset({"ledger:read"}),
)
GUARD_API = Server(
    id=new("server", 4),
    slug=GUARD_SERVER,
    name="Guard API",
    resource=ISSUER + "/guard",
    created_at=NOW - SECOND,
    scopes=tuple(Scope(word) for word in sorted(GUARD_SCOPES)),
    default_scopes=GUARD_SCOPES,
    builtin=True,
)
KEY: SigningKey = keys.generate(Algorithm.ES256)


def secret_of(client: Client, number: int = 1, **changes: Any) -> tuple[Credential, str]:
    """A secret credential of `client` and the secret itself."""
    identity = new("credential", number)
    text = credentials.secret(identity, number.to_bytes(32, "big"))
    made = Credential(identity, client.id, CredentialKind.SECRET, credentials.digest(text), NOW - SECOND, **changes)
    return made, text


def key_of(client: Client, key: SigningKey = KEY, number: int = 8, **changes: Any) -> Credential:
    """The credential of `client` that holds the public half of `key`."""
    jwk = msgspec.json.encode(keys.public_jwk(key.verifying()))
    return Credential(new("credential", number), client.id, CredentialKind.PUBLIC_KEY, jwk, NOW - SECOND, **changes)


CREDENTIAL, SECRET = secret_of(AGENT)
PRINCIPAL = Principal(AGENT, (CREDENTIAL,))


def held(*words: str, server: Server = SERVER, ends_at: int | None = None) -> HeldRole:
    """A role that carries `words` on `server`."""
    role = Role(new("role"), "bookkeeper", "Bookkeeper", {server.id: frozenset(words)}, NOW - SECOND)
    return HeldRole(role, ends_at)


def facts(**changes: Any) -> Facts:
    """Facts under which the agent gets `ledger:read`, with `changes`."""
    usual: dict[str, Any] = {
        "issuer": ISSUER,
        "principal": PRINCIPAL,
        "server": SERVER,
        "roles": (held("ledger:read"),),
        "version": 7,
        "decision": new("decision"),
        "jti": new("token"),
    }
    return Facts(**(usual | changes))


def basic(client_id: str, secret: str) -> str:
    """An Authorization header as RFC 6749, 2.3.1 wants it."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def form(**changes: str | None) -> list[tuple[str, str]]:
    """The fields of a token request without client authentication; None leaves a field out."""
    usual: dict[str, str | None] = {"grant_type": "client_credentials", "resource": RESOURCE}
    return [(name, value) for name, value in (usual | changes).items() if value is not None]


def parsed(authorization: str | None = None, **changes: str | None) -> TokenRequest:
    """A token request of the agent: with its secret by Basic unless it authenticates otherwise."""
    if authorization is None and not changes.keys() & {"client_secret", "client_assertion"}:
        authorization = basic(AGENT.client_id, SECRET)
    found = token_request.parse(form(**changes), authorization)
    assert isinstance(found, TokenRequest), found
    return found


def assertion_claims(client: Client = AGENT, **changes: Any) -> dict[str, Any]:
    """The claims of a good assertion of `client`, with `changes`; None takes a claim away."""
    usual = {
        "iss": client.client_id,
        "sub": client.client_id,
        "aud": ISSUER,
        "exp": SECONDS + 60,
        "iat": SECONDS,
        "jti": "once",
    }
    return {name: value for name, value in (usual | changes).items() if value is not None}


def signed(payload: bytes, typ: str = "JWT", key: SigningKey = KEY) -> str:
    """A JWS with any payload."""
    return jws.sign(key, typ, payload)


def assertion(client: Client = AGENT, *, typ: str = "JWT", key: SigningKey = KEY, **changes: Any) -> str:
    """An assertion of `client`, with `changes` to its claims."""
    return signed(json.dumps(assertion_claims(client, **changes)).encode(), typ, key)


def by_assertion(text: str, **changes: str | None) -> dict[str, str | None]:
    """The fields that carry an assertion."""
    return {"client_assertion": text, "client_assertion_type": client_assertion.TYPE, **changes}


def answer(request: TokenRequest, known: Facts, now: int = NOW) -> Issue | Refusal:
    """What the core answers."""
    return decide(request, known, now).answer


def issued(request: TokenRequest, known: Facts, now: int = NOW) -> Issue:
    """The token that the core grants."""
    found = answer(request, known, now)
    assert isinstance(found, Issue), found
    return found


def refusal(request: TokenRequest, known: Facts, now: int = NOW) -> Refusal:
    """The refusal that the core answers with."""
    found = answer(request, known, now)
    assert isinstance(found, Refusal), found
    return found
