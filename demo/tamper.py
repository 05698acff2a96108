"""A chapter about the log: somebody changes a copy of it, computes every link anew, and is found all the same."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from textwrap import wrap
from typing import Any

from accredit_sdk import record
from demo.narrator import MARGIN, Narrator
from demo.stage import Stage

UNVERIFIED = 4


class Tampering:
    """What the walk-through tells of checkpoints. `cli` shows a command, runs it, and returns what it says."""

    def __init__(self, narrator: Narrator, stage: Stage, cli: Callable[..., Any]) -> None:
        self.tell = narrator
        self.stage = stage
        self.cli = cli

    def found(self, decision: str) -> None:
        """Turn a refusal into an allowance in a copy of the log, and let it be verified."""
        self.tell.chapter("Somebody rewrites a copy of the log, link by link, and is found")
        kept, copy = self.stage.folder / "kept", self.stage.folder / "log.jsonl"
        shutil.copytree(self.stage.folder / "outside", kept)
        self.tell.output("Checkpoints were kept outside of the database while all this happened.")
        self.tell.command("accredit", "audit", "export", "--output", copy.name)
        self.stage.run("audit", "export", "--output", str(copy))
        changed = rewrite(copy, decision)
        self.tell.done(f"in the copy, the refusal of {decision} says that it was allowed")
        self.tell.done(f"{changed} links behind it were computed anew: each record fits the one before")
        self.tell.command("accredit", "audit", "verify", "--file", copy.name, "--checkpoints", kept.name)
        words = ("audit", "verify", "--file", str(copy), "--checkpoints", str(kept))
        told = json.loads(self.stage.ended(UNVERIFIED, *words, "--json"))["first"]
        self.tell.expect(told is not None, "the change must be found")
        self.tell.denied(f"chain {told['chain']}")
        self.tell.output("\n".join(wrap(f"record {told['seq']}: {told['trouble']}", self.tell.width - 2 * MARGIN)))


def rewrite(copy: Path, decision: str) -> int:
    """Let a refusal be an allowance, and every link behind it fit; return how many links were computed."""
    lines, chain, previous, changed = [], "", b"", 0
    for line in copy.read_bytes().splitlines():
        if not line.startswith(b'{"header"'):
            lines.append(line)
            continue
        item = record.decode_line(line)
        header = record.decode_header(item.header)
        told = item.header
        if header.decision == decision:
            chain, told = header.chain, told.replace(b'"outcome":"deny"', b'"outcome":"allow"')
        if header.chain == chain:
            previous = record.link(previous, told, item.commitment)
            lines.append(record.line(told, item.person, item.salt, item.commitment, previous))
            changed += 1
        else:
            previous = item.hash
            lines.append(line)
    copy.write_bytes(b"\n".join(_with_its_end(line, chain, previous) for line in lines) + b"\n")
    return changed


def _with_its_end(line: bytes, chain: str, link: bytes) -> bytes:
    """Return the line that begins a chain with the link of its new end."""
    if not line.startswith(b'{"chain"'):
        return line
    told = json.loads(line)
    if told["chain"] == chain:
        told["end"][1] = link.hex()
    return json.dumps(told, separators=(",", ":")).encode()
