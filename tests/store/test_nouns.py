"""What was written is read back, exactly, and what was ended is gone."""

from dataclasses import replace
from typing import Any

import pytest

from accredit.identity import changes
from accredit.identity.answer import KeptAnswer
from accredit.identity.application import ClientType
from accredit.identity.changes import Signal, SignalKind
from accredit.identity.client import ClientKind
from accredit.identity.credential import CredentialState
from accredit.identity.denial import Denial, SoftwareDenial
from accredit.identity.lease import Lease
from accredit.identity.principal import Principal
from accredit.identity.role import Assignment
from accredit.identity.server import Scope, Tool
from accredit.identity.signing_key import KeyState, KeyUse
from accredit.identity.software import Software
from accredit.identity.state import State
from accredit.oauth.outcome import Lost, Outcome, Won
from accredit.ports.deployment import Deployment
from accredit.store import jti, signals
from accredit.store import readers as ports
from accredit.store.conformance import (
    NOW,
    agent,
    application,
    client,
    credential,
    enrolment,
    group,
    guard,
    key,
    outcome,
    records,
    role,
    server,
)
from accredit_sdk.decision import Mode
from tests.store import checks

USED: dict[str, Any] = {"first_use": frozenset({"tickets:read", "admin"})}
BARE: dict[str, Any] = {"scopes": (), "tools": (), "default_scopes": frozenset()}


@pytest.fixture
def submit(store: Any) -> Any:
    """Commits claims and writes as one outcome, in a batch of its own, and returns the verdict."""
    committer = store.committer()

    async def commit(*made: Any, writes: tuple[Any, ...] = ()) -> Any:
        return (await store.commit(committer, [outcome(*made, writes=writes)]))[0]

    return commit


async def test_an_epoch_ends_invitations_and_keys_of_tokens_and_numbers_what_follows_from_its_time(
    store: Any, submit: Any
) -> None:
    deployments, wanted = ports.Deployments(store.database), Deployment("https://one.example", b"one", NOW)
    await deployments.establish(wanted)
    await submit(changes.AddServer(server(0)), writes=(changes.AddEnrolment(enrolment(0)),))
    await submit(changes.AddKey(key(0, KeyState.ACTIVE)), changes.AddKey(key(1, KeyState.UPCOMING)))
    await submit(changes.AddKey(key(2, KeyState.ACTIVE, KeyUse.SIGNAL)))
    later = NOW + 5
    assert await submit(writes=(changes.BeginEpoch(later),)) == Won(later + 1)
    assert await deployments.read() == replace(wanted, epoch=2, epoch_at=later)
    found = await store.catalogue.load()
    assert (found.seq, [one.kid for one in found.keys]) == (later + 1, ["kid-2"])
    taken = await store.enrolments.by_code(enrolment(0).code_digest)
    assert taken is not None
    assert not taken.open(NOW)
    assert [one.seq for one in await store.catalogue.signals(3, 10)] == [later + 1]


async def test_an_epoch_that_a_wrong_clock_began_gives_no_number_twice(store: Any, submit: Any) -> None:
    await ports.Deployments(store.database).establish(Deployment("https://one.example", b"one", NOW))
    await submit(writes=(changes.BeginEpoch(NOW),))
    assert await submit(writes=(changes.BeginEpoch(NOW - 1000),)) == Won(NOW + 2)


async def test_a_server_comes_back_with_scopes_and_tools_in_order(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0, **USED)), changes.AddServer(server(1, **BARE)))
    assert (await store.catalogue.load()).servers == (server(0, **USED), server(1, **BARE))


async def test_a_server_comes_back_in_its_mode_with_the_candidate_of_its_dry_run(store: Any, submit: Any) -> None:
    offered = server(1).tools
    plain = tuple(replace(tool, description="", pin=None) for tool in offered)
    found = (server(0, mode=Mode.OBSERVE), server(1, mode=Mode.DRY_RUN, candidate=offered))
    await submit(*map(changes.AddServer, found))
    assert (await store.catalogue.load()).servers == (found[0], replace(found[1], candidate=plain))
    await submit(changes.ReplaceServer(found[1].in_mode(Mode.ENFORCE)))
    assert (await store.catalogue.load()).servers[1] == server(1, version=2)


async def test_a_replaced_server_leaves_nothing_of_its_predecessor(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)))
    later = server(0, slug="else", name="N", scopes=(Scope("b"), Scope("a")), tools=(Tool("t", frozenset({"a", "b"})),))
    later = replace(later, default_scopes=frozenset({"b"}), first_use=frozenset({"a"}), version=2)
    later = replace(later, resource="https://else.example")
    assert isinstance(await submit(changes.ReplaceServer(later)), Won)
    assert (await store.catalogue.load()).servers == (later,)


