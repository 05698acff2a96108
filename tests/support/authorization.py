"""An authorization server for one test: it approves whatever is asked, and looks closely at how it was asked."""

import base64
import hashlib
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.support.authority import FakeAccredit
from tests.support.http import http_client

PERSON: Final = "usr_dana"
REDIRECT: Final = "http://127.0.0.1:7777/callback"
CIMD: Final = "https://assistant.example/client.json"


@dataclass
class AuthorizationServer:
    """Gives tokens for the server of `accredit`, with every scope of `ceiling` that is asked for."""

    accredit: FakeAccredit
    ceiling: frozenset[str]
    cimd: bool = True
    asked: list[set[str]] = field(default_factory=list)
    """The scopes of each authorization request."""
    _clients: set[str] = field(default_factory=set)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Starlette:
        """Return the ASGI app."""
        return Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/register", self._register, methods=["POST"]),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _metadata(self, _: Request) -> Response:
        issuer = self.accredit.issuer
        document: dict[str, Any] = {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "token_endpoint_auth_methods_supported": ["none"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        }
        if self.cimd:
            document["client_id_metadata_document_supported"] = True
        else:
            document["registration_endpoint"] = f"{issuer}/register"
        return JSONResponse(document)

    async def _register(self, request: Request) -> Response:
        wanted = await request.json()
        assert wanted["redirect_uris"] == [REDIRECT]
        client_id = f"app_{len(self._clients) + 1}"
        self._clients.add(client_id)
        return JSONResponse({**wanted, "client_id": client_id, "token_endpoint_auth_method": "none"}, 201)

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        assert len(query) == len(request.query_params.multi_items())
        assert query["client_id"] in (self._clients if not self.cimd else {CIMD})
        assert query["redirect_uri"] == REDIRECT
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        assert query["resource"] == self.accredit.resource
        self.asked.append(set(query["scope"].split()))
        code = f"code-{len(self.asked)}"
        self._codes[code] = query
        answer = {"code": code, "state": query["state"], "iss": self.accredit.issuer}
        return RedirectResponse(f"{REDIRECT}?{urlencode(answer)}", 302)

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        asked = self._codes.pop(form["code"])
        assert form["grant_type"] == "authorization_code"
        assert {name: form[name] for name in ("client_id", "redirect_uri", "resource")} == {
            name: asked[name] for name in ("client_id", "redirect_uri", "resource")
        }
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked["code_challenge"]
        scope = " ".join(sorted(set(asked["scope"].split()) & self.ceiling))
        token = self.accredit.token(scope, sub=PERSON, client_id=form["client_id"], rev=[PERSON], jti=form["code"])
        body = {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": scope}
        return JSONResponse(body, headers={"cache-control": "no-store"})


class _Memory:
    """What the client remembers."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def person_with_browser(url: str) -> OAuthClientProvider:
    """Return the official client's own OAuth, whose person follows every link and says yes."""
    went: list[dict[str, str]] = []

    async def follow(link: str) -> None:
        async with http_client(follow_redirects=False) as browser:
            answer = await browser.get(link)
        assert answer.status_code == 302, answer.text
        query = parse_qs(urlsplit(answer.headers["location"]).query)
        went.append({name: value for name, (value,) in query.items()})

    async def came_back() -> AuthorizationCodeResult:
        return AuthorizationCodeResult(**went[-1])

    metadata = OAuthClientMetadata.model_validate(
        {
            "client_name": "Assistant",
            "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code"],
            "token_endpoint_auth_method": "none",
        }
    )
    return OAuthClientProvider(url, metadata, _Memory(), follow, came_back, client_metadata_url=CIMD)
