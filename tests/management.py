"""The management API in memory, as tests ask it."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from call import Reply, Request
from fakes import Bench, FakeBody, SqliteDatabase, told
from ports import DatabaseError, Row, Statement

BASE = "https://sluice.test/client/v4/accounts/acme/ai-gateway"


async def asked(bench: Bench, method: str, path: str, body: object = None) -> Reply:
    """Ask with the admin token. A text is a body as it is, anything else becomes JSON."""
    headers = {"authorization": "Bearer secret"}
    content = FakeBody(body if isinstance(body, str) else json.dumps(body))
    return await bench.handle(Request(method, f"{BASE}/{path}", headers, content))


def result(reply: Reply) -> Any:
    """Return what an answer holds, which must be a success."""
    assert reply.status == 200, reply.body
    return told(reply)["result"]


def wrong(reply: Reply) -> list[tuple[int, int, list[str] | None]]:
    """Return what is wrong: status, code and path of each error."""
    return [(reply.status, one["code"], one.get("path")) for one in told(reply)["errors"]]


class FailingDatabase:
    """A database that fails when a statement begins in a certain way."""

    def __init__(self, database: SqliteDatabase, beginning: str) -> None:
        self._database = database
        self._beginning = beginning

    async def all(self, sql: str, *values: str | float | None) -> Sequence[Row]:
        self._fail(sql)
        return await self._database.all(sql, *values)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        for sql, *_ in statements:
            self._fail(sql)
        return await self._database.batch(statements)

    def _fail(self, sql: str) -> None:
        if sql.strip().startswith(self._beginning):
            raise DatabaseError("no connection")


def failing(bench: Bench, beginning: str) -> None:
    """Let every statement fail that begins like this."""
    bench.ports = replace(bench.ports, database=FailingDatabase(bench.database, beginning))


Meanwhile = tuple[str, Callable[[], Awaitable[object]]]
"""How a statement begins, and what somebody else does right before it."""


class SharedDatabase:
    """A database in which somebody else does one thing after the other meanwhile."""

    def __init__(self, database: SqliteDatabase, others: Sequence[Meanwhile]) -> None:
        self._database = database
        self._others = list(others)

    async def all(self, sql: str, *values: str | float | None) -> Sequence[Row]:
        if self._others and sql.strip().startswith(self._others[0][0]):
            await self._others.pop(0)[1]()
        return await self._database.all(sql, *values)

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        return await self._database.batch(statements)


def shared(bench: Bench, *others: Meanwhile) -> None:
    """Let somebody else do things meanwhile, in this order, each once."""
    bench.ports = replace(bench.ports, database=SharedDatabase(bench.database, others))


def mended(bench: Bench) -> None:
    """Let the database be again as it was."""
    bench.ports = replace(bench.ports, database=bench.database)
