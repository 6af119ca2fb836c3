"""Keeps logs within what their gateways may hold: so many rows, so many days."""

import json
import logging
from dataclasses import dataclass

from pydantic import ValidationError

from deletion import delete_rows
from gateways import Gateways
from periods import DAY_MS, HOUR_MS, bounds_sql, first_id
from ports import Clock, Database, DatabaseError, Row, Snapshots
from settings import Settings

_log = logging.getLogger("sluice.retention")

BATCH = 1_000
"""Rows that are deleted in one transaction."""

_GATEWAYS = """
SELECT internal_id, account_id, id, settings,
  EXISTS (SELECT 1 FROM full_logs WHERE gateway_id = internal_id) AS log_full
FROM gateways WHERE settings ->> 'log_management' IS NOT NULL
OR settings ->> 'log_retention_days' IS NOT NULL
OR EXISTS (SELECT 1 FROM full_logs WHERE gateway_id = internal_id)
"""
ROWS_OF_HOUR = f"""
CASE WHEN NOT due THEN rows ELSE (SELECT count(*) FROM logs
  WHERE logs.gateway_id = log_periods.gateway_id AND {bounds_sql("log_periods.start", "span")}) END
"""  # noqa: S608 - our own numbers
"""The rows that the log holds of an hour of `log_periods`: counted where the count may be old."""
_TOTAL = f"""
SELECT coalesce(sum({ROWS_OF_HOUR}), 0) AS total FROM log_periods
WHERE gateway_id = ?1 AND span = {HOUR_MS}
"""  # noqa: S608
_FIRST_DUE = f"""
SELECT min(start) AS start FROM log_periods WHERE gateway_id = ?1 AND span = {HOUR_MS} AND due
"""  # noqa: S608
_OLDEST = "SELECT id FROM logs WHERE gateway_id = ?1 AND id < ?2 ORDER BY id LIMIT ?3"
_FORGET_METADATA = """
DELETE FROM rollup_metadata
WHERE gateway_id = ?1 ->> 0 AND span = ?1 ->> 1 AND start < ?1 ->> 2
"""
_MARK_FULL = "INSERT OR IGNORE INTO full_logs (gateway_id) VALUES (?)"
_UNMARK_FULL = "DELETE FROM full_logs WHERE gateway_id = ?"


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps the logs of all gateways, a bounded amount of work at a time."""

    database: Database
    snapshots: Snapshots
    gateways: Gateways
    clock: Clock
    until: float
    """Epoch milliseconds at which no new work is begun."""

    async def keep(self) -> None:
        """Do what is to be done, until the time is over. Raises DatabaseError.

        A gateway whose log cannot be kept is reported, and does not stand in the way of others.
        """
        for row in await self.database.all(_GATEWAYS):
            if self.clock() >= self.until:
                return
            try:
                await self._keep_one(row, Settings.model_validate_json(row["settings"]))
            except (DatabaseError, ValidationError) as error:
                _log.error("the log of gateway %d is not kept: %s", row["internal_id"], error)

    async def _keep_one(self, row: Row, settings: Settings) -> None:
        gateway_id: int = row["internal_id"]
        if settings.log_retention_days is not None:
            end = round(self.clock()) - settings.log_retention_days * DAY_MS
            await self._delete(gateway_id, end, None)
            # Charts stay, but for what people wrote.
            for span in (HOUR_MS, DAY_MS):
                value = json.dumps([gateway_id, span, end - span])
                await self.database.batch([(_FORGET_METADATA, value)])
        full = False
        if (cap := settings.log_management) is not None:
            total: int = (await self.database.all(_TOTAL, gateway_id))[0]["total"]
            if settings.log_management_strategy == "DELETE_OLDEST":
                await self._delete(gateway_id, round(self.clock()), total - cap)
            else:
                full = total >= cap
        if full != bool(row["log_full"]):
            await self._tell_full(row, full)

    async def _delete(self, gateway_id: int, end: int, most: int | None) -> None:
        """Delete the oldest rows from before `end`, `most` of them."""
        due: int | None = (await self.database.all(_FIRST_DUE, gateway_id))[0]["start"]
        # Only what has been counted goes: no chart lacks what was deleted before it was drawn.
        last = first_id(end if due is None else min(end, due))
        while (most is None or most > 0) and self.clock() < self.until:
            limit = BATCH if most is None else min(BATCH, most)
            rows = await self.database.all(_OLDEST, gateway_id, last, limit)
            if rows:
                await delete_rows(self.database, gateway_id, [row["id"] for row in rows])
            if len(rows) < limit:
                return
            most = None if most is None else most - len(rows)

    async def _tell_full(self, row: Row, full: bool) -> None:
        statement = _MARK_FULL if full else _UNMARK_FULL
        await self.database.batch([(statement, str(row["internal_id"]))])
        await self.gateways.changed(row["account_id"], row["id"], self.snapshots)
