"""What checkpoints of the audit log need: seals, the checkpoints themselves, and where each chain begins by now."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("audit_chains", sa.Column("sealed", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("audit_chains", sa.Column("anchor", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("audit_chains", sa.Column("anchor_hash", sa.LargeBinary, nullable=True))
    op.create_table(
        "audit_seals",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("chain", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("archive", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.LargeBinary, nullable=False),
    )
