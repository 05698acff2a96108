"""`accredit plan`, `apply` and `export`: servers, roles, clients and groups as one file."""

import shlex
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import yaml
from rich.text import Text

from accredit.cli import layout
from accredit.cli import replay as replays
from accredit.cli.client import path
from accredit.cli.given import past
from accredit.cli.manifest_file import Loaded, load
from accredit.cli.screen import Screen, count, plain
from accredit.cli.session import Session, command
from accredit.cli.trouble import Exit, Told, Trouble

File = Annotated[Path, typer.Argument(metavar="FILE", help="The file, YAML or JSON.", show_default=False)]
"""The argument that names the file."""
Prune = Annotated[bool, typer.Option("--prune", help="What the sections of the file do not name goes.")]
"""The option that lets things go."""

_MOST_SHOWN: Final = 200
_MOST_CLIENTS: Final = 10
_STALE: Final = "urn:accredit:problem:stale"
_LONGEST: Final = 200
_SIGNS: Final = {"add": ("+", "green"), "change": ("~", "yellow"), "remove": ("-", "red")}


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, "plan")(plan)
    command(app, "apply")(apply)
    command(app, "export")(export)


def plan(
    session: Session,
    file: File,
    *,
    prune: Prune = False,
    replay: Annotated[
        str | None,
        typer.Option(metavar="SPAN", help="Tell which past calls it would turn: 30d back, or from a time on."),
    ] = None,
) -> None:
    """Show what `apply` would do with a file, and do nothing; ends with 5 when that is something."""
    loaded = _loaded(session, file)
    found = _planned(session, loaded, file, prune=prune)
    done = None
    if replay is not None:
        body = {"document": loaded.document, "prune": prune, "since": past(replay)}
        done = replays.run(session.screen, lambda given: _asked(session, "replay", given, loaded, file), body)
    if session.as_json:
        session.screen.data(found if done is None else found | {"replay": _data(done)})
    else:
        _show(session.screen, found, len(found["steps"]))
        if done is not None:
            replays.show(session.screen, done)
    if found["steps"]:
        raise Told(Exit.DIFFERENT)


def apply(session: Session, file: File, *, prune: Prune = False) -> None:
    """Make servers, roles, clients and groups what a file says: all of it in one transaction, or nothing."""
    loaded = _loaded(session, file)
    found = _planned(session, loaded, file, prune=prune)
    if not session.as_json:
        _show(session.screen, found, _MOST_SHOWN)
    taking = [step for step in found["steps"] if step["takes"]]
    if taking:
        session.confirm(f"{_taken(taking)} Go on?")
    body = {"document": loaded.document, "prune": prune, "fingerprint": found["fingerprint"]}
    with session.screen.working(f"Applying {count(len(found['steps']), 'change')} in one transaction"):
        done = _asked(session, "apply", body, loaded, file)
    if session.as_json:
        session.screen.data(done)
        return
    if found["steps"]:
        session.screen.done(f"{_counted(done['counts'])}, all at once")
    _tell_new_clients(session.screen, done["without_credential"])


def export(session: Session) -> None:
    """Write the file of every server, role, client and group to standard output; it holds no ids and no secrets."""
    with session.screen.working("Reading everything"):
        found = session.server.get(path("export"), patient=True)
    if session.as_json:
        session.screen.data(found)
        return
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    sys.stdout.write(yaml.dump(found, Dumper=dumper, sort_keys=False, allow_unicode=False, width=120))
    sys.stdout.flush()


def _data(done: replays.Replay) -> dict[str, Any]:
    found = {"items": done.items(), "looked_at": done.looked_at, "passed_over": done.passed_over}
    return found | {"note": replays.NOTE}


def _loaded(session: Session, file: Path) -> Loaded:
    with session.screen.working(f"Reading {file}"):
        found = load(file)
    if found.problems and not found.document:
        raise _faulty(file, found.problems)
    return found


