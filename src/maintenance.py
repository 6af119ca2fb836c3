"""What is done every few minutes, whether requests come or not.

Each run does a bounded amount of work; what is left is done by the next ones.
"""

from gateways import Gateways
from ports import Clock, Database, Snapshots
from retention import Keeper
from rollups import roll_up

PATIENCE_MS = 25_000
"""After this long a run begins nothing new."""
ROUND = 20
"""Hours, and days, that are counted between two looks at the clock."""


async def maintain(database: Database, snapshots: Snapshots, clock: Clock) -> None:
    """Count what is due, delete what has had its time. Raises DatabaseError."""
    until = clock() + PATIENCE_MS
    while await roll_up(database, clock(), ROUND) and clock() < until:
        pass
    await Keeper(database, snapshots, Gateways(clock), clock, until + PATIENCE_MS).keep()
    # Renews the statistics from which the database chooses its indexes.
    await database.all("PRAGMA optimize")
