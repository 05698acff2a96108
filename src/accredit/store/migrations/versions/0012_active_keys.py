"""Since when a signing key signs, which its age is counted from."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("signing_keys", sa.Column("active_at", sa.BigInteger, nullable=True))
