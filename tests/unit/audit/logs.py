"""A small log with seals and checkpoints, as lines of an export, to be tampered with."""

from dataclasses import dataclass, field, replace

from accredit.audit import checkpoint, export
from accredit.audit.chain import START, Head, append
from accredit.audit.checkpoint import Checkpoint
from accredit.audit.events import TokenRefused
from accredit.audit.export import Examination
from accredit.audit.verification import Report
from accredit.identity.changes import Seal, SealKind, StoredRecord
from accredit_sdk import keys, record
from accredit_sdk.jws import Algorithm

ISSUER = "https://a.example"
KEY = keys.generate(Algorithm.ES256)
KNOWN = {KEY.kid: KEY.verifying()}


@dataclass
class Log:
    """Chains by name, seals, the checkpoints that are stored and those that were kept outside."""

    chains: dict[str, list[StoredRecord]] = field(default_factory=dict)
    anchors: dict[str, Head] = field(default_factory=dict)
    seals: list[Seal] = field(default_factory=list)
    stored: list[bytes] = field(default_factory=list)
    outside: list[bytes] = field(default_factory=list)
    last: Checkpoint = field(default_factory=lambda: checkpoint.first_of(ISSUER))

    def write(self, chain: str, count: int = 1, mark: str = "") -> None:
        """Append `count` records to a chain."""
        records = self.chains.setdefault(chain, [])
        for _ in range(count):
            seq = len(records) + 1 + self.anchors.get(chain, Head(chain)).seq
            records.append(self.made(self.head(chain), f"dec_{chain}_{seq}", mark))

    def made(self, head: Head, decision: str, mark: str = "") -> StoredRecord:
        """Return the record that follows `head`."""
        event = TokenRefused(decision=decision, client_id="bot" + mark, grant_type="x", error="e", reason="r")
        return append(head, event, 5, bytes(16))[1]

    def head(self, chain: str) -> Head:
        """Return the end of a chain."""
        records = self.chains.get(chain)
        if not records:
            return self.anchors.get(chain, Head(chain))
        return Head(chain, records[-1].seq, records[-1].hash)

    def close(self, chain: str, kind: SealKind = SealKind.CLOSED, seq: int | None = None) -> None:
        """Seal a chain where it ends, or at a record of it."""
        head = self.head(chain)
        if seq is not None:
            head = Head(chain, seq, self.chains[chain][seq - 1].hash)
        self.seals.append(Seal(len(self.seals) + 1, kind, chain, head.seq, head.hash))

    def sign(self, **changes: object) -> bytes:
        """Make a checkpoint of everything, keep it in both places, and return it."""
        fresh = tuple(self.seals[self.last.sealed :])
        link = self.last.link
        for seal in fresh:
            link = checkpoint.running(link, seal)
        before = checkpoint.digest(self.stored[-1]) if self.stored else START
        closed = {seal.chain: seal.seq for seal in self.seals if seal.kind is SealKind.CLOSED}
        heads = tuple(self.head(name) for name in self.chains if closed.get(name) != self.head(name).seq)
        made = Checkpoint(ISSUER, self.last.number + 1, 10, before, len(self.seals), link, fresh, heads)
        made = replace(made, **changes)  # type: ignore[arg-type]
        document = checkpoint.sign(KEY, made)
        self.stored.append(document)
        self.outside.append(document)
        self.last = made
        return document

    def relink(self, chain: str) -> None:
        """Compute all links of a chain anew: what somebody with the database can do."""
        previous, anew = self.anchors.get(chain, Head(chain)).hash, []
        for item in self.chains[chain]:
            previous = record.link(previous, item.header, item.commitment)
            anew.append(replace(item, hash=previous))
        self.chains[chain] = anew

    def lines(self) -> list[bytes]:
        """Return the export."""
        found = [export.beginning(ISSUER, 1)]
        found += [export.seal(item) for item in self.seals]
        found += [export.checkpoint(item) for item in self.stored]
        for name, records in self.chains.items():
            found.append(export.chain(name, None, self.anchors.get(name, Head(name)), self.head(name)))
            found += [export.line(item) for item in records]
        return [*found, export.end()]

    def verify(self, *, outside: bool = False) -> Report:
        """Verify the export, with the checkpoints outside if asked for."""
        examination = Examination(KNOWN, self.outside if outside else ())
        for line in self.lines():
            examination.line(line + b"\n")
        return examination.report()


def log() -> Log:
    """Return a log: two chains that were closed, one that goes on, and three checkpoints."""
    made = Log()
    made.write("chn_a", 3)
    made.write("chn_b", 2)
    made.sign()
    made.close("chn_a")
    made.write("chn_b", 2)
    made.sign()
    made.write("chn_c", 4)
    made.close("chn_c")
    made.sign()
    made.write("chn_b", 1)
    return made
