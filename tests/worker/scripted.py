"""A provider on a raw socket, for what a well-behaved mock cannot do.

`GET|POST …/script/{name}` plays a script; everything else is relayed to llmock, so that one running
gateway serves both kinds of test. Where a path cannot be chosen, a header that every provider is
sent names the script, or another mock. It runs in a thread of its own.
"""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from providers import PROVIDERS

ABANDONED_S = 5.0
PLAY = "x-stainless-play"
"""The header that names the script, or the mock, that a request is for."""


@dataclass
class Received:
    """A request as it came over the wire."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    closed: threading.Event = field(default_factory=threading.Event)
    """Set when the gateway closes the connection while the script still runs."""

    def abandoned(self) -> bool:
        """Wait for the gateway to close the connection, and return whether it did."""
        return self.closed.wait(ABANDONED_S)

    def header(self, name: str) -> str | None:
        """Return a header's value, or None."""
        return next((value for key, value in self.headers if key == name), None)


class Wire:
    """One connection of the gateway, as a script sees it."""

    def __init__(
        self,
        request: Received,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        go_on: asyncio.Event,
    ) -> None:
        self.request = request
        self.go_on = go_on
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def head(self, status: str, **headers: str) -> None:
        """Send a status line and headers (`_` stands for `-`)."""
        # One request a connection: whoever used it again would find it closed.
        lines = ["connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode())

    async def chunk(self, data: bytes) -> None:
        """Send one chunk of a chunked body; an empty one ends it."""
        await self.send(b"%x\r\n%s\r\n" % (len(data), data))

    async def whole(self, status: str, content_type: str, body: bytes, **headers: str) -> None:
        """Send an answer of known length."""
        await self.head(status, content_type=content_type, content_length=str(len(body)), **headers)
        await self.send(body)

    async def hang(self) -> None:
        """Say nothing until the gateway closes the connection."""
        while not self.request.closed.is_set():
            await self.listen(60)

    async def listen(self, seconds: float) -> None:
        """Wait for so long, and notice when the gateway closes the connection."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                with contextlib.suppress(ConnectionError):
                    await self._reader.read()
                self.request.closed.set()

    def cut(self) -> None:
        """Close the connection, whatever was promised."""
        self._writer.close()


Script = Callable[[Wire], Awaitable[None]]


class ScriptedUpstream:
    """The server. `requests` and `exports` hold what came, the oldest first.

    Exports are what collectors of traces are sent: late, and again, while other tests run.
    """

    def __init__(self, scripts: dict[str, Script], relay_to: str, sockets: str) -> None:
        self.requests: list[Received] = []
        self.exports: list[Received] = []
        self.mocks: dict[str, str] = {}
        """Other mocks by name: where they listen. A path reaches them without its first segment."""
        self._scripts = dict(scripts)
        self._relay_host = urlsplit(relay_to).netloc
        self._socket_host = urlsplit(sockets).netloc
        self._loop = asyncio.new_event_loop()
        self._go_on = asyncio.Event()
        self._port = 0

    @property
    def base_url(self) -> str:
        """What takes the place of OpenAI's base URL."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def root(self) -> str:
        """The address without a path."""
        return self.base_url.removesuffix("/v1")

    @property
    def bases(self) -> dict[str, str]:
        """What takes the place of each provider's base URL.

        What plays no script is relayed to llmock, whose paths these are.
        """
        root = self.root
        return {slug: f"{root}/{slug}" for slug in [*PROVIDERS, "custom-ours"]} | {
            "openai": self.base_url,
            "otel": f"{root}/otel",
            "fal": f"{root}/fal/fal",
            "google-ai-studio": f"{root}/gemini",
            "grok": f"{root}/xai/v1",
            "groq": f"{root}/groq/openai/v1",
            "mistral": f"{root}/mistral/v1",
            "perplexity-ai": f"{root}/perplexity/v1",
        }

    def last(self) -> Received:
        """Return the newest request that played a script."""
        return self.requests[-1]

    def learn(self, *scripts: Script) -> None:
        """Learn more scripts, by their names."""
        self._scripts |= {script.__name__: script for script in scripts}

    def go_on(self) -> None:
        """Let the scripts that wait for it go on."""
        self._loop.call_soon_threadsafe(self._go_on.set)

    @contextlib.contextmanager
    def running(self) -> Generator["ScriptedUpstream", None, None]:
        """Serve until the block ends."""
        ready = threading.Event()
        thread = threading.Thread(target=self._run, args=(ready,))
        thread.start()
        ready.wait()
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self._port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A script may leave the connection in any state.
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            request = _parse(head)
            name = request.header(PLAY) or urlsplit(request.target).path.partition("/script/")[2]
            if name in self._scripts:
                request.body = await _body(request, reader)
                self._go_on.clear()
                self._note(request)
                await self._scripts[name](Wire(request, reader, writer, self._go_on))
            elif request.header("upgrade"):
                self.requests.append(request)
                await self._relay(head, reader, writer, self._socket_host)
            elif name in self.mocks:
                host = urlsplit(self.mocks[name]).netloc
                await self._relay(_closing(_shortened(head)), reader, writer, host)
            else:
                await self._relay(_closing(head), reader, writer, self._relay_host)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the gateway left: what the scripts are for
        finally:
            writer.close()

    def _note(self, request: Received) -> None:
        exported = request.target.startswith("/otel/")
        (self.exports if exported else self.requests).append(request)

    async def _relay(
        self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: str
    ) -> None:
        host, _, port = to.partition(":")
        to_reader, to_writer = await asyncio.open_connection(host, int(port))
        to_writer.write(head)
        upload = asyncio.ensure_future(_copy(reader, to_writer))
        try:
            answer = await to_reader.readuntil(b"\r\n\r\n")
            writer.write(answer if b" 101 " in answer.split(b"\r\n")[0] else _closing(answer))
            download = asyncio.ensure_future(_copy(to_reader, writer))
            # Whoever leaves first: a mock may keep a connection that was to be closed.
            await asyncio.wait((upload, download), return_when=asyncio.FIRST_COMPLETED)
            download.cancel()
            await asyncio.gather(download, return_exceptions=True)
        finally:
            upload.cancel()
            await asyncio.gather(upload, return_exceptions=True)
            to_writer.close()


def _closing(head: bytes) -> bytes:
    first, *lines = head.split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([first, b"Connection: close", *kept])


def _shortened(head: bytes) -> bytes:
    method, target, rest = head.split(b" ", 2)
    # The second mock knows fal by a header that its clients send in place of the host.
    line, headers = rest.split(b"\r\n", 1)
    rest = line + b"\r\nx-fal-target-host: fal.run\r\n" + headers
    return b" ".join([method, b"/" + target.split(b"/", 2)[2], rest])


def _parse(head: bytes) -> Received:
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    method, target, _ = first.split(" ")
    pairs = [line.split(": ", 1) for line in lines]
    return Received(method, target, [(name.lower(), value) for name, value in pairs])


async def _body(request: Received, reader: asyncio.StreamReader) -> bytes:
    if request.header("transfer-encoding") == "chunked":
        parts: list[bytes] = []
        while size := int(await reader.readline(), 16):
            parts.append(await reader.readexactly(size))
            await reader.readline()
        await reader.readline()
        return b"".join(parts)
    return await reader.readexactly(int(request.header("content-length") or 0))


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
