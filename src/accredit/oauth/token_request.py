"""RFC 6749, 3.2: the shape of a token request, before anybody knows who sent it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from accredit.identity import credential as credentials
from accredit.oauth import parameters
from accredit.oauth.client_auth import Presented, presented
from accredit.oauth.errors import ErrorCode, Refusal
from accredit_sdk import scopes as words
from accredit_sdk.errors import ScopeError

_KNOWN: Final = parameters.CLIENT | {"grant_type", "scope", "resource"}


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A token request whose form is sound. `scope` is None when the parameter was absent or empty.

    `client` is what the client presented to prove who it is; nothing of it has been verified yet.
    """

    grant_type: str
    client: Presented
    resources: tuple[str, ...] = ()
    scope: frozenset[str] | None = None


def parse(pairs: Iterable[tuple[str, str]], authorization: str | None) -> TokenRequest | Refusal:
    """Read the decoded form fields and the Authorization header of a request to the token endpoint.

    A parameter without a value counts as absent, a repeated one is an error (RFC 6749, 3.2); only `resource` may
    repeat (RFC 8707, 2). Unknown parameters are ignored, whatever they hold.
    """
    found = parameters.read(pairs, _KNOWN, "resource")
    return found if isinstance(found, Refusal) else _read(*found, authorization)


def _read(form: Mapping[str, str], resources: tuple[str, ...], authorization: str | None) -> TokenRequest | Refusal:
    grant_type = form.get("grant_type")
    if grant_type is None:
        return parameters.invalid("grant_type is missing")
    scope: frozenset[str] | None = None
    if "scope" in form:
        if credentials.resembles(form["scope"]):
            return Refusal(ErrorCode.INVALID_SCOPE, "the scope parameter is malformed", "scope looks like a secret")
        try:
            scope = words.parse(form["scope"])
        except ScopeError as error:
            return Refusal(ErrorCode.INVALID_SCOPE, "the scope parameter is malformed", str(error))
    client = presented(authorization, form)
    if isinstance(client, Refusal):
        return client
    return TokenRequest(grant_type, client, resources, scope)
