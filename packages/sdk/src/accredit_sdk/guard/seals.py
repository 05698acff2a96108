"""Ids of the server, sealed for one principal: whoever else shows one has none (MCP, security best practices). Pure.

A sealed id is `<id>.<mac>`, or for a task `<id>.<tool>.<mac>`. The MAC (HMAC-SHA-256, 192 bits of it) covers the kind,
the principal, and what the id is good for. All processes that guard one server share the key, so nothing is stored.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from typing import Final

_MAC_BYTES: Final = 24
_MAC_LENGTH: Final = 32


def principal(issuer: str, subject: str, client_id: str) -> bytes:
    """Return who may use an id: for whom, through which client, of which issuer."""
    return _joined((issuer.encode(), subject.encode(), client_id.encode()))


class Seals:
    """Seals and opens under one key (32 bytes)."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, kind: str, owner: bytes, text: str, *about: str) -> str:
        """Return `text`, sealed as a `kind` for `owner`; `about` is known again when it is opened."""
        return f"{text}.{self._mac(kind, owner, text, about)}"

    def open(self, kind: str, owner: bytes, sealed: str, *about: str) -> str | None:
        """Return what was sealed, or None: another kind, owner or purpose, or nothing of ours."""
        text, dot, mac = sealed.rpartition(".")
        if not dot or len(mac) != _MAC_LENGTH or not mac.isascii():
            return None
        return text if hmac.compare_digest(mac, self._mac(kind, owner, text, about)) else None

    def seal_task(self, owner: bytes, task: str, tool: str) -> str:
        """Return the id of a task that a call of `tool` began."""
        encoded = urlsafe_b64encode(tool.encode()).rstrip(b"=").decode()
        return self.seal("task", owner, f"{task}.{encoded}")

    def open_task(self, owner: bytes, sealed: str) -> tuple[str, str] | None:
        """Return the server's own id of a task and the tool that began it, or None."""
        found = self.open("task", owner, sealed)
        if found is None:
            return None
        task, _, encoded = found.rpartition(".")
        return task, urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)).decode()

    def _mac(self, kind: str, owner: bytes, text: str, about: tuple[str, ...]) -> str:
        covered = _joined((kind.encode(), owner, text.encode(), *(one.encode() for one in about)))
        return urlsafe_b64encode(hmac.digest(self._key, covered, "sha256")[:_MAC_BYTES]).decode()


def _joined(parts: Iterable[bytes]) -> bytes:
    """Join with the length in front of each part, so that no two lists make the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)
