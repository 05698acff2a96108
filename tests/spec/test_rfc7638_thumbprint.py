"""RFC 7638: the thumbprint of a key is a hash of its required members in one form."""

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import keys
from tests.unit.sdk.forge import SIGNERS, refused

REQUIRED = {"EC": ["crv", "kty", "x", "y"], "OKP": ["crv", "kty", "x"], "RSA": ["e", "kty", "n"]}
JWKS = [keys.public_jwk(key.verifying()) for key in SIGNERS.values()]
N = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs"
    "tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5ha"
    "jrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
)


@pytest.mark.requirement("RFC7638-3.1-example")
def test_the_key_in_the_rfc_has_the_thumbprint_in_the_rfc() -> None:
    jwk = {"kty": "RSA", "n": N, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert keys.thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    assert keys.verifying_key({name: jwk[name] for name in ("kty", "n", "e")}).kid == keys.thumbprint(jwk)


@pytest.mark.requirement("RFC7638-3.1-example")
def test_the_key_in_rfc_8037_has_the_thumbprint_that_is_printed_there() -> None:
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert keys.thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.requirement("RFC7638-3.2-required-members")
@given(
    st.sampled_from(JWKS),
    st.dictionaries(st.sampled_from(["alg", "use", "kid", "x5t", "zz", "aa"]), st.integers()),
    st.data(),
)
def test_only_the_required_members_count_in_the_order_of_their_names(
    jwk: dict[str, Any], more: dict[str, int], data: st.DataObject
) -> None:
    names = REQUIRED[jwk["kty"]]
    text = "{" + ",".join(f'"{name}":"{jwk[name]}"' for name in sorted(names)) + "}"
    assert text == json.dumps({name: jwk[name] for name in names}, separators=(",", ":"), sort_keys=True)
    expected = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    turned = dict(data.draw(st.permutations(list(({name: jwk[name] for name in names} | more).items()))))
    assert keys.thumbprint(turned) == expected


@pytest.mark.requirement("RFC7638-3.2-required-members")
@given(st.sampled_from(JWKS), st.data())
def test_every_required_member_counts(jwk: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([one for one in REQUIRED[jwk["kty"]] if one != "kty"]))
    assert keys.thumbprint(jwk | {name: jwk[name] + "A"}) != keys.thumbprint(jwk)
    assert refused(lambda: keys.thumbprint({one: value for one, value in jwk.items() if one != name}))
