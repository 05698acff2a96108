"""The signing keys in use: opened once, published always, rotated without a restart."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from accredit.identity.sealing import MasterKey
from accredit.identity.signing_key import KeyState, KeyUse, StoredKey
from accredit_sdk import jws, keys
from accredit_sdk.jws import SigningKey


@dataclass(slots=True)
class Keyring:
    """Holds the opened private keys of this process and the public documents made of all living ones."""

    master: MasterKey
    _opened: dict[str, SigningKey] = field(default_factory=dict)
    _active: dict[KeyUse, SigningKey] = field(default_factory=dict)
    _published: dict[KeyUse, tuple[dict[str, str], ...]] = field(default_factory=dict)
    _jwks: bytes = b'{"keys":[]}'

    def refresh(self, stored: Iterable[StoredKey]) -> None:
        """Take over the keys of a new catalogue. Raises WrongMasterKey when one does not open.

        What is published comes from the opened key, never from the public half beside it, which nothing protects.
        """
        living = [key for key in stored if key.state is not KeyState.GONE]
        self._opened = {key.kid: self._opened.get(key.kid) or self._open(key) for key in living}
        self._active = {key.use: self._opened[key.kid] for key in living if key.state is KeyState.ACTIVE}
        public = {use: tuple(self._public(key.kid) for key in living if key.use is use) for use in KeyUse}
        self._published = public
        self._jwks = msgspec.json.encode({"keys": public[KeyUse.ACCESS]})

    def signing(self, use: KeyUse) -> SigningKey:
        """Return the active key of that use. Raises KeyError when there is none."""
        return self._active[use]

    def can_sign(self, use: KeyUse) -> bool:
        """Tell whether there is an active key of that use."""
        return use in self._active

    def published(self, use: KeyUse) -> tuple[dict[str, str], ...]:
        """Return the JSON Web Keys of that use: upcoming, active and retired."""
        return self._published[use]

    def jwks(self) -> bytes:
        """Return the key set document of the access token keys (RFC 7517, 5)."""
        return self._jwks

    def verifying(self, use: KeyUse) -> dict[str, jws.VerifyingKey]:
        """Return the keys that verify documents of that use, by key id."""
        return {jwk["kid"]: self._opened[jwk["kid"]].verifying() for jwk in self._published[use]}

    def _public(self, kid: str) -> dict[str, str]:
        return keys.public_jwk(self._opened[kid].verifying())

    def _open(self, key: StoredKey) -> SigningKey:
        der = self.master.open(key.sealed, seal_context(key.kid, key.use))
        return keys.signing_key(key.algorithm, der)


def seal_context(kid: str, use: KeyUse) -> bytes:
    """Return what a sealed private key is bound to: a key cannot be moved to another id or use."""
    return f"{use.value}:{kid}".encode("ascii")
