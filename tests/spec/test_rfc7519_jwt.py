"""RFC 7519 and RFC 8725: claims are read in one way, and a token is good for one issuer, audience and time."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import jws, keys
from accredit_sdk.algorithms import Algorithm, SigningKey, VerifyingKey
from accredit_sdk.errors import InvalidToken, Problem
from accredit_sdk.verify import Verifier
from tests.unit.sdk.forge import ES256, KEYS, SIGNERS, TYP, forged, header, refused

ISSUER, AUDIENCE = "https://id.example", "https://ledger.example/mcp"
SECONDS = 1_900_000_000
CLAIMS: dict[str, Any] = {
    "iss": ISSUER, "sub": "usr_1", "aud": AUDIENCE, "client_id": "app_1", "scope": "a", "iat": SECONDS - 600,
    "exp": SECONDS + 300, "jti": "tok_1",
}  # fmt: skip
LEEWAY = st.integers(0, 60)


def problem(payload: bytes, at: int = SECONDS, leeway: int = 30, micros: int = 0) -> Problem | None:
    """Why a token with these claims, rightly signed, is refused `at` some second; None when it is good."""
    try:
        Verifier(ISSUER, AUDIENCE, leeway).verify(jws.sign(ES256, TYP, payload), KEYS, at * 1_000_000 + micros)
    except InvalidToken as wrong:
        return wrong.problem
    return None


def said(**changes: object) -> bytes:
    return json.dumps(CLAIMS | changes).encode()


@pytest.mark.requirement("RFC7519-4-unique-names")
@given(st.sampled_from(sorted(CLAIMS)), st.booleans(), st.booleans())
def test_a_repeated_claim_is_refused_even_with_the_same_value(name: str, first: bool, escaped: bool) -> None:
    spelt = f"\\u{ord(name[0]):04x}{name[1:]}" if escaped else name
    again, text = f'"{spelt}":{json.dumps(CLAIMS[name])}', said().decode()
    repeated = "{" + again + "," + text[1:] if first else text[:-1] + "," + again + "}"
    assert problem(text.encode()) is None
    assert problem(repeated.encode()) is Problem.MALFORMED


@pytest.mark.requirement("RFC7519-4-unique-names")
@pytest.mark.parametrize("more", ['"x":1,"x":2', '"x":{"a":1,"a":1}', '"act":{"iss":"i","sub":"a","sub":"b"}'])
def test_a_repeated_name_is_refused_at_any_depth_and_in_claims_that_we_do_not_know(more: str) -> None:
    assert problem(f"{said().decode()[:-1]},{more}}}".encode()) is Problem.MALFORMED


@pytest.mark.requirement("RFC7519-4.1.3-aud")
@given(st.text(max_size=20) | st.sampled_from([AUDIENCE + "/", AUDIENCE.upper(), AUDIENCE[:-1], ISSUER]))
def test_a_token_whose_audience_is_another_is_refused(audience: str) -> None:
    assert problem(said(aud=audience)) is Problem.AUDIENCE
    assert problem(said()) is None


@pytest.mark.requirement("RFC7519-4.1.3-aud")
@pytest.mark.parametrize("audience", [None, [], ["https://archive.example"], [AUDIENCE], {}, 1])
def test_a_token_without_one_text_as_audience_is_refused(audience: object) -> None:
    assert problem(said(aud=audience)) is Problem.MALFORMED
    assert problem(json.dumps({k: v for k, v in CLAIMS.items() if k != "aud"}).encode()) is Problem.MISSING_CLAIM


@pytest.mark.requirement("RFC7519-4.1.4-exp")
@given(st.integers(-200, 200), st.integers(0, 999_999), LEEWAY)
def test_a_token_is_refused_from_its_exp_on_and_the_tolerance(offset: int, micros: int, leeway: int) -> None:
    found = problem(said(exp=SECONDS - offset), leeway=leeway, micros=micros)
    assert found is (None if offset < leeway else Problem.EXPIRED)


@pytest.mark.requirement("RFC7519-4.1.4-exp")
@pytest.mark.parametrize("exp", [None, "1900000300", [], True])
def test_a_token_without_an_end_is_refused(exp: object) -> None:
    assert problem(said(exp=exp)) is Problem.MALFORMED
    assert problem(json.dumps({k: v for k, v in CLAIMS.items() if k != "exp"}).encode()) is Problem.MISSING_CLAIM


@pytest.mark.requirement("RFC7519-4.1.5-nbf")
@given(st.integers(-200, 200), st.integers(0, 999_999), LEEWAY)
def test_a_token_is_refused_before_its_nbf_apart_from_the_tolerance(offset: int, micros: int, leeway: int) -> None:
    found = problem(said(nbf=SECONDS + offset), leeway=leeway, micros=micros)
    assert found is (None if offset <= leeway else Problem.NOT_YET_VALID)


@pytest.mark.requirement("RFC7519-4.1.5-nbf")
@pytest.mark.parametrize("nbf", ["1900000000", [], True])
def test_a_token_whose_nbf_is_no_number_is_refused(nbf: object) -> None:
    assert problem(said(nbf=nbf)) is Problem.MALFORMED


@pytest.mark.requirement("RFC7519-7.2-object")
@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"1", b'"text"', b"[]", said()[:-1], said() + b"}", b"\xef\xbb\xbf" + said(),
     said().decode().encode("utf-16"), said()[:-1] + b',"x":"\xff"}',
     said()[:-1] + b',"\xc0\x80":1}', said()[:-1] + b',"sub_profile":"\xed\xa0\x80"}',
     said()[:-1] + b',"x":NaN}', b"[" + said() + b"]"],
)  # fmt: skip
def test_claims_that_are_no_json_object_in_utf_8_are_refused(payload: bytes) -> None:
    assert problem(payload) is Problem.MALFORMED


# ---------------------------------------------------------------- RFC 8725


@pytest.mark.requirement("RFC8725-3.1-algorithm-pinned")
@pytest.mark.parametrize("claimed", [*SIGNERS, "HS256", "none"])
@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_the_key_decides_on_the_algorithm_and_not_the_token(claimed: str, key: SigningKey) -> None:
    token = forged(header(key, alg=claimed), said(), key)
    try:
        Verifier(ISSUER, AUDIENCE).verify(token, KEYS, SECONDS * 1_000_000)
    except InvalidToken as wrong:
        assert (wrong.problem, claimed == key.alg) == (Problem.ALGORITHM, False)  # noqa: PT017
    else:
        assert claimed == key.alg


@pytest.mark.requirement("RFC8725-3.1-algorithm-pinned")
@pytest.mark.parametrize("alg", list(Algorithm))
@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_a_key_exists_for_one_algorithm_only(alg: Algorithm, key: SigningKey) -> None:
    public = key.private.public_key()
    assert refused(lambda: VerifyingKey(key.kid, alg, public)) == (alg is not key.alg)
    assert refused(lambda: keys.verifying_key(keys.public_jwk(key.verifying()) | {"alg": alg.value})) == (
        alg is not key.alg
    )


@pytest.mark.requirement("RFC8725-3.8-issuer")
@given(st.text(max_size=20) | st.sampled_from([ISSUER + "/", ISSUER.upper(), ISSUER[:-1], "https://id.example:443"]))
def test_a_token_of_another_issuer_is_refused(issuer: str) -> None:
    assert problem(said(iss=issuer)) is Problem.ISSUER
    assert problem(said()) is None


@pytest.mark.requirement("RFC8725-3.8-issuer")
def test_a_token_that_names_our_issuer_is_refused_when_its_key_is_not_our_issuers() -> None:
    stranger = keys.generate(Algorithm.ES256)
    for kid in (stranger.kid, ES256.kid):
        with pytest.raises(InvalidToken) as wrong:
            Verifier(ISSUER, AUDIENCE).verify(forged(header(kid=kid), said(), stranger), KEYS, SECONDS * 1_000_000)
        assert wrong.value.problem in (Problem.UNKNOWN_KEY, Problem.SIGNATURE)


HOSTILE_KIDS = [
    "../../../../dev/null", "/dev/null", "file:///etc/passwd", "https://evil.example/jwks", "' OR '1'='1", "a\x00b",
    "$(id)", "{{7*7}}", "%s%s%n", "__class__", "", " ", "\u202e", "a" * 1000,
]  # fmt: skip


class Table(dict[str, VerifyingKey]):
    """A table of keys that notes what it was asked for."""

    def __init__(self) -> None:
        super().__init__(KEYS)
        self.asked: list[str] = []

    def get(self, kid: str, default: Any = None) -> Any:
        self.asked.append(kid)
        return super().get(kid, default)


@pytest.mark.requirement("RFC8725-3.10-untrusted-claims")
@pytest.mark.parametrize("kid", HOSTILE_KIDS)
def test_a_kid_is_looked_up_as_it_stands_and_nothing_else_happens(kid: str) -> None:
    table = Table()
    with pytest.raises(InvalidToken) as wrong:
        jws.verify(forged(header(kid=kid), said()), table, TYP)
    assert (wrong.value.problem, table.asked) == (Problem.UNKNOWN_KEY, [kid])


@pytest.mark.requirement("RFC8725-3.10-untrusted-claims")
@pytest.mark.parametrize("name", ["jku", "x5u", "jwk", "x5c"])
def test_a_header_that_wants_something_read_or_fetched_is_refused_before_any_look_up(name: str) -> None:
    table = Table()
    with pytest.raises(InvalidToken) as wrong:
        jws.verify(forged(header(**{name: "https://127.0.0.1:1/jwks"}), said()), table, TYP)
    assert (wrong.value.problem, table.asked) == (Problem.MALFORMED, [])
