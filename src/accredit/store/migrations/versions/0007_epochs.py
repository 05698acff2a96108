"""When the present epoch began: 0 as long as no backup was ever restored."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("deployment", sa.Column("epoch_at", sa.BigInteger, nullable=False, server_default="0"))
