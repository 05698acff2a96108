"""The policy: what a good token may do at one server; what nobody has mapped, nobody may do."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from accredit_sdk import scopes
from accredit_sdk.claims import AccessClaims, Actor
from accredit_sdk.decision import Decision, Effect, Mode, Reason
from accredit_sdk.errors import ScopeError
from accredit_sdk.methods import Treatment
from accredit_sdk.policy import WHOLE, Name, Policy, Target, Visibility
from tests.unit.sdk.forge import refused

CLAIMS = AccessClaims(
    iss="https://id.example", sub="usr_1", aud="https://ledger.example", client_id="app_1", scope="", iat=0, exp=1,
    jti="tok_1",
)  # fmt: skip
WORDS = st.frozensets(st.sampled_from(["ledger", "ledger:read", "ledger:read:own", "ledger:write", "report"]))
KINDS = ["tool", "prompt", "resource"]
READ = Target("tool", "read", frozenset({"ledger:read"}))
NAMES = ["a", "b", "c", "unmapped"]


def policy(*targets: Target, version: int = 7) -> Policy:
    return Policy(
        server_id="srv_1",
        resource="https://ledger.example",
        issuer="https://id.example",
        version=version,
        targets={(target.kind, target.name): target for target in targets},
        scopes=frozenset({"ledger"}),
        default_scopes=frozenset(),
    )


def holding(*words: str) -> AccessClaims:
    return structs.replace(CLAIMS, scope=scopes.render(frozenset(words)))


def call(known: Policy, claims: AccessClaims, *names: Name, treatment: Treatment = Treatment.SCOPED) -> Decision:
    return known.judge(claims, "some/method", treatment, names, "dec_1")


# ---------------------------------------------------------------- decisions


@given(st.sampled_from(KINDS), WORDS, WORDS)
def test_a_mapped_name_may_be_called_by_whoever_holds_all_that_it_needs(
    kind: str, held: frozenset[str], needs: frozenset[str]
) -> None:
    found = call(policy(Target(kind, "urn:x", needs)), holding(*held), (kind, "urn:x"))
    enough = bool(needs) and not scopes.missing(held, needs)
    assert (found.effect, found.allowed) == (Effect.ALLOW if enough else Effect.DENY, enough)
    assert found.reason is (Reason.OK if enough else Reason.INSUFFICIENT_SCOPE)
    assert (found.needed, found.missing) == (scopes.smallest(needs), scopes.missing(held, needs))


@given(WORDS, st.lists(WORDS, min_size=3, max_size=3), st.lists(st.sampled_from(NAMES), min_size=1, max_size=4))
def test_a_call_of_several_names_needs_the_scopes_of_all_of_them(
    held: frozenset[str], needs: list[frozenset[str]], named: list[str]
) -> None:
    mapped = dict(zip(NAMES, needs, strict=False))
    known = policy(*(Target("tool", name, words) for name, words in mapped.items()))
    found = call(known, holding(*held), *(("tool", name) for name in named))
    alone = [call(known, holding(*held), ("tool", name)) for name in named]
    assert found.allowed == all(one.allowed for one in alone)
    assert (found.reason is Reason.TOOL_UNMAPPED) == ("unmapped" in named)
    if "unmapped" not in named:
        assert found.needed == scopes.smallest(frozenset().union(*(mapped[name] for name in named)))


def test_a_name_that_needs_nothing_is_open_to_nobody() -> None:
    known = policy(Target("tool", "x", frozenset()))
    found = call(known, holding("ledger"), ("tool", "x"))
    assert (found.allowed, found.reason) == (False, Reason.INSUFFICIENT_SCOPE)
    assert not known.open_to("tool", "x", {"ledger"})
    assert not call(
        policy(Target("tool", "x", frozenset()), READ), holding("ledger"), ("tool", "x"), ("tool", "read")
    ).allowed


@pytest.mark.parametrize("name", ["", "other", "READ", "read ", "read\x00"])
def test_a_name_that_is_not_mapped_is_refused_whatever_is_held(name: str) -> None:
    known = policy(READ, replace(READ, kind="prompt"), replace(READ, kind="resource"))
    for kind in KINDS:
        found = call(known, holding("ledger"), (kind, name))
        assert (found.allowed, found.reason) == (False, Reason.TOOL_UNMAPPED)
        assert (found.needed, found.missing, found.destructive) == (frozenset(), frozenset(), False)
        assert not known.open_to(kind, name, {"ledger"})
        assert not known.visible(kind, name, {"ledger"})


@pytest.mark.parametrize("asked", ["tool", "prompt"])
@pytest.mark.parametrize("mapped", KINDS)
def test_a_tool_and_a_prompt_of_one_name_are_two_names(asked: str, mapped: str) -> None:
    assert call(policy(replace(READ, kind=mapped)), holding("ledger"), (asked, "read")).allowed == (asked == mapped)


@pytest.mark.parametrize("names", [(), (("tool", "read"),), (("tool", "unmapped"),)])
def test_a_free_method_needs_a_token_and_no_scope(names: tuple[Name, ...]) -> None:
    found = call(policy(READ), CLAIMS, *names, treatment=Treatment.FREE)
    assert (found.allowed, found.reason, found.needed) == (True, Reason.FREE, frozenset())


@pytest.mark.parametrize("names", [(), (("tool", "read"),), (("tool", "unmapped"),)])
def test_a_refused_method_is_refused_whatever_is_held(names: tuple[Name, ...]) -> None:
    found = call(policy(READ), holding("ledger"), *names, treatment=Treatment.REFUSED)
    assert (found.allowed, found.reason) == (False, Reason.METHOD_REFUSED)


def test_a_scoped_method_that_names_nothing_is_free() -> None:
    assert call(policy(READ), CLAIMS).reason is Reason.FREE


@given(st.sampled_from(list(Treatment)), st.lists(st.sampled_from(["read", "x"])), WORDS, st.integers(0, 2**40))
def test_a_decision_says_who_asked_for_what_and_by_which_policy(
    treatment: Treatment, named: list[str], held: frozenset[str], version: int
) -> None:
    act = Actor("https://id.example", "agt_2", act=Actor("https://id.example", "agt_1"))
    said = structs.replace(holding(*held), act=act, grant_id="grt_1")
    found = call(policy(READ, version=version), said, *(("tool", name) for name in named), treatment=treatment)
    assert (found.id, found.server, found.method) == ("dec_1", "srv_1", "some/method")
    assert found.tool == (" ".join(named) if named else None)
    assert (found.subject, found.client_id, found.grant_id) == ("usr_1", "app_1", "grt_1")
    assert (found.actors, found.policy_version, found.problem) == (("agt_2", "agt_1"), version, None)
    assert found.allowed == (found.reason in (Reason.OK, Reason.FREE))


@pytest.mark.parametrize("destructive", [True, False])
@pytest.mark.parametrize("word", ["ledger", "report"])
def test_a_decision_about_something_destructive_says_so(destructive: bool, word: str) -> None:
    found = call(policy(replace(READ, destructive=destructive)), holding(word), ("tool", "read"))
    assert found.destructive == destructive


def test_a_malformed_scope_allows_nothing() -> None:
    with pytest.raises(ScopeError):
        call(policy(READ), structs.replace(CLAIMS, scope="ledger  x"), ("tool", "read"))


# ---------------------------------------------------------------- what is seen


@pytest.mark.parametrize("visibility", list(Visibility))
@pytest.mark.parametrize("word", ["ledger", "report"])
def test_visibility_changes_what_is_seen_and_said_and_never_who_may_call(visibility: Visibility, word: str) -> None:
    known, enough = policy(replace(READ, visibility=visibility)), word == "ledger"
    found = call(known, holding(word), ("tool", "read"))
    assert found.allowed == known.open_to("tool", "read", {word}) == enough
    assert known.visible("tool", "read", {word}) == (enough or visibility is Visibility.SHOW)
    assert (found.reason is Reason.TOOL_UNMAPPED) == (not enough and visibility is Visibility.CONCEAL)


@given(st.sampled_from(KINDS), WORDS, WORDS)
def test_what_may_be_called_is_what_is_open(kind: str, held: frozenset[str], needs: frozenset[str]) -> None:
    known = policy(Target(kind, "urn:x", needs))
    assert known.open_to(kind, "urn:x", held) == call(known, holding(*held), (kind, "urn:x")).allowed


# ---------------------------------------------------------------- resources


def resource(uri: str, *needs: str, visibility: Visibility = Visibility.SHOW) -> Target:
    return Target("resource", uri, frozenset(needs), visibility=visibility)


@pytest.mark.parametrize(
    "spelt", ["notes://desk/plan", "NOTES://Desk/plan", "notes://desk/pl%61n", "notes://desk/pl%61N"]
)
def test_a_resource_is_found_in_every_spelling_of_its_uri(spelt: str) -> None:
    known = resource("Notes://DESK/pl%61n", "ledger")
    assert policy(known).find("resource", spelt) == ((known,) if spelt.endswith("n") else ())


def test_audience_confusion_a_resource_that_is_mapped_in_two_spellings_needs_the_scopes_of_both() -> None:
    one, other = resource("notes://desk/plan", "ledger"), resource("NOTES://desk/pl%61n", "report")
    for known in (policy(one, other), policy(other, one)):
        assert set(known.find("resource", "notes://desk/plan")) == {one, other}
        assert not call(known, holding("ledger"), ("resource", "notes://desk/plan")).allowed
        assert not call(known, holding("report"), ("resource", "notes://desk/plan")).allowed
        assert call(known, holding("ledger", "report"), ("resource", "notes://desk/plan")).allowed


def test_a_uri_that_fits_several_targets_needs_the_scopes_of_all_and_is_seen_by_those_who_see_all() -> None:
    exact, narrow = resource("notes://desk/plan", "ledger"), resource("notes://desk/{name}", "report")
    wide = resource("notes://{+any}", "ledger:read", visibility=Visibility.HIDE)
    known = policy(exact, narrow, wide)
    assert set(known.find("resource", "notes://desk/plan")) == {exact, narrow, wide}
    assert set(known.find("resource", "notes://desk/other")) == {narrow, wide}
    assert known.find("resource", "notes://shelf/plan/old") == (wide,)
    assert not known.open_to("resource", "notes://desk/plan", {"report", "ledger:read"})
    assert known.open_to("resource", "notes://desk/plan", {"report", "ledger"})
    assert not known.visible("resource", "notes://desk/plan", {"report"})
    assert known.visible("resource", "notes://desk/plan", {"ledger"})


def test_a_template_is_found_by_its_own_text_and_by_no_other_template() -> None:
    known = resource("notes://desk/{name}", "report")
    assert policy(known).find("resource", "notes://desk/{name}") == (known,)
    assert policy(known).find("resource", "notes://desk/{other}") == ()


@pytest.mark.parametrize(
    "uri", ["", "plan", "notes://desk/../plan", "notes://desk/%2e%2e/plan", "notes://desk%2fplan", "a b"]
)
def test_what_is_no_uri_is_no_resource_even_if_it_is_mapped(uri: str) -> None:
    assert policy(resource(uri, "ledger"), resource("{+any}", "ledger")).find("resource", uri) == ()


@pytest.mark.parametrize("template", ["notes://{", "notes://{}", "notes://{a}}", "notes://{a b}"])
def test_a_template_that_cannot_be_read_fits_nothing(template: str) -> None:
    assert policy(resource(template, "ledger")).find("resource", "notes://a") == ()


def test_a_tool_whose_name_looks_like_a_template_is_a_plain_name() -> None:
    known = replace(READ, name="x{+any}")
    assert policy(known).find("tool", "x{+any}") == (known,)
    assert policy(known).find("tool", "xy") == policy(known).find("resource", "xy") == ()


# ---------------------------------------------------------------- targets by hand


def test_targets_written_by_hand_say_what_they_are_and_need() -> None:
    tool = Target.tool("close", "ledger report", destructive=True, visibility="conceal")
    assert tool == Target("tool", "close", frozenset({"ledger", "report"}), True, False, Visibility.CONCEAL)
    assert Target.prompt("sum", "ledger", visibility="hide") == Target(
        "prompt", "sum", frozenset({"ledger"}), visibility=Visibility.HIDE
    )
    for uri in ("notes://desk/plan", "notes://desk/{name}"):
        assert Target.resource(uri, "ledger") == Target("resource", uri, frozenset({"ledger"}))


def test_targets_written_by_hand_are_refused_with_a_bad_scope_visibility_or_uri() -> None:
    for make in (Target.tool, Target.prompt, Target.resource):
        assert refused(lambda make=make: make("notes://desk", "a  b"))
        assert refused(lambda make=make: make("notes://desk", "a", visibility="public"))
    assert refused(lambda: Target.resource("plan", "a"))
    assert refused(lambda: Target.resource("notes://{", "a"))


# ---------------------------------------------------------------- the emergency brake


def denying(*denied: Name) -> Policy:
    return replace(policy(READ, Target("tool", "other", frozenset({"ledger:read"}))), denied=frozenset(denied))


def test_what_is_denied_nobody_may_use_whatever_they_hold() -> None:
    known = denying(("tool", "read"))
    found = call(known, holding("ledger"), ("tool", "read"))
    assert (found.effect, found.reason, found.missing) == (Effect.DENY, Reason.DENIED, frozenset())
    assert call(known, holding("ledger"), ("tool", "other")).reason is Reason.OK
    assert call(known, holding("ledger"), ("tool", "other"), ("tool", "read")).reason is Reason.DENIED
    assert call(denying(("prompt", "read")), holding("ledger"), ("tool", "read")).reason is Reason.OK


def test_what_is_denied_is_not_listed_and_not_open() -> None:
    known, held = denying(("tool", "read")), frozenset({"ledger"})
    assert [known.visible("tool", name, held) for name in ("read", "other")] == [False, True]
    assert [known.open_to("tool", name, held) for name in ("read", "other")] == [False, True]


def test_of_a_denied_server_not_even_what_is_free_is_open_and_what_is_not_mapped_stays_unknown() -> None:
    known, held = denying(WHOLE), frozenset({"ledger"})
    assert call(known, holding("ledger"), treatment=Treatment.FREE).reason is Reason.DENIED
    assert call(known, holding("ledger"), ("tool", "other")).reason is Reason.DENIED
    assert call(known, holding("ledger"), treatment=Treatment.REFUSED).reason is Reason.METHOD_REFUSED
    assert not known.visible("tool", "other", held)
    assert call(denying(("tool", "nowhere")), holding("ledger"), ("tool", "nowhere")).reason is Reason.TOOL_UNMAPPED


def test_a_server_that_only_observes_still_denies_what_is_denied() -> None:
    known = replace(denying(("tool", "read")), mode=Mode.OBSERVE)
    assert call(known, holding("report"), ("tool", "other")).reason is Reason.OBSERVED
    for words in ("report", "ledger"):
        assert call(known, holding(words), ("tool", "read")).reason is Reason.DENIED


def test_a_denied_resource_is_denied_in_every_spelling_that_fits_it() -> None:
    template = Target("resource", "ledger://invoice/{number}", frozenset({"ledger:read"}))
    known = replace(policy(template), denied=frozenset({("resource", "ledger://invoice/{number}")}))
    for uri in ("ledger://invoice/7", "LEDGER://invoice/7", "ledger://invoice/%37"):
        assert call(known, holding("ledger"), ("resource", uri)).reason is Reason.DENIED
