"""How entries of the log become statements for the database, and messages for the queue."""

import json
from collections.abc import Iterator, Sequence
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
MESSAGE_ROOM = 115_000
"""Bytes of entries in one message."""
LONG = 100_000
"""Characters from which on a body is written by itself, after the rows; as JSON four times that."""


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
    """An entry with its short bodies, or a part of a long one, that waits to be written."""

    key: str
    row: str | None
    """JSON, as the payloads."""
    payloads: tuple[str, ...]
    hour: tuple[int, int] | None
    """The gateway, and the hour of the row."""
    size: int
    """Bytes."""
    part: tuple[int, str, str, int, str] | None = None
    """Of a long body: gateway, row, side, number, text. It becomes JSON when it is written."""

    def bare(self) -> "Waiting":
        """Return the row without its bodies."""
        return replace(self, payloads=(), size=len(self.row or ""))


def waiting(entry: Entry) -> tuple[Waiting, list[Waiting]]:
    """Return an entry with its short bodies, and the parts of its long ones, the first last."""
    gateway_id = int(entry.row[0] or 0)
    short: list[str] = []
    long: list[Waiting] = []
    for side, text in (("request", entry.request), ("response", entry.response)):
        if text and len(text) <= LONG:
            row = json.dumps((gateway_id, entry.id, side, 0, text))
            if len(row) <= 4 * LONG:
                short.append(row)
                continue
        parts = [(gateway_id, entry.id, side, *one) for one in enumerate(_cut(text or ""))]
        for part in reversed(parts):
            key = f"{entry.id} {side} {part[3]}"
            long.append(Waiting(key, None, (), None, len(part[4]), part))
    row, when = json.dumps(entry.row), moment(entry.id)
    hour = (gateway_id, when - when % HOUR_MS)
    size = len(row) + sum(map(len, short))
    return Waiting(entry.id, row, tuple(short), hour, size), long


def statements(group: Sequence[Waiting]) -> list[tuple[str, str]]:
    """Return what writes a group in one transaction."""
    rows = ",".join([one.row for one in group if one.row])
    payloads = ",".join(
        [payload for one in group for payload in one.payloads]
        + [json.dumps(one.part, ensure_ascii=False) for one in group if one.part]
    )
    wanted = [
        (INSERT_LOGS, f"[{rows}]"),
        (INSERT_PAYLOADS, f"[{payloads}]"),
        (MARK_DUE, json.dumps(sorted({one.hour for one in group if one.hour}))),
    ]
    return [(sql, value) for sql, value in wanted if value != "[]"]


def message(group: Sequence[Waiting]) -> str:
    """Return a group as a message for the queue, which `store` reads."""
    entries = [
        f"[{one.row or 'null'},[{','.join(one.payloads)}],{json.dumps(one.hour)}]" for one in group
    ]
    return f"[{','.join(entries)}]"


async def store(messages: Sequence[str], database: Database) -> None:
    """Write what came from the queue. Twice the same does no harm. Raises DatabaseError."""
    group: list[Waiting] = []
    size = 0
    for one in (one for text in messages for one in _read(text)):
        if group and size + one.size > VALUE_SIZE:
            await database.batch(statements(group))
            group, size = [], 0
        group.append(one)
        size += one.size
    if group:
        await database.batch(statements(group))


def _read(text: str) -> Iterator[Waiting]:
    for values, bodies, hour in json.loads(text):
        row = json.dumps(values) if values else None
        payloads = tuple(json.dumps(body) for body in bodies)
        size = len(row or "") + sum(map(len, payloads))
        yield Waiting("", row, payloads, tuple(hour) if hour else None, size)


def _cut(text: str) -> Iterator[str]:
    """Return the parts of a body, none for an empty one."""
    if not text.isascii():
        # Half a character, as JSON can have it, has no UTF-8.
        text = text.encode(errors="replace").decode()
    size = len(text) if text.isascii() else len(text.encode())
    count = -(-size // PART_SIZE)
    # What must be escaped is up to six times as long as JSON.
    if count < 2 and (size * 6 < VALUE_SIZE or _json_size(text) <= VALUE_SIZE):
        if text:
            yield text
        return
    length = -(-len(text) // max(2, count))
    for start in range(0, len(text), length):
        yield from _cut(text[start : start + length])


def _json_size(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode())
