"""JSON Web Keys: public keys for signatures, each of a known kind and strength, and nothing else."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk as joserfc

from accredit_sdk import keys
from accredit_sdk.algorithms import Algorithm, SigningKey
from tests.unit.sdk.forge import SIGNERS, b64, refused, unb64

JWKS = {name: keys.public_jwk(key.verifying()) for name, key in SIGNERS.items()}
NAMES = st.sampled_from(sorted(JWKS))
WEAK_POINTS = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


def changed(name: str, **changes: object) -> dict[str, Any]:
    """A public key as JSON, with `changes`; None leaves a member out."""
    members: dict[str, Any] = {**JWKS[name], **changes}
    return {member: value for member, value in members.items() if value is not None}


def usable(jwk: dict[str, Any]) -> bool:
    return not refused(lambda: keys.verifying_key(jwk))


def document(*entries: object) -> bytes:
    return json.dumps({"keys": entries}).encode()


@pytest.mark.parametrize("alg", list(Algorithm))
def test_a_fresh_key_is_named_by_its_thumbprint_and_comes_back_from_its_bytes(alg: Algorithm) -> None:
    key = keys.generate(alg)
    again = keys.signing_key(alg, keys.private_bytes(key))
    assert (again.kid, again.alg) == (key.kid, key.alg) == (keys.thumbprint(keys.public_jwk(key.verifying())), alg)
    assert again.verifying().signed(key.sign(b"data"), b"data")
    assert keys.generate(alg).kid != key.kid


@pytest.mark.parametrize("name", SIGNERS)
def test_a_public_key_says_its_id_algorithm_and_use_and_nothing_secret(name: str) -> None:
    material = {"ES256": {"kty", "crv", "x", "y"}, "EdDSA": {"kty", "crv", "x"}, "RS256": {"kty", "n", "e"}}[name]
    assert JWKS[name].keys() == {"kid", "alg", "use"} | material
    assert (JWKS[name]["kid"], JWKS[name]["alg"], JWKS[name]["use"]) == (SIGNERS[name].kid, name, "sig")


@pytest.mark.parametrize("name", SIGNERS)
def test_a_public_key_comes_back_from_its_json(name: str) -> None:
    key = keys.verifying_key(JWKS[name])
    assert (key.kid, key.alg) == (SIGNERS[name].kid, SIGNERS[name].alg)
    assert key.signed(SIGNERS[name].sign(b"data"), b"data")


@pytest.mark.parametrize("name", SIGNERS)
def test_joserfc_reads_our_keys_and_finds_the_same_thumbprint(name: str) -> None:
    assert joserfc.import_key(JWKS[name]).thumbprint() == keys.thumbprint(JWKS[name])


@given(st.integers(1, 2**255))
def test_coordinates_keep_their_length_when_they_begin_with_zeros(number: int) -> None:
    private = ec.derive_private_key(number, ec.SECP256R1())
    jwk = keys.public_jwk(SigningKey("k", Algorithm.ES256, private).verifying())
    assert (len(unb64(jwk["x"])), len(unb64(jwk["y"]))) == (32, 32)
    assert keys.verifying_key(jwk).signed(SigningKey("k", Algorithm.ES256, private).sign(b""), b"")


def test_a_coordinate_that_lost_its_leading_zero_is_refused() -> None:
    found = next(
        numbers
        for number in range(1, 10_000)
        if (numbers := ec.derive_private_key(number, ec.SECP256R1()).public_key().public_numbers()).x < 1 << 248
    )
    full = changed("ES256", x=b64(found.x.to_bytes(32, "big")), y=b64(found.y.to_bytes(32, "big")))
    assert usable(full)
    assert not usable(full | {"x": b64(found.x.to_bytes(31, "big"))})
    assert not usable(full | {"x": b64(found.x.to_bytes(33, "big"))})


@pytest.mark.parametrize("name", SIGNERS)
def test_thumbprints_see_the_required_members_alone(name: str) -> None:
    bare = {member: JWKS[name][member] for member in ("kty", "crv", "x", "y", "n", "e") if member in JWKS[name]}
    assert keys.thumbprint(bare) == keys.thumbprint(JWKS[name] | {"use": "enc", "other": 1}) == SIGNERS[name].kid
    for member in bare:
        assert refused(lambda lost=member: keys.thumbprint({k: v for k, v in bare.items() if k != lost}))


@pytest.mark.parametrize("kty", [None, "oct", "ec", 1, ["EC"]])
def test_a_thumbprint_needs_a_known_type(kty: object) -> None:
    assert refused(lambda: keys.thumbprint(changed("ES256", kty=kty)))


@pytest.mark.parametrize("name", SIGNERS)
def test_without_a_kid_the_thumbprint_is_the_id(name: str) -> None:
    assert keys.verifying_key(changed(name, kid=None, alg=None, use=None)).kid == SIGNERS[name].kid


@pytest.mark.parametrize("kid", ["", "a" * 257, "é", "a\nb", "\x7f", 1, [], {}])
def test_a_kid_is_1_to_256_printable_ascii_characters(kid: object) -> None:
    assert not usable(changed("ES256", kid=kid))
    assert keys.verifying_key(changed("ES256", kid="a b" + "c" * 253)).kid == "a b" + "c" * 253


@given(NAMES, st.sampled_from(["d", "dp", "dq", "k", "oth", "p", "q", "qi"]), st.text(max_size=3) | st.integers())
def test_a_secret_or_private_member_makes_a_key_unusable(name: str, member: str, value: object) -> None:
    assert not usable(JWKS[name] | {member: value})


@given(NAMES, st.text(min_size=1), st.integers())
def test_unknown_members_are_ignored(name: str, member: str, value: int) -> None:
    assert usable({f"x-{member}": value} | JWKS[name])


@pytest.mark.parametrize("name", SIGNERS)
@pytest.mark.parametrize("kty", [None, "oct", "EC ", "okp", 1])
def test_another_type_of_key_is_unusable(name: str, kty: object) -> None:
    assert not usable(changed(name, kty=kty))


@pytest.mark.parametrize(
    ("name", "crv"),
    [
        ("ES256", None), ("ES256", "P-384"), ("ES256", "secp256k1"), ("ES256", "Ed25519"), ("ES256", 1),
        ("EdDSA", None), ("EdDSA", "Ed448"), ("EdDSA", "X25519"), ("EdDSA", "P-256"), ("RS256", "P-256"),
    ],
)  # fmt: skip
def test_another_curve_is_unusable(name: str, crv: object) -> None:
    assert not usable(changed(name, crv=crv))


@pytest.mark.parametrize("name", SIGNERS)
@pytest.mark.parametrize("alg", [*SIGNERS, "none", "HS256", "ES384", "PS256", "RSA-OAEP", 1, []])
def test_a_key_that_names_another_algorithm_is_unusable(name: str, alg: object) -> None:
    assert usable(changed(name, alg=alg)) == (alg == name)


@pytest.mark.parametrize("use", ["enc", "", "SIG", 1, ["sig"]])
def test_a_key_for_something_else_than_signatures_is_unusable(use: object) -> None:
    assert not usable(changed("ES256", use=use))


@pytest.mark.parametrize(
    ("operations", "expected"),
    [(["verify"], True), (["sign", "verify"], True), (["sign"], False), ([], False), ("verify", False), (1, False)],
)
def test_key_ops_must_hold_verify(operations: object, expected: bool) -> None:
    assert usable(changed("ES256", key_ops=operations)) == expected


@pytest.mark.parametrize(
    ("name", "member"), [("ES256", "x"), ("ES256", "y"), ("EdDSA", "x"), ("RS256", "n"), ("RS256", "e")]
)
@pytest.mark.parametrize("value", [None, "", "A", "====", "é", "AA==", "A\nA", 7, [], "AAAA" * 100])
def test_material_that_is_missing_or_no_number_is_unusable(name: str, member: str, value: object) -> None:
    assert not usable(changed(name, **{member: value}))


@given(st.sampled_from([("ES256", "x"), ("ES256", "y"), ("EdDSA", "x")]), st.sampled_from(["=", "\n", " ", "A"]))
def test_material_with_anything_behind_it_is_unusable(place: tuple[str, str], pad: str) -> None:
    name, member = place
    assert not usable(changed(name, **{member: JWKS[name][member] + pad}))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_a_point_that_is_not_on_the_curve_is_unusable(x: bytes, y: bytes) -> None:
    assert not usable(changed("ES256", x=b64(x), y=b64(y)))


@pytest.mark.parametrize("point", WEAK_POINTS)
def test_a_point_of_small_order_is_unusable_in_every_spelling(point: str) -> None:
    assert not usable(changed("EdDSA", kid=None, x=b64(bytes.fromhex(point))))


@pytest.mark.parametrize("length", [31, 33, 64])
def test_an_ed25519_key_has_32_bytes(length: int) -> None:
    assert not usable(changed("EdDSA", x=b64(b"\x02" * length)))


@pytest.mark.parametrize(
    ("e", "n", "expected"),
    [
        (65537, 2**2048 - 1, True), (3, 2**2048 - 1, True), (1, 2**2048 - 1, False), (65536, 2**2048 - 1, False),
        (65537, 2**2047 - 1, False), (65537, 2**8192 - 1, True), (65537, 2**8193 - 1, False),
        (2**64 + 1, 2**2048 - 1, False), (0, 2**2048 - 1, False), (65537, 0, False),
    ],
)  # fmt: skip
def test_rsa_numbers_are_strong_and_not_slow(e: int, n: int, expected: bool) -> None:
    def text(number: int) -> str:
        return b64(number.to_bytes((number.bit_length() + 7) // 8, "big"))

    assert usable(changed("RS256", kid=None, e=text(e), n=text(n))) == expected


@pytest.mark.parametrize("member", ["e", "n"])
def test_rsa_numbers_with_leading_zeros_are_unusable(member: str) -> None:
    assert not usable(changed("RS256", **{member: b64(b"\x00" + unb64(JWKS["RS256"][member]))}))


# ---------------------------------------------------------------- sets


def test_a_set_gives_its_usable_keys_by_their_ids() -> None:
    found = keys.parse_jwks(document(*JWKS.values(), changed("ES256", kid="x", use="enc"), 7, None, [], "key", {}))
    assert found.keys() == {key.kid for key in SIGNERS.values()}
    assert {key.alg for key in found.values()} == set(Algorithm)


def test_a_set_without_usable_keys_is_empty() -> None:
    assert keys.parse_jwks(document()) == keys.parse_jwks(document({"kty": "oct", "k": "AAAA"})) == {}


@pytest.mark.parametrize("other", ["EdDSA", "ES256"])
def test_two_usable_keys_with_one_id_make_the_set_unusable(other: str) -> None:
    twin = changed(other, kid=JWKS["ES256"]["kid"])
    assert refused(lambda: keys.parse_jwks(document(JWKS["ES256"], twin)))
    assert refused(lambda: keys.key_set([JWKS["ES256"], twin]))


def test_an_unusable_key_takes_no_id() -> None:
    assert len(keys.parse_jwks(document(JWKS["ES256"], JWKS["ES256"] | {"use": "enc"}))) == 1


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"null", b"{}", b'{"keys":null}', b'{"keys":{}}', b'{"keys":"x"}', b'{"keys":[],"keys":[]}',
     b'{"keys":[{"kty":"oct","kty":"EC"}]}', b'\xef\xbb\xbf{"keys":[]}', b'{"keys":[]} x', b"[" * 100_000],
)  # fmt: skip
def test_what_is_no_set_is_refused(text: bytes) -> None:
    assert refused(lambda: keys.parse_jwks(text))


def test_a_set_of_more_than_a_mebibyte_is_refused() -> None:
    empty = b'{"keys":[]}'
    assert keys.parse_jwks(empty.ljust(2**20)) == {}
    assert refused(lambda: keys.parse_jwks(empty.ljust(2**20 + 1)))


@given(st.recursive(st.none() | st.integers() | st.text(max_size=4), lambda x: st.lists(x) | st.dictionaries(
    st.sampled_from(["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops"]), x)))  # fmt: skip
def test_no_document_makes_reading_crash(tree: object) -> None:
    assert keys.key_set([tree]) == {}


# ---------------------------------------------------------------- private keys at rest


@pytest.mark.parametrize("der", [b"", b"noise", b"\x30\x00", bytes(100)])
def test_bytes_that_are_no_private_key_are_refused(der: bytes) -> None:
    assert refused(lambda: keys.signing_key(Algorithm.ES256, der))


def test_a_private_key_behind_a_password_or_of_another_kind_is_refused() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    locked = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"password"))
    other = ed448.Ed448PrivateKey.generate().private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    weak = rsa.generate_private_key(65537, 1024).private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    for der, alg in ((locked, Algorithm.ES256), (other, Algorithm.EDDSA), (weak, Algorithm.RS256)):
        assert refused(lambda der=der, alg=alg: keys.signing_key(alg, der))


@pytest.mark.parametrize("name", SIGNERS)
@pytest.mark.parametrize("alg", list(Algorithm))
def test_a_private_key_is_read_for_its_own_algorithm_alone(name: str, alg: Algorithm) -> None:
    der = keys.private_bytes(SIGNERS[name])
    assert refused(lambda: keys.signing_key(alg, der)) == (alg is not SIGNERS[name].alg)
