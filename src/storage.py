"""How entries of the log become statements for the database, and messages for the queue."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from logs import COLUMNS, Entry
from periods import HOUR_MS, MARK_DUE, moment
from ports import Database

PART_SIZE = 1_000_000
"""Bytes of a body in one row, as UTF-8."""
VALUE_SIZE = 1_900_000
"""Bytes of JSON in one value: D1 takes 2 MB."""
MESSAGE_SIZE = 120_000
"""Bytes of one message: a queue takes 128 KB."""
LONG = 100_000
"""Bytes of JSON from which on a body is written by itself, after the rows."""


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
class Waiting:
    """An entry, or a part of a long body, as JSON that waits to be written."""

    key: str
    row: str | None
    payloads: tuple[str, ...]
    hour: tuple[int, int] | None
    """The gateway, and the hour of the row."""

    @property
    def size(self) -> int:
        """Bytes: what is ASCII takes one for each character."""
        return len(self.row or "") + sum(map(len, self.payloads)) + len(self.key)

    def bare(self) -> "Waiting":
        """Return the row without its bodies."""
        return replace(self, payloads=())


def waiting(entry: Entry) -> tuple[Waiting, list[Waiting]]:
    """Return an entry with its short bodies, and the parts of its long ones, the first last."""
    gateway_id = entry.row[0]
    short: list[str] = []
    long: list[Waiting] = []
    for side, text in (("request", entry.request), ("response", entry.response)):
        rows = _parts(gateway_id, entry.id, side, text) if text else []
        if len(rows) == 1 and len(rows[0]) <= LONG:
            short.extend(rows)
        else:
            numbered = list(enumerate(rows))[::-1]
            long.extend(
                Waiting(f"{entry.id} {side} {part}", None, (row,), None) for part, row in numbered
            )
    when = moment(entry.id)
    hour = (int(gateway_id or 0), when - when % HOUR_MS)
    return Waiting(entry.id, json.dumps(entry.row), tuple(short), hour), long


def statements(group: Sequence[Waiting]) -> list[tuple[str, str]]:
    """Return what writes a group in one transaction."""
    return _statements(
        [one.row for one in group if one.row],
        [payload for one in group for payload in one.payloads],
        {one.hour for one in group if one.hour},
    )


def _statements(
    rows: Sequence[str], payloads: Sequence[str], hours: Iterable[tuple[int, int]]
) -> list[tuple[str, str]]:
    wanted = [
        (INSERT_LOGS, _array(rows)),
        (INSERT_PAYLOADS, _array(payloads)),
        (MARK_DUE, json.dumps(sorted(hours))),
    ]
    return [(sql, value) for sql, value in wanted if value != "[]"]


def message(group: Sequence[Waiting]) -> str:
    """Return a group as a message for the queue, which `store` reads."""
    rows = _array([one.row for one in group if one.row])
    payloads = _array([payload for one in group for payload in one.payloads])
    hours = json.dumps(sorted({one.hour for one in group if one.hour}))
    return f'{{"rows":{rows},"payloads":{payloads},"hours":{hours}}}'


async def store(messages: Sequence[str], database: Database) -> None:
    """Write what came from the queue. Twice the same does no harm. Raises DatabaseError."""
    group: list[str] = []
    size = 0
    for text in messages:
        if group and size + len(text) > VALUE_SIZE:
            await database.batch(_together(group))
            group, size = [], 0
        group.append(text)
        size += len(text)
    if group:
        await database.batch(_together(group))


def _together(messages: Sequence[str]) -> list[tuple[str, str]]:
    read = [json.loads(text) for text in messages]
    return _statements(
        [json.dumps(row) for one in read for row in one["rows"]],
        [json.dumps(payload) for one in read for payload in one["payloads"]],
        {(gateway_id, start) for one in read for gateway_id, start in one["hours"]},
    )


def _array(items: Sequence[str]) -> str:
    return f"[{','.join(items)}]"


def _parts(gateway_id: object, log_id: str, side: str, text: str) -> list[str]:
    """Return the rows of a body as JSON: the values of `gateway_id, log_id, side, part, body`."""
    rows = [(gateway_id, log_id, side, number, piece) for number, piece in enumerate(_cut(text))]
    return [json.dumps(row) for row in rows]


def _cut(text: str) -> Iterator[str]:
    size = len(text) if text.isascii() else len(text.encode(errors="replace"))
    count = -(-size // PART_SIZE)
    if count == 1 and _fits(text):
        yield text
        return
    # Of what must be escaped, the JSON is up to six times as long.
    length = -(-len(text) // max(2, count))
    for start in range(0, len(text), length):
        yield from _cut(text[start : start + length])


def _fits(text: str) -> bool:
    # The rest of the row is less than a name and an id.
    return len(text) * 6 < VALUE_SIZE or len(json.dumps(text)) < VALUE_SIZE - 1_000
