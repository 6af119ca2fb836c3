"""Counts the rows of the log, hour by hour and day by day, for charts that never read rows.

An hour is counted anew, whole, whenever rows of it have come since: doing it twice, or after rows
that were late, gives the same. A day is made of its hours. Each is one transaction.
"""

import json
import logging

from periods import DAY_MS, HOUR_MS, bounds_sql, first_id
from ports import Database, DatabaseError, Row

_log = logging.getLogger("sluice.rollups")

TOP = 20
"""Values of a metadata key that are counted in an hour or a day."""
MOST_METADATA = 400
"""Entries of metadata that are counted in an hour or a day, over all keys."""
METADATA_LENGTH = 100
"""Characters of a metadata key or value in the counts."""
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
  sum(attempt > 0 AND cost IS NULL) AS unpriced, coalesce(sum(saved_cost), 0.0) AS saved
FROM {_ROWS} GROUP BY 1, 2, 3, 4, 5, 6, 7
"""  # noqa: S608 - our own names
"""(hours) to the rows of `rollups`, but for their span."""


def _rounded(value: str) -> str:
    """Return the SQL that cuts milliseconds to the beginning of their bucket: see `middle`."""
    steps = [
        f"WHEN {value} < {upto * unit} THEN {value} / {step * unit // 10} * {step * unit // 10}"
        for unit in (10**n for n in range(1, 7))
        for upto, step in _STEPS
    ]
    return f"CASE {' '.join(steps)} ELSE {value} / 1000000 * 1000000 END"


def middle(least: int) -> int:
    """Return the middle of a bucket: what was counted in it is at most 5 % away."""
    unit = 10 ** max(1, len(str(least)) - 1)
    width = next(step for upto, step in _STEPS if least < upto * unit) * unit // 10
    return least + (width - 1) // 2


SPEEDS_OF_ROWS = f"""
SELECT gateway_id, start, provider, model, kind, json_group_object(ms, attempts) AS counts FROM (
  SELECT gateway_id, start, provider, model, kind, {_rounded("took")} AS ms, count(*) AS attempts
  FROM (
    SELECT {_HOUR}, provider, coalesce(model, '') AS model, kinds.value AS kind,
      CASE kinds.value WHEN 'total' THEN duration ELSE latency END AS took
    FROM {_ROWS} CROSS JOIN json_each('["total", "first_byte"]') AS kinds
    WHERE success AND NOT cached
  ) WHERE took IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6
) GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608
"""(hours) to the rows of `rollup_speeds`, but for their span."""


def _top(counted: str) -> str:
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


METADATA_OF_ROWS = _top(f"""
SELECT {_HOUR}, substr(entry.key, 1, {METADATA_LENGTH}) AS key,
  substr(CASE entry.type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE entry.value END,
    1, {METADATA_LENGTH}) AS value, count(*) AS requests
FROM {_ROWS} CROSS JOIN json_each(logs.metadata) AS entry WHERE logs.final GROUP BY 1, 2, 3, 4
""")  # noqa: S608
"""(hours) to the rows of `rollup_metadata`, but for their span."""

# What is rolled up: [[gateway, start, first, after]], times of hours where it is a day.
_GATEWAY, _START = "(?1 ->> '$[0][0]')", "(?1 ->> '$[0][1]')"


def _of_hours(table: str) -> str:
    return f"""
FROM {table} AS rolled WHERE rolled.gateway_id = {_GATEWAY} AND rolled.span = {HOUR_MS}
AND rolled.start >= {_START} AND rolled.start < {_START} + {DAY_MS}
"""


_COUNTS_OF_HOURS = f"""
SELECT gateway_id, {_START}, {DIMENSIONS}, {", ".join(f"sum({name})" for name in SUMS)}
{_of_hours("rollups")} GROUP BY gateway_id, {DIMENSIONS}
"""
_SPEEDS_OF_HOURS = f"""
SELECT gateway_id, {_START}, provider, model, kind, json_group_object(ms, attempts) FROM (
  SELECT gateway_id, provider, model, kind, one.key AS ms, sum(one.value) AS attempts
  {_of_hours("rollup_speeds").replace("WHERE", "CROSS JOIN json_each(rolled.counts) AS one WHERE")}
  GROUP BY 1, 2, 3, 4, 5
) GROUP BY 1, 2, 3, 4, 5
"""  # noqa: S608
_METADATA_OF_HOURS = _top(f"""
SELECT rolled.gateway_id, {_START} AS start, one.value ->> 0 AS key, one.value ->> 1 AS value,
  sum(one.value ->> 2) AS requests
{_of_hours("rollup_metadata").replace("WHERE", "CROSS JOIN json_each(rolled.counts) AS one WHERE")}
GROUP BY 1, 3, 4
""")

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
_MARK_DAY = f"""
INSERT INTO log_periods (gateway_id, span, start)
SELECT {_GATEWAY}, {DAY_MS}, {_START} / {DAY_MS} * {DAY_MS} WHERE true
ON CONFLICT DO UPDATE SET due = 1 WHERE NOT due
"""
_RECOUNT = _DONE.replace("?2", str(HOUR_MS))
_HOUR_STATEMENTS = [
    *_replace(HOUR_MS, (COUNTS_OF_ROWS, SPEEDS_OF_ROWS, METADATA_OF_ROWS)),
    _RECOUNT,
    _MARK_DAY,
]
_DAY_STATEMENTS = [
    *_replace(DAY_MS, (_COUNTS_OF_HOURS, _SPEEDS_OF_HOURS, _METADATA_OF_HOURS)),
    _DONE.replace("?2", str(DAY_MS)),
]
_DUE = """
SELECT gateway_id, start, frozen FROM log_periods
WHERE span = ?1 AND due AND start + span <= ?2 ORDER BY start LIMIT ?3
"""


def hour_value(gateway_id: int, start: int) -> list[int | str]:
    """Return an hour as the statements above take it."""
    return [gateway_id, start, first_id(start), first_id(start + HOUR_MS)]


async def roll_up(database: Database, now: float, most: int) -> int:
    """Count hours and days that are over and due, the oldest first, `most` of each.

    Returns how many were counted; one that cannot be is reported, and stays due. Raises
    DatabaseError where the database cannot tell what is due.
    """
    counted = 0
    for hour in await database.all(_DUE, HOUR_MS, round(now), most):
        # Of an hour whose rows were deleted the charts stay as they are.
        steps = [_RECOUNT] if hour["frozen"] else _HOUR_STATEMENTS
        counted += await _run(database, steps, hour)
    for day in await database.all(_DUE, DAY_MS, round(now), most):
        counted += await _run(database, _DAY_STATEMENTS, day)
    return counted


async def _run(database: Database, steps: list[str], period: Row) -> bool:
    value = json.dumps([hour_value(period["gateway_id"], period["start"])])
    try:
        await database.batch([(step, value) for step in steps])
    except DatabaseError as error:
        _log.error("the log of gateway %d is not counted: %s", period["gateway_id"], error)
        return False
    return True
