"""Compact JWS: each way in which we are stricter than we must be, one by one; `test_jws_oracles.py` has the rest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import jws
from accredit_sdk.algorithms import SigningKey
from accredit_sdk.errors import InvalidToken, Problem
from tests.unit.sdk.forge import ES256, KEYS, SIGNERS, TYP, b64, forged, header, problem, signed, unb64


@given(st.sampled_from(list(SIGNERS.values())), st.binary(max_size=300))
def test_what_is_signed_is_verified_and_comes_out_as_it_went_in(key: SigningKey, payload: bytes) -> None:
    token = jws.sign(key, TYP, payload)
    assert jws.verify(token, KEYS, TYP) == jws.verify(token.encode(), KEYS, TYP) == payload


@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_a_header_of_ours_holds_alg_kid_and_typ_and_nothing_else(key: SigningKey) -> None:
    token = jws.sign(key, "x+jwt", b"payload")
    first, payload, signature = token.split(".")
    assert json.loads(unb64(first)) == {"alg": key.alg.value, "kid": key.kid, "typ": "x+jwt"}
    assert (unb64(payload), b64(unb64(signature))) == (b"payload", signature)


def test_parsing_takes_a_token_apart_and_verifies_nothing() -> None:
    parsed = jws.parse(f"{b64(json.dumps({'alg': 'none', 'x': 1}).encode())}.{b64(b'payload')}.")
    assert (parsed.alg, parsed.kid, parsed.typ) == ("none", None, None)
    assert (parsed.payload, parsed.signature) == (b"payload", b"")
    assert parsed.signing_input == f"{b64(json.dumps({'alg': 'none', 'x': 1}).encode())}.{b64(b'payload')}".encode()


def test_a_token_of_exactly_the_limit_is_read_and_one_more_character_is_not() -> None:
    token = forged(header())
    assert jws.verify(token, KEYS, TYP, limit=len(token)) == b"{}"
    with pytest.raises(InvalidToken) as long:
        jws.verify(token, KEYS, TYP, limit=len(token) - 1)
    assert long.value.problem is Problem.MALFORMED


def test_without_a_word_about_it_the_limit_is_16384_characters() -> None:
    payload = b"x" * 12000
    fits = jws.sign(ES256, TYP, payload + b"x" * ((jws.LIMIT - len(jws.sign(ES256, TYP, payload))) * 3 // 4))
    assert jws.LIMIT - 3 <= len(fits) <= jws.LIMIT
    assert problem(fits) is None
    assert problem(fits + "AAAA") is Problem.MALFORMED


# ---------------------------------------------------------------- stricter than the RFC, on purpose


@pytest.mark.parametrize("kid", [None, "", "unknown", ES256.kid + " ", ES256.kid[:-1]], ids=range(5))
def test_strictness_a_token_names_its_key(kid: str | None) -> None:
    assert problem(forged(header(kid=kid))) is Problem.UNKNOWN_KEY


@pytest.mark.parametrize(
    "typ", [None, "", "JWT", "at", "at+jwt ", "at+jwt;v=1", "text/at+jwt", "application/", "ät+jwt"]
)
def test_strictness_a_token_says_its_type(typ: str | None) -> None:
    assert problem(forged(header(typ=typ))) is Problem.TYPE


@pytest.mark.parametrize("typ", ["at+jwt", "AT+JWT", "application/at+jwt", "Application/AT+jwt"])
def test_a_type_is_a_media_type_in_any_case_with_or_without_application(typ: str) -> None:
    assert problem(forged(header(typ=typ))) is None
    assert problem(forged(header(typ="at+jwt")), typ) is None


def test_types_that_are_no_ascii_are_the_same_only_if_they_are_equal() -> None:
    # U+212A, the Kelvin sign, becomes a plain k in lower case.
    assert problem(forged(header(typ="\u212a+jwt")), "k+jwt") is Problem.TYPE
    assert problem(forged(header(typ="ä+jwt")), "ö+jwt") is Problem.TYPE
    assert problem(forged(header(typ="ä+jwt")), "ä+jwt") is None


@pytest.mark.parametrize("name", ["b64", "crit", "jku", "jwk", "x5c", "x5u"])
@pytest.mark.parametrize("value", [None, True, [], ["exp"], {}, "https://evil.example/jwks"])
def test_strictness_members_that_bring_a_key_or_an_extension_are_refused(name: str, value: object) -> None:
    assert problem(forged(json.dumps(header() | {name: value}).encode())) is Problem.MALFORMED


@pytest.mark.parametrize("name", ["x5t", "x5t#S256", "cty", "x", "ALG", "nonce"])
def test_members_that_mean_nothing_here_are_ignored(name: str) -> None:
    assert problem(forged(header(**{name: "value"}))) is None


@pytest.mark.parametrize(
    "raw",
    [
        b'{"alg":"ES256","alg":"ES256"}',
        b'{"alg":"none","\\u0061lg":"ES256"}',
        b'{"alg":"ES256","x":{"y":1,"y":1}}',
        b'{"alg":"ES256","x":NaN}',
        b'\xef\xbb\xbf{"alg":"ES256"}',
        b'{"alg":"ES256","x":"\xff"}',
        b'{"alg":"ES256","x":"\\ud800"}',
        b"[" * 2000,
    ],
)
def test_strictness_a_header_is_json_that_no_two_readers_read_differently(raw: bytes) -> None:
    assert problem(forged(raw)) is Problem.MALFORMED


@pytest.mark.parametrize(
    "raw", [b"", b"null", b"[]", b'"ES256"', b"{}", b'{"alg":null}', b'{"alg":1}', b'{"alg":["ES256"]}', b"{'alg':1}"]
)
def test_a_header_is_an_object_with_a_text_as_alg(raw: bytes) -> None:
    assert problem(forged(raw)) is Problem.MALFORMED


@pytest.mark.parametrize("member", ["kid", "typ"])
@pytest.mark.parametrize("value", [1, True, [], {}])
def test_kid_and_typ_are_texts(member: str, value: object) -> None:
    assert problem(forged(header(**{member: value}))) is Problem.MALFORMED


def test_strictness_an_encoded_header_has_at_most_2048_characters() -> None:
    short = 2048 * 3 // 4 - len(json.dumps(header(x="")))
    assert problem(forged(header(x="a" * short))) is None
    assert problem(forged(header(x="a" * (short + 1)))) is Problem.MALFORMED


@pytest.mark.parametrize("pad", ["=", "==", "\n", " ", "+", "/", "."])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_strictness_nothing_may_follow_a_part(pad: str, place: int) -> None:
    parts = forged(header()).split(".")
    parts[place] += pad
    again = signed(".".join(parts[:2])) if place < 2 else ".".join(parts)
    assert problem(again) is Problem.MALFORMED


def test_a_token_that_is_no_ascii_is_malformed_as_text_and_as_bytes() -> None:
    token = forged(header())
    assert problem("é" + token) is Problem.MALFORMED
    assert problem(token.encode() + b"\xe9") is Problem.MALFORMED


# ---------------------------------------------------------------- what a refusal says


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES384", "PS256", "RS512", "es256", "EdDSA ", ""])
def test_an_algorithm_that_is_not_in_use_is_refused_by_its_name(alg: str) -> None:
    assert problem(forged(header(alg=alg))) is Problem.ALGORITHM


@pytest.mark.parametrize("claimed", SIGNERS)
@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_the_algorithm_is_the_one_of_the_key(claimed: str, key: SigningKey) -> None:
    expected = None if claimed == key.alg else Problem.ALGORITHM
    assert problem(forged(header(key, alg=claimed), key=key)) is expected


@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_a_signature_by_another_key_is_a_wrong_signature(key: SigningKey) -> None:
    other = next(one for one in SIGNERS.values() if one is not key)
    assert problem(forged(header(key), key=other)) is Problem.SIGNATURE


def test_a_refusal_never_quotes_the_token() -> None:
    secret = "c2VjcmV0"
    for token in (secret, f"{secret}.{secret}.{secret}", forged(header(kid=secret)), forged(header(typ=secret))):
        with pytest.raises(InvalidToken) as refused:
            jws.verify(token, KEYS, TYP)
        assert secret not in str(refused.value) + repr(refused.value)
        assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_header_that_was_refused_once_is_refused_again() -> None:
    token = forged(header() | {"crit": ["x"]})
    assert problem(token) is problem(token) is Problem.MALFORMED
