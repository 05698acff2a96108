"""The chain of a call as lines of text: boxes from left to right, or one below the other where it is narrow."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from accredit.cli.screen import plain, shortened

_ARROW: Final = "──▶"
_STOP: Final = "─✘─"
_WIDEST: Final = 44


@dataclass(frozen=True, slots=True)
class Link:
    """A station, the name of who or what stood there, and a note about it."""

    station: str
    name: str
    note: str


def drawn(links: Sequence[Link], outcome: str, width: int) -> list[Text]:
    """Return the lines of the chain, no wider than `width` columns where its names allow that.

    The last step of a denied call is crossed. Without links there are no lines.
    """
    if not links:
        return []
    across = _across(links, outcome)
    return across if max(cell_len(line.plain) for line in across) <= width else _down(links, outcome, width)


def _across(links: Sequence[Link], outcome: str) -> list[Text]:
    sizes = [
        min(_WIDEST, max(cell_len(plain(part)) for part in (f" {link.station} ", link.name, link.note)))
        for link in links
    ]
    top = "   ".join(f"┌─{_filled(f' {link.station} ', size)}─┐" for link, size in zip(links, sizes, strict=True))
    bottom = "   ".join(f"└─{'─' * size}─┘" for size in sizes)
    names = Text()
    notes = []
    for place, (link, size) in enumerate(zip(links, sizes, strict=True)):
        if place:
            names.append(*_step(outcome, last=place == len(links) - 1))
        names.append("│ ").append(_fitted(link.name, size), "bold").append(" │")
        notes.append(f"│ {_fitted(link.note, size)} │")
    lines = [Text(top), names]
    if any(link.note for link in links):
        lines.append(Text("   ".join(notes)))
    return [*lines, Text(bottom)]


def _fitted(text: str, size: int) -> str:
    return set_cell_size(shortened(plain(text), size), size)


def _filled(label: str, size: int) -> str:
    text = shortened(plain(label), size)
    return text + "─" * (size - cell_len(text))


def _step(outcome: str, *, last: bool) -> tuple[str, str]:
    return (_STOP, "red") if outcome == "deny" and last else (_ARROW, "green" if outcome == "allow" else "")


def _down(links: Sequence[Link], outcome: str, width: int) -> list[Text]:
    found: list[Text] = []
    for link in links:
        note = f"  {plain(link.note)}" if link.note else ""
        name = Text.assemble((f"{plain(link.station)} ", "dim"), (plain(link.name), "bold"), (note, "dim"))
        name.truncate(max(width, 20), overflow="ellipsis")
        found.append(name)
    lines = [found[0]]
    for place, (_, following) in enumerate(pairwise(found), start=1):
        crossed = outcome == "deny" and place == len(found) - 1
        lines.append(Text("  ✘" if crossed else "  │", "red" if crossed else ""))
        lines.append(following)
    return lines
