"""RFC 3986: the addresses that Accredit asks, read in one way only."""

import pytest

from accredit.identity.web_address import LONGEST, WebAddress, WebAddressError, parse


@pytest.mark.parametrize(
    ("text", "found", "authority"),
    [
        ("https://a.example", WebAddress("a.example", 443, "/"), "a.example"),
        ("https://a.example:443/", WebAddress("a.example", 443, "/"), "a.example"),
        ("https://a.example:8443/in", WebAddress("a.example", 8443, "/in"), "a.example:8443"),
        ("https://a.example?x=%2F", WebAddress("a.example", 443, "/?x=%2F"), "a.example"),
        ("https://a.example/b/c?d=e/f", WebAddress("a.example", 443, "/b/c?d=e/f"), "a.example"),
        ("https://8.8.8.8/in", WebAddress("8.8.8.8", 443, "/in"), "8.8.8.8"),
        ("https://[2606:4700::1111]:9000/", WebAddress("2606:4700::1111", 9000, "/"), "[2606:4700::1111]:9000"),
    ],
    ids=["bare", "usual-port", "port", "query", "path", "ipv4", "ipv6"],
)
def test_an_https_address_is_host_port_and_target(text: str, found: WebAddress, authority: str) -> None:
    assert parse(text) == found
    assert found.authority == authority


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.example",
        "http://a.example/",
        "HTTPS://a.example/",
        "ftp://a.example/",
        "https:/a.example",
        "https:///in",
        "https://user@a.example/",
        "https://user:pass@a.example/",
        "https://a.example@127.0.0.1/",
        "https://127.0.0.1:1@evil.example/",
        "https://a.example/#fragment",
        "https://a.example\\@b.example/",
        "https://a.example/\\x",
        "https://A.example/",
        "https://a.example./",
        "https://a..example/",
        "https://a.example:/",
        "https://a.example:0/",
        "https://a.example:22/",
        "https://a.example:80/",
        "https://a.example:1023/",
        "https://a.example:65536/",
        "https://a.example:0443/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://0177.0.0.1/",
        "https://127.0.0.1./",
        "https://[::1/",
        "https://::1/",
        "https://[fe80::1%25eth0]/",
        "https://[0:0:0:0:0:0:0:1]/",
        "https://[a.example]/",
        "https://[127.0.0.1]/",
        "https://é.example/",
        "https://a.example/é",
        "https://a.example/%",
        "https://a.example/%zz",
        "https://a.example/ ",
        " https://a.example/",
        "https://a.example/\n",
        "https://a.example/in\r\nX: y",
        "https://a.example/\0",
        "https://a.example/" + "x" * LONGEST,
    ],
)
def test_what_two_readers_could_read_in_two_ways_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(WebAddressError) as caught:
        parse(text)
    assert not text or len(text) < 9 or text not in str(caught.value)
