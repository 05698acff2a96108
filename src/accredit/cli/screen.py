"""What a person sees: sentences, tables, details. Text from elsewhere is shown and never obeyed."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from rich import box
from rich.cells import cell_len, set_cell_size
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

MARKS: Final[Mapping[str, tuple[str, str]]] = {
    "allow": ("✔ allowed", "green"),
    "deny": ("✘ denied", "red"),
    "done": ("• done", ""),
    "active": ("● active", "green"),
    "suspended": ("○ suspended", "red"),
    "revoked": ("✘ revoked", "red"),
    "retiring": ("◐ retiring", "yellow"),
    "upcoming": ("◌ upcoming", "yellow"),
    "retired": ("○ retired", ""),
    "ok": ("✔ ok", "green"),
    "warn": ("! warn", "yellow"),
    "fail": ("✘ fail", "red"),
}
"""How states and outcomes look: a shape, a word, and a colour as the second cue."""

_PIPED: Final = 240


def plain(value: object) -> str:
    """Return `value` as text that a terminal only shows: controls, escapes and invisible characters are spelled out."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else _spelled(c) for c in text)


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, most: int) -> str:
    """Return `text` in at most `most` columns, with its middle left out where it is longer."""
    if cell_len(text) <= most:
        return text
    half = (most - 1) // 2
    return f"{set_cell_size(text, most - 1 - half).rstrip()}…{text[-half:]}" if half else text[:most]


def mark(word: str) -> Text:
    """Return a state or an outcome with its shape."""
    text, style = MARKS.get(word, (plain(word), ""))
    return Text(text, style)


def count(number: int, noun: str) -> str:
    """Return a number with its noun: 1 record, 2 records."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def moment(at: object) -> str:
    """Return a time of the API for people: to the second, UTC."""
    if not isinstance(at, str) or not at:
        return ""
    return plain(f"{at[:10]} {at[11:19]} UTC")


class Screen:
    """Standard output for results, standard error for what is said around them."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _PIPED
        self._out = Console(width=width, highlight=False, markup=False, emoji=False)
        self._err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)

    @property
    def width(self) -> int:
        """Columns that a line may take."""
        return self._out.width

    def data(self, value: Any) -> None:
        """Print `value` for a program: one JSON document, ASCII only."""
        sys.stdout.write(json.dumps(value, indent=2) + "\n")

    def show(self, thing: RenderableType) -> None:
        """Print something for a person."""
        self._out.print(thing)

    def say(self, sentence: str) -> None:
        """Print a sentence for a person."""
        self._out.print(Text(plain(sentence)), soft_wrap=True)

    def done(self, sentence: str) -> None:
        """Say that something was done."""
        self._out.print(Text("✔ ", "green") + Text(plain(sentence)), soft_wrap=True)

    def warn(self, sentence: str) -> None:
        """Say something on standard error that must not be missed."""
        self._err.print(Text("! ", "yellow") + Text(plain(sentence)))

    def trouble(self, sentence: str, members: Mapping[str, Any]) -> None:
        """Say on standard error why a command ends."""
        if self.as_json:
            sys.stderr.write(json.dumps({"error": sentence, **members}, indent=2) + "\n")
            return
        for line in sentence.splitlines() or [""]:
            self._err.print(Text("✘ ", "red") + Text(plain(line)))

    def ask(self, question: str) -> str:
        """Ask on standard error; return what the person typed."""
        self._err.print(Text(plain(question)), end=" ")
        return sys.stdin.readline().strip().lower()

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
        """Print a table, or the sentence `empty` when there are no rows. A cell is a Text or anything plain."""
        found = [[_cell(value) for value in row] for row in rows]
        if not found:
            self.say(empty)
            return
        table = Table(*columns, box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
        for column in table.columns:
            column.overflow = "fold"
        for row in found:
            table.add_row(*row)
        self.show(table)

    def details(self, pairs: Iterable[tuple[str, object]]) -> None:
        """Print names with their values, one a line; empty ones are left out."""
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True, style="dim")
        table.add_column(overflow="fold")
        for name, value in pairs:
            cell = _cell(value)
            if cell.plain:
                table.add_row(name, cell)
        self.show(table)

    @contextmanager
    def working(self, on: str) -> Iterator[None]:
        """Show a person at a terminal that something takes its time."""
        if self.as_json or not self._err.is_terminal:
            yield
            return
        with self._err.status(Text(plain(on))):
            yield


def _cell(value: object) -> Text:
    return value if isinstance(value, Text) else Text(plain(value))
