"""The nearest known word to one that is not known: what somebody probably meant."""

from collections.abc import Iterable
from typing import Final

_LONGEST: Final = 64


def nearest(text: str, known: Iterable[str]) -> str | None:
    """Return the word of `known` that a slip or two away from `text`, or None when none is near."""
    if len(text) > _LONGEST:
        return None
    room = 1 + len(text) // 4
    found = sorted((_distance(text.lower(), word.lower(), room), word) for word in known if _alike(text, word, room))
    return found[0][1] if found and found[0][0] <= room else None


def suggestion(text: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?` for the nearest known word, or nothing."""
    found = nearest(text, known)
    return "" if found is None else f"; did you mean {found!r}?"


def _alike(text: str, word: str, room: int) -> bool:
    return len(word) <= _LONGEST and abs(len(text) - len(word)) <= room


def _distance(one: str, other: str, room: int) -> int:
    """Return how many letters must be added, dropped, changed or swapped with their neighbour; above `room`, more."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, before = before, row
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, previous[j - 2] + 1)
            row.append(cost)
        if min(row) > room:
            return room + 1
    return row[-1]
