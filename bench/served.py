"""`python -m bench.served bare|guard`: answer calls as an MCP SDK server, and print its resident memory in MB."""

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from typing import Final

from bench import tool_call
from bench.peers import sdk_app
from bench.processes import resident_memory

_CALLS: Final = 200


async def main(kind: str) -> float:
    """Answer the calls, with a guard or without, and return the memory."""
    async with AsyncExitStack() as running:
        app, token = sdk_app.make(None), None
        if kind == "guard":
            from bench import guard_site  # noqa: PLC0415  (it is what is measured)

            app, accredit = await running.enter_async_context(guard_site.begun_guard(app))
            token = accredit.token(tool_call.SCOPE)
        else:
            await running.enter_async_context(tool_call.lifespan(app))
        for number in range(_CALLS):
            call = tool_call.Call(number, token)
            await app(call.scope, call.receive, call.send)
            if call.status != 200:
                raise RuntimeError(f"a call was answered with {call.status}")
        return resident_memory([os.getpid()]) / 1e6


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1])))
