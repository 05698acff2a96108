"""RFC 6750, 3, RFC 9728, 5.1, and JSON-RPC 2.0, 5.1: what the guard itself says. Pure.

Every answer is made of a Decision, or of a Fault; why a token was refused is in the record, never in the answer.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from accredit_sdk.challenge import Challenge
from accredit_sdk.decision import Decision, Reason
from accredit_sdk.guard.messages import Code, Fault, Id
from accredit_sdk.methods import Era

RETRY_AFTER: Final = 2
"""Seconds after which a client may ask again a guard that has no fresh policy, or no room for records."""

_JSON: Final = (b"content-type", b"application/json")
_NO_STORE: Final = (b"cache-control", b"no-store")
_ANY_ORIGIN: Final = (b"access-control-allow-origin", b"*")
_UNKNOWN: Final = {"resources": "Unknown resource", "prompts": "Unknown prompt", "tasks": "Unknown task"}


class Answer(msgspec.Struct, frozen=True):
    """An HTTP response that the guard gives by itself: status, header fields as ASGI wants them, body."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Site(msgspec.Struct, frozen=True):
    """What answers say about the guarded server: its identifier, its issuer, its metadata's URL, its display name."""

    resource: str
    issuer: str
    metadata: str
    name: str | None = None


def refusal(
    decision: Decision,
    site: Site,
    *,
    defaults: frozenset[str] = frozenset(),
    request_id: Id | None,
    era: Era = Era.MODERN,
) -> Answer:
    """Return the answer to a request that `decision` refused; `defaults` are the scopes to ask for at first."""
    match decision.reason:
        case Reason.NO_TOKEN:
            return _unauthorized(decision, Challenge(site.metadata, defaults))
        case Reason.INVALID_TOKEN | Reason.REVOKED | Reason.SUSPENDED:
            return _unauthorized(decision, Challenge(site.metadata, defaults, "invalid_token"))
        case Reason.INSUFFICIENT_SCOPE:
            return _short_of_scope(decision, site, request_id)
        case Reason.DENIED:
            return _denied(decision, site, request_id)
        case Reason.FORBIDDEN_ORIGIN:
            return _json(HTTPStatus.FORBIDDEN, {"error": "forbidden", "decision_id": decision.id})
        case Reason.MALFORMED:
            return _bad_request(decision, site)
        case _:
            return _rpc_refusal(decision, request_id, era)


def _rpc_refusal(decision: Decision, request_id: Id | None, era: Era) -> Answer:
    match decision.reason:
        case Reason.TOOL_UNMAPPED:
            return unknown(decision.method, request_id, era, decision.tool)
        case Reason.METHOD_REFUSED:
            status = HTTPStatus.OK if era is Era.HANDSHAKE else HTTPStatus.NOT_FOUND
            return _rpc(status, Code.METHOD_NOT_FOUND, "Method not found", None, request_id)
        case Reason.SESSION:
            return _rpc(HTTPStatus.NOT_FOUND, Code.INVALID_REQUEST, "Session not found", None, request_id)
        case Reason.ASK_REFUSED | Reason.ENCODED:
            return _bad_server(decision, request_id)
        case _:
            return _unavailable(decision, request_id)


def unknown(method: str | None, request_id: Id | None, era: Era, name: str | None = None) -> Answer:
    """Say that there is no such thing, with not a byte that tells a concealed one from one that is not there.

    A resource is named, as the modern era has it, in the client's own words.
    """
    status = HTTPStatus.OK if era is Era.HANDSHAKE else HTTPStatus.BAD_REQUEST
    text = _UNKNOWN.get((method or "").partition("/")[0], "Unknown tool")
    data = {"uri": name} if method == "resources/read" and era is Era.MODERN else None
    return _rpc(status, Code.INVALID_PARAMS, text, data, request_id)


def fault(found: Fault) -> Answer:
    """Return the answer to a message that is refused for its form."""
    return _rpc(found.status, found.code, found.message, found.data, found.id)


def subscription_ended(request_id: Id) -> bytes:
    """Return the last message of a `subscriptions/listen` stream that ends in good order (MCP 2026-07-28)."""
    meta = {"io.modelcontextprotocol/subscriptionId": request_id}
    result = {"resultType": "complete", "_meta": meta}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "result": result})


def stream_ended(request_id: Id | None, decision: Decision) -> bytes:
    """Return the last message of a stream that goes on no longer, because of `decision`.

    That of a stream which answers no request has the id null (JSON-RPC 2.0, 5): official clients want the member.
    """
    blind = decision.reason is Reason.BLIND
    code = Code.UNAVAILABLE if blind else Code.INVALID_TOKEN
    text = "The guard cannot decide at the moment" if blind else "The token is not valid any more"
    error = {"code": int(code), "message": text, "data": {"decision_id": decision.id}}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request_id, "error": error})


def plain(status: HTTPStatus, *headers: tuple[bytes, bytes]) -> Answer:
    """Return an answer without news: a status and its name."""
    return _json(status, {"error": status.phrase}, *headers)


