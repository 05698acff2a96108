"""RFC 7515: a compact JWS is read in one way only, and its key comes from the table alone."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import jws, keys
from accredit_sdk.algorithms import SigningKey
from accredit_sdk.errors import Problem
from tests.unit.sdk.forge import ES256, KEYS, SIGNERS, TYP, b64, forged, header, problem, signed, unb64

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SIGNING = st.sampled_from(list(SIGNERS.values()))


@pytest.mark.requirement("RFC7515-2-base64url")
@given(
    SIGNING,
    st.integers(0, 2),
    st.sampled_from(["=", "==", "\n", "\r\n", " ", "+", "/", "\t", "\x00", "~", "é"]),
    st.data(),
)
def test_a_part_with_any_character_outside_of_base64url_is_refused(
    key: SigningKey, place: int, character: str, data: st.DataObject
) -> None:
    parts = jws.sign(key, TYP, b"payload").split(".")
    at = data.draw(st.integers(0, len(parts[place])))
    parts[place] = parts[place][:at] + character + parts[place][at:]
    assert problem(".".join(parts)) is Problem.MALFORMED


@pytest.mark.requirement("RFC7515-2-base64url")
@pytest.mark.parametrize("character", ["=", "\n", "+", "/"])
def test_a_payload_that_is_no_base64url_is_refused_even_if_it_is_signed_as_it_stands(character: str) -> None:
    first = b64(json.dumps(header()).encode())
    assert problem(signed(f"{first}.AAAA")) is None
    assert problem(signed(f"{first}.AAA{character}")) is Problem.MALFORMED


@pytest.mark.requirement("RFC7515-3.3-single-spelling")
@pytest.mark.parametrize("payload", [b"a", b"ab", b"\x00", b"\xff\xff"])
def test_of_all_spellings_of_the_last_character_one_is_accepted_although_all_are_signed(payload: bytes) -> None:
    first = b64(json.dumps(header()).encode())
    spelt = [b64(payload)[:-1] + last for last in ALPHABET]
    same = [one for one in spelt if unb64(one) == payload]
    assert len(same) > 1
    assert [one for one in same if problem(signed(f"{first}.{one}")) is None] == [b64(payload)]


@pytest.mark.requirement("RFC7515-3.3-single-spelling")
@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_a_signature_has_one_spelling(key: SigningKey) -> None:
    token = jws.sign(key, TYP, b"payload")
    accepted = [last for last in ALPHABET if problem(token[:-1] + last) is None]
    assert accepted == [token[-1]]


@pytest.mark.requirement("RFC7515-4-unique-names")
@given(st.sampled_from(["alg", "kid", "typ"]), st.booleans())
def test_a_header_that_repeats_a_member_is_refused_even_with_the_same_value(name: str, escaped: bool) -> None:
    members = [(f'"{one}"', json.dumps(value)) for one, value in header().items()]
    again = f'"\\u{ord(name[0]):04x}{name[1:]}"' if escaped else f'"{name}"'
    members.append((again, json.dumps(header()[name])))
    assert (
        problem(forged(("{" + ",".join(f"{one}:{value}" for one, value in members) + "}").encode()))
        is Problem.MALFORMED
    )


@pytest.mark.requirement("RFC7515-4.1.1-alg")
@pytest.mark.parametrize(
    "alg", ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "ES384", "PS256", "unknown", "es256"]
)
@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_an_algorithm_that_is_unknown_or_none_is_refused(alg: str, key: SigningKey) -> None:
    token = forged(header(key, alg=alg), b"{}", key)
    assert problem(token) is Problem.ALGORITHM
    assert problem(token.rpartition(".")[0] + ".") is Problem.ALGORITHM


@pytest.mark.requirement("RFC7515-4.1.1-alg")
@pytest.mark.parametrize("alg", [None, 1, True, ["ES256"], {}])
def test_a_header_without_an_algorithm_or_with_one_that_is_no_text_is_refused(alg: object) -> None:
    assert problem(forged(header(alg=alg))) is Problem.MALFORMED


@pytest.mark.requirement("RFC7515-4.1.1-alg")
@pytest.mark.parametrize("alg", SIGNERS)
@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_an_algorithm_that_is_not_the_one_of_the_key_is_refused(alg: str, key: SigningKey) -> None:
    assert problem(forged(header(key, alg=alg), key=key)) is (None if alg == key.alg else Problem.ALGORITHM)


@pytest.mark.requirement("RFC7515-4.1.9-typ")
@given(st.data(), st.booleans(), st.booleans())
def test_typ_is_a_media_type_in_any_case_with_or_without_application(
    data: st.DataObject, prefixed: bool, expected: bool
) -> None:
    cased = "".join(data.draw(st.sampled_from([one.lower(), one.upper()])) for one in "application/at+jwt")
    typ = cased if prefixed else cased.removeprefix(cased[:12])
    assert problem(forged(header(typ=typ)), "application/AT+jwt" if expected else "at+JWT") is None


@pytest.mark.requirement("RFC7515-4.1.9-typ")
@pytest.mark.parametrize("typ", ["jwt", "text/at+jwt", "application/application/at+jwt", "at+jwt;x=y", "a\u212a"])
def test_another_media_type_is_another_type(typ: str) -> None:
    assert problem(forged(header(typ=typ))) is Problem.TYPE


@pytest.mark.requirement("RFC7515-4.1.11-crit")
@pytest.mark.parametrize("crit", [["exp"], ["b64"], ["alg"], [], None, "exp", {"exp": True}, False])
def test_a_header_with_crit_is_refused_whatever_it_says(crit: object) -> None:
    assert problem(forged(json.dumps(header() | {"crit": crit, "exp": 1}).encode())) is Problem.MALFORMED


@pytest.mark.requirement("RFC7515-5.2-object")
@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"1", b'"ES256"', b'["alg","ES256"]', b"alg=ES256", b'{"alg":"ES256"', b'{"alg":"ES256"}}',
     b"{'alg':1}", b'{"alg":"ES256","x":"\xff"}', b'{"alg":"ES256","\xc0\x80":1}', '{"alg":"ES256"}'.encode("utf-16")],
)  # fmt: skip
def test_a_header_that_is_no_json_object_in_utf_8_is_refused(raw: bytes) -> None:
    assert problem(forged(raw)) is Problem.MALFORMED


@pytest.mark.requirement("RFC7515-5.2-signature")
@given(SIGNING, st.binary(min_size=1, max_size=40), st.data())
def test_one_changed_bit_anywhere_is_refused(key: SigningKey, payload: bytes, data: st.DataObject) -> None:
    token = jws.sign(key, TYP, payload).encode()
    assert jws.verify(token, KEYS, TYP) == payload
    bit = data.draw(st.integers(0, len(token) * 8 - 1))
    flipped = (int.from_bytes(token, "big") ^ 1 << bit).to_bytes(len(token), "big")
    assert problem(flipped) is not None


@pytest.mark.requirement("RFC7515-5.2-signature")
@given(SIGNING, st.sampled_from([0, 1, 2]), st.data())
def test_one_changed_bit_of_what_a_part_says_is_refused(key: SigningKey, place: int, data: st.DataObject) -> None:
    parts = jws.sign(key, TYP, b"payload").split(".")
    raw = unb64(parts[place])
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    parts[place] = b64((int.from_bytes(raw, "big") ^ 1 << bit).to_bytes(len(raw), "big"))
    assert problem(".".join(parts)) is not None


@pytest.mark.requirement("RFC7515-5.2-signature")
@pytest.mark.parametrize(
    "spelt", [b'{"alg":"ES256","kid":"%s","typ":"at+jwt"}', b'{ "typ" : "at\\u002bjwt", "kid":"%s","alg":"ES256" }\n']
)
def test_the_signature_is_over_the_bytes_that_were_received_and_not_over_what_they_mean(spelt: bytes) -> None:
    one, other = forged(spelt % ES256.kid.encode()), forged(header())
    assert problem(one) is problem(other) is None
    assert problem(f"{one.rpartition('.')[0]}.{other.rpartition('.')[2]}") is Problem.SIGNATURE


@pytest.mark.requirement("RFC7515-5.2-signature")
def test_the_token_that_the_rfc_signed_with_es256_is_verified() -> None:
    key = keys.verifying_key(
        {
            "kty": "EC",
            "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        }
    )
    parsed = jws.parse(
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
    )
    assert parsed.payload == b'{"iss":"joe",\r\n "exp":1300819380,\r\n "http://example.com/is_root":true}'
    assert key.signed(parsed.signature, parsed.signing_input)
    assert not key.signed(parsed.signature, parsed.signing_input + b"A")


@pytest.mark.requirement("RFC7515-7.1-three-parts")
@given(SIGNING, st.integers(0, 6))
def test_a_token_has_exactly_three_parts(key: SigningKey, count: int) -> None:
    parts = jws.sign(key, TYP, b"payload").split(".")
    token = ".".join((parts * 2)[:count])
    assert problem(token) is (None if count == 3 else Problem.MALFORMED)
    assert problem(parts[0] + "." + token) is Problem.MALFORMED or count == 2


@pytest.mark.requirement("RFC7515-7.1-three-parts")
@pytest.mark.parametrize("ending", [".", "..", ".AAAA", ".AAAA.AAAA"])
def test_nothing_follows_the_third_part(ending: str) -> None:
    assert problem(forged(header()) + ending) is Problem.MALFORMED


@pytest.mark.requirement("RFC7515-10.6-key-origin")
@pytest.mark.parametrize("kid", [None, "unknown", ES256.kid], ids=["none", "unknown", "known"])
def test_a_key_in_the_header_is_never_used(kid: str | None) -> None:
    attacker = keys.generate(ES256.alg)
    jwk = keys.public_jwk(attacker.verifying())
    brought = {"jwk": jwk, "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x5u", "x5c": ["AAAA"]}
    for name, value in brought.items():
        assert problem(forged(header(kid=kid, **{name: value}), key=attacker)) is not None
        # Also when the signature is right, nobody is asked to ignore it: it is refused.
        assert problem(forged(header(**{name: value}))) is Problem.MALFORMED
    assert problem(forged(header(attacker), key=attacker)) is Problem.UNKNOWN_KEY
