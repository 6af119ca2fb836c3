"""Keeps logs within what their gateways may hold: so many rows, so many days."""

import json
import logging
from dataclasses import dataclass

from pydantic import ValidationError

from gateways import Gateways
from logs.deletion import SIZE, delete_rows, groups
from logs.periods import DAY_MS, HOUR_MS, bounds_sql, first_id, moment
from ports import Clock, Database, DatabaseError, Row, Snapshots
from settings import Settings

_log = logging.getLogger("sluice.retention")

BATCH = 1_000
"""Rows that are chosen at once. Where their bodies are long they go in several transactions."""

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
# What cannot be counted is waited for, but not for ever.
_FIRST_DUE = f"""
SELECT min(start) FILTER (WHERE NOT hopeless) AS due, min(start) FILTER (WHERE hopeless) AS hopeless
FROM (
  SELECT start, due > 1 AND start + {HOUR_MS} + {DAY_MS} <= ?2 AS hopeless FROM log_periods
  WHERE gateway_id = ?1 AND span = {HOUR_MS} AND due
)
"""  # noqa: S608
_OLDEST = (
    f"SELECT id, {SIZE} AS size FROM logs WHERE gateway_id = ?1 AND id < ?2 ORDER BY id LIMIT "  # noqa: S608
)
_OLD = f"{_OLDEST} {BATCH}"
# Counted and chosen at once: runs that overlap choose the same rows, and none too many.
_BEYOND = f"{_OLDEST} max(0, min({BATCH}, ({_TOTAL}) - ?3))"
PARTS = 100
"""Parts of bodies without a row that go in one transaction: each may be a megabyte."""
# Of a row that was deleted, or lost, while its body was on its way.
_LEFT_BODIES = f"""
DELETE FROM payloads WHERE (gateway_id, log_id, side, part) IN (
  SELECT gateway_id, log_id, side, part FROM payloads WHERE gateway_id = ?1 AND log_id < ?2
  AND log_id < coalesce((SELECT id FROM logs WHERE gateway_id = ?1 ORDER BY id LIMIT 1), ?2)
  LIMIT {PARTS}
) RETURNING 1 AS gone
"""  # noqa: S608
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
        now = round(self.clock())
        if settings.log_retention_days is not None:
            end = now - settings.log_retention_days * DAY_MS
            await self._delete(gateway_id, end, _OLD)
            await self._delete_left_bodies(gateway_id, end)
            # Charts stay, but for what people wrote.
            for span in (HOUR_MS, DAY_MS):
                value = json.dumps([gateway_id, span, end - span])
                await self.database.batch([(_FORGET_METADATA, value)])
        full = False
        if (cap := settings.log_management) is not None:
            if settings.log_management_strategy == "DELETE_OLDEST":
                await self._delete(gateway_id, now, _BEYOND, cap)
                # Rows that come from a queue may be older than those that are here.
                await self._delete_left_bodies(gateway_id, now - DAY_MS)
            else:
                rows = await self.database.all(_TOTAL, gateway_id)
                full = rows[0]["total"] >= cap
        if full != bool(row["log_full"]):
            await self._tell_full(row, full)

    async def _delete(self, gateway_id: int, end: int, chosen: str, *more: int) -> None:
        """Delete the rows from before `end` that a statement chooses, the oldest first."""
        [first] = await self.database.all(_FIRST_DUE, gateway_id, round(self.clock()))
        due, hopeless = first["due"], first["hopeless"]
        given_up = False
        # Only what has been counted goes: no chart lacks what was deleted before it was drawn.
        last = first_id(end if due is None else min(end, due))
        while self.clock() < self.until:
            rows = await self.database.all(chosen, gateway_id, last, *more)
            for ids in groups(rows):
                if self.clock() >= self.until:
                    return
                if hopeless is not None and moment(ids[-1]) >= hopeless and not given_up:
                    _log.error("rows of gateway %d go that could not be counted", gateway_id)
                    given_up = True
                await delete_rows(self.database, gateway_id, ids, given_up)
            if len(rows) < BATCH:
                return

    async def _delete_left_bodies(self, gateway_id: int, end: int) -> None:
        """Delete bodies from before `end`, and before all rows that are left."""
        while self.clock() < self.until:
            gone = await self.database.all(_LEFT_BODIES, gateway_id, first_id(end))
            if len(gone) < PARTS:
                return

    async def _tell_full(self, row: Row, full: bool) -> None:
        statement = _MARK_FULL if full else _UNMARK_FULL
        await self.database.batch([(statement, str(row["internal_id"]))])
        await self.gateways.changed(row["account_id"], row["id"], self.snapshots)
