"""What every command has: the options that all share, the screen, the server to talk to."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar

import httpx2
import typer

from accredit import config
from accredit.cli.client import Client
from accredit.cli.screen import Screen
from accredit.cli.trouble import Exit, Trouble, usage

Function = TypeVar("Function", bound=Callable[..., None])


@dataclass(slots=True)
class Session:
    """One run of one command. `transport` is brought by tests only."""

    data: Path | None = None
    file: Path | None = None
    as_json: bool = False
    yes: bool = False
    transport: httpx2.BaseTransport | None = None
    _client: Client | None = field(default=None, repr=False)

    @property
    def screen(self) -> Screen:
        """Where to say things."""
        return Screen(as_json=self.as_json)

    def settings(self, **given: Any) -> config.Settings:
        """Return the configuration: options, environment, file. Raises ConfigurationProblems with all that is wrong."""
        return config.load(self.file, data=self.data, **given)

    @property
    def server(self) -> Client:
        """The running server of the data folder."""
        if self._client is None:
            settings = self.settings()
            self._client = Client(settings.data, settings.socket, self.transport)
        return self._client

    def close(self) -> None:
        """Let go of everything."""
        if self._client is not None:
            self._client.close()

    def changed(self, found: dict[str, Any], sentence: str) -> None:
        """Tell of a change that was made: the answer to a program, a sentence to a person."""
        if self.as_json:
            self.screen.data(found)
        else:
            self.screen.done(sentence)

    def confirm(self, question: str) -> None:
        """Ask before something that hurts. Raises Trouble when the person says no, or cannot be asked."""
        if self.yes:
            return
        if not sys.stdin.isatty():
            raise usage(f"{question} Nobody is there to answer; if you mean it, say --yes")
        if self.screen.ask(f"{question} [y/N]") not in ("y", "yes"):
            raise Trouble(Exit.REFUSED, "nothing was changed")


def shared(
    context: typer.Context,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            readable=False,
            help="Data folder of the server (default ./accredit-data, or ACCREDIT_DATA).",
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="Configuration file (TOML).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before something that hurts.")] = False,
) -> None:
    """Take the options that every command shares, before or after its name."""
    session = context.find_object(Session)
    if session is None:
        raise RuntimeError("the command line was not started by accredit.cli.main")
    session.data = data or session.data
    session.file = config or session.file
    session.as_json = as_json or session.as_json
    session.yes = yes or session.yes


_SHARED = inspect.signature(shared, eval_str=True).parameters


def command(app: typer.Typer, name: str) -> Callable[[Function], Function]:
    """Register a function as the command `name` of `app`; it gets a Session where the others share their options."""

    def register(function: Function) -> Function:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]

        def run(**values: Any) -> None:
            context: typer.Context = values["context"]
            shared(**{key: values.pop(key) for key in _SHARED})
            function(context.find_object(Session), **values)

        parameters = [item.replace(kind=inspect.Parameter.KEYWORD_ONLY) for item in (*own, *_SHARED.values())]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__doc__ = function.__doc__
        # Of what a list of commands has no room for, nothing is cut off: it goes on in the next line.
        app.command(name, short_help=(function.__doc__ or "").partition("\n")[0])(run)
        return function

    return register
