"""What another Worker calls that has the gateway for its AI binding.

Every request becomes a Call and takes the way of all calls. Cloudflare's own binding is what this
one is like: https://developers.cloudflare.com/ai-gateway/integrations/worker-binding-methods/
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode

from pydantic_core import from_json

from api import Task
from api.logs import get_log, judge_log
from api.urls import UNIVERSAL
from bound.holder import Holder
from boundary import error_reply, settled
from call import Ask, Call, Reply, Request, Target
from errors import BadPath, GatewayError, LogNotFound, Misconfigured, NotBuilt, UnknownGateway
from identity import identity
from ids import uuid7
from intake.call import provider_call, universal_call
from intake.universal import Entry, entry
from isolate import Isolate
from options import Options
from pipeline import pipeline
from ports import Body, Ports, TextBody
from providers import canonical, of_model
from providers.base import Named, Provider
from snapshot import Gateway
from sockets import asks_for_socket

_JSON = "application/json"

# What an option of a gateway is as a header.
_OPTIONS = {
    "skipCache": "cf-aig-skip-cache",
    "cacheTtl": "cf-aig-cache-ttl",
    "cacheKey": "cf-aig-cache-key",
    "collectLog": "cf-aig-collect-log",
    "metadata": "cf-aig-metadata",
    "eventId": "cf-aig-event-id",
    "requestTimeoutMs": "cf-aig-request-timeout",
}
_RETRIES = {
    "maxAttempts": "cf-aig-max-attempts",
    "retryDelayMs": "cf-aig-retry-delay",
    "backoff": "cf-aig-backoff",
}
# Options of a run that its request bears in the query, as one over HTTPS does.
_ASKED = ("queueRequest", "tags")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a model is run on."""

    fields: Mapping[str, Any]
    """A JSON object."""
    body: Body | None = None
    """Bytes, which the fields are then about."""
    kind: str = _JSON
    """The content type of the bytes."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a run."""

    reply: Reply
    output: Callable[[str], str] | None = None
    """What of an answer in JSON is the model's own output. None: all of it."""


@dataclass(frozen=True, slots=True)
class Binding:
    """The gateway, as one Worker has it bound."""

    holder: Holder
    isolate: Isolate
    ports: Ports

    async def run(self, model: str, inputs: Inputs, options: Mapping[str, Any]) -> Ran:
        """Run a model by its name. Raises NotAllowed and UnknownGateway."""
        wish = _object(options.get("gateway"))
        gateway, now = await self._gateway(wish.get("id")), self.ports.clock()
        try:
            slug, provider, name = of_model(model, gateway.customs)
            named = _named(model, slug, provider.request(name, inputs.fields))
            if inputs.body:
                self.holder.admit_bytes(model, named)
            given = _entry(slug, provider, named, inputs, options)
        except GatewayError as problem:
            headers, target = _headers(wish, None), Target("models", model, "")
            request, wished = self._request(TextBody(""), headers), Options.of(headers)
            call = Call(
                uuid7(now), request, gateway, target, wished, Ask(model), now, problem=problem
            )
            return Ran(await self._reply(self.holder.admit(call, model)))
        request = self._request(inputs.body or TextBody(given.body), given.headers)
        call = await provider_call(request, gateway, given.target, now)
        return Ran(await self._reply(self.holder.admit(call, model)), provider.output)

    async def universal(self, asked: str, entries: str, options: Mapping[str, Any]) -> Reply:
        """Answer entries, JSON of a list of targets or of one. Raises UnknownGateway."""
        gateway = await self._gateway(asked)
        wish = _object(options.get("gateway"))
        headers = _headers(wish, options.get("extraHeaders")) | {"content-type": _JSON}
        request = self._request(TextBody(entries), headers)
        call = await universal_call(request, gateway, self.ports.clock())
        return await self._reply(self.holder.admit(call))

    def url(self, asked: str, provider: str | None) -> str:
        """Return the address of a gateway, or of a provider there. Raises Misconfigured."""
        origin = self.isolate.deployment.origin
        if origin is None:
            raise Misconfigured("The gateway does not know its address: set the variable ORIGIN")
        slug = "" if provider in (None, UNIVERSAL) else canonical(provider or "")
        return f"{origin}/v1/{self.holder.account}/{self.holder.gateway_of(asked)}/{slug}"

    async def log(self, asked: str, log_id: str) -> dict[str, Any]:
        """Return a row of the log. Raises GatewayNotFound and LogNotFound."""
        reply = await get_log(self._task(""), self.holder.gateway_of(asked), log_id)
        row = json.loads(cast("str", reply.body))["result"]
        if not self.holder.owns(row):
            raise LogNotFound(log_id)
        return row

    async def patch_log(self, asked: str, log_id: str, patch: Mapping[str, Any]) -> None:
        """Change a row of the log. Raises what the management API does."""
        if self.holder.metadata:
            await self.log(asked, log_id)  # raises where the row is another's
        task = self._task(json.dumps(self.holder.marked(patch)))
        await judge_log(task, self.holder.gateway_of(asked), log_id)

    async def models(self, search: str) -> str:
        """Return the models that the platform runs, as JSON. Raises NotBuilt and Unreachable."""
        if self.ports.ai is None:
            raise NotBuilt("A list of models where the platform runs none")
        return await self.ports.ai.models(search)

    async def _gateway(self, asked: object) -> Gateway:
        ports, name = self.ports, self.holder.gateway_of(asked)
        found = await self.isolate.gateways.find(
            self.holder.account, name, ports.snapshots, ports.database
        )
        if found is None:
            raise UnknownGateway
        return found

    async def _reply(self, call: Call) -> Reply:
        reply = await settled(pipeline(call, self.isolate, self.ports)(call), error_reply)
        reply.headers.update(identity(call, reply))
        call.trail.attempts.clear()
        return reply

    def _request(self, body: Body, headers: Mapping[str, str]) -> Request:
        return Request("POST", "", headers, body)

    def _task(self, body: str) -> Task:
        request = Request("PATCH", "", {}, TextBody(body))
        return Task(self.holder.account, "", request, self.isolate, self.ports)


