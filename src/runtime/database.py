"""The Database port on D1."""

import json
from collections.abc import Sequence
from typing import Any

from js import JSON, Array
from pyodide.ffi import JsException, jsnull

from ports import DatabaseError, Row


class D1:
    """A D1 binding, used without the SDK's wrapper, which is dearer than the calls themselves."""

    def __init__(self, binding: Any) -> None:
        self._binding = binding

    async def all(self, sql: str, *values: str | int | float | None) -> Sequence[Row]:
        """Run one statement and return its rows."""
        try:
            statement = self._binding.prepare(sql)
            if values:
                # None would arrive as undefined, which D1 refuses.
                bound = [jsnull if value is None else value for value in values]
                statement = statement.bind(*bound)
            answer = await statement.all()
            return json.loads(JSON.stringify(answer.results))
        except JsException as error:
            raise DatabaseError(error.message) from None

    async def batch(self, statements: Sequence[tuple[str, str]]) -> None:
        """Run statements, each with one value, in one transaction."""
        try:
            bound = [self._binding.prepare(sql).bind(value) for sql, value in statements]
            await self._binding.batch(Array.of(*bound))
        except JsException as error:
            raise DatabaseError(error.message) from None
