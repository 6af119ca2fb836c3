"""What the core needs from outside, as Protocols.

`runtime/` implements them on Workers, `tests/fakes.py` in memory.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from limits import Rule, Verdict

State = Literal["complete", "broken", "left"]
"""`broken`: the provider closed the connection early. `left`: the caller did."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the body of a reply ended, and what it was."""

    state: State
    text: str | None = None
    """The text, as far as it came. None for a body that is not text, or that is too long."""
    size: int | None = None
    """Bytes that were read. None where the body passed through unread."""
    close_code: int | None = None
    """Of a WebSocket (RFC 6455, section 7.4)."""


class Body(Protocol):
    """The body of a request, owned by the runtime: opaque until somebody needs its text."""

    size: int | None
    """Bytes, where the caller announced them or the body has been read."""

    async def text(self) -> str | None:
        """Read the body, once, and return its text. None where it is too long to be held.

        Raises ClientLeft.
        """
        ...

    async def keep(self) -> bool:
        """Read the body, so that it can be sent more than once. False where it is too long.

        Raises ClientLeft.
        """
        ...


class TextBody:
    """The body of a request that is made here."""

    def __init__(self, text: str) -> None:
        self.content = text
        self.size: int | None = len(text.encode())

    async def text(self) -> str | None:
        """Return the text."""
        return self.content

    async def keep(self) -> bool:
        """Return whether the body can be sent more than once: it can."""
        return True


class ReplyBody(Protocol):
    """The body of a reply, owned by the runtime, which hands it to the caller natively."""

    @property
    def held(self) -> bool:
        """Whether the body has been read, so that its ending is known."""
        ...

    async def hold(self, error: bool) -> None:
        """Read a body that is short, so that it leaves whole or not at all.

        An error is read even if it does not announce that it is short; a stream, or another answer
        that does not, stays as it is. Raises Unreachable where the provider breaks off, and
        ClientLeft.
        """
        ...

    async def first(self) -> str:
        """Return the text of a stream's first events, which stay in it. Empty for other bodies.

        Raises Unreachable and ClientLeft.
        """
        ...

    def discard(self) -> None:
        """Give the body up: nobody will read on. Its ending is what has been read."""
        ...

    def texts(self) -> AsyncIterator[str]:
        """Deliver the body here instead of to the caller: its text, piece by piece as it comes."""
        ...

    def watch(self) -> Awaitable[Ending]:
        """Ask how the body will end, before it leaves. May be asked more than once.

        A body that nobody watches passes through at no cost.
        """
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to a provider."""

    method: str
    url: str
    host: str
    """Of the URL, with its port: what an error names."""
    headers: Mapping[str, str]
    body: Body | None


@dataclass(frozen=True, slots=True)
class Incoming:
    """A provider's answer, once its headers have come."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: ReplyBody | None
    """None where HTTP allows no body."""


class Fetch(Protocol):
    """Sends a request to a provider. Redirects are not followed.

    Cancelling the call closes the connection. Raises Unreachable and ClientLeft.
    """

    async def __call__(self, outgoing: Outgoing) -> Incoming: ...


Row = Mapping[str, Any]


class DatabaseError(Exception):
    """The database refused a statement or could not be reached."""


class Database(Protocol):
    """The SQL database that holds the truth. Every method raises DatabaseError."""

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        """Run one statement and return its rows."""
        ...

    async def batch(self, statements: Sequence[tuple[str, str]]) -> None:
        """Run statements, each with one value, in one transaction."""
        ...


class Snapshots(Protocol):
    """Copies of gateway settings that are quick to read, and may be a minute old."""

    async def get(self, key: str) -> str | None:
        """Return a copy, or None."""
        ...

    async def put(self, key: str, text: str, ttl: int) -> None:
        """Keep a copy for `ttl` seconds (60 or more)."""
        ...

    async def delete(self, key: str) -> None:
        """Forget a copy."""
        ...


class CountersError(Exception):
    """A counter could not be reached, or took too long."""


class Counters(Protocol):
    """Counters that all isolates share, exact whatever the concurrency."""

    async def take(self, name: str, rule: Rule) -> Verdict:
        """Take one unit from the counter of a name. Raises CountersError."""
        ...


class CryptoError(Exception):
    """What was sealed cannot be opened, or a private key cannot be read."""


class Crypto(Protocol):
    """Cryptography that the platform has and Python's standard library has not."""

    async def encrypt(self, key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes:
        """Encrypt with AES-256-GCM. `context` is authenticated beside the data."""
        ...

    async def decrypt(self, key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes:
        """Decrypt what was encrypted. Raises CryptoError."""
        ...

    async def sign(self, private_key: bytes, data: bytes) -> bytes:
        """Sign with RSASSA-PKCS1-v1_5 and SHA-256 (RS256) by a PKCS#8 key. Raises CryptoError."""
        ...


class Sockets(Protocol):
    """Opens WebSockets for one caller."""

    def open(self, answer: "Answer") -> ReplyBody:
        """Return the body of a reply of status 101, whose messages are answered here.

        `answer` is awaited for each message that comes: with the text, a function that sends one
        back, and what that message is to be served with.
        """
        ...


class Clock(Protocol):
    """Time."""

    def __call__(self) -> float:
        """Return the time in milliseconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class Background(Protocol):
    """Work that goes on after the caller has its answer."""

    def add(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine once the reply is on its way."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What one request is served with."""

    fetch: Fetch
    database: Database
    snapshots: Snapshots
    clock: Clock
    counters: Counters
    crypto: Crypto
    sockets: Sockets
    background: Background
    bindings: Mapping[str, bool]
    """The bindings that the Worker is meant to have, and whether it has them."""


Answer = Callable[[str, Callable[[str], None], Ports], Coroutine[Any, Any, None]]
"""What is done with one message of a WebSocket: (text, send, ports)."""
