"""`accredit completion`: what a shell must know so that Tab completes commands, options and names."""

import sys
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final

import typer

from accredit.cli.session import Session, command


class Shell(StrEnum):
    """A shell that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


_SCRIPTS: Final[Mapping[Shell, str]] = {
    Shell.BASH: """\
_accredit() {
    local IFS=$'\\n'
    COMPREPLY=($("${1/#\\~/$HOME}" _complete "${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
    if [[ ${COMPREPLY[0]-} == :files ]]; then
        COMPREPLY=()
        compopt -o default
    elif [[ ${COMPREPLY[0]-} == *= ]]; then
        compopt -o nospace
    fi
}
complete -F _accredit accredit
""",
    Shell.ZSH: """\
_accredit() {
    local -a found
    found=("${(@f)$(${~words[1]} _complete "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
    if [[ $found[1] == :files ]]; then
        _files
    elif [[ $found[1] == *= ]]; then
        compadd -S '' -a found
    elif [[ -n $found[1] ]]; then
        compadd -a found
    fi
}
compdef _accredit accredit
""",
    Shell.FISH: """\
function __accredit_complete
    set -l found (accredit _complete (commandline -cp | string collect) 2>/dev/null)
    if test "$found[1]" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $found
    end
end
complete -c accredit -f -a '(__accredit_complete)'
""",
}


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    command(app, "completion")(completion)


def completion(
    session: Session,
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.", show_default=False)],
) -> None:
    """Write what makes a shell complete commands, options and names; see docs/howto/complete-commands.md."""
    if session.as_json:
        session.screen.data({"shell": shell.value, "script": _SCRIPTS[shell]})
        return
    sys.stdout.write(_SCRIPTS[shell])
    sys.stdout.flush()
