"""The Worker's entry points, and nothing else.

What Cloudflare calls are functions: a class would be made anew for each request, with wrappers
around all that it is given (docs/decisions/0009). The flag that allows it in `wrangler.toml` wants
the platform's own calls of a class to have names that begin with `on_`, too.
"""

from typing import Any

from workers import DurableObject, WorkerEntrypoint

from runtime import loop, rpc
from runtime.background import under_way
from runtime.bound import Bound
from runtime.clock import WallClock
from runtime.flight import Flights
from runtime.kept_counter import KeptCounter
from runtime.logqueue import consume
from runtime.maintain import maintain
from runtime.rpc import Locked
from runtime.serve import serve
from runtime.tail import Tail as GatewayTail

loop.install()
rpc.install()


def on_fetch(request: Any, env: Any, ctx: Any) -> Any:
    """Answer an HTTP request."""
    return serve(request, env, ctx)


async def on_scheduled(_controller: Any, env: Any, _ctx: Any) -> None:
    """Do what the cron trigger is for."""
    await maintain(env)


async def on_queue(batch: Any, env: Any, _ctx: Any) -> None:
    """Write rows of the log that come from the queue."""
    await consume(batch, env)


class Keeper(Locked, WorkerEntrypoint):
    """What the program asks that runs a node without Cloudflare."""

    METHODS = frozenset({"under_way"})

    async def under_way(self) -> int:
        """Return how many requests are not done with: who ends workerd waits for none."""
        return under_way()


class AI(Locked, WorkerEntrypoint):
    """What other Workers bind in place of Cloudflare's AI binding."""

    METHODS = frozenset({"gateway", "models", "run"})

    async def run(
        self, model: Any = None, inputs: Any = None, options: Any = None, *_rest: Any
    ) -> Any:
        """Run a model by its name."""
        return await Bound(self).run(model, inputs, options)

    async def gateway(self, name: Any = None, *_rest: Any) -> Any:
        """Return what can be done with a gateway."""
        return Bound(self).gateway(name)

    async def models(self, search: Any = None, *_rest: Any) -> Any:
        """Return the models that Workers AI has."""
        return await Bound(self).models(search)


class Counter(DurableObject):
    """What must be exact: one object for each thing that is counted."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        moves = bool(getattr(self.env._env, "CLUSTER", None))
        self._kept = KeptCounter(ctx._ctx.storage, WallClock(), moves=moves)

    async def take(self, asked: str) -> str:
        """Take units. `KeptCounter` tells what is asked and answered."""
        return await self._kept.take(asked)

    async def settle(self, asked: str) -> None:
        """Replace units that were taken by what was used."""
        await self._kept.settle(asked)

    async def on_alarm(self, _info: Any = None) -> None:
        """Write down what was counted, or forget it."""
        await self._kept.alarm()


class Flight(DurableObject):
    """Identical requests that are under way, of some of the keys of the cache."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._flights = Flights()

    async def on_fetch(self, request: Any) -> Any:
        """Let a request join, or forget what was shared."""
        return self._flights.answer(request.js_object)


class Tail(DurableObject):
    """Who watches the log as it grows: one object for each gateway."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._tail = GatewayTail(ctx._ctx, env._env)

    async def on_fetch(self, request: Any) -> Any:
        """Let somebody listen."""
        return await self._tail.listen(request.js_object)

    async def show(self, rows: str) -> None:
        """Show rows: a JSON array of the values of a row's columns."""
        await self._tail.show(rows)

    async def on_alarm(self, _info: Any = None) -> None:
        """Stay known to those who write the log."""
        await self._tail.renew()

    async def on_webSocketClose(self, socket: Any, *_how: Any) -> None:  # noqa: N802 - the platform's
        """Take note of a listener who has left."""
        await self._tail.left(socket)

    async def on_webSocketError(self, socket: Any, *_what: Any) -> None:  # noqa: N802
        """Take note of a listener who is gone."""
        await self._tail.left(socket)

    async def on_webSocketMessage(self, _socket: Any, _message: Any) -> None:  # noqa: N802
        """Overlook what a listener says: there is nothing to ask for."""
