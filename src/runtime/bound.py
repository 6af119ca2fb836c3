"""The methods of the entry point `AI`: from values of JavaScript to the core's, and back."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from js import JSON, Date, Response
from pyodide.ffi import JsException

from bound.binding import Binding, Ran, failure, refusal
from bound.holder import Holder
from boundary import settled
from call import Reply
from errors import Unreachable
from runtime.arguments import BadCall, fields_of, inputs_of, name_of, object_of, plain, text_of
from runtime.background import JsBackground
from runtime.caller import Holding
from runtime.reply_body import JsReplyBody
from runtime.rpc import target, thrown
from runtime.serve import ports_of, response, shared

Work = Callable[[Binding], Awaitable[Any]]


class Bound:
    """The methods, as one Worker calls them."""

    def __init__(self, entrypoint: Any) -> None:
        """Take what the platform gave the entry point, which shows it to nobody else."""
        self._env: Any = object.__getattribute__(entrypoint, "env")._env
        self._ctx: Any = object.__getattribute__(entrypoint, "ctx")

    async def run(self, model: object, inputs: object, options: object) -> Any:
        """Run a model by its name."""

        async def work(binding: Binding) -> Any:
            if not isinstance(model, str):
                raise BadCall("the first argument is the name of a model")
            wish: dict[str, Any] = plain(fields_of(options))
            ran = await binding.run(model, inputs_of(inputs), wish)
            return await (_raw if wish.get("returnRawResponse") else _value)(ran)

        return await self.answer(work)

    async def models(self, search: object) -> Any:
        """Return the models that the platform runs."""

        async def work(binding: Binding) -> Any:
            return JSON.parse(await binding.models(json.dumps(plain(fields_of(search)))))

        return await self.answer(work)

    def gateway(self, name: object) -> Any:
        """Return what can be done with a gateway."""
        try:
            named = _Gateway(self, name_of(name))
        except BadCall as error:
            return thrown("TypeError", str(error))
        methods = {"getUrl": named.get_url, "getLog": named.get_log, "patchLog": named.patch_log}
        return target(run=named.run, **methods)

    async def answer(self, work: Work) -> Any:
        """Do some work. Returns what the method returns: an error as what throws it."""
        background = JsBackground(self._ctx)
        background.keep()
        try:
            called = self._called(work, background)
            return await settled(called, lambda error: thrown(*refusal(error)))
        finally:
            background.replied()

    async def _called(self, work: Work, background: JsBackground) -> Any:
        try:
            return await work(self._binding(background))
        except BadCall as error:
            return thrown("TypeError", str(error))

    def _binding(self, background: JsBackground) -> Binding:
        isolate = shared(self._env)
        props = JSON.stringify(self._ctx.props) if self._ctx.props else None
        holder = Holder.of(props, isolate.deployment.account)
        return Binding(holder, isolate, ports_of(self._env, self._ctx, Holding(), background))


class _Gateway:
    """What can be done with one gateway. The arguments come as they are, unconverted."""

    def __init__(self, bound: Bound, name: str) -> None:
        self._bound = bound
        self._name = name

    async def run(self, entries: Any = None, options: Any = None, *_rest: Any) -> Any:
        """Answer a list of targets."""

        async def work(binding: Binding) -> Any:
            wish = object_of(options)
            return response("POST", await binding.universal(self._name, text_of(entries), wish))

        return await self._bound.answer(work)

    async def get_url(self, provider: Any = None, *_rest: Any) -> Any:
        """Return the address of the gateway, or of a provider there."""

        async def work(binding: Binding) -> str:
            return binding.url(self._name, name_of(provider) or None)

        return await self._bound.answer(work)

    async def get_log(self, log_id: Any = None, *_rest: Any) -> Any:
        """Return a row of the log."""

        async def work(binding: Binding) -> Any:
            log = JSON.parse(json.dumps(await binding.log(self._name, name_of(log_id))))
            log.created_at = Date.new(log.created_at)
            return log

        return await self._bound.answer(work)

    async def patch_log(self, log_id: Any = None, patch: Any = None, *_rest: Any) -> Any:
        """Change a row of the log."""

        async def work(binding: Binding) -> None:
            await binding.patch_log(self._name, name_of(log_id), object_of(patch))

        return await self._bound.answer(work)


async def _raw(ran: Ran) -> Any:
    """Return an answer as it is, but for what a model's own output is wrapped in."""
    if ran.output and ran.reply.status < 400 and _is_json(ran.reply):
        text = ran.output(await _read(ran.reply))
        ran.reply.body = text
        ran.reply.headers.pop("content-length", None)
    return response("POST", ran.reply)


async def _value(ran: Ran) -> Any:
    """Return the object of an answer in JSON, the stream of any other, an error thrown."""
    reply = ran.reply
    if reply.status >= 400:
        return thrown(*failure(reply, await _read(reply)))
    if _is_json(reply):
        text = await _read(reply)
        return JSON.parse(ran.output(text) if ran.output else text)
    return response("POST", reply).body


def _is_json(reply: Reply) -> bool:
    return reply.headers.get("content-type", "").lower().startswith("application/json")


async def _read(reply: Reply) -> str:
    body = reply.body
    if not isinstance(body, JsReplyBody):
        return body if isinstance(body, str) else ""
    try:
        return await Response.new(body.deliver()).text()
    except JsException:
        raise Unreachable("the provider", 0) from None
