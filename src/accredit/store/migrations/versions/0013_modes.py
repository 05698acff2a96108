"""Whether a server's policy is enforced, and the one that a dry run compares it with."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("servers", sa.Column("mode", sa.Text, nullable=False, server_default="enforce"))
    op.add_column("servers", sa.Column("candidate", sa.LargeBinary, nullable=True))
