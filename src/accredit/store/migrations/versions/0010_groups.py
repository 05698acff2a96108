"""Groups and their members; what groups hold is among the assignments."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "groups",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("slug", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_groups"),
        sa.UniqueConstraint("slug", name="uq_groups_slug"),
    )
    op.create_table(
        "group_members",
        sa.Column("member", sa.Text, nullable=False),
        sa.Column("group", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("member", "group", name="pk_group_members"),
        sa.ForeignKeyConstraint(["group"], ["groups.id"], name="fk_group_members_group"),
    )
    op.create_index("ix_group_members_group", "group_members", ["group"])
