"""Suggested roles: whoever gets one can do what they did, for no longer than before, and nothing that nobody needed."""

from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.holder import Holder, HolderKind
from accredit.identity.needed import Line, Verdict, lines
from accredit.identity.role import HeldRole, Role, ceiling
from accredit.identity.schema import read
from accredit.identity.suggestion import PREFIX, Proposal, Wish, document, proposals, wish
from accredit.identity.tally import Count
from accredit_sdk import scopes as words
from tests.unit.identity.test_needed import CALLS, ROLES, SERVERS

BOT, PORTAL = Holder(HolderKind.AGENT, "bot"), Holder(HolderKind.APPLICATION, "portal")
SLUGS = {"s": "ledger", "t": "archive"}
NOW = 10


def held(name: str, end: int | None = None, through: str | None = None, **scopes: str) -> HeldRole:
    carried = {server: frozenset(text.split()) for server, text in scopes.items()}
    return HeldRole(Role(name, name, "", carried, 0), end, through)


def wished(*roles: HeldRole, calls: dict[tuple[str, str], Count], seen: str = "st") -> Wish | None:
    judged = lines(roles, calls, set("st"), set(seen), NOW)
    return wish(BOT, roles, judged, SLUGS, NOW)


def wants(*roles: HeldRole, used: str, seen: str = "st") -> Wish:
    calls = {("s", word): Count(1, allowed=1) for word in used.split()}
    found = wished(*roles, calls=calls, seen=seen)
    assert found is not None
    return found


def test_what_was_used_is_wished_for_and_nothing_else() -> None:
    assert wants(held("x", s="a e"), used="a").ends == {None: {"ledger": {"a"}}}
    assert wants(held("x", s="a"), used="a:b").ends == {None: {"ledger": {"a:b"}}}


def test_nothing_is_wished_for_without_a_call_that_was_let_through() -> None:
    assert wished(held("x", s="a"), calls={}) is None
    assert wished(held("x", s="a"), calls={("s", "e"): Count(3, refused=3)}) is None


def test_what_was_let_through_without_being_held_is_wished_for_for_good() -> None:
    found = wished(held("x", end=50, s="a"), calls={("s", "e"): Count(1, observed=1)})
    assert found is not None
    assert found.ends == {None: {"ledger": {"e"}}}


def test_nothing_lasts_longer_than_the_role_that_gives_it_for_longest() -> None:
    assert wants(held("x", end=50, s="a"), held("y", end=60, s="a e"), used="a").ends == {60: {"ledger": {"a"}}}
    mixed = wants(held("x", end=50, s="a"), held("y", s="e"), used="a e")
    assert mixed.ends == {50: {"ledger": {"a"}}, None: {"ledger": {"e"}}}


def test_what_a_group_gives_for_as_long_stays_with_the_group() -> None:
    group = held("crowd", through="grp", s="a")
    found = wants(held("x", s="a e"), group, used="a")
    assert (found.ends, found.staying, found.held) == ({}, {}, {"x": None})
    assert wants(held("x", s="a"), held("crowd", 50, "grp", s="a"), used="a").ends == {None: {"ledger": {"a"}}}


def test_what_is_carried_where_nothing_is_known_stays_with_its_end() -> None:
    found = wants(held("x", 50, s="a e", t="a"), held("y", s="a"), held("z", t="e"), used="a", seen="s")
    assert found.ends == {50: {"archive": {"a"}}, None: {"ledger": {"a"}}}
    assert found.staying == {"z": None}


def test_a_server_that_is_not_told_of_is_left_out() -> None:
    roles = (held("x", s="a", t="a"),)
    judged = lines(roles, {("s", "a"): Count(1, allowed=1)}, {"s"}, {"s"}, NOW)
    found = wish(BOT, roles, judged, {"s": "ledger"}, NOW)
    assert found is not None
    assert found.ends == {None: {"ledger": {"a"}}}


def test_a_role_at_its_end_stays_as_it_is() -> None:
    assert wants(held("old", end=5, s="a"), held("x", s="a"), used="a").staying == {"old": 5}


def made(holder: Holder, *ends: tuple[int | None, str], staying: str = "") -> Wish:
    kept = dict.fromkeys(staying.split())
    return Wish(holder, {end: {"ledger": frozenset(text.split())} for end, text in ends}, kept, {**kept, "old": None})