async def test_a_stale_replacement_changes_nothing(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)), changes.AddRole(role(0)), changes.AddClient(client(0)))
    for claim in (
        changes.ReplaceServer(server(0, name="x", version=1)),
        changes.ReplaceServer(server(0, name="x", version=3)),
        changes.ReplaceServer(server(7, name="x", version=2)),
        changes.ReplaceRole(role(0, name="x", version=3)),
        changes.ReplaceClient(client(0, name="x", version=3)),
    ):
        assert await submit(claim) == Lost(claim)
    found = await store.catalogue.load()
    assert (found.servers, found.roles) == ((server(0),), (role(0),))
    assert await store.clients.principal(client(0).client_id) == Principal(client(0))


@pytest.mark.parametrize(
    "different",
    [
        {"default_scopes": frozenset({"nope"})},
        {"first_use": frozenset({"nope"})},
        {"builtin": True, "first_use": frozenset({"admin"})},
    ],
    ids=["a default that is no scope", "first use that is no scope", "first use of a built-in server"],
)
async def test_scopes_that_cannot_be_by_default_or_of_first_use_are_an_error_and_nothing_is_written(
    store: Any, submit: Any, different: dict[str, Any]
) -> None:
    assert isinstance(await submit(changes.AddServer(server(0, **different))), ValueError)
    assert (await store.catalogue.load()).servers == ()


async def test_a_deleted_server_is_gone_its_names_are_free_and_it_never_returns(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)))
    await submit(changes.ReplaceServer(server(0, state=State.DELETED, version=2)))
    assert (await store.catalogue.load()).servers == ()
    assert isinstance(await submit(changes.ReplaceServer(server(0, version=3))), Lost)
    heir = server(1, slug=server(0).slug, resource=server(0).resource)
    assert isinstance(await submit(changes.AddServer(heir)), Won)
    assert (await store.catalogue.load()).servers == (heir,)


async def test_a_role_comes_back_and_is_replaced_whole(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)), changes.AddServer(server(1)), changes.AddRole(role(0)))
    assert (await store.catalogue.load()).roles == (role(0),)
    later = role(0, slug="other", scopes={server(1).id: frozenset({"x:y"})}, version=2)
    await submit(changes.ReplaceRole(later))
    assert (await store.catalogue.load()).roles == (later,)


async def test_a_principal_has_its_living_credentials_and_its_assignments(store: Any, submit: Any) -> None:
    mine = agent(0)
    held = (Assignment(role(0).id, mine.client.id), Assignment(role(1).id, mine.client.id, NOW + 5))
    keys = tuple(credential(n, mine.client.id, expires_at=NOW + n, retires_at=None) for n in range(3))
    await submit(changes.AddServer(server(0)), changes.AddRole(role(0)), changes.AddRole(role(1)))
    await submit(changes.AddClient(client(1)), writes=(changes.AddCredential(credential(9, client(1).id)),))
    await submit(
        changes.AddClient(mine.client, mine),
        writes=(*(changes.AddCredential(one) for one in keys), *(changes.Assign(one) for one in held)),
    )
    assert await store.clients.principal(mine.client.client_id) == Principal(mine.client, keys, held)
    assert await store.clients.by_slug(ClientKind.AGENT, mine.client.slug) == Principal(mine.client, keys, held)
    await submit(writes=(changes.RevokeCredential(keys[1].id), changes.Unassign(role(0).id, mine.client.id)))
    found = await store.clients.principal(mine.client.client_id)
    assert found == Principal(mine.client, (keys[0], keys[2]), held[1:])


async def test_an_assignment_given_again_has_the_new_end(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)), changes.AddRole(role(0)), changes.AddClient(client(0)))
    for end in (NOW + 1, None, NOW + 9):
        await submit(writes=(changes.Assign(Assignment(role(0).id, client(0).id, end)),))
        found = await store.clients.principal(client(0).client_id)
        assert found is not None
        assert [item.ends_at for item in found.assignments] == [end]


async def test_writes_about_one_thing_happen_in_the_order_of_the_queue(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)), changes.AddRole(role(0)), changes.AddClient(client(0)))
    give = Outcome(None, writes=(changes.Assign(Assignment(role(0).id, client(0).id)),))
    take = Outcome(None, writes=(changes.Unassign(role(0).id, client(0).id),))
    committer = store.committer("chn_order")
    for queue, left in (([give, take], 0), ([take, give], 1), ([give, take, give, take], 0), ([take, take, give], 1)):
        await store.commit(committer, queue)
        found = await store.clients.principal(client(0).client_id)
        assert found is not None
        assert len(found.assignments) == left


async def test_a_retiring_credential_keeps_its_deadline(store: Any, submit: Any) -> None:
    old = credential(0, client(0).id, state=CredentialState.RETIRING, retires_at=NOW + 7)
    await submit(changes.AddClient(client(0)), writes=(changes.AddCredential(old),))
    found = await store.clients.principal(client(0).client_id)
    assert found is not None
    assert found.credentials == (old,)


