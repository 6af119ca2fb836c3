"""The Fetch port: the runtime's own `fetch`."""

import asyncio
from typing import Any

import js
from pyodide.ffi import JsException

from ports import CallerGone, Incoming, NoAnswer, Outgoing
from runtime.body import JsReplyBody, JsRequestBody
from runtime.convert import headers_in, object_out

_BODILESS_METHODS = {"GET", "HEAD"}
_BODILESS_STATUSES = {101, 204, 205, 304}


class JsFetch:
    """Sends requests on behalf of one caller."""

    def __init__(self, signal: Any) -> None:
        self._signal = signal
        """The JS AbortSignal that fires when the caller leaves."""

    async def __call__(self, outgoing: Outgoing) -> Incoming:
        """Send a request and wait for the headers of its answer."""
        controller = js.AbortController.new()
        init = object_out(
            {
                "method": outgoing.method,
                "headers": dict(outgoing.headers),
                # Credentials are in the headers: they go to this host and to no other.
                "redirect": "manual",
            }
        )
        init.signal = js.AbortSignal.any(js.Array.of(self._signal, controller.signal))
        if isinstance(outgoing.body, JsRequestBody) and outgoing.method not in _BODILESS_METHODS:
            init.body = outgoing.body.native
        try:
            response = await js.fetch(outgoing.url, init)
        except asyncio.CancelledError:
            controller.abort()
            raise
        except JsException:
            raise (CallerGone if self._signal.aborted else NoAnswer) from None
        return self._incoming(outgoing.method, response)

    def _incoming(self, method: str, response: Any) -> Incoming:
        headers = headers_in(response.headers)
        bodiless = method == "HEAD" or response.status in _BODILESS_STATUSES
        body = None if bodiless else JsReplyBody(response, headers, self._signal)
        return Incoming(response.status, headers, body)
