"""Which scopes of a server a client may have that registered itself, until it is approved; none of those there are."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    column = sa.Column("is_first_use", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("server_scopes", column)
