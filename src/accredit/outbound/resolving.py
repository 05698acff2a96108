"""Names of hosts, looked up on threads of their own: a slow server of names must not take those of anybody else."""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

AT_ONCE: Final = 96
"""How many names are looked up at a time: a look-up goes on for a while after its errand was given up."""


class SystemResolver:
    """Asks the system."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "accredit-names")

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the addresses of `host`, the preferred one first. Raises OSError when there are none."""
        found = await asyncio.get_running_loop().run_in_executor(self._threads, _addresses, host, port)
        return list(dict.fromkeys(found))

    def close(self) -> None:
        """Look up nothing more. What is under way is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _addresses(host: str, port: int) -> list[str]:
    try:
        return [str(item[4][0]) for item in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except UnicodeError as error:  # a label that the codec of names refuses
        raise OSError("no name of a host") from error
