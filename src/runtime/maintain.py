"""What the cron trigger does."""

from typing import Any

from runtime.database import D1


async def maintain(env: Any) -> None:
    """Let the database renew the statistics from which it chooses its indexes."""
    await D1(env.DB).all("PRAGMA optimize")
