"""What the tables are made of: their common home, and columns of each kind."""

from typing import Final

import sqlalchemy as sa

metadata: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables, with a convention for the names of their constraints."""


def text(name: str) -> sa.Column[str]:
    """Return a column of text."""
    return sa.Column(name, sa.Text, nullable=False)


def number(name: str) -> sa.Column[int]:
    """Return a column of whole numbers."""
    return sa.Column(name, sa.BigInteger, nullable=False)


def maybe(name: str) -> sa.Column[int]:
    """Return a column of whole numbers that may be null."""
    return sa.Column(name, sa.BigInteger, nullable=True)


def data(name: str) -> sa.Column[bytes]:
    """Return a column of bytes."""
    return sa.Column(name, sa.LargeBinary, nullable=False)


def flag(name: str) -> sa.Column[bool]:
    """Return a column that is true or false."""
    return sa.Column(name, sa.Boolean, nullable=False)


def unique(name: str, *columns: sa.Column[str], where: sa.TextClause) -> sa.Index:
    """Return a unique index over the rows that `where` selects; both engines have them."""
    return sa.Index(name, *columns, unique=True, sqlite_where=where, postgresql_where=where)
