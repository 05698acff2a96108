"""Which addresses Accredit goes to: the public, and what an operator named, and nothing of a link or a cloud."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accredit.identity.address import Inside, is_name, plain, public, read

INSIDE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.8.8.8",
    "168.63.129.16",
    "169.254.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
ONLY_IPV6 = ["::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1", "64:ff9b:1::a00:1"]
SPECIAL = ["2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:db8::1", "2002:a00:1::", "3fff::1"]
OUTSIDE = ["8.8.8.8", "1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "223.255.255.255"]


@pytest.mark.parametrize("text", [*INSIDE, *ONLY_IPV6, *SPECIAL])
def test_what_is_for_somebody_in_particular_is_not_public(text: str) -> None:
    assert not public(read(text))


@pytest.mark.parametrize("text", INSIDE)
@pytest.mark.parametrize("form", ["::ffff:{}", "64:ff9b::{}", "2002:{:04x}:{:04x}::1", "::{}"])
def test_no_ipv6_address_hides_an_ipv4_one_that_is_not_public(text: str, form: str) -> None:
    number = int(ipaddress.IPv4Address(text))
    assert not public(read(form.format(text) if form.endswith("{}") else form.format(number >> 16, number & 0xFFFF)))


@pytest.mark.parametrize(
    "text", [*OUTSIDE, "2606:4700:4700::1111", "2a00:1450::1", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_what_is_for_everybody_is_public(text: str) -> None:
    assert public(read(text))


@given(st.ip_addresses(v=4))
def test_whatever_python_calls_private_is_not_public(address: ipaddress.IPv4Address) -> None:
    assert not (public(address) and (address.is_private or address.is_multicast or address.is_reserved))


@given(st.ip_addresses(v=6))
def test_of_ipv6_only_global_unicast_and_what_stands_for_a_public_ipv4_address_is_public(
    address: ipaddress.IPv6Address,
) -> None:
    if public(address) and plain(address) == address:
        assert address in ipaddress.IPv6Network("2000::/3")


@pytest.mark.parametrize("text", ["", "localhost", "fe80::1%eth0", "127.1", "0x7f000001", "2130706433", "0177.0.0.1"])
def test_an_address_is_spelt_in_full(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(text)


@pytest.mark.parametrize("text", ["localhost", "a.example", "xn--bcher-kva.example", "_x.a-b.c1", "1.2.example"])
def test_a_name_is_a_name(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize(
    "text",
    ["", "A.example", "a.example.", ".a", "a..b", "-a", "a-", "127.0.0.1", "1", "a.0x7f", "a.0x", "é", "a b", "a" * 64],
)
def test_what_could_be_read_as_a_number_is_no_name(text: str) -> None:
    assert not is_name(text)


def test_a_named_host_and_a_named_network_may_be_reached_besides_the_public() -> None:
    inside = Inside.parse(["hooks.internal", "10.1.0.0/16", "fd12::/32", "127.0.0.1"])
    allowed = [
        ("any.example", "10.1.2.3"),
        ("any.example", "::ffff:10.1.2.3"),
        ("any.example", "fd12::1"),
        ("any.example", "127.0.0.1"),
        ("hooks.internal", "192.168.1.1"),
        ("any.example", "8.8.8.8"),
    ]
    assert all(inside.permits(name, read(text)) for name, text in allowed)
    refused = [("any.example", "10.2.0.1"), ("hooks.internal.example", "192.168.1.1"), ("any.example", "fd13::1")]
    assert not any(inside.permits(name, read(text)) for name, text in refused)
    assert not Inside().permits("hooks.internal", read("192.168.1.1"))


@pytest.mark.parametrize(
    "text", ["169.254.169.254", "fd00:ec2::254", "0.0.0.0", "::", "fe80::1", "ff02::1", "224.0.0.1", "100.100.100.200"]
)
def test_what_gives_a_clouds_credentials_away_is_never_reached_whatever_is_allowed(text: str) -> None:
    inside = Inside.parse(["0.0.0.0/0", "::/0", "hooks.internal"])
    assert not inside.permits("hooks.internal", read(text))
    assert not inside.permits("hooks.internal", read("::ffff:169.254.169.254"))


@pytest.mark.parametrize("text", ["10.0.0.1/8", "Hooks.internal", "https://a", "a b", "", "10.0.0.0/33", "*.internal"])
def test_what_is_neither_a_host_nor_a_network_is_no_exception(text: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        Inside.parse(["ok.internal", text])


@pytest.mark.parametrize("text", ["169.254.0.0/16", "169.254.169.254", "fe80::/64", "224.0.0.0/4", "fd00:ec2::254"])
def test_a_network_that_can_never_be_reached_cannot_be_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="never"):
        Inside.parse([text])
