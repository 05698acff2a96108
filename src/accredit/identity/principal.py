"""What must be known of a client before anything can be decided about it, read in one go."""

from dataclasses import dataclass

from accredit.identity.client import Client
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
