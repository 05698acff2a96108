"""Redirect URIs: one reading each, no way around, and of a loopback redirect only the port may differ."""

import posixpath
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accredit.oauth.redirect_uri import LONGEST, RedirectError, RedirectKind, matches, registrable

GOOD = {
    "https://app.example/callback": RedirectKind.HTTPS,
    "https://app.example": RedirectKind.HTTPS,
    "https://app.example/": RedirectKind.HTTPS,
    "https://app.example:8443/a/b-c_d.e~f;v=1?x=a%20b&y=z": RedirectKind.HTTPS,
    "https://192.0.2.1/cb": RedirectKind.HTTPS,
    "https://[2001:db8::1]/cb": RedirectKind.HTTPS,
    "https://xn--bcher-kva.example/cb": RedirectKind.HTTPS,
    "https://localhost/cb": RedirectKind.HTTPS,
    "http://127.0.0.1/": RedirectKind.LOOPBACK,
    "http://127.0.0.1:33418/": RedirectKind.LOOPBACK,
    "http://[::1]:8000/cb": RedirectKind.LOOPBACK,
    "http://localhost/callback": RedirectKind.LOOPBACK,
    "com.example.app:/callback": RedirectKind.PRIVATE_USE,
    "com.example.app://host/callback": RedirectKind.PRIVATE_USE,
    "com.example.app:///callback": RedirectKind.PRIVATE_USE,
}
BAD = [
    "", "x" * (LONGEST + 1), "https://app.example/" + "x" * LONGEST, "callback", "/callback", "//app.example/cb",
    "app.example/cb", ":", "https:", "https:/", "https:///cb", "https:app.example/cb", "https:/app.example/cb",
    "HTTPS://app.example/cb", "Https://app.example/cb", "https://APP.example/cb", "https://app.example/cb ",
    " https://app.example/cb", "https://app.example/cb\t", "https://app.example/cb\n", "\thttps://app.example/cb",
    "https://app.example/\x00", "https://app.example/\t//evil.example", "https://app.example\\@evil.example/cb",
    "https://app.example/cb\\..\\x", "https:\\\\app.example\\cb", "https://app.example/cb#x", "https://app.example/cb#",
    "https://user@app.example/cb", "https://user:pw@app.example/cb", "https://@app.example/cb",
    "http://127.0.0.1:1@evil.example/cb", "http://127.0.0.1@evil.example/cb", "http://[::1]@evil.example/cb",
    "http://127.0.0.1:80\\@evil.example/cb", "http://evil.example/cb", "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.2/cb", "http://127.1/cb", "http://2130706433/cb", "http://0x7f000001/cb", "http://0177.0.0.1/cb",
    "http://127.0.0.1./cb", "http://[::ffff:127.0.0.1]/cb", "http://[0:0:0:0:0:0:0:1]/cb", "http://localhost./cb",
    "http://localhost.evil.example/cb", "http://LOCALHOST/cb", "http://0.0.0.0/cb", "http://[::]/cb", "http://::1/cb",
    "https://2130706433/cb", "https://0x7f.1/cb", "https://1.2.3/cb", "https://[::1/cb", "https://[zz]/cb",
    "https://[::ffff:7f00:1]/cb", "https://app.example:/cb", "https://app.example:0/cb", "https://app.example:080/cb",
    "https://app.example:65536/cb", "https://app.example:99999/cb", "https://app.example:x/cb",
    "https://app.example:+1/cb", "https://-app.example/cb", "https://app-.example/cb", "https://app..example/cb",
    "https://.app.example/cb", "https://app.example./cb", "https://a_b.example/cb", "https://" + "a" * 64 + ".example/",
    "https://" + ".".join(["a" * 60] * 5) + "/", "https://app.ex\u00e4mple/cb", "https://app.example/c\u00e4",
    "https://\u0430pp.example/cb", "https://app\u3002example/cb", "https://app.example\uff0fcb", "https://app%2eexample/",
    "https://*.example/cb", "https://app.example/*", "https://app.example/cb?*", "https://app.example/cb/../x",
    "https://app.example/cb/..", "https://app.example/..", "https://app.example/./cb", "https://app.example/cb/..;/x",
    "https://app.example/..;a=b/x", "https://app.example/.;/x", "https://app.example/cb%2f..%2fx",
    "https://app.example/cb/%2e%2e/x", "https://app.example/cb%252f", "https://app.example/%63b",
    "https://app.example/cb%", "https://app.example/cb%zz", "https://app.example//evil.example",
    "https://app.example/a//b", "https://app.example//", "https://app.example/a b", 'https://app.example/"',
    "https://app.example/<script>", "https://app.example/{x}", "https://app.example/a|b", "https://app.example/a^b",
    "https://app.example/a`b", "https://app.example/[x]", "https://app.example/cb?a=%0d%0ab", "https://app.example/cb?%00",
    "https://app.example/cb?a=%250a", "https://app.example/cb?a=%5c", "https://app.example/cb?a=%7f",
    "https://app.example/cb?a=%c3%a4", "https://app.example/cb?a=%2", "https://app.example/cb?<", "https://app.example?[",
    "javascript:alert(1)", "javascript://app.example/%0aalert(1)", "JavaScript:alert(1)", "java\tscript:alert(1)",
    "data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:https://app.example/x", "about:blank", "ws://app.example/",
    "ftp://app.example/cb", "intent://x#y", "app:/cb", "myapp://cb", "urn:ietf:wg:oauth:2.0:oob", "mailto:a@b.example",
    "com.example.app:", "com.example.app:cb", "com.example.app://", "com.example.app:?x", "com.example.app://a@b/cb",
    "com.example.app:/a/../b", "com..app:/cb", ".com.app:/cb", "com.app.:/cb", "com+x.app:/cb", "com.Example.app:/cb",
    "1com.example:/cb", "com.example.app:/cb#x", "com.example.app:%2fcb",
    "https://app.example/acs_" + "0" * 26 + "_" + "A" * 43, "https://app.example/cb?t=eyJhbGciOiJub25lIn0.",
]  # fmt: skip


