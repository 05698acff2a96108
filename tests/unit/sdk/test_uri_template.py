"""URIs of MCP resources: one spelling each, and templates that fit what they can stand for and nothing wider."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import uri_template
from tests.unit.sdk.forge import refused

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
SEGMENT = st.text(UNRESERVED + "!$&'()*+,;=:@", min_size=1, max_size=6).filter(lambda one: one not in (".", ".."))
SCHEMES = st.sampled_from(["notes", "https", "file", "x+y", "a.b-c"])


@st.composite
def normals(draw: st.DrawFn) -> str:
    """URIs in their one spelling."""
    host = draw(st.none() | st.sampled_from(["", "desk", "a.example:8000"]))
    path = "/".join(draw(st.lists(SEGMENT, min_size=1, max_size=3)))
    query = draw(st.sampled_from(["", "?", "?a=b", "?a=%2F", "#x"]))
    return f"{draw(SCHEMES)}:{path if host is None else f'//{host}/{path}'}{query}"


@given(normals())
def test_a_normal_uri_stays_as_it_is(uri: str) -> None:
    assert uri_template.normal(uri) == uri


@given(normals(), st.data())
def test_spellings_of_the_same_have_one_normal_form(uri: str, data: st.DataObject) -> None:
    spelt = "".join(
        f"%{ord(one):02x}" if one in UNRESERVED and at > uri.index(":") and data.draw(st.booleans()) else one
        for at, one in enumerate(uri)
    )
    scheme, colon, rest = spelt.partition(":")
    cased = data.draw(st.sampled_from([str.upper, str.title, str.lower]))
    if "%2" not in uri:
        assert uri_template.normal(cased(scheme) + colon + rest) == uri


@given(st.text(max_size=20) | st.text("aA:/.%2eEfF?#\\ é", max_size=20).map("x:{}".format))
def test_any_text_is_refused_or_has_a_normal_form_that_stays(text: str) -> None:
    if not refused(lambda: uri_template.normal(text)):
        found = uri_template.normal(text)
        assert uri_template.normal(found) == found


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("NOTES://Desk/Plan", "notes://desk/Plan"), ("URN:A:B", "urn:A:B"), ("notes:", "notes:"),
        ("notes://desk", "notes://desk"), ("notes:///a", "notes:///a"), ("notes://desk/%c3%a9", "notes://desk/%C3%A9"),
        ("notes://desk/a%20b", "notes://desk/a%20b"), ("notes://desk/%2541", "notes://desk/%2541"),
        ("notes://desk/a?b=%2f", "notes://desk/a?b=%2F"), ("notes://desk/é", "notes://desk/é"),
    ],
)  # fmt: skip
def test_spellings_have_the_form_that_the_rfc_says(uri: str, expected: str) -> None:
    assert uri_template.normal(uri) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "", "plan", "/plan", "//desk/plan", ":a", "1:a", "é:a", "notes://desk/..", "notes://desk/../a", "notes:..",
        "a:./b", "notes://desk/%2e%2E/a", "notes://desk/.%2e", "notes://desk/a%2fb", "notes://desk/a%5Cb",
        "notes://de%2fsk/a", "notes://desk/a\\b", "notes://desk/%00", "notes://desk/%0a", "notes://desk/%7f", "notes://desk/a?b=%00",
        "a:b#%0d", "notes://desk/%", "notes://desk/a%%32fb", "notes://desk/%%32%65", "a:b?%", "a:b#%2",
        "notes://desk/%zz", "notes://desk/a b", "notes://desk/\n", 'a:"', "a:<", "a:{b}", "a:`", "a:^",
        "notes:" + "a" * 4091,
    ],
)  # fmt: skip
def test_what_is_no_uri_or_two_places_at_once_is_refused(uri: str) -> None:
    assert refused(lambda: uri_template.normal(uri))


def test_a_uri_has_at_most_4096_characters() -> None:
    assert uri_template.normal("notes:" + "a" * 4090) == "notes:" + "a" * 4090


# ---------------------------------------------------------------- templates


def fits(template: str, uri: str) -> bool:
    return uri_template.pattern(template).fullmatch(uri_template.normal(uri)) is not None


@given(SCHEMES, st.lists(SEGMENT, min_size=1, max_size=3), st.data())
def test_a_template_fits_every_uri_that_it_can_stand_for(scheme: str, parts: list[str], data: st.DataObject) -> None:
    variable = [data.draw(st.booleans()) for _ in parts]
    path = "/".join(f"{{v{at}}}" if free else part for at, (part, free) in enumerate(zip(parts, variable, strict=True)))
    template = f"{scheme}://desk/{path}"
    uri = f"{scheme}://desk/{'/'.join(parts)}"
    assert fits(template, uri)
    assert uri_template.is_template(template) == any(variable)
    assert not fits(template, uri + "/deeper")
    assert not fits(template, uri.replace("desk", "shelf", 1))
    changed = [part if free else part + "x" for part, free in zip(parts, variable, strict=True)]
    assert fits(template, f"{scheme}://desk/{'/'.join(changed)}") == all(variable)


@pytest.mark.parametrize(
    ("template", "uri", "expected"),
    [
        ("notes://{a}", "notes://desk", True), ("notes://{a}", "notes://desk/plan", False),
        ("notes://{a}", "notes://desk?b", False), ("notes://{a}", "notes://desk#b", False),
        ("notes://{a}/{b}", "notes://desk/plan", True), ("notes://{a,b}", "notes://x,y", True),
        ("notes://{a:3}", "notes://abc", True), ("notes://d/{.ext}", "notes://d/.txt", True),
        ("notes://d{;p}", "notes://d;p=1", True), ("notes://d{;p}", "notes://d/p", False),
        ("notes://{+a}", "notes://desk/plan/old?b#c", True), ("notes://d{/a}", "notes://d/x/y", True),
        ("notes://d{#a}", "notes://d#x", True), ("notes://{a*}", "notes://x/y", True),
        ("notes://d{?q}", "notes://d?q=1", True), ("notes://d{?q}", "notes://d", True),
        ("notes://d{?q}", "notes://dx", False),
        ("notes://d{?q}", "notes://d?q#x", False), ("notes://d?a=b{&q}", "notes://d?a=b&q=1", True),
        ("notes://a.b/{x}", "notes://axb/1", False), ("NOTES://d/{a}", "notes://d/x", True),
        ("notes://d/%7E{a}", "notes://d/~x", True), ("notes://d/%c3%a9{a}", "notes://d/%C3%A9", True),
        ("notes://d/{a}(b)", "notes://d/x(b)", True), ("a:{b}", "a:c", True),
    ],
)  # fmt: skip
def test_expressions_are_as_wide_as_the_house_says(template: str, uri: str, expected: bool) -> None:
    assert fits(template, uri) == expected


@pytest.mark.parametrize(
    "template", ["x:{", "x:}", "x:{}", "x:{a", "x:{a}}", "x:{{a}}", "x:{a b}", "x:{!a}", "x:{a}%00{b}"]
)
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    assert refused(lambda: uri_template.pattern(template))
