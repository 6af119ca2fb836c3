"""Counts the rows of the log, hour by hour and day by day, for charts that never read rows.

An hour is counted anew, whole, whenever rows of it have come since: doing it twice, or after rows
that were late, gives the same. A day is made of its hours. Each is one transaction, but for an hour
of very many rows: that is made of its pieces, each of which is one.

What cannot be counted stays due, marked with the time at which it was tried, and rests for a while:
it stands in nobody's way.
"""

import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Sequence

from logs.periods import DAY_MS, HOUR_MS, PIECE_MS, SLICE_MS, bounds_sql, first_id
from ports import Database, DatabaseError, Row

_log = logging.getLogger("sluice.rollups")

TOP = 20
"""Values of a metadata key that are counted in an hour or a day."""
MOST_METADATA = 400
"""Entries of metadata that are counted in an hour or a day, over all keys."""
METADATA_LENGTH = 100
"""Characters of a metadata key or value in the counts."""
LARGE = 200_000
"""Rows up to which an hour is counted in one transaction, for which D1 has 30 seconds."""
REST_MS = HOUR_MS
"""After this long what could not be counted is tried again."""
_STEPS = ((2, 1), (5, 2), (10, 5))
"""Up to twice a power of ten a bucket is a tenth of it wide, up to five times two, then five."""

DIMENSIONS = "provider, model, status_code, error_code, cached"
SUMS = (
    "requests", "attempts", "failed", "tokens_in", "tokens_out", "tokens_cached",
    "cost", "unpriced", "saved",
)  # fmt: skip

# The rows of hours: [[gateway, start, first id, first id after it], …].
_ROWS = """
json_each(?1) AS hour CROSS JOIN logs ON logs.gateway_id = hour.value ->> 0
AND logs.id >= hour.value ->> 2 AND logs.id < hour.value ->> 3
"""
_HOUR = "hour.value ->> 0 AS gateway_id, hour.value ->> 1 AS start"

COUNTS_OF_ROWS = f"""
SELECT {_HOUR}, provider, coalesce(model, '') AS model, status_code,
  coalesce(error_code, 0) AS error_code, cached,
  sum(final) AS requests, sum(attempt > 0) AS attempts, sum(final AND NOT success) AS failed,
  coalesce(sum(tokens_in), 0) AS tokens_in, coalesce(sum(tokens_out), 0) AS tokens_out,
  coalesce(sum(tokens_cached), 0) AS tokens_cached, coalesce(sum(cost), 0.0) AS cost,
  coalesce(sum(instr(flags, '"cost_unknown"') > 0), 0) AS unpriced,
  coalesce(sum(saved_cost), 0.0) AS saved
FROM {_ROWS} GROUP BY 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608 - our own names
"""(hours) to the rows of `rollups`, but for their span."""


def _by_step(value: str, then: Callable[[int], str], beyond: str) -> str:
    """Return the SQL that depends on how wide the bucket of some milliseconds is."""
    steps = [
        f"WHEN {value} < {upto * unit} THEN {then(step * unit // 10)}"
        for unit in (10**n for n in range(1, 7))
        for upto, step in _STEPS
    ]
    return f"CASE {' '.join(steps)} ELSE {beyond} END"


def _rounded(value: str) -> str:
    """Return the SQL that cuts milliseconds to the beginning of their bucket: see `middle`."""
    return _by_step(
        value, lambda wide: f"{value} / {wide} * {wide}", f"{value} / 1000000 * 1000000"
    )


def middle_sql(least: str) -> str:
    """Return the SQL of `middle`."""
    return _by_step(least, lambda wide: f"{least} + {(wide - 1) // 2}", f"{least} + 499999")


def middle(least: int) -> int:
    """Return the middle of a bucket: what was counted in it is at most 5 % away."""
    unit = 10 ** max(1, len(str(least)) - 1)
    width = next(step for upto, step in _STEPS if least < upto * unit) * unit // 10
    return least + (width - 1) // 2


BUCKETS_OF_ROWS = f"""
SELECT gateway_id, start, provider, model, kind, {_rounded("took")} AS ms, count(*) AS attempts
FROM (
  SELECT {_HOUR}, provider, coalesce(model, '') AS model, kinds.value AS kind,
    CASE kinds.value WHEN 'total' THEN duration ELSE latency END AS took
  FROM {_ROWS} CROSS JOIN json_each('["total", "first_byte"]') AS kinds
  WHERE success AND NOT cached
) WHERE took IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608
"""(hours) to how many attempts took how long."""
SPEEDS_OF_ROWS = f"""
SELECT gateway_id, start, provider, model, kind, json_group_object(ms, attempts) AS counts
FROM ({BUCKETS_OF_ROWS}) GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608
"""(hours) to the rows of `rollup_speeds`, but for their span."""


def top_metadata(counted: str) -> str:
    """Return the rows of `rollup_metadata` of (gateway_id, start, key, value, requests)."""
    return f"""
