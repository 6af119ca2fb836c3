"""The Ai port on servers of one's own that speak OpenAI's format."""

import asyncio
import json
from collections.abc import Mapping

from js import AbortController, AbortSignal, Array, Response
from pydantic_core import from_json

from dialects.workers_ai_own import Asked, asked
from own_models import ANY, OwnModel, OwnModels, find
from ports import Body, Incoming, Outgoing, Run, TextBody
from runtime.ai import JSON_TYPE, whole
from runtime.caller import Caller
from runtime.fetch import JsFetch
from runtime.reply_body import JsReplyBody
from runtime.translate import translated

# Headers that tell of bytes in whose place others go.
_OF_BYTES = ("content-encoding", "content-length")


class OwnAi:
    """Runs models on behalf of one caller."""

    charged = False

    def __init__(self, models: OwnModels, caller: Caller) -> None:
        self._models = models
        self._caller = caller

    def host(self, model: str, /) -> str:
        """Return the server that runs a model, with its port. Empty where none does."""
        own = find(self._models, model)
        return own.host if own else ""

    async def __call__(self, run: Run, body: Body | None, headers: Mapping[str, str]) -> Incoming:
        """Run a model and wait for the headers of its answer. Raises Unreachable and ClientLeft."""
        own = find(self._models, run.model)
        request = asked(run, own.name) if own and body is None else None
        if own is None or request is None:
            return self._none(run, own)
        outgoing = _outgoing(own, request, headers)
        if request.answer is None:
            return await JsFetch(self._caller)(outgoing)
        controller = AbortController.new()
        signals = Array.of(self._caller.signal, controller.signal)
        try:
            incoming = await JsFetch(Caller(AbortSignal.any(signals)))(outgoing)
            return await self._translated(request, incoming, own.host)
        except asyncio.CancelledError:
            controller.abort()
            raise

    def _none(self, run: Run, own: OwnModel | None) -> Incoming:
        why = (
            "WORKERS_AI runs chats and embeddings alone"
            if own
            else f"WORKERS_AI names neither it nor {ANY}"
        )
        refused = run.refused(f"5007: No such model {run.model} or task: {why}")
        assert refused
        return whole(refused[0], {"content-type": JSON_TYPE}, refused[1], self._caller, "")

    async def _translated(self, request: Asked, incoming: Incoming, host: str) -> Incoming:
        """Turn an answer in OpenAI's format into one of the API of the models."""
        kept = {name: told for name, told in incoming.headers.items() if name not in _OF_BYTES}
        body = incoming.body
        assert request.answer
        stream = body.deliver() if isinstance(body, JsReplyBody) else None
        if stream and kept.get("content-type", "").startswith("text/event-stream"):
            told = Response.new(translated(stream, request.event) if request.event else stream)
            return Incoming(incoming.status, kept, JsReplyBody(told, kept, self._caller, host))
        text = await self._caller.answer(Response.new(stream).text(), host)
        status, answer = request.answer(incoming.status, text)
        return whole(status, kept | {"content-type": JSON_TYPE}, answer, self._caller, host)

    async def models(self, search: str) -> str:
        """Return the models that are named, by their names alone."""
        wanted = from_json(search).get("search")
        found = [name for name in self._models if name != ANY and str(wanted or "") in name]
        return json.dumps([{"id": name, "name": name} for name in found])


def _outgoing(own: OwnModel, request: Asked, headers: Mapping[str, str]) -> Outgoing:
    kept = {name: told for name, told in headers.items() if name not in _OF_BYTES}
    kept["content-type"] = JSON_TYPE
    if own.key:
        kept["authorization"] = f"Bearer {own.key}"
    url = f"{own.url}/{request.path}"
    return Outgoing("POST", url, own.host, kept, TextBody(request.body))
