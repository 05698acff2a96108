"""What a request names is found in the policy in every spelling, and judged by all that it could be."""

from dataclasses import replace

import pytest

from accredit_sdk.claims import AccessClaims
from accredit_sdk.decision import Decision, Effect, Reason
from accredit_sdk.methods import Treatment
from accredit_sdk.policy import Policy, Target, Visibility


def target(kind: str, name: str, *needs: str, **more: object) -> Target:
    return Target(kind, name, frozenset(needs), **more)  # type: ignore[arg-type]


TARGETS = [
    target("tool", "read", "book:read"),
    target("tool", "purge", "book:purge", destructive=True),
    target("tool", "open"),
    target("tool", "hidden", "book:write", visibility=Visibility.HIDE),
    target("tool", "secret", "book:secret", visibility=Visibility.CONCEAL),
    target("prompt", "read", "book:prompt"),
    target("resource", "BOOK://Shelf/%31", "book:one"),
    target("resource", "book://shelf/{id}", "book:read"),
    target("resource", "book://shelf/{+path}", "book"),
    target("resource", "book://shelf/{broken", "book:read"),
    target("resource", "not a uri", "book:read"),
]
WIDE = Target.resource("notes://{id}", "notes:read")
POLICY = Policy(
    server_id="srv",
    resource="https://tools.example/mcp",
    issuer="https://id.example",
    version=5,
    targets={(one.kind, one.name): one for one in TARGETS},
    scopes=frozenset(),
    default_scopes=frozenset(),
)


def claims(scope: str) -> AccessClaims:
    return AccessClaims(iss="i", sub="s", aud="a", client_id="c", scope=scope, iat=0, exp=1, jti="j", grant_id="g")


def judged(scope: str, *names: tuple[str, str], treatment: Treatment = Treatment.SCOPED) -> Decision:
    return POLICY.judge(claims(scope), "tools/call", treatment, names, "dec")


def found(kind: str, name: str) -> set[str]:
    return {one.name for one in POLICY.find(kind, name)}


def test_a_tool_and_a_prompt_of_one_name_are_two_things() -> None:
    assert [one.needs for one in POLICY.find("tool", "read")] == [{"book:read"}]
    assert [one.needs for one in POLICY.find("prompt", "read")] == [{"book:prompt"}]
    assert not POLICY.find("tool", "Read")
    assert not POLICY.find("resource", "read")


@pytest.mark.parametrize("uri", ["book://shelf/1", "BOOK://SHELF/1", "book://shelf/%31"])
def test_a_uri_is_all_that_it_fits_however_it_is_spelt(uri: str) -> None:
    assert found("resource", uri) == {"BOOK://Shelf/%31", "book://shelf/{id}", "book://shelf/{+path}"}


def test_a_uri_that_only_templates_fit_is_found() -> None:
    assert found("resource", "book://shelf/2") == {"book://shelf/{id}", "book://shelf/{+path}"}
    assert found("resource", "book://shelf/2/3") == {"book://shelf/{+path}"}
    assert found("resource", "book://other/2") == set()


def test_a_template_is_found_by_its_own_text_and_one_that_cannot_be_read_matches_no_uri() -> None:
    assert found("resource", "book://shelf/{id}") == {"book://shelf/{id}"}
    assert found("resource", "book://shelf/{broken") == {"book://shelf/{broken"}
    assert found("resource", "book://shelf/{other}") == set()
    assert found("resource", "not a uri") == set()


def test_a_uri_that_climbs_is_found_nowhere() -> None:
    for uri in ("book://shelf/../x", "book://shelf/%2e%2e/x", "book://shelf/a%2f..", "book://shelf/\n"):
        assert found("resource", uri) == set()


@pytest.mark.parametrize(
    ("name", "held", "seen"),
    [
        ("read", "", True),
        ("hidden", "", False),
        ("hidden", "book:write", True),
        ("hidden", "book", True),
        ("secret", "book:read", False),
        ("secret", "book:secret", True),
        ("unheard-of", "book", False),
    ],
)
def test_a_name_is_seen_as_its_visibility_says(name: str, held: str, seen: bool) -> None:
    assert POLICY.visible("tool", name, frozenset({held})) is seen


