"""What the cron trigger does."""

from typing import Any

import maintenance
from runtime.clock import WallClock
from runtime.database import D1
from runtime.snapshots import KvSnapshots


async def maintain(env: Any) -> None:
    """Keep the log."""
    await maintenance.maintain(D1(env.DB), KvSnapshots(env.CONFIG), WallClock())
