"""Servers: their scopes and tools, and everything that can be wrong with them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.server import GUARD_SCOPES, Scope, Server, TargetKind, Tool, problems, reserved, unusable
from accredit_sdk import scopes
from accredit_sdk.decision import Mode

SERVER = Server(
    "srv_1",
    "ledger",
    "Ledger",
    "https://ledger.example/mcp",
    0,
    scopes=(Scope("ledger"), Scope("report:read")),
    tools=(Tool("pay", frozenset({"ledger:pay"})), Tool("show", frozenset({"report:read", "ledger"}))),
    default_scopes=frozenset({"report:read"}),
)


def with_tool(tool: Tool) -> Server:
    return replace(SERVER, tools=(tool,))


def test_a_sound_server_has_no_problems() -> None:
    assert problems(SERVER) == ()
    assert SERVER.words() == {"ledger", "report:read"}


@pytest.mark.parametrize("word", ["", " ", "a b", 'a"', "a\\b", "\u00e9", "a::b", ":a", "a:", "a" * 129, "a\n"])
def test_a_scope_that_is_no_word_is_named(word: str) -> None:
    (found,) = problems(replace(SERVER, scopes=(*SERVER.scopes, Scope(word))))
    assert repr(word) in found


@pytest.mark.parametrize("word", sorted(scopes.RESERVED))
def test_words_of_openid_connect_cannot_be_scopes(word: str) -> None:
    (found,) = problems(replace(SERVER, scopes=(*SERVER.scopes, Scope(word))))
    assert word in found


def test_a_scope_or_a_tool_that_is_there_twice_is_a_problem() -> None:
    assert len(problems(replace(SERVER, scopes=(*SERVER.scopes, Scope("ledger", "again"))))) == 1
    assert len(problems(replace(SERVER, tools=(*SERVER.tools, Tool("pay", frozenset({"ledger"})))))) == 1
    other_kind = Tool("pay", frozenset({"ledger"}), TargetKind.PROMPT)
    assert problems(replace(SERVER, tools=(*SERVER.tools, other_kind))) == ()


def test_another_mode_is_another_version_and_takes_the_candidate_of_a_dry_run_with_it() -> None:
    candidate = (Tool("pay", frozenset()),)
    dry = SERVER.in_mode(Mode.DRY_RUN, candidate)
    assert (dry.mode, dry.candidate, dry.version) == (Mode.DRY_RUN, candidate, SERVER.version + 1)
    assert dry.in_mode(Mode.ENFORCE).candidate == ()


def test_a_default_scope_must_be_a_scope() -> None:
    (found,) = problems(replace(SERVER, default_scopes=frozenset({"report:read", "report"})))
    assert "'report'" in found


def test_a_scope_of_first_use_must_be_a_scope_and_a_built_in_server_has_none() -> None:
    (found,) = problems(replace(SERVER, first_use=frozenset({"report:read", "report"})))
    assert "'report'" in found
    assert problems(replace(SERVER, first_use=SERVER.words())) == ()
    (found,) = problems(replace(SERVER, first_use=frozenset({"ledger"}), builtin=True))
    assert "built in" in found
    assert problems(replace(SERVER, builtin=True)) == ()


@pytest.mark.parametrize("name", ["", "a\nb", "a\0", "x" * 257, "\u202epay", "\ud800", "p\u200bay"])
def test_a_tool_name_is_printable_and_short(name: str) -> None:
    assert len(problems(with_tool(Tool(name, frozenset({"ledger"}))))) == 1


def test_a_tool_name_may_be_anything_printable_of_256_characters() -> None:
    assert problems(with_tool(Tool("\u8d26\u672c/pay it" * 25, frozenset({"ledger"})))) == ()
    assert problems(with_tool(Tool("x" * 256, frozenset({"ledger"})))) == ()


def test_a_tool_that_needs_nothing_would_be_open_to_every_token() -> None:
    assert len(problems(with_tool(Tool("pay", frozenset())))) == 1


def test_a_tool_cannot_both_read_only_and_destroy() -> None:
    both = Tool("purge", frozenset({"ledger"}), read_only=True, destructive=True)
    assert len(problems(with_tool(both))) == 1


@pytest.mark.parametrize(
    "need", ["report", "ledge", "ledgers", "", 'ledger:"x', "ledger: read", "ledger::x", "ledger:\u00e9", "ledger:\n"]
)
def test_a_tool_needs_well_formed_words_that_the_server_covers(need: str) -> None:
    (found,) = problems(with_tool(Tool("pay", frozenset({need, "ledger"}))))
    assert repr(need) in found
    assert unusable(SERVER, {need, "ledger"}) == (need,)


def test_all_problems_are_named_at_once() -> None:
    broken = replace(
        SERVER,
        scopes=(Scope("openid"), Scope("a b")),
        tools=(Tool("", frozenset()), Tool("x", frozenset({"y"}))),
        default_scopes=frozenset({"z"}),
    )
    assert len(problems(broken)) == 6


@given(st.sets(st.text("ledgr:pot ", max_size=12), max_size=4))
def test_what_is_usable_is_a_word_that_a_scope_covers(wanted: set[str]) -> None:
    bad = unusable(SERVER, wanted)
    assert list(bad) == sorted(bad)
    for word in wanted - set(bad):
        assert scopes.word(word) == word
        assert any(scopes.covers(known, word) for known in SERVER.words())


def test_a_tool_is_found_by_kind_and_exact_name() -> None:
    tool = SERVER.tool("pay")
    assert tool is not None
    assert tool.needs == {"ledger:pay"}
    assert SERVER.tool("Pay") is None
    assert SERVER.tool("pay ") is None
    assert SERVER.tool("pay", TargetKind.RESOURCE) is None


def test_putting_a_tool_replaces_its_namesake_of_the_same_kind_alone() -> None:
    prompt = Tool("pay", frozenset({"ledger"}), TargetKind.PROMPT)
    changed = SERVER.with_tool(prompt).with_tool(Tool("pay", frozenset({"ledger"}), destructive=True))
    tool = changed.tool("pay")
    assert tool is not None
    assert tool.destructive
    assert changed.tool("pay", TargetKind.PROMPT) == prompt
    assert len(changed.tools) == 3
    assert changed.version == SERVER.version + 2


def test_taking_a_tool_away_takes_its_kind_alone_and_is_a_new_version() -> None:
    prompt = Tool("pay", frozenset({"ledger"}), TargetKind.PROMPT)
    changed = SERVER.with_tool(prompt).without_tool("pay")
    assert changed.tool("pay") is None
    assert changed.tool("pay", TargetKind.PROMPT) == prompt
    assert changed.version == SERVER.version + 2


def test_putting_a_scope_describes_it_anew_and_is_a_new_version() -> None:
    changed = SERVER.with_scope(Scope("ledger", "all of it")).with_scope(Scope("extra"))
    assert changed.words() == {"ledger", "report:read", "extra"}
    assert Scope("ledger", "all of it") in changed.scopes
    assert changed.version == SERVER.version + 2
    assert problems(changed) == ()


def test_the_scopes_of_the_guard_server_are_words_of_their_own() -> None:
    assert scopes.smallest(GUARD_SCOPES) == GUARD_SCOPES
    assert {scopes.word(word) for word in GUARD_SCOPES} == GUARD_SCOPES
    assert not GUARD_SCOPES & scopes.RESERVED


def test_an_offer_adds_what_is_new_renews_namesakes_in_their_place_and_drops_what_is_gone() -> None:
    paying = Tool("pay", frozenset({"ledger:pay"}), description="Pays")
    new = Tool("pay", frozenset({"ledger:new"}), TargetKind.PROMPT)
    scopes = (Scope("ledger:new", "New"), Scope("ledger", "Described by somebody else"))
    changed = SERVER.with_offer(iter(scopes), [new, paying], [(TargetKind.TOOL, "show"), (TargetKind.TOOL, "nothing")])
    assert changed.tools == (paying, new)
    assert changed.scopes == (*SERVER.scopes, Scope("ledger:new", "New"))
    assert changed.version == SERVER.version + 1
    assert problems(changed) == ()


@pytest.mark.parametrize(
    ("resource", "owner"),
    [
        ("https://id.example/api", "management"), ("https://id.example/api/", "management"),
        ("https://id.example/api/v1", "management"), ("https://id.example/guard", "guard"),
        ("https://id.example/apis", None), ("https://id.example", None), ("https://else.example/api", None), ("", None),
    ],
)  # fmt: skip
def test_the_addresses_of_built_in_servers_and_beneath_are_theirs(resource: str, owner: str | None) -> None:
    builtin = {"guard": "https://id.example/guard", "management": "https://id.example/api"}
    assert reserved(resource, builtin) == owner
