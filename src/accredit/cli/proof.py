"""`accredit audit verify|checkpoints`: whether the log is what was written, and what is needed to prove it."""

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from accredit.audit.checkpoint import KEYS_FILE
from accredit.audit.export import OUTSIDE, STORED, Examination
from accredit.audit.verification import Fault, Flaw, Report
from accredit.cli.client import path
from accredit.cli.given import span
from accredit.cli.log_lines import Lines, unmoved
from accredit.cli.node import refusing
from accredit.cli.screen import Screen, count, mark, moment, plain
from accredit.cli.session import Session, command
from accredit.cli.trouble import Exit, Trouble, usage
from accredit.identity import times
from accredit.service.problem import Problem
from accredit_sdk import keys as jwks
from accredit_sdk.jws import VerifyingKey

_EVERY: Final = 20_000
_TAIL: Final = 4 * 1024 * 1024

Checkpoints = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Checkpoints that were kept outside: the folder, or one file of it."),
]
"""The option that names checkpoints."""


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, "verify")(verify)
    command(app, "checkpoints")(checkpoints)


def verify(
    session: Session,
    *,
    checkpoints: Checkpoints = None,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="An export, instead of the running server.")] = None,
    database: Annotated[bool, typer.Option("--database", help="The database itself, while no server runs.")] = False,
    keys: Annotated[
        Path | None, typer.Option(metavar="FILE", help=f"The keys of checkpoints; else {KEYS_FILE} beside them.")
    ] = None,
    fresh: Annotated[
        str | None, typer.Option(metavar="SPAN", help="How old the last checkpoint may be at the most, like 1h.")
    ] = None,
) -> None:
    """Compare all links, seals and checkpoints of the log; ends with 4 when something does not hold."""
    if file is not None and database:
        raise usage("--file and --database: choose one of them")
    oldest = span(fresh) if fresh is not None else None
    if fresh is not None and oldest is None:
        raise usage(f"--fresh {fresh[:20]!r}: write a span of time, like 1h")
    outside = Lines(checkpoints) if checkpoints is not None else ()  # as far as they go now, before the log is read
    screen = session.screen
    with screen.working("Comparing every link of every chain") as told:
        if database:
            report = _of_database(session, outside, keys)
        else:
            known = _given_keys(keys, checkpoints if file is not None else None)
            if known is None and file is not None:
                raise usage(f"--file needs --keys FILE, or --checkpoints FOLDER with {KEYS_FILE} in it")
            known = known if known is not None else _served_keys(session)

            def examined(lines: Iterable[bytes]) -> Report:
                return _examined(lines, known, outside, told)

            report = examined(Lines(file)) if file is not None else unmoved(session, examined)
    sequence = OUTSIDE if checkpoints is not None else STORED
    stale = oldest is not None and not _within(report, sequence, oldest)
    if session.as_json:
        screen.data(_told(report, sequence) | ({"stale": True} if stale else {}))
    else:
        _verified(screen, report, sequence)
    if report.first is not None:
        raise Trouble(Exit.UNVERIFIED, "the audit log was altered, or a part of it is lost")
    if stale:
        raise Trouble(Exit.UNVERIFIED, f"no checkpoint is younger than {fresh}: what was recorded since is not proved")


def checkpoints(
    session: Session,
    *,
    after: Annotated[int, typer.Option(metavar="NUMBER", help="Only those that follow this one.", min=0)] = 0,
    keys: Annotated[bool, typer.Option("--keys", help="Print the keys that verify them instead.")] = False,
) -> None:
    """Print the checkpoints of the log, one a line, to be kept elsewhere. All of them are signed."""
    if keys:
        session.screen.data(session.server.get(path("checkpoints", "keys")))
        return
    found = session.server.items(path("checkpoints"), str(after))
    if session.as_json:
        session.screen.data({"items": list(found)})
        return
    for item in found:
        sys.stdout.write(item["document"] + "\n")
    sys.stdout.flush()


