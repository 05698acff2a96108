"""What must be said when a backup takes the place of the database in use."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds: the epoch that it is in, how many records, and when the last was made (microseconds)."""

    issuer: str
    epoch: int
    records: int
    last_at: int | None


@dataclass(frozen=True, slots=True)
class LostRecords:
    """The records of `chain` from `first` to `last` are in the database that was replaced, and nowhere else."""

    chain: str
    guard: str | None
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """A backup, and what is said about the database that it replaces; `empty`: that one holds nothing.

    `revived` names what was ended after the backup and would live again; `lost` are records that the backup does not
    have; `compared` is False when the database in use cannot be read by this version.
    """

    backup: Contents
    empty: bool
    compared: bool
    revived: tuple[str, ...] = ()
    lost: tuple[LostRecords, ...] = ()
