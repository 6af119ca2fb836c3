"""The Worker's entry points, and nothing else."""

from typing import Any

from workers import DurableObject, WorkerEntrypoint

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


class Counter(DurableObject):
    """What must be exact: one object for each thing that is counted.

    The namespace belongs to the deployment from its first day, because adding one later is a
    migration. Nothing is counted yet.
    """
