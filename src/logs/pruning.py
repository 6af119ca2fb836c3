"""Deletes what has been kept for long enough, besides the log: audit log, evaluations, roll-ups."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, fields

from errors import Misconfigured
from logs.periods import DAY_MS, HOUR_MS, PIECE_MS, SLICE_MS, first_id
from ports import Clock, Database, DatabaseError

_log = logging.getLogger("sluice.pruning")

LONGEST = 36_500
ROWS = 500
"""Rows of the audit log, or evaluations, that go in one transaction."""
PERIODS = 50
"""Hours or days whose roll-ups go in one transaction."""

# Each finds what is old by keys alone. The recursion steps from account to account.
_AUDIT_LOGS = f"""
DELETE FROM audit_logs WHERE (account_id, id) IN (
  WITH RECURSIVE accounts (account_id) AS (
    SELECT min(account_id) FROM audit_logs UNION ALL
    SELECT (SELECT min(next.account_id) FROM audit_logs AS next
      WHERE next.account_id > accounts.account_id)
    FROM accounts WHERE account_id IS NOT NULL
  )
  SELECT old.account_id, old.id FROM accounts CROSS JOIN audit_logs AS old
  ON old.account_id = accounts.account_id AND old.id < ?1 LIMIT {ROWS}
) RETURNING 1 AS gone
"""  # noqa: S608 - our own numbers
_EVALUATIONS = f"""
DELETE FROM evaluations WHERE (gateway_id, id) IN (
  SELECT old.gateway_id, old.id FROM gateways CROSS JOIN evaluations AS old
  ON old.gateway_id = gateways.internal_id AND old.id < ?1 LIMIT {ROWS}
) RETURNING 1 AS gone
"""  # noqa: S608
_OLD_PERIODS = f"""
SELECT DISTINCT gateway_id, span, start FROM gateways
CROSS JOIN json_each('[{SLICE_MS}, {PIECE_MS}, {HOUR_MS}, {DAY_MS}]') AS spans
CROSS JOIN rollups ON gateway_id = internal_id AND span = spans.value
AND start < ?1 - spans.value
LIMIT {PERIODS}
"""  # noqa: S608
_OF_PERIODS = """
(gateway_id, span, start) IN (
  SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?1)
)
"""
_PERIOD_STATEMENTS = (
    f"DELETE FROM rollup_speeds WHERE {_OF_PERIODS}",  # noqa: S608
    f"DELETE FROM rollup_metadata WHERE {_OF_PERIODS}",  # noqa: S608
    f"DELETE FROM rollups WHERE {_OF_PERIODS}",  # noqa: S608
    # Hours that hold rows are needed to find them.
    f"DELETE FROM log_periods WHERE {_OF_PERIODS} AND rows = 0 AND NOT due",  # noqa: S608
)


@dataclass(frozen=True, slots=True)
class Days:
    """For how many days things are kept. 0 is for ever."""

    audit_log_days: int = 550
    evaluation_days: int = 0
    chart_days: int = 800

    @classmethod
    def of(cls, variables: Mapping[str, str | None]) -> "Days":
        """Read the variables of a deployment, named as VARIABLES has it. Raises Misconfigured."""
        given = {name: variables.get(name.upper()) for name in _NAMES}
        return cls(**{name: _days(name, text) for name, text in given.items() if text})


_NAMES = tuple(field.name for field in fields(Days))
VARIABLES = tuple(name.upper() for name in _NAMES)
"""The variables of the Worker that are read."""


def _days(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and int(text) <= LONGEST):
        raise Misconfigured(f"{name.upper()} is not a number of days, 0 to {LONGEST}: {text!r}")
    return int(text)


async def prune(database: Database, days: Days, clock: Clock, until: float) -> None:
    """Delete what is old, a bounded amount at a time, and begin nothing new after `until`.

    What cannot be deleted is reported, and tried again by the next run.
    """
    try:
        for sql, kept in ((_AUDIT_LOGS, days.audit_log_days), (_EVALUATIONS, days.evaluation_days)):
            last = first_id(_end(clock, kept))
            while kept and clock() < until:
                if len(await database.all(sql, last)) < ROWS:
                    break
        while days.chart_days and clock() < until:
            if not await _prune_periods(database, _end(clock, days.chart_days)):
                break
    except DatabaseError as error:
        _log.error("what is old is not deleted: %s", error)


def _end(clock: Clock, days: int) -> int:
    return round(clock()) - days * DAY_MS


async def _prune_periods(database: Database, end: int) -> bool:
    """Delete the roll-ups of some periods. Return whether there may be more."""
    rows = await database.all(_OLD_PERIODS, end)
    if rows:
        value = json.dumps([[row["gateway_id"], row["span"], row["start"]] for row in rows])
        await database.batch([(statement, value) for statement in _PERIOD_STATEMENTS])
    return len(rows) == PERIODS
