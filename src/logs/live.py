"""The rows of the newest hours, counted for charts, those of all gateways together.

What comes of it is given back to the database as one value, which has a bound: of names, which
callers make up, the busiest are told, and the others are one.
"""

from logs.rollups import (
    BUCKETS_OF_ROWS,
    COUNTS_OF_ROWS,
    DIMENSIONS,
    SUMS,
    counted_metadata,
    top_metadata,
)

OTHER = "(other)"
ROOM = 750_000
"""Bytes of what is told of an hour by names: two hours are read, and a value has 2 MB."""
_COUNTS_SIZE = 200
"""Bytes of the numbers of one row of counts, more or less."""
_BUCKET_SIZE = 24
"""Bytes of one bucket, as JSON in JSON."""

_WANTED = "(?2 IS NULL OR provider = ?2) AND (?3 IS NULL OR model = ?3)"
_NAMES_SIZE = "length(CAST(json_array(provider, model) AS BLOB))"
_TOLD = ", ".join(
    f"CASE WHEN told THEN {name} ELSE '{OTHER}' END AS {name}" for name in ("provider", "model")
)


def _named(busy: str, size: str) -> str:
    """Return rows of `counted` with whether they are told by their names.

    `busy` and `size` are of one row: the busiest names of an hour are told, as many as have room.
    """
    return f"""
SELECT *,
  sum({size}) OVER (PARTITION BY start ORDER BY busy DESC, provider, model) <= {ROOM} AS told
FROM (
  SELECT *, sum({busy}) OVER of_name AS busy, count(*) OVER of_name AS several FROM counted
  WINDOW of_name AS (PARTITION BY start, provider, model)
)
"""  # noqa: S608 - our own names


_SUMS = ", ".join(f"sum({name}) AS {name}" for name in SUMS)
COUNTS = f"""
WITH counted AS MATERIALIZED (
  SELECT start, {DIMENSIONS}, {_SUMS} FROM ({COUNTS_OF_ROWS}) WHERE {_WANTED}
  GROUP BY start, {DIMENSIONS}
)
SELECT start, {_TOLD}, status_code, error_code, cached, {_SUMS}
FROM ({_named("requests + attempts", f"{_NAMES_SIZE} + {_COUNTS_SIZE}")}) GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608
"""(hours, provider, model) to rows as those of `rollups`. None: of any."""

SPEEDS = f"""
WITH counted AS MATERIALIZED (
  SELECT start, provider, model, kind, ms, sum(attempts) AS attempts FROM ({BUCKETS_OF_ROWS})
  WHERE {_WANTED} GROUP BY 1, 2, 3, 4, 5
)
SELECT start, provider, model, kind, json_group_object(ms, attempts) AS counts FROM (
  SELECT start, {_TOLD}, kind, ms, sum(attempts) AS attempts
  FROM ({_named("attempts", f"2.0 * {_NAMES_SIZE} / several + {_BUCKET_SIZE}")})
  GROUP BY 1, 2, 3, 4, 5
) GROUP BY 1, 2, 3, 4
"""  # noqa: S608
"""(hours, provider, model) to rows as those of `rollup_speeds`."""

METADATA = top_metadata(counted_metadata("0 AS gateway_id, hour.value ->> 1 AS start"))
"""(hours) to rows as those of `rollup_metadata`."""
