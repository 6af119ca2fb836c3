"""The Database port on D1."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from js import JSON, Array
from pyodide.ffi import JsException, jsnull

from ports import DatabaseError, Row, Statement
from runtime.again import PAUSE_S
from runtime.objects import lost


class D1:
    """A D1 binding, used without the SDK's wrapper, which is dearer than the calls themselves."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        """Run one statement and return its rows."""
        try:
            try:
                return await self._all(sql, values)
            except JsException as error:
                # The database is a Durable Object, which may move. To read twice does no harm.
                if not (lost(error) and sql.lstrip().startswith("SELECT")):
                    raise
                await asyncio.sleep(PAUSE_S)
                return await self._all(sql, values)
        except JsException as error:
            raise DatabaseError(error.message) from None

    async def _all(self, sql: str, values: Sequence[str | int | float | None]) -> Sequence[Row]:
        statement = self._binding.prepare(sql)
        if values:
            # None would arrive as undefined, which D1 refuses.
            bound = [jsnull if value is None else value for value in values]
            statement = statement.bind(*bound)
        answer = await statement.all()
        return json.loads(JSON.stringify(answer.results))

    async def batch(self, statements: Sequence[Statement]) -> Sequence[Row]:
        """Run statements in one transaction. Return the rows of the last."""
        try:
            bound = [self._binding.prepare(sql).bind(*values) for sql, *values in statements]
            answers = await self._binding.batch(Array.of(*bound))
            rows = answers.at(-1).results
            return json.loads(JSON.stringify(rows)) if rows.length else ()
        except JsException as error:
            raise DatabaseError(error.message) from None
