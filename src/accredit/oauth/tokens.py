"""RFC 9068: what an access token of ours says."""

from typing import Final

from msgspec import structs

from accredit.identity.client import Client
from accredit.identity.credential import Credential
from accredit.identity.server import Server
from accredit_sdk import scopes as words
from accredit_sdk.claims import AccessClaims

LIFETIME_OWN_BEHALF: Final = 300
"""Seconds that a token lives which a client got for itself: five minutes."""

LONGEST_LIFETIME: Final = 3600
"""Seconds that any access token of ours lives at the most; keys and signals are kept longer than this."""

LONGEST_SCOPE: Final = 4096
"""Characters of the scope in one token at the most: it travels in a header with every request."""


def fits(scopes: frozenset[str]) -> bool:
    """Tell whether a token can carry `scopes`: short enough to travel, few enough to be read at the other end."""
    return len(scopes) <= words.MOST and len(words.render(scopes)) <= LONGEST_SCOPE


def own_behalf(
    *,
    issuer: str,
    client: Client,
    credential: Credential,
    server: Server,
    scope: str,
    jti: str,
    version: int,
    now: int,
) -> AccessClaims:
    """Return the claims of a token whose subject is the client itself, so without `act` (RFC 6749, 4.4).

    `version` is the number of the last signal known when this was decided; `rev` lists the handles that kill the token.
    The token never outlives the client or its credential. `now` is microseconds UTC.
    """
    issued = now // 1_000_000
    ends = (client.expires_at, credential.expires_at, credential.retires_at)
    expires = min([issued + LIFETIME_OWN_BEHALF, *(end // 1_000_000 for end in ends if end is not None)])
    return AccessClaims(
        iss=issuer,
        sub=client.id,
        aud=server.resource,
        client_id=client.client_id,
        scope=scope,
        iat=issued,
        exp=expires,
        jti=jti,
        ver=version,
        rev=(credential.id, client.id, server.id),
        sub_profile=client.kind.value,
    )


def ending(claims: AccessClaims, at: int | None) -> AccessClaims:
    """Return `claims` with an `exp` that is not after `at` (microseconds UTC); None sets no further end."""
    if at is None or claims.exp <= at // 1_000_000:
        return claims
    return structs.replace(claims, exp=at // 1_000_000)
