"""A proxy in front of an object store that answers 503, slowly, or not to the end, as it is told."""

import asyncio
import random
import threading
from contextlib import suppress

_BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class FlakyProxy:
    """Passes connections on, on a thread of its own."""

    def __init__(self, port: int, chance: random.Random) -> None:
        """Start it.

        Args:
            port: of the server behind, on this machine.
            chance: chooses which connections suffer: half of them.
        """
        self._behind, self._chance = port, chance
        self.fault = ""
        """What happens to connections: `503`, `slow`, `cut`, or nothing."""
        self.port = 0
        """Where it listens on this machine."""
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        threading.Thread(target=self._work, daemon=True).start()
        self._ready.wait()

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _work(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._take, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._behind)
            await asyncio.gather(self._pass(reader, back, None), self._pass(there, writer, reader))
        writer.close()

    async def _pass(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, asked: asyncio.StreamReader | None
    ) -> None:
        """Copy one direction; the answers' suffers."""
        with suppress(OSError):
            while data := await source.read(65536):
                fault = self.fault if asked is not None and self._chance.random() < 0.5 else ""
                if fault == "503":
                    data = _BUSY
                elif fault == "slow":
                    await asyncio.sleep(self._chance.uniform(0, 4))
                elif fault == "cut":
                    data = data[: len(data) // 2]
                target.write(data)
                await target.drain()
                if fault in ("503", "cut"):
                    break
        target.close()
