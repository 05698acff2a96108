"""What a person sees: sentences, tables, details. Text from elsewhere is shown and never obeyed."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from accredit.cli import layout

MARKS: Final[Mapping[str, tuple[str, str]]] = {
    "allow": ("✔ allowed", "green"),
    "deny": ("✘ denied", "red"),
    "done": ("• done", ""),
    "active": ("● active", "green"),
    "suspended": ("○ suspended", "red"),
    "revoked": ("✘ revoked", "red"),
    "retiring": ("◐ retiring", "yellow"),
    "upcoming": ("◌ upcoming", "yellow"),
    "gone": ("✘ gone", "red"),
    "ended": ("✘ ended", "red"),
    "retired": ("○ retired", ""),
    "enforce": ("enforce", ""),
    "observe": ("! observe", "yellow"),
    "dry-run": ("◌ dry-run", "yellow"),
    "ok": ("✔ ok", "green"),
    "warn": ("! warn", "yellow"),
    "fail": ("✘ fail", "red"),
}
"""How states and outcomes look: a shape, a word, and a colour as the second cue."""

_ENDLESS: Final = 1_000_000
_NARROWEST: Final = 20


def plain(value: object) -> str:
    """Return `value` as text that a terminal only shows: controls, escapes and invisible characters are spelled out."""
    text = "" if value is None else str(value)
    return text if text.isprintable() else "".join(c if c.isprintable() else _spelled(c) for c in text)


def _spelled(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


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
        self._out = Console(highlight=False, markup=False, emoji=False)
        self._err = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self.width = _columns(self._out)
        """Columns that a line may take."""

    def data(self, value: Any) -> None:
        """Print `value` for a program: one JSON document, ASCII only."""
        sys.stdout.write(json.dumps(value, indent=2) + "\n")
        sys.stdout.flush()

    def show(self, lines: Iterable[Text]) -> None:
        """Print lines that are laid out already."""
        _print(self._out, lines)

    def say(self, sentence: str) -> None:
        """Print a sentence for a person."""
        self.show(layout.wrapped(Text(plain(sentence)), self.width))

    def done(self, sentence: str) -> None:
        """Say that something was done."""
        self.show(layout.wrapped(Text("✔ ", "green") + Text(plain(sentence)), self.width, hang=2))

    def warn(self, sentence: str) -> None:
        """Say something on standard error that must not be missed."""
        self._aside(Text("! ", "yellow"), sentence)

    def trouble(self, sentence: str, members: Mapping[str, Any]) -> None:
        """Say on standard error why a command ends."""
        if self.as_json:
            sys.stderr.write(json.dumps({"error": sentence, **members}, indent=2) + "\n")
            return
        for line in sentence.splitlines() or [""]:
            self._aside(Text("✘ ", "red"), line)

    def ask(self, question: str) -> str:
        """Ask on standard error; return what the person typed."""
        *above, last = layout.wrapped(Text(plain(question)), _columns(self._err))
        _print(self._err, above)
        self._err.print(last, end=" ", soft_wrap=True)
        return sys.stdin.readline().strip().lower()

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], empty: str) -> None:
        """Print a table, or the sentence `empty` when there are no rows. A cell is a Text or anything plain."""
        found = [[_cell(value) for value in row] for row in rows]
        if found:
            self.show(layout.table(columns, found, self.width))
        else:
            self.say(empty)

    def details(self, pairs: Iterable[tuple[str, object]]) -> None:
        """Print names with their values, one a line; empty ones are left out."""
        self.show(layout.details([(name, _cell(value)) for name, value in pairs], self.width))

    @contextmanager
    def working(self, on: str) -> Iterator[Callable[[str], None]]:
        """Show a person at a terminal that something takes its time; what is yielded takes how far it has come."""
        if self.as_json or not self._err.is_terminal:
            yield lambda _: None
            return
        with self._err.status(Text(plain(on))) as status:
            yield lambda so_far: status.update(Text(plain(f"{on}: {so_far}")))

    def _aside(self, shape: Text, sentence: str) -> None:
        _print(self._err, layout.wrapped(shape + Text(plain(sentence)), _columns(self._err), hang=2))


def _columns(console: Console) -> int:
    """Return the columns of a terminal, or those that COLUMNS names; what goes into a pipe or a file has no end."""
    if console.is_terminal or os.environ.get("COLUMNS", "").isdigit():
        return max(console.width, _NARROWEST)
    return _ENDLESS


def _print(console: Console, lines: Iterable[Text]) -> None:
    for line in lines:
        console.print(line, soft_wrap=True)


def _cell(value: object) -> Text:
    return value if isinstance(value, Text) else Text(plain(value))
