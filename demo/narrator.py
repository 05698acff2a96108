"""Tells the story on the terminal: numbered steps, what was expected, what was seen."""

from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule

console = Console(highlight=False, soft_wrap=False)


class StoryBroken(Exception):
    """A step did not do what it says."""


class Narrator:
    """Prints the steps and stops the story at the first one that fails."""

    def __init__(self) -> None:
        self.step = 0

    def title(self, text: str, under: str) -> None:
        """Open the story."""
        console.print()
        console.print(Panel(under, title=f"[bold]{text}[/]", border_style="green", padding=(1, 2)))

    def chapter(self, text: str) -> None:
        """Begin a numbered step."""
        self.step += 1
        console.print()
        console.print(Rule(f"[bold]{self.step} · {text}[/]", align="left", style="dim"))

    def say(self, text: str) -> None:
        """Tell something."""
        console.print(Padding(text, (0, 0, 0, 2)))

    def command(self, line: str) -> None:
        """Show a command that is being run."""
        console.print(Padding(f"[dim]$[/] [cyan]{line}[/]", (0, 0, 0, 2)), soft_wrap=True)

    def show(self, value: Any) -> None:
        """Show a renderable, indented."""
        console.print(Padding(value, (0, 0, 0, 4)))

    def allowed(self, text: str) -> None:
        """Tell of a call that went through."""
        console.print(Padding(f"[bold green]✔ allowed[/]  {text}", (0, 0, 0, 2)))

    def denied(self, text: str) -> None:
        """Tell of a call that was refused, as it should be."""
        console.print(Padding(f"[bold red]✘ denied[/]   {text}", (0, 0, 0, 2)))

    def done(self, text: str) -> None:
        """Tell of something that worked."""
        console.print(Padding(f"[bold green]✔[/] {text}", (0, 0, 0, 2)))

    def expect(self, held: bool, what: str) -> None:
        """Stop the story unless `held`."""
        if not held:
            raise self.broken(what)

    def broken(self, what: str) -> StoryBroken:
        """Return the end of a story that went wrong, to be raised."""
        return StoryBroken(f"step {self.step}: {what}")
