"""A request that may come again: carried out once, its answer is kept in the same transaction."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from accredit.identity.answer import LIFETIME, KeptAnswer
from accredit.identity.changes import KeepAnswer

Made = TypeVar("Made", contravariant=True)


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer as it is given again. `body` is JSON and holds no secret."""

    status: int
    tag: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Once(Generic[Made]):
    """The digests of the key and of the request, and how what it makes is `shown` when it comes again."""

    key: bytes
    request: bytes
    shown: Callable[[Made], Shown]

    def keep(self, made: Made, now: int) -> KeepAnswer:
        """Return the claim that makes this the only time that the request is carried out."""
        found = self.shown(made)
        return KeepAnswer(
            KeptAnswer(self.key, self.request, found.status, found.tag, found.body, expires_at=now + LIFETIME)
        )


class Repeated(Exception):
    """The request with the key of that digest was carried out already, if only a moment ago; nothing was changed."""

    def __init__(self, key: bytes) -> None:
        super().__init__()
        self.key = key
