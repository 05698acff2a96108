"""What ends soon is counted once, on both engines, and what has ended is not."""

from typing import Any

from accredit.identity.changes import (
    AddClient,
    AddCredential,
    AddServer,
    RemoveClient,
    RetireCredential,
    RevokeCredential,
)
from accredit.identity.report import EndingKind
from accredit.store.conformance import NOW, client, credential, guard, outcome, server
from accredit.store.readers import Census, Reports

DAY = 86_400_000_000


async def test_a_credential_that_ends_within_the_time_is_counted_once_and_no_other(store: Any) -> None:
    owner, ends = client(0).id, (None, NOW, NOW + 1, NOW + DAY, NOW + DAY + 1, NOW + DAY // 2, NOW + 3)
    made = [credential(number, owner, expires_at=at) for number, at in enumerate(ends)]
    writes = tuple(AddCredential(one) for one in made)
    committer = store.committer()
    await store.commit(committer, [outcome(AddClient(client(0)), writes=writes)])
    census = Census(store.database)
    assert await census.ending(NOW, NOW + DAY) == 4
    later = (RetireCredential(made[0].id, NOW + 5), RetireCredential(made[2].id, NOW + 6), RevokeCredential(made[6].id))
    await store.commit(committer, [outcome(writes=later)])
    assert await census.ending(NOW, NOW + DAY) == 4, "one retires, one that ends has a deadline too, one is revoked"
    assert await census.ending(NOW + DAY + 1, NOW + 2 * DAY) == 0


async def test_the_count_is_that_of_the_report(store: Any) -> None:
    """Of age, too; and the credentials of a client that was removed are nobody's."""
    gone, kept, front = client(0), client(1), guard(0)
    writes = tuple(
        AddCredential(credential(number, owner.id, expires_at=at, created_at=NOW - DAY))
        for number, (owner, at) in enumerate(((gone, NOW + 1), (kept, NOW + 3 * DAY), (kept, None), (front, None)))
    )
    before = (outcome(AddServer(server(0))), outcome(*(AddClient(one) for one in (gone, kept, front)), writes=writes))
    committer = store.committer()
    await store.commit(committer, list(before))
    await store.commit(committer, [outcome(RemoveClient(gone.id, gone.version))])
    for most, count in ((0, 0), (2 * DAY, 2), (2 * DAY - 1, 2), (5 * DAY, 0), (DAY, 0)):
        page = await Reports(store.database, most).ending(NOW, NOW + DAY, (0, "", ""), 99)
        told = [item for item in page if item.kind is EndingKind.CREDENTIAL]
        assert await Census(store.database, most).ending(NOW, NOW + DAY) == len(told) == count
