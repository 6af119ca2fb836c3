"""Counts the current hour five minutes at a time, for who asks every minute.

A slice is made by whoever asks first after it is over, one at a time, and the one before it is made
again, for rows that were late. When the hour is over it is counted whole, and its slices are gone.
"""

import json

from logs.periods import HOUR_MS, SLICE_MS, first_id, first_id_sql, moment
from logs.rollups import COUNTS_OF_ROWS, DIMENSIONS, SPEEDS_OF_ROWS, SUMS
from ports import Database

GATEWAYS = 200
"""Gateways that are looked at."""

# Of hours that have rows and are not counted, the last slice there is, and the first row after it.
_MADE = f"""
WITH made AS MATERIALIZED (
  SELECT gateway_id, start AS hour, (
    SELECT max(start) FROM rollups WHERE rollups.gateway_id = log_periods.gateway_id
    AND span = {SLICE_MS} AND start >= log_periods.start
  ) AS last
  FROM log_periods WHERE span = {HOUR_MS} AND due AND start = ?1
  ORDER BY gateway_id LIMIT {GATEWAYS}
)
SELECT gateway_id, last, (
  SELECT id FROM logs WHERE logs.gateway_id = made.gateway_id
  AND id >= {first_id_sql(f"coalesce(last + {SLICE_MS}, hour)")} ORDER BY id LIMIT 1
) AS next
FROM made
"""  # noqa: S608 - our own numbers
_OF_SLICES = f"""
(gateway_id, span, start) IN (SELECT value ->> 0, {SLICE_MS}, value ->> 1 FROM json_each(?1))
"""  # noqa: S608
_STATEMENTS = (
    f"DELETE FROM rollups WHERE {_OF_SLICES}",  # noqa: S608
    f"INSERT INTO rollups (span, gateway_id, start, {DIMENSIONS}, {', '.join(SUMS)}) "  # noqa: S608
    f"SELECT {SLICE_MS}, * FROM ({COUNTS_OF_ROWS})",
    f"DELETE FROM rollup_speeds WHERE {_OF_SLICES}",  # noqa: S608
    "INSERT INTO rollup_speeds (span, gateway_id, start, provider, model, kind, counts) "  # noqa: S608
    f"SELECT {SLICE_MS}, * FROM ({SPEEDS_OF_ROWS})",
)


async def make_slices(database: Database, now: float) -> None:
    """Count what is over of the current hour. Raises DatabaseError."""
    hour = round(now) // HOUR_MS * HOUR_MS
    over = round(now) // SLICE_MS * SLICE_MS
    wanted: list[list[int | str]] = []
    for row in await database.all(_MADE, hour):
        following = moment(row["next"]) // SLICE_MS * SLICE_MS if row["next"] else over
        if following >= over:
            continue
        starts = [following] if row["last"] is None else [row["last"], following]
        wanted += [
            [row["gateway_id"], start, first_id(start), first_id(start + SLICE_MS)]
            for start in starts
        ]
    if wanted:
        value = json.dumps(wanted)
        await database.batch([(statement, value) for statement in _STATEMENTS])
