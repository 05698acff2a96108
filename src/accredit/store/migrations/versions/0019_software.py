"""The software that clients are installations of, and which of it is denied."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("clients", sa.Column("software_id", sa.Text, nullable=False, server_default=""))
    op.add_column("clients", sa.Column("software_version", sa.Text, nullable=False, server_default=""))
    op.create_index("ix_clients_software_id", "clients", ["software_id"])
    op.create_table(
        "software_denials",
        sa.Column("software_id", sa.Text, nullable=False),
        sa.Column("software_version", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("software_id", "software_version", name="pk_software_denials"),
    )
