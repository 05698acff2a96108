"""Emergency denials: what nobody may use for the time being, whatever roles and tokens say."""

from collections.abc import Iterable
from dataclasses import dataclass

from accredit.identity.software import Software


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


@dataclass(frozen=True, slots=True)
class SoftwareDenial:
    """No client of a software gets a token, and none counts that one got before.

    `at` is when it was denied (microseconds UTC), `by` by whom, and `reason` what they said.
    """

    software: Software
    at: int
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class DenySoftware:
    """Write: deny a software to everybody; once more changes only what is said of it."""

    denial: SoftwareDenial


@dataclass(frozen=True, slots=True)
class LiftSoftware:
    """Write: take the denial of exactly this software back."""

    software: Software


def barred(denials: Iterable[SoftwareDenial], software: Software | None) -> bool:
    """Tell whether a client of that software is stopped by one of the denials."""
    return any(one.software.covers(software) for one in denials)
