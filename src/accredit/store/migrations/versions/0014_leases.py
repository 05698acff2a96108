"""The processes of guards, and what each has applied."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "guard_leases",
        sa.Column("guard", sa.Text, sa.ForeignKey("clients.id", name="fk_guard_leases_guard"), nullable=False),
        sa.Column("instance", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("acked_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("bound", sa.BigInteger, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("guard", "instance", name="pk_guard_leases"),
    )
