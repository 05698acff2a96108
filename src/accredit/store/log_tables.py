"""The tables of the audit log: its chains and records, what proves them, and what they can be found by."""

from typing import Final

import sqlalchemy as sa

from accredit.store import columns
from accredit.store.columns import data, number, text

metadata: Final = columns.metadata
"""The home of all tables."""

audit_chains: Final = sa.Table(
    "audit_chains",
    metadata,
    sa.Column("number", sa.Integer, sa.Identity(), primary_key=True),
    text("chain"),
    sa.Column("guard", sa.ForeignKey("clients.id"), nullable=True),
    number("seq"),
    data("hash"),
    sa.Column("sealed", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("anchor", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("anchor_hash", sa.LargeBinary, nullable=True),
    sa.UniqueConstraint("chain"),
)
"""A chain and its last record; `guard` is null for the chains of the server's own processes.

`sealed` is the record at which it was last closed; up to `anchor` its records were archived and are no longer here.
"""

audit_records: Final = sa.Table(
    "audit_records",
    metadata,
    sa.Column("chain", sa.ForeignKey(audit_chains.c.number), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    number("at"),
    text("kind"),
    text("decision"),
    text("server"),
    text("outcome"),
    data("header"),
    sa.Column("person", sa.LargeBinary, nullable=True),
    sa.Column("salt", sa.LargeBinary, nullable=True),
    data("commitment"),
    data("hash"),
)
"""The log. Redaction sets `person` and `salt` to null; everything else stays until it is archived.

The columns beside `header` are for people who look with a tool of the database: nothing here reads them.
"""

audit_seals: Final = sa.Table(
    "audit_seals",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    text("kind"),
    text("chain"),
    number("seq"),
    data("hash"),
    data("archive"),
    sa.Index(None, "chain", "seq"),
)
"""Chains that were closed or archived, in the order in which checkpoints tell of them."""

audit_checkpoints: Final = sa.Table(
    "audit_checkpoints",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    number("at"),
    data("document"),
)
"""The newest checkpoints, as they were signed."""

audit_terms: Final = sa.Table(
    "audit_terms",
    metadata,
    sa.Column("term", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("chain", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""The search tables: what a record can be found by (`audit.terms`), newest last, filled behind the log."""

audit_projection: Final = sa.Table(
    "audit_projection",
    metadata,
    sa.Column("chain", sa.ForeignKey(audit_chains.c.number), primary_key=True),
    number("seq"),
)
"""Up to which record of each chain the search tables are filled; -1 while they are being emptied."""
