"""RFC 9728, RFC 8414 and RFC 6749, 4.4: from a server's 401 to a token for it, as generators without any I/O.

A generator yields requests and is sent the responses; what it returns is the result. All URLs that are asked are
checked here: an agent is led by a server that it does not trust.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode, urlsplit

import msgspec

from accredit_sdk import challenge, resource, strict_json
from accredit_sdk.agent.identity import AgentError, Identity
from accredit_sdk.errors import ResourceError

_LARGEST: Final = 256 * 1024
_JSON: Final = {"accept": "application/json"}
_FORM: Final = {"content-type": "application/x-www-form-urlencoded", **_JSON}
_BASIC: Final = ("client_secret_basic",)
_LEAST_LIFETIME: Final = 1


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send."""

    method: str
    url: str
    headers: Mapping[str, str]
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back: header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """A server, and where tokens for it come from. `methods` authenticate a client there."""

    resource: str
    issuer: str
    token_endpoint: str
    methods: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token for one server. `expires_at` is seconds UTC; `scope` is what it carries, as far as is known."""

    access_token: str
    expires_at: int
    scope: frozenset[str]


Found: TypeAlias = Generator[Request, Response, Place]
"""Yields requests, and returns a Place."""

Granted: TypeAlias = Generator[Request, Response, Grant]
"""Yields requests, and returns a Grant."""


def discover(server: str, header: str | None, issuer: str | None) -> Found:
    """Find out where tokens for `server` (its URL) come from, after a 401 with this `WWW-Authenticate` header.

    `issuer` is the only authorization server that will do; None takes the first that the server names. Raises
    AgentError.
    """
    document = yield from _first(_metadata_urls(server, header), "protected resource metadata")
    audience = document.get("resource")
    if not isinstance(audience, str) or not _belongs(server, audience):
        raise AgentError(f"the metadata of {server} is about another resource; do not trust it")
    named = document.get("authorization_servers")
    issuers = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    if not issuers or (issuer is not None and issuer not in issuers):
        told = ", ".join(issuers) or "no authorization server"
        raise AgentError(f"{server} trusts {told}, and this agent is registered at {issuer}")
    chosen = issuer or issuers[0]
    metadata = yield from _first(_issuer_urls(chosen), "authorization server metadata")
    endpoint = metadata.get("token_endpoint")
    if metadata.get("issuer") != chosen or not isinstance(endpoint, str) or not _safe(endpoint):
        raise AgentError(
            f"the metadata of {chosen} is of another issuer, or names no token endpoint that is safe to use"
        )
    methods = metadata.get("token_endpoint_auth_methods_supported", _BASIC)
    return Place(audience, chosen, endpoint, tuple(methods) if isinstance(methods, list | tuple) else _BASIC)


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
        raise _refusal(place, document)
    token, lifetime = document.get("access_token"), document.get("expires_in", 0)
    bearer = str(document.get("token_type", "")).lower() == "bearer"
    if not isinstance(token, str) or not token.isascii() or not isinstance(lifetime, int) or not bearer:
        raise AgentError(f"{place.issuer} answered with something that is no bearer token")
    carried = document.get("scope")
    held = frozenset(carried.split()) if isinstance(carried, str) else scope
    return Grant(token, now + max(lifetime, _LEAST_LIFETIME), held)


def covers(place: Place, url: str) -> bool:
    """Tell whether a request to `url` is one to this server: a token for it may go there, and nowhere else."""
    return _belongs(url, place.resource)


def _first(urls: list[str], what: str) -> Generator[Request, Response, Mapping[str, Any]]:
    """Return the first document that is there. Raises AgentError."""
    for url in urls:
        response = yield Request("GET", url, _JSON)
        if response.status == 200:
            return _document(response)
        if not 400 <= response.status < 500:
            raise AgentError(f"{url} answered {response.status}; try again later")
    raise AgentError(f"there is no {what} at {' or '.join(urls)}")


def _metadata_urls(server: str, header: str | None) -> list[str]:
    named = challenge.parse(header).get("resource_metadata") if header is not None else None
    if named is not None:
        if _origin(named) != _origin(server):
            raise AgentError(f"{server} says that its metadata is at another origin; do not trust it")
        return [named]
    try:
        return list(dict.fromkeys((resource.metadata_url(server), _origin(server) + resource.WELL_KNOWN)))
    except ResourceError as error:
        raise AgentError(f"{server} cannot be asked for its metadata: {error}") from None


def _issuer_urls(issuer: str) -> list[str]:
    """RFC 8414, 3.1, and OpenID Connect Discovery 1.0, 4: in the order in which MCP clients try them."""
    if not _safe(issuer):
        raise AgentError(f"the authorization server {issuer} has no https address")
    origin, path = _origin(issuer), urlsplit(issuer).path.rstrip("/")
    names = ("oauth-authorization-server", "openid-configuration")
    found = [f"{origin}/.well-known/{name}{path}" for name in names]
    return [*found, f"{origin}{path}/.well-known/{names[1]}"] if path else found


def _belongs(url: str, audience: str) -> bool:
    """Tell whether `url` is the resource, or below it."""
    try:
        one, whole = resource.canonical(url.partition("?")[0]), resource.canonical(audience)
    except ResourceError:
        return False
    return one == whole or one.startswith(whole.rstrip("/") + "/")


def _safe(url: str) -> bool:
    """Tell whether a secret may be sent there: https, or http on this machine."""
    try:
        resource.canonical(url)
    except ResourceError:
        return False
    return True


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _document(response: Response) -> Mapping[str, Any]:
    if len(response.content) > _LARGEST:
        return {}
    try:
        return strict_json.decode_object(response.content)
    except (ValueError, msgspec.MsgspecError):
        return {}


def _refusal(place: Place, document: Mapping[str, Any]) -> AgentError:
    code, text = document.get("error"), document.get("error_description")
    code = code if isinstance(code, str) and code.isprintable() else ""
    told = f": {text[:200]}" if isinstance(text, str) and text.isprintable() else ""
    return AgentError(f"{place.issuer} gives no token for {place.resource} ({code or 'no reason given'}){told}", code)
