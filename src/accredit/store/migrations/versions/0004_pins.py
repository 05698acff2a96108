"""What a server said about a tool when that was confirmed: three digests, null for what was mapped by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("tools", sa.Column("pin", sa.LargeBinary, nullable=True))