async def test_a_credential_that_retires_has_its_deadline_and_a_revoked_one_does_not_come_back(
    store: Any, submit: Any
) -> None:
    both = (credential(0, client(0).id), credential(1, client(0).id))
    await submit(changes.AddClient(client(0)), writes=tuple(changes.AddCredential(one) for one in both))
    for deadline in (NOW + 9, NOW + 5):
        await submit(writes=(changes.RetireCredential(both[0].id, deadline),))
        found = await store.clients.principal(client(0).client_id)
        assert found is not None
        assert found.credentials == (replace(both[0], state=CredentialState.RETIRING, retires_at=deadline), both[1])
    await submit(writes=(changes.RevokeCredential(both[0].id), changes.RetireCredential(both[0].id, NOW + 9)))
    found = await store.clients.principal(client(0).client_id)
    assert found is not None
    assert found.credentials == both[1:]


async def test_a_deleted_client_is_not_found_and_its_client_id_is_never_free_again(store: Any, submit: Any) -> None:
    await submit(changes.AddClient(client(0)))
    await submit(changes.ReplaceClient(client(0, state=State.DELETED, version=2)))
    assert await store.clients.principal(client(0).client_id) is None
    assert await store.clients.by_slug(ClientKind.AGENT, client(0).slug) is None
    assert isinstance(await submit(changes.ReplaceClient(client(0, version=3))), Lost)
    assert isinstance(await submit(changes.AddClient(client(1, client_id=client(0).client_id))), Lost)
    assert isinstance(await submit(changes.AddClient(client(2, slug=client(0).slug))), Won)


async def test_a_suspended_client_is_found(store: Any, submit: Any) -> None:
    await submit(changes.AddClient(client(0, state=State.SUSPENDED)))
    assert await store.clients.principal(client(0).client_id) == Principal(client(0, state=State.SUSPENDED))


@pytest.mark.parametrize("different", [{"client_id": "other"}, {"kind": ClientKind.APPLICATION}])
async def test_a_replacement_cannot_turn_a_client_into_another(store: Any, submit: Any, different: Any) -> None:
    await submit(changes.AddClient(client(0)))
    assert isinstance(await submit(changes.ReplaceClient(client(0, version=2, **different))), Lost)
    assert await store.clients.principal(client(0).client_id) == Principal(client(0))


async def test_clients_of_different_kinds_may_share_a_slug(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)))
    assert isinstance(await submit(changes.AddClient(client(0, slug="one"))), Won)
    assert isinstance(await submit(changes.AddClient(guard(0, slug="one"))), Won)
    found = await store.clients.by_slug(ClientKind.GUARD, "one")
    assert found == Principal(guard(0, slug="one"))


async def test_agents_and_guards_come_in_pages_by_slug(store: Any, submit: Any) -> None:
    mine = [agent(n) for n in (3, 1, 2)]
    await submit(changes.AddServer(server(0)))
    await submit(*(changes.AddClient(one.client, one) for one in mine), *(changes.AddClient(guard(n)) for n in (2, 1)))
    await submit(
        writes=(changes.AddCredential(credential(1, guard(1).id)), changes.AddCredential(credential(2, guard(1).id)))
    )
    assert await store.clients.agents("", 2) == (agent(1), agent(2))
    assert await store.clients.agents(agent(2).client.slug, 2) == (agent(3),)
    assert await store.clients.agent(agent(3).client.id) == agent(3)
    assert await store.clients.agent(guard(1).id) is None
    both = (credential(1, guard(1).id), credential(2, guard(1).id))
    assert await store.clients.guards("", 1) == (Principal(guard(1), both),)
    assert await store.clients.guards(guard(1).slug, 5) == (Principal(guard(2)),)


async def test_an_agent_of_another_client_is_an_error(store: Any, submit: Any) -> None:
    assert isinstance(await submit(changes.AddClient(client(0), agent(1))), ValueError)
    assert await store.clients.principal(client(0).client_id) is None


async def test_an_enrolment_is_open_once_and_only_in_time(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)))
    await submit(writes=(changes.AddEnrolment(enrolment(0)), changes.AddEnrolment(enrolment(1))))
    late = changes.TakeEnrolment(enrolment(0).id, enrolment(0).expires_at)
    assert await submit(late) == Lost(late)
    assert await store.enrolments.by_code(enrolment(0).code_digest) == enrolment(0)
    assert isinstance(await submit(changes.TakeEnrolment(enrolment(0).id, NOW + 1)), Won)
    assert isinstance(await submit(changes.TakeEnrolment(enrolment(0).id, NOW + 2)), Lost)
    assert await store.enrolments.by_code(enrolment(0).code_digest) == replace(enrolment(0), taken_at=NOW + 1)
    assert await store.enrolments.by_code(enrolment(1).code_digest) == enrolment(1)
    assert await store.enrolments.by_code(b"no such code") is None


