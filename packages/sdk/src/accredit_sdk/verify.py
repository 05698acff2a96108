"""RFC 9068, 4: verify that an access token is good for this server, now."""

from collections.abc import Mapping
from dataclasses import dataclass

from accredit_sdk import claims as access
from accredit_sdk import jws
from accredit_sdk.claims import AccessClaims
from accredit_sdk.errors import InvalidToken, Problem
from accredit_sdk.jws import VerifyingKey


@dataclass(frozen=True, slots=True)
class Verifier:
    """Verifies access tokens of one issuer for one audience. `leeway` is the clock tolerance in seconds."""

    issuer: str
    audience: str
    leeway: int = 30

    def verify(self, token: str, keys: Mapping[str, VerifyingKey], now: int) -> AccessClaims:
        """Return the claims of a good token at `now` (microseconds UTC). Raises InvalidToken.

        A token bound to a key (`cnf`) is refused here: it needs its proof (RFC 9449).
        """
        claims = access.decode(jws.verify(token, keys, access.ACCESS_TOKEN_TYPE))
        if claims.iss != self.issuer:
            raise InvalidToken(Problem.ISSUER, "the token is from another issuer")
        if claims.aud != self.audience:
            raise InvalidToken(Problem.AUDIENCE, "the token is for another server")
        self.check_time(claims, now)
        if claims.cnf is not None:
            raise InvalidToken(Problem.BOUND, "the token is bound to a key and came without its proof")
        return claims

    def check_time(self, claims: AccessClaims, now: int) -> None:
        """Raise InvalidToken unless the token is alive at `now` (microseconds UTC)."""
        seconds = now // 1_000_000
        if claims.exp + self.leeway <= seconds:
            raise InvalidToken(Problem.EXPIRED, "the token has expired")
        if claims.iat > seconds + self.leeway or (claims.nbf is not None and claims.nbf > seconds + self.leeway):
            raise InvalidToken(Problem.NOT_YET_VALID, "the token is not valid yet")
