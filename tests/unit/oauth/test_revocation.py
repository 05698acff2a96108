"""RFC 7009: who may give which token back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from accredit.audit.events import RevocationRefused, TokenRevoked
from accredit.identity.changes import Signal, SignalKind, UseJti
from accredit.oauth import client_assertion, revocation, tokens
from accredit.oauth.errors import ErrorCode, Refusal
from accredit.oauth.parameters import MAX_VALUE
from accredit.oauth.revocation import Facts, RevocationRequest
from tests.unit.oauth.world import (
    AGENT,
    CREDENTIAL,
    ISSUER,
    NOW,
    PRINCIPAL,
    SECRET,
    SERVER,
    STRANGER,
    assertion,
    basic,
    key_of,
    new,
    secret_of,
)

CLAIMS = tokens.own_behalf(
    issuer=ISSUER, client=AGENT, credential=CREDENTIAL, server=SERVER, scope="ledger:read", jti=new("token"), version=7,
    now=NOW,
)  # fmt: skip


def asked(authorization: str | None = basic(AGENT.client_id, SECRET), **form: str) -> RevocationRequest:
    found = revocation.parse([("token", "x.y.z"), *form.items()], authorization)
    assert isinstance(found, RevocationRequest), found
    return found


def facts(**changes: Any) -> Facts:
    usual = {
        "issuer": ISSUER, "principal": PRINCIPAL, "claims": CLAIMS, "server": SERVER, "decision": new("decision")
    }  # fmt: skip
    return Facts(**(usual | changes))


def test_a_client_gives_its_own_token_back_and_guards_are_told_of_that_token_alone() -> None:
    found = revocation.decide(asked(), facts(), NOW)
    assert found.answer is None
    assert found.signals == (Signal(SignalKind.REVOKED, CLAIMS.jti),)
    (event,) = found.events
    assert isinstance(event, TokenRevoked)
    assert (event.client, event.jti, event.server) == (AGENT.id, CLAIMS.jti, SERVER.id)


def test_of_a_server_that_has_gone_the_record_names_none() -> None:
    (event,) = revocation.decide(asked(), facts(server=None), NOW).events
    assert event.server is None


def test_a_token_of_another_client_is_left_alone() -> None:
    found = revocation.decide(asked(), facts(claims=structs.replace(CLAIMS, client_id=STRANGER.client_id)), NOW)
    assert isinstance(found.answer, Refusal)
    assert (found.answer.code, found.signals) == (ErrorCode.INVALID_GRANT, ())
    (event,) = found.events
    assert isinstance(event, RevocationRefused)
    assert (event.client, event.error) == (AGENT.id, "invalid_grant")


def test_what_is_no_living_token_of_ours_is_answered_like_a_dead_one() -> None:
    found = revocation.decide(asked(), facts(claims=None), NOW)
    assert (found.answer, found.events, found.signals, found.claims) == (None, (), (), ())


@pytest.mark.parametrize("claims", [CLAIMS, None])
@pytest.mark.parametrize("principal", [PRINCIPAL, None])
def test_who_does_not_prove_who_it_is_revokes_nothing_and_learns_nothing(claims: Any, principal: Any) -> None:
    wrong = basic(AGENT.client_id, secret_of(AGENT, 2)[1])
    found = revocation.decide(asked(wrong), facts(claims=claims, principal=principal), NOW)
    assert isinstance(found.answer, Refusal)
    assert (found.answer.code, found.signals) == (ErrorCode.INVALID_CLIENT, ())
    assert found.answer.description == "client authentication failed"


@pytest.mark.parametrize("claims", [CLAIMS, None, structs.replace(CLAIMS, client_id=STRANGER.client_id)])
def test_an_assertion_is_used_up_whatever_the_answer(claims: Any) -> None:
    request = asked(None, client_assertion_type=client_assertion.TYPE, client_assertion=assertion())
    holder = type(PRINCIPAL)(AGENT, (key_of(AGENT),))
    found = revocation.decide(request, facts(principal=holder, claims=claims), NOW)
    assert [type(claim) for claim in found.claims] == [UseJti]
    lost = revocation.on_lost(request, facts(principal=holder))
    assert isinstance(lost.answer, Refusal)
    assert (lost.answer.code, lost.signals) == (ErrorCode.INVALID_CLIENT, ())


@pytest.mark.parametrize(
    ("pairs", "authorization"),
    [
        ([], basic(AGENT.client_id, SECRET)),
        ([("token", "")], basic(AGENT.client_id, SECRET)),
        ([("token", "a"), ("token", "a")], basic(AGENT.client_id, SECRET)),
        ([("token", "x" * (MAX_VALUE + 1))], basic(AGENT.client_id, SECRET)),
        ([("token", "a\0")], basic(AGENT.client_id, SECRET)),
        ([("token", "a"), ("token_type_hint", "a"), ("token_type_hint", "b")], basic(AGENT.client_id, SECRET)),
        ([("token", "a"), ("client_secret", "b")], basic(AGENT.client_id, SECRET)),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(pairs: list[tuple[str, str]], authorization: str | None) -> None:
    found = revocation.parse(pairs, authorization)
    assert isinstance(found, Refusal)
    assert found.code is ErrorCode.INVALID_REQUEST


def test_without_authentication_nobody_is_a_client() -> None:
    found = revocation.parse([("token", "a")], None)
    assert isinstance(found, Refusal)
    assert found.code is ErrorCode.INVALID_CLIENT


@given(st.lists(st.tuples(st.sampled_from(["token", "token_type_hint", "x", ""]) | st.text(max_size=3), st.text())))
def test_no_form_breaks_the_parser_and_the_hint_changes_nothing(pairs: list[tuple[str, str]]) -> None:
    found = revocation.parse(pairs, basic(AGENT.client_id, SECRET))
    assert isinstance(found, Refusal | RevocationRequest)
    assert "x.y.z" not in repr(asked())
