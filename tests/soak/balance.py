"""A balancer before the nodes: `python -m tests.soak.balance PORT NODE_PORT...`. It knows bytes only.

A connection goes to the next node in turn that takes it. When that one dies, so does the connection; what a client
or a guard makes of this is what the soak is about.
"""

import asyncio
import itertools
import sys
from collections.abc import Iterator


async def serve(port: int, backends: list[int]) -> None:
    """Pass connections on, for ever."""
    turns = itertools.cycle(range(len(backends)))

    async def passed_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = next(turns)
        for backend in _from(backends, first):
            try:
                there = await asyncio.open_connection("127.0.0.1", backend)
            except OSError:
                continue
            await asyncio.gather(_pipe(reader, there[1]), _pipe(there[0], writer))
            return
        writer.close()

    server = await asyncio.start_server(passed_on, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


def _from(backends: list[int], first: int) -> Iterator[int]:
    return itertools.chain(backends[first:], backends[:first])


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), [int(word) for word in sys.argv[2:]]))
