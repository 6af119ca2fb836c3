"""What the cron trigger does."""

import logging
from typing import Any

import maintenance
from errors import Misconfigured
from logs.pruning import VARIABLES, Days
from runtime.clock import WallClock
from runtime.database import D1
from runtime.snapshots import KvSnapshots

_log = logging.getLogger("sluice.maintain")


async def maintain(env: Any) -> None:
    """Keep the log, and what has its days."""
    database, snapshots = D1(env.DB), KvSnapshots(env.CONFIG)
    await maintenance.maintain(database, snapshots, WallClock(), _days(env))


def _days(env: Any) -> Days | None:
    try:
        return Days.of({name: getattr(env, name, None) for name in VARIABLES})
    except Misconfigured as error:
        # Nothing is deleted that somebody may have wanted to keep.
        _log.error("what is old is not deleted: %s", error.message)
        return None
