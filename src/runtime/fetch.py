"""The Fetch port: the runtime's own `fetch`."""

import asyncio
import time
from typing import Any

from js import AbortController, AbortSignal, Array, fetch

from errors import Unreachable
from ports import Body, Incoming, Outgoing, TextBody
from runtime.caller import Caller
from runtime.convert import headers_in, object_out
from runtime.reply_body import JsReplyBody
from runtime.request_body import JsRequestBody
from runtime.websocket import Relay

_BODILESS_METHODS = {"GET", "HEAD"}
_BODILESS_STATUSES = {101, 204, 205, 304}


class JsFetch:
    """Sends requests on behalf of one caller."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def __call__(self, outgoing: Outgoing) -> Incoming:
        """Send a request and wait for the headers of its answer.

        Raises Unreachable and ClientLeft.
        """
        init = object_out(
            {
                "method": outgoing.method,
                "headers": dict(outgoing.headers),
                # Credentials are in the headers: they go to this host and to no other.
                "redirect": "manual",
            }
        )
        signal, controller = self._caller.signal, None
        if outgoing.bounded:
            controller = AbortController.new()
            signal = AbortSignal.any(Array.of(signal, controller.signal))
        init.signal = signal
        if outgoing.body is not None and outgoing.method not in _BODILESS_METHODS:
            init.body = _native(outgoing.body)
        begun = time.monotonic()
        try:
            response = await self._caller.answer(fetch(outgoing.url, init), outgoing.host)
        except asyncio.CancelledError:
            if controller:
                controller.abort()
            raise
        status = response.status
        if status > 599:
            # No answer of HTTP, and none that could be passed on.
            raise Unreachable(outgoing.host, (time.monotonic() - begun) * 1000)
        headers = headers_in(response.headers)
        if status == 101 and response.webSocket:
            return Incoming(status, headers, Relay(response.webSocket))
        bodiless = outgoing.method == "HEAD" or status in _BODILESS_STATUSES
        body = None if bodiless else JsReplyBody(response, headers, self._caller, outgoing.host)
        return Incoming(status, headers, body)


def _native(body: Body) -> Any:
    if isinstance(body, TextBody):
        return body.content
    assert isinstance(body, JsRequestBody)
    return body.native
