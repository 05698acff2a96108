"""Listen for other nodes: a signal that one of them raised is heard at once, and not only at the next look."""

import asyncio

from accredit.ports.notices import Notices
from accredit.service.directory import Directory


class Listen:
    """Keeps an ear open, and the directory true whenever it hears something. What it misses, `follow` finds."""

    name = "listen"

    def __init__(self, notices: Notices, directory: Directory) -> None:
        self._notices = notices
        self._directory = directory

    async def run(self, now: int) -> int:
        """Listen until the connection is lost; then come back at once."""
        news = asyncio.Event()
        listening = asyncio.create_task(self._notices.listen(news.set))
        listening.add_done_callback(lambda _: news.set())
        try:
            while not listening.done():
                await news.wait()
                news.clear()
                await self._directory.catch_up()
            listening.result()
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        return now
