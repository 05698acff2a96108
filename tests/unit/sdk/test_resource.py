"""Resources: one spelling each, so that comparing them byte by byte is enough, and no spelling for what is hostile."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit_sdk import resource
from accredit_sdk.errors import ResourceError

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
HOSTS = st.sampled_from(["ledger.example", "a", "a-b.example", "xn--bcher-kva.example", "192.0.2.1", "_dns.example"])
SEGMENTS = st.lists(
    st.text(UNRESERVED + "!$&'()*+,;=:@", min_size=1, max_size=5) | st.sampled_from(["%20", "%C3%A9", "%25", "%3F"]),
    min_size=1,
    max_size=3,
).map("".join)
PATHS = st.lists(SEGMENTS.filter(lambda one: one not in (".", "..")), max_size=3).map(
    lambda parts: "".join(f"/{part}" for part in parts)
)
PORTS = st.none() | st.integers(1, 65535).filter(lambda port: port != 443)


def refused(uri: str) -> bool:
    try:
        resource.canonical(uri)
    except ResourceError:
        return True
    return False


@st.composite
def canonical(draw: st.DrawFn) -> str:
    port = draw(PORTS)
    return f"https://{draw(HOSTS)}{'' if port is None else f':{port}'}{draw(PATHS)}"


@st.composite
def respelt(draw: st.DrawFn, uri: str) -> str:
    """The same identifier in another spelling (RFC 3986, 6.2.2 and 6.2.3)."""
    scheme, _, rest = uri.partition("://")
    authority, slash, path = rest.partition("/")
    cased = draw(st.sampled_from([str.upper, str.lower, str.title]))
    spelt, at = "", 0
    while at < len(path):
        if path[at] == "%":
            spelt += draw(st.sampled_from([str.upper, str.lower]))(path[at : at + 3])
            at += 3
        else:
            hidden = path[at] in UNRESERVED and draw(st.integers(0, 3)) == 0
            spelt += draw(st.sampled_from(["%{:02x}", "%{:02X}"])).format(ord(path[at])) if hidden else path[at]
            at += 1
    authority = authority + ":443" if ":" not in authority and draw(st.booleans()) else authority
    slash = "/" if not path and draw(st.booleans()) else slash
    return f"{cased(scheme)}://{cased(authority)}{slash}{spelt}"


@given(canonical())
def test_a_canonical_identifier_stays_as_it_is(uri: str) -> None:
    assert resource.canonical(uri) == uri


@given(st.data(), canonical())
def test_two_spellings_of_the_same_agree(data: st.DataObject, uri: str) -> None:
    one, other = data.draw(respelt(uri)), data.draw(respelt(uri))
    assert resource.canonical(one) == resource.canonical(other) == uri
    assert resource.same(one, other)


@given(canonical(), canonical())
def test_two_identifiers_are_the_same_only_if_they_are_equal(a: str, b: str) -> None:
    assert resource.same(a, b) == (a == b)


@given(st.text(max_size=30) | st.text("hHtTpPsS:/.%2eEfF0aZ[]@?#\\ \t\n", max_size=30).map("https://a{}".format))
def test_any_text_is_refused_or_has_one_canonical_form_that_others_read_alike(text: str) -> None:
    if refused(text):
        assert not resource.same(text, text)
        return
    found = resource.canonical(text)
    assert resource.canonical(found) == found
    parts = urlsplit(found)
    assert (parts.scheme, parts.username, parts.query, parts.fragment) == ("https", None, "", "")
    assert found == f"https://{parts.netloc}{parts.path}"


@pytest.mark.parametrize(
    ("given_as", "expected"),
    [
        ("HTTPS://Ledger.Example", "https://ledger.example"),
        ("https://ledger.example/", "https://ledger.example"),
        ("https://ledger.example:443/", "https://ledger.example"),
        ("https://ledger.example:8443/mcp", "https://ledger.example:8443/mcp"),
        ("https://ledger.example/MCP", "https://ledger.example/MCP"),
        ("https://ledger.example/mcp/", "https://ledger.example/mcp/"),
        ("https://ledger.example/%7emcp/%c3%a9", "https://ledger.example/~mcp/%C3%A9"),
        ("https://ledger.example/%2541", "https://ledger.example/%2541"),
        ("https://ledger.example/a;b=c,d", "https://ledger.example/a;b=c,d"),
        ("http://localhost:80/mcp", "http://localhost/mcp"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/mcp", "http://[::1]:8000/mcp"),
        ("http://[0:0:0:0:0:0:0:1]/mcp", "http://[::1]/mcp"),
        ("https://[2001:DB8::0:1]/mcp", "https://[2001:db8::1]/mcp"),
        ("https://localhost:80", "https://localhost:80"),
    ],
)
def test_spellings_have_the_form_that_the_house_says(given_as: str, expected: str) -> None:
    assert resource.canonical(given_as) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "", " ", "ledger.example", "/mcp", "//ledger.example", "https:", "https://", "https:///mcp", "https:/a",
        "urn:a:b", " https://a.example", "https://a.example ", "https://a.example/\n", "https://a.example/a b",
        "https://a.example/é", "https://a.example/a\x00", "https://a.example/\t", "https://é.example", "https://a\u3002example",
        "ftp://a.example", "ws://a.example", "javascript://a.example/%0aalert(1)", "http\u017f://a.example", "http+unix://a.example",
    ],
)  # fmt: skip
def test_what_is_no_absolute_https_uri_in_ascii_is_refused(uri: str) -> None:
    assert refused(uri)


@pytest.mark.parametrize("ending", ["?", "?a=b", "#", "#a", "?#", "/?a", "/mcp#a"])
def test_query_and_fragment_are_refused_also_when_they_are_empty(ending: str) -> None:
    assert refused(f"https://ledger.example{ending}")


@pytest.mark.parametrize("user", ["user@", "user:password@", "@", ":@", "ledger.example@", "ledger.example:443@"])
def test_audience_confusion_a_user_before_the_host_is_refused(user: str) -> None:
    assert refused(f"https://{user}evil.example/mcp")


@pytest.mark.parametrize(
    "host", ["ledger.example", "localhost.example", "127.0.0.2", "127.1", "0.0.0.0", "[::2]", "localhost.", "10.0.0.1"]
)
def test_plain_http_is_for_loopback_hosts_alone(host: str) -> None:
    assert refused(f"http://{host}/mcp")


@pytest.mark.parametrize(
    "host",
    [
        "1", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "a.0x1", "127.0.0.01", "1.2.3.4.5", "256.0.0.1", "a.1",
        "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::1", "::1", "[:::1]", "[::1%25eth0]", "[v1.a]", "[]", "[1:2]",
        "a..b", ".a", "a.", "-a.example", "a-.example", "a" * 64, ".".join(["a" * 63] * 4), "a%2eb", "a,b", "*.example",
    ],
)  # fmt: skip
def test_a_host_that_readers_take_differently_is_refused(host: str) -> None:
    assert refused(f"https://{host}/mcp")


def test_a_host_has_labels_of_63_and_253_characters_at_most() -> None:
    longest = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert resource.canonical(f"https://{longest}") == f"https://{longest}"


@pytest.mark.parametrize("port", ["", "0", "00443", "0443", "65536", "99999", "100000", "-1", "+1", "a", "443a", "1:2"])
def test_a_port_is_a_number_from_1_to_65535_in_one_spelling(port: str) -> None:
    assert refused(f"https://ledger.example:{port}/mcp")
    assert resource.canonical("https://ledger.example:65535/mcp").endswith(":65535/mcp")


@pytest.mark.parametrize(
    "path",
    [
        "/.", "/..", "/a/..", "/a/./b", "/../a", "/%2e", "/%2E%2e/a", "/.%2e", "/a/%2e%2E",
        "//", "//a", "/a//", "/a//b", "/%2f", "/a%2Fb", "/%5c", "/a%5Cb", "/a\\b",
        "/%00", "/%0a", "/%0D%0A", "/%1f", "/%7F", "/%", "/%4", "/%zz", "/%%41", '/a"b', "/<a>", "/{a}",
         "/a|b", "/a^b", "/`",
    ],
)  # fmt: skip
def test_a_path_that_readers_take_differently_is_refused(path: str) -> None:
    assert refused(f"https://ledger.example{path}")


def test_an_identifier_has_at_most_2048_characters() -> None:
    uri = "https://ledger.example/".ljust(2048, "a")
    assert resource.canonical(uri) == uri
    assert refused(uri + "a")


def test_what_is_no_identifier_is_the_same_as_nothing() -> None:
    assert not resource.same("nonsense", "nonsense")
    assert not resource.same("https://ledger.example", "nonsense")


# ---------------------------------------------------------------- metadata


@given(canonical())
def test_the_metadata_is_at_the_well_known_path_between_host_and_path(uri: str) -> None:
    parts = urlsplit(uri)
    expected = f"/.well-known/oauth-protected-resource{parts.path}"
    assert resource.metadata_path(uri) == expected
    assert resource.metadata_url(uri) == f"https://{parts.netloc}{expected}"


def test_the_metadata_is_at_one_place_however_the_resource_is_spelt() -> None:
    for spelt in ("HTTPS://LEDGER.example:443", "https://ledger.example/"):
        assert resource.metadata_url(spelt) == "https://ledger.example/.well-known/oauth-protected-resource"
        assert resource.metadata_path(spelt) == resource.WELL_KNOWN


@pytest.mark.parametrize("find", [resource.metadata_url, resource.metadata_path])
def test_what_is_no_identifier_has_no_metadata(find: object) -> None:
    assert callable(find)
    with pytest.raises(ResourceError):
        find("https://ledger.example/#a")