async def test_a_key_lives_its_states_in_order(store: Any, submit: Any) -> None:
    active, upcoming, signal = (
        key(0, KeyState.ACTIVE),
        key(1, KeyState.UPCOMING),
        key(2, KeyState.ACTIVE, KeyUse.SIGNAL),
    )
    await submit(changes.AddKey(active), changes.AddKey(upcoming), changes.AddKey(signal))
    assert (await store.catalogue.load()).keys == (active, upcoming, signal)
    early = changes.AdvanceKey(upcoming.kid, KeyState.UPCOMING, KeyState.ACTIVE)
    assert await submit(early) == Lost(early)
    retired = changes.AdvanceKey(active.kid, KeyState.ACTIVE, KeyState.RETIRED, NOW + 3)
    assert isinstance(await submit(early, retired), Won)
    gone = replace(active, state=KeyState.RETIRED, gone_at=NOW + 3)
    assert (await store.catalogue.load()).keys == (gone, replace(upcoming, state=KeyState.ACTIVE), signal)
    await submit(changes.AdvanceKey(active.kid, KeyState.RETIRED, KeyState.GONE))
    assert (await store.catalogue.load()).keys == (replace(upcoming, state=KeyState.ACTIVE), signal)
    assert isinstance(await submit(changes.AdvanceKey(active.kid, KeyState.ACTIVE, KeyState.RETIRED)), Lost)


async def test_a_jti_counts_once_per_issuer_until_it_is_forgotten(submit: Any) -> None:
    use = changes.UseJti("a", "j", NOW)
    assert isinstance(await submit(use, changes.UseJti("b", "j", NOW), changes.UseJti("a", "k", NOW)), Won)
    assert await submit(use) == Lost(use)
    await submit(writes=(changes.ForgetJti(NOW),))
    assert await submit(use) == Lost(use)
    await submit(writes=(changes.ForgetJti(NOW + 1),))
    assert isinstance(await submit(use), Won)


async def test_an_answer_is_kept_as_it_was_given_until_it_is_forgotten(store: Any, submit: Any) -> None:
    kept = KeptAnswer(b"k" * 32, b"r" * 32, 201, '"tag"', b'{"a":"\xc3\xbc"}', NOW)
    keep = changes.KeepAnswer(kept)
    assert isinstance(await submit(keep, changes.KeepAnswer(replace(kept, key=b"l" * 32))), Won)
    assert await submit(changes.KeepAnswer(replace(kept, request=b"other")))
    assert await submit(keep) == Lost(keep)
    answers = ports.Answers(store.database)
    assert await answers.find(kept.key) == kept
    assert await answers.find(b"x" * 32) is None
    await submit(writes=(changes.ForgetAnswers(NOW),))
    assert await submit(keep) == Lost(keep)
    await submit(writes=(changes.ForgetAnswers(NOW + 1),))
    assert await answers.find(kept.key) is None
    assert isinstance(await submit(keep), Won)


def test_no_two_splits_of_issuer_and_jti_are_the_same_use() -> None:
    assert len({jti.digest("ab", "c"), jti.digest("a", "bc"), jti.digest("", "abc"), jti.digest("abc", "")}) == 4


@pytest.mark.parametrize("text", ["\0", "\ud800", "x" * 100_000, "'; DROP TABLE used_jti; --"])
async def test_a_jti_may_be_any_text(store: Any, text: str) -> None:
    journal = await store.node()
    assert isinstance(await journal.submit(Outcome(None, (changes.UseJti(text, text, NOW),))), Won)
    assert isinstance(await journal.submit(Outcome(None, (changes.UseJti(text, text, NOW),))), Lost)


async def test_a_guard_can_only_continue_a_chain_of_its_own(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)), changes.AddClient(guard(0)), changes.AddClient(guard(1)))
    mine = records("chn_guard", 0, 3)
    await submit(changes.AppendRecords("chn_guard", guard(0).id, 0, bytes(32), mine))
    theirs = changes.AppendRecords(
        "chn_guard", guard(1).id, 3, mine[-1].hash, records("chn_guard", 3, 1, mine[-1].hash)
    )
    assert await submit(theirs) == Lost(theirs)
    end = await store.audit.chain_end("chn_direct")
    assert end is not None
    forged = records("chn_direct", end.seq, 1, end.hash)
    claim = changes.AppendRecords("chn_direct", guard(0).id, end.seq, end.hash, forged)
    assert await submit(claim) == Lost(claim)
    kept = await checks.sound(store)
    assert kept["chn_guard"] == mine
    assert (await store.audit.chain_end("chn_guard")) == ports.ChainEnd("chn_guard", guard(0).id, 3, mine[-1].hash)


