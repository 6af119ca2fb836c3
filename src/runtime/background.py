"""The Background port: one `waitUntil` for each request, from its start."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

_log = logging.getLogger("sluice.background")


class JsBackground:
    """The work of one request that goes on after its reply.

    `waitUntil` is called before the request is served, not after: it keeps the request alive when
    the caller leaves early, so that even then a row is written.
    """

    def __init__(self, ctx: Any) -> None:
        self._jobs: list[Coroutine[Any, Any, None]] = []
        self._replied = asyncio.get_running_loop().create_future()
        ctx.waitUntil(self._run())

    def add(self, job: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine once the reply is on its way."""
        self._jobs.append(job)

    def replied(self) -> None:
        """Let the work begin."""
        self._replied.set_result(None)

    async def _run(self) -> None:
        await self._replied
        # One after the other: a task for each would cost more than most of them.
        for job in self._jobs:
            try:
                await job
            except Exception:  # noqa: BLE001 - the boundary of work that nobody waits for
                _log.exception("work after a reply failed")
