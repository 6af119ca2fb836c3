"""Writes log entries to the database, in groups.

A request that finds nobody writing writes at once. Entries that come while a write is under way
wait for its end and go together in the next one, whoever's they are: the busier the gateway, the
larger the groups, and an idle one delays nothing. Only plain data is shared between requests; each
promise is awaited by the request that made it.
"""

import json
import logging
from collections.abc import Sequence
from itertools import islice

from logs import COLUMNS, Entry, Value
from ports import Clock, Database, DatabaseError

_log = logging.getLogger("sluice.journal")

GROUP = 40
"""Entries in one write. Two heads each, every character escaped, stay below D1's 2 MB a value."""
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


class Journal:
    """The entries of one isolate on their way to the database."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[str, Entry] = {}
        self._lease = 0.0

    async def write(self, entry: Entry, database: Database) -> None:
        """Write an entry, now or with the writer's next group. Raises nothing.

        What cannot be written is dropped, and reported on the console.
        """
        self._waiting[str(entry.row[1])] = entry
        if self._clock() >= self._lease:
            await self._drain(database)

    async def _drain(self, database: Database) -> None:
        until = self._clock() + TERM_MS
        while self._waiting:
            now = self._clock()
            # In the last round others may lead already; what is here now is still written.
            self._lease = now + LEASE_MS if now < until else 0.0
            group = dict(islice(self._waiting.items(), GROUP))
            await self._write(list(group.values()), database)
            for log_id in group:
                self._waiting.pop(log_id, None)
            if now >= until:
                return
        self._lease = 0.0

    async def _write(self, group: Sequence[Entry], database: Database) -> None:
        statements = [(INSERT_LOGS, _json([entry.row for entry in group]))]
        payloads = [payload for entry in group for payload in _payloads(entry)]
        if payloads:
            statements.append((INSERT_PAYLOADS, _json(payloads)))
        try:
            await database.batch(statements)
        except DatabaseError as error:
            _log.error("%d log rows are lost: %s", len(group), error)


def _json(rows: Sequence[tuple[Value, ...]]) -> str:
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def _payloads(entry: Entry) -> list[tuple[Value, ...]]:
    gateway_id, log_id = entry.row[:2]
    sides = (("request", entry.request), ("response", entry.response))
    return [(gateway_id, log_id, side, 0, text) for side, text in sides if text]
