"""Credentials: secrets that name their credential, and when each of them works."""

import base64
import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity import credential as credentials
from accredit.identity import ids
from accredit.identity.credential import Credential, CredentialKind, CredentialState
from accredit_sdk import keys
from accredit_sdk.jws import Algorithm

NOW = 1_900_000_000_000_000
ID = ids.encode("credential", NOW // 1000, bytes(range(16)))
SECRET = credentials.secret(ID, bytes(range(32)))
CREDENTIAL = Credential(ID, "agt_1", CredentialKind.SECRET, credentials.digest(SECRET), NOW)
ENDS = st.none() | st.integers(NOW - 2, NOW + 2)


@given(st.integers(0, 2**48 - 1), st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))
def test_a_secret_names_its_credential_and_opens_no_other(unix_ms: int, dice: bytes, random: bytes) -> None:
    identity = ids.encode("credential", unix_ms, dice)
    text = credentials.secret(identity, random)
    assert credentials.selector(text) == identity
    mine = replace(CREDENTIAL, id=identity, material=credentials.digest(text))
    assert credentials.matches(mine, text)
    assert credentials.matches(CREDENTIAL, text) is (text == SECRET)


def test_a_secret_holds_all_32_random_bytes_behind_a_prefix_that_scanners_know() -> None:
    assert SECRET.startswith("acs_")
    assert base64.urlsafe_b64decode(SECRET[-43:] + "=") == bytes(range(32))


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_less_or_more_randomness_makes_no_secret(length: int) -> None:
    with pytest.raises(ValueError, match="32"):
        credentials.secret(ID, bytes(length))


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_two_secrets_are_the_same_only_if_their_bytes_are(one: bytes, other: bytes) -> None:
    assert (credentials.secret(ID, one) == credentials.secret(ID, other)) is (one == other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "acs_",
        SECRET[:-1],
        SECRET + "A",
        SECRET + "\n",
        " " + SECRET,
        SECRET.replace("acs_", "ACS_"),
        SECRET.replace("acs_", "ace_"),
        SECRET[:30] + "-" + SECRET[31:],
        SECRET[:31] + "+" + SECRET[32:],
        SECRET[:31] + "/" + SECRET[32:],
        SECRET[:31] + "=" + SECRET[32:],
        SECRET[:31] + "\u00e9" + SECRET[32:],
        SECRET[:-1] + "9",
        "acs_" + "w" * 26 + SECRET[30:],
        "acs_" + ID[4:-1] + "\u0660" + SECRET[30:],
        "\ud800" * 74,
    ],
)
def test_what_we_never_wrote_names_no_credential(text: str) -> None:
    assert credentials.selector(SECRET) == ID
    assert credentials.selector(text) is None
    assert not credentials.matches(CREDENTIAL, text)


@given(st.text(max_size=80))
def test_any_text_can_be_judged(text: str) -> None:
    assert credentials.selector(text) is None
    assert not credentials.matches(CREDENTIAL, text)


def test_only_the_hash_of_a_secret_is_kept() -> None:
    assert CREDENTIAL.material == hashlib.sha256(SECRET.encode()).digest()
    assert SECRET not in repr(CREDENTIAL)


def test_a_public_key_matches_no_secret_even_with_the_right_bytes() -> None:
    assert not credentials.matches(replace(CREDENTIAL, kind=CredentialKind.PUBLIC_KEY), SECRET)


@given(st.sampled_from(CredentialState), ENDS, ENDS)
def test_a_credential_works_before_its_first_end_unless_revoked(
    state: CredentialState, expires: int | None, retires: int | None
) -> None:
    found = replace(CREDENTIAL, state=state, expires_at=expires, retires_at=retires)
    before_all_ends = all(end is None or end > NOW for end in (expires, retires))
    if state is CredentialState.ACTIVE:
        assert found.usable(NOW) is before_all_ends
    elif state is CredentialState.RETIRING:
        assert found.usable(NOW) is (before_all_ends and retires is not None)
    else:
        assert not found.usable(NOW)


@given(st.sampled_from(CredentialState), ENDS, ENDS, st.integers(0, 5))
def test_what_has_ended_never_works_again(
    state: CredentialState, expires: int | None, retires: int | None, later: int
) -> None:
    found = replace(CREDENTIAL, state=state, expires_at=expires, retires_at=retires)
    assert found.usable(NOW) or not found.usable(NOW + later)


def test_a_public_key_is_kept_with_its_id_and_algorithm_and_nothing_else_of_what_came() -> None:
    jwk = keys.public_jwk(keys.generate(Algorithm.ES256).verifying())
    kept = json.loads(credentials.public_key({**jwk, "ext": True, "note": "mine"}))
    assert kept == jwk


def test_a_private_key_is_refused_before_it_is_kept_anywhere() -> None:
    jwk = keys.public_jwk(keys.generate(Algorithm.ES256).verifying())
    with pytest.raises(ValueError, match="private"):
        credentials.public_key({**jwk, "d": "AAAA"})


@pytest.mark.parametrize(
    ("text", "leaked"),
    [
        (SECRET, True),
        (f"x {SECRET}", True),
        ("ace_" + "a" * 43, True),
        ("whsec_" + "a/+" * 15, True),
        ("whsec_of_the_house", False),
        ("eyJhbGciOiJFUzI1NiJ9.e30.AA", True),
        ("agt_06h0s3vq39sfp64nlpdv12qvb8", False),
        ("https://app.example/acs_1/eyJ.json", False),
        ("ledger:read", False),
        ("workspace_settings_of_the_whole_organisation_read_only", False),
        ("monkeyJacketsOfAllKinds.read", False),
    ],
)
def test_secret_in_log_what_looks_like_a_secret_is_recognised_where_a_name_belongs(text: str, leaked: bool) -> None:
    assert credentials.resembles(text) is leaked


@pytest.mark.parametrize(
    ("expires", "most", "end"),
    [
        *((None, 0, None), (NOW + 9, 0, NOW + 9), (None, 5, NOW + 5)),
        *((NOW + 9, 5, NOW + 5), (NOW + 5, 5, NOW + 5), (NOW + 1, 5, NOW + 1)),
    ],
)
def test_no_credential_works_for_longer_than_it_may(expires: int | None, most: int, end: int | None) -> None:
    assert replace(CREDENTIAL, expires_at=expires).aged(most).end() == end
