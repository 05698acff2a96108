"""RFC 9068 and RFC 8693: what an access token says, read strictly."""

from typing import Final

import msgspec

from accredit_sdk import scopes, strict_json
from accredit_sdk.errors import InvalidToken, Problem

ACCESS_TOKEN_TYPE: Final = "at+jwt"  # noqa: S105  (the type of a document, not a secret)
"""The `typ` of access tokens (RFC 9068, 2.1)."""


class Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who acts for the subject (RFC 8693, 4.1); `act` is whom this actor acted through before."""

    iss: str
    sub: str
    sub_profile: str | None = None
    act: "Actor | None" = None


class AccessClaims(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The claims of an access token. Times are seconds UTC; `ver` is the signal number of the state it was decided on.

    `rev` lists the handles by which the token can be killed. `act` is absent when the client acts for itself.
    """

    iss: str
    sub: str
    aud: str
    client_id: str
    scope: str
    iat: int
    exp: int
    jti: str
    ver: int = 0
    rev: tuple[str, ...] = ()
    act: Actor | None = None
    grant_id: str | None = None
    sub_profile: str | None = None
    client_profile: str | None = None
    cnf: dict[str, str] | None = None
    auth_time: int | None = None
    acr: str | None = None
    amr: tuple[str, ...] | None = None
    nbf: int | None = None

    def scopes(self) -> frozenset[str]:
        """Return the scopes. Raises ScopeError when they are malformed."""
        return scopes.parse(self.scope)

    def chain(self) -> tuple[str, ...]:
        """Return the actors, newest first; the client itself when it acts for itself."""
        found: list[str] = []
        actor = self.act
        while actor is not None:
            found.append(actor.sub)
            actor = actor.act
        return tuple(found) or (self.client_id,)


_encode = msgspec.json.Encoder().encode
_decoder = msgspec.json.Decoder(AccessClaims)


def encode(claims: AccessClaims) -> bytes:
    """Return the claims as JSON."""
    return _encode(claims)


def decode(payload: bytes) -> AccessClaims:
    """Read claims. Raises InvalidToken: a missing or repeated claim, an audience that is not one text, a wrong type."""
    try:
        found = _decoder.decode(payload)
        # What `encode` wrote comes out as it went in. Anything else may hide what the decoder passed over.
        if _encode(found) != payload:
            strict_json.decode_object(payload)
    except msgspec.ValidationError as error:
        missing = "missing required field" in str(error)
        problem = Problem.MISSING_CLAIM if missing else Problem.MALFORMED
        raise InvalidToken(problem, "a claim is missing" if missing else "a claim has the wrong type") from None
    except (ValueError, RecursionError):
        raise InvalidToken(Problem.MALFORMED, "the claims are not strict JSON") from None
    return found
