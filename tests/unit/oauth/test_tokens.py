"""What an access token says, and when it ends."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from accredit.oauth import tokens
from accredit_sdk import jws, scopes
from accredit_sdk.claims import ACCESS_TOKEN_TYPE, AccessClaims, encode
from accredit_sdk.verify import Verifier
from tests.unit.oauth.world import AGENT, CREDENTIAL, ISSUER, KEY, NOW, RESOURCE, SECOND, SECONDS, SERVER, new


def claims(now: int = NOW, **ends: int | None) -> AccessClaims:
    return tokens.own_behalf(
        issuer=ISSUER,
        client=replace(AGENT, expires_at=ends.get("client")),
        credential=replace(CREDENTIAL, expires_at=ends.get("credential"), retires_at=ends.get("retires")),
        server=SERVER,
        scope="ledger:read",
        jti=new("token"),
        version=7,
        now=now,
    )


def test_a_token_on_ones_own_behalf_says_exactly_this() -> None:
    assert claims() == AccessClaims(
        iss=ISSUER,
        sub=AGENT.id,
        aud=RESOURCE,
        client_id=AGENT.client_id,
        scope="ledger:read",
        iat=SECONDS,
        exp=SECONDS + 300,
        jti=new("token"),
        ver=7,
        rev=(CREDENTIAL.id, AGENT.id, SERVER.id),
        sub_profile="agent",
    )


def test_a_token_without_actor_is_acted_with_by_its_client() -> None:
    assert claims().act is None
    assert claims().chain() == (AGENT.client_id,)


ENDS = st.none() | st.integers(NOW - 10 * SECOND, NOW + 400 * SECOND)


@given(ENDS, ENDS, ENDS, ENDS)
def test_a_token_ends_with_the_first_of_all_that_it_rests_on(
    client: int | None, credential: int | None, retires: int | None, roles: int | None
) -> None:
    found = tokens.ending(claims(client=client, credential=credential, retires=retires), roles)
    ends = [end for end in (client, credential, retires, roles) if end is not None]
    assert found.exp == min([SECONDS + tokens.LIFETIME_OWN_BEHALF, *(end // SECOND for end in ends)])
    assert all(found.exp * SECOND <= end for end in ends)


def test_no_end_and_a_late_end_change_nothing() -> None:
    assert tokens.ending(claims(), None) == claims()
    assert tokens.ending(claims(), (claims().exp + 1) * SECOND) == claims()


def test_keys_and_signals_outlive_every_token() -> None:
    assert tokens.LIFETIME_OWN_BEHALF <= tokens.LONGEST_LIFETIME


@given(st.lists(st.text("abc:", min_size=1, max_size=128), min_size=1, max_size=300, unique=True))
def test_what_fits_into_a_token_is_read_back_whole(texts: list[str]) -> None:
    granted = frozenset(text for text in texts if scopes._WORD.fullmatch(text))
    if not granted or not tokens.fits(granted):
        return
    token = jws.sign(KEY, ACCESS_TOKEN_TYPE, encode(structs.replace(claims(), scope=scopes.render(granted))))
    found = Verifier(ISSUER, RESOURCE).verify(token, {KEY.kid: KEY.verifying()}, NOW)
    assert found.scopes() == granted


def test_the_longest_scope_still_makes_a_token_that_guards_read() -> None:
    most = frozenset(f"{number:0>119}:{number}" for number in range(33))
    assert tokens.fits(most)
    assert not tokens.fits(most | {f"{999:0>119}:99"})
    assert not tokens.fits(frozenset(f"s{number}" for number in range(scopes.MOST + 1)))
    token = jws.sign(KEY, ACCESS_TOKEN_TYPE, encode(structs.replace(claims(), scope=scopes.render(most))))
    assert Verifier(ISSUER, RESOURCE).verify(token, {KEY.kid: KEY.verifying()}, NOW).scopes() == most
