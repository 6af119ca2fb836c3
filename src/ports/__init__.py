"""What the core needs from outside, as Protocols.

`runtime/` implements them on Workers, `tests/fakes.py` in memory.
"""

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from limits.counter import Rule, Verdict
from ports.ai import Ai, Run
from ports.bodies import Body, Ending, ReplyBody, State, TextBody
from ports.caching import (
    Cache,
    CacheError,
    Flights,
    FlightsError,
    Joined,
    Kept,
    Lead,
    Reading,
)
from ports.tails import Audience, Tails, TailsError
from values import value

__all__ = [
    "Ai",
    "Answer",
    "Audience",
    "Background",
    "Body",
    "Cache",
    "CacheError",
    "Clock",
    "Counters",
    "CountersError",
    "Crypto",
    "CryptoError",
    "Database",
    "DatabaseError",
    "Ending",
    "Fetch",
    "Flights",
    "FlightsError",
    "Incoming",
    "Joined",
    "Kept",
    "Lead",
    "Outgoing",
    "Ports",
    "Post",
    "PostError",
    "Posted",
    "Reading",
    "ReplyBody",
    "Row",
    "Run",
    "Snapshots",
    "Sockets",
    "State",
    "Statement",
    "Tails",
    "TailsError",
    "TextBody",
]


@value
class Outgoing:
    """A request to a provider."""

    method: str
    url: str
    host: str
    """Of the URL, with its port: what an error names."""
    headers: Mapping[str, str]
    body: Body | None
    bounded: bool = True
    """Whether it may be given up before the caller leaves."""


@value
class Incoming:
    """A provider's answer, once its headers have come."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: ReplyBody | None
    """None where HTTP allows no body."""


class Fetch(Protocol):
    """Sends a request to a provider. Redirects are not followed.

    Cancelling the call closes the connection.
    """

    async def __call__(self, outgoing: Outgoing) -> Incoming:
        """Wait for the headers of the answer. Raises Unreachable and ClientLeft."""
        ...


@value
class Posted:
    """What somebody answered to a text."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    text: str
    """The beginning of it."""


class PostError(Exception):
    """Nobody answered, or not in time."""


class Post(Protocol):
    """Posts a text to somebody who is no provider, for nobody who waits.

    Redirects are not followed.
    """

    async def __call__(self, url: str, headers: Mapping[str, str], text: str) -> Posted:
        """Wait for the answer. Raises PostError."""
        ...


Row = Mapping[str, Any]
Statement = tuple[str, *tuple[str | int, ...]]
"""SQL, and its values: few, for each of them crosses."""


class DatabaseError(Exception):
    """The database refused a statement or could not be reached."""


class Database(Protocol):
    """The SQL database that holds the truth. Every method raises DatabaseError."""

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        """Run one statement and return its rows."""
        ...

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        """Run statements in one transaction. Return the rows of the last."""
        ...


class QueueError(Exception):
    """The queue could not be reached, or refused a message."""


class Queue(Protocol):
    """A queue between this Worker and itself: what is sent comes back at least once."""

    async def send(self, text: str) -> None:
        """Send a message of at most 128 KB. Raises QueueError."""
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

    on: "Callable[[], Awaitable[Any]] | None" = None
    """Asks on for the same, for longer than a request can wait, and returns what was not returned.
    It counts once. Raises CountersError."""


@value
class Taken:
    """What a counter gave."""

    verdict: Verdict
    at: int
    """As granted at which moment it counts, in epoch milliseconds of the counter."""
    wait: float = 0.0
    """Seconds until what was refused can be had."""
    ahead: int = 0
    """Units besides, for requests to come. `leases` tells when they may be used."""


class Counters(Protocol):
    """Counters that all isolates share, exact whatever the concurrency."""

    async def take(self, name: str, rule: Rule, units: int = 1, ahead: int = 0) -> Taken:
        """Take units from the counter of a name, and up to so many ahead. Raises CountersError."""
        ...

    async def settle(self, name: str, rule: Rule, reserved: int, used: int, at_ms: int) -> None:
        """Replace units that were taken at a moment by what was used. Raises CountersError."""
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

    @property
    def busy(self) -> bool:
        """Whether there is any."""
        ...

    def add(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine once the reply is on its way."""
        ...


@value
class Ports:
    """What one request is served with."""

    fetch: Fetch
    database: Database
    snapshots: Snapshots
    clock: Clock
    cache: Cache
    flights: Flights
    counters: Counters
    crypto: Crypto
    sockets: Sockets
    post: Post
    tails: Tails
    background: Background
    bindings: Mapping[str, bool]
    """The bindings that the Worker is meant to have, and whether it has them."""
    queue: Queue | None = None
    """Where rows of the log wait for the database, in a deployment that wants it so."""
    ai: Ai | None = None
    """None where the platform runs no models."""


Answer = Callable[[str, Callable[[str], None], Ports], Coroutine[Any, Any, None]]
"""What is done with one message of a WebSocket: (text, send, ports)."""
