"""What the documentation takes from the program: `python -m tests.docs.reference` (`make reference`) writes it anew.

The pages of docs/reference/ are written whole; of two others, what stands between `<!-- standards -->` (README.md)
or `<!-- attacks -->` (docs/threat-model.md) and its end.
"""

import ast
import asyncio
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import typer

from accredit import app, config
from accredit.cli.main import program
from accredit.cli.trouble import Exit
from accredit.config import Settings
from accredit.identity import schema
from accredit_sdk.guard import Guard, options
from tests.docs.api import parts
from tests.docs.words import words
from tests.laws.architecture import by_first_line
from tests.laws.requirements import FOLDER
from tests.laws.tree import ROOT

_BY_HAND: Final = "<!-- Written by `make reference` from the program; a change here is lost. -->"
_SHARED: Final = ("data", "config", "as_json", "yes", "help")
_EXITS: Final = {
    Exit.OK: "done",
    Exit.REFUSED: "refused: by the server, by the person who was asked, or by the machine",
    Exit.USAGE: "the command line or the configuration cannot be meant so",
    Exit.UNREACHABLE: "the server, or the MCP server to be read, does not answer, or not as it should",
    Exit.UNVERIFIED: "`audit verify`, `doctor` or `server sync` found something that does not hold",
    Exit.DIFFERENT: "`plan`: the file would change something",
    Exit.OVERTAKEN: "`apply`, `plan --replay`: something else was changed meanwhile; nothing was done",
    Exit.INTERRUPTED: "Ctrl-C; what was asked of the server before may have been done",
}

_CLI: Final = """\
`accredit` speaks to the server that runs on the data folder, through the socket in it: whoever can open that socket is
the local administrator. Only `up`, `migrate`, `doctor`, `backup`, `restore`, `audit verify --database` and
`key rotate-master` open the database themselves."""
_SETTINGS: Final = """\
What a process needs before it can read its database: from a TOML file (`accredit --config FILE …`) and from the
environment, which wins over the file; options of a command win over both. They take a restart. Every problem is
reported at once, and an unknown name in the file is one."""
_FILE: Final = """\
```toml
issuer = "https://id.example.com"
host = "127.0.0.1"
port = 8700
data = "accredit-data"
proxies = ["127.0.0.1"]
```"""


def cli() -> str:
    """Return the page of the command line."""
    root = typer.main.get_command(program())
    exits = ["| code | meaning |", "|---|---|", *(f"| {code.value} | {_EXITS[code]} |" for code in Exit)]
    shared = "Every command takes, before or after its name:"
    head = [_CLI, shared, _table(root, shared=True), "It ends with", "\n".join(exits)]
    return _page("The command line", *head, *_commands("accredit", root))


def _page(title: str, *parts: str) -> str:
    return "\n\n".join([f"# {title}", _BY_HAND, *parts]) + "\n"


def _commands(path: str, command: Any) -> Iterator[str]:
    inside = getattr(command, "commands", None)
    if inside is None:
        table = _table(command, shared=False)
        arguments = [_record(item, command)[0] for item in command.params if item.param_type_name == "argument"]
        shown = " ".join([path, *arguments, *(["[OPTIONS]"] if "| `-" in table else [])])
        yield f"## `{shown}`"
        yield " ".join(command.help.split())
        if table:
            yield table
        return
    for name in sorted(inside, key=lambda name: hasattr(inside[name], "commands")):
        yield from _commands(f"{path} {name}", inside[name])


def _table(command: Any, *, shared: bool) -> str:
    rows = [_record(item, command) for item in command.params if (item.name in _SHARED) is shared]
    lines = [f"| `{_cell(name)}` | {_cell(text)} |" for name, text in rows]
    return "\n".join(["| | |", "|---|---|", *lines]) if lines else ""


def _record(item: Any, command: Any) -> tuple[str, str]:
    name, text = item.get_help_record(typer.Context(command, info_name="accredit"))
    if item.param_type_name == "argument":
        given, _, kind = name.partition(" <")
        return kind.rstrip(">") if given.islower() else given, re.sub(r" *\[required\]$", "", text)
    name = re.sub(r"<list\[(.*)\]>", r"<\1>", name)
    text = re.sub(r"\[default: (.+)\]$", r"Default: `\1`.", text.replace("[required]", "Required."))
    return name, " ".join(text.split())


