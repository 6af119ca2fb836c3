"""Hours and days of the log. A row belongs to the hour in which its id was made.

Ids begin with their time, so that the rows of an hour lie side by side, and in the order of time.
"""

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
SLICE_MS = 300_000
"""What the current hour is counted in, where somebody wants to know."""
PIECE_MS = 600_000
"""What an hour is counted in that has more rows than one transaction can count."""

MARK_DUE = f"""
INSERT INTO log_periods (gateway_id, span, start)
SELECT value ->> 0, {HOUR_MS}, value ->> 1 FROM json_each(?) WHERE true
ON CONFLICT DO UPDATE SET due = 1 WHERE due <> 1
"""  # noqa: S608 - our own numbers
"""Notes that rows of some hours, [[gateway, start], …], have been written. Mostly known already,
which writes nothing."""


def moment(log_id: str) -> int:
    """Return when an id was made, in epoch milliseconds."""
    return int(log_id[:8] + log_id[9:13], 16)


def first_id(milliseconds: int) -> str:
    """Return what is no greater than any id of this time or later, and greater than all before."""
    digits = f"{max(0, milliseconds):012x}"
    return f"{digits[:8]}-{digits[8:]}"


def first_id_sql(milliseconds: str) -> str:
    """Return the same of an SQL expression."""
    digits = f"printf('%012x', {milliseconds})"
    return f"substr({digits}, 1, 8) || '-' || substr({digits}, 9)"


def bounds_sql(start: str, span: str) -> str:
    """Return the condition that `logs.id` is of a period."""
    return f"logs.id >= {first_id_sql(start)} AND logs.id < {first_id_sql(f'{start} + {span}')}"
