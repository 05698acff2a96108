"""Search tables that are filled behind the log, whose own indexes go: an append writes to one place only."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "audit_terms",
        sa.Column("term", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("chain", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "audit_projection",
        sa.Column("chain", sa.Integer, sa.ForeignKey("audit_chains.number"), primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.drop_index("ix_audit_records_decision", "audit_records")
    op.drop_index("ix_audit_records_at_chain_seq", "audit_records")