def settings() -> str:
    """Return the page of the static settings."""
    rows = ["| in the file | in the environment | default | what it is |", "|---|---|---|---|"]
    for name, field in Settings.model_fields.items():
        rows.append(f"| `{name}` | `ACCREDIT_{name.upper()}` | {_default(field)} | {_cell(field.description or '')} |")
    array = "In the environment, `ACCREDIT_PROXIES` is a JSON array. A file:"
    return _page("Settings", _SETTINGS, "\n".join(rows), array, _FILE)


def _default(field: Any) -> str:
    value = getattr(field.default, "get_secret_value", lambda: field.default)()
    return "none" if value in ("", None, ()) else f"`{value}`" if not isinstance(value, bool) else str(value).lower()


def guard() -> str:
    """Return the page of the options of a guard."""
    defaults = {field.name: field.default for field in fields(options.Options)}
    required = " ".join((Guard.__doc__ or "").partition("\n\n")[2].split())
    optional = " ".join((options.Settings.__doc__ or "").split()).partition(". ")[2]
    rows = ["| option | default | what it is |", "|---|---|---|"]
    for part in re.split(r"(?<=\.) (?=`\w+`(?:, `\w+`)*: )", optional):
        names, _, told = part.partition(": ")
        values = ", ".join(f"`{defaults[name]!r}`" for name in re.findall(r"\w+", names))
        rows.append(f"| {names} | {values} | {_cell(told[0].upper() + told[1:])} |")
    head = f"`Guard(app, issuer=…, resource=…, folder=…)`. {required}"
    return _page("Options of a guard", head, "Further, all by name:", "\n".join(rows))


def file() -> str:
    """Return the page of the members of a file."""
    parts = [_MANIFEST]
    for title, members in _ENTRIES.items():
        rows = ["| member | what it is |", "|---|---|"]
        rows += [f"| `{name}` | {_cell(member.about)} |" for name, member in members.items()]
        parts += [f"## {title}", "\n".join(rows)]
    return _page("Files", *parts)


_MANIFEST: Final = """\
What `accredit plan` and `accredit apply` read and `accredit export` writes: YAML or JSON. A member that is left out is
left alone, and takes its usual value in something new; one that is there is meant whole. An unknown member is an error.
[How to use it](../howto/configure-by-file.md)."""
_ENTRIES: Final = {
    "The file": schema.FILE,
    "A server": schema.SERVER,
    "A tool, resource or prompt": schema.OFFER,
    "A role": schema.ROLE,
    "An agent": schema.AGENT,
    "An application": schema.APPLICATION,
    "A group": schema.GROUP,
    "A role of one of these": schema.ASSIGNMENT,
}


def standards(root: Path = ROOT) -> str:
    """Return the table of the standards that are claimed: how much of each is tested, and where it is decided."""
    pending = set(tomllib.loads((root / FOLDER / "pending.toml").read_text())["ids"])
    rows = ["| standard | status | where |", "|---|---|---|"]
    for path in sorted((root / FOLDER).glob("*.toml"), key=_order):
        if path.name == "pending.toml":
            continue
        claims = tomllib.loads(path.read_text())
        rows.append(f"| {_named(claims)} | {_status(claims, pending)} | {_where(claims, path, root)} |")
    return "\n".join(rows)


def _order(path: Path) -> tuple[bool, int, str]:
    number = re.search(r"\d+", path.name)
    return path.name.startswith("rfc"), int(number[0]) if number else 0, path.name


def _named(claims: dict[str, Any]) -> str:
    return f"{claims['standard']} · {claims['title']}"


def _status(claims: dict[str, Any], pending: set[str]) -> str:
    ids = set(claims["requirement"])
    tested = "all tested" if not ids & pending else "not all tested yet"
    apart = f", {len(found)} divergence on purpose" if (found := claims.get("divergence", [])) else ""
    return f"{len(ids)} clauses claimed, {tested}{apart}"