@pytest.mark.parametrize(
    ("name", "held", "may"),
    [("read", "book:read", True), ("read", "x", False), ("open", "book", False), ("unheard-of", "book", False)],
)
def test_a_name_is_open_to_whoever_holds_its_scopes_and_one_without_scopes_to_nobody(
    name: str, held: str, may: bool
) -> None:
    assert POLICY.open_to("tool", name, frozenset({held})) is may


@pytest.mark.parametrize(
    ("decision", "effect", "reason"),
    [
        (judged("book:read", ("tool", "read")), Effect.ALLOW, Reason.OK),
        (judged("", ("tool", "read")), Effect.DENY, Reason.INSUFFICIENT_SCOPE),
        (judged("book", ("tool", "unheard-of")), Effect.DENY, Reason.TOOL_UNMAPPED),
        (judged("book", ("tool", "read"), ("tool", "unheard-of")), Effect.DENY, Reason.TOOL_UNMAPPED),
        (judged("book", ("tool", "open")), Effect.DENY, Reason.INSUFFICIENT_SCOPE),
        (judged("book:read"), Effect.ALLOW, Reason.FREE),
        (judged("", ("tool", "read"), treatment=Treatment.FREE), Effect.ALLOW, Reason.FREE),
        (judged("book", ("tool", "read"), treatment=Treatment.REFUSED), Effect.DENY, Reason.METHOD_REFUSED),
    ],
)
def test_a_call_is_judged_by_all_that_it_names(decision: Decision, effect: Effect, reason: Reason) -> None:
    assert (decision.effect, decision.reason, decision.allowed) == (effect, reason, effect is Effect.ALLOW)
    assert (decision.id, decision.server, decision.policy_version) == ("dec", "srv", 5)
    assert (decision.subject, decision.client_id, decision.actors, decision.grant_id) == ("s", "c", ("c",), "g")


def test_what_a_call_needs_and_misses_is_the_smallest_set_over_all_names() -> None:
    decision = judged("book:read", ("tool", "read"), ("tool", "purge"))
    assert (decision.needed, decision.missing) == ({"book:read", "book:purge"}, {"book:purge"})
    assert decision.tool == "read purge"
    assert decision.destructive
    whole = judged("book:read", ("resource", "book://shelf/1"))
    assert (whole.needed, whole.missing) == ({"book"}, {"book"})


def test_a_concealed_name_is_concealed_only_from_whoever_may_not_use_it() -> None:
    assert judged("book:read", ("tool", "secret")).reason is Reason.TOOL_UNMAPPED
    assert judged("book:read", ("tool", "secret")).missing
    assert judged("book:read", ("tool", "read"), ("tool", "secret")).reason is Reason.TOOL_UNMAPPED
    assert judged("book:secret", ("tool", "secret")).reason is Reason.OK
    assert judged("", ("tool", "hidden")).reason is Reason.INSUFFICIENT_SCOPE


@pytest.mark.parametrize(
    ("mapped", "asked"),
    [
        ("notes://team@hq", "notes://team%40hq"),
        ("notes://caf\u00e9", "notes://caf%C3%A9"),
        ("notes://caf%C3%A9", "notes://caf\u00e9"),
        ("notes://team@{room}", "notes://team%40hq"),
    ],
)
def test_what_a_server_could_take_for_another_resource_needs_the_scopes_of_both(mapped: str, asked: str) -> None:
    own = Target.resource(mapped, "notes:admin")
    known = replace(POLICY, targets={("resource", one.name): one for one in (WIDE, own)})
    assert {one.name for one in known.find("resource", asked)} == {"notes://{id}", mapped}
    assert not known.open_to("resource", asked, {"notes:read"})
    assert known.open_to("resource", asked, {"notes:read", "notes:admin"})
