"""Questions: what is answered is what the token endpoint and the guard decide, and every reason is a true one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity import guarded
from accredit.identity.client import ClientKind
from accredit.identity.credential import CredentialState
from accredit.identity.principal import Principal
from accredit.identity.role import HeldRole, Role
from accredit.identity.role_change import Way
from accredit.identity.server import Scope, Server, TargetKind, Tool
from accredit.identity.state import State
from accredit.oauth.client_credentials import Facts, Issue, decide
from accredit.oauth.question import METHODS, Answer, Topic, ask
from accredit_sdk import scopes as words
from accredit_sdk import snapshot
from accredit_sdk.decision import Mode, Reason
from accredit_sdk.methods import Era, treatment
from accredit_sdk.policy import Policy, Visibility
from tests.unit.oauth.world import (
    AGENT,
    CREDENTIAL,
    ISSUER,
    NOW,
    PRINCIPAL,
    SECOND,
    SERVER,
    facts,
    new,
    parsed,
)

WORDS = ["a", "a:b", "a:b:c", "a:d", "e"]
SETS = st.frozensets(st.sampled_from(WORDS), max_size=3)
PAST, FUTURE = (NOW - SECOND, NOW), (NOW + SECOND, NOW + 60 * SECOND)
NAMES = [(TargetKind.TOOL, "one"), (TargetKind.RESOURCE, "urn:one"), (TargetKind.PROMPT, "p")]
UNSOUND = [
    "suspended", "ended", "ending", "no credential", "revoked", "expired", "retiring", "server suspended", "built in",
    "observing", "observing", "dry run", "no server", "fewer scopes", "unmapped", "no needs", "nobody", "guard",
    "denied software",
]  # fmt: skip
"""What can be wrong with a world."""
OTHER = new("server", 12)


@st.composite
def roles(draw: st.DrawFn) -> tuple[Role, ...]:
    """Some roles, over this server and another one."""
    return tuple(
        Role(new("role", 4 * number), f"role-{number}", "Role", {SERVER.id: draw(SETS), OTHER: draw(SETS)}, NOW)
        for number in range(draw(st.integers(1, 4)))
    )


def server_of(draw: st.DrawFn, wrong: frozenset[str]) -> Server | None:
    """A small server."""
    tools = [Tool(name, draw(SETS), kind, visibility=draw(st.sampled_from(Visibility))) for kind, name in NAMES]
    sound = [tool if tool.needs or "no needs" in wrong else replace(tool, needs=frozenset({"a:b"})) for tool in tools]
    found = replace(
        SERVER,
        scopes=tuple(Scope(word) for word in sorted(draw(SETS) if "fewer scopes" in wrong else ("a", "e"))),
        tools=tuple(sound[1:] if "unmapped" in wrong else sound),
        default_scopes=frozenset(),
        state=State.SUSPENDED if "server suspended" in wrong else State.ACTIVE,
        builtin="built in" in wrong,
        mode=Mode.OBSERVE if "observing" in wrong else Mode.DRY_RUN if "dry run" in wrong else Mode.ENFORCE,
        candidate=(Tool("one", frozenset({"e"})),),
    )
    return None if "no server" in wrong else found


def principal_of(wrong: frozenset[str]) -> Principal | None:
    """An agent and its credential."""
    client = replace(
        AGENT,
        state=State.SUSPENDED if "suspended" in wrong else State.ACTIVE,
        expires_at=NOW if "ended" in wrong else NOW + 1 if "ending" in wrong else None,
        kind=ClientKind.GUARD if "guard" in wrong else ClientKind.AGENT,
    )
    credential = replace(
        CREDENTIAL,
        state=CredentialState.REVOKED if "revoked" in wrong else CredentialState.ACTIVE,
        expires_at=NOW if "expired" in wrong else None,
    )
    if "retiring" in wrong:
        credential = replace(credential, state=CredentialState.RETIRING, retires_at=NOW + 90 * SECOND)
    found = Principal(client, () if "no credential" in wrong else (credential,))
    return None if "nobody" in wrong else found


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Facts, tuple[Role, ...]]:
    """An agent, a server and its roles, with nothing wrong, or one thing or two."""
    wrong = draw(st.frozensets(st.sampled_from(UNSOUND), max_size=3))
    known = draw(roles())
    ends = st.sampled_from([None, None, None, *PAST, NOW + 1, *FUTURE])
    held = tuple(HeldRole(role, draw(ends)) for role in known if draw(st.integers(0, 3)))
    denied = "denied software" in wrong
    return facts(principal=principal_of(wrong), server=server_of(draw, wrong), roles=held, barred=denied), known


def told(server: Server) -> Policy:
    """The policy of a guard that has heard of the server over the wire."""
    document = snapshot.Snapshot(
        schema=snapshot.SCHEMA, issuer=ISSUER, seq=7, at=NOW // SECOND, server=guarded.entry(server), keys=[],
        signal_keys=[], before={}, suspended=[], arguments_key="", sealing_key="", reduced=[], mode=server.mode.value,
    )  # fmt: skip
    return snapshot.policy(snapshot.decode_snapshot(snapshot.encode_snapshot(document)))


def answered(known: Facts, kind: TargetKind, name: str, of: tuple[Role, ...] = ()) -> Answer:
    server = known.server or SERVER
    return ask(known, guarded.policy(server, ISSUER, 7), kind, name, of, NOW)


def used(known: Facts, kind: TargetKind, name: str, scope: frozenset[str]) -> bool:
    """Ask the token endpoint for `scope` and, with what it gives, the guard."""
    request = parsed(scope=words.render(scope) or None)
    issue = decide(request, known, NOW).answer
    if not isinstance(issue, Issue) or known.server is None:
        return False
    policy = told(known.server)
    if policy.suspended:
        return False
    way = treatment(Era.MODERN, METHODS[kind])
    return policy.judge(issue.claims, METHODS[kind], way, ((kind.value, name),), "dec_1").allowed


@given(worlds(), st.sampled_from(NAMES), SETS)
def test_the_answer_is_what_the_token_endpoint_and_the_guard_decide(
    world: tuple[Facts, tuple[Role, ...]], target: tuple[TargetKind, str], more: frozenset[str]
) -> None:
    known, _ = world
    found = answered(known, *target)
    whatever = used(known, *target, frozenset(WORDS))
    assert found.allowed is (used(known, *target, found.needs) or (found.observed and whatever))
    # Nothing else that it could ask for would help.
    assert found.allowed or not used(known, *target, more)
    assert found.allowed or not whatever


@given(worlds(), st.sampled_from(NAMES))
def test_somebody_is_allowed_exactly_when_every_point_holds(
    world: tuple[Facts, tuple[Role, ...]], target: tuple[TargetKind, str]
) -> None:
    found = answered(world[0], *target)
    assert (found.allowed and not found.observed) is all(point.holds for point in found.points)
    assert [point.topic for point in found.points] == list(Topic)[: len(found.points)]


@given(worlds(), st.sampled_from(NAMES))
def test_every_way_out_leads_out_where_roles_are_all_that_is_missing(
    world: tuple[Facts, tuple[Role, ...]], target: tuple[TargetKind, str]
) -> None:
    known, given_roles = world
    found = answered(known, *target, given_roles)
    failing = {point.topic for point in found.points if not point.holds}
    if failing != {Topic.CLIENT_ROLES} or found.observed:
        return
    assert found.role_changes
    assert list(found.role_changes) == sorted(found.role_changes, key=lambda one: one.order())
    for change in found.role_changes:
        role = change.role or Role(new("role", 28), "fresh", "Fresh", {SERVER.id: change.scopes}, NOW)
        kept = tuple(item for item in known.roles if item.role.id != role.id)
        after = replace(known, roles=(*kept, HeldRole(role)))
        again = answered(after, *target)
        assert {point.topic for point in again.points if not point.holds} <= {Topic.TOKEN}
        assert used(after, *target, found.needs) is again.allowed


def carrying(number: int, *carried: str, elsewhere: tuple[str, ...] = ()) -> Role:
    scopes = {SERVER.id: frozenset(carried), OTHER: frozenset(elsewhere)}
    return Role(new("role", 4 * number), f"role-{number}", "Role", scopes, NOW - SECOND)


LEDGER = replace(
    SERVER,
    scopes=tuple(Scope(word) for word in WORDS),
    default_scopes=frozenset(),
    tools=(
        Tool("read", frozenset({"a:b"})),
        Tool("other", frozenset({"a:d"})),
        Tool("careless", frozenset()),
        Tool("hidden", frozenset({"e"}), visibility=Visibility.CONCEAL),
    ),
)


def ways(known: Facts, *of: Role) -> list[tuple[Way, str | None, int, int]]:
    found = answered(known, TargetKind.TOOL, "read", of).role_changes
    return [(one.way, one.role and one.role.slug, one.opens, one.elsewhere) for one in found]


def test_the_smallest_change_comes_first_and_says_what_else_it_opens() -> None:
    exact, wide, far = carrying(1, "a:b"), carrying(2, "a"), carrying(3, "a:b", elsewhere=("a",))
    known = facts(server=LEDGER, roles=())
    assert ways(known, wide, far, exact) == [(Way.ASSIGN, "role-1", 0, 0), (Way.CREATE, None, 0, 0)]
    assert ways(known, wide, far) == [(Way.CREATE, None, 0, 0), (Way.ASSIGN, "role-2", 1, 0)]
    assert ways(known, carrying(4, "a:d")) == [(Way.CREATE, None, 0, 0)]
    ended = facts(server=LEDGER, roles=(HeldRole(exact, NOW),))
    assert ways(ended, exact) == [(Way.EXTEND, "role-1", 0, 0), (Way.CREATE, None, 0, 0)]


def test_what_a_role_carries_and_until_when_is_told() -> None:
    known = facts(server=LEDGER, roles=(HeldRole(carrying(1, "a:b"), NOW + 1), HeldRole(carrying(2, "e"), NOW)))
    found = answered(known, TargetKind.TOOL, "read")
    assert [(one.held.role.slug, one.counts) for one in found.shares] == [("role-1", True), ("role-2", False)]


def test_somebody_who_is_wholly_at_the_end_gets_no_token_though_nothing_else_is_missing() -> None:
    known = facts(server=LEDGER, roles=(HeldRole(carrying(1, "a:b"), NOW + 1),))
    found = answered(known, TargetKind.TOOL, "read")
    assert not found.allowed
    assert [point.topic for point in found.points if not point.holds] == [Topic.TOKEN]


@pytest.mark.parametrize(
    ("name", "reason", "failing"),
    [
        ("hidden", Reason.TOOL_UNMAPPED, Topic.CLIENT_ROLES), ("nothing", Reason.TOOL_UNMAPPED, Topic.TOOL),
        ("careless", Reason.INSUFFICIENT_SCOPE, Topic.TOOL), ("read", Reason.OK, None),
    ],
)  # fmt: skip
def test_a_name_that_is_not_mapped_and_one_that_is_concealed_fail_for_different_reasons(
    name: str, reason: Reason, failing: Topic | None
) -> None:
    server = replace(LEDGER, default_scopes=frozenset({"a"}))
    known = facts(server=server, roles=(HeldRole(carrying(1, "a")),))
    found = answered(known, TargetKind.TOOL, name)
    assert [point.topic for point in found.points if not point.holds] == ([failing] if failing else [])
    if name != "hidden":
        assert found.decision is not None
        assert found.decision.reason is reason


def test_a_scope_that_the_server_does_not_have_is_no_matter_of_roles() -> None:
    server = replace(LEDGER, scopes=(Scope("e"),))
    found = answered(facts(server=server, roles=()), TargetKind.TOOL, "read", (carrying(1, "a:b"),))
    failing = {point.topic: point.scopes for point in found.points if not point.holds}
    assert failing[Topic.SERVER_SCOPES] == {"a:b"}
    assert found.role_changes == ()


def test_of_several_credentials_one_that_works_is_enough() -> None:
    dead = replace(CREDENTIAL, id=new("credential", 12), expires_at=NOW)
    ending = replace(CREDENTIAL, id=new("credential", 16), expires_at=NOW + 1)
    principal = replace(PRINCIPAL, credentials=(dead, ending, CREDENTIAL))
    known = facts(server=LEDGER, roles=(HeldRole(carrying(1, "a")),), principal=principal)
    assert answered(known, TargetKind.TOOL, "read").allowed
