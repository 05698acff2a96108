"""RFC 7523: who the guard is to Accredit: a key pair that it made itself, and the assertions that it signs with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import msgspec

from accredit_sdk import assertion, jws, keys
from accredit_sdk.guard.folder import IDENTITY, PENDING, Folder


class BrokenIdentity(Exception):
    """The identity of a folder cannot be used; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An enrolled guard.

    `audience` is the resource of the guard API, for which its own tokens are; `server` and `resource` are the id and
    the identifier of the server it guards; `signal_keys` are the pinned keys that sign what Accredit tells it (JWKs).
    """

    client_id: str
    issuer: str
    token_endpoint: str
    audience: str
    server: str
    resource: str
    signal_keys: tuple[Mapping[str, Any], ...]
    key: jws.SigningKey = field(repr=False)

    @classmethod
    def load(cls, folder: Folder) -> Self | None:
        """Return the identity of `folder`, None if it has none. Raises BrokenIdentity."""
        try:
            found = folder.read(IDENTITY)
            if found is None:
                return None
            stored = msgspec.json.decode(found, type=_Stored)
            key = keys.signing_key(jws.Algorithm.ES256, stored.key)
            return cls(
                stored.client_id,
                stored.issuer,
                stored.token_endpoint,
                stored.audience,
                stored.server,
                stored.resource,
                tuple(stored.signal_keys),
                key,
            )
        except (OSError, ValueError, TypeError, msgspec.MsgspecError) as error:
            text = f"{folder.path / IDENTITY} cannot be read ({type(error).__name__}); move it away and enrol again"
            raise BrokenIdentity(text) from None

    def save(self, folder: Folder) -> None:
        """Write the identity into `folder`, for its owner alone. Raises OSError."""
        stored = _Stored(
            self.client_id,
            self.issuer,
            self.token_endpoint,
            self.audience,
            self.server,
            self.resource,
            [dict(key) for key in self.signal_keys],
            keys.private_bytes(self.key),
        )
        folder.write(IDENTITY, msgspec.json.format(msgspec.json.encode(stored), indent=1))
        folder.remove(PENDING)

    def pinned(self) -> dict[str, jws.VerifyingKey]:
        """Return the keys that may sign a snapshot, by their id; unusable ones are left out."""
        return keys.key_set(self.signal_keys)

    def with_signal_keys(self, signal_keys: tuple[Mapping[str, Any], ...]) -> Self:
        """Return this identity with other pinned keys."""
        return replace(self, signal_keys=signal_keys)

    def assertion(self, now: int, jti: str) -> str:
        """RFC 7523, 3: return a client assertion, good for a minute from `now` (microseconds UTC) and used once."""
        return assertion.sign(self.key, self.client_id, self.issuer, now // 1_000_000, jti)


def pending_key(folder: Folder) -> jws.SigningKey:
    """Return the key with which the guard of `folder` enrols: at every attempt the same, until there is an identity.

    Accredit gives whoever comes again with code and key the same answer: one that was lost on its way costs no code.
    Raises OSError.
    """
    kept = folder.read(PENDING)
    if kept is not None and not folder.exposed(PENDING):
        try:
            return keys.signing_key(jws.Algorithm.ES256, kept)
        except (ValueError, TypeError):
            pass
    key = keys.generate(jws.Algorithm.ES256)
    folder.write(PENDING, keys.private_bytes(key))
    return key


class _Stored(msgspec.Struct):
    client_id: str
    issuer: str
    token_endpoint: str
    audience: str
    server: str
    resource: str
    signal_keys: list[dict[str, Any]]
    key: bytes
