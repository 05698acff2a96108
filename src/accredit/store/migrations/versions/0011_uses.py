"""Who made a credential, and who comes with it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("credentials", sa.Column("created_by", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "credential_uses",
        sa.Column("credential", sa.Text, sa.ForeignKey("credentials.id"), primary_key=True),
        sa.Column("first_at", sa.BigInteger, nullable=False),
        sa.Column("last_at", sa.BigInteger, nullable=False),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("node", sa.Text, nullable=False),
    )