def failure(reply: Reply, text: str) -> tuple[str, str]:
    """Return name and message of the error that an answer is, its text given."""
    if reply.failed and reply.failed.message:
        return (
            "InferenceUpstreamError",
            f"{reply.failed.code or reply.status}: {reply.failed.message}",
        )
    return "InferenceUpstreamError", _told(text) or f"{reply.status}: {text}"


def refusal(error: GatewayError) -> tuple[str, str]:
    """Return name and message of an error of the gateway's own."""
    if isinstance(error, LogNotFound):
        return "AiGatewayLogNotFound", error.message
    return "InferenceUpstreamError", f"{error.code}: {error.message}"


def _told(text: str) -> str | None:
    try:
        told = _object(from_json(text))
    except ValueError:
        return None
    code = told.get("internalCode")
    return None if code is None else f"{code}: {told.get('description')}"


def _named(model: str, slug: str, named: Named | None) -> Named:
    if named is None:
        rule = f"Provider {slug!r} has no way to run a model by its name: use gateway().run"
        raise BadPath(model, rule)
    return named


def _entry(
    slug: str, provider: Provider, named: Named, inputs: Inputs, options: Mapping[str, Any]
) -> Entry:
    """Return the request of a run. Raises BadUniversal and NotBuilt."""
    usual = dict(header.split(": ", 1) for header in provider.example.headers)
    headers = usual | _headers(_object(options.get("gateway")), options.get("extraHeaders"))
    if options.get("websocket") or asks_for_socket(headers):
        raise NotBuilt("A WebSocket through a binding")
    given = {
        "provider": slug,
        "endpoint": "?".join(filter(None, (named.path, _query(named, inputs, options)))),
        "headers": headers | {"content-type": inputs.kind},
        "query": named.body,
    }
    return entry(given, "env.AI.run")


def _query(named: Named, inputs: Inputs, options: Mapping[str, Any]) -> str:
    """Return the query of a run, in which stands as well what a body of bytes cannot say."""
    asked = {name: options[name] for name in _ASKED if options.get(name)}
    if inputs.body:
        asked |= named.body
    written = urlencode({name: _written(value) for name, value in asked.items()})
    return "&".join(filter(None, (named.query, written)))


def _headers(wish: Mapping[str, Any], extra: object) -> dict[str, str]:
    """Return options as headers. What is not there, or nothing, is not said."""
    headers = {
        header: _written(wish[name]) for name, header in _OPTIONS.items() if _says(wish, name)
    }
    for name in ("cacheKey", "cacheTtl"):
        if not wish.get(name):
            headers.pop(_OPTIONS[name], None)
    if metadata := _object(wish.get("metadata")):
        known = {key: value for key, value in metadata.items() if value is not None}
        headers["cf-aig-metadata"] = json.dumps(known)
    retries = _object(wish.get("retries"))
    for name, header in _RETRIES.items():
        if _says(retries, name):
            headers[header] = _written(retries[name])
    return headers | {name.lower(): _written(value) for name, value in _object(extra).items()}


def _says(options: Mapping[str, Any], name: str) -> bool:
    return options.get(name) is not None


def _object(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _written(value: object) -> str:
    if isinstance(value, list):
        return ",".join(map(str, cast("list[object]", value)))
    return value if isinstance(value, str) else json.dumps(value)
