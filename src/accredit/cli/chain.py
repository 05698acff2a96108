"""The chain of a call as lines of text: boxes from left to right, or one station below the other where it is narrow."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from accredit.cli import layout
from accredit.cli.screen import plain

_ARROW: Final = "──▶"
_STOP: Final = "─✘─"
_WIDEST: Final = 160


@dataclass(frozen=True, slots=True)
class Link:
    """A station, the name of who or what stood there, and a note about it."""

    station: str
    name: str
    note: str


def drawn(links: Sequence[Link], outcome: str, width: int) -> list[Text]:
    """Return the lines of the chain, no wider than `width` columns unless a name without a space is.

    The last step of a denied call is crossed. Without links there are no lines.
    """
    if not links:
        return []
    across = _across(links, outcome)
    fits = max(cell_len(line.plain) for line in across) <= min(width, _WIDEST)
    return across if fits else _down(links, outcome, width)


def _across(links: Sequence[Link], outcome: str) -> list[Text]:
    sizes = [max(cell_len(plain(part)) for part in (f" {link.station} ", link.name, link.note)) for link in links]
    placed = list(zip(links, sizes, strict=True))
    top = "   ".join(f"┌─{_filled(f' {plain(link.station)} ', size, '─')}─┐" for link, size in placed)
    bottom = "   ".join(f"└─{'─' * size}─┘" for size in sizes)
    names = Text()
    for place, (link, size) in enumerate(placed):
        if place:
            names.append(*_step(outcome, last=place == len(links) - 1))
        names.append("│ ").append(_filled(plain(link.name), size), "bold").append(" │")
    notes = "   ".join(f"│ {_filled(plain(link.note), size)} │" for link, size in placed)
    return [Text(top), names, *([Text(notes)] if any(link.note for link in links) else []), Text(bottom)]


def _filled(text: str, size: int, filling: str = " ") -> str:
    return text + filling * (size - cell_len(text))


def _step(outcome: str, *, last: bool) -> tuple[str, str]:
    return (_STOP, "red") if outcome == "deny" and last else (_ARROW, "green" if outcome == "allow" else "")


def _down(links: Sequence[Link], outcome: str, width: int) -> list[Text]:
    indent = max(cell_len(plain(link.station)) for link in links) + 2
    lines: list[Text] = []
    for place, link in enumerate(links, start=1):
        station = plain(link.station)
        label = Text(station + " " * (indent - cell_len(station)), "dim")
        first, *rest = layout.wrapped(Text(plain(link.name), "bold"), width - indent)
        notes = layout.wrapped(Text(plain(link.note), "dim"), width - indent) if link.note else []
        spine = Text("│" if place < len(links) else " ") + Text(" " * (indent - 1))
        lines += [label + first, *(spine + line for line in (*rest, *notes))]
        if place < len(links):
            lines.append(Text(*_head(outcome, last=place == len(links) - 1)))
    return lines


def _head(outcome: str, *, last: bool) -> tuple[str, str]:
    return ("✘", "red") if outcome == "deny" and last else ("▼", "green" if outcome == "allow" else "")
