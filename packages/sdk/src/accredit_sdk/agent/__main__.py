"""`python -m accredit_sdk.agent keygen`: a key pair made where it is used; only the public half leaves the machine."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from accredit_sdk.agent import key_file
from accredit_sdk.errors import ConfigurationError
from accredit_sdk.jws import Algorithm


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says; return 0, or 1 when there is no new key."""
    given = _arguments().parse_args(words)
    try:
        private, public = key_file.generate(given.folder, Algorithm(given.algorithm))
    except ConfigurationError as error:
        sys.stderr.write("".join(f"agent: {problem}\n" for problem in error.problems))
        return 1
    except OSError as error:
        sys.stderr.write(f"agent: {given.folder}: {error.strerror or type(error).__name__}\n")
        return 1
    sys.stdout.write(f"private key, for this machine alone: {private}\npublic key, to be registered: {public}\n")
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m accredit_sdk.agent", description=__doc__)
    commands = parser.add_subparsers(required=True)
    keygen = commands.add_parser("keygen", help="make a key pair; files that are there are never overwritten")
    keygen.add_argument("--folder", required=True, type=Path, metavar="DIR", help="where the two files go")
    choices = [one.value for one in Algorithm]
    keygen.add_argument("--algorithm", choices=choices, default=Algorithm.ES256.value, help="what it signs with")
    return parser


if __name__ == "__main__":
    sys.exit(main())
