"""Tells the story on the terminal: numbered steps, the commands that are run, what was expected, what was seen."""

import shlex
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from accredit.cli import layout

console = Console(highlight=False)

MARGIN = 2
DEEPER = 4


class StoryBroken(Exception):
    """A step did not do what it says."""


class Narrator:
    """Prints the steps and stops the story at the first one that fails. No line is wider than the terminal."""

    def __init__(self) -> None:
        self.step = 0
        self.width = max(console.width, 40)

    @property
    def room(self) -> int:
        """Columns that the output of a command has."""
        return self.width - DEEPER

    def title(self, text: str, *under: str) -> None:
        """Open the story, or close it."""
        room = self.width - 6
        lines = [line for one in under for line in layout.wrapped(Text.from_markup(one), room, hang=2)]
        console.print()
        body = Text("\n").join(lines)
        console.print(Panel(body, title=f"[bold]{text}[/]", border_style="green", padding=(1, 2), width=self.width))

    def chapter(self, text: str) -> None:
        """Begin a numbered step."""
        self.step += 1
        console.print()
        console.print(Rule(f"[bold]{self.step} · {text}[/]", align="left", style="dim"), width=self.width)

    def command(self, *words: str) -> None:
        """Show a command that is being run; a long one goes on in further lines, as a shell takes it."""
        first, *rest = _lines(words, self.width - MARGIN - 2 - len(" \\"))
        shown = [Text.assemble(("$ ", "dim"), (first, "cyan")), *(Text("    " + line, "cyan") for line in rest)]
        for place, line in enumerate(shown, start=1):
            ending = Text(" \\", "dim") if place < len(shown) else Text()
            console.print(Text(" " * MARGIN) + line + ending, soft_wrap=True)

    def output(self, text: str) -> None:
        """Show what a command printed; it was told how much room there is."""
        for line in text.splitlines():
            console.print(Text(" " * DEEPER + line) if line else Text(), soft_wrap=True)

    def rows(self, rows: Sequence[tuple[str, str, str]]) -> None:
        """Show names with their values and what these mean."""
        wide = max(len(value) for _, value, _ in rows)
        pairs = [(name, Text(value.ljust(wide + 3)) + Text(meaning, "dim")) for name, value, meaning in rows]
        for line in layout.details(pairs, self.room):
            console.print(Text(" " * DEEPER) + line, soft_wrap=True)

    def members(self, head: str, members: Mapping[str, str]) -> None:
        """Show a header with its parameters, each value on a line of its own where it is long."""
        console.print(Text(" " * DEEPER + head, "dim"), soft_wrap=True)
        for name, value in members.items():
            line = f"{name} = {value}"
            for part in [line] if len(line) + 2 <= self.room else [f"{name} =", f"  {value}"]:
                console.print(Text(" " * (DEEPER + 2) + part, "dim"), soft_wrap=True)

    def allowed(self, markup: str) -> None:
        """Tell of a call that went through."""
        self._told(Text.from_markup(f"[bold green]✔ allowed[/]  {markup}"), MARGIN, hang=11)

    def denied(self, markup: str) -> None:
        """Tell of a call that was refused, as it should be."""
        self._told(Text.from_markup(f"[bold red]✘ denied[/]   {markup}"), MARGIN, hang=11)

    def done(self, markup: str) -> None:
        """Tell of something that worked."""
        self._told(Text.from_markup(f"[bold green]✔[/] {markup}"), MARGIN, hang=2)

    def expect(self, held: bool, what: str) -> None:
        """Stop the story unless `held`."""
        if not held:
            raise self.broken(what)

    def broken(self, what: str) -> StoryBroken:
        """Return the end of a story that went wrong, to be raised."""
        return StoryBroken(f"step {self.step}: {what}")

    def _told(self, text: Text, indent: int, hang: int = 0) -> None:
        for line in layout.wrapped(text, self.width - indent, hang):
            console.print(Text(" " * indent) + line, soft_wrap=True)


def _lines(words: Sequence[str], room: int) -> list[str]:
    """Return a command in lines; an option stays with its value, and no word is broken."""
    pieces: list[str] = []
    for place, word in enumerate(words):
        quoted = shlex.quote(word)
        if place and not word.startswith("-") and words[place - 1].startswith("--"):
            pieces[-1] += f" {quoted}"
        else:
            pieces.append(quoted)
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if len(lines[-1]) + 1 + len(piece) <= room - (2 if len(lines) > 1 else 0):
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return lines
