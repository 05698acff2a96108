"""The tables of webhooks, beside those of `tables.py`. Times are microseconds UTC, ids are text."""

from typing import Final

import sqlalchemy as sa

from accredit.store.columns import data, maybe, metadata, number, text

webhooks: Final = sa.Table(
    "webhooks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    text("slug"),
    text("url"),
    text("kinds"),
    data("sealed"),
    number("created_at"),
    text("created_by"),
    number("lost"),
    sa.UniqueConstraint("slug"),
)
"""Who outside is told of `kinds` (with spaces between them); `sealed` is the signing secret under the master key."""

webhook_deliveries: Final = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("event", sa.Text, primary_key=True),
    sa.Column("webhook", sa.Text, primary_key=True),
    text("kind"),
    data("body"),
    number("created_at"),
    number("due_at"),
    number("attempts"),
    text("state"),
    number("status"),
    text("failure"),
    maybe("ended_at"),
    sa.Index(None, "webhook", "state", "due_at"),
    sa.Index(None, "state", "due_at"),
)
"""What is sent, was sent, or could not be. Whoever tries a delivery moves `due_at` ahead, so nobody else does."""

webhook_told: Final = sa.Table(
    "webhook_told",
    metadata,
    sa.Column("webhook", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    number("until"),
    sa.Index(None, "until"),
)
"""What a webhook was told of, so that it is not told twice, until the row is over."""
