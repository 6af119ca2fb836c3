"""The universal WebSocket: one connection, many requests, each told by its event id.

https://developers.cloudflare.com/ai-gateway/usage/websockets-api/non-realtime-api/

A message `universal.create` holds one entry of the universal endpoint, which becomes a call like
any other. Its answer is `universal.created`; a stream is that, then `universal.stream` for each
event, and `universal.done`. What the gateway itself refuses is `universal.error`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from pydantic_core import from_json

from boundary import caught
from call import Ask, Attempt, Call, Reply, Request, Target
from errors import BadUniversal, GatewayError, UnknownGateway
from identity import identity
from ids import uuid7
from intake import steps_of
from isolate import Isolate
from options import Options
from pipeline import admission, pipeline
from ports import Ports
from snapshot import Gateway
from sse import forwards
from universal import entry

Send = Callable[[str], None]


async def session(request: Request, gateway: Gateway, isolate: Isolate, ports: Ports) -> Reply:
    """Open a connection: an answer of status 101, or what refuses it."""
    now, options = ports.clock(), Options.of(request.headers)
    call = Call(
        id=uuid7(now),
        request=request,
        gateway=gateway,
        target=Target("universal", "", ""),
        options=options,
        ask=Ask(),
        started=now,
        kind="websocket",
        problem=options.problem,
    )

    async def opened(call: Call) -> Reply:
        call.trail.attempts.append(Attempt(call.id, call, call.started))
        return Reply(101, {}, ports.sockets.open(_Session(request, gateway, isolate).answer))

    return await caught(admission(call, isolate, ports, opened)(call))


@dataclass(frozen=True, slots=True)
class _Session:
    """What the messages of one connection share."""

    request: Request
    gateway: Gateway
    isolate: Isolate

    async def answer(self, message: str, send: Send, ports: Ports) -> None:
        """Answer one message. Raises nothing."""
        event_id = None
        try:
            event_id, given = _read(message)
            # Looked up anew: since the connection was opened a token may have been revoked.
            gateway = await self.isolate.gateways.find(
                self.gateway.account, self.gateway.id, ports.snapshots, ports.database
            )
            if gateway is None:
                raise UnknownGateway
            call = steps_of([entry(given, "request")], self.request, gateway, ports.clock())
        except GatewayError as problem:
            metadata = {"eventId": event_id, "status": problem.status}
            send(_frame("error", metadata, json.loads(problem.envelope())))
            return
        reply = await caught(pipeline(call, self.isolate, ports)(call))
        await _tell(reply, _metadata(call, reply, event_id), send)


def _read(message: str) -> tuple[str | None, dict[str, Any]]:
    """Return the event id and the entry of a message. Raises BadUniversal."""
    rule = 'Send {"type": "universal.create", "request": {…}}'
    try:
        parsed: object = from_json(message, allow_inf_nan=False)
    except ValueError:
        raise BadUniversal("the message is not JSON", rule) from None
    fields = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
    given: object = fields.get("request")
    if fields.get("type") != "universal.create" or not isinstance(given, dict):
        raise BadUniversal("the message is of another type", rule)
    request = cast("dict[str, Any]", given)
    event_id = request.get("eventId")
    return event_id if isinstance(event_id, str) else None, request


def _metadata(call: Call, reply: Reply, event_id: str | None) -> dict[str, Any]:
    told = identity(call, reply)
    return {
        "cacheStatus": told["cf-aig-cache-status"],
        "eventId": event_id or told["cf-aig-event-id"],
        "logId": told.get("cf-aig-log-id"),
        "step": told["cf-aig-step"],
        "contentType": reply.headers.get("content-type"),
        "status": reply.status,
    }


async def _tell(reply: Reply, metadata: dict[str, Any], send: Send) -> None:
    body = reply.body
    if body is None or isinstance(body, str):
        # What no provider answered is an error of the gateway's own.
        send(_frame("error", metadata, _json(body or "")))
        return
    if not (metadata["contentType"] or "").lower().startswith("text/event-stream"):
        send(_frame("created", metadata, _json("".join([text async for text in body.texts()]))))
        return
    send(_frame("created", metadata))
    told, rest = {"eventId": metadata["eventId"]}, ""
    async for text in body.texts():
        events, rest = forwards(rest + text)
        for data in events:
            send(_frame("stream", told, _json(data)))
    send(_frame("done", metadata))


def _frame(kind: str, metadata: dict[str, Any], *response: object) -> str:
    frame: dict[str, object] = {"type": f"universal.{kind}", "metadata": metadata}
    if response:
        frame["response"] = response[0]
    return json.dumps(frame, ensure_ascii=False)


def _json(text: str) -> object:
    """Return what a text says, or the text where it is no JSON."""
    try:
        return from_json(text)
    except ValueError:
        return text
