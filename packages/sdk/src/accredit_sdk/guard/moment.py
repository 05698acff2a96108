"""Time and chance: what makes one run of a guard differ from the next. Both can be put in from outside."""

import os
import time
from collections.abc import Callable
from typing import Final, TypeAlias
from weakref import WeakSet

Clock: TypeAlias = Callable[[], int]
"""Returns now in microseconds UTC."""

_POOL: Final = 4096


def now() -> int:
    """Return now by the machine's clock, in microseconds UTC."""
    return time.time_ns() // 1000


class Dice:
    """Random bytes of the operating system, fetched by the page: a call for each costs more than the bytes.

    A forked process begins a page of its own, so no byte is used twice.
    """

    def __init__(self, source: Callable[[int], bytes] = os.urandom) -> None:
        self._source = source
        self._page = b""
        self._at = 0
        _every.add(self)

    def take(self, count: int) -> bytes:
        """Return `count` fresh random bytes, at most 4,096."""
        start = self._at
        end = start + count
        if end > len(self._page):
            self._page = self._source(_POOL)
            start, end = 0, count
        self._at = end
        return self._page[start:end]

    def forget(self) -> None:
        """Throw the page away."""
        self._page = b""


_every: Final = WeakSet[Dice]()


def _forked() -> None:
    for dice in _every:
        dice.forget()


if hasattr(os, "register_at_fork"):  # where there is none, there is no fork
    os.register_at_fork(after_in_child=_forked)