async def test_a_run_of_records_must_continue_at_the_stored_end_with_the_stored_link(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)), changes.AddClient(guard(0)))
    mine = records("chn_guard", 0, 3)
    for after, head in ((1, bytes(32)), (0, b"\1" * 32), (3, mine[-1].hash)):
        lines = records("chn_guard", after, 2, head)
        assert isinstance(await submit(changes.AppendRecords("chn_guard", guard(0).id, after, head, lines)), Lost)
    await submit(changes.AppendRecords("chn_guard", guard(0).id, 0, bytes(32), mine))
    for after, head in ((0, bytes(32)), (2, mine[1].hash), (3, mine[1].hash), (4, mine[2].hash)):
        lines = records("chn_guard", after, 2, head)
        assert isinstance(await submit(changes.AppendRecords("chn_guard", guard(0).id, after, head, lines)), Lost)
    assert (await checks.sound(store))["chn_guard"] == mine


@pytest.mark.parametrize("kept", [(), (0, 2), (1, 0), (1, 2), (0, 0)])
async def test_records_that_are_not_consecutive_are_an_error(store: Any, submit: Any, kept: tuple[int, ...]) -> None:
    await submit(changes.AddServer(server(0)), changes.AddClient(guard(0)))
    whole = records("chn_guard", 0, 3)
    lines = tuple(whole[index] for index in kept)
    assert isinstance(await submit(changes.AppendRecords("chn_guard", guard(0).id, 0, bytes(32), lines)), ValueError)
    assert await store.audit.chain_end("chn_guard") is None


async def test_a_deployment_is_established_once(store: Any) -> None:
    deployments = ports.Deployments(store.database)
    assert await deployments.read() is None
    first, second = Deployment("https://one.example", b"one", NOW), Deployment("https://two.example", b"two", NOW)
    assert await deployments.establish(first) == first
    assert await deployments.establish(second) == first
    assert await deployments.read() == first


async def test_signals_are_read_by_number_and_by_time(store: Any, submit: Any) -> None:
    for number in range(5):
        await submit(changes.AddServer(server(number)))
    found = await store.catalogue.signals(0, 10)
    assert [signal.seq for signal in found] == [1, 2, 3, 4, 5]
    assert await store.catalogue.signals(2, 2) == found[2:4]
    assert await store.catalogue.signals(5, 2) == ()
    assert await store.catalogue.signals_since(NOW) == found
    assert await store.catalogue.signals_since(NOW + 1) == ()


async def test_holders_are_the_agents_with_one_of_the_roles_page_by_page(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)))
    for number in range(3):
        await submit(changes.AddRole(role(number)))
        await submit(changes.AddClient(client(number), agent(number)))
        await submit(writes=(changes.Assign(Assignment(role(number).id, client(number).id)),))
    await submit(changes.AddClient(guard(7)), writes=(changes.Assign(Assignment(role(0).id, guard(7).id)),))
    wanted = (role(0).id, role(2).id)
    found = await store.clients.agents_with(wanted, "", 5)
    assert [item.client.slug for item in found] == ["agent-0", "agent-2"]
    assert [item.client for item in await store.clients.agents_with(wanted, "agent-0", 1)] == [client(2)]
    assert await store.clients.agents_with((), "", 5) == ()


async def test_what_is_removed_is_a_tombstone_whose_names_are_free_in_the_same_transaction(
    store: Any, submit: Any
) -> None:
    mine = agent(0)
    await submit(changes.AddServer(server(0)), changes.AddRole(role(0)), changes.AddClient(mine.client, mine))
    await submit(writes=(changes.Assign(Assignment(role(0).id, mine.client.id)),))
    heir = server(1, slug=server(0).slug, resource=server(0).resource)
    next_role = role(1, slug=role(0).slug, scopes={heir.id: frozenset({"admin"})})
    next_agent = replace(agent(1), client=client(1, slug=mine.client.slug))
    verdict = await submit(
        changes.AddServer(heir),
        changes.AddRole(next_role),
        changes.AddClient(next_agent.client, next_agent),
        changes.RemoveServer(server(0).id, 1),
        changes.RemoveRole(role(0).id, 1),
        changes.RemoveClient(mine.client.id, 1),
    )
    assert isinstance(verdict, Won)
    found = await ports.Estates(store.database).read()
    assert (found.servers, found.roles, found.agents, found.held) == ((heir,), (next_role,), (next_agent,), {})
    assert await store.clients.principal(mine.client.client_id) is None
    assert isinstance(await submit(changes.ReplaceServer(server(0, version=3))), Lost)
    assert isinstance(await submit(changes.ReplaceClient(client(0, version=3))), Lost)


