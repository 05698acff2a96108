"""How a command ends when it cannot do what was asked: one sentence for the person, one exit code for the program."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNREACHABLE = 3
    UNVERIFIED = 4
    DIFFERENT = 5
    OVERTAKEN = 6
    INTERRUPTED = 130


class Trouble(Exception):
    """A command ends here. `sentence` says what happened and what to do; `members` are added for programs."""

    def __init__(self, code: Exit, sentence: str, members: Mapping[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.members = dict(members or {})


class Told(Exception):
    """A command ends here with a code of its own, and everything has been said."""

    def __init__(self, code: Exit) -> None:
        super().__init__(code)
        self.code = code


def usage(sentence: str) -> Trouble:
    """Return the trouble of a command line that cannot be meant so."""
    return Trouble(Exit.USAGE, sentence)