def _of_database(session: Session, outside: Iterable[bytes], keys: Path | None) -> Report:
    if keys is not None:
        raise usage("--keys goes with --file; the database has its own")
    settings = session.settings()
    from accredit import offline  # noqa: PLC0415  (the server is loaded only by those who need its database)

    try:
        with refusing():
            return offline.verify_log(settings, outside)
    except Problem as moved:  # another node works on the database after all
        raise Trouble(Exit.OVERTAKEN, moved.detail) from None


def _given_keys(keys: Path | None, checkpoints: Path | None) -> Mapping[str, VerifyingKey] | None:
    if keys is None and checkpoints is not None:
        beside = (checkpoints if checkpoints.is_dir() else checkpoints.parent) / KEYS_FILE
        keys = beside if beside.is_file() else None
    if keys is None:
        return None
    try:
        return jwks.parse_jwks(keys.read_bytes())
    except ValueError:
        raise usage(f"{keys} is no key set; `accredit audit checkpoints --keys` prints one") from None


def _served_keys(session: Session) -> Mapping[str, VerifyingKey]:
    return jwks.parse_jwks(msgspec.json.encode(session.server.get(path("checkpoints", "keys"))))


def _examined(
    lines: Iterable[bytes], keys: Mapping[str, VerifyingKey], outside: Iterable[bytes], told: Callable[[str], None]
) -> Report:
    examination = Examination(keys, outside)
    for number, line in enumerate(lines, 1):
        examination.line(line)
        if number % _EVERY == 0:
            told(count(examination.records, "record"))
    return examination.report()


def _within(report: Report, sequence: str, seconds: int) -> bool:
    proof = report.proofs.get(sequence)
    return proof is not None and proof.at / 1_000_000 >= datetime.now(UTC).timestamp() - seconds


def _told(report: Report, sequence: str) -> dict[str, Any]:
    proof = report.proofs.get(sequence)
    return {
        "ok": report.first is None,
        "first": _flaw(report.first),
        "chains": [
            {"chain": item.chain, "guard": item.guard, "records": item.records, "flaw": _flaw(item.flaw)}
            for item in report.chains
        ],
        "flaws": [_flaw(item) for item in report.flaws],
        "proved": {"number": proof.number, "at": times.render(proof.at)} if proof is not None else None,
    }


def _flaw(flaw: Flaw | None) -> dict[str, Any] | None:
    if flaw is None:
        return None
    return {
        "fault": flaw.fault.value,
        "trouble": flaw.sentence,
        "chain": flaw.chain or None,
        "seq": flaw.seq or None,
        "decision": flaw.decision or None,
        "checkpoint": flaw.checkpoint or None,
    }


def _verified(screen: Screen, report: Report, sequence: str) -> None:
    screen.table(
        ("chain", "written by", "records", "holds"),
        [
            (
                item.chain,
                item.guard or "the server",
                item.records,
                mark("ok") if item.flaw is None else f"✘ record {item.flaw.seq}: {_words(item.flaw)}",
            )
            for item in report.chains
        ],
        "nothing was recorded yet",
    )
    for flaw in report.flaws:
        screen.say(f"✘ {_place_of(flaw)}: {_words(flaw)}")
    if report.first is not None:
        return
    records = count(sum(item.records for item in report.chains), "record")
    screen.say("")
    screen.done(f"{records} in {count(len(report.chains), 'chain')}: nothing was altered, nothing is missing")
    proof = report.proofs.get(sequence)
    if proof is not None:
        where = "outside" if sequence == OUTSIDE else "in the database"
        screen.say(f"Checkpoint {proof.number} {where} proves it until {moment(times.render(proof.at))}")


def _words(flaw: Flaw) -> str:
    decision = f" (decision {plain(flaw.decision)})" if flaw.decision else ""
    return plain(flaw.sentence) + decision


def _place_of(flaw: Flaw) -> str:
    if flaw.chain:
        return f"chain {plain(flaw.chain)}"
    if flaw.fault in (Fault.CHECKPOINT_FORGED, Fault.CHECKPOINT_REPLAYED):
        return f"checkpoint on line {flaw.seq}"
    return f"line {flaw.seq}" if flaw.seq else "the seals"
