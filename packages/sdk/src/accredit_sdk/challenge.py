"""RFC 6750, 3 and RFC 9728, 5.1: the `WWW-Authenticate` header of a guard, written and read."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Final

from accredit_sdk import scopes as words

_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER: Final = re.compile(rf'\s*({_NAME})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_NAME}))\s*(?:,|$)')
_SCHEME: Final = re.compile(rf"(?:^|,)\s*bearer(?=\s+{_NAME}\s*=)", re.IGNORECASE)
_LONGEST: Final = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the client is told: where the metadata is, and what is missing. Without a token there is no `error`."""

    resource_metadata: str
    scope: Set[str] = frozenset()
    error: str | None = None
    error_description: str | None = None

    def header(self) -> str:
        """Return the value of the header.

        Raises ValueError for anything but printable ASCII without quote and backslash, ScopeError for what is no scope.
        """
        parts = [("resource_metadata", self.resource_metadata)]
        if self.error is not None:
            parts.append(("error", self.error))
        if self.error_description is not None:
            parts.append(("error_description", self.error_description))
        if self.scope:
            parts.append(("scope", words.render({words.word(one) for one in self.scope})))
        return "Bearer " + ", ".join(f"{name}={_quoted(value)}" for name, value in parts)


def parse(header: str) -> Mapping[str, str]:
    """Return the parameters of the Bearer challenge in a header, by lower-case name (RFC 9110, 11.6.1).

    Empty when there is none; a parameter that appears twice has its first value.
    """
    found: dict[str, str] = {}
    scheme = _SCHEME.search(header) if len(header) <= _LONGEST else None
    at = scheme.end() if scheme is not None else len(header)
    while (parameter := _PARAMETER.match(header, at)) is not None:
        name, quoted, bare = parameter.groups()
        found.setdefault(name.lower(), bare if quoted is None else re.sub(r"\\(.)", r"\1", quoted))
        at = parameter.end()
    return found


def _quoted(value: str) -> str:
    # Without these two there is nothing to escape, and nothing that readers could take differently.
    if not value.isascii() or not value.isprintable() or '"' in value or "\\" in value:
        raise ValueError("a challenge holds printable ASCII without quote and backslash only")
    return f'"{value}"'
