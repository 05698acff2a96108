"""Which addresses of the network belong to the public, and which of the others an operator lets Accredit reach.

After the special-purpose registries of IANA (RFC 6890), with the forms in which an IPv6 address carries an IPv4 one.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final

Address = IPv4Address | IPv6Address
"""An address of either kind."""
Network = IPv4Network | IPv6Network
"""A network of either kind."""

_UNICAST: Final = IPv6Network("2000::/3")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
"""The well-known prefix of NAT64 (RFC 6052): the last 32 bits are where it leads."""

_NOT_PUBLIC: Final = tuple(
    ipaddress.ip_network(text)
    for text in [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
        "168.63.129.16/32",
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
    ]
)
"""What is not public: the last IPv4 address is that of a cloud's metadata, the IPv6 ones are Teredo and its kin, 6to4,
and what is for documentation. IPv6 outside 2000::/3 is never public."""

_NEVER: Final = tuple(
    ipaddress.ip_network(text)
    for text in [
        "0.0.0.0/8",
        "169.254.0.0/16",
        "224.0.0.0/3",
        "168.63.129.16/32",
        "100.100.100.200/32",
        "192.0.0.192/32",
        "::/128",
        "fe80::/10",
        "ff00::/8",
        "fd00:ec2::/32",
    ]
)
"""What nobody can allow: no host, whole links, many at once, and where clouds give their credentials away."""

_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*{_LABEL}")
_NUMERIC: Final = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)")


def read(text: str) -> Address:
    """Return the address that `text` spells in full. Raises ValueError for anything else, also one with a zone."""
    if "%" in text:
        raise ValueError("an address of one link only")
    return ipaddress.ip_address(text)


def plain(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address stands for, if any, else itself."""
    if isinstance(address, IPv6Address) and (address in _MAPPED or address in _TRANSLATED):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def public(address: Address) -> bool:
    """Tell whether everybody may be behind `address`, and nobody in particular."""
    found = plain(address)
    if isinstance(found, IPv6Address) and found not in _UNICAST:
        return False
    return not _within(found, _NOT_PUBLIC)


def is_name(text: str) -> bool:
    """Tell whether `text` is the name of a host: in lower case, and nothing that could be read as a number."""
    return _NAME.fullmatch(text) is not None and _NUMERIC.fullmatch(text.rpartition(".")[2]) is None


@dataclass(frozen=True, slots=True)
class Inside:
    """What an operator lets Accredit reach besides the public: hosts by their names, and networks."""

    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> "Inside":
        """Return what `texts` name: hosts and networks. Raises ValueError with the text that is neither."""
        names: set[str] = set()
        networks: list[Network] = []
        for text in texts:
            if is_name(text):
                names.add(text)
                continue
            try:
                networks.append(ipaddress.ip_network(text))
            except ValueError:
                raise ValueError(f"{text!r} is neither the name of a host, in lower case, nor a network") from None
            if any(networks[-1].prefixlen >= some.prefixlen for some in _NEVER if networks[-1].network_address in some):
                raise ValueError(f"{text!r} can never be allowed: it is of a link, of many, or of a cloud's metadata")
        return cls(frozenset(names), tuple(networks))

    def permits(self, name: str, address: Address) -> bool:
        """Tell whether `address`, which `name` leads to, may be reached."""
        found = plain(address)
        if public(found):
            return True
        return not _within(found, _NEVER) and (name in self.names or _within(found, self.networks))


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)
