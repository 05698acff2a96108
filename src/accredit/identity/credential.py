"""Credentials of a client: generated secrets and public keys.

A generated secret reads `acs_<credential>_<secret>`: the 26 characters of the credential's id, then 32 random bytes in
base64url. Only its SHA-256 is stored: 256 random bits need no slow hash.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

import msgspec

from accredit_sdk import keys

SECRET_PREFIX: Final = "acs_"  # noqa: S105  (the public prefix of every secret, not a secret)
"""What every generated secret begins with, so that scanners find one that leaked."""
_CREDENTIAL_PREFIX: Final = "crd_"
_RANDOM_BYTES: Final = 32
# 32 bytes are 43 characters of base64url, and the last of them has two bits to spare, which are zero.
_SECRET: Final = re.compile(SECRET_PREFIX + r"([0-9a-v]{26})_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_LEAKED: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:acs_[0-9a-v]{26}_|ace_[A-Za-z0-9_-]{43}|whsec_[A-Za-z0-9+/]{43}|eyJ[A-Za-z0-9_-]{8,}\.)"
)
"""Our secrets, enrolment codes and signing secrets of webhooks, and the beginning of every JWT."""


class CredentialKind(StrEnum):
    """SECRET is a generated client secret; PUBLIC_KEY verifies `private_key_jwt` assertions (RFC 7523)."""

    SECRET = "secret"  # noqa: S105  (the name of a kind, not a secret)
    PUBLIC_KEY = "public_key"


class CredentialState(StrEnum):
    """ACTIVE works; RETIRING works until its deadline; REVOKED never works again."""

    ACTIVE = "active"
    RETIRING = "retiring"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Credential:
    """A credential of the client with the id `client`.

    `material` is the SHA-256 of a secret, or the JSON Web Key (RFC 7517) of a public key, as bytes.
    `expires_at` and `retires_at` are microseconds UTC, or None: the first at which it no longer works. `created_by` is
    who made it, empty for one of before that was kept.
    """

    id: str
    client: str
    kind: CredentialKind
    material: bytes
    created_at: int
    state: CredentialState = CredentialState.ACTIVE
    expires_at: int | None = None
    retires_at: int | None = None
    created_by: str = ""

    def usable(self, now: int) -> bool:
        """Tell whether the credential authenticates its client at `now` (microseconds UTC)."""
        endless = self.state is CredentialState.RETIRING and self.retires_at is None
        if self.state is CredentialState.REVOKED or endless:
            return False
        end = self.end()
        return end is None or now < end

    def aged(self, most: int) -> "Credential":
        """Return it as it is when no credential works for more than `most` microseconds; 0 sets no limit."""
        oldest = self.created_at + most
        if most == 0 or (self.expires_at is not None and self.expires_at <= oldest):
            return self
        return replace(self, expires_at=oldest)

    def end(self) -> int | None:
        """Return the first microsecond (UTC) at which it no longer works by itself, or None."""
        return min((end for end in (self.expires_at, self.retires_at) if end is not None), default=None)


def public_key(jwk: Mapping[str, Any]) -> bytes:
    """Return what is stored of a public key: its JSON Web Key, with its id and algorithm (RFC 7517, 4).

    Raises ValueError for a key that is private, weak, or of no algorithm in use.
    """
    return msgspec.json.encode(keys.public_jwk(keys.verifying_key(jwk)))


def secret(credential_id: str, random: bytes) -> str:
    """Return the secret to show once for the credential with that id. Raises ValueError unless 32 bytes are given."""
    if len(random) != _RANDOM_BYTES:
        raise ValueError("a secret takes exactly 32 random bytes")
    tail = base64.urlsafe_b64encode(random).decode("ascii").rstrip("=")
    return f"{SECRET_PREFIX}{credential_id.removeprefix(_CREDENTIAL_PREFIX)}_{tail}"


def selector(text: str) -> str | None:
    """Return the id of the credential that the secret `text` names, or None when it is not one of our secrets."""
    found = _SECRET.fullmatch(text)
    return None if found is None else _CREDENTIAL_PREFIX + found[1]


def resembles(text: str) -> bool:
    """Tell whether `text` holds what looks like a secret, a code or a token: somebody put it where a name belongs."""
    return _LEAKED.search(text) is not None


def digest(text: str) -> bytes:
    """Return what is stored of a secret: its SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def matches(credential: Credential, text: str) -> bool:
    """Tell, in constant time, whether `text` is the secret of `credential`; a public key has none."""
    right = hmac.compare_digest(credential.material, digest(text))
    return right and credential.kind is CredentialKind.SECRET
