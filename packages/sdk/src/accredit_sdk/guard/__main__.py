"""`python -m accredit_sdk.guard enrol`: exchange a one-time code for an identity. The code is never in argv."""

import argparse
import asyncio
import getpass
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from accredit_sdk import resource
from accredit_sdk.errors import ResourceError
from accredit_sdk.guard import authority
from accredit_sdk.guard.authority import Rejected
from accredit_sdk.guard.fetch import HttpFetch, Unreachable
from accredit_sdk.guard.folder import Folder
from accredit_sdk.guard.identity import BrokenIdentity, Identity, pending_key

_LONGEST_CODE: Final = 256


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 0, or 1 when there is no new identity."""
    given = _arguments().parse_args(words)
    folder = Folder(given.folder)
    try:
        found = _ready(given.issuer, folder)
        if not found:
            identity = asyncio.run(_enrol(given.issuer, folder, _code(given.code_file)))
            sys.stdout.write(f"enrolled as {identity.client_id}, a guard of {identity.resource}; see {folder.path}\n")
            return 0
    except Unreachable as error:
        found = [f"Accredit cannot be reached at {given.issuer} ({error}); the code is still good, try again"]
    except Rejected as error:
        found = [f"Accredit refused ({error}); get a new code with: accredit guard enrol SERVER"]
    except (BrokenIdentity, OSError, ValueError) as error:
        found = [str(error)]
    sys.stderr.write("".join(f"guard: {problem}\n" for problem in found))
    return 1


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m accredit_sdk.guard", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True)
    # Without abbreviations: --code would be taken for --code-file, and the code would be in argv and in the error.
    about = "make an identity; the one-time code comes from stdin or a file"
    enrol = commands.add_parser("enrol", help=about, description=about, allow_abbrev=False)
    enrol.add_argument("--issuer", required=True, metavar="URL", help="where Accredit is")
    enrol.add_argument("--folder", required=True, type=Path, metavar="DIR", help="a folder of the guard's own")
    enrol.add_argument("--code-file", type=Path, metavar="FILE", help="read the code from this file")
    return parser


def _ready(issuer: str, folder: Folder) -> list[str]:
    """Return what stands in the way, before a code is spent."""
    try:
        if resource.canonical(issuer) != issuer:
            return [f"write the issuer as {resource.canonical(issuer)}"]
    except ResourceError as error:
        return [f"issuer: {error}"]
    found = folder.problems(writable=True)
    if not found and Identity.load(folder) is not None:
        return [f"{folder.path} holds an identity already; use another folder, or move it away"]
    return found


def _code(file: Path | None) -> str:
    if file is not None:
        text = file.read_text(encoding="utf-8")
    elif sys.stdin.isatty():
        text = getpass.getpass("code: ")
    else:
        text = sys.stdin.readline(_LONGEST_CODE + 2)
    code = text.strip()
    if not 0 < len(code) <= _LONGEST_CODE or not code.isascii() or not code.isprintable():
        raise ValueError("this is not a code; give the one that `accredit guard enrol SERVER` showed")
    return code


async def _enrol(issuer: str, folder: Folder, code: str) -> Identity:
    fetch = HttpFetch(issuer)
    try:
        identity = await authority.enrol(fetch, issuer, code, pending_key(folder))
    finally:
        await fetch.close()
    identity.save(folder)
    return identity


if __name__ == "__main__":
    sys.exit(main())
