"""The ports in memory, and the values that tests begin with."""

import asyncio
import json
import sqlite3
import time
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Generator,
    Mapping,
    Sequence,
)
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from api.task import Task
from caching import FakeCache, FakeFlights
from call import Ask, Attempt, Call, Reply, Request, Target
from deployment import Deployment
from errors import ClientLeft, GatewayError, Unreachable
from gateway import handle
from isolate import Isolate
from limits.counter import Rule
from logs.row import Entry, entry
from options import Options
from ports import (
    Answer,
    CountersError,
    CryptoError,
    DatabaseError,
    Ending,
    Incoming,
    Outgoing,
    Ports,
    Posted,
    Row,
    Run,
    Statement,
    Taken,
)
from runtime import kept_counter
from runtime.again import Lost, ask, persist
from runtime.kept_counter import KeptCounter, Settling
from snapshot import Gateway
from watching import FakeTails

T = TypeVar("T")
ROOT = Path(__file__).parents[1]
NOW = 1_750_000_000_000.0
ID = "01975a5c-f680-7000-8000-000000000000"
CHAT = "https://sluice.test/v1/acme/main/openai/chat/completions"
ENCRYPTION_KEY = "an encryption key of thirty-two characters or more"
PATIENCE = 10
"""Seconds after which a test that waits for what never comes fails, instead of hanging."""

_MIGRATIONS = """
CREATE TABLE d1_migrations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
);
"""


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds * 1000


class FakeBody:
    """The body of a request. An exception instead of a text is raised when it is read."""

    def __init__(self, text: str | Exception | None) -> None:
        self.size = len(text.encode()) if isinstance(text, str) else None
        self._text = text

    async def text(self) -> str | None:
        if isinstance(self._text, Exception):
            raise self._text
        return self._text

    async def keep(self) -> bool:
        return await self.text() is not None

    async def digest(self) -> str | None:
        text = await self.text()
        return None if text is None else sha256(text.encode()).hexdigest()


class FakeReplyBody:
    """The body of a reply, which ends when the test says so, and may break while it is held."""

    def __init__(
        self,
        ending: Ending | None = None,
        breaks: Exception | None = None,
        *,
        holds: bool = True,
        first: str = "",
    ) -> None:
        self.ending: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()
        self.watched = self.held = self.discarded = False
        self._breaks = breaks
        self._holds = holds
        self._first = first
        self._most = 0
        if ending:
            self.ending.set_result(ending)

    @property
    def ended(self) -> Ending | None:
        return self.ending.result() if self.held and self.ending.done() else None

    async def begin(self) -> None:
        if self._breaks:
            raise self._breaks

    async def hold(self, error: bool) -> None:
        if self._breaks:
            raise self._breaks
        self.held = self._holds

    async def first(self) -> str:
        if self._breaks:
            raise self._breaks
        return self._first

    def discard(self) -> None:
        self.discarded = True
        if not self.ending.done():
            self.ending.set_result(Ending("complete", self._first, len(self._first)))

    async def texts(self) -> AsyncIterator[str]:
        ending = await self.ending
        text = ending.text or ""
        # In pieces that end where they like, as those of a network do.
        for start in range(0, len(text), 7):
            yield text[start : start + 7]
        if ending.state != "complete":
            raise ClientLeft if ending.state == "left" else Unreachable("models.test", 3)

    def watch(self, copy: int = 0) -> "_Watched":
        self.watched = True
        self._most = max(self._most, copy)
        return _Watched(self.ending, self._most)


class _Watched:
    """The ending of a body, with its bytes where they were asked for."""

    def __init__(self, ending: asyncio.Future[Ending], most: int) -> None:
        self._ending = ending
        self._most = most

    def __await__(self) -> Generator[Any, None, Ending]:
        ending = yield from self._ending.__await__()
        copy = (ending.text or "").encode()
        small = ending.state == "complete" and len(copy) <= self._most
        return replace(ending, copy=copy) if self._most and small else ending


