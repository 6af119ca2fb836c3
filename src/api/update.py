"""Changes of a part of a row, none of which undoes another one that is made meanwhile."""

from collections.abc import Awaitable, Callable, Sequence

from errors import ChangedMeanwhile, GatewayError
from ports import Row

ATTEMPTS = 5
"""How often a change is tried while others are faster."""


def still(columns: Sequence[str], first: int) -> str:
    """Return the SQL for a row whose columns are as they were, values that begin at ?`first`."""
    values = (f"?{first + place}" for place in range(len(columns)))
    return f"({', '.join(columns)}) IS ({', '.join(values)})"


async def updated(
    read: Callable[[], Awaitable[Row]],
    write: Callable[[Row], Awaitable[Sequence[Row]]],
    refusal: GatewayError,
) -> Row:
    """Change what was read, or what it has become meanwhile, and return the row that was made.

    `write` returns no row unless the row that it is given is still as it was. Raises what both of
    them raise, `refusal` where the row is and was not written, and ChangedMeanwhile.
    """
    row = await read()
    for _ in range(ATTEMPTS):
        if rows := await write(row):
            return rows[0]
        before, row = row, await read()
        if row == before:
            raise refusal
    raise ChangedMeanwhile
