"""One application behind two doors: who comes in is said by the door, and no trouble opens one."""

import httpx2

from accredit.identity.management import Authority
from accredit.web.api import LocalDoor, TokenDoor
from tests.support.admin import Admin
from tests.support.management import MANAGEMENT, Staff


class Broken:
    async def authenticate(self, token: str) -> Authority:
        raise RuntimeError(token)


async def inside(*_: object) -> None:
    raise AssertionError("the door stood open")


async def test_a_door_that_breaks_stays_shut_and_says_nothing() -> None:
    transport = httpx2.ASGITransport(app=TokenDoor(inside, Broken(), MANAGEMENT))
    async with httpx2.AsyncClient(transport=transport, base_url=MANAGEMENT) as client:
        answer = await client.get("/v1/servers", headers={"authorization": "Bearer some-token"})
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:accredit:problem:internal")
    assert "some-token" not in answer.text


async def test_both_doors_lead_into_one_application(admin: Admin) -> None:
    local = admin.node.admin
    assert isinstance(local, LocalDoor)
    behind = [cell.cell_contents for cell in admin.node.public.__closure__ or ()]  # type: ignore[attr-defined]
    (public,) = [found for found in behind if isinstance(found, TokenDoor)]
    assert public._app is local._app


async def test_only_the_public_door_tells_which_scope_to_ask_for(staff: Staff) -> None:
    away = await staff.clients["eye"].post("/keys/access/rotate")
    assert 'scope="admin"' in away.headers["www-authenticate"]
    assert "www-authenticate" not in (await staff.admin.http.get("/nowhere")).headers
