"""`python -m tests.soak --minutes 10`: ends with 0 when nothing went wrong, and writes build/soak.json."""

import argparse
import json
import sys

from tests.soak.soak import Plan, soak
from tests.support.process import ROOT


def main() -> int:
    """Do what the command line says and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    found = soak(Plan(asked.minutes * 60), _say)
    found.write(ROOT / "build" / "soak.json")
    _say(json.dumps(found.plain(), indent=2))
    return int(bool(found.failures()))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
