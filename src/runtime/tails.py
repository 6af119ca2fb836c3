"""The Tails port on Durable Objects: one object for each gateway."""

import asyncio
import logging
from typing import Any
from urllib.parse import urlencode

from pyodide.ffi import JsException

from ports import ReplyBody, TailsError
from runtime.caller import Caller
from runtime.convert import headers_in, object_out
from runtime.reply_body import JsReplyBody
from runtime.websocket import JsSocket

_log = logging.getLogger("sluice.tails")

PATIENCE_S = 1.0
"""How long a writer of the log waits until its rows are shown."""
OPEN_S = 5.0
"""How long somebody who wants to listen waits."""
_OPENED = (101, 200)


class DoAudience:
    """The Durable Objects, as writers of the log use them."""

    def __init__(self, env: Any) -> None:
        self._env = env

    async def show(self, gateway_id: int, rows: str) -> None:
        """Show rows to who listens. Raises TailsError."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._stub(gateway_id).show(rows)
        except (JsException, TimeoutError) as error:
            _log.warning("tail %s failed: %s", gateway_id, type(error).__name__)
            raise TailsError from None

    def _stub(self, gateway_id: int) -> Any:
        namespace = self._env.TAIL
        return namespace.get(namespace.idFromName(str(gateway_id)))


class DoTails(DoAudience):
    """The same, as one uses it who may want to listen."""

    def __init__(self, env: Any, caller: Caller) -> None:
        super().__init__(env)
        self._caller = caller

    async def listen(self, gateway_id: int, wanted: str, *, socket: bool) -> ReplyBody:
        """Listen. Raises TailsError."""
        url = f"https://tail/?{urlencode({'gateway': gateway_id, 'wanted': wanted})}"
        init = object_out({"headers": {"upgrade": "websocket"} if socket else {}})
        try:
            async with asyncio.timeout(OPEN_S):
                response = await self._stub(gateway_id).fetch(url, init)
        except (JsException, TimeoutError) as error:
            _log.warning("tail %s cannot be opened: %s", gateway_id, type(error).__name__)
            raise TailsError from None
        if response.status not in _OPENED:
            raise TailsError
        if socket:
            return _Handed(response)
        return JsReplyBody(response, headers_in(response.headers), self._caller, "tail")


class _Handed(JsSocket):
    """A connection that the object answers, handed on as it is."""

    def __init__(self, response: Any) -> None:
        super().__init__()
        self._response = response

    def deliver(self) -> Any:
        """Return the end that goes to the caller."""
        return self._response.webSocket
