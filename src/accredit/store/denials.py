"""Emergency denials. They stand beside the servers, so that no change of a server loses one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from accredit.identity.changes import Deny, Lift
from accredit.identity.denial import Denial
from accredit.store import inserts
from accredit.store.tables import denials


def deny(conn: sa.Connection, writes: Sequence[Deny]) -> None:
    """Deny; what is denied already stays so, with what was said last."""
    insert = inserts.fresh(conn, denials)
    moved = {name: insert.excluded[name] for name in ("at", "by", "reason")}
    upsert = insert.on_conflict_do_update(index_elements=["server", "kind", "name"], set_=moved)
    conn.execute(upsert, [asdict(write.denial) for write in writes])


def lift(conn: sa.Connection, writes: Sequence[Lift]) -> None:
    """Take denials back."""
    delete = sa.delete(denials).where(
        denials.c.server == sa.bindparam("of"),
        denials.c.kind == sa.bindparam("what"),
        denials.c.name == sa.bindparam("called"),
    )
    conn.execute(delete, [{"of": write.server, "what": write.kind, "called": write.name} for write in writes])


def load(conn: sa.Connection) -> Mapping[str, tuple[Denial, ...]]:
    """Return the denials by the server that they are on."""
    found: dict[str, list[Denial]] = defaultdict(list)
    query = sa.select(denials).order_by(denials.c.server, denials.c.kind, denials.c.name)
    for row in conn.execute(query):
        found[row.server].append(Denial(row.server, row.kind, row.name, row.at, row.by, row.reason))
    return {server: tuple(some) for server, some in found.items()}
