"""Whose requests are read at all: `Host` and `Origin` against lists (MCP transports, "Security Warning"). Pure.

A page of a stranger, or a name that a stranger points at this machine, is refused before anything else is looked at.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urlsplit

_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The values of `Host` and `Origin` that are let in, in lower case."""

    hosts: frozenset[bytes]
    origins: frozenset[bytes]

    @classmethod
    def of(cls, resource: str, hosts: Iterable[str] = (), origins: Iterable[str] = ()) -> Self:
        """Return the neighbours of a guard of `resource` (canonical): its own host, and what is listed besides.

        On loopback every name of loopback counts, with the port of `resource`.
        """
        parts = urlsplit(resource)
        own = parts.hostname or ""
        names = _LOOPBACK if own in _LOOPBACK else (own,)
        port = parts.port or _PORTS[parts.scheme]
        default = port == _PORTS[parts.scheme]
        known = {f"{_bracketed(name)}:{port}" for name in names}
        bare = {_bracketed(name) for name in names} if default else set()
        near = bare or known
        return cls(
            frozenset(text.lower().encode() for text in {*known, *bare, *hosts}),
            frozenset(text.lower().encode() for text in {*(f"{parts.scheme}://{name}" for name in near), *origins}),
        )

    def admit(self, host: bytes | None, origin: bytes | None) -> bool:
        """Tell whether a request for `host` from a page of `origin` (None: from no page) is read."""
        if host is None or (host not in self.hosts and host.lower() not in self.hosts):
            return False
        return origin is None or origin in self.origins or origin.lower() in self.origins


def _bracketed(name: str) -> str:
    return f"[{name}]" if ":" in name else name
