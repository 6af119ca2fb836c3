"""Deletes rows of the log, with their bodies, and keeps count of what is left."""

import json
from collections.abc import Sequence

from periods import HOUR_MS, bounds_sql, moment
from ports import Database

_RECOUNT = f"""
UPDATE log_periods SET
  rows = (SELECT count(*) FROM logs
    WHERE logs.gateway_id = log_periods.gateway_id AND {bounds_sql("log_periods.start", "span")}),
  frozen = EXISTS (SELECT 1 FROM rollups WHERE rollups.gateway_id = log_periods.gateway_id
    AND rollups.span = log_periods.span AND rollups.start = log_periods.start)
WHERE gateway_id = ?1 ->> 'gateway' AND span = {HOUR_MS}
AND start IN (SELECT value FROM json_each(?1, '$.hours'))
"""  # noqa: S608 - our own numbers
_EACH = "gateway_id = ?1 ->> 'gateway' AND {} IN (SELECT value FROM json_each(?1, '$.ids'))"
_STATEMENTS = (
    f"DELETE FROM payloads WHERE {_EACH.format('log_id')}",  # noqa: S608
    f"DELETE FROM logs WHERE {_EACH.format('id')}",  # noqa: S608
    _RECOUNT,
)


async def delete_rows(database: Database, gateway_id: int, ids: Sequence[str]) -> None:
    """Delete rows, some thousand at the most, in one transaction. Raises DatabaseError."""
    hours = sorted({when - when % HOUR_MS for when in map(moment, ids)})
    value = json.dumps({"gateway": gateway_id, "ids": list(ids), "hours": hours})
    await database.batch([(statement, value) for statement in _STATEMENTS])
