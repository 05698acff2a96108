"""What must be known of a client before anything can be decided about it, read in one go."""

from dataclasses import dataclass, replace

from accredit.identity.client import Client, ClientKind
from accredit.identity.credential import Credential
from accredit.identity.role import Assignment


@dataclass(frozen=True, slots=True)
class Principal:
    """A client with all its living credentials, its own role assignments, and the groups (ids) that it is in."""

    client: Client
    credentials: tuple[Credential, ...] = ()
    assignments: tuple[Assignment, ...] = ()
    groups: frozenset[str] = frozenset()

    def credential(self, credential_id: str) -> Credential | None:
        """Return the credential with that id, or None."""
        return next((item for item in self.credentials if item.id == credential_id), None)

    def aged(self, most: int) -> "Principal":
        """Return it as it is when no credential works for more than `most` microseconds; 0 sets no limit.

        A guard has the one key that it made, and is enrolled anew instead.
        """
        if most == 0 or self.client.kind is ClientKind.GUARD:
            return self
        return replace(self, credentials=tuple(item.aged(most) for item in self.credentials))