async def test_a_stale_removal_and_that_of_a_builtin_server_change_nothing(store: Any, submit: Any) -> None:
    builtin = server(1, builtin=True)
    await submit(
        changes.AddServer(server(0)), changes.AddServer(builtin), changes.AddRole(role(0)), changes.AddClient(client(0))
    )
    for claim in (
        changes.RemoveServer(server(0).id, 2),
        changes.RemoveServer(builtin.id, 1),
        changes.RemoveServer(server(7).id, 1),
        changes.RemoveRole(role(0).id, 2),
        changes.RemoveRole(role(7).id, 1),
        changes.RemoveClient(client(0).id, 2),
    ):
        assert await submit(claim) == Lost(claim)
    found = await store.catalogue.load()
    assert (found.servers, found.roles) == ((server(0), builtin), (role(0),))


async def test_an_agent_is_replaced_with_its_people_and_its_purpose(store: Any, submit: Any) -> None:
    mine = agent(0)
    await submit(changes.AddClient(mine.client, mine))
    later = replace(mine, client=client(0, name="N", expires_at=NOW, version=2), owner="o", sponsor="s", purpose="p")
    assert isinstance(await submit(changes.ReplaceClient(later.client, later)), Won)
    assert await store.clients.agent(mine.client.id) == later


async def test_the_estate_is_of_one_moment_and_knows_its_number(store: Any, submit: Any) -> None:
    mine = agent(0)
    held = Assignment(role(0).id, mine.client.id, NOW)
    await submit(
        changes.AddServer(server(0)),
        changes.AddRole(role(0)),
        changes.AddClient(mine.client, mine),
        writes=(changes.Assign(held),),
    )
    found = await ports.Estates(store.database).read()
    assert (found.seq, found.agents, found.held) == (1, (mine,), {mine.client.id: (held,)})


async def test_who_claims_that_nothing_changed_loses_when_something_did(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)))
    claim = changes.Unchanged(0)
    assert await submit(claim, changes.RemoveServer(server(0).id, 1)) == Lost(claim)
    assert (await store.catalogue.load()).servers == (server(0),)
    assert isinstance(await submit(changes.Unchanged(1), changes.RemoveServer(server(0).id, 1)), Won)


async def test_a_token_that_its_client_gives_back_changes_nothing_that_anybody_decides_on(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    committer, since = store.committer(), changes.Unchanged(1)
    given_back = Signal(SignalKind.REVOKED, "tok_" + "0" * 26)

    async def verdict(*claims: Any, raised: Signal = ROLES) -> Any:
        (found,) = await store.commit(committer, [Outcome(None, claims, signals=(raised,))])
        return found

    await verdict(changes.AddServer(server(0)))
    await verdict(raised=given_back)
    await verdict(raised=given_back)
    assert isinstance(await verdict(since, changes.RemoveServer(server(0).id, 1)), Won)
    assert await verdict(since, changes.AddServer(server(1))) == Lost(since), "what it did itself is another change"
    later = changes.Unchanged(4)
    await verdict(raised=given_back)
    monkeypatch.setattr(signals, "head", lambda _: 4)
    assert isinstance(await verdict(later, changes.AddServer(server(2))), Won), "also when it comes in between"


@pytest.mark.parametrize("other", [Signal(SignalKind.REVOKED, "agt_1"), Signal(SignalKind.CLIENT, "tok_1")])
async def test_every_other_signal_is_a_change(store: Any, other: Signal) -> None:
    committer, since = store.committer(), changes.Unchanged(1)
    await store.commit(committer, [Outcome(None, (changes.AddServer(server(0)),), signals=(ROLES,))])
    await store.commit(committer, [Outcome(None, signals=(other,))])
    claims = (since, changes.RemoveServer(server(0).id, 1))
    assert await store.commit(committer, [Outcome(None, claims, signals=(ROLES,))]) == [Lost(since)]


ROLES = Signal(SignalKind.ROLES, "rol_1")


async def test_who_is_overtaken_between_the_look_and_the_number_loses_and_writes_nothing(
    store: Any, submit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await submit(changes.AddServer(server(0)))
    monkeypatch.setattr(signals, "head", lambda _: 0)
    claim = changes.Unchanged(0)
    assert await submit(claim, changes.RemoveServer(server(0).id, 1)) == Lost(claim)
    monkeypatch.undo()
    assert (await store.catalogue.load()).servers == (server(0),)
    assert await store.catalogue.signals(1, 10) == ()


async def test_many_clients_are_replaced_at_once_each_by_its_own_version(store: Any, submit: Any) -> None:
    many = [agent(n) for n in range(4)]
    await submit(changes.AddServer(server(0)), changes.AddClient(guard(9)))
    await submit(*(changes.AddClient(one.client, one) for one in many))
    later = [replace(agent(n), client=client(n, name=f"N{n}", version=2), purpose=f"p{n}") for n in range(4)]
    renamed = replace(later[3], client=replace(later[3].client, slug="else"))
    alone = guard(9, servers=frozenset(), version=2)
    wanted = [changes.ReplaceClient(one.client, one) for one in (*later[:3], renamed)]
    stale = changes.ReplaceClient(client(2, version=5))
    assert isinstance(await submit(*wanted[:2], stale), Lost)
    assert await store.clients.agent(many[0].client.id) == many[0]
    assert isinstance(await submit(*wanted, changes.ReplaceClient(alone)), Won)
    assert await store.clients.agents("", 10) == (*later[:3], renamed)
    taken = changes.ReplaceClient(client(0, slug="else", version=3))
    assert await submit(taken, changes.ReplaceClient(client(1, version=3))) == Lost(taken)
    twice = changes.ReplaceClient(client(1, version=3))
    assert await submit(twice, twice) == Lost(twice)
    gone = changes.RemoveClient(client(1).id, 2)
    assert await submit(gone, gone) == Lost(gone)
    assert isinstance(await submit(gone, changes.RemoveClient(client(2).id, 2)), Won)
    assert [one.client.slug for one in await store.clients.agents("", 10)] == ["agent-0", "else"]


def lease(n: int, process: int = 0, *, seen: int = NOW, ended: bool = False) -> Lease:
    return Lease(guard(n).id, f"gin_{process}", seen - NOW, seen, seen, bound=300, beat=5, ended=ended)


async def test_of_each_process_of_a_guard_the_last_word_is_kept(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)), changes.AddClient(guard(0)), changes.AddClient(guard(1)))
    first = (lease(0), lease(0, 1), lease(1))
    await submit(writes=(changes.KeepLeases(first),))
    assert await store.leases.leases() == first
    later, older = lease(0, seen=NOW + 9), lease(1, seen=NOW - 9)
    await submit(writes=(changes.KeepLeases(()), changes.KeepLeases((later, older)), changes.KeepLeases((lease(0),))))
    assert await store.leases.leases() == (later, lease(0, 1), lease(1))


