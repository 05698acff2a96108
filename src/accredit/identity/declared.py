"""What a server says about what it offers. All of it is a claim: it is shown, and an administrator confirms it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from accredit.identity.pin import Pin
from accredit.identity.server import TargetKind, Tool
from accredit_sdk import uri_template
from accredit_sdk.errors import ResourceError

LONGEST_NAME: Final = 256
"""Characters in the name of a tool, or the URI of a resource, that can be mapped."""

LONGEST_TEXT: Final = 240
"""Characters that are kept of a description."""


class Risk(StrEnum):
    """What a tool does by its own account; UNKNOWN is one that says nothing, and may do anything."""

    READS = "reads"
    CHANGES = "changes"
    DESTROYS = "destroys"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Hints:
    """The annotations of a tool (`readOnlyHint` and so on); None is one that it does not give."""

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None
    open_world: bool | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """A tool, resource or prompt as its server lists it.

    `name` is what a request names: of a resource its URI, or the template of URIs; `label` is then its name for people,
    and else the name again.
    """

    kind: TargetKind
    name: str
    label: str
    pin: Pin
    title: str = ""
    description: str = ""
    hints: Hints = Hints()

    @property
    def key(self) -> tuple[TargetKind, str]:
        """What tells it from everything else that the server offers."""
        return self.kind, self.name

    @property
    def risk(self) -> Risk:
        """What it does by its own account. Resources and prompts are read. A contradiction counts as the worse."""
        if self.kind is not TargetKind.TOOL:
            return Risk.READS
        if self.hints.destructive:
            return Risk.DESTROYS
        if self.hints.read_only:
            return Risk.READS
        said = self.hints.read_only is not None or self.hints.destructive is not None
        return Risk.CHANGES if said else Risk.UNKNOWN

    def mapped(self, word: str) -> Tool:
        """Return it as a tool that needs the scope `word`."""
        return Tool(
            name=self.name,
            needs=frozenset({word}),
            kind=self.kind,
            description=one_line(self.description or self.title),
            read_only=self.risk is Risk.READS,
            destructive=self.risk is Risk.DESTROYS,
            pin=self.pin,
        )

    def confirmed(self, known: Tool) -> Tool:
        """Return the tool `known` with what is said now: its scopes stay, and what it may do only becomes less.

        A claim to read only is not taken over, a claim to destroy is; the description is, when its text has changed or
        there was none.
        """
        changed = not known.description or (known.pin is not None and "text" in known.pin.differences(self.pin))
        return replace(
            known,
            description=one_line(self.description or self.title) if changed else known.description,
            read_only=known.read_only and self.risk is Risk.READS,
            destructive=known.destructive or self.risk is Risk.DESTROYS,
            pin=self.pin,
        )


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that a server lists and that cannot be mapped: calls of it are refused. `why` is a sentence."""

    kind: TargetKind
    name: str
    why: str


def sorted_out(offered: tuple[Declared, ...]) -> tuple[tuple[Declared, ...], tuple[LeftOut, ...]]:
    """Return what can be mapped, in the order of the server, and what cannot."""
    seen: dict[tuple[TargetKind, str], int] = {}
    for item in offered:
        seen[item.key] = seen.get(item.key, 0) + 1
    usable: list[Declared] = []
    left: dict[tuple[TargetKind, str], LeftOut] = {}
    for item in offered:
        why = _unusable(item) if seen[item.key] == 1 else "it is listed more than once, and a call could be of either"
        if why is None:
            usable.append(item)
        else:
            left[item.key] = LeftOut(item.kind, item.name, why)
    return tuple(usable), tuple(left.values())


def one_line(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return `text` as one line of visible characters, cut where it is too long."""
    # What is cut off need not be looked at: a description may have megabytes.
    seen = text[: 4 * longest]
    line = " ".join("".join(c if c.isprintable() else " " for c in seen).split())
    return line if len(line) <= longest and len(seen) == len(text) else line[: longest - 1].rstrip() + "…"


def _unusable(item: Declared) -> str | None:
    if not item.name or len(item.name) > LONGEST_NAME:
        return f"its name must have 1 to {LONGEST_NAME} characters"
    if not item.name.isprintable():
        return "its name has characters that cannot be seen"
    if item.kind is not TargetKind.RESOURCE:
        return None
    try:
        if uri_template.is_template(item.name):
            uri_template.Template(item.name)
        else:
            uri_template.normal(item.name)
    except ResourceError as error:
        return f"its URI cannot be compared: {error}"
    return None
