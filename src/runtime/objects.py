"""Asking a Durable Object, which may fail, take too long, or be on its way to another machine."""

from collections.abc import Awaitable, Callable
from typing import Any

from pyodide.ffi import JsException

from runtime import again

PATIENCE_S = 0.25
"""How long a request waits for an object."""
CLUSTER_PATIENCE_S = 3.0
"""The same where objects are kept in a bucket: to write there is two round trips one after the
other, and four for an object that is new."""
_GONE = "Network connection lost"


class ObjectError(Exception):
    """An object could not be reached, failed, or took too long."""


async def ask(send: Callable[[], Awaitable[Any]], patience_s: float) -> Any:
    """Ask an object, and once more where it was lost on the way. Raises ObjectError.

    `send` gets a new stub each time, and asks for what may be asked for twice.
    """

    async def once() -> Any:
        try:
            return await send()
        except JsException as error:
            if lost(error):
                raise again.Lost(error.message) from None
            raise ObjectError(f"failed: {error.name}") from None

    try:
        return await again.ask(once, patience_s)
    except TimeoutError:
        raise ObjectError(f"did not answer within {patience_s} s") from None
    except again.Lost as error:
        raise ObjectError(f"was lost twice: {error}") from None


def lost(error: JsException) -> bool:
    """Return whether an error says that the object moved or broke off, and is there again.

    One that has too much to do says so too, and is not asked for more.
    """
    told: Any = error
    # What D1 says of its object has the words alone.
    gone = getattr(told, "retryable", False) or _GONE in error.message
    return bool(gone) and not getattr(told, "overloaded", False)
