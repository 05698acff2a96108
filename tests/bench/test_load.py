import asyncio
from contextlib import asynccontextmanager

import pytest

from bench.load import Load, LoadFailed, answer_end, drive, together

REQUEST = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx"
GOOD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def server(*answers, pieces=1):
    """A server that gives one of `answers` after the other, the last for ever, each in `pieces`; None hangs up."""
    given = []

    async def talk(reader, writer):
        try:
            while await reader.readexactly(len(REQUEST)):
                answer = answers[min(len(given), len(answers) - 1)]
                given.append(answer)
                if answer is None:
                    break
                step = max(1, -(-len(answer) // pieces))
                for at in range(0, len(answer), step):
                    writer.write(answer[at : at + step])
                    await writer.drain()
                    await asyncio.sleep(0)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1], given


async def load(port, count, connections=4, meter=lambda: ()):
    return await drive("127.0.0.1", port, iter([REQUEST] * count), connections, meter)


@pytest.mark.parametrize("pieces", [1, 3, len(GOOD)])
async def test_every_request_is_sent_once_and_all_but_the_first_of_each_connection_are_timed(pieces):
    async with server(GOOD, pieces=pieces) as (port, given):
        found = await load(port, 50)
    assert len(given) == 50
    assert len(found.waits) == 46
    assert found.waits == sorted(found.waits)
    assert found.waits[0] > 0


async def test_the_meter_is_read_after_the_first_answers_and_after_the_last():
    async with server(GOOD) as (port, given):
        found = await load(port, 50, meter=lambda: (len(given), 7))
    assert found.metered == (46, 0)


@pytest.mark.parametrize("status", [b"401 Unauthorized", b"500 Oops", b"204 No Content", b"201 Created"])
async def test_one_answer_other_than_200_fails_the_run_and_is_shown(status):
    bad = GOOD.replace(b"200 OK", status)
    async with server(*[GOOD] * 20, bad, GOOD) as (port, _):
        with pytest.raises(LoadFailed, match=rf"{status[:3].decode()}.: 1\b"):
            await load(port, 50)


async def test_a_connection_that_the_server_closes_fails_the_run():
    async with server(*[GOOD] * 20, None, GOOD) as (port, _):
        with pytest.raises(LoadFailed):
            await load(port, 50)


async def test_two_answers_to_one_request_fail_the_run():
    async with server(*[GOOD] * 20, GOOD + GOOD, GOOD) as (port, _):
        with pytest.raises(LoadFailed):
            await load(port, 50)


async def test_too_few_requests_for_the_connections_are_no_measurement():
    async with server(GOOD) as (port, _):
        with pytest.raises(LoadFailed):
            await load(port, 4)


async def test_a_server_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr("bench.load.PATIENCE", 0.05)
    async with server(b"") as (port, _):
        with pytest.raises(LoadFailed):
            await load(port, 50)


@pytest.mark.parametrize(
    "announced", ["content-length: 5", "Content-Length: 5", "content-length:5", "content-length:  5 "]
)
def test_where_an_answer_ends(announced):
    answer = f"HTTP/1.1 200 OK\r\n{announced}\r\nX-Content-Length: 9\r\n\r\nhello".encode()
    assert answer_end(answer) == len(answer)
    assert answer_end(answer[:-9]) is None
    assert answer_end(answer[:-5]) == len(answer)


@pytest.mark.parametrize(
    "head",
    [
        "Transfer-Encoding: chunked",
        "X-Content-Length: 5",
        "x-content-length: 5",
        "Content-Length: five",
        "Content-Length:",
    ],
)
def test_an_answer_whose_end_is_not_announced_cannot_be_timed(head):
    with pytest.raises(LoadFailed):
        answer_end(f"HTTP/1.1 200 OK\r\n{head}\r\n\r\nhello".encode())


@pytest.mark.parametrize(("share", "wait"), [(0.5, 50), (0.99, 99), (0.991, 100), (1, 100), (0.001, 1)])
def test_percentiles_are_waits_that_happened(share, wait):
    assert Load(range(1000, 101_000, 1000), 1, 1, ()).wait_us(share) == wait


def test_loads_together_weigh_each_answer_once():
    found = together([Load([1, 5], 1.0, 0.5, (2, 3)), Load([2], 3.0, 0.5, (4, 5))])
    assert found == Load([1, 2, 5], 4.0, 1.0, (6, 8))
    assert (found.rate, found.busy) == (0.75, 0.25)