def _planned(session: Session, loaded: Loaded, file: Path, *, prune: bool) -> Any:
    with session.screen.working(f"Comparing {file} with what there is"):
        return _asked(session, "plan", {"document": loaded.document, "prune": prune}, loaded, file)


def _asked(session: Session, what: str, body: Any, loaded: Loaded, file: Path) -> Any:
    """Ask the server. Raises Trouble with everything that is wrong with the file, line by line."""
    try:
        found = session.server.post(path(what), body, patient=True)
    except Trouble as trouble:
        if trouble.members.get("type") == _STALE:
            raise Trouble(Exit.OVERTAKEN, trouble.sentence, trouble.members) from None
        placed = [_placed(loaded, item) for item in trouble.members.get("errors", ())]
        if not placed and not loaded.problems:
            raise
        raise _faulty(file, [*loaded.problems, *placed]) from None
    if loaded.problems:
        raise _faulty(file, loaded.problems)
    return found


def _placed(loaded: Loaded, item: dict[str, Any]) -> tuple[int, str]:
    return loaded.line(tuple(item.get("path", ()))), f"{item['where']}: {item['what']}"


def _faulty(file: Path, problems: Iterable[tuple[int, str]]) -> Trouble:
    found = sorted(set(problems))
    sentence = "\n".join(f"{file}:{line}: {text}" for line, text in found)
    return Trouble(Exit.REFUSED, sentence, {"problems": [{"line": line, "what": text} for line, text in found]})


# ------------------------------------------------------------------ what a person sees
def _show(screen: Screen, found: Any, most: int) -> None:
    if not found["steps"]:
        screen.done("everything is as the file says; there is nothing to do")
        return
    for step in found["steps"][:most]:
        screen.show(_drawn(step, screen.width))
    if len(found["steps"]) > most:
        screen.say(f"… and {len(found['steps']) - most} more; `accredit plan` shows them all")
    screen.say("")
    counts = found["counts"]
    screen.say(f"{counts['add']} to add, {counts['change']} to change, {counts['remove']} to remove")


def _drawn(step: dict[str, Any], width: int) -> Iterator[Text]:
    sign, style = _SIGNS[step["verb"]]
    yield Text(f"{sign} {step['noun']} {plain(step['slug'])}", style)
    for change in step["changes"]:
        line = Text("    ") + Text(plain(".".join(change["path"])), "dim") + Text("  ")
        yield from layout.wrapped(line + _difference(change, step["verb"]), width, hang=8)


def _difference(change: dict[str, Any], verb: str) -> Text:
    before, after = _value(change["before"]), _value(change["after"])
    if verb == "add" or change["before"] is None:
        return Text(after, "green")
    if change["after"] is None:
        return Text(before, "red") + Text(" → gone")
    return Text(before, "red") + Text(" → ") + Text(after, "green")


def _value(value: object) -> str:
    if isinstance(value, list):
        return plain(f"[{', '.join(str(item) for item in value)}]"[:_LONGEST])
    if isinstance(value, bool):
        return "true" if value else "false"
    return plain(value)[:_LONGEST] or '""'


def _taken(steps: list[dict[str, Any]]) -> str:
    names = ", ".join(f"{step['noun']} {step['slug']}" for step in steps[:5])
    more = f" and {len(steps) - 5} more" if len(steps) > 5 else ""
    return f"Something stops working: {names}{more}."


def _counted(counts: dict[str, int]) -> str:
    return f"{counts['add']} added, {counts['change']} changed, {counts['remove']} removed"


def _tell_new_clients(screen: Screen, names: list[str]) -> None:
    if not names:
        return
    screen.say("")
    screen.say(f"{count(len(names), 'client')} cannot authenticate yet; give each one its first credential:")
    for name in names[:_MOST_CLIENTS]:
        noun, _, slug = name.rpartition(":")
        word = shlex.quote(slug)
        screen.say(f"  accredit {noun or 'agent'} credential add {word} --secret-file {word}.secret")
    if len(names) > _MOST_CLIENTS:
        screen.say(f"  … and {len(names) - _MOST_CLIENTS} more; --json names them all")
