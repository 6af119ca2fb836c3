"""The Worker's entry points, and nothing else."""

from typing import Any

from workers import DurableObject, WorkerEntrypoint

from runtime.clock import WallClock
from runtime.flight import Flights
from runtime.kept_counter import KeptCounter
from runtime.logqueue import consume
from runtime.maintain import maintain
from runtime.serve import serve


class Default(WorkerEntrypoint):
    """What Cloudflare calls: HTTP requests and the cron trigger."""

    async def fetch(self, request: Any) -> Any:
        """Answer an HTTP request."""
        # `_env` is the JS object behind the wrapper of the SDK, which is dearer than the calls.
        return await serve(request.js_object, self.env._env, self.ctx)

    async def scheduled(self, _controller: Any, _env: Any, _ctx: Any) -> None:
        """Do what the cron trigger is for."""
        await maintain(self.env._env)

    async def queue(self, batch: Any, _env: Any, _ctx: Any) -> None:
        """Write rows of the log that come from the queue."""
        await consume(batch._binding, self.env._env)


class Counter(DurableObject):
    """What must be exact: one object for each thing that is counted."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._kept = KeptCounter(ctx._ctx.storage, WallClock())

    async def take(self, asked: str) -> str:
        """Take units. `KeptCounter` tells what is asked and answered."""
        return await self._kept.take(asked)

    async def settle(self, asked: str) -> None:
        """Replace units that were taken by what was used."""
        await self._kept.settle(asked)

    async def alarm(self, _info: Any = None) -> None:
        """Write down what was counted, or forget it."""
        await self._kept.alarm()


class Flight(DurableObject):
    """Identical requests that are under way, of some of the keys of the cache."""

    def __init__(self, ctx: Any, env: Any) -> None:
        super().__init__(ctx, env)
        self._flights = Flights()

    async def fetch(self, request: Any) -> Any:
        """Let a request join, or forget what was shared."""
        return self._flights.answer(request.js_object)
