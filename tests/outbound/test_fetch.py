"""The guarded fetch, against real servers with TLS on loopback."""

import asyncio
import gzip
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from accredit.identity.address import Inside
from accredit.identity.web_address import parse
from accredit.outbound import resolving
from accredit.outbound.fetch import AT_ONCE, GuardedFetch, trust
from accredit.outbound.resolving import SystemResolver
from accredit.ports.fetch import Errand, Fetched, FetchFailed, FetchFailure
from tests.support.certified import Authority, ok, saying, server

LOOPBACK = Inside.parse(["127.0.0.0/8", "::1/128"])
HOST = "hooks.example.org"


class Names:
    """Answers each question for a name with the next of its answers, the last one again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not found:
            raise OSError
        return found


def fetching(ca: Authority | None, *answers: Sequence[str], inside: Inside = LOOPBACK, **more: Any) -> GuardedFetch:
    return GuardedFetch(Names(*(answers or (["127.0.0.1"],))), inside, trust(ca.file if ca else None), **more)


def errand(port: int, path: str = "/in", host: str = HOST, **more: Any) -> Errand:
    return Errand(parse(f"https://{host}:{port}{path}"), **more)


async def failure(fetch: GuardedFetch, what: Errand) -> FetchFailure:
    with pytest.raises(FetchFailed) as caught:
        await fetch.fetch(what)
    return caught.value.failure


async def test_an_answer_is_got_with_the_headers_that_were_given(ca: Authority) -> None:
    async with server(ca.context(HOST), saying(ok(b"well", "202 Accepted", "X-Kind: one"))) as there:
        found = await fetching(ca).fetch(errand(there.port, "/in?a=b", body=b"{}", headers={"webhook-id": "evt_1"}))
    assert (found.status, found.body, found.headers["x-kind"]) == (202, b"well", "one")
    sent = there.requests[0]
    assert sent.startswith(b"POST /in?a=b HTTP/1.1\r\nHost: hooks.example.org:%d\r\n" % there.port)
    assert b"webhook-id: evt_1\r\n" in sent
    assert b"Accept-Encoding: identity\r\n" in sent
    assert sent.endswith(b"\r\n\r\n{}")


async def test_without_a_body_it_is_a_get(ca: Authority) -> None:
    async with server(ca.context(HOST), saying(ok())) as there:
        assert (await fetching(ca).fetch(errand(there.port))).status == 200
    assert there.requests[0].startswith(b"GET /in HTTP/1.1\r\n")


async def test_a_name_is_looked_up_once_so_that_it_cannot_be_bound_anew(ca: Authority) -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    async with server(ca.context(HOST), saying(ok())) as there:
        fetch = GuardedFetch(names, LOOPBACK, trust(ca.file))
        assert (await fetch.fetch(errand(there.port))).status == 200
    assert names.asked == [HOST]


@pytest.mark.parametrize(
    "found",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["::1"],
        ["fe80::1%eth0"],
        ["::ffff:127.0.0.1"],
        ["93.184.215.14", "10.0.0.1"],
        ["2606:2800:21f:cb07::1", "::ffff:10.0.0.1"],
    ],
    ids=["loopback", "private", "metadata", "loopback-6", "zone", "mapped", "one-of-two", "one-of-two-6"],
)
async def test_a_name_that_leads_inside_is_not_followed(found: Sequence[str]) -> None:
    assert await failure(fetching(None, found, inside=Inside()), errand(8443)) is FetchFailure.FORBIDDEN


async def test_what_leads_inside_hears_nothing_at_all(ca: Authority) -> None:
    async with server(ca.context(HOST), saying(ok())) as there:
        for inside in (Inside(), Inside.parse(["10.0.0.0/8", "other.example.org"])):
            assert await failure(fetching(ca, inside=inside), errand(there.port)) is FetchFailure.FORBIDDEN
        assert there.connections == 0
        assert (await fetching(ca, inside=Inside.parse([HOST])).fetch(errand(there.port))).status == 200


async def test_a_redirect_is_an_answer_and_not_a_way(ca: Authority) -> None:
    async with server(ca.context(HOST), saying(ok())) as inner:
        where = f"Location: https://{HOST}:{inner.port}/admin"
        async with server(ca.context(HOST), saying(ok(b"", "307 Temporary Redirect", where))) as there:
            assert (await fetching(ca).fetch(errand(there.port, body=b"{}"))).status == 307
        assert inner.connections == 0


async def test_no_proxy_of_the_environment_comes_in_between(ca: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    async with server(ca.context(HOST), saying(ok())) as proxy, server(ca.context(HOST), saying(ok(b"1"))) as there:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert (await fetching(ca).fetch(errand(there.port))).body == b"1"
        assert proxy.connections == 0


async def test_a_certificate_of_another_host_is_not_believed(ca: Authority) -> None:
    async with server(ca.context("other.example.org", "127.0.0.1"), saying(ok())) as there:
        assert await failure(fetching(ca), errand(there.port)) is FetchFailure.UNTRUSTED
        assert there.requests == []


async def test_a_certificate_of_a_strange_authority_is_not_believed(ca: Authority) -> None:
    async with server(ca.context(HOST), saying(ok())) as there:
        assert await failure(fetching(None), errand(there.port)) is FetchFailure.UNTRUSTED
        assert there.requests == []


async def test_what_speaks_no_tls_is_not_believed(ca: Authority) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await reader.read(1)
        writer.close()

    plain = await asyncio.start_server(say, "127.0.0.1", 0)
    async with plain:
        port = plain.sockets[0].getsockname()[1]
        assert await failure(fetching(ca), errand(port)) is FetchFailure.UNTRUSTED


async def test_an_answer_may_be_as_long_as_was_said_and_not_a_byte_longer(ca: Authority) -> None:
    async with server(ca.context(HOST), saying(ok(b"x" * 1000))) as there:
        fetch = fetching(ca)
        assert len((await fetch.fetch(errand(there.port, most=1000))).body) == 1000
        assert await failure(fetch, errand(there.port, most=999)) is FetchFailure.TOO_LARGE
        cut = await fetch.fetch(errand(there.port, most=999, cut=True))
    assert cut == Fetched(200, {"content-length": "1000"}, b"x" * 999)


async def test_an_answer_without_end_is_cut_off(ca: Authority) -> None:
    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()

    async with server(ca.context(HOST), say) as there:
        assert await failure(fetching(ca), errand(there.port)) is FetchFailure.TOO_LARGE


async def test_headers_without_end_are_cut_off(ca: Authority) -> None:
    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X-More: " + b"x" * 4096 + b"\r\n")
            await writer.drain()

    async with server(ca.context(HOST), say) as there:
        assert await failure(fetching(ca), errand(there.port)) is FetchFailure.BROKEN


async def test_what_is_packed_is_not_unpacked(ca: Authority) -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    async with server(ca.context(HOST), saying(ok(bomb, "200 OK", "Content-Encoding: gzip"))) as there:
        assert (await fetching(ca).fetch(errand(there.port))).body == bomb


@pytest.mark.parametrize(
    "drip", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", b"HTTP/1.1 100 Go on\r\n\r\n"]
)
async def test_an_answer_that_comes_too_slowly_is_not_waited_for(ca: Authority, drip: bytes) -> None:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(drip)
        await reader.read()

    async with server(ca.context(HOST), say) as there:
        assert await failure(fetching(ca, seconds=0.3), errand(there.port)) is FetchFailure.TIMEOUT


async def test_a_server_that_never_greets_is_not_waited_for(ca: Authority) -> None:
    gone = asyncio.Event()

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()
        writer.close()

    silent = await asyncio.start_server(say, "127.0.0.1", 0)
    async with silent:
        port = silent.sockets[0].getsockname()[1]
        assert await failure(fetching(ca, seconds=0.3), errand(port)) is FetchFailure.TIMEOUT
        async with asyncio.timeout(5):
            await gone.wait()  # the connection was let go


async def test_a_server_of_names_that_never_answers_is_not_waited_for(ca: Authority) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    fetch = GuardedFetch(never, LOOPBACK, trust(ca.file), seconds=0.2)
    assert await failure(fetch, errand(8443)) is FetchFailure.TIMEOUT


async def test_so_many_are_asked_at_once_and_the_next_one_waits_its_turn(ca: Authority) -> None:
    go, full = asyncio.Event(), asyncio.Event()

    async def say(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if there.connections == 2:
            full.set()
        await go.wait()
        writer.write(ok())
        await writer.drain()

    async with server(ca.context(HOST), say) as there:
        fetch = fetching(ca, at_once=2)
        tasks = [asyncio.create_task(fetch.fetch(errand(there.port))) for _ in range(5)]
        await full.wait()
        assert there.connections == 2
        go.set()
        assert [found.status for found in await asyncio.gather(*tasks)] == [200] * 5


async def test_who_never_gets_a_turn_hears_that_too_much_is_asked(ca: Authority) -> None:
    async def say(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with server(ca.context(HOST), say) as there:
        fetch = fetching(ca, at_once=1, seconds=0.3)
        found = await asyncio.gather(*(failure(fetch, errand(there.port)) for _ in range(2)))
    assert sorted(found) == [FetchFailure.BUSY, FetchFailure.TIMEOUT]


async def test_the_next_address_is_tried_when_nobody_is_at_the_first(ca: Authority) -> None:
    async with server(ca.context(HOST), saying(ok())) as there:
        assert (await fetching(ca, ["127.0.0.2", "127.0.0.1"]).fetch(errand(there.port))).status == 200


async def test_where_nobody_is_nothing_is_got(ca: Authority) -> None:
    async with server(ca.context(HOST), saying(ok())) as there:
        pass
    assert await failure(fetching(ca), errand(there.port)) is FetchFailure.UNREACHABLE
    assert await failure(fetching(ca, []), errand(there.port)) is FetchFailure.UNKNOWN_HOST


async def test_a_name_without_addresses_is_unknown(ca: Authority) -> None:
    async def nothing(host: str, port: int) -> Sequence[str]:
        return []

    assert await failure(GuardedFetch(nothing, LOOPBACK, trust()), errand(8443)) is FetchFailure.UNKNOWN_HOST


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-x\r\n", ok(b"abc")[:-1], b"HTTP/1.1 99 No\r\n\r\n"])
async def test_what_is_no_http_is_no_answer(ca: Authority, answer: bytes) -> None:
    async with server(ca.context(HOST), saying(answer)) as there:
        assert await failure(fetching(ca), errand(there.port)) is FetchFailure.BROKEN


async def test_the_names_of_the_system_are_looked_up_on_threads_of_their_own(ca: Authority) -> None:
    resolver = SystemResolver()
    try:
        assert "127.0.0.1" in await resolver("127.0.0.1", 443)
        assert set(await resolver("localhost", 443)) <= {"127.0.0.1", "::1"}
        with pytest.raises(OSError, match="no name"):
            await resolver("a" * 64 + ".example", 443)
        async with server(ca.context("localhost"), saying(ok())) as there:
            fetch = GuardedFetch(resolver, LOOPBACK, trust(ca.file))
            assert (await fetch.fetch(errand(there.port, host="localhost"))).status == 200
    finally:
        resolver.close()


async def test_names_that_nobody_resolves_keep_no_other_name_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    of = resolving._addresses

    def hanging(host: str, port: int) -> list[str]:
        if host == "slow.example.org":
            over.wait(20)
        return of("127.0.0.1", port)

    monkeypatch.setattr(resolving, "_addresses", hanging)
    resolver = SystemResolver()
    waiting = [asyncio.create_task(resolver("slow.example.org", 443)) for _ in range(AT_ONCE)]
    try:
        async with asyncio.timeout(5):
            assert await resolver("other.example.org", 443) == ["127.0.0.1"]
    finally:
        over.set()
        await asyncio.gather(*waiting)
        resolver.close()
