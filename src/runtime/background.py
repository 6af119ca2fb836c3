"""The Background port: work that goes on under `waitUntil`."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from js import Promise

from boundary import Survived

_under_way = 0
_AFTERWARDS = Survived("work after a reply failed")


def under_way() -> int:
    """Return how many requests of this isolate are not done with, their work after it included."""
    return _under_way


class JsBackground:
    """The work of one request that goes on after its reply."""

    def __init__(self, ctx: Any) -> None:
        global _under_way  # noqa: PLW0603 - of the isolate, as its requests are
        _under_way += 1
        self._jobs: list[Coroutine[Any, Any, None]] = []
        self._task: asyncio.Task[None] | None = None
        self._ctx = ctx
        self._ended: Any = None

    def keep(self) -> None:
        """Keep the request alive, even if the caller leaves, so that its work can begin."""
        self._ended = Promise.withResolvers()
        self._ctx.waitUntil(self._ended.promise)

    @property
    def busy(self) -> bool:
        """Whether there is work."""
        return bool(self._jobs)

    def add(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine once the reply is on its way."""
        self._jobs.append(job)

    def replied(self) -> None:
        """Let the work begin, when what has been replied is on its way."""
        if self._jobs:
            if self._ended is None:
                self.keep()
            asyncio.get_running_loop().call_later(0, self._begin)
        else:
            self._end()

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            # One after the other: a task for each would cost more than most of them.
            for job in self._jobs:
                with _AFTERWARDS:
                    await job
        finally:
            self._end()

    def _end(self) -> None:
        global _under_way  # noqa: PLW0603
        _under_way -= 1
        if self._ended is not None:
            self._ended.resolve()
