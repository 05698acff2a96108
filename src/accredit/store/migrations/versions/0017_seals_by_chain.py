"""A file of the archive has the seals of its own chains alone: they are found by chain."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_index("ix_audit_seals_chain_seq", "audit_seals", ["chain", "seq"])
