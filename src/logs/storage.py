"""How entries of the log become statements for the database, and messages for the queue."""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from logs.periods import HOUR_MS, MARK_DUE, moment
from logs.row import COLUMNS, Entry
from logs.tail import WATCHED
from ports import Audience, Database, Statement, TailsError
from values import value

_log = logging.getLogger("sluice.storage")

PART_SIZE = 1_000_000
"""Bytes of a body in one row, as UTF-8."""
VALUE_SIZE = 1_900_000
"""Bytes of JSON in one value: D1 takes 2 MB."""
MESSAGE_SIZE = 120_000
"""Bytes of one message: a queue takes 128 KB."""
MESSAGE_ROOM = 115_000
"""Bytes of entries in one message."""
SHORT = 10_000
"""Characters up to which a body is put into one JSON text with others."""
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
_PAYLOAD = ("gateway_id", "log_id", "side", "part", "body")
INSERT_PAYLOADS = _insert("payloads", _PAYLOAD)
_INSERT_PARTS = f"INSERT OR IGNORE INTO payloads ({', '.join(_PAYLOAD)}) VALUES "  # noqa: S608
_PARTS = 100 // len(_PAYLOAD)
"""Parts in one statement."""
_INSERT_LATE_PART = f"""
INSERT OR IGNORE INTO payloads ({", ".join(_PAYLOAD)}) SELECT ?1, ?2, ?3, ?4, ?5
WHERE EXISTS (SELECT 1 FROM logs WHERE gateway_id = ?1 AND id = ?2)
"""  # noqa: S608

Part = tuple[int, str, str, int, str]
"""Of a body, the values of _PAYLOAD: gateway, row, side, number, text.

They are bound one by one: as JSON a text is escaped, copied and parsed several times on its way.
"""


@value
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
    parts: tuple[Part, ...] = ()
    """Of bodies that are not short."""

    def bare(self) -> "Waiting":
        """Return the row without its bodies."""
        return replace(self, payloads=(), parts=(), size=len(self.row or ""))


def waiting(entry: Entry) -> tuple[Waiting, list[Waiting]]:
    """Return an entry with its short bodies, and the parts of its long ones, the first last."""
    gateway_id = int(entry.row[0] or 0)
    short: list[str] = []
    middling: list[Part] = []
    long: list[Waiting] = []
    for side, text in (("request", entry.request), ("response", entry.response)):
        if text and len(text) <= LONG:
            # Other letters than those of ASCII cross one by one where they are bound.
            if len(text) > SHORT and text.isascii():
                middling.append((gateway_id, entry.id, side, 0, text))
                continue
            # Python has a shorter way into JSON for a text by itself.
            row = f'[{gateway_id}, "{entry.id}", "{side}", 0, {json.dumps(text)}]'
            if len(row) <= 4 * LONG:
                short.append(row)
                continue
        parts = [(gateway_id, entry.id, side, *one) for one in enumerate(_cut(text or ""))]
        for part in reversed(parts):
            key = f"{entry.id} {side} {part[3]}"
            long.append(Waiting(key, None, (), None, len(part[4]), (part,)))
    row, when = json.dumps(entry.row), moment(entry.id)
    hour = (gateway_id, when - when % HOUR_MS)
    size = len(row) + sum(map(len, short)) + sum(len(part[4]) for part in middling)
    return Waiting(entry.id, row, tuple(short), hour, size, tuple(middling)), long


def statements(group: Sequence[Waiting], written: bool = True) -> list[Statement]:
    """Return what writes a group in one transaction, and then asks who is watched.

    `written`: the rows of parts that come alone are in the database, or have been deleted since,
    and then nobody would ever find the parts.
    """
    rows = ",".join([one.row for one in group if one.row])
    payloads = ",".join([payload for one in group for payload in one.payloads])
    hours = json.dumps(sorted({one.hour for one in group if one.hour}))
    late = [part for one in group for part in one.parts if written and not one.row]
    parts = [part for one in group for part in one.parts if one.row or not written]
    wanted: list[tuple[str, str]] = [
        (INSERT_LOGS, f"[{rows}]"),
        (INSERT_PAYLOADS, f"[{payloads}]"),
        (MARK_DUE, hours),
        (WATCHED, hours),
    ]
    bodies = [_insert_parts(parts[at : at + _PARTS]) for at in range(0, len(parts), _PARTS)]
    bodies += [(_INSERT_LATE_PART, *part) for part in late]
    return [*bodies, *((sql, value) for sql, value in wanted if value != "[]")]


def _insert_parts(parts: Sequence[Part]) -> Statement:
    values = ", ".join(["(?, ?, ?, ?, ?)"] * len(parts))
    return _INSERT_PARTS + values, *chain.from_iterable(parts)


async def put(group: Sequence[Waiting], database: Database, written: bool = True) -> set[int]:
    """Write a group as `statements` has it. Return the gateways that somebody watches.

    Raises DatabaseError.
    """
    return {row["gateway_id"] for row in await database.batch(statements(group, written))}


async def show(group: Sequence[Waiting], watched: set[int], audience: Audience | None) -> None:
    """Show what was written of gateways that somebody watches. Raises nothing."""
    if audience is None:
        return
    for gateway_id in watched:
        rows = [one.row for one in group if one.row and one.hour and one.hour[0] == gateway_id]
        try:
            await audience.show(gateway_id, f"[{','.join(rows)}]")
        except TailsError:
            _log.warning("%d log rows could not be shown to who listens", len(rows))


def message(group: Sequence[Waiting]) -> str:
    """Return a group as a message for the queue, which `store` reads."""
    entries = [
        f"[{one.row or 'null'},[{','.join(_payloads(one))}],{json.dumps(one.hour)}]"
        for one in group
    ]
    return f"[{','.join(entries)}]"


def _payloads(one: Waiting) -> list[str]:
    return [*one.payloads, *map(json.dumps, one.parts)]


async def store(
    messages: Sequence[str], database: Database, audience: Audience | None = None
) -> None:
    """Write what came from the queue, and show it. Twice the same does no harm.

    Raises DatabaseError.
    """
    group: list[Waiting] = []
    size = 0
    for one in (one for text in messages for one in _read(text)):
        if group and size + one.size > VALUE_SIZE:
            await show(group, await put(group, database), audience)
            group, size = [], 0
        group.append(one)
        size += one.size
    if group:
        await show(group, await put(group, database), audience)


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
    if size <= PART_SIZE:
        if text:
            yield text
        return
    length = -(-len(text) // -(-size // PART_SIZE))
    for start in range(0, len(text), length):
        yield from _cut(text[start : start + length])