async def test_leases_that_ended_or_are_old_are_forgotten(store: Any, submit: Any) -> None:
    await submit(changes.AddServer(server(0)), changes.AddClient(guard(0)))
    kept, old, ended = lease(0), lease(0, 1, seen=NOW - 1), lease(0, 2, ended=True)
    long = replace(lease(0, 3, seen=NOW - 86_000_000_000), bound=2**31 - 1)
    await submit(writes=(changes.KeepLeases((kept, old, ended, long)),))
    await submit(writes=(changes.ForgetLeases(NOW),))
    assert await store.leases.leases() == (kept, old, long)
    await submit(writes=(changes.ForgetLeases(kept.harmless_at()),))
    assert await store.leases.leases() == (kept, long)


async def test_what_is_denied_stays_denied_whatever_else_changes_and_until_it_is_lifted(
    store: Any, submit: Any
) -> None:
    await submit(changes.AddServer(server(0)), changes.AddServer(server(1)))
    whole, tool = Denial("", "server", "", NOW, "dana"), Denial("", "tool", "a tool", NOW, "dana", "broken")
    both = tuple(replace(one, server=server(0).id) for one in (whole, tool))
    await submit(writes=tuple(changes.Deny(one) for one in both))
    await submit(changes.ReplaceServer(server(0, name="Else", version=2)))
    first, second = (await store.catalogue.load()).servers
    assert (first.denied, second.denied) == (both, ())
    again = replace(both[1], at=NOW + 1, by="ann", reason="still")
    await submit(writes=(changes.Deny(again), changes.Lift(server(0).id, "server", ""), changes.Lift("srv_x", "t", "")))
    assert (await store.catalogue.load()).servers[0].denied == (again,)


async def test_a_denied_software_stays_denied_until_just_that_is_lifted(store: Any, submit: Any) -> None:
    every, one = Software("acme"), Software("acme", "1")
    both = SoftwareDenial(every, NOW, "dana", "broken"), SoftwareDenial(one, NOW, "ann")
    await submit(writes=tuple(changes.DenySoftware(denial) for denial in reversed(both)))
    assert (await store.catalogue.load()).barred == both
    assert (await ports.Estates(store.database).read()).barred == both
    again = replace(both[0], at=NOW + 1, by="ann", reason="still")
    await submit(writes=(changes.DenySoftware(again), changes.LiftSoftware(one), changes.LiftSoftware(Software("x"))))
    assert (await store.catalogue.load()).barred == (again,)


