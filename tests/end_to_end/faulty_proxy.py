"""A TCP proxy that can be told to go wrong: to delay, to swallow everything in silence, to cut connections in the middle of a frame."""
import asyncio
import random
import threading


class FaultyProxy:
    """Runs on a thread of its own. Set the attributes at any time; they count for what happens next."""

    def __init__(self, listen, target, seed=1):
        self.target = target
        self.delay = 0.0  # seconds per piece, each way
        self.swallow = False  # half-open: connections stay, nothing passes, nobody is told
        self.cut_after = None  # a connection is reset once about so many bytes passed
        self.refuse = False
        self._random = random.Random(seed)
        self._writers = set()
        self._loop = asyncio.new_event_loop()
        started = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(listen, started), daemon=True)
        self._thread.start()
        started.wait(10)

    def cut_all(self):
        asyncio.run_coroutine_threadsafe(self._cut_all(), self._loop).result(10)

    def _run(self, listen, started):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(asyncio.start_server(self._serve, *listen))
        started.set()
        self._loop.run_forever()

    async def _cut_all(self):
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        if self.refuse:
            writer.transport.abort()
            return
        dead = self.swallow  # such a connection never comes to life
        self._writers.add(writer)
        try:
            if dead:
                await self._ignore(reader)
                return
            far_reader, far_writer = await asyncio.open_connection(*self.target)
            self._writers.add(far_writer)
            left = [self._random.randint(1, self.cut_after) if self.cut_after else None]
            await asyncio.gather(self._pump(reader, far_writer, left), self._pump(far_reader, writer, left))
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)

    async def _ignore(self, reader):
        while await reader.read(65536):
            pass

    async def _pump(self, reader, writer, left):
        swallowed = False
        try:
            while True:
                piece = await reader.read(4096)
                if not piece:
                    break
                swallowed = swallowed or self.swallow
                if swallowed:
                    continue
                if self.delay:
                    await asyncio.sleep(self.delay)
                if left[0] is not None:
                    if len(piece) >= left[0]:
                        writer.write(piece[: left[0]])
                        await writer.drain()
                        writer.transport.abort()
                        return
                    left[0] -= len(piece)
                writer.write(piece)
                await writer.drain()
        finally:
            if not swallowed:
                writer.transport.abort()
