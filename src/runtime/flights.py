"""The Flights port on Durable Objects, among which the keys are shared out.

Joining is one request, whose body stays open: through it whoever leads hands over the answer, or
breaks off. The object answers at once, with 201 to who leads and 200 to who waits, and ends its
answer when the flight is over. To those who wait it sends

    K, a head, a line feed, a body    the answer
    L                                 the lead: it is yours now
    A                                 nothing: all ask by themselves

A leader hands over what begins with K or A, or nothing at all, and then the next one leads.
"""

import asyncio
import logging
from typing import Any

from js import Array, Blob, IdentityTransformStream, TextDecoder, Uint8Array
from pyodide.ffi import JsException

from ports import FlightsError, Joined
from runtime.cache import JsKept
from runtime.caller import Caller
from runtime.convert import object_out
from runtime.objects import PATIENCE_S, ObjectError, ask
from runtime.streams import joined, overlook, read

_log = logging.getLogger("sluice.flights")

ANSWER_S = 5.0
"""How long an answer may take to be handed over, or to be forgotten."""
LARGEST = 4_000_000
"""Bytes of an answer that is handed over: each of those who wait gets a copy."""
LEAD, WAIT = 201, 200
KEPT, LEADS_NOW, ALONE = "K", "L", "A"
_LINE_FEED = 10
_URL = "https://flight/"
_SHARE = 1
"""Hexadecimal digits of a key that name its object: few objects stay warm, many carry more."""


class DoFlights:
    """The namespace `FLIGHT` of Durable Objects."""

    def __init__(self, env: Any, caller: Caller, patience_s: float = PATIENCE_S) -> None:
        """`patience_s` is how long a request waits to hear whether it leads."""
        self._env = env
        self._caller = caller
        self._patience_s = patience_s

    async def join(self, key: str, patience: float) -> Joined:
        """Lead, or wait for who does. Raises FlightsError."""
        lead = _JsLead()
        try:
            # Whoever was lost on the way there hands over nothing: the next one leads.
            response = await ask(lambda: self._send(key, "POST", lead.begin()), self._patience_s)
            if response.status == LEAD:
                return Joined(lead=lead.of(response))
            async with asyncio.timeout(patience):
                kind, frame = await _told(response.body)
        except (JsException, TimeoutError, FlightsError, ObjectError) as error:
            _log.warning("a flight could not be joined: %s", error)
            lead.give_up()
            raise FlightsError from None
        if kind == LEADS_NOW:
            return Joined(lead=lead.of(response))
        lead.give_up()
        return Joined(kept=self._kept(frame) if kind == KEPT else None)

    async def forget(self, key: str) -> None:
        """Forget an answer. Raises FlightsError."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._send(key, "DELETE", None)
        except (JsException, TimeoutError):
            raise FlightsError from None

    def _send(self, key: str, method: str, body: Any) -> Any:
        init = object_out({"method": method})
        if body is not None:
            init.body = body
        namespace = self._env.FLIGHT
        return namespace.get(namespace.idFromName(key[:_SHARE])).fetch(_URL + key, init)

    def _kept(self, frame: Any) -> JsKept:
        end = frame.indexOf(_LINE_FEED)
        head = TextDecoder.new().decode(frame.subarray(0, end))
        return JsKept(head, frame.slice(end + 1), self._caller)


async def _told(stream: Any) -> tuple[str, Any]:
    """Return what one who waits is told, and the bytes that follow. Raises FlightsError."""
    if not stream:
        raise FlightsError("an answer without a body")
    reader = stream.getReader(object_out({"mode": "byob"}))
    first = (await reader.read(Uint8Array.new(1))).value
    kind = chr(first[0]) if first else ""
    if kind not in (KEPT, LEADS_NOW, ALONE):
        raise FlightsError("an answer that says nothing")
    reader.releaseLock()
    # It is followed by a head and at most LARGEST bytes.
    chunks = (await read(stream, 2 * LARGEST) if kind == KEPT else None) or []
    return kind, joined(chunks, sum(chunk.byteLength for chunk in chunks))


class _JsLead:
    """The end of a pipe that leads to those who wait."""

    def __init__(self) -> None:
        self._writable: Any = None
        self._response: Any = None

    def begin(self) -> Any:
        """Return the other end of a new pipe. Nothing comes of an earlier one."""
        if self._writable:
            self.give_up()
        pipe = IdentityTransformStream.new()
        self._writable = pipe.writable
        return pipe.readable

    def of(self, response: Any) -> "_JsLead":
        """Hold on to the answer of the object: who drops it ends the request."""
        self._response = response
        return self

    async def share(self, head: str, copy: Any) -> None:
        """Hand the answer over."""
        small = copy.byteLength <= LARGEST
        frame = Array.of(f"{KEPT}{head}\n", copy) if small else Array.of(ALONE)
        try:
            async with asyncio.timeout(ANSWER_S):
                # One promise for all of it: each costs more than what it waits for.
                await Blob.new(frame).stream().pipeTo(self._writable)
        except (JsException, TimeoutError) as error:
            # Nobody waits any longer, or nobody listens.
            _log.warning("an answer could not be shared: %s", error)

    def give_up(self) -> None:
        """Close the pipe: nothing came of it."""
        self._writable.close().add_done_callback(overlook)
