"""Modes: what a server that observes lets through, and what a dry run says beside the decision."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import scopes, snapshot
from accredit_sdk.decision import Decision, Effect, Mode, Reason
from accredit_sdk.methods import Treatment
from accredit_sdk.policy import Policy, Target, Visibility
from accredit_sdk.snapshot import ServerEntry, SnapshotError, TargetEntry
from tests.unit.sdk.test_policy import WORDS, holding, policy

TARGETS = st.builds(
    Target, st.just("tool"), st.just("a"), WORDS, st.booleans(), st.booleans(), st.sampled_from(Visibility)
)
TOOL = ("tool", "a")


def judged(known: Policy, held: frozenset[str], treatment: Treatment = Treatment.SCOPED, *names: str) -> Decision:
    return known.judge(
        holding(*held), "tools/call", treatment, tuple(("tool", name) for name in names or ("a",)), "dec_1"
    )


@given(TARGETS, WORDS, st.sampled_from(Treatment), st.sampled_from(["a", "unmapped"]))
def test_observing_lets_through_what_lacks_scopes_and_does_not_destroy_and_nothing_else(
    target: Target, held: frozenset[str], treatment: Treatment, name: str
) -> None:
    strict = policy(target)
    before = judged(strict, held, treatment, name)
    after = judged(replace(strict, mode=Mode.OBSERVE), held, treatment, name)
    if before.reason is Reason.INSUFFICIENT_SCOPE and not target.destructive and target.needs:
        assert (after.effect, after.reason) == (Effect.ALLOW, Reason.OBSERVED)
    else:
        assert (after.effect, after.reason) == (before.effect, before.reason)
    assert (after.needed, after.missing) == (before.needed, before.missing)
    assert (before.mode, after.mode) == (Mode.ENFORCE, Mode.OBSERVE)


@given(TARGETS, TARGETS, WORDS)
def test_of_several_names_one_that_destroys_or_is_concealed_is_enough_to_be_refused(
    one: Target, other: Target, held: frozenset[str]
) -> None:
    known = replace(policy(one, replace(other, name="b")), mode=Mode.OBSERVE)
    found = judged(known, held, Treatment.SCOPED, "a", "b")
    spared = [target.destructive or target.visibility is Visibility.CONCEAL for target in (one, other)]
    assert not (found.reason is Reason.OBSERVED and any(spared))


@given(TARGETS, TARGETS, WORDS)
def test_a_dry_run_decides_as_before_and_tells_what_the_candidate_says(
    now: Target, then: Target, held: frozenset[str]
) -> None:
    known, candidate = policy(now), policy(then)
    found = judged(replace(known, mode=Mode.DRY_RUN, candidate=candidate), held)
    alone, other = judged(known, held), judged(candidate, held)
    assert (found.effect, found.reason, found.missing) == (alone.effect, alone.reason, alone.missing)
    assert (found.candidate, found.candidate_missing) == (other.reason, other.missing)
    assert (alone.candidate, alone.candidate_missing) == (None, frozenset())


@given(TARGETS, WORDS, st.sampled_from(Mode))
def test_what_is_told_of_a_name_is_what_could_be_used(target: Target, held: frozenset[str], mode: Mode) -> None:
    known = replace(policy(target), mode=mode)
    assert known.open_to(*TOOL, held) is judged(known, held).allowed
    # Observing changes what is refused, and never what is shown.
    assert known.visible(*TOOL, held) is policy(target).visible(*TOOL, held)


def test_a_name_that_is_not_mapped_is_open_to_nobody_in_any_mode() -> None:
    for mode in Mode:
        assert not replace(policy(), mode=mode).open_to(*TOOL, frozenset({"ledger"}))


def entry(candidate: list[TargetEntry] | None = None) -> ServerEntry:
    return ServerEntry(
        id="srv_1", resource="https://ledger.example", suspended=False, scopes=["a"], default_scopes=[],
        targets=[TargetEntry("tool", "a", ["a"])], candidate=candidate,
    )  # fmt: skip


def test_the_policy_of_a_dry_run_comes_with_its_candidate() -> None:
    found = snapshot.policy_of(entry([TargetEntry("tool", "a", ["b"])]), "https://id.example", 7, Mode.DRY_RUN)
    assert found.mode is Mode.DRY_RUN
    assert found.candidate is not None
    assert found.candidate.mode is Mode.ENFORCE
    assert found.candidate.targets[TOOL].needs == {"b"}
    assert found.candidate.candidate is None
    assert snapshot.policy_of(entry(), "https://id.example", 7).candidate is None


def test_a_candidate_that_cannot_be_understood_is_refused() -> None:
    with pytest.raises(SnapshotError):
        snapshot.policy_of(entry([TargetEntry("tool", "a", ["b"], visibility="maybe")]), "https://id.example", 7)


def test_scopes_that_are_held_are_enough_in_every_mode() -> None:
    target = Target.tool("a", "ledger:read", destructive=True)
    for mode in Mode:
        found = judged(replace(policy(target), mode=mode), scopes.parse("ledger"))
        assert found.reason is Reason.OK
