"""What a server may ask its clients for."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("servers", sa.Column("may_ask", sa.Text, nullable=False, server_default=""))
