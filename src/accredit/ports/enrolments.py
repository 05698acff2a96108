"""Open invitations for guards."""

from typing import Protocol

from accredit.identity.guard import Enrolment


class Enrolments(Protocol):
    """Looks enrolments up."""

    async def by_code(self, code_digest: bytes) -> Enrolment | None:
        """Return the enrolment with that code, taken or not, or None."""
        ...
