"""Finds a gateway by its name: in this isolate's memory, in its snapshot, in the database."""

import contextlib
import json
import logging
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from ports import Clock, Database, DatabaseError, Row, Snapshots
from snapshot import SELECT, Gateway

_log = logging.getLogger("sluice.gateways")

MEMORY_MS = 5_000
"""How long an isolate trusts what it knows of a gateway, that it does not exist included."""
MEMORY_ENTRIES = 1_000
STALE_MS = 60_000
"""For how long after that it goes on with what it knows where nothing can be read: no longer than a
data centre may answer from its copy of a snapshot."""
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
        self._changes = 0
        """How often something was forgotten: what was read before may be what was changed."""

    async def find(
        self, account: str, gateway_id: str, snapshots: Snapshots, database: Database
    ) -> Gateway | None:
        """Return a gateway, or None where there is none. Raises DatabaseError."""
        name = (account, gateway_id)
        known = self._known.get(name)
        if known is None or known.until <= self._clock():
            changes = self._changes
            try:
                gateway = await self._read(account, gateway_id, snapshots, database)
            except DatabaseError:
                # What was changed meanwhile is forgotten here, too.
                known = self._known.get(name)
                if known is None or known.until + STALE_MS <= self._clock():
                    raise
                return known.gateway
            known = _Known(gateway, self._clock() + MEMORY_MS)
            if changes == self._changes:
                self._remember(name, known)
        return known.gateway

    async def changed(self, account: str, gateway_id: str, snapshots: Snapshots) -> None:
        """Forget a gateway that was made, changed or deleted, here and in its snapshot.

        Other isolates know of it when their memory and the copy of the snapshot in their data
        centre have passed.
        """
        self._forget(account, gateway_id)
        await snapshots.delete(_key(account, gateway_id))
        # Who came meanwhile may have read the old snapshot.
        self._forget(account, gateway_id)

    @contextlib.asynccontextmanager
    async def changing(
        self, account: str, snapshots: Snapshots, database: Database
    ) -> AsyncGenerator[None, None]:
        """Surround a change of what the gateways of an account have in common, and forget them all.

        Raises DatabaseError before the change alone. Nothing that can fail comes after it: whoever
        asks again for what has been done finds nothing to do.
        """
        rows = await database.all(_OF_ACCOUNT, account)
        try:
            yield
        finally:
            # A change that failed may have been made all the same, and its answer lost.
            for row in rows:
                await self.changed(account, row["id"], snapshots)

    def _remember(self, name: tuple[str, str], known: _Known) -> None:
        if len(self._known) >= MEMORY_ENTRIES:
            self._known.clear()
        self._known[name] = known

    def _forget(self, account: str, gateway_id: str) -> None:
        self._changes += 1
        self._known.pop((account, gateway_id), None)

    async def _read(
        self, account: str, gateway_id: str, snapshots: Snapshots, database: Database
    ) -> Gateway | None:
        key = _key(account, gateway_id)
        if (copy := _copied(account, gateway_id, await snapshots.get(key))) is not None:
            return copy
        rows = await database.all(SELECT, account, gateway_id)
        if not rows:
            return None
        gateway = Gateway.of(account, gateway_id, rows[0])
        await snapshots.put(key, json.dumps(dict(rows[0])), SNAPSHOT_S)
        # Who changed it meanwhile may have deleted the snapshot before it was there.
        again = await _read_again(account, gateway_id, database)
        if again is None:
            await snapshots.delete(key)
        elif again != rows:
            await self.changed(account, gateway_id, snapshots)
        return gateway


def _key(account: str, gateway_id: str) -> str:
    return f"gateway:{account}:{gateway_id}"


def _copied(account: str, gateway_id: str, snapshot: str | None) -> Gateway | None:
    """Return what a snapshot says, or None where there is none that can be read."""
    if snapshot is None:
        return None
    try:
        return Gateway.of(account, gateway_id, json.loads(snapshot))
    except (ValidationError, ValueError, KeyError, TypeError):
        named = _key(account, gateway_id)
        _log.warning("snapshot %r is unreadable, and read from the database instead", named)
        return None


async def _read_again(account: str, gateway_id: str, database: Database) -> Sequence[Row] | None:
    try:
        return await database.all(SELECT, account, gateway_id)
    except DatabaseError:
        return None