SELECT gateway_id, start, json_group_array(json_array(key, value, requests)) AS counts FROM (
  SELECT *, row_number() OVER (PARTITION BY gateway_id, start ORDER BY requests DESC, key, value)
    AS place FROM (
    SELECT *, row_number() OVER (
      PARTITION BY gateway_id, start, key ORDER BY requests DESC, value) AS of_key
    FROM ({counted})
  ) WHERE of_key <= {TOP}
) WHERE place <= {MOST_METADATA} GROUP BY 1, 2
"""  # noqa: S608


def counted_metadata(hour: str) -> str:
    """Return rows (gateway_id, start, key, value, requests). `hour` is the first two of them."""
    return f"""
SELECT {hour}, substr(entry.key, 1, {METADATA_LENGTH}) AS key,
  substr(CASE entry.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE entry.value END,
    1, {METADATA_LENGTH}) AS value, count(*) AS requests
FROM {_ROWS} CROSS JOIN json_each(logs.metadata) AS entry WHERE logs.final GROUP BY 1, 2, 3, 4
"""  # noqa: S608


METADATA_OF_ROWS = top_metadata(counted_metadata(_HOUR))
"""(hours) to the rows of `rollup_metadata`, but for their span."""

# What is rolled up: [[gateway, start, first, after]], times of hours where it is a day.
_GATEWAY, _START = "(?1 ->> '$[0][0]')", "(?1 ->> '$[0][1]')"


def _sums(part: int, whole: int) -> tuple[str, str, str]:
    """Return what makes the roll-ups of a period of those of its parts, both in milliseconds."""
    theirs = f"""WHERE rolled.gateway_id = {_GATEWAY} AND rolled.span = {part}
AND rolled.start >= {_START} AND rolled.start < {_START} + {whole}"""
    each = f"AS rolled CROSS JOIN json_each(rolled.counts) AS one {theirs}"
    counts = f"""
SELECT gateway_id, {_START}, {DIMENSIONS}, {", ".join(f"sum({name})" for name in SUMS)}
FROM rollups AS rolled {theirs} GROUP BY gateway_id, {DIMENSIONS}
"""  # noqa: S608
    speeds = f"""
SELECT gateway_id, {_START}, provider, model, kind, json_group_object(ms, attempts) FROM (
  SELECT gateway_id, provider, model, kind, one.key AS ms, sum(one.value) AS attempts
  FROM rollup_speeds {each} GROUP BY 1, 2, 3, 4, 5
) GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608
    metadata = top_metadata(f"""
SELECT rolled.gateway_id, {_START} AS start, one.value ->> 0 AS key, one.value ->> 1 AS value,
  sum(one.value ->> 2) AS requests FROM rollup_metadata {each} GROUP BY 1, 3, 4
""")  # noqa: S608
    return counts, speeds, metadata


_TABLES = {
    "rollups": f"{DIMENSIONS}, {', '.join(SUMS)}",
    "rollup_speeds": "provider, model, kind, counts",
    "rollup_metadata": "counts",
}


def _replace(span: int, selects: tuple[str, ...]) -> list[str]:
    """Return what replaces the roll-ups of a period: each statement takes what is rolled up."""
    made: list[str] = []
    for (table, columns), select in zip(_TABLES.items(), selects, strict=True):
        theirs = f"gateway_id = {_GATEWAY} AND span = {span} AND start = {_START}"
        made.append(f"DELETE FROM {table} WHERE {theirs}")  # noqa: S608
        made.append(
            f"INSERT INTO {table} (span, gateway_id, start, {columns}) "  # noqa: S608
            f"SELECT {span}, * FROM ({select})"
        )
    return made


