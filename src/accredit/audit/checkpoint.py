"""Checkpoints: a signed counter with the heads of all open chains and one running hash over all seals. Pure.

A seal says that a chain had reached a record and no more was expected (closed), or that it was archived up to a record
(archived). Whoever keeps a checkpoint outside can prove what the log was when it was signed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from accredit.audit.chain import START, Head
from accredit.identity.changes import Seal, SealKind
from accredit_sdk import jws
from accredit_sdk.errors import InvalidToken
from accredit_sdk.jws import SigningKey, VerifyingKey

TYPE: Final = "accredit-checkpoint+jws"
"""The `typ` of a checkpoint: no other document that Accredit signs can pass for one."""

FILES: Final = "checkpoints-*.jws"
"""The names of files of checkpoints, one document a line, in order."""

KEYS_FILE: Final = "keys.json"
"""The name of the file beside them that verifies them: a key set (RFC 7517, 5)."""

LIMIT: Final = 16 * 1024 * 1024
"""The longest checkpoint, in characters: one of a hundred thousand open chains fits."""


class NotACheckpoint(ValueError):
    """A text that is no checkpoint of ours: another form, an unknown key, a wrong signature."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was true of the log at `at` (microseconds UTC). `number` counts from 1.

    `previous` is the digest of the checkpoint before. So many seals as `sealed` had been set, with the running hash
    `link`; `fresh` are those of them that the checkpoint before did not know.
    """

    issuer: str
    number: int
    at: int
    previous: bytes
    sealed: int
    link: bytes
    fresh: tuple[Seal, ...]
    heads: tuple[Head, ...]


class _Payload(msgspec.Struct, frozen=True):
    iss: str
    n: int
    at: int
    previous: str
    sealed: int
    link: str
    fresh: list[tuple[str, str, int, str, str]]
    heads: list[tuple[str, int, str]]


def running(link: bytes, seal: Seal) -> bytes:
    """Return the running hash over all seals up to `seal`; `link` is the one before it, START before the first."""
    said = msgspec.json.encode([seal.number, *_seal(seal)])
    return hashlib.sha256(link + said).digest()


def digest(document: bytes) -> bytes:
    """Return what the next checkpoint says of this one."""
    return hashlib.sha256(document).digest()


def sign(key: SigningKey, checkpoint: Checkpoint) -> bytes:
    """Return the checkpoint as a compact JWS, one line of ASCII without its end."""
    payload = _Payload(
        iss=checkpoint.issuer,
        n=checkpoint.number,
        at=checkpoint.at,
        previous=checkpoint.previous.hex(),
        sealed=checkpoint.sealed,
        link=checkpoint.link.hex(),
        fresh=[_seal(seal) for seal in checkpoint.fresh],
        heads=[(head.chain, head.seq, head.hash.hex()) for head in checkpoint.heads],
    )
    return jws.sign(key, TYPE, msgspec.json.encode(payload)).encode("ascii")


def read(document: bytes, keys: Mapping[str, VerifyingKey]) -> Checkpoint:
    """Return what a document says that one of `keys` signed. Raises NotACheckpoint."""
    try:
        found = msgspec.json.decode(jws.verify(document, keys, TYPE, LIMIT), type=_Payload)
        first = found.sealed - len(found.fresh) + 1
        return Checkpoint(
            issuer=found.iss,
            number=found.n,
            at=found.at,
            previous=bytes.fromhex(found.previous),
            sealed=found.sealed,
            link=bytes.fromhex(found.link),
            fresh=tuple(_read_seal(number, said) for number, said in enumerate(found.fresh, first)),
            heads=tuple(Head(chain, seq, bytes.fromhex(link)) for chain, seq, link in found.heads),
        )
    except (InvalidToken, ValueError, RecursionError) as error:
        raise NotACheckpoint(str(error)) from None


def key_set(published: Sequence[Mapping[str, str]]) -> bytes:
    """Return the document that is kept beside checkpoints, to verify them by."""
    return msgspec.json.encode({"keys": list(published)})


def number_of(document: bytes) -> int:
    """Return the number that a checkpoint gives itself. Nothing is verified. Raises NotACheckpoint."""
    try:
        return msgspec.json.decode(jws.parse(document, LIMIT).payload, type=_Payload).n
    except (InvalidToken, ValueError, RecursionError) as error:
        raise NotACheckpoint(str(error)) from None


def first_of(issuer: str) -> Checkpoint:
    """Return what stands before the first checkpoint: nothing is known."""
    return Checkpoint(issuer, 0, 0, START, 0, START, (), ())


def _seal(seal: Seal) -> tuple[str, str, int, str, str]:
    return seal.kind.value, seal.chain, seal.seq, seal.hash.hex(), seal.archive.hex()


def _read_seal(number: int, said: tuple[str, str, int, str, str]) -> Seal:
    kind, chain, seq, link, archive = said
    return Seal(number, SealKind(kind), chain, seq, bytes.fromhex(link), bytes.fromhex(archive))
