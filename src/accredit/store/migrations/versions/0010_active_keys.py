"""Since when a signing key signs, which its age is counted from."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("signing_keys", sa.Column("active_at", sa.BigInteger, nullable=True))
