"""The scopes that an import proposes."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.declared import Declared, Hints, sorted_out
from accredit.identity.pin import Pin
from accredit.identity.proposal import Granularity, group, propose, segment
from accredit.identity.server import Scope, Server, TargetKind, problems
from accredit_sdk import scopes
from accredit_sdk.errors import ScopeError

PIN = Pin.of("", [], {})
READS = Hints(read_only=True)
SILENT = Hints()


def tool(name: str, hints: Hints = SILENT, **more: str) -> Declared:
    return Declared(TargetKind.TOOL, name, name, PIN, hints=hints, **more)


LEDGER = (
    tool("list_invoices", READS, description="Lists the invoices. All of them."),
    tool("create_invoice", title="Create an invoice"),
    tool("purge_ledger", Hints(destructive=True)),
    Declared(TargetKind.PROMPT, "plan", "plan", PIN),
    Declared(TargetKind.RESOURCE, "ledger://book", "book", PIN),
)
names = st.text(min_size=1, max_size=300) | st.text("aA./_- ~é", min_size=1, max_size=4)
kinds = st.sampled_from(TargetKind)
things = st.builds(
    lambda kind, name, hints: Declared(kind, name, name, PIN, hints=hints), kinds, names, st.builds(Hints)
)
prefixes = st.text("abc-", min_size=1, max_size=64) | st.sampled_from(sorted(scopes.RESERVED))


def test_by_default_everything_has_a_scope_of_its_own_and_tools_that_read_are_for_first_use() -> None:
    found = propose(LEDGER, "ledger")
    assert [(item.name, sorted(item.needs)) for item in found.tools] == [
        ("list_invoices", ["ledger:list_invoices"]),
        ("create_invoice", ["ledger:create_invoice"]),
        ("purge_ledger", ["ledger:purge_ledger"]),
        ("plan", ["ledger:prompt/plan"]),
        ("ledger://book", ["ledger:resource/book"]),
    ]
    assert found.default_scopes == {"ledger:list_invoices"}
    assert found.scopes == (
        Scope("ledger:list_invoices", "Lists the invoices."),
        Scope("ledger:create_invoice", "Create an invoice"),
        Scope("ledger:purge_ledger", "Use purge_ledger"),
        Scope("ledger:prompt/plan", "Use plan"),
        Scope("ledger:resource/book", "Use book"),
    )


def test_groups_part_what_reads_from_what_may_write() -> None:
    found = propose((*LEDGER, *(tool(f"pay_invoices_{n}") for n in "abcd")), "ledger", Granularity.GROUP)
    assert {scope.word: scope.description for scope in found.scopes} == {
        "ledger:invoice:read": "Use list_invoices",
        "ledger:invoice:write": "Use create_invoice, pay_invoices_a, pay_invoices_b and 2 more",
        "ledger:ledger:write": "Use purge_ledger",
        "ledger:prompts:read": "Use plan",
        "ledger:resources:read": "Use book",
    }
    assert found.default_scopes == {"ledger:invoice:read"}


def test_one_scope_for_the_server_is_for_first_use_only_when_every_tool_reads() -> None:
    found = propose(LEDGER, "ledger", Granularity.SERVER)
    assert [scope.word for scope in found.scopes] == ["ledger"]
    assert {need for item in found.tools for need in item.needs} == {"ledger"}
    assert found.default_scopes == set()
    assert propose(LEDGER[:1], "ledger", Granularity.SERVER).default_scopes == {"ledger"}


def test_nothing_offered_is_nothing_proposed() -> None:
    for granularity in Granularity:
        found = propose((), "ledger", granularity)
        assert (found.scopes, found.tools, found.default_scopes) == ((), (), frozenset())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("list_invoices", "invoice"), ("invoices.list", "invoice"), ("getUserStatus", "user"), ("HTTPProxy", "http"),
        ("list", "list"), ("run_get", "run"), ("access", "access"), ("status_get", "status"), ("账本", "other"),
        ("prompts", "prompt"), ("bus", "bus"), ("analysis", "analysis"),
    ],
)  # fmt: skip
def test_the_group_of_a_tool_is_what_it_is_about(name: str, told: str) -> None:
    assert group(tool(name)) == told


@pytest.mark.parametrize("prefix", ["", "two words", 'a"b', "a::b", "x" * 65])
@pytest.mark.parametrize("granularity", list(Granularity))
def test_a_prefix_that_is_no_scope_is_refused(prefix: str, granularity: Granularity) -> None:
    with pytest.raises(ScopeError):
        propose(LEDGER, prefix, granularity)


@pytest.mark.parametrize("prefix", sorted(scopes.RESERVED))
def test_a_server_called_like_a_reserved_word_gets_no_reserved_scope(prefix: str) -> None:
    for granularity in Granularity:
        assert not {scope.word for scope in propose(LEDGER, prefix, granularity).scopes} & scopes.RESERVED


@given(st.lists(things, max_size=8), prefixes, st.sampled_from(Granularity))
def test_a_proposal_is_a_sound_server(offered: list[Declared], prefix: str, granularity: Granularity) -> None:
    usable, _ = sorted_out(tuple(offered))
    found = propose(usable, prefix, granularity)
    assert (
        problems(Server("srv_1", "s", "S", "https://s.example", 0, found.scopes, found.tools, found.default_scopes))
        == ()
    )
    reading = {need for item in found.tools if item.read_only and item.kind is TargetKind.TOOL for need in item.needs}
    assert found.default_scopes <= reading


@given(st.lists(things, max_size=8, unique_by=lambda item: item.key), prefixes, st.sets(names, max_size=3))
def test_words_of_tools_are_unique_free_and_none_covers_another(
    offered: list[Declared], prefix: str, more: set[str]
) -> None:
    taken = {f"{prefix}:{name}" for name in more} | {scope.word for scope in propose(offered[:3], prefix).scopes}
    words = [scope.word for scope in propose(offered, prefix, taken=taken).scopes]
    assert len(set(words)) == len(words) == len(offered)
    assert not set(words) & taken
    assert not [one for one in words for other in words if one != other and scopes.covers(one, other)]


@given(st.lists(things, max_size=6, unique_by=lambda item: item.key), st.data(), st.sampled_from(Granularity))
def test_the_words_do_not_depend_on_the_order(
    offered: list[Declared], data: st.DataObject, granularity: Granularity
) -> None:
    shuffled = data.draw(st.permutations(offered))
    needs = {(item.kind, item.name): item.needs for item in propose(offered, "s", granularity).tools}
    assert needs == {(item.kind, item.name): item.needs for item in propose(shuffled, "s", granularity).tools}


@given(names, st.integers(63, 126))
def test_a_segment_is_legal_fits_and_tells_names_apart(name: str, room: int) -> None:
    found = segment(name, room)
    assert len(found) <= room
    assert scopes.word(f"s:{found}")
    assert ":" not in found
    assert (found == name) == ("~" not in found)


def test_names_that_look_alike_have_different_words() -> None:
    assert len({segment(name, 63) for name in ("a b", "a  b", "a\tb", "a-b", "A-b", "a" * 64, "a" * 65)}) == 7
    assert segment("a-b~" + segment("a b", 63)[-8:], 63) != segment("a b", 63)


def test_a_word_that_is_taken_is_not_given_to_somebody_else_again_and_again() -> None:
    taken: set[str] = set()
    for _ in range(4):
        (scope,) = propose([tool("pay")], "ledger", taken=taken).scopes
        assert scope.word not in taken
        taken.add(scope.word)
    clash = (tool("prompt/plan"), replace(LEDGER[3], label="plan"))
    assert len({scope.word for scope in propose(clash, "s").scopes}) == 2
