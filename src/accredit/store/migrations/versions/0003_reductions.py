"""What a reduction says: on which server, and what is left there."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("signals", sa.Column("server", sa.Text, nullable=False, server_default=""))
    op.add_column("signals", sa.Column("scopes", sa.Text, nullable=False, server_default=""))
