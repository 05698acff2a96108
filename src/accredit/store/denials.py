"""Emergency denials. They stand beside the servers, so that no change of a server loses one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict

import sqlalchemy as sa

from accredit.identity.changes import Deny, DenySoftware, Lift, LiftSoftware
from accredit.identity.denial import Denial, SoftwareDenial
from accredit.identity.software import Software
from accredit.store import inserts
from accredit.store.tables import denials, software_denials


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


def deny_software(conn: sa.Connection, writes: Sequence[DenySoftware]) -> None:
    """Deny software; what is denied already stays so, with what was said last."""
    insert = inserts.fresh(conn, software_denials)
    moved = {name: insert.excluded[name] for name in ("at", "by", "reason")}
    upsert = insert.on_conflict_do_update(index_elements=["software_id", "software_version"], set_=moved)
    conn.execute(upsert, [_software_row(write.denial) for write in writes])


def lift_software(conn: sa.Connection, writes: Sequence[LiftSoftware]) -> None:
    """Take denials of software back."""
    table = software_denials.c
    delete = sa.delete(software_denials).where(
        table.software_id == sa.bindparam("called"), table.software_version == sa.bindparam("of")
    )
    conn.execute(delete, [{"called": write.software.id, "of": write.software.version} for write in writes])


def load_software(conn: sa.Connection) -> tuple[SoftwareDenial, ...]:
    """Return the software that is denied, by id and version."""
    table = software_denials.c
    query = sa.select(software_denials).order_by(table.software_id, table.software_version)
    return tuple(
        SoftwareDenial(Software(row.software_id, row.software_version), row.at, row.by, row.reason)
        for row in conn.execute(query)
    )


def _software_row(denial: SoftwareDenial) -> dict[str, object]:
    named = {"software_id": denial.software.id, "software_version": denial.software.version}
    return named | {"at": denial.at, "by": denial.by, "reason": denial.reason}
