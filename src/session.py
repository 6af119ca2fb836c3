"""The universal WebSocket: one connection, many requests, each told by its event id.

https://developers.cloudflare.com/ai-gateway/usage/websockets-api/non-realtime-api/

A message `universal.create` holds one entry of the universal endpoint, which becomes a call like
any other. Its answer is `universal.created`; a stream is that, then `universal.stream` for each
event, and `universal.done`. What the gateway itself refuses is `universal.error`, and so is that a
provider broke off in the middle of its answer.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from pydantic_core import from_json

from boundary import error_reply, settled
from call import Ask, Attempt, Call, Reply, Request, Target
from dialects.sse import Events
from errors import BadUniversal, GatewayError, UnknownGateway
from identity import identity
from ids import uuid7
from intake.call import steps_of
from intake.universal import entry
from isolate import Isolate
from options import Options
from pipeline import admission, pipeline
from ports import Ports
from snapshot import Gateway

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

    return await settled(admission(call, isolate, ports, opened)(call), error_reply)


@dataclass(frozen=True, slots=True)
class _Session:
    """What the messages of one connection share."""

    request: Request
    gateway: Gateway
    isolate: Isolate

    async def answer(self, message: str, send: Send, ports: Ports) -> None:
        """Answer one message. Raises nothing: an error is told, whatever has been told before."""
        known: dict[str, Any] = {"eventId": None}

        def failed(error: GatewayError) -> None:
            of_error = {"status": error.status, "contentType": error.headers["content-type"]}
            send(_frame("error", known | of_error, json.loads(error.envelope())))

        await settled(self._answer(message, known, send, ports), failed)

    async def _answer(self, message: str, known: dict[str, Any], send: Send, ports: Ports) -> None:
        """Answer one message. What becomes known of the answer goes into `known`."""
        known["eventId"], given = _read(message)
        # Looked up anew: since the connection was opened a token may have been revoked.
        gateway = await self.isolate.gateways.find(
            self.gateway.account, self.gateway.id, ports.snapshots, ports.database
        )
        if gateway is None:
            raise UnknownGateway
        call = steps_of([entry(given, "request")], self.request, gateway, ports.clock())
        reply = await settled(pipeline(call, self.isolate, ports)(call), error_reply)
        known |= _metadata(call, reply, known["eventId"])
        call.trail.attempts.clear()
        await _tell(reply, known, send)


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
    """Tell an answer. Raises Unreachable where the provider breaks off in it, and ClientLeft."""
    body = reply.body
    if body is None or isinstance(body, str):
        # What no provider answered is an error of the gateway's own.
        send(_frame("error", metadata, _json(body or "")))
        return
    if not (metadata["contentType"] or "").lower().startswith("text/event-stream"):
        send(_frame("created", metadata, _json("".join([text async for text in body.texts()]))))
        return
    send(_frame("created", metadata))
    told, events = {"eventId": metadata["eventId"]}, Events()
    async for text in body.texts():
        for data in events.more(text):
            send(_frame("stream", told, _json(data)))
    for data in events.end():
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
