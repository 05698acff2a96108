"""Who could change something, by name for those who may know the names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from accredit.identity.management import Authority
from accredit.identity.server import Server
from accredit.service.administrators import Administrators

_MOST: Final = 50


@dataclass(frozen=True, slots=True)
class Keepers:
    """Who could change something: agents (slugs) that administer everything, or the server that is asked about.

    Both are empty for somebody who may not know them.
    """

    everything: tuple[str, ...] = ()
    server: tuple[str, ...] = ()

    def any(self) -> str:
        """Say who can change what only administrators of everything can."""
        return "an administrator" + _names(self.everything)

    def of(self, server: str) -> str:
        """Say who can change what is the server's."""
        return f"an administrator of {server}{_names(self.server)}, or {self.any()}"


class Offices:
    """Finds the keepers of a server."""

    def __init__(self, administrators: Administrators) -> None:
        self._administrators = administrators

    async def of(self, server: Server | None, who: Authority) -> Keepers:
        """Return who could change what is `server`'s, and everything; nobody by name for somebody who sees not all."""
        if not who.sees_all():
            return Keepers()
        offices = await self._administrators.page("", _MOST)
        slug = server.slug if server is not None else ""
        return Keepers(
            tuple(item.client.slug for item, office in offices if office.administrator),
            tuple(item.client.slug for item, office in offices if slug in office.servers),
        )


def _names(found: Sequence[str]) -> str:
    return f" ({', '.join(found)})" if found else ""
