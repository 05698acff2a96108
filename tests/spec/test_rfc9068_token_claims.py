"""RFC 9068, 2.2 and 3: what an access token of the client credentials grant says."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.client import ClientKind
from accredit.identity.principal import Principal
from accredit.oauth.client_credentials import Issue
from accredit_sdk import claims, scopes
from tests.unit.oauth.world import (
    AGENT,
    CREDENTIAL,
    ISSUER,
    RESOURCE,
    SECONDS,
    SERVER,
    answer,
    facts,
    held,
    issued,
    parsed,
)

WORDS = st.sets(st.sampled_from(["ledger", "ledger:read", "ledger:read:own", "ledger:write", "report"])).map(frozenset)


@pytest.mark.requirement("RFC9068-2.2-claims")
def test_every_required_claim_is_there_with_its_json_type() -> None:
    said = msgspec.json.decode(claims.encode(issued(parsed(), facts()).claims))
    assert {name: type(said[name]) for name in ("iss", "sub", "aud", "client_id", "jti", "iat", "exp")} == {
        "iss": str, "sub": str, "aud": str, "client_id": str, "jti": str, "iat": int, "exp": int,
    }  # fmt: skip
    assert (said["iss"], said["iat"]) == (ISSUER, SECONDS)


@pytest.mark.requirement("RFC9068-2.2-claims")
def test_a_token_on_ones_own_behalf_says_nothing_that_belongs_to_a_person_or_an_actor() -> None:
    said = msgspec.json.decode(claims.encode(issued(parsed(), facts()).claims))
    assert not said.keys() & {"act", "auth_time", "acr", "amr", "cnf", "grant_id", "name", "email", "roles", "groups"}


@pytest.mark.requirement("RFC9068-2.2-subject-is-client")
@pytest.mark.parametrize("kind", [ClientKind.AGENT, ClientKind.APPLICATION])
def test_the_subject_is_the_client_itself_also_if_its_client_id_is_another_text(kind: ClientKind) -> None:
    client = replace(AGENT, client_id="https://app.example/client", kind=kind)
    request = replace(parsed(), client=replace(parsed().client, client_id=client.client_id))
    found = issued(request, facts(principal=Principal(client, (CREDENTIAL,)))).claims
    assert (found.sub, found.client_id, found.sub_profile) == (client.id, client.client_id, kind.value)


@pytest.mark.requirement("RFC9068-2.2.3-scope", "RFC6749-3.3-say-what-was-granted")
@given(WORDS.filter(bool), WORDS)
def test_the_token_says_exactly_the_scopes_that_were_granted(asked: frozenset[str], carried: frozenset[str]) -> None:
    known = facts(
        server=replace(SERVER, scopes=tuple(replace(SERVER.scopes[0], word=word) for word in ("ledger", "report"))),
        roles=(held(*carried),),
    )
    found = answer(parsed(scope=scopes.render(asked)), known)
    expected = scopes.smallest(scopes.meet(asked, carried))
    if isinstance(found, Issue):
        assert claims.decode(claims.encode(found.claims)).scopes() == expected
    else:
        assert expected == frozenset()


@pytest.mark.requirement("RFC9068-3-audience")
def test_the_audience_is_the_one_resource_that_was_asked_for() -> None:
    said = msgspec.json.decode(claims.encode(issued(parsed(), facts()).claims))
    assert said["aud"] == RESOURCE


@pytest.mark.requirement("RFC9068-3-audience")
@given(WORDS.filter(bool), WORDS)
def test_every_scope_of_a_token_means_something_at_its_audience(asked: frozenset[str], carried: frozenset[str]) -> None:
    found = answer(parsed(scope=scopes.render(asked)), facts(roles=(held(*carried),)))
    if isinstance(found, Issue):
        assert not scopes.missing(SERVER.words(), found.claims.scopes())


@pytest.mark.requirement("MCP-AUTH-short-lived")
def test_a_token_lives_for_five_minutes() -> None:
    found = issued(parsed(), facts()).claims
    assert found.exp - found.iat == 300
