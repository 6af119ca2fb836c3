"""What is done every few minutes, whether requests come or not.

Each run does a bounded amount of work; what is left is done by the next ones.
"""

from gateways import Gateways
from logs.leftovers import sweep
from logs.pruning import Days, prune
from logs.retention import Keeper
from logs.rollups import roll_up
from ports import Clock, Database, Snapshots

PATIENCE_MS = 25_000
"""After this long a run begins nothing new."""
ROUND = 20
"""Hours, and days, that are counted between two looks at the clock."""


async def maintain(
    database: Database, snapshots: Snapshots, clock: Clock, days: Days | None = None
) -> None:
    """Count what is due, delete what has had its time or has no gateway. Raises DatabaseError."""
    until = clock() + PATIENCE_MS
    while await roll_up(database, clock(), ROUND) and clock() < until:
        pass
    await Keeper(database, snapshots, Gateways(clock), clock, until + PATIENCE_MS).keep()
    if days:
        await prune(database, days, clock, until + PATIENCE_MS)
    await sweep(database, clock, until + PATIENCE_MS)
    # Renews the statistics from which the database chooses its indexes.
    await database.all("PRAGMA optimize")
