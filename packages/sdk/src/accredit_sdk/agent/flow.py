"""RFC 9728, RFC 8414 and RFC 6749, 4.4: from a server's 401 to a token for it, as generators without any I/O.

A generator yields requests and is sent the responses; what it returns is the result. All URLs that are asked are
checked here: an agent is led by a server that it does not trust.
"""

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode, urlsplit

from accredit_sdk import challenge, resource, strict_json
from accredit_sdk.agent.identity import AgentError, Identity, shown
from accredit_sdk.errors import ResourceError

LARGEST: Final = 256 * 1024
"""The most bytes of a document that an agent reads; a longer one is none."""

_JSON: Final = {"accept": "application/json"}
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", **_JSON}
_BASIC: Final = ("client_secret_basic",)
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]{1,16384}=*")
_LEAST_LIFETIME: Final = 1
_LONGEST_LIFETIME: Final = 24 * 3600
_USUAL_LIFETIME: Final = 60
_EARLY: Final = 30


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """A server, and where tokens for it come from. `methods` authenticate a client there."""

    resource: str
    issuer: str
    token_endpoint: str
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token for one server. Times are seconds UTC; `scope` is what it carries, as far as is known."""

    access_token: str = field(repr=False)
    issued_at: int
    expires_at: int
    scope: frozenset[str]

    def alive(self, now: float) -> bool:
        """Tell whether it may still be used at `now`; a clock that went back is not believed."""
        return self.issued_at - 1 <= now < self.expires_at

    def fresh(self, now: float) -> bool:
        """Tell whether it lives on for a while: half a minute, or a quarter of a life that is short anyway."""
        early = min(_EARLY, (self.expires_at - self.issued_at) / 4)
        return self.alive(now) and now < self.expires_at - early


Found: TypeAlias = Generator[Request, Response, Place]
"""Yields requests, and returns a Place."""

Granted: TypeAlias = Generator[Request, Response, Grant]
"""Yields requests, and returns a Grant."""


def discover(server: str, header: str | None, issuer: str | None) -> Found:
    """Find out where tokens for `server` (its URL) come from, after a 401 with this `WWW-Authenticate` header.

    `issuer` is the only authorization server that will do; None takes the first that the server names. Raises
    AgentError.
    """
    url, document = yield from _first(_metadata_urls(server, header), "protected resource metadata")
    audience = document.get("resource")
    if not isinstance(audience, str) or not _speaks_for(url, server, audience):
        raise AgentError(f"the metadata of {shown(server)} is about another resource; do not trust it")
    chosen = _chosen(server, document.get("authorization_servers"), issuer)
    _, metadata = yield from _first(_issuer_urls(chosen), "authorization server metadata")
    endpoint = metadata.get("token_endpoint")
    if metadata.get("issuer") != chosen or not isinstance(endpoint, str) or not _safe(endpoint, chosen):
        raise AgentError(
            f"the metadata of {shown(chosen)} is of another issuer, or names no token endpoint that is safe to use"
        )
    methods = metadata.get("token_endpoint_auth_methods_supported", _BASIC)
    return Place(audience, chosen, endpoint, tuple(methods) if isinstance(methods, list | tuple) else _BASIC)


def _chosen(server: str, named: object, issuer: str | None) -> str:
    """Return the authorization server to ask: the agent's own if it has one, else the first that the server names."""
    issuers = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    if not issuers or (issuer is not None and issuer not in issuers):
        told = shown(", ".join(issuers)) or "no authorization server"
        raise AgentError(f"{shown(server)} trusts {told}, and this agent is registered at {issuer}")
    if issuer is None and not _safe(issuers[0], server):
        raise AgentError(f"the authorization server {shown(issuers[0])} has no address that is safe to use")
    return issuer or issuers[0]


