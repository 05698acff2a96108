"""Algorithms: a key is used with its own algorithm alone, and a signature has one form."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk.algorithms import Algorithm, PublicKey, SigningKey, VerifyingKey
from tests.unit.sdk.forge import ES256, SIGNERS, refused

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SIGNING = st.sampled_from(list(SIGNERS.values()))
MISFITS = {
    "P-384": ec.generate_private_key(ec.SECP384R1()).public_key(),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()).public_key(),
    "Ed448": ed448.Ed448PrivateKey.generate().public_key(),
    "X25519": x25519.X25519PrivateKey.generate().public_key(),
    "RSA with 2040 bits": rsa.RSAPublicNumbers(65537, 2**2040 - 1).public_key(),
    "RSA with 8200 bits": rsa.RSAPublicNumbers(65537, 2**8200 - 1).public_key(),
    "text": "key",
}


@given(SIGNING, st.binary(max_size=200))
def test_what_a_key_signs_its_public_half_verifies(key: SigningKey, data: bytes) -> None:
    assert key.verifying().signed(key.sign(data), data)


@given(SIGNING, st.binary(max_size=50), st.binary(max_size=50))
def test_a_signature_is_good_for_its_own_data_alone(key: SigningKey, data: bytes, other: bytes) -> None:
    assert key.verifying().signed(key.sign(data), other) == (data == other)


@pytest.mark.parametrize("alg", list(Algorithm))
def test_another_key_of_the_same_kind_does_not_verify(alg: Algorithm) -> None:
    fresh: dict[Algorithm, PublicKey] = {
        Algorithm.ES256: ec.generate_private_key(ec.SECP256R1()).public_key(),
        Algorithm.EDDSA: ed25519.Ed25519PrivateKey.generate().public_key(),
        Algorithm.RS256: rsa.generate_private_key(65537, 2048).public_key(),
    }
    key = SIGNERS[alg]
    assert not VerifyingKey(key.kid, alg, fresh[alg]).signed(key.sign(b"data"), b"data")


@given(SIGNING, st.data())
def test_one_flipped_bit_of_a_signature_is_found(key: SigningKey, data: st.DataObject) -> None:
    signature = key.sign(b"data")
    bit = data.draw(st.integers(0, len(signature) * 8 - 1))
    flipped = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(len(signature), "big")
    assert not key.verifying().signed(flipped, b"data")


@given(SIGNING, st.binary(max_size=600))
def test_noise_is_no_signature_and_no_crash(key: SigningKey, noise: bytes) -> None:
    assert not key.verifying().signed(noise, b"data")


@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
@pytest.mark.parametrize("alg", list(Algorithm))
def test_a_key_exists_for_its_own_algorithm_alone(key: SigningKey, alg: Algorithm) -> None:
    assert refused(lambda: SigningKey("k", alg, key.private)) == (alg is not key.alg)
    assert refused(lambda: VerifyingKey("k", alg, key.private.public_key())) == (alg is not key.alg)


@pytest.mark.parametrize("public", MISFITS.values(), ids=MISFITS.keys())
@pytest.mark.parametrize("alg", list(Algorithm))
def test_another_curve_kind_or_strength_is_no_key_for_any_algorithm(public: PublicKey, alg: Algorithm) -> None:
    assert refused(lambda: VerifyingKey("k", alg, public))


@pytest.mark.parametrize("bits", [2048, 8192])
def test_rsa_keys_of_2048_to_8192_bits_are_taken(bits: int) -> None:
    public = rsa.RSAPublicNumbers(65537, 2**bits - 1).public_key()
    assert VerifyingKey("k", Algorithm.RS256, public).public is public


@pytest.mark.parametrize(
    ("r", "s"), [(0, 0), (0, 1), (1, 0), (ORDER, ORDER), (1, ORDER), (ORDER, 1), (2**256 - 1, 2**256 - 1)]
)
def test_es256_numbers_outside_of_their_range_are_no_signature(r: int, s: int) -> None:
    assert not ES256.verifying().signed(r.to_bytes(32, "big") + s.to_bytes(32, "big"), b"data")


@given(st.binary(max_size=32))
def test_an_es256_signature_in_der_is_refused(data: bytes) -> None:
    signature = ES256.sign(data)
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    assert not ES256.verifying().signed(der, data)


def test_an_es256_signature_has_a_twin_so_signatures_identify_nothing() -> None:
    signature = ES256.sign(b"data")
    twin = signature[:32] + (ORDER - int.from_bytes(signature[32:], "big")).to_bytes(32, "big")
    assert twin != signature
    assert ES256.verifying().signed(twin, b"data")


@pytest.mark.parametrize("key", SIGNERS.values(), ids=SIGNERS.keys())
def test_printing_a_key_shows_its_id_and_algorithm_alone(key: SigningKey) -> None:
    assert repr(key) == f"SigningKey(kid={key.kid!r}, alg={key.alg!r})"
    assert repr(key.verifying()) == f"VerifyingKey(kid={key.kid!r}, alg={key.alg!r})"