async def test_the_clients_of_a_software_are_found_in_one_version_or_in_all(store: Any, submit: Any) -> None:
    named = (Software("acme", "1"), Software("acme", "2"), Software("acme2"), None, Software("acme"))
    mine = [application(n) for n in range(5)]
    mine = [replace(one, client=replace(one.client, software=found)) for one, found in zip(mine, named, strict=True)]
    await submit(*(changes.AddClient(one.client, one) for one in mine))
    assert await store.clients.applications("", 9) == tuple(mine)

    async def of(software: Software) -> list[int]:
        found = [one.client for one in await store.clients.of_software(software)]
        return [number for number, one in enumerate(mine) if one.client in found]

    assert await of(Software("acme")) == [0, 1, 4]
    assert await of(Software("acme", "1")) == [0]
    assert await of(Software("Acme")) == []
    await submit(changes.RemoveClient(mine[0].client.id, 1))
    assert await of(Software("acme")) == [1, 4]
    other = replace(mine[1].client, software=None, version=2)
    await submit(changes.ReplaceClient(other, replace(mine[1], client=other)))
    assert await of(Software("acme")) == [4]


async def test_an_application_comes_back_and_is_replaced_with_its_redirects(store: Any, submit: Any) -> None:
    first, second = application(0), application(1, type=ClientType.PUBLIC, redirect_uris=frozenset())
    await submit(changes.AddClient(first.client, first), changes.AddClient(second.client, second))
    assert await store.clients.applications("", 9) == (first, second)
    assert await store.clients.applications(first.client.slug, 9) == (second,)
    later = replace(first, client=replace(first.client, name="L", version=2), owner="kim", redirect_uris=frozenset("x"))
    assert isinstance(await submit(changes.ReplaceClient(later.client, later)), Won)
    assert await store.clients.application(first.client.id) == later
    assert await store.clients.agent(first.client.id) is None
    again = [replace(one, client=replace(one.client, version=one.client.version + 1)) for one in (later, second)]
    assert isinstance(await submit(*(changes.ReplaceClient(one.client, one) for one in again)), Won)
    assert await store.clients.applications("", 9) == tuple(again)
    await submit(changes.RemoveClient(first.client.id, 3))
    assert await store.clients.application(first.client.id) is None


async def test_what_a_group_holds_and_who_is_in_it_comes_back(store: Any, submit: Any) -> None:
    await submit(
        changes.AddServer(server(0)), changes.AddRole(role(0)), changes.AddRole(role(1)),
        changes.AddGroup(group(0)), changes.AddGroup(group(1)),
        changes.AddClient(client(0)), changes.AddClient(client(1)), changes.AddClient(application(0).client),
    )  # fmt: skip
    held = (Assignment(role(0).id, group(0).id), Assignment(role(1).id, group(0).id, NOW))
    inside = [(group(0), client(0)), (group(0), application(0).client), (group(1), client(0))]
    joins = [changes.AddMember(where.id, who.id) for where, who in inside]
    await submit(writes=(*(changes.Assign(one) for one in held), *joins, joins[0]))
    found = await store.catalogue.load()
    assert found.groups == (group(0, assignments=held), group(1))
    principal = await store.clients.principal(client(0).client_id)
    assert principal == Principal(client(0), groups=frozenset({group(0).id, group(1).id}))
    members = await store.clients.members(group(0).id)
    assert [one.client for one in members] == [client(0), application(0).client]
    assert [one.client for one in await store.clients.holders(role(0).id)] == [client(0), application(0).client]
    await submit(writes=(changes.RemoveMember(group(0).id, client(0).id),))
    assert [one.client for one in await store.clients.members(group(0).id)] == [application(0).client]
    renamed = group(0, name="N", version=2)
    assert isinstance(await submit(changes.ReplaceGroup(renamed)), Won)
    assert (await store.catalogue.load()).groups[0] == replace(renamed, assignments=held)
    taken = changes.ReplaceGroup(group(0, slug=group(1).slug, version=3))
    assert await submit(taken) == Lost(taken)


async def test_who_is_removed_holds_nothing_and_is_in_no_group(store: Any, submit: Any) -> None:
    await submit(
        changes.AddServer(server(0)), changes.AddRole(role(0)), changes.AddGroup(group(0)),
        changes.AddClient(client(0)),
    )  # fmt: skip
    give = (changes.Assign(Assignment(role(0).id, holder)) for holder in (client(0).id, group(0).id))
    await submit(writes=(*give, changes.AddMember(group(0).id, client(0).id)))
    await submit(changes.RemoveClient(client(0).id, 1))
    assert await store.clients.members(group(0).id) == ()
    estate = await ports.Estates(store.database).read()
    assert set(estate.held) == {group(0).id}
    await submit(changes.AddClient(client(1)), writes=(changes.AddMember(group(0).id, client(1).id),))
    await submit(changes.RemoveGroup(group(0).id, 1))
    assert (await ports.Estates(store.database).read()).held == {}
    assert await store.clients.principal(client(1).client_id) == Principal(client(1))
