"""Who may administer what: the built-in management server, the roles on it, and what a request may do with them.

An administrator may do everything. A server administrator may look at named servers and change them, and nothing else.
An auditor may look at everything and change nothing. Each of the three is a scope, carried by built-in roles alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from accredit_sdk import scopes as words

MANAGEMENT_SERVER: Final = "management"
"""Slug of the built-in server that is the management API."""

ADMIN: Final = "admin"
"""The scope of an administrator."""

AUDIT: Final = "audit"
"""The scope of an auditor."""

SERVER: Final = "server"
"""The scope of an administrator of every server; continued with a colon and the id of a server: of that one."""

MANAGEMENT_SCOPES: Final = frozenset({ADMIN, AUDIT, SERVER})
"""Scopes of the built-in management server."""

MANAGEMENT_DEFAULTS: Final = frozenset({AUDIT, SERVER})
"""What a request without `scope` asks for: everything but the word that changes everything."""

RESERVED_PREFIX: Final = "accredit-"
"""What the slug of a built-in role begins with, and no other."""

ADMINISTRATOR_ROLE: Final = RESERVED_PREFIX + "administrator"
"""Slug of the built-in role of administrators."""

AUDITOR_ROLE: Final = RESERVED_PREFIX + "auditor"
"""Slug of the built-in role of auditors."""

LOCAL: Final = "local administrator"
"""Who made a change, as the audit log names whoever can open the socket in the data folder."""


def over(server: str) -> str:
    """Return the scope of an administrator of the server with that id. An id, since a slug may come to name another."""
    return f"{SERVER}:{server}"


def server_role(server: str) -> str:
    """Return the slug of the built-in role of the administrators of the server with that id."""
    return RESERVED_PREFIX + server.replace("_", "-")


ROLE_SCOPES: Final = {
    ADMINISTRATOR_ROLE: MANAGEMENT_SCOPES,
    AUDITOR_ROLE: frozenset({AUDIT}),
}
"""What the built-in roles carry that every deployment has. An administrator can ask for a token that may do less."""


class Need(StrEnum):
    """What an operation of the management API needs. The value is the sentence that says so."""

    LOCAL = "the local administrator, at the socket in the data folder"
    EVERYTHING = "an administrator"
    LOOK = "an administrator or an auditor"
    SERVERS = "an administrator of every server that this concerns"
    LOOK_AT_SERVERS = "an auditor, or an administrator of every server that this concerns"
    OWN = "any administrator or auditor, who is shown what is theirs"


_WIDER: Final = {
    Need.EVERYTHING: frozenset({ADMIN}),
    Need.LOOK: frozenset({ADMIN, AUDIT}),
    Need.SERVERS: frozenset({ADMIN}),
    Need.LOOK_AT_SERVERS: frozenset({ADMIN, AUDIT}),
    Need.OWN: frozenset({ADMIN, AUDIT}),
}
_STEP_UP: Final = {Need.EVERYTHING: ADMIN, Need.LOOK: AUDIT, Need.SERVERS: SERVER, Need.LOOK_AT_SERVERS: SERVER}


@dataclass(frozen=True, slots=True)
class Authority:
    """What somebody may do at the management API: `name` is for the audit log, `scopes` are those of the token.

    The local administrator, at the socket, has no token and may do everything.
    """

    name: str
    scopes: frozenset[str]
    local: bool = False

    def permits(self, need: Need, servers: Iterable[str] = ()) -> bool:
        """Tell whether an operation with that need is allowed; `servers` are the ids of those that it concerns.

        What concerns no server at all is nothing that a server administrator may do, unless it is shown what is theirs.
        """
        if self.local:
            return True
        if self.scopes & _WIDER.get(need, frozenset()):
            return True
        if need is Need.OWN:
            return any(words.covers(SERVER, word) for word in self.scopes)
        if need in (Need.SERVERS, Need.LOOK_AT_SERVERS):
            concerned = frozenset(servers)
            return bool(concerned) and all(self.administers(server) for server in concerned)
        return False

    def administers(self, server: str) -> bool:
        """Tell whether the server with that id is under this administration."""
        return self.local or ADMIN in self.scopes or words.satisfied(self.scopes, over(server))

    def sees(self, server: str) -> bool:
        """Tell whether the server with that id may be looked at."""
        return self.sees_all() or self.administers(server)

    def sees_all(self) -> bool:
        """Tell whether everything may be looked at."""
        return self.local or bool(self.scopes & {ADMIN, AUDIT})


def step_up(need: Need) -> str | None:
    """Return the scope to ask for when an operation with that need was refused (RFC 6750, 3.1), or None for no use."""
    return _STEP_UP.get(need)


LOCAL_ADMINISTRATOR: Final = Authority(LOCAL, MANAGEMENT_SCOPES, local=True)
"""Whoever can open the socket in the data folder."""
