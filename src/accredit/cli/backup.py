"""`accredit backup` and `accredit restore`: a copy of the database, and the way back to it."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accredit.cli.node import refusing
from accredit.cli.screen import Screen, count
from accredit.cli.session import Session, command
from accredit.cli.trouble import usage

if TYPE_CHECKING:
    from accredit.ports.backups import Comparison

_MOST_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, "backup")(backup)
    command(app, "restore")(restore)


def backup(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="Where the copy goes; it must be new.")],
) -> None:
    """Copy the SQLite database of the data folder to FILE, while a node runs or not. The master key is not in it."""
    settings = session.settings()
    from accredit import backups  # noqa: PLC0415  (the server is loaded only by those who need its database)

    with refusing(), session.screen.working("Copying the database"):
        found = backups.back_up(settings, file.absolute())
    if session.as_json:
        session.screen.data({"file": str(file), "epoch": found.epoch, "records": found.records})
        return
    session.screen.done(f"{file} holds the database with {count(found.records, 'audit record')}")
    session.screen.say(
        f"Its private keys are sealed: without the master key ({settings.data / 'master.key'}, or wherever yours is) "
        "nobody can use them, nor this backup. Keep both, and not in one place."
    )


def restore(
    session: Session,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", readable=False, help="A backup made by accredit backup.")
    ] = None,
    after_pg_restore: Annotated[
        bool, typer.Option("--after-pg-restore", help="PostgreSQL was brought back by its own tools: void what is old.")
    ] = False,
) -> None:
    """Go back to a backup. Every token issued until now is void, everywhere; the database in use is kept beside it."""
    if (file is None) is not after_pg_restore:
        raise usage("name the FILE of a backup, or say --after-pg-restore")
    settings = session.settings()
    if file is None:
        _after_pg_restore(session)
        return
    from accredit import backups  # noqa: PLC0415  (the server is loaded only by those who need its database)

    seen: list[Comparison] = []

    def agree(found: "Comparison") -> None:
        seen.append(found)
        if not found.empty:
            session.confirm(
                f"{settings.data} holds a database. Put the backup in its place, and void every token issued until now?"
            )

    with refusing():
        kept = asyncio.run(backups.restore(settings, file.absolute(), agree))
    if session.as_json:
        session.screen.data(_told(seen[0], kept))
    else:
        _tell(session.screen, seen[0], kept)


def _after_pg_restore(session: Session) -> None:
    settings = session.settings()
    from accredit import backups  # noqa: PLC0415

    session.confirm("Void every token issued until now?")
    with refusing():
        asyncio.run(backups.begin_epoch(settings))
    if session.as_json:
        session.screen.data({"restored": True})
        return
    session.screen.done("a new epoch has begun: every token issued until now is void")
    session.screen.warn(_UNKNOWN)


_UNKNOWN = (
    "What was revoked, suspended or taken away after the backup lives again, and cannot be listed here: go through "
    "agents, credentials, roles and guards before you start a node"
)


def _told(found: "Comparison", kept: Path | None) -> dict[str, Any]:
    return {
        "restored": True,
        "kept": None if kept is None else str(kept),
        "compared": found.compared and not found.empty,
        "revived": list(found.revived),
        "lost": [{"chain": one.chain, "guard": one.guard, "first": one.first, "last": one.last} for one in found.lost],
    }


def _tell(screen: Screen, found: "Comparison", kept: Path | None) -> None:
    screen.done("the backup is in place, and a new epoch has begun: every token issued until now is void")
    if kept is not None:
        screen.say(f"The database that was in use is {kept}.")
    if found.empty or not found.compared:
        screen.warn(_UNKNOWN)
        return
    if found.revived:
        screen.warn("These were ended after the backup and live again; end them anew before agents come back:")
        for one in found.revived[:_MOST_SHOWN]:
            screen.say(f"  {one}")
        if len(found.revived) > _MOST_SHOWN:
            screen.say(f"  and {len(found.revived) - _MOST_SHOWN} more: all with --json")
    screen.warn("Roles and assignments are those of the backup, too.")
    if found.lost:
        records = sum(one.last - one.first + 1 for one in found.lost)
        screen.warn(
            f"{count(records, 'audit record')} of {count(len(found.lost), 'chain')} came after the backup. They are "
            f"in {kept} and nowhere else: keep it as long as you keep the log"
        )
