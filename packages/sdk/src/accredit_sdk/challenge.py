"""RFC 6750, 3 and RFC 9728, 5.1: the `WWW-Authenticate` header of a guard."""

from collections.abc import Set
from dataclasses import dataclass

from accredit_sdk import scopes as words


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the client is told: where the metadata is, and what is missing. Without a token there is no `error`."""

    resource_metadata: str
    scope: Set[str] = frozenset()
    error: str | None = None
    error_description: str | None = None

    def header(self) -> str:
        """Return the value of the header. Raises ValueError for anything but printable ASCII."""
        parts = [("resource_metadata", self.resource_metadata)]
        if self.error is not None:
            parts.append(("error", self.error))
        if self.error_description is not None:
            parts.append(("error_description", self.error_description))
        if self.scope:
            parts.append(("scope", words.render(self.scope)))
        return "Bearer " + ", ".join(f"{name}={_quoted(value)}" for name, value in parts)


def _quoted(value: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ValueError("a header holds printable ASCII only")
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
