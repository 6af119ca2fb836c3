"""Deletes rows of the log, with their bodies, and keeps count of what is left."""

import json
from collections.abc import Iterator, Sequence

from logs.periods import DAY_MS, HOUR_MS, bounds_sql, moment
from ports import Database, Row

HEAVY = 100_000_000
"""Bytes of bodies that go in one transaction, for which D1 has 30 seconds, unless one row has more.
"""
SIZE = "min(coalesce(request_size, 0), 10000000) + min(coalesce(response_size, 0), 10000000)"
"""Bytes of bodies that a row may have: no longer ones are kept."""

_RECOUNT = f"""
UPDATE log_periods SET
  rows = (SELECT count(*) FROM logs
    WHERE logs.gateway_id = log_periods.gateway_id AND {bounds_sql("log_periods.start", "span")}),
  frozen = frozen OR (due AND ?1 ->> 'hopeless') OR EXISTS (SELECT 1 FROM rollups
    WHERE rollups.gateway_id = log_periods.gateway_id
    AND rollups.span = log_periods.span AND rollups.start = log_periods.start)
WHERE gateway_id = ?1 ->> 'gateway' AND span = {HOUR_MS}
AND start IN (SELECT value FROM json_each(?1, '$.hours'))
"""  # noqa: S608 - our own numbers
# What people wrote is not left in charts, where it stands without the row that it came with.
_FORGET_METADATA = f"""
DELETE FROM rollup_metadata WHERE (gateway_id, span, start) IN (
  SELECT ?1 ->> 'gateway', {HOUR_MS}, value FROM json_each(?1, '$.hours') UNION ALL
  SELECT ?1 ->> 'gateway', {DAY_MS}, value / {DAY_MS} * {DAY_MS} FROM json_each(?1, '$.hours')
)
"""  # noqa: S608
_EACH = "gateway_id = ?1 ->> 'gateway' AND {} IN (SELECT value FROM json_each(?1, '$.ids'))"
_STATEMENTS = (
    f"DELETE FROM payloads WHERE {_EACH.format('log_id')}",  # noqa: S608
    f"DELETE FROM logs WHERE {_EACH.format('id')}",  # noqa: S608
    _RECOUNT,
    _FORGET_METADATA,
)


def groups(rows: Sequence[Row]) -> Iterator[list[str]]:
    """Return the ids of rows (id, size) in groups, each of which one transaction can delete."""
    group: list[str] = []
    weight = 0
    for row in rows:
        weight += row["size"]
        if group and weight > HEAVY:
            yield group
            group, weight = [], row["size"]
        group.append(row["id"])
    if group:
        yield group


async def delete_rows(
    database: Database, gateway_id: int, ids: Sequence[str], hopeless: bool = False
) -> None:
    """Delete rows, some thousand at the most, in one transaction. Raises DatabaseError.

    Hours of them that are not counted will be, as far as rows are left, unless it is `hopeless`.
    """
    hours = sorted({when - when % HOUR_MS for when in map(moment, ids)})
    given = {"gateway": gateway_id, "ids": list(ids), "hours": hours, "hopeless": int(hopeless)}
    value = json.dumps(given)
    await database.batch([(statement, value) for statement in _STATEMENTS])
