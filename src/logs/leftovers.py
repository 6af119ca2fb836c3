"""Deletes what gateways leave behind: whatever bears the number of one that is gone.

Numbers are never given twice. So it is never too late to delete, nor too often, and rows that come
when their gateway is gone already are deleted by the next run.
"""

import logging

from ports import Clock, Database, DatabaseError

_log = logging.getLogger("sluice.leftovers")

ROWS = 500
"""Rows of a table that go in one transaction."""
BODIES = 100
"""Parts of bodies that do: each may be a megabyte."""

KEYS = {
    # First, so that nothing more of the log is counted.
    "log_periods": "gateway_id, span, start",
    # Mostly gone with their gateway: but a key may be stored while it is deleted.
    "provider_keys": "gateway_id, id",
    "full_logs": "gateway_id",
    "tails": "gateway_id",
    "payloads": "gateway_id, log_id, side, part",
    "logs": "gateway_id, id",
    "rollups": "gateway_id, span, start, provider, model, status_code, error_code, cached",
    "rollup_speeds": "gateway_id, span, start, provider, model, kind",
    "rollup_metadata": "gateway_id, span, start",
    "datasets": "gateway_id, id",
    "evaluations": "gateway_id, id",
}
"""The tables whose rows belong to a gateway, in the order in which they are swept, and their keys.
"""


def _delete(table: str, key: str) -> str:
    """Return the statement that deletes some rows of gateways that are gone.

    The recursion steps from gateway to gateway: it reads one row of each that has any.
    """
    most = BODIES if table == "payloads" else ROWS
    gone = ", ".join(f"gone.{column}" for column in key.split(", "))
    return f"""
DELETE FROM {table} WHERE ({key}) IN (
  WITH RECURSIVE found (gateway_id) AS (
    SELECT min(gateway_id) FROM {table} UNION ALL
    SELECT (SELECT min(next.gateway_id) FROM {table} AS next
      WHERE next.gateway_id > found.gateway_id)
    FROM found WHERE gateway_id IS NOT NULL
  )
  SELECT {gone} FROM found CROSS JOIN {table} AS gone ON gone.gateway_id = found.gateway_id
  WHERE NOT EXISTS (SELECT 1 FROM gateways WHERE internal_id = found.gateway_id) LIMIT {most}
) RETURNING 1 AS gone
""".lstrip()  # noqa: S608 - our own names


_STATEMENTS = [_delete(table, key) for table, key in KEYS.items()]


async def sweep(database: Database, clock: Clock, until: float) -> None:
    """Delete what is left, a bounded amount at a time, and begin nothing new after `until`.

    What cannot be deleted is reported, and tried again by the next run.
    """
    for statement in _STATEMENTS:
        try:
            # Until nothing more is found, or the time is over.
            while clock() < until and await database.all(statement):
                pass
        except DatabaseError as error:
            _log.error("what a deleted gateway has left stays for now: %s", error)
