"""Writes log entries to the database, in groups.

A request that finds nobody writing becomes the writer: it waits a moment for company, and writes.
Entries that come meanwhile, or while a write is under way, go together in the next one, whoever's
they are: the busier the gateway, the larger the groups, and the less a row costs. Only plain data
is shared between requests; each promise is awaited by the request that made it.

Long bodies are written after the rows, one part at a time, and rows that have come since go first.
The first part of a body is written last: where it is, the body is whole.
"""

import asyncio
import logging
from collections.abc import Mapping

from logs import Entry
from ports import Clock, Database, DatabaseError, Queue, QueueError
from storage import MESSAGE_ROOM, MESSAGE_SIZE, VALUE_SIZE, Waiting, message, statements, waiting

_log = logging.getLogger("sluice.journal")

GROUP = 100
"""Entries in one write."""
LEASE_MS = 10_000
"""After this long a writer counts as vanished: a request can be frozen in the middle of a write."""
TERM_MS = 15_000
"""After this long a writer lets the next request write: work after an answer may last 30 s."""
PAUSES_S = (0.2, 1.0)
"""The waits between the tries of one write."""
MOST_WAITING = 24_000_000
"""Bytes that may wait. Of what comes beyond, the bodies are lost, and at twice as much the rows."""


class Journal:
    """The entries of one isolate on their way to the database."""

    def __init__(self, clock: Clock, linger: float = 0.0) -> None:
        self._clock = clock
        self._linger = linger
        """Seconds that a writer waits for company before it writes."""
        self._rows: dict[str, Waiting] = {}
        self._parts: dict[str, Waiting] = {}
        """Parts of long bodies."""
        self._size = 0
        """Bytes that wait."""
        self._lost = 0
        self._lost_bodies = 0
        self._lease = 0.0

    def state(self) -> dict[str, int]:
        """Return how many rows and parts of long bodies wait, and what was lost since the start."""
        waits = len(self._rows) + len(self._parts)
        return {"lost": self._lost, "lost_bodies": self._lost_bodies, "waiting": waits}

    async def write(self, entry: Entry, database: Database, queue: Queue | None = None) -> None:
        """Write an entry, now or with the writer's next group. Raises nothing.

        What cannot be written is tried again, then dropped, counted, and reported on the console.
        """
        self._take(entry)
        if self._clock() < self._lease:
            return
        self._lease = self._clock() + LEASE_MS
        if self._linger:
            await asyncio.sleep(self._linger)
        await self._drain(database, queue)

    async def flush(self, database: Database) -> None:
        """Write the rows that wait now, whoever the writer is, so that they can be read.

        Raises nothing. What cannot be written goes on waiting for the writer.
        """
        left = dict(self._rows)
        while left:
            group = _group(left, VALUE_SIZE)
            left = {log_id: left[log_id] for log_id in left if log_id not in group}
            try:
                await database.batch(statements(list(group.values())))
            except DatabaseError as error:
                _log.warning("the log is read without its newest rows: %s", error)
                return
            self._forget(self._rows, group)

    def _take(self, entry: Entry) -> None:
        row, parts = waiting(entry)
        size = row.size + sum(part.size for part in parts)
        if self._size + size > MOST_WAITING and (row.payloads or parts):
            self._lost_bodies += 1
            _log.error("the bodies of log row %s are lost: too much waits", entry.id)
            row, parts = row.bare(), []
        if self._size + row.size > 2 * MOST_WAITING:
            self._lose(1, "too much waits")
            return
        self._rows[entry.id] = row
        self._parts |= {part.key: part for part in parts}
        self._size += row.size + sum(part.size for part in parts)

    async def _drain(self, database: Database, queue: Queue | None) -> None:
        until = self._clock() + TERM_MS
        while (self._rows or self._parts) and self._clock() < until:
            await self._write_next(database, queue)
        self._lease = 0.0
        # Others may lead from here on. Whoever waits already was told that this writer writes.
        left = {**self._rows, **self._parts}
        while any(key in self._rows or key in self._parts for key in left):
            await self._write_next(database, queue, lead=False)

    async def _write_next(self, database: Database, queue: Queue | None, lead: bool = True) -> None:
        """Write a group of rows, and then one part of a long body."""
        if self._rows:
            group = _group(self._rows, MESSAGE_ROOM if queue else VALUE_SIZE)
            await self._write(group, database, queue, lead)
            self._forget(self._rows, group)
        if self._parts:
            key = next(iter(self._parts))
            group = {key: self._parts[key]}
            await self._write(group, database, None, lead)
            self._forget(self._parts, group)

    async def _write(
        self, group: Mapping[str, Waiting], database: Database, queue: Queue | None, lead: bool
    ) -> None:
        text = message(list(group.values())) if queue else ""
        for pause in (*PAUSES_S, None):
            if lead:
                self._lease = self._clock() + LEASE_MS
            try:
                # What is too long for a message goes straight to the database.
                if queue and len(text) <= MESSAGE_SIZE:
                    await queue.send(text)
                else:
                    await database.batch(statements(list(group.values())))
                return
            except (DatabaseError, QueueError) as error:
                if pause is None:
                    self._lose(sum(bool(one.row) for one in group.values()), error)
                    self._lost_bodies += sum(not one.row for one in group.values())
                else:
                    await self._clock.sleep(pause)

    def _lose(self, rows: int, reason: object) -> None:
        self._lost += rows
        _log.error("%d log rows are lost: %s", rows, reason)

    def _forget(self, source: dict[str, Waiting], group: Mapping[str, Waiting]) -> None:
        for key in group:
            if done := source.pop(key, None):
                self._size -= done.size


def _group(source: Mapping[str, Waiting], room: int) -> dict[str, Waiting]:
    """Return the first of what waits: at least one, and no more than one value can hold."""
    group: dict[str, Waiting] = {}
    size = 0
    for key, one in source.items():
        size += one.size
        if group and (size > room or len(group) == GROUP):
            break
        group[key] = one
    return group
