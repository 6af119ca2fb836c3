"""Writes log entries to the database, in groups.

A request that finds nobody writing becomes the writer: it waits a moment for company, and writes.
Entries that come meanwhile, or while a write is under way, go together in the next one, whoever's
they are: the busier the gateway, the larger the groups, and the less a row costs. Only plain data
is shared between requests; each promise is awaited by the request that made it.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from logs import COLUMNS, Entry
from ports import Clock, Database, DatabaseError

_log = logging.getLogger("sluice.journal")

GROUP = 100
"""Entries in one write."""
VALUE_SIZE = 1_900_000
"""Bytes of JSON in one write: D1 takes 2 MB in a value. An entry alone stays far below."""
LEASE_MS = 10_000
"""After this long a writer counts as vanished: a request can be frozen in the middle of a write."""
TERM_MS = 15_000
"""After this long a writer lets the next request write: work after an answer may last 30 s."""


def _insert(table: str, columns: Sequence[str]) -> str:
    # One statement with one value for any number of rows: D1 takes at most 100 values.
    values = ", ".join(f"value ->> {index}" for index in range(len(columns)))
    # An entry may be written twice when a writer took over from one that had not vanished.
    return (
        f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) "  # noqa: S608 - our own names
        f"SELECT {values} FROM json_each(?)"
    )


INSERT_LOGS = _insert("logs", COLUMNS)
INSERT_PAYLOADS = _insert("payloads", ("gateway_id", "log_id", "side", "part", "body"))


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An entry as JSON: its row, and its payloads."""

    row: str
    payloads: Sequence[str]

    @property
    def size(self) -> int:
        return len(self.row) + sum(map(len, self.payloads))


class Journal:
    """The entries of one isolate on their way to the database."""

    def __init__(self, clock: Clock, linger: float = 0.0) -> None:
        self._clock = clock
        self._linger = linger
        """Seconds that a writer waits for company before it writes."""
        self._waiting: dict[str, _Waiting] = {}
        self._lease = 0.0

    async def write(self, entry: Entry, database: Database) -> None:
        """Write an entry, now or with the writer's next group. Raises nothing.

        What cannot be written is dropped, and reported on the console.
        """
        self._waiting[entry.id] = _Waiting(json.dumps(entry.row), _payloads(entry))
        if self._clock() < self._lease:
            return
        self._lease = self._clock() + LEASE_MS
        if self._linger:
            await asyncio.sleep(self._linger)
        await self._drain(database)

    async def _drain(self, database: Database) -> None:
        until = self._clock() + TERM_MS
        while self._waiting and self._clock() < until:
            self._lease = self._clock() + LEASE_MS
            await self._write(_group(self._waiting), database)
        self._lease = 0.0
        # Others may lead from here on. Whoever waits already was told that this writer writes.
        await self.flush(database)

    async def flush(self, database: Database) -> None:
        """Write what waits now, whoever the writer is, so that it can be read. Raises nothing."""
        left = dict(self._waiting)
        while left:
            group = _group(left)
            left = {log_id: left[log_id] for log_id in left if log_id not in group}
            await self._write(group, database)

    async def _write(self, group: Mapping[str, _Waiting], database: Database) -> None:
        rows = [waiting.row for waiting in group.values()]
        payloads = [payload for waiting in group.values() for payload in waiting.payloads]
        statements = [(INSERT_LOGS, _array(rows))]
        if payloads:
            statements.append((INSERT_PAYLOADS, _array(payloads)))
        try:
            await database.batch(statements)
        except DatabaseError as error:
            _log.error("%d log rows are lost: %s", len(group), error)
        for log_id in group:
            self._waiting.pop(log_id, None)


def _group(waiting: Mapping[str, _Waiting]) -> dict[str, _Waiting]:
    """Return the first of what waits: at least one, and no more than one value can hold."""
    group: dict[str, _Waiting] = {}
    size = 0
    for log_id, one in waiting.items():
        size += one.size
        if group and (size > VALUE_SIZE or len(group) == GROUP):
            break
        group[log_id] = one
    return group


def _payloads(entry: Entry) -> list[str]:
    gateway_id = entry.row[0]
    sides = (("request", entry.request), ("response", entry.response))
    return [json.dumps((gateway_id, entry.id, side, 0, text)) for side, text in sides if text]


def _array(items: Sequence[str]) -> str:
    return f"[{','.join(items)}]"
