"""The client credentials grant: who gets a token, for what, for how long, and what stays in the record."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.audit import chain
from accredit.audit.events import TokenIssued, TokenRefused
from accredit.identity.changes import UseJti
from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import CredentialState
from accredit.identity.management import MANAGEMENT_DEFAULTS, MANAGEMENT_SCOPES
from accredit.identity.principal import Principal
from accredit.identity.role import HeldRole, Role
from accredit.identity.rule import Factor, Removed
from accredit.identity.server import Scope
from accredit.identity.state import State
from accredit.oauth import tokens
from accredit.oauth.client_credentials import Issue, decide, on_lost
from accredit.oauth.errors import ErrorCode, Refusal
from accredit_sdk import scopes as words
from tests.unit.oauth.world import (
    AGENT,
    CREDENTIAL,
    GUARD,
    GUARD_API,
    NOW,
    RESOURCE,
    SECOND,
    SECONDS,
    SECRET,
    SERVER,
    STRANGER,
    answer,
    assertion,
    basic,
    by_assertion,
    facts,
    held,
    issued,
    key_of,
    new,
    parsed,
    refusal,
    secret_of,
)

KEYED = Principal(AGENT, (key_of(AGENT),))
GUARDED = Principal(GUARD, (key_of(GUARD),))


def agent_until(end: int | None, **changes: Any) -> Principal:
    return Principal(replace(AGENT, expires_at=end, **changes), (CREDENTIAL,))


def test_an_agent_gets_what_it_asked_for_and_its_role_carries() -> None:
    outcome = decide(parsed(scope="ledger:read"), facts(), NOW)
    assert isinstance(outcome.answer, Issue)
    assert outcome.answer.claims.scopes() == {"ledger:read"}
    assert outcome.answer.claims.ver == 7
    assert outcome.answer.decision == new("decision")
    assert outcome.claims == outcome.writes == outcome.signals == ()


def test_the_record_of_a_token_names_who_what_where_and_by_which_credential() -> None:
    outcome = decide(parsed(scope="ledger:read ledger:write"), facts(), NOW)
    assert outcome.events == (
        TokenIssued(
            decision=new("decision"),
            server=SERVER.id,
            subject=AGENT.id,
            client=AGENT.id,
            client_id=AGENT.client_id,
            credential=CREDENTIAL.id,
            grant_type="client_credentials",
            jti=new("token"),
            requested=frozenset({"ledger:read", "ledger:write"}),
            scopes=frozenset({"ledger:read"}),
            removed=(Removed("ledger:write", Factor.CLIENT_ROLES),),
            expires=SECONDS + 300,
            version=7,
        ),
    )


def test_without_scope_the_defaults_are_asked_for_never_everything() -> None:
    known = facts(roles=(held("ledger", "report"),))
    assert issued(parsed(), known).claims.scopes() == {"ledger:read"}


def test_no_scope_and_no_default_in_the_roles_is_invalid_scope() -> None:
    outcome = decide(parsed(), facts(roles=(held("report"),)), NOW)
    assert isinstance(outcome.answer, Refusal)
    assert outcome.answer.code is ErrorCode.INVALID_SCOPE
    (event,) = outcome.events
    assert isinstance(event, TokenRefused)
    assert event.removed == (Removed("ledger:read", Factor.CLIENT_ROLES),)


def test_a_scope_that_only_the_role_knows_never_reaches_a_token() -> None:
    assert refusal(parsed(scope="admin"), facts(roles=(held("admin"),))).code is ErrorCode.INVALID_SCOPE


@pytest.mark.parametrize("scope", ["openid", "openid profile email offline_access"])
def test_reserved_words_grant_nothing(scope: str) -> None:
    assert refusal(parsed(scope=scope), facts(roles=(held(*scope.split()),))).code is ErrorCode.INVALID_SCOPE


def test_a_role_on_another_server_counts_for_nothing_here() -> None:
    other = replace(SERVER, id=new("server", 8))
    assert refusal(parsed(), facts(roles=(held("ledger:read", server=other),))).code is ErrorCode.INVALID_SCOPE


def test_more_scopes_than_a_token_can_carry_are_refused_and_not_issued() -> None:
    wide = replace(SERVER, scopes=(Scope("ledger"),))
    many = [f"ledger:{number}" for number in range(words.MOST + 1)]
    long = [f"ledger:{number:0100}" for number in range(38)]
    cases = ((many[1:], None), (many, ErrorCode.INVALID_SCOPE), (long[1:], None), (long, ErrorCode.INVALID_SCOPE))
    for carried, code in cases:
        found = answer(parsed(scope="ledger"), facts(server=wide, roles=(held(*carried),)))
        assert (found.code if isinstance(found, Refusal) else None) is code


# ---------------------------------------------------------------- the client


@pytest.mark.parametrize("state", [State.SUSPENDED, State.DELETED])
def test_a_client_that_is_not_active_gets_invalid_grant_once_it_has_proved_who_it_is(state: State) -> None:
    known = facts(principal=agent_until(None, state=state))
    assert refusal(parsed(), known).code is ErrorCode.INVALID_GRANT
    assert refusal(parsed(basic(AGENT.client_id, SECRET[:-1] + "8")), known).code is ErrorCode.INVALID_CLIENT


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (NOW - 1, ErrorCode.INVALID_GRANT),
        (NOW, ErrorCode.INVALID_GRANT),
        (NOW + 1, ErrorCode.INVALID_GRANT),  # alive, but no whole second is left
        (NOW + SECOND, None),
    ],
)
def test_an_expired_client_gets_nothing_and_no_token_is_dead_on_arrival(end: int, code: ErrorCode | None) -> None:
    found = answer(parsed(), facts(principal=agent_until(end)))
    assert (found.code if isinstance(found, Refusal) else None) is code


def test_a_token_never_outlives_client_credential_or_role() -> None:
    soon, later = NOW + 20 * SECOND, NOW + 40 * SECOND
    fading, _ = secret_of(AGENT, retires_at=soon, state=CredentialState.RETIRING)
    ending, _ = secret_of(AGENT, expires_at=later)
    cases = [
        (facts(principal=agent_until(soon)), 20),
        (facts(principal=Principal(AGENT, (fading,))), 20),
        (facts(principal=Principal(AGENT, (ending,))), 40),
        (facts(principal=Principal(replace(AGENT, expires_at=soon), (ending,))), 20),
        (facts(roles=(held("ledger:read", ends_at=soon),)), 20),
        (facts(roles=(held("ledger:read", ends_at=soon), held("ledger", ends_at=later))), 40),
        (facts(roles=(held("ledger:read", ends_at=soon), held("ledger"))), 300),
        (facts(roles=(held("report", ends_at=soon), held("ledger:read"))), 300),
        (facts(roles=(held("ledger:read", ends_at=NOW + 3600 * SECOND),)), 300),
    ]
    for known, lives in cases:
        claims = issued(parsed(), known).claims
        assert claims.exp - claims.iat == lives


@pytest.mark.parametrize("left", [-1, 0, 1])
def test_a_role_gives_nothing_from_its_end_on_nor_in_its_last_split_second(left: int) -> None:
    found = refusal(parsed(), facts(roles=(held("ledger:read", ends_at=NOW + left),)))
    assert found.code in {ErrorCode.INVALID_SCOPE, ErrorCode.INVALID_GRANT}


def test_an_unknown_client_is_answered_like_a_wrong_secret() -> None:
    unknown = refusal(parsed(basic(STRANGER.client_id, SECRET)), facts(principal=None))
    wrong = refusal(parsed(basic(AGENT.client_id, SECRET[:-1] + "8")), facts())
    assert (unknown.code, unknown.description) == (wrong.code, wrong.description)
    assert unknown.code is ErrorCode.INVALID_CLIENT


def test_a_failed_authentication_says_nothing_about_server_or_scope() -> None:
    wrong = parsed(basic(AGENT.client_id, SECRET[:-1] + "8"), scope="nonsense")
    answers = {refusal(wrong, facts(server=server)).description for server in (SERVER, None, GUARD_API)}
    assert answers == {"client authentication failed"}


# ---------------------------------------------------------------- the server


def test_a_suspended_deleted_or_unknown_server_is_one_and_the_same_invalid_target() -> None:
    servers = [None, replace(SERVER, state=State.SUSPENDED), replace(SERVER, state=State.DELETED), GUARD_API]
    found = {(answer.code, answer.description) for answer in (refusal(parsed(), facts(server=s)) for s in servers)}
    assert len(found) == 1
    assert found.pop()[0] is ErrorCode.INVALID_TARGET


@pytest.mark.parametrize("resource", [None, "not a uri", "https://ledger.example/mcp#tools"])
def test_a_bad_resource_is_invalid_target_for_a_client_that_proved_who_it_is(resource: str | None) -> None:
    assert refusal(parsed(resource=resource), facts(server=None)).code is ErrorCode.INVALID_TARGET
    unproved = parsed(basic(AGENT.client_id, "guess"), resource=resource)
    assert refusal(unproved, facts(server=None)).code is ErrorCode.INVALID_CLIENT


@pytest.mark.parametrize("kind", [ClientKind.AGENT, ClientKind.APPLICATION])
def test_builtin_reach_nobody_but_a_guard_gets_a_token_for_a_built_in_server(kind: ClientKind) -> None:
    client = replace(AGENT, kind=kind)
    known = facts(
        principal=Principal(client, (CREDENTIAL,)), server=GUARD_API, roles=(held("policy", server=GUARD_API),)
    )
    assert refusal(parsed(scope="policy"), known).code is ErrorCode.INVALID_TARGET


MANAGEMENT = replace(
    GUARD_API,
    id=new("server", 5),
    slug="management",
    resource="https://id.example/api",
    scopes=tuple(Scope(word) for word in sorted(MANAGEMENT_SCOPES)),
    default_scopes=MANAGEMENT_DEFAULTS,
)


@pytest.mark.parametrize("roles", [(), (held("admin"),), (held("admin", server=MANAGEMENT, ends_at=NOW),)], ids=str)
def test_builtin_reach_the_management_api_is_closed_to_who_holds_no_role_on_it(roles: tuple[HeldRole, ...]) -> None:
    known = facts(server=MANAGEMENT, roles=roles)
    assert refusal(parsed(scope="admin"), known).code is ErrorCode.INVALID_TARGET


def test_who_holds_a_role_on_the_management_api_gets_what_it_carries_until_it_ends() -> None:
    roles = (held(f"server:{SERVER.id}", server=MANAGEMENT, ends_at=NOW + 5 * SECOND),)
    claims = issued(parsed(scope=None), facts(server=MANAGEMENT, roles=roles)).claims
    assert (claims.scopes(), claims.exp - claims.iat) == ({f"server:{SERVER.id}"}, 5)
    assert refusal(parsed(scope="admin"), facts(server=MANAGEMENT, roles=roles)).code is ErrorCode.INVALID_SCOPE


def as_guard(**changes: str | None) -> Any:
    return parsed(**by_assertion(assertion(GUARD), **changes))


def test_a_guard_gets_its_scopes_for_the_guard_server_without_any_role() -> None:
    claims = issued(as_guard(), facts(principal=GUARDED, server=GUARD_API, roles=())).claims
    assert claims.scopes() == {"policy", "signals", "records", "introspect"}
    assert claims.aud == GUARD_API.resource


@pytest.mark.parametrize(
    "server", [SERVER, replace(GUARD_API, slug="management"), replace(GUARD_API, builtin=False)], ids=lambda s: s.slug
)
def test_builtin_reach_a_guard_gets_a_token_for_no_other_server(server: Any) -> None:
    roles = (held("policy", "ledger:read", server=server),)
    known = facts(principal=GUARDED, server=server, roles=roles)
    assert refusal(as_guard(scope="policy"), known).code is ErrorCode.INVALID_TARGET


def test_a_role_neither_widens_nor_shortens_what_a_guard_gets() -> None:
    wide = replace(GUARD_API, scopes=(*GUARD_API.scopes, Scope("everything")))
    roles = (held("everything", server=wide, ends_at=NOW + 5 * SECOND),)
    claims = issued(as_guard(scope="everything policy"), facts(principal=GUARDED, server=wide, roles=roles)).claims
    assert claims.scopes() == {"policy"}
    assert claims.exp - claims.iat == tokens.LIFETIME_OWN_BEHALF


# ---------------------------------------------------------------- assertions are used up


@pytest.mark.parametrize(
    "known",
    [
        facts(principal=KEYED),
        facts(principal=KEYED, server=None),
        facts(principal=KEYED, roles=()),
        facts(principal=Principal(replace(AGENT, state=State.SUSPENDED), KEYED.credentials)),
        facts(principal=Principal(replace(AGENT, expires_at=NOW + 1), KEYED.credentials)),
        facts(principal=KEYED, barred=True),
    ],
    ids=["issued", "no server", "no scope", "suspended", "no second left", "denied software"],
)
def test_an_assertion_that_held_is_used_up_whatever_the_answer(known: Any) -> None:
    outcome = decide(parsed(**by_assertion(assertion(jti="once"))), known, NOW)
    (claim,) = outcome.claims
    assert isinstance(claim, UseJti)
    assert (claim.issuer, claim.jti) == (AGENT.client_id, "once")
    assert claim.expires_at > NOW + 60 * SECOND


def test_an_assertion_that_did_not_hold_uses_up_nothing() -> None:
    forged = assertion(jti="victim", aud="https://elsewhere.example")
    assert decide(parsed(**by_assertion(forged)), facts(principal=KEYED), NOW).claims == ()


def test_who_lost_the_race_for_the_jti_is_told_no_more_than_a_wrong_secret_is() -> None:
    request = parsed(**by_assertion(assertion()))
    outcome = on_lost(request, facts(principal=KEYED))
    assert isinstance(outcome.answer, Refusal)
    assert outcome.answer.code is ErrorCode.INVALID_CLIENT
    assert outcome.answer.description == refusal(request, facts(principal=None)).description
    assert outcome.claims == ()
    (event,) = outcome.events
    assert isinstance(event, TokenRefused)
    assert event.error == "invalid_client"


# ---------------------------------------------------------------- the record


def test_no_secret_and_no_assertion_is_in_any_record() -> None:
    wrong = SECRET[:-1] + "8"
    proofs = [
        (parsed(), SECRET),
        (parsed(basic(AGENT.client_id, wrong)), wrong),
        (parsed(client_id=AGENT.client_id, client_secret=SECRET), SECRET),
        (parsed(**by_assertion(assertion())), assertion().rpartition(".")[2]),
    ]
    for request, proof in proofs:
        for known in (facts(), facts(principal=KEYED), facts(principal=None), facts(roles=()), facts(server=None)):
            for event in decide(request, known, NOW).events:
                _, stored = chain.append(chain.Head("chn"), event, NOW, bytes(16))
                assert stored.person is not None
                assert proof.encode() not in stored.header + stored.person
        assert proof not in repr(request)


def test_a_client_id_of_any_length_stays_short_in_the_record() -> None:
    outcome = decide(parsed(basic("x" * 2048, SECRET)), facts(principal=None), NOW)
    (event,) = outcome.events
    assert isinstance(event, TokenRefused)
    assert event.client is None
    assert len(event.client_id) == 256


# ---------------------------------------------------------------- against a plain model

OFFSETS = st.none() | st.sampled_from([-1, 0, 1, SECOND, 30 * SECOND, 299 * SECOND, 300 * SECOND, 10**9])
WORDS = st.sets(st.sampled_from(["a", "a:x", "a:x:1", "a:y", "b", "b:z"]), max_size=4).map(frozenset)


def at(offset: int | None) -> int | None:
    return None if offset is None else NOW + offset


@st.composite
def held_roles(draw: st.DrawFn) -> HeldRole:
    server = draw(st.sampled_from([SERVER.id, SERVER.id, new("server", 8)]))
    role = Role(new("role"), "r", "R", {server: draw(WORDS)}, NOW)
    return HeldRole(role, at(draw(OFFSETS)))


@given(
    client_end=OFFSETS,
    state=st.sampled_from(State),
    credential_end=OFFSETS,
    retires=OFFSETS,
    credential_state=st.sampled_from(CredentialState),
    server_state=st.sampled_from(State),
    server_words=WORDS,
    defaults=WORDS,
    roles=st.lists(held_roles(), max_size=3),
    scope=st.none() | WORDS.filter(bool),
)
def test_a_token_says_no_more_and_lives_no_longer_than_everything_it_rests_on(
    client_end: int | None,
    state: State,
    credential_end: int | None,
    retires: int | None,
    credential_state: CredentialState,
    server_state: State,
    server_words: frozenset[str],
    defaults: frozenset[str],
    roles: list[HeldRole],
    scope: frozenset[str] | None,
) -> None:
    client: Client = replace(AGENT, state=state, expires_at=at(client_end))
    credential = replace(CREDENTIAL, expires_at=at(credential_end), retires_at=at(retires), state=credential_state)
    server = replace(
        SERVER, state=server_state, scopes=tuple(Scope(word) for word in server_words), default_scopes=defaults
    )
    known = facts(principal=Principal(client, (credential,)), server=server, roles=tuple(roles))
    request = parsed(scope=None if scope is None else words.render(scope))
    found = answer(request, known)

    asked = defaults if scope is None else scope
    living = [item for item in roles if item.ends_at is None or item.ends_at > NOW]
    carried = {word for item in living for word in item.role.scopes.get(server.id, ())}
    reachable = {
        word
        for word in ("a", "a:x", "a:x:1", "a:y", "b", "b:z")
        if all(words.satisfied(ceiling, word) for ceiling in (asked, server_words, carried))
    }
    credential_works = (
        credential_state is not CredentialState.REVOKED
        and not (credential_state is CredentialState.RETIRING and retires is None)
        and all(end is None or end > 0 for end in (credential_end, retires))
    )
    client_works = state is State.ACTIVE and (client_end is None or client_end > 0)
    if isinstance(found, Refusal):
        expected = [
            (not credential_works, ErrorCode.INVALID_CLIENT),
            (not client_works, ErrorCode.INVALID_GRANT),
            (server_state is not State.ACTIVE, ErrorCode.INVALID_TARGET),
            (not reachable, ErrorCode.INVALID_SCOPE),
            (True, ErrorCode.INVALID_GRANT),  # less than a second is left
        ]
        assert found.code is next(code for holds, code in expected if holds)
        return
    claims = found.claims
    assert credential_works
    assert client_works
    assert server_state is State.ACTIVE
    assert {
        word for word in ("a", "a:x", "a:x:1", "a:y", "b", "b:z") if words.satisfied(claims.scopes(), word)
    } == reachable
    assert (claims.aud, claims.sub, claims.client_id) == (RESOURCE, AGENT.id, AGENT.client_id)
    assert claims.iat < claims.exp <= claims.iat + tokens.LIFETIME_OWN_BEHALF
    for end in (client_end, credential_end, retires):
        assert end is None or claims.exp * SECOND <= NOW + end
    last = (claims.exp * SECOND) - 1
    still = {w for r in living if r.ends_at is None or r.ends_at > last for w in r.role.scopes.get(server.id, ())}
    assert not words.missing(still, claims.scopes())
    assert claims.rev == (credential.id, client.id, server.id)
