"""The MCP SDK's own bearer check, with PyJWT behind it, as its documentation shows it."""

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings

from bench.tool_call import SCOPE
from tests.support.authority import FakeAccredit


def make(accredit: FakeAccredit) -> tuple[AuthSettings, TokenVerifier]:
    """Return what an MCPServer needs to take the tokens of `accredit` and no others."""
    auth = AuthSettings(
        issuer_url=accredit.issuer,
        resource_server_url=accredit.resource,
        required_scopes=[SCOPE],
        validate_token_resource=True,
    )
    return auth, _PyJwt(accredit)


class _PyJwt(TokenVerifier):
    """What one writes for the SDK, which leaves the verifying to its user."""

    def __init__(self, accredit: FakeAccredit) -> None:
        self._key = public_key(accredit)
        self._expected = {"audience": accredit.resource, "issuer": accredit.issuer, "algorithms": ["ES256"]}

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return what a good token says, None for any other."""
        try:
            claims = jwt.decode(token, self._key, **self._expected, options={"require": ["exp", "sub", "aud"]})
        except jwt.PyJWTError:
            return None
        return AccessToken(
            token=token,
            client_id=claims["client_id"],
            scopes=claims["scope"].split(),
            expires_at=claims["exp"],
            resource=claims["aud"],
            subject=claims["sub"],
            claims=claims,
        )


def public_key(accredit: FakeAccredit) -> ec.EllipticCurvePublicKey:
    """Return the key that access tokens are verified with."""
    public = accredit.access_keys[-1].verifying().public
    assert isinstance(public, ec.EllipticCurvePublicKey)
    return public
