"""Applications: owner, purpose, type and redirect URIs beside their client."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "applications",
        sa.Column("client", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("redirect_uris", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("client", name="pk_applications"),
        sa.ForeignKeyConstraint(["client"], ["clients.id"], name="fk_applications_client"),
    )
