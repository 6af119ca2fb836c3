"""Finds a gateway by its name: in this isolate's memory, in its snapshot, in the database."""

import json
import logging
from dataclasses import dataclass

from pydantic import ValidationError

from ports import Clock, Database, Snapshots
from snapshot import SELECT, Gateway

_log = logging.getLogger("sluice.gateways")

MEMORY_MS = 5_000
"""How long an isolate trusts what it knows of a gateway, that it does not exist included."""
MEMORY_ENTRIES = 1_000
SNAPSHOT_S = 600
"""How long a snapshot lives, so that a change made in the database by hand, or while KV could not
be reached, is seen in the end."""

_OF_ACCOUNT = "SELECT id FROM gateways WHERE account_id = ?1"


@dataclass(frozen=True, slots=True)
class _Known:
    gateway: Gateway | None
    until: float


class Gateways:
    """The gateways that one isolate knows."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str], _Known] = {}

    async def find(
        self, account: str, gateway_id: str, snapshots: Snapshots, database: Database
    ) -> Gateway | None:
        """Return a gateway, or None where there is none. Raises DatabaseError."""
        name = (account, gateway_id)
        known = self._known.get(name)
        if known is None or known.until <= self._clock():
            gateway = await _read(account, gateway_id, snapshots, database)
            known = _Known(gateway, self._clock() + MEMORY_MS)
            if len(self._known) >= MEMORY_ENTRIES:
                self._known.clear()
            self._known[name] = known
        return known.gateway

    async def changed(self, account: str, gateway_id: str, snapshots: Snapshots) -> None:
        """Forget a gateway that was made, changed or deleted, here and in its snapshot.

        Other isolates know of it when their memory and the copy of the snapshot in their data
        centre have passed.
        """
        self._known.pop((account, gateway_id), None)
        await snapshots.delete(_key(account, gateway_id))

    async def account_changed(self, account: str, snapshots: Snapshots, database: Database) -> None:
        """Forget every gateway of an account: what they have in common was changed."""
        for row in await database.all(_OF_ACCOUNT, account):
            await self.changed(account, row["id"], snapshots)


def _key(account: str, gateway_id: str) -> str:
    return f"gateway:{account}:{gateway_id}"


async def _read(
    account: str, gateway_id: str, snapshots: Snapshots, database: Database
) -> Gateway | None:
    key = _key(account, gateway_id)
    snapshot = await snapshots.get(key)
    if snapshot is not None:
        try:
            return Gateway.of(account, gateway_id, json.loads(snapshot))
        except (ValidationError, ValueError, KeyError, TypeError):
            _log.warning("snapshot %r is unreadable, and read from the database instead", key)
    rows = await database.all(SELECT, account, gateway_id)
    if not rows:
        return None
    gateway = Gateway.of(account, gateway_id, rows[0])
    await snapshots.put(key, json.dumps(dict(rows[0])), SNAPSHOT_S)
    return gateway
