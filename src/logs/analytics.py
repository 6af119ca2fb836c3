"""Reads roll-ups of the log, and the rows of the newest hours, for charts.

What is read is days where whole days are asked for, hours else, and the rows of hours that are
not over or have just ended: so that the work depends on the time asked for, not on the number of
rows, but for the current hour.
"""

import asyncio
import json
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from logs import live
from logs.live import OTHER
from logs.periods import DAY_MS, HOUR_MS
from logs.rollups import DIMENSIONS, SUMS, hour_value
from ports import Database, Row

GROUPS = 20
"""Values of a group that have series of their own; the others are one."""
TOP = 20
"""Metadata values that are told of a key."""
UNCOUNTED = 100
"""Hours that are named because they are not counted."""
GROUPINGS = {
    "provider": "provider",
    "model": "model",
    "status": "(status_code / 100) || 'xx'",
    "cached": "CASE cached WHEN 1 THEN 'true' ELSE 'false' END",
}

# ?1 gateways, ?2 start, ?3 end, ?4 the end up to which whole days are read as days, ?5 the first
# hour that is read from its rows, ?6 what was read of these.
_PERIODS = f"""
WITH gateways_asked AS MATERIALIZED (SELECT value AS gateway_id FROM json_each(?1)),
days AS MATERIALIZED (
  SELECT gateway_id, start FROM gateways_asked CROSS JOIN log_periods USING (gateway_id)
  WHERE span = {DAY_MS} AND NOT due AND start >= ?2 AND start <= ?4 - {DAY_MS}
),
hours AS MATERIALIZED (
  SELECT gateway_id, start FROM gateways_asked CROSS JOIN log_periods USING (gateway_id)
  WHERE span = {HOUR_MS} AND start >= ?2 AND start < ?3 AND NOT (due AND start >= ?5)
  AND NOT EXISTS (SELECT 1 FROM days WHERE days.gateway_id = log_periods.gateway_id
    AND days.start = log_periods.start / {DAY_MS} * {DAY_MS})
)
"""  # noqa: S608 - our own numbers


def _facts(table: str, columns: str) -> str:
    live = ", ".join(
        f"value ->> {place + 1} AS {name.strip()}" for place, name in enumerate(columns.split(","))
    )
    return f"""{_PERIODS}, facts AS (
  SELECT rolled.start, {columns} FROM days CROSS JOIN {table} AS rolled
  ON rolled.gateway_id = days.gateway_id AND rolled.span = {DAY_MS} AND rolled.start = days.start
  UNION ALL
  SELECT rolled.start, {columns} FROM hours CROSS JOIN {table} AS rolled
  ON rolled.gateway_id = hours.gateway_id AND rolled.span = {HOUR_MS} AND rolled.start = hours.start
  UNION ALL
  SELECT value ->> 0 AS start, {live} FROM json_each(?6)
)"""  # noqa: S608


_COUNT_COLUMNS = f"{DIMENSIONS}, {', '.join(SUMS)}"
_COUNT_FACTS = _facts("rollups", _COUNT_COLUMNS)
_SPEED_FACTS = _facts("rollup_speeds", "provider, model, kind, counts")
_METADATA_FACTS = _facts("rollup_metadata", "counts")
_FACTOR = 10**10
"""Above all milliseconds."""
_WANTED = """
(?7 IS NULL OR provider = ?7) AND (?8 IS NULL OR model = ?8)
"""
_WANTED_COUNTS = f"""{_WANTED}
AND (?9 IS NULL OR status_code / 100 = ?9) AND (?10 IS NULL OR cached = ?10)
"""
_SUMS = ", ".join(f"sum({name}) AS {name}" for name in SUMS)
_TOTALS = f"""{_COUNT_FACTS}
SELECT {_SUMS}, sum(requests * cached) AS cache_hits,
  sum(requests * (error_code = 2003)) AS rate_limited
FROM facts WHERE {_WANTED_COUNTS}
"""  # noqa: S608
_ERRORS = f"""{_COUNT_FACTS}
SELECT status_code, nullif(error_code, 0) AS error_code, sum(failed) AS requests
FROM facts WHERE failed > 0 AND {_WANTED_COUNTS} GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 50
"""  # noqa: S608
_SERIES = f"""{_COUNT_FACTS},
grouped AS MATERIALIZED (
  SELECT start / ?11 * ?11 AS start, {{group}} AS name, {_SUMS},
    sum(requests * cached) AS cache_hits, sum(requests * (error_code = 2003)) AS rate_limited
  FROM facts WHERE {_WANTED_COUNTS} GROUP BY 1, 2
),
top AS MATERIALIZED (
  SELECT name FROM grouped GROUP BY 1 ORDER BY sum(requests) DESC, name LIMIT {GROUPS}
)
SELECT start, CASE WHEN name IN (SELECT name FROM top) THEN name ELSE '{OTHER}' END AS "group",
  {_SUMS}, sum(cache_hits) AS cache_hits, sum(rate_limited) AS rate_limited
FROM grouped GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608
# Sorting by one number is three times as quick as by names and a number.
_SPEEDS = f"""{_SPEED_FACTS},
named AS MATERIALIZED (
  SELECT provider, model, kind, counts,
    dense_rank() OVER (ORDER BY provider, model, kind) * {_FACTOR} AS name
  FROM facts WHERE {_WANTED}
),
merged AS MATERIALIZED (
  SELECT name + one.key AS place, sum(one.value) AS attempts
  FROM named CROSS JOIN json_each(named.counts) AS one GROUP BY 1
),
summed AS MATERIALIZED (
  SELECT place / {_FACTOR} * {_FACTOR} AS name, place % {_FACTOR} AS ms,
    sum(attempts) OVER (PARTITION BY place / {_FACTOR} ORDER BY place) AS upto,
    sum(attempts) OVER (PARTITION BY place / {_FACTOR}) AS total
  FROM merged
)
SELECT provider, model, kind, max(total) AS attempts,
  min(CASE WHEN upto >= total * 0.5 THEN ms END) AS p50,
  min(CASE WHEN upto >= total * 0.9 THEN ms END) AS p90,
  min(CASE WHEN upto >= total * 0.99 THEN ms END) AS p99
