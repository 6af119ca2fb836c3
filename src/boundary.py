"""The one place where errors become replies."""

import logging
from collections.abc import Awaitable, Callable

from call import Reply
from errors import GatewayError, Internal

_log = logging.getLogger("sluice.gateway")

Envelope = Callable[[GatewayError], str]


async def caught(work: Awaitable[Reply], envelope: Envelope = GatewayError.envelope) -> Reply:
    """Await a reply. Raises nothing: an error is a reply in its envelope."""
    try:
        return await work
    except GatewayError as error:
        return failure(error, envelope)
    except Exception:  # noqa: BLE001 - the boundary: a fault of ours, told on the console alone
        _log.exception("a request failed by a fault of ours")
        return failure(Internal(), envelope)


def failure(error: GatewayError, envelope: Envelope = GatewayError.envelope) -> Reply:
    """Return an error as a reply."""
    return Reply(error.status, dict(error.headers), envelope(error))
