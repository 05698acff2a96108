"""Pins: digests of what a server said about a tool when an administrator confirmed it, so that a change is seen."""

import hashlib
import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, fields
from typing import Any, Final, Self

_BYTES: Final = 32
_TEXT: Final = re.compile(r"[A-Za-z0-9_-]{43}(?:\.[A-Za-z0-9_-]{43}){2}")


class PinError(ValueError):
    """The text is not a pin."""


def digest(value: Any) -> bytes:
    """Return the SHA-256 of a JSON value in one spelling: members sorted, ASCII, no space.

    Raises ValueError for a number too long to be written, RecursionError for a value too deep.
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).digest()


@dataclass(frozen=True, slots=True)
class Pin:
    """Three SHA-256 digests: of title and description, of the annotations, and of the schemas. 32 bytes each."""

    text: bytes
    annotations: bytes
    schema: bytes

    @classmethod
    def of(cls, text: Any, annotations: Any, schema: Any) -> Self:
        """Return the pin of what was said, as JSON values. Raises what `digest` raises."""
        return cls(digest(text), digest(annotations), digest(schema))

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        """Return the pin that `packed` has made 96 bytes of."""
        return cls(packed[:_BYTES], packed[_BYTES : 2 * _BYTES], packed[2 * _BYTES :])

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what `render` writes, and nothing else. Raises PinError."""
        if _TEXT.fullmatch(text) is None:
            raise PinError("a pin is three SHA-256 digests in base64url, with dots between them")
        found = cls(*[urlsafe_b64decode(f"{part}=") for part in text.split(".")])
        if found.render() != text:
            raise PinError("a pin is written in one way only: the last bits of a digest must be zero")
        return found

    def packed(self) -> bytes:
        """Return the pin as 96 bytes."""
        return self.text + self.annotations + self.schema

    def render(self) -> str:
        """Return the pin as text: three digests in base64url without padding, with dots between them."""
        return ".".join(
            urlsafe_b64encode(part).rstrip(b"=").decode() for part in (self.text, self.annotations, self.schema)
        )

    def differences(self, other: "Pin") -> tuple[str, ...]:
        """Return the names of the parts that are not the same: `text`, `annotations`, `schema`."""
        names = [field.name for field in fields(self)]
        return tuple(name for name in names if getattr(self, name) != getattr(other, name))
