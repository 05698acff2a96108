"""What ends soon is counted once, on both engines, and what has ended is not."""

from typing import Any

from accredit.identity.changes import AddClient, AddCredential, RetireCredential, RevokeCredential
from accredit.store.conformance import NOW, client, credential, outcome
from accredit.store.readers import Census

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