@pytest.mark.parametrize(("uri", "kind"), GOOD.items(), ids=range(len(GOOD)))
def test_what_has_one_reading_may_be_registered_and_matches_itself(uri: str, kind: RedirectKind) -> None:
    assert registrable(uri) is kind
    assert matches([uri], uri)
    assert not matches([], uri)


@pytest.mark.parametrize("uri", BAD, ids=range(len(BAD)))
def test_what_could_be_taken_in_two_ways_is_refused_and_matches_nothing(uri: str) -> None:
    with pytest.raises(RedirectError) as told:
        registrable(uri)
    assert len(uri) < 20 or uri not in str(told.value)
    assert not matches([uri], uri)
    assert not matches(GOOD, uri)


# ------------------------------------------------------------------ properties
LABELS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
HOSTS = st.lists(LABELS, min_size=1, max_size=3).map(".".join).filter(lambda host: not host[-1].isdigit()).filter(
    lambda host: not host.rpartition(".")[2].startswith("0x")
)  # fmt: skip
SEGMENTS = st.from_regex(r"[A-Za-z0-9._~!$&'()+,;=:@-]{1,6}", fullmatch=True).filter(
    lambda one: one.partition(";")[0] not in (".", "..")
)
PATHS = st.lists(SEGMENTS, max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts))
QUERIES = st.just("") | st.from_regex(r"\?[A-Za-z0-9._~!$&'()+,;=:@/?-]{0,8}", fullmatch=True)
PORTS = st.just("") | st.integers(1, 65535).map(lambda port: f":{port}")
LOOPBACKS = st.sampled_from(["127.0.0.1", "[::1]", "localhost"])
HTTPS = st.tuples(st.just("https://"), HOSTS, PORTS, PATHS, QUERIES).map("".join)
LOOPBACK = st.tuples(st.just("http://"), LOOPBACKS, PORTS, PATHS, QUERIES).map("".join)
PRIVATE = st.tuples(st.sampled_from(["com.example.app:", "a.b://host"]), PATHS.filter(bool), QUERIES).map("".join)
SOUND = HTTPS | LOOPBACK | PRIVATE
TRICKS = st.sampled_from(
    ["%2f", "%2e", "%5c", "%00", "%25", "..", "/../", "//", "\\", "@", "#", "*", "\t", " ", ":", "?", "A"]
)


@given(SOUND)
def test_every_sound_uri_may_be_registered_and_others_read_it_as_we_do(uri: str) -> None:
    kind = registrable(uri)
    read = urlsplit(uri)
    assert (read.username, read.password, read.fragment) == (None, None, "")
    assert unquote(read.path) == read.path
    path = read.path.rstrip("/")
    assert path in ("", posixpath.normpath(path))
    assert (read.scheme == "https") is (kind is RedirectKind.HTTPS)
    assert (read.scheme == "http") is (kind is RedirectKind.LOOPBACK)
    assert kind is not RedirectKind.LOOPBACK or read.hostname in ("127.0.0.1", "::1", "localhost")
    assert matches([uri], uri)


@given(SOUND, TRICKS | st.characters(), st.data())
def test_no_uri_with_something_put_into_it_matches_the_registered_one(uri: str, put: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(uri)))
    changed = uri[:place] + put + uri[place:]
    if matches([uri], changed):
        one, other = urlsplit(uri), urlsplit(changed)
        assert one.scheme == other.scheme == "http"
        assert (one.hostname, one.path, one.query) == (other.hostname, other.path, other.query)
        assert one.port != other.port


@given(SOUND, SOUND)
def test_of_two_uris_only_the_port_of_a_loopback_redirect_may_differ(one: str, other: str) -> None:
    a, b = urlsplit(one), urlsplit(other)
    alike = a.scheme == "http" and a._replace(netloc=a.hostname or "") == b._replace(netloc=b.hostname or "")
    assert matches([one], other) is matches([other], one)
    if matches([one], other):
        assert one == other or alike


@given(LOOPBACKS, PATHS, QUERIES, PORTS, PORTS)
def test_a_loopback_redirect_matches_at_any_port_and_with_https_at_its_own_alone(
    host: str, path: str, query: str, one: str, other: str
) -> None:
    tail = f"{path}{query}"
    assert matches([f"http://{host}{one}{tail}"], f"http://{host}{other}{tail}")
    assert not matches([f"http://{host}{one}{tail}"], f"https://{host}{other}{tail}")
    assert matches([f"https://localhost{one}/"], f"https://localhost{other}/") is (one == other)


@given(st.text() | st.text("htps:/.@%?#[]1270\\ \tjavcrij*;"))
@example("http://127.0.0.1:1")
def test_whatever_is_given_is_judged_and_nothing_that_is_refused_ever_matches(text: str) -> None:
    try:
        registrable(text)
    except RedirectError:
        assert not matches([text, *GOOD], text)
