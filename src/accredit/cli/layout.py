"""Tables, details and sentences as lines that fit the columns there are. No word and no id is broken to make it fit."""

import re
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.text import Text

_GAP: Final = 3
_PROSE: Final = 24
_WORD: Final = re.compile(r"\S+\s*")


def wrapped(text: Text, width: int, hang: int = 0) -> list[Text]:
    """Return `text` in lines of at most `width` columns, all but the first indented by `hang`; a longer word stays."""
    breaks: list[int] = []
    column = 0
    for word in _WORD.finditer(text.plain):
        room = width - hang if breaks else width
        if column and column + cell_len(word[0].rstrip()) > room:
            breaks.append(word.start())
            column = 0
        column += cell_len(word[0])
    first, *rest = text.divide(breaks)
    lines = [first, *(Text(" " * hang) + line for line in rest)]
    for line in lines:
        line.rstrip()
    return lines


def details(pairs: Sequence[tuple[str, Text]], width: int) -> list[Text]:
    """Return names with their values, one below the other; those without a value are left out."""
    told = [(name, value) for name, value in pairs if value.plain]
    indent = max((cell_len(name) for name, _ in told), default=0) + 2
    lines: list[Text] = []
    for name, value in told:
        label = Text(name + " " * (indent - cell_len(name)), "dim")
        first, *rest = wrapped(value, width - indent)
        lines += [label + first, *(Text(" " * indent) + line for line in rest)]
    return lines


def table(columns: Sequence[str], rows: Sequence[Sequence[Text]], width: int) -> list[Text]:
    """Return a table; where its columns would be too narrow to read, each row as details, with a line between them."""
    cells = [[Text(name, "bold") for name in columns], *rows]
    widths = _widths(cells, width - _GAP * (len(columns) - 1))
    if widths is None:
        return _one_by_one(columns, rows, width)
    head, *body = (_row(row, widths) for row in cells)
    rule = Text("─" * (sum(widths) + _GAP * (len(columns) - 1)))
    return [*head, rule, *(line for lines in body for line in lines)]


def _widths(cells: Sequence[Sequence[Text]], room: int) -> list[int] | None:
    """Return the width of each column; None when not even the narrowest that can be read have room."""
    found = [max(cell_len(cell.plain) for cell in column) for column in zip(*cells, strict=True)]
    least = [
        min(wide, max(_PROSE, *(_longest_word(cell) for cell in column)))
        for wide, column in zip(found, zip(*cells, strict=True), strict=True)
    ]
    if sum(least) > room:
        return None
    while sum(found) > room:
        most = max(range(len(found)), key=lambda place: found[place] - least[place])
        found[most] -= 1
    return found


def _longest_word(cell: Text) -> int:
    return max((cell_len(word) for word in cell.plain.split()), default=0)


def _row(cells: Sequence[Text], widths: Sequence[int]) -> list[Text]:
    parts = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for height in range(max(len(part) for part in parts)):
        line = Text()
        for part, width in zip(parts, widths, strict=True):
            piece = part[height] if height < len(part) else Text()
            line += piece + Text(" " * (width - cell_len(piece.plain) + _GAP))
        line.rstrip()
        lines.append(line)
    return lines


def _one_by_one(columns: Sequence[str], rows: Sequence[Sequence[Text]], width: int) -> list[Text]:
    lines: list[Text] = []
    for row in rows:
        lines += [*([Text()] if lines else []), *details(list(zip(columns, row, strict=True)), width)]
    return lines
