"""Client assertions: whose key, for whom, for how long, and once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.changes import UseJti
from accredit.identity.credential import Credential
from accredit.oauth import client_assertion
from accredit.oauth.client_assertion import LEEWAY, MAX_JTI, MAX_LIFETIME
from accredit_sdk import keys
from accredit_sdk.claims import ACCESS_TOKEN_TYPE
from accredit_sdk.jws import Algorithm
from tests.unit.oauth.world import (
    AGENT,
    ISSUER,
    KEY,
    NOW,
    SECOND,
    SECONDS,
    STRANGER,
    assertion,
    assertion_claims,
    key_of,
    signed,
)

OWN = key_of(AGENT)


def judged(text: str, credentials: tuple[Credential, ...] = (OWN,), now: int = NOW) -> tuple[Credential, UseJti] | str:
    return client_assertion.verify(text, AGENT.client_id, credentials, ISSUER, now)


def accepted(text: str, now: int = NOW) -> bool:
    return not isinstance(judged(text, now=now), str)


def test_a_good_assertion_names_its_credential_and_its_single_use() -> None:
    found = judged(assertion(jti="x" * MAX_JTI))
    assert found == (OWN, UseJti(AGENT.client_id, "x" * MAX_JTI, (SECONDS + 60 + 2 * LEEWAY) * SECOND))


def test_the_use_is_remembered_for_longer_than_the_assertion_can_be_used() -> None:
    found = judged(assertion())
    assert not isinstance(found, str)
    assert not accepted(assertion(), found[1].expires_at - LEEWAY * SECOND)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt", "application/Client-Authentication+JWT"])
def test_the_type_is_read_as_a_media_type(typ: str) -> None:
    assert accepted(assertion(typ=typ))


@pytest.mark.parametrize(
    "typ", ["", ACCESS_TOKEN_TYPE, "dpop+jwt", "secevent+jwt", "JWT ", "application/application/jwt"]
)
def test_typ_confusion_a_token_of_another_type_is_no_assertion(typ: str) -> None:
    assert not accepted(assertion(typ=typ))


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_keys_of_every_algorithm_authenticate(algorithm: Algorithm) -> None:
    key = keys.generate(algorithm)
    credential = key_of(AGENT, key)
    assert isinstance(judged(assertion(key=key), (credential,)), tuple)


def test_each_of_two_keys_authenticates_as_itself() -> None:
    other = keys.generate(Algorithm.ES256)
    second = key_of(AGENT, other, 16)
    for key, credential in ((KEY, OWN), (other, second)):
        found = judged(assertion(key=key), (OWN, second))
        assert not isinstance(found, str)
        assert found[0] == credential


def test_another_key_under_the_same_key_id_is_refused() -> None:
    thief = keys.generate(Algorithm.ES256)
    forged = assertion(key=type(thief)(KEY.kid, thief.alg, thief.private))
    assert not accepted(forged)
    assert not accepted(assertion(key=thief))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": STRANGER.client_id},
        {"sub": STRANGER.client_id},
        {"iss": STRANGER.client_id, "sub": STRANGER.client_id},
        {"iss": AGENT.client_id + " "},
        {"iss": ISSUER},
        {"aud": "https://elsewhere.example"},
        {"aud": ISSUER + "/"},
        {"aud": ISSUER + "/token"},
        {"aud": ISSUER.upper()},
        {"aud": ISSUER[:-1]},
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "https://elsewhere.example"]},
        {"aud": []},
        {"aud": ""},
    ],
)
def test_an_assertion_about_another_or_for_another_server_is_refused(changes: dict[str, Any]) -> None:
    assert not accepted(assertion(**changes))


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "jti"])
def test_no_required_claim_may_be_missing(claim: str) -> None:
    assert accepted(assertion(iat=None))
    assert not accepted(assertion(**{claim: None}))


@pytest.mark.parametrize(
    "value", [True, False, float(SECONDS + 60), SECONDS + 60.5, str(SECONDS + 60), [SECONDS + 60], {}, 10**400]
)
@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
def test_a_time_is_a_whole_number(claim: str, value: Any) -> None:
    assert not accepted(assertion(**{claim: value}))


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400", "null", "9" * 5000, "-0.0"])
def test_a_time_beyond_json_or_reason_is_refused(literal: str) -> None:
    text = json.dumps(assertion_claims(exp="@")).replace('"@"', literal)
    assert not accepted(signed(text.encode()))


@pytest.mark.parametrize(
    ("changes", "good"),
    [
        ({"exp": SECONDS + 1}, True),
        ({"exp": SECONDS - LEEWAY + 1}, True),
        ({"exp": SECONDS - LEEWAY}, False),
        ({"exp": 0}, False),
        ({"exp": -SECONDS}, False),
        ({"exp": SECONDS + MAX_LIFETIME + LEEWAY}, True),
        ({"exp": SECONDS + MAX_LIFETIME + LEEWAY + 1}, False),
        ({"exp": 2**63}, False),
        ({"nbf": SECONDS + LEEWAY}, True),
        ({"nbf": SECONDS + LEEWAY + 1}, False),
        ({"nbf": -1}, True),
        ({"iat": SECONDS + LEEWAY}, True),
        ({"iat": SECONDS + LEEWAY + 1}, False),
        ({"iat": SECONDS - MAX_LIFETIME - LEEWAY}, True),
        ({"iat": SECONDS - MAX_LIFETIME - LEEWAY - 1}, False),
        ({"iat": 0}, False),
    ],
)
def test_the_windows_of_exp_nbf_and_iat_end_where_they_are_said_to(changes: dict[str, int], good: bool) -> None:
    assert accepted(assertion(**changes)) is good


@pytest.mark.parametrize(
    ("ago", "iat", "good"),
    [
        (0, SECONDS, False),
        (LEEWAY, SECONDS, False),
        (LEEWAY + 1, SECONDS, True),
        (LEEWAY + 1, SECONDS - 1, False),
        (LEEWAY + 1, None, False),
        (MAX_LIFETIME + 2 * LEEWAY, None, False),
        (MAX_LIFETIME + 2 * LEEWAY + 1, None, True),
    ],
)
def test_what_could_have_been_used_before_a_restore_is_refused(ago: int, iat: int | None, good: bool) -> None:
    text = assertion(iat=iat)
    since = (SECONDS - ago) * SECOND
    found = client_assertion.verify(text, AGENT.client_id, (OWN,), ISSUER, NOW, since)
    assert isinstance(found, str) is not good


@pytest.mark.parametrize(
    "jti", ["", "x" * (MAX_JTI + 1), "a\0b", "a\nb", "\u00e9", "\ud800", "\U0001f600" * 64, 7, ["once"], {}]
)
def test_a_jti_that_cannot_be_remembered_is_refused_and_never_an_error(jti: Any) -> None:
    assert not accepted(assertion(jti=jti))


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "jti", "iat", "unknown"])
def test_a_repeated_claim_is_refused_whichever_reading_would_be_good(claim: str) -> None:
    good = json.dumps(assertion_claims(unknown=1))
    again = json.dumps({claim: assertion_claims(unknown=1)[claim]})
    assert accepted(signed(good.encode()))
    assert not accepted(signed(f"{good[:-1]}, {again[1:]}".encode()))


DEEP = b'{"a":' + b"[" * 6000 + b"]" * 6000 + b"}"


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{",
        b"{}",
        b"\xff",
        b"\xef\xbb\xbf{}",
        json.dumps(assertion_claims()).encode("utf-16"),
        b"\xef\xbb\xbf" + json.dumps(assertion_claims()).encode(),
        json.dumps(assertion_claims()).encode() + b"\0",
        DEEP,
        DEEP[:-1] + b"," + json.dumps(assertion_claims()).encode()[1:],
        b"[" * 9000,
    ],
)
def test_claims_that_are_no_json_object_are_refused_however_deep(payload: bytes) -> None:
    assert client_assertion.claimed_client(signed(payload)) is None
    assert not accepted(signed(payload))


@pytest.mark.parametrize("text", ["", "a", "..", "a.b.c", "\u00e9.\u00e9.\u00e9", "\ud800", "=.=.=", "A" * 70_000])
def test_what_is_no_token_at_all_is_refused(text: str) -> None:
    assert client_assertion.claimed_client(text) is None
    assert not accepted(text)


def test_the_claimed_client_is_the_unverified_subject() -> None:
    assert client_assertion.claimed_client(assertion()) == AGENT.client_id
    assert client_assertion.claimed_client(assertion(key=keys.generate(Algorithm.ES256))) == AGENT.client_id


@given(st.data())
def test_one_changed_character_anywhere_is_refused(data: st.DataObject) -> None:
    text = assertion()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("AZaz09-_.=+ ").filter(lambda c: c != text[place]))
    assert not accepted(text[:place] + other + text[place + 1 :])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "x"]), JSON, max_size=4))
def test_no_claims_whatsoever_are_an_error_of_ours(changes: dict[str, Any]) -> None:
    found = judged(signed(json.dumps(assertion_claims() | changes).encode()))
    if isinstance(found, tuple):
        assert found[1].expires_at <= NOW + (MAX_LIFETIME + 3 * LEEWAY) * SECOND


def test_a_reason_never_quotes_the_assertion() -> None:
    for text in (assertion(aud="https://evil.example"), assertion(jti="a\nb"), assertion(exp=1), "a.b.c"):
        found = judged(text)
        assert isinstance(found, str)
        assert text not in found
        assert "evil" not in found
