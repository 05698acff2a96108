"""RFC 7518, 3 and 6, and RFC 8037: keys of enough strength, signatures of one form, and never `none`."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import jws, keys
from accredit_sdk.algorithms import Algorithm, SigningKey, VerifyingKey
from accredit_sdk.errors import Problem
from tests.unit.sdk.forge import ES256, SIGNERS, TYP, b64, forged, header, problem, refused

JWK = keys.public_jwk(ES256.verifying())
PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
ED25519 = SIGNERS["EdDSA"]


def usable(**changes: str) -> bool:
    return not refused(lambda: keys.verifying_key(JWK | changes))


def replaced(key: SigningKey, signature: bytes) -> str:
    """A token of `key` whose signature is another one."""
    return f"{forged(header(key), key=key).rpartition('.')[0]}.{b64(signature)}"


@pytest.mark.requirement("RFC7518-3.3-rsa-2048")
@pytest.mark.parametrize(("bits", "enough"), [(1024, False), (2040, False), (2047, False), (2048, True), (3072, True)])
def test_an_rsa_key_has_at_least_2048_bits_wherever_it_comes_from(bits: int, enough: bool) -> None:
    public = rsa.RSAPublicNumbers(65537, 2**bits - 1).public_key()
    n = b64((2**bits - 1).to_bytes((bits + 7) // 8, "big"))
    assert refused(lambda: VerifyingKey("k", Algorithm.RS256, public)) != enough
    assert refused(lambda: keys.verifying_key({"kty": "RSA", "e": "AQAB", "n": n})) != enough


@pytest.mark.requirement("RFC7518-3.3-rsa-2048")
def test_a_weak_rsa_key_signs_nothing_and_a_fresh_one_is_strong() -> None:
    weak = rsa.generate_private_key(65537, 1024)
    assert refused(lambda: SigningKey("k", Algorithm.RS256, weak))
    private = SIGNERS["RS256"].private
    assert isinstance(private, rsa.RSAPrivateKey)
    assert private.key_size >= 2048


@pytest.mark.requirement("RFC7518-3.4-es256-length")
@given(st.binary(max_size=60))
def test_an_es256_signature_is_64_bytes_r_then_s(payload: bytes) -> None:
    parsed = jws.parse(jws.sign(ES256, TYP, payload))
    r, s = parsed.signature[:32], parsed.signature[32:]
    assert len(parsed.signature) == 64
    public = ES256.private.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
    public.verify(der, parsed.signing_input, ec.ECDSA(ec.hashes.SHA256()))
    assert problem(replaced(ES256, s + r)) is Problem.SIGNATURE


@pytest.mark.requirement("RFC7518-3.4-es256-length")
@pytest.mark.parametrize("change", ["der", "longer", "shorter", "padded", "wide", "empty"])
def test_an_es256_signature_of_another_length_is_refused_although_its_numbers_are_right(change: str) -> None:
    signing_input = forged(header()).rpartition(".")[0]
    signature = ES256.sign(signing_input.encode())
    r, s = signature[:32], signature[32:]
    other = {
        "der": encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big")),
        "longer": signature + b"\0",
        "shorter": signature[:-1],
        "padded": r + b"\0" + s,
        "wide": b"\0" + r + b"\0" + s,
        "empty": b"",
    }[change]
    assert problem(f"{signing_input}.{b64(signature)}") is None
    assert problem(f"{signing_input}.{b64(other)}") is Problem.SIGNATURE


@pytest.mark.requirement("RFC7518-3.6-none")
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOne"])
@pytest.mark.parametrize("kid", [None, "", ES256.kid], ids=["none", "empty", "known"])
@pytest.mark.parametrize("signature", ["", "AAAA", None])
def test_an_unsecured_token_is_never_accepted(alg: str, kid: str | None, signature: str | None) -> None:
    token = forged(header(alg=alg, kid=kid))
    assert problem(token if signature is None else f"{token.rpartition('.')[0]}.{signature}") is Problem.ALGORITHM


@pytest.mark.requirement("RFC7518-3.6-none")
@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_a_token_without_a_signature_is_never_accepted(key: SigningKey) -> None:
    assert problem(replaced(key, b"")) is Problem.SIGNATURE


@pytest.mark.requirement("RFC7518-6.2.1-on-curve")
@given(st.binary(min_size=32, max_size=32), st.sampled_from(["x", "y"]))
def test_a_pair_of_numbers_that_is_no_point_of_the_curve_is_no_key(number: bytes, member: str) -> None:
    assert usable()
    assert usable(**{member: b64(number)}) == (b64(number) == JWK[member])


@pytest.mark.requirement("RFC7518-6.2.1-on-curve")
def test_zero_and_numbers_beyond_the_field_are_no_coordinates() -> None:
    zero, prime = b64(bytes(32)), b64(PRIME.to_bytes(32, "big"))
    for x, y in ((zero, zero), (prime, prime), (zero, JWK["y"]), (JWK["x"], prime)):
        assert not usable(x=x, y=y)


@pytest.mark.requirement("RFC7518-6.2.1-on-curve")
@pytest.mark.parametrize("member", ["x", "y"])
def test_a_coordinate_has_exactly_32_bytes_also_when_its_number_would_be_the_same(member: str) -> None:
    small = next(
        numbers
        for number in range(1, 10_000)
        if getattr(numbers := ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers(), member)
        < 1 << 248
    )
    point = {one: b64(getattr(small, one).to_bytes(32, "big")) for one in ("x", "y")}
    number = getattr(small, member)
    assert usable(**point)
    assert not usable(**(point | {member: b64(number.to_bytes(31, "big"))}))
    assert not usable(**(point | {member: b64(number.to_bytes(33, "big"))}))


@pytest.mark.requirement("RFC8037-3.1-ed25519-length")
@given(st.binary(max_size=60))
def test_an_ed25519_signature_is_64_bytes_over_the_signing_input_itself(payload: bytes) -> None:
    parsed = jws.parse(jws.sign(ED25519, TYP, payload))
    public = ED25519.private.public_key()
    assert isinstance(public, ed25519.Ed25519PublicKey)
    public.verify(parsed.signature, parsed.signing_input)
    assert len(parsed.signature) == 64


@pytest.mark.requirement("RFC8037-3.1-ed25519-length")
@given(st.binary(max_size=100).filter(lambda one: len(one) != 64))
def test_an_ed25519_signature_of_another_length_is_refused(other: bytes) -> None:
    right = jws.parse(forged(header(ED25519), key=ED25519)).signature
    assert problem(replaced(ED25519, right)) is None
    for wrong in (other, right + other, right[:-1]):
        if len(wrong) != 64:
            assert problem(replaced(ED25519, wrong)) is Problem.SIGNATURE


@pytest.mark.requirement("RFC8037-3.1-ed25519-length")
def test_the_token_that_rfc_8037_signed_is_verified_and_made_again() -> None:
    secret = ed25519.Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    key = keys.verifying_key({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    token = (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    )
    parsed = jws.parse(token)
    assert parsed.payload == b"Example of Ed25519 signing"
    assert key.signed(parsed.signature, parsed.signing_input)
    assert SigningKey("k", Algorithm.EDDSA, secret).sign(parsed.signing_input) == parsed.signature