def _where(claims: dict[str, Any], path: Path, root: Path) -> str:
    """Return the claims, and the modules whose first line names the standard: the purest floor that has any."""
    standard = re.sub(r" \d{4}-\d\d-\d\d$", "", claims["standard"])
    found = by_first_line(root, standard)
    floors = [[name for name in found if floor in name] for floor in _FLOORS]
    chosen = _ELSEWHERE.get(standard) or next((some for some in floors if some), [])
    links = [f"[`{name.rpartition('/')[2]}`]({name})" for name in chosen]
    return " ".join([*links, f"[claims]({path.relative_to(root).as_posix()})"])


_FLOORS: Final = ("src/accredit/oauth/", "src/accredit_sdk/", "src/accredit/")
_SDK: Final = "packages/sdk/src/accredit_sdk"
_ELSEWHERE: Final = {
    "MCP authorization": [f"{_SDK}/guard/gate.py", f"{_SDK}/guard/answers.py", "src/accredit/oauth/metadata.py"],
    "RFC 7519": [f"{_SDK}/verify.py", f"{_SDK}/claims.py", f"{_SDK}/jws.py"],
    "RFC 9068": ["src/accredit/oauth/tokens.py", f"{_SDK}/verify.py", f"{_SDK}/claims.py"],
    "RFC 9728": [f"{_SDK}/guard/answers.py", f"{_SDK}/resource.py", f"{_SDK}/challenge.py"],
}
"""Standards that are decided in other places than the one whose first line names them on the purest floor."""


def metrics() -> str:
    """Return the reference of the metrics of a node."""
    rows = "\n".join(f"| `{name}` | {kind} | {_cell(told)} |" for name, kind, told in sorted(_metrics()))
    return f"""# Metrics

`/metrics` in the text format of Prometheus, at the socket in the data folder; a listener of its own, or the public one,
is a [setting](settings.md). Written by `make reference`. [What to look at](../howto/observe.md). The metrics of the
process itself (`process_…`) are those of the Prometheus client.

| metric | kind | what it is |
|---|---|---|
{rows}
"""


def _metrics() -> list[tuple[str, str, str]]:
    """Start a node and ask it."""

    async def asked() -> list[tuple[str, str, str]]:
        with tempfile.TemporaryDirectory() as folder:
            async with app.node(config.load(data=Path(folder) / "data")) as node:
                return list(node.measures.described())

    return asyncio.run(asked())


def attacks(root: Path = ROOT) -> str:
    """Return the table of the attacks that are tests: the name of each and what must be seen, from its first line."""
    rows = ["| attack | what must be seen |", "|---|---|"]
    for path in sorted((root / "tests" / "attack").glob("test_*.py")):
        first = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
        name, _, told = first.partition(": ")
        rows.append(f"| [{name.replace('_', ' ')}](../tests/attack/{path.name}) | {_cell(told)} |")
    return "\n".join(rows)


def _within(path: str, name: str, table: Callable[[], str]) -> str:
    """Return a document with the block `name` written anew."""
    block = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    return block.sub(lambda found: f"{found[1]}{table()}\n{found[2]}", (ROOT / path).read_text())


def _cell(text: str) -> str:
    return text.replace("|", r"\|")


PAGES: Final[dict[str, Callable[[], str]]] = {
    "README.md": lambda: _within("README.md", "standards", standards),
    "docs/threat-model.md": lambda: _within("docs/threat-model.md", "attacks", attacks),
    "docs/reference/api.md": lambda: _page("The management API", *parts()),
    "docs/reference/cli.md": cli,
    "docs/reference/file.md": file,
    "docs/reference/guard.md": guard,
    "docs/reference/metrics.md": metrics,
    "docs/reference/settings.md": settings,
    "src/accredit/cli/commands.json": words,
}
"""Path → what the program says now."""

if __name__ == "__main__":
    for path, page in PAGES.items():
        (ROOT / path).parent.mkdir(exist_ok=True)
        (ROOT / path).write_text(page())
