"""The use of a credential: who still comes with it, and since when nobody does."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """When tokens were got with the credential that has the id `credential`: first and last, in microseconds UTC.

    `address` is where the last request came from: the peer of the socket, or what a trusted proxy said of it. `node`
    is the name of the node that answered it.
    """

    credential: str
    first_at: int
    last_at: int
    address: str
    node: str

    def joined(self, other: "Use | None") -> "Use":
        """Return what both know together about one credential."""
        if other is None:
            return self
        later = self if self.last_at >= other.last_at else other
        first = min(self.first_at, other.first_at)
        return Use(self.credential, first, later.last_at, later.address, later.node)
