"""URIs have one spelling, and templates match what they can stand for and nothing that a reader could climb out of."""

import re
import time
from urllib.parse import quote

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from accredit_sdk.errors import ResourceError
from accredit_sdk.uri_template import LONGEST, Template, is_template, normal


@pytest.mark.parametrize(
    ("uri", "spelling"),
    [
        ("LEDGER://Book/1", "ledger://book/1"),
        ("ledger://b/%7Euser/%41", "ledger://b/~user/A"),
        ("ledger://b/a%20b%c3%a4", "ledger://b/a%20b%C3%A4"),
        ("ledger://b?Q=%41#F%42", "ledger://b?Q=A#FB"),
        ("ledger:///etc", "ledger:///etc"),
        ("urn:ISBN:%31", "urn:ISBN:1"),
        ("ledger://B%c3%84:80/x", "ledger://b%c3%84:80/x"),
        ("ledger://b/a..b/...", "ledger://b/a..b/..."),
        ("ledger://b/x?path=../..", "ledger://b/x?path=../.."),
        ("ledger://bücher/ä", "ledger://bücher/ä"),
    ],
)
def test_a_uri_has_one_spelling(uri: str, spelling: str) -> None:
    assert normal(uri) == spelling
    assert normal(spelling) == spelling


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "book/1",
        "//book/1",
        "1ledger://b",
        "ledger://b/" + "x" * LONGEST,
        "ledger://b/a b",
        "ledger://b/\n",
        'ledger://b/"',
        "ledger://b/{id}",
        "ledger://b\\c",
        "ledger://b/%",
        "ledger://b/%4",
        "ledger://b/%zz",
        "ledger://b/%%32f",
        "ledger://b/\x00",
        "ledger://b/%00",
        "ledger://b/x?%0a",
        "ledger://b/x#%7f",
    ],
)
def test_what_is_no_uri_has_no_spelling(uri: str) -> None:
    with pytest.raises(ResourceError):
        normal(uri)


@pytest.mark.parametrize(
    "path",
    [
        "/..",
        "/.",
        "/../x",
        "/x/./y",
        "/x/%2e%2E/y",
        "/x/.%2e",
        "/..;a=b/x",
        "/.;/x",
        "/..%3b/x",
        "/x%2fy",
        "/x%5Cy",
        "/%252e%252e/x",
        "/%25%32%65",
        "/x%252fy",
        "..",
        "../x",
    ],
)
def test_a_path_that_two_readers_could_take_for_different_places_is_refused(path: str) -> None:
    for start in ("ledger:", "ledger://b") if path.startswith("/") else ("ledger:",):
        with pytest.raises(ResourceError):
            normal(start + path)


def test_an_encoded_slash_in_the_host_is_refused() -> None:
    for host in ("b%2fc", "b%5cc", "b%252fc"):
        with pytest.raises(ResourceError):
            normal(f"ledger://{host}/x")


URIS = st.from_regex(
    r"[A-Za-z][a-z+.]{0,3}:(//[A-Za-z%2EeFf.]{0,6})?[/.;%0-9A-Fa-f]{0,20}([?#].{0,5})?", fullmatch=True
)


@given(URIS)
@example("a://%%32f")
@example("a:/%25%32%65%25%32%65/")
@example("a://İ")
def test_the_spelling_of_a_spelling_is_itself_and_no_decoding_finds_dot_segments_in_its_path(uri: str) -> None:
    try:
        found = normal(uri)
    except ResourceError:
        return
    assert normal(found) == found
    path = re.sub(r"[?#].*", "", found.partition(":")[2], flags=re.DOTALL)
    for _ in range(2):
        path = re.sub(r"%([0-9A-Fa-f]{2})", lambda one: chr(int(one[1], 16)), path)
        segments = re.split(r"[/\\]", path)
        assert not {".", ".."} & {segment.partition(";")[0] for segment in segments[2 * path.startswith("//") :]}


@pytest.mark.parametrize(
    ("template", "fits", "differs"),
    [
        ("ledger://book/{id}", ["ledger://book/1", "ledger://book/"], ["ledger://book/1/2", "ledger://book/1?x", "x"]),
        ("LEDGER://Book/X{id}", ["ledger://book/X1"], ["ledger://book/x1"]),
        ("ledger://{Host}.Example/{id}/y", ["ledger://a.example/1/y"], ["ledger://a.example/1/2/y"]),
        ("file:///{+path}", ["file:///a/b", "file:///"], ["file://h/a"]),
        ("file:///x{/path*}", ["file:///x/a/b"], ["file:///y"]),
        ("file:///x{#part}", ["file:///x#a"], ["file:///y"]),
        ("db://h/{list*}", ["db://h/a/b"], ["db://i/a"]),
        ("db://h/{a}{b}{c}/z", ["db://h/1/z"], ["db://h/1/2/z"]),
        ("db://h/q{?a,b}", ["db://h/q", "db://h/q?a=1&b=2"], ["db://h/q#a", "db://h/qa"]),
        ("db://h/{t}{?a}", ["db://h/q?a=1"], ["db://h/q/r?a=1"]),
        ("db://h/q?x=1{&a}", ["db://h/q?x=1&a=2"], ["db://h/q?x=2"]),
        ("db://h/x{.ext}", ["db://h/x.json"], ["db://h/x/json"]),
        ("img://h/{n}-{w}.png", ["img://h/a-b-1.png"], ["img://h/a.png"]),
        ("urn:isbn:{n}", ["urn:isbn:1"], ["urn:issn:1"]),
        ("db://h/%7E{user:3}/%c3%a4", ["db://h/~me/%C3%A4"], ["db://h/~me/ä"]),
    ],
)
def test_a_template_matches_what_it_can_stand_for(template: str, fits: list[str], differs: list[str]) -> None:
    assert is_template(template)
    found = Template(template)
    for uri in fits:
        assert normal(uri) == uri
        assert found.fits(uri), uri
    for uri in differs:
        assert not found.fits(uri), uri


@pytest.mark.parametrize(
    "template",
    ["db://{", "db://}", "db://{}", "db://{a b}", "db://{{a}}", "db://{|a}", "db://%00{a}"],
)
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    with pytest.raises(ResourceError):
        Template(template)


def test_no_uri_keeps_a_template_busy() -> None:
    found = Template("x://{+a}-{+b}-{c}-{d}{?e}-{f*}/end")
    began = time.process_time()
    assert not found.fits("x://" + "-" * (LONGEST - 4))
    assert time.process_time() - began < 1


NAMES = st.sampled_from(["{a}", "{+a}", "{/a}", "{?a}", "{a*}"])
TEXTS = st.text(st.sampled_from("aB9-/?"), max_size=5)


@given(st.lists(st.tuples(TEXTS, NAMES, st.text(max_size=6)), max_size=3), TEXTS)
def test_an_expansion_of_a_template_fits_it(parts: list[tuple[str, str, str]], end: str) -> None:
    template, uri = "X://Host/", "X://Host/"
    for text, name, value in parts:
        template += text + name
        kept = quote(value, safe="/?") if name == "{+a}" else quote(value, safe="")
        uri += text + {"{/a}": "/", "{?a}": "?a="}.get(name, "") + kept
    try:
        spelling = normal(uri + end)
        found = Template(template + end)
    except ResourceError:
        assume(False)
    assert found.fits(spelling), (template + end, spelling)
