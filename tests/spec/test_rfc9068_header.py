"""RFC 9068, 2.1: an access token says what it is, and is signed so that others can verify it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from accredit_sdk import claims, jws, keys
from accredit_sdk.errors import InvalidToken, Problem
from accredit_sdk.verify import Verifier
from tests.support.admin import RESOURCE, Admin, administration, key_set, tokens
from tests.unit.sdk.forge import unb64

ISSUER = "http://127.0.0.1:8700"


@pytest.fixture
async def issued(tmp_path: Path) -> AsyncIterator[tuple[Admin, str]]:
    """A node, and an access token that its token endpoint gave to an agent."""
    async with administration(tmp_path / "data") as admin:
        await admin.ledger()
        await admin.ok("POST", "/roles", json={"slug": "clerk", "scopes": {"ledger": ["ledger:read"]}})
        agent = await admin.ok("POST", "/agents", json={"slug": "bot", "owner": "dana", "roles": ["clerk"]})
        answer = await tokens(admin)(agent["client_id"], agent["secret"], "ledger:read")
        assert answer.status_code == 200, answer.text
        yield admin, answer.json()["access_token"]


@pytest.mark.requirement("RFC9068-2.1-typ")
async def test_an_access_token_of_the_token_endpoint_has_the_type_at_jwt(issued: tuple[Admin, str]) -> None:
    admin, token = issued
    header = json.loads(unb64(token.partition(".")[0]))
    assert header["typ"] == "at+jwt" == claims.ACCESS_TOKEN_TYPE
    known = keys.parse_jwks((await key_set(admin)).content)
    assert Verifier(ISSUER, RESOURCE).verify(token, known, admin.clock.now()).aud == RESOURCE


@pytest.mark.requirement("RFC9068-2.1-signed")
async def test_an_access_token_of_the_token_endpoint_is_signed_with_a_published_asymmetric_key(
    issued: tuple[Admin, str],
) -> None:
    admin, token = issued
    parsed, known = jws.parse(token), keys.parse_jwks((await key_set(admin)).content)
    assert parsed.alg in {"ES256", "EdDSA", "RS256"}
    assert parsed.kid is not None
    public = known[parsed.kid].public
    assert isinstance(public, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey)
    assert known[parsed.kid].signed(parsed.signature, parsed.signing_input)
    with pytest.raises(InvalidToken) as refused:
        jws.verify(token.rpartition(".")[0] + ".", known, claims.ACCESS_TOKEN_TYPE)
    assert refused.value.problem is Problem.SIGNATURE


@pytest.mark.requirement("RFC9068-2.1-signed")
@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_no_key_can_be_made_for_an_algorithm_without_a_public_half(alg: str) -> None:
    with pytest.raises(ValueError, match=alg):
        keys.Algorithm(alg)
