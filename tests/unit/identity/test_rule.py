"""The one rule: nothing exceeds a ceiling, and everything asked for is accounted for."""

from hypothesis import example, given
from hypothesis import strategies as st

from accredit.identity.rule import Factor, Grant, Removed, narrow
from accredit_sdk import scopes

UNIVERSE = [":".join(parts) for parts in ("a", "b", "ax", "ay", "bx", "axp", "axq", "ayp", "c")]
WORDS = st.sets(st.sampled_from(UNIVERSE), max_size=6).map(frozenset)
CEILINGS = st.lists(st.tuples(st.sampled_from(Factor), WORDS), max_size=4)


def meaning(words: frozenset[str]) -> set[str]:
    return {word for word in UNIVERSE if scopes.satisfied(words, word)}


@given(WORDS, CEILINGS)
@example(frozenset({"a"}), [(Factor.SERVER, frozenset({"a:x"})), (Factor.CLIENT_ROLES, frozenset({"a:x:p"}))])
def test_what_is_granted_is_what_was_asked_for_within_every_ceiling(
    asked: frozenset[str], ceilings: list[tuple[Factor, frozenset[str]]]
) -> None:
    found = narrow(asked, ceilings)
    expected = meaning(asked)
    for _, ceiling in ceilings:
        expected &= meaning(ceiling)
    assert meaning(found.scopes) == expected
    assert scopes.smallest(found.scopes) == found.scopes


@given(WORDS, CEILINGS)
def test_everything_asked_for_is_kept_or_was_removed_by_a_factor_that_really_lacks_it(
    asked: frozenset[str], ceilings: list[tuple[Factor, frozenset[str]]]
) -> None:
    found = narrow(asked, ceilings)
    for word in asked:
        removed = any(scopes.covers(item.scope, word) for item in found.removed)
        assert removed or scopes.satisfied(found.scopes, word)
    for item in found.removed:
        assert not scopes.satisfied(found.scopes, item.scope)
        assert any(f is item.factor and not scopes.satisfied(ceiling, item.scope) for f, ceiling in ceilings)
        assert scopes.satisfied(asked, item.scope)


@given(WORDS, CEILINGS)
def test_order_changes_who_is_blamed_and_never_what_is_granted(
    asked: frozenset[str], ceilings: list[tuple[Factor, frozenset[str]]]
) -> None:
    assert narrow(asked, ceilings).scopes == narrow(asked, reversed(ceilings)).scopes


@given(WORDS, CEILINGS)
def test_the_rule_applied_twice_is_the_rule(
    asked: frozenset[str], ceilings: list[tuple[Factor, frozenset[str]]]
) -> None:
    once = narrow(asked, ceilings)
    assert narrow(once.scopes, ceilings) == Grant(once.scopes)


@given(WORDS, WORDS, CEILINGS)
def test_asking_for_more_never_grants_less(
    asked: frozenset[str], more: frozenset[str], ceilings: list[tuple[Factor, frozenset[str]]]
) -> None:
    assert meaning(narrow(asked, ceilings).scopes) <= meaning(narrow(asked | more, ceilings).scopes)


@given(WORDS, CEILINGS)
def test_an_empty_ceiling_leaves_nothing(asked: frozenset[str], ceilings: list[tuple[Factor, frozenset[str]]]) -> None:
    assert narrow(asked, [*ceilings, (Factor.SERVER, frozenset())]).scopes == frozenset()


def test_a_word_that_comes_out_narrower_counts_as_removed_by_that_factor() -> None:
    ceilings = [(Factor.SERVER, frozenset({"a"})), (Factor.CLIENT_ROLES, frozenset({"a:x"}))]
    assert narrow(frozenset({"a", "b"}), ceilings) == Grant(
        frozenset({"a:x"}), (Removed("b", Factor.SERVER), Removed("a", Factor.CLIENT_ROLES))
    )


def test_a_shared_beginning_is_no_cover() -> None:
    assert narrow(frozenset({"ab"}), [(Factor.SERVER, frozenset({"a"}))]).scopes == frozenset()
    assert narrow(frozenset({"a:bc"}), [(Factor.SERVER, frozenset({"a:b"}))]).scopes == frozenset()
