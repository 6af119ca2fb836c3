"""Writes log entries to the database, in groups.

A request that finds nobody writing becomes the writer: it waits a moment for company, and writes.
Entries that come meanwhile, or while a write is under way, go together in the next one, whoever's
they are: the busier the gateway, the larger the groups, and the less a row costs. Only plain data
is shared between requests; each promise is awaited by the request that made it.

An answer that has ended when it leaves is only noted, and its entry is made by the writer: nobody
waits for that work, and one turn of the event loop does it for many.

Long bodies are written after the rows, one part at a time, and rows that have come since go first.
The first part of a body is written last: where it is, the body is whole.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from boundary import Survived
from logs.row import Entry
from logs.storage import (
    MESSAGE_ROOM,
    MESSAGE_SIZE,
    VALUE_SIZE,
    Waiting,
    message,
    put,
    show,
    waiting,
)
from ports import Audience, Clock, Database, DatabaseError, Queue, QueueError

_log = logging.getLogger("sluice.journal")
_MAKING = Survived("a log row cannot be made")

GROUP = 100
"""Entries in one write."""
LEASE_MS = 10_000
"""After this long a writer counts as vanished: a request can be frozen in the middle of a write."""
TERM_MS = 15_000
"""After this long a writer lets the next request write: work after an answer may last 30 s."""
PAUSES_S = (0.2, 1.0)
"""The waits between the tries of one write."""
CLUSTER_PAUSES_S = (0.2, *(1.0,) * 27)
"""The same where the database is a Durable Object of an instance that may crash: others take it
over within 20 s, and nothing is lost meanwhile."""
MOST_WAITING = 24_000_000
"""Bytes that may wait. Of what comes beyond, the bodies are lost, and at twice as much the rows."""
NOTES = 100
"""Entries that may wait to be made."""
NOTES_SIZE = 1_000_000
"""Bytes of their bodies."""
AT_ONCE = 10
"""Entries that are made before others have their turn."""
BREATH_S = 0.001

Make = Callable[[], Entry]


@dataclass(frozen=True, slots=True)
class _Means:
    """What a request writes with."""

    database: Database
    queue: Queue | None
    audience: Audience | None


class Journal:
    """The entries of one isolate on their way to the database."""

    def __init__(
        self, clock: Clock, linger: float = 0.0, pauses: Sequence[float] = PAUSES_S
    ) -> None:
        self._clock = clock
        self._pauses = pauses
        self._linger = linger
        """Seconds that a writer waits for company before it writes."""
        self._notes: deque[Make] = deque()
        self._notes_size = 0
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
        waits = len(self._notes) + len(self._rows) + len(self._parts)
        return {"lost": self._lost, "lost_bodies": self._lost_bodies, "waiting": waits}

    async def write(
        self,
        entry: Entry,
        database: Database,
        queue: Queue | None = None,
        audience: Audience | None = None,
    ) -> None:
        """Write an entry, now or with the writer's next group, and show it. Raises nothing.

        What cannot be written is tried again, then dropped, counted, and reported on the console.
        """
        self._take(entry)
        if self.leads():
            await self.lead(database, queue, audience)

    def note(self, make: Make, size: int) -> None:
        """Let the writer make an entry, which has bodies of so many bytes, and write it."""
        self._notes.append(make)
        self._notes_size += size
        if len(self._notes) > NOTES or self._notes_size > NOTES_SIZE:
            self._make(NOTES)

    def leads(self) -> bool:
        """Return whether nobody writes: then the caller is the writer, and has to lead."""
        now = self._clock()
        if now < self._lease:
            return False
        self._lease = now + LEASE_MS
        return True

    async def lead(
        self, database: Database, queue: Queue | None = None, audience: Audience | None = None
    ) -> None:
        """Write what waits, and what comes meanwhile, and show it. Raises nothing."""
        if self._linger:
            await asyncio.sleep(self._linger)
        await self._drain(_Means(database, queue, audience))

    async def flush(self, database: Database, audience: Audience | None = None) -> None:
        """Write the rows that wait now, whoever the writer is, so that they can be read.

        Raises nothing. What cannot be written goes on waiting for the writer.
        """
        self._make(len(self._notes))
        left = dict(self._rows)
        while left:
            group = _group(left, VALUE_SIZE)
            left = {log_id: left[log_id] for log_id in left if log_id not in group}
            try:
                watched = await put(list(group.values()), database)
            except DatabaseError as error:
                _log.warning("the log is read without its newest rows: %s", error)
                return
            self._forget(self._rows, group)
            await show(list(group.values()), watched, audience)

    def _make(self, most: int) -> None:
        """Make entries of the oldest notes."""
        for make in [self._notes.popleft() for _ in range(min(most, len(self._notes)))]:
            with _MAKING:
                self._take(make())
                continue
            self._lost += 1
        if not self._notes:
            self._notes_size = 0

    def _take(self, entry: Entry) -> None:
        row, parts = waiting(entry)
        size = row.size + sum(part.size for part in parts)
        if self._size + size > MOST_WAITING and (row.payloads or row.parts or parts):
            self._lost_bodies += 1
            _log.error("the bodies of log row %s are lost: too much waits", entry.id)
            row, parts = row.bare(), []
        if self._size + row.size > 2 * MOST_WAITING:
            self._lose(1, "too much waits")
            return
        self._rows[entry.id] = row
        self._parts |= {part.key: part for part in parts}
        self._size += row.size + sum(part.size for part in parts)

    async def _drain(self, means: _Means) -> None:
        until = self._clock() + TERM_MS
        while (self._notes or self._rows or self._parts) and self._clock() < until:
            await self._write_next(means)
        self._lease = 0.0
        # Others may lead from here on. Whoever waits already was told that this writer writes.
        self._make(len(self._notes))
        left = {**self._rows, **self._parts}
        while any(key in self._rows or key in self._parts for key in left):
            await self._write_next(means, lead=False)

    async def _write_next(self, means: _Means, lead: bool = True) -> None:
        """Write a group of rows, and then one part of a long body."""
        self._make(AT_ONCE)
        while self._notes:
            await self._clock.sleep(BREATH_S)
            self._make(AT_ONCE)
        if self._rows:
            group = _group(self._rows, MESSAGE_ROOM if means.queue else VALUE_SIZE)
            watched = await self._write(group, means, lead)
            self._forget(self._rows, group)
            if watched:
                await show(list(group.values()), watched, means.audience)
        # Those of a row that waits itself wait for it.
        ready = (part for part in self._parts.values() if part.parts[0][1] not in self._rows)
        if part := next(ready, None):
            group = {part.key: part}
            await self._write(group, means, lead)
            self._forget(self._parts, group)

    async def _write(self, group: Mapping[str, Waiting], means: _Means, lead: bool) -> set[int]:
        """Write a group, or send it to the queue. Return the gateways that somebody watches."""
        rows = sum(bool(one.row) for one in group.values())
        queue = means.queue if rows else None
        text = message(list(group.values())) if queue else ""
        for pause in (*self._pauses, None):
            if lead:
                self._lease = self._clock() + LEASE_MS
            try:
                # What is too long for a message goes straight to the database.
                if queue and len(text) <= MESSAGE_SIZE:
                    await queue.send(text)
                    # Whoever takes it from there finds out.
                    break
                # What is in a queue is written later.
                return await put(list(group.values()), means.database, means.queue is None)
            except (DatabaseError, QueueError) as error:
                if pause is None:
                    self._lose(rows, error)
                    self._lose_parts(group)
                else:
                    await self._clock.sleep(pause)
        return set()

    def _lose_parts(self, group: Mapping[str, Waiting]) -> None:
        """Give up the parts of long bodies that are in a group, or belong to a row there."""
        lost = {key: one for key, one in self._parts.items() if one.parts[0][1] in group} | {
            key: one for key, one in group.items() if not one.row
        }
        self._lost_bodies += len(lost)
        self._forget(self._parts, lost)

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
