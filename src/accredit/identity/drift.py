"""What a server offers now, held against what was confirmed. Nothing here decides: an administrator does."""

from collections.abc import Iterable
from dataclasses import dataclass

from accredit.identity.declared import Declared, LeftOut
from accredit.identity.server import Server, Tool


@dataclass(frozen=True, slots=True)
class Changed:
    """A tool about which the server says something else than was confirmed.

    `parts` names what: `text`, `annotations`, `schema`; nothing, when it was mapped by hand and never held against what
    the server says.
    """

    tool: Tool
    declared: Declared
    parts: tuple[str, ...]

    def confirmed(self) -> Tool:
        """Return the tool as it is when the change is confirmed."""
        return self.declared.confirmed(self.tool)


@dataclass(frozen=True, slots=True)
class Drift:
    """What is new (and stays refused until it is mapped), what has changed, what is gone; in the server's order.

    `unclear` is mapped, and what the server lists under its name cannot be: twice the same name, for one.
    """

    new: tuple[Declared, ...]
    changed: tuple[Changed, ...]
    gone: tuple[Tool, ...]
    unclear: tuple[Tool, ...]

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self.new or self.changed or self.gone or self.unclear)


def drift(server: Server, offered: Iterable[Declared], left_out: Iterable[LeftOut] = ()) -> Drift:
    """Compare what is mapped with what can be, and with what is listed and cannot."""
    known = {(tool.kind, tool.name): tool for tool in server.tools}
    items = {item.key: item for item in offered}
    listed = {(item.kind, item.name) for item in left_out}
    return Drift(
        new=tuple(item for key, item in items.items() if key not in known),
        changed=tuple(
            Changed(known[key], item, parts)
            for key, item in items.items()
            if key in known and (parts := _parts(known[key], item)) is not None
        ),
        gone=tuple(tool for key, tool in known.items() if key not in items and key not in listed),
        unclear=tuple(tool for key, tool in known.items() if key in listed),
    )


def _parts(tool: Tool, item: Declared) -> tuple[str, ...] | None:
    """Return what has changed; None when nothing has."""
    if tool.pin is None:
        return ()
    return tool.pin.differences(item.pin) or None
