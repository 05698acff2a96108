"""Many of something, a few at a time: one statement names only so many."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

One = TypeVar("One")


def portions(everything: Iterable[One], most: int) -> Iterator[list[One]]:
    """Return all of them in their order, at most `most` in each list."""
    rest = iter(everything)
    while some := list(islice(rest, most)):
        yield some
