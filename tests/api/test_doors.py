"""One application behind two doors: who comes in is said by the door, and no trouble opens one."""

from typing import Any

import httpx2

from accredit.identity.management import Authority
from accredit.web.api import LocalDoor, TokenDoor
from tests.support.admin import Admin
from tests.support.management import MANAGEMENT, Staff


class Broken:
    resource = MANAGEMENT

    async def authenticate(self, token: str) -> Authority:
        raise RuntimeError(token)


async def inside(*_: object) -> None:
    raise AssertionError("the door stood open")


async def test_a_door_that_breaks_stays_shut_and_says_nothing() -> None:
    transport = httpx2.ASGITransport(app=TokenDoor(inside, Broken()))
    async with httpx2.AsyncClient(transport=transport, base_url=MANAGEMENT) as client:
        answer = await client.get("/v1/servers", headers={"authorization": "Bearer some-token"})
    assert (answer.status_code, answer.json()["type"]) == (500, "urn:accredit:problem:internal")
    assert "some-token" not in answer.text


def door(app: Any, kind: type[Any]) -> Any:
    """Return the door of that kind that `app` leads to."""
    (found,) = [cell.cell_contents for cell in app.__closure__ if isinstance(cell.cell_contents, kind)]
    return found


async def test_both_doors_lead_into_one_application(admin: Admin) -> None:
    assert door(admin.node.public, TokenDoor)._app is door(admin.node.admin, LocalDoor)._app


async def test_only_the_public_door_tells_which_scope_to_ask_for(staff: Staff) -> None:
    away = await staff.clients["eye"].post("/keys/access/rotate")
    assert 'scope="admin"' in away.headers["www-authenticate"]
    assert "www-authenticate" not in (await staff.admin.http.get("/nowhere")).headers
