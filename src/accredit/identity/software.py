"""RFC 7591, 2: the software that a client is an installation of, as whoever registered it says.

One software can be behind many clients. What a client says of itself is a claim, not a proof: who lies about it is
denied as a client, and whoever names no software is none.
"""

import re
from dataclasses import dataclass
from typing import Final

from accredit.identity.credential import resembles

LONGEST: Final = 200
"""The most characters of an id, and of a version."""

_TEXT: Final = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True, order=True)
class Software:
    """A software by its `software_id`, and by its `software_version`, empty for none or for every version."""

    id: str
    version: str = ""

    def covers(self, other: "Software | None") -> bool:
        """Tell whether `other` is this software: in every version, or in this one."""
        return other is not None and self.id == other.id and self.version in ("", other.version)

    def render(self) -> str:
        """Return it as people read it."""
        return f"{self.id} {self.version}".rstrip()


def software(identity: str, version: str = "") -> Software | None:
    """Return the software of that id and version, or None when both are empty. Raises ValueError."""
    if not identity:
        if version:
            raise ValueError("a version is one of a software: name its software_id, too")
        return None
    return Software(text(identity), text(version))


def text(found: str) -> str:
    """Return an id or a version if it can be one, or an empty text. Raises ValueError."""
    if found and (len(found) > LONGEST or _TEXT.fullmatch(found) is None):
        raise ValueError(f"must be at most {LONGEST} visible ASCII characters without a space")
    if resembles(found):
        raise ValueError("looks like a secret or a token; nothing that names a software is one")
    return found