def accepted() -> Answer:
    """Return the answer to a notification: it was taken, and went no further (MCP transports, "Sending Messages")."""
    return Answer(HTTPStatus.ACCEPTED, ((b"content-length", b"0"), _NO_STORE), b"")


def metadata(site: Site, scopes: frozenset[str]) -> Answer:
    """RFC 9728, 3.2: return the protected resource metadata; members without a value are left out."""
    document: dict[str, Any] = {"resource": site.resource, "authorization_servers": [site.issuer]}
    if scopes:
        document["scopes_supported"] = sorted(scopes)
    document["bearer_methods_supported"] = ["header"]
    if site.name is not None:
        document["resource_name"] = site.name
    body = msgspec.json.encode(document)
    headers = (_JSON, (b"content-length", b"%d" % len(body)), _ANY_ORIGIN, (b"cache-control", b"max-age=60"))
    return Answer(HTTPStatus.OK, headers, body)


def metadata_preflight() -> Answer:
    """Return the answer to a browser that asks whether a page may read the metadata: any page may."""
    methods = (b"access-control-allow-methods", b"GET")
    allowed = (b"access-control-allow-headers", b"mcp-protocol-version")
    return Answer(HTTPStatus.NO_CONTENT, (_ANY_ORIGIN, methods, allowed, (b"access-control-max-age", b"600")), b"")


def _bad_server(decision: Decision, request_id: Id | None) -> Answer:
    asked = decision.reason is Reason.ASK_REFUSED
    text = (
        "The server asked for what its policy does not let it ask" if asked else "The server's answer was not readable"
    )
    data = {"decision_id": decision.id}
    return _rpc(HTTPStatus.BAD_GATEWAY, Code.BAD_SERVER, text, data, request_id)


def _unauthorized(decision: Decision, challenge: Challenge) -> Answer:
    body = {"error": challenge.error or "unauthorized", "decision_id": decision.id}
    return _json(HTTPStatus.UNAUTHORIZED, body, (b"www-authenticate", challenge.header().encode("ascii")))


def _bad_request(decision: Decision, site: Site) -> Answer:
    challenge = Challenge(site.metadata, frozenset(), "invalid_request").header()
    body = {"error": "invalid_request", "decision_id": decision.id}
    return _json(HTTPStatus.BAD_REQUEST, body, (b"www-authenticate", challenge.encode("ascii")))


def _short_of_scope(decision: Decision, site: Site, request_id: Id | None) -> Answer:
    needed, missing = sorted(decision.needed), sorted(decision.missing)
    data: dict[str, Any] = {"required_scopes": needed, "missing_scopes": missing, "decision_id": decision.id}
    if not decision.grantable:
        data["grantable"] = False
    asked = decision.needed if decision.grantable else frozenset[str]()
    challenge = Challenge(site.metadata, asked, "insufficient_scope").header()
    text = f"Insufficient scope: {' '.join(missing)}"
    extra = (b"www-authenticate", challenge.encode("ascii"))
    return _rpc(HTTPStatus.FORBIDDEN, Code.INSUFFICIENT_SCOPE, text, data, request_id, extra)


def _denied(decision: Decision, site: Site, request_id: Id | None) -> Answer:
    """Refuse what no scope opens: nothing is named that a client could ask for, so that none goes round in circles."""
    data = {"required_scopes": [], "missing_scopes": [], "grantable": False, "decision_id": decision.id}
    challenge = Challenge(site.metadata, frozenset(), "insufficient_scope").header()
    extra = (b"www-authenticate", challenge.encode("ascii"))
    text = "An administrator has denied this to everybody"
    return _rpc(HTTPStatus.FORBIDDEN, Code.INSUFFICIENT_SCOPE, text, data, request_id, extra)


def _unavailable(decision: Decision, request_id: Id | None) -> Answer:
    data = {"decision_id": decision.id, "retry_after": RETRY_AFTER}
    extra = (b"retry-after", b"%d" % RETRY_AFTER)
    text = "The guard cannot decide at the moment"
    return _rpc(HTTPStatus.SERVICE_UNAVAILABLE, Code.UNAVAILABLE, text, data, request_id, extra)


def _rpc(
    status: HTTPStatus,
    code: Code,
    message: str,
    data: Mapping[str, Any] | None,
    request_id: Id | None,
    *extra: tuple[bytes, bytes],
) -> Answer:
    error: dict[str, Any] = {"code": int(code), "message": message}
    if data is not None:
        error["data"] = data
    document: dict[str, Any] = {"jsonrpc": "2.0", "error": error}
    if request_id is not None:
        document["id"] = request_id
    return _json(status, document, *extra)


def _json(status: HTTPStatus, document: Mapping[str, Any], *extra: tuple[bytes, bytes]) -> Answer:
    body = msgspec.json.encode(document)
    return Answer(status, (_JSON, (b"content-length", b"%d" % len(body)), _NO_STORE, *extra), body)
