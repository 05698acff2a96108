"""Emergency denials: what nobody may use for the time being, whatever roles and tokens say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Denial:
    """Nobody uses the tool, resource or prompt of that kind and name on a server (an id), or the server as a whole.

    `at` is when it was denied (microseconds UTC), `by` by whom, and `reason` what they said.
    """

    server: str
    kind: str
    name: str
    at: int
    by: str
    reason: str = ""

    @property
    def target(self) -> tuple[str, str]:
        """What is denied, as a policy knows it."""
        return self.kind, self.name


@dataclass(frozen=True, slots=True)
class Deny:
    """Write: deny something to everybody; once more changes only what is said of it."""

    denial: Denial


@dataclass(frozen=True, slots=True)
class Lift:
    """Write: take the denial of a kind and a name on a server (an id) back."""

    server: str
    kind: str
    name: str
