"""Replays: a use turns exactly when the two states decide it differently, and what stands in the way is told."""

from collections.abc import Mapping
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.client import Client, ClientKind
from accredit.identity.manifest import Offer, RoleShape, ServerShape, Shape
from accredit.identity.principal import Principal
from accredit.identity.server import TargetKind
from accredit.identity.state import State
from accredit.identity.tally import Count, Use
from accredit.oauth.question import Topic
from accredit.oauth.replay import Effect, Party, World, turned
from accredit_sdk import scopes as words
from accredit_sdk.decision import Mode
from tests.unit.identity.shapes import BOT, LEDGER, WORLD, states

LIST = Use("bot", "ledger", TargetKind.TOOL, "list")
PAY = replace(LIST, name="pay")
NOW = 1_900_000_000_000_000
NAMES = st.sampled_from(["list", "pay now", "nothing"])
USES = st.builds(
    Use, st.sampled_from(["bot", "clerk", "nobody"]), st.sampled_from(["ledger", "notes", "nowhere"]),
    st.sampled_from(TargetKind), NAMES,
)  # fmt: skip


def party(slug: str, kind: ClientKind = ClientKind.AGENT, **bound: int | None) -> Party:
    client = Client(slug, slug, kind, slug, slug, 0)
    return Party(Principal(client), slug if kind is ClientKind.AGENT else None, tuple(bound.items()))


PARTIES = {name: party(name) for name in ("bot", "clerk")}


def world(shape: Shape, parties: Mapping[str, Party] = PARTIES) -> World:
    return World("https://id.example", shape, parties, NOW)


def may(shape: Shape, use: Use) -> bool:
    """Tell the slow way whether a use is open."""
    agent, server = shape.agents.get(use.client), shape.servers.get(use.server)
    if agent is None or server is None or State.SUSPENDED in (agent.state, server.state):
        return False
    if agent.expires is not None and agent.expires <= NOW + 1_000_000:
        return False
    offers = {(kind, name): offer for kind, name, offer in server.offers()}
    offer = offers.get((use.kind, use.name))
    if offer is None:
        return False
    counting = [shape.roles[name] for name, end in agent.roles.items() if end is None or end > NOW + 1_000_000]
    held = {word for role in counting for word in role.scopes.get(use.server, ())}
    short = words.missing(held, offer.needs)
    observed = server.mode is Mode.OBSERVE and not offer.destructive and offer.visibility.value != "conceal"
    return not short or (observed and bool(held))


@given(states(), states(), st.lists(USES, unique=True, max_size=12))
def test_a_use_turns_exactly_when_it_is_open_in_one_state_and_closed_in_the_other(
    before: Shape, after: Shape, uses: list[Use]
) -> None:
    plain = [use for use in uses if use.kind is not TargetKind.RESOURCE]
    found = {one.use: one.effect for one in turned(world(before), world(after), dict.fromkeys(plain, Count(1)))}
    for use in plain:
        was, becomes = may(before, use), may(after, use)
        expected = {(True, False): Effect.REFUSED, (False, True): Effect.ALLOWED}.get((was, becomes))
        assert found.get(use) is expected


def effects(after: Shape, before: Shape = WORLD) -> list[tuple[str, Effect, tuple[Topic, ...]]]:
    found = turned(world(before), world(after), {LIST: Count(3, 7), PAY: Count(1, 5)})
    return [(one.use.name, one.effect, one.because) for one in found]


def test_nothing_turns_where_nothing_changes() -> None:
    assert effects(WORLD) == []


def test_a_role_that_becomes_wider_or_smaller_turns_what_it_opened() -> None:
    wider = replace(WORLD, roles={"reader": RoleShape("reader", "", {"ledger": frozenset({"read", "pay"})})})
    assert effects(wider) == [("pay", Effect.ALLOWED, (Topic.CLIENT_ROLES,))]
    assert effects(WORLD, wider) == [("pay", Effect.REFUSED, (Topic.CLIENT_ROLES,))]


def test_whoever_or_whatever_goes_is_refused_without_a_factor() -> None:
    assert effects(replace(WORLD, agents={})) == [("list", Effect.REFUSED, ())]
    assert effects(replace(WORLD, servers={})) == [("list", Effect.REFUSED, ())]
    assert effects(WORLD, replace(WORLD, agents={})) == [("list", Effect.ALLOWED, ())]


def test_a_server_that_begins_to_enforce_refuses_what_it_only_observed() -> None:
    observing = replace(WORLD, servers={"ledger": replace(LEDGER, mode=Mode.OBSERVE)})
    assert effects(WORLD, observing) == [("pay", Effect.REFUSED, (Topic.CLIENT_ROLES,))]


def test_counts_come_with_what_turned() -> None:
    (one,) = turned(world(WORLD), world(replace(WORLD, agents={"bot": replace(BOT, state=State.SUSPENDED)})), {
        LIST: Count(3, 7)})  # fmt: skip
    assert (one.count, one.because) == (Count(3, 7), (Topic.CLIENT,))


def test_one_server_is_read_once_for_many_uses() -> None:
    found = world(replace(WORLD, servers={"ledger": ServerShape("ledger", "https://x", tools={"a": Offer()})}))
    assert found.answer(LIST) is not None
    assert found._policies.keys() == {"ledger"}
    assert found.answer(PAY) is not None


def test_roles_that_no_file_gives_count_as_long_as_the_role_is_there() -> None:
    through = {"bot": party("bot", reader=None), "app": party("app", ClientKind.APPLICATION, reader=NOW + 9_000_000)}
    bare = replace(WORLD, agents={"bot": replace(BOT, roles={})})
    app = replace(LIST, client="app")
    for use in (LIST, app):
        (one,) = turned(world(bare, through), world(replace(bare, roles={}), through), {use: Count(1)})
        assert (one.use, one.effect, one.because) == (use, Effect.REFUSED, (Topic.CLIENT_ROLES,))
    assert [one.name for one in through.values()] == ["bot", "application:app"]
    assert not list(turned(world(bare, through), world(replace(bare, agents={}), through), {app: Count(1)}))