def fetch(identity: Identity, place: Place, scope: frozenset[str], now: int, jti: str) -> Granted:
    """Get a token for `place` at `now` (seconds UTC); an empty `scope` asks for what the server gives by default.

    `jti` is a fresh random text. Raises AgentError.
    """
    headers, members = identity.shown(place.issuer, place.methods, now, jti)
    form = {"grant_type": "client_credentials", "resource": place.resource, **members}
    if scope:
        form["scope"] = " ".join(sorted(scope))
    response = yield Request("POST", place.token_endpoint, {**_FORM, **headers}, urlencode(form).encode())
    document = _document(response)
    if response.status != 200:
        raise _refusal(place, response.status, identity.hushed(document))
    token, lifetime = document.get("access_token"), document.get("expires_in", _USUAL_LIFETIME)
    bearer = str(document.get("token_type", "")).lower() == "bearer"
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or not isinstance(lifetime, int) or not bearer:
        raise AgentError(f"{place.issuer} answered with something that is no bearer token")
    carried = document.get("scope")
    held = frozenset(carried.split()) if isinstance(carried, str) else scope
    return Grant(token, now, now + min(max(lifetime, _LEAST_LIFETIME), _LONGEST_LIFETIME), held)


def covers(place: Place, url: str) -> bool:
    """Tell whether a request to `url` is one to this server: a token for it may go there, and nowhere else."""
    return _belongs(url, place.resource)


def _first(urls: list[str], what: str) -> Generator[Request, Response, tuple[str, Mapping[str, Any]]]:
    """Return the first document that is there, and where it is. Raises AgentError."""
    for url in urls:
        response = yield Request("GET", url, _JSON)
        if response.status == 200:
            return url, _document(response)
        if not 400 <= response.status < 500:
            raise AgentError(f"{shown(url)} answered {response.status}; try again later")
    raise AgentError(f"there is no {what} at {' or '.join(shown(url) for url in urls)}")


def _metadata_urls(server: str, header: str | None) -> list[str]:
    named = challenge.parse(header).get("resource_metadata") if header is not None else None
    try:
        if named is None:
            return list(dict.fromkeys((resource.metadata_url(server), _origin(server) + resource.WELL_KNOWN)))
        if _origin(named) == _origin(server):
            return [named]
    except ResourceError as error:
        raise AgentError(f"{shown(server)} cannot be asked for its metadata: {error}") from None
    raise AgentError(f"{shown(server)} says that its metadata is at another origin; do not trust it")


def _issuer_urls(issuer: str) -> list[str]:
    """RFC 8414, 3.1, and OpenID Connect Discovery 1.0, 4: in the order in which MCP clients try them."""
    origin, path = _origin(issuer), urlsplit(issuer).path.rstrip("/")
    names = ("oauth-authorization-server", "openid-configuration")
    found = [f"{origin}/.well-known/{name}{path}" for name in names]
    return [*found, f"{origin}{path}/.well-known/{names[1]}"] if path else found


def _speaks_for(url: str, server: str, audience: str) -> bool:
    """Tell whether the metadata at `url` may say that `audience` is the resource to which a request to `server` goes.

    That is `server` itself; or what it is below, if the metadata is where that resource has its own (RFC 9728, 3.3):
    of several servers that share a host, none could otherwise get tokens for all of them.
    """
    if not _belongs(server, audience):
        return False
    return resource.same(server.partition("?")[0], audience) or url == resource.metadata_url(audience)


def _belongs(url: str, audience: str) -> bool:
    """Tell whether `url` is the resource, or below it."""
    try:
        one, whole = resource.canonical(url.partition("?")[0]), resource.canonical(audience)
    except ResourceError:
        return False
    return one == whole or one.startswith(whole.rstrip("/") + "/")


def _safe(url: str, named_by: str) -> bool:
    """Tell whether an agent may go where somebody sends it: https, or http on this machine if they are there, too."""
    try:
        return resource.canonical(url).startswith("https:") or named_by.lower().startswith("http:")
    except ResourceError:
        return False


def _origin(url: str) -> str:
    """Return scheme, host and port in one spelling. Raises ResourceError."""
    scheme, _, rest = resource.canonical(url.partition("?")[0]).partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def _document(response: Response) -> Mapping[str, Any]:
    if len(response.content) > LARGEST:
        return {}
    try:
        return strict_json.decode_object(response.content)
    except ValueError:
        return {}


def _refusal(place: Place, status: int, document: Mapping[str, Any]) -> AgentError:
    code, text = document.get("error"), document.get("error_description")
    code = shown(code) if isinstance(code, str) else ""
    told = f": {shown(text)}" if isinstance(text, str) else ""
    reason = code or f"no reason given, status {status}"
    return AgentError(f"{place.issuer} gives no token for {shown(place.resource)} ({reason}){told}", code)
