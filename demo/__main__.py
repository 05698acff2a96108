"""`make demo`: one call goes through the whole house. Ends with 0 only if each step did what it says."""

import argparse
import asyncio
import sys
from pathlib import Path

from demo.narrator import Narrator, StoryBroken, console
from demo.stage import Stage
from demo.walkthrough import Walkthrough


def main() -> int:
    """Run the story on SQLite or PostgreSQL."""
    arguments = argparse.ArgumentParser(prog="make demo")
    arguments.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    arguments.add_argument("--folder", type=Path, default=Path("build/demo"))
    given = arguments.parse_args()
    narrator = Narrator()
    try:
        with Stage(given.folder.absolute()) as stage:
            asyncio.run(Walkthrough(narrator, stage, given.database).run())
    except (StoryBroken, RuntimeError) as trouble:
        console.print(f"\n[bold red]The story broke.[/] {trouble}", soft_wrap=True)
        console.print(f"[dim]Logs of every process are in {given.folder}.[/]")
        return 1
    return 0


sys.exit(main())
