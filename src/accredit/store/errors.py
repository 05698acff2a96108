"""What can be wrong with a database, said so that its operator knows the way out, and never with data in it."""

import re
from typing import Final

import asyncpg
import sqlalchemy as sa

from accredit.ports.journal import StoreError

EXPECTED: Final = (sa.exc.SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""What the drivers raise when a database fails."""

_CONSTRAINT: Final = re.compile(r"constraint failed: ([\w.]+(?:, [\w.]+)*)\Z")


class DatabaseProblem(Exception):
    """The database cannot be used as it is; the message says what to do."""


class DatabaseUnusable(DatabaseProblem):
    """The address, the file or the server is not one that Accredit can work with."""


class StoreBusy(DatabaseProblem):
    """Another process works on this SQLite file."""


class DatabaseNotMigrated(DatabaseProblem):
    """The database is older than this software and was not migrated yet."""


class DatabaseTooNew(DatabaseProblem):
    """The database was migrated by newer software."""


def trouble(error: BaseException, *, unknown: bool = False) -> StoreError:
    """Return `error` as a StoreError: the driver's class and code, and the constraint; none of its text."""
    cause = _root(error)
    parts = [type(cause).__name__]
    code = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    if isinstance(code, str):
        parts.append(code)
    constraint = getattr(cause, "constraint_name", None) or _sqlite_constraint(cause)
    if isinstance(constraint, str):
        parts.append(constraint)
    return StoreError(" ".join(parts), unknown=unknown)


def _root(error: BaseException) -> BaseException:
    """Return the driver's own error inside SQLAlchemy's wrappings."""
    original = getattr(error, "orig", None)
    inner = original if isinstance(original, BaseException) else error
    cause = inner.__cause__
    return cause if isinstance(cause, asyncpg.PostgresError | asyncpg.InterfaceError) else inner


def _sqlite_constraint(error: BaseException) -> str | None:
    """SQLite names the columns of a constraint at the end of its message: names of ours, no data."""
    found = _CONSTRAINT.search(str(error))
    return found.group(1) if found else None
