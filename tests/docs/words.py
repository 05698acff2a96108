"""The commands as a shell completes them, without loading one: what `src/accredit/cli/commands.json` holds."""

import json
import re
from collections.abc import Iterator
from enum import EnumType
from typing import Any, get_args

import typer

from accredit.cli.main import program


def words() -> str:
    """Return every command with its arguments and options, as JSON with a line for each."""
    root = typer.main.get_command(program())
    lines = (f"  {json.dumps(path)}: {json.dumps(found)}" for path, found in _commands("", root))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _commands(path: str, command: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    inside = getattr(command, "commands", None)
    options = dict(_options(command)) | {"--help": ""}
    if path:
        options = {name: kind for name, kind in options.items() if name not in _SHARED}
    found: dict[str, Any] = {"options": options}
    if inside is None:
        arguments = [item for item in command.params if item.param_type_name == "argument"]
        found["arguments"] = [_kind(item) for item in arguments]
        found["repeats"] = any(item.nargs == -1 for item in arguments)
    else:
        found["verbs"] = sorted(inside)
    yield path, found
    for name in sorted(inside or {}):
        yield from _commands(f"{path} {name}".strip(), inside[name])


_SHARED = ("--data", "--config", "--json", "--yes", "-y", "--help")


def _options(command: Any) -> Iterator[tuple[str, Any]]:
    for item in command.params:
        if item.param_type_name == "option":
            for name in (*item.opts, *item.secondary_opts):
                yield name, "" if item.is_flag else _kind(item)


def _kind(item: Any) -> Any:
    """Return the choices of a value, or its metavariable."""
    annotation = item.type_descriptor.annotation
    for one in (annotation, *get_args(annotation)):
        if isinstance(one, EnumType):
            return [choice.value for choice in one]
    name = re.match(r"[A-Z]+=?", item.metavar.lstrip("[")) if item.metavar else None
    return "TEXT" if name is None else name[0]
