"""The one place where errors become replies, and where faults of ours end."""

import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar

from call import Reply
from errors import GatewayError, Internal

_log = logging.getLogger("sluice.gateway")

Envelope = Callable[[GatewayError], str]
T = TypeVar("T")


class Survived:
    """What surrounds work whose fault must stop nothing else: it is told on the console alone."""

    def __init__(self, what: str) -> None:
        """Take what is said of a fault."""
        self._what = what

    def __enter__(self) -> None:
        """Keep nothing: one of these surrounds any work, any number of times."""

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> bool:
        """End a fault, but let pass what ends the task itself."""
        if not isinstance(error, Exception):
            return False
        _log.error(self._what, exc_info=error)
        return True


async def settled(work: Awaitable[T], told: Callable[[GatewayError], T]) -> T:
    """Await what is answered. Raises nothing: an error is what `told` makes of it."""
    try:
        return await work
    except GatewayError as error:
        # Where it was raised holds it in turn, with the bodies of the call.
        return told(error.with_traceback(None))
    except Exception:  # noqa: BLE001 - told on the console alone
        _log.exception("a request failed by a fault of ours")
        return told(Internal())


def error_reply(error: GatewayError, envelope: Envelope = GatewayError.envelope) -> Reply:
    """Return an error as a reply."""
    return Reply(error.status, dict(error.headers), envelope(error))