class FakeFetch:
    """Answers with what it was given, in this order, and keeps what it was asked."""

    def __init__(self, *script: Incoming | Exception) -> None:
        self.script = list(script)
        self.sent: list[Outgoing] = []

    async def __call__(self, outgoing: Outgoing) -> Incoming:
        self.sent.append(outgoing)
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class SqliteDatabase:
    """The schema on SQLite, with D1's limit on the length of a value."""

    LONGEST = 2_000_000

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, self.LONGEST)
        self.batches: list[Sequence[Statement]] = []
        self.connection.executescript((ROOT / "schema.sql").read_text() + _MIGRATIONS)
        for path in sorted((ROOT / "migrations").glob("*.sql")):
            self.connection.execute("INSERT INTO d1_migrations (name) VALUES (?)", (path.name,))

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        try:
            return [dict(row) for row in self.connection.execute(sql, values)]
        except sqlite3.Error as error:
            raise DatabaseError(str(error)) from None

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        self.batches.append(statements)
        rows: Sequence[Row] = ()
        try:
            self.connection.execute("BEGIN")
            for sql, *values in statements:
                rows = [dict(row) for row in self.connection.execute(sql, values)]
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            self.connection.execute("ROLLBACK")
            raise DatabaseError(str(error)) from None
        return rows

    def close(self) -> None:
        self.connection.close()

    def add_gateway(self, name: str = "main", settings: str = '{"authentication":false}') -> int:
        sql = """INSERT INTO gateways (account_id, id, settings, created_at, modified_at)
            VALUES ('acme', ?, ?, 0, 0) RETURNING internal_id"""
        return self.connection.execute(sql, (name, settings)).fetchone()["internal_id"]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self.connection.execute(f"SELECT * FROM {table}")]


class HeldDatabase:
    """A database whose writes wait, each until the test lets it go."""

    def __init__(self, database: SqliteDatabase) -> None:
        self._database = database
        self._held: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()
        self.free = False
        """Whether writes to come wait no longer."""

    async def next_write(self) -> asyncio.Future[None]:
        """Return what lets the next write go. A write that never comes fails the test."""
        async with asyncio.timeout(PATIENCE):
            return await self._held.get()

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        return await self._database.all(sql, *values)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        if not self.free:
            gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._held.put_nowait(gate)
            async with asyncio.timeout(PATIENCE):
                await gate
        return await self._database.batch(statements)


class BrokenDatabase:
    """A database that cannot be reached."""

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        raise DatabaseError("no connection")

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        raise DatabaseError("no connection")


class FakeSnapshots:
    """Snapshots that live for ever; `ttls` tells for how long they were meant to."""

    def __init__(self, copies: Mapping[str, str] | None = None) -> None:
        self.copies = dict(copies or {})
        self.ttls: dict[str, int] = {}

    async def get(self, key: str) -> str | None:
        return self.copies.get(key)

    async def put(self, key: str, text: str, ttl: int) -> None:
        self.copies[key] = text
        self.ttls[key] = ttl

    async def delete(self, key: str) -> None:
        self.copies.pop(key, None)


