"""RFC 6749, 2.3: how a client shows who it is, read strictly and judged in constant time."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import unquote_plus

from accredit.identity import credential as credentials
from accredit.identity.changes import UseJti
from accredit.identity.credential import Credential, CredentialKind
from accredit.identity.principal import Principal
from accredit.oauth import client_assertion
from accredit.oauth.errors import ErrorCode, Refusal


class Method(StrEnum):
    """Token endpoint authentication methods, by their registered names (RFC 7591, 2)."""

    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    PRIVATE_KEY_JWT = "private_key_jwt"


MAX_CLIENT_ID: Final = 2048
"""The longest client_id, in characters: client ID metadata documents make it a URL."""

_SLOPPY_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")

_NOBODY: Final = Credential("crd_" + "0" * 26, "", CredentialKind.SECRET, bytes(32), 0)
"""Compared with when there is no such credential, so that a wrong name and a wrong secret take the same time."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What a client presented: its client_id, and a secret or an assertion (a JWT), by one method."""

    method: Method
    client_id: str
    proof: str

    def __repr__(self) -> str:
        return f"Presented(method={self.method.value!r}, client_id={self.client_id!r})"


@dataclass(frozen=True, slots=True)
class Authenticated:
    """The client is who it says. `credential` proved it; `claims` must be won, too: the one use of an assertion."""

    credential: Credential
    claims: tuple[UseJti, ...] = ()


def presented(authorization: str | None, form: Mapping[str, str]) -> Presented | Refusal:
    """Find the one way in which the client authenticates. More than one, or none, is refused (RFC 6749, 2.3)."""
    ways = [
        authorization is not None,
        "client_secret" in form,
        "client_assertion" in form or "client_assertion_type" in form,
    ]
    if sum(ways) > 1:
        return Refusal(ErrorCode.INVALID_REQUEST, "use exactly one way to authenticate the client", "several methods")
    if authorization is not None:
        return _basic(authorization, form.get("client_id"))
    if "client_secret" in form:
        return _checked(Method.POST, form.get("client_id", ""), form["client_secret"])
    if ways[2]:
        return _assertion(form)
    return _unauthenticated("client authentication is missing")


def _basic(authorization: str, stated: str | None) -> Presented | Refusal:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return _unauthenticated("the Authorization scheme is not Basic")
    pair = _pair(encoded)
    if pair is None:
        return _unauthenticated("the Basic credentials are malformed")
    client_id, secret = pair
    if stated is not None and stated != client_id:
        return Refusal(
            ErrorCode.INVALID_REQUEST, "client_id differs from the one in Authorization", "client_id differs"
        )
    return _checked(Method.BASIC, client_id, secret)


def _pair(encoded: str) -> tuple[str, str] | None:
    """Return client_id and secret of Basic credentials (RFC 6749, 2.3.1), or None unless each step has one reading."""
    try:
        raw = base64.b64decode(encoded, validate=True)
        text = raw.decode("ascii")
        name, colon, secret = text.partition(":")
        if base64.b64encode(raw).decode("ascii") != encoded or not colon or _SLOPPY_ESCAPE.search(text):
            return None
        return unquote_plus(name, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError:
        return None


def _assertion(form: Mapping[str, str]) -> Presented | Refusal:
    if form.get("client_assertion_type") != client_assertion.TYPE:
        return Refusal(ErrorCode.INVALID_REQUEST, f"client_assertion_type must be {client_assertion.TYPE}", "type")
    assertion = form.get("client_assertion", "")
    claimed = client_assertion.claimed_client(assertion)
    if claimed is None:
        return _unauthenticated("the assertion cannot be read")
    if form.get("client_id", claimed) != claimed:
        return _unauthenticated("client_id differs from the assertion's subject")
    return _checked(Method.PRIVATE_KEY_JWT, claimed, assertion)


def _checked(method: Method, client_id: str, proof: str) -> Presented | Refusal:
    if not client_id or len(client_id) > MAX_CLIENT_ID or not client_id.isascii() or not client_id.isprintable():
        return _unauthenticated("client_id is missing or malformed")
    if credentials.resembles(client_id):
        return _unauthenticated("client_id looks like a secret: are the two swapped?")
    return Presented(method, client_id, proof)


def authenticate(
    client: Presented, principal: Principal | None, audience: str, now: int, since: int = 0
) -> Authenticated | Refusal:
    """Judge what was presented against what is known of the client, at `now` (microseconds UTC).

    `audience` is the issuer: the only audience that an assertion may have. Every failure is `invalid_client` with the
    same description, whether the client, the credential or the proof is wrong; a suspended client is told apart later,
    after it has proved who it is. No assertion from before `since` (microseconds UTC) counts.
    """
    if client.method is Method.PRIVATE_KEY_JWT:
        return _by_key(client, principal, audience, now, since)
    return _by_secret(client, principal, now)


def _by_secret(client: Presented, principal: Principal | None, now: int) -> Authenticated | Refusal:
    named = credentials.selector(client.proof)
    found = principal.credential(named) if principal is not None and named is not None else None
    known = found or _NOBODY
    if not credentials.matches(known, client.proof):
        return _unauthenticated("the secret is not one of this client's")
    if not known.usable(now):
        return _unauthenticated("the credential was revoked, retired or has expired")
    return Authenticated(known)


def _by_key(
    client: Presented, principal: Principal | None, audience: str, now: int, since: int
) -> Authenticated | Refusal:
    keys = [
        item
        for item in (principal.credentials if principal is not None else ())
        if item.kind is CredentialKind.PUBLIC_KEY and item.usable(now)
    ]
    judged = client_assertion.verify(client.proof, client.client_id, keys, audience, now, since)
    if isinstance(judged, str):
        return _unauthenticated(judged)
    credential, claim = judged
    return Authenticated(credential, (claim,))


def _unauthenticated(reason: str) -> Refusal:
    return Refusal(ErrorCode.INVALID_CLIENT, "client authentication failed", reason)
