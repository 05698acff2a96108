"""`make demo`: one call goes through the whole house. Ends with 0 only if each step did what it says."""

import argparse
import asyncio
import subprocess
import sys
from pathlib import Path

import httpx2
from rich.markup import escape

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
    except (StoryBroken, RuntimeError, OSError, subprocess.SubprocessError, httpx2.HTTPError) as trouble:
        console.print("\n[bold red]The story broke.[/]", escape(str(trouble)), soft_wrap=True)
        console.print(f"[dim]Logs of every process are in {escape(str(given.folder))}.[/]", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped; every process of the story is gone.")
        return 130
    return 0


sys.exit(main())
