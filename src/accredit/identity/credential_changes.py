"""What can be written about credentials, as values; see `changes.py`."""

from dataclasses import dataclass

from accredit.identity.credential import Credential
from accredit.identity.use import Use


@dataclass(frozen=True, slots=True)
class EndCredential:
    """Claim: end a credential whose time is over at `now` (microseconds UTC). Loses unless it is, and not ended yet."""

    credential: str
    now: int


@dataclass(frozen=True, slots=True)
class AddCredential:
    """Write: give a client one more credential."""

    credential: Credential


@dataclass(frozen=True, slots=True)
class RevokeCredential:
    """Write: end a credential for ever."""

    credential: str


@dataclass(frozen=True, slots=True)
class RetireCredential:
    """Write: let a credential work until `at` (microseconds UTC) and no longer; a revoked one stays revoked."""

    credential: str
    at: int


@dataclass(frozen=True, slots=True)
class NoteUse:
    """Write: keep that tokens were got with a credential. Of what is kept already, the first and the last use stay."""

    use: Use
