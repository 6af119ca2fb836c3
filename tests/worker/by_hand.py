"""The gateway, of which more can be asked: what else has its own time, or never comes."""

import asyncio
import gc
from typing import Any

import entry
from call import Reply
from entry import AI, Counter, Flight, Keeper, on_queue, on_scheduled
from runtime.serve import response
from runtime.websocket import JsSocket

__all__ = ["AI", "Counter", "Flight", "Keeper", "Tail", "on_fetch", "on_queue", "on_scheduled"]


class Tail(entry.Tail):
    """One whose alarm is rung by hand. It tells how many bytes wait for each who reads a stream."""

    async def on_fetch(self, request: Any) -> Any:
        if request.url.endswith("/ring"):
            streams = self._tail._streams  # pyright: ignore[reportPrivateUsage]
            waiting = [stream.waiting for stream in streams]
            await self.on_alarm()
            return response("GET", Reply(200, {}, str(waiting)))
        return await super().on_fetch(request)


async def on_fetch(request: Any, env: Any, ctx: Any) -> Any:
    _, _, path = request.url.partition("/by-hand/")
    match path.split("/"):
        case ["ring", number]:
            tail = env.TAIL.get(env.TAIL.idFromName(number))
            return await tail.fetch("https://tail/ring")
        case ["cut-short"]:
            return response("GET", Reply(200, {}, str(await cut_short())))
        case ["connections"]:
            return response("GET", Reply(200, {}, str(connections())))
        case _:
            return await entry.on_fetch(request, env, ctx)


async def cut_short() -> list[str]:
    """Cut a turn short, and tell what was done in it and after it."""
    loop = asyncio.get_running_loop()
    done, ended = list[str](), loop.create_future()
    loop.call_soon(done.append, "before")
    loop.call_soon(interrupt)
    loop.call_soon(done.append, "after")
    loop.call_soon(ended.set_result, None)
    await ended
    return done


def connections() -> int:
    """Return how many WebSockets are in memory, whether anybody uses them or not."""
    gc.collect()
    return sum(isinstance(each, JsSocket) for each in gc.get_objects())


def interrupt() -> None:
    raise KeyboardInterrupt