FROM summed JOIN (SELECT DISTINCT name, provider, model, kind FROM named) USING (name)
GROUP BY name ORDER BY attempts DESC, provider, model, kind LIMIT 100
"""  # noqa: S608
_METADATA = f"""{_METADATA_FACTS}
SELECT key, value, requests FROM (
  SELECT *, row_number() OVER (PARTITION BY key ORDER BY requests DESC, value) AS place FROM (
    SELECT one.value ->> 0 AS key, one.value ->> 1 AS value, sum(one.value ->> 2) AS requests
    FROM facts CROSS JOIN json_each(facts.counts) AS one GROUP BY 1, 2
  )
) WHERE place <= {TOP} ORDER BY key, requests DESC, value LIMIT 400
"""  # noqa: S608
# What is not in roll-ups: hours that are read from their rows, with their gateways, and others.
_DUE = f"""
SELECT DISTINCT CASE WHEN start >= ?2 THEN gateway_id END AS gateway_id, start
FROM json_each(?1) AS asked CROSS JOIN log_periods ON log_periods.gateway_id = asked.value
WHERE span = {HOUR_MS} AND start >= ?3 AND start < ?4 AND (due OR (
  frozen AND NOT EXISTS (SELECT 1 FROM rollups WHERE rollups.gateway_id = log_periods.gateway_id
    AND rollups.span = log_periods.span AND rollups.start = log_periods.start)
)) ORDER BY start
"""  # noqa: S608

Wanted = tuple[str | None, str | None, int | None, int | None]
"""Only this provider, model, class of status, cached or not; None: any."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time, whole hours or days, and how it is cut."""

    start: int
    """Epoch milliseconds."""
    end: int
    interval: int
    """Milliseconds: HOUR_MS or DAY_MS."""


async def together(*asked: Coroutine[Any, Any, Any]) -> list[Any]:
    """Await what is asked of the database, on its way at one time. Raises the first failure."""
    # None is left behind: a request that ends with work of its own under way is a fault.
    answers = await asyncio.gather(*asked, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return answers


class Charts:
    """What charts tell of some gateways in a time."""

    def __init__(
        self, database: Database, gateway_ids: Sequence[int], span: Span, now: float
    ) -> None:
        self._database = database
        self._gateways = json.dumps(list(gateway_ids))
        self._span = span
        # The hour that is not over, and the one before it, which may not be counted yet.
        self._live_from = round(now) // HOUR_MS * HOUR_MS - HOUR_MS
        self._hours = "[]"
        self.uncounted: Sequence[int] = ()
        """The first of the hours that are over and not counted, or not since rows of them came."""

    async def begin(self) -> None:
        """Find out which hours are read from their rows. Raises DatabaseError, as all here do."""
        span = self._span
        rows = await self._database.all(_DUE, self._gateways, self._live_from, span.start, span.end)
        read = [row for row in rows if row["gateway_id"] is not None]
        self._hours = json.dumps([hour_value(row["gateway_id"], row["start"]) for row in read])
        self.uncounted = [row["start"] for row in rows if row["gateway_id"] is None][:UNCOUNTED]

    async def counts(
        self, wanted: Wanted, grouping: str | None
    ) -> tuple[Row, Sequence[Row], Sequence[Row]]:
        """Return the totals, the failures by code, and the series."""
        rows = await self._rows_of_hours(live.COUNTS, _COUNT_COLUMNS, *wanted[:2])
        group = GROUPINGS[grouping] if grouping else "''"
        daily = self._span.interval == DAY_MS
        sql = _SERIES.replace("{group}", group)
        totals, errors, series = await together(
            self._all(_TOTALS, rows, True, *wanted),
            self._all(_ERRORS, rows, True, *wanted),
            self._all(sql, rows, daily, *wanted, self._span.interval),
        )
        return totals[0], errors, series

    async def speeds(self, wanted: Wanted) -> Sequence[Row]:
        """Return how long successful attempts took, by provider, model and kind."""
        names = "provider, model, kind, counts"
        rows = await self._rows_of_hours(live.SPEEDS, names, *wanted[:2])
        return await self._all(_SPEEDS, rows, True, *wanted[:2])

    async def metadata(self) -> Sequence[Row]:
        """Return the most frequent values of metadata, by key."""
        rows = await self._rows_of_hours(live.METADATA, "counts")
        return await self._all(_METADATA, rows, True)

    async def _rows_of_hours(self, select: str, columns: str, *wanted: str | None) -> str:
        if self._hours == "[]":
            return "[]"
        names = ["start", *columns.split(", ")]
        rows = await self._database.all(select, self._hours, *wanted)
        told = [[row[name] for name in names] for row in rows]
        # As short as can be: it is one value of a statement.
        return json.dumps(told, ensure_ascii=False, separators=(",", ":"))

    async def _all(
        self, sql: str, rows: str, daily: bool, *more: str | int | None
    ) -> Sequence[Row]:
        span = self._span
        whole_days = span.end if daily else 0
        return await self._database.all(
            sql, self._gateways, span.start, span.end, whole_days, self._live_from, rows, *more
        )
