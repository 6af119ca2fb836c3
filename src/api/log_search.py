"""Finds rows of the log, reading a bounded part of it.

What a filter leaves cannot be known without reading rows. So a search that has one reads the newest
rows up to a bound, and says from when on; hours tell how many rows they hold, and where to begin.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from api.envelope import iso
from api.log_condition import BOUNDED, Condition, Value, condition
from api.paging import Page
from api.parameters import checked, flag, one_of
from logs.periods import HOUR_MS, first_id
from logs.retention import ROWS_OF_HOUR
from ports import Database, Row

MOST_SEARCHED = 50_000
"""Rows that a search reads, or those of one hour where it has more."""
ORDERS = (
    "created_at", "provider", "model", "model_type", "success", "cached", "cost", "tokens_in",
    "tokens_out", "duration", "feedback",
)  # fmt: skip
EARLY_MS = 3_600_000
"""An id is made when a request comes, an attempt begins when its body has, up to so much later."""
_FOREVER = 1 << 46
LATE_MS = 2_000
"""Ids may run ahead of their time while they count (ids.py)."""

_HOURS = f"""
WITH hours AS MATERIALIZED (
  SELECT start, {ROWS_OF_HOUR} AS held FROM log_periods
  WHERE gateway_id = ?1 AND span = {HOUR_MS} AND start > ?2 - {HOUR_MS} AND start < ?3
)
SELECT (SELECT coalesce(sum(held), 0) FROM hours) AS total, (
  SELECT start FROM (SELECT start, sum(held) OVER (ORDER BY start DESC) AS above FROM hours)
  WHERE above >= ?4 ORDER BY start DESC LIMIT 1
) AS since
"""  # noqa: S608 - our own names and numbers
_EXTREMES = ", ".join(
    f"{extreme}({sql}) AS {extreme}_{name}"
    for name, sql in BOUNDED.items()
    for extreme in ("min", "max")
)


@dataclass(frozen=True, slots=True)
class Search:
    """Which rows of a gateway are wanted, and in which order."""

    gateway_id: int
    condition: Condition
    order: str
    descending: bool
    extremes: bool
    """Whether the least and the most of what is found is wanted."""
    most: int = MOST_SEARCHED

    @classmethod
    def of(cls, query: str, gateway_id: int, usual: str = "desc") -> "Search":
        """Read a query, `usual` being its direction where it names none.

        Raises BadParameter and Invalid.
        """
        given = dict(parse_qsl(query, keep_blank_values=True))
        direction = given.get("order_by_direction") or given.get("direction") or usual
        return cls(
            gateway_id,
            condition(query, gateway_id),
            checked("order_by", given.get("order_by") or "created_at", one_of(*ORDERS)),
            checked("order_by_direction", direction, one_of("asc", "desc")) == "desc",
            bool(checked("meta_info", given.get("meta_info") or "false", flag)),
        )

    async def page(
        self, database: Database, columns: str, page: Page
    ) -> tuple[Sequence[Row], dict[str, object]]:
        """Return the rows of a page, and what is to be said of all that were found."""
        total, since = await self._hours(database)
        made = self.condition
        every = not (made.terms or made.start or made.end or self.extremes)
        if every and self.order == "created_at":
            rows = await self._select(database, columns, None, page.size, page.offset)
            return rows, {"total_count": total}
        rows = await self._select(database, columns, since, page.size, page.offset)
        found: dict[str, object] = dict(await self._count(database, since))
        return rows, found | {"searched_from": None if since is None else iso(since)}

    async def all(self, database: Database, columns: str, most: int) -> Sequence[Row]:
        """Return rows: here, all rows of the gateway are searched."""
        return await self._select(database, columns, None, most, 0)

    async def _hours(self, database: Database) -> tuple[int, int | None]:
        """Return how many rows the hours of the search hold, and from when on to search."""
        start, end = self.condition.start or 0, self.condition.end
        until = _FOREVER if end is None else end + LATE_MS
        values = (self.gateway_id, start - EARLY_MS, until, self.most)
        [row] = await database.all(_HOURS, *values)
        return row["total"], row["since"]

    async def _select(
        self, database: Database, columns: str, floor: int | None, limit: int, offset: int
    ) -> Sequence[Row]:
        where, values = self._where(floor)
        direction = "DESC" if self.descending else "ASC"
        # The order of ids is that of time.
        order = "" if self.order == "created_at" else f"{self.order} {direction}, "
        return await database.all(
            f"SELECT {columns} FROM logs WHERE {where} ORDER BY {order}id {direction} "  # noqa: S608
            f"LIMIT ?{len(values) + 1} OFFSET ?{len(values) + 2}",
            *(*values, limit, offset),
        )

    async def _count(self, database: Database, floor: int | None) -> Row:
        where, values = self._where(floor)
        wanted = f"count(*) AS total_count{f', {_EXTREMES}' if self.extremes else ''}"
        return (await database.all(f"SELECT {wanted} FROM logs WHERE {where}", *values))[0]  # noqa: S608

    def _where(self, floor: int | None) -> tuple[str, list[Value]]:
        """Return the condition on `logs` as SQL, and its values."""
        made = self.condition
        values = list(made.values)

        def bind(value: Value) -> str:
            values.append(value)
            return f"?{len(values)}"

        terms = ["gateway_id = ?1", *made.terms]
        if made.start is not None:
            terms.append(f"created_at >= {bind(made.start)}")
        if made.end is not None:
            terms.append(f"created_at <= {bind(made.end)}")
            terms.append(f"id < {bind(first_id(made.end + LATE_MS))}")
        lowest = max(floor or 0, (made.start or 0) - EARLY_MS)
        if lowest > 0:
            terms.append(f"id >= {bind(first_id(lowest))}")
        return " AND ".join(terms), values
