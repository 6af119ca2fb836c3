"""The Ai port on the binding `AI`."""

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

from js import JSON, AbortController, AbortSignal, Array, Response, TextEncoder
from pyodide.ffi import JsException

from errors import ClientLeft, Unreachable
from ports import Body, Incoming, Run, TextBody
from runtime.caller import Caller
from runtime.convert import headers_in, object_out
from runtime.reply_body import JsReplyBody
from runtime.request_body import JsRequestBody
from runtime.translate import translated

HOST = "the AI binding"
"""What an error calls it."""
JSON_TYPE = "application/json"
_SEEN = ("x-session-affinity",)
"""Headers of a request that go with a run."""


class RunBody(JsReplyBody):
    """The body of a run's answer."""

    cancelled = True


class JsAi:
    """Runs models on behalf of one caller."""

    charged = True

    def __init__(self, env: Any, caller: Caller) -> None:
        self._env = env  # of which the binding is asked for when it is needed: that crosses
        self._caller = caller

    def host(self, _model: str, /) -> str:
        """Return where all models run."""
        return HOST

    async def __call__(self, run: Run, body: Body | None, headers: Mapping[str, str]) -> Incoming:
        """Run a model and wait for the headers of its answer. Raises Unreachable and ClientLeft."""
        begun = time.monotonic()
        try:
            response = await self._response(run, body, headers)
        except JsException as error:
            if self._caller.left:
                raise ClientLeft from None
            refused = run.refused(error.message)
            if refused is None:
                raise Unreachable(HOST, (time.monotonic() - begun) * 1000) from None
            status, text = refused
            return self._whole(status, {"content-type": JSON_TYPE}, text)
        return await self._incoming(run, response)

    async def _response(self, run: Run, body: Body | None, headers: Mapping[str, str]) -> Any:
        options = json.loads(run.options) | {"returnRawResponse": True}
        seen = {name: headers[name] for name in _SEEN if name in headers}
        asked = object_out(options | ({"extraHeaders": seen} if seen else {}))
        inputs = JSON.parse(run.inputs)
        if body is not None:
            kind = headers.get("content-type", "application/octet-stream")
            given = object_out({"contentType": kind})
            given.body = _stream(body)
            named = body.name if isinstance(body, JsRequestBody) else None
            setattr(inputs, named or kind.partition("/")[0], given)
        binding, controller = self._env.AI, AbortController.new()
        if not _is_worker(binding):
            asked.signal = AbortSignal.any(Array.of(self._caller.signal, controller.signal))
        try:
            return await binding.run(run.model, inputs, asked)
        except asyncio.CancelledError:
            controller.abort()
            raise

    async def _incoming(self, run: Run, response: Any) -> Incoming:
        status, headers = response.status, headers_in(response.headers)
        if JSON_TYPE in headers.get("content-type", ""):
            text = await self._caller.answer(response.text(), HOST)
            return self._whole(status, headers, run.answer(status, text))
        if run.event and response.body:
            response = Response.new(translated(response.body, run.event))
        return Incoming(status, headers, RunBody(response, headers, self._caller, HOST))

    def _whole(self, status: int, headers: dict[str, str], text: str) -> Incoming:
        return whole(status, headers, text, self._caller, HOST)

    async def models(self, search: str) -> str:
        """Return the models that the platform has. Raises Unreachable."""
        found = await self._caller.answer(self._env.AI.models(JSON.parse(search)), HOST)
        return JSON.stringify(found)


def whole(status: int, headers: dict[str, str], text: str, caller: Caller, host: str) -> Incoming:
    """Return an answer whose text is there."""
    headers.pop("content-length", None)
    headers.pop("content-encoding", None)
    buffer = TextEncoder.new().encode(text).buffer
    return Incoming(status, headers, JsReplyBody(None, headers, caller, host, buffer))


def _is_worker(binding: Any) -> bool:
    """Return whether another Worker stands in: what is called by RPC takes no signal."""
    return binding.constructor.name == "Fetcher"


def _stream(body: Body) -> Any:
    native = body.content if isinstance(body, TextBody) else _native(body)
    return Response.new(native).body


def _native(body: Body) -> Any:
    assert isinstance(body, JsRequestBody)
    return body.native