class RealCrypto:
    """The Crypto port on a library that CPython has wheels of."""

    async def encrypt(self, key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes:
        return AESGCM(key).encrypt(nonce, data, context)

    async def decrypt(self, key: bytes, nonce: bytes, data: bytes, context: bytes) -> bytes:
        try:
            return AESGCM(key).decrypt(nonce, data, context)
        except InvalidTag:
            raise CryptoError("cannot be opened") from None

    async def sign(self, private_key: bytes, data: bytes) -> bytes:
        try:
            key = load_der_private_key(private_key, None)
        except ValueError:
            raise CryptoError("not a private key") from None
        assert isinstance(key, RSAPrivateKey)
        return key.sign(data, PKCS1v15(), SHA256())


class FakeStorage:
    """The storage of a Durable Object, in memory. It outlives the object, as the real one does."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}
        self.alarm: float | None = None
        self.written = 0
        """Rows: what is paid for."""
        self.kv = self

    def get(self, key: str) -> str | None:
        return self.values.get(key)

    def put(self, key: str, value: str) -> None:
        self.values[key] = value
        self.written += 1

    async def setAlarm(self, moment: float) -> None:  # noqa: N802 - the platform's own spelling
        self.alarm = moment
        self.written += 1

    async def deleteAlarm(self) -> None:  # noqa: N802
        self.alarm = None
        self.written += 1

    async def deleteAll(self) -> None:  # noqa: N802
        self.values.clear()
        self.alarm = None
        self.written += 1


class FakeCounters:
    """Counters of one process, by the clock of the test, on storages in memory."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._counters: dict[str, KeptCounter] = {}
        self.storages: dict[str, FakeStorage] = {}
        self.calls: list[str] = []
        """The names of the counters that were called, in this order."""
        self.broken: set[str] | bool = False
        """Whether they cannot be reached; or parts of the names of those that cannot."""
        self.losing = 0
        """So many of the next answers are lost, of a counter that did what it was asked for."""
        self.failing = 0
        """So many of the next asks reach no counter."""
        self.moves = False
        """Whether an object moves to another machine when its answer is lost."""

    async def take(self, name: str, rule: Rule, units: int = 1, ahead: int = 0) -> Taken:
        asked = kept_counter.take(rule, units, ahead)

        async def taken() -> Taken:
            return kept_counter.taken(await self._ask(name, lambda counter: counter.take(asked)))

        try:
            return await taken()
        except CountersError as error:
            error.on = taken
            raise

    async def settle(self, name: str, rule: Rule, reserved: int, used: int, at_ms: int) -> None:
        asked = Settling(kept_counter.settle(rule, reserved, used, at_ms), time.monotonic)

        async def settled() -> None:
            await self._ask(name, lambda counter: counter.settle(asked.text(PATIENCE)))

        try:
            await settled()
        except CountersError as error:
            error.on = lambda: persist(settled, CountersError, (0, 0))
            raise

    async def _ask(self, name: str, send: Callable[[KeptCounter], Awaitable[T]]) -> T:
        async def once() -> T:
            answer = await send(self._called(name))
            if self.losing:
                self.losing -= 1
                if self.moves:
                    del self._counters[name]
                raise Lost
            return answer

        try:
            return await ask(once, PATIENCE)
        except Lost:
            raise CountersError from None

    def forget(self) -> None:
        """Let every object leave memory: what it had written down is left."""
        self._counters.clear()

    async def alarms(self) -> None:
        """Let the alarms come that are due."""
        for name, storage in self.storages.items():
            if storage.alarm is not None and storage.alarm <= self._clock():
                storage.alarm = None
                await self._counter(name).alarm()

    def _called(self, name: str) -> KeptCounter:
        self.calls.append(name)
        down = (
            self.broken
            if isinstance(self.broken, bool)
            else any(part in name for part in self.broken)
        )
        if down or self.failing:
            self.failing = max(0, self.failing - 1)
            raise CountersError
        return self._counter(name)

    def _counter(self, name: str) -> KeptCounter:
        if name not in self._counters:
            storage = self.storages.setdefault(name, FakeStorage())
            self._counters[name] = KeptCounter(storage, self._clock, moves=self.moves)
        return self._counters[name]


class FakePost:
    """Answers with what it was given, in this order, else with 200; keeps what it was asked."""

    def __init__(self, *script: Posted | Exception) -> None:
        self.script = list(script)
        self.sent: list[tuple[str, Mapping[str, str], str]] = []

    async def __call__(self, url: str, headers: Mapping[str, str], text: str) -> Posted:
        self.sent.append((url, headers, text))
        answer = self.script.pop(0) if self.script else Posted(200, {}, "{}")
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeAi:
    """Answers with what it was given, and keeps what it was asked to run."""

    def __init__(self, answer: Incoming, charged: bool = True) -> None:
        self.charged = charged
        self.runs: list[Run] = []
        self._answer = answer

    def host(self, _model: str, /) -> str:
        return "models.test"

    async def __call__(self, run: Run, body: object, headers: object) -> Incoming:
        self.runs.append(run)
        return self._answer

    async def models(self, search: str) -> str:
        return "[]"


class FakeSockets:
    """Opens connections whose messages the test sends."""

    def __init__(self) -> None:
        self.opened: list[Answer] = []

    def open(self, answer: Answer) -> FakeReplyBody:
        self.opened.append(answer)
        return FakeReplyBody(Ending("complete", close_code=1000))


class FakeBackground:
    """Keeps work until the test runs it, one job after the other, as the platform does."""

    def __init__(self) -> None:
        self.jobs: list[Coroutine[Any, Any, None]] = []

    @property
    def busy(self) -> bool:
        return bool(self.jobs)

    def add(self, job: Coroutine[Any, Any, None]) -> None:
        self.jobs.append(job)

    async def run(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while self.jobs:
                await self.jobs.pop(0)


class Bench:
    """A whole gateway with an open gateway `acme/main`, on ports in memory."""

    def __init__(self, database: SqliteDatabase, *, empty: bool = False) -> None:
        self.clock = FakeClock()
        self.fetch = FakeFetch()
        self.snapshots = FakeSnapshots()
        self.background = FakeBackground()
        self.sockets = FakeSockets()
        self.cache = FakeCache()
        self.flights = FakeFlights()
        self.post = FakePost()
        self.tails = FakeTails()
        self.counters = FakeCounters(self.clock)
        self.database = database
        deployment = Deployment(admin_token="secret", encryption_key=ENCRYPTION_KEY)
        self.isolate = Isolate(deployment, self.clock)
        self.ports = Ports(
            fetch=self.fetch,
            database=database,
            snapshots=self.snapshots,
            clock=self.clock,
            cache=self.cache,
            flights=self.flights,
            counters=self.counters,
            crypto=RealCrypto(),
            sockets=self.sockets,
            post=self.post,
            tails=self.tails,
            background=self.background,
            bindings={"DB": True},
        )
        if not empty:
            database.add_gateway()

    def task(self, account: str = "acme", query: str = "", request: Request | None = None) -> Task:
        """Return what a handler of the management API gets."""
        asked = request or Request("GET", CHAT, {})
        return Task(account, query, asked, self.isolate, self.ports)

    async def handle(self, request: Request) -> Reply:
        """Answer a request, and finish the work that goes on after it."""
        reply = await handle(request, self.isolate, self.ports)
        await self.background.run()
        return reply

    async def manage(self, method: str, path: str, **body: object) -> Any:
        """Ask the management API with the admin token, and return the result."""
        url = f"https://sluice.test/client/v4/accounts/acme/ai-gateway/{path}"
        headers = {"authorization": "Bearer secret"}
        reply = await self.handle(Request(method, url, headers, FakeBody(json.dumps(body))))
        assert reply.status == 200, reply.body
        return told(reply)["result"]

    async def store(self, slug: str, secret: str, alias: str = "default", **more: object) -> str:
        """Store a provider's key, and return its id."""
        fields = {"provider_slug": slug, "secret": secret, "alias": alias, **more}
        return (await self.manage("POST", "gateways/main/provider_configs", **fields))["id"]

    def settings(self, **settings: object) -> None:
        """Change the settings of the gateway."""
        sql = "UPDATE gateways SET settings = ?"
        self.database.connection.execute(sql, (json.dumps(settings),))


def told(reply: Reply) -> Any:
    """Return what an answer of the gateway's own says."""
    assert isinstance(reply.body, str)
    return json.loads(reply.body)


def a_request(
    headers: Mapping[str, str] | None = None,
    text: str | Exception | None = '{"model":"gpt-5","messages":[]}',
    *,
    url: str = CHAT,
    method: str = "POST",
    address: str | None = None,
) -> Request:
    """Return a request with JSON for a body. Without a text its body is too long to be read."""
    given = {"content-type": "application/json", "authorization": "Bearer sk"} | dict(headers or {})
    return Request(method, url, given, FakeBody(text), address=address)


def a_call(
    headers: Mapping[str, str] | None = None,
    *,
    request: Request | None = None,
    ask: Ask | None = None,
) -> Call:
    """Return a call of an open gateway that has not been tried yet."""
    request = request or a_request(headers)
    return Call(
        id=ID,
        request=request,
        gateway=Gateway(1, "acme", "main", authentication=False, collect_logs=True),
        target=Target("openai", "chat/completions", ""),
        options=Options.of(request.headers),
        ask=ask or Ask("gpt-5", "text-generation", text='{"model":"gpt-5"}'),
        started=NOW,
    )


def kept_of(call: Call, outcome: Reply | GatewayError, ending: Ending, finished: float) -> Entry:
    """What the log keeps of a call whose only attempt came to an outcome."""
    attempt = (
        call.trail.attempts[-1] if call.trail.attempts else Attempt(call.id, call, call.started)
    )
    attempt.outcome = outcome
    return entry(attempt, ending, finished)


def an_answer(text: str, kind: str = "application/json", status: int = 200) -> Incoming:
    """Return a provider's answer whose body has come in whole."""
    body = FakeReplyBody(Ending("complete", text, len(text.encode())))
    return Incoming(status, {"content-type": kind}, body)


def an_entry(slug: str = "openai", **more: object) -> dict[str, object]:
    """Return an entry of a universal request."""
    headers = {"authorization": f"Bearer sk-{slug}"}
    usual = {"provider": slug, "endpoint": "chat/completions", "query": {"model": "m"}}
    return {**usual, "headers": headers, **more}


def universal(*entries: object, **headers: str) -> Request:
    """Return a request to a list of targets."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    url, body = CHAT.removesuffix("/openai/chat/completions"), FakeBody(json.dumps(entries))
    return Request("POST", url, {"content-type": "application/json", **named}, body)
