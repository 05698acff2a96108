"""RFC 7517: what is published is public, and what is read of others is taken key by key."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import keys
from tests.support.admin import Admin, administration, key_set
from tests.unit.sdk.forge import SIGNERS, refused

JWKS = {name: keys.public_jwk(key.verifying()) for name, key in SIGNERS.items()}
JWK = JWKS["ES256"]
UNUSABLE: list[dict[str, Any]] = [
    {"kty": "new"},
    {"kty": "oct", "k": "AAAA", "kid": "a"},
    {},
    {name: value for name, value in JWK.items() if name != "x"},
    JWK | {"x": JWK["y"]},
    JWK | {"x": "AAAA"},
    JWK | {"crv": "P-521"},
    JWK | {"kid": 7},
    JWKS["EdDSA"] | {"x": ""},
    JWKS["RS256"] | {"n": "AQAB"},
]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Admin]:
    async with administration(tmp_path / "data") as found:
        yield found


@pytest.mark.requirement("RFC7517-4-unique-names")
@given(st.sampled_from(["kty", "crv", "x", "y", "kid", "alg", "use", "extra"]), st.booleans())
def test_a_key_that_repeats_a_member_makes_its_set_unusable(name: str, first: bool) -> None:
    text, again = json.dumps(JWK | {"extra": 1}), json.dumps({name: JWK.get(name, 1)})[1:-1]
    repeated = "{" + again + "," + text[1:] if first else text[:-1] + "," + again + "}"
    assert len(keys.parse_jwks(f'{{"keys":[{text}]}}'.encode())) == 1
    assert refused(lambda: keys.parse_jwks(f'{{"keys":[{repeated}]}}'.encode()))


@pytest.mark.requirement("RFC7517-4-unique-names")
@pytest.mark.parametrize("text", ['{"keys":[],"keys":[%s]}', '{"keys":[%s],"keys":[]}', '{"keys":[%s],"x":1,"x":1}'])
def test_a_set_that_repeats_a_member_is_refused(text: str) -> None:
    assert refused(lambda: keys.parse_jwks((text % json.dumps(JWK)).encode()))


@pytest.mark.requirement("RFC7517-4.5-kid-distinct")
@pytest.mark.parametrize("other", SIGNERS)
def test_a_set_in_which_two_keys_have_one_kid_is_refused(other: str) -> None:
    twin = JWKS[other] | {"kid": JWK["kid"]}
    assert refused(lambda: keys.parse_jwks(json.dumps({"keys": [JWK, twin]}).encode()))
    assert len(keys.parse_jwks(json.dumps({"keys": [JWK, twin | {"kid": "another"}]}).encode())) == 2


@pytest.mark.requirement("RFC7517-4.5-kid-distinct")
async def test_no_two_published_keys_have_one_kid(node: Admin) -> None:
    await node.ok("POST", "/keys/access/rotate")
    kids = [jwk["kid"] for jwk in (await key_set(node)).json()["keys"]]
    assert len(set(kids)) == len(kids) >= 3


@pytest.mark.requirement("RFC7517-5-unknown-ignored")
@given(st.lists(st.sampled_from(UNUSABLE), max_size=5), st.lists(st.sampled_from(UNUSABLE), max_size=5))
def test_keys_that_cannot_be_used_are_left_out_and_the_others_are_used(
    before: list[dict[str, Any]], after: list[dict[str, Any]]
) -> None:
    found = keys.parse_jwks(json.dumps({"keys": [*before, *JWKS.values(), *after], "x": 1}).encode())
    assert found.keys() == {key.kid for key in SIGNERS.values()}


@pytest.mark.requirement("RFC7517-5-unknown-ignored")
@pytest.mark.parametrize("name", SIGNERS)
def test_members_that_nobody_knows_are_ignored(name: str) -> None:
    key = keys.verifying_key(JWKS[name] | {"x5t": "AAAA", "ext": True, "new": {"kty": "oct"}})
    assert key.signed(SIGNERS[name].sign(b"data"), b"data")


@pytest.mark.requirement("RFC7517-8.5.2-media-type")
async def test_the_key_set_is_served_with_its_media_type(node: Admin) -> None:
    answer = await key_set(node)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jwk-set+json")
    assert keys.parse_jwks(answer.content)


@pytest.mark.requirement("RFC7517-9.2-public-only")
async def test_a_published_key_holds_public_members_and_nothing_else(node: Admin) -> None:
    document = (await key_set(node)).json()
    assert document.keys() == {"keys"}
    assert document["keys"]
    for jwk in document["keys"]:
        assert jwk.keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}


@pytest.mark.requirement("RFC7517-9.2-public-only")
@pytest.mark.parametrize("name", SIGNERS)
def test_the_json_of_a_key_of_any_kind_holds_public_members_and_nothing_else(name: str) -> None:
    public = {"kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"}
    assert not JWKS[name].keys() - public


@pytest.mark.requirement("RFC7517-9.2-public-only")
@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_key_that_was_published_with_a_private_member_is_not_used(member: str) -> None:
    for jwk in JWKS.values():
        assert keys.parse_jwks(json.dumps({"keys": [jwk | {member: "AAAA"}]}).encode()) == {}
