"""A database that tells how it looks for what it is asked."""

from collections.abc import Sequence

from fakes import SqliteDatabase
from ports import Row


class Explained(SqliteDatabase):
    """The database in memory, which keeps the plan of every query."""

    def __init__(self) -> None:
        super().__init__()
        self.plans: list[str] = []

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        self.plans += self.explain(sql, *values)
        return await super().all(sql, *values)

    def explain(self, sql: str, *values: str | int | float | None) -> list[str]:
        """Return the plan of a query."""
        plan = self.connection.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        return [row["detail"] for row in plan]
