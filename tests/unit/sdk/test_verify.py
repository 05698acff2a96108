"""Verification: a token is good for one issuer, one audience and one time, and only if nothing more is asked of it."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import structs

from accredit_sdk import claims, jws
from accredit_sdk.claims import AccessClaims
from accredit_sdk.errors import InvalidToken, Problem
from accredit_sdk.verify import Verifier
from tests.unit.sdk.forge import ES256, KEYS, SIGNERS, TYP, b64, forged, header

ISSUER, AUDIENCE = "https://id.example", "https://ledger.example/mcp"
SECONDS = 1_900_000_000
NOW = SECONDS * 1_000_000
LEEWAY = 30
GOOD = AccessClaims(
    iss=ISSUER, sub="usr_1", aud=AUDIENCE, client_id="app_1", scope="a", iat=SECONDS, exp=SECONDS + 300, jti="tok_1"
)
VERIFIER = Verifier(ISSUER, AUDIENCE)


def problem(said: AccessClaims, now: int = NOW, verifier: Verifier = VERIFIER) -> Problem | None:
    try:
        found = verifier.verify(jws.sign(ES256, TYP, claims.encode(said)), KEYS, now)
    except InvalidToken as refused:
        return refused.problem
    assert found == said
    return None


@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_a_good_token_gives_its_claims(key: jws.SigningKey) -> None:
    assert VERIFIER.verify(jws.sign(key, TYP, claims.encode(GOOD)), KEYS, NOW) == GOOD


@pytest.mark.parametrize("issuer", ["", ISSUER + "/", ISSUER.upper(), "https://id.example.evil", ISSUER[:-1]])
def test_another_issuer_is_refused_character_by_character(issuer: str) -> None:
    assert problem(structs.replace(GOOD, iss=issuer)) is Problem.ISSUER


@pytest.mark.parametrize("audience", ["", AUDIENCE + "/", AUDIENCE.upper(), AUDIENCE[:-1], "https://archive.example"])
def test_another_audience_is_refused_character_by_character(audience: str) -> None:
    assert problem(structs.replace(GOOD, aud=audience)) is Problem.AUDIENCE


@given(st.integers(-1000, 1000), st.integers(0, 999_999), st.integers(0, 120))
def test_a_token_lives_until_its_exp_and_the_tolerance_and_not_a_second_longer(
    offset: int, micros: int, leeway: int
) -> None:
    expected = None if offset < leeway else Problem.EXPIRED
    said = structs.replace(GOOD, iat=SECONDS - 5000)
    assert problem(said, (said.exp + offset) * 1_000_000 + micros, Verifier(ISSUER, AUDIENCE, leeway)) is expected


@given(st.sampled_from(["iat", "nbf"]), st.integers(-100, 100), st.integers(0, 60))
@example("iat", 30, 30)
@example("iat", 31, 30)
@example("nbf", 30, 30)
@example("nbf", 31, 30)
def test_a_token_from_further_ahead_than_the_tolerance_is_not_valid_yet(name: str, offset: int, leeway: int) -> None:
    expected = None if offset <= leeway else Problem.NOT_YET_VALID
    said = structs.replace(GOOD, **{name: SECONDS + offset})
    assert problem(said, NOW, Verifier(ISSUER, AUDIENCE, leeway)) is expected


def test_without_a_word_about_it_the_tolerance_is_thirty_seconds() -> None:
    assert Verifier(ISSUER, AUDIENCE).leeway == LEEWAY
    assert problem(GOOD, (GOOD.exp + LEEWAY) * 1_000_000 - 1) is None
    assert problem(GOOD, (GOOD.exp + LEEWAY) * 1_000_000) is Problem.EXPIRED


@pytest.mark.parametrize("cnf", [{}, {"jkt": "thumbprint"}, {"x5t#S256": "hash"}])
def test_a_token_bound_to_a_key_is_refused_without_its_proof(cnf: dict[str, str]) -> None:
    assert problem(structs.replace(GOOD, cnf=cnf)) is Problem.BOUND


@pytest.mark.parametrize("typ", ["JWT", "accredit-snapshot+jwt", "accredit-changes+jwt", "client-authentication+jwt"])
def test_a_document_of_another_type_is_no_access_token(typ: str) -> None:
    with pytest.raises(InvalidToken) as refused:
        VERIFIER.verify(jws.sign(ES256, typ, claims.encode(GOOD)), KEYS, NOW)
    assert refused.value.problem is Problem.TYPE


def test_a_key_that_was_taken_out_of_the_set_verifies_nothing() -> None:
    with pytest.raises(InvalidToken) as refused:
        VERIFIER.verify(jws.sign(ES256, TYP, claims.encode(GOOD)), {}, NOW)
    assert refused.value.problem is Problem.UNKNOWN_KEY


def test_nothing_that_a_token_says_counts_before_its_signature() -> None:
    liar = structs.replace(GOOD, iss="https://evil.example", exp=0)
    token = forged(header(), claims.encode(GOOD))
    first, _, signature = token.split(".")
    for payload in (claims.encode(liar), b"noise", b"\xff"):
        with pytest.raises(InvalidToken) as refused:
            VERIFIER.verify(f"{first}.{b64(payload)}.{signature}", KEYS, NOW)
        assert refused.value.problem is Problem.SIGNATURE


def test_issuer_and_audience_are_judged_before_the_time() -> None:
    assert problem(structs.replace(GOOD, iss="x", aud="y", exp=0)) is Problem.ISSUER
    assert problem(structs.replace(GOOD, aud="y", exp=0)) is Problem.AUDIENCE
    assert problem(structs.replace(GOOD, exp=0, cnf={})) is Problem.EXPIRED


def test_the_time_can_be_checked_again_by_itself() -> None:
    VERIFIER.check_time(GOOD, NOW)
    with pytest.raises(InvalidToken) as refused:
        VERIFIER.check_time(GOOD, NOW + 330 * 1_000_000)
    assert refused.value.problem is Problem.EXPIRED
