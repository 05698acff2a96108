"""RFC 7521, 4.2 and RFC 7523: a client authenticates with an assertion: for us, about itself, now, once."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from accredit.identity.changes import UseJti
from accredit.identity.principal import Principal
from accredit.oauth import token_request
from accredit.oauth.client_credentials import Facts, Issue, decide, on_lost
from accredit.oauth.errors import ErrorCode, Refusal
from accredit_sdk import keys
from accredit_sdk.jws import Algorithm, SigningKey
from tests.unit.oauth.world import (
    AGENT,
    ISSUER,
    KEY,
    NOW,
    SECOND,
    SECONDS,
    STRANGER,
    answer,
    assertion,
    by_assertion,
    facts,
    form,
    key_of,
    parsed,
)

KNOWN = facts(principal=Principal(AGENT, (key_of(AGENT),)))


def judged(text: str, known: Facts = KNOWN, now: int = NOW, **fields: str | None) -> ErrorCode | None:
    """The error that an assertion meets, None for a token."""
    request = token_request.parse(form(**by_assertion(text, **fields)), None)
    found = request if isinstance(request, Refusal) else answer(request, known, now)
    return found.code if isinstance(found, Refusal) else None


def test_a_good_assertion_gets_a_token() -> None:
    assert judged(assertion()) is None
    assert judged(assertion(), client_id=AGENT.client_id) is None


@pytest.mark.requirement("RFC7521-4.2-assertion-type")
@pytest.mark.parametrize(
    "kind",
    [
        None,
        "jwt-bearer",
        "urn:ietf:params:oauth:client-assertion-type:saml2-bearer",
        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer ",
        "URN:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    ],
)
def test_the_type_is_exactly_the_one_of_the_profile(kind: str | None) -> None:
    assert judged(assertion(), client_assertion_type=kind) is ErrorCode.INVALID_REQUEST


@pytest.mark.requirement("RFC7521-4.2-same-client")
def test_a_client_id_beside_the_assertion_names_the_same_client() -> None:
    assert judged(assertion(), client_id=STRANGER.client_id) is ErrorCode.INVALID_CLIENT


@pytest.mark.requirement("RFC7521-4.2.1-invalid-client")
@pytest.mark.parametrize(
    "text", ["x", "a.b.c", assertion(aud="https://other.example"), assertion(exp=1), assertion()[:-2]]
)
def test_what_does_not_hold_is_invalid_client_and_nothing_more(text: str) -> None:
    assert judged(text) is ErrorCode.INVALID_CLIENT


@pytest.mark.requirement("RFC7523-2.2-one-assertion")
@pytest.mark.parametrize("text", [f"{assertion()} {assertion()}", f"{assertion()},{assertion()}", assertion() * 2])
def test_one_parameter_holds_one_assertion(text: str) -> None:
    assert judged(text) is ErrorCode.INVALID_CLIENT


@pytest.mark.requirement("RFC7523-2.2-one-assertion")
def test_two_parameters_are_one_too_many() -> None:
    fields = [*form(**by_assertion(assertion())), ("client_assertion", assertion(jti="again"))]
    found = token_request.parse(fields, None)
    assert isinstance(found, Refusal)
    assert found.code is ErrorCode.INVALID_REQUEST


@pytest.mark.requirement("RFC7523-3-iss-sub")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"sub": None},
        {"iss": STRANGER.client_id},
        {"sub": STRANGER.client_id},
        {"iss": AGENT.slug},
        {"iss": ISSUER},
        {"iss": [AGENT.client_id]},
    ],
)
def test_iss_and_sub_are_both_there_and_both_the_client(changes: dict[str, Any]) -> None:
    assert judged(assertion(**changes)) is ErrorCode.INVALID_CLIENT


@pytest.mark.requirement("RFC7523-3-aud")
@pytest.mark.parametrize(
    "audience",
    [
        None,
        "",
        "https://other.example",
        ISSUER + "/",
        ISSUER + "/token",
        ISSUER.replace("https", "HTTPS"),
        "https://id.example:443",
        [ISSUER],
        [ISSUER, "https://other.example"],
        {"iss": ISSUER},
    ],
)
def test_assertion_audience_only_the_issuer_as_one_plain_string_is_us(audience: Any) -> None:
    assert judged(assertion(aud=audience)) is ErrorCode.INVALID_CLIENT


@pytest.mark.requirement("RFC7523-3-exp")
@pytest.mark.parametrize(
    ("exp", "good"), [(None, False), (-31, False), (-30, False), (-29, True), (330, True), (331, False)]
)
def test_exp_is_there_and_neither_past_nor_too_far_ahead(exp: int | None, good: bool) -> None:
    found = judged(assertion(exp=None if exp is None else SECONDS + exp))
    assert (found is None) is good


@pytest.mark.requirement("RFC7523-3-nbf")
@pytest.mark.parametrize(("nbf", "good"), [(-1000, True), (30, True), (31, False)])
def test_an_assertion_is_refused_before_its_nbf(nbf: int, good: bool) -> None:
    assert (judged(assertion(nbf=SECONDS + nbf)) is None) is good


@pytest.mark.requirement("RFC7523-3-iat")
@pytest.mark.parametrize(("iat", "good"), [(None, True), (-331, False), (-330, True), (30, True), (31, False)])
def test_iat_is_neither_long_ago_nor_ahead_of_the_clock(iat: int | None, good: bool) -> None:
    assert (judged(assertion(iat=None if iat is None else SECONDS + iat)) is None) is good


@pytest.mark.requirement("RFC7523-3-jti")
def test_assertion_replay_the_second_use_loses_the_claim_and_is_invalid_client() -> None:
    used: set[tuple[str, str]] = set()
    answers = []
    for now in (NOW, NOW, NOW + 89 * SECOND):
        request = parsed(**by_assertion(assertion()))
        outcome = decide(request, KNOWN, now)
        (claim,) = outcome.claims
        assert isinstance(claim, UseJti)
        won = (claim.issuer, claim.jti) not in used
        used.add((claim.issuer, claim.jti))
        answers.append((outcome if won else on_lost(request, KNOWN)).answer)
    first, *later = answers
    assert isinstance(first, Issue)
    assert [found.code for found in later if isinstance(found, Refusal)] == [ErrorCode.INVALID_CLIENT] * 2


@pytest.mark.requirement("RFC7523-3-jti")
def test_a_jti_is_remembered_until_the_assertion_is_dead_by_every_clock_in_the_tolerance() -> None:
    outcome = decide(parsed(**by_assertion(assertion(exp=SECONDS + 330))), KNOWN, NOW)
    (claim,) = outcome.claims
    assert isinstance(claim, UseJti)
    assert (
        judged(assertion(exp=SECONDS + 330, iat=None), now=claim.expires_at - 30 * SECOND) is ErrorCode.INVALID_CLIENT
    )


@pytest.mark.requirement("RFC7523-3-jti")
@pytest.mark.parametrize("jti", [None, "", "x" * 257])
def test_without_a_jti_that_can_be_remembered_it_is_refused(jti: str | None) -> None:
    assert judged(assertion(jti=jti)) is ErrorCode.INVALID_CLIENT


@pytest.mark.requirement("RFC7523-3-signature")
@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_a_key_of_somebody_else_does_not_sign_for_the_client(algorithm: Algorithm) -> None:
    own = keys.generate(algorithm)
    known = facts(principal=Principal(AGENT, (key_of(AGENT, own),)))
    assert judged(assertion(key=own), known) is None
    other = keys.generate(algorithm)
    assert judged(assertion(key=other), known) is ErrorCode.INVALID_CLIENT
    assert judged(assertion(key=SigningKey(own.kid, other.alg, other.private)), known) is ErrorCode.INVALID_CLIENT


@pytest.mark.requirement("RFC7523-3-signature")
@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "none", "typ": "JWT", "kid": KEY.kid}, {"alg": "HS256"}])
@pytest.mark.parametrize("signature", ["", "AA", assertion().split(".")[2]], ids=["empty", "short", "real"])
def test_an_unsigned_assertion_is_refused(header: dict[str, str], signature: str) -> None:
    first = urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    assert judged(f"{first}.{assertion().split('.')[1]}.{signature}") is ErrorCode.INVALID_CLIENT


@pytest.mark.requirement("RFC7523-3-signature")
def test_a_secret_is_no_key_to_sign_with() -> None:
    assert judged(assertion(), facts()) is ErrorCode.INVALID_CLIENT
