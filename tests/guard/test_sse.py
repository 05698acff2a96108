"""Event streams: however they are cut and spelt, everybody reads the same events in what is passed on."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accredit_sdk.guard.sse import Event, Splitter, TooLong, message, rendered
from tests.support.authority import FakeAccredit
from tests.support.guarded import Guarded, call, event, events, says, streams, told

BITS = (
    *(b"data", b"id", b"event", b"retry", b"x", b":", b": ", b" ", b"1", b"\n", b"\n", b"\r", b"\r\n", b"data: 1\n\n"),
    *(b"\x00", b"\xef\xbb\xbf", "\u2028".encode(), b"\x0b", b"\x85", b"\xef", b"\xbb"),
)
PIECES = st.lists(st.sampled_from(BITS), max_size=30).map(b"".join)


def naive(stream: bytes) -> list[tuple[str, str | None]]:
    """Return data and id of each event, by the words of WHATWG HTML, 9.2.6, in an implementation of its own."""
    text = stream.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found: list[tuple[str, str | None]] = []
    data, last = "", None
    for line in text.split("\n")[:-1]:
        if not line:
            if data or last is not None:
                found.append((data.removesuffix("\n"), last))
            data, last = "", None
        elif ":" in line and not line.startswith(":"):
            name, value = line.split(":", 1)
            value = value.removeprefix(" ")
            data += f"{value}\n" if name == "data" else ""
            last = value if name == "id" and value.isascii() and value.isprintable() else last
        elif line in ("data", "id"):
            data, last = (f"{data}\n", last) if line == "data" else (data, "")
    return found


def split(stream: bytes, cuts: list[int]) -> list[Event]:
    splitter, found, at = Splitter(1 << 20), [], 0
    for cut in (*sorted(one % (len(stream) + 1) for one in cuts), len(stream)):
        found += splitter.feed(stream[at:cut])
        at = cut
    return found


@given(PIECES, st.lists(st.integers(0, 500), max_size=6))
@example(b"data: 1\r\ndata: 2\r\n\r\ndata: 3\r\n\r\n", [8, 9, 17, 18, 19, 20])
@example(b"\xef\xbb\xbfdata: 1\n\n", [1, 2])
@example(b"\xef\xbb", [1])
@example(b"data: 1\n\r\ndata: 2\r\r", [9])
def test_however_a_stream_is_cut_the_same_events_are_in_it(stream: bytes, cuts: list[int]) -> None:
    found = [
        ((one.data or b"").decode("utf-8", "surrogateescape"), one.id.decode() if one.id is not None else None)
        for one in split(stream, cuts)
        if one.data is not None or one.id is not None
    ]
    assert found == naive(stream)


@given(PIECES)
def test_what_is_passed_on_reads_the_same_to_every_reader(stream: bytes) -> None:
    found = split(stream, [])
    said = b"".join(rendered(one) for one in found)
    assert naive(said) == naive(stream)
    again = split(said, [3, 7])
    assert b"".join(rendered(one) for one in again) == said
    for line in said.split(b"\n"):
        name, _, value = line.partition(b": ")
        assert name in (b"", b":", b"data", b"id", b"event", b"retry")
        assert name == b"data" or (value.isascii() and value.decode().isprintable())


def test_the_fields_of_an_event_are_kept_and_what_nobody_knows_is_not() -> None:
    (found,) = Splitter(99).feed(b"event: message\rid: 7\rretry: 50\rdata: a\rdata: b\rx: y\r: awake\r\r")
    assert found == Event(b"a\nb", b"7", b"message", b"50", comment=True)
    assert rendered(found) == b"event: message\nid: 7\nretry: 50\ndata: a\ndata: b\n\n"


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (b": ping\n\n", b":\n\n"),
        (b"id: 1\ndata:\n\n", b"id: 1\ndata: \n\n"),
        (b"id\n\n", b"id: \n\n"),
        (b"event: x\n\n", b""),
        (b"retry: 1x\n\n", b""),
        (b"retry: 10\n\n", b"retry: 10\n\n"),
        (b"id: a\x00b\n\n", b""),
        ("id: 1\u2028data: {}\ndata: 1\n\n".encode(), b"data: 1\n\n"),
        ("event: x\u2028data: {}\ndata: 1\n\n".encode(), b"data: 1\n\n"),
        (b"data: 1\n", b""),
        (b'{"result":{"tools":[]}}\n\n', b""),
    ],
)
def test_what_an_event_is_said_as(stream: bytes, said: bytes) -> None:
    assert b"".join(rendered(one) for one in Splitter(99).feed(stream)) == said


def test_a_message_of_ours_is_an_event() -> None:
    assert message(b'{"a":1}') == b'event: message\ndata: {"a":1}\n\n'


def test_an_event_without_end_is_not_kept_for_ever() -> None:
    splitter = Splitter(100)
    assert splitter.feed(b"data: " + b"x" * 94) == []
    with pytest.raises(TooLong):
        splitter.feed(b"x")


def test_many_small_events_and_one_large_event_take_time_in_proportion() -> None:
    began = time.process_time()
    assert len(Splitter(1 << 24).feed(b"data: 1\n\n" * 100_000)) == 100_000
    splitter = Splitter(1 << 25)
    for _ in range(4096):
        assert splitter.feed(b"x" * 4096) == []
    assert splitter.feed(b"\n\n") == [Event()]
    assert time.process_time() - began < 5


# ---------------------------------------------------------------------------------------------- in front of a server
LIST = {
    "jsonrpc": "2.0",
    "id": 7,
    "result": {"tools": [{"name": "read"}, {"name": "unheard-of"}], "ttlMs": 0, "cacheScope": "public"},
}
SHOWN = {**LIST, "result": {"tools": [{"name": "read"}], "ttlMs": 0, "cacheScope": "private"}}
TEXT = event(LIST).decode()


@pytest.mark.parametrize(
    "stream",
    [
        TEXT.encode(),
        TEXT.replace("\r\n", "\n").encode(),
        TEXT.replace("\r\n", "\r").encode(),
        b"\xef\xbb\xbf" + TEXT.replace("event: message\r\n", "").encode(),
        TEXT.replace('"tools"', '"t\\u006fols"').encode(),
        TEXT.replace(',"id"', ',\r\ndata: "id"').encode(),
        TEXT.replace('"result":', '"result" : ').encode(),
        b": awake\r\n" + TEXT.encode(),
        TEXT.replace("data: ", "data:").encode(),
    ],
)
async def test_a_list_is_filtered_however_the_stream_spells_it(
    site: Guarded, accredit: FakeAccredit, stream: bytes
) -> None:
    for size in (1, 7, 1 << 20):
        site.inner.script = streams(*(stream[at : at + size] for at in range(0, len(stream), size)))
        response = await site.send(call(method="tools/list"), token=accredit.token())
        assert (response.status, response.headers["content-type"]) == (200, "text/event-stream")
        assert told(response.body) == [SHOWN]


async def test_an_event_that_never_ends_is_not_passed_on(site: Guarded, accredit: FakeAccredit) -> None:
    site.inner.script = streams(b": awake\n\n", TEXT.encode()[:-2])
    response = await site.send(call(method="tools/list"), token=accredit.token())
    assert response.body == b":\n\n"


async def test_an_event_that_is_too_long_ends_the_stream_with_an_error(
    site: Guarded, accredit: FakeAccredit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accredit_sdk.guard.exchange._LARGEST", 50)
    site.inner.script = streams(event("1"), b"data: " + b"x" * 50, event("2"))
    response = await site.send(call(), token=accredit.token())
    first, error = told(response.body)
    assert (first, error["id"], error["error"]["code"]) == (1, 7, 502)
    assert [record["reason"] for record in await site.records()] == ["ok", "encoded"]
    site.inner.script = says(b" " * 51)
    assert (await site.send(call(), token=accredit.token())).status == 502


async def test_the_fields_of_a_priming_event_are_kept_and_its_id_is_sealed(
    site: Guarded, accredit: FakeAccredit
) -> None:
    site.inner.script = streams(b"id: prime-1\nretry: 500\ndata:\n\n")
    response = await site.send(call(), token=accredit.token())
    (fields,) = events(response.body)
    assert (fields["retry"], fields["data"]) == ("500", "")
    assert fields["id"].startswith("prime-1.")
    assert len(fields["id"]) == len("prime-1.") + 32