_DONE = f"""
UPDATE log_periods SET due = 0, rows = (
  SELECT count(*) FROM logs WHERE logs.gateway_id = log_periods.gateway_id
  AND {bounds_sql("log_periods.start", "log_periods.span")} AND log_periods.span = {HOUR_MS}
) WHERE gateway_id = {_GATEWAY} AND span = ?2 AND start = {_START}
"""  # noqa: S608
# Rows that came since have taken the mark away: then nothing is due, which no row may say, and the
# transaction fails.
_DONE_UNLESS_MORE = "due = CASE due WHEN (?1 ->> '$[0][4]') THEN 0 END"
_TRIED = """
UPDATE log_periods SET due = ?4 WHERE gateway_id = ?1 AND span = ?2 AND start = ?3 AND due
"""
_MARK_DAY = f"""
INSERT INTO log_periods (gateway_id, span, start)
SELECT {_GATEWAY}, {DAY_MS}, {_START} / {DAY_MS} * {DAY_MS} WHERE true
ON CONFLICT DO UPDATE SET due = 1 WHERE NOT due
"""
_RECOUNT = _DONE.replace("?2", str(HOUR_MS))
# What was counted of an hour before it was over, and pieces of it.
_FORGET_PARTS = [
    f"DELETE FROM {table} WHERE gateway_id = {_GATEWAY} AND span IN ({SLICE_MS}, {PIECE_MS}) "  # noqa: S608
    f"AND start >= {_START} AND start < {_START} + {HOUR_MS}"
    for table in _TABLES
]
_OF_ROWS = (COUNTS_OF_ROWS, SPEEDS_OF_ROWS, METADATA_OF_ROWS)
_HOUR_STATEMENTS = [*_FORGET_PARTS, *_replace(HOUR_MS, _OF_ROWS), _RECOUNT, _MARK_DAY]
_PIECE_STATEMENTS = _replace(PIECE_MS, _OF_ROWS)
_PIECES_STATEMENTS = [
    *_replace(HOUR_MS, _sums(PIECE_MS, HOUR_MS)),
    *_FORGET_PARTS,
    _RECOUNT.replace("due = 0", _DONE_UNLESS_MORE),
    _MARK_DAY,
]
_DAY_STATEMENTS = [
    *_replace(DAY_MS, _sums(HOUR_MS, DAY_MS)),
    _DONE.replace("?2", str(DAY_MS)),
]
_DUE = f"""
WITH found AS MATERIALIZED (
  SELECT gateway_id, span, start, frozen FROM log_periods
  WHERE span = ?1 AND due AND (due = 1 OR due <= ?2 - {REST_MS}) AND start + span <= ?2
  ORDER BY due > 1, start LIMIT ?3
)
SELECT gateway_id, start, frozen, CASE span WHEN {HOUR_MS} THEN (
  SELECT 1 FROM logs WHERE logs.gateway_id = found.gateway_id
  AND {bounds_sql("found.start", "found.span")} LIMIT 1 OFFSET ?4
) END AS large FROM found
"""  # noqa: S608


def hour_value(gateway_id: int, start: int) -> list[int | str]:
    """Return an hour as the statements above take it."""
    return [gateway_id, start, first_id(start), first_id(start + HOUR_MS)]


async def roll_up(database: Database, now: float, most: int, large: int = LARGE) -> int:
    """Count hours and days that are over and due, the oldest first, `most` of each.

    An hour of more than `large` rows is counted in pieces.

    Returns how many were counted; one that cannot be is reported, and stays due. Raises
    DatabaseError where the database cannot tell what is due.
    """
    counted, moment = 0, round(now)
    for hour in await database.all(_DUE, HOUR_MS, moment, most, large):
        work = _count_hour(database, hour, moment)
        counted += await _tried(
            database, work, (hour["gateway_id"], HOUR_MS, hour["start"]), moment
        )
    for day in await database.all(_DUE, DAY_MS, moment, most, large):
        value = hour_value(day["gateway_id"], day["start"])
        work = _run(database, _DAY_STATEMENTS, value)
        counted += await _tried(database, work, (day["gateway_id"], DAY_MS, day["start"]), moment)
    return counted


async def _tried(
    database: Database, work: Awaitable[None], period: tuple[int, int, int], moment: int
) -> bool:
    """Return whether a period (gateway, span, start) could be counted. Raises nothing."""
    try:
        await work
    except DatabaseError as error:
        _log.error("the log of gateway %d is not counted: %s", period[0], error)
        with contextlib.suppress(DatabaseError):
            await database.all(_TRIED, *period, moment)
        return False
    return True


async def _count_hour(database: Database, hour: Row, moment: int) -> None:
    value = hour_value(hour["gateway_id"], hour["start"])
    if hour["frozen"]:
        # Of an hour whose rows were deleted the charts stay as they are.
        await _run(database, [*_FORGET_PARTS, _RECOUNT], value)
    elif not hour["large"]:
        await _run(database, _HOUR_STATEMENTS, value)
    else:
        await _count_pieces(database, hour, moment)


async def _count_pieces(database: Database, hour: Row, moment: int) -> None:
    """Count an hour piece by piece. Fails where rows of it come meanwhile: they may be missing."""
    gateway_id, start = hour["gateway_id"], hour["start"]
    await database.all(_TRIED, gateway_id, HOUR_MS, start, moment)
    for piece in range(start, start + HOUR_MS, PIECE_MS):
        value = [gateway_id, piece, first_id(piece), first_id(piece + PIECE_MS)]
        await _run(database, _PIECE_STATEMENTS, value)
    await _run(database, _PIECES_STATEMENTS, [*hour_value(gateway_id, start), moment])


async def _run(database: Database, steps: Sequence[str], period: Sequence[int | str]) -> None:
    value = json.dumps([period])
    await database.batch([(step, value) for step in steps])
