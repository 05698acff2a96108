"""query_strictness: whatever stands in a query, where a page begins or what is searched, is no error of ours."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest

from accredit import app, config
from tests.attack.test_management_strictness import OPERATIONS, address
from tests.support.admin import administration
from tests.support.management import Staff, staffed

BIG: Final = ("9" * 18, str(2**63 - 1), str(2**63), str(2**64), "1" + "0" * 400, "-1", "-" + "9" * 18)
STRANGE: Final = (
    "", " ", "\0", "a\0b", "é", "\N{ARABIC-INDIC DIGIT ONE}", "\N{FULLWIDTH DIGIT ONE}", "\u202e", "\ud800",
    "1e9", "1.0", "nan", "inf", "-inf", "Infinity", "true", "null", "[]", "{}", "%", "%00", "'", "\\", "\n", "1\n",
    "app:", "app:\0", ":", "group:x", "x" * 300, "x" * 5000,
)  # fmt: skip
TIMES: Final = (
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59",
    "0000-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2026-02-30T00:00:00Z",
)  # fmt: skip
IDS: Final = tuple(
    prefix + tail
    for prefix in ("chn_", "dec_", "tok_", "agt_", "crd_", "srv_", "gin_")
    for tail in ("0" * 26, "z" * 26, "0" * 26 + "\n", "\0", "")
)
PLACES: Final = (
    *(f"{a}.{b}.{c}" for a in ("1", "-" + "9" * 18, "9" * 18) for b in ("1", "9" * 9) for c in ("1", "9" * 18)),
    *(f"{at}:{kind}:{name}" for at in ("1", "9" * 18) for kind in ("client", "role", "credential", "x")
      for name in ("\0", "a\0", "a b", "é", "\u2028", "\ud800", "x" * 200)),
    *(f"chn_{name}.{seq}" for name in ("0", "0" * 26, "0" * 40, "\0")
      for seq in ("0", "9" * 18, "\N{ARABIC-INDIC DIGIT ONE}")),
    "1.1", "..", ".", "-.-.-", "1.2.3.4", "\N{FULLWIDTH DIGIT ONE}.2.3", "1:2", "::", "1::", ":client:x",
)  # fmt: skip
HOSTILE: Final = (*BIG, *STRANGE, *TIMES, *IDS, *PLACES)
ASKED: Final = [
    (path, [one for one in operation.get("parameters", ()) if one["in"] == "query"])
    for method, path, operation in OPERATIONS
    if method == "GET"
]


@pytest.fixture
async def staff(engine_url: str, tmp_path: Path) -> AsyncIterator[Staff]:
    """A node on each engine, with something in it."""
    database = None if engine_url.startswith("sqlite") else engine_url
    if database is not None:
        await app.migrate_database(config.load(data=tmp_path, database=database))
    async with administration(tmp_path, database) as admin, staffed(admin) as found:
        yield found


def encoded(text: str) -> str:
    return quote(text.encode(errors="surrogatepass"), safe="")


def queries() -> Iterator[str]:
    """Yield every address with each hostile value of each member of its query, beside what else it needs."""
    for path, members in ASKED:
        needed = {one["name"]: "x" for one in members if one.get("required")}
        for name in (one["name"] for one in members):
            for value in HOSTILE:
                query = {key: encoded(text) for key, text in needed.items()} | {name: encoded(value)}
                yield f"{address(path)}?{'&'.join(f'{key}={text}' for key, text in query.items())}"


@pytest.mark.slow
async def test_no_query_is_answered_with_an_error_of_ours(staff: Staff) -> None:
    wrong: list[tuple[Any, ...]] = []
    for where in queries():
        answer = await staff.clients["root"].get(where)
        if answer.status_code not in (200, 400, 404, 422):
            wrong.append((answer.status_code, where[:120], answer.text[:120]))
    assert not wrong, (len(wrong), wrong[:40])


@pytest.mark.slow
@pytest.mark.parametrize(
    "cursor", ["1:client:\0", "1:client:é", "1:agent:x", "1:client:", "\N{FULLWIDTH DIGIT ONE}:client:x"]
)
async def test_a_page_begins_nowhere_but_where_one_ended(staff: Staff, cursor: str) -> None:
    answer = await staff.clients["root"].get("/reports/expiring", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("cursor: ")