def test_those_who_used_the_same_share_a_role_and_the_most_shared_comes_first() -> None:
    found = proposals([made(BOT, (None, "a"), (50, "e")), made(PORTAL, (None, "a"))], {})
    assert [[holder.render() for holder, _ in one.holders] for one in found] == [["bot", "app:portal"], ["bot"]]
    assert all(one.slug.startswith(PREFIX) and not one.known for one in found)
    assert proposals([made(PORTAL, (None, "a"))], {})[0].slug == found[0].slug, "the same scopes get the same name"


def test_a_role_that_is_there_is_used_and_a_name_that_is_taken_is_not() -> None:
    wishes = [made(BOT, (None, "a"))]
    (fresh,) = proposals(wishes, {"empty": {}, "wide": {"ledger": frozenset({"a", "e"})}})
    assert (fresh.known, len(fresh.slug)) == (False, len(PREFIX) + 8)
    (known,) = proposals(wishes, {"reader": {"ledger": frozenset("a")}, "zoo": {"ledger": frozenset("a")}})
    assert (known.slug, known.known) == ("reader", True)
    (longer,) = proposals(wishes, {fresh.slug: {"ledger": frozenset({"e"})}})
    assert longer.slug.startswith(fresh.slug)
    assert longer.slug != fresh.slug


def test_the_file_makes_new_roles_gives_them_and_takes_what_is_held_now() -> None:
    wishes = [made(BOT, (None, "a"), staying="kept"), made(PORTAL, (1_900_000_000_000_000, "a"))]
    found = document(wishes, proposals(wishes, {}))
    (slug,) = found["roles"]
    assert found == {
        "accredit": 1,
        "roles": {slug: {"name": "As used by bot, app:portal", "scopes": {"ledger": ["a"]}}},
        "agents": {"bot": {"roles": {"kept": {}, slug: {}}}},
        "applications": {"portal": {"roles": {slug: {"until": "2030-03-17T17:46:40Z"}}}},
    }
    assert read(found)[1] == ()


def test_a_file_with_nothing_to_do_is_empty() -> None:
    same = Wish(BOT, {None: {"ledger": frozenset({"a"})}}, {}, {"reader": None})
    roles = {"reader": {"ledger": frozenset({"a"})}}
    assert document([same], proposals([same], roles)) == {"accredit": 1}
    assert document([], []) == {"accredit": 1}


def test_a_role_that_one_holds_until_two_ends_lasts_until_the_later_one() -> None:
    one = Wish(BOT, {}, {}, {})
    for ends, expected in (((50, 60), {"until": "1970-01-01T00:00:00.000060Z"}), ((None, 50), {})):
        offered = Proposal("x", {"ledger": frozenset({"a"})}, True, tuple((BOT, end) for end in ends))
        assert document([one], [offered])["agents"]["bot"]["roles"] == {"x": expected}


def test_the_name_of_a_role_for_many_names_three_of_them() -> None:
    wishes = [made(Holder(HolderKind.AGENT, f"bot-{number}"), (None, "a")) for number in range(5)]
    (role,) = document(wishes, proposals(wishes, {}))["roles"].values()
    assert role["name"] == "As used by bot-0, bot-1, bot-2 and 2 more"


@given(st.lists(ROLES, max_size=4, unique_by=lambda item: item.role.slug), CALLS)
def test_afterwards_everything_that_was_used_is_held_and_nothing_more_than_before(
    roles: list[HeldRole], calls: dict[tuple[str, str], Count]
) -> None:
    used = {place: Count(1, allowed=1) for place in calls}
    judged: tuple[Line, ...] = lines(roles, used, set(SERVERS), set(SERVERS), NOW)
    found = wish(BOT, roles, judged, {server: server for server in SERVERS}, NOW)
    if found is None:
        assert not any(line.verdict is Verdict.KEEP for line in judged)
        return
    after = [HeldRole(Role("new", "new", "", scopes, 0), end) for end, scopes in found.ends.items()]
    after += [item for item in roles if item.role.slug in found.staying]
    for at in (NOW, 49, 50, 99):
        for server in SERVERS:
            before, has = ceiling(roles, server, at), ceiling(after, server, at)
            assert not words.missing(before, has), "nobody gets more, and nothing lasts longer"
            wanted = {word for where, word in used if where == server and words.satisfied(before, word)}
            kept = {line.scope for line in judged if line.server == server and line.verdict is Verdict.KEEP}
            assert not words.missing(has, wanted & kept), "what was used stays for as long as it was held"
